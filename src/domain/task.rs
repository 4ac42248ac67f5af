//! Owns tasks: what is to be done outside for the credentials of a secret, as people and jobs are shown it.
//!
//! A task is another look at what [`super::rotation`] holds, a pure function of the secret; nothing is kept about it
//! beside that. A rotation is the task of making a credential, the retirement of a version's credential the task of
//! ending it. Names and statuses are those of the reference. Read next: [`super::decide`].

use std::time::Duration;

use super::code::coded_enum;
use super::id::{RotationId, SecretId, TaskId, VersionId};
use super::name::{Actor, Reason};
use super::rotation::{Credential, Retirement, Rotation, RotationStage, RotationTrigger};
use super::secret::Secret;
use super::time::Timestamp;
use super::version::{Version, VersionOrigin};

coded_enum!(
    /// What a task is to do.
    TaskKind {
        /// To make the credential of a version to come.
        CreateCredentials = 1, "create_credentials";
        /// To end the credential of a version.
        DeleteCredentials = 2, "delete_credentials";
    }
);

coded_enum!(
    /// Where a task stands.
    TaskStatus {
        /// It waits for its turn, or to be tried again.
        Queued = 1, "queued";
        /// A call is out, or the report of a job is waited for.
        Processing = 2, "processing";
        /// The credential is made; it is proved by a login before its version is put into use.
        CredentialsCreated = 3, "credentials_created";
        /// The credential is ended.
        CredentialsDeleted = 4, "credentials_deleted";
        /// It failed: a rotation waits for a person, the end of a credential is tried again by itself.
        Failed = 5, "failed";
    }
);

coded_enum!(
    /// What set a task off.
    TaskTrigger {
        /// The secret was made.
        SecretCreation = 1, "secret_creation";
        /// Somebody asked for a rotation.
        ManualSecretRotation = 2, "manual_secret_rotation";
        /// The policy of the secret.
        AutomaticSecretRotation = 3, "automatic_secret_rotation";
        /// The version reached its end.
        SecretVersionExpiration = 4, "secret_version_expiration";
        /// The secret is to be deleted, or somebody asked for the end of the version's credential.
        SecretVersionDataDeletion = 5, "secret_version_data_deletion";
    }
);

/// What is to be done, or was, for one credential outside.
///
/// There is one for each version whose credential an issuer made, a second one when that credential is to be ended, and one
/// for the rotation that is under way. A task that was given up is gone from here; the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Task {
    /// Its id: what a job reports by. To make a credential, it is the id of the rotation; to end one, that of the version.
    pub id: TaskId,
    /// The secret.
    pub secret: SecretId,
    /// The version whose credential it is about; to come, while that is being made.
    pub version: VersionId,
    /// What it is to do.
    pub kind: TaskKind,
    /// What set it off.
    pub trigger: TaskTrigger,
    /// Where it stands.
    pub status: TaskStatus,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Actor,
    /// Until when the report of a job is waited for.
    pub report_by: Option<Timestamp>,
    /// When it is tried again.
    pub retry_at: Option<Timestamp>,
    /// When it succeeded.
    pub ended_at: Option<Timestamp>,
    /// Why the last attempt failed, or why it waits for a person.
    pub failure: Option<Reason>,
}

impl Secret {
    /// Gives the tasks of this secret: of each version with a credential outside from the oldest on, the one under way last.
    #[must_use]
    pub fn tasks(&self) -> Vec<Task> {
        let of_versions = self.versions.iter().enumerate().flat_map(|(at, version)| self.version_tasks(at, version));
        of_versions.chain(self.rotation.iter().flat_map(|rotation| self.rotation_tasks(rotation))).collect()
    }

    /// Finds a task.
    #[must_use]
    pub fn task(&self, id: TaskId) -> Option<Task> {
        self.tasks().into_iter().rev().find(|task| task.id == id)
    }

    fn version_tasks(&self, at: usize, version: &Version) -> impl Iterator<Item = Task> {
        let making = version.credential.as_deref().map(|credential| Task {
            id: credential.rotation.into(),
            secret: self.id,
            version: version.id,
            kind: TaskKind::CreateCredentials,
            trigger: made_by(version.origin),
            status: TaskStatus::CredentialsCreated,
            created_at: drawn_at(credential.rotation).unwrap_or(version.created_at).min(version.created_at),
            created_by: version.created_by.clone(),
            report_by: None,
            retry_at: None,
            ended_at: Some(version.created_at),
            failure: None,
        });
        let ending = version.credential.as_deref().and_then(|credential| self.ending(at, version, credential));
        making.into_iter().chain(ending)
    }

