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
use super::version::Alias;

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

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let doing = match self.operation {
            Operation::Read => "the read",
            Operation::Rotate => "the rotation",
            Operation::Restore => "the restore",
            Operation::Delete => "the deletion",
            Operation::DestroyData => "the destruction of data",
            Operation::Expire => "the expiry",
        };
        write!(f, "{doing} of {} was refused because ", self.name)?;
        for (index, lock) in self.locks.iter().take(3).enumerate() {
            let gap = if index > 0 { ", " } else { "" };
            write!(f, "{gap}version {}", lock.number)?;
            if let Some(alias) = lock.alias {
                write!(f, " ({alias})")?;
            }
            write!(f, " is locked by {}", lock.name)?;
        }
        if self.locks_total > 3 {
            write!(f, " and {} more", self.locks_total.saturating_sub(3))?;
        }
        write!(f, "; {}", self.advice())
    }
}
