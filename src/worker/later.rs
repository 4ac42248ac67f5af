//! Owns what has to wait without anything to record: an issuer that is not registered, one that is busy.
//!
//! It is forgotten when the process ends; then it is tried again at once. Read next: [`super::worker`].

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;

use crate::domain::back_off;
use crate::domain::id::SecretId;
use crate::domain::name::Reason;
use crate::domain::time::Timestamp;

/// Secrets whose next step waits.
#[derive(Default)]
pub(super) struct Later(Mutex<HashMap<SecretId, Waiting>>);

/// Since when, and why, a step waits.
#[derive(Clone)]
struct Waiting {
    until: Timestamp,
    failures: u32,
    reason: Reason,
}

impl Later {
    /// Puts a secret off, longer each time.
    pub(super) fn put_off(&self, secret: SecretId, now: Timestamp, chance: u16, reason: Reason) {
        let mut waiting = self.0.lock();
        let failures = waiting.get(&secret).map_or(0, |before| before.failures).saturating_add(1);
        let until = now.plus(back_off::pause(failures, chance));
        waiting.insert(secret, Waiting { until, failures, reason });
    }

    /// Puts a secret off for a moment, which counts for nothing.
    pub(super) fn pause(&self, secret: SecretId, now: Timestamp, moment: Duration, reason: Reason) {
        let mut waiting = self.0.lock();
        let failures = waiting.get(&secret).map_or(0, |before| before.failures);
        waiting.insert(secret, Waiting { until: now.plus(moment), failures, reason });
    }

    /// Forgets that a secret was put off: its step was done.
    pub(super) fn forget(&self, secret: SecretId) {
        self.0.lock().remove(&secret);
    }

    /// Tells whether a secret waits.
    pub(super) fn waits(&self, secret: SecretId, now: Timestamp) -> bool {
        self.0.lock().get(&secret).is_some_and(|waiting| waiting.until > now)
    }

    /// Gives all that wait, with their reasons.
    pub(super) fn all(&self) -> Vec<(SecretId, Reason)> {
        let waiting = self.0.lock();
        let mut all: Vec<_> = waiting.iter().map(|(secret, waiting)| (*secret, waiting.reason.clone())).collect();
        all.sort_by_key(|(secret, _)| *secret);
        all
    }
}
