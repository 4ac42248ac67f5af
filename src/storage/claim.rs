//! Owns the claim on a directory: while it lives, nobody else opens the store.
//!
//! The claim is the system's lock on a file of ours, so it ends with the process whatever happens; the file stays.
//! Sled locks its own log too, but lets go of it some time after a drop, and says so in a text only. Read next:
//! [`super::keeper`], which holds the claim for as long as sled lives.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::MetadataExt;

use super::error::StorageError;
use super::layout::{Layout, open_file};

/// The exclusive use of a store's directory, given back on drop.
#[derive(Debug)]
pub(super) struct Claim {
    _locked: File,
}

impl Claim {
    /// Claims the directory, at once or not at all.
    ///
    /// # Errors
    ///
    /// [`StorageError::AlreadyOpen`] when another has it.
    pub(super) fn take(layout: &Layout) -> Result<Self, StorageError> {
        let path = layout.lock();
        let file = open_file(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(already_open(layout)),
            Err(TryLockError::Error(source)) => return Err(StorageError::io("lock", &path, source)),
        }
        // Between the open and the lock, a directory that was being created may have got its name: then this is the
        // lock of another path.
        let ours = file.metadata().map_err(|source| StorageError::io("look at", &path, source))?;
        match fs::metadata(&path) {
            Ok(named) if (named.dev(), named.ino()) == (ours.dev(), ours.ino()) => Ok(Self { _locked: file }),
            _ => Err(already_open(layout)),
        }
    }
}

fn already_open(layout: &Layout) -> StorageError {
    StorageError::AlreadyOpen { dir: layout.dir().to_path_buf() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_claim_is_refused_until_the_first_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::at(dir.path());
        let first = Claim::take(&layout).unwrap();
        assert!(matches!(Claim::take(&layout), Err(StorageError::AlreadyOpen { .. })));
        drop(first);
        assert!(Claim::take(&layout).is_ok());
    }
}
