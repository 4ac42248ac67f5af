//! Owns how a rotation comes on, event by event, and what becomes of credentials. Facts, no rules: total.
//!
//! Read next: [`super::due`].

use super::doubt::{self, RotationLineage};
use super::event::Event;
use super::event_kind::{of_secret, of_trail, of_whole};
use super::id::VersionId;
use super::name::Actor;
use super::patience::Patience;
use super::record::Record;
use super::rotation::{
    AttemptFailure, Credential, IssuedCredential, IssuerClass, Parked, Retirement, Rotation, RotationStage,
};
use super::rotation_event::{
    AbortPlanned, AttemptCounted, CredentialIssued, CredentialKept, JobBegun, RetirementFailed, RetirementJobBegun,
    RotationAborted, RotationAttemptFailed, RotationAttempted, RotationParked, RotationPlanned, RotationResumed,
    VersionAcknowledged,
};
use super::schedule::GivenUp;
use super::secret::{Lifecycle, Secret};
use super::state::Whole;
use super::time::Timestamp;
use super::version::Version;

/// Takes an event about a rotation or a credential in.
#[allow(
    clippy::unnested_or_patterns,
    clippy::match_same_arms,
    reason = "lists of events are macros; each says why it is left alone"
)]
pub(super) fn progress(secret: &mut Secret, record: &Record, whole: &Whole) {
    let at = record.recorded_at;
    match &record.event {
        Event::RotationPlanned(event) => plan(secret, event, record, whole),
        Event::RotationAttempted(event) => attempt(secret, event, whole),
        Event::RotationAttemptFailed(event) => under_way(secret, |rotation| fail(rotation, event)),
        Event::AttemptCounted(event) => count(secret, event, whole),
        Event::CredentialIssued(event) => issue(secret, event),
        Event::RotationStaged(_) => under_way(secret, |rotation| stage(rotation, at)),
        Event::RotationParked(event) => under_way(secret, |rotation| park(rotation, event, at)),
        Event::RotationResumed(event) => resume(secret, event, at, whole),
        Event::AbortPlanned(event) => under_way(secret, |rotation| abort(rotation, event)),
        Event::JobBegun(event) => under_way(secret, |rotation| begin(rotation, event)),
        Event::RotationCommitted(_) => commit(secret, record),
        Event::RotationAborted(event) => give_up(secret, event, at),
        Event::RetirementPlanned(event) => retire(secret, event.version, |_| Retirement::Planned { at }),
        Event::CredentialRetired(event) => retire(secret, event.version, |_| Retirement::Retired { at }),
        Event::CredentialKept(event) => retire(secret, event.version, |_| kept(event)),
        Event::RetirementFailed(event) => retire(secret, event.version, |credential| failing(credential, event, at)),
        Event::RetirementJobBegun(event) => {
            retire(secret, event.version, |credential| awaiting(credential, event, at));
        }
        Event::VersionAcknowledged(event) => acknowledge(secret, event),
        Event::DeletionPlanned(_) => plan_deletion(secret),
        // It says why the plan before it was made all the same.
        Event::HoldOverridden(_) => {}
        of_whole!() | of_trail!() | of_secret!() => {}
    }
}

/// Changes the rotation that is under way.
fn under_way(secret: &mut Secret, change: impl FnOnce(&mut Rotation)) {
    if let Some(rotation) = secret.rotation.as_deref_mut() {
        change(rotation);
    }
}

fn plan(secret: &mut Secret, event: &RotationPlanned, record: &Record, whole: &Whole) {
    let at = record.recorded_at;
    secret.rotation = Some(Box::new(planned(event, at, &record.context.actor)));
    secret.patience = Some(Box::new(Patience::until(event.deadline, at)));
    secret.lineage = Some(Box::new(RotationLineage::planned(whole)));
}

fn plan_deletion(secret: &mut Secret) {
    secret.is_deleting = true;
    secret.lifecycle = Lifecycle::Deactivated;
}

fn give_up(secret: &mut Secret, event: &RotationAborted, at: Timestamp) {
    secret.given_up = Some(Box::new(GivenUp { at, reason: event.reason.clone() }));
    secret.rotation = None;
    secret.patience = None;
    secret.lineage = None;
    // Nothing begins again by itself at once.
    secret.rotation_refused_at = Some(at);
}

/// Counts what a rotation has used up of its attempts and its time.
fn count(secret: &mut Secret, event: &AttemptCounted, whole: &Whole) {
    doubt::note_counted(secret, event.counted_at, whole);
    secret.patience = Some(Box::new(Patience::from(event)));
    under_way(secret, |rotation| rotation.attempts = event.attempts);
}

const fn kept(event: &CredentialKept) -> Retirement {
    match event.retiring_since {
        Some(at) => Retirement::Planned { at },
        None => Retirement::InUse,
    }
}

