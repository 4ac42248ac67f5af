//! Owns what a version is: one value of a secret, by number and id, with where its sealed data lies.
//!
//! Plain data. Read next: [`super::lock`].

use std::fmt;

use serde::{Deserialize, Serialize};

use super::code::coded_enum;
use super::id::{DataKeyId, VersionId};
use super::invalid::Invalid;
use super::json::JsonObject;
use super::lock::Lock;
use super::name::{Actor, LockName};
use super::position::{Position, VersionNumber};
use super::rotation::Credential;
use super::time::Timestamp;

coded_enum!(
    /// A name that moves from version to version.
    Alias {
        /// The newest version.
        Current = 1, "current";
        /// The one before the newest.
        Previous = 2, "previous";
    }
);

coded_enum!(
    /// How a version came to be.
    VersionOrigin {
        /// With its secret.
        Created = 1, "created";
        /// By a rotation that somebody asked for.
        RotatedByHand = 2, "rotated_by_hand";
        /// By a rotation that a policy asked for.
        RotatedByPolicy = 3, "rotated_by_policy";
        /// From the data of an earlier version.
        Restored = 4, "restored";
    }
);

coded_enum!(
    /// Why the data of a version was destroyed.
    DestroyCause {
        /// Newer versions pushed it out of the retention window.
        Retention = 1, "retention";
        /// Somebody asked for it.
        Requested = 2, "requested";
        /// Its secret expired.
        Expired = 3, "expired";
        /// The lease of a dynamic credential ended, or a credential of an earlier version that an issuer made.
        LeaseEnded = 4, "lease_ended";
        /// A lock was placed with `remove_previous_and_delete`.
        PreviousFreed = 5, "previous_freed";
        /// A later read made a new credential; only said of the answer to an earlier read.
        Regenerated = 6, "regenerated";
        /// Its credential was ended outside.
        Retired = 7, "retired";
    }
);

/// Names a version as people do: `version 3 (current)`, or `version 1` where it has no alias.
#[must_use]
pub fn version_words(number: VersionNumber, alias: Option<Alias>) -> String {
    alias.map_or_else(|| format!("version {number}"), |alias| format!("version {number} ({alias})"))
}

/// Which version of a secret is meant.
///
/// ```
/// use latchkeep::{VersionNumber, VersionRef};
///
/// assert_eq!(VersionRef::parse("previous")?, VersionRef::Previous);
/// assert_eq!(VersionRef::parse("7")?, VersionRef::Number(VersionNumber::new(7)));
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum VersionRef {
    /// The newest version.
    #[default]
    Current,
    /// The one before the newest.
    Previous,
    /// The version of this id.
    Id(VersionId),
    /// The version of this number.
    Number(VersionNumber),
}

impl VersionRef {
    /// Reads `current`, `previous`, a number, or a version id.
    ///
    /// # Errors
    ///
    /// [`Invalid`] when the text is none of these.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        match text {
            "current" => Ok(Self::Current),
            "previous" => Ok(Self::Previous),
            _ => match text.parse::<u64>() {
                Ok(number) if number > 0 => Ok(Self::Number(VersionNumber::new(number))),
                _ => VersionId::parse(text)
                    .map(Self::Id)
                    .map_err(|_| Invalid::new("version", "takes current, previous, a number from 1, or a version id")),
            },
        }
    }
}

impl fmt::Display for VersionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Current => f.write_str("current"),
            Self::Previous => f.write_str("previous"),
            Self::Id(id) => id.fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}

impl std::str::FromStr for VersionRef {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::parse(text)
    }
}

/// Where the sealed data of a version lies and what it must hash to. Says nothing about what is inside but its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedRef {
    /// The key that seals it, and the name of its rows.
    pub data_key: DataKeyId,
    /// The epoch whose key wrapped the data key when the data was sealed.
    pub epoch: u32,
    /// Bytes of the sealed data.
    pub sealed_bytes: u32,
    /// BLAKE3 of the sealed data.
    pub digest: [u8; 32],
}

/// Whether the data of a version can still be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VersionData {
    /// It can.
    Available(SealedRef),
    /// It is gone for ever.
    Destroyed {
        /// Since when.
        at: Timestamp,
        /// Why.
        cause: DestroyCause,
    },
    /// It is not here: the store was restored from an export, which holds none.
    Unavailable {
        /// Since when.
        since: Timestamp,
    },
}

