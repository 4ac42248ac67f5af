//! Owns what unit tests wait with: the same as a build, and under `shuttle` what shuttle schedules.
//!
//! Objects made in a schedule belong to it. Atomic numbers, and the locks of storages and issuers, are not points of a
//! schedule: no other thread runs while they are locked. Time does not pass: [`Limits`] says when a wait with a time
//! limit ends. Read in this order: [`locks`], [`channel`], [`exploring`].

mod channel;
mod exploring;
mod locks;

use std::io;
use std::thread;

pub(crate) use channel::{Receiver, Sender, bounded, first_of};
pub(crate) use exploring::{Limits, chance, explore, pause};
pub(crate) use locks::{Condvar, Mutex, RwLock};

/// Returns whether this runs under shuttle.
pub(crate) fn is_scheduled() -> bool {
    shuttle::current::try_get_current_task().is_some()
}

/// A started thread.
pub(crate) enum JoinHandle<T> {
    Plain(thread::JoinHandle<T>),
    Scheduled(shuttle::thread::JoinHandle<T>),
}

impl<T> JoinHandle<T> {
    pub(crate) fn join(self) -> thread::Result<T> {
        match self {
            Self::Plain(handle) => handle.join(),
            Self::Scheduled(handle) => handle.join(),
        }
    }
}

/// Starts a named thread.
#[expect(clippy::disallowed_methods, reason = "this is the home of threads")]
pub(crate) fn start(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    if is_scheduled() {
        shuttle::thread::Builder::new().name(name.into()).spawn(run).map(JoinHandle::Scheduled)
    } else {
        thread::Builder::new().name(name.into()).spawn(run).map(JoinHandle::Plain)
    }
}
