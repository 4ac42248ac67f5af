//! Owns which records of the audit trail may stand where they do: of refusals, and of reads.

use super::super::super::decide::{add_slot, is_lent, remove_slot};
use super::super::super::event::Event;
use super::super::super::held::{Held, held};
use super::super::super::id::{SecretId, VersionId};
use super::super::super::limits;
use super::super::super::lock::Lock;
use super::super::super::record::Record;
use super::super::super::refusal::{Operation, Refusal};
use super::super::super::refused::{Grounds, Trail, Wanted};
use super::super::super::rotation::RotationStage;
use super::super::super::secret::{Lifecycle, Secret, SecretSpec};
use super::super::super::settings::{AccessAudit, KeySlotKind};
use super::super::super::touch::{Touch, unlocked};
use super::super::super::version::{DestroyCause, Version, VersionData};
use super::super::{Rule, hold};
use super::Batch;

/// What stands in the audit trail stands alone; reads are recorded many at a time.
pub(super) fn check(batch: &Batch<'_>) -> Result<(), Rule> {
    if let Event::AccessRecorded(_) = &batch.head.event {
        return hold(
            batch.rest.iter().all(|record| matches!(record.event, Event::AccessRecorded(_))),
            Rule::BatchMismatch,
        );
    }
    batch.stands_alone()?;
    let event = &batch.head.event;
    let Some(refusal) = event.refusal() else { return answered(batch) };
    if let Some(wanted) = event.wanted() {
        return refused(batch, wanted, refusal);
    }
    answered(batch)?;
    hold(is_so(batch, event.audited_secret(), refusal), Rule::RefusedByNothing)
}

fn answered(batch: &Batch<'_>) -> Result<(), Rule> {
    hold(batch.head.context.idempotency.is_some(), Rule::AnswerForNobody)
}

/// Tells whether a command can have been refused for a reason, as far as the state alone tells.
#[allow(clippy::match_same_arms, reason = "each is named, some in a line")]
fn is_so(batch: &Batch<'_>, id: Option<SecretId>, refusal: &Refusal) -> bool {
    let Some(id) = id else { return is_of_whole(batch, refusal) };
    let Some(secret) = batch.secret(id) else { return is_of_nobody(refusal) };
    let rotation = secret.rotation.as_deref();
    match refusal {
        Refusal::SecretNotFound => false,
        Refusal::SecretNameTaken { by } => batch.secret(*by).is_some(),
        Refusal::SecretInactive { lifecycle } => {
            *lifecycle == secret.lifecycle && (*lifecycle != Lifecycle::Active || secret.is_deleting)
        }
        Refusal::RevisionMismatch { actual } => *actual == secret.revision,
        Refusal::RotationOpen { rotation: named } => rotation.is_some_and(|open| open.id == *named),
        Refusal::VersionLimitReached { .. } => secret.room().err().as_ref() == Some(refusal),
        Refusal::RotationNotFound => rotation.is_none(),
        Refusal::RotationNotParked => rotation.is_some_and(|open| open.parked.is_none()),
        Refusal::LockOwned { name, owner } => {
            let is_it = |(_, lock): (_, &Lock)| lock.name == *name && lock.owner.as_ref() == Some(owner);
            secret.locks().any(is_it)
        }
        Refusal::VersionDataDestroyed { cause } => secret.versions.iter().any(|version| is_destroyed(version, *cause)),
        Refusal::VersionDataNotRestored => {
            secret.versions.iter().any(|version| !version.is_available() && !version.is_destroyed())
        }
        // Said of what was asked for, which nobody knows any more.
        Refusal::Locked(_) | Refusal::VersionNotFound | Refusal::GroupNotFound | Refusal::LockNotFound => true,
        Refusal::GroupNameTaken | Refusal::GroupNotEmpty { .. } | Refusal::GroupIsDefault => true,
        Refusal::GroupLimitReached | Refusal::SecretLimitReached | Refusal::LockLimitReached { .. } => true,
        Refusal::VersionDataUnavailable { .. } | Refusal::RotationNotSupported | Refusal::NothingToRestore => true,
        Refusal::PolicyNotSupported { .. } | Refusal::PolicyAfterExpiry | Refusal::FencingTokenStale { .. } => true,
        Refusal::VersionChanged | Refusal::IdempotencyKeyReused | Refusal::InvalidArgument { .. } => true,
        Refusal::KeySlotUnavailable { .. } | Refusal::Quarantined { .. } | Refusal::RotationHeld(_) => true,
        Refusal::TaskNotFound | Refusal::TaskNotAwaited { .. } => true,
    }
}

