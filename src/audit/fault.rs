//! Owns what can be wrong with the lines of an export, typed, without repeating what they say.
//!
//! A hostile file must not get its words onto somebody's screen, so no message of a parser is passed on. Read next:
//! [`super::event_line`].

use std::fmt;

use crate::ledger::RecordError;

/// A line of an export that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineFault {
    /// The input fails; no more of it can be read.
    Read,
    /// The line is longer than [`LINE_BYTES_MAX`](super::LINE_BYTES_MAX).
    TooLong,
    /// The line is not UTF-8.
    Utf8,
    /// The line is not JSON from this column on, or nests too deep.
    Json {
        /// Where, from 1.
        column: usize,
    },
    /// The line is JSON, but lacks a field, has one twice, one too many, or one of another type.
    Fields {
        /// Where it was noticed, from 1.
        column: usize,
    },
    /// The first line is not that of an export this release can read.
    Format,
    /// A field has a value that it cannot have.
    Field(&'static str),
    /// A field is not in base64.
    Base64(&'static str),
    /// The bytes are no record.
    Record(RecordError),
    /// Fewer events are there than the header says: so many.
    Missing(u64),
    /// More events are there than the header says.
    Surplus,
    /// Something follows the last line.
    AfterEnd,
    /// The export ends without its last line, or inside a line.
    Cut,
    /// A thread of the verifier failed; report this with the release number.
    Verifier,
}

impl LineFault {
    pub(super) fn json(error: &serde_json::Error) -> Self {
        let column = error.column();
        if error.is_data() { Self::Fields { column } } else { Self::Json { column } }
    }
}

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read => f.write_str("the input cannot be read any further"),
            Self::TooLong => write!(f, "the line is longer than {} bytes", super::LINE_BYTES_MAX),
            Self::Utf8 => f.write_str("the line is not UTF-8"),
            Self::Json { column } => write!(f, "the line is not JSON, or nests too deep, at column {column}"),
            Self::Fields { column } => {
                write!(f, "the line lacks a field, or has a wrong one, noticed at column {column}")
            }
            Self::Format => f.write_str("this is no export of a format that this release reads"),
            Self::Field(field) => write!(f, "{field} has a value that it cannot have"),
            Self::Base64(field) => write!(f, "{field} is not in base64"),
            Self::Record(error) => write!(f, "the record is malformed: {error}"),
            Self::Missing(count) => write!(f, "{count} events are missing before the last line"),
            Self::Surplus => f.write_str("there are more events than the header says"),
            Self::AfterEnd => f.write_str("something follows the last line"),
            Self::Cut => f.write_str("the export ends too early"),
            Self::Verifier => f.write_str("the verifier failed; report this with the release number"),
        }
    }
}

impl std::error::Error for LineFault {}
