//! Versions: aliases, how long data and metadata are kept, restoring, and what reads leave behind.

use super::kind::{DAY, HOUR, Kind};
use super::world::{World, number, word};
use crate::domain::command::{Change, Command, SecretChanges};
use crate::domain::json::JsonObject;
use crate::domain::policy::{Interval, IntervalUnit, RotationPolicy};
use crate::domain::version::VersionRef::{self, Current, Id, Previous};
use crate::domain::version::{Alias, DestroyCause, VersionData, VersionOrigin};

#[test]
fn a_version_is_found_by_alias_id_and_number() {
    let mut world = World::new();
    let secret = world.secret_of(Kind::Kv, 3);
    let found = |version: VersionRef| world.get(secret).version(version).map(|version| version.number.get());
    let id = |version| Id(world.version(secret, number(version)).id);
    for (version, expected) in [(Current, 3), (Previous, 2), (number(1), 1), (id(1), 1), (id(3), 3)] {
        assert_eq!(found(version), Some(expected), "{version}");
    }
    assert_eq!(found(number(4)), None);
    let aliases: Vec<_> =
        world.get(secret).versions.iter().map(|version| world.get(secret).alias(version.id)).collect();
    assert_eq!(aliases, [None, Some(Alias::Previous), Some(Alias::Current)]);
}

/// Rotates a secret with a retention up to so many versions.
#[track_caller]
fn check_retention(retention: u8, versions: u64, left: &str) {
    for kind in Kind::ROTATING {
        let mut world = World::new();
        let secret = world.secret(kind);
        world.keeps(secret, retention);
        (1..versions).for_each(|_| world.rotate(secret).map(drop).unwrap());
        assert_eq!(world.shows(secret), left, "{kind:?}, retention {retention}, {versions} versions");
    }
}

#[test]
fn data_is_kept_for_as_many_versions_as_the_secret_says() {
    check_retention(2, 1, "1:");
    check_retention(2, 2, "1: 2:");
    check_retention(2, 3, "2: 3:");
    check_retention(3, 3, "1: 2: 3:");
    check_retention(3, 4, "2: 3: 4:");
    check_retention(5, 8, "4: 5: 6: 7: 8:");
}

#[test]
fn with_retention_three_the_third_one_decides() {
    for (locked, answer) in [(1, "secret_version_locked"), (2, "ok"), (3, "ok")] {
        for restores in [false, true] {
            let mut world = World::new();
            let secret = world.secret(Kind::Kv);
            world.keeps(secret, 3);
            (1..3).for_each(|_| world.rotate(secret).map(drop).unwrap());
            world.locked(secret, number(locked), &["app"]);
            let given = if restores { world.restore(secret) } else { world.rotate(secret) };
            assert_eq!(word(&given), answer, "version {locked} is locked, restores: {restores}");
        }
    }
}

#[test]
fn a_smaller_retention_takes_effect_at_the_next_rotation_if_no_lock_is_in_the_way() {
    let mut world = World::new();
    let secret = world.secret(Kind::Kv);
    world.keeps(secret, 5);
    (1..5).for_each(|_| world.rotate(secret).map(drop).unwrap());
    world.locked(secret, number(2), &["app"]);
    world.keeps(secret, 2);
    assert_eq!(world.shows(secret), "1: 2:app 3: 4: 5:");
    assert_eq!(word(&world.rotate(secret)), "secret_version_locked");
    world.unlock(secret, number(2), crate::domain::lock::LockNames::All).unwrap();
    world.rotate(secret).unwrap();
    assert_eq!(world.shows(secret), "5: 6:");
}

#[test]
fn restoring_two_over_three_makes_four() {
    for kind in Kind::ROTATING {
        let mut world = World::new();
        let secret = world.secret_of(kind, 3);
        let second = world.version(secret, number(2)).clone();
        world.restore(secret).unwrap();
        world.check_events(&["VersionAdded", "VersionDataDestroyed"]);
        let new = world.version(secret, Current);
        assert_eq!((new.number.get(), new.origin), (4, VersionOrigin::Restored), "{kind:?}");
        assert_eq!(new.restored_from, Some(second.id));
        assert_eq!(new.expires_at, second.expires_at);
        assert_eq!(world.shows(secret), "3: 4:", "{kind:?}");
        world.check_replay();
    }
}

