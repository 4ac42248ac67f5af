//! Owns what a command is answered with when it was done.
//!
//! Read next: [`super::command`].

use serde::{Deserialize, Serialize};

use super::fencing::FencingToken;
use super::id::{SecretId, VersionId};
use super::incarnation::Incarnation;
use super::position::{Position, Revision};
use super::time::Timestamp;

/// Proof of a durable append: where it stands in the log and what it made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The last record that the command appended; for a command that had nothing to change, the last record before it.
    pub position: Position,
    /// How many records it appended.
    pub events: u32,
    /// The incarnation of the store.
    pub incarnation: Incarnation,
    /// When they were recorded.
    pub recorded_at: Timestamp,
    /// The secret it was about.
    pub secret: Option<SecretId>,
    /// The revision of that secret from now on.
    pub revision: Option<Revision>,
    /// The version that it made or changed.
    pub version: Option<VersionId>,
    /// Whether this is the answer remembered from an earlier command with the same idempotency key.
    pub remembered: bool,
}

impl Receipt {
    /// Returns the fencing token of the lock, when the command placed or renewed one lock and did no more. Other locks tell their
    /// own ([`Lock::fencing_token`](crate::Lock::fencing_token)).
    #[must_use]
    pub const fn fencing_token(&self) -> FencingToken {
        FencingToken { incarnation: self.incarnation, position: self.position }
    }
}
