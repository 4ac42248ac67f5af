//! Rule 8, and the effect of damage: an error, or only rows that were written; never a panic, an abort or a hang.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;

use super::Place;
use crate::storage::layout::for_each_entry;
use crate::storage::{Batch, Direction, KeyRange, Storage, StorageError};

/// Returns the rows of the store to damage, which cannot be mistaken for each other.
fn rows() -> Vec<(Vec<u8>, Vec<u8>)> {
    (0..300_u32)
        .map(|number| (number.to_be_bytes().to_vec(), blake3::hash(&number.to_le_bytes()).as_bytes().repeat(5)))
        .collect()
}

/// Returns the files of sled, after a regular close, or before one, as a crash would leave them.
fn files(is_closed: bool) -> (Place, Vec<(PathBuf, Vec<u8>)>) {
    let (place, mut files) = (Place::new(), Vec::new());
    let disk = place.create().unwrap();
    for rows in rows().chunks(10) {
        let mut batch = Batch::new();
        for (row_key, value) in rows {
            batch.put(row_key.clone(), value.clone()).unwrap();
        }
        disk.commit(&batch).unwrap();
    }
    if is_closed {
        disk.close().unwrap();
    }
    for_each_entry(&place.layout().rows(), &mut |path, is_dir| {
        if !is_dir {
            files.push((path.to_path_buf(), fs::read(path).unwrap()));
        }
        Ok(())
    })
    .unwrap();
    (place, files)
}

/// Puts the files back. Unless `trial` is 0, flips a byte of one of them: in the log, or sometimes in another file.
fn put_back(place: &Place, files: &[(PathBuf, Vec<u8>)], trial: u32) {
    let hash = blake3::hash(&trial.to_le_bytes());
    let dice = usize::try_from(u32::from_le_bytes(hash.as_bytes()[..4].try_into().unwrap())).unwrap();
    let log = place.layout().rows_db();
    let damaged = if trial % 6 == 5 { &files[dice % files.len()].0 } else { &log };
    fs::remove_dir_all(place.layout().rows()).unwrap();
    fs::create_dir_all(place.layout().rows_blobs()).unwrap();
    for (path, bytes) in files {
        let mut bytes = bytes.clone();
        if path == damaged && trial > 0 {
            let at = dice % bytes.iter().rposition(|byte| *byte != 0).unwrap();
            bytes[at] ^= 1 << (dice % 8);
        }
        fs::write(path, bytes).unwrap();
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    AllThere,
    NotOpened,
    NotRead,
    RowsMissing,
}

/// Opens and reads everything; what can be read must be what was written.
fn outcome(place: &Place, trial: u32) -> Outcome {
    let disk = match place.open() {
        Ok(disk) => disk,
        Err(StorageError::Corrupt { .. } | StorageError::Panicked { .. }) => return Outcome::NotOpened,
        Err(err) => panic!("trial {trial}: {err:?}"),
    };
    let (written, mut found) = (rows(), 0);
    let visit = &mut |row_key: &[u8], value: &[u8]| {
        let known = written.iter().any(|(key, known)| key == row_key && known == value);
        assert!(known || row_key == b"first", "trial {trial}: a row that was never written");
        found += 1;
        ControlFlow::Continue(())
    };
    match disk.scan(&KeyRange::all(), Direction::Ascending, visit) {
        Ok(()) if found == written.len() + 1 => Outcome::AllThere,
        Ok(()) => Outcome::RowsMissing,
        Err(StorageError::Corrupt { .. } | StorageError::Panicked { .. } | StorageError::Io { .. }) => Outcome::NotRead,
        Err(err) => panic!("trial {trial}: {err:?}"),
    }
}

fn outcomes(is_closed: bool) -> BTreeMap<Outcome, u32> {
    let (place, files) = files(is_closed);
    put_back(&place, &files, 0);
    assert_eq!(outcome(&place, 0), Outcome::AllThere, "nothing is flipped yet");
    let mut outcomes = BTreeMap::new();
    for trial in 1..=TRIALS {
        put_back(&place, &files, trial);
        *outcomes.entry(outcome(&place, trial)).or_insert(0) += 1;
    }
    outcomes
}

#[test]
fn after_an_orderly_close_a_flipped_byte_is_an_error_or_has_no_effect() {
    let outcomes = outcomes(true);
    assert!(!outcomes.contains_key(&Outcome::RowsMissing), "{outcomes:?}");
    assert!(outcomes.len() > 1 || !outcomes.contains_key(&Outcome::AllThere), "no flip had an effect");
}

/// Here sled ignores damage without an error, and truncates its log. The engine detects that by the anchor.
#[test]
fn after_a_crash_a_flipped_byte_leaves_only_rows_that_were_written() {
    let outcomes = outcomes(false);
    assert!(outcomes.contains_key(&Outcome::RowsMissing), "sled has changed: {outcomes:?}");
}

const TRIALS: u32 = 40;
