//! Owns what is shown of a record of the log.
//!
//! Values are in no record. Read next: [`super::status`].

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::id::{EventId, SecretId};
use crate::domain::name::{Actor, CorrelationId};
use crate::domain::position::{Position, Revision, WriterEpoch};
use crate::domain::record;
use crate::domain::time::Timestamp;

/// A record of the log. An addition to the reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Record {
    /// Its position.
    pub position: Position,
    /// When it was made.
    pub recorded_at: Timestamp,
    /// Who caused it.
    pub actor: Actor,
    /// The name of its event.
    pub event: String,
    /// The id of its event.
    pub event_id: EventId,
    /// The secret that it is about; null if it is about the store.
    pub secret_id: Option<SecretId>,
    /// The revision of that secret with it.
    pub revision: Option<Revision>,
    /// The opening that wrote it.
    pub writer_epoch: WriterEpoch,
    /// The request that caused it, as the host calls it.
    pub correlation_id: Option<CorrelationId>,
    /// What the event says.
    pub data: Value,
}

impl Record {
    /// Shows a record. `data` is its event as JSON.
    #[must_use]
    pub fn of(record: &record::Record, data: Value) -> Self {
        Self {
            position: record.position,
            recorded_at: record.recorded_at,
            actor: record.context.actor.clone(),
            event: record.event.label().to_owned(),
            event_id: record.event_id,
            secret_id: record.secret(),
            revision: record.subject.map(|subject| subject.revision),
            writer_epoch: record.context.writer_epoch,
            correlation_id: record.context.correlation.clone(),
            data,
        }
    }
}

/// A record that cannot be read: its body was erased, or a later release wrote it. An addition to the reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UnreadRecord {
    /// Its position.
    pub position: Position,
    /// When it was made.
    pub recorded_at: Timestamp,
    /// Who caused it.
    pub actor: Actor,
    /// The secret that it is about; null if it is about the store.
    pub secret_id: Option<SecretId>,
    /// The number of the type of its event.
    pub event_type: u16,
    /// The schema of its event.
    pub schema: u16,
    /// The opening that wrote it.
    pub writer_epoch: WriterEpoch,
    /// The request that caused it, as the host calls it.
    pub correlation_id: Option<CorrelationId>,
    /// Whether its body was erased.
    pub erased: bool,
}

/// An entry of the log, readable or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum LogEntry {
    /// A record that can be read.
    Record(Box<Record>),
    /// One that cannot.
    Unread(Box<UnreadRecord>),
}
