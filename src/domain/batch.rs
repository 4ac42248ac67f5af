//! Owns what the records of one command add up to: their receipt, and the answer that is remembered for them.
//!
//! A replay makes the same of them, also of records whose bodies were erased. Read next: [`super::remembered`].

use std::sync::Arc;

use super::effect::Effect;
use super::event::Event;
use super::id::SecretId;
use super::incarnation::Incarnation;
use super::position::Position;
use super::receipt::Receipt;
use super::record::{Context, Record, Subject};
use super::remembered::Answer;
use super::state::State;
use super::time::Timestamp;

/// Something in its place in the log.
pub(crate) trait Placed {
    fn position(&self) -> Position;
    fn recorded_at(&self) -> Timestamp;
    fn context(&self) -> &Context;
    fn subject(&self) -> Option<Subject>;
    /// The event, unless its body was erased.
    fn event(&self) -> Option<&Event>;

    /// The time that the store goes by behind it: that of the record, or the one that it rebases the clock to.
    fn goes_on_at(&self) -> Timestamp {
        let rebased = self.event().and_then(Event::rebased_to);
        rebased.unwrap_or_else(|| self.recorded_at())
    }

    /// The secret that it changes or reports on.
    fn about(&self) -> Option<SecretId> {
        self.subject().map(|subject| subject.secret).or_else(|| self.event().and_then(Event::audited_secret))
    }
}

impl Placed for Record {
    fn position(&self) -> Position {
        self.position
    }

    fn recorded_at(&self) -> Timestamp {
        self.recorded_at
    }

    fn context(&self) -> &Context {
        &self.context
    }

    fn subject(&self) -> Option<Subject> {
        self.subject
    }

    fn event(&self) -> Option<&Event> {
        Some(&self.event)
    }
}

/// Keeps the answer of a batch whose command had an idempotency key, and takes erased words out of answers. Gives the
/// positions of other answers that changed or are forgotten, be they old, too many, or replaced.
pub(crate) fn remember(state: &mut State, batch: &[impl Placed]) -> Vec<Position> {
    let mut changed = Vec::new();
    for event in batch.iter().filter_map(Placed::event) {
        if let Event::BodiesErased(event) = event {
            changed.extend(state.remembered.forget_versions(&event.positions));
        }
    }
    let Some(last) = batch.last() else { return changed };
    let Some(idempotency) = &last.context().idempotency else { return changed };
    let answer = Answer {
        actor: last.context().actor.clone(),
        key: idempotency.key.clone(),
        fingerprint: idempotency.fingerprint,
        given_at: last.goes_on_at(),
        outcome: batch
            .iter()
            .find_map(|placed| placed.event()?.refusal())
            .map_or_else(|| Ok(receipt(batch, last, state.whole.incarnation())), |refusal| Err(refusal.clone())),
    };
    changed.extend(state.remembered.keep(last.position(), Arc::new(answer)));
    changed.extend(state.remembered.forget(last.goes_on_at()));
    changed
}

/// Makes the receipt of a batch from its records alone, so that a replay makes the same.
pub(crate) fn receipt<T: Placed>(batch: &[T], last: &T, incarnation: Incarnation) -> Receipt {
    let subject = batch.iter().rev().find_map(Placed::subject);
    let about = batch.iter().find_map(Placed::about);
    let one = batch.iter().filter_map(Placed::about).all(|secret| Some(secret) == about);
    let effects = || batch.iter().filter_map(Placed::event).map(Event::effect);
    let version = effects().find_map(Effect::made).or_else(|| effects().find_map(Effect::version));
    Receipt {
        position: last.position(),
        events: u32::try_from(batch.len()).unwrap_or(u32::MAX),
        incarnation,
        recorded_at: last.recorded_at(),
        secret: about.filter(|_| one),
        revision: subject.filter(|_| one).map(|subject| subject.revision),
        version: version.filter(|_| one),
        remembered: false,
    }
}
