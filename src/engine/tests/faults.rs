//! Failures while a store is open: every caller is answered, and nothing is shown that is not durable.

use std::time::Duration;

use super::{Rows, named, names, new_data, new_secret, open_store, ops, put_secret, sound, value};
use crate::domain::lock::{LockMode, NewLock};
use crate::domain::name::LockName;
use crate::domain::version::VersionRef;
use crate::seal::secret_bytes::SecretBytes;
use crate::seal::unlock::Unlock;
use crate::storage::Storage;
use crate::storage::faulty::Fault;
use crate::store::Store;
use crate::store::command::Command;
use crate::store::options::StoreOptions;

/// A group fails: all its callers get an error, all later commands are refused, and what was durable is read as before.
fn fails(fault: Fault, codes: &[&str]) -> Rows {
    let rows = Rows::new();
    let (store, faulty) = rows.open_faulty();
    let durable = put_secret(&store, "durable");
    assert_eq!(value(&store, durable), "durable");
    store.settle().unwrap();
    let size = store.status().unwrap().log_size;

    // The first commit hangs until the others wait behind it, so that they form one group.
    faulty.plan(0, Fault::Hang);
    faulty.plan(1, fault);
    let ops = ops(&store);
    let first = ops.submit(Command::create(new_secret("first"))).unwrap();
    faulty.wait_for_hang();
    let waiting: Vec<_> = (0..5)
        .map(|number| ops.submit(Command::create(new_secret(&format!("group-{number}")))).unwrap())
        .chain([ops.submit(Command::rotate(durable, new_data("next"))).unwrap()])
        .collect();
    let shown = names(&store);
    faulty.release();
    assert_eq!(shown, ["durable"], "nothing is shown before it is durable");
    assert!(first.wait().unwrap().position >= size);
    for pending in waiting {
        let error = pending.wait().unwrap_err();
        assert!(codes.contains(&error.code()), "{error}");
    }
    // The writer learns of it at most a moment later.
    while store.status().unwrap().poisoned.is_none() {
        std::thread::yield_now();
    }
    for refused in [
        ops.create(new_secret("later")).unwrap_err(),
        ops.rotate(durable, new_data("later")).unwrap_err(),
        ops.delete(durable).unwrap_err(),
        store.settle().unwrap_err(),
    ] {
        assert_eq!(refused.code(), "poisoned", "{refused}");
    }
    assert_eq!(names(&store), ["durable", "first"], "nothing is shown that may not be durable");
    assert_eq!(value(&store, durable), "durable");
    assert!(store.secret(durable).unwrap().previous().is_none());
    assert!(store.close().is_err(), "whoever closes is told too");
    store.close().unwrap_or_default();
    rows
}

#[test]
fn a_commit_that_fails_and_wrote_nothing_poisons() {
    let rows = fails(Fault::Before, &["poisoned"]);
    let store = rows.open();
    assert_eq!(names(&store), ["durable", "first"]);
    sound(&store);
    put_secret(&store, "after");
}

#[test]
fn a_commit_that_fails_though_it_wrote_poisons_and_is_there_whole_after_an_open() {
    let rows = fails(Fault::After, &["poisoned"]);
    let store = rows.open();
    assert_eq!(names(&store).len(), 7, "the group is there, whole: {:?}", names(&store));
    assert_eq!(value(&store, named(&store, "durable")), "next");
    sound(&store);
    put_secret(&store, "after");
}

/// Storage catches panics; this tests what would happen if it did not.
#[test]
fn a_panic_in_a_commit_leaves_nobody_waiting() {
    let rows = fails(Fault::Panic, &["poisoned", "closed"]);
    let store = rows.open();
    assert_eq!(names(&store), ["durable", "first"]);
    sound(&store);
}

#[test]
fn for_want_of_space_a_group_is_taken_back_and_the_next_one_may_come_through() {
    is_taken_back(Fault::NoSpace, "no_space");
}

