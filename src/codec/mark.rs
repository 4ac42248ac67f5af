//! Owns the sum over the rows of a state.
//!
//! The sum does not depend on the order of the rows, so the writer updates it as rows are added and removed. An open
//! that has read every row knows at the end whether one is missing, old or foreign. Read next: [`super::voucher`].

use serde::{Deserialize, Serialize};

use super::saved::{self, RowDigest, RowKey};
use crate::domain::position::Position;

/// A sum of row digests: four lanes of 64 bits, each wrapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[u8; 32]", into = "[u8; 32]")]
pub(crate) struct RowSum([u64; 4]);

impl RowSum {
    /// Adds a row.
    #[must_use]
    pub(crate) fn plus(self, row: &RowDigest) -> Self {
        self.zip(row, u64::wrapping_add)
    }

    /// Removes a row.
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

/// The number and the sum of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RowTotal {
    /// The number of rows.
    pub(crate) rows: u64,
    /// The sum of their digests.
    pub(crate) sum: RowSum,
}

impl RowTotal {
    /// Adds a row.
    pub(crate) fn add(&mut self, row: &RowDigest) {
        self.rows = self.rows.saturating_add(1);
        self.sum = self.sum.plus(row);
    }

    /// Removes a row.
    pub(crate) fn take_out(&mut self, row: &RowDigest) {
        self.rows = self.rows.saturating_sub(1);
        self.sum = self.sum.minus(row);
    }

    /// Returns a proof of exactly these rows that does not reveal their sum.
    pub(crate) fn proof(&self, key: &RowKey) -> [u8; 32] {
        saved::keyed_bytes(key, TOTAL, &[&self.rows.to_be_bytes(), &<[u8; 32]>::from(self.sum)])
    }
}

/// The purpose of keyed bytes.
const TOTAL: u8 = 1;
const PAST_SUM: u8 = 2;

/// Hides the sum of a past state's rows, or reveals it again. A mark is written once for each number of erasures, so no
/// two sums are hidden with the same pad.
pub(super) fn hidden(sum: RowSum, key: &RowKey, at: Position, erased_up_to: Position) -> RowSum {
    let pad = saved::keyed_bytes(key, PAST_SUM, &[&at.get().to_be_bytes(), &erased_up_to.get().to_be_bytes()]);
    let mut bytes = <[u8; 32]>::from(sum);
    for (byte, pad) in bytes.iter_mut().zip(pad) {
        *byte ^= pad;
    }
    RowSum::from(bytes)
}
