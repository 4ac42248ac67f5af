//! Rotations that were under way when a backup was taken, and the original went on with; in the store that is restored from it
//! nothing that is in use is ended, and no value is lost that an account has.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use super::world::{DAY, HOUR, World};
use crate::RotationWorker;
use crate::domain::name::{Actor, Reason};
use crate::domain::rotation::IssuerClass;
use crate::domain::version::VersionRef::Current;
use crate::issuer::kit::ModelIssuer;
use crate::seal::secret_bytes::SecretBytes;
use crate::seal::unlock::Unlock;
use crate::store::Store;
use crate::store::options::StoreOptions;
use crate::store::session::Session;

const CLASSES: [IssuerClass; 4] =
    [IssuerClass::SetValue, IssuerClass::CreateWithToken, IssuerClass::CreateDiscoverable, IssuerClass::Opaque];

fn unlock() -> Unlock {
    Unlock::bytes(SecretBytes::copy_from(&[7; 32]))
}

fn ops(store: &Store) -> Session {
    store.acting_as(Actor::parse("ops").unwrap())
}

/// An original that has rotated twice, the second time on from the point of a rotation at which its backup was taken; and the
/// store that is restored from that.
fn restored(class: IssuerClass, point: &'static str) -> (World, Store) {
    let world = World::new(ModelIssuer::new(class));
    world.worker().run_due().unwrap();
    let mut options = world.options();
    options.interrupt = Some(Arc::new(move |at| at == point));
    let dying = RotationWorker::new(&world.store, options);
    assert!(dying.rotate(&world.ops(), world.secret).and_then(|_| dying.run_due()).is_err(), "it died at {point}");
    let mut file = Vec::new();
    world.store.backup(&mut file, &unlock(), |_| {}).unwrap();
    world.clock.advance(Duration::from_secs(60));
    world.worker().run_due().unwrap();
    if world.get().rotation.is_some() {
        // Of class `Opaque`, somebody has looked that nothing was made.
        world.ops().resume_rotation(world.secret).unwrap();
        world.worker().run_due().unwrap();
    }
    assert_eq!(world.get().current().unwrap().number.get(), 2, "{class}, {point}: the original goes on");
    world.clock.advance(HOUR);
    let options = StoreOptions::in_memory(unlock()).clock(world.clock.clone());
    let (store, _) = options.restore(Cursor::new(file), &unlock(), |_| {}).unwrap();
    world.clock.advance(HOUR);
    ops(&store).end_quarantine().unwrap();
    (world, store)
}

/// Reads the current credential of a store.
fn current(store: &Store, world: &World) -> SecretBytes {
    let read = ops(store).read(world.secret, Current).unwrap();
    SecretBytes::copy_from(read.data.primary().expose())
}

fn run(store: &Store, world: &World) {
    let worker = RotationWorker::new(store, world.options());
    for _ in 0..30 {
        worker.run_due().unwrap();
        worker.sweep().unwrap();
        world.clock.advance(HOUR);
    }
}

#[track_caller]
fn check(store: &Store, world: &World, what: &str) {
    assert_eq!(store.scrub(|_| {}).unwrap().findings, Vec::<String>::new(), "{what}");
    if world.model.logs_in(&current(&world.store, world)) {
        return;
    }
    // One account has one password, and the restored store is the one that is in use.
    assert!(world.model.logs_in(&current(store, world)), "{what}: nobody knows the password any more");
}

#[test]
fn what_is_given_up_after_a_restore_costs_nobody_a_credential() {
    for class in CLASSES {
        for point in ["planned", "attempted", "created", "issued"] {
            let what = format!("{class}, {point}");
            let (world, store) = restored(class, point);
            let in_use = current(&world.store, &world);
            world.model.set_away(true);
            ops(&store).abort_rotation(world.secret, Reason::of("another day")).unwrap();
            run(&store, &world);
            let open = store.secret(world.secret).unwrap().rotation.clone();
            let is_kept = open.is_some_and(|open| open.value.is_some());
            assert_eq!(is_kept, class == IssuerClass::SetValue, "{what}: the value may be set");
            world.model.set_away(false);
            world.clock.advance(DAY);
            run(&store, &world);
            assert_eq!(store.secret(world.secret).unwrap().rotation, None, "{what}");
            check(&store, &world, &what);
            assert_eq!(world.model.logs_in(&in_use), class != IssuerClass::SetValue, "{what}");
            let restored = current(&store, &world);
            assert!(world.model.logs_in(&restored), "{what}: what the restored store hands out");
        }
    }
}

