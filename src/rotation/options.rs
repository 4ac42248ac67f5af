//! Owns what can be chosen about the rotation worker; every default has its reason.
//!
//! Read next: [`super::worker`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::limits;
use crate::domain::name::{IssuerName, Reason};
use crate::issuer::issuer::Issuer;
use crate::issuer::outcome::worded;

/// How the rotation worker works, and whom it can ask.
///
/// ```
/// use latchkeep::WorkerOptions;
/// use std::time::Duration;
///
/// let options = WorkerOptions::new().threads(4).call_limit(Duration::from_secs(10));
/// ```
#[derive(Clone)]
#[must_use = "options do nothing until a worker is made with them"]
pub struct WorkerOptions {
    pub(super) issuers: BTreeMap<IssuerName, Arc<dyn Issuer>>,
    pub(super) unusable: BTreeMap<IssuerName, Reason>,
    pub(super) threads: usize,
    pub(super) call_limit: Duration,
    pub(super) attempts_max: u16,
    pub(super) deadline: Duration,
    pub(super) sweep_interval: Duration,
    #[cfg(test)]
    pub(super) interrupt: Option<Arc<dyn Fn(&'static str) -> bool + Send + Sync>>,
}

impl WorkerOptions {
    /// Begins with the defaults, and no issuer: passwords and API keys that the store makes itself need none.
    pub fn new() -> Self {
        Self {
            issuers: BTreeMap::new(),
            unusable: BTreeMap::new(),
            threads: 16,
            call_limit: Duration::from_secs(30),
            attempts_max: 10,
            deadline: Duration::from_secs(24 * 60 * 60),
            sweep_interval: Duration::from_secs(60 * 60),
            #[cfg(test)]
            interrupt: None,
        }
    }

    /// Registers an issuer under the name that secrets call it by; one of the same name is replaced.
    pub fn issuer(mut self, name: IssuerName, issuer: impl Issuer + 'static) -> Self {
        self.issuers.insert(name, Arc::new(issuer));
        self
    }

    /// Registers an issuer that the host goes on using itself.
    pub fn shared_issuer(mut self, name: IssuerName, issuer: Arc<dyn Issuer>) -> Self {
        self.issuers.insert(name, issuer);
        self
    }

    /// Says of an issuer that it cannot be used now, and why: what would be asked of it waits with this reason, and all others
    /// are not held up. One that is registered under the name counts.
    pub fn unusable_issuer(mut self, name: IssuerName, why: &str) -> Self {
        self.unusable.insert(name, worded(why));
        self
    }

    /// Gives the issuers that cannot be used, with the reasons.
    pub fn unusable_issuers(&self) -> impl Iterator<Item = (&IssuerName, &Reason)> {
        self.unusable.iter().filter(|(name, _)| !self.issuers.contains_key(*name))
    }

    /// Sets how many secrets are worked on at a time: 1 to 256, 16 by default. One issuer gets half of them at the most, so
    /// that one that hangs holds up nobody else. Of secrets whose data the store makes itself, as many again are on their way
    /// at a time, by one thread.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.clamp(1, 256);
        self
    }

    /// Sets how long a call outside may take before it is given up, and its outcome unknown: 30 seconds by default, a
    /// second at the least.
    pub fn call_limit(mut self, limit: Duration) -> Self {
        self.call_limit = limit.max(Duration::from_secs(1));
        self
    }

    /// Sets after how many attempts a rotation is parked: 1 to 100, 10 by default. One that finds the issuer not available, and
    /// does nothing, does not count: the deadline bounds these.
    pub fn attempts_max(mut self, attempts: u16) -> Self {
        self.attempts_max = attempts.clamp(1, limits::ATTEMPTS_MAX);
        self
    }

    /// Sets after how long a rotation that could not be done is parked: a day by default, a minute at the least. Time counts in
    /// which a worker runs, not what the machine sleeps or lies between two runs; looked at when an attempt has failed. It is
    /// parked, too, when it failed in five single runs (of workers that are not started), at most one in 20 hours counted.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline.max(Duration::from_secs(60));
        self
    }

    /// Sets how often systems whose credentials can be listed are swept for some that no rotation knows of: an hour by
    /// default, a minute at the least.
    pub fn sweep_interval(mut self, interval: Duration) -> Self {
        self.sweep_interval = interval.max(Duration::from_secs(60));
        self
    }
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WorkerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issuers: Vec<_> = self.issuers.keys().collect();
        f.debug_struct("WorkerOptions")
            .field("issuers", &issuers)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}
