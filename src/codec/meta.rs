//! Owns the row that says which store this is. It is written when the store is made, and when it is upgraded. It has 48
//! bytes; numbers are big-endian.
//!
//! | Offset | Size | Field |
//! |---|---|---|
//! | 0 | 4 | magic `LKST` |
//! | 4 | 2 | format revision: 2, or 1 of a store that no later release has written to |
//! | 6 | 2 | zero |
//! | 8 | 16 | log id |
//! | 24 | 8 | when it was made, nanoseconds since 1970 UTC |
//! | 32 | 16 | checksum: the first 16 bytes of a BLAKE3 hash over all before |
//!
//! Every revision has magic and revision in the same place, so that any release can say that a store is too new. The
//! revision is information for earlier releases, and no check relies on it: the epoch keys show the true revision.

use super::error::{CodecError, Part};
use crate::domain::id::LogId;
use crate::domain::time::Timestamp;

/// The revision of the rows that this release writes: they have a voucher.
pub(crate) const FORMAT_REVISION: u16 = 2;

/// The earlier revision, which this release reads and upgrades.
const OLD_REVISION: u16 = 1;

/// Bytes of the row.
pub(crate) const META_BYTES: usize = 48;

const MAGIC: [u8; 4] = *b"LKST";
const CHECKSUM_CONTEXT: &str = "latchkeep 2026-11-23 store meta v1";

/// The description of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoreMeta {
    /// The id of the log and of the store.
    pub(crate) log_id: LogId,
    /// When it was made.
    pub(crate) created_at: Timestamp,
}

/// Encodes the row.
pub(crate) fn encode_meta(meta: &StoreMeta) -> Vec<u8> {
    encode(meta, FORMAT_REVISION)
}

fn encode(meta: &StoreMeta, revision: u16) -> Vec<u8> {
    let mut row = Vec::with_capacity(META_BYTES);
    row.extend_from_slice(&MAGIC);
    row.extend_from_slice(&revision.to_be_bytes());
    row.extend_from_slice(&[0; 2]);
    row.extend_from_slice(meta.log_id.as_bytes());
    row.extend_from_slice(&meta.created_at.as_nanos().to_be_bytes());
    let checksum = checksum(&row);
    row.extend_from_slice(&checksum);
    row
}

/// Decodes the row.
///
/// # Errors
///
/// [`CodecError::UnknownFormat`] when another revision wrote it; another [`CodecError`] when it is not such a row.
pub(crate) fn decode_meta(row: &[u8]) -> Result<StoreMeta, CodecError> {
    const PART: Part = Part::StoreMeta;
    let too_short = CodecError::TooShort { part: PART, bytes: row.len() };
    let (magic, rest) = row.split_first_chunk::<4>().ok_or(too_short)?;
    if *magic != MAGIC {
        return Err(CodecError::Malformed { part: PART, reason: "it does not begin as one" });
    }
    let (revision, rest) = rest.split_first_chunk::<2>().ok_or(too_short)?;
    let revision = match u16::from_be_bytes(*revision) {
        known @ (OLD_REVISION | FORMAT_REVISION) => known,
        found => return Err(CodecError::UnknownFormat { part: PART, found, known: FORMAT_REVISION }),
    };
    let (_zero, rest) = rest.split_first_chunk::<2>().ok_or(too_short)?;
    let (log_id, rest) = rest.split_first_chunk::<16>().ok_or(too_short)?;
    let (created_at, rest) = rest.split_first_chunk::<8>().ok_or(too_short)?;
    let (_checksum, left) = rest.split_first_chunk::<16>().ok_or(too_short)?;
    if !left.is_empty() {
        return Err(CodecError::LeftOver { part: PART, bytes: left.len() });
    }
    let meta = StoreMeta {
        log_id: LogId::from_bytes(*log_id),
        created_at: Timestamp::from_nanos(u64::from_be_bytes(*created_at)),
    };
    // One comparison covers the checksum, the zero and a time after the greatest one.
    if encode(&meta, revision) == row { Ok(meta) } else { Err(CodecError::Checksum { part: PART }) }
}

fn checksum(before: &[u8]) -> [u8; 16] {
    let digest = blake3::derive_key(CHECKSUM_CONTEXT, before);
    let mut checksum = [0; 16];
    for (to, from) in checksum.iter_mut().zip(digest) {
        *to = from;
    }
    checksum
}
