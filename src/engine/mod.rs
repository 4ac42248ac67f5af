//! The imperative shell: it asks the pure core what to do, and does it durably and in one order.
//!
//! One write: a caller seals its data and queues an order ([`queue`]). The writer ([`writer`]) stamps the time, asks
//! `decide`, places the events in the log, and evolves its own snapshot. The group grows while the one before it is
//! made durable. The committer ([`committer`]) commits the group as one batch, publishes the snapshot, and answers. One
//! read: the published snapshot ([`snapshot`]) says where the data is stored; the caller's thread reads the rows and
//! unseals them.
//!
//! It must never decide anything itself, and never show what is not durable yet. Read next: [`snapshot`], [`writer`].

pub(crate) mod access;
pub(crate) mod anchor_file;
pub(crate) mod anchoring;
pub(crate) mod backup;
pub(crate) mod checkpoint;
pub(crate) mod clock;
pub(crate) mod committer;
pub(crate) mod details;
pub(crate) mod draw;
pub(crate) mod erasure;
pub(crate) mod file_anchor;
pub(crate) mod group;
pub(crate) mod held;
pub(crate) mod history;
pub(crate) mod line_anchor;
pub(crate) mod log;
pub(crate) mod missing;
pub(crate) mod open;
pub(crate) mod past;
pub(crate) mod poison;
pub(crate) mod prepare;
pub(crate) mod queue;
pub(crate) mod reader;
pub(crate) mod recovery;
pub(crate) mod replay;
pub(crate) mod reply;
pub(crate) mod saved;
pub(crate) mod saved_rows;
pub(crate) mod scrub;
pub(crate) mod sharing;
pub(crate) mod slots;
pub(crate) mod snapshot;
pub(crate) mod sync;
pub(crate) mod threads;
pub(crate) mod tree;
pub(crate) mod turn;
pub(crate) mod update;
pub(crate) mod view;
pub(crate) mod voucher;
pub(crate) mod writer;

#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;
use std::time::Duration;

use crate::domain::clock::Judged;
use crate::domain::id::LogId;
use crate::domain::time::Timestamp;
use crate::error::Error;
use crate::seal::keyring::Keyring;
use crate::storage::Storage;

use access::AccessBuffer;
use anchoring::{Anchored, Anchoring};
use clock::StoreClock;
use poison::Poison;
use queue::{Order, Request};
use reply::{Reply, Slot};
use snapshot::{Published, Snapshot};
use sync::{Mutex, RwLock};
use threads::Threads;
use turn::Turns;

/// An open store: its threads, and the state that they share.
pub(crate) struct Engine {
    pub(crate) shared: Arc<Shared>,
    /// `None` when the store is open for reading only.
    threads: Option<Arc<Threads>>,
    /// `None` when the store is open for reading only, or the host has no anchors.
    anchoring: Option<Anchoring>,
    /// Records that the open replayed.
    pub(crate) replayed: u64,
    /// Whether the open discarded saved state.
    pub(crate) rebuilt: bool,
    /// Whether the store has a voucher: not in a store of an earlier release that is open for reading only.
    pub(crate) is_vouched: bool,
    /// The state shown of a store that is open for reading only, once a caller looked.
    shown: Mutex<Option<Arc<Snapshot>>>,
    /// Whose turn it is to do the rotations.
    pub(crate) turns: Turns,
}

impl Drop for Engine {
    fn drop(&mut self) {
        // No caller is left who could be answered; the next open says what is wrong.
        let _ = self.close();
    }
}

/// Whether a caller waits while the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    Wait,
    Refuse,
}

impl Engine {
    /// Queues an order; returns the slot of its answer.
    pub(crate) fn ask(&self, order: impl FnOnce(Reply) -> Order, patience: Patience) -> Result<Arc<Slot>, Error> {
        let (reply, slot) = Reply::pair();
        self.send(Request::Order(Box::new(order(reply))), patience)?;
        Ok(slot)
    }

    /// Returns the progress of the anchors, if there are any.
    pub(crate) fn anchored(&self) -> Option<Anchored> {
        self.anchoring.as_ref().map(Anchoring::anchored)
    }

    /// Returns whether the store takes no commands.
    pub(crate) const fn is_read_only(&self) -> bool {
        self.threads.is_none()
    }

    /// Queues a request.
    pub(crate) fn send(&self, request: Request, patience: Patience) -> Result<(), Error> {
        if let Some(error) = self.shared.poison.error() {
            return Err(error);
        }
        let threads = self.threads.as_ref().ok_or_else(Error::read_only)?;
        match patience {
            Patience::Wait => threads.send(request),
            Patience::Refuse => threads.try_send(request),
        }
    }

    /// Waits until everything requested before is durable, and what time has made due is done. Returns at once in a
    /// store that is open for reading only.
    pub(crate) fn settle(&self) -> Result<(), Error> {
        if self.threads.is_none() {
            return Ok(());
        }
        let (reply, slot) = Reply::pair();
        self.send(Request::Settle(reply), Patience::Wait)?;
        slot.wait().map(drop)
    }

    /// The same for callers that only want the newest state: with a full disk, that is the published state.
    pub(crate) fn settle_if_there_is_room(&self) -> Result<(), Error> {
        match self.settle() {
            Err(error) if error.is_no_space() => Ok(()),
            settled => settled,
        }
    }

    /// Answers everything requested before, ends the threads, and gives the storage back.
    pub(crate) fn close(&self) -> Result<(), Error> {
        let stopped = self.threads.as_ref().map_or(Ok(()), |threads| threads.stop(&self.shared.poison));
        let anchored = self.anchoring.as_ref().map_or(Ok(()), Anchoring::stop);
        self.shared.published.end();
        let closed = self.shared.storage.close().map_err(Error::from);
        stopped.and(anchored).and(closed)
    }
}

/// The state that the threads of an open store share.
pub(crate) struct Shared {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) log_id: LogId,
    pub(crate) published: Published,
    pub(crate) keyring: RwLock<Arc<Keyring>>,
    pub(crate) clock: StoreClock,
    /// How long a lease remains that ended while its owner could not renew it.
    pub(crate) lease_grace: Duration,
    pub(crate) poison: Poison,
    pub(crate) access: AccessBuffer,
    pub(crate) erased: sync::Mutex<held::ErasedBodies>,
}

impl Shared {
    /// Returns the time that the store goes by, after its last durable record.
    pub(crate) fn now(&self) -> Timestamp {
        self.look_at_clock().now
    }

    /// Looks at the clock. The host's clock is called while no lock is held.
    pub(crate) fn look_at_clock(&self) -> Judged {
        let told = self.published.with(|snapshot| snapshot.state.whole.told_of_time());
        self.clock.look(told)
    }

    /// Returns the keys in force.
    pub(crate) fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.keyring.read())
    }
}
