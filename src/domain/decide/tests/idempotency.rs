//! Idempotency keys: the same answer again, an error for another command, and what is forgotten when.

use std::sync::Arc;

use super::kind::{DAY, Kind};
use super::world::{Answer, NOBODY, World, actor, keyed, lock, word};
use crate::domain::command::{Command, LockTarget, Terms};
use crate::domain::id::SecretId;
use crate::domain::limits;
use crate::domain::lock::LockMode;
use crate::domain::position::Position;
use crate::domain::receipt::Receipt;
use crate::domain::remembered::{Answer as Remembered, Remembered as Memory};
use crate::domain::version::VersionRef::{Current, Previous};

#[track_caller]
fn ask(world: &mut World, who: &str, key: &str, fingerprint: u8, command: &Command) -> Answer {
    world.ask_on(&Terms { idempotency: Some(keyed(key, fingerprint)), ..Terms::by(actor(who)) }, command)
}

fn again(receipt: &Receipt) -> Receipt {
    Receipt { remembered: true, ..receipt.clone() }
}

fn place(secret: SecretId) -> Command {
    let (locks, mode) = (vec![lock("app")], LockMode::Keep);
    Command::PlaceLocks { targets: vec![LockTarget { secret, version: Current, locks, mode }] }
}

#[test]
fn a_repeated_command_is_answered_as_the_first_and_does_nothing() {
    let mut world = World::new();
    let secret = world.secret(Kind::Kv);
    let rotation = world.rotation(secret, crate::domain::version::VersionOrigin::RotatedByHand);
    let first = ask(&mut world, "anna", "k1", 1, &rotation).unwrap();
    assert!(!first.remembered);
    let size = world.state.log_size();
    world.pass(60);
    let other = world.rotation(secret, crate::domain::version::VersionOrigin::RotatedByHand);
    assert_eq!(ask(&mut world, "anna", "k1", 1, &other), Ok(again(&first)), "what was prepared anew does not count");
    assert_eq!(world.state.log_size(), size);
}

#[test]
fn a_different_command_under_the_same_key_is_an_error() {
    let mut world = World::new();
    let secret = world.secret(Kind::Kv);
    ask(&mut world, "anna", "k1", 1, &place(secret)).unwrap();
    let size = world.state.log_size();
    let given = ask(&mut world, "anna", "k1", 2, &Command::DeleteSecret { secret });
    assert_eq!(word(&given), "idempotency_key_reused");
    assert_eq!(world.state.log_size(), size);
}

#[test]
fn a_key_belongs_to_the_actor_who_used_it() {
    let mut world = World::new();
    let secret = world.secret(Kind::Kv);
    let anna = ask(&mut world, "anna", "k1", 1, &place(secret)).unwrap();
    let otto = ask(&mut world, "otto", "k1", 2, &place(secret)).unwrap();
    assert!(otto.position > anna.position && !otto.remembered);
    assert_eq!(ask(&mut world, "anna", "k1", 1, &place(secret)), Ok(again(&anna)));
}

#[test]
fn an_answer_is_remembered_for_a_day() {
    for (secs, remembered) in [(DAY - 1, true), (DAY, false)] {
        let mut world = World::new();
        let secret = world.secret(Kind::Kv);
        ask(&mut world, "anna", "k1", 1, &place(secret)).unwrap();
        world.pass(secs);
        assert_eq!(ask(&mut world, "anna", "k1", 1, &place(secret)).unwrap().remembered, remembered);
        world.pass(1);
        assert_eq!(ask(&mut world, "anna", "k1", 1, &place(secret)).unwrap().remembered, secs == DAY);
        world.check_replay();
    }
}

#[test]
fn a_refusal_by_a_lock_is_remembered_as_it_was() {
    let mut world = World::new();
    let secret = world.secret_of(Kind::Kv, 2);
    world.locked(secret, Previous, &["app"]);
    let rotation = world.rotation(secret, crate::domain::version::VersionOrigin::RotatedByHand);
    let first = ask(&mut world, "anna", "k1", 1, &rotation);
    assert_eq!(word(&first), "secret_version_locked");
    world.check_events(&["RotationRefused"]);
    world.unlock(secret, Previous, crate::domain::lock::LockNames::All).unwrap();
    assert_eq!(ask(&mut world, "anna", "k1", 1, &rotation), first);
    assert_eq!(word(&ask(&mut world, "anna", "k2", 1, &rotation)), "ok");
    world.check_replay();
}

#[test]
fn any_other_refusal_is_remembered_too() {
    let mut world = World::new();
    let delete = Command::DeleteSecret { secret: NOBODY };
    let first = ask(&mut world, "anna", "k1", 1, &delete);
    assert_eq!(word(&first), "not_found");
    world.check_events(&["CommandRefused"]);
    let size = world.state.log_size();
    assert_eq!(ask(&mut world, "anna", "k1", 1, &delete), first);
    assert_eq!(world.state.log_size(), size);
}

