//! Rule 1: a creation leaves no store, or a whole one, and touches only its own files.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::{Place, START, batch, count};
use crate::storage::claim::Claim;
use crate::storage::{Disk, DiskOptions, Storage, StorageError};

#[test]
fn a_new_store_has_its_first_rows_and_anchor_and_nothing_aside() {
    let place = Place::new();
    let disk = place.create().unwrap();
    assert_eq!(disk.get(b"first").unwrap(), Some(b"row".to_vec()));
    assert_eq!(disk.anchor(), Some(START));
    assert!(!place.aside().exists());
}

#[test]
fn an_empty_directory_gives_way() {
    let place = Place::new();
    fs::create_dir(&place.path).unwrap();
    assert_eq!(count(&place.create().unwrap()), 1);
}

#[test]
fn whatever_else_is_there_stays() {
    let occupy: [fn(&Path); 4] = [
        |path| drop(Disk::create(path, &batch(&[(b"old", b"1")]), START, DiskOptions::default()).unwrap()),
        |path| fs::create_dir_all(path.join("letters")).unwrap(),
        |path| fs::write(path, b"a letter").unwrap(),
        |path| symlink(path.parent().unwrap(), path).unwrap(),
    ];
    for (number, occupy) in occupy.iter().enumerate() {
        let place = Place::new();
        occupy(&place.path);
        fs::create_dir(place.aside()).unwrap();
        fs::write(place.aside().join("letter"), b"dear").unwrap();
        let before = fs::symlink_metadata(&place.path).unwrap().modified().unwrap();
        let refused = place.create();
        assert!(matches!(refused, Err(StorageError::Exists { .. })), "{number}: {refused:?}");
        assert_eq!(fs::symlink_metadata(&place.path).unwrap().modified().unwrap(), before, "{number}");
        assert!(place.aside().join("letter").exists(), "{number}: nothing is built then");
    }
}

#[test]
fn a_left_over_is_recognised_and_removed() {
    let leave: [fn(&Place); 4] = [
        |place| fs::create_dir(place.aside()).unwrap(),
        |place| {
            fs::create_dir(place.aside()).unwrap();
            fs::write(place.aside().join("lock"), b"").unwrap();
            fs::write(place.aside().join("format"), b"latchk").unwrap();
        },
        |place| {
            fs::create_dir_all(place.aside().join("rows/blobs")).unwrap();
            fs::write(place.aside().join("rows/conf"), b"half").unwrap();
        },
        |place| {
            let rows = batch(&[(b"left", b"over")]);
            Disk::create(&place.path, &rows, START, DiskOptions::default()).unwrap().close().unwrap();
            fs::rename(&place.path, place.aside()).unwrap();
        },
    ];
    for (number, leave) in leave.iter().enumerate() {
        let place = Place::new();
        leave(&place);
        assert!(matches!(place.open(), Err(StorageError::NotAStore { .. })), "{number}: not there yet");
        let disk = place.create().unwrap();
        assert_eq!((count(&disk), disk.get(b"left").unwrap()), (1, None), "{number}");
        assert!(!place.aside().exists(), "{number}");
    }
}

#[test]
fn what_is_no_left_over_is_not_touched() {
    let place = Place::new();
    fs::create_dir(place.aside()).unwrap();
    fs::write(place.aside().join("lock"), b"").unwrap();
    fs::write(place.aside().join("letter"), b"dear").unwrap();
    assert!(matches!(place.create(), Err(StorageError::NotAStore { .. })));
    assert_eq!(fs::read(place.aside().join("letter")).unwrap(), b"dear");
    fs::remove_dir_all(place.aside()).unwrap();
    fs::write(place.aside(), b"dear").unwrap();
    assert!(matches!(place.create(), Err(StorageError::NotAStore { .. })));
    assert_eq!(fs::read(place.aside()).unwrap(), b"dear");
}

#[test]
fn another_creation_in_the_works_is_not_disturbed() {
    let place = Place::new();
    fs::create_dir(place.aside()).unwrap();
    let other = Claim::take(&place.layout().aside().unwrap()).unwrap();
    fs::write(place.aside().join("format"), b"in the works").unwrap();
    assert!(matches!(place.create(), Err(StorageError::AlreadyOpen { .. })));
    assert!(place.aside().join("format").exists());
    drop(other);
    place.create().unwrap();
}
