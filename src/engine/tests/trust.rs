//! An attacker who can write to the disk and has no key: each change is refused, or changes no answer.
//!
//! Each test puts one row, or one kind of row, back or damages it. All kinds, many times, are in [`super::edits`].

use std::ops::ControlFlow;
use std::sync::Arc;

use super::{Rows, new_data, opening, ops, put_secret, value};
use crate::codec::keys;
use crate::codec::voucher::{Voucher, decode_voucher, encode_voucher};
pub(super) use crate::fuzzing::changed_rows::rows::{bustle, lock};

use crate::domain::id::SecretId;
use crate::domain::position::Position;
use crate::engine::open::{Access, Opening, Place, open_on};
use crate::error::Error;
use crate::seal::passphrase::PassphraseCost;
use crate::seal::secret_bytes::SecretBytes;
use crate::seal::unlock::Unlock;
use crate::storage::chunks::{put_chunked, read_chunked};
use crate::storage::{Batch, Storage};
use crate::store::Store;

fn bytes(byte: u8) -> Unlock {
    Unlock::bytes(SecretBytes::copy_from(&[byte; 32]))
}

fn open_with(rows: &Rows, unlock: Unlock) -> Result<Store, Error> {
    let opening = Opening { unlock, ..opening(Place::Memory) };
    open_on(Arc::new(rows.0.reopen()), &opening, Access::ReadWrite).map(Store::new)
}

/// Returns a closed store with saved state whose secret was rotated and locked, and an earlier copy with saved state
/// too.
pub(super) fn victim() -> (Rows, Rows, SecretId) {
    let rows = Rows::new();
    let store = rows.open();
    let id = put_secret(&store, "token");
    bustle(&store);
    store.close().unwrap();
    let earlier = rows.fork();
    let store = rows.open();
    ops(&store).rotate(id, new_data("fresh")).unwrap();
    lock(&store, id, "checkout");
    bustle(&store);
    store.close().unwrap();
    assert!(!earlier.under(keys::SAVED_SECRET).is_empty());
    (rows, earlier, id)
}

/// Puts rows of a kind back as they were.
pub(super) fn put_back(rows: &Rows, earlier: &Rows, kind: u8) {
    rows.put_all(earlier, kind);
}

#[track_caller]
fn honest(rows: &Rows, id: SecretId) {
    let store = rows.open();
    assert_eq!(value(&store, id), "fresh");
    assert_eq!(store.lock_status(id).unwrap().locks_total(), 1);
    assert_eq!(store.secret(id).unwrap().versions.len(), 2);
    let rotated = ops(&store).rotate(id, new_data("over")).and_then(|_| ops(&store).rotate(id, new_data("the lock")));
    assert_eq!(rotated.unwrap_err().code(), "secret_version_locked");
}

/// The row of one secret is put back from before its rotation and its lock.
#[test]
fn a_saved_secret_that_is_put_back_changes_nothing() {
    let (rows, earlier, id) = victim();
    let row = |rows: &Rows| read_chunked(&rows.0, &keys::saved_secret(id)).unwrap().unwrap();
    assert_ne!(row(&rows), row(&earlier));
    let fork = rows.fork();
    let mut batch = Batch::new();
    put_chunked(&mut batch, &keys::saved_secret(id), &row(&earlier)).unwrap();
    fork.0.commit(&batch).unwrap();
    assert!(fork.open().status().unwrap().rebuilt_at_open);
    honest(&fork, id);
    for kinds in [&[keys::SAVED_SECRET][..], b"sa", b"saw", b"hpy", b"sawhpy"] {
        let fork = rows.fork();
        kinds.iter().for_each(|kind| put_back(&fork, &earlier, *kind));
        honest(&fork, id);
    }
}

/// The voucher, alone or with all the rows that it proves, is of another end of the log.
#[test]
fn a_voucher_that_is_put_back_removed_or_made_up_is_refused() {
    let (rows, earlier, _) = victim();
    for kinds in [&b"v"[..], b"saw v", b"sawhpynv", b"vez", b"vm"] {
        let fork = rows.fork();
        kinds.iter().for_each(|kind| put_back(&fork, &earlier, *kind));
        assert_eq!(fork.try_open().unwrap_err().code(), "rows_changed", "{kinds:?}");
    }
    let fork = rows.fork();
    fork.remove(&keys::VOUCHER);
    let error = fork.try_open().unwrap_err();
    assert_eq!(error.code(), "rows_changed");
    assert!(error.to_string().contains("restore the store from a backup"), "{error}");
    let other = Rows::new();
    fork.put(&keys::VOUCHER, &other.under(b'v')[0].1);
    assert_eq!(fork.try_open().unwrap_err().code(), "rows_changed");
}

