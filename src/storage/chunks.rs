//! Owns values larger than a row: numbered chunks under a prefix of row keys, in one batch.
//!
//! A chunk's row key is the prefix and its number, 4 bytes, big-endian. Chunk 0 begins with the length of the whole
//! value (8 bytes, big-endian) and the count of chunks (4 bytes, big-endian). So a missing, truncated or left-over
//! chunk is detected. No other row key may begin with the prefix. Read next: [`super::batch`].

use std::ops::ControlFlow;

use super::batch::{Batch, ROW_BYTES_MAX};
use super::error::StorageError;
use super::rows::{Direction, KeyRange, Storage, Visit};

/// Bytes of a value in chunks, at most: half a batch, and more than the largest secret data and its envelope need.
pub(crate) const CHUNKED_BYTES_MAX: usize = 32 * 1_024 * 1_024;

/// Puts a value as chunks under `prefix`, which must have none. To replace a value, first call [`remove_counted`] in
/// the same batch.
///
/// # Errors
///
/// [`StorageError::TooLarge`] when the value or the prefix is too long.
pub(crate) fn put_chunked(batch: &mut Batch, prefix: &[u8], value: &[u8]) -> Result<(), StorageError> {
    if value.len() > CHUNKED_BYTES_MAX {
        let (bytes, bytes_max) = (value.len(), CHUNKED_BYTES_MAX);
        return Err(StorageError::TooLarge { what: "a value", bytes, bytes_max });
    }
    let (first, rest) = value.split_at_checked(FIRST_BYTES_MAX).unwrap_or((value, &[]));
    let rest = rest.chunks(ROW_BYTES_MAX);
    let head = Head { bytes: value.len(), count: 1 + u32::try_from(rest.len()).unwrap_or(u32::MAX) };
    batch.put(row_key(prefix, 0), [&head.encode(), first].concat())?;
    for (number, chunk) in (1..).zip(rest) {
        batch.put(row_key(prefix, number), chunk)?;
    }
    Ok(())
}

/// Reads the value under `prefix`, if there is one.
///
/// # Errors
///
/// [`StorageError::Corrupt`] when a chunk is missing, truncated or left over.
pub(crate) fn read_chunked(storage: &dyn Storage, prefix: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
    // Most values have one chunk, and finding one row is faster than scanning a range.
    if let Some(mut first) = storage.get(&row_key(prefix, 0))?
        && let Some((Head { bytes, count: 1 }, rest)) = Head::decode(&first)
        && rest.len() == bytes
    {
        first.drain(..HEAD_BYTES);
        return Ok(Some(first));
    }
    let mut reading = Reading::default();
    let visit = &mut |key: &[u8], chunk: &[u8]| reading.take(prefix, key, chunk);
    storage.scan(&KeyRange::prefix(prefix), Direction::Ascending, visit)?;
    reading.end()
}

/// Lets a batch apply only if no value exists under `prefix` before it.
///
/// # Errors
///
/// [`StorageError::TooLarge`] when the prefix is too long.
pub(crate) fn expect_no_value(batch: &mut Batch, prefix: &[u8]) -> Result<(), StorageError> {
    batch.expect_absent(row_key(prefix, 0)).map(drop)
}

/// Adds to the batch the removal of all chunks under `prefix`; it is no error if there are none.
pub(crate) fn remove_chunked(storage: &dyn Storage, batch: &mut Batch, prefix: &[u8]) -> Result<(), StorageError> {
    let mut row_keys = Vec::new();
    let visit = &mut |key: &[u8], _: &[u8]| {
        row_keys.push(key.to_vec());
        ControlFlow::Continue(())
    };
    storage.scan(&KeyRange::prefix(prefix), Direction::Ascending, visit)?;
    row_keys.into_iter().try_for_each(|key| batch.remove(key).map(drop))
}

/// Returns how many chunks a value of this length takes.
pub(crate) fn count(bytes: usize) -> u32 {
    let rest = bytes.saturating_sub(FIRST_BYTES_MAX).div_ceil(ROW_BYTES_MAX);
    u32::try_from(rest).unwrap_or(u32::MAX).saturating_add(1)
}

