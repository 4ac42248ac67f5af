//! Owns what time will make due: leases and expiries for the writer, rotations for the worker and for people.
//!
//! Finding what is due costs nothing for secrets that are not. Read next: [`super::tally`].

use imbl::OrdSet;

use crate::domain::decide::lapses;
use crate::domain::due::step_at;
use crate::domain::id::SecretId;
use crate::domain::rotation::Credential;
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;

/// Secrets in the order of the times at which they need a look.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Calendar {
    lapses: OrdSet<(Timestamp, SecretId)>,
    rotations: OrdSet<(Timestamp, SecretId)>,
    steps: OrdSet<(Timestamp, SecretId)>,
    rotating: OrdSet<SecretId>,
}

impl Calendar {
    pub(super) fn apply(&mut self, before: Option<&Secret>, after: Option<&Secret>) {
        move_entry(&mut self.lapses, before, after, lapses);
        move_entry(&mut self.rotations, before, after, Secret::next_rotation_at);
        move_entry(&mut self.steps, before, after, step_at);
        let rotates = |secret: &&Secret| is_rotating(secret);
        let (old, new) = (before.filter(rotates), after.filter(rotates));
        match (old, new) {
            (Some(old), None) => drop(self.rotating.remove(&old.id)),
            (None, Some(new)) => drop(self.rotating.insert(new.id)),
            _ => {}
        }
    }

    /// Gives the time of the next lapse of all.
    pub(crate) fn next_lapse(&self) -> Option<Timestamp> {
        self.lapses.get_min().map(|(at, _)| *at)
    }

    /// Walks over the secrets that have something lapsed at `now`, the longest overdue first.
    pub(crate) fn lapsed(&self, now: Timestamp) -> impl Iterator<Item = SecretId> {
        self.lapses.iter().take_while(move |(at, _)| *at <= now).map(|(_, secret)| *secret)
    }

    /// Walks over the secrets for which the rotation worker has something to do at `now`, the longest overdue first.
    pub(crate) fn steps(&self, now: Timestamp) -> impl Iterator<Item = SecretId> {
        self.steps.iter().take_while(move |(at, _)| *at <= now).map(|(_, secret)| *secret)
    }

    /// Walks over the secrets of which a rotation is under way or was refused, or a credential is to be ended.
    pub(crate) fn rotating(&self) -> impl Iterator<Item = SecretId> {
        self.rotating.iter().copied()
    }

    /// Walks over the scheduled rotations, the next one first.
    pub(crate) fn rotations(&self) -> impl Iterator<Item = (Timestamp, SecretId)> {
        self.rotations.iter().copied()
    }
}

fn is_rotating(secret: &Secret) -> bool {
    secret.rotation.is_some()
        || secret.rotation_refused_at.is_some()
        || secret.credentials().any(Credential::is_retiring)
}

fn move_entry(
    entries: &mut OrdSet<(Timestamp, SecretId)>,
    before: Option<&Secret>,
    after: Option<&Secret>,
    time: impl Fn(&Secret) -> Option<Timestamp>,
) {
    let entry = |secret: &Secret| time(secret).map(|at| (at, secret.id));
    let (old, new) = (before.and_then(entry), after.and_then(entry));
    if old != new {
        old.map(|entry| entries.remove(&entry));
        new.map(|entry| entries.insert(entry));
    }
}