/// Tells whether a command about a secret that is not there, or one that was to make it, can have been refused for a reason.
#[allow(clippy::match_same_arms, reason = "each is named, some in a line")]
const fn is_of_nobody(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::SecretNotFound | Refusal::SecretNameTaken { .. } | Refusal::SecretLimitReached => true,
        Refusal::GroupNotFound | Refusal::PolicyNotSupported { .. } | Refusal::PolicyAfterExpiry => true,
        Refusal::InvalidArgument { .. } => true,
        // Said of a secret that is there, of a group, of the whole store, or never remembered.
        Refusal::Locked(_) | Refusal::VersionNotFound | Refusal::LockNotFound | Refusal::GroupNameTaken => false,
        Refusal::GroupNotEmpty { .. } | Refusal::GroupIsDefault | Refusal::GroupLimitReached => false,
        Refusal::LockLimitReached { .. } | Refusal::VersionDataDestroyed { .. } => false,
        Refusal::VersionDataUnavailable { .. } | Refusal::SecretInactive { .. } => false,
        Refusal::RotationNotSupported | Refusal::NothingToRestore | Refusal::LockOwned { .. } => false,
        Refusal::FencingTokenStale { .. } | Refusal::RevisionMismatch { .. } | Refusal::VersionChanged => false,
        Refusal::IdempotencyKeyReused | Refusal::KeySlotUnavailable { .. } | Refusal::Quarantined { .. } => false,
        Refusal::RotationOpen { .. } | Refusal::RotationHeld(_) | Refusal::VersionLimitReached { .. } => false,
        Refusal::RotationNotFound | Refusal::RotationNotParked | Refusal::TaskNotFound => false,
        Refusal::TaskNotAwaited { .. } | Refusal::VersionDataNotRestored => false,
    }
}

fn is_destroyed(version: &Version, why: DestroyCause) -> bool {
    matches!(version.data, VersionData::Destroyed { cause, .. } if cause == why)
}

/// Tells whether a command about no secret can have been refused for a reason; of key slots, whether some change is refused so.
fn is_of_whole(batch: &Batch<'_>, refusal: &Refusal) -> bool {
    let Refusal::KeySlotUnavailable { .. } = refusal else { return true };
    let changes = |slot| [add_slot(batch.state, slot, KeySlotKind::KeyFile), remove_slot(batch.state, slot)];
    (0..=limits::KEY_SLOTS_MAX).flat_map(changes).any(|change| change.err().as_ref() == Some(refusal))
}

/// What was refused is told of where nothing else refuses it that comes before.
fn refused(batch: &Batch<'_>, wanted: Wanted, refusal: &Refusal) -> Result<(), Rule> {
    let Trail::Always(grounds) = refusal.trail() else { return Err(Rule::RefusedByNothing) };
    let secret = batch.head.event.audited_secret().and_then(|id| batch.secret(id)).ok_or(Rule::UnknownSecret)?;
    let is_so = match grounds {
        Grounds::Locked(blocked) => is_locked(batch, secret, wanted, blocked.operation, refusal),
        Grounds::Held(told) => is_held_back(batch, secret, wanted, told),
        Grounds::Full => is_without_room(batch, secret, wanted, refusal),
    };
    hold(is_so, Rule::RefusedByNothing)
}

/// A rotation that a grace or consumers hold back is refused with their names.
fn is_held_back(batch: &Batch<'_>, secret: &Secret, wanted: Wanted, told: &Held) -> bool {
    let is_so = |touch| {
        let is_held = held(secret, touch, batch.state.whole.settings, batch.now()).as_ref() == Some(told);
        is_held && unlocked(secret, touch, &batch.state.whole).is_ok()
    };
    secret.rotation.is_none() && wanted.rotates().is_some_and(|by_policy| rotates(batch, secret, by_policy, is_so))
}

