//! Owns lock status as shown to people: which locks protect which version of a secret, since when, by whom, until when.
//!
//! It is computed from the state on request, so it is never stale. Read next: [`super::calendar`].

use crate::domain::id::{GroupId, SecretId};
use crate::domain::lock::Lock;
use crate::domain::name::SecretName;
use crate::domain::position::Revision;
use crate::domain::secret::{Secret, SecretType};
use crate::domain::version::{Alias, Version};
use crate::domain::{id::VersionId, position::VersionNumber};

/// The locks on all versions of one secret, as of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockStatus {
    /// The secret.
    pub secret: SecretId,
    /// Its name.
    pub name: SecretName,
    /// Its type.
    pub secret_type: SecretType,
    /// Its group.
    pub group: GroupId,
    /// Its revision.
    pub revision: Revision,
    /// Current, previous, and any other version that has a lock; newest first.
    pub versions: Vec<VersionLocks>,
}

/// The locks on one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionLocks {
    /// The version.
    pub version: VersionId,
    /// Its number.
    pub number: VersionNumber,
    /// Its alias.
    pub alias: Option<Alias>,
    /// Whether its data can be read.
    pub payload_available: bool,
    /// Its locks, by name.
    pub locks: Vec<Lock>,
}

impl LockStatus {
    pub(crate) fn of(secret: &Secret) -> Self {
        let shown = |version: &&Version| secret.alias(version.id).is_some() || !version.locks.is_empty();
        Self {
            secret: secret.id,
            name: secret.metadata.name.clone(),
            secret_type: secret.secret_type(),
            group: secret.group,
            revision: secret.revision,
            versions: secret.versions.iter().rev().filter(shown).map(|version| locks_of(secret, version)).collect(),
        }
    }

    /// Counts the locks on all versions.
    #[must_use]
    pub fn locks_total(&self) -> usize {
        self.versions.iter().map(|version| version.locks.len()).sum()
    }
}

fn locks_of(secret: &Secret, version: &Version) -> VersionLocks {
    VersionLocks {
        version: version.id,
        number: version.number,
        alias: secret.alias(version.id),
        payload_available: version.is_available(),
        locks: version.locks.clone(),
    }
}
