//! Owns the only configuration of bincode and the checks around it. No other file calls bincode.
//!
//! Little-endian, integers of fixed width, never more bytes than a limit. A `bool` and the tag of an `Option` are one
//! byte, 0 or 1. Text is its length in 8 bytes, then UTF-8; a list is its length in 8 bytes, then its elements; a
//! struct is its fields.
//!
//! Reading checks the length first and refuses left-over bytes. It then encodes the value again and compares it with
//! the bytes. That is cheap, since nothing is stored, and does not rely on each type having only one encoding.

use bincode::config::{Configuration, Fixint, Limit, LittleEndian, standard};
use bincode::enc::write::Writer;
use bincode::error::{DecodeError, EncodeError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{CodecError, Part};

/// Bytes of a body with its salt, and of a context, at most.
pub(crate) const LOG_BYTES_MAX: usize = crate::domain::limits::EVENT_BYTES_MAX;

/// Bytes of a saved value, at most: a secret with all its versions and locks has fewer.
pub(super) const SAVED_BYTES_MAX: usize = 16 * 1_024 * 1_024;

type Config<const BYTES_MAX: usize> = Configuration<LittleEndian, Fixint, Limit<BYTES_MAX>>;

const fn config<const BYTES_MAX: usize>() -> Config<BYTES_MAX> {
    standard().with_little_endian().with_fixed_int_encoding().with_limit::<BYTES_MAX>()
}

/// Encodes a value after some bytes.
pub(super) fn encode<const BYTES_MAX: usize>(
    part: Part,
    before: &[u8],
    value: &impl Serialize,
) -> Result<Vec<u8>, CodecError> {
    let mut bytes = Vec::with_capacity(ROOM);
    bytes.extend_from_slice(before);
    bincode::serde::encode_into_writer(value, Appending(&mut bytes), config::<BYTES_MAX>())
        .map_err(|_| CodecError::Unwritable { part })?;
    within(part, bytes.len(), BYTES_MAX)?;
    Ok(bytes)
}

/// Decodes a value that fills all of `bytes`.
pub(super) fn decode<const BYTES_MAX: usize, T>(part: Part, bytes: &[u8]) -> Result<T, CodecError>
where
    T: DeserializeOwned + Serialize,
{
    within(part, bytes.len(), BYTES_MAX)?;
    let (value, read) = bincode::serde::borrow_decode_from_slice::<T, _>(bytes, config::<BYTES_MAX>())
        .map_err(|err| explain(part, bytes.len(), &err))?;
    match bytes.len().saturating_sub(read) {
        0 => {}
        left => return Err(CodecError::LeftOver { part, bytes: left }),
    }
    bincode::serde::encode_into_writer(&value, Comparing(bytes), config::<BYTES_MAX>())
        .map_err(|_| CodecError::NotCanonical { part })?;
    Ok(value)
}

/// Checks a length against its bound.
pub(super) fn within(part: Part, bytes: usize, bytes_max: usize) -> Result<(), CodecError> {
    if bytes > bytes_max { Err(CodecError::TooLong { part, bytes, bytes_max }) } else { Ok(()) }
}

/// Returns the error of bincode without its message, which may repeat content.
#[expect(clippy::wildcard_enum_match_arm, reason = "bincode may add to its errors")]
fn explain(part: Part, bytes: usize, err: &DecodeError) -> CodecError {
    let reason = match err {
        DecodeError::UnexpectedEnd { .. } => return CodecError::TooShort { part, bytes },
        DecodeError::LimitExceeded | DecodeError::OutsideUsizeRange(_) => "it declares more bytes than there may be",
        DecodeError::Utf8 { .. } => "a text is not UTF-8",
        DecodeError::InvalidBooleanValue(_) => "a yes or no is neither",
        DecodeError::UnexpectedVariant { .. } => "a tag is unknown",
        // Its list is open.
        _ => "a value breaks the rule of its type",
    };
    CodecError::Malformed { part, reason }
}

/// Capacity for a typical value, so that writing it allocates once.
const ROOM: usize = 256;

/// Appends the written bytes.
struct Appending<'a>(&'a mut Vec<u8>);

impl Writer for Appending<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// Compares the written bytes with the expected ones.
struct Comparing<'a>(&'a [u8]);

impl Writer for Comparing<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        match self.0.split_at_checked(bytes.len()) {
            Some((expected, rest)) if expected == bytes => {
                self.0 = rest;
                Ok(())
            }
            _ => Err(EncodeError::UnexpectedEnd),
        }
    }
}