#[test]
fn there_has_to_be_something_to_restore() {
    let mut world = World::new();
    let secret = world.secret(Kind::Kv);
    assert_eq!(word(&world.restore(secret)), "nothing_to_restore");
    world.rotate(secret).unwrap();
    let command = world.restoring(secret);
    world.rotate(secret).unwrap();
    assert_eq!(word(&world.ask(&command)), "version_changed");
    world.destroy(secret, Previous).unwrap();
    assert_eq!(word(&world.restore(secret)), "nothing_to_restore");
}

#[test]
fn a_certificate_past_its_end_is_not_restored() {
    let mut world = World::new();
    let secret = world.secret(Kind::Certificate);
    world.wait(30 * DAY);
    world.rotate(secret).unwrap();
    world.wait(30 * DAY);
    assert_eq!(word(&world.restore(secret)), "invalid_parameter");
    assert_eq!(word(&world.rotate(secret)), "ok");
}

#[test]
fn metadata_of_fifty_versions_is_kept() {
    for retention in [2, 50] {
        let mut world = World::new();
        let secret = world.secret(Kind::Kv);
        world.keeps(secret, retention);
        (1..53).for_each(|_| world.rotate(secret).map(drop).unwrap());
        let secret = world.get(secret);
        assert_eq!(secret.versions.len(), 50);
        assert_eq!(secret.versions[0].number.get(), 4, "the oldest go first");
        assert_eq!(secret.versions.iter().filter(|version| version.is_available()).count(), usize::from(retention));
        world.check_replay();
    }
}

#[test]
fn the_oldest_version_goes_also_when_no_data_falls_out() {
    let mut world = World::new();
    let secret = world.secret_of(Kind::Kv, 50);
    world.destroy(secret, Previous).unwrap();
    world.destroy(secret, Current).unwrap();
    world.rotate(secret).unwrap();
    world.check_events(&["VersionAdded"]);
    assert_eq!(world.get(secret).versions[0].number.get(), 2);
}

#[test]
fn fifty_versions_with_data_and_a_lock_on_the_oldest_rotate_no_further() {
    let mut world = World::new();
    let secret = world.secret(Kind::Kv);
    world.keeps(secret, 50);
    world.locked(secret, Current, &["app"]);
    (1..50).for_each(|_| world.rotate(secret).map(drop).unwrap());
    assert_eq!(word(&world.rotate(secret)), "secret_version_locked");
    world.unlock(secret, number(1), crate::domain::lock::LockNames::All).unwrap();
    world.rotate(secret).unwrap();
    assert_eq!(world.get(secret).versions[0].number.get(), 2);
}

#[test]
fn the_first_read_marks_a_version_as_downloaded() {
    let mut world = World::new();
    let secret = world.secret_of(Kind::Kv, 2);
    assert_eq!(world.get(secret).retrieved_at, None);
    world.pass(HOUR);
    world.read(secret).unwrap();
    world.check_events(&["VersionDownloaded"]);
    assert!(world.version(secret, Current).downloaded && !world.version(secret, Previous).downloaded);
    assert_eq!(world.get(secret).retrieved_at, Some(world.now));
    assert_eq!(world.read(secret).unwrap().events, 0, "the second read changes nothing");
}

/// The data of one version was once handed out as that of an alias which meant another by then.
#[test]
fn a_read_of_what_an_alias_does_not_mean_any_more_is_asked_again() {
    let mut world = World::new();
    let secret = world.secret_of(Kind::Kv, 2);
    let version = world.version(secret, Current).id;
    world.rotate(secret).unwrap();
    let read = |asked| Command::RecordRead { secret, version, asked };
    for (asked, expected) in
        [(Current, "version_changed"), (number(1), "version_changed"), (number(9), "not_found"), (Previous, "ok")]
    {
        assert_eq!(word(&world.ask(&read(asked))), expected, "{asked}");
    }
    assert!(world.version(secret, Previous).downloaded && !world.version(secret, Current).downloaded);
}

