//! Owns a batch: the rows to put and remove together, and the conditions for it.
//!
//! It is bounded while it is filled, so that a storage never receives a row that it cannot keep. Read next:
//! [`super::chunks`], for values larger than a row.

use std::collections::BTreeMap;
use std::fmt;

use super::error::StorageError;

/// Bytes of a row key, at most.
pub(crate) const ROW_KEY_BYTES_MAX: usize = 64;

/// Bytes of a row's value, at most. A leaf of sled's tree holds 17 rows, 20 right after a merge. Sled moves a leaf into
/// a file that it never syncs if the leaf's image is larger than 131,052 bytes. 20 rows of this size with their row
/// keys fit.
pub(crate) const ROW_BYTES_MAX: usize = 6 * 1_024;

/// Bytes of all rows in a batch, at most. Reads wait while sled applies a batch, and it is in memory three times.
pub(crate) const BATCH_BYTES_MAX: usize = 64 * 1_024 * 1_024;

/// Rows to put and remove together, all or none, if its expectations hold.
#[derive(Clone, Default)]
pub(crate) struct Batch {
    expectations: Vec<(Vec<u8>, Expected)>,
    changes: BTreeMap<Vec<u8>, Change>,
    /// Bytes of all row keys and values.
    bytes: usize,
}

/// What a row must be before a batch applies.
#[derive(Clone)]
pub(super) enum Expected {
    Absent,
    #[allow(dead_code, reason = "made by `expect_value` alone")]
    Value(Vec<u8>),
}

/// A change of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Put(Vec<u8>),
    Remove,
}

impl Change {
    /// Returns the bytes of the change together with its row key.
    const fn bytes(&self, key_bytes: usize) -> usize {
        match self {
            Self::Put(value) => key_bytes.saturating_add(value.len()),
            Self::Remove => key_bytes,
        }
    }
}

impl Batch {
    /// Returns an empty batch.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Puts a row, new or over an old one. If a row is changed twice, the later change counts.
    ///
    /// # Errors
    ///
    /// [`StorageError::TooLarge`] when the row key or the value is larger than its bound.
    pub(crate) fn put(
        &mut self,
        row_key: impl Into<Vec<u8>>,
        value: impl Into<Vec<u8>>,
    ) -> Result<&mut Self, StorageError> {
        let (row_key, value) = (bounded_row_key(row_key)?, value.into());
        if value.len() > ROW_BYTES_MAX {
            return Err(StorageError::TooLarge { what: "a row", bytes: value.len(), bytes_max: ROW_BYTES_MAX });
        }
        self.change(row_key, Change::Put(value));
        Ok(self)
    }

    /// Removes a row; no error if there is none.
    ///
    /// # Errors
    ///
    /// [`StorageError::TooLarge`] when the row key is larger than its bound.
    pub(crate) fn remove(&mut self, row_key: impl Into<Vec<u8>>) -> Result<&mut Self, StorageError> {
        self.change(bounded_row_key(row_key)?, Change::Remove);
        Ok(self)
    }

    /// Lets the batch apply only if no such row exists before it.
    ///
    /// # Errors
    ///
    /// [`StorageError::TooLarge`] when the row key is larger than its bound.
    pub(crate) fn expect_absent(&mut self, row_key: impl Into<Vec<u8>>) -> Result<&mut Self, StorageError> {
        self.expectations.push((bounded_row_key(row_key)?, Expected::Absent));
        Ok(self)
    }

    /// Lets the batch apply only if the row has this value before it.
    ///
    /// # Errors
    ///
    /// [`StorageError::TooLarge`] when the row key is larger than its bound.
    #[allow(dead_code, reason = "a part of the contract that engines of other storages fence by")]
    pub(crate) fn expect_value(
        &mut self,
        row_key: impl Into<Vec<u8>>,
        value: impl Into<Vec<u8>>,
    ) -> Result<&mut Self, StorageError> {
        self.expectations.push((bounded_row_key(row_key)?, Expected::Value(value.into())));
        Ok(self)
    }

    /// Takes over everything that another batch expects and changes, after what is here.
    pub(crate) fn absorb(&mut self, other: Self) {
        let Self { expectations, changes, .. } = other;
        self.expectations.extend(expectations);
        for (row_key, change) in changes {
            self.change(row_key, change);
        }
    }

    fn change(&mut self, row_key: Vec<u8>, change: Change) {
        let key_bytes = row_key.len();
        self.bytes = self.bytes.saturating_add(change.bytes(key_bytes));
        if let Some(old) = self.changes.insert(row_key, change) {
            self.bytes = self.bytes.saturating_sub(old.bytes(key_bytes));
        }
    }

