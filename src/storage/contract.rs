//! Owns the test suite that every storage passes: the promises of the trait, checked from outside.
//!
//! It never looks into an implementation. A new storage adds one line to [`for_each_storage`]. Read next:
//! [`super::rows`].

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::batch::{ROW_BYTES_MAX, ROW_KEY_BYTES_MAX};
use super::chunks::{put_chunked, read_chunked, remove_chunked};
use super::faulty::Faulty;
use super::{AnchorMark, Batch, Direction, Disk, DiskOptions, KeyRange, Memory, Room, Storage, StorageError};

/// A storage, and how to open it again after a close.
struct Subject {
    storage: Box<dyn Storage>,
    reopen: Box<dyn Fn() -> Box<dyn Storage>>,
}

impl Subject {
    fn reopen(&mut self) {
        self.storage.close().unwrap();
        self.storage = (self.reopen)();
    }
}

/// Runs a test of the contract against every implementation, each without a row and with [`START`] as its anchor.
fn for_each_storage(test: impl Fn(&str, Subject)) {
    let memory = Memory::new();
    memory.write_anchor(START).unwrap();
    let (storage, kept) = (Box::new(memory.reopen()), memory);
    test("memory", Subject { storage, reopen: Box::new(move || Box::new(kept.reopen())) });

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let storage = Box::new(Disk::create(&path, &Batch::new(), START, DiskOptions::default()).unwrap());
    test("disk", Subject { storage, reopen: Box::new(move || Box::new(open(&path))) });

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let disk = Disk::create(&path, &Batch::new(), START, DiskOptions::default()).unwrap();
    let storage = Box::new(Faulty::new(Arc::new(disk)));
    test("faulty", Subject { storage, reopen: Box::new(move || Box::new(Faulty::new(Arc::new(open(&path))))) });
}

fn open(path: &std::path::Path) -> Disk {
    Disk::open(path, DiskOptions::default()).unwrap()
}

const START: AnchorMark = AnchorMark { log_size: 0, head: [0; 32] };

type Step<'b> = Result<&'b mut Batch, StorageError>;
type Rows = Vec<(Vec<u8>, Vec<u8>)>;

