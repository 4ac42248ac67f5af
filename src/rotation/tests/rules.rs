//! What the worker does when all goes well, and when a lock, a person or a consumer says something.

use std::sync::Arc;
use std::time::Duration;

use super::world::{DAY, HOUR, World, issuer, story};
use crate::RotationWorker;
use crate::domain::id::SecretId;
use crate::domain::issuance::Issuance;
use crate::domain::lock::NewLock;
use crate::domain::name::{Actor, IssuerName, LockName, Reason, SecretName, Username};
use crate::domain::policy::{Interval, IntervalUnit, RotationPolicy};
use crate::domain::rotation::IssuerClass;
use crate::domain::secret::{Lifecycle, PasswordPolicy};
use crate::domain::version::{VersionOrigin, VersionRef};
use crate::issuer::kit::{ModelFault, ModelIssuer, ModelMethod};
use crate::rotation::options::WorkerOptions;
use crate::store::new_secret::NewSecret;

#[test]
fn a_permanent_no_leads_to_another_value_and_then_to_a_person_never_to_the_same_for_ever() {
    let mut model = ModelIssuer::new(IssuerClass::SetValue);
    for number in 1..100 {
        model = model.fault(ModelMethod::Create, number, ModelFault::Refuse);
    }
    let world = World::new(model);
    let worker = RotationWorker::new(&world.store, world.options().attempts_max(4));
    worker.run_due().unwrap();
    worker.rotate(&world.ops(), world.secret).unwrap();
    let mut values = Vec::new();
    for _ in 0..10 {
        worker.run_due().unwrap();
        values.push(world.get().rotation.as_ref().unwrap().value.unwrap().data_key);
        world.clock.advance(HOUR);
    }
    values.dedup();
    assert_eq!(values.len(), 4, "each refusal brought another value, up to the last attempt");
    let rotation = world.get().rotation.clone().unwrap();
    assert!(rotation.parked.unwrap().reason.as_str().contains("every attempt failed"));
    assert_eq!(world.model.calls().iter().filter(|call| call.method == ModelMethod::Create).count(), 5);
    // The current version was never touched.
    assert!(world.model.logs_in(&world.credential(VersionRef::Current)));
    world.ops().abort_rotation(world.secret, Reason::of("another day")).unwrap();
    worker.run_due().unwrap();
    world.check("aborted");
}

#[test]
fn a_lock_that_comes_while_the_call_is_out_holds_the_new_version_staged_until_it_goes() {
    let world = World::new(ModelIssuer::new(IssuerClass::CreateDiscoverable));
    let worker = world.worker();
    assert!(story(&world, &worker));
    worker.rotate(&world.ops(), world.secret).unwrap();
    // In log order the lock on previous comes behind the plan, and before the commit.
    let mut options = world.options();
    options.interrupt = Some(Arc::new(|point| point == "created"));
    assert!(RotationWorker::new(&world.store, options).run_due().is_err());
    let lock = NewLock::new(LockName::parse("billing").unwrap());
    world.ops().place_lock(world.secret, VersionRef::Previous, lock).unwrap();
    world.clock.advance(HOUR);
    worker.run_due().unwrap();
    let held = world.get();
    assert_eq!(held.rotation.as_ref().unwrap().stage.label(), "staged");
    assert_eq!(held.versions.len(), 3);
    assert!(world.model.logs_in(&world.credential(VersionRef::Previous)), "nothing that was locked is lost");
    // By hand: reported once, however long it lasts.
    let before = held.revision;
    world.clock.advance(3 * DAY);
    worker.run_due().unwrap();
    assert!(world.get().revision.get() <= before.get() + 3);
    // A lock on the current version is in nobody's way here.
    let lock = NewLock::new(LockName::parse("web").unwrap());
    world.ops().place_lock(world.secret, VersionRef::Current, lock).unwrap();
    world.ops().remove_lock(world.secret, VersionRef::Previous, LockName::parse("billing").unwrap()).unwrap();
    worker.run_due().unwrap();
    assert_eq!(world.get().versions.len(), 4);
    assert_eq!(world.get().previous().unwrap().locks.len(), 1);
    world.check("committed at last");
}

