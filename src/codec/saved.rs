//! Owns saved state, which spares an open the replay of the whole log. Disposable.
//!
//! A row is the number of the saved format (u16, little-endian), the value in the domain's own serde form, and a tag of
//! 16 bytes: keyed BLAKE3 over the row key and everything before the tag. The shapes may change with any release,
//! without a lift. The number then changes too, and rows of another number are discarded. The tag detects damage, rows
//! in the wrong place, and rows that the store did not write. An earlier row that was put back has a correct tag; the
//! [voucher](super::voucher) detects that.

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

/// The number of the saved format. Increase it whenever a golden row in `tests/golden/saved` changes, or the effect of
/// an event on the state in the rows.
pub(crate) const SAVED_FORMAT: u16 = 10;

/// The number of the voucher's format. It differs from that of saved rows: a voucher is never discarded, so every later
/// release reads every version of it.
pub(crate) const VOUCHER_FORMAT: u16 = 1;

const TAG_BYTES: usize = 16;

/// The key of a store's derived rows.
pub(crate) type RowKey = [u8; 32];

/// The hash of a row with its row key, under the key of the store. The tag is in the row. The rest is never stored, so
/// an attacker cannot find other rows with the same sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowDigest {
    tag: [u8; TAG_BYTES],
    rest: [u8; 32],
}

impl RowDigest {
    /// Returns the summand for a [`super::mark::RowSum`].
    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.rest
    }

    /// Hashes a row without its tag.
    fn of(key: &RowKey, row_key: &[u8], before: &[u8]) -> Self {
        // The length of a row key, below 256 and never 0, separates the row key from the following bytes.
        let length = [u8::try_from(row_key.len()).unwrap_or(u8::MAX)];
        // One block of output, computed at once.
        let mut output = [0; TAG_BYTES + 32];
        keyed(key, &[&length, row_key, before]).fill(&mut output);
        let (mut tag, mut rest) = ([0; TAG_BYTES], [0; 32]);
        for (to, from) in tag.iter_mut().chain(&mut rest).zip(output) {
            *to = from;
        }
        Self { tag, rest }
    }
}

/// Returns keyed BLAKE3 over parts that cannot run into each other.
fn keyed(key: &RowKey, parts: &[&[u8]]) -> blake3::OutputReader {
    let mut hasher = blake3::Hasher::new_keyed(key);
    for part in parts {
        hasher.update(part);
    }
    // The hasher's copy of the key is not wiped: an open hashes a hundred thousand rows. An attacker who reads this
    // memory also has the other keys derived from the root key.
    hasher.finalize_xof()
}

/// Compares tags in a time that does not reveal where they differ.
fn is_same(one: &[u8; TAG_BYTES], other: &[u8; TAG_BYTES]) -> bool {
    one.iter().zip(other).fold(0, |differences, (one, other)| differences | (one ^ other)) == 0
}

/// Returns 32 bytes that only the key can make, for a purpose other than rows.
pub(super) fn keyed_bytes(key: &RowKey, purpose: u8, parts: &[&[u8]]) -> [u8; 32] {
    let mut bytes = [0; 32];
    let head: [&[u8]; 2] = [&[0], &[purpose]];
    keyed(key, &[&head, parts].concat()).fill(&mut bytes);
    bytes
}

/// A row, ready to be written, and its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SavedRow {
    /// The bytes of the row.
    pub(crate) bytes: Vec<u8>,
    /// The summand of the row in the sum of all rows.
    pub(crate) digest: RowDigest,
}

/// Encodes a secret for the row [`keys::saved_secret`].
pub(crate) fn encode_secret(key: &RowKey, secret: &Secret) -> Result<SavedRow, CodecError> {
    encode(key, Part::SavedSecret, &keys::saved_secret(secret.id), secret)
}

