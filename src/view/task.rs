//! Owns what is shown of a task: what is to be done outside for one credential.
//!
//! Read next: [`super::group`].

use serde::{Deserialize, Serialize};

use crate::domain::id::{SecretId, TaskId, VersionId};
use crate::domain::name::{Actor, Reason, SecretName};
use crate::domain::secret::Secret;
use crate::domain::task::{self, TaskKind, TaskStatus, TaskTrigger};
use crate::domain::time::Timestamp;

/// A task (`SecretTask`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// The secret.
    pub secret_id: SecretId,
    /// The name of the secret. An addition.
    pub secret_name: SecretName,
    /// The version whose credential it is about.
    pub secret_version_id: VersionId,
    /// What it is to do.
    #[serde(rename = "type")]
    pub kind: TaskKind,
    /// How far it is.
    pub status: TaskStatus,
    /// What set it off.
    pub trigger: TaskTrigger,
    /// When it was made.
    pub creation_date: Timestamp,
    /// Who made it.
    pub created_by: Actor,
    /// When it last changed, as far as the state tells: when it succeeded, or was made.
    pub last_update_date: Timestamp,
    /// Who changed it, as far as the state tells: who made it.
    pub updated_by: Actor,
    /// Until when the report of a job is waited for. An addition.
    pub report_by: Option<Timestamp>,
    /// When it is tried again. An addition.
    pub retry_at: Option<Timestamp>,
    /// When it succeeded. An addition.
    pub ended_at: Option<Timestamp>,
    /// Why the last attempt failed, or why it waits for a person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<TaskError>,
}

/// Why a task failed (`SecretTaskError`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TaskError {
    /// The stable word for programs: `task_failed`.
    pub code: String,
    /// Why, for people.
    pub description: Reason,
}

impl Task {
    /// Shows a task of a secret.
    #[must_use]
    pub fn of(secret: &Secret, task: &task::Task) -> Self {
        let error = |reason: &Reason| TaskError { code: "task_failed".to_owned(), description: reason.clone() };
        Self {
            id: task.id,
            secret_id: secret.id,
            secret_name: secret.metadata.name.clone(),
            secret_version_id: task.version,
            kind: task.kind,
            status: task.status,
            trigger: task.trigger,
            creation_date: task.created_at,
            created_by: task.created_by.clone(),
            last_update_date: task.ended_at.unwrap_or(task.created_at),
            updated_by: task.created_by.clone(),
            report_by: task.report_by,
            retry_at: task.retry_at,
            ended_at: task.ended_at,
            errors: task.failure.iter().map(error).collect(),
        }
    }
}
