//! Owns what can happen: one struct per event, in the past tense, with all that is needed to know it later.
//!
//! Secret data is never in an event. The bytes of an event are the business of `codec`, what is told
//! of events by their kind alone in [`super::event_kind`]. Read next: [`super::record`].

pub use super::clock::{ClockConfirmed, ClockHeld, ClockRanBack, ClockRebased};
use super::doubt::RotationLineage;
pub use super::event_kind::Event;
use super::event_shape::events;
use super::id::{DataKeyId, GroupId, LogId, SecretId, VersionId};
use super::json::JsonObject;
use super::lock::{LockRemoval, PlacedLock};
use super::name::{Actor, Description, GroupName, LockName};
use super::policy::RotationPolicy;
use super::position::{Position, VersionNumber};
pub use super::quarantine::StoreRestored;
use super::refusal::Refusal;
use super::rotation::{Credential, Rotation};
pub use super::rotation_event::{
    AbortPlanned, AttemptCounted, CredentialIssued, CredentialKept, CredentialRetired, DeletionPlanned, HoldOverridden,
    JobBegun, RetirementFailed, RetirementJobBegun, RetirementPlanned, RotationAborted, RotationAttemptFailed,
    RotationAttempted, RotationCommitted, RotationParked, RotationPlanned, RotationResumed, RotationStaged,
    ScheduledRotationRefused, StrangersFound, VersionAcknowledged,
};
use super::schedule::GivenUp;
use super::secret::{Lifecycle, SecretMetadata, SecretSpec};
use super::settings::{KeySlotKind, Settings};
use super::time::Timestamp;
use super::version::{DestroyCause, SealedRef, VersionData, VersionDetails, VersionOrigin};

