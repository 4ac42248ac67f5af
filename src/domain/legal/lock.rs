//! Owns the rules for events about locks.

use super::super::event::{LockExpired, LockPlaced, LockRemoved, LockRenewed};
use super::super::id::VersionId;
use super::super::limits;
use super::super::lock::Lock;
use super::super::name::LockName;
use super::super::record::Record;
use super::super::rotation::Credential;
use super::super::secret::Secret;
use super::super::state::State;
use super::super::stop::{Work, may};
use super::super::time::Timestamp;
use super::super::version::Version;

use super::{Rule, hold};

pub(super) fn place(secret: &Secret, event: &LockPlaced, record: &Record) -> Result<(), Rule> {
    let version = version(secret, event.version)?;
    hold(version.is_available(), Rule::LockOnDestroyedData)?;
    hold(!is_too_late(secret, version) && secret.may(Work::Lock).is_ok(), Rule::LockTooLate)?;
    let is_long = |end: Timestamp| is_long_enough(end, record);
    hold(event.lock.expires_at.is_none_or(is_long), Rule::EndMismatch)?;
    match version.lock(&event.lock.name) {
        Some(standing) => owned(standing, record, event.forced),
        None => hold(!event.forced, Rule::LockOwned),
    }
}

pub(super) fn renew(secret: &Secret, event: &LockRenewed, record: &Record) -> Result<(), Rule> {
    let lock = standing(secret, event.version, &event.name)?;
    hold(lock.expires_at.is_some(), Rule::LockPermanent)?;
    hold(is_long_enough(event.expires_at, record), Rule::EndMismatch)?;
    owned(lock, record, event.forced)
}

pub(super) fn remove(secret: &Secret, event: &LockRemoved, record: &Record) -> Result<(), Rule> {
    owned(standing(secret, event.version, &event.name)?, record, event.forced)
}

pub(super) fn expire(state: &State, secret: &Secret, event: &LockExpired, record: &Record) -> Result<(), Rule> {
    may(secret, Work::EndLock, &state.whole)?;
    let lock = standing(secret, event.version, &event.name)?;
    let end = lock.expires_at.ok_or(Rule::LockPermanent)?;
    hold(end <= record.recorded_at, Rule::LeaseRuns)
}

/// Tells whether a lease is as long as the shortest one.
fn is_long_enough(end: Timestamp, record: &Record) -> bool {
    end.since(record.recorded_at) >= limits::LEASE_MIN
}

/// Tells whether the credential of a version is being ended, or may have been replaced already.
fn is_too_late(secret: &Secret, version: &Version) -> bool {
    let is_current = secret.current().is_some_and(|current| current.id == version.id);
    let is_replaced = secret.rotation.as_ref().is_some_and(|rotation| rotation.has_replaced_current());
    version.credential.as_deref().is_some_and(Credential::is_retiring) || (is_current && is_replaced)
}

fn version(secret: &Secret, id: VersionId) -> Result<&Version, Rule> {
    secret.version_by_id(id).ok_or(Rule::VersionMissing)
}

fn standing<'a>(secret: &'a Secret, id: VersionId, name: &LockName) -> Result<&'a Lock, Rule> {
    version(secret, id)?.lock(name).ok_or(Rule::LockMissing)
}

/// A lock that somebody else owns gives way to force alone, and force is noted then, and only then.
fn owned(lock: &Lock, record: &Record, forced: bool) -> Result<(), Rule> {
    let is_mine = lock.owner.as_ref().is_none_or(|owner| *owner == record.context.actor);
    hold(is_mine != forced, Rule::LockOwned)
}
