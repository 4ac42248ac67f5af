//! Backups: what comes back, what is refused, and that a store that goes on working loses nothing of it.

use std::io::{Cursor, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicBool, Ordering};

use latchkeep::audit::{VerifyOptions, verify_export};
use latchkeep::{
    ApiKeyUse, BackupProgress, BackupReport, Change, Error, ErrorKind, KeySlotKind, PassphraseCost, RestoreProgress,
    SecretChanges, SecretId, Store, StoreOptions, Unlock, VersionRef, verify_backup,
};

use crate::support::{Home, api_key, arbitrary, lock, next, refused, session, sound, text, unlock};
use crate::walk::{labels, sound_log};

const CURRENT: VersionRef = VersionRef::Current;
const PREVIOUS: VersionRef = VersionRef::Previous;

/// The key of every backup here.
fn key() -> Unlock {
    unlock(99)
}

pub(crate) fn backup(store: &Store) -> Vec<u8> {
    let mut file = Vec::new();
    store.backup(&mut file, &key(), |_| {}).unwrap();
    file
}

/// A place for a store beside the one of a home, on the same clock.
fn beside(home: &Home) -> StoreOptions {
    StoreOptions::new(home.dir.path().join("restored"), unlock(7)).clock(home.clock.clone())
}

fn restore(home: &Home, file: &[u8]) -> Store {
    beside(home).restore(Cursor::new(file), &key(), |_| {}).unwrap().0
}

fn try_restore(home: &Home, file: &[u8]) -> Result<Store, Error> {
    beside(home).restore(Cursor::new(file), &key(), |_| {}).map(|(store, _)| store)
}

#[track_caller]
fn nothing_is_left(home: &Home) {
    for name in ["restored", "restored.new"] {
        assert!(!home.dir.path().join(name).exists(), "{name} is left");
    }
}

/// A store with something of most kinds.
fn full(home: &Home) -> (Store, SecretId) {
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
    let home = Home::new();
    let (store, id) = full(&home);
    let mut file = Vec::new();
    let taken = store.backup(&mut file, &key(), |_| {}).unwrap();
    let size = store.status().unwrap().log_size;
    assert_eq!((taken.log_size, taken.secrets, taken.versions), (size, 4, 5));
    let checkpoint = store.checkpoint().unwrap();
    assert_eq!(verify_backup(file.as_slice(), &key(), |_| {}).unwrap(), taken);
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
    restored.export(&mut export, Some(checkpoint.checkpoint().tree_head.size), |_| {}).unwrap();
    let mut options = VerifyOptions::default();
    options.earlier = Some(checkpoint.note().to_owned());
    let report = verify_export(export.as_slice(), &options, |_| {});
    assert!(report.is_sound(), "{report}");
    restored.close().unwrap();
    // It opens with each way in of the original, and held to what both share.
    let words = StoreOptions::new(home.dir.path().join("restored"), Unlock::passphrase(text("correct horse")));
    words.clock(home.clock.clone()).expecting_checkpoint(checkpoint.note()).open().unwrap();
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
fn a_backup_that_was_changed_anywhere_is_refused_and_leaves_no_store() {
    let home = Home::new();
    let store = home.create();
    arbitrary(&session(&store), "token", &"canary".repeat(20));
    let file = backup(&store);
    for at in (0..file.len()).step_by(97).chain(0..200) {
        let mut bad = file.clone();
        bad[at] ^= 0x10;
        let error = verify_backup(bad.as_slice(), &key(), |_| {}).unwrap_err();
        assert!(["backup_damaged", "not_a_backup", "other_revision"].contains(&error.code()), "byte {at}: {error}");
        assert_eq!(try_restore(&home, &bad).unwrap_err().code(), error.code());
    }
    nothing_is_left(&home);
    restore(&home, &file);
}

#[test]
fn a_backup_that_is_cut_is_refused_wherever_it_is() {
    let home = Home::new();
    let (store, _) = full(&home);
    let file = backup(&store);
    assert!(file.len() > 4 * 65_608, "it has several chunks");
    let start = 228;
    for end in (start..file.len()).step_by(65_608).chain([file.len() - 1, file.len() / 2, 40, 0]) {
        let error = try_restore(&home, &file[..end]).unwrap_err();
        assert!(["backup_damaged", "not_a_backup"].contains(&error.code()), "cut at {end}: {error}");
    }
    let longer = [file.as_slice(), b"more"].concat();
    assert_eq!(try_restore(&home, &longer).unwrap_err().code(), "backup_damaged");
    nothing_is_left(&home);
}

#[test]
fn another_key_is_said_to_be_another_key() {
    let home = Home::new();
    let store = home.create();
    let file = backup(&store);
    for wrong in [unlock(7), Unlock::passphrase(text("correct horse"))] {
        let error = verify_backup(file.as_slice(), &wrong, |_| {}).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("wrong_key", &ErrorKind::Invalid));
    }
    // The key of the backup opens no store.
    let options = StoreOptions::new(home.dir.path().join("restored"), key());
    assert_eq!(options.restore(Cursor::new(&file), &key(), |_| {}).unwrap_err().code(), "wrong_key");
    nothing_is_left(&home);
    assert_eq!(verify_backup(&b"something else"[..], &key(), |_| {}).unwrap_err().code(), "not_a_backup");
    let words = Unlock::passphrase(text("correct horse"));
    let mut file = Vec::new();
    store.backup(&mut file, &words, |_| {}).unwrap();
    beside(&home).restore(Cursor::new(&file), &words, |_| {}).unwrap();
}

