//! Owns the check of free space: for an open, for a commit, for the ballast.
//!
//! While free space is below a reserve, a commit is refused before it writes anything. A disk that fills up in the
//! middle of a commit poisons the store. The reading is cached by bytes written, so that a commit does not pay for it.
//! Read next: [`super::ballast`].

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::ballast::{self, BALLAST_BYTES};
use super::error::StorageError;
use super::layout::Layout;
use super::rows::Room;

/// Returns how many bytes are free at a directory. A test supplies its own.
#[derive(Clone)]
pub(crate) struct Probe(Arc<Ask>);

type Ask = dyn Fn(&Path) -> io::Result<u64> + Send + Sync;

impl Probe {
    /// Returns the probe that asks the file system.
    pub(crate) fn system() -> Self {
        Self::new(|dir| {
            let found = rustix::fs::statvfs(dir)?;
            Ok(found.f_bavail.saturating_mul(found.f_frsize))
        })
    }

    /// Returns a probe that calls `ask`.
    pub(crate) fn new(ask: impl Fn(&Path) -> io::Result<u64> + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}

/// The check of free space for one open store.
#[derive(Debug)]
pub(super) struct Space {
    layout: Layout,
    probe: Probe,
    /// Bytes that may still be written before the next reading.
    unread_bytes: AtomicU64,
}

impl Space {
    /// Returns the check for the store's directory.
    pub(super) fn new(layout: &Layout, probe: Probe) -> Self {
        Self { layout: layout.clone(), probe, unread_bytes: AtomicU64::new(0) }
    }

    /// Makes space for an open: gives the ballast up if free space is short.
    pub(super) fn before_open(&self, snapshot_bytes: u64) -> Result<(), StorageError> {
        if self.free_bytes()? < OPEN_BYTES + 2 * snapshot_bytes {
            ballast::give_up(&self.layout)?;
        }
        Ok(())
    }

    /// Takes the ballast up again if it was given up and there is space for it.
    pub(super) fn restore_ballast(&self) -> Result<(), StorageError> {
        if !ballast::is_there(&self.layout) && self.free_bytes()? >= RESERVE_BYTES + 2 * BALLAST_BYTES {
            return match ballast::take_up(&self.layout) {
                Err(full) if full.is_disk_full() => Ok(()),
                taken => taken,
            };
        }
        Ok(())
    }

    /// Refuses a batch of so many bytes if there is no space for it.
    ///
    /// # Errors
    ///
    /// [`StorageError::NoSpace`], before anything is written.
    pub(super) fn before_commit(&self, batch_bytes: u64) -> Result<(), StorageError> {
        let cost_bytes = BATCH_FACTOR * batch_bytes + BATCH_BYTES_LEAST;
        let spend = |unread_bytes: u64| unread_bytes.checked_sub(cost_bytes);
        if self.unread_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_ok() {
            return Ok(());
        }
        let free_bytes = self.free_bytes()?;
        let wanted_bytes = RESERVE_BYTES + cost_bytes;
        if free_bytes < wanted_bytes {
            self.unread_bytes.store(0, Ordering::Relaxed);
            return Err(StorageError::NoSpace { free_bytes, wanted_bytes });
        }
        // Other programs write to the disk too, so only a small part of the free space may be used on one reading.
        let unread_bytes = ((free_bytes - wanted_bytes) / 8).min(READING_BYTES_MAX);
        self.unread_bytes.store(unread_bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Returns whether there is space for a commit, by a new reading.
    pub(super) fn room(&self) -> Result<Room, StorageError> {
        let free_bytes = self.free_bytes()?;
        let wanted_bytes = RESERVE_BYTES + BATCH_BYTES_LEAST;
        Ok(if free_bytes < wanted_bytes { Room::Short { free_bytes, wanted_bytes } } else { Room::Enough })
    }

    /// Turns the error of an open or a creation on a full disk into [`StorageError::NoSpace`].
    pub(super) fn explain(&self, err: StorageError) -> StorageError {
        match self.free_bytes() {
            Ok(free_bytes) if err.is_disk_full() => {
                StorageError::NoSpace { free_bytes, wanted_bytes: OPEN_BYTES + BALLAST_BYTES }
            }
            _ => err,
        }
    }

    fn free_bytes(&self) -> Result<u64, StorageError> {
        let dir = self.layout.dir();
        (self.probe.0)(dir).map_err(|source| StorageError::io("ask for free space at", dir, source))
    }
}

/// What must stay free: space to finish what was begun, and for other programs that write between two readings.
const RESERVE_BYTES: u64 = 16 * 1_024 * 1_024;
/// What an open may write beside a snapshot: the rest of a segment, made anew.
const OPEN_BYTES: u64 = 4 * 1_024 * 1_024;
/// Sled writes a whole page every ten changes, and twice what is live before it cleans up.
const BATCH_FACTOR: u64 = 4;
/// The cost of the smallest batch: about one page of the file system.
const BATCH_BYTES_LEAST: u64 = 4 * 1_024;
/// Bytes that one reading covers, at most.
const READING_BYTES_MAX: u64 = 1_024 * 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a check with so many bytes free, and a count of the readings.
    fn space(free_bytes: u64) -> (Space, Arc<AtomicU64>, Arc<AtomicU64>) {
        let (free, readings) = (Arc::new(AtomicU64::new(free_bytes)), Arc::new(AtomicU64::new(0)));
        let (asked_free, asked) = (Arc::clone(&free), Arc::clone(&readings));
        let probe = Probe::new(move |_| {
            asked.fetch_add(1, Ordering::Relaxed);
            Ok(asked_free.load(Ordering::Relaxed))
        });
        (Space::new(&Layout::at(Path::new("nowhere")), probe), free, readings)
    }

    #[test]
    fn many_small_commits_share_a_reading() {
        let (space, _, readings) = space(1 << 40);
        (0..100).for_each(|_| space.before_commit(300).unwrap());
        assert_eq!(readings.load(Ordering::Relaxed), 1);
        space.before_commit(READING_BYTES_MAX).unwrap();
        assert_eq!(readings.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn commits_are_refused_while_free_space_is_short_and_taken_again_afterwards() {
        let (space, free, _) = space(RESERVE_BYTES);
        assert!(matches!(space.before_commit(1), Err(StorageError::NoSpace { .. })));
        assert!(matches!(space.room(), Ok(Room::Short { .. })));
        free.store(RESERVE_BYTES * 2, Ordering::Relaxed);
        assert!(space.before_commit(1).is_ok());
        assert_eq!(space.room().unwrap(), Room::Enough);
        assert!(matches!(space.before_commit(RESERVE_BYTES), Err(StorageError::NoSpace { .. })), "too large a batch");
    }

    #[test]
    fn a_full_disk_is_named_and_nothing_else_is() {
        let (space, _, _) = space(7);
        let failed = |kind: io::ErrorKind| space.explain(StorageError::io("open", Path::new("rows"), kind.into()));
        let full = failed(io::ErrorKind::StorageFull);
        assert!(matches!(full, StorageError::NoSpace { free_bytes: 7, .. }), "{full:?}");
        assert!(matches!(failed(io::ErrorKind::NotFound), StorageError::Io { .. }));
    }

    #[test]
    fn near_the_reserve_each_commit_looks() {
        let (space, _, readings) = space(RESERVE_BYTES + 20_000);
        (0..3).for_each(|_| space.before_commit(1).unwrap());
        assert_eq!(readings.load(Ordering::Relaxed), 3);
    }
}
