//! Owns what is shown of locks: one lock, the locks of a secret, and a lock that blocks an operation.
//!
//! Read next: [`super::explanation`].

use serde::{Deserialize, Serialize};

use super::spelling;
use crate::domain::fencing::FencingToken;
use crate::domain::id::{GroupId, SecretId, VersionId};
use crate::domain::json::JsonObject;
use crate::domain::name::{Actor, Description, LockName, SecretName};
use crate::domain::position::{Position, VersionNumber};
use crate::domain::secret::SecretType;
use crate::domain::time::Timestamp;
use crate::domain::version::{Alias, version_words};
use crate::domain::{lock, refusal, secret, version};
use crate::projection::lock_board;

/// A lock, as a list of locks has it (`SecretLock`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Lock {
    /// Its name, unique per version.
    pub name: LockName,
    /// When it was placed.
    pub created_at: Timestamp,
    /// When it was placed or last renewed.
    pub updated_at: Timestamp,
    /// Who placed it.
    pub created_by: Actor,
    /// The secret.
    pub secret_id: SecretId,
    /// The name of the secret. An addition.
    pub secret_name: SecretName,
    /// The type of the secret. An addition.
    pub secret_type: SecretType,
    /// The group of the secret; `default` for the one that every store has.
    #[serde(with = "spelling::group")]
    pub secret_group_id: GroupId,
    /// The version that it protects.
    pub secret_version_id: VersionId,
    /// The alias of that version; null for one older than the previous one.
    pub secret_version_alias: Option<Alias>,
    /// The number of that version. An addition.
    pub secret_version_number: VersionNumber,
    /// What an outside system compares: grows with each placing and renewal. An addition.
    #[serde(with = "spelling::text")]
    pub fencing_token: FencingToken,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// Anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<JsonObject>,
    /// The only actor who may replace, renew or remove it, unless forced. An addition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Actor>,
    /// When its lease ends, unless renewed. An addition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl Lock {
    /// Shows a lock on a version of a secret.
    #[must_use]
    pub fn of(secret: &secret::Secret, version: &version::Version, lock: &lock::Lock) -> Self {
        Self {
            name: lock.name.clone(),
            created_at: lock.created_at,
            updated_at: lock.updated_at,
            created_by: lock.created_by.clone(),
            secret_id: secret.id,
            secret_name: secret.metadata.name.clone(),
            secret_type: secret.secret_type(),
            secret_group_id: secret.group,
            secret_version_id: version.id,
            secret_version_alias: secret.alias(version.id),
            secret_version_number: version.number,
            fencing_token: lock.fencing_token,
            description: lock.description.clone(),
            attributes: lock.attributes.clone(),
            owner: lock.owner.clone(),
            expires_at: lock.expires_at,
        }
    }

    /// Shows all locks on all versions of a secret, those of the newest version first.
    #[must_use]
    pub fn all_of(secret: &secret::Secret) -> Vec<Self> {
        let versions = secret.versions.iter().rev();
        versions.flat_map(|version| version.locks.iter().map(|lock| Self::of(secret, version, lock))).collect()
    }
}

/// The locks of a secret by version, as the answer to a change of locks has them (`SecretLocks`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SecretLocks {
    /// The secret.
    pub secret_id: SecretId,
    /// Its name.
    pub secret_name: SecretName,
    /// Its type.
    pub secret_type: SecretType,
    /// Its group; `default` for the one that every store has.
    #[serde(with = "spelling::group")]
    pub secret_group_id: GroupId,
    /// The current and the previous version, locked or not, and older ones that are locked; the newest first.
    pub versions: Vec<VersionLocks>,
}

/// The locks of a version (`SecretVersionLocks`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VersionLocks {
    /// The version.
    pub version_id: VersionId,
    /// Its alias; null for one older than the previous one.
    pub version_alias: Option<Alias>,
    /// Its number. An addition.
    pub version_number: VersionNumber,
    /// Whether its data can be read.
    pub payload_available: bool,
    /// The names of its locks.
    pub locks: Vec<LockName>,
}

impl SecretLocks {
    /// Shows the locks of a secret.
    #[must_use]
    pub fn of(secret: &secret::Secret) -> Self {
        Self::from(&lock_board::LockStatus::of(secret))
    }
}

impl From<&lock_board::LockStatus> for SecretLocks {
    fn from(status: &lock_board::LockStatus) -> Self {
        let version = |version: &lock_board::VersionLocks| VersionLocks {
            version_id: version.version,
            version_alias: version.alias,
            version_number: version.number,
            payload_available: version.payload_available,
            locks: version.locks.iter().map(|lock| lock.name.clone()).collect(),
        };
        Self {
            secret_id: status.secret,
            secret_name: status.name.clone(),
            secret_type: status.secret_type,
            secret_group_id: status.group,
            versions: status.versions.iter().map(version).collect(),
        }
    }
}

/// A lock that blocks an operation. Not in the reference, which tells of no lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BlockingLock {
    /// Its name.
    pub name: LockName,
    /// The version that it protects.
    pub secret_version_id: VersionId,
    /// The alias of that version; null for one older than the previous one.
    pub secret_version_alias: Option<Alias>,
    /// The number of that version.
    pub secret_version_number: VersionNumber,
    /// To whom it belongs; null if to no actor.
    pub owner: Option<Actor>,
    /// Who placed it.
    pub created_by: Actor,
    /// When it was placed.
    pub created_at: Timestamp,
    /// When its lease ends, unless renewed; null for a permanent lock.
    pub expires_at: Option<Timestamp>,
    /// Its fencing token, where the incarnation is known: see [`BlockingLock::learn`].
    #[serde(default, skip_serializing_if = "Option::is_none", with = "spelling::optional_text")]
    pub fencing_token: Option<FencingToken>,
    /// The position that placed or last renewed it.
    pub position: Position,
}

impl BlockingLock {
    /// Shows a lock that blocks an operation.
    #[must_use]
    pub fn of(lock: &refusal::BlockingLock) -> Self {
        Self {
            name: lock.name.clone(),
            secret_version_id: lock.version,
            secret_version_alias: lock.alias,
            secret_version_number: lock.number,
            owner: lock.owner.clone(),
            created_by: lock.created_by.clone(),
            created_at: lock.created_at,
            expires_at: lock.expires_at,
            fencing_token: None,
            position: lock.fencing_token,
        }
    }

    /// Takes the fencing token from the secret, if the lock is still the one that blocked: a refusal records only the position.
    pub fn learn(&mut self, secret: &secret::Secret) {
        let found = secret.version_by_id(self.secret_version_id).and_then(|version| version.lock(&self.name));
        let token = found.map(|lock| lock.fencing_token).filter(|token| token.position == self.position);
        self.fencing_token = token.or(self.fencing_token);
    }

    /// Returns whom to ask to remove it: its owner, or who placed it.
    #[must_use]
    pub const fn holder(&self) -> &Actor {
        match &self.owner {
            Some(owner) => owner,
            None => &self.created_by,
        }
    }

    /// Says all that a person needs to know of it behind its name: on which version it is, since when, by whom, until when. Times to
    /// the second.
    #[must_use]
    pub fn words(&self) -> String {
        let owner =
            self.owner.as_ref().map_or_else(|| "owned by nobody".to_owned(), |owner| format!("owned by {owner}"));
        let until = self
            .expires_at
            .map_or_else(|| "until it is removed".to_owned(), |end| format!("until {}", end.to_second()));
        format!(
            "on {}: since {}, placed by {}, {owner}, {until}",
            version_words(self.secret_version_number, self.secret_version_alias),
            self.created_at.to_second(),
            self.created_by,
        )
    }
}
