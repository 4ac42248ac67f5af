//! Rotations of data that the store makes itself: many are on their way at a time, and each comes to its own end.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::RotationWorker;
use crate::domain::due::next_step;
use crate::domain::id::SecretId;
use crate::domain::lock::NewLock;
use crate::domain::name::{Actor, LockName, SecretName, Username};
use crate::domain::policy::{Interval, IntervalUnit, RotationPolicy};
use crate::domain::position::Position;
use crate::domain::secret::PasswordPolicy;
use crate::domain::time::Timestamp;
use crate::domain::version::VersionRef;
use crate::engine::clock::ManualClock;
use crate::engine::tests::faulty_store;
use crate::rotation::options::WorkerOptions;
use crate::storage::faulty::{Fault, Faulty};
use crate::store::Store;
use crate::store::new_secret::NewSecret;
use crate::store::session::Session;

/// A day, and as long as the spread over secrets can be.
const DAY: Duration = Duration::from_secs(24 * 60 * 60 + 30 * 60);

/// A store with passwords that are due each day.
struct Passwords {
    clock: ManualClock,
    store: Store,
    faulty: Arc<Faulty>,
    ids: Vec<SecretId>,
}

impl Passwords {
    fn new(count: u32) -> Self {
        let clock = ManualClock::at(Timestamp::parse("2026-11-23T12:00:00Z").unwrap()).moving(Duration::from_nanos(1));
        let (store, faulty) = faulty_store(&clock);
        let policy = RotationPolicy::every(Interval::new(1, IntervalUnit::Day).unwrap());
        let new = |number: u32| {
            let name = SecretName::parse(&format!("password-{number}")).unwrap();
            let username = Username::parse("admin").unwrap();
            NewSecret::generated_password(name, username, PasswordPolicy::default()).rotating(policy)
        };
        let ops = store.acting_as(Actor::parse("ops").unwrap());
        let mut ids: Vec<_> = (0..count).map(|number| ops.create(new(number)).unwrap().secret.unwrap()).collect();
        store.settle().unwrap();
        // What is due is taken up in the order in which it became so.
        ids.sort_by_key(|id| next_step(&store.secret(*id).unwrap()).map(|(at, _)| at));
        Self { clock, store, faulty, ids }
    }

    fn ops(&self) -> Session {
        self.store.acting_as(Actor::parse("ops").unwrap())
    }

    fn worker(&self, threads: usize) -> RotationWorker {
        RotationWorker::new(&self.store, WorkerOptions::new().threads(threads))
    }

    /// A worker that is interrupted before it asks for the rotation of this number.
    fn dying_at(&self, number: u64, threads: usize) -> RotationWorker {
        let met = AtomicU64::new(0);
        let mut options = WorkerOptions::new().threads(threads);
        options.interrupt = Some(Arc::new(move |_| met.fetch_add(1, Ordering::Relaxed) == number));
        RotationWorker::new(&self.store, options)
    }

    /// How many versions each secret has had.
    fn versions(&self) -> Vec<u64> {
        let current = |id: &SecretId| self.store.secret(*id).unwrap().current().unwrap().number.get();
        self.ids.iter().map(current).collect()
    }

    fn events(&self, label: &str) -> usize {
        let mut count = 0;
        let visit = |entry: crate::LogEntry| {
            count += usize::from(matches!(entry, crate::LogEntry::Known(record) if record.event.label() == label));
            ControlFlow::Continue(())
        };
        self.store.for_each_record(Position::FIRST, visit).unwrap();
        count
    }

    #[track_caller]
    fn sound(&self) {
        assert_eq!(self.store.scrub(|_| {}).unwrap().findings, Vec::<String>::new());
        for id in &self.ids {
            let read = self.ops().read(*id, VersionRef::Current).unwrap();
            assert_eq!(read.data.primary().expose().len(), 32);
        }
    }
}

/// After an error the secrets of a pass stayed taken up, and were never looked at again.
#[test]
fn a_secret_that_fails_leaves_the_others_of_its_pass_to_the_next() {
    for threads in [1, 16] {
        let passwords = Passwords::new(2);
        let worker = passwords.dying_at(0, threads);
        passwords.clock.advance(DAY);
        assert!(worker.run_due().is_err());
        assert_eq!(passwords.versions(), [1, 1]);
        assert_eq!(worker.run_due().unwrap(), 2);
        assert_eq!(passwords.versions(), [2, 2]);
        passwords.sound();
    }
}

