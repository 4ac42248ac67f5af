//! Owns the thread that hands signed checkpoints to the host's anchors, out of reach of an attacker who has the store.
//! It does so by records, by time, at close, and after a heartbeat when idle, so that silence is signed too.
//!
//! A slow or failing anchor blocks no command. The status shows what it missed, and the thread tries again. Read next:
//! [`super::checkpoint`].

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::domain::command::{Command, Terms};
use crate::domain::position::Position;
use crate::error::Error;
use crate::ledger::accepted_restore::AcceptedRestore;
use crate::ledger::{SignedCheckpoint, TreeHead};

use super::Shared;
use super::clock::monotonic;
use super::queue::{Order, Payload, Request};
use super::reply::Reply;
use super::sync::{JoinHandle, Mutex, Receiver, RecvTimeoutError, Sender, ThreadId, bounded, this_thread};
use super::threads::{Threads, spawn};

/// Takes signed checkpoints to a place that an attacker with the store cannot change.
///
/// ```
/// use latchkeep::CheckpointAnchor;
/// use latchkeep::ledger::SignedCheckpoint;
///
/// struct Printer;
///
/// impl CheckpointAnchor for Printer {
///     fn take(&self, checkpoint: &SignedCheckpoint) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
///         println!("{}", checkpoint.note());
///         Ok(())
///     }
/// }
/// ```
pub trait CheckpointAnchor: Send + Sync + 'static {
    /// Keeps a checkpoint. The store calls it from one thread at a time, with sizes that never decrease. It may be
    /// slow, but a close of the store waits for at most [`AnchorPace::close_max`]. It may close the store and drop its
    /// handles.
    ///
    /// # Errors
    ///
    /// Any error is shown in the status of the store, and the store still hands over the next checkpoint. A panic
    /// counts as an error.
    fn take(&self, checkpoint: &SignedCheckpoint) -> Result<(), AnchorError>;

    /// Keeps a checkpoint that extends the log of the one before. The store calls this method. By default it calls
    /// [`CheckpointAnchor::take`]. An anchor that keeps its checkpoints across openings checks the log here against the
    /// newest one, and refuses a contradiction, as [`crate::FileAnchor`] does.
    ///
    /// # Errors
    ///
    /// As [`CheckpointAnchor::take`].
    fn take_extending(&self, checkpoint: &SignedCheckpoint, log: &LogSoFar<'_>) -> Result<(), AnchorError> {
        let _ = log;
        self.take(checkpoint)
    }
}

/// The reason why an anchor did not keep a checkpoint.
pub type AnchorError = Box<dyn std::error::Error + Send + Sync>;

/// The log of a checkpoint, for an anchor that checks it against earlier checkpoints.
pub struct LogSoFar<'s>(&'s Shared);

impl LogSoFar<'_> {
    /// Returns the tree head that the log had at a size; `None` when the log is shorter. `O(log n)`.
    ///
    /// # Errors
    ///
    /// Kind `Corrupt` or `Unavailable` when the log cannot be read.
    pub fn tree_head_at(&self, size: Position) -> Result<Option<TreeHead>, Error> {
        self.0.tree_head_at(size)
    }

    /// Returns whether the log contains a restore that a person accepted. `O(log n)`.
    ///
    /// # Errors
    ///
    /// Kind `Corrupt` or `Unavailable` when the log cannot be read.
    pub fn tells_of(&self, accepted: &AcceptedRestore) -> Result<bool, Error> {
        self.0.tells_of(accepted)
    }
}

impl fmt::Debug for LogSoFar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogSoFar").finish_non_exhaustive()
    }
}

/// When the store hands checkpoints to anchors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnchorPace {
    /// After so many records, at least 1; 1,024 by default.
    pub records: u64,
    /// After so long, if there is a new record; a minute by default.
    pub interval: Duration,
    /// After so long without any record: a heartbeat is recorded, and anchored; an hour by default.
    pub heartbeat: Duration,
    /// How long a close of the store waits for an anchor that does not answer; 10 seconds by default.
    pub close_max: Duration,
}

impl Default for AnchorPace {
    fn default() -> Self {
        let (interval, heartbeat) = (Duration::from_secs(60), Duration::from_secs(3_600));
        Self { records: 1_024, interval, heartbeat, close_max: Duration::from_secs(10) }
    }
}

/// The progress of the anchors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Anchored {
    /// The size of the log in the last checkpoint that every anchor took; 0 before the first.
    pub(crate) size: u64,
    pub(crate) problem: Option<String>,
    /// Since when the anchors have had a checkpoint to keep.
    handed_at: Option<Instant>,
}

/// The thread that calls the anchors.
pub(crate) struct Anchoring {
    anchored: Arc<Mutex<Anchored>>,
    running: Mutex<Option<Running>>,
    thread: Arc<OnceLock<ThreadId>>,
    close_max: Duration,
}

/// The channels to end the thread, and to learn that it has ended.
struct Running {
    stop: Sender<()>,
    ended: Receiver<()>,
    handle: JoinHandle<()>,
}

