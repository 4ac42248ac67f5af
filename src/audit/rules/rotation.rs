//! Owns the rules for events about rotations that need an issuer, and about the credentials that come of them.

use crate::domain::event::Event;
use crate::domain::id::{DataKeyId, RotationId, VersionId};
use crate::domain::limits;
use crate::domain::record::Record;
use crate::domain::rotation::{Credential, IssuerClass, Rotation, RotationStage, RotationTrigger};
use crate::domain::rotation_event::{CredentialIssued, RotationAborted, RotationAttempted, RotationPlanned};
use crate::domain::secret::{Lifecycle, Secret};
use crate::domain::state::State;
use crate::domain::touch::{Touch, unlocked_at_commit};

use super::secret::find;
use super::version::untouched;
use super::{Rule, hold};

/// Tells whether an event is one about a rotation by an issuer, or about a credential.
pub(super) const fn is_of_rotation(event: &Event) -> bool {
    matches!(event.number(), 29 | 36..=39 | 50..=59 | 70..=79)
}

pub(super) fn check(state: &State, record: &Record) -> Result<(), Rule> {
    let secret = find(state, record)?;
    match &record.event {
        Event::DeletionPlanned(_) => hold(!secret.is_deleting, Rule::RotationOutOfTurn),
        Event::RetirementPlanned(event) => {
            hold(credential(secret, event.version)?.since().is_none(), Rule::RetirementOutOfTurn)?;
            untouched(state, secret, Touch::DestroyData(event.version))
        }
        Event::RetirementFailed(event) => {
            hold(credential(secret, event.version)?.is_retiring(), Rule::RetirementOutOfTurn)
        }
        Event::RetirementJobBegun(event) => {
            hold(credential(secret, event.version)?.is_retiring(), Rule::RetirementOutOfTurn)
        }
        Event::CredentialRetired(event) => {
            hold(credential(secret, event.version)?.is_retiring(), Rule::RetirementOutOfTurn)
        }
        Event::CredentialKept(event) => {
            let is_current = secret.current().is_some_and(|current| current.id == event.version);
            let rotation = secret.rotation.as_deref().filter(|rotation| rotation.has_replaced_current());
            let is_theirs =
                rotation.map(|rotation| &rotation.issuer) != Some(&credential(secret, event.version)?.issuer);
            hold(is_current && rotation.is_some() && is_theirs, Rule::RetirementOutOfTurn)
        }
        Event::VersionAcknowledged(event) => {
            let version = secret.version_by_id(event.version).ok_or(Rule::VersionMissing)?;
            let has_room = version.acknowledged_by.len() < limits::CONSUMERS_MAX;
            hold(has_room && !version.acknowledged_by.contains(&event.consumer), Rule::AcknowledgedBefore)
        }
        Event::RotationPlanned(event) => plan(state, secret, event),
        event => step(state, secret, event),
    }
}

fn credential(secret: &Secret, version: VersionId) -> Result<&Credential, Rule> {
    let version = secret.version_by_id(version).ok_or(Rule::VersionMissing)?;
    version.credential.as_deref().ok_or(Rule::RetirementOutOfTurn)
}

fn plan(state: &State, secret: &Secret, event: &RotationPlanned) -> Result<(), Rule> {
    let is_first = secret.lifecycle == Lifecycle::PreActivation;
    hold(is_first || secret.lifecycle == Lifecycle::Active, Rule::SecretInactive)?;
    hold(is_first == (event.trigger == RotationTrigger::FirstVersion), Rule::RotationOutOfTurn)?;
    hold(secret.rotation.is_none(), Rule::RotationOutOfTurn)?;
    let is_theirs = secret.spec.issuance().is_some_and(|issuance| issuance.issuer == event.issuer);
    hold(is_theirs && event.class.replaces_in_place() == event.value.is_some(), Rule::RotationMismatch)?;
    hold(secret.version_by_id(event.to).is_none(), Rule::VersionExists)?;
    untouched(state, secret, event.class.touch())
}

fn open(secret: &Secret, id: RotationId) -> Result<&Rotation, Rule> {
    secret.rotation.as_deref().filter(|rotation| rotation.id == id).ok_or(Rule::RotationMismatch)
}

