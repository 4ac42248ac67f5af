//! Owns which records stand together that begin with one about a secret, its versions or its locks.

use super::super::super::command::LockTarget;
use super::super::super::decide::{
    Decision, check_metadata, check_order, check_policy, check_spec, destroyed, free_previous, is_lent, lapse,
    remove_locks, set_policy,
};
use super::super::super::event::{
    Event, LockPlaced, LockRemoved, PolicySet, SecretCreated, SecretUpdated, SpecUpdated, VersionAdded,
};
use super::super::super::event_kind::{of_rotation, of_trail, of_whole};
use super::super::super::id::VersionId;
use super::super::super::lock::{LockMode, LockNames, LockRemoval, NewLock};
use super::super::super::record::Record;
use super::super::super::secret::{Secret, SecretMetadata, SecretSpec};
use super::super::super::time::Timestamp;
use super::super::super::touch::{Touch, unlocked};
use super::super::super::version::{DestroyCause, VersionOrigin, VersionRef};
use super::super::{Rule, hold};
use super::trail::read;
use super::{Batch, Events, same};

#[allow(clippy::unnested_or_patterns, reason = "the lists of events are macros, and name events one by one")]
pub(super) fn check(batch: &Batch<'_>) -> Result<(), Rule> {
    match &batch.head.event {
        Event::SecretCreated(event) => create(batch, event),
        Event::SecretUpdated(event) => update(batch, event),
        Event::SpecUpdated(event) => update_spec(batch, event),
        Event::PolicySet(event) => set(batch, event),
        Event::PolicyCleared(_) | Event::SecretDeleted(_) | Event::VersionUpdated(_) | Event::LockRenewed(_) => {
            batch.stands_alone()
        }
        Event::VersionAdded(event) => add(batch, event),
        Event::VersionRegenerated(event) => {
            hold(!is_lent_now(batch, event.version)?, Rule::NotRegenerated)?;
            read(batch, event.version)
        }
        Event::VersionDownloaded(event) => {
            let is_read = !batch.subject()?.spec.is_dynamic() || is_lent_now(batch, event.version)?;
            hold(is_read, Rule::NotRegenerated)?;
            read(batch, event.version)
        }
        Event::VersionDataDestroyed(event) => match event.cause {
            DestroyCause::Requested => batch.stands_alone(),
            DestroyCause::Retention | DestroyCause::Retired | DestroyCause::Regenerated => Err(Rule::BatchMismatch),
            DestroyCause::PreviousFreed => place(batch),
            DestroyCause::Expired | DestroyCause::LeaseEnded => lapsed(batch).or_else(|_| place(batch)),
        },
        Event::SecretExpired(_) | Event::ExpirationHeld(_) | Event::LockExpired(_) => lapsed(batch),
        Event::LockPlaced(_) => place(batch),
        Event::LockRemoved(event) => remove(batch, event),
        Event::SecretRestated(_) | Event::VersionRestated(_) | Event::LockRestated(_) => Err(Rule::RestatedAlone),
        of_whole!() | of_trail!() | of_rotation!() => Err(Rule::SubjectMismatch),
    }
}

fn is_lent_now(batch: &Batch<'_>, version: VersionId) -> Result<bool, Rule> {
    let secret = batch.subject()?;
    let version = secret.version_by_id(version).ok_or(Rule::VersionMissing)?;
    Ok(is_lent(secret, version, batch.now()))
}

/// The first version of a secret comes with it, unless an issuer makes it later. What is said of it keeps within its bounds.
fn create(batch: &Batch<'_>, event: &SecretCreated) -> Result<(), Rule> {
    let SecretCreated { metadata, spec, policy, .. } = event;
    spec.check().map_err(|_| Rule::Undescribable)?;
    check_metadata(metadata, spec, batch.now()).map_err(|_| Rule::Undescribable)?;
    let is_of_it = |record: &Record| record.subject.map(|it| it.secret) == batch.head.subject.map(|it| it.secret);
    let first = match batch.rest {
        [record @ Record { event: Event::VersionAdded(first), .. }] if is_of_it(record) => Some(first),
        [] => None,
        _ => return Err(Rule::BatchMismatch),
    };
    let is_first = first.is_none_or(|first| first.origin == VersionOrigin::Created);
    hold(is_first && first.is_none() == spec.issuance().is_some(), Rule::BatchMismatch)?;
    let ends = [metadata.expires_at, first.and_then(|first| first.expires_at)];
    let policy = policy.map_or(Ok(()), |policy| check_policy(policy, spec, batch.now(), ends));
    policy.map_err(|_| Rule::PolicyMismatch)
}

fn update(batch: &Batch<'_>, event: &SecretUpdated) -> Result<(), Rule> {
    let is_of_it = |record: &Record| record.subject.map(|it| it.secret) == batch.head.subject.map(|it| it.secret);
    let spec = match batch.rest {
        [] => &batch.subject()?.spec,
        [record @ Record { event: Event::SpecUpdated(event), .. }] if is_of_it(record) => &event.spec,
        _ => return Err(Rule::BatchMismatch),
    };
    described(batch, &event.metadata, spec)
}

fn update_spec(batch: &Batch<'_>, event: &SpecUpdated) -> Result<(), Rule> {
    described(batch, &batch.subject()?.metadata, &event.spec)?;
    batch.stands_alone()
}

fn set(batch: &Batch<'_>, event: &PolicySet) -> Result<(), Rule> {
    let would_be = set_policy(batch.subject()?, event.policy, batch.now());
    hold(would_be.is_ok_and(|decision| batch.is(&decision.events)), Rule::PolicyMismatch)
}

