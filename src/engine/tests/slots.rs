//! Damaged key slots: a whole one still opens the store, and the damage is reported plainly.

use std::sync::Arc;

use super::{Rows, new_data, open_store, opening, ops, put_secret, sound, value};
use crate::codec::keys;
use crate::engine::open::{Access, Opening, Place, open_on};
use crate::error::Error;
use crate::seal::passphrase::PassphraseCost;
use crate::seal::secret_bytes::SecretBytes;
use crate::seal::unlock::Unlock;
use crate::store::Store;

fn bytes(byte: u8) -> Unlock {
    Unlock::bytes(SecretBytes::copy_from(&[byte; 32]))
}

fn open_with(rows: &Rows, unlock: Unlock) -> Result<Store, Error> {
    let opening = Opening { unlock, ..opening(Place::Memory) };
    open_on(Arc::new(rows.0.reopen()), &opening, Access::ReadWrite).map(Store::new)
}

/// Returns a store that two keys open, with a secret.
fn with_two_slots() -> (Rows, crate::domain::id::SecretId) {
    let rows = Rows::new();
    let store = rows.open();
    let id = put_secret(&store, "token");
    ops(&store).add_key_slot(&bytes(7), &bytes(8), PassphraseCost::FLOOR).unwrap();
    store.close().unwrap();
    (rows, id)
}

#[test]
fn a_damaged_slot_is_told_and_the_other_one_opens() {
    let (rows, id) = with_two_slots();
    let slots = rows.under(keys::KEY_SLOT);
    assert_eq!(slots.len(), 2);
    let (row_key, row) = &slots[0];
    for at in (0..row.len()).step_by(7) {
        let fork = rows.fork();
        let mut damaged = row.clone();
        damaged[at] ^= 0x20;
        fork.put(row_key, &damaged);
        let error = open_with(&fork, bytes(7)).unwrap_err();
        assert!(["key_slot_damaged", "wrong_key"].contains(&error.code()), "byte {at}: {error:?}");
        let store = open_with(&fork, bytes(8)).unwrap();
        assert_eq!(value(&store, id), "token");
    }
    let fork = rows.fork();
    fork.put(row_key, &row[..row.len() / 2]);
    assert_eq!(open_with(&fork, bytes(7)).unwrap_err().code(), "key_slot_damaged");
    let store = open_with(&fork, bytes(8)).unwrap();
    // The damaged slot is removed, and a new one takes its number.
    ops(&store).remove_key_slot(0).unwrap();
    assert_eq!(ops(&store).add_key_slot(&bytes(8), &bytes(9), PassphraseCost::FLOOR).unwrap(), 0);
    store.close().unwrap();
    sound(&open_with(&fork, bytes(9)).unwrap());
}

#[test]
fn a_slot_of_another_store_opens_nothing() {
    let (rows, _) = with_two_slots();
    let (other, _) = with_two_slots();
    let fork = rows.fork();
    for (row_key, row) in other.under(keys::KEY_SLOT) {
        fork.put(&row_key, &row);
    }
    let error = open_with(&fork, bytes(7)).unwrap_err();
    assert!(["key_slot_damaged", "wrong_key"].contains(&error.code()), "{error:?}");
}

#[test]
fn rolling_the_epoch_changes_no_row_of_sealed_data_and_every_wrapped_key() {
    let (rows, id) = with_two_slots();
    let store = rows.open();
    ops(&store).rotate(id, new_data("second")).unwrap();
    store.settle().unwrap();
    let (sealed, wrapped) = (rows.under(keys::SEALED_DATA), rows.under(keys::DATA_KEY));
    ops(&store).roll_epoch(|_| {}).unwrap();
    assert_eq!(rows.under(keys::SEALED_DATA), sealed);
    let rewrapped = rows.under(keys::DATA_KEY);
    assert_eq!(rewrapped.len(), wrapped.len());
    assert!(rewrapped.iter().zip(&wrapped).all(|(new, old)| new.0 == old.0 && new.1 != old.1));
    assert_eq!(rows.under(keys::EPOCH_KEY).len(), 1, "the old key is gone");
    sound(&store);
}

#[test]
fn sealed_data_that_was_exchanged_is_noticed_by_a_read_and_by_a_scrub() {
    let (rows, first) = with_two_slots();
    let store = rows.open();
    let second = put_secret(&store, "other");
    store.settle().unwrap();
    let sealed = rows.under(keys::SEALED_DATA);
    let [(one, row_of_one), (other, row_of_other)] = &sealed[..] else { panic!("two rows") };
    rows.put(one, row_of_other);
    rows.put(other, row_of_one);
    for id in [first, second] {
        let error = ops(&store).read(id, crate::domain::version::VersionRef::Current).unwrap_err();
        assert_eq!(error.code(), "corrupt");
    }
    assert_eq!(store.scrub(|_| {}).unwrap().findings.len(), 2);
    rows.remove(other);
    assert!(!store.scrub(|_| {}).unwrap().findings.is_empty());
    drop(open_store(Arc::new(rows.0.reopen())));
}
