//! Owns what the threads of a store wait on and hand things over by: locks, conditions, channels, and the start of a
//! thread.
//!
//! A build takes them as they are from `parking_lot`, `crossbeam-channel` and std ([`plain`]). The unit tests put others in
//! their place, which are the same until a test runs under `shuttle`; then shuttle says who goes on, and the code above
//! knows nothing of it. So writer, committer, queue, and the worker with its calls to issuers run in thousands of schedules
//! as they are. Read next: [`super::threads`].

#[cfg(not(test))]
mod plain;
#[cfg(test)]
pub(crate) mod scheduled;
mod thread;

#[cfg(not(test))]
pub(crate) use plain::{Condvar, JoinHandle, Mutex, Receiver, RwLock, Sender, bounded, first_of, start};
#[cfg(test)]
pub(crate) use scheduled::{Condvar, JoinHandle, Mutex, Receiver, RwLock, Sender, bounded, first_of, start};

pub(crate) use thread::{ThreadId, this_thread};

pub(crate) use crossbeam_channel::{RecvError, RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError};

/// What came first of two channels.
pub(crate) enum First<A, B> {
    One(Result<A, RecvError>),
    Other(Result<B, RecvError>),
    /// Neither within the time.
    Neither,
}
