//! Owns the step from decided to durable: the thread that commits groups, publishes what is durable, and answers
//! callers.
//!
//! After one error it commits nothing more, since the content of the disk is then unknown. Read next:
//! [`super::poison`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::seal::keyring::Keyring;
use crate::storage::{AnchorMark, Batch, StorageError};

use super::Shared;
use super::clock::monotonic;
use super::poison::Poison;
use super::reply::{Outcome, Reply};
use super::snapshot::Snapshot;
use super::sync::{Mutex, Receiver, RecvTimeoutError, Sender};

/// How old the anchor may be during work.
const ANCHOR_EVERY: Duration = Duration::from_secs(1);

/// A group to commit.
pub(super) struct Work {
    pub(super) batch: Batch,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) keyring: Option<Arc<Keyring>>,
    pub(super) replies: Vec<(Reply, Outcome)>,
}

impl Work {
    /// Answers every caller that the store is poisoned.
    pub(super) fn fail(self, poison: &Poison) {
        for (reply, _) in self.replies {
            reply.give(Err(poison.error().unwrap_or_else(Error::closed)));
        }
    }
}

/// The result of a group.
pub(super) enum Committed {
    /// It is durable and published.
    Durable,
    /// Nothing of it was written; the next one may be.
    NotWritten(Unwritten),
    /// The store is poisoned.
    Failed,
}

/// The reason why nothing of a group was written.
pub(super) struct Unwritten {
    is_no_space: bool,
    why: String,
}

impl Unwritten {
    /// Returns the reason, if an error of a commit means that nothing was written.
    fn of(error: &StorageError) -> Option<Self> {
        let is_no_space = match error {
            StorageError::NoSpace { .. } => true,
            StorageError::TooLarge { .. } | StorageError::Condition { .. } => false,
            StorageError::AlreadyOpen { .. }
            | StorageError::NotAStore { .. }
            | StorageError::OtherRevision { .. }
            | StorageError::Exists { .. }
            | StorageError::Permission { .. }
            | StorageError::Io { .. }
            | StorageError::Corrupt { .. }
            | StorageError::Poisoned { .. }
            | StorageError::Panicked { .. }
            | StorageError::Closed => return None,
        };
        Some(Self { is_no_space, why: error.to_string() })
    }

    /// Returns the answer for every caller in the group.
    pub(super) fn error(&self) -> Error {
        if self.is_no_space { Error::no_space(&self.why) } else { Error::not_written(&self.why) }
    }
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
                    let committed = commit(&self.shared, work);
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

    /// Writes the size of the log to the anchor, once that log is durable.
    fn write_anchor(&mut self) {
        let mark = mark(&self.shared.published.load());
        if mark != self.anchored && self.shared.poison.why().is_none() {
            match self.shared.storage.write_anchor(mark) {
                Ok(()) => self.anchored = mark,
                // Nothing was written: the log is durable anyway, and the anchor follows when there is space.
                Err(StorageError::NoSpace { .. }) => {}
                Err(error) => self.shared.poison.set(&Error::from(error).to_string()),
            }
        }
        self.anchored_at = monotonic();
    }
}

/// Commits a group, and answers every caller in it. The thread that made the group durable answers at once.
pub(super) fn commit(shared: &Arc<Shared>, work: Work) -> Committed {
    if shared.poison.why().is_some() {
        work.fail(&shared.poison);
        return Committed::Failed;
    }
    let Work { batch, snapshot, keyring, replies } = work;
    let waiting = Arc::new(Mutex::new(replies));
    let (told, to_tell) = (Arc::clone(shared), Arc::clone(&waiting));
    let tell = move || {
        if let Some(keyring) = keyring {
            *told.keyring.write() = keyring;
        }
        told.published.replace(snapshot);
        let replies = std::mem::take(&mut *to_tell.lock());
        for (reply, outcome) in replies {
            reply.give(outcome);
        }
    };
    let committed = if batch.is_empty() {
        tell();
        Ok(())
    } else {
        shared.storage.commit_and(&batch, Box::new(tell))
    };
    let fail = |error: &dyn Fn() -> Error| {
        let replies = std::mem::take(&mut *waiting.lock());
        for (reply, _) in replies {
            reply.give(Err(error()));
        }
    };
    match committed {
        Ok(()) => Committed::Durable,
        Err(error) => {
            if let Some(unwritten) = Unwritten::of(&error) {
                fail(&|| unwritten.error());
                return Committed::NotWritten(unwritten);
            }
            shared.poison.set(&Error::from(error).to_string());
            fail(&|| shared.poison.error().unwrap_or_else(Error::closed));
            Committed::Failed
        }
    }
}

/// Returns the anchor of a snapshot.
pub(super) fn mark(snapshot: &Snapshot) -> AnchorMark {
    AnchorMark { log_size: snapshot.end.size.get(), head: *snapshot.end.head.as_bytes() }
}
