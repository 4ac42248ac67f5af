//! Owns the mark of the saved state: up to where in the log it reaches, and what all its rows must add up to.
//!
//! Rows are added up in any order, so that the writer keeps the sum as rows come and go, and an open that has read every
//! row knows at the end whether one is missing, old or foreign. Read next: [`super::saved`].

use serde::{Deserialize, Serialize};

use super::error::{CodecError, Part};
use super::keys;
use super::saved::{self, RowDigest};

/// A sum of row digests: four lanes of 64 bits, each wrapping. Finds accidents; it holds no secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[u8; 32]", into = "[u8; 32]")]
pub(crate) struct RowSum([u64; 4]);

impl RowSum {
    /// Takes a row in.
    #[must_use]
    pub(crate) fn plus(self, row: &RowDigest) -> Self {
        self.zip(row, u64::wrapping_add)
    }

    /// Takes a row out again.
    #[must_use]
    pub(crate) fn minus(self, row: &RowDigest) -> Self {
        self.zip(row, u64::wrapping_sub)
    }

    fn zip(mut self, row: &RowDigest, combine: fn(u64, u64) -> u64) -> Self {
        for (lane, other) in self.0.iter_mut().zip(Self::from(*row.as_bytes()).0) {
            *lane = combine(*lane, other);
        }
        self
    }
}

impl From<[u8; 32]> for RowSum {
    fn from(bytes: [u8; 32]) -> Self {
        let mut lanes = [0; 4];
        for (lane, bytes) in lanes.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *lane = u64::from_le_bytes(*bytes);
        }
        Self(lanes)
    }
}

impl From<RowSum> for [u8; 32] {
    fn from(sum: RowSum) -> Self {
        let mut bytes = [0; 32];
        for (bytes, lane) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(sum.0) {
            *bytes = lane.to_le_bytes();
        }
        bytes
    }
}

/// What the saved state covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedMark {
    /// The log size from which a replay starts.
    pub(crate) position: u64,
    /// The chain head at that size.
    pub(crate) head: [u8; 32],
    /// How many rows there are.
    pub(crate) rows: u64,
    /// What they add up to.
    pub(crate) sum: RowSum,
}

/// Encodes the mark for the row [`keys::SAVED_MARK`].
pub(crate) fn encode_mark(mark: &SavedMark) -> Result<Vec<u8>, CodecError> {
    saved::encode(Part::SavedMark, &keys::SAVED_MARK, mark).map(|row| row.bytes)
}

/// Decodes the mark.
pub(crate) fn decode_mark(row: &[u8]) -> Result<SavedMark, CodecError> {
    saved::decode(Part::SavedMark, &keys::SAVED_MARK, row).map(|(mark, _)| mark)
}
