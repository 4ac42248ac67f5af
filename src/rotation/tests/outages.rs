//! Outages: what was not available is tried again, parked after long work and not after a short absence, and no time counts
//! in which nobody worked.

use std::sync::Arc;
use std::time::Duration;

use super::world::{DAY, HOUR, World, issuer};
use crate::RotationWorker;
use crate::domain::id::SecretId;
use crate::domain::issuance::Issuance;
use crate::domain::name::SecretName;
use crate::domain::position::Position;
use crate::domain::rotation::IssuerClass;
use crate::domain::version::VersionRef;
use crate::issuer::kit::{ModelFault, ModelIssuer, ModelMethod};
use crate::store::new_secret::NewSecret;

const MINUTE: Duration = Duration::from_secs(60);

/// A world with some more secrets of the issuer.
fn many(class: IssuerClass, count: usize) -> (World, Vec<SecretId>) {
    let world = World::new(ModelIssuer::new(class));
    let make = |number| {
        let name = SecretName::parse(&format!("orders-{number}")).unwrap();
        world.ops().create(NewSecret::service_credentials(name, Issuance::by(issuer()))).unwrap().secret.unwrap()
    };
    let ids = std::iter::once(world.secret).chain((1..count).map(make)).collect();
    (world, ids)
}

fn parked(world: &World) -> usize {
    let open = world.store.rotating_secrets();
    open.iter().filter(|secret| secret.rotation.as_ref().is_some_and(|open| open.parked.is_some())).count()
}

fn work(world: &World, worker: &RotationWorker, length: Duration, step: Duration) {
    for _ in 0..length.as_secs() / step.as_secs() {
        world.clock.advance(step);
        worker.run_due().unwrap();
    }
}

#[test]
fn twenty_minutes_without_an_issuer_park_nothing_and_all_goes_on_when_it_is_back() {
    for class in IssuerClass::ALL {
        let (world, ids) = many(*class, 20);
        let worker = world.worker();
        worker.run_due().unwrap();
        ids.iter().for_each(|id| drop(worker.rotate(&world.ops(), *id).unwrap()));
        world.model.set_away(true);
        work(&world, &worker, 20 * MINUTE, MINUTE / 4);
        assert_eq!(parked(&world), 0, "{class}");
        let calls = world.model.calls().len();
        assert!(calls < 40 + 20 * 14, "{class}: {calls} calls in all: the pauses grow");
        world.model.set_away(false);
        work(&world, &worker, 31 * MINUTE, MINUTE);
        for id in &ids {
            let secret = world.store.secret(*id).unwrap();
            assert_eq!((secret.versions.len(), &secret.rotation), (2, &None), "{class}");
        }
        assert!(world.model.logs_in(&world.credential(VersionRef::Current)));
        world.audit(class.label());
    }
}

#[test]
fn an_issuer_that_goes_away_in_the_middle_of_a_call_parks_nothing_either() {
    for class in [IssuerClass::SetValue, IssuerClass::CreateWithToken, IssuerClass::CreateDiscoverable] {
        let world = World::new(ModelIssuer::new(class).fault(ModelMethod::Create, 0, ModelFault::LoseReply));
        let worker = world.worker();
        worker.run_due().unwrap();
        world.model.set_away(true);
        work(&world, &worker, 3 * HOUR, MINUTE);
        assert_eq!(parked(&world), 0, "{class}");
        assert_eq!(world.get().rotation.as_ref().unwrap().attempts, 1, "{class}: the one of which nobody knows");
        world.model.set_away(false);
        work(&world, &worker, 31 * MINUTE, MINUTE);
        world.check(class.label());
    }
}

#[test]
fn two_days_of_a_running_worker_park_and_a_person_brings_all_back() {
    let (world, ids) = many(IssuerClass::CreateDiscoverable, 5);
    let worker = world.worker();
    world.model.set_away(true);
    work(&world, &worker, 23 * HOUR, 10 * MINUTE);
    assert_eq!(parked(&world), 0);
    work(&world, &worker, 25 * HOUR, 10 * MINUTE);
    assert_eq!(parked(&world), 5);
    let secret = world.get();
    assert!(secret.patience.as_ref().unwrap().worked_secs >= DAY.as_secs());
    world.audit("parked");
    world.model.set_away(false);
    ids.iter().for_each(|id| drop(world.ops().resume_rotation(*id).unwrap()));
    let resumed = world.get();
    assert_eq!((resumed.rotation.as_ref().unwrap().attempts, resumed.patience.as_ref().unwrap().failures), (0, 0));
    assert_eq!(resumed.patience.as_ref().unwrap().limit_secs, DAY.as_secs(), "as much time as at first");
    worker.run_due().unwrap();
    assert!(ids.iter().all(|id| world.store.secret(*id).unwrap().versions.len() == 1));
    world.audit("resumed");
}

