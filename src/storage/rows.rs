//! Owns the contract of a storage: what every implementation promises, and the small types of its interface.
//!
//! It never says how a row becomes durable. The contract is also a test suite, which each implementation passes. Read
//! next: [`super::batch`], then [`super::disk`].

use std::ops::ControlFlow;

use super::batch::Batch;
use super::error::StorageError;

/// Receives the rows of a scan, row key and value, and stops the scan when it has seen enough.
pub(crate) type Visit<'v> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'v;

/// An action to run as soon as a commit is durable.
pub(crate) type OnceDurable = Box<dyn FnOnce() + Send>;

/// Ordered rows with atomic, conditional, durable batches, and an anchor beside them.
///
/// Reads and scans may run during a commit. A scan is not a snapshot: it may or may not show rows that are committed
/// while it runs. A caller that needs a stable result bounds its range by what it knows to be durable.
pub(crate) trait Storage: Send + Sync + 'static {
    /// Reads one row.
    fn get(&self, row_key: &[u8]) -> Result<Option<Vec<u8>>, StorageError>;

    /// Calls `visit` for the rows of `range`, in the order of their row keys or the reverse, until it stops.
    ///
    /// The visitor may read and commit.
    fn scan(&self, range: &KeyRange, direction: Direction, visit: &mut Visit<'_>) -> Result<(), StorageError>;

    /// Applies a batch, all or nothing, if its expectations hold.
    ///
    /// # Errors
    ///
    /// [`StorageError::Condition`], [`StorageError::NoSpace`] and [`StorageError::TooLarge`] mean that nothing was
    /// written, and the next commit may succeed. After any other error the batch is there as a whole or not at all, and
    /// the storage is poisoned. It can still be read, but takes no commit until it is opened again.
    ///
    /// # Durability
    ///
    /// When this returns `Ok`, the batch survives the death of process, kernel and power. A batch without rows only
    /// checks its expectations.
    fn commit(&self, batch: &Batch) -> Result<(), StorageError>;

    /// Commits, and runs `once_durable` as soon as the batch is durable, in the thread that first knows it. If this
    /// returns an error, the action is not run.
    ///
    /// # Errors
    ///
    /// As [`commit`](Self::commit).
    fn commit_and(&self, batch: &Batch, once_durable: OnceDurable) -> Result<(), StorageError> {
        self.commit(batch)?;
        once_durable();
        Ok(())
    }

    /// Returns the anchor as it was when the storage was opened, if there was one.
    fn anchor(&self) -> Option<AnchorMark>;

    /// Replaces the anchor, durably. The caller ensures that the marked log is already durable.
    ///
    /// # Errors
    ///
    /// Any error poisons the storage.
    fn write_anchor(&self, mark: AnchorMark) -> Result<(), StorageError>;

    /// Returns whether free space is short, by a new reading.
    fn room(&self) -> Result<Room, StorageError>;

    /// Returns the approximate bytes that the rows take up.
    fn size_bytes(&self) -> Result<u64, StorageError>;

    /// Closes the storage; the directory can be opened again when this returns.
    ///
    /// A second close is no error. After a close, all other calls return [`StorageError::Closed`].
    fn close(&self) -> Result<(), StorageError>;
}

/// A range of row keys: from one, inclusive, to another, exclusive, or to the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyRange {
    from: Vec<u8>,
    until: Option<Vec<u8>>,
}

impl KeyRange {
    /// Returns the range from the first row to the last.
    #[cfg(any(test, fuzzing))]
    pub(crate) const fn all() -> Self {
        Self { from: Vec::new(), until: None }
    }

    /// Returns the range from `from` to the end.
    #[cfg(test)]
    pub(crate) fn starting_at(from: impl Into<Vec<u8>>) -> Self {
        Self { from: from.into(), until: None }
    }

    /// Returns the range from `from`, inclusive, to `until`, exclusive.
    pub(crate) fn between(from: impl Into<Vec<u8>>, until: impl Into<Vec<u8>>) -> Self {
        Self { from: from.into(), until: Some(until.into()) }
    }

    /// Returns the range of all row keys that begin with `prefix`.
    pub(crate) fn prefix(prefix: &[u8]) -> Self {
        Self { from: prefix.to_vec(), until: after_prefix(prefix) }
    }

    /// Returns the first row key of the range.
    pub(crate) fn from(&self) -> &[u8] {
        &self.from
    }

    /// Returns the first row key past the range, unless it extends to the end.
    pub(crate) fn until(&self) -> Option<&[u8]> {
        self.until.as_deref()
    }

    /// Returns whether no row key can be in the range.
    pub(crate) fn is_empty(&self) -> bool {
        self.until.as_ref().is_some_and(|until| *until <= self.from)
    }
}

/// Returns the first row key past all that begin with `prefix`; `None` if there is no such key.
fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut until = prefix.get(..=last)?.to_vec();
    if let Some(byte) = until.last_mut() {
        *byte += 1;
    }
    Some(until)
}

/// The direction of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the lowest row key to the highest.
    Ascending,
    /// From the highest row key to the lowest.
    Descending,
}

/// The size that the log had durably reached when the anchor was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AnchorMark {
    /// Records in the log.
    pub(crate) log_size: u64,
    /// The chain value at its end.
    pub(crate) head: [u8; 32],
}

/// Whether there is free space for a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// There is enough.
    Enough,
    /// Free space is short: commits are refused.
    Short {
        /// The free bytes.
        free_bytes: u64,
        /// The bytes that must be free before a commit is accepted.
        wanted_bytes: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_where_the_next_one_begins() {
        assert_eq!(KeyRange::prefix(b"ab").until(), Some(&b"ac"[..]));
        assert_eq!(KeyRange::prefix(&[1, 255, 255]).until(), Some(&[2][..]));
        assert_eq!(KeyRange::prefix(&[255, 255]).until(), None);
        assert_eq!(KeyRange::prefix(b""), KeyRange::all());
    }

    #[test]
    fn a_range_that_ends_before_it_begins_is_empty() {
        assert!(KeyRange::between(b"b", b"a").is_empty());
        assert!(KeyRange::between(b"a", b"a").is_empty());
        assert!(!KeyRange::between(b"a", b"b").is_empty());
        assert!(!KeyRange::all().is_empty());
    }
}
