//! The one rule: what an operation touches, and the table of operations by lock that follows from it.

use super::super::super::touch::{Touch, touched, unlocked};
use super::kind::{HOUR, Kind, TTL};
use super::world::{Answer, World, lock, word};
use crate::domain::command::{Change, Command, SecretChanges};
use crate::domain::id::SecretId;
use crate::domain::json::JsonObject;
use crate::domain::lock::{LockMode, LockNames};
use crate::domain::policy::{Interval, IntervalUnit, RotationPolicy};
use crate::domain::secret::Secret;
use crate::domain::settings::Settings;
use crate::domain::version::VersionRef::{Current, Previous};
use crate::domain::version::{VersionOrigin, VersionRef};

const LOCKED: &str = "secret_version_locked";

/// Four versions of which the last `retention` have data.
#[track_caller]
fn check_touched(kind: Kind, retention: u8, touch: impl Fn(&Secret) -> Touch, expected: &[u64]) {
    let mut world = World::new();
    let secret = world.secret(kind);
    world.keeps(secret, retention);
    (1..4).for_each(|_| world.rotate(secret).map(drop).unwrap());
    let secret = world.get(secret);
    let found = touched(secret, touch(secret), Settings::default());
    let mut numbers: Vec<u64> = found.iter().map(|version| version.number.get()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, expected, "{kind:?}: {:?} with retention {retention}", touch(secret));
}

#[test]
fn an_operation_touches_what_it_would_modify_invalidate_or_destroy() {
    let id = |secret: &Secret, version| secret.version(version).unwrap().id;
    for kind in Kind::ROTATING {
        for retention in [2, 3] {
            check_touched(kind, retention, |_| Touch::ReadAsItIs, &[]);
            check_touched(kind, retention, |_| Touch::Describe, &[]);
            check_touched(kind, retention, |_| Touch::Regenerate, &[4]);
            check_touched(kind, retention, |secret| Touch::DestroyData(id(secret, Current)), &[4]);
            check_touched(kind, retention, |secret| Touch::DestroyData(id(secret, Previous)), &[3]);
            check_touched(kind, retention, |secret| Touch::EndLease(id(secret, Previous)), &[3]);
        }
        check_touched(kind, 2, |_| Touch::Rotate, &[3]);
        check_touched(kind, 3, |_| Touch::Rotate, &[2]);
        check_touched(kind, 5, |_| Touch::Rotate, &[]);
        check_touched(kind, 2, |_| Touch::Restore, &[3]);
        check_touched(kind, 3, |_| Touch::Restore, &[2]);
        check_touched(kind, 2, |_| Touch::RotateInPlace, &[3, 4]);
        check_touched(kind, 3, |_| Touch::RotateInPlace, &[2, 4]);
        check_touched(kind, 5, |_| Touch::RotateInPlace, &[4]);
        check_touched(kind, 2, |_| Touch::Delete, &[3, 4]);
        check_touched(kind, 3, |_| Touch::Delete, &[2, 3, 4]);
    }
    for kind in [Kind::Arbitrary, Kind::Password] {
        check_touched(kind, 2, |_| Touch::Expire, &[3, 4]);
    }
    check_touched(Kind::Certificate, 2, |_| Touch::Expire, &[]);
}

/// Asks a thing of a secret of each kind whose two versions carry no lock, a lock on current, a lock on previous. The
/// dynamic kind has one version, and an empty answer for previous.
#[track_caller]
fn check(kinds: &[Kind], ask: impl Fn(&mut World, SecretId) -> Answer, answers: [&str; 3]) {
    for kind in kinds {
        for (locked, answer) in [None, Some(Current), Some(Previous)].into_iter().zip(answers) {
            if answer.is_empty() {
                continue;
            }
            let (mut world, secret) = two_versions(*kind, locked);
            assert_eq!(word(&ask(&mut world, secret)), answer, "{kind:?}, locked: {locked:?}");
            world.check_replay();
        }
    }
}

fn two_versions(kind: Kind, locked: Option<VersionRef>) -> (World, SecretId) {
    let mut world = World::new();
    let versions = if kind == Kind::FreshKey { 1 } else { 2 };
    let secret = world.secret_of(kind, versions);
    if let Some(version) = locked {
        world.locked(secret, version, &["app"]);
    }
    (world, secret)
}

