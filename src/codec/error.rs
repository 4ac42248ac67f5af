//! Owns the errors of bytes: which part, what is wrong, and what to do now. They never contain the content.

use std::fmt;

use crate::domain::event::Event;

/// The part that the bytes belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The body of an event.
    Event {
        /// The number of its type.
        number: u16,
        /// Its schema.
        schema: u16,
    },
    /// The context of an event.
    Context,
    /// A saved secret.
    SavedSecret,
    /// The saved part of the state that belongs to no secret.
    SavedWhole,
    /// A saved answer to an idempotency key.
    SavedAnswer,
    /// The voucher for what is derived from the log.
    Voucher,
    /// A secret of a past state.
    PastSecret,
    /// The part of a past state that belongs to no secret.
    PastWhole,
    /// The mark that says that a past state is complete.
    PastMark,
    /// The row that says what store this is.
    StoreMeta,
    /// An entry of a backup.
    BackupEntry,
}

impl Part {
    /// Returns the remedy for bad bytes.
    const fn remedy(self) -> &'static str {
        match self {
            Self::Event { .. } | Self::Context => "verify the log, and go back to a backup if it is damaged",
            Self::SavedSecret
            | Self::SavedWhole
            | Self::SavedAnswer
            | Self::PastSecret
            | Self::PastWhole
            | Self::PastMark => "throw the saved state away and rebuild it from the log",
            Self::Voucher => "restore the store from a backup",
            Self::BackupEntry => "use another copy of the backup",
            Self::StoreMeta => "check that this is the directory of a store, and go back to a backup if it is damaged",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event { number, schema } => match Event::label_of(*number) {
                Some(label) => write!(f, "the body of event {label}, schema {schema},"),
                None => write!(f, "the body of event type {number}, schema {schema},"),
            },
            Self::Context => f.write_str("the context of an event"),
            Self::SavedSecret => f.write_str("a saved secret"),
            Self::SavedWhole => f.write_str("the saved settings and groups"),
            Self::SavedAnswer => f.write_str("a saved answer"),
            Self::Voucher => f.write_str("the voucher of the store"),
            Self::PastSecret => f.write_str("a secret of a past state"),
            Self::PastWhole => f.write_str("the settings and groups of a past state"),
            Self::PastMark => f.write_str("the mark of a past state"),
            Self::StoreMeta => f.write_str("the description of the store"),
            Self::BackupEntry => f.write_str("an entry of the backup"),
        }
    }
}

/// Bytes that this release would not have written, or a value that does not fit its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CodecError {
    /// More bytes than allowed.
    #[error("{part} takes {bytes} bytes and may take {bytes_max}; {}", part.remedy())]
    TooLong {
        /// The part.
        part: Part,
        /// The number of bytes.
        bytes: usize,
        /// The allowed number of bytes.
        bytes_max: usize,
    },
    /// The bytes end before the value does.
    #[error("{part} ends too early, after {bytes} bytes; {}", part.remedy())]
    TooShort {
        /// The part.
        part: Part,
        /// The number of bytes.
        bytes: usize,
    },
    /// The bytes contain an impossible value.
    #[error("{part} cannot be read: {reason}; {}", part.remedy())]
    Malformed {
        /// The part.
        part: Part,
        /// What is wrong, without the content.
        reason: &'static str,
    },
    /// The value ends before the bytes do.
    #[error("{part} has {bytes} bytes too many; {}", part.remedy())]
    LeftOver {
        /// The part.
        part: Part,
        /// The number of bytes left over.
        bytes: usize,
    },
    /// The bytes can be read, but would be written differently.
    #[error("{part} is not written in the one way there is; {}", part.remedy())]
    NotCanonical {
        /// The part.
        part: Part,
    },
    /// The bytes have a format that this release does not know.
    #[error(
        "{part} has format {found}, this release knows {known}; open it with the release that wrote it, or a newer one"
    )]
    UnknownFormat {
        /// The part.
        part: Part,
        /// The format of the bytes.
        found: u16,
        /// The known format.
        known: u16,
    },
    /// The bytes were changed after they were written, are in another row, or were not written by this store.
    #[error("{part} does not match its checksum; {}", part.remedy())]
    Checksum {
        /// The part.
        part: Part,
    },
    /// A value that cannot be encoded; a bug.
    #[error("{part} cannot be written; report this with the release number")]
    Unwritable {
        /// The part.
        part: Part,
    },
}
