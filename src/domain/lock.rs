//! Owns what a lock is: a named claim that protects one version, for good or on a lease.
//!
//! Plain data; what a lock protects is said in [`super::touch`]. Read next: [`super::policy`].

use serde::{Deserialize, Serialize};

use super::code::coded_enum;
use super::expiry::Expiry;
use super::fencing::FencingToken;
use super::invalid::Invalid;
use super::json::JsonObject;
use super::limits;
use super::name::{Actor, Description, LockName};
use super::time::Timestamp;

coded_enum!(
    /// What placing locks does to the locks of the same names on the previous version.
    LockMode {
        /// Nothing.
        Keep = 0, "keep";
        /// Removes them.
        RemovePrevious = 1, "remove_previous";
        /// Removes them, and destroys the data of the previous version if no lock is left on it.
        RemovePreviousAndDelete = 2, "remove_previous_and_delete";
    }
);

coded_enum!(
    /// Why a lock was removed.
    LockRemoval {
        /// Somebody asked for it.
        Requested = 1, "requested";
        /// A lock of the same name was placed on the current version with a mode that removes it here.
        Moved = 2, "moved";
    }
);

/// A lock that somebody wants to place.
///
/// ```
/// use latchkeep::{LockName, NewLock};
///
/// let lock = NewLock::new(LockName::parse("billing")?);
/// assert!(lock.owner.is_none() && lock.expires.is_none());
/// let lease = lock.until(std::time::Duration::from_secs(15 * 60));
/// assert!(lease.expires.is_some());
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLock {
    /// Its name, unique per version.
    pub name: LockName,
    /// What it is for.
    pub description: Option<Description>,
    /// Anything else, up to 4 KiB.
    pub attributes: Option<JsonObject>,
    /// The only actor who may replace, renew or remove it, unless forced; anybody when there is none.
    pub owner: Option<Actor>,
    /// When it ends unless renewed, a second after it is placed at the earliest; never when there is none.
    pub expires: Option<Expiry>,
    /// The token of the lock that it replaces: it is placed only where a lock of its name stands with this token.
    pub replacing: Option<FencingToken>,
}

/// Which locks of a version are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockNames {
    /// All of them.
    All,
    /// Those of these names, 1 to 1,000; a name that stands on no lock is no error.
    These(Vec<LockName>),
    /// Those of these names and fencing tokens, 1 to 1,000; a name that stands on no lock is no error, a lock with another
    /// token is refused.
    Tokens(Vec<(LockName, FencingToken)>),
}

impl LockNames {
    /// Gives how many are named; nothing when all are meant.
    pub(crate) fn len(&self) -> Option<usize> {
        match self {
            Self::All => None,
            Self::These(names) => Some(names.len()),
            Self::Tokens(tokens) => Some(tokens.len()),
        }
    }
}

/// A lock as the event tells of it that placed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedLock {
    /// Its name, unique per version.
    pub name: LockName,
    /// What it is for.
    pub description: Option<Description>,
    /// Anything else.
    pub attributes: Option<JsonObject>,
    /// The only actor who may replace, renew or remove it, unless forced.
    pub owner: Option<Actor>,
    /// When it ends unless renewed; never when there is none.
    pub expires_at: Option<Timestamp>,
}

impl NewLock {
    /// Makes a permanent lock that belongs to nobody, without description or attributes.
    #[must_use]
    pub const fn new(name: LockName) -> Self {
        Self { name, description: None, attributes: None, owner: None, expires: None, replacing: None }
    }

    /// Makes it belong to an actor: only that actor, or a forced command, replaces or removes it.
    #[must_use]
    pub fn owned_by(mut self, owner: Actor) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Makes it a lease that ends unless it is renewed: at a time, or so long after it is placed.
    #[must_use]
    pub fn until(mut self, end: impl Into<Expiry>) -> Self {
        self.expires = Some(end.into());
        self
    }

    /// Makes it replace one lock alone: that of its name with this fencing token.
    #[must_use]
    pub fn replacing(mut self, token: FencingToken) -> Self {
        self.replacing = Some(token);
        self
    }

    /// Gives the lock that is placed at a time.
    pub(crate) fn placed(&self, at: Timestamp) -> Result<PlacedLock, Invalid> {
        Ok(PlacedLock {
            name: self.name.clone(),
            description: self.description.clone(),
            attributes: self.attributes.clone(),
            owner: self.owner.clone(),
            expires_at: self.expires.map(|end| end.end(LOCK_EXPIRY, at, limits::LEASE_MIN)).transpose()?,
        })
    }

    /// Says what it is for.
    #[must_use]
    pub fn described(mut self, description: Description) -> Self {
        self.description = Some(description);
        self
    }

    /// Attaches a JSON object of up to 4 KiB.
    #[must_use]
    pub fn with_attributes(mut self, attributes: JsonObject) -> Self {
        self.attributes = Some(attributes);
        self
    }
}

/// What refusals call the end of a lease.
pub(crate) const LOCK_EXPIRY: &str = "lock expiry";

/// A lock that stands on a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Its name, unique per version.
    pub name: LockName,
    /// What it is for.
    pub description: Option<Description>,
    /// Anything else.
    pub attributes: Option<JsonObject>,
    /// The only actor who may replace, renew or remove it, unless forced.
    pub owner: Option<Actor>,
    /// Since when it stands.
    pub created_at: Timestamp,
    /// When it was placed or last renewed.
    pub updated_at: Timestamp,
    /// Who placed it.
    pub created_by: Actor,
    /// When it ends unless renewed.
    pub expires_at: Option<Timestamp>,
    /// Grows whenever it is placed or renewed, so that an outside system can refuse whoever shows an older one.
    pub fencing_token: FencingToken,
}

impl Lock {
    /// Tells whether its lease had ended by a time, whether that stands in the log yet or not.
    pub(crate) fn is_over(&self, time: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= time)
    }
}
