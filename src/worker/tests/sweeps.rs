//! Sweeps of systems that hang.

use std::time::Duration;

use super::world::World;
use crate::domain::name::Actor;
use crate::domain::rotation::IssuerClass;
use crate::domain::version::VersionRef;
use crate::issuer::kit::{ModelFault, ModelIssuer, ModelMethod};
use crate::options::StoreOptions;
use crate::seal::secret_bytes::SecretBytes;
use crate::seal::unlock::Unlock;
use crate::worker::worker::RotationWorker;

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
    let until = std::time::Instant::now() + Duration::from_secs(20);
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