#[test]
fn a_restore_never_touches_what_is_there() {
    let home = Home::new();
    let (store, _) = full(&home);
    let file = backup(&store);
    let over = |options: StoreOptions| options.restore(Cursor::new(&file), &key(), |_| {}).unwrap_err().code();
    assert_eq!(over(home.options()), "store_exists");
    let dir = home.dir.path().join("restored");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("notes"), "mine").unwrap();
    assert_eq!(over(beside(&home)), "store_exists");
    assert_eq!(std::fs::read_to_string(dir.join("notes")).unwrap(), "mine");
    std::fs::remove_file(dir.join("notes")).unwrap();
    restore(&home, &file);
    sound(&store);
}

#[test]
fn quarantine_lasts_over_opens_and_ends_by_the_word_of_a_person() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    let expires_at = Change::Set(home.in_secs(60));
    ops.update(id, SecretChanges { expires_at, ..Default::default() }).unwrap();
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
fn a_backup_of_a_store_at_work_is_of_one_position() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let ids: Vec<_> = (0..24).map(|number| arbitrary(&ops, &format!("secret-{number}"), "0")).collect();
    let (done, mut rounds) = (AtomicBool::new(false), 0);
    std::thread::scope(|scope| {
        for (worker, ids) in ids.chunks(8).enumerate() {
            let (store, ops, done) = (&store, session(&store), &done);
            scope.spawn(move || {
                for round in 0.. {
                    for id in ids.iter().filter(|_| !done.load(Ordering::Relaxed)) {
                        // The value says at which revision it was put.
                        let revision = store.secret(*id).unwrap().revision.get();
                        ops.rotate(*id, next(&(revision + 1).to_string())).unwrap();
                    }
                    if worker == 0 && round % 3 == 0 {
                        ops.roll_epoch(|_| {}).unwrap();
                    }
                    if done.load(Ordering::Relaxed) {
                        return;
                    }
                }
            });
        }
        // Until some of them met data that was just being destroyed.
        for taken in 0..40 {
            if taken >= 8 && rounds >= taken + 4 {
                break;
            }
            let restored = StoreOptions::in_memory(unlock(7)).clock(home.clock.clone());
            let mut file = Vec::new();
            let progress = |progress| match progress {
                BackupProgress::CopyingData { done, total } if done == total => rounds += 1,
                _ => {}
            };
            store.backup(&mut file, &key(), progress).unwrap();
            let (restored, report) = restored.restore(Cursor::new(file), &key(), |_| {}).unwrap();
            check_of_one_position(&restored, &report);
        }
        done.store(true, Ordering::Relaxed);
    });
    sound(&store);
}

/// Every version with data reads, and as what the log says.
fn check_of_one_position(restored: &Store, report: &BackupReport) {
    sound(restored);
    sound_log(restored);
    assert_eq!(restored.status().unwrap().tally.versions_available, report.versions);
    for secret in restored.secrets() {
        for version in secret.versions.iter().filter(|version| version.is_available()) {
            let read = session(restored).read(secret.id, VersionRef::Id(version.id)).unwrap();
            let value: u64 = read.text().unwrap().parse().unwrap();
            assert!(value < secret.revision.get() + 1 && (version.number.get() == 1) == (value == 0));
        }
    }
}

/// An output at which something happens when so many chunks were written.
struct Meanwhile<'a> {
    written: Vec<u8>,
    chunks: u32,
    happens: &'a mut dyn FnMut(u32),
}