fn failing(credential: &Credential, event: &RetirementFailed, at: Timestamp) -> Retirement {
    let failures = credential.failures().saturating_add(1);
    let (reason, retry_at) = (event.reason.clone(), event.retry_at);
    Retirement::Failing { at: credential.since().unwrap_or(at), failures, reason, retry_at }
}

fn awaiting(credential: &Credential, event: &RetirementJobBegun, at: Timestamp) -> Retirement {
    let (failures, report_by) = (credential.failures(), event.report_by);
    Retirement::Awaiting { at: credential.since().unwrap_or(at), failures, report_by }
}

/// Begins a rotation as its plan says.
pub(super) fn planned(event: &RotationPlanned, at: Timestamp, by: &Actor) -> Rotation {
    Rotation {
        id: event.rotation,
        trigger: event.trigger,
        issuer: event.issuer.clone(),
        class: event.class,
        to: event.to,
        planned_at: at,
        planned_by: by.clone(),
        attempts_max: event.attempts_max,
        deadline: event.deadline,
        attempts: 0,
        value: event.value,
        stage: RotationStage::Planned,
        retry_at: None,
        failure: None,
        parked: None,
    }
}

fn attempt(secret: &mut Secret, event: &RotationAttempted, whole: &Whole) {
    let stage = secret.rotation.as_deref().map(|rotation| attempted(secret, rotation, whole));
    under_way(secret, |rotation| {
        rotation.stage = stage.unwrap_or(RotationStage::Attempted);
        rotation.attempts = event.attempt;
        rotation.retry_at = None;
    });
}

fn park(rotation: &mut Rotation, event: &RotationParked, at: Timestamp) {
    rotation.parked = Some(Parked { at, reason: event.reason.clone() });
}

fn resume(secret: &mut Secret, event: &RotationResumed, at: Timestamp, whole: &Whole) {
    secret.patience = Some(Box::new(Patience::until(event.deadline, at)));
    let is_looked_for = secret.rotation.as_deref().is_some_and(|rotation| {
        rotation.class == IssuerClass::CreateDiscoverable && doubt::is_unsettled(secret, rotation, whole)
    });
    doubt::note_resumed(secret, whole);
    under_way(secret, |rotation| {
        // What the original made is looked for before another is made.
        if is_looked_for {
            rotation.stage = RotationStage::Attempted;
        }
        rotation.parked = None;
        rotation.attempts = 0;
        rotation.retry_at = None;
        rotation.deadline = event.deadline;
    });
}

/// Where a rotation stands once its issuer is asked again. What an earlier call made is looked for and retired before
/// another is made by class `CreateDiscoverable`, and by a person with class `Opaque`; with the others it stays in doubt.
fn attempted(secret: &Secret, rotation: &Rotation, whole: &Whole) -> RotationStage {
    match rotation.class {
        // The original of a restored store may have set the value.
        IssuerClass::SetValue if doubt::is_unsettled(secret, rotation, whole) => RotationStage::Doubted,
        // It was set, and is set again.
        IssuerClass::SetValue if rotation.credential().is_some() => RotationStage::Doubted,
        IssuerClass::SetValue | IssuerClass::CreateWithToken if rotation.stage.is_out() => RotationStage::Doubted,
        IssuerClass::SetValue
        | IssuerClass::CreateWithToken
        | IssuerClass::CreateDiscoverable
        | IssuerClass::Opaque => RotationStage::Attempted,
    }
}

fn fail(rotation: &mut Rotation, event: &RotationAttemptFailed) {
    rotation.failure = Some(event.reason.clone());
    rotation.retry_at = Some(event.retry_at);
    if event.value.is_some() {
        rotation.value = event.value;
    }
    match rotation.stage {
        // Nothing was made, so nothing has to be looked for.
        RotationStage::Attempted | RotationStage::Awaiting { .. } if event.failure != AttemptFailure::Unknown => {
            rotation.stage = RotationStage::Planned;
        }
        // The report of a job that is late is still taken.
        RotationStage::Planned | RotationStage::Attempted | RotationStage::Doubted | RotationStage::Awaiting { .. } => {
        }
        // What could not be proved, or not retired, is counted here.
        RotationStage::Issued(_)
        | RotationStage::Staged { .. }
        | RotationStage::Aborting { .. }
        | RotationStage::Ending { .. } => rotation.attempts = rotation.attempts.saturating_add(1),
    }
    if let RotationStage::Ending { credential, reason, .. } = &rotation.stage {
        rotation.stage = RotationStage::Aborting { credential: credential.clone(), reason: reason.clone() };
    }
}