events! {
    /// The store was made; the first record of each log.
    StoreCreated = 1, kept, since 0.1 {
        /// The id of the log and of the store.
        log_id: LogId,
        /// What it was set to.
        settings: Settings,
        /// What opens key slot 0.
        key_slot: KeySlotKind,
    }
    /// The store was set to something else.
    SettingsChanged = 2, kept, since 0.1 {
        /// All settings from now on.
        settings: Settings,
    }
    /// Another way to open the store was added.
    KeySlotAdded = 3, kept, since 0.1 {
        /// The slot, 0 to 7.
        slot: u8,
        /// What opens it.
        kind: KeySlotKind,
    }
    /// A way to open the store was taken away.
    KeySlotRemoved = 4, kept, since 0.1 {
        /// The slot.
        slot: u8,
    }
    /// A new epoch key was made; data keys made from now on are wrapped by it.
    EpochRolled = 5, kept, since 0.1 {
        /// The new epoch.
        epoch: u32,
    }
    /// All data keys of an epoch were wrapped anew and its key was destroyed.
    EpochRetired = 6, kept, since 0.1 {
        /// The old epoch.
        epoch: u32,
    }
    /// A key that signs checkpoints of the log was made; it is in force for logs larger than the one this record ends.
    SigningKeySet = 8, kept, since 0.1 {
        /// Its number, from 1.
        number: u32,
        /// What checks its signatures, as C2SP signed notes write it.
        verifier_key: Box<str>,
    }
    /// Nothing else happened for a while; so that silence is signed too.
    HeartbeatRecorded = 9, kept, since 0.1 {}
    /// A group was made.
    GroupCreated = 10, erasable, since 0.1 {
        /// Its id.
        group: GroupId,
        /// Its name.
        name: GroupName,
        /// What it is for.
        description: Option<Description>,
    }
    /// A group was renamed or described anew.
    GroupUpdated = 11, erasable, since 0.1 {
        /// Its id.
        group: GroupId,
        /// Its name from now on.
        name: GroupName,
        /// What it is for from now on.
        description: Option<Description>,
    }
    /// An empty group was deleted.
    GroupDeleted = 12, kept, since 0.1 {
        /// Its id.
        group: GroupId,
    }
    /// The bodies of records were erased; what they changed is restated in the same batch, as far as it still stands.
    BodiesErased = 13, kept, since 0.1 {
        /// The records, 1 to 1,000 of them, in their order.
        positions: Box<[Position]>,
    }
    /// What a group is now; changes nothing.
    GroupRestated = 16, erasable, since 0.1 {
        /// Its id.
        group: GroupId,
        /// Its name.
        name: GroupName,
        /// What it is for.
        description: Option<Description>,
        /// When it was made.
        created_at: Timestamp,
        /// When it last changed.
        updated_at: Timestamp,
    }
    /// A person has looked at a restored store, and let it go on.
    QuarantineEnded = 15, kept, since 0.1 {}
    /// A secret was made; its first version follows in the same batch.
    SecretCreated = 20, erasable, since 0.1 {
        /// The group it stays in.
        group: GroupId,
        /// What its users may change.
        metadata: SecretMetadata,
        /// What its type needs to know.
        spec: SecretSpec,
        /// How it rotates by itself.
        policy: Option<RotationPolicy>,
    }
    /// The metadata of a secret changed.
    SecretUpdated = 21, erasable, since 0.1 {
        /// All of it from now on.
        metadata: SecretMetadata,
    }
    /// What the type of a secret needs to know changed.
    SpecUpdated = 22, erasable, since 0.1 {
        /// All of it from now on.
        spec: SecretSpec,
    }
    /// A rotation policy was set.
    PolicySet = 23, kept, since 0.1 {
        /// The policy from now on.
        policy: RotationPolicy,
    }
    /// The rotation policy was taken away.
    PolicyCleared = 24, kept, since 0.1 {}
    /// A secret was deleted, and the data of all its versions with it.
    SecretDeleted = 25, kept, since 0.1 {
        /// The data keys that were destroyed.
        data_keys: Box<[DataKeyId]>,
    }
    /// A secret reached its expiry.
    SecretExpired = 26, kept, since 0.1 {
        /// Where it stands from now on: deactivated (certificates) or destroyed.
        lifecycle: Lifecycle,
    }
    /// A secret reached its expiry, but a lock holds its data.
    ExpirationHeld = 27, kept, since 0.1 {
        /// The version whose lock holds it.
        version: VersionId,
    }
    /// What a secret is now, but for its versions, which follow in the same batch; changes nothing.
    SecretRestated = 28, erasable, since 0.1 {
        /// The group it stays in.
        group: GroupId,
        /// What its users may change.
        metadata: Box<SecretMetadata>,
        /// What its type needs to know.
        spec: SecretSpec,
        /// How it rotates by itself.
        policy: Option<RotationPolicy>,
        /// Where it stands in its life.
        lifecycle: Lifecycle,
        /// Since when its expiry is held back by a lock.
        expiry_held_since: Option<Timestamp>,
        /// When it was made.
        created_at: Timestamp,
        /// Who made it.
        created_by: Actor,
        /// When it last changed.
        updated_at: Timestamp,
        /// When its data was last read.
        retrieved_at: Option<Timestamp>,
        /// When a lock last refused a rotation of it.
        rotation_refused_at: Option<Timestamp>,
        /// From when on its policy counts; a record of the first schema does not say.
        scheduled_from: Option<Timestamp>,
        /// The last rotation that was given up.
        given_up: Option<Box<GivenUp>>,
        /// The rotation that is under way.
        rotation: Option<Box<Rotation>>,
        /// Whether it is to be deleted as soon as its credentials are retired.
        is_deleting: bool,
        /// In which incarnations of the store that rotation was planned and resumed; records of schemas 1 and 2 do not say.
        lineage: Option<Box<RotationLineage>>,
    }
    /// A version was added and is current from now on.
    VersionAdded = 30, erasable, since 0.1 {
        /// Its id.
        version: VersionId,
        /// Its number.
        number: VersionNumber,
        /// How it came to be.
        origin: VersionOrigin,
        /// The version whose data it took over.
        restored_from: Option<VersionId>,
        /// Where its sealed data lies.
        sealed: SealedRef,
        /// What it shows of its data.
        details: VersionDetails,
        /// When its data ends.
        expires_at: Option<Timestamp>,
        /// Metadata of the version.
        custom_metadata: Option<JsonObject>,
    }
    /// A read made a new credential in a version and destroyed the one before.
    VersionRegenerated = 31, kept, since 0.1 {
        /// The version.
        version: VersionId,
        /// The data key that was destroyed, if there still was one.
        destroyed: Option<DataKeyId>,
        /// Where the new sealed data lies.
        sealed: SealedRef,
        /// What it shows of its data.
        details: VersionDetails,
        /// When the new credential ends.
        expires_at: Option<Timestamp>,
    }
    /// The data of a version was read for the first time.
    VersionDownloaded = 32, kept, since 0.1 {
        /// The version.
        version: VersionId,
    }
    /// The metadata of a version changed.
    VersionUpdated = 33, erasable, since 0.1 {
        /// The version.
        version: VersionId,
        /// All of it from now on.
        custom_metadata: Option<JsonObject>,
    }
    /// The data of a version was destroyed.
    VersionDataDestroyed = 34, kept, since 0.1 {
        /// The version.
        version: VersionId,
        /// The data key that was destroyed.
        data_key: DataKeyId,
        /// Why.
        cause: DestroyCause,
    }
    /// What a version is now, but for its locks, which follow in the same batch; changes nothing.
    VersionRestated = 35, erasable, since 0.1 {
        /// Its id.
        version: VersionId,
        /// Its number.
        number: VersionNumber,
        /// How it came to be.
        origin: VersionOrigin,
        /// The version whose data it took over.
        restored_from: Option<VersionId>,
        /// Where its data lies, or since when it is gone.
        data: Box<VersionData>,
        /// The event that brought its data.
        data_from: Position,
        /// What it shows of its data.
        details: VersionDetails,
        /// When its data ends.
        expires_at: Option<Timestamp>,
        /// Whether its data was read at least once.
        downloaded: bool,
        /// Metadata of the version.
        custom_metadata: Option<JsonObject>,
        /// When it was made.
        created_at: Timestamp,
        /// Who made it.
        created_by: Actor,
        /// The credential that stands behind its data.
        credential: Option<Box<Credential>>,
        /// Consumers that said that they use it.
        acknowledged_by: Box<[Actor]>,
        /// From when on its age counts.
        counts_from: Timestamp,
    }
    /// A lock was placed; one of the same name on the same version was replaced.
    LockPlaced = 40, erasable, since 0.1 {
        /// The version it protects.
        version: VersionId,
        /// The lock.
        lock: PlacedLock,
        /// Whether it replaced a lock of another owner by force.
        forced: bool,
    }
    /// The lease of a lock was renewed.
    LockRenewed = 41, kept, since 0.1 {
        /// The version.
        version: VersionId,
        /// The lock.
        name: LockName,
        /// When it ends now.
        expires_at: Timestamp,
        /// Whether it belongs to another owner and was renewed by force.
        forced: bool,
    }
    /// A lock was removed.
    LockRemoved = 42, kept, since 0.1 {
        /// The version.
        version: VersionId,
        /// The lock.
        name: LockName,
        /// Why.
        cause: LockRemoval,
        /// Whether it belonged to another owner and was removed by force.
        forced: bool,
    }
    /// The lease of a lock ended.
    LockExpired = 43, kept, since 0.1 {
        /// The version.
        version: VersionId,
        /// The lock.
        name: LockName,
    }
    /// What a lock is now; changes nothing.
    LockRestated = 44, erasable, since 0.1 {
        /// The version it protects.
        version: VersionId,
        /// The lock, with when it ends now.
        lock: PlacedLock,
        /// Since when it stands.
        created_at: Timestamp,
        /// When it was placed or last renewed.
        updated_at: Timestamp,
        /// Who placed it.
        created_by: Actor,
        /// The position that placed or last renewed it.
        fencing_token: Position,
    }
    /// A read was refused because a lock stands on the version that it would regenerate.
    ReadRefused = 60, kept, since 0.1 {
        /// The secret.
        secret: SecretId,
        /// What was answered.
        refusal: Refusal,
    }
    /// A rotation or restore was refused because of a lock.
    RotationRefused = 61, kept, since 0.1 {
        /// The secret.
        secret: SecretId,
        /// What was answered.
        refusal: Refusal,
    }
    /// A deletion of a secret was refused because of a lock.
    DeletionRefused = 62, kept, since 0.1 {
        /// The secret.
        secret: SecretId,
        /// What was answered.
        refusal: Refusal,
    }
    /// A destruction of a version's data was refused because of a lock.
    DataDestructionRefused = 63, kept, since 0.1 {
        /// The secret.
        secret: SecretId,
        /// What was answered.
        refusal: Refusal,
    }
    /// A command with an idempotency key was refused for another reason than a lock.
    CommandRefused = 64, kept, since 0.1 {
        /// The secret it was about.
        secret: Option<SecretId>,
        /// What was answered.
        refusal: Refusal,
    }
    /// A command with an idempotency key had nothing to change.
    CommandHadNoEffect = 65, kept, since 0.1 {
        /// The secret it was about.
        secret: Option<SecretId>,
    }
    /// Secret data was read.
    AccessRecorded = 66, kept, since 0.1 {
        /// The secret.
        secret: SecretId,
        /// The version.
        version: VersionId,
        /// Who read it.
        reader: Actor,
        /// How often, from 1.
        reads: u64,
        /// The first of these reads.
        first_at: Timestamp,
        /// The last of these reads.
        last_at: Timestamp,
    }
}
