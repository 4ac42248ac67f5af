//! Owns the id of the current thread.

pub(crate) use std::thread::ThreadId;

/// Returns the id of the calling thread.
pub(crate) fn this_thread() -> ThreadId {
    std::thread::current().id()
}
