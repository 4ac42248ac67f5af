//! Owns which records of the audit trail may stand where they do: of refusals, and of reads.

use super::super::super::command::Command;
use super::super::super::decide::{decide_whole, is_lent};
use super::super::super::event::Event;
use super::super::super::held::{Held, held};
use super::super::super::id::{SecretId, VersionId};
use super::super::super::limits;
use super::super::super::lock::Lock;
use super::super::super::record::Record;
use super::super::super::refusal::{Operation, Refusal};
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
    match &batch.head.event {
        Event::CommandHadNoEffect(_) => answered(batch),
        Event::CommandRefused(event) => {
            answered(batch)?;
            hold(is_so(batch, event.secret, &event.refusal), Rule::RefusedByNothing)
        }
        event => refused(batch, event.refusal().ok_or(Rule::BatchMismatch)?),
    }
}

fn answered(batch: &Batch<'_>) -> Result<(), Rule> {
    hold(batch.head.context.idempotency.is_some(), Rule::AnswerForNobody)
}

/// Tells whether a command can have been refused for a reason, as far as the state alone tells.
fn is_so(batch: &Batch<'_>, id: Option<SecretId>, refusal: &Refusal) -> bool {
    let Some(id) = id else {
        return !matches!(refusal, Refusal::KeySlotUnavailable { .. }) || is_of_slots(batch, refusal);
    };
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
        _ => true,
    }
}

/// Tells whether a command about a secret that is not there, or one that was to make it, can have been refused for a reason.
const fn is_of_nobody(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::SecretNotFound
            | Refusal::SecretNameTaken { .. }
            | Refusal::SecretLimitReached
            | Refusal::GroupNotFound
            | Refusal::PolicyNotSupported { .. }
            | Refusal::PolicyAfterExpiry
            | Refusal::InvalidArgument { .. }
    )
}

fn is_destroyed(version: &Version, why: DestroyCause) -> bool {
    matches!(version.data, VersionData::Destroyed { cause, .. } if cause == why)
}

/// Tells whether some change of the key slots is refused like this.
fn is_of_slots(batch: &Batch<'_>, refusal: &Refusal) -> bool {
    let changes = (0..=limits::KEY_SLOTS_MAX)
        .flat_map(|slot| [Command::AddKeySlot { slot, kind: KeySlotKind::KeyFile }, Command::RemoveKeySlot { slot }]);
    changes.into_iter().any(|change| decide_whole(batch.state, &change).err().as_ref() == Some(refusal))
}

/// A rotation that a grace or consumers hold back is refused with their names.
fn held_back(batch: &Batch<'_>, told: &Held) -> Result<(), Rule> {
    let secret = batch.head.event.audited_secret().and_then(|id| batch.secret(id)).ok_or(Rule::UnknownSecret)?;
    let is_so = |touch| {
        let is_held = held(secret, touch, batch.state.whole.settings, batch.now()).as_ref() == Some(told);
        is_held && unlocked(secret, touch, &batch.state.whole).is_ok()
    };
    let is_held = match &batch.head.event {
        Event::RotationRefused(_) => rotates(batch, secret, false, is_so),
        Event::ScheduledRotationRefused(_) => rotates(batch, secret, true, is_so),
        _ => false,
    };
    hold(is_held && secret.rotation.is_none(), Rule::RefusedByNothing)
}

/// A rotation that has no room is refused where no lock does.
fn without_room(batch: &Batch<'_>, refusal: &Refusal) -> Result<(), Rule> {
    let secret = batch.head.event.audited_secret().and_then(|id| batch.secret(id)).ok_or(Rule::UnknownSecret)?;
    let is_so = |touch| unlocked(secret, touch, &batch.state.whole).is_ok();
    let is_scheduled = matches!(batch.head.event, Event::ScheduledRotationRefused(_));
    let is_of_rotation = is_scheduled || matches!(batch.head.event, Event::RotationRefused(_));
    let is_full = secret.rotation.is_none() && secret.room().err().as_ref() == Some(refusal);
    hold(is_of_rotation && is_full && rotates(batch, secret, is_scheduled, is_so), Rule::RefusedByNothing)
}

/// A refusal by a lock is recorded of a secret in which just these locks stand in the way of what was asked for, and nothing
/// else does that comes before them.
fn refused(batch: &Batch<'_>, refusal: &Refusal) -> Result<(), Rule> {
    if let Refusal::RotationHeld(told) = refusal {
        return held_back(batch, told);
    }
    if let Refusal::VersionLimitReached { .. } = refusal {
        return without_room(batch, refusal);
    }
    let blocked = refusal.blocked().ok_or(Rule::RefusedByNothing)?;
    let secret = batch.head.event.audited_secret().and_then(|id| batch.secret(id)).ok_or(Rule::UnknownSecret)?;
    let is_so = |touch: Touch| unlocked(secret, touch, &batch.state.whole).err().as_ref() == Some(refusal);
    let fits = match (&batch.head.event, blocked.operation) {
        (Event::ReadRefused(_), Operation::Read) => renews(batch, secret) && is_so(Touch::Regenerate),
        (Event::RotationRefused(_), Operation::Restore) => restores(batch, secret) && is_so(Touch::Restore),
        (Event::RotationRefused(_), Operation::Rotate) => rotates(batch, secret, false, is_so),
        (Event::ScheduledRotationRefused(_), Operation::Rotate) => rotates(batch, secret, true, is_so),
        (Event::DeletionRefused(_), Operation::Delete) => is_so(Touch::Delete),
        (Event::DataDestructionRefused(_), Operation::DestroyData) => {
            let has_something = |version: &Version| version.is_available() || version.has_credential_in_use();
            let mut versions = secret.versions.iter().filter(|version| has_something(version));
            versions.any(|version| is_so(Touch::DestroyData(version.id)))
        }
        _ => false,
    };
    hold(fits, Rule::RefusedByNothing)
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
    let is_it = |record: &Record| match &record.event {
        Event::AccessRecorded(access) => {
            let is_now = access.first_at == batch.now() && access.last_at == batch.now();
            let is_of_it = access.secret == secret && access.version == version;
            is_of_it && access.reads == 1 && is_now && access.reader == batch.head.context.actor
        }
        _ => false,
    };
    let is_strict = batch.state.whole.settings.access_audit == AccessAudit::Strict;
    let fits = if is_strict { batch.rest.len() == 1 } else { batch.rest.is_empty() };
    hold(fits && batch.rest.iter().all(is_it), Rule::BatchMismatch)
}