    /// Returns whether it changes no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Returns how many rows it changes.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.changes.len()
    }

    /// Returns the bytes of its row keys and values.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns its changes, in the order of their row keys.
    pub(super) fn changes(&self) -> impl Iterator<Item = (&[u8], &Change)> {
        self.changes.iter().map(|(row_key, change)| (row_key.as_slice(), change))
    }

    /// Checks the batch against its bound, and its expectations against what `read` finds.
    pub(super) fn check<V: AsRef<[u8]>>(
        &self,
        mut read: impl FnMut(&[u8]) -> Result<Option<V>, StorageError>,
    ) -> Result<(), StorageError> {
        let bytes = self.bytes;
        if bytes > BATCH_BYTES_MAX {
            return Err(StorageError::TooLarge { what: "a batch", bytes, bytes_max: BATCH_BYTES_MAX });
        }
        for (number, (row_key, expected)) in self.expectations.iter().enumerate() {
            let found = read(row_key)?;
            let holds = match (expected, &found) {
                (Expected::Absent, None) => true,
                (Expected::Value(value), Some(found)) => found.as_ref() == value.as_slice(),
                _ => false,
            };
            if !holds {
                return Err(StorageError::Condition { number });
            }
        }
        Ok(())
    }
}

/// Shows counts only: rows do not belong in a log.
#[allow(clippy::missing_fields_in_debug, reason = "the bytes of all changes say no more than their count")]
impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (expectations, changes) = (self.expectations.len(), self.changes.len());
        f.debug_struct("Batch").field("expectations", &expectations).field("changes", &changes).finish()
    }
}

fn bounded_row_key(row_key: impl Into<Vec<u8>>) -> Result<Vec<u8>, StorageError> {
    let row_key = row_key.into();
    if row_key.len() > ROW_KEY_BYTES_MAX {
        return Err(StorageError::TooLarge { what: "a row key", bytes: row_key.len(), bytes_max: ROW_KEY_BYTES_MAX });
    }
    Ok(row_key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_kept() {
        let mut batch = Batch::new();
        assert!(batch.put([1; 64], [2; ROW_BYTES_MAX]).is_ok());
        assert_eq!(batch.len(), 1);
        assert_eq!(batch.bytes(), 64 + 6_144);
        for refused in [
            batch.put([1; 65], b"").err(),
            batch.put(b"a", [2; ROW_BYTES_MAX + 1]).err(),
            batch.remove([1; 65]).err(),
            batch.expect_absent([1; 65]).err(),
            batch.expect_value([1; 65], b"").err(),
        ] {
            assert!(matches!(refused, Some(StorageError::TooLarge { .. })), "{refused:?}");
        }
        assert_eq!(batch.len(), 1, "what is refused is not in the batch");
    }

    #[test]
    fn a_batch_that_is_too_large_is_refused_before_anything_is_read() {
        let mut batch = Batch::new();
        let rows = u32::try_from(BATCH_BYTES_MAX / (ROW_BYTES_MAX + 4)).unwrap();
        for number in 0..rows {
            batch.put(number.to_be_bytes(), [1; ROW_BYTES_MAX]).unwrap();
        }
        let check = |batch: &Batch| batch.check(|_| -> Result<Option<Vec<u8>>, _> { Ok(None) });
        check(&batch).unwrap();
        batch.expect_value(b"a", b"1").unwrap().put(rows.to_be_bytes(), [1; ROW_BYTES_MAX]).unwrap();
        assert!(matches!(check(&batch), Err(StorageError::TooLarge { .. })));
    }

    #[test]
    fn the_later_of_two_changes_to_a_row_counts() {
        let mut batch = Batch::new();
        batch.remove(b"a").unwrap().put(b"a", b"1").unwrap().put(b"b", b"2").unwrap().remove(b"b").unwrap();
        let changes: Vec<_> = batch.changes().collect();
        assert_eq!(changes, [(&b"a"[..], &Change::Put(b"1".to_vec())), (&b"b"[..], &Change::Remove)]);
    }

    #[test]
    fn bytes_are_those_of_the_changes_that_count() {
        let mut batch = Batch::new();
        batch.put(b"ab", [1; 100]).unwrap().put(b"ab", [1; 10]).unwrap().put(b"c", [1; 5]).unwrap();
        assert_eq!(batch.bytes(), 12 + 6);
        let mut other = Batch::new();
        other.remove(b"ab").unwrap().expect_absent(b"d").unwrap().put(b"d", [1; 3]).unwrap();
        batch.absorb(other);
        assert_eq!((batch.bytes(), batch.len()), (2 + 6 + 4, 3));
        assert!(batch.check(|_| -> Result<Option<Vec<u8>>, _> { Ok(Some(Vec::new())) }).is_err());
    }

    #[test]
    fn the_first_expectation_that_fails_is_named() {
        let mut batch = Batch::new();
        batch.expect_absent(b"a").unwrap().expect_value(b"b", b"2").unwrap();
        let rows = |found: &'static [u8]| move |row_key: &[u8]| Ok((row_key == b"b").then_some(found));
        assert!(batch.check(rows(b"2")).is_ok());
        assert!(matches!(batch.check(rows(b"3")), Err(StorageError::Condition { number: 1 })));
    }
}
