//! Restores that fail: what is changed, cut or another's is refused, and nothing is left that opens.

use std::io::{Cursor, Read, Seek, SeekFrom};

use latchkeep::{ErrorKind, RestoreProgress, StoreOptions, Unlock, VersionRef, verify_backup};

use crate::backup::{backup, beside, full, key, nothing_is_left, restore, try_restore};
use crate::support::{Home, arbitrary, session, sound, text, unlock};

const CURRENT: VersionRef = VersionRef::Current;

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
        child.args(["--exact", "restore::child_that_dies_while_it_restores", "--test-threads=1"]);
        let output = child.env(CHILD, home.dir.path()).output().unwrap();
        assert!(!output.status.success(), "it was to die");
        assert_eq!(beside(&home).open().unwrap_err().code(), "not_a_store");
    }
    // What is left is in nobody's way.
    let restored = restore(&home, &std::fs::read(home.dir.path().join("backup")).unwrap());
    assert_eq!(session(&restored).read(id, CURRENT).unwrap().text().unwrap(), "two");
    assert!(!home.dir.path().join("restored.new").exists());
}