/// Holds a step of a rotation that is under way to its stage.
fn step(state: &State, secret: &Secret, event: &Event) -> Result<(), Rule> {
    use RotationStage::{Issued, Planned, Staged};
    let in_turn = |is_so| hold(is_so, Rule::RotationOutOfTurn);
    match event {
        Event::RotationAttempted(event) => attempt(state, secret, event),
        Event::RotationAttemptFailed(event) => {
            let rotation = open(secret, event.rotation)?;
            let old = rotation.value.filter(|_| event.value.is_some()).map(|value| value.data_key);
            hold(old == event.destroyed, Rule::DataKeyMismatch)
        }
        Event::CredentialIssued(event) => issue(open(secret, event.rotation)?, event),
        Event::RotationStaged(event) => {
            in_turn(matches!(open(secret, event.rotation)?.stage, Issued(_) | Staged { .. }))
        }
        Event::RotationCommitted(event) => {
            let rotation = open(secret, event.rotation)?;
            in_turn(rotation.parked.is_none() && matches!(rotation.stage, Issued(_) | Staged { .. }))?;
            let witness = unlocked_at_commit(secret, rotation, &state.whole);
            witness.map(drop).map_err(|refusal| Rule::of_touch(&refusal))
        }
        Event::RotationAborted(event) => abort(open(secret, event.rotation)?, event),
        Event::RotationParked(event) => in_turn(open(secret, event.rotation)?.parked.is_none()),
        Event::RotationResumed(event) => in_turn(open(secret, event.rotation)?.parked.is_some()),
        Event::AbortPlanned(event) => {
            in_turn(!matches!(open(secret, event.rotation)?.stage, Planned | RotationStage::Ending { .. }))
        }
        Event::JobBegun(event) => begin(open(secret, event.rotation)?),
        _ => Ok(()),
    }
}

fn attempt(state: &State, secret: &Secret, event: &RotationAttempted) -> Result<(), Rule> {
    let rotation = open(secret, event.rotation)?;
    let is_out = rotation.stage.is_out();
    let may_begin = (is_out && !rotation.is_at_work()) || rotation.stage == RotationStage::Planned;
    let is_next = event.attempt == rotation.attempts.saturating_add(1) && event.attempt <= rotation.attempts_max;
    hold(may_begin && is_next && rotation.parked.is_none(), Rule::RotationOutOfTurn)?;
    // Once a call was made, no lock can have come onto what it touches.
    if is_out { Ok(()) } else { untouched(state, secret, rotation.class.touch()) }
}

/// Only some classes leave their work to jobs, and one job is at work at a time.
fn begin(rotation: &Rotation) -> Result<(), Rule> {
    let takes_jobs = matches!(rotation.class, IssuerClass::CreateWithToken | IssuerClass::Opaque);
    hold(takes_jobs, Rule::RotationMismatch)?;
    let is_in_turn = rotation.stage.is_called() || matches!(rotation.stage, RotationStage::Aborting { .. });
    hold(is_in_turn && rotation.parked.is_none(), Rule::RotationOutOfTurn)
}

fn issue(rotation: &Rotation, event: &CredentialIssued) -> Result<(), Rule> {
    // Of one that is given up, a job may tell what it has made.
    let is_learnt = rotation.credential().is_none()
        && matches!(rotation.stage, RotationStage::Aborting { .. } | RotationStage::Ending { .. });
    hold(rotation.stage.is_out() || is_learnt, Rule::RotationOutOfTurn)?;
    hold(rotation.value.is_none_or(|value| value == event.sealed), Rule::DataKeyMismatch)
}

/// What may have been made is retired before a rotation is over; of an issuer that cannot be asked, a person says so.
fn abort(rotation: &Rotation, event: &RotationAborted) -> Result<(), Rule> {
    let is_over = match rotation.stage {
        RotationStage::Planned | RotationStage::Aborting { .. } | RotationStage::Ending { .. } => true,
        RotationStage::Attempted | RotationStage::Awaiting { .. } => rotation.class == IssuerClass::Opaque,
        _ => false,
    };
    hold(is_over, Rule::RotationOutOfTurn)?;
    let left: Vec<DataKeyId> = rotation.sealed().map(|sealed| sealed.data_key).collect();
    let same = left.len() == event.data_keys.len() && left.iter().all(|key| event.data_keys.contains(key));
    hold(same, Rule::DataKeyMismatch)
}
