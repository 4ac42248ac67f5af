//! Backups by an attacker who has the key: whole files, chunk by chunk, whose entries do not fit together.

use std::io::Cursor;

use super::{new_data, opening, ops, put_secret};
use crate::codec::backup::{CHECKPOINT, Entry};
use crate::codec::keys;
use crate::engine::backup::entries::{EntryReader, EntryWriter};
use crate::engine::backup::{BackupTrust, check, restore};
use crate::engine::open::{Place, create};
use crate::ledger::{Checkpoint, Frontier, NoteSigner, frames, head, origin};
use crate::seal::passphrase::PassphraseCost;
use crate::seal::secret_bytes::SecretBytes;
use crate::seal::unlock::Unlock;
use crate::store::Store;

/// Row keys and values, in the order of the file.
pub(super) type Entries = Vec<(Vec<u8>, Vec<u8>)>;

pub(super) fn key() -> Unlock {
    Unlock::bytes(SecretBytes::copy_from(&[8; 32]))
}

pub(super) fn seal(entries: &Entries) -> Vec<u8> {
    let mut writer = EntryWriter::begin(Vec::new(), &key(), PassphraseCost::FLOOR).unwrap();
    entries.iter().for_each(|(row_key, value)| writer.put(row_key, value).unwrap());
    writer.finish().unwrap()
}

pub(super) fn row_key(entry: Entry) -> Vec<u8> {
    match entry {
        Entry::Meta => keys::STORE_META.to_vec(),
        Entry::SealedData(data_key) => keys::sealed_data(data_key).to_vec(),
        Entry::DataKey(data_key) => keys::data_key(data_key).to_vec(),
        Entry::KeySlot(slot) => keys::key_slot(slot).to_vec(),
        Entry::EpochKey(epoch) => keys::epoch_key(epoch).to_vec(),
        Entry::SigningSeed(number) => keys::signing_seed(number).to_vec(),
        Entry::Commit(first) => keys::log_commit(first).to_vec(),
        Entry::Checkpoint => CHECKPOINT.to_vec(),
    }
}

/// Returns the entries of a store with two secrets, the first of them rotated once, sealed under epoch 2.
fn entries() -> Entries {
    let store = Store::new(create(&opening(Place::Memory)).unwrap());
    let id = put_secret(&store, "one");
    ops(&store).rotate(id, new_data("two")).unwrap();
    put_secret(&store, "three");
    ops(&store).roll_epoch(|_| {}).unwrap();
    entries_of(&store)
}

pub(super) fn entries_of(store: &Store) -> Entries {
    let mut file = Vec::new();
    store.backup(&mut file, &key(), |_| {}).unwrap();
    let mut reader = EntryReader::begin(file.as_slice(), &key()).unwrap();
    let mut entries = Vec::new();
    while let Some((entry, value)) = reader.next().unwrap() {
        entries.push((row_key(entry), value.to_vec()));
    }
    entries
}

pub(super) fn kind(row_key: &[u8]) -> u8 {
    row_key[0]
}

pub(super) fn at(entries: &Entries, wanted: u8) -> usize {
    entries.iter().position(|(row_key, _)| kind(row_key) == wanted).unwrap()
}

/// Checks that changed entries are refused with these words, and leave no store.
#[track_caller]
pub(super) fn check_refused(words: &str, change: impl FnOnce(&mut Entries)) {
    let mut entries = entries();
    assert!(check(seal(&entries).as_slice(), &key(), &BackupTrust::default(), &mut |_| {}).is_ok());
    change(&mut entries);
    let file = seal(&entries);
    let error =
        check(file.as_slice(), &key(), &BackupTrust::default(), &mut |_| {}).err().expect("this should be refused");
    assert!(error.to_string().contains(words), "{words:?} is not in: {error}");
    let restored = restore(Cursor::new(file), &key(), &opening(Place::Memory), &mut |_| {});
    assert_eq!(restored.err().unwrap().to_string(), error.to_string());
}

