//! Groups, names, metadata, policies, retention: what describes secrets, and no lock ever stands in the way of.

use latchkeep::{
    ApiKeyUse, Change, Command, Description, Event, GroupId, GroupName, Interval, IntervalUnit, Label, NewSecret,
    RotationPolicy, SecretChanges, SecretType, Username, VersionNumber, VersionRef,
};

use crate::support::{Home, api_key, arbitrary, json, lock, lock_name, name, next, refused, session, sound, text};
use crate::walk::sound_log;

fn group(text: &str) -> GroupName {
    GroupName::parse(text).unwrap()
}

#[test]
fn groups_hold_secrets_for_life() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    ops.run(Command::create_group(group("payments"), None)).unwrap();
    let (id, _) = store.groups()[0].clone();
    refused(ops.run(Command::create_group(group("payments"), None)), "secret_group_name_taken");
    let member = NewSecret::arbitrary(name("token"), text("x")).unwrap().in_group(id);
    let member = ops.create(member).unwrap().secret.unwrap();
    let nowhere = NewSecret::arbitrary(name("lost"), text("x")).unwrap().in_group(GroupId::from_bytes([9; 16]));
    refused(ops.create(nowhere), "not_found");
    refused(ops.run(Command::delete_group(id)), "secret_group_not_empty");
    refused(ops.run(Command::delete_group(GroupId::DEFAULT)), "secret_group_is_default");
    let described = Change::Set(Description::parse("who takes money").unwrap());
    ops.run(Command::update_group(id, Some(group("billing")), described)).unwrap();
    store.close().unwrap();
    let store = home.open();
    let ops = session(&store);
    let (_, found) = store.groups()[0].clone();
    assert_eq!((found.name.as_str(), found.secrets), ("billing", 1));
    assert_eq!(store.secret(member).unwrap().group, id);
    ops.delete(member).unwrap();
    ops.run(Command::delete_group(id)).unwrap();
    assert!(store.groups().is_empty());
    refused(ops.run(Command::update_group(id, None, Change::Clear)), "not_found");
}

#[test]
fn the_two_hundred_and_first_group_is_refused() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let ops = session(&store);
    for number in 0..200 {
        ops.run(Command::create_group(group(&format!("group {number}")), None)).unwrap();
    }
    refused(ops.run(Command::create_group(group("one more"), None)), "secret_group_limit_reached");
}

#[test]
fn a_name_is_unique_within_its_type_and_free_again_after_a_rename_or_deletion() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    let new = || NewSecret::arbitrary(name("token"), text("x")).unwrap();
    refused(ops.create(new()), "secret_name_taken");
    ops.create(NewSecret::kv(name("token"), &text("{\"a\":1}")).unwrap()).unwrap();
    let renamed = |to: &str| SecretChanges { name: Some(name(to)), ..Default::default() };
    ops.update(id, renamed("old-token")).unwrap();
    let second = ops.create(new()).unwrap().secret.unwrap();
    refused(ops.update(id, renamed("token")), "secret_name_taken");
    assert_eq!(store.secret_named(SecretType::Arbitrary, &name("token")).unwrap().id, second);
    ops.delete(second).unwrap();
    ops.update(id, renamed("token")).unwrap();
    refused(store.secret_named(SecretType::Arbitrary, &name("old-token")), "not_found");
    assert_eq!(store.secret_named(SecretType::Arbitrary, &name("token")).unwrap().id, id);
    sound(&store);
}

