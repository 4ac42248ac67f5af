//! A disk that is really full: a small file system in memory, where the system lets us mount one.

use std::path::{Path, PathBuf};
use std::process::Command;

use latchkeep::{Error, ErrorKind, NewSecret, SecretBytes, SecretId, SecretName, Session, Store, Unlock, VersionRef};

use super::omission::not_run;
use super::support::{FIRST_KEY, options, session};

/// A mounted file system of a size, unmounted at the end.
struct Small {
    dir: tempfile::TempDir,
}

impl Small {
    /// None when the system does not let us mount.
    fn mount(mebibytes: u32) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let size = format!("size={mebibytes}m");
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(dir.path()).output();
        if done.is_ok_and(|done| done.status.success()) {
            return Some(Self { dir });
        }
        not_run("tests of a full disk (tests/crash/full_disk.rs)", "this user may not mount a file system");
        None
    }

    fn store(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    /// Fills what is free, to the last byte.
    fn fill(&self) -> PathBuf {
        let path = self.dir.path().join("filler");
        let mut file = std::fs::File::create(&path).unwrap();
        for bytes in [64 * 1_024, 1] {
            while std::io::Write::write_all(&mut file, &vec![1; bytes]).is_ok() {}
        }
        path
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.dir.path()).status();
    }
}

fn put(session: &Session, number: u32) -> Result<SecretId, Error> {
    put_text(session, &format!("secret-{number}"), &value(number))
}

fn put_text(session: &Session, name: &str, text: &str) -> Result<SecretId, Error> {
    let text = SecretBytes::copy_from(text.as_bytes());
    let made = session.create(NewSecret::arbitrary(SecretName::parse(name)?, text)?)?;
    Ok(made.secret.expect("a new secret has an id"))
}

fn value(number: u32) -> String {
    format!("{number:08}").repeat(20_000)
}

#[track_caller]
fn all_there(store: &Store, made: &[SecretId]) {
    assert_eq!(store.secrets().len(), made.len());
    assert_eq!(store.scrub(|_| {}).unwrap().findings, Vec::<String>::new());
    assert_eq!(store.verify_log(|_| {}).unwrap().records, store.status().unwrap().log_size.get());
}

#[track_caller]
fn readable(session: &Session, made: &[SecretId]) {
    for (number, id) in (0..).zip(made) {
        assert_eq!(session.read(*id, VersionRef::Current).unwrap().text().unwrap(), value(number));
    }
}

/// Makes small secrets until there is no room for one. sled gives some room back now and then, and there may be enough for a
/// smaller commit than this, so the status is asked, but one no does not settle it.
fn fill_up(store: &Store, ops: &Session, made: &mut Vec<SecretId>) {
    let mut refused = 0;
    for number in 0.. {
        match put_text(ops, &format!("small-{number}"), "x") {
            Ok(id) => {
                made.push(id);
                refused = 0;
            }
            Err(error) => {
                assert_eq!(error.code(), "no_space", "{error}");
                refused += 1;
                if store.status().unwrap().short_of_space.is_some() || refused == 20 {
                    return;
                }
            }
        }
    }
}

fn open(path: &Path) -> Store {
    options(path, FIRST_KEY).open().unwrap()
}

#[test]
fn a_store_fills_its_disk_and_goes_on_once_there_is_room() {
    let Some(small) = Small::mount(34) else { return };
    let store = options(&small.store(), FIRST_KEY).create().unwrap();
    let ops = session(&store, "ops");
    let mut made = Vec::new();
    let full = loop {
        match put(&ops, u32::try_from(made.len()).unwrap()) {
            Ok(id) => {
                assert_eq!(ops.read(id, VersionRef::Current).unwrap().number.get(), 1);
                made.push(id);
            }
            Err(error) => break error,
        }
    };
    assert_eq!(full.code(), "no_space", "{full}");
    let large = made.len();
    assert!(large > 3, "it was full from the start");
    readable(&ops, &made);
    fill_up(&store, &ops, &mut made);
    println!("{large} large secrets and {} small ones fill the disk", made.len() - large);
    all_there(&store, &made);
    store.close().unwrap();

    let store = open(&small.store());
    all_there(&store, &made);
    store.close().unwrap();
    let grown = Command::new("mount").args(["-o", "remount,size=200m"]).arg(small.dir.path()).status().unwrap();
    assert!(grown.success());
    let store = open(&small.store());
    let ops = session(&store, "ops");
    readable(&ops, &made[..large]);
    made.push(put(&ops, 1_000).unwrap());
    all_there(&store, &made);
    store.close().unwrap();
}

/// Somebody else takes the last byte between two commands.
#[test]
fn a_disk_that_others_fill_loses_nothing_that_was_acknowledged() {
    let Some(small) = Small::mount(40) else { return };
    let store = options(&small.store(), FIRST_KEY).create().unwrap();
    let ops = session(&store, "ops");
    let mut made: Vec<_> = (0..10).map(|number| put(&ops, number).unwrap()).collect();
    readable(&ops, &made);
    let filler = small.fill();
    let refused = loop {
        match put(&ops, u32::try_from(made.len()).unwrap()) {
            Ok(id) => made.push(id),
            Err(error) => break error,
        }
    };
    assert!(["no_space", "poisoned"].contains(&refused.code()), "{refused}");
    assert_eq!(
        ops.read(made[0], VersionRef::Current).unwrap().text().unwrap(),
        value(0),
        "durable state is still read"
    );
    let _ = store.close();
    drop((ops, store));

    // On the full disk it opens by giving up its ballast, or says that there is no room.
    match options(&small.store(), FIRST_KEY).open() {
        Ok(store) => {
            let (there, least) = (store.secrets().len(), made.len());
            assert!(there == least || there == least + 1, "{there} secrets, {least} acknowledged");
            assert_eq!(store.scrub(|_| {}).unwrap().findings, Vec::<String>::new());
            let _ = store.close();
        }
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::Unavailable), "{error}");
            assert_eq!(error.code(), "no_space", "{error}");
        }
    }
    std::fs::remove_file(filler).unwrap();
    let store = open(&small.store());
    let ops = session(&store, "ops");
    readable(&ops, &made);
    assert_eq!(store.scrub(|_| {}).unwrap().findings, Vec::<String>::new());
    put(&ops, 1_000).unwrap();
    store.close().unwrap();
}

/// A restore that does not fit ends with an error that says so, and what it wrote is gone again.
#[test]
fn a_restore_that_does_not_fit_leaves_no_store() {
    let Some(small) = Small::mount(40) else { return };
    let home = tempfile::tempdir().unwrap();
    let store = options(&home.path().join("store"), FIRST_KEY).create().unwrap();
    let ops = session(&store, "ops");
    let made: Vec<_> = (0..100).map(|number| put(&ops, number).unwrap()).collect();
    let (mut file, key) = (Vec::new(), Unlock::bytes(SecretBytes::copy_from(&[9; 32])));
    store.backup(&mut file, &key, |_| {}).unwrap();
    let restore = |dir: &Path| options(dir, FIRST_KEY).restore(std::io::Cursor::new(&file), &key, |_| {});
    let error = restore(&small.store()).map(drop).unwrap_err();
    assert_eq!(error.code(), "no_space", "{error}");
    assert_eq!(std::fs::read_dir(small.dir.path()).unwrap().count(), 0, "something is left");
    let (restored, _) = restore(&home.path().join("restored")).unwrap();
    readable(&session(&restored, "ops"), &made);
}
