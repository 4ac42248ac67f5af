//! Opening what can be opened, and saying plainly why the rest cannot: each error at once, and nothing changed by it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command as Process;

use latchkeep::{ApiKeyUse, Command, ErrorKind, VersionRef};

use crate::support::{Home, api_key, arbitrary, lock, next, refused, session, sound};
use crate::walk::sound_log;

const CURRENT: VersionRef = VersionRef::Current;

/// Names the directory in which a test run by another process finds its store.
const CHILD: &str = "LATCHKEEP_SUITE_CHILD";

fn in_another_process(test: &str, home: &Home) -> (bool, String) {
    let mut process = Process::new(std::env::current_exe().unwrap());
    let process = process.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(CHILD, home.path());
    let output = process.output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn child_options() -> Option<latchkeep::StoreOptions> {
    let dir = std::env::var_os(CHILD)?;
    Some(latchkeep::StoreOptions::new(dir, crate::support::unlock(7)))
}

#[test]
fn child_that_opens() {
    if let Some(options) = child_options() {
        println!("code: {}", options.open().map_or_else(|error| error.code(), |_| "opened"));
    }
}

#[test]
fn child_that_dies() {
    if let Some(options) = child_options() {
        let store = options.open().unwrap();
        let receipt = session(&store).rotate(store.secrets()[0].id, next("from the one that died")).unwrap();
        println!("position: {}", receipt.position);
        std::process::abort();
    }
}

#[test]
fn a_second_handle_or_process_is_told_at_once() {
    let home = Home::new();
    let store = home.create();
    let id = arbitrary(&session(&store), "token", "one");
    for second in [home.options().open(), home.options().open_read_only()] {
        let error = second.err().unwrap();
        assert_eq!((error.code(), error.kind()), ("already_open", &ErrorKind::Unavailable));
    }
    let (_, said) = in_another_process("opening::child_that_opens", &home);
    assert!(said.contains("code: already_open"), "{said}");
    assert_eq!(home.options().create().err().unwrap().code(), "store_exists");
    session(&store).rotate(id, next("two")).unwrap();
    store.close().unwrap();
    let (_, said) = in_another_process("opening::child_that_opens", &home);
    assert!(said.contains("code: opened"), "{said}");
    sound(&home.open());
}

#[test]
fn what_a_process_acknowledged_before_it_died_is_there() {
    let home = Home::new();
    let store = home.create();
    let id = arbitrary(&session(&store), "token", "one");
    session(&store).place_lock(id, CURRENT, lock("billing")).unwrap();
    store.close().unwrap();
    home.clock.set(latchkeep::Clock::now(&latchkeep::SystemClock));
    let (ended_well, said) = in_another_process("opening::child_that_dies", &home);
    assert!(!ended_well);
    let position: u64 = said.split("position: ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
    let store = home.open();
    assert!(store.status().unwrap().log_size.get() > position, "an open after a death has all that was acknowledged");
    assert_eq!(session(&store).read(id, CURRENT).unwrap().text().unwrap(), "from the one that died");
    refused(session(&store).delete(id), "secret_version_locked");
    sound_log(&store);
    sound(&store);
}

#[test]
fn a_directory_that_is_no_store_is_said_to_be_none_and_left_alone() {
    let home = Home::new();
    let code = |home: &Home| home.options().open().err().unwrap().code();
    assert_eq!(code(&home), "not_a_store");
    assert!(!home.path().exists(), "looking for a store makes none");
    fs::create_dir(home.path()).unwrap();
    assert_eq!(code(&home), "not_a_store");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    fs::write(home.path().join("notes.txt"), "mine").unwrap();
    assert_eq!(code(&home), "not_a_store");
    assert_eq!(home.options().create().err().unwrap().code(), "store_exists");
    assert_eq!(fs::read_to_string(home.path().join("notes.txt")).unwrap(), "mine");
    fs::write(home.path().join("format"), "something else\n").unwrap();
    assert_eq!(code(&home), "not_a_store");
    let file = Home::new();
    fs::write(file.path(), "a file").unwrap();
    assert_eq!(code(&file), "not_a_store");
    assert_eq!(file.options().create().err().unwrap().code(), "store_exists");
}

#[test]
fn a_store_of_another_format_revision_is_refused_by_name() {
    let home = Home::new();
    home.create().close().unwrap();
    let format = home.path().join("format");
    let ours = fs::read_to_string(&format).unwrap();
    fs::write(&format, ours.replace("revision 1", "revision 77")).unwrap();
    let error = home.options().open().err().unwrap();
    assert_eq!((error.code(), error.kind()), ("other_revision", &ErrorKind::Invalid));
    assert!(error.to_string().contains("77") && error.to_string().contains('1'), "{error}");
    fs::write(&format, ours).unwrap();
    home.open().close().unwrap();
}

#[test]
fn a_path_without_permission_is_told() {
    let home = Home::new();
    home.create().close().unwrap();
    let shut = |mode| fs::set_permissions(home.path(), fs::Permissions::from_mode(mode)).unwrap();
    assert_eq!(fs::metadata(home.path()).unwrap().permissions().mode() & 0o777, 0o700, "nobody else may look inside");
    shut(0o000);
    let is_root = fs::read_dir(home.path()).is_ok();
    let opened = home.options().open();
    shut(0o700);
    if is_root {
        // Permissions do not bind root: all that can be said is that nothing broke.
        opened.unwrap().close().unwrap();
        return;
    }
    let error = opened.err().unwrap();
    assert_eq!((error.code(), error.kind()), ("permission", &ErrorKind::Unavailable));
    home.open().close().unwrap();
}

#[test]
fn a_store_that_is_open_for_reading_only_leaves_no_trace() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    let key = api_key(&ops, "ci", ApiKeyUse::FreshPerRead, 3_600);
    ops.place_lock(id, CURRENT, lock("job").until(home.in_secs(60))).unwrap();
    store.close().unwrap();
    let before = {
        let store = home.options().open_read_only().unwrap();
        let ops = session(&store);
        let before = store.status().unwrap();
        assert_eq!(ops.read(id, CURRENT).unwrap().text().unwrap(), "one");
        refused(ops.read(key, CURRENT), "read_only");
        refused(ops.rotate(id, next("two")), "read_only");
        refused(ops.try_submit(Command::delete(id)), "read_only");
        assert_eq!(ops.dry_run(&Command::delete(id)).unwrap().refusal.unwrap().code(), "secret_version_locked");
        home.advance_secs(3_600);
        store.settle().unwrap();
        assert_eq!(store.lock_status(id).unwrap().locks_total(), 0, "what is over is over, though nobody records it");
        sound(&store);
        let after = store.status().unwrap();
        assert_eq!(
            (after.log_size, after.head, after.writer_epoch),
            (before.log_size, before.head, before.writer_epoch)
        );
        store.close().unwrap();
        before
    };
    let again = home.options().open_read_only().unwrap().status().unwrap();
    assert_eq!(
        (again.log_size, again.head, again.unsaved_records),
        (before.log_size, before.head, before.unsaved_records)
    );
}
