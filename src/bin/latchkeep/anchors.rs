//! Owns where signed checkpoints go after a command that writes, and whether they got there.
//!
//! Read next: [`super::scene`], which opens the store with them.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use latchkeep::ledger::SignedCheckpoint;
use latchkeep::{AnchorError, CheckpointAnchor, FileAnchor, LineAnchor, LogSoFar, StoreOptions};

use crate::args::Global;
use crate::brought::is_dash;
use crate::exit::Exit;
use crate::failure::Failure;

/// The anchors of a run, and the first that did not take its last checkpoint.
#[derive(Clone, Default)]
pub(crate) struct Anchors {
    problem: Arc<Mutex<Option<String>>>,
}

impl Anchors {
    /// Hands the checkpoints of a store to what the global arguments name.
    pub(crate) fn hand(&self, global: &Global, mut options: StoreOptions) -> StoreOptions {
        for path in &global.anchor {
            options = if is_dash(path) {
                options.anchoring(self.watched("stdout".into(), LineAnchor::new(io::stdout())))
            } else {
                options.anchoring(self.watched(path.clone(), FileAnchor::new(path)))
            };
        }
        options
    }

    fn watched<A>(&self, name: PathBuf, anchor: A) -> Watched<A> {
        Watched { anchor, name, problem: Arc::clone(&self.problem) }
    }

    /// Tells of an anchor that did not take the last checkpoint, once the store is closed.
    pub(crate) fn conclude(&self) -> Result<(), Failure> {
        match self.problem.lock().unwrap_or_else(PoisonError::into_inner).take() {
            None => Ok(()),
            Some(problem) => Err(Failure::new(Exit::Failed, "anchor", problem)
                .hint(
                "what the command did is done and durable; the next one that writes anchors it too, and after a restore: latchkeep log \
                 accept-restore FILE",
            )),
        }
    }
}

/// An anchor whose failure is told at the end.
struct Watched<A> {
    anchor: A,
    name: PathBuf,
    problem: Arc<Mutex<Option<String>>>,
}

impl<A: CheckpointAnchor> CheckpointAnchor for Watched<A> {
    fn take(&self, checkpoint: &SignedCheckpoint) -> Result<(), AnchorError> {
        self.noted(self.anchor.take(checkpoint))
    }

    fn take_extending(&self, checkpoint: &SignedCheckpoint, log: &LogSoFar<'_>) -> Result<(), AnchorError> {
        self.noted(self.anchor.take_extending(checkpoint, log))
    }
}

impl<A> Watched<A> {
    fn noted(&self, taken: Result<(), AnchorError>) -> Result<(), AnchorError> {
        let mut problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = &taken {
            *problem = Some(format!("the checkpoint could not be anchored in {}: {error}", self.name.display()));
        }
        taken
    }
}
