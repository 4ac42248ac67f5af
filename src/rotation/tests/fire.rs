//! The worker ends at every point, and every call goes wrong in every way, for each class of issuer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::world::{HOUR, World, die_everywhere, story};
use crate::RotationWorker;
use crate::domain::name::Reason;
use crate::domain::rotation::IssuerClass;
use crate::domain::secret::Lifecycle;
use crate::issuer::kit::{ModelFault, ModelIssuer, ModelMethod};

#[test]
fn a_secret_comes_to_three_versions_with_each_class() {
    for class in IssuerClass::ALL {
        let world = World::new(ModelIssuer::new(*class));
        assert_eq!(world.get().lifecycle, Lifecycle::PreActivation);
        assert!(story(&world, &world.worker()), "{class}");
        let secret = world.get();
        assert_eq!(secret.versions.len(), 3, "{class}");
        assert!(!secret.versions[0].is_available() && secret.versions[1].is_available(), "{class}");
        world.check(class.label());
    }
}

#[test]
fn a_worker_that_dies_at_any_point_is_gone_on_from_by_the_next() {
    for class in IssuerClass::ALL {
        let points = die_everywhere(class.label(), || World::new(ModelIssuer::new(*class)), story);
        assert!(points > 12, "{class}: only {points} points were met");
    }
}

#[test]
fn whatever_goes_wrong_with_any_call_the_credential_in_use_logs_in_and_nothing_is_orphaned() {
    use ModelFault::{BeUnavailable, CrashAfterEffect, CrashBeforeEffect, LoseReply, Refuse};
    for class in IssuerClass::ALL {
        for method in
            [ModelMethod::Create, ModelMethod::Find, ModelMethod::Verify, ModelMethod::Retire, ModelMethod::List]
        {
            for fault in [Refuse, BeUnavailable, LoseReply, CrashBeforeEffect, CrashAfterEffect] {
                for number in 0..4 {
                    let world = World::new(ModelIssuer::new(*class).fault(method, number, fault));
                    let _ = story(&world, &world.worker());
                    world.recover();
                    let worker = world.worker();
                    world.begin(&worker);
                    worker.run_due().unwrap();
                    world.recover();
                    world.check(&format!("{class}, {method:?} {number}: {fault:?}"));
                }
            }
        }
    }
}

/// A worker dies at each point of a rotation, and a person gives it up then.
#[test]
fn a_rotation_that_is_given_up_anywhere_leaves_nothing_outside_and_the_current_version_good() {
    for class in [IssuerClass::SetValue, IssuerClass::CreateWithToken, IssuerClass::CreateDiscoverable] {
        for at in 0..6 {
            let world = World::new(ModelIssuer::new(class));
            world.worker().run_due().unwrap();
            let met = AtomicU64::new(0);
            let mut options = world.options();
            options.interrupt = Some(Arc::new(move |_| met.fetch_add(1, Ordering::Relaxed) == at));
            let dying = RotationWorker::new(&world.store, options);
            drop(dying.rotate(&world.ops(), world.secret));
            drop(dying.run_due());
            if world.get().rotation.is_some() {
                world.ops().abort_rotation(world.secret, Reason::of("not today")).unwrap();
            }
            for _ in 0..3 {
                world.clock.advance(HOUR);
                world.worker().run_due().unwrap();
            }
            assert_eq!(world.get().rotation, None);
            world.check(&format!("{class}, given up at point {at}"));
        }
    }
}

#[test]
fn what_does_not_log_in_is_never_put_into_use() {
    for class in IssuerClass::ALL {
        let world = World::new(ModelIssuer::new(*class));
        let worker = RotationWorker::new(&world.store, world.options().attempts_max(3));
        worker.run_due().unwrap();
        (0..100).for_each(|later| world.model.fault_soon(ModelMethod::Verify, later, ModelFault::Refuse));
        worker.rotate(&world.ops(), world.secret).unwrap();
        for _ in 0..10 {
            worker.run_due().unwrap();
            world.clock.advance(HOUR);
        }
        let secret = world.get();
        assert_eq!(secret.versions.len(), 1, "{class}");
        let rotation = secret.rotation.as_ref().unwrap();
        assert_eq!((rotation.stage.label(), rotation.parked.is_some()), ("issued", true), "{class}");
        world.ops().abort_rotation(world.secret, Reason::of("it does not log in")).unwrap();
        worker.run_due().unwrap();
        world.check(class.label());
    }
}

/// What one call answers says nothing of the one before, whose reply was lost.
#[test]
fn a_refusal_after_a_lost_reply_does_not_make_anybody_forget_what_may_have_been_made() {
    use ModelFault::{BeUnavailable, CrashAfterEffect, LoseReply, Refuse};
    for class in [IssuerClass::SetValue, IssuerClass::CreateWithToken, IssuerClass::CreateDiscoverable] {
        for first in [LoseReply, CrashAfterEffect] {
            for then in [Refuse, BeUnavailable] {
                let world = World::new(ModelIssuer::new(class));
                let worker = world.worker();
                worker.run_due().unwrap();
                world.model.fault_soon(ModelMethod::Create, 0, first);
                world.model.fault_soon(ModelMethod::Create, 1, then);
                worker.rotate(&world.ops(), world.secret).unwrap();
                worker.run_due().unwrap();
                world.clock.advance(HOUR);
                worker.run_due().unwrap();
                world.ops().abort_rotation(world.secret, Reason::of("not today")).unwrap();
                for _ in 0..3 {
                    world.clock.advance(HOUR);
                    world.worker().run_due().unwrap();
                }
                assert_eq!(world.get().rotation, None);
                world.check(&format!("{class}: {first:?}, then {then:?}"));
            }
        }
    }
}

