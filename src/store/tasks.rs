//! Owns the reports of jobs on their tasks, and what is shown of tasks.
//!
//! Read next: [`crate::RotationWorker`], which begins the jobs.

use crate::domain::back_off;
use crate::domain::command::Command as Decided;
use crate::domain::id::{SecretId, TaskId, VersionId};
use crate::domain::name::Reason;
use crate::domain::receipt::Receipt;
use crate::domain::refusal::Refusal;
use crate::domain::rotation_command::{Reported, RotationCommand};
use crate::domain::secret::Secret;
use crate::domain::task::{Task, TaskKind};
use crate::engine::queue::Payload;
use crate::error::Error;
use crate::issuer::job::TaskReport;
use crate::seal::random;

use super::command::Command;
use super::prepare::Purpose;
use super::session::Session;
use super::store::Store;
use crate::engine::Engine;
use crate::engine::prepare::{Ready, blank};

impl Session {
    /// Accepts a job's report on its task; see [`crate::Issuer::begin`]. It is durable when this returns. The worker
    /// continues from there. It verifies a new credential and makes it current. It destroys the data of a version whose
    /// credential was ended. It tries a failed task again after a pause.
    ///
    /// A late report is accepted as long as the task has no other result. The same report again is refused. A report
    /// for a task that was given up is refused too; its job must undo its own work.
    ///
    /// ```
    /// use latchkeep::{
    ///     Actor, Issuance, IssueOrder, Issued, Issuer, IssuerClass, IssuerError, IssuerName, Job, NewSecret, OutsideId,
    ///     RotationWorker, SecretBytes, SecretName, StoreOptions, TaskReport, TaskStatus, Unlock, VersionRef, WorkerOptions,
    /// };
    /// use std::time::Duration;
    ///
    /// /// Leaves its work to jobs, which it would begin where they run.
    /// struct Jobs;
    ///
    /// impl Issuer for Jobs {
    ///     fn class(&self) -> IssuerClass {
    ///         IssuerClass::CreateWithToken
    ///     }
    ///     fn job_limit(&self) -> Option<Duration> {
    ///         Some(Duration::from_secs(30 * 60))
    ///     }
    ///     fn begin(&self, _: &IssueOrder<'_>, _: &Job<'_>) -> Result<(), IssuerError> {
    ///         Ok(())
    ///     }
    ///     fn verify(&self, _: &IssueOrder<'_>, _: &SecretBytes) -> Result<(), IssuerError> {
    ///         Ok(())
    ///     }
    ///     fn create(&self, _: &IssueOrder<'_>, _: Option<&SecretBytes>) -> Result<Issued, IssuerError> {
    ///         Err(IssuerError::refused("jobs do this"))
    ///     }
    ///     fn retire(&self, _: &IssueOrder<'_>, _: Option<&OutsideId>) -> Result<(), IssuerError> {
    ///         Err(IssuerError::refused("jobs do this"))
    ///     }
    /// }
    ///
    /// let store = StoreOptions::in_memory(Unlock::bytes(SecretBytes::copy_from(&[7; 32]))).create()?;
    /// let ops = store.acting_as(Actor::parse("ops")?);
    /// let jobs = IssuerName::parse("jobs")?;
    /// let new = NewSecret::custom_credentials(SecretName::parse("tracker")?, Issuance::by(jobs.clone()));
    /// let secret = ops.create(new)?.secret.unwrap();
    /// let worker = RotationWorker::new(&store, WorkerOptions::new().issuer(jobs, Jobs));
    /// worker.run_due()?;
    ///
    /// // The job runs; at its end it reports.
    /// let task = store.tasks(secret)?.pop().unwrap();
    /// assert_eq!(task.status, TaskStatus::Processing);
    /// let made = Issued::new(SecretBytes::copy_from(br#"{"token":"t0k3n"}"#)).known_as(OutsideId::parse("token-1")?);
    /// ops.report_task(secret, task.id, TaskReport::CredentialsCreated(made))?;
    /// worker.run_due()?;
    /// assert_eq!(ops.read(secret, VersionRef::Current)?.number.get(), 1);
    /// # Ok::<(), latchkeep::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Session::run`]; [`Refusal::TaskNotFound`], [`Refusal::TaskNotAwaited`]; kind `Invalid` when the credential
    /// is not a JSON object of at most 512 KiB.
    pub fn report_task(&self, secret: SecretId, task: TaskId, report: TaskReport) -> Result<Receipt, Error> {
        self.run(Command::report_task(secret, task, report))
    }

