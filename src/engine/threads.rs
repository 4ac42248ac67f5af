//! Owns the threads of an open store: their start and their end.
//!
//! Other modules start threads by [`spawn`], except storage (which keeps sled's calls apart), recovery and the audit
//! (which read ahead), and issuers that run a program or are tested. Read next: [`super::writer`].

use std::sync::Arc;

use crate::domain::name::Actor;
use crate::error::Error;

use super::Shared;
use super::committer::Committer;
use super::poison::Poison;
use super::queue::Request;
use super::reply::Reply;
use super::sync::{JoinHandle, Mutex, Sender, TrySendError, bounded, start};
use super::writer::Writer;

/// The engine of a store that is open for writing.
pub(crate) struct Threads {
    requests: Sender<Request>,
    handles: Mutex<Vec<JoinHandle<()>>>,
}

impl Threads {
    /// Starts the writer and the committer. `queue_max` requests may wait before callers do.
    pub(crate) fn start(shared: &Arc<Shared>, queue_max: usize, system: Actor) -> Result<Self, Error> {
        let (requests, received) = bounded(queue_max);
        let (send_work, work) = bounded(1);
        let (report, reports) = bounded(1);
        let committer = Committer::new(Arc::clone(shared), work, report);
        let writer = Writer::new(Arc::clone(shared), received, send_work, reports, system);
        let committer = spawn("latchkeep-commit", move || committer.run())?;
        let writer = spawn("latchkeep-write", move || writer.run())?;
        Ok(Self { requests, handles: Mutex::new(vec![writer, committer]) })
    }

    /// Queues a request; waits while the queue is full.
    pub(crate) fn send(&self, request: Request) -> Result<(), Error> {
        self.requests.send(request).map_err(|_| Error::closed())
    }

    /// Queues a request unless the queue is full.
    pub(crate) fn try_send(&self, request: Request) -> Result<(), Error> {
        self.requests.try_send(request).map_err(|unsent| match unsent {
            TrySendError::Full(_) => Error::busy(),
            TrySendError::Disconnected(_) => Error::closed(),
        })
    }

    /// Ends the threads once everything requested before is answered. A second call has nothing to end, but waits while
    /// the threads are ending: the caller's next step takes the disk away from them.
    ///
    /// The anchor is written after the answer, so its result is read once the threads have ended.
    pub(crate) fn stop(&self, poison: &Poison) -> Result<(), Error> {
        // A second caller waits until the first one is through.
        let mut handles = self.handles.lock();
        if handles.is_empty() {
            return Ok(());
        }
        let (reply, slot) = Reply::pair();
        let answer = self.send(Request::Stop(reply)).and_then(|()| slot.wait().map(drop));
        for handle in handles.drain(..) {
            if handle.join().is_err() {
                return Err(Error::internal("a thread of the store panicked"));
            }
        }
        poison.error().map_or(answer, Err)
    }
}

/// Starts a named thread; debuggers show the name.
pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    start(name, run).map_err(|error| Error::internal(format!("the system gave no thread: {error}")))
}
