//! Owns every expected no, with what explains it: which lock, on which version, since when, held by whom.
//!
//! A refusal is a value of the domain; a failure of disk or host is none. To add one: a case here, a line in
//! [`super::decide`], a row in its table test, a line in the manual. The compiler asks for the rest: whether the audit trail
//! tells of it ([`super::refused`]). One that a state of a secret or of the store makes comes from [`super::stop`]. Read next:
//! [`super::touch`].

use std::fmt;

use serde::{Deserialize, Serialize};

use super::held::Held;
use super::id::{RotationId, SecretId};
use super::name::{Actor, LockName};
use super::position::{Position, Revision, VersionNumber};
use super::secret::Lifecycle;
use super::task::TaskStatus;
use super::time::Timestamp;
use super::version::DestroyCause;

pub use super::blocked::{Blocked, BlockingLock, LOCKED_MESSAGE, Operation};

/// An expected, explained no. Nothing has changed but the audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Refusal {
    /// A lock protects a version that the command would modify, invalidate or destroy.
    Locked(Box<Blocked>),
    /// There is no such secret.
    SecretNotFound,
    /// The secret has no such version.
    VersionNotFound,
    /// There is no such group.
    GroupNotFound,
    /// No lock of that name stands on the version.
    LockNotFound,
    /// Another secret of the type has the name.
    SecretNameTaken {
        /// The secret that has it.
        by: SecretId,
    },
    /// Another group has the name.
    GroupNameTaken,
    /// The group still has secrets.
    GroupNotEmpty {
        /// How many.
        secrets: u64,
    },
    /// The default group stays as it is.
    GroupIsDefault,
    /// The store has as many groups as it may have.
    GroupLimitReached,
    /// The store has as many secrets as it may have.
    SecretLimitReached,
    /// The secret has as many locks as it may have, or would have more.
    LockLimitReached {
        /// How many it would have.
        would_be: u32,
    },
    /// The data of the version is gone, so it cannot be read.
    VersionDataDestroyed {
        /// Why.
        cause: DestroyCause,
    },
    /// The data of the version is gone, so there is nothing that a lock could protect.
    VersionDataUnavailable {
        /// Why.
        cause: DestroyCause,
    },
    /// The secret is deactivated or destroyed; only deletion remains.
    SecretInactive {
        /// Where it stands.
        lifecycle: Lifecycle,
    },
    /// The type does not rotate: a dynamic credential changes at each read.
    RotationNotSupported,
    /// There is no previous version with data to restore.
    NothingToRestore,
    /// The type takes no rotation policy, or the interval lies outside its bounds.
    PolicyNotSupported {
        /// What the bounds are.
        rule: Box<str>,
    },
    /// The current version would expire before its next rotation.
    PolicyAfterExpiry,
    /// The lock belongs to somebody else.
    LockOwned {
        /// The lock.
        name: LockName,
        /// To whom it belongs.
        owner: Actor,
    },
    /// The lock has another fencing token than the one that was given.
    FencingTokenStale {
        /// The position that placed or last renewed the lock.
        actual: Position,
    },
    /// The secret has another revision than expected.
    RevisionMismatch {
        /// The revision it has.
        actual: Revision,
    },
    /// The secret changed while the command was being prepared; asking again may work.
    VersionChanged,
    /// The idempotency key was used for another command.
    IdempotencyKeyReused,
    /// Something in the command cannot be.
    InvalidArgument {
        /// Which field.
        field: Box<str>,
        /// What its rule is.
        rule: Box<str>,
    },
    /// The last way to open the store cannot be taken away, or there is no such slot, or it is in use.
    KeySlotUnavailable {
        /// What is wrong.
        rule: Box<str>,
    },
    /// The store was restored, and nobody has looked at it yet: what would touch a version has to wait.
    Quarantined {
        /// Since when.
        since: Timestamp,
    },
    /// A rotation of the secret is under way.
    RotationOpen {
        /// Which.
        rotation: RotationId,
    },
    /// The rotation would end a version whose grace runs, or that consumers have not moved from.
    RotationHeld(Box<Held>),
    /// As many versions are kept as there can be, and the credential of each is still good outside.
    VersionLimitReached {
        /// The oldest of them.
        version: VersionNumber,
    },
    /// No rotation of the secret is under way.
    RotationNotFound,
    /// The rotation that is under way does not wait for a person.
    RotationNotParked,
    /// The secret has no such task, or it is long over.
    TaskNotFound,
    /// No report of the task is waited for.
    TaskNotAwaited {
        /// Where it stands.
        status: TaskStatus,
    },
    /// The data of the version is not here: the store was restored from an export, which holds none.
    VersionDataNotRestored,
}

