//! Owns the question which thread asks.

pub(crate) use std::thread::ThreadId;

/// Returns the id of the thread that asks.
pub(crate) fn this_thread() -> ThreadId {
    std::thread::current().id()
}
