//! Owns what the threads of a store wait with and communicate by: locks, conditions, channels, and the start of a
//! thread.
//!
//! A build takes them unchanged from `parking_lot`, `crossbeam-channel` and std ([`plain`]). The unit tests replace
//! them by others, which behave the same until a test runs under `shuttle`. Then shuttle schedules the threads, and the
//! code above does not notice. So writer, committer, queue, and the worker with its calls to issuers run unchanged in
//! thousands of schedules. Read next: [`super::threads`].

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

/// The first event of two channels.
pub(crate) enum First<A, B> {
    One(Result<A, RecvError>),
    Other(Result<B, RecvError>),
    /// Nothing came within the time.
    Neither,
}
