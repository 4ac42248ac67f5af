//! Owns a record: an event with its place in the log, its time, and who caused it.
//!
//! The bytes of a record are the business of `codec` and `ledger`. Read next: [`super::state`].

use super::event::Event;
use super::id::{EventId, SecretId};
use super::name::{Actor, CorrelationId, IdempotencyKey};
use super::position::{Position, Revision, WriterEpoch};
use super::time::Timestamp;

/// Who caused an event, and what ties it to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Who asked for it.
    pub actor: Actor,
    /// What ties it to events of the same cause in other systems.
    pub correlation: Option<CorrelationId>,
    /// The event that led to it.
    pub causation: Option<EventId>,
    /// The key under which its answer is remembered.
    pub idempotency: Option<Idempotency>,
    /// The opening of the store that wrote it.
    pub writer_epoch: WriterEpoch,
}

/// A key under which an answer is remembered, with what tells the same command from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The key that the caller chose.
    pub key: IdempotencyKey,
    /// A keyed hash (BLAKE3) of the command, under a key that never leaves the store.
    pub fingerprint: [u8; 32],
}

/// Which secret an event concerns, and the revision it gave that secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The secret.
    pub secret: SecretId,
    /// Its revision after the event.
    pub revision: Revision,
}

/// An event, placed in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place.
    pub position: Position,
    /// Its place in its batch, from 0.
    pub index: u16,
    /// The number of records in its batch, from 1.
    pub count: u16,
    /// The secret it concerns; `None` for events of the whole store and of the audit trail.
    pub subject: Option<Subject>,
    /// Its id.
    pub event_id: EventId,
    /// When it was recorded; never before the record at the position before.
    pub recorded_at: Timestamp,
    /// Who caused it.
    pub context: Context,
    /// What happened.
    pub event: Event,
}

impl Record {
    /// Tells whether it is the last of its batch.
    #[must_use]
    pub const fn ends_batch(&self) -> bool {
        self.index.saturating_add(1) >= self.count
    }

    /// Gives the secret that it changes or reports on.
    #[must_use]
    pub fn secret(&self) -> Option<SecretId> {
        self.subject.map(|subject| subject.secret).or_else(|| self.event.audited_secret())
    }
}
