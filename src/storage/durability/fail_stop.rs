//! Rule 6: after a failure that may have written, a store takes no commit until it is opened again.

use std::time::Duration;

use super::{Place, START, batch, count};
use crate::storage::{Batch, Disk, DiskOptions, Storage, StorageError};

#[test]
fn a_commit_that_outlasts_its_deadline_poisons() {
    let place = Place::with_store();
    let impatient = DiskOptions { commit_max: Duration::ZERO, ..DiskOptions::default() };
    let disk = Disk::open(&place.path, impatient).unwrap();
    let overdue = disk.commit(&batch(&[(b"a", b"1"), (b"b", b"2")]));
    assert!(matches!(overdue, Err(StorageError::Io { .. })), "{overdue:?}");
    for answer in [disk.commit(&batch(&[(b"c", b"3")])), disk.commit(&Batch::new()), disk.write_anchor(START)] {
        assert!(matches!(answer, Err(StorageError::Poisoned { .. })), "{answer:?}");
    }
    assert_eq!(disk.get(b"first").unwrap(), Some(b"row".to_vec()), "it can still be read");
    let closed = disk.close();
    assert!(matches!(closed, Err(StorageError::Poisoned { .. })), "{closed:?}");

    let lock_bytes = || std::fs::metadata(place.layout().lock()).unwrap().len();
    assert_eq!(lock_bytes(), 1, "the next open knows of the bad end");

    let disk = place.open().unwrap();
    assert!([1, 3].contains(&count(&disk)), "the batch is whole or absent");
    assert!(disk.get(b"c").unwrap().is_none());
    disk.commit(&batch(&[(b"c", b"3")])).unwrap();
    disk.close().unwrap();
    assert_eq!(lock_bytes(), 0);
}
