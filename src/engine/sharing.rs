//! Owns the sharing of texts that many loaded secrets have in common: actors, and the names of locks.
//!
//! It changes no value. It only keeps each text once, instead of once per secret. Read next: [`super::recovery`].

use std::collections::HashSet;
use std::hash::Hash;

use crate::domain::name::{Actor, Label, LockName};
use crate::domain::secret::Secret;

/// Shared texts of each kind, at most: those of services and people, not one per secret.
const TEXTS_MAX: usize = 16_384;

/// The texts seen so far.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    actors: Known<Actor>,
    labels: Known<Label>,
    locks: Known<LockName>,
}

impl Sharing {
    /// Replaces texts of a secret by equal ones that were seen before.
    pub(super) fn share(&mut self, secret: &mut Secret) {
        self.actors.share(&mut secret.created_by);
        secret.metadata.labels.iter_mut().for_each(|label| self.labels.share(label));
        for version in &mut secret.versions {
            self.actors.share(&mut version.created_by);
            for lock in &mut version.locks {
                self.locks.share(&mut lock.name);
                self.actors.share(&mut lock.created_by);
                lock.owner.iter_mut().for_each(|owner| self.actors.share(owner));
            }
        }
    }
}

#[derive(Debug)]
struct Known<T>(HashSet<T>);

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(HashSet::new())
    }
}

impl<T: Clone + Eq + Hash> Known<T> {
    fn share(&mut self, text: &mut T) {
        if let Some(known) = self.0.get(text) {
            *text = known.clone();
        } else if self.0.len() < TEXTS_MAX {
            self.0.insert(text.clone());
        }
    }
}
