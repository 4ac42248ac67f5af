//! Owns the locks and channels of an ordinary build.
//!
//! Read next: [`super::super::threads`].

use std::io;
use std::time::Duration;

use crossbeam_channel::{never, select};

use super::First;

pub(crate) use std::thread::JoinHandle;

pub(crate) use crossbeam_channel::{Receiver, Sender, bounded};
pub(crate) use parking_lot::{Condvar, Mutex, RwLock};

/// Receives from the first of two channels that has something; from the first one only if it is given.
pub(crate) fn first_of<A, B>(one: Option<&Receiver<A>>, other: &Receiver<B>, patience: Duration) -> First<A, B> {
    let never = never();
    select! {
        recv(one.unwrap_or(&never)) -> got => First::One(got),
        recv(other) -> got => First::Other(got),
        default(patience) => First::Neither,
    }
}

/// Starts a named thread.
#[expect(clippy::disallowed_methods, reason = "this is the home of threads")]
pub(crate) fn start(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.into()).spawn(run)
}
