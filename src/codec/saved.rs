//! Owns saved state: what spares an open the replay of the whole log. Disposable.
//!
//! A row is the number of the saved format (u16, little-endian), the value as the domain's own serde form writes it, and
//! 16 bytes of checksum over the row key and all before. The shapes may change from release to release without a lift:
//! the number changes with them, and rows of another number are thrown away. The checksum finds damage and rows that lie
//! in the wrong place; it holds no secret, so it does not stop whoever can write to the disk. That is for the mark of the
//! saved state and the log to show.

use std::sync::LazyLock;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::bytes::{self, SAVED_BYTES_MAX};
use super::error::{CodecError, Part};
use super::keys;
use crate::domain::id::SecretId;
use crate::domain::position::Position;
use crate::domain::remembered::Answer;
use crate::domain::secret::Secret;
use crate::domain::state::Whole;

/// The number of the saved format: one more whenever a golden row in `tests/golden/saved` changes.
pub(crate) const SAVED_FORMAT: u16 = 4;

const CHECKSUM_BYTES: usize = 16;

/// What a row hashes to, with its row key. Its first 16 bytes are the checksum in the row; all 32 go into a
/// [`super::mark::RowSum`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowDigest([u8; 32]);

impl RowDigest {
    /// Gives the 32 bytes.
    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Hashes a row, less its checksum.
    fn of(row_key: &[u8], before: &[u8]) -> Self {
        static KEY: LazyLock<[u8; 32]> = LazyLock::new(|| blake3::derive_key("latchkeep 2026-11-23 saved row v1", &[]));
        let mut hasher = blake3::Hasher::new_keyed(&KEY);
        // A row key is shorter than 256 bytes; its length keeps its end apart from what follows.
        hasher.update(&[u8::try_from(row_key.len()).unwrap_or(u8::MAX)]);
        hasher.update(row_key);
        hasher.update(before);
        Self(*hasher.finalize().as_bytes())
    }

    fn checksum(&self) -> &[u8] {
        self.0.split_at(CHECKSUM_BYTES).0
    }
}

/// A row, ready to be written, and what it hashes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SavedRow {
    /// The bytes of the row.
    pub(crate) bytes: Vec<u8>,
    /// What it adds to the sum of all rows.
    pub(crate) digest: RowDigest,
}

/// Encodes a secret for the row [`keys::saved_secret`].
pub(crate) fn encode_secret(secret: &Secret) -> Result<SavedRow, CodecError> {
    encode(Part::SavedSecret, &keys::saved_secret(secret.id), secret)
}

/// Decodes the row of a secret.
pub(crate) fn decode_secret(id: SecretId, row: &[u8]) -> Result<(Secret, RowDigest), CodecError> {
    decode(Part::SavedSecret, &keys::saved_secret(id), row)
}

/// Encodes what belongs to no secret for the row [`keys::SAVED_WHOLE`].
pub(crate) fn encode_whole(whole: &Whole) -> Result<SavedRow, CodecError> {
    encode(Part::SavedWhole, &keys::SAVED_WHOLE, whole)
}

/// Decodes the row of what belongs to no secret.
pub(crate) fn decode_whole(row: &[u8]) -> Result<(Whole, RowDigest), CodecError> {
    decode(Part::SavedWhole, &keys::SAVED_WHOLE, row)
}

/// Encodes an answer for the row [`keys::saved_answer`].
pub(crate) fn encode_answer(position: Position, answer: &Answer) -> Result<SavedRow, CodecError> {
    encode(Part::SavedAnswer, &keys::saved_answer(position), answer)
}

/// Decodes the row of an answer.
pub(crate) fn decode_answer(position: Position, row: &[u8]) -> Result<(Answer, RowDigest), CodecError> {
    decode(Part::SavedAnswer, &keys::saved_answer(position), row)
}

/// Gives what a row of saved state hashes to, checked against its checksum; for a sum that is to lose the row.
pub(crate) fn row_digest(part: Part, row_key: &[u8], row: &[u8]) -> Result<RowDigest, CodecError> {
    checked(part, row_key, row).map(|(_, digest)| digest)
}

pub(super) fn encode(part: Part, row_key: &[u8], value: &impl Serialize) -> Result<SavedRow, CodecError> {
    let mut bytes = bytes::encode::<SAVED_BYTES_MAX>(part, &SAVED_FORMAT.to_le_bytes(), value)?;
    let digest = RowDigest::of(row_key, &bytes);
    bytes.extend_from_slice(digest.checksum());
    Ok(SavedRow { bytes, digest })
}

pub(super) fn decode<T>(part: Part, row_key: &[u8], row: &[u8]) -> Result<(T, RowDigest), CodecError>
where
    T: DeserializeOwned + Serialize,
{
    let (encoded, digest) = checked(part, row_key, row)?;
    bytes::decode::<SAVED_BYTES_MAX, T>(part, encoded).map(|value| (value, digest))
}

/// Checks the frame of a row and gives what is inside, with what the row hashes to.
fn checked<'a>(part: Part, row_key: &[u8], row: &'a [u8]) -> Result<(&'a [u8], RowDigest), CodecError> {
    let too_short = CodecError::TooShort { part, bytes: row.len() };
    let before = row.len().checked_sub(CHECKSUM_BYTES).ok_or(too_short)?;
    let (before, checksum) = row.split_at_checked(before).ok_or(too_short)?;
    let (format, encoded) = before.split_first_chunk().ok_or(too_short)?;
    match u16::from_le_bytes(*format) {
        SAVED_FORMAT => {}
        found => return Err(CodecError::UnknownFormat { part, found, known: SAVED_FORMAT }),
    }
    let digest = RowDigest::of(row_key, before);
    if digest.checksum() == checksum { Ok((encoded, digest)) } else { Err(CodecError::Checksum { part }) }
}
