//! The protocol with an issuer that leaves its work to jobs: jobs die, are late, fail, report twice, are begun and nobody hears
//! of it, and the worker dies at every point. What the protocol promises holds as it does without jobs.

use std::time::Duration;

use super::job_runner::{DiesAfter, FAULTS, Fails, IsLate, JobFault, LIMIT};
use super::world::{World, die_everywhere};
use crate::RotationWorker;
use crate::domain::name::Reason;
use crate::domain::rotation::{IssuerClass, Retirement, RotationStage};
use crate::domain::task::{TaskKind, TaskStatus};
use crate::issuer::job::TaskReport;
use crate::issuer::kit::ModelIssuer;

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
        let points = die_everywhere(class.label(), || world(class, None), story);
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

/// A job is late, and the one that is to be begun in its place is not: the first may still have made something.
#[test]
fn a_job_that_could_not_be_begun_again_does_not_make_anybody_forget_the_first() {
    for fault in [JobFault::NotBegun, JobFault::Refused] {
        let world = world(IssuerClass::CreateWithToken, None);
        let worker = world.worker();
        world.recover();
        world.begin(&worker);
        worker.run_due().unwrap();
        let jobs = world.jobs.as_ref().unwrap();
        let first = std::mem::take(&mut *jobs.running.lock());
        assert_eq!(first.len(), 1);
        jobs.fault_soon(0, fault);
        for _ in 0..2 {
            world.clock.advance(LIMIT);
            worker.run_due().unwrap();
        }
        let open = world.get().rotation.clone().unwrap();
        world.ops().cancel_task(world.secret, open.id.into(), Reason::of("not today")).unwrap();
        assert!(world.get().rotation.is_some(), "{fault:?}: what the first job made is not known yet");
        jobs.running.lock().extend(first);
        world.recover();
        world.check(&format!("{fault:?}"));
    }
}
