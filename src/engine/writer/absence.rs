//! Owns the grace of leases that ended while their owners could not renew them: the store was closed, or its machine
//! slept.
//!
//! Read next: [`super::super::clock`].

use std::time::Duration;

use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;

/// After this long without a look of the writer, no caller could reach it: ten times its longest wait.
const ABSENT_AFTER: Duration = Duration::from_secs(10);

/// The last absence of the store, in which no lease could be renewed.
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

    /// Notes that the writer looks.
    pub(super) fn look(&mut self, now: Timestamp) {
        if now.since(self.seen_at) > ABSENT_AFTER {
            self.back_at = now;
        }
        self.seen_at = now;
    }

    /// Returns whether some leases that are over remain for now.
    pub(super) fn spares_some(&self, now: Timestamp) -> bool {
        now < self.back_at.plus(self.grace)
    }

    /// Returns whether lapses of a secret must wait, since a lease on it ended while its owner could not renew it.
    pub(super) fn spares(&self, secret: &Secret, now: Timestamp) -> bool {
        let ended = |end: Option<Timestamp>| end.is_some_and(|end| end <= self.back_at);
        self.spares_some(now) && secret.locks().any(|(_, lock)| ended(lock.expires_at))
    }
}
