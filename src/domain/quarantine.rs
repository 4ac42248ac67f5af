//! Owns what a store knows of its own restore: what it was made from, and whether a person has looked since.
//!
//! Until one has, the store is in quarantine: credentials made after the backup may be in use, so nothing lapses and no
//! version is touched. The rule itself stands in [`super::touch`]. Read next: [`super::decide`].

use serde::{Deserialize, Serialize};

use super::code::coded_enum;
use super::incarnation::Incarnation;
use super::position::Position;
use super::time::Timestamp;

coded_enum!(
    /// What a store was restored from.
    RestoredFrom {
        /// A backup: the log, and the data that there was at its end.
        Backup = 1, "backup";
        /// An export: the log alone.
        Export = 2, "export";
    }
);

/// The last restore that a log tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// What it was restored from.
    pub from: RestoredFrom,
    /// The size of the log that was restored; whatever the original recorded after it is not here.
    pub log_size: Position,
    /// Whether data came with it.
    pub with_data: bool,
    /// When that was.
    pub at: Timestamp,
    /// The incarnation of the store since then.
    pub incarnation: Incarnation,
    /// Whether a person has looked at it and ended the quarantine.
    pub is_confirmed: bool,
}
