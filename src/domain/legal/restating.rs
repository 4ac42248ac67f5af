//! Owns the rules for restatements: of a secret that was seen they say what is known, of one that was hidden they tell all
//! of it again; either way within one batch, and whole.
//!
//! Read next: [`super::walk`].

use std::collections::BTreeMap;

use super::super::event::{Event, LockRestated, SecretRestated, VersionRestated};
use super::super::id::SecretId;
use super::super::position::Revision;
use super::super::record::Record;
use super::super::secret::Secret;
use super::super::state::State;

use super::hidden::Hidden;
use super::secret::retention;
use super::version::all_apart;
use super::{Rule, hold};

/// What a batch has restated so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Restating(BTreeMap<SecretId, Restated>);

#[derive(Clone, Debug)]
struct Restated {
    /// Whether the secret was out of sight before.
    is_back: bool,
    /// What was known of it then.
    was: Option<Hidden>,
    versions: usize,
    locks: usize,
}

impl Restating {
    /// Holds a record to the rules for restatements, if it is one; the state is the one that it meets.
    pub(super) fn check(&mut self, state: &State, record: &Record, was: Option<&Hidden>) -> Result<(), Rule> {
        let Some(subject) = record.subject else { return Ok(()) };
        // Nearly no record is one, and a look-up costs.
        let secret = || state.secret(subject.secret).map(AsRef::as_ref);
        if let Event::SecretRestated(event) = &record.event {
            let secret = secret();
            let restated = Restated { is_back: secret.is_none(), was: was.cloned(), versions: 0, locks: 0 };
            hold(self.0.insert(subject.secret, restated).is_none(), Rule::RestatedInPart)?;
            return secret.map_or_else(
                || back(state, event),
                |secret| same(&SecretRestated::of(secret).told_as_by(event), event),
            );
        }
        if let Event::VersionRestated(event) = &record.event {
            let restated = self.0.get_mut(&subject.secret).ok_or(Rule::RestatedInPart)?;
            restated.versions = restated.versions.saturating_add(1);
            return match secret().and_then(|secret| secret.version_by_id(event.version)) {
                Some(version) => same(&VersionRestated::of(version), event),
                None => hold(restated.is_back, Rule::RestatedOtherwise),
            };
        }
        if let Event::LockRestated(event) = &record.event {
            let restated = self.0.get_mut(&subject.secret).ok_or(Rule::RestatedInPart)?;
            restated.locks = restated.locks.saturating_add(1);
            let version = secret().and_then(|secret| secret.version_by_id(event.version));
            return match version.ok_or(Rule::VersionMissing)?.lock(&event.lock.name) {
                Some(lock) => same(&LockRestated::of(event.version, lock), event),
                None => hold(restated.is_back, Rule::RestatedOtherwise),
            };
        }
        Ok(())
    }

    /// Tells whether a secret is known in part only: the rest follows in the same batch.
    pub(super) fn is_coming_back(&self, id: SecretId) -> bool {
        self.0.get(&id).is_some_and(|restated| restated.is_back)
    }

    /// Gives back what was known of a secret that gets out of sight again before all of it was said.
    pub(super) fn give_back(&mut self, id: SecretId, revision: Revision) -> Option<Hidden> {
        let restated = self.0.remove(&id).filter(|restated| restated.is_back)?;
        Some(restated.was.unwrap_or_else(|| Hidden::unknown(revision)))
    }

    /// Counts the secrets that are known in part only.
    pub(super) fn coming_back(&self) -> usize {
        self.0.values().filter(|restated| restated.is_back).count()
    }

    /// Holds what a batch restated to being all of it.
    pub(super) fn settle(&mut self, state: &State) -> Result<(), Rule> {
        let whole = |(id, restated): (SecretId, Restated)| {
            let has_all =
                |secret: &Secret| secret.versions.len() == restated.versions && secret.locks_total() == restated.locks;
            let Some(secret) = state.secret(id) else { return Ok(()) };
            hold(has_all(secret), Rule::RestatedInPart)?;
            restated.was.map_or(Ok(()), |was| was.restates(secret, &state.whole))?;
            hold(!restated.is_back || all_apart(secret), Rule::DataKeyTaken)
        };
        std::mem::take(&mut self.0).into_iter().try_for_each(whole)
    }
}

/// A secret that comes back into sight: its name is free, as far as anybody can see.
fn back(state: &State, event: &SecretRestated) -> Result<(), Rule> {
    let taken = state.secret_named(event.spec.secret_type(), &event.metadata.name);
    hold(taken.is_none(), Rule::NameTaken)?;
    retention(&event.metadata)
}

fn same<T: PartialEq>(known: &T, said: &T) -> Result<(), Rule> {
    hold(known == said, Rule::RestatedOtherwise)
}
