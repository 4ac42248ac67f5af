//! A clock behind the last record: the store's time stands still, and what failed is tried again all the same.

use std::time::Duration;

use super::world::{DAY, World};
use crate::RotationWorker;
use crate::domain::clock::ClockStanding;
use crate::domain::name::Reason;
use crate::domain::rotation::IssuerClass;
use crate::domain::version::VersionRef;
use crate::issuer::kit::{ModelFault, ModelIssuer, ModelMethod};
use crate::rotation::worker::Worker;

const SECOND: Duration = Duration::from_secs(1);

const BESIDE: [IssuerClass; 3] = [IssuerClass::CreateWithToken, IssuerClass::CreateDiscoverable, IssuerClass::Opaque];

/// A store whose clock is a day behind its last record.
fn behind(class: IssuerClass) -> World {
    let world = World::new(ModelIssuer::new(class));
    world.worker().run_due().unwrap();
    world.worker().rotate(&world.ops(), world.secret).unwrap();
    world.clock.set(world.store.0.now().minus(DAY));
    assert!(matches!(world.store.clock().standing, ClockStanding::Behind(_)));
    world
}

fn versions(world: &World) -> usize {
    world.get().versions.len()
}

/// It was once to be tried again at a time that never came.
#[test]
fn a_new_single_run_tries_again_what_failed_before() {
    for class in IssuerClass::ALL {
        let world = behind(*class);
        world.model.set_away(true);
        world.worker().run_due().unwrap();
        assert!(world.get().rotation.as_ref().unwrap().retry_at.is_some(), "{class}");
        world.model.set_away(false);
        world.worker().run_due().unwrap();
        assert_eq!((versions(&world), &world.get().rotation), (2, &None), "{class}");
        world.audit(class.label());
    }
}

#[test]
fn a_worker_waits_out_its_pauses_by_the_time_that_passes() {
    let world = behind(IssuerClass::CreateDiscoverable);
    let (worker, now) = (world.worker(), world.store.0.now());
    world.model.set_away(true);
    worker.run_due().unwrap();
    let (calls, pause) = (world.model.calls().len(), worker.retry_in().unwrap());
    assert!((SECOND..=2 * SECOND).contains(&pause), "{pause:?}");
    worker.run_due().unwrap();
    assert_eq!(world.model.calls().len(), calls, "not before its time");
    world.clock.advance(pause);
    worker.run_due().unwrap();
    assert_eq!(world.model.calls().len(), calls + 1);
    assert!(worker.retry_in().unwrap() >= SECOND);
    world.model.set_away(false);
    world.clock.advance(worker.retry_in().unwrap());
    worker.run_due().unwrap();
    assert_eq!((versions(&world), worker.retry_in()), (2, None));
    assert_eq!(world.store.0.now(), now, "the store's time stood still");
}

/// One that goes on by itself looks at what is due by the store's time, which does not come.
#[test]
fn the_pauses_of_a_started_worker_end_and_grow_while_time_stands_still() {
    let world = behind(IssuerClass::CreateDiscoverable);
    world.model.set_away(true);
    let worker = Worker::without_threads(&world.store.0, world.options(), true);
    let worker = RotationWorker(std::sync::Arc::new(worker));
    for _ in 0..20 * 60 / 15 {
        worker.run_due().unwrap();
        world.clock.advance(15 * SECOND);
    }
    assert!(world.get().rotation.as_ref().unwrap().parked.is_none());
    let failed = super::holds::events(&world, "RotationAttemptFailed");
    assert!((6..16).contains(&failed), "{failed} attempts in twenty minutes");
    world.model.set_away(false);
    world.clock.advance(30 * 60 * SECOND);
    worker.run_due().unwrap();
    assert_eq!((versions(&world), &world.get().rotation), (2, &None));
}

#[test]
fn a_retirement_that_failed_is_tried_again_while_time_stands_still() {
    for class in BESIDE {
        let world = World::new(ModelIssuer::new(class));
        world.worker().run_due().unwrap();
        world.worker().rotate(&world.ops(), world.secret).unwrap();
        world.worker().run_due().unwrap();
        world.ops().retire(world.secret, VersionRef::Previous).unwrap();
        world.clock.set(world.store.0.now().minus(DAY));
        world.model.fault_soon(ModelMethod::Retire, 0, ModelFault::BeUnavailable);
        let worker = world.worker();
        worker.run_due().unwrap();
        let in_use = || world.get().versions.iter().filter(|version| version.has_credential_in_use()).count();
        assert_eq!(in_use(), 2, "{class}");
        worker.run_due().unwrap();
        assert_eq!(in_use(), 2, "{class}: not before its time");
        world.clock.advance(2 * SECOND);
        worker.run_due().unwrap();
        assert_eq!(in_use(), 1, "{class}");
        world.check(class.label());
    }
}

#[test]
fn a_rotation_that_is_given_up_or_resumed_goes_on_while_time_stands_still() {
    let world = behind(IssuerClass::CreateDiscoverable);
    world.model.fault_soon(ModelMethod::Verify, 0, ModelFault::Refuse);
    world.worker().run_due().unwrap();
    world.ops().abort_rotation(world.secret, Reason::of("another day")).unwrap();
    world.model.fault_soon(ModelMethod::Retire, 0, ModelFault::BeUnavailable);
    world.worker().run_due().unwrap();
    assert!(world.get().rotation.is_some(), "what was made is there still");
    world.worker().run_due().unwrap();
    assert_eq!((&world.get().rotation, world.model.existing().len()), (&None, 1));
}

/// A clock that stopped at the last record is not behind it; its pauses never ended.
#[test]
fn what_failed_is_tried_again_under_a_clock_that_stopped() {
    for class in IssuerClass::ALL {
        let world = World::new(ModelIssuer::new(*class));
        world.worker().run_due().unwrap();
        let worker = world.worker();
        world.model.set_away(true);
        worker.rotate(&world.ops(), world.secret).unwrap();
        worker.run_due().unwrap();
        let (stopped, calls) = (world.store.0.now(), world.model.calls().len());
        let pass = |length| {
            world.clock.advance(length);
            world.clock.set(stopped);
            worker.run_due().unwrap();
        };
        pass(SECOND / 4);
        assert_eq!(world.model.calls().len(), calls, "{class}: not before its time");
        pass(10 * SECOND);
        assert!(world.store.clock().stands_still && world.store.clock().standing == ClockStanding::Steady, "{class}");
        assert_eq!(world.model.calls().len(), calls + 1, "{class}");
        assert!(worker.retry_in().is_none_or(|pause| pause >= SECOND), "{class}");
        world.model.set_away(false);
        pass(60 * SECOND);
        pass(60 * SECOND);
        assert_eq!((versions(&world), &world.get().rotation), (2, &None), "{class}");
        world.audit(class.label());
    }
}

/// What waits without a record waited for a time of the store, too.
#[test]
fn what_waits_for_an_issuer_is_looked_at_again_while_time_stands_still() {
    let world = behind(IssuerClass::CreateDiscoverable);
    let bare = RotationWorker::new(&world.store, crate::WorkerOptions::new());
    bare.run_due().unwrap();
    assert_eq!(bare.waiting().len(), 1);
    let steps = |worker: &RotationWorker| worker.0.core.look().1;
    assert_eq!(steps(&bare), 0, "it was put off");
    world.clock.advance(2 * SECOND);
    assert_eq!(steps(&bare), 1);
}
