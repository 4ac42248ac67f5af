//! Owns the failures of storage: what went wrong, with which file or row, and what to do now.
//!
//! They are never a refusal of the domain, and never show the content of a row. Read next: [`super::rows`], which says
//! which of them leave a storage usable.

use std::io;
use std::path::{Path, PathBuf};

/// A failure of storage.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StorageError {
    /// Another process, or another handle of this process, has the store open.
    #[error("{} is open already; close the other handle or end the other process first", dir.display())]
    AlreadyOpen {
        /// The store.
        dir: PathBuf,
    },

    /// There is no store of ours at this path.
    #[error("{} is not a store: {why}", dir.display())]
    NotAStore {
        /// The path to open, or to replace.
        dir: PathBuf,
        /// The evidence.
        why: &'static str,
    },

    /// A store of ours, in a format that this release does not know.
    #[error("{} has format revision {found}, but this release reads revision {known}; use a release that knows it", dir.display())]
    OtherRevision {
        /// The store.
        dir: PathBuf,
        /// The revision that the store has.
        found: u32,
        /// The revision that this release can read.
        known: u32,
    },

    /// Something exists where a store was to be created.
    #[error("{} exists already; open it, or create the store elsewhere", dir.display())]
    Exists {
        /// The path of the new store.
        dir: PathBuf,
    },

    /// Free space is short. Nothing was written.
    #[error("free space is short: {free_bytes} bytes are free and {wanted_bytes} are needed; make room and try again")]
    NoSpace {
        /// The free bytes.
        free_bytes: u64,
        /// The bytes that must be free.
        wanted_bytes: u64,
    },

    /// The system denies access.
    #[error("may not {doing} {}; check who owns it and its mode", path.display())]
    Permission {
        /// The operation.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },

    /// Reading or writing failed.
    #[error("could not {doing} {}", path.display())]
    Io {
        /// The operation.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },

    /// Stored data is not what was written.
    #[error("{what} is damaged ({how}); restore it from a backup")]
    Corrupt {
        /// The file or the value.
        what: String,
        /// The evidence.
        how: String,
    },

    /// An expectation of the batch does not hold. Nothing was written.
    #[error("expectation {number} of the batch does not hold; read again and decide anew")]
    Condition {
        /// The number of the expectation in the batch, from 0.
        number: usize,
    },

    /// A row key or a value is larger than its bound.
    #[error("{what} has {bytes} bytes and may have {bytes_max}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        bytes_max: usize,
    },

    /// An earlier commit failed, so the store takes no more commits.
    #[error("the store takes no more since this happened: {why}; open it again")]
    Poisoned {
        /// The failure that poisoned it.
        why: String,
    },

    /// Sled panicked. The panic was caught.
    #[error("could not {doing}: the engine below panicked: {message}")]
    Panicked {
        /// The operation.
        doing: &'static str,
        /// The message of the panic.
        message: String,
    },

    /// The storage was closed.
    #[error("the store is closed; open it again")]
    Closed,
}

impl StorageError {
    /// Sorts an error of the system: no permission, or any other.
    pub(super) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        if source.kind() == io::ErrorKind::PermissionDenied {
            Self::Permission { doing, path, source }
        } else {
            Self::Io { doing, path, source }
        }
    }

    /// Returns the error for something that took longer than it may.
    pub(super) fn overdue(doing: &'static str, path: &Path) -> Self {
        Self::io(doing, path, io::Error::new(io::ErrorKind::TimedOut, "it outlasted its deadline"))
    }

    /// Returns the error for a file or a value that is not what was written.
    pub(super) fn corrupt(what: impl std::fmt::Display, how: impl Into<String>) -> Self {
        Self::Corrupt { what: what.to_string(), how: how.into() }
    }

    /// Returns whether the cause is a full disk.
    pub(super) fn is_disk_full(&self) -> bool {
        let full =
            |source: &io::Error| matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        matches!(self, Self::Io { source, .. } if full(source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_permission_is_told_apart() {
        let err = |kind: io::ErrorKind| StorageError::io("read", Path::new("s"), kind.into());
        assert!(matches!(err(io::ErrorKind::PermissionDenied), StorageError::Permission { .. }));
        assert!(matches!(err(io::ErrorKind::StorageFull), StorageError::Io { .. }));
        assert!(err(io::ErrorKind::StorageFull).is_disk_full());
        assert!(!err(io::ErrorKind::NotFound).is_disk_full());
    }

    #[test]
    fn a_message_says_what_and_which_and_what_now() {
        let text = StorageError::AlreadyOpen { dir: PathBuf::from("secrets") }.to_string();
        assert_eq!(text, "secrets is open already; close the other handle or end the other process first");
    }
}
