//! Owns the explanation of a refusal by a lock: which lock, on which version, since when, held by whom, and what next.
//!
//! Read next: [`super::refusal`].

use std::fmt;

use serde::{Deserialize, Serialize};

use super::code::coded_enum;
use super::id::{SecretId, VersionId};
use super::lock::Lock;
use super::name::{Actor, LockName, SecretName};
use super::position::{Position, VersionNumber};
use super::secret::SecretType;
use super::time::Timestamp;
use super::version::{Alias, version_words};

/// The reference's words for a refusal by a lock, sent over the wire as they are.
pub const LOCKED_MESSAGE: &str = "The requested action can't be completed because the secret version is locked.";

coded_enum!(
    /// What somebody wanted to do to a locked version.
    Operation {
        /// Reading a dynamic credential, which makes a new one.
        Read = 1, "read";
        /// Replacing the current version.
        Rotate = 2, "rotate";
        /// Making a new version from the previous one.
        Restore = 3, "restore";
        /// Deleting the secret.
        Delete = 4, "delete";
        /// Destroying the data of one version.
        DestroyData = 5, "destroy_data";
        /// Letting a secret expire.
        Expire = 6, "expire";
    }
);

/// A lock that stands in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockingLock {
    /// The version it protects.
    pub version: VersionId,
    /// The number of that version.
    pub number: VersionNumber,
    /// The alias of that version.
    pub alias: Option<Alias>,
    /// The lock.
    pub name: LockName,
    /// To whom it belongs.
    pub owner: Option<Actor>,
    /// Who placed it.
    pub created_by: Actor,
    /// Since when it stands.
    pub created_at: Timestamp,
    /// When it ends unless renewed.
    pub expires_at: Option<Timestamp>,
    /// The position that placed or last renewed it: of its fencing token what a log needs to keep, since the incarnation follows
    /// from it.
    pub fencing_token: Position,
}

/// Why a lock refuses an operation: what an operator needs to know, and to whom to talk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// What was to be done.
    pub operation: Operation,
    /// To which secret.
    pub secret: SecretId,
    /// Its name.
    pub name: SecretName,
    /// Its type.
    pub secret_type: SecretType,
    /// The locks in the way, at most 24 of them.
    pub locks: Vec<BlockingLock>,
    /// How many are in the way in all.
    pub locks_total: u32,
}

impl Blocked {
    pub(crate) fn lock(version: (VersionId, VersionNumber, Option<Alias>), lock: &Lock) -> BlockingLock {
        let (version, number, alias) = version;
        BlockingLock {
            version,
            number,
            alias,
            name: lock.name.clone(),
            owner: lock.owner.clone(),
            created_by: lock.created_by.clone(),
            created_at: lock.created_at,
            expires_at: lock.expires_at,
            fencing_token: lock.fencing_token.position,
        }
    }

    /// Says what the caller can do next.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self.operation {
            Operation::Read => "remove the lock, or wait until its lease ends; reading would destroy the credential",
            Operation::Rotate | Operation::Restore => {
                "move its consumers to the current version and remove the lock, then rotate again"
            }
            Operation::Delete | Operation::DestroyData => "ask the lock's owner to remove it, then try again",
            Operation::Expire => "the data goes when the last lock is removed",
        }
    }
}

impl Blocked {
    /// Says which versions are locked by which locks: the first three, and how many more there are.
    #[must_use]
    pub fn reason(&self) -> String {
        let shown = self.locks.iter().take(LOCKS_SHOWN);
        let is_locked =
            |lock: &BlockingLock| format!("{} is locked by {}", version_words(lock.number, lock.alias), lock.name);
        let reasons: Vec<String> = shown.map(is_locked).collect();
        let more = usize::try_from(self.locks_total).unwrap_or(usize::MAX).saturating_sub(LOCKS_SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{more}", reasons.join(", "))
    }

    /// Says what is refused, and because of which locks.
    pub(crate) fn sentence(&self) -> String {
        format!("{} of {} is refused because {}", self.operation.noun(), self.name, self.reason())
    }
}

impl Operation {
    /// Returns the words for it in a sentence about what is refused.
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::Read => "the read",
            Self::Rotate => "the rotation",
            Self::Restore => "the restore",
            Self::Delete => "the deletion",
            Self::DestroyData => "the destruction of data",
            Self::Expire => "the expiry",
        }
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.sentence(), self.advice())
    }
}

/// Locks that a sentence names.
const LOCKS_SHOWN: usize = 3;
