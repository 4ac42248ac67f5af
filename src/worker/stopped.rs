//! Owns the word to the threads of a worker that they are to end; each looks for it before it begins anything.
//!
//! Read next: [`super::worker`].

use std::time::Duration;

use crate::engine::sync::{First, Receiver, RecvTimeoutError, TryRecvError, first_of};

/// What a thread hears of the end of its worker: nothing is sent, the other side goes.
#[derive(Clone)]
pub(super) struct Stopped(Option<Receiver<()>>);

impl Stopped {
    pub(super) const fn told_by(stopped: Receiver<()>) -> Self {
        Self(Some(stopped))
    }

    /// For what a caller's own thread does: nobody stops that.
    pub(super) const fn never() -> Self {
        Self(None)
    }

    /// Tells whether the threads are to end.
    pub(super) fn is_told(&self) -> bool {
        self.0.as_ref().is_some_and(|stopped| !matches!(stopped.try_recv(), Err(TryRecvError::Empty)))
    }

    /// Waits so long to hear of it, or something else; tells whether the threads are to end.
    pub(super) fn is_told_before(&self, other: &Receiver<()>, patience: Duration) -> bool {
        matches!(first_of(self.0.as_ref(), other, patience), First::One(_))
    }

    /// Waits so long to hear of it; tells whether the threads are to end.
    pub(super) fn is_told_within(&self, patience: Duration) -> bool {
        let heard = |stopped: &Receiver<()>| !matches!(stopped.recv_timeout(patience), Err(RecvTimeoutError::Timeout));
        self.0.as_ref().is_some_and(heard)
    }
}