#[test]
fn entries_that_are_missing_or_out_of_place_are_missed() {
    check_refused("does not begin with the description", |entries| drop(entries.remove(0)));
    check_refused("ends without a checkpoint", |entries| drop(entries.pop()));
    check_refused("goes on after its checkpoint", |entries| entries.push(entries[1].clone()));
    check_refused("describes the store twice", |entries| entries.insert(1, entries[0].clone()));
    check_refused("do not follow each other", |entries| drop(entries.remove(at(entries, keys::LOG))));
    check_refused("do not follow each other", |entries| {
        let first = at(entries, keys::LOG);
        entries.swap(first, first + 1);
    });
    check_refused("lacks data", |entries| drop(entries.remove(at(entries, keys::SEALED_DATA))));
    check_refused("other epoch keys", |entries| drop(entries.remove(at(entries, keys::EPOCH_KEY))));
    check_refused("a row key that none has", |entries| entries.insert(1, (b"?".to_vec(), Vec::new())));
}

#[test]
fn data_and_keys_that_are_not_what_the_log_says_are_found() {
    const WRONG: &str = "not what its log speaks of";
    check_refused(WRONG, |entries| {
        let data = at(entries, keys::SEALED_DATA);
        entries[data].1.push(0);
    });
    check_refused(WRONG, |entries| entries.retain(|(row_key, _)| kind(row_key) != keys::DATA_KEY));
    // Wrapped by a retired epoch: its number is in bytes 2 to 5.
    check_refused(WRONG, |entries| {
        let wrapped = at(entries, keys::DATA_KEY);
        entries[wrapped].1[5] = 1;
    });
    check_refused("a wrapped data key is damaged", |entries| {
        let wrapped = at(entries, keys::DATA_KEY);
        entries[wrapped].1.pop();
    });
    check_refused("in another's place", |entries| {
        let epoch = at(entries, keys::EPOCH_KEY);
        entries[epoch].0 = keys::epoch_key(3).to_vec();
    });
    check_refused("does not speak of", |entries| {
        let slot = entries[at(entries, keys::KEY_SLOT)].1.clone();
        entries.insert(1, (keys::key_slot(5).to_vec(), slot));
    });
}

#[test]
fn a_log_that_was_changed_cut_or_signed_by_another_is_found() {
    check_refused("a log that is damaged", |entries| {
        let commit = at(entries, keys::LOG);
        *entries[commit].1.last_mut().unwrap() ^= 1;
    });
    check_refused("a commit that cannot be read", |entries| {
        let commit = at(entries, keys::LOG);
        entries[commit].1.truncate(50);
    });
    check_refused("a checkpoint of another log", |entries| {
        let last = entries.iter().rposition(|(row_key, _)| kind(row_key) == keys::LOG).unwrap();
        entries.remove(last);
    });
    check_refused("a checkpoint that is wrong", |entries| {
        let (log_id, tree) = tree(entries);
        let stranger = NoteSigner::new(&origin(&log_id), &[1; 32]).unwrap();
        let note = Checkpoint { log_id, tree_head: tree.tree_head() }.sign(&[&stranger]).unwrap();
        entries.last_mut().unwrap().1 = note.note().as_bytes().to_vec();
    });
}

/// Returns the tree over the log of a backup.
fn tree(entries: &Entries) -> (crate::domain::id::LogId, Frontier) {
    let log_id = crate::codec::meta::decode_meta(&entries[0].1).unwrap().log_id;
    let mut tree = Frontier::default();
    for (_, bytes) in entries.iter().filter(|(row_key, _)| kind(row_key) == keys::LOG) {
        for raw in frames(bytes) {
            tree.append(&head(raw.unwrap().header_bytes())).unwrap();
        }
    }
    (log_id, tree)
}

/// A file sometimes has data that was destroyed by the end, and keys of epochs that ended; no store gets them.
#[test]
fn what_the_last_state_does_not_need_is_passed_over() {
    let mut entries = entries();
    let (data, wrapped) = (at(&entries, keys::SEALED_DATA), at(&entries, keys::DATA_KEY));
    let stranger = crate::domain::id::DataKeyId::from_bytes([9; 16]);
    let mut old = entries[wrapped].1.clone();
    old[5] = 1;
    entries.insert(1, (keys::data_key(stranger).to_vec(), old.clone()));
    entries.insert(1, (keys::sealed_data(stranger).to_vec(), entries[data + 2].1.clone()));
    entries.insert(3, (entries[wrapped + 2].0.clone(), old));
    let file = seal(&entries);
    let (engine, report) = restore(Cursor::new(file), &key(), &opening(Place::Memory), &mut |_| {}).unwrap();
    assert_eq!(report.versions, 3);
    let store = Store::new(engine);
    super::sound(&store);
    assert_eq!(super::value(&store, super::named(&store, "one")), "two");
}
