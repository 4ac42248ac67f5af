//! Disposable folds over the log: what people are shown, and what becomes due by time. Deleting them all loses nothing.
//!
//! They follow from the state, secret by secret: [`Projections::apply`] takes a secret before and after a change. Read
//! next: [`lock_board`].

pub(crate) mod calendar;
pub(crate) mod lock_board;
pub(crate) mod notification;
pub(crate) mod tally;

use crate::domain::secret::Secret;

use calendar::Calendar;
use tally::Tally;

/// Every fold that is updated step by step.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Projections {
    pub(crate) calendar: Calendar,
    pub(crate) tally: Tally,
}

impl Projections {
    /// Applies a change of one secret: its state before, and its state now.
    pub(crate) fn apply(&mut self, before: Option<&Secret>, after: Option<&Secret>) {
        self.calendar.apply(before, after);
        self.tally.apply(before, after);
    }

    /// Makes the folds from a whole state.
    pub(crate) fn rebuild<'a>(secrets: impl Iterator<Item = &'a Secret>) -> Self {
        let mut fresh = Self::default();
        secrets.for_each(|secret| fresh.apply(None, Some(secret)));
        fresh
    }
}
