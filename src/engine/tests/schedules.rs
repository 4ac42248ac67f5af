//! Schedules of the queue: the real writer, committer, callers, closers and a watcher, scheduled by shuttle.
//!
//! Rows are in memory, and a commit is two points of the schedule with the rows written in between; sled's own threads
//! are not scheduled. Read next: [`crate::engine::sync::scheduled`].

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use shuttle::thread::{JoinHandle, spawn};

use super::{Rows, named, new_data, new_secret, opening, ops};
use crate::domain::name::LockName;
use crate::domain::position::Position;
use crate::domain::receipt::Receipt;
use crate::domain::version::VersionRef;
use crate::engine::open::{Access, Opening, Place, open_on};
use crate::engine::snapshot::Waited;
use crate::engine::sync::scheduled::{Limits, chance, explore, pause};
use crate::error::Error;
use crate::storage::faulty::{Fault, Faulty};
use crate::storage::rows::Visit;
use crate::storage::{AnchorMark, Batch, Direction, KeyRange, Room, Storage, StorageError};
use crate::store::Store;
use crate::store::command::Command;
use crate::store::log_view::LogEntry;

/// A store with one secret, and the size of its log.
static BEFORE: LazyLock<(Rows, u64)> = LazyLock::new(|| {
    let rows = Rows::new();
    let store = rows.open();
    super::put_secret(&store, "first");
    let size = store.status().unwrap().log_size.get();
    store.close().unwrap();
    (rows, size)
});

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A storage whose commits take a while.
pub(super) struct Slow(pub(super) Arc<Faulty>);

impl Storage for Slow {
    fn get(&self, row_key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.0.get(row_key)
    }

    fn scan(&self, range: &KeyRange, direction: Direction, visit: &mut Visit<'_>) -> Result<(), StorageError> {
        self.0.scan(range, direction, visit)
    }

    fn commit(&self, batch: &Batch) -> Result<(), StorageError> {
        pause();
        let committed = self.0.commit(batch);
        pause();
        committed
    }

    fn anchor(&self) -> Option<AnchorMark> {
        self.0.anchor()
    }

    fn write_anchor(&self, mark: AnchorMark) -> Result<(), StorageError> {
        pause();
        self.0.write_anchor(mark)
    }

    fn room(&self) -> Result<Room, StorageError> {
        self.0.room()
    }

    fn size_bytes(&self) -> Result<u64, StorageError> {
        self.0.size_bytes()
    }

    fn close(&self) -> Result<(), StorageError> {
        self.0.close()
    }
}

/// Rows, and a working store on them whose queue is short.
struct Scene {
    rows: Rows,
    faulty: Arc<Faulty>,
    store: Store,
}

impl Scene {
    fn new() -> Self {
        let rows = BEFORE.0.fork();
        let faulty = Arc::new(Faulty::new(Arc::new(rows.0.reopen())));
        let opening = Opening { queue_max: 2, ..opening(Place::Memory) };
        let engine = open_on(Arc::new(Slow(Arc::clone(&faulty))), &opening, Access::ReadWrite).unwrap();
        Self { rows, faulty, store: Store::new(engine) }
    }

    /// Starts a caller that sends a few commands; returns the receipts.
    fn caller(&self, number: u64) -> JoinHandle<Vec<Receipt>> {
        let store = self.store.clone();
        spawn(move || (0..3).filter_map(|call| ask(&store, number, call)).collect())
    }

    /// Starts a watcher that waits for records until there will be none.
    fn watcher(&self) -> JoinHandle<u64> {
        let store = self.store.clone();
        spawn(move || {
            let published = &store.0.shared.published;
            loop {
                let seen = published.with(|snapshot| snapshot.end.size);
                if published.wait_beyond(seen, HOUR) == Waited::Final {
                    return published.with(|snapshot| snapshot.end.size.get());
                }
            }
        })
    }

    /// Reads the rows anew: what was answered is there. Returns the size of the log, and the size it would have if only
    /// the answered commands were done.
    fn durable(&self, receipts: &[Receipt]) -> (u64, u64) {
        let engine = open_on(Arc::new(self.rows.0.reopen()), &opening(Place::Memory), Access::ReadOnly).unwrap();
        let store = Store::new(engine);
        let size = store.status().unwrap().log_size.get();
        assert_eq!(store.verify_log(|_| {}).unwrap().records, size);
        let mut ends = BTreeSet::new();
        let mut refused = 0;
        for entry in store.watch(Position::new(BEFORE.1)).unwrap() {
            let LogEntry::Known(record) = entry.unwrap() else { panic!("this release has written it") };
            // A command that a lock refuses has no receipt, but a record; so has the clock, which begins anew in each scene.
            refused += u64::from(record.event.label().ends_with("Refused") || record.event.label() == "ClockRanBack");
            if record.index + 1 == record.count {
                ends.insert(record.position);
            }
        }
        let done: Vec<_> = receipts.iter().filter(|receipt| receipt.events > 0).collect();
        for receipt in &done {
            assert!(ends.remove(&receipt.position), "each that was answered ends a batch of its own");
        }
        let appended: u64 = done.iter().map(|receipt| u64::from(receipt.events)).sum();
        (size, BEFORE.1 + appended + refused)
    }
}

