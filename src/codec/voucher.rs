//! Owns the voucher: one row that says what all other derived rows must be. It is written with every commit, under a
//! key that only the store has.
//!
//! It is bound to the end of the log. So a row that was changed, or put back from earlier, is detected, unless the
//! voucher and the log are put back with it. That is a rollback of the whole store. Read next: [`super::saved`], whose
//! frame it has.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::{CodecError, Part};
use super::keys;
use super::mark::RowTotal;
use super::saved::{self, RowKey};

/// The content of the voucher, at the end of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Voucher {
    /// How many records the log has.
    pub(crate) size: u64,
    /// The chain value after them.
    pub(crate) head: [u8; 32],
    /// The frontier of the tree over them: its hashes, largest subtree first.
    pub(crate) frontier: Vec<[u8; 32]>,
    /// The digest of each key slot.
    pub(crate) slots: BTreeMap<u8, SlotDigest>,
    /// The saved state.
    pub(crate) saved: SavedMark,
    /// The size of the log up to which past states have lost erased words. A past state whose mark has a smaller size
    /// is not used.
    pub(crate) erased_up_to: u64,
    /// How many types and schemas of events the newest release that wrote to this log knew. A release that knows fewer
    /// uses no saved state, and reads the whole log to find events that it does not know.
    pub(crate) vocabulary: u16,
}

/// The BLAKE3 hash of a stored key slot.
pub(crate) type SlotDigest = [u8; 32];

/// Returns the digest of a key slot.
pub(crate) fn slot_digest(bytes: &[u8]) -> SlotDigest {
    blake3::derive_key("latchkeep 2026-11-27 rows v1 key slot", bytes)
}

/// The log size of the saved state, and which rows it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedMark {
    /// The log size from which a replay starts; 0 when there is no saved state.
    pub(crate) position: u64,
    /// The chain head at that size.
    pub(crate) head: [u8; 32],
    /// The proof of the rows of secrets and answers.
    pub(crate) rows: [u8; 32],
    /// The hash of the row of the part that belongs to no secret.
    pub(crate) whole: [u8; 32],
}

impl SavedMark {
    /// Returns whether these are the saved rows.
    pub(crate) fn covers(&self, key: &RowKey, rows: &RowTotal, whole: &[u8; 32]) -> bool {
        self.position > 0 && self.rows == rows.proof(key) && self.whole == *whole
    }
}

/// Encodes the voucher for the row [`keys::VOUCHER`].
pub(crate) fn encode_voucher(key: &RowKey, voucher: &Voucher) -> Result<Vec<u8>, CodecError> {
    saved::encode(key, Part::Voucher, &keys::VOUCHER, voucher).map(|row| row.bytes)
}

/// Decodes the voucher.
pub(crate) fn decode_voucher(key: &RowKey, row: &[u8]) -> Result<Voucher, CodecError> {
    saved::decode(key, Part::Voucher, &keys::VOUCHER, row).map(|(voucher, _)| voucher)
}