/// Looking for what a lost reply made can go wrong too; then it is looked for again, as often as there are attempts, and
/// nothing else is believed meanwhile.
#[test]
fn what_could_not_be_looked_for_is_looked_for_again_before_anything_is_made_or_given_up() {
    use ModelFault::{BeUnavailable, LoseReply, Refuse};
    for then in [BeUnavailable, Refuse, LoseReply] {
        let world = World::new(ModelIssuer::new(IssuerClass::CreateDiscoverable));
        let worker = world.worker();
        worker.run_due().unwrap();
        world.model.fault_soon(ModelMethod::Create, 0, LoseReply);
        world.model.fault_soon(ModelMethod::Find, 0, then);
        worker.rotate(&world.ops(), world.secret).unwrap();
        worker.run_due().unwrap();
        world.clock.advance(HOUR);
        worker.run_due().unwrap();
        world.ops().abort_rotation(world.secret, Reason::of("not today")).unwrap();
        world.clock.advance(HOUR);
        worker.run_due().unwrap();
        assert_eq!(world.get().rotation, None);
        assert_eq!(world.model.orphans(&world.outside()), [], "{then:?}: without a sweep");
    }
    let world = World::new(ModelIssuer::new(IssuerClass::CreateDiscoverable));
    let worker = RotationWorker::new(&world.store, world.options().attempts_max(3));
    worker.run_due().unwrap();
    world.model.fault_soon(ModelMethod::Create, 0, LoseReply);
    (0..40).for_each(|later| world.model.fault_soon(ModelMethod::Find, later, BeUnavailable));
    worker.rotate(&world.ops(), world.secret).unwrap();
    for _ in 0..30 {
        worker.run_due().unwrap();
        world.clock.advance(HOUR);
    }
    assert!(world.get().rotation.clone().unwrap().parked.is_some(), "it does not look for ever");
}

/// Two issuers by the names of secrets, one system outside: what one has made is none of the other's business.
#[test]
fn a_sweep_by_one_issuer_leaves_what_another_one_made_in_the_same_system() {
    use crate::domain::name::IssuerName;
    let world = World::new(ModelIssuer::new(IssuerClass::CreateDiscoverable));
    world.worker().run_due().unwrap();
    let other = IssuerName::parse("reporting-db").unwrap();
    let options = world.options().shared_issuer(other, Arc::clone(&world.model) as Arc<_>);
    let swept = RotationWorker::new(&world.store, options).sweep().unwrap();
    assert_eq!((swept.listed, swept.retired), (2, 0), "each issuer lists it");
    world.check("two issuers");
}

/// A staged rotation whose lock has gone is proved again; when that fails, it waits like every other.
#[test]
fn a_staged_rotation_is_proved_again_after_pauses() {
    use crate::domain::lock::NewLock;
    use crate::domain::name::LockName;
    use crate::domain::version::VersionRef::Previous;
    let world = World::new(ModelIssuer::new(IssuerClass::CreateWithToken));
    let worker = world.worker();
    assert!(story(&world, &worker));
    let name = LockName::parse("app").unwrap();
    worker.rotate(&world.ops(), world.secret).unwrap();
    world.ops().place_lock(world.secret, Previous, NewLock::new(name.clone())).unwrap();
    // The lock is in the way before the first call already, and gives the rotation up; so it comes after it.
    world.ops().remove_lock(world.secret, Previous, name.clone()).unwrap();
    let met = AtomicU64::new(0);
    let mut options = world.options();
    options.interrupt = Some(Arc::new(move |point| point == "issued" && met.fetch_add(1, Ordering::Relaxed) == 0));
    drop(RotationWorker::new(&world.store, options).run_due());
    world.ops().place_lock(world.secret, Previous, NewLock::new(name.clone())).unwrap();
    world.worker().run_due().unwrap();
    assert_eq!(world.get().rotation.as_ref().unwrap().stage.label(), "staged");
    (0..20).for_each(|later| world.model.fault_soon(ModelMethod::Verify, later, ModelFault::BeUnavailable));
    world.ops().remove_lock(world.secret, Previous, name).unwrap();
    world.worker().run_due().unwrap();
    let (rotation, patience) = (world.get().rotation.clone().unwrap(), world.get().patience.clone().unwrap());
    assert_eq!((rotation.parked, patience.failures), (None, 1), "one attempt, then a pause");
}

/// A deletion that a lock refuses is not asked for again at full speed.
#[test]
fn no_lock_comes_onto_a_secret_that_is_being_deleted() {
    use crate::domain::lock::NewLock;
    use crate::domain::name::LockName;
    use crate::domain::version::VersionRef::{Current, Previous};
    for class in IssuerClass::ALL {
        let world = World::new(ModelIssuer::new(*class));
        assert!(story(&world, &world.worker()), "{class}");
        world.ops().delete(world.secret).unwrap();
        for which in [Current, Previous] {
            let lock = NewLock::new(LockName::parse("late").unwrap());
            assert!(world.ops().place_lock(world.secret, which, lock).is_err(), "{class}: {which:?}");
        }
        world.worker().run_due().unwrap();
        assert!(world.store.secret(world.secret).is_err(), "{class}: it is gone");
    }
}
