//! An attacker who has a backup and its key, and no key of the store: the backups that they write are not the store's.
//!
//! All hashes are corrected, and the log is signed by the attacker's own key.

use std::collections::BTreeMap;
use std::io::Cursor;

use super::backups::{Entries, at, entries_of, key, kind, seal};
use super::{new_data, opening, ops, put_secret};
use crate::codec::context::encode_context;
use crate::codec::event::{encode_event, schema_of};
use crate::codec::keys;
use crate::codec::meta::decode_meta;
use crate::domain::event::{Event, KeySlotAdded, KeySlotRemoved, SigningKeySet, StoreRestored};
use crate::domain::id::LogId;
use crate::domain::lock::NewLock;
use crate::domain::name::LockName;
use crate::domain::position::Position;
use crate::domain::quarantine::RestoredFrom;
use crate::domain::record::Record;
use crate::domain::settings::KeySlotKind;
use crate::domain::version::VersionRef;
use crate::engine::backup::{BackupTrust, check, from_export, restore};
use crate::engine::log::Decoder;
use crate::engine::open::{Place, create};
use crate::error::Error;
use crate::ledger::{
    ChainEnd, Checkpoint, Erasure, Frontier, Head, NewRecord, NoteSigner, Subject, VerifierKey, frames, origin,
};
use crate::seal::passphrase::PassphraseCost;
use crate::seal::secret_bytes::SecretBytes;
use crate::seal::unlock::Unlock;
use crate::store::Store;
use crate::store::export::ExportOptions;

/// Returns a store with a secret that was rotated once and is locked.
pub(super) fn victim() -> Store {
    let store = Store::new(create(&opening(Place::Memory)).unwrap());
    let id = put_secret(&store, "token");
    ops(&store).rotate(id, new_data("new-secret")).unwrap();
    ops(&store).place_lock(id, VersionRef::Current, NewLock::new(LockName::parse("billing").unwrap())).unwrap();
    put_secret(&store, "other");
    store
}

/// A log in the attacker's hands: records in their batches.
pub(super) type Batches = Vec<Vec<Record>>;

pub(super) fn log_id(entries: &Entries) -> LogId {
    decode_meta(&entries[0].1).unwrap().log_id
}

fn forger(log_id: &LogId) -> NoteSigner {
    NoteSigner::new(&origin(log_id), &[66; 32]).unwrap()
}

pub(super) fn read_log(entries: &Entries) -> Batches {
    let (mut batches, mut decoder) = (Batches::new(), Decoder::default());
    for (_, bytes) in entries.iter().filter(|(row_key, _)| kind(row_key) == keys::LOG) {
        for raw in frames(bytes) {
            let record = decoder.decode(&raw.unwrap()).unwrap().unwrap();
            if record.index == 0 {
                batches.push(Vec::new());
            }
            batches.last_mut().unwrap().push(record);
        }
    }
    batches
}

/// Writes a log into a backup, with positions, revisions and hashes corrected, and signs it.
pub(super) fn write_log(entries: &mut Entries, batches: &Batches, signer: &NoteSigner) {
    let log_id = log_id(entries);
    let first = at(entries, keys::LOG);
    entries.retain(|(row_key, _)| kind(row_key) != keys::LOG);
    let (mut end, mut heads, mut revisions) = (ChainEnd::genesis(&log_id), Vec::<Head>::new(), BTreeMap::new());
    for (nth, batch) in batches.iter().filter(|batch| !batch.is_empty()).enumerate() {
        let bodies: Vec<_> = batch.iter().map(|record| encode_event(&record.event, &[7; 16]).unwrap()).collect();
        let contexts: Vec<_> = batch.iter().map(|record| encode_context(&record.context).unwrap()).collect();
        let mut record = |at: usize| {
            let Record { subject, event_id, recorded_at, event, .. } = &batch[at];
            let subject = subject.map_or(Subject::Store, |subject| {
                let revision = revisions.entry(subject.secret).or_insert(crate::domain::position::Revision::new(0));
                *revision = revision.next();
                Subject::Secret { id: subject.secret, revision: *revision }
            });
            NewRecord {
                erasure: if event.is_erasable() { Erasure::Allowed } else { Erasure::Never },
                event_type: event.number(),
                schema: schema_of(event),
                subject,
                event_id: *event_id,
                time: *recorded_at,
                context: &contexts[at],
                body: &bodies[at],
            }
        };
        let records: Vec<_> = (0..batch.len()).map(&mut record).collect();
        let (position, mut framed) = (end.size, Vec::new());
        heads.extend(end.append(&records, &mut framed).unwrap());
        entries.insert(first + nth, (keys::log_commit(position).to_vec(), framed));
    }
    let mut tree = Frontier::default();
    heads.iter().for_each(|head| tree.append(head).unwrap());
    let note = Checkpoint { log_id, tree_head: tree.tree_head() }.sign(&[signer]).unwrap();
    entries.last_mut().unwrap().1 = note.note().as_bytes().to_vec();
}