#[test]
fn a_static_read_asks_no_lock() {
    let everywhere = ["ok", "ok", "ok"];
    check(&[Kind::Arbitrary, Kind::Password, Kind::Kv, Kind::Certificate], World::read, everywhere);
    check(&Kind::ROTATING, |world, secret| world.read_version(secret, Current), everywhere);
    check(&Kind::ROTATING, |world, secret| world.read_version(secret, Previous), everywhere);
}

#[test]
fn a_dynamic_read_is_refused_while_current_is_locked() {
    check(&[Kind::FreshKey], World::read, ["ok", LOCKED, ""]);
}

/// A read of its version by id once handed the key out, locked or not, and left it alive.
#[test]
fn no_other_read_goes_around_the_lock_of_a_dynamic_secret() {
    let as_it_is = |world: &mut World, secret| world.read_version(secret, Current);
    check(&[Kind::FreshKey], as_it_is, ["version_changed", "version_changed", ""]);
}

#[test]
fn a_read_of_a_reused_key_asks_no_lock_while_its_lease_runs() {
    check(&[Kind::ReusedKey], World::read, ["ok", "ok", "ok"]);
}

#[test]
fn a_rotation_is_refused_while_previous_is_locked() {
    check(&Kind::ROTATING, World::rotate, ["ok", "ok", LOCKED]);
}

#[test]
fn a_rotation_by_policy_is_refused_as_one_by_hand_is() {
    let by_policy = |world: &mut World, secret| {
        let interval = Interval::new(7, IntervalUnit::Day).unwrap();
        world.ask(&Command::SetPolicy { secret, policy: RotationPolicy::every(interval) }).unwrap();
        world.wait(7 * 24 * HOUR);
        let command = world.rotation(secret, VersionOrigin::RotatedByPolicy);
        world.ask(&command)
    };
    check(&[Kind::Password, Kind::ReusedKey], by_policy, ["ok", "ok", LOCKED]);
}

#[test]
fn a_rotation_in_place_is_refused_while_current_or_previous_is_locked() {
    let in_place = |world: &mut World, secret| {
        let none = world.read_version(secret, Current)?;
        unlocked(world.get(secret), Touch::RotateInPlace, &world.state.whole)?;
        Ok(none)
    };
    check(&Kind::ROTATING, in_place, ["ok", LOCKED, LOCKED]);
}

#[test]
fn a_restore_is_refused_while_previous_is_locked() {
    check(&Kind::ROTATING, World::restore, ["ok", "ok", LOCKED]);
}

#[test]
fn a_dynamic_secret_is_neither_rotated_nor_restored() {
    const NO: &str = "rotation_not_supported";
    check(&[Kind::FreshKey], World::rotate, [NO, NO, ""]);
    check(&[Kind::FreshKey], World::restore, [NO, NO, ""]);
}

#[test]
fn a_deletion_is_refused_while_any_version_is_locked() {
    check(&Kind::ROTATING, World::delete, ["ok", LOCKED, LOCKED]);
    check(&[Kind::FreshKey], World::delete, ["ok", LOCKED, ""]);
}

#[test]
fn data_of_a_version_is_destroyed_unless_that_version_is_locked() {
    check(&Kind::ROTATING, |world, secret| world.destroy(secret, Current), ["ok", LOCKED, "ok"]);
    check(&Kind::ROTATING, |world, secret| world.destroy(secret, Previous), ["ok", "ok", LOCKED]);
    check(&[Kind::FreshKey], |world, secret| world.destroy(secret, Current), ["ok", LOCKED, ""]);
}