impl std::io::Write for Meanwhile<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        (self.happens)(self.chunks);
        self.chunks += 1;
        self.written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn data_and_keys_that_go_while_a_backup_streams_are_all_gone_or_all_there() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let large: Vec<_> =
        (0..4).map(|number| arbitrary(&ops, &format!("large-{number}"), &"x".repeat(200_000))).collect();
    let (last, kept) = (arbitrary(&ops, "last", "last"), arbitrary(&ops, "kept", "kept"));
    ops.add_key_slot(&unlock(7), &unlock(8), PassphraseCost::FLOOR).unwrap();
    let mut happens = |chunk| match chunk {
        // What was copied, what is being copied and what is to be copied: all of it changes.
        2 => drop((ops.delete(last).unwrap(), ops.destroy_data(large[0], CURRENT).unwrap())),
        4 => drop((ops.roll_epoch(|_| {}).unwrap(), ops.remove_key_slot(1).unwrap())),
        6 => drop(ops.rotate(large[3], next(&"y".repeat(100_000))).unwrap()),
        8 => drop((ops.rotate(large[3], next("z")).unwrap(), ops.change_signing_key().unwrap())),
        _ => {}
    };
    let mut out = Meanwhile { written: Vec::new(), chunks: 0, happens: &mut happens };
    let report = store.backup(&mut out, &key(), |_| {}).unwrap();
    let file = out.written;
    assert_eq!(verify_backup(file.as_slice(), &key(), |_| {}).unwrap(), report);
    let restored = restore(&home, &file);
    sound(&restored);
    sound_log(&restored);
    assert_eq!(session(&restored).read(kept, CURRENT).unwrap().text().unwrap(), "kept");
    refused(session(&restored).read(large[0], CURRENT), "version_data_destroyed");
    assert_eq!(restored.status().unwrap().epochs, [2]);
    assert_eq!(restored.status().unwrap().key_slots.len(), 1);
    arbitrary(&session(&restored), "new", "sealed under the epoch in force");
    let same_size = store.tree_head_at(report.log_size).unwrap().unwrap();
    assert!(report.checkpoint.contains(&same_size.root.to_base64()));
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

/// A file that fails once so much of it was read.
struct Failing {
    file: Cursor<Vec<u8>>,
    left: usize,
}

impl Read for Failing {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(into)?;
        self.left = self.left.checked_sub(read).ok_or_else(|| std::io::Error::other("the disk fails"))?;
        Ok(read)
    }
}

impl Seek for Failing {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.file.seek(to)
    }
}

#[test]
fn a_file_that_cannot_be_read_twice_leaves_no_store() {
    let home = Home::new();
    let (store, _) = full(&home);
    let file = backup(&store);
    for left in [10, file.len() / 2, file.len() + 10, file.len() * 3 / 2, file.len() * 2 - 1] {
        let failing = Failing { file: Cursor::new(file.clone()), left };
        let error = beside(&home).restore(failing, &key(), |_| {}).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("io", &ErrorKind::Unavailable), "{error}");
        nothing_is_left(&home);
    }
}

/// Names the directory in which a test run by another process finds its backup.
const CHILD: &str = "LATCHKEEP_SUITE_RESTORE";

#[test]
fn child_that_dies_while_it_restores() {
    let Some(dir) = std::env::var_os(CHILD).map(std::path::PathBuf::from) else { return };
    let file = std::fs::File::open(dir.join("backup")).unwrap();
    let mut left: u32 = std::fs::read_to_string(dir.join("steps")).unwrap().parse().unwrap();
    let die = |progress| {
        if let RestoreProgress::Writing { .. } = progress {
            left = left.checked_sub(1).unwrap_or_else(|| std::process::abort());
        }
    };
    StoreOptions::new(dir.join("restored"), unlock(7)).restore(file, &key(), die).unwrap();
}

#[test]
fn a_restore_that_dies_leaves_nothing_that_opens() {
    let home = Home::new();
    let (store, id) = full(&home);
    std::fs::write(home.dir.path().join("backup"), backup(&store)).unwrap();
    for steps in ["0", "3", "9"] {
        std::fs::write(home.dir.path().join("steps"), steps).unwrap();
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "backup::child_that_dies_while_it_restores", "--test-threads=1"]);
        let output = child.env(CHILD, home.dir.path()).output().unwrap();
        assert!(!output.status.success(), "it was to die");
        assert_eq!(beside(&home).open().unwrap_err().code(), "not_a_store");
    }
    // What is left is in nobody's way.
    let restored = restore(&home, &std::fs::read(home.dir.path().join("backup")).unwrap());
    assert_eq!(session(&restored).read(id, CURRENT).unwrap().text().unwrap(), "two");
    assert!(!home.dir.path().join("restored.new").exists());
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