/// Holds what is said of a secret from now on to its bounds. Release 0.1 let an issuer be changed at any time.
fn described(batch: &Batch<'_>, metadata: &SecretMetadata, spec: &SecretSpec) -> Result<(), Rule> {
    let secret = batch.subject()?;
    // An expiry that stands already may have passed: a lock can hold it back.
    let is_same = metadata.expires_at == secret.metadata.expires_at;
    let until = if is_same { Timestamp::EPOCH } else { batch.now() };
    let is_in_order = !batch.is_newer || check_order(secret, spec).is_ok();
    let fits = check_spec(secret, spec).is_ok() && check_metadata(metadata, spec, until).is_ok();
    hold(fits && is_in_order, Rule::Undescribable)
}

/// What falls out of the window is destroyed with it. What an issuer made comes with the commit of its rotation.
fn add(batch: &Batch<'_>, event: &VersionAdded) -> Result<(), Rule> {
    let secret = batch.subject()?;
    hold(secret.spec.issuance().is_none(), Rule::VersionWithoutCommit)?;
    hold(!secret.versions.is_empty(), Rule::OriginMismatch)?;
    hold(event.origin != VersionOrigin::RotatedByPolicy || batch.is_due(secret), Rule::OriginMismatch)?;
    let touch = if event.restored_from.is_some() { Touch::Restore } else { Touch::Rotate };
    let witness = unlocked(secret, touch, &batch.state.whole).map_err(|obstacle| Rule::of_touch(&obstacle))?;
    let fallen_out: Events = destroyed(&witness).map(|event| (Some(secret.id), event.into())).collect();
    hold(same(batch.rest.iter(), &fallen_out), Rule::RetentionNotKept)
}

/// All that time has made due is done at once.
pub(super) fn lapsed(batch: &Batch<'_>) -> Result<(), Rule> {
    let secret = batch.subject()?;
    let fits = |secret: &Secret| batch.is(&lapse(batch.state, secret, batch.now()).events);
    // Release 0.1 let certificates expire whatever renews them.
    let as_before = || fits(&Secret { policy: None, rotation: None, ..secret.clone() });
    hold(fits(secret) || (secret.is_renewed() && as_before()), Rule::BatchMismatch)
}

fn remove(batch: &Batch<'_>, event: &LockRemoved) -> Result<(), Rule> {
    hold(event.cause == LockRemoval::Requested, Rule::BatchMismatch)?;
    let name = |record: &Record| {
        let Event::LockRemoved(removed) = &record.event else { return None };
        (removed.version == event.version).then(|| removed.name.clone())
    };
    let names = LockNames::These(batch.records().map_while(name).collect());
    let (secret, version) = (batch.subject()?, VersionRef::Id(event.version));
    let would_be = remove_locks(batch.state, secret, version, &names, &batch.terms(), batch.now());
    hold(would_be.is_ok_and(|decision| batch.is(&decision.events)), Rule::BatchMismatch)
}

/// Locks are placed on one version of each of several secrets; each may free the version before of locks of those names.
pub(super) fn place(batch: &Batch<'_>) -> Result<(), Rule> {
    let mut left: Vec<&Record> = batch.records().collect();
    let mut seen = Vec::new();
    while let Some(first) = left.first() {
        let id = first.subject.ok_or(Rule::BatchMismatch)?.secret;
        hold(!seen.contains(&id), Rule::BatchMismatch)?;
        seen.push(id);
        let of_it = left.iter().take_while(|record| record.subject.map(|subject| subject.secret) == Some(id)).count();
        let others = left.split_off(of_it);
        let secret = batch.secret(id).ok_or(Rule::UnknownSecret)?;
        place_on(batch, secret, &left)?;
        left = others;
    }
    Ok(())
}

fn place_on(batch: &Batch<'_>, secret: &Secret, records: &[&Record]) -> Result<(), Rule> {
    let placed = |record: &&Record| {
        let Event::LockPlaced(LockPlaced { version, lock, .. }) = &record.event else { return None };
        Some((*version, NewLock::new(lock.name.clone())))
    };
    let placed: Vec<(VersionId, NewLock)> = records.iter().map_while(placed).collect();
    let tail = records.get(placed.len()..).unwrap_or_default();
    let version = placed.first().map(|(version, _)| *version);
    let mut names: Vec<_> = placed.iter().map(|(_, lock)| &lock.name).collect();
    names.sort();
    let is_one = placed.iter().all(|(other, _)| Some(*other) == version);
    hold(is_one && names.windows(2).all(|pair| pair.first() != pair.last()), Rule::BatchMismatch)?;
    if tail.is_empty() {
        return Ok(());
    }
    let is_current = secret.current().is_some_and(|current| version.is_none_or(|version| version == current.id));
    hold(is_current, Rule::BatchMismatch)?;
    let locks: Vec<NewLock> = placed.into_iter().map(|(_, lock)| lock).collect();
    let would_be = |mode| {
        let target = LockTarget { secret: secret.id, version: VersionRef::Current, locks: locks.clone(), mode };
        let nothing = Decision::about(secret.id);
        let freed = free_previous(batch.state, secret, &target, nothing, &batch.terms(), batch.now());
        freed.is_ok_and(|(decision, _)| same(tail.iter().copied(), &decision.events))
    };
    let fits = would_be(LockMode::RemovePrevious) || would_be(LockMode::RemovePreviousAndDelete);
    hold(fits, Rule::BatchMismatch)
}