/// Decodes the row of a secret.
pub(crate) fn decode_secret(key: &RowKey, id: SecretId, row: &[u8]) -> Result<(Secret, RowDigest), CodecError> {
    decode(key, Part::SavedSecret, &keys::saved_secret(id), row)
}

/// Encodes the part that belongs to no secret for the row [`keys::SAVED_WHOLE`].
pub(crate) fn encode_whole(key: &RowKey, whole: &Whole) -> Result<SavedRow, CodecError> {
    encode(key, Part::SavedWhole, &keys::SAVED_WHOLE, whole)
}

/// Decodes the row of the part that belongs to no secret.
pub(crate) fn decode_whole(key: &RowKey, row: &[u8]) -> Result<(Whole, RowDigest), CodecError> {
    decode(key, Part::SavedWhole, &keys::SAVED_WHOLE, row)
}

/// Encodes an answer for the row [`keys::saved_answer`].
pub(crate) fn encode_answer(key: &RowKey, position: Position, answer: &Answer) -> Result<SavedRow, CodecError> {
    encode(key, Part::SavedAnswer, &keys::saved_answer(position), answer)
}

/// Decodes the row of an answer.
pub(crate) fn decode_answer(key: &RowKey, position: Position, row: &[u8]) -> Result<(Answer, RowDigest), CodecError> {
    decode(key, Part::SavedAnswer, &keys::saved_answer(position), row)
}

/// Returns the hash of a row of saved state, checked against its tag, to remove the row from a sum.
pub(crate) fn row_digest(key: &RowKey, part: Part, row_key: &[u8], row: &[u8]) -> Result<RowDigest, CodecError> {
    checked(key, part, row_key, row).map(|(_, digest)| digest)
}

/// Returns a row with the correct tag instead of its last bytes.
#[cfg(any(test, fuzzing))]
pub(crate) fn with_its_tag(key: &RowKey, row_key: &[u8], row: &[u8]) -> Vec<u8> {
    let Some((before, _)) = row.split_last_chunk::<TAG_BYTES>() else { return row.to_vec() };
    [before, &RowDigest::of(key, row_key, before).tag].concat()
}

pub(super) fn encode(key: &RowKey, part: Part, row_key: &[u8], value: &impl Serialize) -> Result<SavedRow, CodecError> {
    let mut bytes = bytes::encode::<SAVED_BYTES_MAX>(part, &format_of(part).to_le_bytes(), value)?;
    let digest = RowDigest::of(key, row_key, &bytes);
    bytes.extend_from_slice(&digest.tag);
    Ok(SavedRow { bytes, digest })
}

pub(super) fn decode<T>(key: &RowKey, part: Part, row_key: &[u8], row: &[u8]) -> Result<(T, RowDigest), CodecError>
where
    T: DeserializeOwned + Serialize,
{
    let (encoded, digest) = checked(key, part, row_key, row)?;
    bytes::decode::<SAVED_BYTES_MAX, T>(part, encoded).map(|value| (value, digest))
}

/// Returns the number of the format in which rows of this part are written.
const fn format_of(part: Part) -> u16 {
    if matches!(part, Part::Voucher) { VOUCHER_FORMAT } else { SAVED_FORMAT }
}

/// Checks the frame of a row and returns its content and its hash.
fn checked<'a>(key: &RowKey, part: Part, row_key: &[u8], row: &'a [u8]) -> Result<(&'a [u8], RowDigest), CodecError> {
    let too_short = CodecError::TooShort { part, bytes: row.len() };
    let (before, tag) = row.split_last_chunk::<TAG_BYTES>().ok_or(too_short)?;
    let (format, encoded) = before.split_first_chunk().ok_or(too_short)?;
    let (found, known) = (u16::from_le_bytes(*format), format_of(part));
    if found != known {
        return Err(CodecError::UnknownFormat { part, found, known });
    }
    let digest = RowDigest::of(key, row_key, before);
    if is_same(&digest.tag, tag) { Ok((encoded, digest)) } else { Err(CodecError::Checksum { part }) }
}
