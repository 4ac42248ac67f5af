//! A secret's life: made, read, locked, rotated, refused, freed, deleted; and all of it again after a reopen.

use latchkeep::{ApiKeyUse, IdempotencyKey, NewData, Refusal, VersionRef};

use crate::support::{Home, api_key, arbitrary, lock, refused, session, text};

#[test]
fn a_static_secret_is_locked_rotated_and_freed() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "first");
    assert_eq!(ops.read(id, VersionRef::Current).unwrap().text().unwrap(), "first");
    ops.place_lock(id, VersionRef::Current, lock("billing")).unwrap();
    ops.rotate(id, NewData::arbitrary(text("second")).unwrap()).unwrap();
    let status = store.lock_status(id).unwrap();
    assert_eq!(status.versions.len(), 2);
    assert!(status.versions[0].locks.is_empty(), "the new current version has no lock");
    assert_eq!(status.versions[1].locks[0].name.as_str(), "billing", "the lock travels to previous");

    let error = refused(ops.rotate(id, NewData::arbitrary(text("third")).unwrap()), "secret_version_locked");
    assert!(matches!(error.refusal(), Some(Refusal::Locked(_))));
    refused(ops.delete(id), "secret_version_locked");
    assert_eq!(ops.read(id, VersionRef::Previous).unwrap().text().unwrap(), "first");

    store.close().unwrap();
    let store = home.open();
    let ops = session(&store);
    assert_eq!(store.lock_status(id).unwrap(), status);

    ops.remove_lock(id, VersionRef::Previous, lock("billing").name).unwrap();
    ops.rotate(id, NewData::arbitrary(text("third")).unwrap()).unwrap();
    assert_eq!(ops.read(id, VersionRef::Current).unwrap().text().unwrap(), "third");
    refused(ops.read(id, VersionRef::Number(latchkeep::VersionNumber::new(1))), "version_data_destroyed");
    ops.delete(id).unwrap();
    refused(store.secret(id), "not_found");
    let report = store.scrub(|_| {}).unwrap();
    assert_eq!(report.findings, Vec::<String>::new());
    assert_eq!(store.verify_log(|_| {}).unwrap().records, report.records);
}

#[test]
fn reading_a_locked_dynamic_secret_is_refused() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let id = api_key(&ops, "deployer", ApiKeyUse::FreshPerRead, 3_600);
    let first = ops.read(id, VersionRef::Current).unwrap().text().unwrap().to_owned();
    let second = ops.read(id, VersionRef::Current).unwrap().text().unwrap().to_owned();
    assert_ne!(first, second, "each read makes a new key");
    ops.place_lock(id, VersionRef::Current, lock("deploy")).unwrap();
    let error = refused(ops.read(id, VersionRef::Current), "secret_version_locked");
    assert!(
        error.to_string().contains("the read of deployer is refused because version 1 (current) is locked by deploy")
    );
    ops.remove_lock(id, VersionRef::Current, lock("deploy").name).unwrap();
    assert_ne!(ops.read(id, VersionRef::Current).unwrap().text().unwrap(), second);
    assert_eq!(store.scrub(|_| {}).unwrap().findings, Vec::<String>::new());
}

#[test]
fn a_dynamic_read_under_a_key_makes_one_credential() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let id = api_key(&ops, "deployer", ApiKeyUse::FreshPerRead, 3_600);
    let once = ops.clone().once(IdempotencyKey::parse("deploy-7").unwrap());
    let first = once.read(id, VersionRef::Current).unwrap();
    let again = once.read(id, VersionRef::Current).unwrap();
    assert_eq!(first.text().unwrap(), again.text().unwrap());
    assert!(again.receipt.unwrap().remembered);
    assert_ne!(ops.read(id, VersionRef::Current).unwrap().text().unwrap(), first.text().unwrap());
    // What was given out the first time is gone: nothing else may be given out in its place.
    refused(once.read(id, VersionRef::Current), "version_data_destroyed");
}

#[test]
fn rolling_the_epoch_leaves_every_version_readable() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let ids: Vec<_> = (0..5).map(|number| arbitrary(&ops, &format!("token-{number}"), &number.to_string())).collect();
    let mut last = None;
    assert_eq!(ops.roll_epoch(|progress| last = Some(progress)).unwrap(), 2);
    assert_eq!(last.map(|progress| (progress.done, progress.total)), Some((5, 5)));
    assert_eq!(store.status().unwrap().epochs, [2]);
    store.close().unwrap();
    let store = home.open();
    for (number, id) in ids.iter().enumerate() {
        let read = session(&store).read(*id, VersionRef::Current).unwrap();
        assert_eq!(read.text().unwrap(), number.to_string());
    }
    assert_eq!(store.scrub(|_| {}).unwrap().findings, Vec::<String>::new());
}
