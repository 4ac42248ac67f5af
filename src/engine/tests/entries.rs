//! Entries of a backup that occur twice, and keys that are missing or damaged, in files by an attacker who has only its
//! key.

use super::backups::{at, check_refused};
use crate::codec::keys;

/// Of two entries under one key, a restore would write one, and a verification might have checked the other.
#[test]
fn an_entry_that_stands_twice_is_refused() {
    for wanted in [keys::SEALED_DATA, keys::DATA_KEY, keys::KEY_SLOT, keys::EPOCH_KEY, keys::SIGNING_SEED] {
        for (is_first, is_other) in [(true, true), (true, false), (false, true)] {
            check_refused("holds an entry twice", |entries| {
                let place = at(entries, wanted);
                let (row_key, mut value) = entries[place].clone();
                *value.last_mut().unwrap() ^= u8::from(is_other);
                entries.insert(if is_first { place } else { place + 1 }, (row_key, value));
            });
        }
    }
    check_refused("do not follow each other", |entries| {
        let place = at(entries, keys::LOG);
        entries.insert(place, entries[place].clone());
    });
    check_refused("a commit without a record", |entries| {
        let place = at(entries, keys::LOG);
        entries.insert(place, (entries[place].0.clone(), Vec::new()));
    });
}

/// What can be checked of keys without a key of the store.
#[test]
fn key_slots_and_signing_seeds_that_are_missing_or_damaged_are_found() {
    check_refused("lacks a key slot", |entries| drop(entries.remove(at(entries, keys::KEY_SLOT))));
    check_refused("whose sealed seed is missing", |entries| drop(entries.remove(at(entries, keys::SIGNING_SEED))));
    // A slot that was damaged in its store is empty; at least one must not be.
    check_refused("a key slot that is damaged", |entries| {
        let slot = at(entries, keys::KEY_SLOT);
        entries[slot].1.clear();
    });
    for place in [0, 4, 5, 60] {
        check_refused("a key slot that is damaged", |entries| {
            let slot = at(entries, keys::KEY_SLOT);
            entries[slot].1[place] ^= 1;
        });
    }
    check_refused("has a key that is wrong", |entries| {
        let seed = at(entries, keys::SIGNING_SEED);
        entries[seed].1.pop();
    });
    check_refused("is not the one that the store has sealed", |entries| {
        let seed = at(entries, keys::SIGNING_SEED);
        entries[seed].1[5] ^= 2;
    });
}
