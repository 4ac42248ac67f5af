//! Owns what is shown of the receipt of a command.
//!
//! Read next: [`super::error_body`].

use serde::{Deserialize, Serialize};

use crate::domain::position::Position;
use crate::domain::receipt;
use crate::domain::time::Timestamp;

/// The receipt of a command: where in the log what it did is recorded. An addition to the reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Receipt {
    /// The last record that it appended; for a command that had nothing to change, the last record before it.
    pub position: Position,
    /// How many records it appended.
    pub events: u32,
    /// When they were recorded.
    pub recorded_at: Timestamp,
}

impl Receipt {
    /// Shows a receipt.
    #[must_use]
    pub const fn of(receipt: &receipt::Receipt) -> Self {
        Self { position: receipt.position, events: receipt.events, recorded_at: receipt.recorded_at }
    }
}