/// A batch that was too large once poisoned the store, at every open again, though nothing of it was written.
#[test]
fn a_group_that_wrote_nothing_for_another_reason_is_taken_back_as_well() {
    is_taken_back(Fault::TooLarge, "internal");
    is_taken_back(Fault::Condition, "internal");
}

fn is_taken_back(fault: Fault, code: &str) {
    let rows = Rows::new();
    let (store, faulty) = rows.open_faulty();
    let durable = put_secret(&store, "durable");
    assert_eq!(value(&store, durable), "durable");
    store.settle().unwrap();
    let (before, status) = (store.secret(durable).unwrap(), store.status().unwrap());

    // During the commit that writes nothing, others are decided on its effects.
    faulty.plan(0, Fault::Hang);
    faulty.plan(1, fault);
    let ops = ops(&store);
    let submit = |name: &str| ops.submit(Command::create(new_secret(name))).unwrap();
    let hung = submit("hung");
    faulty.wait_for_hang();
    let refused = submit("refused");
    faulty.release();
    hung.wait().unwrap();
    assert_eq!(refused.wait().unwrap_err().code(), code);
    assert_eq!(names(&store), ["durable", "hung"]);
    assert_eq!(store.secret(durable).unwrap(), before);
    assert_eq!(store.status().unwrap().poisoned, None);

    let size = store.status().unwrap().log_size;
    settle(&store);
    let again = ops.create(new_secret("refused")).unwrap();
    assert_eq!(again.position.get() + 1, size.get() + u64::from(again.events), "no gap, no reuse");
    assert!(size > status.log_size);
    sound(&store);
    store.close().unwrap();
    let store = rows.open();
    assert_eq!(names(&store), ["durable", "hung", "refused"]);
    sound(&store);
}

#[test]
fn what_was_decided_on_a_group_that_found_no_space_is_taken_back_with_it() {
    let rows = Rows::new();
    let (store, faulty) = rows.open_faulty();
    let durable = put_secret(&store, "durable");
    let mut taken_back = 0;
    for round in 0..20 {
        settle(&store);
        // The anchor may be what finds no space; then it is written later, and no command fails because of it.
        faulty.plan(0, Fault::NoSpace);
        let ops = ops(&store);
        let commands: Vec<_> =
            (0..4).map(|number| ops.submit(Command::rotate(durable, new_data(&format!("{round} {number}"))))).collect();
        let answers: Vec<_> = commands.into_iter().map(|pending| pending.unwrap().wait()).collect();
        for error in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            assert_eq!(error.code(), "no_space");
        }
        taken_back += usize::from(answers.iter().any(Result::is_err));
        let last = answers.iter().rposition(Result::is_ok);
        if let Some(last) = last {
            assert_eq!(value(&store, durable), format!("{round} {last}"));
        }
    }
    settle(&store);
    assert!(taken_back > 0, "no group found no space");
    sound(&store);
    store.close().unwrap();
    sound(&rows.open());
}

/// Waits until the writer knows of the full disk: until then it takes back the requested commands.
fn settle(store: &Store) {
    while store.settle().is_err_and(|error| ["no_space", "internal"].contains(&error.code())) {}
}

#[test]
fn an_end_whose_saved_state_cannot_be_written_is_in_good_order_all_the_same() {
    for fault in [Fault::NoSpace, Fault::TooLarge, Fault::Condition] {
        let rows = Rows::new();
        let (store, faulty) = rows.open_faulty();
        let id = put_secret(&store, "locked");
        for _ in 0..2 {
            let locks = (0..600).map(|at| NewLock::new(LockName::parse(&format!("lock-{at}")).unwrap())).collect();
            ops(&store).run(Command::place_locks(id, VersionRef::Current, locks, LockMode::Keep)).unwrap();
        }
        store.settle().unwrap();
        faulty.plan(0, fault);
        store.close().unwrap();
        let store = rows.open();
        assert_eq!(store.secret(id).unwrap().locks_total(), 600);
        sound(&store);
    }
}