/// Returns another history than the store's, under the attacker's own key.
fn forge(store: &Store, change: impl FnOnce(&mut Batches)) -> Entries {
    let mut entries = entries_of(store);
    let mut batches = read_log(&entries);
    let signer = forger(&log_id(&entries));
    for record in batches.iter_mut().flatten() {
        if let Event::SigningKeySet(set) = &mut record.event {
            set.verifier_key = signer.verifier_key().to_string().into();
        }
    }
    change(&mut batches);
    write_log(&mut entries, &batches, &signer);
    entries
}

fn without_seeds(mut entries: Entries) -> Entries {
    entries.retain(|(row_key, _)| kind(row_key) != keys::SIGNING_SEED);
    entries
}

fn verify(entries: &Entries, trust: &BackupTrust) -> Result<crate::engine::backup::BackupReport, Error> {
    check(seal(entries).as_slice(), &key(), trust, &mut |_| {}).map(|checked| checked.report)
}

pub(super) fn try_restore(entries: &Entries) -> Result<Store, Error> {
    restore(Cursor::new(seal(entries)), &key(), &opening(Place::Memory), &mut |_| {})
        .map(|(engine, _)| Store::new(engine))
}

fn real_key(store: &Store) -> VerifierKey {
    store.verifier_keys().unwrap().into_values().next().unwrap()
}

/// Checks that a backup that looks whole is reported as of unknown origin, and makes no store.
#[track_caller]
fn check_forged(store: &Store, entries: &Entries) {
    let report = verify(entries, &BackupTrust::default()).unwrap();
    assert_eq!((report.proved_size, report.unproved_keys.len()), (Position::FIRST, 1), "nothing proves who wrote it");
    let by_key = BackupTrust::default().key(real_key(store));
    assert_eq!(verify(entries, &by_key).unwrap_err().code(), "backup_forged");
    let by_checkpoint =
        BackupTrust::default().checkpoint(store.checkpoint_at(Position::new(3)).unwrap().unwrap().note());
    assert_eq!(verify(entries, &by_checkpoint).unwrap_err().code(), "forked");
    for entries in [entries.clone(), without_seeds(entries.clone())] {
        assert_eq!(try_restore(&entries).map(drop).unwrap_err().code(), "backup_forged");
    }
}

#[test]
fn an_honest_backup_is_proved_by_a_key_or_a_checkpoint_and_is_restored() {
    let store = victim();
    let (entries, size) = (entries_of(&store), store.status().unwrap().log_size);
    let alone = verify(&entries, &BackupTrust::default()).unwrap();
    assert_eq!((alone.proved_size, alone.unproved_keys), (Position::FIRST, vec![1]));
    let by_key = verify(&entries, &BackupTrust::default().key(real_key(&store))).unwrap();
    assert_eq!((by_key.proved_size, by_key.unproved_keys), (size, vec![]));
    let early = store.checkpoint_at(Position::new(3)).unwrap().unwrap();
    let by_checkpoint = verify(&entries, &BackupTrust::default().checkpoint(early.note())).unwrap();
    assert_eq!((by_checkpoint.proved_size, by_checkpoint.unproved_keys), (size, vec![]), "it covers the key in force");
    let restored = try_restore(&entries).unwrap();
    assert_eq!(super::value(&restored, super::named(&restored, "token")), "new-secret");
}

