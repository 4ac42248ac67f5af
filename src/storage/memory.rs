//! Owns the storage in memory: for tests, and for stores that need not outlive the process.
//!
//! It keeps the whole contract except durability. Handles made by [`Memory::reopen`] share their rows, so that a test
//! can close and open again. Read next: [`super::disk`].

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use super::batch::{Batch, Change};
use super::error::StorageError;
use super::rows::{AnchorMark, Direction, KeyRange, Room, Storage, Visit};

/// Rows in memory.
#[derive(Default)]
pub(crate) struct Memory {
    shared: Arc<RwLock<Shared>>,
    anchor_at_open: Option<AnchorMark>,
    closed: AtomicBool,
}

#[derive(Default)]
struct Shared {
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    anchor: Option<AnchorMark>,
}

impl Memory {
    /// Returns a storage without a row.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Returns the same rows as a disk would show them after a close and an open.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn reopen(&self) -> Self {
        let anchor_at_open = self.shared.read().anchor;
        Self { shared: Arc::clone(&self.shared), anchor_at_open, closed: AtomicBool::new(false) }
    }

    fn check_open(&self) -> Result<(), StorageError> {
        if self.closed.load(Ordering::Acquire) { Err(StorageError::Closed) } else { Ok(()) }
    }
}

impl Storage for Memory {
    fn get(&self, row_key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.check_open()?;
        Ok(self.shared.read().rows.get(row_key).cloned())
    }

    fn scan(&self, range: &KeyRange, direction: Direction, visit: &mut Visit<'_>) -> Result<(), StorageError> {
        let mut from = Bound::Included(range.from().to_vec());
        let mut until = range.until().map_or(Bound::Unbounded, |until| Bound::Excluded(until.to_vec()));
        loop {
            self.check_open()?;
            let slice = self.shared.read().slice(&from, &until, direction);
            let Some((last, _)) = slice.last() else { return Ok(()) };
            match direction {
                Direction::Ascending => from = Bound::Excluded(last.clone()),
                Direction::Descending => until = Bound::Excluded(last.clone()),
            }
            for (row_key, value) in &slice {
                if visit(row_key, value).is_break() {
                    return Ok(());
                }
            }
        }
    }

    fn commit(&self, batch: &Batch) -> Result<(), StorageError> {
        self.check_open()?;
        let mut shared = self.shared.write();
        batch.check(|row_key| Ok(shared.rows.get(row_key)))?;
        for (row_key, change) in batch.changes() {
            match change {
                Change::Put(value) => shared.rows.insert(row_key.to_vec(), value.clone()),
                Change::Remove => shared.rows.remove(row_key),
            };
        }
        Ok(())
    }

    fn anchor(&self) -> Option<AnchorMark> {
        self.anchor_at_open
    }

    fn write_anchor(&self, mark: AnchorMark) -> Result<(), StorageError> {
        self.check_open()?;
        self.shared.write().anchor = Some(mark);
        Ok(())
    }

    fn room(&self) -> Result<Room, StorageError> {
        self.check_open()?;
        Ok(Room::Enough)
    }

    fn size_bytes(&self) -> Result<u64, StorageError> {
        self.check_open()?;
        let bytes: usize = self.shared.read().rows.iter().map(|(row_key, value)| row_key.len() + value.len()).sum();
        Ok(bytes as u64)
    }

    fn close(&self) -> Result<(), StorageError> {
        self.closed.store(true, Ordering::Release);
        Ok(())
    }
}

/// Shows nothing of the rows.
impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

impl Shared {
    /// Copies the next rows, a few at a time, so that no visitor runs while the rows are locked.
    fn slice(&self, from: &Bound<Vec<u8>>, until: &Bound<Vec<u8>>, direction: Direction) -> Vec<(Vec<u8>, Vec<u8>)> {
        if is_empty(from, until) {
            return Vec::new();
        }
        let rows = self.rows.range((from.clone(), until.clone()));
        let copy = |(row_key, value): (&Vec<u8>, &Vec<u8>)| (row_key.clone(), value.clone());
        match direction {
            Direction::Ascending => rows.take(SLICE_ROWS).map(copy).collect(),
            Direction::Descending => rows.rev().take(SLICE_ROWS).map(copy).collect(),
        }
    }
}

/// Returns whether the bounds leave nothing between them. Ranges of a `BTreeMap` panic then.
fn is_empty(from: &Bound<Vec<u8>>, until: &Bound<Vec<u8>>) -> bool {
    match (from, until) {
        (Bound::Included(from) | Bound::Excluded(from), Bound::Excluded(until)) => until <= from,
        _ => false,
    }
}

/// Rows copied at a time: large enough to pay for the lock, small enough not to block a writer.
const SLICE_ROWS: usize = 64;