#[test]
fn a_commit_that_hangs_holds_up_no_read() {
    let rows = Rows::new();
    let (store, faulty) = rows.open_faulty();
    let durable = put_secret(&store, "durable");
    value(&store, durable);
    store.settle().unwrap();
    faulty.plan(0, Fault::Hang);
    let ops = ops(&store);
    let hung = ops.submit(Command::create(new_secret("hung"))).unwrap();
    faulty.wait_for_hang();
    let behind = ops.submit(Command::delete(durable)).unwrap();
    let shown = (value(&store, durable), names(&store));
    faulty.release();
    assert_eq!(shown, ("durable".to_owned(), vec!["durable".to_owned()]));
    hung.wait().unwrap();
    behind.wait().unwrap();
    assert_eq!(names(&store), ["hung"]);
    store.close().unwrap();
}

#[test]
fn an_anchor_that_cannot_be_written_poisons_and_loses_nothing() {
    for fault in [Fault::Before, Fault::After, Fault::Panic] {
        let rows = Rows::new();
        let (store, faulty) = rows.open_faulty();
        put_secret(&store, "durable");
        // The last write of a close is the anchor.
        faulty.plan(0, fault);
        let closed = store.close();
        assert!(closed.is_err(), "{fault:?}: a close that could not write the anchor says so");
        let store = rows.open();
        assert_eq!(names(&store), ["durable"], "{fault:?}");
        sound(&store);
    }
}

#[test]
fn the_last_handle_that_goes_closes_the_store() {
    let rows = Rows::new();
    let store = rows.open();
    let (clone, session) = (store.clone(), ops(&store));
    drop(store);
    drop(clone);
    session.create(new_secret("one")).unwrap();
    let pending = session.submit(Command::create(new_secret("two"))).unwrap();
    drop(session);
    pending.wait().unwrap();
    assert_eq!(rows.0.reopen().anchor().map(|mark| mark.log_size > 1), Some(true), "the anchor was written");
    let store = rows.open();
    assert_eq!(names(&store), ["one", "two"]);
    sound(&store);
    store.close().unwrap();
    store.close().unwrap();
    assert_eq!(ops(&store).create(new_secret("three")).unwrap_err().code(), "closed");
}

#[test]
fn a_disk_that_outlasts_the_deadline_poisons_and_a_close_does_not_wait_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let options = || StoreOptions::new(dir.path().join("store"), Unlock::bytes(SecretBytes::copy_from(&[7; 32])));
    let store = options().create().unwrap();
    let durable = put_secret(&store, "durable");
    value(&store, durable);
    store.close().unwrap();

    let store = options().commit_deadline(Duration::ZERO).open().unwrap();
    // On a busy machine, a commit can finish before the deadline is checked.
    let mut acknowledged = vec!["durable".to_owned()];
    let error = loop {
        let name = format!("late-{:04}", acknowledged.len());
        match ops(&store).create(new_secret(&name)) {
            Ok(_) => acknowledged.push(name),
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), "poisoned", "{error}");
    assert_eq!(ops(&store).read(durable, VersionRef::Current).unwrap().text().unwrap(), "durable");
    assert_eq!(names(&store), acknowledged);
    assert!(store.close().is_err());

    let store = options().open().unwrap();
    let there = names(&store);
    assert!(there.starts_with(&acknowledged) && there.len() <= acknowledged.len() + 1, "{there:?}");
    sound(&store);
    put_secret(&store, "after");
    store.close().unwrap();
}

#[test]
fn a_storage_that_is_closed_under_a_store_is_an_error_everywhere() {
    let rows = Rows::new();
    let (store, faulty) = rows.open_faulty();
    put_secret(&store, "durable");
    crate::storage::Storage::close(&*faulty).unwrap();
    assert!(ops(&store).create(new_secret("late")).is_err());
    assert!(open_store(std::sync::Arc::new(rows.0.reopen())).is_ok());
    let _ = store.close();
}
