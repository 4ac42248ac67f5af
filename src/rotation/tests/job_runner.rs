//! Owns where jobs run in these tests: what they do is done by the model of the outside system, and each can go wrong.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::world::World;
use crate::domain::id::{LogId, RotationId, SecretId, TaskId};
use crate::domain::name::{OutsideId, Reason, SecretName};
use crate::domain::rotation::IssuerClass;
use crate::issuer::issuer::{IssueOrder, Issuer};
use crate::issuer::job::{Job, JobWork, TaskReport};
use crate::issuer::kit::ModelIssuer;
use crate::issuer::outcome::{Issued, IssuerError, IssuerErrorKind};
use crate::seal::secret_bytes::SecretBytes;

pub(super) const LIMIT: Duration = Duration::from_secs(30 * 60);

/// What goes wrong with a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JobFault {
    /// The call that begins it fails, and nothing is begun.
    NotBegun,
    /// It is refused for good, and nothing is begun.
    Refused,
    /// It is at work, and nobody hears that.
    ReplyLost,
    /// Nothing is begun, and nobody knows.
    Lost,
    /// It dies before it does anything.
    DiesBefore,
    /// It dies with its work done.
    DiesAfter,
    /// It does nothing, and says so.
    Fails,
    /// It reports when its time is over.
    IsLate,
    /// It reports twice.
    Stutters,
}

pub(super) use JobFault::{DiesAfter, DiesBefore, Fails, IsLate, Lost, NotBegun, Refused, ReplyLost, Stutters};

pub(super) const FAULTS: [JobFault; 9] =
    [NotBegun, Refused, ReplyLost, Lost, DiesBefore, DiesAfter, Fails, IsLate, Stutters];

/// A job that is at work.
pub(super) struct Running {
    task: TaskId,
    store: LogId,
    secret: SecretId,
    rotation: RotationId,
    /// What it is to end; else it makes.
    ends: Option<Option<OutsideId>>,
    fault: Option<JobFault>,
}

/// Where jobs run; what they do is done by a model of the outside system.
pub(super) struct Jobs {
    model: Arc<ModelIssuer>,
    pub(super) running: Mutex<Vec<Running>>,
    begun: AtomicU64,
    /// Tasks of which a job may have done something that nobody heard of.
    silent: Mutex<HashSet<TaskId>>,
    fault: Mutex<Option<(u64, JobFault)>>,
}

impl Issuer for Jobs {
    fn class(&self) -> IssuerClass {
        self.model.class()
    }

    fn create(&self, _: &IssueOrder<'_>, _: Option<&SecretBytes>) -> Result<Issued, IssuerError> {
        panic!("jobs make credentials")
    }

    fn retire(&self, _: &IssueOrder<'_>, _: Option<&OutsideId>) -> Result<(), IssuerError> {
        panic!("jobs end credentials")
    }

    fn verify(&self, order: &IssueOrder<'_>, credential: &SecretBytes) -> Result<(), IssuerError> {
        self.model.verify(order, credential)
    }

    fn job_limit(&self) -> Option<Duration> {
        Some(LIMIT)
    }

    fn begin(&self, order: &IssueOrder<'_>, job: &Job<'_>) -> Result<(), IssuerError> {
        let mut running = self.running.lock();
        if self.class() == IssuerClass::CreateWithToken && running.iter().any(|known| known.task == job.task) {
            return Ok(());
        }
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        let fault = self.fault.lock().filter(|(at, _)| *at == number).map(|(_, fault)| fault);
        match fault {
            Some(NotBegun) => return Err(IssuerError::unavailable("no room for jobs")),
            Some(Refused) => return Err(IssuerError::refused("no such job")),
            Some(Lost) => return Err(IssuerError::unknown("the connection broke")),
            _ => {}
        }
        let ends = match job.work {
            JobWork::CreateCredentials => None,
            JobWork::DeleteCredentials(outside) => Some(outside.cloned()),
        };
        let (store, secret, rotation) = (order.store, order.secret, order.rotation);
        running.push(Running { task: job.task, store, secret, rotation, ends, fault });
        if fault == Some(ReplyLost) { Err(IssuerError::unknown("the connection broke")) } else { Ok(()) }
    }
}

impl Jobs {
    pub(super) fn of(model: Arc<ModelIssuer>) -> Self {
        Self {
            model,
            running: Mutex::default(),
            begun: AtomicU64::new(0),
            silent: Mutex::default(),
            fault: Mutex::default(),
        }
    }

    /// Lets something go wrong with the job that is begun after so many others.
    pub(super) fn fault_soon(&self, later: u64, fault: JobFault) {
        *self.fault.lock() = Some((self.begun.load(Ordering::Relaxed) + later, fault));
    }

    /// Lets the jobs that are at work end, and report.
    pub(super) fn run(&self, world: &World) {
        let name = SecretName::parse("orders").unwrap();
        let (ops, all) = (world.ops(), std::mem::take(&mut *self.running.lock()));
        for mut job in all {
            match job.fault {
                Some(DiesBefore) => continue,
                // Late means: after the worker has found that it is.
                Some(IsLate)
                    if world
                        .get()
                        .tasks()
                        .iter()
                        .any(|task| task.id == job.task && task.report_by > Some(world.store.0.now())) =>
                {
                    self.running.lock().push(job);
                    continue;
                }
                _ => {}
            }
            let order = IssueOrder::new(job.store, job.secret, &name, job.rotation, None);
            let called = match (&job.ends, job.fault) {
                (_, Some(Fails)) => Err(IssuerError::refused("no quota")),
                (None, _) => self.model.create(&order, None).map(TaskReport::CredentialsCreated),
                (Some(outside), _) => {
                    self.model.retire(&order, outside.as_ref()).map(|()| TaskReport::CredentialsDeleted)
                }
            };
            let report = match called {
                _ if job.fault == Some(DiesAfter) => {
                    self.silent.lock().insert(job.task);
                    continue;
                }
                // A job that does not know what is there of its task says nothing.
                Err(error) if error.kind() == IssuerErrorKind::Unknown => {
                    self.silent.lock().insert(job.task);
                    continue;
                }
                Err(_) if self.silent.lock().contains(&job.task) => continue,
                Err(error) => TaskReport::Failed(error.reason().clone()),
                Ok(report) => report,
            };
            let outside = match &report {
                TaskReport::CredentialsCreated(made) => made.outside.clone(),
                _ => None,
            };
            let reported = ops.report_task(job.secret, job.task, report);
            if let (Err(refused), Some(made)) = (&reported, &outside) {
                // Nobody waits for it any more: a job undoes then what it did.
                assert!(refused.refusal().is_some(), "{refused}");
                self.model.retire(&order, Some(made)).unwrap();
            }
            if job.fault.take() == Some(Stutters) {
                let again = ops.report_task(job.secret, job.task, TaskReport::Failed(Reason::of("again")));
                assert!(again.unwrap_err().refusal().is_some(), "a task is reported once");
            }
        }
    }
}