impl Anchoring {
    pub(crate) fn start(
        shared: &Arc<Shared>,
        threads: &Arc<Threads>,
        anchors: Vec<Arc<dyn CheckpointAnchor>>,
        pace: AnchorPace,
        system: Terms,
    ) -> Result<Self, Error> {
        let (stop, stopped) = bounded(0);
        let (ending, ended) = bounded::<()>(0);
        let (anchored, thread) = (Arc::new(Mutex::new(Anchored::default())), Arc::new(OnceLock::new()));
        let worker = Worker {
            shared: Arc::clone(shared),
            threads: Arc::clone(threads),
            anchors,
            pace,
            system,
            anchored: Arc::clone(&anchored),
            anchored_at: monotonic(),
        };
        let of_thread = Arc::clone(&thread);
        let handle = spawn("latchkeep-anchor", move || {
            // Only this line sets it.
            let _ = of_thread.set(this_thread());
            worker.run(&stopped);
            drop(ending);
        })?;
        let running = Mutex::new(Some(Running { stop, ended, handle }));
        Ok(Self { anchored, running, thread, close_max: pace.close_max })
    }

    /// Returns the progress of the anchors. An anchor that does not answer is a problem, like one that fails.
    pub(crate) fn anchored(&self) -> Anchored {
        let mut anchored = self.anchored.lock().clone();
        let waiting = anchored.handed_at.map(|since| since.elapsed()).filter(|waited| *waited >= self.close_max);
        if let Some(waited) = waiting {
            anchored.problem = Some(format!("an anchor has not answered for {} seconds", waited.as_secs()));
        }
        anchored
    }

    /// Anchors the newest checkpoint a last time, and ends the thread. After a while, leaves an anchor behind that does
    /// not answer. Does not wait for an anchor that closes the store itself.
    pub(crate) fn stop(&self) -> Result<(), Error> {
        let Some(Running { stop, ended, handle }) = self.running.lock().take() else { return Ok(()) };
        drop(stop);
        if self.thread.get() == Some(&this_thread()) {
            return Ok(());
        }
        match ended.recv_timeout(self.close_max) {
            Err(RecvTimeoutError::Timeout) => Err(Error::anchor_silent(self.close_max)),
            Ok(()) | Err(RecvTimeoutError::Disconnected) => {
                handle.join().map_err(|_| Error::internal("the thread that anchors checkpoints panicked"))
            }
        }
    }
}

struct Worker {
    shared: Arc<Shared>,
    threads: Arc<Threads>,
    anchors: Vec<Arc<dyn CheckpointAnchor>>,
    pace: AnchorPace,
    system: Terms,
    anchored: Arc<Mutex<Anchored>>,
    anchored_at: Instant,
}

/// How often the thread looks for work, at least.
const LOOK: Duration = Duration::from_secs(1);

impl Worker {
    fn run(mut self, stopped: &Receiver<()>) {
        let patience = LOOK.min(self.pace.interval).min(self.pace.heartbeat);
        while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(patience) {
            let (new, waited) = (self.new_records(), self.anchored_at.elapsed());
            if new >= self.pace.records.max(1) || (new > 0 && waited >= self.pace.interval) {
                self.anchor();
            } else if new == 0 && waited >= self.pace.heartbeat {
                self.beat();
                self.anchor();
            }
        }
        if self.new_records() > 0 {
            self.anchor();
        }
    }

    fn new_records(&self) -> u64 {
        let size = self.shared.published.with(|snapshot| snapshot.end.size.get());
        size.saturating_sub(self.anchored.lock().size)
    }

    /// Records a heartbeat. A store that takes no more commands has nothing to sign either.
    fn beat(&self) {
        let (reply, slot) = Reply::pair();
        let terms = self.system.clone();
        let order = Order { command: Command::RecordHeartbeat, terms, payload: Payload::None, reply };
        if self.threads.send(Request::Order(Box::new(order))).is_ok() {
            drop(slot.wait());
        }
    }

    /// Hands a fresh checkpoint to every anchor, even if one of them fails.
    fn anchor(&mut self) {
        self.anchored_at = monotonic();
        let checkpoint = match self.shared.checkpoint() {
            Ok(checkpoint) => checkpoint,
            Err(error) => return self.anchored.lock().problem = Some(error.to_string()),
        };
        self.anchored.lock().handed_at = Some(monotonic());
        let failed = self.anchors.iter().filter_map(|anchor| self.hand(&**anchor, &checkpoint).err());
        let problem = failed.reduce(|first, _| first);
        let mut anchored = self.anchored.lock();
        anchored.handed_at = None;
        if problem.is_none() {
            anchored.size = checkpoint.checkpoint().tree_head.size.get();
        }
        anchored.problem = problem;
    }

    /// Hands a checkpoint to one anchor, which is host code and can do anything.
    fn hand(&self, anchor: &dyn CheckpointAnchor, checkpoint: &SignedCheckpoint) -> Result<(), String> {
        let log = LogSoFar(&self.shared);
        match catch_unwind(AssertUnwindSafe(|| anchor.take_extending(checkpoint, &log))) {
            Ok(taken) => taken.map_err(|error| error.to_string()),
            Err(_) => Err("the anchor panicked".to_owned()),
        }
    }
}
