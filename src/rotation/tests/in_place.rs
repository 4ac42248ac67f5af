//! Issuers that replace in place: what the first call has replaced is put into use, whatever is locked or set meanwhile, and
//! what another issuer made stays its own.

use std::sync::Arc;

use super::world::{HOUR, World, issuer, story};
use crate::RotationWorker;
use crate::domain::command::{Change, SecretChanges};
use crate::domain::issuance::Issuance;
use crate::domain::json::JsonObject;
use crate::domain::lock::NewLock;
use crate::domain::name::{IssuerName, LockName, OutsideId, Reason};
use crate::domain::position::VersionNumber;
use crate::domain::rotation::IssuerClass;
use crate::domain::secret::SecretSpec;
use crate::domain::version::VersionRef::{self, Current, Number, Previous};
use crate::issuer::issuer::{IssueOrder, Issuer};
use crate::issuer::kit::{ModelFault, ModelIssuer, ModelMethod};
use crate::rotation::options::WorkerOptions;
use crate::seal::secret_bytes::SecretBytes;

fn lock(name: &str) -> NewLock {
    NewLock::new(LockName::parse(name).unwrap())
}

fn setter() -> World {
    let world = World::new(ModelIssuer::new(IssuerClass::SetValue));
    assert!(story(&world, &world.worker()));
    world
}

/// Rotates, and does something once the call has replaced the value and before that is recorded.
fn rotate_while(world: &World, meddle: impl Fn() + Send + Sync + 'static) {
    let mut options = world.options();
    options.interrupt = Some(Arc::new(move |point| {
        if point == "created" {
            meddle();
        }
        false
    }));
    let worker = RotationWorker::new(&world.store, options);
    worker.rotate(&world.ops(), world.secret).unwrap();
    worker.run_due().unwrap();
}

/// What readers are given lets them in, and the history can be restored.
#[track_caller]
fn check_current(world: &World, versions: u64, what: &str) {
    let secret = world.get();
    assert_eq!(secret.rotation, None, "{what}");
    assert_eq!(secret.current().unwrap().number, VersionNumber::new(versions), "{what}");
    assert!(world.model.logs_in(&world.credential(Current)), "{what}: readers are locked out");
    world.audit(what);
}

#[test]
fn from_the_first_call_on_a_lock_on_any_version_that_the_rotation_takes_is_refused() {
    for version in [Current, Previous] {
        let world = setter();
        let (ops, secret) = (world.ops(), world.secret);
        rotate_while(&world, move || {
            let refused = ops.place_lock(secret, version, lock("late")).unwrap_err();
            assert_eq!(refused.code(), "rotation_open", "{version}");
        });
        check_current(&world, 4, "nothing came in the way");
    }
}

#[test]
fn nothing_that_is_set_while_the_call_is_out_strands_the_commit() {
    let fewer = SecretChanges { retention: Some(2), ..Default::default() };
    let strict = SecretChanges { refuse_rotation_while_locked: Change::Set(true), ..Default::default() };
    for (what, changes) in [("fewer versions", fewer), ("strict", strict)] {
        let world = World::new(ModelIssuer::new(IssuerClass::SetValue));
        let kept = SecretChanges { retention: Some(3), ..Default::default() };
        world.worker().run_due().unwrap();
        world.ops().update(world.secret, kept).unwrap();
        assert!(story(&world, &world.worker()));
        // Version 2 of 3 or more stays, so that a lock on it is in nobody's way before the call.
        let locked = Number(VersionNumber::new(world.get().previous().unwrap().number.get()));
        world.ops().place_lock(world.secret, locked, lock("reader")).unwrap();
        let before = world.get().current().unwrap().number.get();
        let (ops, secret) = (world.ops(), world.secret);
        rotate_while(&world, move || drop(ops.update(secret, changes.clone()).unwrap()));
        check_current(&world, before + 1, what);
        let version = world.get().version(locked).cloned().unwrap();
        assert!(version.is_available() && version.locks.len() == 1, "{what}: what is locked stays");
        // The next one, of which nothing has happened outside, is refused as ever.
        let refused = world.worker().rotate(&world.ops(), world.secret).unwrap_err();
        assert_eq!(refused.code(), "secret_version_locked", "{what}");
    }
}