fn begin(rotation: &mut Rotation, event: &JobBegun) {
    let report_by = event.report_by;
    rotation.stage = match &rotation.stage {
        RotationStage::Aborting { credential, reason } | RotationStage::Ending { credential, reason, .. } => {
            RotationStage::Ending { credential: credential.clone(), reason: reason.clone(), report_by }
        }
        RotationStage::Planned
        | RotationStage::Attempted
        | RotationStage::Doubted
        | RotationStage::Awaiting { .. }
        | RotationStage::Issued(_)
        | RotationStage::Staged { .. } => RotationStage::Awaiting { report_by },
    };
    rotation.retry_at = None;
}

fn issue(secret: &mut Secret, event: &CredentialIssued) {
    if let Some(patience) = &mut secret.patience {
        patience.failures = 0;
    }
    under_way(secret, |rotation| take_issued(rotation, event));
}

fn take_issued(rotation: &mut Rotation, event: &CredentialIssued) {
    let CredentialIssued { outside, sealed, expires_at, .. } = event;
    let credential = IssuedCredential { outside: outside.clone(), sealed: *sealed, expires_at: *expires_at };
    rotation.stage = match &rotation.stage {
        // A job has made it after all; it is to be ended.
        RotationStage::Ending { reason, .. } | RotationStage::Aborting { reason, .. } => {
            RotationStage::Aborting { credential: Some(credential), reason: reason.clone() }
        }
        RotationStage::Planned
        | RotationStage::Attempted
        | RotationStage::Doubted
        | RotationStage::Awaiting { .. }
        | RotationStage::Issued(_)
        | RotationStage::Staged { .. } => RotationStage::Issued(credential),
    };
    rotation.attempts = 0;
    rotation.retry_at = None;
    rotation.failure = None;
    rotation.parked = None;
}

fn stage(rotation: &mut Rotation, reported_at: Timestamp) {
    if let RotationStage::Staged { reported_at: last, .. } = &mut rotation.stage {
        *last = reported_at;
    } else if let RotationStage::Issued(credential) = &rotation.stage {
        let credential = credential.clone();
        rotation.stage = RotationStage::Staged { credential, since: reported_at, reported_at };
    }
    rotation.retry_at = None;
}

fn abort(rotation: &mut Rotation, event: &AbortPlanned) {
    let (credential, reason) = (rotation.credential().cloned(), event.reason.clone());
    rotation.stage = match rotation.stage {
        // Its job is at work, and its report tells what there is to end.
        RotationStage::Awaiting { report_by } => RotationStage::Ending { credential, reason, report_by },
        RotationStage::Planned
        | RotationStage::Attempted
        | RotationStage::Doubted
        | RotationStage::Issued(_)
        | RotationStage::Staged { .. }
        | RotationStage::Aborting { .. }
        | RotationStage::Ending { .. } => RotationStage::Aborting { credential, reason },
    };
    rotation.attempts = 0;
    rotation.retry_at = None;
    rotation.parked = None;
}

/// The version that comes of a rotation follows in the same batch; what the issuer replaced in place is not good any more,
/// unless the next record says that another issuer made it.
fn commit(secret: &mut Secret, record: &Record) {
    let replaces = secret.rotation.as_ref().is_some_and(|rotation| rotation.class.replaces_in_place());
    if replaces {
        let current = secret.versions.last_mut();
        end(current, |_| Retirement::Retired { at: record.recorded_at });
    }
}

fn retire(secret: &mut Secret, id: VersionId, retirement: impl FnOnce(&Credential) -> Retirement) {
    end(secret.version_by_id_mut(id), retirement);
}

fn end(version: Option<&mut Version>, retirement: impl FnOnce(&Credential) -> Retirement) {
    if let Some(credential) = version.and_then(|version| version.credential.as_mut()) {
        credential.retirement = retirement(credential);
    }
}

/// Notes that a consumer uses a version; the last 32 are kept.
fn acknowledge(secret: &mut Secret, event: &VersionAcknowledged) {
    if let Some(version) = secret.version_by_id_mut(event.version)
        && !version.acknowledged_by.contains(&event.consumer)
    {
        let kept = std::mem::take(&mut version.acknowledged_by).into_vec();
        version.acknowledged_by = kept.into_iter().chain([event.consumer.clone()]).collect();
    }
}

/// Ends the rotation that led to a version, and gives the credential that stands behind it.
pub(super) fn take_credential(secret: &mut Secret, version: super::id::VersionId) -> Option<Box<Credential>> {
    let rotation = secret.rotation.take_if(|rotation| rotation.to == version)?;
    secret.patience = None;
    secret.lineage = None;
    if secret.lifecycle == Lifecycle::PreActivation {
        secret.lifecycle = Lifecycle::Active;
    }
    let outside = rotation.credential().and_then(|credential| credential.outside.clone());
    let Rotation { id, issuer, class, .. } = *rotation;
    Some(Box::new(Credential { issuer, class, rotation: id, outside, retirement: Retirement::InUse }))
}
