//! Owns jobs: work in an outside system that a call only begins, and that reports under its task when it is over.
//!
//! Read next: [`super::issuer`].

use crate::domain::id::TaskId;
use crate::domain::name::{OutsideId, Reason};
use crate::domain::time::Timestamp;

use super::outcome::Issued;

/// A job to begin; see [`Issuer::begin`](super::issuer::Issuer::begin).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Job<'a> {
    /// The task under which the job reports; the same when it is begun again.
    pub task: TaskId,
    /// The work of the job.
    pub work: JobWork<'a>,
    /// Until when the store waits for its report. A late report is still accepted, as long as the task has no other
    /// result.
    pub report_by: Timestamp,
}

/// The work of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobWork<'a> {
    /// To make a credential.
    CreateCredentials,
    /// To end the credential with this name in the outside system; succeeds if it does not exist any more.
    DeleteCredentials(Option<&'a OutsideId>),
}

impl<'a> Job<'a> {
    /// Makes a job; for tests of issuers, since the worker makes its own.
    #[must_use]
    pub const fn new(task: TaskId, work: JobWork<'a>, report_by: Timestamp) -> Self {
        Self { task, work, report_by }
    }
}

/// The result of the task of a job.
#[derive(Debug)]
#[non_exhaustive]
pub enum TaskReport {
    /// The credential was made. A login verifies it before its version becomes current.
    CredentialsCreated(Issued),
    /// The credential was ended, or did not exist any more.
    CredentialsDeleted,
    /// The job failed. Either nothing that was made for its task exists, from an earlier run either, or the credential
    /// to end may still work. It is tried again. A job that does not know must not report.
    Failed(Reason),
}
