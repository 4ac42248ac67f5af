//! Owns what a secret is: its type, its settings, its versions, and where it stands in its life.
//!
//! Plain data; rules are in [`super::decide`], changes in [`super::evolve`]. Read next: [`super::version`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::code::coded_enum;
use super::doubt::RotationLineage;
use super::id::{GroupId, SecretId, VersionId};
use super::json::JsonObject;
use super::limits;
use super::lock::Lock;
use super::name::{Actor, Description, Label, SecretName};
use super::patience::Patience;
use super::policy::RotationPolicy;
use super::position::{Position, Revision, VersionNumber};
use super::rotation::{Credential, Rotation};
use super::schedule::GivenUp;
use super::time::Timestamp;
use super::version::{Alias, SealedRef, Version, VersionRef};

pub(crate) use super::spec::Ending;
pub use super::spec::{ApiKeyTarget, ApiKeyUse, PasswordPolicy, SecretSpec};

coded_enum!(
    /// What kind of credential a secret holds. Number 9 is kept for `public_cert`.
    SecretType {
        /// Any text.
        Arbitrary = 1, "arbitrary";
        /// A user name and a password.
        UsernamePassword = 2, "username_password";
        /// A JSON object.
        Kv = 3, "kv";
        /// An API key, made by an issuer.
        IamCredentials = 4, "iam_credentials";
        /// A credential in a system outside the store, made by an issuer.
        ServiceCredentials = 5, "service_credentials";
        /// A credential that a job of the user's makes, which may take its time.
        CustomCredentials = 6, "custom_credentials";
        /// A certificate that was brought along, perhaps with its private key and chain.
        ImportedCert = 7, "imported_cert";
        /// A certificate that an authority of the host's signs.
        PrivateCert = 8, "private_cert";
    }
);

coded_enum!(
    /// Where a secret stands in its life, numbered as in NIST SP 800-57 part 1; there is no 4.
    Lifecycle {
        /// Made, but not yet in use. Kept for other types of issuer.
        PreActivation = 0, "pre_activation";
        /// In use.
        Active = 1, "active";
        /// Out of use for a while. Kept for other types of issuer.
        Suspended = 2, "suspended";
        /// Expired; its data is still there. Final.
        Deactivated = 3, "deactivated";
        /// Its data is gone. Final; only deletion remains.
        Destroyed = 5, "destroyed";
    }
);

/// The part of a secret that its users may change at any time, locked or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretMetadata {
    /// The name, unique among secrets of its type.
    pub name: SecretName,
    /// What it is for.
    pub description: Option<Description>,
    /// At most 30 labels.
    pub labels: Box<[Label]>,
    /// Anything else, up to 10 KiB.
    pub custom_metadata: Option<JsonObject>,
    /// When it expires; only `arbitrary` and `username_password` take one, certificates bring their own.
    pub expires_at: Option<Timestamp>,
    /// Versions whose data is kept: 2 to 50.
    pub retention: u8,
    /// Whether any lock on any version refuses a rotation; `None` follows the store's setting.
    pub refuse_rotation_while_locked: Option<bool>,
}

impl SecretMetadata {
    /// A name, and nothing else said.
    pub(crate) fn bare(name: SecretName) -> Self {
        Self {
            name,
            description: None,
            labels: Box::default(),
            custom_metadata: None,
            expires_at: None,
            retention: limits::RETENTION_DEFAULT,
            refuse_rotation_while_locked: None,
        }
    }
}

/// A secret as `decide` sees it: everything but its data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// Its id.
    pub id: SecretId,
    /// The group that it stays in for life.
    pub group: GroupId,
    /// What its users may change.
    pub metadata: SecretMetadata,
    /// What its type needs to know.
    pub spec: SecretSpec,
    /// How it rotates by itself.
    pub policy: Option<RotationPolicy>,
    /// Where it stands in its life.
    pub lifecycle: Lifecycle,
    /// Since when its expiry is held back by a lock.
    pub expiry_held_since: Option<Timestamp>,
    /// Its versions, oldest first; at most 50, and at least one.
    pub versions: Vec<Version>,
    /// How many events it has had.
    pub revision: Revision,
    /// The log size up to which this state has taken every event that concerns it.
    pub as_of: Position,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: Actor,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When its data was last read, as far as reads are recorded.
    pub retrieved_at: Option<Timestamp>,
    /// When a lock last refused a rotation of it, or one was given up; the next begins a day later by itself.
    pub rotation_refused_at: Option<Timestamp>,
    /// From when on the intervals of its policy are counted.
    pub scheduled_from: Timestamp,
    /// The last rotation that was given up, until the next version comes.
    pub given_up: Option<Box<GivenUp>>,
    /// The rotation by an issuer that is under way.
    pub rotation: Option<Box<Rotation>>,
    /// What the rotation that is under way has used up of its time.
    pub patience: Option<Box<Patience>>,
    /// In which incarnations of the store it was planned and resumed.
    pub lineage: Option<Box<RotationLineage>>,
    /// Whether it is to be deleted as soon as its credentials are retired.
    pub is_deleting: bool,
}