#[test]
fn a_key_that_was_set_after_the_checkpoint_is_not_proved_by_it() {
    let store = victim();
    let early = store.checkpoint().unwrap();
    ops(&store).change_signing_key().unwrap();
    put_secret(&store, "later");
    let entries = entries_of(&store);
    let report = verify(&entries, &BackupTrust::default().checkpoint(early.note())).unwrap();
    assert_eq!((report.proved_size, report.unproved_keys), (early.checkpoint().tree_head.size, vec![2]));
    let report = verify(&entries, &BackupTrust::default().key(real_key(&store))).unwrap();
    assert_eq!((report.proved_size, report.unproved_keys), (Position::FIRST, vec![2]));
    assert!(try_restore(&entries).is_ok(), "the seeds prove both");
    let seed = at(&entries, keys::SIGNING_SEED);
    for missing in [seed, seed + 1] {
        let mut entries = entries.clone();
        entries.remove(missing);
        assert_eq!(try_restore(&entries).err().unwrap().code(), "backup_forged");
    }
    let mut swapped = entries;
    let (one, two) = (swapped[seed].1.clone(), swapped[seed + 1].1.clone());
    (swapped[seed].1, swapped[seed + 1].1) = (two, one);
    assert_eq!(try_restore(&swapped).err().unwrap().code(), "backup_forged");
}

/// The lock is left out of the log.
#[test]
fn a_history_without_the_lock_is_refused() {
    let store = victim();
    let forged = forge(&store, |batches| {
        for batch in batches.iter_mut() {
            batch.retain(|record| !matches!(record.event, Event::LockPlaced(_)));
        }
    });
    check_forged(&store, &forged);
}

/// Current and previous version are exchanged, so that a read would return the old data.
#[test]
fn a_history_with_versions_exchanged_is_refused() {
    let store = victim();
    let forged = forge(&store, |batches| {
        let mut added: Vec<_> = batches
            .iter_mut()
            .flatten()
            .filter_map(|record| match &mut record.event {
                Event::VersionAdded(added) => Some(added),
                _ => None,
            })
            .collect();
        let (one, two) = ((added[0].version, added[0].sealed), (added[1].version, added[1].sealed));
        (added[0].version, added[0].sealed) = two;
        (added[1].version, added[1].sealed) = one;
        let (one, two) = (one.0, two.0);
        for record in batches.iter_mut().flatten() {
            if let Event::LockPlaced(placed) = &mut record.event {
                placed.version = if placed.version == two { one } else { two };
            }
        }
    });
    check_forged(&store, &forged);
}

/// A restore from an export that never happened, after which no seeds of older keys are needed.
#[test]
fn an_import_that_never_was_is_refused() {
    let store = victim();
    let bytes = |byte: u8| Unlock::bytes(SecretBytes::copy_from(&[byte; 32]));
    // In a full set, slot 0 is made anew, so that its row still opens.
    for byte in 11..18 {
        ops(&store).add_key_slot(&bytes(7), &bytes(byte), PassphraseCost::FLOOR).unwrap();
    }
    let mut forged = forge(&store, |batches| {
        let last = batches.last().unwrap().last().unwrap().clone();
        let position = batches.iter().map(Vec::len).sum::<usize>();
        let log_size = Position::new(u64::try_from(position).unwrap());
        let incarnation = crate::Incarnation::ORIGINAL.restored_at(last.recorded_at);
        let from = RestoredFrom::Export;
        let restored = StoreRestored { from, log_size, with_data: false, incarnation, accepted_steps: [].into() };
        let verifier_key = forger(&store.log_id()).verifier_key().to_string().into();
        let removed = |slot: u8| Event::from(KeySlotRemoved { slot });
        let mut events =
            vec![restored.into(), removed(0), KeySlotAdded { slot: 0, kind: KeySlotKind::HostBytes }.into()];
        events.extend((1..8).map(removed));
        events.push(SigningKeySet { number: 2, verifier_key }.into());
        batches.push(events.into_iter().map(|event| Record { event, subject: None, ..last.clone() }).collect());
    });
    forged.retain(|(row_key, _)| kind(row_key) != keys::KEY_SLOT || row_key[1] == 0);
    // The seed of the key that the import set is missing; that of an older key may be missing.
    assert_eq!(verify(&forged, &BackupTrust::default()).unwrap_err().code(), "backup_forged");
    for entries in [forged.clone(), without_seeds(forged)] {
        assert_eq!(try_restore(&entries).err().unwrap().code(), "backup_forged");
    }
}

