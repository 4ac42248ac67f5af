//! Owns what a store knows of its own restore: what it was made from, whether a person has looked since, and how many credentials
//! issuers list that it does not know.
//!
//! Until one has, the store is in quarantine: credentials made after the backup may be in use, so nothing lapses and no
//! version is touched. What it stops stands in [`super::stop`]. Read next: [`super::decide`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::code::coded_enum;
use super::event_shape::events;
use super::incarnation::Incarnation;
use super::name::IssuerName;
use super::position::Position;
use super::rotation_event::StrangersFound;
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

events! {
    /// The store was made anew from a copy, and is in quarantine from now on. The signing key that is set in the same
    /// batch is in force for all logs larger than the one that was restored.
    StoreRestored = 14, kept, since 0.1 {
        /// What it was restored from.
        from: RestoredFrom,
        /// The size of the log that was restored, which is the position of this record.
        log_size: Position,
        /// Whether data came with it; where not, the data of all versions is unavailable from now on.
        with_data: bool,
        /// The incarnation of the store from now on. Zero in a record of schema 1, which did not name it: it follows from
        /// the time of the record then, by [`Incarnation::restored_at`].
        incarnation: Incarnation,
        /// The records before this one that break a rule and that a person accepted, in their order; at most 1,000.
        accepted_steps: Box<[Position]>,
    }
}

/// How many credentials an issuer lists that carry the store's tag and that the log does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Strangers {
    /// How many, from 1, when that last changed.
    pub credentials: u64,
    /// Since when there are any.
    pub since: Timestamp,
}

/// Takes in how many an issuer lists.
pub(super) fn found(strangers: &mut BTreeMap<IssuerName, Strangers>, event: &StrangersFound, at: Timestamp) {
    if event.credentials == 0 {
        strangers.remove(&event.issuer);
        return;
    }
    let none = Strangers { credentials: 0, since: at };
    strangers.entry(event.issuer.clone()).or_insert(none).credentials = event.credentials;
}
