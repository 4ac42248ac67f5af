//! Owns the anchor file: the size that the log had reached. It is kept apart from sled, so that a truncated log is
//! detected.
//!
//! The file has two slots, written in turn, each in a page of its own with generation and checksum. So a torn write
//! leaves the other slot intact. This module never compares the log with the mark; the engine does. Read next:
//! [`super::rows`].
//!
//! A slot: `LKANCHR1`, generation (8 bytes, little-endian), log size (the same), head (32 bytes), BLAKE3 of all these
//! bytes.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::error::StorageError;
use super::layout::{Layout, open_file};
use super::rows::AnchorMark;

/// The open anchor file.
#[derive(Debug)]
pub(super) struct AnchorFile {
    file: File,
    path: PathBuf,
    newest: Slot,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    generation: u64,
    mark: AnchorMark,
}

impl AnchorFile {
    /// Writes the file of a new store with both slots. Does not sync it.
    pub(super) fn create(layout: &Layout, mark: AnchorMark) -> Result<(), StorageError> {
        let path = layout.anchor();
        let file = open_file(&path)?;
        for generation in [0, 1] {
            write_slot(&file, Slot { generation, mark }).map_err(|source| StorageError::io("write", &path, source))?;
        }
        Ok(())
    }

    /// Opens the file and finds the newest slot that is whole.
    ///
    /// # Errors
    ///
    /// [`StorageError::Corrupt`] when no slot is whole, or there is no file.
    pub(super) fn open(layout: &Layout) -> Result<Self, StorageError> {
        let path = layout.anchor();
        if !path.exists() {
            return Err(StorageError::corrupt(path.display(), "it is missing"));
        }
        let file = open_file(&path)?;
        let newest =
            [0, 1].into_iter().filter_map(|number| read_slot(&file, number)).max_by_key(|slot| slot.generation);
        match newest {
            Some(newest) => Ok(Self { file, path, newest }),
            None => Err(StorageError::corrupt(path.display(), "neither of its slots is whole")),
        }
    }

    /// Returns the newest mark.
    pub(super) const fn mark(&self) -> AnchorMark {
        self.newest.mark
    }

    /// Writes the next generation over the older slot, and makes it durable.
    pub(super) fn write(&mut self, mark: AnchorMark) -> Result<(), StorageError> {
        let next = Slot { generation: self.newest.generation + 1, mark };
        write_slot(&self.file, next)
            .and_then(|()| self.file.sync_data())
            .map_err(|source| StorageError::io("write", &self.path, source))?;
        self.newest = next;
        Ok(())
    }
}

fn write_slot(file: &File, slot: Slot) -> std::io::Result<()> {
    let mut page = Vec::with_capacity(SLOT_BYTES);
    page.extend_from_slice(MAGIC);
    page.extend_from_slice(&slot.generation.to_le_bytes());
    page.extend_from_slice(&slot.mark.log_size.to_le_bytes());
    page.extend_from_slice(&slot.mark.head);
    let checksum = blake3::hash(&page);
    page.extend_from_slice(checksum.as_bytes());
    file.write_all_at(&page, (slot.generation % 2) * SLOT_STRIDE)
}

fn read_slot(file: &File, number: u64) -> Option<Slot> {
    let mut page = [0; SLOT_BYTES];
    file.read_exact_at(&mut page, number * SLOT_STRIDE).ok()?;
    let (body, checksum) = page.split_last_chunk::<32>()?;
    let (magic, body_rest) = body.split_first_chunk::<8>()?;
    let (generation, body_rest) = body_rest.split_first_chunk::<8>()?;
    let (log_size, head) = body_rest.split_first_chunk::<8>()?;
    let generation = u64::from_le_bytes(*generation);
    let whole = magic == MAGIC && blake3::hash(body) == *checksum;
    let mark = AnchorMark { log_size: u64::from_le_bytes(*log_size), head: head.try_into().ok()? };
    whole.then_some(Slot { generation, mark })
}

const MAGIC: &[u8; 8] = b"LKANCHR1";
const SLOT_BYTES: usize = 8 + 8 + 8 + 32 + 32;
/// A page of any file system, and more than a sector of any drive: a torn write damages only one slot.
const SLOT_STRIDE: u64 = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    const fn mark(log_size: u64) -> AnchorMark {
        AnchorMark { log_size, head: [7; 32] }
    }

    fn written(log_sizes: std::ops::Range<u64>) -> (tempfile::TempDir, Layout) {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::at(dir.path());
        AnchorFile::create(&layout, mark(0)).unwrap();
        let mut anchor = AnchorFile::open(&layout).unwrap();
        log_sizes.for_each(|log_size| anchor.write(mark(log_size)).unwrap());
        (dir, layout)
    }

    fn garble(layout: &Layout, slot: u64) {
        open_file(&layout.anchor()).unwrap().write_all_at(&[0xee; 20], slot * SLOT_STRIDE + 10).unwrap();
    }

    #[test]
    fn the_newest_mark_is_found() {
        for last in 1..6 {
            let (_dir, layout) = written(1..last + 1);
            assert_eq!(AnchorFile::open(&layout).unwrap().mark(), mark(last));
        }
    }

    #[test]
    fn a_garbled_slot_leaves_the_other() {
        // Generations 0 and 1 are written at creation, so marks 1 to 4 have generations 2 to 5.
        let (_dir, layout) = written(1..5);
        garble(&layout, 1);
        assert_eq!(AnchorFile::open(&layout).unwrap().mark(), mark(3));
        let (_dir, layout) = written(1..5);
        garble(&layout, 0);
        assert_eq!(AnchorFile::open(&layout).unwrap().mark(), mark(4));
    }

    #[test]
    fn a_file_cut_short_leaves_the_first_slot() {
        let (_dir, layout) = written(1..5);
        open_file(&layout.anchor()).unwrap().set_len(SLOT_STRIDE + 40).unwrap();
        assert_eq!(AnchorFile::open(&layout).unwrap().mark(), mark(3));
    }

    #[test]
    fn after_a_fallback_the_next_write_goes_over_the_garbled_slot() {
        let (_dir, layout) = written(1..5);
        garble(&layout, 1);
        AnchorFile::open(&layout).unwrap().write(mark(9)).unwrap();
        assert_eq!(AnchorFile::open(&layout).unwrap().mark(), mark(9));
        garble(&layout, 1);
        assert_eq!(AnchorFile::open(&layout).unwrap().mark(), mark(3));
    }

    #[test]
    fn two_garbled_slots_and_a_missing_file_are_damage() {
        let (_dir, layout) = written(1..5);
        garble(&layout, 0);
        garble(&layout, 1);
        assert!(matches!(AnchorFile::open(&layout), Err(StorageError::Corrupt { .. })));
        std::fs::remove_file(layout.anchor()).unwrap();
        assert!(matches!(AnchorFile::open(&layout), Err(StorageError::Corrupt { .. })));
    }
}
