//! Owns the counts over all secrets.

use crate::domain::secret::Secret;

/// Counts over all secrets of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// Secrets.
    pub secrets: u64,
    /// Versions whose metadata is kept.
    pub versions: u64,
    /// Versions whose data can be read.
    pub versions_available: u64,
    /// Locks.
    pub locks: u64,
    /// Secrets with at least one lock.
    pub secrets_locked: u64,
    /// Secrets whose expiry a lock holds back.
    pub expirations_held: u64,
}

impl Tally {
    pub(super) fn apply(&mut self, before: Option<&Secret>, after: Option<&Secret>) {
        let (old, new) = (before.map_or_else(Self::default, Self::of), after.map_or_else(Self::default, Self::of));
        self.step(&new, u64::saturating_add);
        self.step(&old, u64::saturating_sub);
    }

    fn of(secret: &Secret) -> Self {
        let available = secret.versions.iter().filter(|version| version.is_available()).count();
        let locks = count(secret.locks_total());
        Self {
            secrets: 1,
            versions: count(secret.versions.len()),
            versions_available: count(available),
            locks,
            secrets_locked: u64::from(locks > 0),
            expirations_held: u64::from(secret.expiry_held_since.is_some()),
        }
    }

    fn step(&mut self, other: &Self, step: fn(u64, u64) -> u64) {
        self.secrets = step(self.secrets, other.secrets);
        self.versions = step(self.versions, other.versions);
        self.versions_available = step(self.versions_available, other.versions_available);
        self.locks = step(self.locks, other.locks);
        self.secrets_locked = step(self.secrets_locked, other.secrets_locked);
        self.expirations_held = step(self.expirations_held, other.expirations_held);
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