impl VersionData {
    /// Gives the place of the data while it can be read.
    #[must_use]
    pub const fn sealed(&self) -> Option<&SealedRef> {
        match self {
            Self::Available(sealed) => Some(sealed),
            Self::Destroyed { .. } | Self::Unavailable { .. } => None,
        }
    }
}

/// What a version shows of its data without giving it away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum VersionDetails {
    /// Nothing.
    #[default]
    Plain,
    /// The id of an API key.
    ApiKey {
        /// The issuer's id of the key.
        api_key_id: Actor,
    },
    /// What a certificate says of itself.
    Certificate(Box<CertificateDetails>),
}

/// What a certificate says of itself (RFC 5280).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateDetails {
    /// The serial number, in hexadecimal digits.
    pub serial: Box<str>,
    /// Whom it is for: common name of the subject, empty when it has none.
    pub common_name: Box<str>,
    /// Who signed it: common name of the issuer, empty when it has none.
    pub issuer: Box<str>,
    /// From when it holds.
    pub not_before: Timestamp,
    /// Until when it holds.
    pub not_after: Timestamp,
    /// Whether its private key was brought along.
    pub has_private_key: bool,
    /// Whether its chain was brought along.
    pub has_chain: bool,
}

/// One value of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its id.
    pub id: VersionId,
    /// Its number within the secret.
    pub number: VersionNumber,
    /// How it came to be.
    pub origin: VersionOrigin,
    /// The version whose data it took over, when it was restored.
    pub restored_from: Option<VersionId>,
    /// Where its data lies.
    pub data: VersionData,
    /// The event that brought the data it holds now.
    pub data_from: Position,
    /// What it shows of its data.
    pub details: VersionDetails,
    /// When its data ends: the end of the lease of a dynamic credential, the end that an issuer named, the last moment of a
    /// certificate.
    pub expires_at: Option<Timestamp>,
    /// Whether its data was read at least once.
    pub downloaded: bool,
    /// Anything else, up to 10 KiB.
    pub custom_metadata: Option<JsonObject>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on its age counts, for grace and schedule: when it was made; where the clock was rebased since, so long before
    /// that as it was old then.
    pub counts_from: Timestamp,
    /// Who made it.
    pub created_by: Actor,
    /// The locks on it, by name.
    pub locks: Vec<Lock>,
    /// The credential behind its data, when an issuer made it.
    pub credential: Option<Box<Credential>>,
    /// Consumers that said that they use it, at most 32.
    pub acknowledged_by: Box<[Actor]>,
}

impl Version {
    /// Tells whether its data can still be read (`payload_available`).
    #[must_use]
    pub const fn is_available(&self) -> bool {
        matches!(self.data, VersionData::Available(_))
    }

    /// Tells whether its data was destroyed. Data that a restore did not bring along was not: its locks still stand.
    #[must_use]
    pub const fn is_destroyed(&self) -> bool {
        matches!(self.data, VersionData::Destroyed { .. })
    }

    /// Tells whether a credential behind its data is still good where it was made.
    #[must_use]
    pub fn has_credential_in_use(&self) -> bool {
        self.credential.as_deref().is_some_and(Credential::is_in_use)
    }

    /// Tells whether nothing of it is left, neither its data nor a credential outside.
    pub(crate) fn is_over(&self) -> bool {
        !self.is_available() && !self.has_credential_in_use()
    }

    /// Tells whether there is data left to destroy, or a credential to end, and that was not decided yet.
    pub(crate) fn can_be_let_go(&self) -> bool {
        match self.credential.as_deref().filter(|credential| credential.is_in_use()) {
            Some(credential) => !credential.is_retiring(),
            None => self.is_available(),
        }
    }

    /// Tells whether a policy made it.
    #[must_use]
    pub const fn is_auto_rotated(&self) -> bool {
        matches!(self.origin, VersionOrigin::RotatedByPolicy)
    }

    /// Finds a lock by name.
    #[must_use]
    pub fn lock(&self, name: &LockName) -> Option<&Lock> {
        let at = self.locks.binary_search_by(|lock| lock.name.cmp(name)).ok()?;
        self.locks.get(at)
    }
}
