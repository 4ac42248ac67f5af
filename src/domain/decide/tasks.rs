//! Owns the rules for tasks: what jobs report, what is called off, and how long a report is waited for.
//!
//! A report moves what an answer of the issuer would move, and only while it is waited for; one that is late still counts,
//! as long as nothing else came of its task. Read next: [`super::protocol`].

use std::time::Duration;

use super::super::event::Event;
use super::super::id::{TaskId, VersionId};
use super::super::name::Reason;
use super::super::patience::Effort;
use super::super::refusal::Refusal;
use super::super::rotation::{AttemptFailure, Credential, Retirement, Rotation, RotationStage};
use super::super::rotation_command::Reported;
use super::super::rotation_event::{CredentialIssued, JobBegun, RetirementJobBegun};
use super::super::secret::Secret;
use super::super::state::{State, Whole};
use super::super::stop::{Work, may};
use super::super::task::{Task, TaskKind, TaskStatus};
use super::super::time::Timestamp;
use super::attempts::{Failed, fail};
use super::protocol::{abort, aborted};
use super::{Decision, retirement};

/// Adds to an attempt that it is made by a job.
pub(in super::super) fn begin(
    attempted: Decision,
    rotation: &Rotation,
    report_by: Option<Timestamp>,
) -> Result<Decision, Refusal> {
    let Some(report_by) = report_by else { return Ok(attempted) };
    if !rotation.class.takes_jobs() {
        return Err(Refusal::invalid("issuer", "cannot leave its work to jobs; its class asks for calls"));
    }
    // It was parked instead.
    let is_parked = attempted.events.iter().any(|(_, event)| matches!(event, Event::RotationParked(_)));
    if is_parked { Ok(attempted) } else { Ok(attempted.then(JobBegun { rotation: rotation.id, report_by })) }
}

pub(super) fn begin_ending(secret: &Secret, rotation: &Rotation, report_by: Timestamp) -> Result<Decision, Refusal> {
    let is_in_turn = matches!(rotation.stage, RotationStage::Aborting { .. }) && rotation.class.takes_jobs();
    if !is_in_turn {
        return Err(Refusal::VersionChanged);
    }
    Ok(Decision::about(secret.id).then(JobBegun { rotation: rotation.id, report_by }))
}

pub(super) fn begin_retirement(secret: &Secret, version: VersionId, report_by: Timestamp) -> Result<Decision, Refusal> {
    let version = secret.version_by_id(version).ok_or(Refusal::VersionNotFound)?;
    if !version.credential.as_deref().is_some_and(Credential::is_retiring) {
        return Err(Refusal::VersionChanged);
    }
    Ok(Decision::about(secret.id).on(version.id).then(RetirementJobBegun { version: version.id, report_by }))
}

/// Takes what a job says became of its task.
pub(super) fn report(
    state: &State,
    secret: &Secret,
    id: TaskId,
    report: &Reported,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    let work = match report {
        Reported::Created { .. } => Work::ReportMade,
        Reported::Deleted | Reported::Failed { .. } => Work::ReportEnded,
    };
    may(secret, work, &state.whole)?;
    let task = secret.task(id).ok_or(Refusal::TaskNotFound)?;
    let fits = match report {
        Reported::Created { .. } => task.kind == TaskKind::CreateCredentials,
        Reported::Deleted => task.kind == TaskKind::DeleteCredentials,
        Reported::Failed { .. } => true,
    };
    if !fits {
        return Err(Refusal::invalid("status", "does not fit the task, which is to do the opposite"));
    }
    match secret.rotation.as_deref().filter(|rotation| rotation.to == task.version) {
        Some(rotation) => report_on_rotation(secret, rotation, &task, report, now),
        None => report_on_version(state, secret, &task, report, now),
    }
}

fn report_on_rotation(
    secret: &Secret,
    rotation: &Rotation,
    task: &Task,
    report: &Reported,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    let not_awaited = || Refusal::TaskNotAwaited { status: task.status };
    match report {
        Reported::Created { .. } if !is_making_awaited(rotation, &rotation.stage) => Err(not_awaited()),
        Reported::Created { outside, made, expires_at } => {
            let (outside, sealed, expires_at) = (outside.clone(), made.sealed, *expires_at);
            let issued = CredentialIssued { rotation: rotation.id, outside, sealed, expires_at };
            let is_for_it = made.version == rotation.to;
            let decision = Decision { takes_data: true, ..Decision::about(secret.id) }.then(issued);
            is_for_it.then_some(decision).ok_or(Refusal::VersionChanged)
        }
        Reported::Deleted => {
            let reason = ended_by_report(rotation).ok_or_else(not_awaited)?;
            Ok(Decision::about(secret.id).then(aborted(rotation, reason)))
        }
        Reported::Failed { reason, retry_at } => {
            let failed = |failure| fail(secret, rotation, &failed(failure, reason, *retry_at), now);
            match failure_reported(rotation, task).ok_or_else(not_awaited)? {
                Failure::Making => Ok(failed(AttemptFailure::Refused)),
                Failure::Ending => Ok(failed(AttemptFailure::Unavailable)),
                Failure::CalledOff(reason) => Ok(Decision::about(secret.id).then(aborted(rotation, reason))),
            }
        }
    }
}

