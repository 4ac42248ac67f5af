//! Owns the rules for locks themselves: where they may stand, how many, and who may take them away.

use std::collections::BTreeSet;

use super::super::command::{Command, LockTarget, Terms};
use super::super::event::{LockPlaced, LockRemoved, LockRenewed};
use super::super::fencing::FencingToken;
use super::super::limits;
use super::super::lock::{LOCK_EXPIRY, Lock, LockMode, LockNames, LockRemoval, NewLock, PlacedLock};
use super::super::name::LockName;
use super::super::refusal::Refusal;
use super::super::rotation::Credential;
use super::super::secret::Secret;
use super::super::state::State;
use super::super::stop::Work;
use super::super::time::Timestamp;
use super::super::touch::{Obstacle, Touch, is_replaced, unlocked};
use super::super::version::{DestroyCause, Version, VersionData, VersionRef};
use super::{Decision, find, retirement, time};

pub(super) fn place(state: &State, targets: &[LockTarget], terms: &Terms, now: Timestamp) -> Result<Decision, Refusal> {
    let total: usize = targets.iter().map(|target| target.locks.len()).sum();
    if total > limits::LOCKS_MAX || targets.len() > limits::LOCKS_MAX {
        return Err(Refusal::invalid("locks", "takes up to 1,000 in one command"));
    }
    let mut secrets = BTreeSet::new();
    let mut whole = Decision::default();
    for target in targets {
        if !secrets.insert(target.secret) {
            return Err(Refusal::invalid("locks", "name each secret once"));
        }
        let one = place_on(state, find(state, target.secret, terms)?, target, terms, now)?;
        whole.events.extend(one.events);
        if let [only] = targets {
            (whole.secret, whole.version) = (Some(only.secret), one.version);
        }
    }
    Ok(whole)
}

fn place_on(
    state: &State,
    secret: &Secret,
    target: &LockTarget,
    terms: &Terms,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    let version = secret.version(target.version).ok_or(Refusal::VersionNotFound)?;
    has_data(version)?;
    let is_current = secret.current().is_some_and(|current| current.id == version.id);
    protectable(secret, version)?;
    if target.mode != LockMode::Keep && !is_current {
        return Err(Refusal::invalid("mode", "is for locks on the current version only"));
    }
    let placed = placed(&target.locks, now)?;
    let mut decision = Decision::about(secret.id).on(version.id);
    for (new, lock) in target.locks.iter().zip(placed) {
        let forced = replaced(version, new, terms)?;
        decision = decision.then(LockPlaced { version: version.id, lock, forced });
    }
    let new = target.locks.iter().filter(|lock| version.lock(&lock.name).is_none()).count();
    let (decision, moved) = match target.mode {
        LockMode::Keep => (decision, 0),
        LockMode::RemovePrevious | LockMode::RemovePreviousAndDelete => {
            free_previous(state, secret, target, decision, terms, now)?
        }
    };
    let would_be = secret.locks_total().saturating_add(new).saturating_sub(moved);
    if would_be > limits::LOCKS_MAX {
        return Err(Refusal::LockLimitReached { would_be: u32::try_from(would_be).unwrap_or(u32::MAX) });
    }
    Ok(decision)
}

/// Tells whether a lock could still protect the credential behind a version.
fn protectable(secret: &Secret, version: &Version) -> Result<(), Refusal> {
    if version.credential.as_deref().is_some_and(Credential::is_retiring) {
        return Err(Refusal::VersionDataUnavailable { cause: DestroyCause::Retired });
    }
    secret.may(Work::Lock)?;
    match &secret.rotation {
        Some(rotation) if is_replaced(secret, version.id) => Err(Refusal::RotationOpen { rotation: rotation.id }),
        _ => Ok(()),
    }
}

/// A lock stands where there is something to protect.
fn has_data(version: &Version) -> Result<(), Refusal> {
    match version.data {
        VersionData::Available(_) => Ok(()),
        VersionData::Destroyed { cause, .. } => Err(Refusal::VersionDataUnavailable { cause }),
        VersionData::Unavailable { .. } => Err(Refusal::VersionDataNotRestored),
    }
}

/// Gives the locks as they are placed, held to their bounds.
fn placed(locks: &[NewLock], now: Timestamp) -> Result<Vec<PlacedLock>, Refusal> {
    let mut names = BTreeSet::new();
    let mut placed = Vec::with_capacity(locks.len());
    for lock in locks {
        if !names.insert(&lock.name) {
            return Err(Refusal::invalid("locks", "name each lock once"));
        }
        if let Some(attributes) = &lock.attributes {
            attributes.bounded("attributes", limits::LOCK_ATTRIBUTES_BYTES_MAX)?;
        }
        placed.push(lock.placed(now)?);
    }
    Ok(placed)
}

/// Tells whether a new lock replaces one by force alone.
fn replaced(version: &Version, new: &NewLock, terms: &Terms) -> Result<bool, Refusal> {
    match (version.lock(&new.name), new.replacing) {
        (None, Some(_)) => Err(Refusal::LockNotFound),
        (None, None) => Ok(false),
        (Some(standing), token) => {
            token.map_or(Ok(()), |token| has_token(standing, token))?;
            may_change(standing, terms)
        }
    }
}

