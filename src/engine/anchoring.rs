//! Owns taking signed checkpoints out of reach of whoever holds the store: a thread that hands them to the host's anchors,
//! by records, by time, at close, and when idle after a heartbeat, so that silence is signed too.
//!
//! A slow or failing anchor holds nobody up; what it missed shows in the status and is tried again. Read next:
//! [`super::checkpoint`].

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::domain::command::{Command, Terms};
use crate::error::Error;
use crate::ledger::SignedCheckpoint;

use super::Shared;
use super::clock::monotonic;
use super::queue::{Order, Payload, Request};
use super::reply::Reply;
use super::sync::{JoinHandle, Mutex, Receiver, RecvTimeoutError, Sender, bounded};
use super::threads::{Threads, spawn};

/// Takes signed checkpoints to a place that whoever holds the store cannot change.
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
    /// Keeps a checkpoint. Called from one thread at a time, with sizes that never go down; may take its time.
    ///
    /// # Errors
    ///
    /// Any error is shown in the status of the store; the next checkpoint is handed over all the same.
    fn take(&self, checkpoint: &SignedCheckpoint) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

/// An anchor that appends each checkpoint to a file, with an empty line behind it, and syncs the file. Put the file on
/// another machine's disk, or a medium that is written once.
#[derive(Clone, Debug)]
pub struct FileAnchor {
    path: PathBuf,
}

impl FileAnchor {
    /// Names the file; it is made when it is not there.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl CheckpointAnchor for FileAnchor {
    fn take(&self, checkpoint: &SignedCheckpoint) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let mut file = OpenOptions::new().append(true).create(true).open(&self.path)?;
        file.write_all(format!("{}\n", checkpoint.note()).as_bytes())?;
        file.sync_all()?;
        Ok(())
    }
}

/// When checkpoints are handed to anchors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnchorPace {
    /// After so many records, at least 1; 1,024 by default.
    pub records: u64,
    /// After so long, if there is a new record; a minute by default.
    pub interval: Duration,
    /// After so long without any record: a heartbeat is recorded, and anchored; an hour by default.
    pub heartbeat: Duration,
}

impl Default for AnchorPace {
    fn default() -> Self {
        Self { records: 1_024, interval: Duration::from_secs(60), heartbeat: Duration::from_secs(3_600) }
    }
}

/// How far the anchors have come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Anchored {
    /// The size of the log in the last checkpoint that every anchor took; 0 before the first.
    pub(crate) size: u64,
    pub(crate) problem: Option<String>,
}

/// The thread that serves the anchors.
pub(crate) struct Anchoring {
    anchored: Arc<Mutex<Anchored>>,
    stop: Mutex<Option<(Sender<()>, JoinHandle<()>)>>,
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
        let anchored = Arc::new(Mutex::new(Anchored::default()));
        let worker = Worker {
            shared: Arc::clone(shared),
            threads: Arc::clone(threads),
            anchors,
            pace,
            system,
            anchored: Arc::clone(&anchored),
            anchored_at: monotonic(),
        };
        let handle = spawn("latchkeep-anchor", move || worker.run(&stopped))?;
        Ok(Self { anchored, stop: Mutex::new(Some((stop, handle))) })
    }

    /// Gives how far the anchors have come.
    pub(crate) fn anchored(&self) -> Anchored {
        self.anchored.lock().clone()
    }

    /// Anchors what is new a last time, and ends.
    pub(crate) fn stop(&self) -> Result<(), Error> {
        let Some((stop, handle)) = self.stop.lock().take() else { return Ok(()) };
        drop(stop);
        handle.join().map_err(|_| Error::internal("the thread that anchors checkpoints panicked"))
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

/// How often the thread looks around at the least.
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

    /// Records a heartbeat; a store that takes no commands any more has nothing to sign either.
    fn beat(&self) {
        let (reply, slot) = Reply::pair();
        let terms = self.system.clone();
        let order = Order { command: Command::RecordHeartbeat, terms, payload: Payload::None, reply };
        if self.threads.send(Request::Order(Box::new(order))).is_ok() {
            drop(slot.wait());
        }
    }

    /// Hands a fresh checkpoint to every anchor, also after one of them failed.
    fn anchor(&mut self) {
        self.anchored_at = monotonic();
        let checkpoint = match self.shared.checkpoint() {
            Ok(checkpoint) => checkpoint,
            Err(error) => return self.anchored.lock().problem = Some(error.to_string()),
        };
        let failed = self.anchors.iter().filter_map(|anchor| anchor.take(&checkpoint).err());
        let problem = failed.map(|error| error.to_string()).reduce(|first, _| first);
        let mut anchored = self.anchored.lock();
        if problem.is_none() {
            anchored.size = checkpoint.checkpoint().tree_head.size.get();
        }
        anchored.problem = problem;
    }
}
