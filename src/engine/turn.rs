//! Owns the turn to do the rotations of a store: one worker at a time has it.
//!
//! Two workers that act on their own view would call an issuer twice, and each would end what the other has just made.
//! Read next: [`crate::RotationWorker`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::sync::Mutex;

/// The turn of a store, and its holder.
#[derive(Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<Option<Holder>>>);

/// A worker that has the turn, and how often it took it.
struct Holder {
    worker: u64,
    taken: usize,
}

/// The turn, kept until this is dropped.
pub(crate) struct Turn {
    turns: Turns,
}

/// Returns a number that no other worker of this process has.
pub(crate) fn next_worker() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Turns {
    /// Takes the turn for a worker, which may have it already; returns `None` while another worker has it.
    pub(crate) fn take(&self, worker: u64) -> Option<Turn> {
        let mut holder = self.0.lock();
        match &mut *holder {
            Some(holder) if holder.worker != worker => return None,
            Some(holder) => holder.taken = holder.taken.saturating_add(1),
            None => *holder = Some(Holder { worker, taken: 1 }),
        }
        Some(Turn { turns: self.clone() })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut holder = self.turns.0.lock();
        let left = holder.as_ref().and_then(|holder| holder.taken.checked_sub(1)).unwrap_or(0);
        match &mut *holder {
            Some(holder) if left > 0 => holder.taken = left,
            _ => *holder = None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_worker_has_the_turn_as_often_as_it_likes_and_no_other_meanwhile() {
        let turns = Turns::default();
        let (one, two) = (next_worker(), next_worker());
        let (first, second) = (turns.take(one).unwrap(), turns.take(one).unwrap());
        assert!(turns.take(two).is_none());
        drop(first);
        assert!(turns.take(two).is_none());
        drop(second);
        assert!(turns.take(two).is_some_and(|_| turns.take(one).is_none()));
        assert!(turns.take(one).is_some());
    }
}