/// Gives the names of the locks that are meant; nothing when all are.
fn named<'a>(version: &Version, names: &'a LockNames) -> Result<Option<BTreeSet<&'a LockName>>, Refusal> {
    if !(1..=limits::LOCKS_MAX).contains(&names.len().unwrap_or(1)) {
        return Err(Refusal::invalid("lock names", "takes 1 to 1,000 of them"));
    }
    Ok(match names {
        LockNames::All => None,
        LockNames::These(names) => Some(names.iter().collect()),
        LockNames::Tokens(tokens) => {
            for (name, token) in tokens {
                version.lock(name).map_or(Ok(()), |lock| has_token(lock, *token))?;
            }
            Some(tokens.iter().map(|(name, _)| name).collect())
        }
    })
}

/// Holds a lock to the fencing token that the caller has.
fn has_token(lock: &Lock, token: FencingToken) -> Result<(), Refusal> {
    let actual = lock.fencing_token;
    if token == actual { Ok(()) } else { Err(Refusal::FencingTokenStale { actual: actual.position }) }
}

/// Tells whether the caller may replace, renew or remove a lock: `true` if only by force.
fn may_change(lock: &Lock, terms: &Terms) -> Result<bool, Refusal> {
    match &lock.owner {
        Some(owner) if *owner != terms.actor => {
            if terms.force {
                Ok(true)
            } else {
                Err(Refusal::LockOwned { name: lock.name.clone(), owner: owner.clone() })
            }
        }
        _ => Ok(false),
    }
}

/// Removes the locks of the same names from the previous version, and its data where no lock is left and the mode says so
/// or its lease is over; gives how many were removed.
pub(in super::super) fn free_previous(
    state: &State,
    secret: &Secret,
    target: &LockTarget,
    mut decision: Decision,
    terms: &Terms,
    now: Timestamp,
) -> Result<(Decision, usize), Refusal> {
    let Some(previous) = secret.previous() else { return Ok((decision, 0)) };
    let names: BTreeSet<&LockName> = target.locks.iter().map(|lock| &lock.name).collect();
    let mut moved = 0_usize;
    for lock in previous.locks.iter().filter(|lock| names.contains(&lock.name)) {
        let forced = may_change(lock, terms)?;
        decision = decision.then(removed(previous, lock, LockRemoval::Moved, forced));
        moved = moved.saturating_add(1);
    }
    let cause = match target.mode {
        LockMode::RemovePreviousAndDelete => Some(DestroyCause::PreviousFreed),
        LockMode::Keep | LockMode::RemovePrevious => {
            time::has_ended(secret, previous, now).then_some(DestroyCause::LeaseEnded)
        }
    };
    if let Some(cause) = cause {
        let mut after = secret.clone();
        if let Some(version) = after.version_by_id_mut(previous.id) {
            version.locks.retain(|lock| !names.contains(&lock.name));
        }
        decision = destroy_freed(state, &after, previous, cause, decision)?;
    }
    Ok((decision, moved))
}

/// Destroys the data of a version that was freed of locks, in a secret that looks like `after` then.
fn destroy_freed(
    state: &State,
    after: &Secret,
    freed: &Version,
    cause: DestroyCause,
    decision: Decision,
) -> Result<Decision, Refusal> {
    match unlocked(after, Touch::DestroyData(freed.id), &state.whole) {
        Ok(witness) => Ok(retirement::let_touched_go(after, &witness, cause, decision)),
        // What was asked for by name is refused; what time would do waits.
        Err(Obstacle::Stop(stop)) if cause == DestroyCause::PreviousFreed => Err(stop.into()),
        // Another lock that remains keeps the data; that is no refusal.
        Err(Obstacle::Stop(_) | Obstacle::Locks(_)) => Ok(decision),
    }
}

fn removed(version: &Version, lock: &Lock, cause: LockRemoval, forced: bool) -> LockRemoved {
    LockRemoved { version: version.id, name: lock.name.clone(), cause, forced }
}

pub(in super::super) fn remove(
    state: &State,
    secret: &Secret,
    version: VersionRef,
    names: &LockNames,
    terms: &Terms,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    let version = secret.version(version).ok_or(Refusal::VersionNotFound)?;
    let wanted = named(version, names)?;
    let is_wanted = |lock: &Lock| wanted.as_ref().is_none_or(|names| names.contains(&lock.name));
    let mut decision = Decision::about(secret.id).on(version.id);
    for lock in version.locks.iter().filter(|lock| is_wanted(lock)) {
        let forced = may_change(lock, terms)?;
        decision = decision.then(removed(version, lock, LockRemoval::Requested, forced));
    }
    if decision.events.is_empty() {
        return Ok(decision);
    }
    let mut after = secret.clone();
    if let Some(version) = after.version_by_id_mut(version.id) {
        version.locks.retain(|lock| !is_wanted(lock));
    }
    Ok(time::expire(state, &after, now, decision))
}

pub(super) fn renew(secret: &Secret, command: &Command, terms: &Terms, now: Timestamp) -> Result<Decision, Refusal> {
    let Command::RenewLock { version, name, expires, fencing_token, .. } = command else {
        return Ok(Decision::about(secret.id));
    };
    let version = secret.version(*version).ok_or(Refusal::VersionNotFound)?;
    let lock = version.lock(name).ok_or(Refusal::LockNotFound)?;
    if lock.expires_at.is_none() {
        return Err(Refusal::invalid("lock", "is permanent; there is no lease to renew"));
    }
    fencing_token.map_or(Ok(()), |token| has_token(lock, token))?;
    let expires_at = expires.end(LOCK_EXPIRY, now, limits::LEASE_MIN)?;
    let forced = may_change(lock, terms)?;
    let renewed = LockRenewed { version: version.id, name: name.clone(), expires_at, forced };
    Ok(Decision::about(secret.id).on(version.id).then(renewed))
}
