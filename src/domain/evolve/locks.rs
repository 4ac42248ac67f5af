//! Owns what events change of the locks on a version.

use super::super::event::{LockPlaced, LockRenewed};
use super::super::fencing::FencingToken;
use super::super::lock::Lock;
use super::super::name::LockName;
use super::super::record::Record;
use super::super::state::Whole;
use super::super::version::Version;

/// Gives the token of a lock that a record places or renews.
fn token_of(record: &Record, whole: &Whole) -> FencingToken {
    FencingToken { incarnation: whole.incarnation(), position: record.position }
}

pub(super) fn renew(version: &mut Version, event: &LockRenewed, record: &Record, whole: &Whole) {
    let at = version.locks.binary_search_by(|lock| lock.name.cmp(&event.name));
    if let Some(lock) = at.ok().and_then(|at| version.locks.get_mut(at)) {
        lock.expires_at = Some(event.expires_at);
        lock.updated_at = record.recorded_at;
        lock.fencing_token = token_of(record, whole);
    }
}

pub(super) fn place(version: &mut Version, event: &LockPlaced, record: &Record, whole: &Whole) {
    let new = event.lock.clone();
    let lock = Lock {
        name: new.name,
        description: new.description,
        attributes: new.attributes,
        owner: new.owner,
        created_at: record.recorded_at,
        updated_at: record.recorded_at,
        created_by: record.context.actor.clone(),
        expires_at: new.expires_at,
        fencing_token: token_of(record, whole),
    };
    put_lock(version, lock);
}

/// Puts a lock among those of a version, in the order of their names; one of the same name goes.
pub(in super::super) fn put_lock(version: &mut Version, lock: Lock) {
    match version.locks.binary_search_by(|other| other.name.cmp(&lock.name)) {
        Ok(at) => {
            if let Some(old) = version.locks.get_mut(at) {
                *old = lock;
            }
        }
        Err(at) => {
            // Most versions have few locks, and room for more would stay empty; for many, room is made ahead.
            if version.locks.len() < FEW_LOCKS {
                version.locks.reserve_exact(1);
            }
            version.locks.insert(at, lock);
        }
    }
}

/// Locks for which room is made one by one.
const FEW_LOCKS: usize = 4;

pub(super) fn remove(version: &mut Version, name: &LockName) {
    if let Ok(at) = version.locks.binary_search_by(|lock| lock.name.cmp(name)) {
        version.locks.remove(at);
    }
    if version.locks.is_empty() {
        version.locks.shrink_to_fit();
    }
}
