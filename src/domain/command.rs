//! Owns what can be asked of the store: commands, and the terms they are asked on.
//!
//! Data comes in already sealed ([`Prepared`]); ids come in already drawn, so that deciding needs no randomness. Read
//! next: [`super::decide`].

use super::clock::{ClockConfirmedBy, ClockHeld};
use super::erasable::Erasable;
use super::event::AccessRecorded;
use super::expiry::Expiry;
use super::fencing::FencingToken;
use super::id::{DataKeyId, EventId, GroupId, SecretId, VersionId};
use super::json::JsonObject;
use super::lock::{LockMode, LockNames, NewLock};
use super::name::{Actor, CorrelationId, Description, GroupName, Label, LockName, SecretName};
use super::policy::RotationPolicy;
use super::position::Revision;
use super::record::Idempotency;
use super::rotation_command::RotationCommand;
use super::secret::{SecretMetadata, SecretSpec};
use super::settings::{KeySlotKind, Settings};
use super::time::Timestamp;
use super::version::{SealedRef, VersionDetails, VersionOrigin, VersionRef};

/// Who asks, and under which conditions.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// Who asks.
    pub(crate) actor: Actor,
    /// The revision that the secret must have.
    pub(crate) expected_revision: Option<Revision>,
    /// The key under which the answer is remembered.
    pub(crate) idempotency: Option<Idempotency>,
    /// What ties the events to others.
    pub(crate) correlation: Option<CorrelationId>,
    /// The event that led to the command.
    pub(crate) causation: Option<EventId>,
    /// Whether locks of other owners may be replaced and removed.
    pub(crate) force: bool,
}

impl Terms {
    /// Plain terms: no conditions.
    pub(crate) const fn by(actor: Actor) -> Self {
        Self { actor, expected_revision: None, idempotency: None, correlation: None, causation: None, force: false }
    }
}

/// A new version, sealed and ready to be decided on.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    /// The id drawn for it.
    pub(crate) version: VersionId,
    /// Where its sealed data will lie.
    pub(crate) sealed: SealedRef,
    /// What it shows of its data.
    pub(crate) details: VersionDetails,
    /// When the data ends, for certificates; leases are worked out when the command is decided.
    pub(crate) expires_at: Option<Timestamp>,
    /// Metadata of the version.
    pub(crate) custom_metadata: Option<JsonObject>,
}

/// What is to become of one field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is taken away.
    Clear,
    /// It becomes this.
    Set(T),
}

impl<T> Change<T> {
    pub(crate) fn over(self, old: Option<T>) -> Option<T> {
        match self {
            Self::Keep => old,
            Self::Clear => None,
            Self::Set(new) => Some(new),
        }
    }
}

/// Changes to the metadata of a secret; what is not named stays.
///
/// ```
/// use latchkeep::{Change, Description, SecretChanges};
///
/// let changes = SecretChanges { description: Change::Set(Description::parse("main database")?), ..Default::default() };
/// assert_eq!(changes.labels, None);
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretChanges {
    /// A new name.
    pub name: Option<SecretName>,
    /// What it is for.
    pub description: Change<Description>,
    /// All labels from now on.
    pub labels: Option<Vec<Label>>,
    /// Anything else.
    pub custom_metadata: Change<JsonObject>,
    /// When it expires: at a time, or so long after the change.
    pub expires: Change<Expiry>,
    /// Versions whose data is kept, 2 to 50; fewer than now takes effect at the next rotation.
    pub retention: Option<u8>,
    /// Whether any lock refuses a rotation.
    pub refuse_rotation_while_locked: Change<bool>,
    /// What the type needs to know; the type itself cannot change.
    pub spec: Option<SecretSpec>,
}

/// Locks to place on one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockTarget {
    /// The secret.
    pub secret: SecretId,
    /// The version.
    pub version: VersionRef,
    /// The locks.
    pub locks: Vec<NewLock>,
    /// What becomes of the locks of the same names on the previous version.
    pub mode: LockMode,
}

/// A request to the writer.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    CreateSecret {
        id: SecretId,
        group: GroupId,
        metadata: SecretMetadata,
        /// When it expires, in place of what the metadata say.
        expires: Option<Expiry>,
        spec: SecretSpec,
        policy: Option<RotationPolicy>,
        /// The first version; none where an issuer makes it.
        first: Option<Prepared>,
    },
    Rotate {
        secret: SecretId,
        origin: VersionOrigin,
        next: Prepared,
    },
    Restore {
        secret: SecretId,
        from: VersionId,
        next: Prepared,
    },
    /// A read of a credential that is made when it is read: a new one where the rule asks for it, else the one that is at
    /// hand, while it is still the one that counts.
    ReadDynamic {
        secret: SecretId,
        fresh: Prepared,
        at_hand: Option<DataKeyId>,
    },
    /// A read that has to be in the log before the data is handed out: of a version, while it is still what was asked for.
    RecordRead {
        secret: SecretId,
        version: VersionId,
        asked: VersionRef,
    },
    /// Reads that were handed out already.
    RecordAccess {
        reads: Vec<AccessRecorded>,
    },
    DestroyData {
        secret: SecretId,
        version: VersionRef,
    },
    DeleteSecret {
        secret: SecretId,
    },
    UpdateSecret {
        secret: SecretId,
        changes: Box<SecretChanges>,
    },
    UpdateVersion {
        secret: SecretId,
        version: VersionRef,
        custom_metadata: Option<JsonObject>,
    },
    SetPolicy {
        secret: SecretId,
        policy: RotationPolicy,
    },
    ClearPolicy {
        secret: SecretId,
    },
    PlaceLocks {
        targets: Vec<LockTarget>,
    },
    RemoveLocks {
        secret: SecretId,
        version: VersionRef,
        names: LockNames,
    },
    RenewLock {
        secret: SecretId,
        version: VersionRef,
        name: LockName,
        expires: Expiry,
        fencing_token: Option<FencingToken>,
    },
    /// A step of a rotation that needs an issuer.
    Rotation {
        secret: SecretId,
        step: RotationCommand,
    },
    /// Does what time has made due on one secret: leases that ended, expiry.
    Lapse {
        secret: SecretId,
    },
    CreateGroup {
        id: GroupId,
        name: GroupName,
        description: Option<Description>,
    },
    UpdateGroup {
        group: GroupId,
        name: Option<GroupName>,
        description: Change<Description>,
    },
    DeleteGroup {
        group: GroupId,
    },
    ChangeSettings {
        settings: Settings,
    },
    AddKeySlot {
        slot: u8,
        kind: KeySlotKind,
    },
    RemoveKeySlot {
        slot: u8,
    },
    RollEpoch {
        epoch: u32,
    },
    RetireEpoch {
        epoch: u32,
    },
    SetSigningKey {
        number: u32,
        verifier_key: Box<str>,
    },
    /// Erases bodies of the log, in the order of their positions.
    EraseBodies {
        bodies: Vec<Erasable>,
    },
    /// A person has looked at a restored store.
    EndQuarantine,
    /// The clock shows a time that is not to be believed.
    HoldClock(ClockHeld),
    /// The clock is to be believed again, from the time of the command on.
    ConfirmClock(ClockConfirmedBy),
    /// The store is to go by its clock again, which shows this time.
    RebaseClock(Timestamp),
    /// An issuer lists so many credentials that the log does not know.
    NoteStrangers(super::rotation_event::StrangersFound),
    /// A sign of life, when nothing else happened.
    RecordHeartbeat,
}
