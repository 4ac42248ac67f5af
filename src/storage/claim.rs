//! Owns the claim on a directory: while the claim exists, no other process or handle opens the store.
//!
//! The claim is the system's lock on a file of ours, so it always ends with the process; the file stays. The file is
//! not empty while a store is open, so that the next claim detects a bad end. Sled locks its own log too, but releases
//! that lock some time after a drop, and reports it only as a text. Read next: [`super::keeper`], which has the claim
//! as long as sled is open.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::MetadataExt;

use super::error::StorageError;
use super::layout::{Layout, open_file};

/// The exclusive use of a store's directory, given back on drop.
#[derive(Debug)]
pub(super) struct Claim {
    locked: File,
    last_end: LastEnd,
}

/// How the previous claim gave the store back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LastEnd {
    /// After a regular close, or there was no previous claim.
    Good,
    /// Not at all: its process died, or the store was poisoned.
    Bad,
}

impl Claim {
    /// Claims the directory, or fails at once.
    ///
    /// # Errors
    ///
    /// [`StorageError::AlreadyOpen`] when another process or handle has it.
    pub(super) fn take(layout: &Layout) -> Result<Self, StorageError> {
        let path = layout.lock();
        let file = open_file(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(already_open(layout)),
            Err(TryLockError::Error(source)) => return Err(StorageError::io("lock", &path, source)),
        }
        // Between the open and the lock, a directory under construction may have got its final name. Then this is the
        // lock of another path.
        let ours = file.metadata().map_err(|source| StorageError::io("look at", &path, source))?;
        match fs::metadata(&path) {
            Ok(named) if (named.dev(), named.ino()) == (ours.dev(), ours.ino()) => {}
            _ => return Err(already_open(layout)),
        }
        let last_end = if ours.len() == 0 { LastEnd::Good } else { LastEnd::Bad };
        // A length takes no block, so it works on a full disk. It needs no sync: what it says ends with the kernel.
        file.set_len(1).map_err(|source| StorageError::io("mark", &path, source))?;
        Ok(Self { locked: file, last_end })
    }

    /// Returns how the previous claim gave the store back.
    pub(super) const fn last_end(&self) -> LastEnd {
        self.last_end
    }

    /// Gives the claim back after a regular close. A claim that is only dropped counts as a bad end.
    pub(super) fn give_back(self) {
        // If this fails, the next open is only slower.
        drop(self.locked.set_len(0));
    }
}

impl Drop for Claim {
    /// Unlocks explicitly. A process that the host is starting right now has copies of the open files for a moment, so
    /// closing our file alone would leave the lock in place.
    fn drop(&mut self) {
        // If this fails, closing the file unlocks it.
        drop(self.locked.unlock());
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

    /// Otherwise a store that was closed while the host started another process could be `already_open` for a moment.
    #[test]
    fn a_claim_ends_though_a_process_being_started_still_has_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::at(dir.path());
        let claim = Claim::take(&layout).unwrap();
        let in_child = claim.locked.try_clone().unwrap();
        claim.give_back();
        assert!(Claim::take(&layout).is_ok());
        drop(in_child);
    }

    #[test]
    fn a_claim_tells_how_the_one_before_ended() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::at(dir.path());
        let take = || Claim::take(&layout).unwrap();
        let claim = take();
        assert_eq!(claim.last_end(), LastEnd::Good, "there was none");
        claim.give_back();
        let claim = take();
        assert_eq!(claim.last_end(), LastEnd::Good);
        drop(claim);
        assert_eq!(take().last_end(), LastEnd::Bad);
    }
}