impl Secret {
    /// Gives the type.
    #[must_use]
    pub const fn secret_type(&self) -> SecretType {
        self.spec.secret_type()
    }

    /// Gives the newest version.
    #[must_use]
    pub fn current(&self) -> Option<&Version> {
        self.versions.last()
    }

    /// Gives the version before the newest one.
    #[must_use]
    pub fn previous(&self) -> Option<&Version> {
        self.versions.iter().rev().nth(1)
    }

    /// Finds a version by id, alias or number.
    #[must_use]
    pub fn version(&self, which: VersionRef) -> Option<&Version> {
        match which {
            VersionRef::Current => self.current(),
            VersionRef::Previous => self.previous(),
            VersionRef::Id(id) => self.version_by_id(id),
            VersionRef::Number(number) => self.versions.iter().find(|version| version.number == number),
        }
    }

    /// Finds a version by id.
    #[must_use]
    pub fn version_by_id(&self, id: VersionId) -> Option<&Version> {
        // The newest ones are asked for most.
        self.versions.iter().rev().find(|version| version.id == id)
    }

    pub(crate) fn version_by_id_mut(&mut self, id: VersionId) -> Option<&mut Version> {
        self.versions.iter_mut().rev().find(|version| version.id == id)
    }

    /// Gives the alias of a version: the newest is current, the one before it previous, all others have none.
    #[must_use]
    pub fn alias(&self, id: VersionId) -> Option<Alias> {
        if self.current().is_some_and(|version| version.id == id) {
            Some(Alias::Current)
        } else if self.previous().is_some_and(|version| version.id == id) {
            Some(Alias::Previous)
        } else {
            None
        }
    }

    /// Gives the number of the next version.
    #[must_use]
    pub fn next_number(&self) -> VersionNumber {
        self.current().map_or(VersionNumber::FIRST, |version| version.number.next())
    }

    /// Gives when it was made; where that was in a time that the clock was rebased from, so long before the rebase as it was
    /// old then. Schedules and versions begin with a secret or later, so none of them is earlier otherwise.
    pub(crate) fn counts_from(&self) -> Timestamp {
        let first = self.versions.first().map_or(self.scheduled_from, |version| version.counts_from);
        self.created_at.min(self.scheduled_from).min(first)
    }

    /// Counts the locks on all versions.
    #[must_use]
    pub fn locks_total(&self) -> usize {
        self.versions.iter().map(|version| version.locks.len()).sum()
    }

    /// Walks over all locks, oldest version first, each with its version.
    pub fn locks(&self) -> impl Iterator<Item = (&Version, &Lock)> {
        self.versions.iter().flat_map(|version| version.locks.iter().map(move |lock| (version, lock)))
    }

    /// Takes locks away whose lease had ended by a time, whether that stands in the log yet or not. Copies the secret only
    /// where it has such a lock.
    pub(crate) fn end_leases(secret: &mut Arc<Self>, time: Timestamp) {
        if secret.locks().any(|(_, lock)| lock.is_over(time)) {
            let versions = Arc::make_mut(secret).versions.iter_mut();
            versions.for_each(|version| version.locks.retain(|lock| !lock.is_over(time)));
        }
    }

    /// Gives the time at which it expires: its own for secrets that take one, that of the current version for certificates and
    /// for credentials whose issuer named an end.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        match self.spec.ending() {
            Ending::Certificate | Ending::Credentials => self.current().and_then(|version| version.expires_at),
            Ending::Data | Ending::Leases => self.metadata.expires_at,
        }
    }

    /// Walks over the credentials behind its versions, oldest first, retired ones too.
    pub(crate) fn credentials(&self) -> impl Iterator<Item = &Credential> {
        self.versions.iter().filter_map(|version| version.credential.as_deref())
    }

    /// Walks over all sealed data that it has, each with the version that it was sealed for: of its versions, and of a
    /// rotation that is under way.
    pub fn sealed(&self) -> impl Iterator<Item = (VersionId, &SealedRef)> {
        let versions = self.versions.iter().filter_map(|version| Some((version.id, version.data.sealed()?)));
        let rotation = self.rotation.iter();
        versions.chain(rotation.flat_map(|rotation| rotation.sealed().map(|sealed| (rotation.to, sealed))))
    }
}