#[test]
fn what_was_asked_for_before_one_failed_is_done_and_what_was_not_is_taken_up_again() {
    let passwords = Passwords::new(5);
    let worker = passwords.dying_at(2, 16);
    passwords.clock.advance(DAY);
    assert!(worker.run_due().is_err());
    assert_eq!(passwords.versions(), [2, 2, 1, 1, 1], "those in flight came to their end");
    assert_eq!(worker.run_due().unwrap(), 3);
    assert_eq!(passwords.versions(), [2; 5]);
    passwords.sound();
}

#[test]
fn an_answer_that_is_an_error_puts_off_its_own_secret_only() {
    let passwords = Passwords::new(3);
    let worker = passwords.worker(1);
    passwords.clock.advance(DAY);
    passwords.faulty.plan(0, Fault::NoSpace);
    assert_eq!(worker.run_due().unwrap_err().code(), "no_space");
    assert_eq!(passwords.versions(), [1; 3]);
    let waiting = worker.waiting();
    assert_eq!(waiting.iter().map(|(id, _)| *id).collect::<Vec<_>>(), passwords.ids[..1]);
    assert_eq!(worker.run_due().unwrap(), 2, "the others go on at once");
    assert_eq!(passwords.versions(), [1, 2, 2]);
    passwords.clock.advance(Duration::from_secs(60 * 60));
    assert_eq!(worker.run_due().unwrap(), 1, "and it when its pause is over");
    assert_eq!(worker.waiting(), []);
    passwords.sound();
}

#[test]
fn a_lock_that_is_in_the_way_of_one_is_recorded_and_the_others_rotate() {
    let passwords = Passwords::new(5);
    let worker = passwords.worker(16);
    passwords.clock.advance(DAY);
    assert_eq!(worker.run_due().unwrap(), 5);
    let (locked, name) = (passwords.ids[2], LockName::parse("billing").unwrap());
    passwords.ops().place_lock(locked, VersionRef::Previous, NewLock::new(name.clone())).unwrap();
    for day in 1..=3 {
        passwords.clock.advance(DAY);
        worker.run_due().unwrap();
        assert_eq!(worker.run_due().unwrap(), 0, "the refusal is dated: it is not asked again at once");
        let others = 2 + day;
        assert_eq!(passwords.versions(), [others, others, 2, others, others]);
        assert_eq!(passwords.events("ScheduledRotationRefused"), usize::try_from(day).unwrap());
    }
    assert_eq!(worker.waiting(), []);
    passwords.ops().remove_lock(locked, VersionRef::Previous, name).unwrap();
    passwords.clock.advance(DAY);
    worker.run_due().unwrap();
    assert_eq!(passwords.versions(), [6, 6, 3, 6, 6]);
    passwords.sound();
}

#[test]
fn one_that_was_sealed_under_keys_that_have_changed_is_made_again() {
    let passwords = Passwords::new(3);
    let (met, ops) = (AtomicU64::new(0), passwords.ops());
    let mut options = WorkerOptions::new();
    options.interrupt = Some(Arc::new(move |_| {
        if met.fetch_add(1, Ordering::Relaxed) == 1 {
            ops.roll_epoch(|_| {}).unwrap();
        }
        false
    }));
    let worker = RotationWorker::new(&passwords.store, options);
    passwords.clock.advance(DAY);
    assert_eq!(worker.run_due().unwrap(), 4, "one of them took two steps");
    assert_eq!(passwords.versions(), [2; 3]);
    assert_eq!(worker.waiting(), []);
    passwords.sound();
}

#[test]
fn one_that_cannot_be_made_waits_with_its_reason_and_the_others_rotate() {
    let passwords = Passwords::new(3);
    let worker = passwords.worker(16);
    passwords.ops().destroy_data(passwords.ids[0], VersionRef::Current).unwrap();
    passwords.clock.advance(DAY);
    assert_eq!(worker.run_due().unwrap(), 2);
    assert_eq!(passwords.versions(), [1, 2, 2]);
    let waiting = worker.waiting();
    assert_eq!((waiting.len(), waiting[0].0), (1, passwords.ids[0]));
    assert!(waiting[0].1.as_str().contains("username"), "{:?}", waiting[0].1);
}

