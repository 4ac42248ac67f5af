//! Owns what a secret is once time has done its work on it, where nobody records that: in a store that is open for reading only.
//!
//! It is decided and taken in by the functions that a writer uses. Read next: [`super::decide`].

use super::decide::lapse;
use super::evolve::follow;
use super::id::EventId;
use super::name::Actor;
use super::record::{Context, Record, Subject};
use super::secret::Secret;
use super::state::State;
use super::time::Timestamp;

/// Gives a secret as it is when what has ended by a time has ended. Its revision, and when it last changed, stay: nothing was
/// recorded.
pub(crate) fn lapsed(state: &State, secret: &Secret, now: Timestamp) -> Secret {
    let whole = &state.whole;
    let mut after = secret.clone();
    for (_, event) in lapse(state, secret, now).events {
        let record = Record {
            position: whole.log_size,
            index: 0,
            count: 1,
            subject: Some(Subject { secret: secret.id, revision: secret.revision }),
            event_id: EventId::from_bytes([0; 16]),
            recorded_at: now,
            context: Context {
                actor: Actor::system(),
                correlation: None,
                causation: None,
                idempotency: None,
                writer_epoch: whole.writer_epoch,
            },
            event,
        };
        follow(&mut after, (&record, secret.revision), whole);
    }
    Secret { revision: secret.revision, as_of: secret.as_of, updated_at: secret.updated_at, ..after }
}
