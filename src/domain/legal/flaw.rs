//! Owns what an earlier release wrote in error, and what is legal all the same: it is named, never refused.
//!
//! Read next: [`super::walk`].

use std::fmt;

use super::super::event::Event;
use super::super::position::Position;
use super::super::record::Record;
use super::super::state::State;
use super::secret::is_overfull;

/// Flaws that are kept of one log, at most; the first ones tell what is wrong with it.
pub(super) const FLAWS_MAX: usize = 1_000;

/// What an earlier release wrote in error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The record.
    pub position: Position,
    /// What is wrong with it.
    pub kind: FlawKind,
}

/// What is wrong with a record that an earlier release wrote in error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FlawKind {
    /// A secret got more than 50 versions, since the oldest was still good outside.
    TooManyVersions,
    /// A rotation that waited for a person was parked again.
    ParkedTwice,
}

impl FlawKind {
    /// Gives the stable word for programs.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::TooManyVersions => "too_many_versions",
            Self::ParkedTwice => "parked_twice",
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            FlawKind::TooManyVersions => "more than 50 versions",
            FlawKind::ParkedTwice => "a rotation parked twice",
        };
        write!(f, "position {}: {what}, written by release 0.1 in error", self.position)
    }
}

/// Finds what is wrong with a legal record, in the state that it meets.
pub(super) fn before(state: &State, record: &Record) -> Option<FlawKind> {
    let Event::RotationParked(_) = &record.event else { return None };
    let rotation = state.secret(record.subject?.secret)?.rotation.as_ref()?;
    rotation.parked.is_some().then_some(FlawKind::ParkedTwice)
}

/// Finds what is wrong with a legal record, in the state behind it.
pub(super) fn after(state: &State, record: &Record) -> Option<FlawKind> {
    let Event::VersionAdded(_) = &record.event else { return None };
    is_overfull(state.secret(record.subject?.secret)?).then_some(FlawKind::TooManyVersions)
}
