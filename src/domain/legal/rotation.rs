//! Owns the rules for events about rotations that need an issuer, and about the credentials that come of them.

use super::super::doubt;
use super::super::id::{DataKeyId, RotationId, VersionId};
use super::super::limits;
use super::super::name::Actor;
use super::super::record::Record;
use super::super::rotation::{Credential, IssuerClass, Rotation, RotationStage, RotationTrigger};
use super::super::rotation_event::{
    AbortPlanned, AttemptCounted, CredentialIssued, HoldOverridden, JobBegun, RotationAborted, RotationAttemptFailed,
    RotationAttempted, RotationCommitted, RotationParked, RotationPlanned, RotationResumed, RotationStaged,
    VersionAcknowledged,
};
use super::super::secret::{Lifecycle, Secret};
use super::super::state::State;
use super::super::time::Timestamp;
use super::super::touch::{Touch, unlocked_at_commit};

use super::version::{sealed_apart, untouched};
use super::{Rule, Sight, hold};

pub(super) fn plan_retirement(state: &State, secret: &Secret, version: VersionId) -> Result<(), Rule> {
    hold(credential(secret, version)?.since().is_none(), Rule::RetirementOutOfTurn)?;
    untouched(state, secret, Touch::DestroyData(version))
}

/// A step of the end of a credential that was planned.
pub(super) fn retire(secret: &Secret, version: VersionId) -> Result<(), Rule> {
    hold(credential(secret, version)?.is_retiring(), Rule::RetirementOutOfTurn)
}

pub(super) fn acknowledge(secret: &Secret, event: &VersionAcknowledged, actor: &Actor) -> Result<(), Rule> {
    let version = secret.version_by_id(event.version).ok_or(Rule::VersionMissing)?;
    let has_room = version.acknowledged_by.len() < limits::CONSUMERS_MAX;
    hold(version.is_available(), Rule::DataGone)?;
    hold(event.consumer == *actor, Rule::AcknowledgedBefore)?;
    hold(has_room && !version.acknowledged_by.contains(&event.consumer), Rule::AcknowledgedBefore)
}

fn credential(secret: &Secret, version: VersionId) -> Result<&Credential, Rule> {
    let version = secret.version_by_id(version).ok_or(Rule::VersionMissing)?;
    version.credential.as_deref().ok_or(Rule::RetirementOutOfTurn)
}

pub(super) fn plan(state: &State, secret: &Secret, event: &RotationPlanned) -> Result<(), Rule> {
    let is_first = secret.lifecycle == Lifecycle::PreActivation;
    hold(is_first || secret.lifecycle == Lifecycle::Active, Rule::SecretInactive)?;
    hold(is_first == (event.trigger == RotationTrigger::FirstVersion), Rule::RotationOutOfTurn)?;
    let is_by_policy = event.trigger == RotationTrigger::ByPolicy;
    hold(!is_by_policy || secret.policy.is_some_and(|policy| policy.auto_rotate), Rule::OriginMismatch)?;
    hold(secret.rotation.is_none(), Rule::RotationOutOfTurn)?;
    let is_theirs = secret.spec.issuance().is_some_and(|issuance| issuance.issuer == event.issuer);
    hold(is_theirs && event.class.replaces_in_place() == event.value.is_some(), Rule::RotationMismatch)?;
    hold(secret.version_by_id(event.to).is_none(), Rule::VersionExists)?;
    event.value.iter().try_for_each(|value| sealed_apart(secret, value))?;
    untouched(state, secret, event.class.touch())
}

fn open(secret: &Secret, id: RotationId) -> Result<&Rotation, Rule> {
    secret.rotation.as_deref().filter(|rotation| rotation.id == id).ok_or(Rule::RotationMismatch)
}

pub(super) fn fail(secret: &Secret, event: &RotationAttemptFailed, now: Timestamp) -> Result<(), Rule> {
    let rotation = open(secret, event.rotation)?;
    let old = rotation.value.filter(|_| event.value.is_some()).map(|value| value.data_key);
    hold(old == event.destroyed, Rule::DataKeyMismatch)?;
    event.value.iter().try_for_each(|value| sealed_apart(secret, value))?;
    hold(event.retry_at > now, Rule::EndMismatch)
}

/// What is used up is used up, but for an attempt that the issuer was not available for.
pub(super) fn count(secret: &Secret, event: &AttemptCounted) -> Result<(), Rule> {
    let rotation = open(secret, event.rotation)?;
    let attempts = rotation.attempts.saturating_sub(1)..=rotation.attempts;
    let grows = secret.patience.as_deref().is_none_or(|before| {
        before.worked_secs <= event.worked_secs && before.runs <= event.runs && before.failures <= event.failures
    });
    hold(attempts.contains(&event.attempts) && grows, Rule::RotationOutOfTurn)
}

pub(super) fn override_hold(secret: &Secret, event: &HoldOverridden) -> Result<(), Rule> {
    hold(open(secret, event.rotation)?.stage == RotationStage::Planned, Rule::RotationOutOfTurn)
}

pub(super) fn stage(secret: &Secret, event: &RotationStaged) -> Result<(), Rule> {
    hold(open(secret, event.rotation)?.stage.is_made(), Rule::RotationOutOfTurn)
}

pub(super) fn commit(state: &State, secret: &Secret, event: &RotationCommitted) -> Result<(), Rule> {
    let rotation = open(secret, event.rotation)?;
    hold(rotation.parked.is_none() && rotation.stage.is_made(), Rule::RotationOutOfTurn)?;
    let witness = unlocked_at_commit(secret, rotation, &state.whole);
    witness.map(drop).map_err(|obstacle| Rule::of_touch(&obstacle))
}