/// Adds to the batch the removal of the chunks of a value whose [`count`] is known, without reading them.
///
/// # Errors
///
/// [`StorageError::TooLarge`] when the prefix is too long.
pub(crate) fn remove_counted(batch: &mut Batch, prefix: &[u8], count: u32) -> Result<(), StorageError> {
    (0..count).try_for_each(|number| batch.remove(row_key(prefix, number)).map(drop))
}

/// Calls `visit` for every chunked value of a range, with its prefix, in the order of the prefixes.
///
/// # Errors
///
/// [`StorageError::Corrupt`] when a chunk is missing, truncated or left over.
pub(crate) fn scan_chunked(storage: &dyn Storage, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), StorageError> {
    let (mut prefix, mut reading, mut failed) = (Vec::new(), Reading::default(), None);
    let take = &mut |key: &[u8], chunk: &[u8]| {
        let own = key.split_last_chunk::<4>().map_or(key, |(own, _)| own);
        if own != prefix.as_slice() {
            match std::mem::take(&mut reading).end() {
                Ok(Some(value)) => visit(&prefix, &value)?,
                Ok(None) => {}
                Err(error) => {
                    failed = Some(error);
                    return ControlFlow::Break(());
                }
            }
            prefix = own.to_vec();
        }
        match Head::decode(chunk) {
            // Most values have one chunk; it is shown without a copy.
            Some((head, first)) if reading.head.is_none() && head.count == 1 && head.bytes == first.len() => {
                prefix.clear();
                visit(own, first)
            }
            _ => {
                let damaged = reading.take(own, key, chunk).is_break();
                if damaged {
                    failed = std::mem::take(&mut reading).end().err();
                }
                if damaged { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            }
        }
    };
    storage.scan(range, Direction::Ascending, take)?;
    match failed {
        Some(error) => Err(error),
        None => match reading.end()? {
            Some(value) => {
                let _ = visit(&prefix, &value);
                Ok(())
            }
            None => Ok(()),
        },
    }
}

/// What chunk 0 says about the whole value.
#[derive(Clone, Copy)]
struct Head {
    bytes: usize,
    count: u32,
}

impl Head {
    fn encode(self) -> [u8; HEAD_BYTES] {
        let mut encoded = [0; HEAD_BYTES];
        let (bytes, count) = encoded.split_at_mut(8);
        bytes.copy_from_slice(&(self.bytes as u64).to_be_bytes());
        count.copy_from_slice(&self.count.to_be_bytes());
        encoded
    }

    fn decode(chunk: &[u8]) -> Option<(Self, &[u8])> {
        let (bytes, rest) = chunk.split_first_chunk::<8>()?;
        let (count, first) = rest.split_first_chunk::<4>()?;
        let bytes = usize::try_from(u64::from_be_bytes(*bytes)).ok().filter(|bytes| *bytes <= CHUNKED_BYTES_MAX)?;
        Some((Self { bytes, count: u32::from_be_bytes(*count) }, first))
    }
}

/// A value that is being put together.
#[derive(Default)]
struct Reading {
    head: Option<Head>,
    chunks: u32,
    value: Vec<u8>,
    damage: Option<&'static str>,
}

impl Reading {
    fn take(&mut self, prefix: &[u8], key: &[u8], chunk: &[u8]) -> ControlFlow<()> {
        if key != row_key(prefix, self.chunks) {
            return self.damaged("a chunk is missing, or a row that is no chunk is among them");
        }
        match self.head {
            None => match Head::decode(chunk) {
                Some((head, first)) => {
                    self.head = Some(head);
                    self.value.reserve(head.bytes);
                    self.value.extend_from_slice(first);
                }
                None => return self.damaged("chunk 0 does not say how long the value is"),
            },
            Some(_) => self.value.extend_from_slice(chunk),
        }
        self.chunks += 1;
        let too_long = self.head.is_some_and(|head| self.chunks > head.count || self.value.len() > head.bytes);
        if too_long { self.damaged("there is more than chunk 0 says") } else { ControlFlow::Continue(()) }
    }

    fn damaged(&mut self, how: &'static str) -> ControlFlow<()> {
        self.damage = Some(how);
        ControlFlow::Break(())
    }

    fn end(self) -> Result<Option<Vec<u8>>, StorageError> {
        let how = match (self.damage, self.head) {
            (Some(how), _) => how,
            (None, None) => return Ok(None),
            (None, Some(head)) if head.count == self.chunks && head.bytes == self.value.len() => {
                return Ok(Some(self.value));
            }
            (None, Some(_)) => "there is less than chunk 0 says",
        };
        Err(StorageError::corrupt("a value in chunks", how))
    }
}

fn row_key(prefix: &[u8], number: u32) -> Vec<u8> {
    [prefix, &number.to_be_bytes()].concat()
}

const HEAD_BYTES: usize = 12;
const FIRST_BYTES_MAX: usize = ROW_BYTES_MAX - HEAD_BYTES;

#[cfg(test)]
mod tests {
    use super::super::memory::Memory;
    use super::*;

    /// Returns a storage with one value of `bytes` bytes under `v`, and neighbours on both sides.
    fn storage_with(bytes: usize) -> (Memory, Vec<u8>) {
        let value: Vec<u8> = (0..bytes).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let (storage, mut batch) = (Memory::new(), Batch::new());
        batch.put(b"u\xff", b"before").unwrap().put(b"w", b"after").unwrap();
        put_chunked(&mut batch, b"v", &value).unwrap();
        storage.commit(&batch).unwrap();
        (storage, value)
    }

    #[test]
    fn values_of_all_lengths_come_back() {
        for bytes in [0, 1, FIRST_BYTES_MAX, FIRST_BYTES_MAX + 1, FIRST_BYTES_MAX + ROW_BYTES_MAX, 1_000_000] {
            let (storage, value) = storage_with(bytes);
            assert_eq!(read_chunked(&storage, b"v").unwrap(), Some(value), "{bytes} bytes");
        }
    }

    #[test]
    fn a_value_that_is_not_there_is_none() {
        let (storage, _) = storage_with(10);
        assert_eq!(read_chunked(&storage, b"x").unwrap(), None);
    }

    #[test]
    fn removing_leaves_no_chunk_and_no_neighbour_is_touched() {
        let (storage, _) = storage_with(20_000);
        let mut batch = Batch::new();
        remove_chunked(&storage, &mut batch, b"v").unwrap();
        assert_eq!(batch.len(), 4);
        put_chunked(&mut batch, b"v", b"short").unwrap();
        storage.commit(&batch).unwrap();
        assert_eq!(read_chunked(&storage, b"v").unwrap(), Some(b"short".to_vec()));
        assert_eq!(storage.get(b"u\xff").unwrap(), Some(b"before".to_vec()));
        assert_eq!(storage.get(b"w").unwrap(), Some(b"after".to_vec()));
    }

    #[test]
    fn damage_is_noticed() {
        let damages: [fn(&mut Batch); 6] = [
            |batch| drop(batch.remove(row_key(b"v", 0))),
            |batch| drop(batch.remove(row_key(b"v", 1))),
            |batch| drop(batch.remove(row_key(b"v", 3))),
            |batch| drop(batch.put(row_key(b"v", 4), b"left over")),
            |batch| drop(batch.put(row_key(b"v", 3), b"cut")),
            |batch| drop(batch.put(row_key(b"v", 0), [255; 12])),
        ];
        for (number, damage) in damages.iter().enumerate() {
            let (storage, _) = storage_with(20_000);
            let mut batch = Batch::new();
            damage(&mut batch);
            storage.commit(&batch).unwrap();
            let read = read_chunked(&storage, b"v");
            assert!(matches!(read, Err(StorageError::Corrupt { .. })), "damage {number}: {read:?}");
        }
    }

    #[test]
    fn a_value_beyond_the_bound_is_refused() {
        let refused = put_chunked(&mut Batch::new(), b"v", &vec![0; CHUNKED_BYTES_MAX + 1]);
        assert!(matches!(refused, Err(StorageError::TooLarge { .. })));
        let refused = put_chunked(&mut Batch::new(), &[0; 61], b"");
        assert!(matches!(refused, Err(StorageError::TooLarge { .. })));
    }
}