fn scan(storage: &dyn Storage, range: &KeyRange, direction: Direction) -> Rows {
    let mut rows = Vec::new();
    let visit = &mut |row_key: &[u8], value: &[u8]| {
        rows.push((row_key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    };
    storage.scan(range, direction, visit).unwrap();
    rows
}

fn all(storage: &dyn Storage) -> Rows {
    scan(storage, &KeyRange::all(), Direction::Ascending)
}

fn put(storage: &dyn Storage, rows: &[(&[u8], &[u8])]) {
    let mut batch = Batch::new();
    for (row_key, value) in rows {
        batch.put(*row_key, *value).unwrap();
    }
    storage.commit(&batch).unwrap();
}

#[test]
fn rows_come_in_order_whatever_the_order_they_were_put_in() {
    for_each_storage(|name, subject| {
        let storage = &*subject.storage;
        let row_keys: [&[u8]; 9] = [b"b", b"", b"\xff\xff", b"a\0", b"a", b"\xff", b"ab", b"\0", b"a\0\xff"];
        for row_key in row_keys {
            put(storage, &[(row_key, b"v")]);
        }
        let mut sorted = row_keys.map(<[u8]>::to_vec);
        sorted.sort();
        let found: Vec<_> = all(storage).into_iter().map(|(row_key, _)| row_key).collect();
        assert_eq!(found, sorted, "{name}");
        let mut found = scan(storage, &KeyRange::all(), Direction::Descending);
        found.reverse();
        assert_eq!(found, all(storage), "{name}");
    });
}

#[test]
fn ranges_hold_their_first_row_key_and_not_their_last() {
    for_each_storage(|name, subject| {
        let storage = &*subject.storage;
        put(storage, &[(b"a", b"1"), (b"b", b"2"), (b"ba", b"3"), (b"c", b"4"), (b"\xff\xff", b"5")]);
        let check = |range: &KeyRange, expected: &str| {
            let text = |rows: Rows| rows.into_iter().map(|(_, value)| char::from(value[0])).collect::<String>();
            assert_eq!(text(scan(storage, range, Direction::Ascending)), expected, "{name} {range:?}");
            let reversed: String = expected.chars().rev().collect();
            assert_eq!(text(scan(storage, range, Direction::Descending)), reversed, "{name} {range:?}");
        };
        check(&KeyRange::all(), "12345");
        check(&KeyRange::between(b"a", b"c"), "123");
        check(&KeyRange::between(b"aa", b"bb"), "23");
        check(&KeyRange::between(b"b", b"b"), "");
        check(&KeyRange::between(b"c", b"a"), "");
        check(&KeyRange::starting_at(b"b\0"), "345");
        check(&KeyRange::starting_at(b"\xff\xff\xff"), "");
        check(&KeyRange::prefix(b"b"), "23");
        check(&KeyRange::prefix(b"\xff"), "5");
        check(&KeyRange::prefix(b"x"), "");
    });
}

#[test]
fn a_visitor_breaks_off_and_may_read_and_commit() {
    for_each_storage(|name, subject| {
        let storage = &*subject.storage;
        put(storage, &[(b"a", b"1"), (b"b", b"2"), (b"c", b"3")]);
        let mut seen = 0;
        let visit = &mut |row_key: &[u8], value: &[u8]| {
            seen += 1;
            assert_eq!(storage.get(row_key).unwrap().as_deref(), Some(value));
            put(storage, &[(b"d", row_key)]);
            if row_key == b"b" { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        storage.scan(&KeyRange::all(), Direction::Ascending, visit).unwrap();
        assert_eq!(seen, 2, "{name}");
        assert_eq!(storage.get(b"d").unwrap().as_deref(), Some(&b"b"[..]), "{name}");
    });
}

#[test]
fn a_batch_whose_expectation_fails_changes_nothing_and_the_next_one_is_taken() {
    for_each_storage(|name, subject| {
        let storage = &*subject.storage;
        put(storage, &[(b"a", b"1"), (b"b", b"2")]);
        let before = all(storage);
        let expectations: [fn(&mut Batch) -> Step<'_>; 3] = [
            |batch| batch.expect_absent(b"a"),
            |batch| batch.expect_value(b"a", b"2"),
            |batch| batch.expect_value(b"x", b""),
        ];
        for expect in expectations {
            let mut batch = Batch::new();
            batch.expect_value(b"b", b"2").unwrap().put(b"a", b"9").unwrap().remove(b"b").unwrap();
            expect(&mut batch).unwrap();
            let refused = storage.commit(&batch);
            assert!(matches!(refused, Err(StorageError::Condition { number: 1 })), "{name} {refused:?}");
            assert_eq!(all(storage), before, "{name}");
        }
        let mut batch = Batch::new();
        batch.expect_absent(b"x").unwrap().expect_value(b"a", b"1").unwrap().put(b"a", b"9").unwrap();
        storage.commit(&batch).unwrap();
        assert_eq!(storage.get(b"a").unwrap(), Some(b"9".to_vec()), "{name}");
    });
}

#[test]
fn a_batch_without_rows_checks_what_it_expects() {
    for_each_storage(|name, subject| {
        let storage = &*subject.storage;
        storage.commit(&Batch::new()).unwrap();
        let mut batch = Batch::new();
        batch.expect_absent(b"a").unwrap();
        storage.commit(&batch).unwrap();
        batch.expect_value(b"a", b"1").unwrap();
        let refused = storage.commit(&batch);
        assert!(matches!(refused, Err(StorageError::Condition { number: 1 })), "{name} {refused:?}");
        assert_eq!(all(storage), [], "{name}");
    });
}

#[test]
fn the_largest_row_is_kept() {
    for_each_storage(|name, mut subject| {
        let (row_key, value) = ([7; ROW_KEY_BYTES_MAX], vec![8; ROW_BYTES_MAX]);
        put(&*subject.storage, &[(&row_key, &value)]);
        subject.reopen();
        assert_eq!(subject.storage.get(&row_key).unwrap(), Some(value), "{name}");
    });
}

#[test]
fn what_was_committed_is_there_after_a_reopen() {
    for_each_storage(|name, mut subject| {
        put(&*subject.storage, &[(b"a", b"1"), (b"b", b"2")]);
        assert_eq!(subject.storage.anchor(), Some(START), "{name}");
        let mark = AnchorMark { log_size: 2, head: [9; 32] };
        subject.storage.write_anchor(mark).unwrap();
        assert_eq!(subject.storage.anchor(), Some(START), "{name}: the anchor is as at open");
        let before = all(&*subject.storage);
        for _ in 0..2 {
            subject.reopen();
            assert_eq!(all(&*subject.storage), before, "{name}");
            assert_eq!(subject.storage.anchor(), Some(mark), "{name}");
        }
    });
}

#[test]
fn a_closed_storage_says_so() {
    for_each_storage(|name, subject| {
        let storage = &*subject.storage;
        storage.close().unwrap();
        storage.close().unwrap();
        let mut batch = Batch::new();
        batch.put(b"a", b"1").unwrap();
        for answer in [
            storage.get(b"a").map(drop),
            storage.scan(&KeyRange::all(), Direction::Ascending, &mut |_, _| ControlFlow::Continue(())),
            storage.commit(&batch),
            storage.commit(&Batch::new()),
            storage.write_anchor(START),
            storage.room().map(drop),
            storage.size_bytes().map(drop),
        ] {
            assert!(matches!(answer, Err(StorageError::Closed)), "{name} {answer:?}");
        }
    });
}

#[test]
fn values_in_chunks_come_back_and_are_replaced() {
    for_each_storage(|name, mut subject| {
        let value: Vec<u8> = (0..1_000_000_u32).map(|at| at.to_le_bytes()[1]).collect();
        let mut batch = Batch::new();
        put_chunked(&mut batch, b"v", &value).unwrap();
        subject.storage.commit(&batch).unwrap();
        subject.reopen();
        assert!(read_chunked(&*subject.storage, b"v").unwrap() == Some(value), "{name}");

        let mut batch = Batch::new();
        remove_chunked(&*subject.storage, &mut batch, b"v").unwrap();
        put_chunked(&mut batch, b"v", b"short").unwrap();
        subject.storage.commit(&batch).unwrap();
        subject.reopen();
        assert_eq!(read_chunked(&*subject.storage, b"v").unwrap(), Some(b"short".to_vec()), "{name}");
        assert_eq!(all(&*subject.storage).len(), 1, "{name}");
    });
}

#[test]
fn room_and_size_are_told() {
    for_each_storage(|name, subject| {
        assert_eq!(subject.storage.room().unwrap(), Room::Enough, "{name}");
        put(&*subject.storage, &[(b"a", &[1; 6_000])]);
        assert!(subject.storage.size_bytes().unwrap() >= 6_001, "{name}");
    });
}

#[test]
fn random_batches_with_reopens_agree_with_a_map() {
    for_each_storage(|name, mut subject| {
        let (mut model, mut dice) = (BTreeMap::new(), Dice(0x1a7c_4bee_9d2f_0011));
        for step in 0..120 {
            let mut batch = Batch::new();
            for _ in 0..dice.below(12) {
                let row_key = vec![b'k'; dice.below(3)].into_iter().chain([dice.byte() % 40]).collect::<Vec<_>>();
                if dice.below(3) == 0 {
                    batch.remove(row_key.clone()).unwrap();
                    model.remove(&row_key);
                } else {
                    let value = vec![dice.byte(); dice.below(ROW_BYTES_MAX + 1)];
                    batch.put(row_key.clone(), value.clone()).unwrap();
                    model.insert(row_key, value);
                }
            }
            subject.storage.commit(&batch).unwrap();
            if step % 40 == 39 {
                subject.reopen();
            }
            let found: BTreeMap<_, _> = all(&*subject.storage).into_iter().collect();
            assert!(found == model, "{name}, step {step}");
        }
    });
}

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[7]
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % bound
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0
    }
}
