//! Backups: what comes back, what is refused, and that a store that goes on working loses nothing of it.

use std::io::Cursor;

use latchkeep::audit::{VerifyOptions, verify_export};
use latchkeep::{
    ApiKeyUse, BackupTrust, Change, Error, KeySlotKind, PassphraseCost, SecretChanges, SecretId, Store, StoreOptions,
    Unlock, VersionRef, verify_backup, verify_backup_against,
};

use crate::support::{Home, api_key, arbitrary, lock, next, refused, session, sound, text, unlock};
use crate::walk::{labels, sound_log};

const CURRENT: VersionRef = VersionRef::Current;
const PREVIOUS: VersionRef = VersionRef::Previous;

/// The key of every backup here.
pub(crate) fn key() -> Unlock {
    unlock(99)
}

pub(crate) fn backup(store: &Store) -> Vec<u8> {
    let mut file = Vec::new();
    store.backup(&mut file, &key(), |_| {}).unwrap();
    file
}

/// A place for a store beside the one of a home, on the same clock.
pub(crate) fn beside(home: &Home) -> StoreOptions {
    StoreOptions::new(home.dir.path().join("restored"), unlock(7)).clock(home.clock.clone())
}

pub(crate) fn restore(home: &Home, file: &[u8]) -> Store {
    beside(home).restore(Cursor::new(file), &key(), |_| {}).unwrap().0
}

pub(crate) fn try_restore(home: &Home, file: &[u8]) -> Result<Store, Error> {
    beside(home).restore(Cursor::new(file), &key(), |_| {}).map(|(store, _)| store)
}

#[track_caller]
pub(crate) fn nothing_is_left(home: &Home) {
    for name in ["restored", "restored.new"] {
        assert!(!home.dir.path().join(name).exists(), "{name} is left");
    }
}

/// A store with something of most kinds.
pub(crate) fn full(home: &Home) -> (Store, SecretId) {
    let store = home.create();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    ops.place_lock(id, CURRENT, lock("billing")).unwrap();
    ops.rotate(id, next("two")).unwrap();
    arbitrary(&ops, "large", &"x".repeat(400_000));
    let gone = arbitrary(&ops, "gone", "gone");
    ops.delete(gone).unwrap();
    let fresh = api_key(&ops, "fresh", ApiKeyUse::FreshPerRead, 3_600);
    ops.read(fresh, CURRENT).unwrap();
    api_key(&ops, "leased", ApiKeyUse::UntilLeaseEnds, 3_600);
    ops.roll_epoch(|_| {}).unwrap();
    ops.add_key_slot(&unlock(7), &Unlock::passphrase(text("correct horse")), PassphraseCost::FLOOR).unwrap();
    ops.change_signing_key().unwrap();
    refused(ops.delete(id), "secret_version_locked");
    (store, id)
}

#[test]
fn a_restored_store_is_the_one_that_was_backed_up() {
    let home = Home::standing_still();
    let (store, id) = full(&home);
    let mut file = Vec::new();
    let taken = store.backup(&mut file, &key(), |_| {}).unwrap();
    let size = store.status().unwrap().log_size;
    assert_eq!((taken.log_size, taken.secrets, taken.versions), (size, 4, 5));
    let checkpoint = store.checkpoint().unwrap();
    let trust = store.verifier_keys().unwrap().into_values().fold(BackupTrust::default(), BackupTrust::key);
    assert_eq!(verify_backup_against(file.as_slice(), &key(), &trust, |_| {}).unwrap(), taken);
    let (restored, report) = beside(&home).restore(Cursor::new(&file), &key(), |_| {}).unwrap();
    assert_eq!(report, taken);
    assert_eq!(restored.secrets(), store.secrets());
    assert_eq!(restored.log_id(), store.log_id());
    for (which, value) in [(CURRENT, "two"), (PREVIOUS, "one")] {
        assert_eq!(session(&restored).read(id, which).unwrap().text().unwrap(), value);
    }
    refused(session(&restored).rotate(id, next("three")), "store_quarantined");
    sound(&restored);
    let records = sound_log(&restored);
    assert_eq!(labels(&records)[usize::try_from(size.get()).unwrap()..][..2], ["StoreRestored", "SigningKeySet"]);
    let mut export = Vec::new();
    restored
        .export(
            &mut export,
            latchkeep::ExportOptions::default().earlier(checkpoint.checkpoint().tree_head.size),
            |_| {},
        )
        .unwrap();
    let mut options = VerifyOptions::default();
    options.earlier = vec![checkpoint.note().to_owned()];
    let report = verify_export(export.as_slice(), &options, |_| {});
    assert!(report.first_fault().is_none(), "{report}");
    restored.close().unwrap();
    // It opens with each way in of the original, and held to what both share.
    let words = StoreOptions::new(home.dir.path().join("restored"), Unlock::passphrase(text("correct horse")));
    words.clock(home.clock.clone()).expecting_checkpoint(checkpoint.note()).open().unwrap();
}

/// What an erased body said is known from its restatement, also by who verifies the backup.
#[test]
fn a_store_whose_log_has_erased_bodies_restores_with_all_its_data() {
    let home = Home::new();
    let (store, id) = full(&home);
    let erasable = store.erasable_records(id, latchkeep::Position::FIRST, 100).unwrap();
    assert!(erasable.len() > 2);
    session(&store).erase_bodies(erasable).unwrap();
    let restored = restore(&home, &backup(&store));
    assert_eq!(restored.secrets(), store.secrets());
    assert_eq!(session(&restored).read(id, CURRENT).unwrap().text().unwrap(), "two");
    sound(&restored);
}

