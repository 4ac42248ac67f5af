//! Owns the measurements of storage on disk, against a bare append and against sled alone.
//!
//! They take a while and depend on the drive, so they run only on request:

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{AnchorMark, Batch, Disk, DiskOptions, Storage};

const START: AnchorMark = AnchorMark { log_size: 0, head: [0; 32] };

fn created(dir: &Path) -> Disk {
    Disk::create(&dir.join("store"), &Batch::new(), START, DiskOptions::default()).unwrap()
}

fn row(number: u64, bytes: usize) -> ([u8; 8], Vec<u8>) {
    (number.to_be_bytes(), vec![number.to_le_bytes()[0]; bytes])
}

fn batch(number: u64, bytes: usize) -> Batch {
    let (row_key, value) = row(number, bytes);
    let mut batch = Batch::new();
    batch.put(row_key, value).unwrap();
    batch
}

/// Returns the median time of many runs.
fn median(runs: u64, mut run: impl FnMut(u64)) -> Duration {
    let mut took: Vec<_> = (0..runs)
        .map(|number| {
            let begun = Instant::now();
            run(number);
            begun.elapsed()
        })
        .collect();
    took.sort();
    took[took.len() / 2]
}

#[test]
#[ignore = "measures the drive"]
fn a_commit_stays_near_sled_and_its_sync() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = File::create(dir.path().join("log")).unwrap();
    let db = sled::Config::new().path(dir.path().join("sled")).flush_every_ms(None).open().unwrap();
    let db_file = File::open(dir.path().join("sled/db")).unwrap();
    let disk = created(dir.path());
    for round in 0..3 {
        let bare = median(1_500, |number| {
            log.write_all(&row(number, 300).1).unwrap();
            log.sync_data().unwrap();
        });
        let sled_alone = median(1_500, |number| {
            let (row_key, value) = row(round * 2_000 + number, 300);
            let mut rows = sled::Batch::default();
            rows.insert(&row_key, value);
            db.apply_batch(rows).unwrap();
            db.flush().unwrap();
            db_file.sync_data().unwrap();
        });
        let ours = median(1_500, |number| disk.commit(&batch(round * 2_000 + number, 300)).unwrap());
        let anchor = median(300, |log_size| disk.write_anchor(AnchorMark { log_size, head: [1; 32] }).unwrap());
        println!("bare {bare:?}, sled and its sync {sled_alone:?}, a commit {ours:?}, an anchor {anchor:?}");
        assert!(ours < sled_alone * 3 / 2, "the way through the keeper's thread costs too much");
    }
}

#[test]
#[ignore = "writes 60 MB"]
fn the_largest_batch_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let disk = created(dir.path());
    let mut largest = Batch::new();
    for number in 0..10_000 {
        let (row_key, value) = row(number, 6_144);
        largest.put(row_key, value).unwrap();
    }
    let begun = Instant::now();
    disk.commit(&largest).unwrap();
    println!("a batch of {} MB: {:?}", largest.bytes() / 1_000_000, begun.elapsed());
    assert_eq!(disk.get(&9_999_u64.to_be_bytes()).unwrap().map(|value| value.len()), Some(6_144));
}

#[test]
#[ignore = "writes 250 MB"]
fn a_close_saves_the_next_open_from_reading_all() {
    let dir = tempfile::tempdir().unwrap();
    let disk = created(dir.path());
    for number in 0..1_000 {
        let mut batch = Batch::new();
        (0..42).for_each(|part| {
            let (row_key, value) = row(number * 42 + part, 6_000);
            batch.put(row_key, value).unwrap();
        });
        disk.commit(&batch).unwrap();
    }
    let timed = |what: &str, run: &mut dyn FnMut()| {
        let begun = Instant::now();
        run();
        println!("{what}: {:?}", begun.elapsed());
        begun.elapsed()
    };
    println!("size: {} MB", disk.size_bytes().unwrap() / 1_000_000);
    let close = timed("close", &mut || disk.close().unwrap());
    let mut reopened = None;
    let open = timed("open", &mut || {
        reopened = Some(Disk::open(&dir.path().join("store"), DiskOptions::default()).unwrap());
    });
    timed("close with nothing written", &mut || reopened.take().unwrap().close().unwrap());
    assert!(open < close, "the open reads what the close has read already");
}
