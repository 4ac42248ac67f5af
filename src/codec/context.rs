//! Owns the context of a record: one byte of version, then the frozen struct of that version.
//!
//! Unlike an event, a context of an unknown version is an error: without it the actor of a record is unknown.

use super::bytes::{self, LOG_BYTES_MAX};
use super::error::{CodecError, Part};
use super::wire::context::ContextV1;
use crate::domain::record::Context;

/// The version in which contexts are written.
const VERSION: u8 = 1;

/// Encodes a context.
///
/// # Errors
///
/// [`CodecError::TooLong`], which the bounds of its fields prevent.
pub(crate) fn encode_context(context: &Context) -> Result<Vec<u8>, CodecError> {
    bytes::encode::<LOG_BYTES_MAX>(Part::Context, &[VERSION], &ContextV1::from(context.clone()))
}

/// Decodes a context.
///
/// # Errors
///
/// [`CodecError`] when the bytes are not exactly those that the context would be written as.
pub(crate) fn decode_context(bytes: &[u8]) -> Result<Context, CodecError> {
    const PART: Part = Part::Context;
    match bytes.split_first() {
        None => Err(CodecError::TooShort { part: PART, bytes: 0 }),
        Some((&VERSION, rest)) => bytes::decode::<LOG_BYTES_MAX, ContextV1>(PART, rest).map(Context::from),
        Some((&found, _)) => Err(CodecError::UnknownFormat { part: PART, found: found.into(), known: VERSION.into() }),
    }
}
