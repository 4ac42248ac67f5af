//! Owns the rules for events about locks.

use crate::domain::event::Event;
use crate::domain::id::VersionId;
use crate::domain::lock::Lock;
use crate::domain::name::LockName;
use crate::domain::record::Record;
use crate::domain::rotation::Credential;
use crate::domain::secret::Secret;
use crate::domain::state::State;
use crate::domain::version::Version;

use super::secret::{find, time_passes};
use super::{Rule, hold};

pub(super) fn check(state: &State, record: &Record) -> Result<(), Rule> {
    let secret = find(state, record)?;
    match &record.event {
        Event::LockPlaced(event) => {
            let version = version(secret, event.version)?;
            hold(version.is_available(), Rule::LockOnDestroyedData)?;
            hold(!is_too_late(secret, version), Rule::LockTooLate)?;
            version.lock(&event.lock.name).map_or(Ok(()), |standing| owned(standing, record, event.forced))
        }
        Event::LockRenewed(event) => {
            let lock = standing(secret, event.version, &event.name)?;
            hold(lock.expires_at.is_some(), Rule::LockPermanent)?;
            owned(lock, record, event.forced)
        }
        Event::LockRemoved(event) => owned(standing(secret, event.version, &event.name)?, record, event.forced),
        Event::LockExpired(event) => {
            time_passes(state)?;
            let lock = standing(secret, event.version, &event.name)?;
            let end = lock.expires_at.ok_or(Rule::LockPermanent)?;
            hold(end <= record.recorded_at, Rule::LeaseRuns)
        }
        _ => Ok(()),
    }
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

/// A lock that somebody else owns gives way to force alone, and force is noted.
fn owned(lock: &Lock, record: &Record, forced: bool) -> Result<(), Rule> {
    let is_mine = lock.owner.as_ref().is_none_or(|owner| *owner == record.context.actor);
    hold(is_mine || forced, Rule::LockOwned)
}