/// Verifier keys and the quarantine are in the row of the part that belongs to no secret.
#[test]
fn settings_that_are_changed_or_put_back_change_nothing() {
    let (rows, earlier, id) = victim();
    let fork = rows.fork();
    put_back(&fork, &earlier, keys::SAVED_WHOLE[0]);
    honest(&fork, id);
    let (row_key, row) = rows.under(keys::SAVED_WHOLE[0]).remove(0);
    let keys = rows.open().verifier_keys().unwrap();
    let text = keys[&1].to_string();
    let at = row.windows(text.len()).position(|part| part == text.as_bytes()).unwrap();
    for at in [at + text.len() - 2, row.len() - 1, row.len() - 20] {
        let fork = rows.fork();
        let mut changed = row.clone();
        changed[at] ^= 1;
        fork.put(&row_key, &changed);
        assert_eq!(fork.open().verifier_keys().unwrap(), keys);
        honest(&fork, id);
    }
}

/// Whatever rows contain, only one root of a size is ever signed.
#[test]
fn never_are_two_roots_of_one_size_signed() {
    let (rows, earlier, _) = victim();
    let store = rows.open();
    let size = store.status().unwrap().log_size;
    let sizes = [1, 2, 127, 128, 129, 700, size.get() - 1, size.get()].map(Position::new);
    let notes = |store: &Store| {
        sizes.map(|size| store.checkpoint_at(size).map(|note| note.unwrap().note().to_owned()).map_err(|e| e.code()))
    };
    let proofs = |store: &Store| sizes.map(|size| store.prove_consistency(size, sizes[7]).unwrap().hashes().to_vec());
    let (signed, proved, now) = (notes(&store), proofs(&store), store.checkpoint().unwrap());
    assert!(signed.iter().all(Result::is_ok));
    drop(store);
    let nodes = rows.under(keys::TREE_NODE);
    assert!(nodes.len() > 10);
    for (row_key, row) in &nodes {
        let fork = rows.fork();
        let mut changed = row.clone();
        changed[9] ^= 1;
        fork.put(row_key, &changed);
        let store = fork.open();
        assert_eq!((notes(&store), proofs(&store)), (signed.clone(), proved.clone()));
        assert_eq!(store.checkpoint().unwrap(), now);
        assert!(!store.scrub(|_| {}).unwrap().findings.is_empty());
    }
    // Rows of an earlier release are ignored.
    let fork = rows.fork();
    fork.put(&keys::OLD_FRONTIER, &rows.open().0.shared.published.load().frontier.encode());
    put_back(&fork, &earlier, b't');
    assert_eq!(fork.open().checkpoint().unwrap(), now);
    // A seed in another's place signs nothing.
    let store = rows.open();
    ops(&store).change_signing_key().unwrap();
    put_secret(&store, "under-the-new-key");
    store.close().unwrap();
    let seeds = rows.under(keys::SIGNING_SEED);
    rows.put(&seeds[0].0, &seeds[1].1);
    let store = rows.open();
    assert_eq!(store.checkpoint_at(Position::new(2)).unwrap_err().code(), "corrupt");
    assert!(store.checkpoint().is_ok());
    assert!(!store.status().unwrap().strange_keys.is_empty());
}

/// Changes a commit of the log in place.
pub(super) fn change_commit(rows: &Rows, position: u64, change: impl Fn(&mut Vec<u8>)) {
    let row_keys = rows
        .under(keys::LOG)
        .into_iter()
        .filter_map(|(row_key, _)| row_key.split_last_chunk::<4>().and_then(|(own, _)| keys::parse_log_commit(own)));
    let first = row_keys.filter(|first| first.get() <= position).max().unwrap();
    let mut commit = read_chunked(&rows.0, &keys::log_commit(first)).unwrap().unwrap();
    change(&mut commit);
    rows.under(keys::LOG)
        .iter()
        .filter(|(row_key, _)| row_key.starts_with(&keys::log_commit(first)))
        .for_each(|(row_key, _)| rows.remove(row_key));
    let mut batch = Batch::new();
    put_chunked(&mut batch, &keys::log_commit(first), &commit).unwrap();
    rows.0.commit(&batch).unwrap();
}

