//! Rule 2: what is prepared before sled opens its directory, and the errors for a directory that cannot be opened.

use std::fs;

use super::{Place, count};
use crate::storage::{Storage, StorageError};

#[test]
fn a_second_open_is_refused_until_the_first_is_closed_or_dropped() {
    let place = Place::new();
    let first = place.create().unwrap();
    assert!(matches!(place.open(), Err(StorageError::AlreadyOpen { .. })));
    assert!(matches!(place.create(), Err(StorageError::Exists { .. })));
    first.close().unwrap();
    let second = place.open().unwrap();
    assert!(matches!(place.open(), Err(StorageError::AlreadyOpen { .. })));
    drop(second);
    place.open().unwrap();
}

/// The test takes sled's own lock, and releases it once sled has begun to open: sled makes a directory just before.
#[test]
fn a_lock_of_sled_that_lingers_is_waited_for() {
    let place = Place::with_store();
    let held = fs::File::open(place.layout().rows_db()).unwrap();
    held.try_lock().unwrap();
    fs::remove_dir(place.layout().rows_blobs()).unwrap();
    std::thread::scope(|scope| {
        let open = scope.spawn(|| place.open());
        while !place.layout().rows_blobs().exists() {
            std::thread::yield_now();
        }
        (0..100).for_each(|_| std::thread::yield_now());
        drop(held);
        assert_eq!(count(&open.join().unwrap().unwrap()), 1);
    });
}

#[test]
fn a_half_written_snapshot_does_not_stop_an_open() {
    let place = Place::with_store();
    let half = place.layout().rows().join("snap.FFFFFFFFFFFFFFFF.generating");
    fs::write(&half, b"half").unwrap();
    assert_eq!(count(&place.open().unwrap()), 1);
    assert!(!half.exists());
}

#[test]
fn what_is_no_store_is_told_apart() {
    let place = Place::new();
    let check = |why: &str| {
        let refused = place.open().unwrap_err();
        let told = matches!(&refused, StorageError::NotAStore { why: told, .. } if *told == why);
        assert!(told, "{refused:?} should be: {why}");
    };
    check("there is no such directory");
    fs::write(&place.path, b"a letter").unwrap();
    check("it is no directory");
    fs::remove_file(&place.path).unwrap();
    fs::create_dir(&place.path).unwrap();
    check("it has no format file");
    fs::write(place.layout().format(), b"something else\n").unwrap();
    check("its format file is not ours");
    assert_eq!(fs::read_dir(&place.path).unwrap().count(), 1, "nothing is made in what is not ours");
}

#[test]
fn another_format_revision_is_named() {
    let place = Place::with_store();
    fs::write(place.layout().format(), b"latchkeep store\nformat revision 2\n").unwrap();
    let refused = place.open();
    assert!(matches!(refused, Err(StorageError::OtherRevision { found: 2, known: 1, .. })), "{refused:?}");
}

#[test]
fn a_store_that_lost_a_file_is_damaged_not_empty() {
    for lost in ["anchor", "rows/db", "rows/conf"] {
        let place = Place::with_store();
        fs::remove_file(place.path.join(lost)).unwrap();
        let refused = place.open();
        assert!(matches!(refused, Err(StorageError::Corrupt { .. })), "{lost}: {refused:?}");
    }
}
