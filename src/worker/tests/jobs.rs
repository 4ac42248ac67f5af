//! The protocol with an issuer that leaves its work to jobs: jobs die, are late, fail, report twice, are begun and nobody hears
//! of it, and the worker dies at every point. What the protocol promises holds as it does without jobs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::world::World;
use crate::domain::id::{LogId, RotationId, SecretId, TaskId};
use crate::domain::name::{OutsideId, Reason, SecretName};
use crate::domain::rotation::{IssuerClass, Retirement, RotationStage};
use crate::domain::task::{TaskKind, TaskStatus};
use crate::issuer::issuer::{IssueOrder, Issuer};
use crate::issuer::job::{Job, JobWork, TaskReport};
use crate::issuer::kit::ModelIssuer;
use crate::issuer::outcome::{Issued, IssuerError, IssuerErrorKind};
use crate::seal::secret_bytes::SecretBytes;
use crate::worker::worker::RotationWorker;

const LIMIT: Duration = Duration::from_secs(30 * 60);

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

use JobFault::{DiesAfter, DiesBefore, Fails, IsLate, Lost, NotBegun, Refused, ReplyLost, Stutters};

pub(super) const FAULTS: [JobFault; 9] =
    [NotBegun, Refused, ReplyLost, Lost, DiesBefore, DiesAfter, Fails, IsLate, Stutters];

