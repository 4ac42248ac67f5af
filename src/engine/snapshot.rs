//! Owns the store as a value at one position of the log, and the published snapshot: the last durable one.
//!
//! The writer works on a snapshot of its own, ahead of the published one. To roll back, it takes the published one
//! again. Read next: [`super::recovery`].

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::batch::remember;
use crate::domain::event::Event;
use crate::domain::id::SecretId;
use crate::domain::position::Position;
use crate::domain::record::Record;
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::ledger::{ChainEnd, Frontier};
use crate::projection::Projections;

use super::clock::monotonic;
use super::history::History;
use super::recovery::moved_by;
use super::saved::{Item, Saved};
use super::sync::{Condvar, Mutex, RwLock};
use super::voucher::Vouching;

/// The whole store, except sealed data, at one position of the log. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) state: State,
    pub(crate) projections: Projections,
    pub(crate) end: ChainEnd,
    pub(crate) frontier: Frontier,
    pub(crate) saved: Saved,
    pub(crate) history: History,
    pub(crate) vouching: Vouching,
}

impl Snapshot {
    /// Applies the records of one batch, which lead to the state `after`.
    pub(crate) fn take(&mut self, records: &[Record], after: State) {
        let before = std::mem::replace(&mut self.state, after);
        // After a rebase of the clock, the chain allows more than the rules.
        self.end.time = self.state.whole.last_at;
        let secrets: BTreeSet<SecretId> = records.iter().filter_map(Record::secret).collect();
        for id in secrets {
            let (before, after) = (before.secret(id), self.state.secret(id));
            self.projections.apply(before.map(AsRef::as_ref), after.map(AsRef::as_ref));
            if before.is_some() || after.is_some() {
                self.saved.touch(Item::Secret(id));
            }
        }
        for record in records {
            if let Event::StoreRestored(_) = &record.event {
                self.start_anew();
            }
            if let Event::ClockRebased(event) = &record.event {
                for item in moved_by(&before, event, record) {
                    self.saved.touch(item);
                }
                self.projections = Projections::rebuild(self.state.secrets.values().map(AsRef::as_ref));
            }
        }
        let forgotten = remember(&mut self.state, records);
        if let Some(last) = records.last().filter(|last| last.context.idempotency.is_some()) {
            self.saved.touch(Item::Answer(last.position));
        }
        for position in forgotten {
            self.saved.touch(Item::Answer(position));
        }
    }
}

impl Snapshot {
    /// Follows an event that may have changed every secret.
    fn start_anew(&mut self) {
        self.projections = Projections::rebuild(self.state.secrets.values().map(AsRef::as_ref));
        for id in self.state.secrets.keys() {
            self.saved.touch(Item::Secret(*id));
        }
    }

    /// Returns the time of the next lapse in the store.
    pub(crate) fn next_lapse(&self) -> Option<Timestamp> {
        self.projections.calendar.next_lapse().filter(|_| self.state.whole.lets_time_pass())
    }

    /// Returns up to `limit` secrets that have a lapse due at `now`, the longest overdue first.
    pub(crate) fn lapsed(&self, now: Timestamp, limit: usize) -> Vec<SecretId> {
        let limit = if self.state.whole.lets_time_pass() { limit } else { 0 };
        self.projections.calendar.lapsed(now).take(limit).collect()
    }
}

/// The last durable snapshot, and a signal for its changes.
#[derive(Debug)]
pub(crate) struct Published {
    last: RwLock<Arc<Snapshot>>,
    /// Whether there will be no later one.
    is_final: Mutex<bool>,
    changed: Condvar,
}

/// The result of a wait for more records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// There are more.
    Grown,
    /// There are none yet.
    InVain,
    /// There will be none.
    Final,
}

impl Published {
    pub(crate) fn new(snapshot: Snapshot) -> Self {
        Self { last: RwLock::new(Arc::new(snapshot)), is_final: Mutex::new(false), changed: Condvar::new() }
    }

    /// Returns a snapshot that does not change.
    pub(crate) fn load(&self) -> Arc<Snapshot> {
        Arc::clone(&self.last.read())
    }

    /// Calls `look` with the snapshot in place. It must be quick, since it blocks the committer.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&Snapshot) -> T) -> T {
        look(&self.last.read())
    }

    pub(crate) fn replace(&self, snapshot: Arc<Snapshot>) {
        let old = std::mem::replace(&mut *self.last.write(), snapshot);
        drop(old);
        // A waiting thread has checked before, or has this lock until it waits: it cannot miss the signal.
        drop(self.is_final.lock());
        self.changed.notify_all();
    }

    /// Signals that there will be no later snapshot.
    pub(crate) fn end(&self) {
        *self.is_final.lock() = true;
        self.changed.notify_all();
    }

    /// Waits until there are more records than `size`, for at most this time.
    pub(crate) fn wait_beyond(&self, size: Position, at_most: Duration) -> Waited {
        let until = monotonic().checked_add(at_most);
        let mut is_final = self.is_final.lock();
        loop {
            if self.with(|snapshot| snapshot.end.size) > size {
                return Waited::Grown;
            }
            if *is_final {
                return Waited::Final;
            }
            match until {
                Some(until) if monotonic() >= until => return Waited::InVain,
                Some(until) => drop(self.changed.wait_until(&mut is_final, until)),
                None => self.changed.wait(&mut is_final),
            }
        }
    }
}