/// Only hashes of bodies are in the chain: leaving one out breaks nothing, and the checkpoint stays the store's own.
#[test]
fn a_body_that_no_record_erases_is_missed() {
    let store = victim();
    for label in ["LockPlaced", "SecretCreated", "VersionAdded"] {
        let mut entries = entries_of(&store);
        let mut left_out = 0;
        for (_, bytes) in entries.iter_mut().filter(|(row_key, _)| kind(row_key) == keys::LOG) {
            let before = bytes.clone();
            bytes.clear();
            for raw in frames(&before) {
                let raw = raw.unwrap();
                let is_it = Event::label_of(raw.header().event_type) == Some(label);
                left_out += usize::from(is_it);
                if is_it { raw.erased().unwrap() } else { raw }.frame(bytes);
            }
        }
        assert!(left_out > 0, "{label}");
        for error in [
            verify(&entries, &BackupTrust::default().key(real_key(&store))).unwrap_err(),
            try_restore(&entries).err().unwrap(),
        ] {
            assert!(error.to_string().contains("lacks the body of record"), "{error}");
        }
    }
}

/// Bodies that were properly erased are missing in every later backup.
#[test]
fn bodies_that_were_erased_are_not_missed() {
    let store = victim();
    let id = super::named(&store, "token");
    let positions = store.erasable_records(id, Position::FIRST, 1_000).unwrap();
    ops(&store).erase_bodies(positions).unwrap();
    let entries = entries_of(&store);
    assert_eq!(verify(&entries, &BackupTrust::default()).unwrap().secrets, 2);
    let restored = try_restore(&entries).unwrap();
    assert_eq!(restored.secret(super::named(&restored, "token")).unwrap().locks_total(), 1);
}

/// An erasure during a backup: the record of the erasure may be after the picture that the backup is of.
#[test]
fn a_backup_during_an_erasure_is_of_a_picture_after_it() {
    let store = victim();
    let id = super::named(&store, "token");
    let (mut file, mut erased) = (Vec::new(), false);
    let report = store
        .backup(&mut file, &key(), |_| {
            if !std::mem::replace(&mut erased, true) {
                let positions = store.erasable_records(id, Position::FIRST, 1_000).unwrap();
                ops(&store).erase_bodies(positions).unwrap();
            }
        })
        .unwrap();
    assert!(erased);
    assert_eq!(report.log_size, store.status().unwrap().log_size, "the erasure is in it");
    let (restored, again) = restore(Cursor::new(file), &key(), &opening(Place::Memory), &mut |_| {}).unwrap();
    assert_eq!(again.secrets, 2);
    let restored = Store::new(restored);
    assert_eq!(restored.secret(super::named(&restored, "token")).unwrap().locks_total(), 1);
}

/// A store made from an export has no seeds of earlier keys, and reports that.
#[test]
fn keys_from_before_an_import_are_reported_as_unproved() {
    let store = victim();
    let mut export = Vec::new();
    store.export(&mut export, ExportOptions::default(), |_| {}).unwrap();
    let options = crate::audit::VerifyOptions::default();
    let (engine, _) = from_export(Cursor::new(export), &options, &opening(Place::Memory), &mut |_| {}).unwrap();
    let imported = Store::new(engine);
    let entries = entries_of(&imported);
    let (_, report) = restore(Cursor::new(seal(&entries)), &key(), &opening(Place::Memory), &mut |_| {}).unwrap();
    assert_eq!((report.proved_size, report.unproved_keys), (report.log_size, vec![1]));
    assert_eq!(try_restore(&without_seeds(entries)).err().unwrap().code(), "backup_forged");
}
