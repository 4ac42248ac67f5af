//! The rows at an open: a log that is too short or a different one, saved state that is damaged, old or missing.

use super::{Rows, named, names, new_data, ops, put_secret, sound, value};
use crate::codec::keys;
use crate::domain::lock::{LockMode, NewLock};
use crate::domain::name::{IdempotencyKey, LockName};
use crate::domain::version::VersionRef;
use crate::storage::faulty::Fault;
use crate::storage::{AnchorMark, Storage};
use crate::store::Store;
use crate::store::command::Command;

/// Returns a closed store of some secrets, with saved state: one has so many records of locks that a close writes it.
fn with_saved_state() -> Rows {
    let rows = Rows::new();
    let store = rows.open();
    work(&store, "first");
    store.close().unwrap();
    assert!(!rows.under(keys::SAVED_SECRET).is_empty());
    rows
}

/// Makes more than a thousand records on a few secrets, one of them under an idempotency key.
fn work(store: &Store, name: &str) {
    let locked = put_secret(store, name);
    let locks = (0..600).map(|number| NewLock::new(LockName::parse(&format!("lock-{number}")).unwrap())).collect();
    let session = ops(store);
    session.run(Command::place_locks(locked, VersionRef::Current, locks, LockMode::Keep)).unwrap();
    session.run(Command::remove_locks(locked, VersionRef::Current, crate::domain::lock::LockNames::All)).unwrap();
    let keyed = session.once(IdempotencyKey::parse(name).unwrap());
    keyed.create(super::new_secret(&format!("{name}-keyed"))).unwrap();
    ops(store).rotate(locked, new_data(&format!("{name} again"))).unwrap();
    let gone = put_secret(store, &format!("{name}-gone"));
    ops(store).delete(gone).unwrap();
}

fn put_secrets(store: &Store, count: u32) {
    for number in 0..count {
        put_secret(store, &format!("secret-{number}"));
    }
}

/// Opens rows whose saved state does not fit: the log is used, and the next close repairs the rows.
#[track_caller]
fn rebuilt(rows: &Rows, what: &str) {
    let store = rows.try_open().unwrap_or_else(|error| panic!("{what}: {error}"));
    let status = store.status().unwrap();
    assert!(status.rebuilt_at_open, "{what}: it was not noticed");
    assert_eq!(status.replayed_at_open, status.log_size.get(), "{what}");
    sound(&store);
    let picture = (store.secrets(), names(&store));
    let keyed = ops(&store).once(IdempotencyKey::parse("first").unwrap());
    assert!(keyed.create(super::new_secret("first-keyed")).unwrap().remembered, "{what}");
    store.close().unwrap();
    let store = rows.open();
    let status = store.status().unwrap();
    assert!(!status.rebuilt_at_open && status.replayed_at_open < 10, "{what}: the rows were not mended");
    assert_eq!((store.secrets(), names(&store)), picture, "{what}");
    sound(&store);
}

#[test]
fn saved_state_spares_the_replay_and_changes_nothing() {
    let rows = with_saved_state();
    let store = rows.open();
    let status = store.status().unwrap();
    assert!(!status.rebuilt_at_open && status.replayed_at_open < 10, "{status:?}");
    sound(&store);
    assert_eq!(names(&store), ["first", "first-keyed"]);
}

#[test]
fn saved_rows_that_are_damaged_removed_or_strange_are_thrown_away() {
    let rows = with_saved_state();
    let kinds = [keys::SAVED_SECRET, keys::SAVED_ANSWER];
    for (row_key, row) in kinds.into_iter().flat_map(|kind| rows.under(kind)) {
        let fork = rows.fork();
        let mut damaged = row.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        fork.put(&row_key, &damaged);
        rebuilt(&fork, "damaged");

        let fork = rows.fork();
        let mut damaged = row.clone();
        damaged[7] ^= 0x10;
        fork.put(&row_key, &damaged);
        rebuilt(&fork, "of another length than it says");

        let fork = rows.fork();
        fork.remove(&row_key);
        rebuilt(&fork, "removed");

        let fork = rows.fork();
        let mut elsewhere = row_key.clone();
        elsewhere[5] ^= 1;
        fork.put(&elsewhere, &row);
        rebuilt(&fork, "doubled");
    }
}

