//! Owns what a command is answered with when it was done.
//!
//! Read next: [`super::command`].

use serde::{Deserialize, Serialize};

use super::id::{SecretId, VersionId};
use super::position::{Position, Revision};
use super::time::Timestamp;

/// Proof of a durable append: where it stands in the log and what it made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The last record that the command appended; for a command that had nothing to change, the last record before it.
    pub position: Position,
    /// How many records it appended.
    pub events: u32,
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
