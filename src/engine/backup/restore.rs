//! Owns the way from a backup to a store: verified first, then written, then opened, in quarantine.
//!
//! Read next: [`super::build`].

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use crate::codec::backup::Entry;
use crate::codec::keys;
use crate::domain::id::DataKeyId;
use crate::domain::quarantine::RestoredFrom;
use crate::engine::Engine;
use crate::engine::open::Opening;
use crate::error::Error;
use crate::seal::keyring::Keyring;
use crate::seal::slots::Slots;
use crate::seal::unlock::Unlock;
use crate::seal::wrapped_key::{WrappedDataKey, WrappedSigningSeed};
use crate::storage::{AnchorMark, Put};

use super::build::{Birth, Builder, check_free, open, storage};
use super::check::{BackupReport, Checked, check, live};
use super::entries::EntryReader;

/// How far a restore has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreProgress {
    /// The backup is being verified.
    Verifying {
        /// Bytes of it that were read, more or less.
        bytes: u64,
    },
    /// The store is being written.
    Writing {
        /// Bytes of the backup that were read, more or less.
        bytes: u64,
    },
}

/// Makes a store from a backup, and opens it.
pub(crate) fn restore<R: Read + Seek>(
    mut backup: R,
    key: &Unlock,
    opening: &Opening,
    progress: &mut dyn FnMut(RestoreProgress),
) -> Result<(Engine, BackupReport), Error> {
    check_free(opening)?;
    backup.rewind().map_err(Error::unreadable)?;
    let expected = opening.expected_checkpoint.as_deref();
    let checked = check(&mut backup, key, expected, &mut |bytes| progress(RestoreProgress::Verifying { bytes }))?;
    let keyring = open_keys(&checked, opening)?;
    let storage = storage(opening, &mut |put| {
        backup.rewind().map_err(Error::unreadable)?;
        let entries = EntryReader::begin(&mut backup, key)?;
        write(entries, &checked, &keyring, (opening, &mut *put), progress)
    })?;
    let engine = open(storage, checked.log_id, keyring, opening)?;
    Ok((engine, checked.report))
}

/// Opens the keys of the store: whoever restores has to be able to open it.
fn open_keys(checked: &Checked, opening: &Opening) -> Result<Keyring, Error> {
    let slots = checked.slots.iter().map(|(number, bytes)| (*number, bytes.as_slice()));
    let (root, _) = Slots::decode(checked.log_id, slots).open(&opening.unlock)?;
    let keyring = Keyring::open(checked.log_id, &root, checked.epochs.values().copied())?;
    for bytes in checked.seeds.values() {
        keyring.unwrap_signing_seed(&WrappedSigningSeed::from_bytes(bytes)?)?;
    }
    Ok(keyring)
}

/// Reads the backup a second time, and writes what the last state of its log needs.
fn write<R: Read>(
    mut entries: EntryReader<R>,
    checked: &Checked,
    keyring: &Keyring,
    (opening, put): (&Opening, &mut Put<'_>),
    progress: &mut dyn FnMut(RestoreProgress),
) -> Result<AnchorMark, Error> {
    if *entries.header() != checked.header {
        return Err(Error::backup_damaged("the backup changed while it was read; try again"));
    }
    // Whether each was written: data, then its key.
    let mut needed: BTreeMap<DataKeyId, (bool, bool)> =
        live(&checked.state).map(|sealed| (sealed.data_key, (false, false))).collect();
    let mut builder = Builder::new(put, &checked.log_id);
    loop {
        progress(RestoreProgress::Writing { bytes: entries.bytes() });
        let Some((entry, value)) = entries.next()? else { break };
        match entry {
            Entry::Meta => builder.row(&keys::STORE_META, value)?,
            Entry::KeySlot(slot) => builder.chunked(&keys::key_slot(slot), value)?,
            Entry::EpochKey(epoch) => builder.row(&keys::epoch_key(epoch), value)?,
            Entry::SigningSeed(number) => builder.row(&keys::signing_seed(number), value)?,
            Entry::Commit(first) => builder.commit(first, value)?,
            Entry::SealedData(data_key) => {
                if let Some((data, _)) = needed.get_mut(&data_key).filter(|(data, _)| !data) {
                    *data = true;
                    builder.chunked(&keys::sealed_data(data_key), value)?;
                }
            }
            Entry::DataKey(data_key) => {
                let wrapped = WrappedDataKey::from_bytes(value)?;
                let is_live = checked.epochs.contains_key(&wrapped.epoch().get());
                if let Some((_, key)) = needed.get_mut(&data_key).filter(|_| is_live) {
                    *key = true;
                    keyring.unwrap(data_key, &wrapped)?;
                    builder.row(&keys::data_key(data_key), value)?;
                }
            }
            Entry::Checkpoint => {}
        }
    }
    if needed.values().any(|(data, key)| !data || !key) {
        return Err(Error::backup_damaged("the backup changed while it was read; try again"));
    }
    let (log_id, whole, from) = (checked.log_id, &checked.state.whole, RestoredFrom::Backup);
    let (slots, slot_rows) = (Vec::new(), Vec::new());
    let mark = builder.finish(Birth { opening, log_id, keyring, whole, from, slots, slot_rows })?;
    debug_assert!(mark.log_size > checked.end.size.get());
    Ok(mark)
}
