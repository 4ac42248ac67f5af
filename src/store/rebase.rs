//! Owns the word of a person that a store is to go by its clock again, and what hosts are told of that before: what moves, and what
//! speaks against the time.
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
use super::store::{Inner, Store};

/// An end that moves when the clock is rebased.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MovedEnd {
    /// The version.
    pub version: VersionNumber,
    /// The lock whose lease ends; none for the dynamic credential of the version.
    pub lock: Option<LockName>,
    /// When it ends as things are.
    pub before: Timestamp,
    /// When it ends once the clock is rebased: at once, where nothing is left of it.
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
    /// Gives the ends that move: of leases, and of dynamic credentials.
    #[must_use]
    pub fn ends(&self) -> Vec<MovedEnd> {
        let pairs = self.before.versions.iter().zip(&self.after.versions);
        pairs.flat_map(|(before, after)| MovedEnd::all(before, after)).collect()
    }

    /// Gives when its data expires, where that stays as it is though the secret was changed in the wrong time: the log does not tell
    /// whether a date was given, or a length, which counted from the wrong time then.
    #[must_use]
    pub fn kept_expiry(&self) -> Option<Timestamp> {
        self.before.metadata.expires_at.filter(|_| self.before.updated_at != self.after.updated_at)
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

    /// Gives what the log tells against the time that the clock shows, before the clock is rebased to it: nothing unless it
    /// [can be](ClockStatus::can_be_rebased). That is no proof, as its absence is none: compare the clock with another one.
    ///
    /// Reads the newest stretch of the log, all of it where the clock was never rebased.
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
        let shared = &self.0.engine.shared;
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
    /// remembered answers are kept for a day from the rebase on. An expiry stays. Records hold ends: a lease until a date moves like one
    /// of a length, and an expiry that was given as a length stays like a date. What has ended in the wrong time stays ended.
    ///
    /// [`Store::moved_when_clock_is_rebased`] tells what moves, and [`Store::doubts_of_rebase`] what speaks against the time. Where that is
    /// wrong too, leases end early.
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
}

/// The number of [`Event::ClockHeld`]; other bodies need not be decoded.
const CLOCK_HELD: u16 = <ClockHeld as Kind>::NUMBER;