/// What a job failed to do.
enum Failure<'a> {
    /// To make the credential.
    Making,
    /// To end it.
    Ending,
    /// To make one that was called off, so that nothing is left to end; for this reason it was.
    CalledOff(&'a Reason),
}

/// Returns what a job failed to do that reports of the rotation under way; nothing where no such report is waited for.
fn failure_reported<'a>(rotation: &'a Rotation, task: &Task) -> Option<Failure<'a>> {
    match &rotation.stage {
        RotationStage::Awaiting { .. } => Some(Failure::Making),
        RotationStage::Ending { credential: None, reason, .. } => Some(Failure::CalledOff(reason)),
        RotationStage::Ending { credential: Some(_), .. } => {
            (task.kind == TaskKind::DeleteCredentials).then_some(Failure::Ending)
        }
        RotationStage::Planned
        | RotationStage::Attempted
        | RotationStage::Doubted
        | RotationStage::Issued(_)
        | RotationStage::Staged { .. }
        | RotationStage::Aborting { .. } => None,
    }
}

/// Returns why a rotation is given up that a report of the end of its credential ends. Of an end that failed, somebody may have
/// seen to it.
const fn ended_by_report(rotation: &Rotation) -> Option<&Reason> {
    match &rotation.stage {
        RotationStage::Ending { credential: Some(_), reason, .. } => Some(reason),
        RotationStage::Aborting { credential: Some(_), reason } if rotation.attempts > 0 => Some(reason),
        RotationStage::Planned
        | RotationStage::Attempted
        | RotationStage::Doubted
        | RotationStage::Awaiting { .. }
        | RotationStage::Issued(_)
        | RotationStage::Staged { .. }
        | RotationStage::Aborting { .. }
        | RotationStage::Ending { credential: None, .. } => None,
    }
}

const fn failed(failure: AttemptFailure, reason: &Reason, retry_at: Timestamp) -> Failed<'_> {
    Failed::of(failure, reason, retry_at, None, Effort { worked: Duration::ZERO, run_began: None, is_outage: false })
}

/// Tells whether a job may still report that it has made the credential; a report that is late is taken, too.
pub(in super::super) const fn is_making_awaited(rotation: &Rotation, stage: &RotationStage) -> bool {
    match stage {
        RotationStage::Awaiting { .. } | RotationStage::Ending { credential: None, .. } => true,
        RotationStage::Aborting { credential: None, .. } => rotation.attempts > 0,
        RotationStage::Planned
        | RotationStage::Attempted
        | RotationStage::Doubted
        | RotationStage::Issued(_)
        | RotationStage::Staged { .. }
        | RotationStage::Aborting { credential: Some(_), .. }
        | RotationStage::Ending { credential: Some(_), .. } => false,
    }
}

fn report_on_version(
    state: &State,
    secret: &Secret,
    task: &Task,
    report: &Reported,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    let version = secret.version_by_id(task.version).ok_or(Refusal::TaskNotFound)?;
    let is_awaited =
        version.credential.as_deref().is_some_and(|it| matches!(it.retirement, Retirement::Awaiting { .. }));
    match report {
        // Of one that failed, somebody may have seen to it.
        Reported::Deleted if is_awaited || task.status == TaskStatus::Failed => {
            retirement::finish_retirement(state, secret, version.id, now)
        }
        Reported::Failed { reason, retry_at } if is_awaited => {
            retirement::fail_retirement(secret, version.id, reason, *retry_at, now)
        }
        Reported::Created { .. } | Reported::Deleted | Reported::Failed { .. } => {
            Err(Refusal::TaskNotAwaited { status: task.status })
        }
    }
}

/// Calls a task off that makes a credential; what may have been made is retired.
pub(super) fn cancel(whole: &Whole, secret: &Secret, id: TaskId, reason: &Reason) -> Result<Decision, Refusal> {
    let task = secret.task(id).ok_or(Refusal::TaskNotFound)?;
    match secret.rotation.as_deref() {
        Some(rotation) if TaskId::from(rotation.id) == id => Ok(abort(whole, secret, rotation, reason)),
        _ if task.kind == TaskKind::DeleteCredentials && task.status != TaskStatus::CredentialsDeleted => {
            Err(Refusal::invalid("task", "ends a credential that may not work any more; it cannot be called off"))
        }
        _ => Err(Refusal::TaskNotAwaited { status: task.status }),
    }
}
