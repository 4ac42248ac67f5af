//! Owns the calls outside: each on a thread of its own that is given up when it takes too long, and never more of them to
//! one issuer than leave room for others.
//!
//! Read next: [`super::sweep`].

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::domain::name::IssuerName;
use crate::engine::sync::{Mutex, RecvTimeoutError, bounded};
use crate::engine::threads::spawn;
use crate::issuer::issuer::Issuer;
use crate::issuer::outcome::IssuerError;

/// The calls that are out, by issuer; those that were given up count until they end.
pub(super) struct Calls {
    limit: Duration,
    at_once: usize,
    out: Mutex<HashMap<IssuerName, Arc<AtomicUsize>>>,
}

/// Room for one call to an issuer, taken until this is dropped: whoever calls has it, so that no two can see the same room.
pub(super) struct Room(Arc<AtomicUsize>);

impl Drop for Room {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Calls {
    /// `threads` work; one issuer gets half of them.
    pub(super) fn new(limit: Duration, threads: usize) -> Self {
        Self { limit, at_once: threads.div_ceil(2), out: Mutex::new(HashMap::new()) }
    }

    /// Takes room for a call to an issuer, if that leaves room for others.
    ///
    /// Calls that come one after another can share it: it is free again once the last of them has ended.
    pub(super) fn room(&self, issuer: &IssuerName) -> Option<Arc<Room>> {
        let out = Arc::clone(self.out.lock().entry(issuer.clone()).or_default());
        let one_more = |calls: usize| (calls < self.at_once).then_some(calls.saturating_add(1));
        out.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok().then(|| Arc::new(Room(out)))
    }

    /// Tells how many calls one issuer gets at a time.
    pub(super) const fn at_once(&self) -> usize {
        self.at_once
    }

    /// Tells whether there is room for a call to an issuer just now.
    pub(super) fn has_room(&self, issuer: &IssuerName) -> bool {
        self.out.lock().get(issuer).is_none_or(|out| out.load(Ordering::Relaxed) < self.at_once)
    }

    /// Calls an issuer, and waits for the answer until the time limit.
    pub(super) fn call<T: Send + 'static>(
        &self,
        room: Arc<Room>,
        issuer: &Arc<dyn Issuer>,
        call: impl FnOnce(&dyn Issuer) -> Result<T, IssuerError> + Send + 'static,
    ) -> Result<T, IssuerError> {
        let issuer = Arc::clone(issuer);
        let (send, answer) = bounded(1);
        let started = spawn("latchkeep-issuer", move || {
            let called = call(&*issuer);
            drop(room);
            // Nobody waits any more for what was given up.
            let _ = send.send(called);
        });
        if let Err(error) = started {
            return Err(IssuerError::unavailable(&error.to_string()));
        }
        match answer.recv_timeout(self.limit) {
            Ok(called) => called,
            Err(RecvTimeoutError::Timeout) => {
                Err(IssuerError::unknown(&format!("no answer within {} seconds", self.limit.as_secs())))
            }
            Err(RecvTimeoutError::Disconnected) => Err(IssuerError::unknown("the issuer panicked")),
        }
    }
}
