//! Owns the entries of a backup: the content of its chunks, one entry after another. Numbers big-endian.
//!
//! | Offset | Size | Field |
//! |---|---|---|
//! | 0 | 1 | length k of the row key |
//! | 1 | 4 | length v of the value, at most 32 MiB |
//! | 5 | k | row key, as in [`super::keys`] |
//! | 5 + k | v | value, as the row holds it; put together where it lies in chunks |
//!
//! The description of the store comes first, the checkpoint (row key `h`, its note) last, commits in the order of the
//! log. If one data key has two entries, the one whose epoch is alive at the end of the log counts. `seal` seals the
//! file. Read next: [`super::keys`].

use super::error::{CodecError, Part};
use super::keys;
use crate::domain::id::DataKeyId;
use crate::domain::position::Position;

/// Bytes before the row key.
pub(crate) const HEAD_BYTES: usize = 5;

/// The row key of the checkpoint, which is not a row of a store.
pub(crate) const CHECKPOINT: [u8; 1] = *b"h";

/// Bytes of a value, at most: as many as the rows of one value can have.
const VALUE_BYTES_MAX: usize = 32 * 1_024 * 1_024;

const PART: Part = Part::BackupEntry;

/// Encodes the part before the value of an entry.
pub(crate) fn encode_head(row_key: &[u8], value: &[u8]) -> Result<Vec<u8>, CodecError> {
    let bytes = value.len();
    let too_long = CodecError::TooLong { part: PART, bytes, bytes_max: VALUE_BYTES_MAX };
    let length = u32::try_from(bytes).ok().filter(|_| bytes <= VALUE_BYTES_MAX).ok_or(too_long)?;
    let key_length = u8::try_from(row_key.len()).map_err(|_| CodecError::Unwritable { part: PART })?;
    Ok([&[key_length], &length.to_be_bytes()[..], row_key].concat())
}

/// Decodes the lengths of row key and value.
pub(crate) fn decode_head(head: &[u8]) -> Result<(usize, usize), CodecError> {
    let too_short = CodecError::TooShort { part: PART, bytes: head.len() };
    let (key_length, length) = head.split_first_chunk::<1>().ok_or(too_short)?;
    let length = u32::from_be_bytes(<[u8; 4]>::try_from(length).map_err(|_| too_short)?);
    let bytes = usize::try_from(length).unwrap_or(usize::MAX);
    if bytes > VALUE_BYTES_MAX {
        return Err(CodecError::TooLong { part: PART, bytes, bytes_max: VALUE_BYTES_MAX });
    }
    Ok((usize::from(u8::from_be_bytes(*key_length)), bytes))
}

/// The kind of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The description of the store.
    Meta,
    /// Sealed data.
    SealedData(DataKeyId),
    /// A wrapped data key.
    DataKey(DataKeyId),
    /// A key slot.
    KeySlot(u8),
    /// A wrapped epoch key.
    EpochKey(u32),
    /// A wrapped signing seed.
    SigningSeed(u32),
    /// A commit of the log, by the position of its first record.
    Commit(Position),
    /// The checkpoint of the size of the log.
    Checkpoint,
}

impl Entry {
    /// Reads a row key.
    ///
    /// # Errors
    ///
    /// [`CodecError::Malformed`] when no entry has such a row key.
    pub(crate) fn parse(row_key: &[u8]) -> Result<Self, CodecError> {
        let kind = row_key.first().copied().unwrap_or_default();
        let parsed = match kind {
            keys::SEALED_DATA => keys::parse_sealed_data(row_key).map(Self::SealedData),
            keys::DATA_KEY => keys::parse_data_key(row_key).map(Self::DataKey),
            keys::KEY_SLOT => keys::parse_key_slot(row_key).map(Self::KeySlot),
            keys::EPOCH_KEY => keys::parse_epoch_key(row_key).map(Self::EpochKey),
            keys::SIGNING_SEED => keys::parse_signing_seed(row_key).map(Self::SigningSeed),
            keys::LOG => keys::parse_log_commit(row_key).map(Self::Commit),
            _ if row_key == keys::STORE_META => Some(Self::Meta),
            _ if row_key == CHECKPOINT => Some(Self::Checkpoint),
            _ => None,
        };
        parsed.ok_or(CodecError::Malformed { part: PART, reason: "it has a row key that none has" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_comes_back_and_no_other_is_taken() {
        let data_key = DataKeyId::from_bytes([7; 16]);
        for (row_key, entry) in [
            (keys::STORE_META.to_vec(), Entry::Meta),
            (keys::sealed_data(data_key).to_vec(), Entry::SealedData(data_key)),
            (keys::data_key(data_key).to_vec(), Entry::DataKey(data_key)),
            (keys::key_slot(3).to_vec(), Entry::KeySlot(3)),
            (keys::epoch_key(9).to_vec(), Entry::EpochKey(9)),
            (keys::signing_seed(2).to_vec(), Entry::SigningSeed(2)),
            (keys::log_commit(Position::new(77)).to_vec(), Entry::Commit(Position::new(77))),
            (CHECKPOINT.to_vec(), Entry::Checkpoint),
        ] {
            assert_eq!(Entry::parse(&row_key), Ok(entry));
            assert!(Entry::parse(&[row_key.as_slice(), &[0]].concat()).is_err());
            let head = encode_head(&row_key, b"value").unwrap();
            assert_eq!(decode_head(&head[..HEAD_BYTES]), Ok((row_key.len(), 5)));
        }
        for row_key in [&b""[..], b"s", b"c", &keys::SAVED_WHOLE, b"?"] {
            assert!(Entry::parse(row_key).is_err(), "{row_key:?}");
        }
    }

    #[test]
    fn a_length_that_no_value_has_is_refused() {
        assert!(decode_head(&[1, 0xff, 0xff, 0xff, 0xff]).is_err());
        assert!(decode_head(&[1, 0, 0]).is_err());
        assert_eq!(decode_head(&[0, 2, 0, 0, 0]), Ok((0, VALUE_BYTES_MAX)));
        assert!(decode_head(&[0, 2, 0, 0, 1]).is_err());
    }
}
