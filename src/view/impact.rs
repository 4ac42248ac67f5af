//! Owns what is shown of whom an operation would hit.
//!
//! Read next: [`super::secret`].

use serde::{Deserialize, Serialize};

use super::lock::BlockingLock;
use crate::domain::id::VersionId;
use crate::domain::impact;
use crate::domain::name::Actor;
use crate::domain::position::{Position, VersionNumber};
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;

/// Whom an operation would hit. An addition to the reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Impact {
    /// The versions that it would modify, invalidate or destroy, the oldest first.
    pub versions: Vec<VersionNumber>,
    /// The locks on them: while there is one, the operation is refused.
    pub locks: Vec<BlockingLock>,
    /// The consumers that the secret waits for.
    pub consumers: Vec<Consumer>,
}

/// A consumer that a secret waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Consumer {
    /// Its actor.
    pub consumer: Actor,
    /// The newest version that it said it uses; null if it said nothing.
    pub acknowledged: Option<VersionNumber>,
    /// Whether the operation would take that version from it, or it is not known which one it uses.
    pub is_hit: bool,
}

impl Impact {
    /// Shows whom an operation on a secret would hit.
    #[must_use]
    pub fn of(secret: &Secret, impact: &impact::Impact) -> Self {
        let lock = |lock| {
            let mut shown = BlockingLock::of(lock);
            shown.learn(secret);
            shown
        };
        let consumer = |said: &impact::ConsumerImpact| Consumer {
            consumer: said.consumer.clone(),
            acknowledged: said.acknowledged,
            is_hit: said.is_hit,
        };
        Self {
            versions: impact.versions.clone(),
            locks: impact.locks.iter().map(lock).collect(),
            consumers: impact.consumers.iter().map(consumer).collect(),
        }
    }
}

/// Whom each operation on a secret would hit, and who read it of late. An addition to the reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ImpactReport {
    /// A rotation; null for types that do not rotate.
    pub rotation: Option<Impact>,
    /// A deletion.
    pub deletion: Impact,
    /// The destruction of the data of the version that was asked about; null if there is none to destroy.
    pub data_destruction: Option<Impact>,
    /// Who read it of late, as far as reads are recorded; the last one first.
    pub recent_readers: Vec<RecentReader>,
    /// The position from which the log was searched for them.
    pub readers_from_position: Position,
}

/// An actor that read a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecentReader {
    /// The actor.
    pub reader: Actor,
    /// The version.
    pub version_id: VersionId,
    /// Its number; null if the version is forgotten.
    pub version_number: Option<VersionNumber>,
    /// How often.
    pub reads: u64,
    /// When last.
    pub last_at: Timestamp,
}