#[test]
fn a_refused_read_moves_neither_downloaded_nor_retrieved_at() {
    let mut world = World::new();
    let secret = world.secret(Kind::FreshKey);
    world.locked(secret, Current, &["app"]);
    let before = world.get(secret).clone();
    world.pass(HOUR);
    assert_eq!(word(&world.read(secret)), "secret_version_locked");
    world.check_events(&["ReadRefused"]);
    assert_eq!(*world.get(secret), before);
    assert_eq!((before.versions[0].downloaded, before.retrieved_at), (false, None));
}

#[test]
fn a_read_of_destroyed_data_says_why_it_is_gone() {
    let mut world = World::new();
    let secret = world.secret_of(Kind::Kv, 3);
    assert_eq!(word(&world.read_version(secret, number(1))), "version_data_destroyed");
    world.destroy(secret, Current).unwrap();
    assert_eq!(word(&world.read(secret)), "version_data_destroyed");
    assert_eq!(word(&world.destroy(secret, Current)), "version_data_destroyed");
    let causes = [(1, DestroyCause::Retention), (3, DestroyCause::Requested)];
    for (version, expected) in causes {
        let VersionData::Destroyed { cause, at } = world.version(secret, number(version)).data else { panic!() };
        assert_eq!((cause, at), (expected, world.now));
    }
}

#[test]
fn only_a_policy_makes_a_version_auto_rotated() {
    let mut world = World::new();
    let secret = world.secret_of(Kind::Password, 2);
    assert!(!world.version(secret, Current).is_auto_rotated());
    let policy = RotationPolicy::every(Interval::new(1, IntervalUnit::Day).unwrap());
    world.ask(&Command::SetPolicy { secret, policy }).unwrap();
    world.pass(DAY);
    let command = world.rotation(secret, VersionOrigin::RotatedByPolicy);
    world.ask(&command).unwrap();
    assert!(world.version(secret, Current).is_auto_rotated());
}

/// Sets metadata of so many bytes on a secret and on its versions, at each place that takes some.
#[track_caller]
fn check_metadata(bytes: usize, answer: &str) {
    let object = JsonObject::parse(&format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - 8))).unwrap();
    let mut world = World::new();
    let secret = world.secret(Kind::Kv);
    let custom_metadata = Change::Set(object.clone());
    assert_eq!(word(&world.update(secret, SecretChanges { custom_metadata, ..Default::default() })), answer);
    let update = Command::UpdateVersion { secret, version: Current, custom_metadata: Some(object.clone()) };
    assert_eq!(word(&world.ask(&update)), answer);
    let mut rotation = world.rotation(secret, VersionOrigin::RotatedByHand);
    if let Command::Rotate { next, .. } = &mut rotation {
        next.custom_metadata = Some(object.clone());
    }
    assert_eq!(word(&world.ask(&rotation)), answer);
    world.rotate(secret).unwrap();
    let mut restore = world.restoring(secret);
    if let Command::Restore { next, .. } = &mut restore {
        next.custom_metadata = Some(object.clone());
    }
    assert_eq!(word(&world.ask(&restore)), answer);
    let mut creation = world.creation(Kind::Kv, "other");
    if let Command::CreateSecret { first, metadata, .. } = &mut creation {
        first.as_mut().unwrap().custom_metadata = Some(object.clone());
        metadata.custom_metadata = Some(object);
    }
    assert_eq!(word(&world.ask(&creation)), answer);
}

#[test]
fn metadata_takes_ten_kilobytes() {
    check_metadata(10_240, "ok");
    check_metadata(10_241, "invalid_parameter");
}

#[test]
fn metadata_of_a_version_stays_with_it_when_its_data_is_gone() {
    let mut world = World::new();
    let secret = world.secret(Kind::Kv);
    let note = JsonObject::parse(r#"{"by":"hand"}"#).unwrap();
    let update = |custom_metadata| Command::UpdateVersion { secret, version: number(1), custom_metadata };
    world.ask(&update(Some(note.clone()))).unwrap();
    assert_eq!(world.ask(&update(Some(note.clone()))).unwrap().events, 0);
    (1..4).for_each(|_| world.rotate(secret).map(drop).unwrap());
    assert_eq!(world.version(secret, number(1)).custom_metadata, Some(note));
    world.ask(&update(None)).unwrap();
    assert_eq!(world.version(secret, number(1)).custom_metadata, None);
}
