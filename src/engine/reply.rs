//! Owns the passing of an answer from the committer to a caller, who waits in a thread or awaits it in a task.
//!
//! The first answer counts, so that a poisoned store can answer for a committer that hangs. Read next:
//! [`super::queue`].

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::domain::receipt::Receipt;
use crate::domain::refusal::Refusal;
use crate::error::Error;

use super::sync::{Condvar, Mutex};

/// The result of a command that is done.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    pub(crate) receipt: Receipt,
    /// Whether the data that came with the command was stored. A read of a dynamic secret may not need it.
    pub(crate) takes_data: bool,
}

/// An expected refusal inside, a failure outside, so that they cannot be confused.
pub(crate) type Outcome = Result<Result<Done, Refusal>, Error>;

/// The slot for an answer.
#[derive(Debug)]
pub(crate) struct Slot {
    answer: Mutex<Answer>,
    ready: Condvar,
}

#[derive(Debug)]
enum Answer {
    Awaited(Option<Waker>),
    Given(Outcome),
    Taken,
}

impl Slot {
    fn new() -> Arc<Self> {
        Arc::new(Self { answer: Mutex::new(Answer::Awaited(None)), ready: Condvar::new() })
    }

    /// Stores the answer, unless there is one already.
    fn give(&self, outcome: Outcome) {
        let mut answer = self.answer.lock();
        if let Answer::Awaited(waker) = &mut *answer {
            let waker = waker.take();
            *answer = Answer::Given(outcome);
            drop(answer);
            self.ready.notify_all();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    /// Waits for the answer.
    pub(crate) fn wait(&self) -> Outcome {
        let mut answer = self.answer.lock();
        while let Answer::Awaited(_) = &*answer {
            self.ready.wait(&mut answer);
        }
        take(&mut answer)
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Outcome> {
        let mut answer = self.answer.lock();
        if let Answer::Awaited(waker) = &mut *answer {
            *waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(take(&mut answer))
    }
}

/// The engine's end of a slot. The caller always gets an answer, even if this is dropped.
#[derive(Debug)]
pub(crate) struct Reply(Arc<Slot>);

impl Reply {
    /// Makes both ends.
    pub(crate) fn pair() -> (Self, Arc<Slot>) {
        let slot = Slot::new();
        (Self(Arc::clone(&slot)), slot)
    }

    pub(crate) fn give(self, outcome: Outcome) {
        self.0.give(outcome);
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.0.give(Err(Error::closed()));
    }
}

fn take(answer: &mut Answer) -> Outcome {
    match std::mem::replace(answer, Answer::Taken) {
        Answer::Given(outcome) => outcome,
        Answer::Awaited(_) | Answer::Taken => Err(Error::internal("an answer was taken twice")),
    }
}

/// A submitted command: wait for its answer in a thread, or await it in a task of any runtime.
///
/// Dropping this does not take the command back.
#[must_use = "the command may still be refused; wait for its answer"]
pub struct Pending {
    slot: Arc<Slot>,
    check: Option<Check>,
}

/// Checks a receipt before it is returned, in the thread that takes it.
pub(crate) type Check = Box<dyn Fn(&Receipt) -> Result<(), Error> + Send + Sync>;

impl Pending {
    pub(crate) const fn new(slot: Arc<Slot>, check: Option<Check>) -> Self {
        Self { slot, check }
    }

    fn receipt(&self, outcome: Outcome) -> Result<Receipt, Error> {
        let receipt = outcome?.map_err(Error::refused)?.receipt;
        self.check.as_ref().map_or(Ok(()), |check| check(&receipt))?;
        Ok(receipt)
    }

    /// Waits until the command is durable, refused, or failed.
    ///
    /// # Errors
    ///
    /// Kind `Refused` with the refusal; `Closed` or `Unavailable` when the store was closed or poisoned meanwhile.
    ///
    /// # Durability
    ///
    /// A command with a receipt survives the death of process, kernel and power.
    pub fn wait(self) -> Result<Receipt, Error> {
        self.receipt(self.slot.wait())
    }
}

impl Future for Pending {
    type Output = Result<Receipt, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.slot.poll(context).map(|outcome| self.receipt(outcome))
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("slot", &self.slot).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_answer_counts() {
        let slot = Slot::new();
        slot.give(Err(Error::closed()));
        slot.give(Ok(Err(Refusal::SecretNotFound)));
        assert!(slot.wait().is_err());
    }

    #[test]
    fn a_reply_that_is_dropped_answers() {
        let (reply, slot) = Reply::pair();
        drop(reply);
        assert_eq!(slot.wait().unwrap_err().code(), "closed");
    }

    #[test]
    fn a_task_is_woken() {
        struct Flag(std::sync::atomic::AtomicBool);
        impl std::task::Wake for Flag {
            fn wake(self: Arc<Self>) {
                self.0.store(true, std::sync::atomic::Ordering::SeqCst);
            }
        }
        let flag = Arc::new(Flag(std::sync::atomic::AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&flag));
        let mut context = Context::from_waker(&waker);
        let mut pending = Pending::new(Slot::new(), None);
        let slot = Arc::clone(&pending.slot);
        assert!(Pin::new(&mut pending).poll(&mut context).is_pending());
        slot.give(Ok(Err(Refusal::SecretNotFound)));
        assert!(flag.0.load(std::sync::atomic::Ordering::SeqCst));
        assert!(matches!(Pin::new(&mut pending).poll(&mut context), Poll::Ready(Err(_))));
    }
}
