//! The retention window of a secret with fifty versions: what is forgotten to make room takes up no place in it.

use super::super::{Decision, Verdict, judge};
use super::protocol::ROTATION;
use super::protocol::Step::{self, Attempt, Commit, Issue, Plan};
use super::world::{World, actor, lock, number};
use crate::domain::command::{Command, Terms};
use crate::domain::event::RotationRefused;
use crate::domain::id::SecretId;
use crate::domain::lock::{LockMode, LockNames};
use crate::domain::rotation::IssuerClass::{self, CreateDiscoverable, CreateWithToken, Opaque, SetValue};
use crate::domain::rotation_command::RotationCommand;
use crate::domain::rotation_event::RetirementPlanned;
use crate::domain::secret::{Secret, SecretMetadata};
use crate::domain::touch::{Touch, unlocked};

const ROTATE: [Step; 4] = [Plan, Attempt, Issue, Commit];

/// A secret that keeps fifty versions, and has as many, of which the fifth has come to its end.
fn full(class: IssuerClass) -> (World, SecretId) {
    let (mut world, secret) = World::rotating(class, &[]);
    world.keeps(secret, 50);
    for _ in 2..50 {
        ROTATE.iter().for_each(|step| drop(world.step(secret, class, *step).unwrap()));
    }
    world.ask(&Command::DestroyData { secret, version: number(5) }).unwrap();
    let fifth = world.version(secret, number(5)).id;
    if class != SetValue {
        world.tell(secret, RotationCommand::FinishRetirement { version: fifth }).unwrap();
    }
    assert!(world.get(secret).versions.len() == 50 && world.version(secret, number(5)).is_over());
    (world, secret)
}

fn kept(world: &World, secret: SecretId, version: u64) -> bool {
    world.get(secret).version(number(version)).is_some_and(|version| !version.is_over() && version.can_be_let_go())
}

#[test]
fn what_is_forgotten_makes_room_for_one_and_the_oldest_stays_with_its_lock_or_without() {
    for class in [SetValue, CreateWithToken, CreateDiscoverable, Opaque] {
        for is_locked in [false, true] {
            let (mut world, secret) = full(class);
            if is_locked {
                world.place(secret, number(1), vec![lock("app")], LockMode::Keep).unwrap();
            }
            ROTATE.iter().for_each(|step| drop(world.step(secret, class, *step).unwrap()));
            world.check_events(&["RotationCommitted", "VersionAdded"]);
            assert!(world.get(secret).version(number(5)).is_none(), "{class}: the fifth is forgotten");
            assert!(kept(&world, secret, 1) && world.get(secret).versions.len() == 50, "{class}");
            world.check_replay();
        }
    }
}

#[test]
fn the_oldest_falls_out_where_the_window_is_full_without_what_is_forgotten() {
    let (mut world, secret) = full(CreateWithToken);
    world.keeps(secret, 49);
    ROTATE.iter().for_each(|step| drop(world.step(secret, CreateWithToken, *step).unwrap()));
    world.check_events(&["RotationCommitted", "VersionAdded", "RetirementPlanned"]);
    assert!(!kept(&world, secret, 1) && kept(&world, secret, 2));
    world.check_replay();
}

/// Earlier writers ended the oldest as well, and refused the rotation for a lock on it.
#[test]
fn what_earlier_writers_made_of_it_is_legal_still() {
    let (mut world, secret) = full(CreateWithToken);
    world.place(secret, number(1), vec![lock("app")], LockMode::Keep).unwrap();
    let narrower = SecretMetadata { retention: 49, ..world.get(secret).metadata.clone() };
    let narrower = Secret { metadata: narrower, ..world.get(secret).clone() };
    let refusal = unlocked(&narrower, Touch::Rotate, &world.state.whole).unwrap_err();
    let by = Terms::by(actor("worker"));
    world.append(vec![(None, RotationRefused { secret, refusal: refusal.into() }.into())], &by);
    world.unlock(secret, number(1), LockNames::All).unwrap();
    [Plan, Attempt, Issue].iter().for_each(|step| drop(world.step(secret, CreateWithToken, *step).unwrap()));
    let commit = Command::Rotation { secret, step: RotationCommand::Commit { rotation: ROTATION } };
    let Verdict::Accept(Decision { mut events, .. }) = judge(&world.state, &commit, &by, world.now) else {
        panic!("it is committed");
    };
    let ended = RetirementPlanned { version: world.version(secret, number(1)).id };
    events.push((Some(secret), ended.into()));
    world.append(events, &by);
    assert!(!kept(&world, secret, 1));
    world.check_replay();
}