#[test]
fn what_goes_on_after_a_restore_costs_nobody_a_credential() {
    for class in CLASSES {
        for point in ["planned", "attempted", "created"] {
            let what = format!("{class}, {point}");
            let (world, store) = restored(class, point);
            let in_use = current(&world.store, &world);
            run(&store, &world);
            check(&store, &world, &what);
            assert!(world.model.logs_in(&in_use), "{what}: what consumers of the original have");
            assert!(world.model.logs_in(&current(&store, &world)), "{what}");
            let open = store.secret(world.secret).unwrap().rotation.clone();
            let is_parked = open.is_some_and(|open| open.parked.is_some());
            let awaits = matches!(class, IssuerClass::CreateDiscoverable | IssuerClass::Opaque);
            assert_eq!(is_parked, awaits, "{what}: whether a person has to look");
        }
    }
}

#[test]
fn a_person_who_resumes_it_ends_what_can_be_found() {
    let (world, store) = restored(IssuerClass::CreateDiscoverable, "planned");
    let in_use = current(&world.store, &world);
    run(&store, &world);
    world.clock.advance(HOUR);
    ops(&store).resume_rotation(world.secret).unwrap();
    run(&store, &world);
    assert_eq!(store.secret(world.secret).unwrap().current().unwrap().number.get(), 2);
    assert!(!world.model.logs_in(&in_use));
    assert!(world.model.logs_in(&current(&store, &world)));
}

#[test]
fn a_sweep_leaves_what_came_of_a_rotation_that_was_under_way() {
    let (world, store) = restored(IssuerClass::CreateDiscoverable, "attempted");
    ops(&store).abort_rotation(world.secret, Reason::of("another day")).unwrap();
    let swept = RotationWorker::new(&store, world.options()).sweep().unwrap();
    assert_eq!((swept.retired, swept.strangers.len()), (0, 1));
    assert!(world.model.logs_in(&current(&world.store, &world)));
}

/// What tells is the incarnation, not the time: while the clock is behind the restore, new rotations have its time as well.
#[test]
fn a_store_that_was_restored_under_a_clock_ahead_rotates_once_the_clock_is_right() {
    for class in CLASSES {
        for point in ["none", "planned"] {
            let world = World::new(ModelIssuer::new(class));
            world.worker().run_due().unwrap();
            let mut file = Vec::new();
            if point == "planned" {
                let mut options = world.options();
                options.interrupt = Some(Arc::new(move |at| at == point));
                assert!(RotationWorker::new(&world.store, options).rotate(&world.ops(), world.secret).is_err());
            }
            world.store.backup(&mut file, &unlock(), |_| {}).unwrap();
            let right = world.store.0.now();
            world.clock.set(right.plus(30 * DAY));
            let options = StoreOptions::in_memory(unlock()).clock(world.clock.clone());
            let (store, _) = options.restore(Cursor::new(file), &unlock(), |_| {}).unwrap();
            world.clock.set(right.plus(HOUR));
            ops(&store).end_quarantine().unwrap();
            let worker = RotationWorker::new(&store, world.options());
            let awaits = matches!(class, IssuerClass::CreateDiscoverable | IssuerClass::Opaque);
            if point == "planned" {
                worker.run_due().unwrap();
                let parked = store.secret(world.secret).unwrap().rotation.clone().and_then(|open| open.parked);
                assert_eq!(parked.is_some(), awaits, "{class}: one of the original waits for a person");
                if awaits {
                    ops(&store).resume_rotation(world.secret).unwrap();
                }
            } else {
                worker.rotate(&ops(&store), world.secret).unwrap();
            }
            worker.run_due().unwrap();
            let secret = store.secret(world.secret).unwrap();
            assert_eq!(
                (secret.rotation.clone(), secret.current().unwrap().number.get()),
                (None, 2),
                "{class}, {point}"
            );
            assert_eq!(store.scrub(|_| {}).unwrap().findings, Vec::<String>::new());
        }
    }
}
