//! Owns the frozen shape of a refusal as the audit trail keeps it.

use super::shape::{wire_enum, wire_struct};
use super::value::List;
use crate::domain::held::Held;
use crate::domain::id::{RotationId, SecretId, VersionId};
use crate::domain::name::{Actor, LockName, SecretName};
use crate::domain::position::{Position, Revision, VersionNumber};
use crate::domain::refusal::{Blocked, BlockingLock, Operation, Refusal};
use crate::domain::secret::{Lifecycle, SecretType};
use crate::domain::task::TaskStatus;
use crate::domain::time::Timestamp;
use crate::domain::version::{Alias, DestroyCause};

wire_struct!(
    /// A lock that caused a refusal.
    BlockingLockV1 is BlockingLock {
        version: VersionId,
        number: VersionNumber,
        alias: Option<Alias>,
        name: LockName,
        owner: Option<Actor>,
        created_by: Actor,
        created_at: Timestamp,
        expires_at: Option<Timestamp>,
        fencing_token: Position,
    }
);

wire_struct!(
    /// Why a lock refused an operation.
    BlockedV1 is Blocked {
        operation: Operation,
        secret: SecretId,
        name: SecretName,
        secret_type: SecretType,
        locks: List<BlockingLockV1>,
        locks_total: u32,
    }
);

impl From<Box<Blocked>> for BlockedV1 {
    fn from(blocked: Box<Blocked>) -> Self {
        Self::from(*blocked)
    }
}

impl From<BlockedV1> for Box<Blocked> {
    fn from(blocked: BlockedV1) -> Self {
        Self::new(blocked.into())
    }
}

wire_struct!(
    /// The grace and the consumers that a rotation waits for.
    HeldV1 is Held {
        secret: SecretId,
        name: SecretName,
        secret_type: SecretType,
        version: VersionNumber,
        graced_until: Option<Timestamp>,
        consumers: List<Actor>,
    }
);

impl From<Box<Held>> for HeldV1 {
    fn from(held: Box<Held>) -> Self {
        Self::from(*held)
    }
}

impl From<HeldV1> for Box<Held> {
    fn from(held: HeldV1) -> Self {
        Self::new(held.into())
    }
}

wire_enum!(
    /// An explained refusal. A tag that is no longer used stays here as a comment, so that it is never reused.
    RefusalV1 is Refusal {
        Locked = 1, "locked" (blocked: BlockedV1);
        SecretNotFound = 2, "secret_not_found";
        VersionNotFound = 3, "version_not_found";
        GroupNotFound = 4, "group_not_found";
        LockNotFound = 5, "lock_not_found";
        SecretNameTaken = 6, "secret_name_taken" { by: SecretId };
        GroupNameTaken = 7, "group_name_taken";
        GroupNotEmpty = 8, "group_not_empty" { secrets: u64 };
        GroupIsDefault = 9, "group_is_default";
        GroupLimitReached = 10, "group_limit_reached";
        SecretLimitReached = 11, "secret_limit_reached";
        LockLimitReached = 12, "lock_limit_reached" { would_be: u32 };
        VersionDataDestroyed = 13, "version_data_destroyed" { cause: DestroyCause };
        VersionDataUnavailable = 14, "version_data_unavailable" { cause: DestroyCause };
        SecretInactive = 15, "secret_inactive" { lifecycle: Lifecycle };
        RotationNotSupported = 16, "rotation_not_supported";
        NothingToRestore = 17, "nothing_to_restore";
        PolicyNotSupported = 18, "policy_not_supported" { rule: Box<str> };
        PolicyAfterExpiry = 19, "policy_after_expiry";
        LockOwned = 20, "lock_owned" { name: LockName, owner: Actor };
        FencingTokenStale = 21, "fencing_token_stale" { actual: Position };
        RevisionMismatch = 22, "revision_mismatch" { actual: Revision };
        VersionChanged = 23, "version_changed";
        IdempotencyKeyReused = 24, "idempotency_key_reused";
        InvalidArgument = 25, "invalid_argument" { field: Box<str>, rule: Box<str> };
        KeySlotUnavailable = 26, "key_slot_unavailable" { rule: Box<str> };
        Quarantined = 27, "quarantined" { since: Timestamp };
        VersionDataNotRestored = 28, "version_data_not_restored";
        RotationOpen = 29, "rotation_open" { rotation: RotationId };
        RotationNotFound = 30, "rotation_not_found";
        RotationNotParked = 31, "rotation_not_parked";
        TaskNotFound = 32, "task_not_found";
        RotationHeld = 40, "rotation_held" (held: HeldV1);
        VersionLimitReached = 41, "version_limit_reached" { version: VersionNumber };
        TaskNotAwaited = 33, "task_not_awaited" { status: TaskStatus };
    }
);