#[test]
fn the_store_can_become_strict_while_the_call_is_out() {
    let world = World::new(ModelIssuer::new(IssuerClass::SetValue));
    world.worker().run_due().unwrap();
    world.ops().update(world.secret, SecretChanges { retention: Some(3), ..Default::default() }).unwrap();
    assert!(story(&world, &world.worker()));
    world.ops().place_lock(world.secret, Previous, lock("reader")).unwrap();
    let before = world.get().current().unwrap().number.get();
    let ops = world.ops();
    rotate_while(&world, move || {
        let strict = crate::Settings { refuse_rotation_while_locked: true, ..Default::default() };
        drop(ops.change_settings(strict).unwrap());
    });
    check_current(&world, before + 1, "strict store");
}

#[test]
fn the_issuer_and_what_it_is_told_stay_while_the_call_is_out() {
    let world = setter();
    let (ops, secret) = (world.ops(), world.secret);
    rotate_while(&world, move || {
        let parameters = Some(JsonObject::parse(r#"{"refuse": true}"#).unwrap());
        let told = Issuance { parameters, ..Issuance::by(issuer()) };
        for issuance in [Issuance::by(IssuerName::parse("other").unwrap()), told] {
            let spec = Some(SecretSpec::ServiceCredentials { issuance });
            let refused = ops.update(secret, SecretChanges { spec, ..Default::default() }).unwrap_err();
            assert_eq!(refused.code(), "rotation_open");
        }
        // Whom to wait for is no business of the issuer.
        let issuance = Issuance { grace_secs: 60, ..Issuance::by(issuer()) };
        let spec = Some(SecretSpec::ServiceCredentials { issuance });
        ops.update(secret, SecretChanges { spec, ..Default::default() }).unwrap();
    });
    check_current(&world, 4, "gone on with");
}

/// A secret whose credentials another issuer has made so far, and the issuer that is to replace in place from now on.
fn handed_over(class: IssuerClass) -> (World, Arc<ModelIssuer>, WorkerOptions) {
    let world = World::new(ModelIssuer::new(class));
    world.worker().run_due().unwrap();
    let (name, setter) = (IssuerName::parse("setter").unwrap(), Arc::new(ModelIssuer::new(IssuerClass::SetValue)));
    let spec = Some(SecretSpec::ServiceCredentials { issuance: Issuance::by(name.clone()) });
    world.ops().update(world.secret, SecretChanges { spec, ..Default::default() }).unwrap();
    let options = world.options().shared_issuer(name, Arc::clone(&setter) as Arc<dyn Issuer>);
    (world, setter, options)
}

#[test]
fn what_another_issuer_made_is_ended_by_nobody_else_and_forgotten_by_nobody() {
    for class in [IssuerClass::CreateDiscoverable, IssuerClass::CreateWithToken, IssuerClass::Opaque] {
        let (world, setter, options) = handed_over(class);
        let worker = RotationWorker::new(&world.store, options);
        let first: Vec<OutsideId> = world.model.existing();
        let old = world.credential(Current);
        worker.rotate(&world.ops(), world.secret).unwrap();
        worker.run_due().unwrap();
        assert!(setter.logs_in(&world.credential(Current)), "{class}");
        assert_eq!(world.outside(), first, "{class}: it is in use");
        world.ops().place_lock(world.secret, Previous, lock("consumer")).unwrap();
        worker.sweep().unwrap();
        worker.run_due().unwrap();
        assert!(world.model.logs_in(&old), "{class}: what is locked is not ended");
        assert_eq!(worker.rotate(&world.ops(), world.secret).unwrap_err().code(), "secret_version_locked");
        world.ops().remove_lock(world.secret, Previous, LockName::parse("consumer").unwrap()).unwrap();
        for _ in 0..3 {
            worker.rotate(&world.ops(), world.secret).unwrap();
            worker.run_due().unwrap();
            world.clock.advance(HOUR);
        }
        assert_eq!(world.model.existing(), [], "{class}: its own issuer has ended it");
        assert!(!world.model.logs_in(&old), "{class}");
        world.audit(class.label());
    }
}

#[test]
fn what_is_to_be_ended_stays_so_and_a_rotation_that_is_given_up_sets_no_strange_value() {
    let (world, setter, options) = handed_over(IssuerClass::CreateDiscoverable);
    setter.fault_soon(ModelMethod::Verify, 0, ModelFault::Refuse);
    let worker = RotationWorker::new(&world.store, options);
    let old = world.credential(VersionRef::Current);
    worker.rotate(&world.ops(), world.secret).unwrap();
    worker.run_due().unwrap();
    world.ops().abort_rotation(world.secret, Reason::of("another day")).unwrap();
    worker.run_due().unwrap();
    assert_eq!(world.get().rotation, None);
    assert!(!setter.logs_in(&old), "the setter was never given what another issuer made");
    assert!(world.model.logs_in(&old));
    world.audit("given up");
}

/// Calls of the newest rotation that the outside system saw.
fn calls(world: &World, method: ModelMethod) -> usize {
    let calls = world.model.calls();
    let newest = calls.last().and_then(|call| call.rotation);
    calls.iter().filter(|call| call.method == method && call.rotation == newest).count()
}

/// Lets a worker go on for hours, until a person has to look.
fn run_until_parked(world: &World, worker: &RotationWorker) -> Reason {
    for _ in 0..20 {
        worker.run_due().unwrap();
        world.clock.advance(HOUR);
    }
    world.get().rotation.as_deref().unwrap().parked.clone().unwrap().reason
}

/// A rotation whose value was set, and set again to something else by somebody, was asked about for ever: a login was tried after each
/// resumption, and the value never set again.
#[test]
fn a_value_that_does_not_log_in_is_set_once_more_after_a_person_has_looked() {
    let world = setter();
    let (model, store, id) = (Arc::clone(&world.model), world.store.log_id(), world.secret);
    let name = world.get().metadata.name.clone();
    let mut options = world.options().attempts_max(3);
    options.interrupt = Some(Arc::new(move |point| {
        if point == "issued" {
            let rotation = model.calls().last().unwrap().rotation.unwrap();
            let strange = model.calls().iter().filter(|call| call.rotation == Some(rotation)).count() == 1;
            let order = IssueOrder::new(store, id, &name, rotation, None);
            let value = SecretBytes::copy_from(b"{\"password\":\"by hand\"}");
            strange.then(|| model.create(&order, Some(&value)).unwrap());
        }
        false
    }));
    let worker = RotationWorker::new(&world.store, options);
    worker.rotate(&world.ops(), world.secret).unwrap();
    let reason = run_until_parked(&world, &worker);
    assert!(reason.as_str().contains("no login with it succeeded"), "{reason}");
    // The second one is the one by hand.
    assert_eq!((calls(&world, ModelMethod::Create), calls(&world, ModelMethod::Verify)), (2, 3));
    world.ops().resume_rotation(world.secret).unwrap();
    let late = world.ops().place_lock(world.secret, Current, lock("late")).unwrap_err();
    assert_eq!(late.code(), "rotation_open", "what is set again is what the first call replaced");
    worker.run_due().unwrap();
    assert_eq!((calls(&world, ModelMethod::Create), calls(&world, ModelMethod::Verify)), (3, 4));
    check_current(&world, 4, "set once more");
}

#[test]
fn a_value_that_never_logs_in_is_set_once_for_each_word_of_a_person() {
    let world = setter();
    (0..100).for_each(|later| world.model.fault_soon(ModelMethod::Verify, later, ModelFault::Refuse));
    let worker = RotationWorker::new(&world.store, world.options().attempts_max(3));
    let old = world.credential(Current);
    worker.rotate(&world.ops(), world.secret).unwrap();
    for times in 1..=3 {
        run_until_parked(&world, &worker);
        let called = (calls(&world, ModelMethod::Create), calls(&world, ModelMethod::Verify));
        assert_eq!(called, (times, 3 * times), "set once, and then proved as often as ever");
        world.ops().resume_rotation(world.secret).unwrap();
    }
    // An issuer that does not take it again is no reason for another value: this one may have been set.
    world.model.fault_soon(ModelMethod::Create, 0, ModelFault::Refuse);
    worker.run_due().unwrap();
    assert_eq!(world.get().rotation.as_deref().unwrap().stage.label(), "doubted");
    world.ops().abort_rotation(world.secret, Reason::of("another value")).unwrap();
    worker.run_due().unwrap();
    assert!(world.model.logs_in(&old));
    check_current(&world, 3, "the one before is set again");
}
