//! Owns the work that an issuer leaves to jobs: it is recorded that one is about to be begun, then it is begun, and then its
//! report is waited for, which comes by its task.
//!
//! Read next: [`super::calls`].

use std::sync::Arc;
use std::time::Duration;

use crate::domain::id::{TaskId, VersionId};
use crate::domain::name::OutsideId;
use crate::domain::rotation::{Credential, IssuedCredential, IssuerClass, Rotation};
use crate::domain::rotation_command::RotationCommand;
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::issuer::issuer::{IssueOrder, Issuer};
use crate::issuer::job::{Job, JobWork};
use crate::issuer::outcome::IssuerError;

use super::steps::{Halt, Progress, Reached};
use super::worker::Core;

impl Core {
    /// Begins the job that makes the credential of a rotation, once that is recorded.
    pub(super) fn begin_making(
        &self,
        reached: Reached<'_>,
        secret: &Arc<Secret>,
        rotation: &Rotation,
        report_by: Timestamp,
        is_doubted: bool,
    ) -> Result<Progress, Halt> {
        let begun = self.call_by(reached, secret, rotation.id, begin(rotation.id.into(), Work::Make, report_by));
        self.point("begun")?;
        match begun {
            Ok(()) => Ok(Progress::Moved),
            // It may be at work all the same; then its report tells.
            Err(error) if is_doubted => self.fail(secret, rotation, &error.in_doubt()),
            Err(error) => self.fail(secret, rotation, &error),
        }
    }

    /// Has a job end what a rotation made that is given up, or, where that is not known, say what there is.
    pub(super) fn give_up_by_job(
        &self,
        secret: &Arc<Secret>,
        rotation: &Rotation,
        made: Option<&IssuedCredential>,
    ) -> Result<Progress, Halt> {
        if made.is_none() && rotation.class == IssuerClass::Opaque {
            return self.tell(secret, RotationCommand::FinishAbort { rotation: rotation.id });
        }
        let reached = self.reach(&rotation.issuer)?;
        let Some(limit) = reached.issuer.job_limit() else { return Ok(Progress::Moved) };
        let report_by = self.engine.now().plus(limit);
        let step = RotationCommand::BeginEnding { rotation: rotation.id, report_by };
        let answer = self.ask_for(secret, step)?;
        if answer.is_err() {
            return Self::settled(answer);
        }
        self.point("ending")?;
        let (task, work) = match made {
            Some(made) => (rotation.to.into(), Work::End(made.outside.clone())),
            None => (rotation.id.into(), Work::Make),
        };
        let begun = self.call_by(reached, secret, rotation.id, begin(task, work, report_by));
        self.point("begun")?;
        match begun {
            Ok(()) => Ok(Progress::Moved),
            Err(error) => self.fail(secret, rotation, &error),
        }
    }

    /// Begins the job that ends the credential of a version, once that is recorded.
    pub(super) fn retire_by_job(
        &self,
        reached: Reached<'_>,
        secret: &Arc<Secret>,
        (version, credential): (VersionId, &Credential),
        limit: Duration,
    ) -> Result<Progress, Halt> {
        let report_by = self.engine.now().plus(limit);
        let step = RotationCommand::BeginRetirement { version, report_by };
        let answer = self.ask_for(secret, step)?;
        if answer.is_err() {
            return Self::settled(answer);
        }
        self.point("ending")?;
        let ended = Work::End(credential.outside.clone());
        let call = begin(version.into(), ended, report_by);
        let begun = self.call_by(reached, secret, credential.rotation, call);
        self.point("begun")?;
        match begun {
            Ok(()) => Ok(Progress::Moved),
            Err(error) => self.fail_retirement(secret, version, &error),
        }
    }
}

/// What a job is to do, held for a call.
enum Work {
    Make,
    End(Option<OutsideId>),
}

/// The call that begins a job.
fn begin(
    task: TaskId,
    work: Work,
    report_by: Timestamp,
) -> impl FnOnce(&dyn Issuer, &IssueOrder<'_>) -> Result<(), IssuerError> + Send + 'static {
    move |issuer, order| {
        let work = match &work {
            Work::Make => JobWork::CreateCredentials,
            Work::End(outside) => JobWork::DeleteCredentials(outside.as_ref()),
        };
        issuer.begin(order, &Job::new(task, work, report_by))
    }
}

/// What is said of a job whose time is over.
pub(super) fn late(report_by: Timestamp) -> IssuerError {
    IssuerError::unknown(&format!("its job has not reported by {report_by}"))
}
