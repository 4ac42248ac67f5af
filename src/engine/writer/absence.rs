//! Owns the grace of leases that ended while nobody could renew them: the store was shut, or its machine slept.
//!
//! Read next: [`super::super::clock`].

use std::time::Duration;

use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;

/// How long the writer has not looked when nobody could: ten times as long as it waits at most.
const ABSENT_AFTER: Duration = Duration::from_secs(10);

/// When nobody could renew a lease.
#[derive(Debug)]
pub(super) struct Absence {
    grace: Duration,
    /// When the store last came back.
    back_at: Timestamp,
    /// When the writer last looked.
    seen_at: Timestamp,
}

impl Absence {
    /// Begins at the open of a store.
    pub(super) const fn until(opened_at: Timestamp, grace: Duration) -> Self {
        Self { grace, back_at: opened_at, seen_at: opened_at }
    }

    /// Takes in that the writer looks.
    pub(super) fn look(&mut self, now: Timestamp) {
        if now.since(self.seen_at) > ABSENT_AFTER {
            self.back_at = now;
        }
        self.seen_at = now;
    }

    /// Tells whether some leases that are over stand for now.
    pub(super) fn spares_some(&self, now: Timestamp) -> bool {
        now < self.back_at.plus(self.grace)
    }

    /// Tells whether time's work on a secret waits, since a lease on it ended while nobody could renew it.
    pub(super) fn spares(&self, secret: &Secret, now: Timestamp) -> bool {
        let ended = |end: Option<Timestamp>| end.is_some_and(|end| end <= self.back_at);
        self.spares_some(now) && secret.locks().any(|(_, lock)| ended(lock.expires_at))
    }
}
