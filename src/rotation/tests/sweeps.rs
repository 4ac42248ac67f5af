//! Sweeps of systems that hang.

use std::time::Duration;

use super::world::World;
use crate::RotationWorker;
use crate::domain::name::{Actor, SecretName};
use crate::domain::rotation::IssuerClass;
use crate::domain::version::VersionRef;
use crate::issuer::issuer::{IssueOrder, Issuer};
use crate::issuer::kit::{ModelFault, ModelIssuer, ModelMethod};
use crate::seal::secret_bytes::SecretBytes;
use crate::seal::unlock::Unlock;
use crate::store::options::StoreOptions;

/// Each sweep once took another room, until none was left for rotations.
#[test]
fn a_system_that_does_not_answer_a_sweep_is_not_asked_by_the_next() {
    let world = World::new(ModelIssuer::new(IssuerClass::CreateDiscoverable));
    (0..8).for_each(|later| world.model.fault_soon(ModelMethod::List, later, ModelFault::HangBeforeEffect));
    let worker = RotationWorker::new(&world.store, world.options().threads(4).call_limit(Duration::from_secs(1)));
    let lists = || world.model.calls().iter().filter(|call| call.method == ModelMethod::List).count();
    for _ in 0..3 {
        assert_eq!(worker.sweep().unwrap().problems.len(), 1);
        assert_eq!(lists(), 1);
    }
    worker.run_due().unwrap();
    assert_eq!(world.get().versions.len(), 1, "there is room for a rotation");
    world.model.release();
    let until = std::time::Instant::now() + Duration::from_secs(60);
    while lists() < 2 && std::time::Instant::now() < until {
        drop(worker.sweep().unwrap());
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(lists() > 1, "once it has answered it is asked again");
}

/// What the original made after its backup is in use there; the store that was restored, or copied, never ends it.
#[test]
fn a_restored_store_ends_nothing_that_the_backup_did_not_know() {
    let world = World::new(ModelIssuer::new(IssuerClass::CreateDiscoverable));
    let worker = world.worker();
    worker.run_due().unwrap();
    let unlock = || Unlock::bytes(SecretBytes::copy_from(&[7; 32]));
    let mut file = Vec::new();
    world.store.backup(&mut file, &unlock(), |_| {}).unwrap();
    worker.rotate(&world.ops(), world.secret).unwrap();
    worker.run_due().unwrap();
    let in_use = world.credential(VersionRef::Current);
    let options = StoreOptions::in_memory(unlock()).clock(world.clock.clone());
    let (restored, _) = options.restore(std::io::Cursor::new(file), &unlock(), |_| {}).unwrap();
    restored.acting_as(Actor::parse("ops").unwrap()).end_quarantine().unwrap();
    let other = RotationWorker::new(&restored, world.options());
    for _ in 0..2 {
        let swept = other.sweep().unwrap();
        assert_eq!((swept.listed, swept.retired, swept.strangers.len()), (2, 0, 1));
        assert_eq!(swept.strangers[0].outside.as_str(), "model-2");
    }
    assert!(world.model.logs_in(&in_use), "consumers of the original log in");
    assert_eq!(worker.sweep().unwrap().strangers, [], "the original knows all of them");
}

/// A copy, or a restored store, acts beside its original: until a person has looked, nothing at that issuer is ended by a sweep.
#[test]
fn one_that_the_log_knows_nothing_of_stops_the_sweeps_of_its_issuer_until_a_person_has_ended_it() {
    let world = World::new(ModelIssuer::new(IssuerClass::CreateDiscoverable));
    world.worker().run_due().unwrap();
    let unlock = || Unlock::bytes(SecretBytes::copy_from(&[7; 32]));
    let mut file = Vec::new();
    world.store.backup(&mut file, &unlock(), |_| {}).unwrap();
    // In use in the original.
    world.worker().rotate(&world.ops(), world.secret).unwrap();
    world.worker().run_due().unwrap();
    let options = StoreOptions::in_memory(unlock()).clock(world.clock.clone());
    let (restored, _) = options.restore(std::io::Cursor::new(file), &unlock(), |_| {}).unwrap();
    let other = RotationWorker::new(&restored, world.options());
    // A person sees them in quarantine.
    let seen = other.strangers().unwrap();
    assert_eq!((seen.listed, seen.strangers.len(), seen.retired), (2, 1, 0));
    restored.acting_as(Actor::parse("ops").unwrap()).end_quarantine().unwrap();
    // An orphan of the restored store's own, which a sweep ends in other times.
    let own = restored.secret(world.secret).unwrap().current().unwrap().credential.as_ref().unwrap().rotation;
    let name = SecretName::parse("orders").unwrap();
    world.model.create(&IssueOrder::new(restored.log_id(), world.secret, &name, own, None), None).unwrap();
    let orphan = world.model.existing().last().unwrap().clone();
    let swept = other.sweep().unwrap();
    assert_eq!((swept.retired, swept.strangers.len()), (0, 1));
    let (issuer, stranger) = (super::world::issuer(), swept.strangers[0].outside.clone());
    assert_ne!(orphan, stranger);
    // What the log knows is none that a person ends so, nor what is not there.
    for (outside, why) in [("model-1", "known to the log"), ("model-9", "not listed")] {
        let refused = other.end_stranger(&issuer, &crate::OutsideId::parse(outside).unwrap()).unwrap_err();
        assert!(refused.to_string().contains(why), "{refused}");
    }
    assert_eq!(other.end_stranger(&issuer, &stranger).unwrap().outside, stranger);
    assert!(!world.model.existing().contains(&stranger));
    let swept = other.sweep().unwrap();
    assert_eq!((swept.retired, swept.strangers), (1, vec![]), "from then on it sweeps as ever");
    assert!(!world.model.existing().contains(&orphan));
}