/// "Ask again" was once remembered, so that asking again under the same key never worked.
#[test]
fn a_command_that_came_too_late_may_be_asked_again_under_its_key() {
    let mut world = World::new();
    let secret = world.secret_of(Kind::Kv, 2);
    let late = world.restoring(secret);
    world.rotate(secret).unwrap();
    assert_eq!(word(&ask(&mut world, "anna", "k1", 1, &late)), "version_changed");
    world.check_events(&["VersionAdded", "VersionDataDestroyed"]);
    let anew = world.restoring(secret);
    assert_eq!(word(&ask(&mut world, "anna", "k1", 1, &anew)), "ok");
}

#[test]
fn a_command_that_changes_nothing_is_remembered_too() {
    let mut world = World::new();
    let secret = world.secret(Kind::Kv);
    let clear = Command::ClearPolicy { secret };
    let first = ask(&mut world, "anna", "k1", 1, &clear).unwrap();
    world.check_events(&["CommandHadNoEffect"]);
    assert_eq!(first.secret, Some(secret));
    assert_eq!(ask(&mut world, "anna", "k1", 1, &clear), Ok(again(&first)));
}

/// Asks a refused command without and with a key, and says which events it leaves.
#[track_caller]
fn check_audit(given: impl Fn(&mut World) -> Command, without: &[&str], with: &[&str]) {
    for (idempotency, labels) in [(None, without), (Some(keyed("key", 1)), with)] {
        let mut world = World::new();
        let command = given(&mut world);
        let size = world.log.len();
        let terms = Terms { idempotency, ..Terms::by(actor("anna")) };
        assert!(world.ask_on(&terms, &command).is_err(), "{command:?}");
        assert_eq!(world.last_events(world.log.len() - size), labels, "{command:?}");
        assert!(world.log[size..].iter().all(|record| record.subject.is_none()), "it counts no revision");
    }
}

#[test]
fn a_refusal_by_a_lock_leaves_an_event_and_another_one_only_under_a_key() {
    let locked = |world: &mut World, kind| {
        let secret = world.secret_of(kind, if kind == Kind::FreshKey { 1 } else { 2 });
        let version = if kind == Kind::FreshKey { Current } else { Previous };
        world.locked(secret, version, &["app"]);
        secret
    };
    let read = |world: &mut World| {
        let secret = locked(world, Kind::FreshKey);
        world.reading(secret)
    };
    check_audit(read, &["ReadRefused"], &["ReadRefused"]);
    let rotate = |world: &mut World| {
        let secret = locked(world, Kind::Kv);
        world.rotation(secret, crate::domain::version::VersionOrigin::RotatedByHand)
    };
    check_audit(rotate, &["RotationRefused"], &["RotationRefused"]);
    let restore = |world: &mut World| {
        let secret = locked(world, Kind::Kv);
        world.restoring(secret)
    };
    check_audit(restore, &["RotationRefused"], &["RotationRefused"]);
    let delete = |world: &mut World| Command::DeleteSecret { secret: locked(world, Kind::Kv) };
    check_audit(delete, &["DeletionRefused"], &["DeletionRefused"]);
    let destroy = |world: &mut World| Command::DestroyData { secret: locked(world, Kind::Kv), version: Previous };
    check_audit(destroy, &["DataDestructionRefused"], &["DataDestructionRefused"]);
    let unknown = |_: &mut World| Command::DeleteSecret { secret: NOBODY };
    check_audit(unknown, &[], &["CommandRefused"]);
    let dynamic = |world: &mut World| {
        let secret = locked(world, Kind::FreshKey);
        world.rotation(secret, crate::domain::version::VersionOrigin::RotatedByHand)
    };
    check_audit(dynamic, &[], &["CommandRefused"]);
    let set = |world: &mut World| {
        let target = |secret| LockTarget { secret, version: Current, locks: vec![], mode: LockMode::Keep };
        Command::PlaceLocks { targets: vec![target(world.secret(Kind::Kv)), target(NOBODY)] }
    };
    check_audit(set, &[], &["CommandRefused"]);
}

#[test]
fn answers_are_bounded_in_number_and_the_oldest_go_first() {
    let world = World::new();
    let mut memory = Memory::default();
    let answer = |index: usize| {
        let idempotency = keyed(&format!("key-{index}"), 1);
        let (actor, given_at) = (actor("anna"), world.now);
        let outcome = Err(crate::domain::refusal::Refusal::SecretNotFound);
        Arc::new(Remembered { actor, key: idempotency.key, fingerprint: [1; 32], given_at, outcome })
    };
    let position = |index: usize| Position::new(index as u64);
    for index in 0..limits::REMEMBERED_MAX {
        memory.keep(position(index), answer(index));
        assert!(memory.forget(world.now).is_empty());
    }
    for index in limits::REMEMBERED_MAX..limits::REMEMBERED_MAX + 3 {
        memory.keep(position(index), answer(index));
        let oldest = index - limits::REMEMBERED_MAX;
        assert_eq!(memory.forget(world.now), [position(oldest)]);
        let is_known = |index| memory.find(&actor("anna"), &answer(index).key, world.now).is_some();
        assert!(!is_known(oldest) && is_known(oldest + 1) && is_known(index));
    }
    assert_eq!(memory.forget(world.after(DAY)).len(), limits::REMEMBERED_MAX);
    assert_eq!(memory.iter().count(), 0);
}
