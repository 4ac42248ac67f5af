//! Owns what failed in a run: damaged data of one secret leaves the others to be done, anything else ends the run.
//!
//! Read next: [`super::single_run`].

use crate::error::{Error, ErrorKind};

/// The error that a run gives, if it gives one: what ends it counts more than damage.
#[derive(Default)]
pub(super) struct Failure(Option<Error>);

impl Failure {
    pub(super) const fn none() -> Self {
        Self(None)
    }

    /// Notes an error; the first of its kind counts.
    pub(super) fn note(&mut self, error: Error) {
        if self.0.is_none() || (!self.ends_run() && !is_damage(&error)) {
            self.0 = Some(error);
        }
    }

    /// Tells whether what else is due is left.
    pub(super) fn ends_run(&self) -> bool {
        self.0.as_ref().is_some_and(|error| !is_damage(error))
    }

    /// Gives the error, or how many steps were done.
    pub(super) fn or(self, steps: u64) -> Result<u64, Error> {
        self.0.map_or(Ok(steps), Err)
    }
}

fn is_damage(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Corrupt)
}