#[test]
fn metadata_changes_while_every_version_is_locked() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    ops.place_lock(id, VersionRef::Current, lock("aa")).unwrap();
    ops.rotate(id, next("two")).unwrap();
    ops.place_lock(id, VersionRef::Current, lock("bb")).unwrap();
    let changes = SecretChanges {
        name: Some(name("renamed")),
        description: Change::Set(Description::parse("two\nlines").unwrap()),
        labels: Some(vec![Label::parse("prod").unwrap()]),
        custom_metadata: Change::Set(json(r#"{"team":"payments"}"#)),
        expires: Change::Set(home.in_secs(3_600).into()),
        retention: Some(5),
        refuse_rotation_while_locked: Change::Set(true),
        spec: None,
    };
    ops.update(id, changes).unwrap();
    ops.run(Command::update_version(id, VersionRef::Previous, Some(json("{\"v\":1}")))).unwrap();
    store.close().unwrap();
    let store = home.open();
    let secret = store.secret(id).unwrap();
    assert_eq!(secret.metadata.name.as_str(), "renamed");
    assert_eq!(secret.metadata.custom_metadata.as_ref().unwrap().as_str(), r#"{"team":"payments"}"#);
    assert_eq!(secret.previous().unwrap().custom_metadata.as_ref().unwrap().as_str(), "{\"v\":1}");
    assert_eq!(secret.locks_total(), 2);
    refused(session(&store).rotate(id, next("three")), "secret_version_locked");
}

#[test]
fn metadata_out_of_bounds_is_refused() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    let size = store.status().unwrap().log_size;
    let large = json(&format!("{{\"a\":\"{}\"}}", "x".repeat(10_240)));
    let labels = (0..31).map(|number| Label::parse(&format!("label-{number}")).unwrap()).collect();
    for changes in [
        SecretChanges { retention: Some(1), ..Default::default() },
        SecretChanges { retention: Some(51), ..Default::default() },
        SecretChanges { labels: Some(labels), ..Default::default() },
        SecretChanges { custom_metadata: Change::Set(large.clone()), ..Default::default() },
        SecretChanges { expires: Change::Set(home.now().into()), ..Default::default() },
    ] {
        refused(ops.update(id, changes), "invalid_parameter");
    }
    refused(ops.run(Command::update_version(id, VersionRef::Current, Some(large.clone()))), "invalid_parameter");
    refused(ops.rotate(id, next("two").with_version_metadata(large)), "invalid_parameter");
    assert_eq!(store.status().unwrap().log_size, size);
}

#[test]
fn policies_keep_to_the_bounds_of_their_type() {
    let home = Home::standing_still();
    let store = home.create();
    let ops = session(&store);
    let every = |count, unit| RotationPolicy::every(Interval::new(count, unit).unwrap());
    let username = Username::parse("root").unwrap();
    let new = NewSecret::username_password(name("db"), &username, text("hunter2")).unwrap();
    let id = ops.create(new.rotating(every(1, IntervalUnit::Month))).unwrap().secret.unwrap();
    assert_eq!(store.scheduled_rotations(10), [(home.now().plus_months(1), id)]);
    refused(ops.run(Command::set_policy(id, every(23, IntervalUnit::Hour))), "rotation_policy_not_supported");
    ops.place_lock(id, VersionRef::Current, lock("app")).unwrap();
    ops.run(Command::set_policy(id, every(2, IntervalUnit::Day))).unwrap();
    let soon = SecretChanges { expires: Change::Set(home.in_secs(3 * 24 * 3_600).into()), ..Default::default() };
    ops.update(id, soon).unwrap();
    refused(ops.run(Command::set_policy(id, every(4, IntervalUnit::Day))), "Error02009");
    let token = arbitrary(&ops, "token", "one");
    refused(ops.run(Command::set_policy(token, every(2, IntervalUnit::Day))), "rotation_policy_not_supported");
    let dynamic = api_key(&ops, "ci", ApiKeyUse::FreshPerRead, 3_600);
    refused(ops.run(Command::set_policy(dynamic, every(1, IntervalUnit::Day))), "rotation_policy_not_supported");
    store.close().unwrap();
    let store = home.open();
    assert_eq!(store.scheduled_rotations(10), [(home.in_secs(2 * 24 * 3_600), id)]);
    session(&store).run(Command::clear_policy(id)).unwrap();
    assert!(store.scheduled_rotations(10).is_empty());
}

#[test]
fn a_restore_makes_a_new_version_of_the_previous_data() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    refused(ops.restore(id), "nothing_to_restore");
    ops.rotate(id, next("two").with_version_metadata(json("{\"v\":2}"))).unwrap();
    ops.rotate(id, next("three")).unwrap();
    ops.restore(id).unwrap();
    let secret = store.secret(id).unwrap();
    let numbers: Vec<_> = secret.versions.iter().map(|version| version.number.get()).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert_eq!(secret.versions[3].restored_from, Some(secret.versions[1].id));
    assert_eq!(secret.versions[3].custom_metadata.as_ref().unwrap().as_str(), "{\"v\":2}");
    assert_eq!(ops.read(id, VersionRef::Current).unwrap().text().unwrap(), "two");
    assert_eq!(ops.read(id, VersionRef::Previous).unwrap().text().unwrap(), "three");
    refused(ops.read(id, VersionRef::Number(VersionNumber::new(2))), "version_data_destroyed");
    ops.place_lock(id, VersionRef::Previous, lock("billing")).unwrap();
    refused(ops.restore(id), "secret_version_locked");
    ops.remove_lock(id, VersionRef::Previous, lock_name("billing")).unwrap();
    ops.destroy_data(id, VersionRef::Previous).unwrap();
    refused(ops.restore(id), "nothing_to_restore");
    sound(&store);
}

#[test]
fn retention_says_how_many_versions_keep_their_data_and_fifty_are_remembered() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let new = NewSecret::arbitrary(name("token"), text("1")).unwrap().retaining(4);
    let id = ops.create(new).unwrap().secret.unwrap();
    ops.place_lock(id, VersionRef::Current, lock("audit")).unwrap();
    for number in 2..=4 {
        ops.rotate(id, next(&number.to_string())).unwrap();
    }
    refused(ops.rotate(id, next("5")), "secret_version_locked");
    let first = VersionRef::Number(VersionNumber::FIRST);
    assert_eq!(ops.read(id, first).unwrap().text().unwrap(), "1");
    ops.remove_lock(id, first, lock_name("audit")).unwrap();
    ops.update(id, SecretChanges { retention: Some(2), ..Default::default() }).unwrap();
    assert_eq!(store.status().unwrap().tally.versions_available, 4, "fewer takes effect at the next rotation");
    for number in 5..=60 {
        ops.rotate(id, next(&number.to_string())).unwrap();
    }
    let secret = store.secret(id).unwrap();
    assert_eq!(secret.versions.len(), 50);
    assert_eq!(secret.versions.iter().filter(|version| version.is_available()).count(), 2);
    assert_eq!((secret.versions[0].number.get(), secret.versions[49].number.get()), (11, 60));
    refused(ops.read(id, first), "not_found");
    let destroyed =
        sound_log(&store).iter().filter(|record| matches!(record.event, Event::VersionDataDestroyed(_))).count();
    assert_eq!(destroyed, 58);
    sound(&store);
}
