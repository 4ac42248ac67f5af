//! Owns a picture of the store whose keys fit its state: no key was rolled, retired, added or removed in between.
//!
//! Read next: [`super::taking`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::codec::keys;
use crate::domain::settings::KeySlotKind;
use crate::engine::Engine;
use crate::engine::snapshot::Snapshot;
use crate::error::Error;
use crate::storage::Storage;

/// How often the keys are read again before an error. Callers would have to change them without a pause.
const TRIES_MAX: u32 = 64;

/// Row key and row of a key.
pub(super) type KeyRow = (Vec<u8>, Vec<u8>);

/// A snapshot, and the rows of all keys above data keys at the same moment.
pub(super) struct Picture {
    pub(super) snapshot: Arc<Snapshot>,
    /// Key slots, wrapped epoch keys and wrapped signing seeds, by row key.
    pub(super) keys: Vec<KeyRow>,
}

impl Picture {
    pub(super) fn epochs(&self) -> &BTreeSet<u32> {
        &self.snapshot.state.whole.epochs
    }
}

impl Engine {
    /// Takes a picture of the durable state.
    pub(super) fn picture(&self) -> Result<Picture, Error> {
        for _ in 0..TRIES_MAX {
            let before = self.shared.published.load();
            let keys = key_rows(&*self.shared.storage, &before)?;
            self.catch_up()?;
            // The newest one, so that as little data as possible is destroyed before it is copied.
            let snapshot = self.shared.published.load();
            if keys_of(&before) == keys_of(&snapshot) {
                return Ok(Picture { snapshot, keys });
            }
        }
        Err(Error::backup_overtaken())
    }

    /// Waits until the stored rows are published too. A store that takes no more commands has nothing to wait for.
    pub(super) fn catch_up(&self) -> Result<(), Error> {
        match self.settle_if_there_is_room() {
            Err(_) if self.shared.poison.why().is_some() => Ok(()),
            settled => settled,
        }
    }
}

/// Returns the parts of the state that show whether keys changed.
fn keys_of(snapshot: &Snapshot) -> (&BTreeMap<u8, KeySlotKind>, &BTreeSet<u32>, usize) {
    let whole = &snapshot.state.whole;
    (&whole.key_slots, &whole.epochs, whole.signing_keys.len())
}

/// Reads the keys that the log has. Other key rows do not belong to the store. A slot that the store did not write
/// becomes empty.
fn key_rows(storage: &dyn Storage, snapshot: &Snapshot) -> Result<Vec<KeyRow>, Error> {
    let whole = &snapshot.state.whole;
    let slots = snapshot.own_slots(storage)?.into_iter();
    let mut rows: Vec<KeyRow> = slots.map(|(slot, bytes)| (keys::key_slot(slot).to_vec(), bytes)).collect();
    let epochs = whole.epochs.iter().map(|epoch| keys::epoch_key(*epoch));
    let seeds = whole.signing_keys.keys().map(|number| keys::signing_seed(*number));
    for row_key in epochs.chain(seeds) {
        rows.extend(storage.get(&row_key)?.map(|row| (row_key.to_vec(), row)));
    }
    Ok(rows)
}
