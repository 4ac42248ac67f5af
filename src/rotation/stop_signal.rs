//! Owns the word to the threads of a worker that they are to end; each looks for it before it begins anything.
//!
//! Read next: [`super::worker`].

use std::time::Duration;

use crate::engine::sync::{First, Mutex, Receiver, RecvTimeoutError, Sender, TryRecvError, bounded, first_of};

/// What ends the single runs of a worker that are under way.
pub(super) struct Switch(Mutex<(Sender<()>, Receiver<()>)>);

impl Default for Switch {
    fn default() -> Self {
        Self(Mutex::new(bounded(0)))
    }
}

impl Switch {
    /// Gives what a run that begins now hears of its end.
    pub(super) fn begin(&self) -> StopSignal {
        StopSignal::told_by(self.0.lock().1.clone())
    }

    /// Tells all that have begun; later ones are not told.
    pub(super) fn turn_off(&self) {
        *self.0.lock() = bounded(0);
    }
}

/// What a thread hears of the end of its worker: nothing is sent, the other side goes.
#[derive(Clone)]
pub(super) struct StopSignal(Option<Receiver<()>>);

impl StopSignal {
    pub(super) const fn told_by(stopped: Receiver<()>) -> Self {
        Self(Some(stopped))
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
