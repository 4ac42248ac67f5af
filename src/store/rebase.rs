//! Owns the decision of a person that a store goes by its clock again, and what hosts are shown before: what moves, and
//! which records contradict the time.
//!
//! Read next: [`crate::domain::rebase`].

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::domain::clock::ClockHeld;
use crate::domain::command::Command as Decided;
use crate::domain::event::Event;
use crate::domain::event_shape::Kind;
use crate::domain::evidence::{Evidence, RebaseDoubt};
use crate::domain::name::LockName;
use crate::domain::position::{Position, VersionNumber};
use crate::domain::rebase::{self, Rebased};
use crate::domain::receipt::Receipt;
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::domain::version::Version;
use crate::engine::log::Decoder;
use crate::engine::past::time_of;
use crate::error::Error;

use super::clock::ClockStatus;
use super::command::Command;
use super::session::Session;
use super::store::Store;
use crate::engine::Engine;

/// An end that moves when the clock is rebased.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MovedEnd {
    /// The version.
    pub version: VersionNumber,
    /// The lock whose lease ends; `None` for the dynamic credential of the version.
    pub lock: Option<LockName>,
    /// When it ends without a rebase.
    pub before: Timestamp,
    /// When it ends after a rebase: at once, if no time is left.
    pub after: Timestamp,
}

impl MovedEnd {
    fn all(before: &Version, after: &Version) -> Vec<Self> {
        let version = before.number;
        let of = |lock: Option<&LockName>, before: Option<Timestamp>, after: Option<Timestamp>| {
            let (before, after) = before.zip(after).filter(|(before, after)| before != after)?;
            Some(Self { version, lock: lock.cloned(), before, after })
        };
        let locks = before.locks.iter().zip(&after.locks);
        let leases = locks.filter_map(|(before, after)| of(Some(&before.name), before.expires_at, after.expires_at));
        leases.chain(of(None, before.expires_at, after.expires_at)).collect()
    }
}

/// A secret with records from a time that has not come yet, as it is and as it would be after a rebase of the clock.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MovedSecret {
    /// The secret as it is.
    pub before: Arc<Secret>,
    /// The secret with its times moved.
    pub after: Secret,
}

impl MovedSecret {
    /// Returns the ends that move: of leases, and of dynamic credentials.
    #[must_use]
    pub fn ends(&self) -> Vec<MovedEnd> {
        let pairs = self.before.versions.iter().zip(&self.after.versions);
        pairs.flat_map(|(before, after)| MovedEnd::all(before, after)).collect()
    }

    /// Returns when its data expires, if that stays although the secret was changed in the wrong time. The log does not
    /// say whether a date was given, or a length, which then counted from the wrong time.
    #[must_use]
    pub fn kept_expiry(&self) -> Option<Timestamp> {
        self.before.metadata.expires_at.filter(|_| self.before.updated_at != self.after.updated_at)
    }

    /// Returns whether its next rotation moves, or the open one.
    #[must_use]
    pub fn moves_a_rotation(&self) -> bool {
        let next = |secret: &Secret| (secret.next_rotation_at(), secret.rotation.clone());
        next(&self.before) != next(&self.after)
    }

    /// Returns whether its current version was made in the wrong time.
    #[must_use]
    pub fn moves_current(&self) -> bool {
        let counts_from = |secret: &Secret| secret.current().map(|version| version.counts_from);
        counts_from(&self.before) != counts_from(&self.after)
    }
}