/// A job that is at work.
struct Running {
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
    running: Mutex<Vec<Running>>,
    begun: AtomicU64,
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
        Self { model, running: Mutex::default(), begun: AtomicU64::new(0), fault: Mutex::default() }
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
                _ if job.fault == Some(DiesAfter) => continue,
                // A job that does not know what it has done says nothing.
                Err(error) if error.kind() == IssuerErrorKind::Unknown => continue,
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

fn world(class: IssuerClass, fault: Option<(u64, JobFault)>) -> World {
    let world = World::new(ModelIssuer::new(class)).by_jobs();
    if let Some((later, fault)) = fault {
        world.jobs.as_ref().unwrap().fault_soon(later, fault);
    }
    world
}

/// Three versions one after another, with jobs that end between two looks of the worker.
fn story(world: &World, worker: &RotationWorker) -> bool {
    for _ in 0..3 {
        world.begin(worker);
        for _ in 0..3 {
            if worker.run_due().is_err() {
                return false;
            }
            world.end_jobs();
        }
    }
    worker.run_due().is_ok()
}

const CLASSES: [IssuerClass; 2] = [IssuerClass::CreateWithToken, IssuerClass::Opaque];

#[test]
fn a_secret_comes_to_three_versions_by_jobs() {
    for class in CLASSES {
        let world = world(class, None);
        let worker = world.worker();
        worker.run_due().unwrap();
        let task = world.store.tasks(world.secret).unwrap().pop().unwrap();
        assert_eq!((task.kind, task.status), (TaskKind::CreateCredentials, TaskStatus::Processing));
        assert_eq!(worker.run_due().unwrap(), 0, "nothing is due while a report is waited for");
        assert!(story(&world, &worker), "{class}");
        let secret = world.get();
        assert_eq!(secret.versions.len(), 3, "{class}");
        assert!(!secret.versions[0].is_available() && secret.versions[1].is_available(), "{class}");
        let ended = secret.tasks().into_iter().find(|task| task.kind == TaskKind::DeleteCredentials).unwrap();
        assert_eq!((ended.status, ended.version), (TaskStatus::CredentialsDeleted, secret.versions[0].id));
        world.check(class.label());
    }
}

#[test]
fn whatever_goes_wrong_with_a_job_the_credential_in_use_logs_in_and_nothing_is_orphaned() {
    for class in CLASSES {
        for fault in FAULTS {
            for number in 0..5 {
                let what = format!("{class}, job {number}: {fault:?}");
                let world = world(class, Some((number, fault)));
                let worker = world.worker();
                assert!(story(&world, &worker), "{what}");
                world.recover();
                world.begin(&world.worker());
                world.recover();
                world.check(&what);
            }
        }
    }
}

#[test]
fn a_worker_that_dies_at_any_point_between_jobs_is_gone_on_from_by_the_next() {
    for class in CLASSES {
        let mut points = 0;
        for at in 0.. {
            let world = world(class, None);
            let met = Arc::new(AtomicU64::new(0));
            let counted = Arc::clone(&met);
            let mut options = world.options();
            options.interrupt = Some(Arc::new(move |_| counted.fetch_add(1, Ordering::Relaxed) == at));
            let through = story(&world, &RotationWorker::new(&world.store, options));
            world.recover();
            world.begin(&world.worker());
            world.recover();
            world.check(&format!("{class}, point {at}"));
            points = at;
            if through && met.load(Ordering::Relaxed) <= at {
                break;
            }
        }
        assert!(points > 10, "{class}: only {points} points were met");
    }
}

#[test]
fn a_task_that_is_called_off_at_any_moment_leaves_nothing_outside() {
    for moment in 0..4 {
        for fault in [None, Some((1, DiesAfter)), Some((1, IsLate)), Some((1, Fails)), Some((2, Fails))] {
            let world = world(IssuerClass::CreateWithToken, fault);
            let worker = world.worker();
            world.recover();
            world.begin(&worker);
            for step in 0..moment {
                if step % 2 == 0 { worker.run_due().map(drop).unwrap() } else { world.end_jobs() }
            }
            if let Some(open) = &world.get().rotation {
                world.ops().cancel_task(world.secret, open.id.into(), Reason::of("not today")).unwrap();
            }
            world.recover();
            world.check(&format!("called off at {moment}, {fault:?}"));
        }
    }
}

#[test]
fn an_opaque_job_that_is_late_waits_for_a_person_and_its_report_still_counts() {
    let world = world(IssuerClass::Opaque, Some((0, IsLate)));
    let worker = world.worker();
    worker.run_due().unwrap();
    world.clock.advance(LIMIT);
    worker.run_due().unwrap();
    let parked = world.get().rotation.clone().unwrap();
    assert!(parked.parked.is_some() && matches!(parked.stage, RotationStage::Awaiting { .. }));
    assert_eq!(world.store.task(world.secret, parked.id.into()).unwrap().status, TaskStatus::Failed);
    world.end_jobs();
    worker.run_due().unwrap();
    assert_eq!(world.get().versions.len(), 1);
    world.check("a late report");
}

/// A retirement that fails is written down, so that whoever looks, in another process too, sees why.
#[test]
fn what_could_not_be_ended_is_recorded_with_its_reason_and_the_pauses_grow() {
    let world = world(IssuerClass::CreateWithToken, None);
    let worker = world.worker();
    assert!(story(&world, &worker));
    world.begin(&worker);
    worker.run_due().unwrap();
    world.end_jobs();
    worker.run_due().unwrap();
    let retiring = world.get().versions[1].id;
    let mut pauses = Vec::new();
    for failures in 1..=4 {
        world.ops().report_task(world.secret, retiring.into(), TaskReport::Failed(Reason::of("no such key"))).unwrap();
        let Retirement::Failing { failures: counted, retry_at, .. } =
            world.get().version_by_id(retiring).unwrap().credential.clone().unwrap().retirement
        else {
            panic!("it failed");
        };
        assert_eq!(counted, failures);
        let pause = retry_at.since(world.store.0.now());
        pauses.push(pause);
        world.clock.advance(pause);
        worker.run_due().unwrap();
    }
    assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]) && pauses[0] > Duration::ZERO, "{pauses:?}");
    world.jobs.as_ref().unwrap().running.lock().clear();
    world.ops().report_task(world.secret, retiring.into(), TaskReport::CredentialsDeleted).unwrap();
    assert!(!world.get().version_by_id(retiring).unwrap().is_available());
}

#[test]
fn a_class_that_asks_for_calls_takes_no_jobs() {
    for class in [IssuerClass::SetValue, IssuerClass::CreateDiscoverable] {
        let world = world(class, None);
        let worker = world.worker();
        worker.run_due().unwrap();
        let waiting = worker.waiting();
        assert!(waiting[0].1.as_str().contains("cannot leave its work to jobs"), "{waiting:?}");
        assert!(!story(&world, &worker) || world.get().versions.is_empty());
    }
}