#[test]
fn an_issuer_that_replaces_in_place_is_refused_by_a_lock_on_current_and_no_lock_comes_while_it_is_asked() {
    let world = World::new(ModelIssuer::new(IssuerClass::SetValue));
    let worker = world.worker();
    worker.run_due().unwrap();
    let name = LockName::parse("billing").unwrap();
    world.ops().place_lock(world.secret, VersionRef::Current, NewLock::new(name.clone())).unwrap();
    let refused = worker.rotate(&world.ops(), world.secret).unwrap_err();
    assert_eq!(refused.code(), "secret_version_locked");
    world.ops().remove_lock(world.secret, VersionRef::Current, name.clone()).unwrap();
    let mut options = world.options();
    options.interrupt = Some(Arc::new(|point| point == "created"));
    let dying = RotationWorker::new(&world.store, options);
    dying.rotate(&world.ops(), world.secret).unwrap();
    assert!(dying.run_due().is_err());
    // The account has another password already: a lock on the old one would protect nothing.
    let refused = world.ops().place_lock(world.secret, VersionRef::Current, NewLock::new(name)).unwrap_err();
    assert_eq!(refused.code(), "rotation_open");
    world.recover();
    world.check("gone on with");
}

#[test]
fn a_policy_that_a_lock_refuses_is_asked_again_each_day() {
    let policy = RotationPolicy::every(Interval::new(7, IntervalUnit::Day).unwrap());
    let world = World::with(ModelIssuer::new(IssuerClass::CreateWithToken), Issuance::by(issuer()), Some(policy));
    let worker = world.worker();
    worker.run_due().unwrap();
    world.clock.advance(8 * DAY);
    worker.run_due().unwrap();
    let lock = || NewLock::new(LockName::parse("billing").unwrap());
    world.ops().place_lock(world.secret, VersionRef::Previous, lock()).unwrap();
    world.clock.advance(8 * DAY);
    let refused = |world: &World| {
        let mut count = 0;
        world
            .store
            .for_each_record(crate::domain::position::Position::FIRST, |entry| {
                if let crate::LogEntry::Known(record) = entry {
                    count += u32::from(record.event.label() == "ScheduledRotationRefused");
                }
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
        count
    };
    for day in 1..=3 {
        worker.run_due().unwrap();
        worker.run_due().unwrap();
        assert_eq!(refused(&world), day, "once a day");
        world.clock.advance(DAY);
    }
    world.ops().remove_lock(world.secret, VersionRef::Previous, LockName::parse("billing").unwrap()).unwrap();
    world.clock.advance(DAY);
    worker.run_due().unwrap();
    assert_eq!(world.get().current().unwrap().origin, VersionOrigin::RotatedByPolicy);
    assert_eq!(world.get().versions.len(), 3);
    world.check("rotated at last");
}

#[test]
fn a_credential_is_retired_once_all_consumers_have_moved() {
    let consumers = ["service/billing", "service/web"].map(|name| Actor::parse(name).unwrap());
    let issuance = Issuance { grace_secs: 3_600, consumers: consumers.clone().into(), ..Issuance::by(issuer()) };
    let world = World::with(ModelIssuer::new(IssuerClass::CreateDiscoverable), issuance, None);
    let worker = world.worker();
    worker.run_due().unwrap();
    worker.rotate(&world.ops(), world.secret).unwrap();
    worker.run_due().unwrap();
    let still_there = || world.get().previous().unwrap().is_available();
    world.store.acting_as(consumers[0].clone()).acknowledge(world.secret, VersionRef::Current).unwrap();
    world.clock.advance(2 * HOUR);
    worker.run_due().unwrap();
    assert!(still_there(), "one of two has moved");
    world.store.acting_as(consumers[1].clone()).acknowledge(world.secret, VersionRef::Current).unwrap();
    worker.run_due().unwrap();
    assert!(!still_there());
    world.check("retired");
}

#[test]
fn deleting_a_secret_retires_its_credentials_first() {
    for class in IssuerClass::ALL {
        let world = World::new(ModelIssuer::new(*class));
        let worker = world.worker();
        assert!(story(&world, &worker));
        world.ops().delete(world.secret).unwrap();
        assert_eq!(world.get().lifecycle, Lifecycle::Deactivated, "{class}: not before they are retired");
        world.model.set_away(true);
        worker.run_due().unwrap();
        assert!(world.store.secret(world.secret).is_ok(), "{class}");
        world.model.set_away(false);
        for _ in 0..5 {
            world.clock.advance(HOUR);
            worker.run_due().unwrap();
        }
        assert!(world.store.secret(world.secret).is_err(), "{class}");
        assert_eq!(world.model.existing(), [], "{class}");
        world.audit(class.label());
    }
}

#[test]
fn a_system_that_hangs_holds_up_nobody_else() {
    let hanging = Arc::new(ModelIssuer::new(IssuerClass::CreateDiscoverable));
    (0..64).for_each(|later| hanging.fault_soon(ModelMethod::Create, later, ModelFault::HangBeforeEffect));
    let world = World::new(ModelIssuer::new(IssuerClass::CreateDiscoverable));
    let slow = IssuerName::parse("slow").unwrap();
    for number in 0..8 {
        let name = SecretName::parse(&format!("slow-{number}")).unwrap();
        world.ops().create(NewSecret::service_credentials(name, Issuance::by(slow.clone()))).unwrap();
    }
    let options = world.options().threads(4).call_limit(Duration::from_secs(2));
    let options = options.shared_issuer(slow, Arc::clone(&hanging) as Arc<_>);
    let worker = RotationWorker::start(&world.store, options).unwrap();
    let until = std::time::Instant::now() + Duration::from_secs(60);
    while world.get().versions.is_empty() && std::time::Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(world.get().versions.len(), 1, "the other issuer was asked meanwhile");
    hanging.release();
    worker.stop();
}

#[test]
fn a_system_that_does_not_list_holds_up_no_rotation() {
    let hanging = ModelIssuer::new(IssuerClass::CreateDiscoverable);
    let hanging = Arc::new(hanging.fault(ModelMethod::List, 0, ModelFault::HangBeforeEffect));
    let world = World::new(ModelIssuer::new(IssuerClass::CreateDiscoverable));
    let slow = IssuerName::parse("a-slow-one").unwrap();
    let options =
        world.options().call_limit(Duration::from_secs(60)).shared_issuer(slow, Arc::clone(&hanging) as Arc<_>);
    let worker = RotationWorker::start(&world.store, options).unwrap();
    let until = std::time::Instant::now() + Duration::from_secs(60);
    while (world.get().versions.is_empty() || hanging.calls().is_empty()) && std::time::Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!((world.get().versions.len(), hanging.calls().len()), (1, 1));
    hanging.release();
    worker.stop();
}

#[test]
fn nothing_runs_in_quarantine_and_an_issuer_that_is_not_there_is_waited_for() {
    let world = World::new(ModelIssuer::new(IssuerClass::CreateWithToken));
    let alone = RotationWorker::new(&world.store, WorkerOptions::new());
    assert_eq!(alone.run_due().unwrap(), 0);
    let waiting = alone.waiting();
    assert_eq!(waiting.len(), 1);
    assert!(waiting[0].1.as_str().contains("is not registered here"));
    assert_eq!(world.model.calls(), []);
}

#[test]
fn passwords_rotate_by_themselves() {
    let world = World::new(ModelIssuer::new(IssuerClass::CreateWithToken));
    let policy = RotationPolicy::every(Interval::new(1, IntervalUnit::Day).unwrap());
    let new = |number: u32| {
        let name = SecretName::parse(&format!("password-{number}")).unwrap();
        let username = Username::parse("admin").unwrap();
        NewSecret::generated_password(name, username, PasswordPolicy::default()).rotating(policy)
    };
    let ids: Vec<_> = (0..20).map(|number| world.ops().create(new(number)).unwrap().secret.unwrap()).collect();
    let worker = RotationWorker::start(&world.store, world.options()).unwrap();
    world.clock.advance(2 * DAY);
    let until = std::time::Instant::now() + Duration::from_secs(60);
    let rotated = |id: &SecretId| world.store.secret(*id).unwrap().versions.len() >= 2;
    while !ids.iter().all(rotated) && std::time::Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(ids.iter().all(rotated));
    world.store.close().unwrap();
    worker.stop();
}
