//! Owns the restore of a store from a backup: the backup is verified, then written, then opened in quarantine.
//!
//! Read next: [`super::build`].

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

use crate::codec::backup::Entry;
use crate::codec::keys;
use crate::domain::id::DataKeyId;
use crate::domain::position::Position;
use crate::domain::quarantine::RestoredFrom;
use crate::engine::Engine;
use crate::engine::open::Opening;
use crate::error::Error;
use crate::ledger::frames;
use crate::seal::envelope;
use crate::seal::keyring::Keyring;
use crate::seal::slots::Slots;
use crate::seal::unlock::Unlock;
use crate::seal::wrapped_key::WrappedDataKey;
use crate::storage::{AnchorMark, Put};

use super::build::{Birth, Builder, check_free, open, refuse_legal, storage, time_of_restore};
use super::check::{BackupReport, Checked, check, live};
use super::entries::EntryReader;
use super::trust::{BackupTrust, hold_to_seeds};

/// The progress of a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreProgress {
    /// The backup is being verified.
    Verifying {
        /// Roughly how many bytes of it were read.
        bytes: u64,
    },
    /// The store is being written.
    Writing {
        /// Roughly how many bytes of the backup were read.
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
    let trust = BackupTrust::of(opening);
    let mut verifying = |bytes| progress(RestoreProgress::Verifying { bytes });
    let mut checked = check(&mut backup, key, &trust, &mut verifying)?;
    refuse_legal(&opening.accepted_steps, &checked.report.accepted_steps)?;
    time_of_restore(opening, &checked.state.whole)?;
    let keyring = open_keys(&checked, opening)?;
    let unproved_keys = hold_to_seeds(&checked.state.whole, &checked.seeds, &keyring, &checked.log_id)?;
    (checked.report.proved_size, checked.report.unproved_keys) = (checked.report.log_size, unproved_keys);
    let storage = storage(opening, &mut |put| {
        backup.rewind().map_err(Error::unreadable)?;
        let entries = EntryReader::begin(&mut backup, key)?;
        write(entries, &checked, &keyring, (opening, &mut *put), progress)
    })?;
    let engine = open(storage, checked.log_id, keyring, opening)?;
    Ok((engine, checked.report))
}

/// Opens the keys of the store: the caller of a restore must be able to open the store.
fn open_keys(checked: &Checked, opening: &Opening) -> Result<Keyring, Error> {
    let slots = checked.slots.iter().map(|(number, bytes)| (*number, bytes.as_slice()));
    let (root, _) = Slots::decode(checked.log_id, slots).open(&opening.unlock)?;
    Ok(Keyring::open(checked.log_id, &root, checked.epochs.values().copied())?)
}

/// Reads the backup a second time, and writes what the last state of its log needs.
fn write<R: Read>(
    mut entries: EntryReader<R>,
    checked: &Checked,
    keyring: &Keyring,
    (opening, put): (&Opening, &mut Put<'_>),
    progress: &mut dyn FnMut(RestoreProgress),
) -> Result<AnchorMark, Error> {
    as_checked(*entries.header() == checked.header)?;
    let mut rows = Rows::new(Builder::new(put, &checked.log_id), checked, keyring);
    loop {
        progress(RestoreProgress::Writing { bytes: entries.bytes() });
        let Some((entry, value)) = entries.next()? else { break };
        rows.take(entry, value)?;
    }
    as_checked(rows.builder.end()? == checked.end)?;
    as_checked(rows.needed.values().all(|found| found.data && found.key))?;
    let (log_id, whole, from) = (checked.log_id, &checked.state.whole, RestoredFrom::Backup);
    let (slots, kept_slots, slot_rows) = (Vec::new(), &checked.slots, Vec::new());
    let mark = rows.builder.finish(Birth { opening, log_id, keyring, whole, from, slots, kept_slots, slot_rows })?;
    debug_assert!(mark.log_size > checked.end.size.get());
    Ok(mark)
}

/// Refuses a file that changed between the two reads.
fn as_checked(is_it: bool) -> Result<(), Error> {
    if is_it { Ok(()) } else { Err(Error::backup_damaged("the backup changed while it was read; try again")) }
}

/// What was written for one version.
#[derive(Clone, Copy, Debug)]
struct Written {
    /// The digest in the log.
    digest: [u8; 32],
    data: bool,
    key: bool,
}

/// The rows of a store that is being written from its backup.
struct Rows<'a, 'b, 'p> {
    builder: Builder<'b, 'p>,
    checked: &'a Checked,
    keyring: &'a Keyring,
    /// The data in the last state. All other data in the backup was destroyed by then.
    needed: BTreeMap<DataKeyId, Written>,
}

