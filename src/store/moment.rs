//! Owns the store at a past moment: secrets, versions, locks, groups and settings at a position of the log or at a
//! time.
//!
//! Read next: [`crate::engine::past`].

use std::fmt;
use std::sync::Arc;

use crate::audit::AsOf;
use crate::domain::id::{GroupId, SecretId};
use crate::domain::name::SecretName;
use crate::domain::position::Position;
use crate::domain::refusal::Refusal;
use crate::domain::secret::{Secret, SecretType};
use crate::domain::settings::{Group, Settings};
use crate::domain::stretch::stretches;
use crate::domain::time::Timestamp;
use crate::engine::held::HeldLog;
use crate::engine::past::{Past, past, size_at, time_of};
use crate::error::Error;
use crate::projection::lock_board::LockStatus;

use super::looking;
use super::store::Store;

/// A store at some moment: what was known of secrets, but never their data. It does not change, and takes the memory of
/// a second state.
#[derive(Clone)]
pub struct Moment {
    past: Past,
    size: Position,
    time: Timestamp,
    stretches: usize,
}

impl Store {
    /// Returns the store after a record, at a time, or now: who held which lock at 12:03?
    ///
    /// *At a time* means after the last record of that time or before. A lock whose lease had ended by then is left
    /// out, even if its end was recorded later. If the clock was rebased, a time may be in several stretches of the
    /// log. Then the newest is used, and [`Moment::stretches`] returns their number. Commands that were not durable yet
    /// are not included.
    ///
    /// It loads the last past state before the moment, and replays and verifies the records in between, however long
    /// the log is. These are at most about 131,072 records
    /// ([`StoreOptions::past_states_apart`](crate::StoreOptions::past_states_apart)), or four for each secret if that
    /// is more, and a quarter more while the next past state is being written. A time also takes `O(log n)` looks at
    /// the log. If there is no past state (in an older log, or because they are damaged), the log is replayed from its
    /// beginning.
    ///
    /// ```
    /// use latchkeep::audit::AsOf;
    /// use latchkeep::{Actor, LockName, ManualClock, NewLock, NewSecret, SecretBytes, SecretName, StoreOptions, Timestamp};
    /// use latchkeep::{Unlock, VersionRef};
    ///
    /// let clock = ManualClock::at(Timestamp::parse("2026-11-23T12:00:00Z")?);
    /// let key = Unlock::bytes(SecretBytes::copy_from(&[7; 32]));
    /// let store = StoreOptions::in_memory(key).clock(clock.clone()).create()?;
    /// let ops = store.acting_as(Actor::parse("ops")?);
    /// let token = NewSecret::arbitrary(SecretName::parse("token")?, SecretBytes::copy_from(b"s3cr3t"))?;
    /// let secret = ops.create(token)?.secret.unwrap();
    /// ops.place_lock(secret, VersionRef::Current, NewLock::new(LockName::parse("billing")?))?;
    /// clock.advance(std::time::Duration::from_secs(300));
    /// ops.remove_lock(secret, VersionRef::Current, LockName::parse("billing")?)?;
    ///
    /// assert_eq!(store.lock_status(secret)?.locks_total(), 0);
    /// let then = store.as_of(AsOf::Time(Timestamp::parse("2026-11-23T12:03:00Z")?))?;
    /// assert_eq!(then.lock_status(secret)?.versions[0].locks[0].name.as_str(), "billing");
    /// # Ok::<(), latchkeep::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Kind `Refused` with [`Refusal::InvalidArgument`] for a position that the log has not reached, and for a time in
    /// the future or before the first record. Kind `Corrupt` when the log is damaged.
    pub fn as_of(&self, as_of: AsOf) -> Result<Moment, Error> {
        let shared = &self.0.shared;
        // For now, the shown state is used; for a position, the recorded one.
        let snapshot = if let AsOf::End = as_of { self.0.view() } else { shared.published.load() };
        let log = shared.held_at(Arc::clone(&snapshot));
        let (end, last_at) = (snapshot.end.size, snapshot.state.whole.last_at);
        let (size, stretches) = match as_of {
            AsOf::End => (end, 1),
            AsOf::Position(position) if position >= end => {
                let rule = format!("{position} lies beyond the end of the log, which has {end} records");
                return Err(Refusal::invalid("position", &rule).into());
            }
            AsOf::Position(position) => (position.next(), 1),
            AsOf::Time(time) => find(&log, time, last_at.max(self.0.now()))?,
        };
        let mut past = if size == end { Past::known(snapshot.state.clone()) } else { past(&log, size)? };
        let mut time = past.state.whole.last_at;
        if let AsOf::Time(asked) = as_of {
            past.end_leases(asked);
            time = asked;
        }
        Ok(Moment { past, size, time, stretches })
    }
}

