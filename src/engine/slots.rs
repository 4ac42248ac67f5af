//! Owns the reading of key slots, and of keys beside them that the log does not know.
//!
//! A slot that opens the store counts only if the log has it and its bytes are those that the store wrote. An attacker
//! who kept a copy could put a removed slot back. Read next: [`super::voucher`].

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use crate::codec::keys;
use crate::domain::id::LogId;
use crate::domain::limits;
use crate::domain::settings::KeySlotKind;
use crate::domain::state::Whole;
use crate::error::Error;
use crate::seal::slots::Slots;
use crate::storage::chunks::read_chunked;
use crate::storage::{Direction, KeyRange, Storage, StorageError};

use super::Shared;
use super::snapshot::Snapshot;

/// Stored key slots; one whose chunks are inconsistent is empty.
pub(crate) type StoredSlots = BTreeMap<u8, Vec<u8>>;

/// Reads all stored key slots, damaged ones too, whether the log has them or not.
pub(crate) fn stored_slots(storage: &dyn Storage) -> Result<StoredSlots, Error> {
    let mut stored = BTreeMap::new();
    for number in 0..limits::KEY_SLOTS_MAX {
        match read_chunked(storage, &keys::key_slot(number)) {
            Ok(bytes) => stored.extend(bytes.map(|bytes| (number, bytes))),
            // A slot with inconsistent chunks is damaged like one with wrong bytes; others may be whole.
            Err(StorageError::Corrupt { .. }) => drop(stored.insert(number, Vec::new())),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(stored)
}

/// Reads the key slots that the log has.
pub(super) fn slots_of(storage: &dyn Storage, known: &BTreeMap<u8, KeySlotKind>) -> Result<StoredSlots, Error> {
    let mut stored = stored_slots(storage)?;
    stored.retain(|number, _| known.contains_key(number));
    Ok(stored)
}

/// Makes a set of slots from the stored ones.
pub(crate) fn decode(log_id: LogId, stored: &StoredSlots) -> Slots {
    Slots::decode(log_id, stored.iter().map(|(number, bytes)| (*number, bytes.as_slice())))
}

impl Snapshot {
    /// Reads the key slots that the log has; one whose bytes the store did not write becomes empty.
    pub(crate) fn own_slots(&self, storage: &dyn Storage) -> Result<StoredSlots, Error> {
        let mut stored = slots_of(storage, &self.state.whole.key_slots)?;
        for (number, bytes) in &mut stored {
            if !self.vouching.has_slot(*number, bytes) {
                bytes.clear();
            }
        }
        Ok(stored)
    }
}

impl Shared {
    /// Reads the slots of the store: those in the log whose bytes the store wrote. Others count as damaged.
    pub(crate) fn slots(&self) -> Result<Slots, Error> {
        Ok(decode(self.log_id, &self.published.load().own_slots(&*self.storage)?))
    }

    /// Returns sentences on stored keys that the log does not have, and on keys of the log that are missing or
    /// different.
    pub(crate) fn strange_keys(&self) -> Result<Vec<String>, Error> {
        let snapshot = self.published.load();
        let (storage, whole) = (&*self.storage, &snapshot.state.whole);
        let mut found = Vec::new();
        let stored = stored_slots(storage)?;
        for (number, bytes) in &stored {
            if !whole.key_slots.contains_key(number) {
                found.push(format!("key slot {number} was removed, and was put back outside of the store"));
            } else if !snapshot.vouching.has_slot(*number, bytes) {
                found.push(format!("key slot {number} is damaged, or was changed outside of the store"));
            }
        }
        let gone = whole.key_slots.keys().filter(|number| !stored.contains_key(number));
        found.extend(gone.map(|number| format!("key slot {number} is gone")));
        let (epochs, seeds) = (numbers(storage, keys::EPOCH_KEY)?, numbers(storage, keys::SIGNING_SEED)?);
        let strange = epochs.difference(&whole.epochs);
        found.extend(strange.map(|epoch| format!("epoch {epoch} was retired, and its key was put back")));
        found.extend(whole.epochs.difference(&epochs).map(|epoch| format!("the key of epoch {epoch} is gone")));
        let strange = seeds.iter().filter(|number| !whole.signing_keys.contains_key(number));
        found.extend(strange.map(|number| format!("signing key {number} is one that the log does not have")));
        found.extend(self.strange_seeds(whole, &seeds));
        Ok(found)
    }

    fn strange_seeds(&self, whole: &Whole, stored: &BTreeSet<u32>) -> Vec<String> {
        let mut found = Vec::new();
        for (number, key) in &whole.signing_keys {
            let finding = match stored.contains(number) {
                true if self.signer(*number, key).is_ok() => continue,
                true => format!("signing key {number} is damaged, or is not the one that the log names"),
                // An import has none of the earlier keys.
                false if key.set_at < whole.imported_at => continue,
                false => format!("signing key {number} is gone"),
            };
            found.push(finding);
        }
        found
    }
}

/// Returns the numbers in the row keys of a kind; row keys without a number are ignored.
fn numbers(storage: &dyn Storage, kind: u8) -> Result<BTreeSet<u32>, Error> {
    let mut found = BTreeSet::new();
    storage.scan(&KeyRange::prefix(&[kind]), Direction::Ascending, &mut |row_key, _| {
        found.extend(keys::parse_epoch_key(row_key).or_else(|| keys::parse_signing_seed(row_key)));
        ControlFlow::Continue(())
    })?;
    Ok(found)
}