#[test]
fn metadata_policies_and_locks_ask_no_lock() {
    let everywhere = ["ok", "ok", "ok"];
    let note = || JsonObject::parse(r#"{"note":1}"#).unwrap();
    let changes = || SecretChanges { custom_metadata: Change::Set(note()), ..Default::default() };
    check(&Kind::ROTATING, |world, secret| world.update(secret, changes()), everywhere);
    check(&[Kind::FreshKey], |world, secret| world.update(secret, changes()), ["ok", "ok", ""]);
    for version in [Current, Previous] {
        let describe = Command::UpdateVersion { secret: super::world::NOBODY, version, custom_metadata: Some(note()) };
        let describe = |world: &mut World, id| {
            let Command::UpdateVersion { version, custom_metadata, .. } = describe.clone() else { unreachable!() };
            world.ask(&Command::UpdateVersion { secret: id, version, custom_metadata })
        };
        check(&Kind::ROTATING, describe, everywhere);
        let place = |world: &mut World, secret| world.place(secret, version, vec![lock("other")], LockMode::Keep);
        check(&Kind::ROTATING, place, everywhere);
        check(&Kind::ROTATING, |world, secret| world.unlock(secret, version, LockNames::All), everywhere);
    }
    let policy = |secret, count| {
        let policy = RotationPolicy::every(Interval::new(count, IntervalUnit::Day).unwrap());
        Command::SetPolicy { secret, policy }
    };
    check(&[Kind::Password, Kind::ReusedKey], |world, secret| world.ask(&policy(secret, 7)), everywhere);
    check(&Kind::ROTATING, |world, secret| world.ask(&Command::ClearPolicy { secret }), everywhere);
}

#[test]
fn locks_travel_with_their_version_when_a_rotation_makes_it_previous() {
    for kind in Kind::ROTATING {
        let (mut world, secret) = two_versions(kind, Some(Current));
        world.rotate(secret).unwrap();
        assert_eq!(world.shows(secret), "2:app 3:", "{kind:?}");
        assert_eq!(word(&world.rotate(secret)), LOCKED);
        world.unlock(secret, Previous, LockNames::All).unwrap();
        world.rotate(secret).unwrap();
        assert_eq!(world.shows(secret), "3: 4:", "{kind:?}");
    }
}

#[test]
fn a_dynamic_read_makes_a_new_key_in_the_same_version_and_destroys_the_old_one() {
    let (mut world, secret) = two_versions(Kind::FreshKey, None);
    for _ in 0..3 {
        let old = world.version(secret, Current).clone();
        world.wait(HOUR);
        world.read(secret).unwrap();
        world.check_events(&["VersionRegenerated"]);
        let new = world.version(secret, Current);
        assert_eq!((new.id, new.number), (old.id, old.number));
        assert_ne!(new.data, old.data);
        assert_eq!(new.expires_at, Some(world.after(TTL)));
    }
    world.check_replay();
}

#[test]
fn a_refusal_explains_itself() {
    let mut world = World::new();
    let secret = world.secret_of(Kind::Kv, 2);
    let owned = lock("billing").owned_by(super::world::actor("team-billing")).until(world.after(HOUR));
    world.pass(60);
    let placed = world.place(secret, Previous, vec![owned, lock("web")], LockMode::Keep).unwrap();
    let refusal = world.rotate(secret).unwrap_err();
    let blocked = refusal.blocked().unwrap();
    assert_eq!((blocked.secret, blocked.locks_total), (secret, 2));
    let billing = &blocked.locks[0];
    let previous = world.version(secret, Previous);
    assert_eq!((billing.version, billing.number), (previous.id, previous.number));
    assert_eq!(billing.alias, world.get(secret).alias(previous.id));
    assert_eq!(billing.name.as_str(), "billing");
    assert_eq!(billing.owner.as_ref().unwrap().as_str(), "team-billing");
    assert_eq!(billing.created_by.as_str(), "tester");
    assert_eq!(billing.created_at, placed.recorded_at);
    assert_eq!(billing.expires_at, previous.locks[0].expires_at);
    assert_eq!(billing.fencing_token.get(), placed.position.get() - 1);
    assert_eq!(blocked.locks[1].fencing_token, placed.position);
    assert_eq!(
        refusal.to_string(),
        format!(
            "the rotation of {} is refused because version 1 (previous) is locked by billing, version 1 (previous) is \
             locked by web; move its consumers to the current version and remove the lock, then rotate again",
            blocked.name
        )
    );
}

#[test]
fn a_refusal_shows_24_locks_and_counts_all() {
    let mut world = World::new();
    let secret = world.secret(Kind::Kv);
    let locks = (0..100).map(|index| lock(&format!("app-{index}"))).collect();
    world.place(secret, Current, locks, LockMode::Keep).unwrap();
    let refusal = world.delete(secret).unwrap_err();
    let blocked = refusal.blocked().unwrap();
    assert_eq!((blocked.locks.len(), blocked.locks_total), (24, 100));
}