/// A rotation that has no room is refused where no lock does.
fn is_without_room(batch: &Batch<'_>, secret: &Secret, wanted: Wanted, refusal: &Refusal) -> bool {
    let is_so = |touch| unlocked(secret, touch, &batch.state.whole).is_ok();
    let is_full = secret.rotation.is_none() && secret.room().err().as_ref() == Some(refusal);
    is_full && wanted.rotates().is_some_and(|by_policy| rotates(batch, secret, by_policy, is_so))
}

/// A refusal by a lock is recorded of a secret in which just these locks stand in the way of what was asked for.
fn is_locked(batch: &Batch<'_>, secret: &Secret, wanted: Wanted, operation: Operation, refusal: &Refusal) -> bool {
    let is_so = |touch: Touch| {
        unlocked(secret, touch, &batch.state.whole).is_err_and(|obstacle| Refusal::from(obstacle) == *refusal)
    };
    match operation {
        Operation::Read => wanted == Wanted::Read && renews(batch, secret) && is_so(Touch::Regenerate),
        Operation::Restore => wanted == Wanted::Rotation && restores(batch, secret) && is_so(Touch::Restore),
        Operation::Rotate => wanted.rotates().is_some_and(|by_policy| rotates(batch, secret, by_policy, is_so)),
        Operation::Delete => wanted == Wanted::Deletion && is_so(Touch::Delete),
        Operation::DestroyData => {
            let has_something = |version: &&Version| version.is_available() || version.has_credential_in_use();
            let mut versions = secret.versions.iter().filter(has_something);
            wanted == Wanted::DataDestruction && versions.any(|version| is_so(Touch::DestroyData(version.id)))
        }
        // What time would do is held back, and not refused.
        Operation::Expire => false,
    }
}

/// Tells whether only a lock can refuse a read that makes a credential.
fn renews(batch: &Batch<'_>, secret: &Secret) -> bool {
    let is_lent = secret.current().is_none_or(|current| is_lent(secret, current, batch.now()));
    secret.lifecycle == Lifecycle::Active && matches!(secret.spec, SecretSpec::IamCredentials { .. }) && !is_lent
}

/// Tells whether what is so of some touch of a rotation is what refuses it, and nothing before; by a policy, once its time has
/// come. One that is planned is refused at its first call.
fn rotates(batch: &Batch<'_>, secret: &Secret, is_scheduled: bool, is_so: impl Fn(Touch) -> bool) -> bool {
    if let Some(rotation) = &secret.rotation {
        let is_first_call = rotation.stage == RotationStage::Planned && rotation.parked.is_none();
        return is_first_call && !is_scheduled && is_so(rotation.class.touch());
    }
    let is_issued = secret.spec.issuance().is_some();
    let may_begin = !secret.spec.is_dynamic() && (!is_scheduled || batch.is_due(secret));
    let is_refused = is_so(Touch::Rotate) || (is_issued && is_so(Touch::RotateInPlace));
    secret.lifecycle == Lifecycle::Active && may_begin && is_refused
}

/// Tells whether only a lock can refuse to restore the previous version.
fn restores(batch: &Batch<'_>, secret: &Secret) -> bool {
    let is_good = |version: &Version| version.is_available() && version.expires_at.is_none_or(|end| end > batch.now());
    let rotates = secret.spec.issuance().is_none() && !secret.spec.is_dynamic();
    secret.lifecycle == Lifecycle::Active && rotates && secret.previous().is_some_and(is_good)
}

/// Where reads are recorded before data is handed out, the record of the read stands behind what it changed.
pub(super) fn read(batch: &Batch<'_>, version: VersionId) -> Result<(), Rule> {
    let secret = batch.subject()?.id;
    let is_it = |record: &Record| {
        let Event::AccessRecorded(access) = &record.event else { return false };
        let is_now = access.first_at == batch.now() && access.last_at == batch.now();
        let is_of_it = access.secret == secret && access.version == version;
        is_of_it && access.reads == 1 && is_now && access.reader == batch.head.context.actor
    };
    let is_strict = batch.state.whole.settings.access_audit == AccessAudit::Strict;
    let fits = if is_strict { batch.rest.len() == 1 } else { batch.rest.is_empty() };
    hold(fits && batch.rest.iter().all(is_it), Rule::BatchMismatch)
}
