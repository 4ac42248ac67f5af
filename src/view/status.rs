//! Owns what is shown of a store as a whole.
//!
//! The store fills it in: what it measures is not known here. Read next: [`super::group`].

use serde::{Deserialize, Serialize};

use super::spelling;
use crate::domain::clock::HeldClock;
use crate::domain::id::LogId;
use crate::domain::incarnation::Incarnation;
use crate::domain::name::IssuerName;
use crate::domain::position::{Position, WriterEpoch};
use crate::domain::quarantine::Restored;
use crate::domain::settings::{AccessAudit, KeySlotKind};
use crate::domain::time::Timestamp;

/// How a store is. An addition to the reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Status {
    /// Where secrets are with their rotations.
    pub rotations: RotationCounts,
    /// The id of the log, which names the store: 32 hexadecimal digits, as in checkpoints and exports.
    #[serde(with = "spelling::log")]
    pub log_id: LogId,
    /// Records in the log.
    pub log_size: Position,
    /// The chain value at its end, in hexadecimal digits.
    pub head: String,
    /// When the last record was made.
    pub last_at: Timestamp,
    /// The opening that made the last record.
    pub writer_epoch: WriterEpoch,
    /// Secrets.
    pub secrets_total: u64,
    /// Secrets with a lock on a version.
    pub secrets_locked: u64,
    /// Versions.
    pub versions_total: u64,
    /// Versions with data.
    pub versions_available: u64,
    /// Locks.
    pub locks_total: u64,
    /// Secrets whose expiry a lock holds back.
    pub expirations_held: u64,
    /// Groups beside the default one.
    pub groups_total: u64,
    /// How reads are recorded.
    pub access_audit: AccessAudit,
    /// Whether any lock on any version refuses a rotation, where the secret does not say.
    pub refuse_rotation_while_locked: bool,
    /// What opens the store.
    pub key_slots: Vec<KeySlot>,
    /// Epochs whose keys are held.
    pub epochs: Vec<u32>,
    /// The incarnation of the store.
    pub incarnation: Incarnation,
    /// The restore that no person has looked at yet; null if there is none.
    pub quarantine: Option<Restored>,
    /// The issuers that list credentials which the log does not know.
    pub unknown_credentials: Vec<UnknownCredentials>,
    /// What time the store goes by.
    pub clock: Clock,
    /// The next time at which a lease or an expiry is due.
    pub next_lapse_at: Option<Timestamp>,
    /// The next scheduled rotation.
    pub next_rotation_at: Option<Timestamp>,
    /// Bytes on disk, more or less.
    pub size_bytes: u64,
    /// Free bytes, if they are too few to go on.
    pub short_of_space: Option<u64>,
    /// Why the store takes no more commands, if it does not.
    pub poisoned: Option<String>,
    /// Records that the open replayed.
    pub replayed_at_open: u64,
    /// Whether the open rebuilt the saved state.
    pub rebuilt_at_open: bool,
    /// Whether the store vouches for what it derives from the log.
    pub is_vouched: bool,
    /// Keys among the rows that are not those of the log, a sentence each.
    pub strange_keys: Vec<String>,
    /// Records that the next open would replay.
    pub unsaved_records: u64,
}

/// How many secrets are at which point of a rotation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RotationCounts {
    /// A rotation waits for a person.
    pub parked: RotationCount,
    /// A credential is made, and a lock holds it back.
    pub staged: RotationCount,
    /// A rotation was due and is refused.
    pub blocked: RotationCount,
    /// A worker has something to do.
    pub due: RotationCount,
    /// A rotation is under way.
    pub open: RotationCount,
    /// A credential is to be ended.
    pub retiring: RotationCount,
}

/// How many secrets, and since when the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RotationCount {
    /// How many.
    pub secrets: u64,
    /// Since when the first of them.
    pub since: Option<Timestamp>,
}

/// A way to open a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KeySlot {
    /// Its number.
    pub slot: u8,
    /// What opens it.
    pub kind: KeySlotKind,
}

/// Credentials that an issuer lists and the log does not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UnknownCredentials {
    /// The name of the issuer.
    pub issuer: IssuerName,
    /// How many.
    pub credentials: u64,
    /// Since when there are any.
    pub since: Timestamp,
}

/// What time a store goes by, and how its clock is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Clock {
    /// What the clock shows.
    pub shown: Timestamp,
    /// The time that the store goes by.
    pub now: Timestamp,
    /// `steady`, `behind` or `ahead`.
    pub standing: String,
    /// What is recorded of a clock that is not believed.
    pub held: Option<HeldClock>,
}

impl RotationCount {
    /// Shows a count.
    #[must_use]
    pub const fn new(secrets: u64, since: Option<Timestamp>) -> Self {
        Self { secrets, since }
    }
}