#[test]
fn settings_and_groups_that_are_damaged_or_gone_let_the_log_be_replayed() {
    let rows = with_saved_state();
    for (row_key, row) in rows.under(keys::SAVED_WHOLE[0]) {
        let fork = rows.fork();
        let mut damaged = row.clone();
        for at in [7, damaged.len() - 1] {
            damaged[at] ^= 0x10;
            fork.put(&row_key, &damaged);
            rebuilt(&fork.fork(), "damaged");
        }
        let fork = rows.fork();
        fork.remove(&row_key);
        rebuilt(&fork, "removed");
    }
}

#[test]
fn rows_of_an_older_save_are_noticed() {
    let rows = with_saved_state();
    let old: Vec<_> = [keys::SAVED_SECRET, keys::SAVED_ANSWER].into_iter().flat_map(|kind| rows.under(kind)).collect();
    let old_voucher = rows.under(keys::VOUCHER[0]);
    let store = rows.open();
    work(&store, "second");
    let first = named(&store, "first");
    ops(&store).rotate(first, new_data("third")).unwrap();
    store.close().unwrap();

    for (row_key, row) in &old {
        if rows.0.get(row_key).unwrap().as_ref() != Some(row) {
            let fork = rows.fork();
            fork.put(row_key, row);
            rebuilt(&fork, "an older row");
        }
    }
    let fork = rows.fork();
    old_voucher.iter().for_each(|(row_key, row)| fork.put(row_key, row));
    assert_eq!(fork.try_open().unwrap_err().code(), "rows_changed");
    assert_eq!(value(&rows.open(), first), "third");
}

#[test]
fn a_log_that_ends_before_the_anchor_has_lost_records() {
    let rows = Rows::new();
    let store = rows.open();
    put_secrets(&store, 5);
    store.close().unwrap();
    rows.open().close().unwrap();
    let log = rows.under(keys::LOG);
    for kept in 0..log.len() {
        let fork = rows.fork();
        log[kept..].iter().for_each(|(row_key, _)| fork.remove(row_key));
        let error = fork.try_open().unwrap_err();
        assert_eq!(error.code(), "records_lost", "{kept} commits kept: {error}");
    }
}

#[test]
fn a_hole_in_the_log_or_a_damaged_record_is_no_shorter_log() {
    let rows = Rows::new();
    let store = rows.open();
    put_secrets(&store, 5);
    store.close().unwrap();
    let log = rows.under(keys::LOG);
    for (row_key, row) in &log[..log.len() - 1] {
        let fork = rows.fork();
        fork.remove(row_key);
        let code = fork.try_open().unwrap_err().code();
        assert!(["corrupt", "records_lost"].contains(&code), "{code}");
        for at in (0..row.len()).step_by(13) {
            let fork = rows.fork();
            let mut damaged = row.clone();
            damaged[at] ^= 0x40;
            fork.put(row_key, &damaged);
            assert_eq!(fork.try_open().unwrap_err().code(), "corrupt", "byte {at}");
        }
    }
}

#[test]
fn a_log_that_is_not_the_anchored_one_is_refused() {
    let rows = Rows::new();
    let store = rows.open();
    put_secrets(&store, 3);
    let size = store.status().unwrap().log_size.get();
    store.close().unwrap();
    for log_size in [1, size / 2, size] {
        let fork = rows.fork();
        fork.0.write_anchor(AnchorMark { log_size, head: [9; 32] }).unwrap();
        let error = fork.try_open().unwrap_err();
        assert_eq!(error.code(), "corrupt", "{error}");
    }
    let fork = rows.fork();
    fork.0.write_anchor(AnchorMark { log_size: size + 1, head: [9; 32] }).unwrap();
    assert_eq!(fork.try_open().unwrap_err().code(), "records_lost");
}

/// The rows are rebuilt, and each commit of the close that repairs them fails once before the next open.
#[test]
fn recovery_may_be_interrupted_again_and_again() {
    for fault in [Fault::Before, Fault::After] {
        let rows = with_saved_state();
        let store = rows.open();
        let expected = names(&store);
        store.close().unwrap();
        rows.remove(&rows.under(keys::SAVED_SECRET)[0].0);
        let mut rounds = 0;
        for commits in 0..10 {
            let (store, faulty) = rows.open_faulty();
            assert_eq!(names(&store), expected, "{fault:?}, {commits} commits");
            sound(&store);
            faulty.plan(commits, fault);
            rounds += u32::from(store.close().is_err());
        }
        assert!(rounds > 0, "{fault:?} met nothing");
        let store = rows.open();
        assert_eq!(names(&store), expected);
        sound(&store);
    }
}