impl Store {
    /// Returns the secrets with times that a rebase of the clock would move: they were recorded in a time that has not
    /// come yet by the clock. Empty unless the clock [can be rebased](ClockStatus::can_be_rebased). Looks at every
    /// secret, and copies these.
    #[must_use]
    pub fn moved_when_clock_is_rebased(&self) -> Vec<MovedSecret> {
        let (clock, snapshot) = (self.clock(), self.0.view());
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

    /// Returns how the log contradicts the time that the clock shows, before the clock is rebased to it. Empty unless
    /// the clock [can be rebased](ClockStatus::can_be_rebased). Neither a contradiction nor its absence is a proof:
    /// compare the clock with another one.
    ///
    /// Reads the newest stretch of the log, which is the whole log if the clock was never rebased.
    ///
    /// ```
    /// use latchkeep::{ManualClock, RebaseDoubt, SecretBytes, StoreOptions, Timestamp, Unlock};
    ///
    /// let made = Timestamp::parse("2026-11-23T12:00:00Z")?;
    /// let clock = ManualClock::at(made);
    /// let key = Unlock::bytes(SecretBytes::copy_from(&[7; 32]));
    /// let store = StoreOptions::in_memory(key).clock(clock.clone()).create()?;
    /// clock.set(Timestamp::parse("2020-01-01T00:00:00Z")?);
    /// assert_eq!(store.doubts_of_rebase()?, [RebaseDoubt::BeforeStretch { begins_at: made }]);
    /// # Ok::<(), latchkeep::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Kind `Corrupt` when the log is damaged, `Unavailable` when it cannot be read.
    pub fn doubts_of_rebase(&self) -> Result<Vec<RebaseDoubt>, Error> {
        let shared = &self.0.shared;
        let (judged, snapshot) = (shared.look_at_clock(), shared.published.load());
        let (end, whole) = (snapshot.end.size, &snapshot.state.whole);
        if !ClockStatus::of(&judged, whole).can_be_rebased() {
            return Ok(Vec::new());
        }
        let log = shared.held_at(Arc::clone(&snapshot));
        let (from, begins_at) = match whole.rebased.last() {
            Some(last) => (last.position.next(), last.observed_at),
            None => (Position::FIRST, time_of(&log, Position::FIRST)?),
        };
        let (mut evidence, mut decoder) = (Evidence::against(judged.seen, begins_at), Decoder::default());
        log.each(from, end, &mut |raw| {
            let header = raw.header();
            evidence.take(header.position, header.time);
            if header.event_type == CLOCK_HELD
                && let Some(Event::ClockHeld(held)) = decoder.decode(raw)?.map(|record| record.event)
            {
                evidence.take_held(header.time, &held);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(evidence.doubts())
    }

    /// Returns every rebase of the clock: after each of these records the time of the log falls. At most 64.
    #[must_use]
    pub fn clock_rebased(&self) -> Vec<Rebased> {
        self.0.shared.published.with(|snapshot| snapshot.state.whole.rebased.clone())
    }
}

impl Engine {
    /// Returns a command, with the time of the clock if it rebases the clock; the writer looks at the clock again.
    pub(super) fn by_clock(&self, command: &Decided) -> Decided {
        match command {
            Decided::RebaseClock(_) => Decided::RebaseClock(self.shared.look_at_clock().seen.wall),
            other => other.clone(),
        }
    }
}

impl Session {
    /// Makes the store go by its clock again, when that shows an earlier time than the last record. A command under a
    /// clock that was years ahead has left its time in the log, and the store's time would not advance until then. A
    /// person should call this who has compared the clock with another one.
    ///
    /// The log keeps its records; a `ClockRebased` says that its time falls there. What was made in the wrong time
    /// continues. A lease keeps the time that it had left. Schedules and graces count from the rebase, less the age
    /// that they had then. Remembered answers are kept for a day from the rebase on. An expiry stays. Records only have
    /// ends: a lease until a date moves like one of a length, and an expiry that was given as a length stays like a
    /// date. What has ended in the wrong time stays ended.
    ///
    /// [`Store::moved_when_clock_is_rebased`] returns what moves, and [`Store::doubts_of_rebase`] what contradicts the
    /// time. If that time is wrong too, leases end early.
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
    /// As [`Session::run`]. Kind `Refused` with [`crate::Refusal::InvalidArgument`] while the clock is at most five
    /// minutes behind the last record, while it is held, and after 64 times.
    ///
    /// # Durability
    ///
    /// As for every command: when this returns, the command is durable.
    pub fn rebase_clock(&self) -> Result<Receipt, Error> {
        self.run(Command::rebase_clock())
    }
}

/// The number of [`Event::ClockHeld`]; other bodies need not be decoded.
const CLOCK_HELD: u16 = <ClockHeld as Kind>::NUMBER;
