//! Owns the step from decided to durable: the thread that commits groups, publishes what is durable, and answers.
//!
//! One error and it commits nothing more: what the disk has taken in is unknown from then on. Read next:
//! [`super::poison`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use crate::error::Error;
use crate::seal::keyring::Keyring;
use crate::storage::{AnchorMark, Batch, StorageError};

use super::Shared;
use super::clock::monotonic;
use super::poison::Poison;
use super::reply::{Outcome, Reply};
use super::snapshot::Snapshot;

/// How old the anchor may be while there is work.
const ANCHOR_EVERY: Duration = Duration::from_secs(1);

/// A group to commit.
pub(super) struct Work {
    pub(super) batch: Batch,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) keyring: Option<Arc<Keyring>>,
    pub(super) replies: Vec<(Reply, Outcome)>,
}

impl Work {
    /// Answers everybody that the store is poisoned.
    pub(super) fn fail(self, poison: &Poison) {
        for (reply, _) in self.replies {
            reply.give(Err(poison.error().unwrap_or_else(Error::closed)));
        }
    }
}

/// What became of a group.
pub(super) enum Committed {
    /// It is durable and published.
    Durable,
    /// Nothing of it was written, for want of space; the next one may be.
    NoSpace(String),
    /// The store is poisoned.
    Failed,
}

/// The committer's side of an open store.
pub(super) struct Committer {
    shared: Arc<Shared>,
    work: Receiver<Work>,
    committed: Sender<Committed>,
    anchored: AnchorMark,
    anchored_at: Instant,
}

impl Committer {
    pub(super) fn new(shared: Arc<Shared>, work: Receiver<Work>, committed: Sender<Committed>) -> Self {
        let anchored = mark(&shared.published.load());
        Self { shared, work, committed, anchored, anchored_at: monotonic() }
    }

    /// Runs until the writer ends, and writes the anchor a last time.
    pub(super) fn run(mut self) {
        loop {
            match self.work.recv_timeout(ANCHOR_EVERY) {
                Ok(work) => {
                    let committed = self.commit(work);
                    if self.anchored_at.elapsed() >= ANCHOR_EVERY {
                        self.write_anchor();
                    }
                    if self.committed.send(committed).is_err() {
                        break;
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.write_anchor(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.write_anchor();
    }

    fn commit(&self, work: Work) -> Committed {
        if self.shared.poison.why().is_some() {
            work.fail(&self.shared.poison);
            return Committed::Failed;
        }
        let committed = if work.batch.is_empty() { Ok(()) } else { self.shared.storage.commit(&work.batch) };
        match committed {
            Ok(()) => {
                if let Some(keyring) = work.keyring {
                    *self.shared.keyring.write() = keyring;
                }
                self.shared.published.replace(work.snapshot);
                for (reply, outcome) in work.replies {
                    reply.give(outcome);
                }
                Committed::Durable
            }
            Err(error @ StorageError::NoSpace { .. }) => {
                let why = error.to_string();
                for (reply, _) in work.replies {
                    reply.give(Err(Error::no_space(&why)));
                }
                Committed::NoSpace(why)
            }
            Err(error) => {
                self.shared.poison.set(&Error::from(error).to_string());
                work.fail(&self.shared.poison);
                Committed::Failed
            }
        }
    }

    /// Writes how far the log has come, once that is durable.
    fn write_anchor(&mut self) {
        let mark = mark(&self.shared.published.load());
        if mark != self.anchored && self.shared.poison.why().is_none() {
            match self.shared.storage.write_anchor(mark) {
                Ok(()) => self.anchored = mark,
                // Nothing was written: the log is durable all the same, and the anchor follows when there is room.
                Err(StorageError::NoSpace { .. }) => {}
                Err(error) => self.shared.poison.set(&Error::from(error).to_string()),
            }
        }
        self.anchored_at = monotonic();
    }
}

/// Gives the anchor of a snapshot.
pub(super) fn mark(snapshot: &Snapshot) -> AnchorMark {
    AnchorMark { log_size: snapshot.end.size.get(), head: *snapshot.end.head.as_bytes() }
}
