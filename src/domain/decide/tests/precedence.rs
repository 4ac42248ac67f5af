//! The order in which a command is refused, and the expected revision.

use super::kind::{CERTIFICATE_HOLDS, HOUR, Kind};
use super::world::{NOBODY, World, actor, keyed, lock, word};
use crate::domain::command::{Command, LockTarget, SecretChanges, Terms};
use crate::domain::id::SecretId;
use crate::domain::json::JsonObject;
use crate::domain::lock::{LockMode, LockNames};
use crate::domain::name::LockName;
use crate::domain::policy::{Interval, IntervalUnit, RotationPolicy};
use crate::domain::position::Revision;
use crate::domain::version::VersionOrigin;
use crate::domain::version::VersionRef::{Current, Previous};

fn expecting(revision: u64) -> Terms {
    Terms { expected_revision: Some(Revision::new(revision)), ..Terms::by(actor("anna")) }
}

/// Every command about one secret, in a form that would be accepted.
fn commands(world: &mut World, secret: SecretId) -> Vec<Command> {
    let version = world.version(secret, Current).id;
    let policy = RotationPolicy::every(Interval::new(7, IntervalUnit::Day).unwrap());
    let (locks, mode) = (vec![lock("new")], LockMode::Keep);
    let (name, expires_at) = (LockName::parse("lease").unwrap(), world.after(2 * HOUR));
    vec![
        world.rotation(secret, VersionOrigin::RotatedByHand),
        world.restoring(secret),
        Command::RecordRead { secret, version, asked: Current },
        Command::DestroyData { secret, version: Previous },
        Command::DeleteSecret { secret },
        Command::UpdateSecret { secret, changes: Box::new(SecretChanges::default()) },
        Command::UpdateVersion { secret, version: Current, custom_metadata: None },
        Command::SetPolicy { secret, policy },
        Command::ClearPolicy { secret },
        Command::PlaceLocks { targets: vec![LockTarget { secret, version: Current, locks, mode }] },
        Command::RemoveLocks { secret, version: Current, names: LockNames::All },
        Command::RenewLock { secret, version: Current, name, expires: expires_at.into(), fencing_token: None },
        Command::Lapse { secret },
    ]
}

#[test]
fn an_expected_revision_is_met_or_the_command_is_refused() {
    let mut world = World::new();
    let secret = world.secret_of(Kind::Password, 2);
    let revision = world.get(secret).revision.get();
    for command in commands(&mut world, secret) {
        for (expected, answer) in
            [(revision, "ok"), (revision - 1, "revision_mismatch"), (revision + 1, "revision_mismatch")]
        {
            let given = world.clone().ask_on(&expecting(expected), &command);
            let renews = matches!(command, Command::RenewLock { .. }) && answer == "ok";
            assert_eq!(word(&given), if renews { "not_found" } else { answer }, "{command:?}");
        }
    }
}

#[test]
fn an_expected_revision_goes_with_one_secret_that_is_there() {
    let mut world = World::new();
    let (one, two) = (world.secret(Kind::Kv), world.secret(Kind::Kv));
    let target = |secret| LockTarget { secret, version: Current, locks: vec![lock("app")], mode: LockMode::Keep };
    let creation = world.creation(Kind::Kv, "new");
    for command in [
        creation,
        Command::PlaceLocks { targets: vec![target(one), target(two)] },
        Command::RollEpoch { epoch: 2 },
        Command::RecordAccess { reads: vec![] },
    ] {
        assert_eq!(word(&world.ask_on(&expecting(2), &command)), "invalid_parameter", "{command:?}");
    }
}

#[test]
fn of_two_writers_who_saw_the_same_revision_one_wins() {
    let mut world = World::new();
    let secret = world.secret(Kind::Kv);
    let seen = world.get(secret).revision.get();
    let (first, second) =
        (world.rotation(secret, VersionOrigin::RotatedByHand), world.rotation(secret, VersionOrigin::RotatedByHand));
    assert_eq!(word(&world.ask_on(&expecting(seen), &first)), "ok");
    assert_eq!(word(&world.ask_on(&expecting(seen), &second)), "revision_mismatch");
    assert_eq!(world.shows(secret), "1: 2:");
}

/// Asks a rotation in which everything is wrong from some point of the order on.
#[track_caller]
fn check(wrong_from: usize, answer: &str) {
    let mut world = World::new();
    let secret = world.secret_of(Kind::Certificate, 2);
    if wrong_from <= 5 {
        world.locked(secret, Previous, &["app"]);
    }
    let mut command = world.rotation(secret, VersionOrigin::RotatedByHand);
    if let (Command::Rotate { next, .. }, true) = (&mut command, wrong_from <= 4) {
        next.custom_metadata = Some(JsonObject::parse(&format!(r#"{{"a":"{}"}}"#, "x".repeat(11_000))).unwrap());
    }
    if wrong_from <= 3 {
        world.wait(CERTIFICATE_HOLDS);
    }
    let mut terms = Terms::by(actor("anna"));
    if wrong_from <= 2 {
        terms.expected_revision = Some(Revision::new(99));
    }
    if let (Command::Rotate { secret, .. }, true) = (&mut command, wrong_from <= 1) {
        *secret = NOBODY;
    }
    if wrong_from == 0 {
        let used = Terms { idempotency: Some(keyed("key", 2)), ..Terms::by(actor("anna")) };
        world.ask_on(&used, &Command::Lapse { secret }).unwrap();
        terms.idempotency = Some(keyed("key", 1));
    }
    assert_eq!(word(&world.ask_on(&terms, &command)), answer);
}

#[test]
fn a_command_is_refused_for_the_first_reason_in_the_order() {
    check(0, "idempotency_key_reused");
    check(1, "not_found");
    check(2, "revision_mismatch");
    check(3, "secret_inactive");
    check(4, "invalid_parameter");
    check(5, "secret_version_locked");
    check(6, "ok");
}
