//! Owns what hosts see of the clock of a store, and its confirmation by a person.
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

/// The time that a store goes by, and how its clock relates to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClockStatus {
    /// The time that the clock shows.
    pub shown: Timestamp,
    /// The time that the store goes by. What ends by then has ended, and the next record has this time.
    pub now: Timestamp,
    /// How the clock relates to it.
    pub standing: ClockStanding,
    /// Whether that time does not advance. Pauses after failures then count the time that passes, and end with the
    /// worker that waits.
    pub stands_still: bool,
    /// What is recorded about a clock that is not believed. `None` in a store that is open for reading only if no
    /// command has written since the clock jumped. Also `None` once the clock was set back, whether that is recorded
    /// yet or not.
    pub held: Option<HeldClock>,
    /// How often the clock can still be rebased, of 64 times.
    pub rebases_left: usize,
}

impl ClockStatus {
    pub(super) fn of(judged: &Judged, whole: &Whole) -> Self {
        let held = whole.clocks.held.filter(|_| whole.clocks.noted(judged).held.is_some());
        let (standing, stands_still) = (judged.standing, judged.is_still());
        let rebases_left = rebases_left(&whole.rebased);
        Self { shown: judged.seen.wall, now: judged.now, standing, stands_still, held, rebases_left }
    }

    /// Returns whether a person can make the store go by the clock ([`Session::rebase_clock`]): it is more than five
    /// minutes behind the last record, and was rebased less than 64 times.
    #[must_use]
    pub fn can_be_rebased(&self) -> bool {
        self.is_far_behind() && self.rebases_left > 0
    }

    /// Returns whether the clock is more than five minutes behind the last record, so that waiting does not help.
    #[must_use]
    pub fn is_far_behind(&self) -> bool {
        matches!(self.standing, ClockStanding::Behind(by) if by > limits::CLOCK_REBASED_BEHIND)
    }

    /// Returns whether the store waits for a person to confirm the time.
    #[must_use]
    pub const fn is_ahead(&self) -> bool {
        matches!(self.standing, ClockStanding::Ahead(_))
    }
}

impl Store {
    /// Returns the time that the store goes by, and how its clock relates to it.
    ///
    /// Blocks only on the clock, and never fails.
    #[must_use]
    pub fn clock(&self) -> ClockStatus {
        let shared = &self.0.shared;
        let judged = shared.look_at_clock();
        shared.published.with(|snapshot| ClockStatus::of(&judged, &snapshot.state.whole))
    }

    /// Returns the secrets that would lose something at once if the store believed the time of the clock: a lease, a
    /// credential or the data ends between the store's time and that time. Empty while the clock is believed. Looks at
    /// every secret with an end by then.
    #[must_use]
    pub fn ends_when_clock_is_confirmed(&self) -> Vec<Arc<Secret>> {
        let clock = self.clock();
        let snapshot = self.0.view();
        if !clock.is_ahead() {
            return Vec::new();
        }
        let ended = snapshot.lapsed(clock.shown, usize::MAX).into_iter();
        ended.filter_map(|id| snapshot.state.secret(id).cloned()).collect()
    }
}

impl Session {
    /// Confirms the time that the clock shows: the store goes by it from now on, and what ended by then ends at once,
    /// for good. A person should call this who has compared the clock with another one. Does nothing while the clock is
    /// believed.
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
    /// As for every command: when this returns, the command is durable.
    pub fn confirm_clock(&self) -> Result<Receipt, Error> {
        self.run(Command::confirm_clock())
    }
}