#[test]
fn a_run_a_day_is_patient_for_five_runs_and_no_time_between_them_counts() {
    for (class, fault) in [
        (IssuerClass::SetValue, ModelFault::LoseReply),
        (IssuerClass::CreateWithToken, ModelFault::LoseReply),
        (IssuerClass::CreateDiscoverable, ModelFault::BeUnavailable),
        (IssuerClass::Opaque, ModelFault::BeUnavailable),
    ] {
        let world = World::new(ModelIssuer::new(class).fault(ModelMethod::Create, 0, fault));
        world.worker().run_due().unwrap();
        assert!(world.get().rotation.is_some(), "{class}");
        world.clock.advance(DAY + Duration::from_secs(2));
        world.worker().run_due().unwrap();
        assert_eq!(world.get().versions.len(), 1, "{class}: the second run has done it");
        world.check(class.label());
        let worker = world.worker();
        worker.rotate(&world.ops(), world.secret).unwrap();
        world.model.set_away(true);
        for run in 1..=5 {
            assert_eq!(parked(&world), 0, "{class}, before run {run}");
            world.worker().run_due().unwrap();
            world.clock.advance(DAY);
        }
        assert_eq!(parked(&world), 1, "{class}");
        world.audit(class.label());
    }
}

/// A timer that fired each hour gave an outage five hours, where one that fired each day gave it five days.
#[test]
fn a_timer_of_an_hour_is_as_patient_with_an_outage_of_a_day_as_one_of_a_day() {
    for hours in [1, 6, 12, 24] {
        let (world, ids) = many(IssuerClass::CreateDiscoverable, 3);
        world.model.set_away(true);
        for _ in 0..30 / hours {
            world.worker().run_due().unwrap();
            world.clock.advance(HOUR * hours);
        }
        assert_eq!(parked(&world), 0, "each {hours} hours");
        world.model.set_away(false);
        world.worker().run_due().unwrap();
        assert!(ids.iter().all(|id| world.store.secret(*id).unwrap().versions.len() == 1), "each {hours} hours");
        // It is not patient for ever.
        world.model.set_away(true);
        drop(world.worker().rotate(&world.ops(), world.secret).unwrap());
        for _ in 0..6 * 24 / hours {
            world.worker().run_due().unwrap();
            world.clock.advance(HOUR * hours);
        }
        assert_eq!(parked(&world), 1, "each {hours} hours");
    }
}

#[test]
fn time_asleep_parks_nothing() {
    let (world, _) = many(IssuerClass::CreateWithToken, 3);
    let worker = world.worker();
    world.model.set_away(true);
    for _ in 0..10 {
        work(&world, &worker, HOUR, 10 * MINUTE);
        world.clock.advance(3 * DAY);
        worker.run_due().unwrap();
    }
    assert_eq!(parked(&world), 0);
    assert!(world.get().patience.as_ref().unwrap().worked_secs <= 10 * HOUR.as_secs());
}

#[test]
fn what_counts_is_said_again_with_its_secret() {
    let (world, _) = many(IssuerClass::CreateWithToken, 1);
    let worker = world.worker();
    world.model.set_away(true);
    work(&world, &worker, HOUR, MINUTE);
    let before = world.get();
    // The name of the secret goes; what is restated is what was known.
    let words = world.store.erasable_records(world.secret, Position::FIRST, 10).unwrap();
    world.ops().erase_bodies(words).unwrap();
    assert_eq!(world.get().patience, before.patience);
    assert_eq!(world.store.scrub(|_| {}).unwrap().findings, Vec::<String>::new());
    world.audit("erased");
}

#[test]
fn two_workers_take_turns_and_nothing_is_parked_that_is_not_in_doubt() {
    let world = World::new(ModelIssuer::new(IssuerClass::Opaque));
    world.model.fault_soon(ModelMethod::Create, 0, ModelFault::LoseReply);
    let other = world.worker();
    let mut options = world.options();
    options.interrupt = Some(Arc::new(move |point| {
        if point == "attempted" || point == "created" {
            let refused = other.run_due().unwrap_err();
            assert_eq!(refused.code(), "worker_runs");
        }
        false
    }));
    let worker = RotationWorker::new(&world.store, options);
    worker.run_due().unwrap();
    assert_eq!(parked(&world), 1, "nobody knows what came of the first call");
    let started = RotationWorker::start(&world.store, world.options()).unwrap();
    assert_eq!(worker.run_due().unwrap_err().code(), "worker_runs");
    assert_eq!(RotationWorker::start(&world.store, world.options()).unwrap_err().code(), "worker_runs");
    started.stop();
    worker.run_due().unwrap();
    drop(RotationWorker::start(&world.store, world.options()).unwrap());
    let mut file = Vec::new();
    let unlock = || crate::seal::unlock::Unlock::bytes(crate::seal::secret_bytes::SecretBytes::copy_from(&[7; 32]));
    world.store.backup(&mut file, &unlock(), |_| {}).unwrap();
    crate::verify_backup(file.as_slice(), &unlock(), |_| {}).unwrap();
}
