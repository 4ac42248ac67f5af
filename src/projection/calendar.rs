//! Owns what becomes due by time: leases and expiries for the writer, rotations for the worker and for people.
//!
//! Secrets with nothing due cost nothing here. Read next: [`super::tally`].

use imbl::OrdSet;

use crate::domain::decide::lapses;
use crate::domain::due::{Step, next_step};
use crate::domain::id::SecretId;
use crate::domain::rotation::Credential;
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;

/// Secrets in the order of the times at which they need a look.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Calendar {
    lapses: OrdSet<(Timestamp, SecretId)>,
    rotations: OrdSet<(Timestamp, SecretId)>,
    /// Steps that the store can do itself.
    steps_here: OrdSet<(Timestamp, SecretId)>,
    /// Steps that may need a call to an outside system.
    steps_elsewhere: OrdSet<(Timestamp, SecretId)>,
    rotating: OrdSet<SecretId>,
}

impl Calendar {
    pub(super) fn apply(&mut self, before: Option<&Secret>, after: Option<&Secret>) {
        move_entry(&mut self.lapses, before, after, lapses);
        move_entry(&mut self.rotations, before, after, Secret::next_rotation_at);
        self.move_step(before.and_then(next_step), after.and_then(next_step), before.or(after));
        let rotates = |secret: &&Secret| is_rotating(secret);
        let (old, new) = (before.filter(rotates), after.filter(rotates));
        match (old, new) {
            (Some(old), None) => drop(self.rotating.remove(&old.id)),
            (None, Some(new)) => drop(self.rotating.insert(new.id)),
            _ => {}
        }
    }

    fn move_step(&mut self, old: Option<(Timestamp, Step)>, new: Option<(Timestamp, Step)>, of: Option<&Secret>) {
        let Some(id) = of.map(|secret| secret.id).filter(|_| old != new) else { return };
        if let Some((at, step)) = old {
            self.steps_of(step).remove(&(at, id));
        }
        if let Some((at, step)) = new {
            self.steps_of(step).insert((at, id));
        }
    }

    const fn steps_of(&mut self, step: Step) -> &mut OrdSet<(Timestamp, SecretId)> {
        match step {
            Step::RotateHere => &mut self.steps_here,
            Step::Plan(_)
            | Step::GoOn
            | Step::MakeRoom(_)
            | Step::PlanRetirement(_)
            | Step::Retire(_)
            | Step::Delete => &mut self.steps_elsewhere,
        }
    }

    /// Returns the time of the next lapse in the store.
    pub(crate) fn next_lapse(&self) -> Option<Timestamp> {
        self.lapses.get_min().map(|(at, _)| *at)
    }

    /// Iterates over the secrets with a lapse due at `now`, the longest overdue first.
    pub(crate) fn lapsed(&self, now: Timestamp) -> impl Iterator<Item = SecretId> {
        self.lapses.iter().take_while(move |(at, _)| *at <= now).map(|(_, secret)| *secret)
    }

    /// Iterates over the secrets with a step of the rotation worker due at `now` that the store can do itself, the
    /// longest overdue first.
    pub(crate) fn steps_here(&self, now: Timestamp) -> impl Iterator<Item = SecretId> {
        self.steps_here.iter().take_while(move |(at, _)| *at <= now).map(|(_, secret)| *secret)
    }

    /// Iterates over the same for steps that may need a call to an outside system.
    pub(crate) fn steps_elsewhere(&self, now: Timestamp) -> impl Iterator<Item = SecretId> {
        self.steps_elsewhere.iter().take_while(move |(at, _)| *at <= now).map(|(_, secret)| *secret)
    }

    /// Iterates over the secrets with an open or refused rotation, or a credential that will be ended.
    pub(crate) fn rotating(&self) -> impl Iterator<Item = SecretId> {
        self.rotating.iter().copied()
    }

    /// Iterates over the scheduled rotations, the next one first.
    pub(crate) fn rotations(&self) -> impl Iterator<Item = (Timestamp, SecretId)> {
        self.rotations.iter().copied()
    }
}

fn is_rotating(secret: &Secret) -> bool {
    secret.rotation.is_some()
        || secret.rotation_refused_at.is_some()
        || secret.given_up.is_some()
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
