//! Sweeps of systems that hang.

use std::time::Duration;

use super::world::World;
use crate::domain::rotation::IssuerClass;
use crate::issuer::kit::{ModelFault, ModelIssuer, ModelMethod};
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