/// What another issuer made is not ended by what replaced it in place.
pub(super) fn keep(secret: &Secret, version: VersionId) -> Result<(), Rule> {
    let is_current = secret.current().is_some_and(|current| current.id == version);
    let rotation = secret.rotation.as_deref().filter(|rotation| rotation.has_replaced_current());
    let is_theirs = rotation.map(|rotation| &rotation.issuer) != Some(&credential(secret, version)?.issuer);
    hold(is_current && rotation.is_some() && is_theirs, Rule::RetirementOutOfTurn)
}

/// Two workers of release 0.1 could park a rotation of class `Opaque` twice: the second time behind a failure.
pub(super) fn park(secret: &Secret, event: &RotationParked, record: &Record) -> Result<(), Rule> {
    let rotation = open(secret, event.rotation)?;
    let is_behind_failure = rotation.class == IssuerClass::Opaque && record.index > 0;
    hold(rotation.parked.is_none() || is_behind_failure, Rule::RotationOutOfTurn)
}

pub(super) fn resume(secret: &Secret, event: &RotationResumed) -> Result<(), Rule> {
    hold(open(secret, event.rotation)?.parked.is_some(), Rule::RotationOutOfTurn)
}

pub(super) fn plan_abort(state: &State, secret: &Secret, event: &AbortPlanned, sight: Sight) -> Result<(), Rule> {
    let rotation = open(secret, event.rotation)?;
    let is_begun = match rotation.stage {
        RotationStage::Planned => is_in_doubt(state, secret, rotation, sight),
        RotationStage::Aborting { .. } | RotationStage::Ending { .. } => false,
        RotationStage::Attempted
        | RotationStage::Doubted
        | RotationStage::Awaiting { .. }
        | RotationStage::Issued(_)
        | RotationStage::Staged { .. } => true,
    };
    hold(is_begun, Rule::RotationOutOfTurn)
}

/// Tells whether nobody knows what came of a rotation, as far as can be seen: the store was restored since.
fn is_in_doubt(state: &State, secret: &Secret, rotation: &Rotation, sight: Sight) -> bool {
    !sight.whole || doubt::is_unsettled(secret, rotation, &state.whole)
}

pub(super) fn attempt(state: &State, secret: &Secret, event: &RotationAttempted) -> Result<(), Rule> {
    let rotation = open(secret, event.rotation)?;
    let is_out = rotation.stage.is_out();
    let is_set = secret.sets_again();
    let may_begin = (is_out && !rotation.is_at_work()) || is_set || rotation.stage == RotationStage::Planned;
    let is_next = event.attempt == rotation.attempts.saturating_add(1) && event.attempt <= rotation.attempts_max;
    // Of class `Opaque`, a person looks before another call is made.
    let is_looked_at = rotation.class != IssuerClass::Opaque || !is_out || rotation.attempts == 0;
    hold(may_begin && is_next && is_looked_at && rotation.parked.is_none(), Rule::RotationOutOfTurn)?;
    // Once a call was made, no lock can have come onto what it touches.
    if is_out || is_set { Ok(()) } else { untouched(state, secret, rotation.class.touch()) }
}

/// Only some classes leave their work to jobs, and one job is at work at a time.
pub(super) fn begin(secret: &Secret, event: &JobBegun) -> Result<(), Rule> {
    let rotation = open(secret, event.rotation)?;
    hold(rotation.class.takes_jobs(), Rule::RotationMismatch)?;
    let is_in_turn = rotation.stage.is_called() || matches!(rotation.stage, RotationStage::Aborting { .. });
    hold(is_in_turn && rotation.parked.is_none(), Rule::RotationOutOfTurn)
}

pub(super) fn issue(secret: &Secret, event: &CredentialIssued) -> Result<(), Rule> {
    let rotation = open(secret, event.rotation)?;
    // Of one that is given up, a job may tell what it has made.
    let is_learnt = rotation.credential().is_none() && rotation.stage.is_given_up();
    hold(rotation.stage.is_out() || is_learnt, Rule::RotationOutOfTurn)?;
    match rotation.value {
        Some(value) => hold(value == event.sealed, Rule::DataKeyMismatch),
        None => sealed_apart(secret, &event.sealed),
    }
}

/// What may have been made is retired before a rotation is over; of an issuer that cannot be asked, a person says so. After a
/// restore it is left to the original, also of class `SetValue` by earlier releases.
pub(super) fn abort(state: &State, secret: &Secret, event: &RotationAborted, sight: Sight) -> Result<(), Rule> {
    let rotation = open(secret, event.rotation)?;
    let is_over = match rotation.stage {
        RotationStage::Planned | RotationStage::Aborting { .. } | RotationStage::Ending { .. } => true,
        RotationStage::Attempted | RotationStage::Awaiting { .. } | RotationStage::Doubted => {
            let is_looked_after = rotation.class == IssuerClass::Opaque && rotation.stage != RotationStage::Doubted;
            is_looked_after || is_in_doubt(state, secret, rotation, sight)
        }
        RotationStage::Issued(_) | RotationStage::Staged { .. } => {
            !sight.whole || doubt::is_made_before(secret, rotation, &state.whole)
        }
    };
    hold(is_over, Rule::RotationOutOfTurn)?;
    let left: Vec<DataKeyId> = rotation.sealed().map(|sealed| sealed.data_key).collect();
    let same = left.len() == event.data_keys.len() && left.iter().all(|key| event.data_keys.contains(key));
    hold(same, Rule::DataKeyMismatch)
}
