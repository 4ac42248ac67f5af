//! The strict option: a rotation touches every locked version of its secret.

use super::kind::Kind;
use super::world::{World, number, word};
use crate::domain::command::{Change, Command, SecretChanges};
use crate::domain::settings::Settings;

/// Three versions with data, of which one is locked, under a setting of the store and of the secret.
#[track_caller]
fn check(store: bool, own: Option<bool>, locked: u64, answer: &str) {
    for kind in Kind::ROTATING {
        for restores in [false, true] {
            let mut world = World::new();
            let settings = Settings { refuse_rotation_while_locked: store, ..Settings::default() };
            world.ask(&Command::ChangeSettings { settings }).unwrap();
            let secret = world.secret(kind);
            world.keeps(secret, 3);
            let refuse_rotation_while_locked = own.map_or(Change::Clear, Change::Set);
            world.update(secret, SecretChanges { refuse_rotation_while_locked, ..Default::default() }).unwrap();
            (1..3).for_each(|_| world.rotate(secret).map(drop).unwrap());
            world.locked(secret, number(locked), &["app"]);
            let given = if restores { world.restore(secret) } else { world.rotate(secret) };
            assert_eq!(word(&given), answer, "{kind:?}, store: {store}, own: {own:?}, version {locked} is locked");
        }
    }
}

#[test]
fn a_strict_secret_does_not_rotate_while_any_version_is_locked() {
    const LOCKED: &str = "secret_version_locked";
    for (store, own, strict) in [
        (false, None, false),
        (false, Some(false), false),
        (false, Some(true), true),
        (true, None, true),
        (true, Some(true), true),
        (true, Some(false), false),
    ] {
        let answer = if strict { LOCKED } else { "ok" };
        check(store, own, 3, answer);
        check(store, own, 2, answer);
        check(store, own, 1, LOCKED);
    }
}

#[test]
fn a_strict_rotation_destroys_no_more_than_another() {
    let mut world = World::new();
    let secret = world.secret_of(Kind::Kv, 2);
    let strict = SecretChanges { refuse_rotation_while_locked: Change::Set(true), ..Default::default() };
    world.update(secret, strict).unwrap();
    world.rotate(secret).unwrap();
    assert_eq!(world.shows(secret), "2: 3:");
}

#[test]
fn strictness_is_about_rotations_alone() {
    let mut world = World::new();
    let secret = world.secret_of(Kind::Kv, 2);
    let strict = SecretChanges { refuse_rotation_while_locked: Change::Set(true), ..Default::default() };
    world.update(secret, strict).unwrap();
    world.locked(secret, number(2), &["app"]);
    assert_eq!(word(&world.read(secret)), "ok");
    assert_eq!(word(&world.destroy(secret, number(1))), "ok");
}
