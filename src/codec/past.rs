//! Owns the rows of past states: each secret at some position, the part that belongs to no secret, and a mark that says
//! that all rows are there. Disposable, like saved state, and in the same frame.
//!
//! If words of a secret were erased since, its row says only that the secret existed. Read next: [`super::saved`].

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::error::{CodecError, Part};
use super::keys;
use super::mark::{RowSum, RowTotal, hidden};
use super::saved::{self, RowDigest, RowKey, SavedRow};
use crate::domain::id::{GroupId, SecretId};
use crate::domain::position::Position;
use crate::domain::secret::Secret;
use crate::domain::state::Whole;

/// The mark that a past state is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PastMark {
    /// The chain head at its position.
    pub(crate) head: [u8; 32],
    /// The total of its secrets, including those whose words are erased.
    pub(crate) total: RowTotal,
    /// The hash of the row of the part that belongs to no secret.
    pub(crate) whole: [u8; 32],
    /// The log size up to which the erased words were removed from it.
    pub(crate) erased_up_to: Position,
}

/// The mark as it is written: only the key reveals the sum.
#[derive(Serialize, Deserialize)]
struct Written {
    head: [u8; 32],
    rows: u64,
    hidden_sum: RowSum,
    whole: [u8; 32],
    erased_up_to: Position,
}

/// The part of a past state that belongs to no secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PastWhole {
    pub(crate) whole: Whole,
    /// Groups that existed, and whose words are erased.
    pub(crate) erased: BTreeSet<GroupId>,
}

/// Encodes a secret for the row [`keys::past_secret`]; `None` when its words are erased.
pub(crate) fn encode_past_secret(
    key: &RowKey,
    at: Position,
    id: SecretId,
    secret: Option<&Secret>,
) -> Result<SavedRow, CodecError> {
    saved::encode(key, Part::PastSecret, &keys::past_secret(at, id), &secret)
}

/// Decodes the row of a secret.
pub(crate) fn decode_past_secret(
    key: &RowKey,
    at: Position,
    id: SecretId,
    row: &[u8],
) -> Result<(Option<Secret>, RowDigest), CodecError> {
    saved::decode(key, Part::PastSecret, &keys::past_secret(at, id), row)
}

/// Encodes the part that belongs to no secret for the row [`keys::past_whole`].
pub(crate) fn encode_past_whole(key: &RowKey, at: Position, whole: &PastWhole) -> Result<SavedRow, CodecError> {
    saved::encode(key, Part::PastWhole, &keys::past_whole(at), whole)
}

/// Decodes the row of the part that belongs to no secret.
pub(crate) fn decode_past_whole(key: &RowKey, at: Position, row: &[u8]) -> Result<(PastWhole, RowDigest), CodecError> {
    saved::decode(key, Part::PastWhole, &keys::past_whole(at), row)
}

/// Encodes the mark for the row [`keys::past_mark`].
pub(crate) fn encode_past_mark(key: &RowKey, at: Position, mark: &PastMark) -> Result<Vec<u8>, CodecError> {
    let PastMark { head, total, whole, erased_up_to } = *mark;
    let hidden_sum = hidden(total.sum, key, at, erased_up_to);
    let written = Written { head, rows: total.rows, hidden_sum, whole, erased_up_to };
    saved::encode(key, Part::PastMark, &keys::past_mark(at), &written).map(|row| row.bytes)
}

/// Decodes the mark.
pub(crate) fn decode_past_mark(key: &RowKey, at: Position, row: &[u8]) -> Result<PastMark, CodecError> {
    let (written, _) = saved::decode::<Written>(key, Part::PastMark, &keys::past_mark(at), row)?;
    let Written { head, rows, hidden_sum, whole, erased_up_to } = written;
    let sum = hidden(hidden_sum, key, at, erased_up_to);
    Ok(PastMark { head, total: RowTotal { rows, sum }, whole, erased_up_to })
}
