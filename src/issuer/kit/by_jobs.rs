//! Owns how an issuer with jobs is tested: each call begins a job and waits for its report.

use std::time::Duration;

use super::trial::Reports;
use crate::domain::id::{LogId, RotationId, TaskId};
use crate::domain::name::OutsideId;
use crate::domain::rotation::IssuerClass;
use crate::domain::time::Timestamp;
use crate::issuer::issuer::{IssueOrder, Issuer};
use crate::issuer::job::{Job, JobWork, TaskReport};
use crate::issuer::outcome::{Issued, IssuerError};
use crate::seal::secret_bytes::SecretBytes;

/// An issuer by jobs, with the wait for their reports.
pub(super) struct ByJobs {
    pub(super) issuer: std::sync::Arc<dyn Issuer>,
    pub(super) reports: Reports,
}

impl ByJobs {
    fn done(&self, order: &IssueOrder<'_>, task: TaskId, work: JobWork<'_>) -> Result<TaskReport, IssuerError> {
        // The kit uses no clock: it waits for the report as long as the trial allows.
        self.issuer.begin(order, &Job::new(task, work, Timestamp::from_nanos(u64::MAX)))?;
        match (self.reports)(task) {
            Some(TaskReport::Failed(reason)) => Err(IssuerError::refused(reason.as_str())),
            Some(report) => Ok(report),
            None => Err(IssuerError::unknown("the job ended without a report")),
        }
    }
}

#[deny(clippy::missing_trait_methods, reason = "a default stands for no issuer within; each call is for that one")]
impl Issuer for ByJobs {
    fn class(&self) -> IssuerClass {
        self.issuer.class()
    }

    fn pick(&self, order: &IssueOrder<'_>) -> Result<SecretBytes, IssuerError> {
        self.issuer.pick(order)
    }

    fn take(&self, order: &IssueOrder<'_>, brought: &SecretBytes) -> Result<SecretBytes, IssuerError> {
        self.issuer.take(order, brought)
    }

    fn adopt(&self, order: &IssueOrder<'_>, outside: &OutsideId, brought: &SecretBytes) -> Result<Issued, IssuerError> {
        self.issuer.adopt(order, outside, brought)
    }

    fn create(&self, order: &IssueOrder<'_>, _: Option<&SecretBytes>) -> Result<Issued, IssuerError> {
        match self.done(order, order.rotation.into(), JobWork::CreateCredentials)? {
            TaskReport::CredentialsCreated(issued) => Ok(issued),
            _ => Err(IssuerError::unknown("the job reported that it ended a credential; it was to make one")),
        }
    }

    fn find(&self, order: &IssueOrder<'_>) -> Result<Vec<OutsideId>, IssuerError> {
        self.issuer.find(order)
    }

    fn verify(&self, order: &IssueOrder<'_>, credential: &SecretBytes) -> Result<(), IssuerError> {
        self.issuer.verify(order, credential)
    }

    fn retire(&self, order: &IssueOrder<'_>, outside: Option<&OutsideId>) -> Result<(), IssuerError> {
        match self.done(order, ending(order.rotation), JobWork::DeleteCredentials(outside))? {
            TaskReport::CredentialsDeleted => Ok(()),
            _ => Err(IssuerError::unknown("the job reported that it made a credential; it was to end one")),
        }
    }

    fn job_limit(&self) -> Option<Duration> {
        None
    }

    fn begin(&self, order: &IssueOrder<'_>, job: &Job<'_>) -> Result<(), IssuerError> {
        self.issuer.begin(order, job)
    }

    fn list(&self, store: LogId) -> Result<Vec<(RotationId, OutsideId)>, IssuerError> {
        self.issuer.list(store)
    }
}

/// Returns the task of ending the credential of a rotation of the trial; no rotation of the trial has that id.
fn ending(rotation: RotationId) -> TaskId {
    TaskId::from_bytes((!u128::from_be_bytes(*rotation.as_bytes())).to_be_bytes())
}
