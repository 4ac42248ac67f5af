//! A rotation that is given up and whose end the outside system refuses for ever: a person ends it by force.

use super::world::{DAY, World, story};
use crate::domain::name::Reason;
use crate::domain::rotation::{IssuerClass, RotationStage};
use crate::domain::version::VersionRef::Current;
use crate::issuer::kit::{ModelFault, ModelIssuer, ModelMethod};

/// A store whose rotation was given up after a lost reply, and whose issuer refuses every call since.
fn stuck(class: IssuerClass) -> World {
    let world = World::new(ModelIssuer::new(class));
    assert!(story(&world, &world.worker()));
    world.model.fault_soon(ModelMethod::Create, 0, ModelFault::LoseReply);
    world.worker().rotate(&world.ops(), world.secret).unwrap();
    world.worker().run_due().unwrap();
    world.ops().abort_rotation(world.secret, Reason::of("another day")).unwrap();
    for later in 0..40 {
        world.model.fault_soon(ModelMethod::Create, later, ModelFault::Refuse);
    }
    let worker = world.worker();
    for _ in 0..14 {
        worker.run_due().unwrap();
        world.clock.advance(DAY);
    }
    world
}

#[test]
fn an_abort_that_the_outside_refuses_for_ever_ends_by_force_and_the_next_rotation_begins() {
    for class in [IssuerClass::SetValue, IssuerClass::CreateWithToken] {
        let world = stuck(class);
        let open = world.get().rotation.clone().unwrap();
        assert!(matches!(open.stage, RotationStage::Aborting { .. }) && open.attempts > 10, "{class}: {open:?}");
        assert_eq!(world.ops().resume_rotation(world.secret).unwrap_err().code(), "rotation_not_parked", "{class}");
        world.ops().abort_rotation(world.secret, Reason::of("once more")).unwrap();
        assert!(world.get().rotation.is_some(), "{class}: not without force");
        let calls = world.model.calls().len();
        let session = world.ops().by_force();
        session.abort_rotation(world.secret, Reason::of("looked after outside")).unwrap();
        let after = world.get();
        assert_eq!((&after.rotation, world.model.calls().len()), (&None, calls), "{class}: no call is made");
        assert_eq!(after.given_up.as_ref().unwrap().reason, Reason::of("looked after outside"), "{class}");
        for _ in 0..40 {
            if world.get().rotation.is_none() && world.get().current().unwrap().id == after.current().unwrap().id {
                world.worker().rotate(&world.ops(), world.secret).unwrap();
            }
            world.worker().run_due().unwrap();
            world.clock.advance(DAY);
            if world.get().rotation.as_ref().is_some_and(|rotation| rotation.parked.is_some()) {
                world.ops().abort_rotation(world.secret, Reason::of("the issuer refuses")).unwrap();
            }
        }
        assert_ne!(world.get().current().unwrap().id, after.current().unwrap().id, "{class}");
        assert!(world.model.logs_in(&world.credential(Current)), "{class}");
        world.audit(class.label());
    }
}

#[test]
fn a_deletion_that_waits_for_such_an_abort_goes_on() {
    for class in [IssuerClass::SetValue, IssuerClass::CreateWithToken] {
        let world = stuck(class);
        world.ops().delete(world.secret).unwrap();
        world.worker().run_due().unwrap();
        assert!(world.store.secret(world.secret).is_ok(), "{class}");
        world.ops().by_force().abort_rotation(world.secret, Reason::of("looked after outside")).unwrap();
        world.worker().run_due().unwrap();
        assert!(world.store.secret(world.secret).is_err(), "{class}: it is deleted");
        world.audit(class.label());
    }
}
