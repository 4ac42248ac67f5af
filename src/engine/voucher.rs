//! Owns the voucher at work: what a commit writes of it, and what an open reads.
//!
//! It keeps the digests of key slots, which are nowhere else. Epoch keys and signing seeds need none: they are bound to
//! their numbers, and the log says which exist. Read next: [`super::recovery`].

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::codec::error::CodecError;
use crate::codec::event::vocabulary;
use crate::codec::keys;
use crate::codec::voucher::{SlotDigest, Voucher, decode_voucher, encode_voucher, slot_digest};
use crate::domain::position::Position;
use crate::error::Error;
use crate::ledger::{ChainEnd, Frontier, TreeHash};
use crate::seal::root::RowsKey;
use crate::storage::{Batch, Storage};

use super::queue::Payload;
use super::snapshot::Snapshot;

/// The key and the content of the voucher, except what the snapshot has.
#[derive(Clone, Debug)]
pub(crate) struct Vouching {
    pub(crate) key: Arc<RowsKey>,
    /// The digest of each key slot in the log.
    pub(crate) slots: BTreeMap<u8, SlotDigest>,
    /// How many types and schemas of events the newest release that wrote to this log knew.
    pub(crate) vocabulary: u16,
}

impl Vouching {
    /// Begins with the existing key slots.
    pub(crate) fn new<'a>(key: Arc<RowsKey>, slots: impl IntoIterator<Item = (u8, &'a [u8])>) -> Self {
        let slots = slots.into_iter().map(|(number, bytes)| (number, slot_digest(bytes))).collect();
        Self { key, slots, vocabulary: vocabulary() }
    }

    /// Applies the rows of a command.
    pub(super) fn follow(&mut self, payload: &Payload) {
        match payload {
            Payload::KeySlot { slot, bytes } => _ = self.slots.insert(*slot, slot_digest(bytes)),
            Payload::NoKeySlot { slot, .. } => _ = self.slots.remove(slot),
            Payload::None
            | Payload::Sealed { .. }
            | Payload::Epoch { .. }
            | Payload::SigningSeed { .. }
            | Payload::NoEpoch { .. } => {}
        }
    }

    /// Returns whether a key slot has the bytes that the store wrote.
    pub(crate) fn has_slot(&self, number: u8, bytes: &[u8]) -> bool {
        self.slots.get(&number).is_some_and(|digest| *digest == slot_digest(bytes))
    }
}

/// Adds the voucher to a batch, for the snapshot that the batch leads to.
pub(super) fn put(batch: &mut Batch, snapshot: &Snapshot) -> Result<(), Error> {
    let key = snapshot.vouching.key.bytes();
    let voucher = Voucher {
        size: snapshot.end.size.get(),
        head: *snapshot.end.head.as_bytes(),
        frontier: snapshot.frontier.hashes().iter().map(|hash| *hash.as_bytes()).collect(),
        slots: snapshot.vouching.slots.clone(),
        saved: snapshot.saved.vouched(key),
        erased_up_to: snapshot.history.erased_up_to().get(),
        vocabulary: snapshot.vouching.vocabulary,
    };
    batch.put(keys::VOUCHER, encode_voucher(key, &voucher)?)?;
    Ok(())
}

/// Reads the voucher.
///
/// # Errors
///
/// Code `rows_changed` when there is no voucher, or none that this store wrote; another code when a later release wrote
/// it.
pub(crate) fn read(storage: &dyn Storage, key: &RowsKey) -> Result<Voucher, Error> {
    let row = storage.get(&keys::VOUCHER)?.ok_or_else(|| Error::rows_changed("its voucher is gone"))?;
    decode_voucher(key.bytes(), &row).map_err(|error| {
        if let CodecError::UnknownFormat { found, known, .. } = error
            && found > known
        {
            return error.into();
        }
        Error::rows_changed("its voucher is not one that the store wrote")
    })
}

/// Returns the frontier of the voucher's log.
pub(crate) fn frontier(voucher: &Voucher) -> Result<Frontier, Error> {
    let hashes = voucher.frontier.iter().map(|hash| TreeHash::from_bytes(*hash)).collect();
    Ok(Frontier::new(Position::new(voucher.size), hashes)?)
}

/// Refuses a log whose end is not the one that the store last wrote.
///
/// # Errors
///
/// Code `rows_changed`.
pub(crate) fn check_end(voucher: &Voucher, end: &ChainEnd) -> Result<(), Error> {
    let found = (end.size.get(), *end.head.as_bytes());
    if found == (voucher.size, voucher.head) {
        return Ok(());
    }
    let (have, there) = (found.0, voucher.size);
    Err(Error::rows_changed(&format!("its log has {have} records, and its voucher is of another log of {there}")))
}
