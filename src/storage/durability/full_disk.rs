//! Rule 9: a full disk is an error that leaves the store readable and openable.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Place, batch};
use crate::storage::space::Probe;
use crate::storage::{Disk, DiskOptions, Room, Storage, StorageError};

#[test]
fn a_store_on_a_full_disk_opens_reads_and_refuses_and_recovers() {
    let place = Place::with_store();
    let free = Arc::new(AtomicU64::new(0));
    let asked = Arc::clone(&free);
    let probe = Probe::new(move |_| Ok(asked.load(Ordering::SeqCst)));
    let disk = Disk::open(&place.path, DiskOptions { probe, ..DiskOptions::default() }).unwrap();
    assert!(!place.layout().ballast().exists(), "the ballast was given up");
    assert_eq!(disk.get(b"first").unwrap(), Some(b"row".to_vec()));
    assert!(matches!(disk.room().unwrap(), Room::Short { free_bytes: 0, .. }));
    let refused = disk.commit(&batch(&[(b"a", b"1")]));
    assert!(matches!(refused, Err(StorageError::NoSpace { free_bytes: 0, .. })), "{refused:?}");
    assert_eq!(disk.get(b"a").unwrap(), None);

    free.store(1 << 30, Ordering::SeqCst);
    disk.commit(&batch(&[(b"a", b"1")])).unwrap();
    assert_eq!(disk.room().unwrap(), Room::Enough);
    assert!(place.layout().ballast().exists(), "the ballast is taken up again");
}