#[test]
fn the_original_and_the_restored_log_are_never_signed_by_one_key_for_one_size() {
    let home = Home::new();
    let (store, id) = full(&home);
    let file = backup(&store);
    let size = store.status().unwrap().log_size;
    let restored = restore(&home, &file);
    session(&store).rotate(id, next("on the original")).unwrap_err();
    let second = arbitrary(&session(&store), "later", "later");
    for _ in 0..4 {
        session(&store).read(second, CURRENT).unwrap();
        session(&store).rotate(second, next("later")).unwrap();
        session(&restored).change_settings(restored.settings()).unwrap();
        arbitrary(&session(&restored), &format!("here-{}", restored.status().unwrap().log_size), "here");
    }
    let shared = store.checkpoint_at(size).unwrap().unwrap();
    assert_eq!(restored.checkpoint_at(size).unwrap().unwrap().note(), shared.note());
    let mut later = size;
    for _ in 0..6 {
        later = later.next();
        let [theirs, ours] = [&store, &restored].map(|store| store.checkpoint_at(later).unwrap().unwrap());
        assert_ne!(theirs.checkpoint(), ours.checkpoint());
        assert_ne!(theirs.signed_by(), ours.signed_by(), "one key signs two roots of size {later}");
    }
    // What the original signed later shows that something is missing here.
    let note = store.checkpoint().unwrap();
    let first = store.checkpoint_at(size.next()).unwrap().unwrap();
    restored.close().unwrap();
    for note in [note.note(), first.note()] {
        let error = beside(&home).expecting_checkpoint(note).open().unwrap_err();
        assert_eq!(error.code(), "rolled_back", "{error}");
    }
    assert_eq!(beside(&home).expecting_checkpoint(shared.note()).open().unwrap().log_id(), store.log_id());
    // The same before a restore: a backup that is older than the checkpoint is refused.
    std::fs::remove_dir_all(home.dir.path().join("restored")).unwrap();
    let held = |note: &str| beside(&home).expecting_checkpoint(note).restore(Cursor::new(&file), &key(), |_| {});
    assert_eq!(held(note.note()).unwrap_err().code(), "rolled_back");
    nothing_is_left(&home);
    held(shared.note()).unwrap();
}

#[test]
fn quarantine_lasts_over_opens_and_ends_by_the_word_of_a_person() {
    let home = Home::standing_still();
    let store = home.create();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    let expires = Change::Set((home.in_secs(60)).into());
    ops.update(id, SecretChanges { expires, ..Default::default() }).unwrap();
    let leased = arbitrary(&ops, "leased", "two");
    ops.place_lock(leased, CURRENT, lock("job").until(home.in_secs(60))).unwrap();
    let file = backup(&store);
    home.advance_secs(3_600);
    restore(&home, &file).close().unwrap();
    let restored = beside(&home).open().unwrap();
    restored.settle().unwrap();
    let status = restored.status().unwrap();
    assert_eq!((status.next_lapse_at, status.tally.locks), (None, 1));
    assert_eq!(status.quarantine.unwrap().at, home.now());
    assert_eq!(session(&restored).read(id, CURRENT).unwrap().text().unwrap(), "one");
    refused(session(&restored).delete(id), "store_quarantined");
    assert_eq!(session(&restored).end_quarantine().unwrap().events, 1);
    restored.settle().unwrap();
    refused(session(&restored).read(id, CURRENT), "version_data_destroyed");
    assert_eq!(restored.status().unwrap().tally.locks, 0);
    session(&restored).rotate(leased, next("three")).unwrap();
    sound(&restored);
    restored.close().unwrap();
    let restored = beside(&home).open().unwrap();
    assert_eq!(restored.status().unwrap().quarantine, None);
    sound_log(&restored);
}

#[test]
fn a_backup_of_a_restored_store_restores() {
    let home = Home::new();
    let (store, id) = full(&home);
    let first = StoreOptions::in_memory(unlock(7)).clock(home.clock.clone());
    let (first, _) = first.restore(Cursor::new(backup(&store)), &key(), |_| {}).unwrap();
    session(&first).end_quarantine().unwrap();
    let second = restore(&home, &backup(&first));
    assert_eq!(second.secrets(), first.secrets());
    assert!(second.status().unwrap().quarantine.is_some());
    assert_eq!(session(&second).read(id, CURRENT).unwrap().text().unwrap(), "two");
    sound(&second);
    assert_eq!(second.status().unwrap().key_slots[1], (1, KeySlotKind::Passphrase));
}

/// A backup of the first version of the format: it restores for ever. Written once, by `UPDATE_GOLDEN=1`.
#[test]
fn a_golden_backup_still_restores() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/backup-1.lkbk");
    let home = Home::new();
    if std::env::var_os("UPDATE_GOLDEN").is_some() && !path.exists() {
        let store = home.create();
        let ops = session(&store);
        let id = arbitrary(&ops, "token", "one");
        ops.place_lock(id, CURRENT, lock("billing")).unwrap();
        ops.rotate(id, next("two")).unwrap();
        std::fs::write(&path, backup(&store)).unwrap();
    }
    let file = std::fs::read(&path).unwrap();
    let report = verify_backup(file.as_slice(), &key(), |_| {}).unwrap();
    assert_eq!((report.log_size.get(), report.secrets, report.versions), (6, 1, 2));
    let restored = restore(&home, &file);
    let secret = restored.secrets()[0].clone();
    assert_eq!(secret.locks_total(), 1);
    for (which, value) in [(CURRENT, "two"), (PREVIOUS, "one")] {
        assert_eq!(session(&restored).read(secret.id, which).unwrap().text().unwrap(), value);
    }
    sound(&restored);
}