/// Words of a record before the mark are changed on the disk.
#[test]
fn records_that_were_changed_are_not_shown() {
    let (rows, _, _) = victim();
    let position = 4;
    change_commit(&rows, position, |commit| {
        let at = commit.windows(3).position(|part| part == b"ops").unwrap();
        commit[at..at + 3].copy_from_slice(b"bob");
    });
    let store = rows.open();
    let at = Position::new(position);
    let shown = store.for_each_record(Position::FIRST, |entry| {
        assert!(entry.position() < at);
        ControlFlow::Continue(())
    });
    assert_eq!(shown.unwrap_err().code(), "corrupt");
    assert!(store.for_each_raw_record(Position::FIRST, |_| ControlFlow::Continue(())).is_err());
    assert!(store.watch(Position::FIRST).unwrap().any(|entry| entry.is_err()));
    assert!(store.prove_event(at).is_err());
    assert!(store.as_of(crate::audit::AsOf::Position(at)).is_err());
    let mut export = Vec::new();
    assert!(store.export(&mut export, crate::store::export::ExportOptions::default(), |_| {}).is_err());
    assert!(store.backup(Vec::new(), &bytes(9), |_| {}).is_err());
}

/// A key slot that was removed, and an epoch that was retired.
#[test]
fn keys_that_were_removed_and_put_back_open_nothing_and_are_told() {
    let rows = Rows::new();
    let store = rows.open();
    let id = put_secret(&store, "token");
    let slot = ops(&store).add_key_slot(&bytes(7), &bytes(8), PassphraseCost::FLOOR).unwrap();
    store.close().unwrap();
    let earlier = rows.fork();
    let store = rows.open();
    ops(&store).remove_key_slot(slot).unwrap();
    ops(&store).roll_epoch(|_| {}).unwrap();
    store.close().unwrap();
    earlier.under(keys::KEY_SLOT).iter().for_each(|(row_key, row)| rows.put(row_key, row));
    assert_eq!(open_with(&rows, bytes(8)).unwrap_err().code(), "rows_changed");
    let told = |rows: &Rows, words: &str| {
        let store = open_with(rows, bytes(7)).unwrap();
        assert_eq!(value(&store, id), "token");
        let strange = store.status().unwrap().strange_keys;
        assert!(strange.iter().any(|strange| strange.contains(words)), "{strange:?}");
        assert!(store.scrub(|_| {}).unwrap().findings.iter().any(|finding| finding.contains(words)));
        let mut backup = Vec::new();
        store.backup(&mut backup, &bytes(9), |_| {}).unwrap();
        assert!(crate::engine::backup::check(backup.as_slice(), &bytes(9), &Default::default(), &mut |_| {}).is_ok());
        store.close().unwrap();
    };
    told(&rows, "key slot 1 was removed");
    // The same number again, for another key.
    let store = rows.open();
    assert_eq!(ops(&store).add_key_slot(&bytes(7), &bytes(9), PassphraseCost::FLOOR).unwrap(), slot);
    store.close().unwrap();
    earlier.under(keys::KEY_SLOT).iter().for_each(|(row_key, row)| rows.put(row_key, row));
    assert_eq!(open_with(&rows, bytes(8)).unwrap_err().code(), "rows_changed");
    told(&rows, "key slot 1 is damaged, or was changed");
    let epoch = earlier.under(keys::EPOCH_KEY).remove(0);
    rows.put(&epoch.0, &epoch.1);
    told(&rows, "epoch 1 was retired");
    rows.remove(&keys::epoch_key(2));
    assert_eq!(open_with(&rows, bytes(7)).unwrap_err().code(), "rows_changed");
}

/// Saved state of a later release may depend on events that this release does not know. Once, after a mark had moved
/// past such an event, an older release continued to write under a rule that it did not know.
#[test]
fn saved_state_of_a_later_release_is_not_believed() {
    let (rows, _, id) = victim();
    assert!(rows.open().0.replayed < 100, "saved state is used");
    let key = rows.keys().rows_key();
    let row = rows.0.get(&keys::VOUCHER).unwrap().unwrap();
    let voucher = decode_voucher(key.bytes(), &row).unwrap();
    let later = Voucher { vocabulary: voucher.vocabulary + 1, ..voucher };
    rows.put(&keys::VOUCHER, &encode_voucher(key.bytes(), &later).unwrap());
    for _ in 0..2 {
        let store = rows.open();
        assert_eq!(store.0.replayed, store.status().unwrap().log_size.get(), "all of the log is read again");
        assert_eq!(value(&store, id), "fresh");
        bustle(&store);
        store.close().unwrap();
    }
    let row = rows.0.get(&keys::VOUCHER).unwrap().unwrap();
    assert_eq!(
        decode_voucher(key.bytes(), &row).unwrap().vocabulary,
        later.vocabulary,
        "what was known once stays known"
    );
}