    /// The task of ending the credential of a version.
    fn ending(&self, at: usize, version: &Version, credential: &Credential) -> Option<Task> {
        let (status, report_by, retry_at, ended_at) = match &credential.retirement {
            Retirement::InUse => return None,
            Retirement::Planned { .. } => (TaskStatus::Queued, None, None, None),
            Retirement::Failing { retry_at, .. } => (TaskStatus::Failed, None, Some(*retry_at), None),
            Retirement::Awaiting { report_by, .. } => (TaskStatus::Processing, Some(*report_by), None, None),
            Retirement::Retired { at } => (TaskStatus::CredentialsDeleted, None, None, Some(*at)),
        };
        let created_at = credential.since().unwrap_or(version.created_at);
        let newer = self.versions.get(at.saturating_add(1)).map(|newer| made_by(newer.origin));
        let trigger = match newer {
            _ if self.is_deleting => TaskTrigger::SecretVersionDataDeletion,
            _ if version.expires_at.is_some_and(|end| end <= created_at) => TaskTrigger::SecretVersionExpiration,
            newer => newer.unwrap_or(TaskTrigger::SecretVersionDataDeletion),
        };
        Some(Task {
            id: version.id.into(),
            secret: self.id,
            version: version.id,
            kind: TaskKind::DeleteCredentials,
            trigger,
            status,
            created_at,
            created_by: Actor::system(),
            report_by,
            retry_at,
            ended_at,
            failure: credential.failure().cloned(),
        })
    }

    fn rotation_tasks(&self, rotation: &Rotation) -> impl Iterator<Item = Task> {
        let making = Task {
            id: rotation.id.into(),
            secret: self.id,
            version: rotation.to,
            kind: TaskKind::CreateCredentials,
            trigger: set_off_by(rotation.trigger),
            status: making_status(rotation),
            created_at: rotation.planned_at,
            created_by: rotation.planned_by.clone(),
            report_by: rotation.stage.making_report_by(),
            retry_at: rotation.retry_at.filter(|_| rotation.parked.is_none()),
            ended_at: None,
            failure: rotation.parked.as_ref().map(|parked| parked.reason.clone()).or_else(|| rotation.failure.clone()),
        };
        let ending = ending_status(rotation).map(|(status, report_by)| Task {
            id: rotation.to.into(),
            kind: TaskKind::DeleteCredentials,
            status,
            created_by: Actor::system(),
            report_by,
            failure: rotation.failure.clone(),
            ..making.clone()
        });
        std::iter::once(making).chain(ending)
    }
}

/// Where the making of the credential of a rotation stands.
fn making_status(rotation: &Rotation) -> TaskStatus {
    match &rotation.stage {
        _ if rotation.parked.is_some() => TaskStatus::Failed,
        RotationStage::Planned => TaskStatus::Queued,
        RotationStage::Attempted
        | RotationStage::Doubted
        | RotationStage::Awaiting { .. }
        | RotationStage::Aborting { credential: None, .. }
        | RotationStage::Ending { credential: None, .. } => TaskStatus::Processing,
        RotationStage::Issued(_)
        | RotationStage::Staged { .. }
        | RotationStage::Aborting { credential: Some(_), .. }
        | RotationStage::Ending { credential: Some(_), .. } => TaskStatus::CredentialsCreated,
    }
}

/// Where the end of the credential of a rotation that is given up stands, and until when a report is waited for.
fn ending_status(rotation: &Rotation) -> Option<(TaskStatus, Option<Timestamp>)> {
    match &rotation.stage {
        // What was set is set back: nothing ends.
        _ if rotation.class.replaces_in_place() => None,
        RotationStage::Aborting { credential: Some(_), .. } if rotation.attempts == 0 => {
            Some((TaskStatus::Queued, None))
        }
        RotationStage::Aborting { credential: Some(_), .. } => Some((TaskStatus::Failed, None)),
        RotationStage::Ending { credential: Some(_), report_by, .. } => {
            Some((TaskStatus::Processing, Some(*report_by)))
        }
        RotationStage::Planned
        | RotationStage::Attempted
        | RotationStage::Doubted
        | RotationStage::Awaiting { .. }
        | RotationStage::Issued(_)
        | RotationStage::Staged { .. }
        | RotationStage::Aborting { credential: None, .. }
        | RotationStage::Ending { credential: None, .. } => None,
    }
}

const fn made_by(origin: VersionOrigin) -> TaskTrigger {
    match origin {
        VersionOrigin::Created => TaskTrigger::SecretCreation,
        VersionOrigin::RotatedByPolicy => TaskTrigger::AutomaticSecretRotation,
        VersionOrigin::RotatedByHand | VersionOrigin::Restored => TaskTrigger::ManualSecretRotation,
    }
}

const fn set_off_by(trigger: RotationTrigger) -> TaskTrigger {
    match trigger {
        RotationTrigger::FirstVersion => TaskTrigger::SecretCreation,
        RotationTrigger::ByHand => TaskTrigger::ManualSecretRotation,
        RotationTrigger::ByPolicy => TaskTrigger::AutomaticSecretRotation,
    }
}

/// Gives the time in an id that was drawn by version 7 of RFC 9562, to the millisecond.
fn drawn_at(id: RotationId) -> Option<Timestamp> {
    let number = u128::from_be_bytes(*id.as_bytes());
    let millis = u64::try_from(number >> 80).ok()?;
    ((number >> 76) & 0xf == 7).then(|| Timestamp::EPOCH.plus(Duration::from_millis(millis)))
}
