//! Owns what hosts see of the clock of a store, and the word of a person that the time is right.
//!
//! Read next: [`super::rebase`], for a clock that is behind.

use std::sync::Arc;

use crate::domain::clock::{ClockStanding, HeldClock, Judged};
use crate::domain::limits;
use crate::domain::rebase::rebases_left;
use crate::domain::receipt::Receipt;
use crate::domain::secret::Secret;
use crate::domain::state::Whole;
use crate::domain::time::Timestamp;
use crate::error::Error;

use super::command::Command;
use super::session::Session;
use super::store::Store;

/// What time a store goes by, and how its clock stands to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClockStatus {
    /// What the clock shows.
    pub shown: Timestamp,
    /// The time that the store goes by: what ends by then has ended, and the next record has it.
    pub now: Timestamp,
    /// How the clock stands to it.
    pub standing: ClockStanding,
    /// Whether that time stands still, whatever passes: pauses of what failed are waited out by the time that passes, and end with the
    /// worker that waits.
    pub stands_still: bool,
    /// What is recorded of a clock that is not believed. Nothing is yet where the store is open for reading only and nobody has
    /// written since the clock jumped; nothing is any more where the clock was set back, whether a record says so yet or not.
    pub held: Option<HeldClock>,
    /// How often the clock can be rebased yet, of 64 times.
    pub rebases_left: usize,
}

impl ClockStatus {
    pub(super) fn of(judged: &Judged, whole: &Whole) -> Self {
        let held = whole.clocks.held.filter(|_| whole.clocks.noted(judged).held.is_some());
        let (standing, stands_still) = (judged.standing, judged.is_still());
        let rebases_left = rebases_left(&whole.rebased);
        Self { shown: judged.seen.wall, now: judged.now, standing, stands_still, held, rebases_left }
    }

    /// Tells whether a person can have the store go by the clock ([`Session::rebase_clock`]): it is more than five minutes behind the
    /// last record, and was rebased less than 64 times.
    #[must_use]
    pub fn can_be_rebased(&self) -> bool {
        self.is_far_behind() && self.rebases_left > 0
    }

    /// Tells whether the clock is more than five minutes behind the last record: that is not waited out.
    #[must_use]
    pub fn is_far_behind(&self) -> bool {
        matches!(self.standing, ClockStanding::Behind(by) if by > limits::CLOCK_REBASED_BEHIND)
    }

    /// Tells whether the store waits for somebody to confirm the time.
    #[must_use]
    pub const fn is_ahead(&self) -> bool {
        matches!(self.standing, ClockStanding::Ahead(_))
    }
}

impl Store {
    /// Tells what time the store goes by, and how its clock stands to it.
    ///
    /// Blocks on nothing but the clock, and fails never.
    #[must_use]
    pub fn clock(&self) -> ClockStatus {
        let shared = &self.0.engine.shared;
        let judged = shared.look_at_clock();
        shared.published.with(|snapshot| ClockStatus::of(&judged, &snapshot.state.whole))
    }

    /// Lists what would end at once if the time that the clock shows were believed: secrets of which a lease, a credential or the
    /// data ends between the time that the store goes by and that. Empty while the clock is believed. Looks at every secret
    /// that has an end by then.
    #[must_use]
    pub fn ends_when_clock_is_confirmed(&self) -> Vec<Arc<Secret>> {
        let clock = self.clock();
        let snapshot = self.0.engine.view();
        if !clock.is_ahead() {
            return Vec::new();
        }
        let ended = snapshot.lapsed(clock.shown, usize::MAX).into_iter();
        ended.filter_map(|id| snapshot.state.secret(id).cloned()).collect()
    }
}

impl Session {
    /// Says that the time which the clock shows is right: the store goes by it from now on, and what ended by then ends at once,
    /// for good. To be asked by a person who has compared it with another clock. Nothing happens while the clock is believed.
    ///
    /// ```
    /// use latchkeep::{Actor, ClockStanding, ManualClock, SecretBytes, StoreOptions, Timestamp, Unlock};
    ///
    /// let clock = ManualClock::at(Timestamp::parse("2026-11-23T12:00:00Z")?);
    /// let key = Unlock::bytes(SecretBytes::copy_from(&[7; 32]));
    /// let store = StoreOptions::in_memory(key).clock(clock.clone()).create()?;
    /// clock.set(Timestamp::parse("2099-01-01T00:00:00Z")?);
    /// assert!(store.clock().is_ahead());
    /// assert_eq!(store.clock().now.to_string(), "2026-11-23T12:00:00Z");
    ///
    /// store.acting_as(Actor::parse("anna")?).confirm_clock()?;
    /// assert_eq!(store.clock().standing, ClockStanding::Steady);
    /// assert_eq!(store.clock().now.to_string(), "2099-01-01T00:00:00Z");
    /// # Ok::<(), latchkeep::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Session::run`].
    ///
    /// # Durability
    ///
    /// As for every command: when this returns, it is recorded.
    pub fn confirm_clock(&self) -> Result<Receipt, Error> {
        self.run(Command::confirm_clock())
    }
}
