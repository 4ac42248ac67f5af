//! Owns the faults of records and their chain, as types, so that a verdict can say which fault and where.
//!
//! A fault never repeats the content of a record. Read next: [`super::chain`], which finds most of these.

use std::fmt;

use super::header::{BODY_BYTES_MAX, CONTEXT_BYTES_MAX, SALT_BYTES};
use crate::domain::position::Position;

/// The reason why bytes are not a header: which field is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderError {
    /// The header has not exactly 176 bytes.
    Length,
    /// The header does not start with `LKR1`.
    Magic,
    /// The header version is not 1, but this.
    Version(u8),
    /// An unknown flag is set; these are all flags.
    Flags(u8),
    /// The body codec is not 1, but this.
    BodyCodec(u8),
    /// The byte that must be zero is not.
    Zero,
    /// The schema version is 0.
    Schema,
    /// The batch has no records.
    BatchCount,
    /// The index in the batch is not below the count of the batch.
    BatchIndex,
    /// There is a secret without a revision, or a revision without a secret.
    Subject,
    /// The time is after the year 2262.
    Time,
    /// The context is longer than [`CONTEXT_BYTES_MAX`](super::header::CONTEXT_BYTES_MAX).
    ContextLength,
    /// The body is shorter than its salt or longer than
    /// [`BODY_BYTES_MAX`](super::header::BODY_BYTES_MAX).
    BodyLength,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => f.write_str("header is not 176 bytes long"),
            Self::Magic => f.write_str("header does not start with LKR1"),
            Self::Version(found) => write!(f, "header version is {found}, but only 1 is known"),
            Self::Flags(found) => write!(f, "header flags are {found:#04x}, but only 0x01 is known"),
            Self::BodyCodec(found) => write!(f, "body codec is {found}, but only 1 is known"),
            Self::Zero => f.write_str("header byte 7 is not zero"),
            Self::Schema => f.write_str("body schema version is 0, but they start from 1"),
            Self::BatchCount => f.write_str("batch has no records"),
            Self::BatchIndex => f.write_str("index in the batch is not below its count"),
            Self::Subject => f.write_str("revision and secret id are not both given or both zero"),
            Self::Time => f.write_str("recorded time lies after 2262"),
            Self::ContextLength => write!(f, "context is longer than {CONTEXT_BYTES_MAX} bytes"),
            Self::BodyLength => write!(f, "body has not {SALT_BYTES} to {BODY_BYTES_MAX} bytes"),
        }
    }
}

impl std::error::Error for HeaderError {}

/// The reason why bytes are not a record: which part of it is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordError {
    /// The bytes end inside a record.
    Truncated,
    /// The byte before a framed record does not say whether the body is there; it is this.
    BodyMark(u8),
    /// The header is wrong.
    Header(HeaderError),
    /// The context is not as long as the header says.
    ContextLength,
    /// The body is not as long as the header says.
    BodyLength,
    /// The body is gone although the header does not allow erasing it.
    BodyMissing,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("bytes end inside a record"),
            Self::BodyMark(found) => write!(f, "mark of the body is {found}, but only 0 and 1 are known"),
            Self::Header(error) => error.fmt(f),
            Self::ContextLength => f.write_str("context is not as long as the header says"),
            Self::BodyLength => f.write_str("body is not as long as the header says"),
            Self::BodyMissing => f.write_str("body is missing, and its record does not allow erasing it"),
        }
    }
}

impl std::error::Error for RecordError {}

impl From<HeaderError> for RecordError {
    fn from(error: HeaderError) -> Self {
        Self::Header(error)
    }
}

/// A framed record that cannot be read, and where it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameError {
    /// How many bytes of the buffer precede the record.
    pub offset: usize,
    /// What is wrong with it.
    pub error: RecordError,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record at byte {}: {}", self.offset, self.error)
    }
}

impl std::error::Error for FrameError {}

/// Where the chain breaks first, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainFault {
    /// The position at which the right record was expected.
    pub position: Position,
    /// How the chain breaks there.
    pub kind: ChainFaultKind,
}

/// How a chain breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChainFaultKind {
    /// Another position comes than the next one: a gap, a repetition, or another order.
    Position(Position),
    /// No position is left: the log has the greatest possible size.
    Full,
    /// A batch starts anew, or ends, before all its records were read, or its records disagree on their number.
    Batch,
    /// The record is older than the one before it.
    Time,
    /// The record was made for another chain value than that of the records before it.
    HeadBefore,
    /// The context does not hash to what the header says.
    ContextHash,
    /// The body does not hash to what the header says.
    BodyHash,
    /// A record that was to be appended cannot have such a header.
    Header(HeaderError),
}

impl fmt::Display for ChainFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "chain breaks at position {}: ", self.position)?;
        match self.kind {
            ChainFaultKind::Position(found) => write!(f, "a record for position {found} is there"),
            ChainFaultKind::Full => f.write_str("no position is left"),
            ChainFaultKind::Batch => f.write_str("a batch is not whole"),
            ChainFaultKind::Time => f.write_str("its time lies before that of the record in front of it"),
            ChainFaultKind::HeadBefore => f.write_str("it does not follow from the records in front of it"),
            ChainFaultKind::ContextHash => f.write_str("its context was changed"),
            ChainFaultKind::BodyHash => f.write_str("its body was changed"),
            ChainFaultKind::Header(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ChainFault {}