impl Refusal {
    /// Gives the stable word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Locked(_) => "secret_version_locked",
            Self::SecretNotFound | Self::VersionNotFound | Self::GroupNotFound | Self::LockNotFound => "not_found",
            Self::SecretNameTaken { .. } => "secret_name_taken",
            Self::GroupNameTaken => "secret_group_name_taken",
            Self::GroupNotEmpty { .. } => "secret_group_not_empty",
            Self::GroupIsDefault => "secret_group_is_default",
            Self::GroupLimitReached => "secret_group_limit_reached",
            Self::SecretLimitReached => "secret_limit_reached",
            Self::LockLimitReached { .. } => "lock_limit_reached",
            Self::VersionDataDestroyed { .. } => "version_data_destroyed",
            Self::SecretInactive { .. } => "secret_inactive",
            Self::RotationNotSupported => "rotation_not_supported",
            Self::VersionDataUnavailable { .. } | Self::VersionDataNotRestored => "version_data_unavailable",
            Self::NothingToRestore => "nothing_to_restore",
            Self::PolicyNotSupported { .. } => "rotation_policy_not_supported",
            Self::PolicyAfterExpiry => "Error02009",
            Self::LockOwned { .. } => "lock_owned",
            Self::FencingTokenStale { .. } => "fencing_token_stale",
            Self::RevisionMismatch { .. } => "revision_mismatch",
            Self::VersionChanged => "version_changed",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::InvalidArgument { .. } => "invalid_parameter",
            Self::KeySlotUnavailable { .. } => "key_slot_unavailable",
            Self::Quarantined { .. } => "store_quarantined",
            Self::RotationOpen { .. } => "rotation_open",
            Self::RotationHeld(_) => "rotation_held",
            Self::VersionLimitReached { .. } => "version_limit_reached",
            Self::RotationNotFound => "rotation_not_found",
            Self::RotationNotParked => "rotation_not_parked",
            Self::TaskNotFound => "task_not_found",
            Self::TaskNotAwaited { .. } => "task_not_awaited",
        }
    }

    /// Gives the explanation, when a lock is the reason.
    #[must_use]
    pub fn blocked(&self) -> Option<&Blocked> {
        if let Self::Locked(blocked) = self { Some(blocked) } else { None }
    }

    pub(crate) fn invalid(field: &str, rule: &str) -> Self {
        Self::InvalidArgument { field: field.into(), rule: rule.into() }
    }
}

