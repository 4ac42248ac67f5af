//! Owns what `decide` reads: the whole store as a value, but for the data of its versions.
//!
//! Cloning it is cheap (persistent maps), so that readers keep a consistent picture while the writer goes on. Only
//! [`super::evolve`] changes it. Read next: [`super::touch`].

use std::sync::Arc;

use imbl::OrdMap;

use super::clock::{Clocks, Told};
use super::fencing::FencingToken;
use super::id::{GroupId, SecretId};
use super::incarnation::Incarnation;
use super::name::{GroupName, IssuerName, SecretName};
use super::position::{Position, WriterEpoch};
use super::quarantine::{Restored, Strangers};
use super::rebase::Rebased;
use super::remembered::Remembered;
use super::secret::{Secret, SecretType};
use super::settings::{Group, KeySlotKind, Settings};
use super::time::Timestamp;

/// The state of the store after some number of records.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    pub(crate) secrets: OrdMap<SecretId, Arc<Secret>>,
    pub(crate) names: OrdMap<(SecretType, SecretName), SecretId>,
    pub(crate) whole: Whole,
    pub(crate) remembered: Remembered,
}

/// The part of the state that belongs to no secret.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Whole {
    /// The position of the next record.
    pub(crate) log_size: Position,
    /// The time of the last record; behind one that rebases the clock, the time that the clock showed.
    pub(crate) last_at: Timestamp,
    /// The opening that wrote the last record.
    pub(crate) writer_epoch: WriterEpoch,
    pub(crate) settings: Settings,
    pub(crate) groups: std::collections::BTreeMap<GroupId, Group>,
    pub(crate) key_slots: std::collections::BTreeMap<u8, KeySlotKind>,
    pub(crate) epochs: std::collections::BTreeSet<u32>,
    /// The keys that sign checkpoints, by number.
    pub(crate) signing_keys: std::collections::BTreeMap<u32, SigningKey>,
    /// The last restore, if the store was ever restored.
    pub(crate) restored: Option<Restored>,
    /// The incarnation from each record of a restore on.
    pub(crate) incarnations: std::collections::BTreeMap<Position, Incarnation>,
    /// The record of the last restore from an export, before which no signing seed is kept; the first record otherwise.
    pub(crate) imported_at: Position,
    /// What the log tells of the clocks of its machines.
    pub(crate) clocks: Clocks,
    /// The times at which the clock was rebased, oldest first; at most 64.
    pub(crate) rebased: Vec<Rebased>,
    /// The issuers that list credentials which the log does not know; at most 200.
    pub(crate) strangers: std::collections::BTreeMap<IssuerName, Strangers>,
}

/// A key that signs checkpoints.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct SigningKey {
    /// The record that set it.
    pub(crate) set_at: Position,
    /// It is in force for logs larger than this: for those larger than the one that its own record ends, so that a change
    /// of keys is covered by a checkpoint of the old key; after a restore for those larger than the one restored, since
    /// the original may go on under the old key.
    pub(crate) after: Position,
    /// What checks its signatures.
    pub(crate) verifier_key: Box<str>,
}

impl Default for Whole {
    /// The state before the first record.
    fn default() -> Self {
        Self {
            log_size: Position::FIRST,
            last_at: Timestamp::EPOCH,
            writer_epoch: WriterEpoch::new(0),
            settings: Settings::default(),
            groups: std::collections::BTreeMap::new(),
            key_slots: std::collections::BTreeMap::new(),
            epochs: std::collections::BTreeSet::new(),
            signing_keys: std::collections::BTreeMap::new(),
            restored: None,
            incarnations: std::collections::BTreeMap::new(),
            imported_at: Position::FIRST,
            clocks: Clocks::default(),
            rebased: Vec::new(),
            strangers: std::collections::BTreeMap::new(),
        }
    }
}

impl Whole {
    /// Gives the number of the next signing key; none after four billion.
    pub(crate) fn next_signing_key(&self) -> Option<u32> {
        self.signing_keys.keys().next_back().map_or(Some(1), |last| last.checked_add(1))
    }