impl<'a, 'b, 'p> Rows<'a, 'b, 'p> {
    fn new(builder: Builder<'b, 'p>, checked: &'a Checked, keyring: &'a Keyring) -> Self {
        let needed = live(&checked.state)
            .map(|sealed| (sealed.data_key, Written { digest: sealed.digest, data: false, key: false }))
            .collect();
        Self { builder, checked, keyring, needed }
    }

    fn take(&mut self, entry: Entry, value: &[u8]) -> Result<(), Error> {
        match entry {
            Entry::Meta => self.builder.row(&keys::STORE_META, value),
            Entry::KeySlot(slot) => {
                as_checked(self.checked.slots.get(&slot).is_some_and(|bytes| bytes == value))?;
                self.builder.chunked(&keys::key_slot(slot), value)
            }
            Entry::EpochKey(epoch) => {
                as_checked(self.checked.epochs.get(&epoch).is_some_and(|key| key.as_bytes() == value))?;
                self.builder.row(&keys::epoch_key(epoch), value)
            }
            Entry::SigningSeed(number) => {
                as_checked(self.checked.seeds.get(&number).is_some_and(|bytes| bytes == value))?;
                self.builder.row(&keys::signing_seed(number), value)
            }
            Entry::Commit(first) => self.builder.commit(first, &without(value, &self.checked.still_there)?),
            Entry::SealedData(data_key) => match self.needed.get_mut(&data_key) {
                Some(written) => {
                    as_checked(!written.data && written.digest == envelope::digest(value))?;
                    written.data = true;
                    self.builder.chunked(&keys::sealed_data(data_key), value)
                }
                None => Ok(()),
            },
            Entry::DataKey(data_key) => self.take_key(data_key, value),
            Entry::Checkpoint => Ok(()),
        }
    }

    /// Writes a data key, if its epoch is alive at the end of the log.
    fn take_key(&mut self, data_key: DataKeyId, value: &[u8]) -> Result<(), Error> {
        let wrapped = WrappedDataKey::from_bytes(value)?;
        let is_live = self.checked.epochs.contains_key(&wrapped.epoch().get());
        match self.needed.get_mut(&data_key).filter(|_| is_live) {
            Some(written) => {
                as_checked(!written.key)?;
                written.key = true;
                self.keyring.unwrap(data_key, &wrapped)?;
                self.builder.row(&keys::data_key(data_key), value)
            }
            None => Ok(()),
        }
    }
}

/// Returns a commit without its erased bodies.
pub(super) fn without<'a>(commit: &'a [u8], erased: &BTreeSet<Position>) -> Result<Cow<'a, [u8]>, Error> {
    if erased.is_empty() {
        return Ok(Cow::Borrowed(commit));
    }
    let mut framed = Vec::with_capacity(commit.len());
    for raw in frames(commit) {
        let raw = raw.map_err(|error| Error::corrupt(format!("the log is damaged: {error}")))?;
        let is_erased = erased.contains(&raw.header().position);
        if is_erased { raw.erased().unwrap_or(raw) } else { raw }.frame(&mut framed);
    }
    Ok(Cow::Owned(framed))
}