    /// Cancels a task that makes a credential: its rotation is given up, as by [`Session::abort_rotation`]. While its
    /// job runs, the store waits for the report of that job, so that its credential is ended. With class `Opaque` it
    /// does not wait, and the caller must end that credential.
    ///
    /// # Errors
    ///
    /// As [`Session::run`]; [`Refusal::TaskNotFound`]; [`Refusal::TaskNotAwaited`] for a task that is over;
    /// [`Refusal::InvalidArgument`] for one that ends a credential, which cannot be cancelled.
    pub fn cancel_task(&self, secret: SecretId, task: TaskId, reason: Reason) -> Result<Receipt, Error> {
        self.run(Command::cancel_task(secret, task, reason))
    }
}

impl Store {
    /// Returns the tasks of a secret, see [`Secret::tasks`]: the open and the finished work for its credentials in
    /// outside systems.
    ///
    /// # Errors
    ///
    /// [`Refusal::SecretNotFound`].
    pub fn tasks(&self, secret: SecretId) -> Result<Vec<Task>, Error> {
        Ok(self.0.find(secret)?.tasks())
    }

    /// Returns a task.
    ///
    /// # Errors
    ///
    /// [`Refusal::SecretNotFound`], [`Refusal::TaskNotFound`].
    pub fn task(&self, secret: SecretId, task: TaskId) -> Result<Task, Error> {
        Ok(self.0.find(secret)?.task(task).ok_or(Refusal::TaskNotFound)?)
    }
}

impl Engine {
    /// Makes a command of what became of a task; seals what its job made, for the version that its rotation is for.
    pub(super) fn prepare_report(
        &self,
        id: SecretId,
        task: TaskId,
        report: &TaskReport,
        purpose: Purpose,
    ) -> Result<Ready, Error> {
        let secret = self.find(id)?;
        let (report, payload) = match (purpose, report) {
            (Purpose::Ask, TaskReport::CredentialsCreated(issued)) => {
                let (made, payload) = self.prepare_issued(&secret, to_come(&secret, task)?, &issued.credential)?;
                let (outside, expires_at) = (issued.outside.clone(), issued.expires_at);
                (Reported::Created { outside, made, expires_at }, payload)
            }
            _ => (self.without_credential(&secret, task, report)?, Payload::None),
        };
        Ok(Ready { command: Decided::Rotation { secret: id, step: RotationCommand::Report { task, report } }, payload })
    }

    fn without_credential(&self, secret: &Secret, task: TaskId, report: &TaskReport) -> Result<Reported, Error> {
        let now = self.now();
        Ok(match report {
            TaskReport::CredentialsCreated(issued) => {
                let made = blank(to_come(secret, task)?, None);
                Reported::Created { outside: issued.outside.clone(), made, expires_at: issued.expires_at }
            }
            TaskReport::CredentialsDeleted => Reported::Deleted,
            TaskReport::Failed(reason) => {
                let chance = u16::from_be_bytes(random::array()?);
                let retry_at = now.plus(back_off::pause(failures(secret, task).saturating_add(1), chance));
                Reported::Failed { reason: reason.clone(), retry_at }
            }
        })
    }
}

/// Returns the future version of the task, for which its data is sealed.
fn to_come(secret: &Secret, id: TaskId) -> Result<VersionId, Refusal> {
    let task = secret.task(id).ok_or(Refusal::TaskNotFound)?;
    match secret.rotation.as_deref().filter(|rotation| TaskId::from(rotation.id) == id) {
        Some(rotation) => Ok(rotation.to),
        None if task.kind == TaskKind::CreateCredentials => Err(Refusal::TaskNotAwaited { status: task.status }),
        None => Err(Refusal::invalid("status", "does not fit the task, which is to do the opposite")),
    }
}

/// Returns how often the work of the task has failed.
fn failures(secret: &Secret, task: TaskId) -> u32 {
    let of_rotation = secret.rotation.iter().find(|rotation| TaskId::from(rotation.id) == task);
    let attempts = of_rotation.map(|rotation| rotation.attempts.saturating_sub(1));
    let of_version = secret.versions.iter().find(|version| TaskId::from(version.id) == task);
    let failures = of_version.and_then(|version| Some(version.credential.as_deref()?.failures()));
    attempts.or(failures).unwrap_or(0).into()
}

/// Returns what distinguishes a report from another one under the same idempotency key, except the credential in it.
pub(super) fn shape(report: &TaskReport) -> String {
    match report {
        TaskReport::CredentialsCreated(issued) => format!("created {:?} {:?}", issued.outside, issued.expires_at),
        TaskReport::CredentialsDeleted => "deleted".to_owned(),
        TaskReport::Failed(reason) => format!("failed {reason:?}"),
    }
}
