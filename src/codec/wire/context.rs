//! Owns the frozen shape of the context of an event.

use super::shape::wire_struct;
use super::value::{Digest, Maybe};
use crate::domain::id::EventId;
use crate::domain::name::{Actor, CorrelationId, IdempotencyKey};
use crate::domain::position::WriterEpoch;
use crate::domain::record::{Context, Idempotency};

wire_struct!(
    /// A key under which an answer is remembered.
    IdempotencyV1 is Idempotency {
        key: IdempotencyKey,
        fingerprint: Digest,
    }
);

impl From<Maybe<IdempotencyV1>> for Option<Idempotency> {
    fn from(idempotency: Maybe<IdempotencyV1>) -> Self {
        idempotency.lift()
    }
}

wire_struct!(
    /// The actor of an event, and what ties the event to others.
    ContextV1 is Context {
        actor: Actor,
        correlation: Option<CorrelationId>,
        causation: Option<EventId>,
        idempotency: Maybe<IdempotencyV1>,
        writer_epoch: WriterEpoch,
    }
);