    /// Gives the number of the key that signs a log of a size; the first key signs from the beginning.
    pub(crate) fn signing_key_at(&self, size: Position) -> Option<u32> {
        let first = self.signing_keys.keys().next().copied();
        let in_force = |(_, key): &(&u32, &SigningKey)| key.after < size;
        self.signing_keys.iter().rev().find(in_force).map(|(number, _)| *number).or(first)
    }

    /// Gives the size up to which a key was in force here, if it was a restore that ended it: beyond that size, the
    /// original went on with it.
    pub(crate) fn left_behind(&self, number: u32) -> Option<Position> {
        let (_, next) = self.signing_keys.range(number.checked_add(1)?..).next()?;
        (next.after <= next.set_at).then_some(next.after)
    }

    /// Gives the verifier key that a restore at a size has set; none when there was no restore.
    pub(crate) fn key_restored_at(&self, size: Position) -> Option<&str> {
        let is_of_it = |key: &&SigningKey| key.after == size && key.after <= key.set_at;
        self.signing_keys.values().find(is_of_it).map(|key| &*key.verifier_key)
    }

    /// Returns the incarnation of the store.
    pub(crate) fn incarnation(&self) -> Incarnation {
        self.incarnations.values().next_back().copied().unwrap_or_default()
    }

    /// Gives the fencing token of a lock that a position placed or renewed.
    pub(crate) fn token_at(&self, position: Position) -> FencingToken {
        let incarnation = self.incarnations.range(..=position).next_back().map(|(_, incarnation)| *incarnation);
        FencingToken { incarnation: incarnation.unwrap_or_default(), position }
    }

    /// Gives what the log tells of time.
    pub(crate) const fn told_of_time(&self) -> Told {
        Told { last_at: self.last_at, clocks: self.clocks }
    }

    /// Gives the restore that nobody has looked at yet.
    pub(crate) fn quarantine(&self) -> Option<&Restored> {
        self.restored.as_ref().filter(|restored| !restored.is_confirmed)
    }
}

impl State {
    /// Finds a secret by id.
    #[must_use]
    pub(crate) fn secret(&self, id: SecretId) -> Option<&Arc<Secret>> {
        self.secrets.get(&id)
    }

    /// Finds a secret by type and name.
    #[must_use]
    pub(crate) fn secret_named(&self, secret_type: SecretType, name: &SecretName) -> Option<SecretId> {
        self.names.get(&(secret_type, name.clone())).copied()
    }

    /// Tells whether a group is there; the default group always is.
    #[must_use]
    pub(crate) fn has_group(&self, group: GroupId) -> bool {
        group == GroupId::DEFAULT || self.whole.groups.contains_key(&group)
    }

    /// Finds a group by name; the default group has one as well.
    #[must_use]
    pub(crate) fn group_named(&self, name: &GroupName) -> Option<GroupId> {
        if name.as_str() == GroupId::DEFAULT_NAME {
            return Some(GroupId::DEFAULT);
        }
        self.whole.groups.iter().find(|(_, group)| group.name == *name).map(|(id, _)| *id)
    }

    /// Takes a secret out, with its name and its place in its group.
    pub(crate) fn take_out(&mut self, id: SecretId) -> Option<Arc<Secret>> {
        let secret = self.secrets.remove(&id)?;
        let name = (secret.secret_type(), secret.metadata.name.clone());
        if self.names.get(&name) == Some(&id) {
            self.names.remove(&name);
        }
        if let Some(group) = self.whole.groups.get_mut(&secret.group) {
            group.secrets = group.secrets.saturating_sub(1);
        }
        Some(secret)
    }

    /// Puts a secret in that is not there.
    pub(super) fn put_in(&mut self, secret: Secret) {
        self.names.insert((secret.secret_type(), secret.metadata.name.clone()), secret.id);
        if let Some(group) = self.whole.groups.get_mut(&secret.group) {
            group.secrets = group.secrets.saturating_add(1);
        }
        self.secrets.insert(secret.id, Arc::new(secret));
    }

    /// Gives the number of records that made this state.
    #[must_use]
    pub(crate) const fn log_size(&self) -> Position {
        self.whole.log_size
    }
}