/// Sends a command in one of the possible ways; a command with a receipt is visible at once.
fn ask(store: &Store, number: u64, call: u64) -> Option<Receipt> {
    let ops = ops(store);
    let first = named(store, "first");
    let command = match chance(4) {
        // Only one of all callers that ask for this name gets it.
        0 => Command::create(new_secret("shared")),
        1 => Command::create(new_secret(&format!("own-{number}-{call}"))),
        2 => Command::rotate(first, new_data("next")),
        _ => {
            let lock = LockName::parse(&format!("lock-{number}")).unwrap();
            Command::place_lock(first, VersionRef::Current, crate::domain::lock::NewLock::new(lock))
        }
    };
    let answer = match chance(4) {
        0 => ops.run(command),
        1 => ops.submit(command).and_then(shuttle::future::block_on),
        2 => ops.try_submit(command).and_then(|pending| pending.wait()),
        _ => store.settle().and_then(|()| ops.run(command)),
    };
    match answer {
        Ok(receipt) => {
            let size = store.0.shared.published.with(|snapshot| snapshot.end.size);
            assert!(size > receipt.position, "an answer came before what it speaks of showed");
            Some(receipt)
        }
        Err(error) => {
            let known = ["secret_name_taken", "secret_version_locked", "closed", "busy", "poisoned", "no_space"];
            assert!(known.contains(&error.code()), "{error}");
            None
        }
    }
}

fn joined<T>(threads: Vec<JoinHandle<T>>) -> Vec<T> {
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

/// Runs callers, a watcher, and two threads that close the store meanwhile.
fn close_at_work() {
    let scene = Scene::new();
    let callers: Vec<_> = (0..3).map(|number| scene.caller(number)).collect();
    let watcher = scene.watcher();
    let closers = (0..2).map(|_| {
        let store = scene.store.clone();
        spawn(move || store.close())
    });
    let closers: Vec<_> = closers.collect();
    let receipts = joined(callers).concat();
    let closed: Vec<Result<(), Error>> = joined(closers);
    assert!(closed.iter().all(Result::is_ok), "{closed:?}");
    let shown = watcher.join().unwrap();
    let (size, expected) = scene.durable(&receipts);
    assert_eq!(size, expected, "who was told that the store is closed has changed nothing");
    assert_eq!(shown, size);
    let mark = scene.rows.0.reopen().anchor().unwrap();
    assert_eq!(mark.log_size, size, "the anchor is of the end");
    HEADS.with_borrow_mut(|heads| heads.push(mark.head));
}

thread_local! {
    /// The ends of the logs that [`close_at_work`] left.
    static HEADS: RefCell<Vec<[u8; 32]>> = const { RefCell::new(Vec::new()) };
}

/// Lets a commit fail while callers wait, or the disk be full for a moment.
fn fail_at_work() {
    let scene = Scene::new();
    let fault = [Fault::Before, Fault::After, Fault::NoSpace][usize::try_from(chance(3)).unwrap()];
    scene.faulty.plan(chance(4), fault);
    let callers: Vec<_> = (0..3).map(|number| scene.caller(number)).collect();
    let watcher = scene.watcher();
    let receipts = joined(callers).concat();
    let is_poisoned = scene.store.status().unwrap().poisoned.is_some();
    if is_poisoned {
        let refused = ops(&scene.store).create(new_secret("later")).unwrap_err();
        assert_eq!(refused.code(), "poisoned");
    }
    let closed = scene.store.close();
    assert!(closed.is_err() || !is_poisoned, "whoever closes is told too");
    let shown = watcher.join().unwrap();
    let (size, expected) = scene.durable(&receipts);
    assert!(shown <= size, "nothing is shown that is not durable");
    let unanswered = size - expected;
    assert!(unanswered == 0 || fault == Fault::After, "{fault:?}: what was answered with an error did nothing");
}

/// A waiting watcher learns of new records without a later change, and without a tick.
fn news() {
    let scene = Scene::new();
    let watching = || {
        let store = scene.store.clone();
        let published = move || store.0.shared.published.wait_beyond(Position::new(BEFORE.1), HOUR);
        spawn(published)
    };
    let watchers: Vec<_> = (0..2).map(|_| watching()).collect();
    ops(&scene.store).create(new_secret("news")).unwrap();
    assert_eq!(joined(watchers), [Waited::Grown, Waited::Grown]);
}

#[test]
fn nobody_misses_the_news() {
    LazyLock::force(&BEFORE);
    explore("news", 12, Limits::LongOnesNeverPass, news);
}

#[test]
fn everybody_is_answered_while_the_store_closes() {
    LazyLock::force(&BEFORE);
    explore("closing", 12, Limits::LongOnesNeverPass, close_at_work);
    explore("closing", 12, Limits::PassAnytime, close_at_work);
}

#[test]
fn everybody_is_answered_when_a_commit_fails() {
    LazyLock::force(&BEFORE);
    explore("failing", 12, Limits::LongOnesNeverPass, fail_at_work);
    explore("failing", 12, Limits::PassAnytime, fail_at_work);
}

#[test]
fn a_seed_gives_the_same_schedules_again() {
    LazyLock::force(&BEFORE);
    let run = || {
        HEADS.take();
        explore("again", 2, Limits::LongOnesNeverPass, close_at_work);
        HEADS.take()
    };
    assert_eq!(run(), run());
}