/// Counts at each rotation that is asked for how many before it are not shown yet: what is answered is shown.
#[test]
fn no_more_are_on_their_way_than_the_worker_has_threads() {
    const THREADS: u64 = 4;
    let passwords = Passwords::new(40);
    passwords.clock.advance(DAY);
    passwords.faulty.plan(0, Fault::Hang);
    let (asked, most) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut options = WorkerOptions::new().threads(usize::try_from(THREADS).unwrap());
    let (store, ids) = (passwords.store.clone(), passwords.ids.clone());
    let (counted, noted) = (Arc::clone(&asked), Arc::clone(&most));
    options.interrupt = Some(Arc::new(move |_| {
        let is_shown = |id: &&SecretId| store.secret(**id).unwrap().versions.len() > 1;
        let shown = ids.iter().filter(is_shown).count() as u64;
        noted.fetch_max(counted.fetch_add(1, Ordering::SeqCst) + 1 - shown, Ordering::SeqCst);
        false
    }));
    let worker = RotationWorker::new(&passwords.store, options);
    std::thread::scope(|scope| {
        let run = scope.spawn(|| worker.run_due());
        passwords.faulty.wait_for_hang();
        while asked.load(Ordering::SeqCst) < THREADS {
            std::thread::yield_now();
        }
        passwords.faulty.release();
        assert_eq!(run.join().unwrap().unwrap(), 40);
    });
    assert_eq!(most.load(Ordering::SeqCst), THREADS);
    passwords.sound();
}

#[test]
fn a_store_that_is_closed_ends_what_is_on_its_way() {
    let passwords = Passwords::new(100);
    passwords.faulty.plan(0, Fault::Hang);
    let worker = RotationWorker::start(&passwords.store, WorkerOptions::new().threads(8)).unwrap();
    passwords.clock.advance(DAY);
    passwords.faulty.wait_for_hang();
    std::thread::scope(|scope| {
        let closing = scope.spawn(|| passwords.store.close());
        passwords.faulty.release();
        closing.join().unwrap().unwrap();
    });
    // Neither waits for what nobody answers any more.
    worker.stop();
    let versions = passwords.versions();
    assert!(versions.iter().all(|versions| (1..=2).contains(versions)) && versions.contains(&2), "{versions:?}");
    passwords.clock.advance(DAY);
    assert_eq!(worker.run_due().unwrap_err().code(), "closed", "nobody holds on to what is due");
}

/// A stop once waited for a thousand that had been looked up, and for the queues.
#[test]
fn a_worker_that_is_stopped_ends_what_is_on_its_way_and_begins_nothing() {
    const THREADS: usize = 4;
    let passwords = Passwords::new(200);
    passwords.faulty.plan(0, Fault::Hang);
    let worker = RotationWorker::start(&passwords.store, WorkerOptions::new().threads(THREADS)).unwrap();
    passwords.clock.advance(DAY);
    passwords.faulty.wait_for_hang();
    std::thread::scope(|scope| {
        let stopping = scope.spawn(|| worker.stop());
        while !worker.0.is_stopping() {
            std::thread::yield_now();
        }
        // It is said by then, but for a moment.
        std::thread::sleep(Duration::from_millis(50));
        passwords.faulty.release();
        stopping.join().unwrap();
    });
    let rotated = passwords.versions().into_iter().filter(|versions| *versions == 2).count();
    assert!((1..=THREADS).contains(&rotated), "{rotated} were rotated");
    assert_eq!(worker.run_due().unwrap(), 200 - u64::try_from(rotated).unwrap(), "the rest is still due");
    passwords.sound();
}

#[test]
fn a_store_that_fails_ends_what_is_on_its_way() {
    let passwords = Passwords::new(20);
    let worker = RotationWorker::start(&passwords.store, WorkerOptions::new().threads(8)).unwrap();
    passwords.faulty.plan(1, Fault::Before);
    passwords.clock.advance(DAY);
    while passwords.store.status().unwrap().poisoned.is_none() {
        std::thread::yield_now();
    }
    worker.stop();
    assert!(passwords.versions().contains(&1));
    passwords.clock.advance(DAY);
    assert_eq!(worker.run_due().unwrap_err().code(), "poisoned", "nobody holds on to what is due");
}
