//! Owns the store as it was: secrets, versions, locks, groups and settings at a position of the log or at a time.
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

/// A store as it was at some moment: what was known of secrets, but never their data. Stays as it is for as long as it is
/// held, and takes the memory of a second state.
#[derive(Clone)]
pub struct Moment {
    past: Past,
    size: Position,
    time: Timestamp,
    stretches: usize,
}

impl Store {
    /// Gives the store as it was after a record, at a time, or now: who held which lock at 12:03?
    ///
    /// *At a time* means after the last record of that time or before; a lock whose lease had ended by then is left out, even
    /// where the record of its end came later. Where the clock was rebased, a time may lie in several stretches of the log: it means
    /// the newest one, and [`Moment::stretches`] tells how many there are. What was asked of the store and was not durable yet is not in it.
    ///
    /// Costs the load of the last past state that is kept before it, and the replay of the records in between, which are
    /// verified: at most about 131,072 of them ([`StoreOptions::past_states_apart`](crate::StoreOptions::past_states_apart)),
    /// or four for each secret if that is more, and a quarter more while the next past state is being written; however long
    /// the log is. A time takes `O(log n)` looks at the log besides. Where no past
    /// state is kept (in a log from before they were, or where they are damaged) the log is replayed from its beginning.
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
    /// Kind `Refused` with [`Refusal::InvalidArgument`] for a position that the log has not reached, and for a time that
    /// lies ahead or before the first record. Kind `Corrupt` when the log is damaged.
    pub fn as_of(&self, as_of: AsOf) -> Result<Moment, Error> {
        let shared = &self.0.engine.shared;
        // What is now is what is shown; a position is what is recorded.
        let snapshot = if let AsOf::End = as_of { self.0.engine.view() } else { shared.published.load() };
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

/// Gives the size of the log at a time in the newest stretch that it lies in, and in how many it does; the last one goes up to `now`.
fn find(log: &HeldLog<'_>, time: Timestamp, now: Timestamp) -> Result<(Position, usize), Error> {
    let (whole, end) = (&log.snapshot.state.whole, log.snapshot.end.size);
    // Where the clock was never rebased, the log need not be looked at to find that there is one stretch.
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
    /// Gives how many records of the log lead to it.
    #[must_use]
    pub const fn size(&self) -> Position {
        self.size
    }

    /// Gives the time that was asked for, or that of the last record.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// Gives in how many stretches of the log the time lies that was asked for: more than one where the clock was rebased in
    /// between, and then this is the newest of them; a position tells of the others. 1 where no time was asked for.
    #[must_use]
    pub const fn stretches(&self) -> usize {
        self.stretches
    }

    /// Gives how many records were replayed for it.
    #[must_use]
    pub const fn replayed(&self) -> u64 {
        self.past.replayed
    }

    /// Gives a secret as it was then: metadata, versions, locks.
    ///
    /// # Errors
    ///
    /// Kind `Refused` with [`Refusal::SecretNotFound`], also for one that is [hidden](Self::hidden).
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

    /// Gives all secrets that were there and are not hidden, in the order of their ids.
    #[must_use]
    pub fn secrets(&self) -> Vec<Arc<Secret>> {
        looking::secrets(&self.past.state)
    }

    /// Gives the locks that stood on all versions of a secret.
    ///
    /// # Errors
    ///
    /// As [`Moment::secret`].
    pub fn lock_status(&self, id: SecretId) -> Result<LockStatus, Error> {
        looking::lock_status(&self.past.state, id)
    }

    /// Gives the groups beside the default one. See [`Moment::hides_groups`].
    #[must_use]
    pub fn groups(&self) -> Vec<(GroupId, Group)> {
        looking::groups(&self.past.state)
    }

    /// Gives what the store was set to.
    #[must_use]
    pub const fn settings(&self) -> Settings {
        self.past.state.whole.settings
    }

    /// Walks over the secrets that were there and of which no more can be known: words about them were erased from the log
    /// since, and it was later that what stood was said again.
    pub fn hidden(&self) -> impl Iterator<Item = SecretId> {
        self.past.hidden.iter().copied()
    }

    /// Tells whether there may have been other groups, or other names of groups, since words about groups were erased.
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
