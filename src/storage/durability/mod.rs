//! Owns the tests of what a store on disk promises beyond the contract, one module for each rule of durability.
//!
//! Crash states and full disks of real file systems are tested elsewhere. These are the rules that hold in one process.
//! Read next: [`super::disk`].

mod anchoring;
mod bounds;
mod creation;
mod damage;
mod fail_stop;
mod full_disk;
mod opening;
mod privacy;

use std::ops::ControlFlow;
use std::path::PathBuf;

use super::layout::Layout;
use super::{AnchorMark, Batch, Direction, Disk, DiskOptions, KeyRange, Storage, StorageError};

const START: AnchorMark = AnchorMark { log_size: 3, head: [5; 32] };

/// A directory for a store, and the store's path.
struct Place {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        Self { _dir: dir, path }
    }

    fn layout(&self) -> Layout {
        Layout::at(&self.path)
    }

    fn aside(&self) -> PathBuf {
        self.path.with_file_name("store.new")
    }

    fn create(&self) -> Result<Disk, StorageError> {
        Disk::create(&self.path, &batch(&[(b"first", b"row")]), START, DiskOptions::default())
    }

    fn open(&self) -> Result<Disk, StorageError> {
        Disk::open(&self.path, DiskOptions::default())
    }

    /// Makes a store and closes it.
    fn with_store() -> Self {
        let place = Self::new();
        place.create().unwrap().close().unwrap();
        place
    }
}

fn batch(rows: &[(&[u8], &[u8])]) -> Batch {
    let mut batch = Batch::new();
    for (row_key, value) in rows {
        batch.put(*row_key, *value).unwrap();
    }
    batch
}

fn count(storage: &dyn Storage) -> usize {
    let mut rows = 0;
    let visit = &mut |_: &[u8], _: &[u8]| {
        rows += 1;
        ControlFlow::Continue(())
    };
    storage.scan(&KeyRange::all(), Direction::Ascending, visit).unwrap();
    rows
}