impl From<super::invalid::Invalid> for Refusal {
    fn from(invalid: super::invalid::Invalid) -> Self {
        Self::invalid(invalid.field(), invalid.rule())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked(blocked) => blocked.fmt(f),
            Self::SecretNotFound => f.write_str("there is no such secret"),
            Self::VersionNotFound => f.write_str("the secret has no such version"),
            Self::GroupNotFound => f.write_str("there is no such group"),
            Self::LockNotFound => f.write_str("no lock of that name stands on the version"),
            Self::SecretNameTaken { by } => {
                write!(f, "the name is taken by secret {by} of the same type; choose another")
            }
            Self::GroupNameTaken => f.write_str("the name is taken by another group; choose another"),
            Self::GroupNotEmpty { secrets } => {
                write!(f, "the group still has {secrets} secrets; delete them first")
            }
            Self::GroupIsDefault => f.write_str("the default group stays as it is"),
            Self::GroupLimitReached => f.write_str("the store has 200 groups, the most it takes; delete one first"),
            Self::SecretLimitReached => f.write_str("the store has as many secrets as it takes; delete one first"),
            Self::LockLimitReached { would_be } => {
                write!(f, "the secret would have {would_be} locks; 1,000 is the most it takes; remove some first")
            }
            Self::VersionDataDestroyed { cause } => write!(f, "the data of the version is gone ({cause})"),
            Self::VersionDataUnavailable { cause } => nothing_to_lock(*cause, f),
            Self::SecretInactive { lifecycle: Lifecycle::PreActivation } => {
                f.write_str("the secret has no version yet; its issuer makes the first one")
            }
            Self::SecretInactive { lifecycle } => write!(f, "the secret is {lifecycle}; only deletion remains"),
            Self::RotationNotSupported => f.write_str(NOT_OF_TYPE),
            Self::NothingToRestore => f.write_str("there is no previous version with data to restore"),
            Self::PolicyAfterExpiry => {
                f.write_str("the secret would expire before its next rotation; choose a shorter interval")
            }
            Self::LockOwned { name, owner } => {
                write!(f, "lock {name} belongs to {owner}; ask there, or force it (the log will say so)")
            }
            Self::FencingTokenStale { actual } => {
                write!(f, "the lock has another fencing token: it was last placed or renewed at position {actual}")
            }
            Self::RevisionMismatch { actual } => {
                write!(f, "the secret has revision {actual}, not the one expected; read it again")
            }
            Self::VersionChanged => f.write_str("the secret changed in between; ask again"),
            Self::IdempotencyKeyReused => {
                f.write_str("the idempotency key was used for another command; choose a new one")
            }
            Self::InvalidArgument { field, rule } => write!(f, "{field} {rule}"),
            Self::Quarantined { since } => write!(f, "the store was restored at {since} and {IN_QUARANTINE}"),
            Self::VersionDataNotRestored => f.write_str(NOT_RESTORED),
            Self::RotationOpen { rotation } => write!(
                f,
                "rotation {rotation} of the secret is under way; wait for it, resume it if it waits for a person, or \
                 abort it"
            ),
            Self::RotationHeld(held) => held.fmt(f),
            Self::VersionLimitReached { version } => write!(
                f,
                "the secret has 50 versions, the most that are kept, and none can be forgotten: their credentials are still good \
                 outside, that of version {version} the longest; retire one, or mend what keeps one from being ended"
            ),
            Self::RotationNotFound => f.write_str("no rotation of the secret is under way"),
            Self::RotationNotParked => f.write_str("the rotation goes on by itself; only a parked one can be resumed"),
            Self::TaskNotFound => f.write_str("the secret has no such task; one that was given up is gone"),
            Self::TaskNotAwaited { status } => write!(f, "the task is {status}; no report of it is waited for"),
            Self::PolicyNotSupported { rule } | Self::KeySlotUnavailable { rule } => rule.fmt(f),
        }
    }
}

fn nothing_to_lock(cause: DestroyCause, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match cause {
        // Of a credential that is to be ended the data still exists.
        DestroyCause::Retired => {
            f.write_str("the credential of the version has ended, or is to be ended; a lock would protect nothing")
        }
        DestroyCause::Retention
        | DestroyCause::Requested
        | DestroyCause::Expired
        | DestroyCause::LeaseEnded
        | DestroyCause::PreviousFreed
        | DestroyCause::Regenerated => {
            write!(f, "the data of the version is gone ({cause}); a lock would protect nothing")
        }
    }
}

const IN_QUARANTINE: &str = "is in quarantine: find out which newer credentials are in use, then end the quarantine";
const NOT_OF_TYPE: &str = "this does not fit the type of the secret: each read of a dynamic one makes a new credential, \
                           and the versions of one that an issuer makes come from its rotations alone";
const NOT_RESTORED: &str = "the data is not here: the store was made from an export; rotate, or restore a backup";
