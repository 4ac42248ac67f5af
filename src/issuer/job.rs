//! Owns jobs: work outside that a call only begins, and that reports by its task when it is over.
//!
//! Read next: [`super::issuer`].

use crate::domain::id::TaskId;
use crate::domain::name::{OutsideId, Reason};
use crate::domain::time::Timestamp;

use super::outcome::Issued;

/// A job that an issuer is to begin; see [`Issuer::begin`](super::issuer::Issuer::begin).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Job<'a> {
    /// The task by which the job reports; the same again when it is begun again.
    pub task: TaskId,
    /// What it is to do.
    pub work: JobWork<'a>,
    /// Until when its report is waited for. One that is late is still taken, as long as nothing else came of the task.
    pub report_by: Timestamp,
}

/// What a job is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobWork<'a> {
    /// To make a credential.
    CreateCredentials,
    /// To end the credential of that name outside; fine when it is gone already.
    DeleteCredentials(Option<&'a OutsideId>),
}

impl<'a> Job<'a> {
    /// Makes a job; for tests of issuers, since the worker makes its own.
    #[must_use]
    pub const fn new(task: TaskId, work: JobWork<'a>, report_by: Timestamp) -> Self {
        Self { task, work, report_by }
    }
}

/// What became of the task of a job.
#[derive(Debug)]
#[non_exhaustive]
pub enum TaskReport {
    /// The credential was made. It is proved by a login before its version is put into use.
    CredentialsCreated(Issued),
    /// The credential was ended, or was gone already.
    CredentialsDeleted,
    /// The job failed: nothing is there that was made for its task, by an earlier run either; or the credential that was to
    /// be ended may still work. It is tried again. A job that does not know says nothing.
    Failed(Reason),
}
