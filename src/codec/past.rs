//! Owns the rows of past states: each secret as it was at some position, what belongs to no secret, and a mark that says
//! that all of them are there. Disposable, like saved state, and in the same frame.
//!
//! Where words were erased since, a row says that a secret was there, and no more. Read next: [`super::saved`].

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::error::{CodecError, Part};
use super::keys;
use super::mark::RowSum;
use super::saved::{self, RowDigest, SavedRow};
use crate::domain::id::{GroupId, SecretId};
use crate::domain::position::Position;
use crate::domain::secret::Secret;
use crate::domain::state::Whole;

/// That a past state is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PastMark {
    /// The chain head at its position.
    pub(crate) head: [u8; 32],
    /// How many secrets it has, those whose words are erased among them.
    pub(crate) rows: u64,
    /// What their rows add up to.
    pub(crate) sum: RowSum,
}

/// What belonged to no secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PastWhole {
    pub(crate) whole: Whole,
    /// Groups that were there, and whose words are erased.
    pub(crate) erased: BTreeSet<GroupId>,
}

/// Encodes a secret for the row [`keys::past_secret`]; none when its words are erased.
pub(crate) fn encode_past_secret(at: Position, id: SecretId, secret: Option<&Secret>) -> Result<SavedRow, CodecError> {
    saved::encode(Part::PastSecret, &keys::past_secret(at, id), &secret)
}

/// Decodes the row of a secret.
pub(crate) fn decode_past_secret(
    at: Position,
    id: SecretId,
    row: &[u8],
) -> Result<(Option<Secret>, RowDigest), CodecError> {
    saved::decode(Part::PastSecret, &keys::past_secret(at, id), row)
}

/// Encodes what belonged to no secret for the row [`keys::past_whole`].
pub(crate) fn encode_past_whole(at: Position, whole: &PastWhole) -> Result<Vec<u8>, CodecError> {
    saved::encode(Part::PastWhole, &keys::past_whole(at), whole).map(|row| row.bytes)
}

/// Decodes the row of what belonged to no secret.
pub(crate) fn decode_past_whole(at: Position, row: &[u8]) -> Result<PastWhole, CodecError> {
    saved::decode(Part::PastWhole, &keys::past_whole(at), row).map(|(whole, _)| whole)
}

/// Encodes the mark for the row [`keys::past_mark`].
pub(crate) fn encode_past_mark(at: Position, mark: &PastMark) -> Result<Vec<u8>, CodecError> {
    saved::encode(Part::PastMark, &keys::past_mark(at), mark).map(|row| row.bytes)
}

/// Decodes the mark.
pub(crate) fn decode_past_mark(at: Position, row: &[u8]) -> Result<PastMark, CodecError> {
    saved::decode(Part::PastMark, &keys::past_mark(at), row).map(|(mark, _)| mark)
}
