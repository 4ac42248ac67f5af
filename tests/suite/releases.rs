//! Files of earlier releases: a store, a backup and an export of each go on opening, restoring and verifying.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use latchkeep::audit::{VerifyOptions, verify_export};
use latchkeep::{Store, StoreOptions, VersionRef, verify_backup};
use serde_json::{Value, json};

use crate::support::{Home, lock, name, next, refused, session, sound, unlock};

const CURRENT: VersionRef = VersionRef::Current;

fn release(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/releases/0.1.0").join(file)
}

/// Copies a directory as a store has it: open to its owner alone.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (entry, to) = (entry.unwrap().path(), to.to_path_buf());
        let to = to.join(entry.file_name().unwrap());
        if entry.is_dir() {
            copy(&entry, &to);
        } else {
            fs::copy(&entry, &to).unwrap();
            fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

/// What the release said of its store.
fn facts() -> Value {
    serde_json::from_slice(&fs::read(release("store.json")).unwrap()).unwrap()
}

/// What this release says of it, in the same shape.
fn secrets(store: &Store) -> Value {
    let secrets = store.secrets();
    let by_id: BTreeMap<_, _> = secrets.iter().map(|secret| (secret.id, secret)).collect();
    let versions = |secret: &latchkeep::Secret| -> Vec<Value> {
        let locks = |version: &latchkeep::Version| -> Vec<Value> {
            version.locks.iter().map(|lock| json!(lock.name.as_str())).collect()
        };
        let version = |version: &latchkeep::Version| json!({"number": version.number.get(), "available": version.is_available(), "locks": locks(version)});
        secret.versions.iter().map(version).collect()
    };
    by_id
        .values()
        .map(|secret| {
            json!({"id": secret.id.to_string(), "type": secret.secret_type().label(), "name": secret.metadata.name.as_str(),
                "revision": secret.revision.get(), "versions": versions(secret)})
        })
        .collect()
}

#[track_caller]
fn holds_what_it_held(store: &Store) {
    let mut told = facts()["secrets"].as_array().unwrap().clone();
    told.sort_by_key(|secret| secret["id"].as_str().unwrap().to_owned());
    assert_eq!(secrets(store), Value::Array(told));
    let token = store.secret_named(latchkeep::SecretType::Arbitrary, &name("token")).unwrap().id;
    let ops = session(store);
    assert_eq!(ops.read(token, CURRENT).unwrap().text().unwrap(), "token-two");
    assert_eq!(ops.read(token, VersionRef::Previous).unwrap().text().unwrap(), "token-one");
}

#[test]
fn a_store_of_an_earlier_release_opens_and_goes_on() {
    let home = Home::new();
    copy(&release("store"), &home.path());
    let facts = facts();
    let open = || home.options().expecting_checkpoint(facts["checkpoint"].as_str().unwrap()).open().unwrap();
    let store = open();
    assert_eq!(store.log_id().to_string(), facts["log_id"].as_str().unwrap());
    let status = store.status().unwrap();
    assert_eq!(status.log_size.get(), facts["log_size"].as_u64().unwrap() + 1, "it was brought up to date");
    assert!(status.is_vouched && status.epochs == [2, 3], "{status:?}");
    holds_what_it_held(&store);
    let token = store.secret_named(latchkeep::SecretType::Arbitrary, &name("token")).unwrap().id;
    refused(session(&store).rotate(token, next("token-three")), "secret_version_locked");
    session(&store).place_lock(token, CURRENT, lock("another")).unwrap();
    sound(&store);
    store.close().unwrap();
    let store = open();
    assert_eq!(store.lock_status(token).unwrap().locks_total(), 2);
    assert_eq!(store.status().unwrap().epochs, [2, 3], "once is enough");
    sound(&store);
    session(&store).roll_epoch(|_| {}).unwrap();
    assert_eq!(store.status().unwrap().epochs, [3], "the old epoch goes like any other");
    assert_eq!(session(&store).read(token, CURRENT).unwrap().text().unwrap(), "token-two");
}

#[test]
fn a_store_of_an_earlier_release_opens_for_reading() {
    let home = Home::new();
    copy(&release("store"), &home.path());
    let store = home.options().open_read_only().unwrap();
    assert_eq!(store.secrets().len(), facts()["secrets"].as_array().unwrap().len());
    let status = store.status().unwrap();
    assert!(!status.is_vouched && status.log_size.get() == facts()["log_size"].as_u64().unwrap(), "{status:?}");
    assert_eq!(status.replayed_at_open, status.log_size.get(), "no row was believed");
    sound(&store);
}

#[test]
fn a_backup_of_an_earlier_release_restores() {
    let home = Home::new();
    let file = fs::read(release("store.lkbk")).unwrap();
    let report = verify_backup(file.as_slice(), &unlock(9), |_| {}).unwrap();
    assert_eq!(report.log_size.get(), facts()["log_size"].as_u64().unwrap());
    let (store, _) = StoreOptions::new(home.path(), unlock(7))
        .clock(home.clock.clone())
        .restore(Cursor::new(file), &unlock(9), |_| {})
        .unwrap();
    holds_what_it_held(&store);
    sound(&store);
}

#[test]
fn an_export_of_an_earlier_release_verifies() {
    let file = fs::read(release("store.jsonl")).unwrap();
    let report = verify_export(file.as_slice(), &VerifyOptions::default(), |_| {});
    assert!(report.first_fault().is_none(), "{report:?}");
}

/// Release 0.1.0 kept more than 50 versions while the oldest could not be ended, which is no fault: those after it that have come to
/// their end are let go now.
#[test]
fn what_an_earlier_release_kept_behind_a_version_that_could_not_be_ended_is_let_go() {
    let file = fs::read(release("faults/versions-kept-while-a-retirement-fails.lkbk")).unwrap();
    let report = verify_backup(file.as_slice(), &unlock(9), |_| {}).unwrap();
    assert!(report.flaws.is_empty(), "{:?}", report.flaws);
    let export = fs::read(release("faults/versions-kept-while-a-retirement-fails.jsonl")).unwrap();
    let verified = verify_export(export.as_slice(), &VerifyOptions::default(), |_| {});
    assert!(verified.first_fault().is_none(), "{verified}");
    let home = Home::new();
    let options = StoreOptions::new(home.path(), unlock(7)).clock(home.clock.clone());
    let (store, _) = options.restore(Cursor::new(file), &unlock(9), |_| {}).unwrap();
    assert_eq!(store.scrub(|_| {}).unwrap().findings, Vec::<String>::new());
    let most = store.secrets().iter().map(|secret| secret.versions.len()).max();
    assert_eq!(most, Some(50));
}

/// Histories that release 0.1.0 wrote by its own faults stay restorable and verifiable, and are named.
#[test]
fn histories_with_the_faults_of_an_earlier_release_are_taken_and_named() {
    let faults = [
        ("retention-of-fifty", "more than 50 versions, written by release 0.1 in error"),
        ("parked-twice", "a rotation parked twice, written by release 0.1 in error"),
    ];
    for (fault, words) in faults {
        let file = fs::read(release(&format!("faults/{fault}.lkbk"))).unwrap();
        let report =
            verify_backup(file.as_slice(), &unlock(9), |_| {}).unwrap_or_else(|error| panic!("{fault}: {error}"));
        let named = report.flaws.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(named.iter().any(|flaw| flaw.starts_with("position ") && flaw.ends_with(words)), "{fault}: {named:?}");
        let export = fs::read(release(&format!("faults/{fault}.jsonl"))).unwrap();
        let verified = verify_export(export.as_slice(), &VerifyOptions::default(), |_| {});
        assert!(verified.first_fault().is_none(), "{fault}: {verified}");
        assert!(verified.to_string().contains(words), "{fault}: {verified}");
        let home = Home::new();
        let options = StoreOptions::new(home.path(), unlock(7)).clock(home.clock.clone());
        let (store, _) = options.restore(Cursor::new(file), &unlock(9), |_| {}).unwrap();
        let scrubbed = store.scrub(|_| {}).unwrap();
        assert_eq!(scrubbed.findings, Vec::<String>::new(), "{fault}");
        assert!(scrubbed.flaws.iter().any(|flaw| flaw.to_string().ends_with(words)), "{fault}: {:?}", scrubbed.flaws);
    }
}