/// Returns the size of the log at a time in the newest stretch that contains it, and how many stretches do; the last
/// stretch extends to `now`.
fn find(log: &HeldLog<'_>, time: Timestamp, now: Timestamp) -> Result<(Position, usize), Error> {
    let (whole, end) = (&log.snapshot.state.whole, log.snapshot.end.size);
    // If the clock was never rebased, there is one stretch, and the log need not be read to know that.
    let first_at = if whole.rebased.is_empty() { Timestamp::EPOCH } else { time_of(log, Position::FIRST)? };
    let mut holding = stretches(&whole.rebased, end, (first_at, now)).filter(|stretch| stretch.holds(time));
    let Some(newest) = holding.next() else {
        let rule = if time > now { "lies ahead; nobody knows what will be" } else { BEFORE_ALL };
        return Err(Refusal::invalid("time", rule).into());
    };
    let is_end = newest.until == end && time >= whole.last_at;
    match if is_end { end } else { size_at(log, time, newest.from..newest.until)? } {
        Position::FIRST => Err(Refusal::invalid("time", BEFORE_ALL).into()),
        size => Ok((size, holding.count().saturating_add(1))),
    }
}

const BEFORE_ALL: &str = "lies before the store was made";

impl Moment {
    /// Returns how many records of the log lead to this moment.
    #[must_use]
    pub const fn size(&self) -> Position {
        self.size
    }

    /// Returns the requested time, or that of the last record.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// Returns how many stretches of the log contain the requested time. It is more than one if the clock was rebased
    /// in between; this moment is then in the newest, and a position selects the others. 1 if no time was requested.
    #[must_use]
    pub const fn stretches(&self) -> usize {
        self.stretches
    }

    /// Returns how many records were replayed for it.
    #[must_use]
    pub const fn replayed(&self) -> u64 {
        self.past.replayed
    }

    /// Returns a secret as it was then: metadata, versions, locks.
    ///
    /// # Errors
    ///
    /// Kind `Refused` with [`Refusal::SecretNotFound`], also for a secret that is [hidden](Self::hidden).
    pub fn secret(&self, id: SecretId) -> Result<Arc<Secret>, Error> {
        looking::secret(&self.past.state, id)
    }

    /// Finds a secret by the type and name it had then.
    ///
    /// # Errors
    ///
    /// As [`Moment::secret`].
    pub fn secret_named(&self, secret_type: SecretType, name: &SecretName) -> Result<Arc<Secret>, Error> {
        looking::secret_named(&self.past.state, secret_type, name)
    }

    /// Returns all secrets that existed and are not hidden, in the order of their ids.
    #[must_use]
    pub fn secrets(&self) -> Vec<Arc<Secret>> {
        looking::secrets(&self.past.state)
    }

    /// Returns the locks on all versions of a secret.
    ///
    /// # Errors
    ///
    /// As [`Moment::secret`].
    pub fn lock_status(&self, id: SecretId) -> Result<LockStatus, Error> {
        looking::lock_status(&self.past.state, id)
    }

    /// Returns the groups except the default one. See [`Moment::hides_groups`].
    #[must_use]
    pub fn groups(&self) -> Vec<(GroupId, Group)> {
        looking::groups(&self.past.state)
    }

    /// Returns the settings of the store.
    #[must_use]
    pub const fn settings(&self) -> Settings {
        self.past.state.whole.settings
    }

    /// Iterates over secrets that existed at this moment but whose details were erased from the log since, and only
    /// restated later.
    pub fn hidden(&self) -> impl Iterator<Item = SecretId> {
        self.past.hidden.iter().copied()
    }

    /// Returns whether other groups, or other names of groups, may have existed, since words about groups were erased.
    #[must_use]
    pub fn hides_groups(&self) -> bool {
        self.past.hides_groups()
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Moment").field("size", &self.size).field("time", &self.time).finish_non_exhaustive()
    }
}
