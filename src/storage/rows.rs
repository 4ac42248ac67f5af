//! Owns the contract of a storage: what every implementation promises, and the small types it speaks in.
//!
//! It never says how a row lasts. The contract is also a test suite, which each implementation passes. Read next:
//! [`super::batch`], then [`super::disk`].

use std::ops::ControlFlow;

use super::batch::Batch;
use super::error::StorageError;

/// Who is shown the rows of a scan: row key and value; breaks off when it has seen enough.
pub(crate) type Visit<'v> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'v;

/// What is to be done as soon as a commit is durable.
pub(crate) type OnceDurable = Box<dyn FnOnce() + Send>;

/// Ordered rows with atomic, conditional, durable batches, and an anchor beside them.
///
/// Reads and scans may run while a commit does; a scan is no snapshot, so it may or may not show rows that are
/// committed while it runs. Whoever needs a settled picture bounds its range by what it knows to be durable.
pub(crate) trait Storage: Send + Sync + 'static {
    /// Reads one row.
    fn get(&self, row_key: &[u8]) -> Result<Option<Vec<u8>>, StorageError>;

    /// Shows the rows of `range` to `visit`, in the order of their row keys or the reverse, until it breaks off.
    ///
    /// The visitor may read and commit.
    fn scan(&self, range: &KeyRange, direction: Direction, visit: &mut Visit<'_>) -> Result<(), StorageError>;

    /// Applies a batch, whole or not at all, if all that it expects holds.
    ///
    /// # Errors
    ///
    /// [`StorageError::Condition`], [`StorageError::NoSpace`] and [`StorageError::TooLarge`] mean that nothing was written,
    /// and the next commit may succeed. After any other error the batch may be there or not, whole, and the storage is poisoned: it is still
    /// read from, but takes no commit until it is opened again.
    ///
    /// # Durability
    ///
    /// When this answers `Ok`, the batch survives the death of process, kernel and power. A batch without rows only
    /// checks what it expects.
    fn commit(&self, batch: &Batch) -> Result<(), StorageError>;

    /// Commits, and runs `once_durable` as soon as the batch is durable, in whatever thread knows that first. It is not
    /// run when this answers an error.
    ///
    /// # Errors
    ///
    /// As [`commit`](Self::commit).
    fn commit_and(&self, batch: &Batch, once_durable: OnceDurable) -> Result<(), StorageError> {
        self.commit(batch)?;
        once_durable();
        Ok(())
    }

    /// Gives the anchor as it was read when the storage was opened, if there was one.
    fn anchor(&self) -> Option<AnchorMark>;

    /// Replaces the anchor, durably. The caller sees to it that the log it marks is durable already.
    ///
    /// # Errors
    ///
    /// Any error poisons the storage.
    fn write_anchor(&self, mark: AnchorMark) -> Result<(), StorageError>;

    /// Asks whether free space is short, by a fresh look.
    fn room(&self) -> Result<Room, StorageError>;

    /// Gives the bytes that the rows take up, more or less.
    fn size_bytes(&self) -> Result<u64, StorageError>;

    /// Ends the use of the storage in good order; the directory can be opened again when this answers.
    ///
    /// A second close is no error. All other calls answer [`StorageError::Closed`] from then on.
    fn close(&self) -> Result<(), StorageError>;
}

/// A range of row keys: from one, inclusive, to another, exclusive, or to the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyRange {
    from: Vec<u8>,
    until: Option<Vec<u8>>,
}

impl KeyRange {
    /// From the first row to the last.
    #[cfg(any(test, fuzzing))]
    pub(crate) const fn all() -> Self {
        Self { from: Vec::new(), until: None }
    }

    /// From `from` to the end.
    #[cfg(test)]
    pub(crate) fn starting_at(from: impl Into<Vec<u8>>) -> Self {
        Self { from: from.into(), until: None }
    }

    /// From `from`, inclusive, to `until`, exclusive.
    pub(crate) fn between(from: impl Into<Vec<u8>>, until: impl Into<Vec<u8>>) -> Self {
        Self { from: from.into(), until: Some(until.into()) }
    }

    /// All row keys that begin with `prefix`.
    pub(crate) fn prefix(prefix: &[u8]) -> Self {
        Self { from: prefix.to_vec(), until: after_prefix(prefix) }
    }

    /// The first row key of the range.
    pub(crate) fn from(&self) -> &[u8] {
        &self.from
    }

    /// The first row key past the range, unless it goes to the end.
    pub(crate) fn until(&self) -> Option<&[u8]> {
        self.until.as_deref()
    }

    /// Whether no row key can be in the range.
    pub(crate) fn is_empty(&self) -> bool {
        self.until.as_ref().is_some_and(|until| *until <= self.from)
    }
}

/// Gives the first row key that is past all that begin with `prefix`; none if there is no such key.
fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut until = prefix.get(..=last)?.to_vec();
    if let Some(byte) = until.last_mut() {
        *byte += 1;
    }
    Some(until)
}

/// Which way a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the lowest row key to the highest.
    Ascending,
    /// From the highest row key to the lowest.
    Descending,
}

/// How far the log had come, durably, when the anchor was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AnchorMark {
    /// Records in the log.
    pub(crate) log_size: u64,
    /// The chain value at its end.
    pub(crate) head: [u8; 32],
}

/// Whether there is room for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// There is.
    Enough,
    /// Free space is short: commits are refused.
    Short {
        /// What is free.
        free_bytes: u64,
        /// What must be free before a commit is taken.
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
