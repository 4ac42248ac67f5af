//! What an operation is, the same for every contestant.
//!
//! Each caller works on a secret of its own, as services do. *Locks*: a lock is placed on the current version, then
//! removed, in turns. *Mix*: of ten operations four place a lock, four remove it, and two rotate the secret to a new
//! version of 100 bytes, sealed by the caller; the third version pushes the data of the first one out.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Bytes of secret data.
pub(crate) const DATA: [u8; 100] = [b'x'; 100];

/// Callers of the throughput figure.
pub(crate) const CALLERS: usize = 64;

/// One durable operation on the caller's secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    PlaceLock,
    RemoveLock,
    Rotate,
}

/// What callers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Locks,
    Mix,
}

impl Work {
    /// Gives the operation that comes at a place in a caller's sequence.
    pub(crate) fn operation(self, number: u64) -> Operation {
        match (self, number % 10) {
            (Self::Mix, 4 | 9) => Operation::Rotate,
            (Self::Mix, 0 | 2 | 5 | 7) => Operation::PlaceLock,
            (Self::Locks, even) if even % 2 == 0 => Operation::PlaceLock,
            _ => Operation::RemoveLock,
        }
    }
}

/// Something that does operations durably, for many callers at once.
pub(crate) trait Contestant: Sync {
    /// Does one operation for a caller; when it returns, the operation is durable.
    fn run(&self, caller: usize, operation: Operation);
}

/// Lets callers work for a time; gives the operations done in a second.
pub(crate) fn throughput(contestant: &dyn Contestant, callers: usize, work: Work, time: Duration) -> f64 {
    let (begin, is_over, done) = (Barrier::new(callers + 1), AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for caller in 0..callers {
            let (begin, is_over, done) = (&begin, &is_over, &done);
            scope.spawn(move || {
                begin.wait();
                let mut number = 0;
                // It may end between a lock and its removal: the next run begins with the same lock, and removes it.
                while !is_over.load(Ordering::Relaxed) {
                    contestant.run(caller, work.operation(number));
                    number += 1;
                    if !is_over.load(Ordering::Relaxed) {
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        begin.wait();
        let started = Instant::now();
        std::thread::sleep(time);
        let (done, took) = (done.load(Ordering::Relaxed), started.elapsed());
        is_over.store(true, Ordering::Relaxed);
        done as f64 / took.as_secs_f64()
    })
}
