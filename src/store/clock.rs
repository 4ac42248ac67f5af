//! Owns what hosts see of the clock of a store, and the word of a person that the time is right.
//!
//! Read next: [`crate::ClockBounds`].

use std::sync::Arc;

use crate::domain::clock::{ClockStanding, HeldClock, Judged};
use crate::domain::command::Command as Decided;
use crate::domain::limits;
use crate::domain::rebase::{self, Rebased, rebases_left};
use crate::domain::receipt::Receipt;
use crate::domain::secret::Secret;
use crate::domain::state::Whole;
use crate::domain::time::Timestamp;
use crate::error::Error;

use super::command::Command;
use super::session::Session;
use super::store::{Inner, Store};

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
    /// What is recorded of a clock that is not believed. Nothing is yet where the store is open for reading only and nobody has
    /// written since the clock jumped; nothing is any more where the clock was set back, whether a record says so yet or not.
    pub held: Option<HeldClock>,
    /// How often the clock can be rebased yet, of 64 times.
    pub rebases_left: usize,
}

impl ClockStatus {
    pub(super) fn of(judged: &Judged, whole: &Whole) -> Self {
        let held = whole.clocks.held.filter(|_| whole.clocks.noted(judged).held.is_some());
        let rebases_left = rebases_left(&whole.rebased);
        Self { shown: judged.seen.wall, now: judged.now, standing: judged.standing, held, rebases_left }
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

/// A secret that something was recorded of in a time that has not come yet, as it is and as it would be if the clock were rebased.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MovedSecret {
    /// As it is.
    pub before: Arc<Secret>,
    /// With the times that count moved.
    pub after: Secret,
}

impl MovedSecret {
    /// Counts the leases whose end moves.
    #[must_use]
    pub fn leases(&self) -> usize {
        let ends = |secret: &Secret| secret.locks().map(|(_, lock)| lock.expires_at).collect::<Vec<_>>();
        let (before, after) = (ends(&self.before), ends(&self.after));
        before.iter().zip(&after).filter(|(before, after)| before != after).count()
    }

    /// Tells whether its next rotation moves, or the one that is under way.
    #[must_use]
    pub fn moves_a_rotation(&self) -> bool {
        let next = |secret: &Secret| (secret.next_rotation_at(), secret.rotation.clone());
        next(&self.before) != next(&self.after)
    }

    /// Tells whether its current version was made in the wrong time.
    #[must_use]
    pub fn moves_current(&self) -> bool {
        let counts_from = |secret: &Secret| secret.current().map(|version| version.counts_from);
        counts_from(&self.before) != counts_from(&self.after)
    }
}

impl Store {
    /// Lists the secrets of which something counts on that was recorded in a time that has not come yet by the clock: it is moved
    /// when the clock is rebased. Empty unless it [can be](ClockStatus::can_be_rebased). Looks at every secret, and copies these.
    #[must_use]
    pub fn moved_when_clock_is_rebased(&self) -> Vec<MovedSecret> {
        let (clock, snapshot) = (self.clock(), self.0.engine.view());
        if !clock.can_be_rebased() {
            return Vec::new();
        }
        let would_be = Rebased { position: snapshot.end.size, before: clock.now, observed_at: clock.shown };
        let (secrets, all) = (snapshot.state.secrets.values(), &snapshot.state.whole.rebased);
        let moved = |before: &Arc<Secret>| {
            let mut after = Secret::clone(before);
            rebase::move_times(&mut after, &would_be, all);
            MovedSecret { before: Arc::clone(before), after }
        };
        secrets.filter(|secret| rebase::is_concerned(secret, &would_be)).map(moved).collect()
    }

    /// Gives how often the clock was rebased, and when: behind each of these records the time of the log falls. At most 64.
    #[must_use]
    pub fn clock_rebased(&self) -> Vec<Rebased> {
        self.0.engine.shared.published.with(|snapshot| snapshot.state.whole.rebased.clone())
    }
}

impl Inner {
    /// Gives a command, and what the clock shows in one that rebases it; the writer looks again when its turn comes.
    pub(super) fn by_clock(&self, command: &Decided) -> Decided {
        match command {
            Decided::RebaseClock(_) => Decided::RebaseClock(self.engine.shared.look_at_clock().seen.wall),
            other => other.clone(),
        }
    }
}

impl Session {
    /// Has the store go by its clock again, which shows an earlier time than the last record: a command under a clock that was
    /// years ahead has left its time in the log, and the store's time would stand still until then. To be asked by a person who
    /// has compared the clock with another one.
    ///
    /// The log keeps what was recorded; a `ClockRebased` says that its time falls there. What was made in the wrong time goes on:
    /// a lease has as much left as it had, schedules and graces count from the rebase less the age that things had then, and
    /// remembered answers are kept for their day. Dates that a person gave stay. What has ended in the wrong time stays ended.
    ///
    /// ```
    /// use latchkeep::{Actor, ClockStanding, ManualClock, SecretBytes, StoreOptions, Timestamp, Unlock};
    ///
    /// let clock = ManualClock::at(Timestamp::parse("2029-01-01T00:00:00Z")?);
    /// let key = Unlock::bytes(SecretBytes::copy_from(&[7; 32]));
    /// let store = StoreOptions::in_memory(key).clock(clock.clone()).create()?;
    /// clock.set(Timestamp::parse("2026-11-23T12:00:00Z")?);
    /// assert!(store.clock().can_be_rebased());
    ///
    /// store.acting_as(Actor::parse("anna")?).rebase_clock()?;
    /// assert_eq!(store.clock().standing, ClockStanding::Steady);
    /// assert_eq!(store.clock().now.to_string(), "2026-11-23T12:00:00Z");
    /// # Ok::<(), latchkeep::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Session::run`]. Kind `Refused` with [`crate::Refusal::InvalidArgument`] while the clock is not more than five minutes behind
    /// the last record, while it is held, and after 64 times.
    ///
    /// # Durability
    ///
    /// As for every command: when this returns, it is recorded.
    pub fn rebase_clock(&self) -> Result<Receipt, Error> {
        self.run(Command::rebase_clock())
    }

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
