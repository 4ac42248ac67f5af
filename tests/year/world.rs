//! Owns what lies outside the store, together: the clock, the systems, the jobs, and who uses what.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use latchkeep::{Issuer, IssuerClass, IssuerName, ManualClock, SecretId, Timestamp, WorkerOptions};

use super::claims::Claims;
use super::jobs::Jobs;
use super::outside::{Outside, truth};

pub(crate) const HOUR: u64 = 3_600;
pub(crate) const DAY: u64 = 24 * HOUR;

/// How far the time of the store may be ahead of the true one, by faults of clocks that are not seen at once.
pub(crate) const CLOCKS_DIFFER: Duration = Duration::from_secs(25 * 60);

/// Systems outside, by name, each with its class and how many days a credential lives there.
const SYSTEMS: [(&str, IssuerClass, u64); 7] = [
    ("accounts", IssuerClass::SetValue, 0),
    ("tokens", IssuerClass::CreateWithToken, 0),
    ("roles", IssuerClass::CreateDiscoverable, 0),
    ("short", IssuerClass::CreateDiscoverable, 24),
    ("authority", IssuerClass::CreateDiscoverable, 50),
    ("opaque", IssuerClass::Opaque, 0),
    ("jobs", IssuerClass::CreateWithToken, 0),
];

/// What lies outside the store.
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) claims: Arc<Claims>,
    pub(crate) outsides: BTreeMap<&'static str, Arc<Outside>>,
    pub(crate) jobs: Arc<Jobs>,
    /// Secrets whose current version need not log in, since the store was restored and a person has not come to them yet.
    pub(crate) stale: Mutex<BTreeSet<SecretId>>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let start = Timestamp::parse("2026-11-23T12:00:00Z").unwrap();
        let clock = ManualClock::at(start).moving(Duration::from_nanos(137));
        let claims = Arc::new(Claims::default());
        let outside = |(name, class, days): (&'static str, IssuerClass, u64)| {
            let life = (days > 0).then(|| Duration::from_secs(days * DAY));
            (name, Arc::new(Outside::new(name, class, life, (seed, &clock, &claims))))
        };
        let outsides: BTreeMap<_, _> = SYSTEMS.into_iter().map(outside).collect();
        let jobs = Arc::new(Jobs::new(Arc::clone(&outsides["jobs"])));
        Self { clock, claims, outsides, jobs, stale: Mutex::default() }
    }

    /// The time that has truly passed.
    pub(crate) fn now(&self) -> Timestamp {
        truth(&self.clock)
    }

    pub(crate) fn in_secs(&self, secs: u64) -> Timestamp {
        self.now().plus(Duration::from_secs(secs))
    }

    /// Gives how a worker reaches the systems.
    pub(crate) fn options(&self, threads: usize) -> WorkerOptions {
        let named = self.outsides.iter().map(|(name, outside)| {
            let issuer: Arc<dyn Issuer> = match *name {
                "jobs" => Arc::clone(&self.jobs) as Arc<_>,
                _ => Arc::clone(outside) as Arc<_>,
            };
            (IssuerName::parse(name).unwrap(), issuer)
        });
        named.fold(WorkerOptions::new().threads(threads), |options, (name, issuer)| options.shared_issuer(name, issuer))
    }

    /// Tells whether any system is away just now, or ends nothing.
    pub(crate) fn is_troubled(&self) -> bool {
        self.outsides.values().any(|outside| outside.is_away())
    }

    /// Sets the clock to the true time.
    pub(crate) fn set_right(&self) {
        self.clock.set(self.now());
    }
}
