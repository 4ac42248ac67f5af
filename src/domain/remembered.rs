//! Owns the answers that are remembered for idempotency keys: bounded in number and age, a fold of the log like all else.
//!
//! A key belongs to the actor who used it. Read next: [`super::decide`].

use std::sync::Arc;

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::limits;
use super::name::{Actor, IdempotencyKey};
use super::position::Position;
use super::receipt::Receipt;
use super::refusal::Refusal;
use super::time::Timestamp;

/// An answer, with what tells the same command from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) actor: Actor,
    pub(crate) key: IdempotencyKey,
    pub(crate) fingerprint: [u8; 32],
    pub(crate) given_at: Timestamp,
    pub(crate) outcome: Result<Receipt, Refusal>,
}

/// The answers that are remembered, found by actor and key, forgotten in the order of the log.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Remembered {
    positions: OrdMap<(Actor, IdempotencyKey), Position>,
    answers: OrdMap<Position, Arc<Answer>>,
    /// How many each actor has.
    counts: OrdMap<Actor, usize>,
}

impl Remembered {
    /// Finds the answer to a key that is not older than a day at `now`.
    pub(crate) fn find(&self, actor: &Actor, key: &IdempotencyKey, now: Timestamp) -> Option<&Arc<Answer>> {
        let position = self.positions.get(&(actor.clone(), key.clone()))?;
        self.answers.get(position).filter(|answer| !is_old(answer, now))
    }

    /// Takes an answer in, under the position of its last record; gives the position of an older one that it replaces.
    pub(crate) fn keep(&mut self, position: Position, answer: Arc<Answer>) -> Option<Position> {
        let key = (answer.actor.clone(), answer.key.clone());
        let replaced = self.positions.insert(key, position);
        match replaced {
            Some(older) => drop(self.answers.remove(&older)),
            None => self.count(answer.actor.clone()),
        }
        self.answers.insert(position, answer);
        replaced
    }

    /// Forgets what is older than a day at `now` or more than can be remembered; gives the positions forgotten.
    pub(crate) fn forget(&mut self, now: Timestamp) -> Vec<Position> {
        let mut forgotten = Vec::new();
        while let Some((position, answer)) = self.answers.get_min() {
            if self.answers.len() <= limits::REMEMBERED_MAX && !is_old(answer, now) {
                break;
            }
            let (position, key) = (*position, (answer.actor.clone(), answer.key.clone()));
            self.uncount(&key.0);
            self.positions.remove(&key);
            self.answers.remove(&position);
            forgotten.push(position);
        }
        forgotten
    }

    /// Counts every answer before a position that was given later than a time as given at it. Changes nothing a second time.
    pub(super) fn rebase(&mut self, before: Position, observed_at: Timestamp) {
        let is_later = |answer: &Answer| answer.given_at > observed_at;
        let later = self.answers.range(..before).filter(|(_, answer)| is_later(answer));
        let moved: Vec<_> =
            later.map(|(at, answer)| (*at, Answer { given_at: observed_at, ..Answer::clone(answer) })).collect();
        for (at, answer) in moved {
            self.answers.insert(at, Arc::new(answer));
        }
    }

    /// Gives the positions of the answers that were given later than a time.
    pub(crate) fn given_after(&self, time: Timestamp) -> Vec<Position> {
        self.answers.iter().filter(|(_, answer)| answer.given_at > time).map(|(position, _)| *position).collect()
    }

    fn count(&mut self, actor: Actor) {
        let before = self.counts.get(&actor).copied().unwrap_or(0);
        self.counts.insert(actor, before.saturating_add(1));
    }

    fn uncount(&mut self, actor: &Actor) {
        let left = self.counts.get(actor).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            self.counts.remove(actor);
        } else {
            self.counts.insert(actor.clone(), left);
        }
    }

    /// Tells whether the answer to a key can be remembered without another one being forgotten before its day is over. Earlier
    /// releases forgot the oldest.
    pub(crate) fn has_room(&self, actor: &Actor, key: &IdempotencyKey, now: Timestamp) -> bool {
        let of_actor = self.counts.get(actor).copied().unwrap_or(0);
        let is_free = of_actor < limits::REMEMBERED_OF_ACTOR_MAX && self.answers.len() < limits::REMEMBERED_MAX;
        // What is over is forgotten with the next answer.
        let frees = || self.answers.get_min().is_some_and(|(_, oldest)| is_old(oldest, now));
        is_free || frees() || self.positions.contains_key(&(actor.clone(), key.clone()))
    }

    /// Takes the version out of the receipts of batches of which a body is erased: a replay cannot tell it any more. Gives
    /// the positions of the answers that changed.
    pub(super) fn forget_versions(&mut self, erased: &[Position]) -> Vec<Position> {
        let mut changed = Vec::new();
        for erased in erased {
            let Some((last, answer)) = self.answers.range(*erased..).next() else { continue };
            let Ok(receipt) = &answer.outcome else { continue };
            let is_of_it = erased.get().saturating_add(u64::from(receipt.events)) > last.get();
            if is_of_it && receipt.version.is_some() {
                let (last, outcome) = (*last, Ok(Receipt { version: None, ..receipt.clone() }));
                let answer = Answer { outcome, ..Answer::clone(answer) };
                self.answers.insert(last, Arc::new(answer));
                changed.push(last);
            }
        }
        changed
    }

    /// Walks over all answers, oldest first.
    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Position, &Arc<Answer>)> {
        self.answers.iter().map(|(position, answer)| (*position, answer))
    }

    pub(crate) fn get(&self, position: Position) -> Option<&Arc<Answer>> {
        self.answers.get(&position)
    }
}

fn is_old(answer: &Answer, now: Timestamp) -> bool {
    now.since(answer.given_at).as_secs() >= limits::REMEMBERED_SECS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_has_room_for_its_keys_until_it_has_as_many_as_it_may_and_again_after_a_day() {
        let [anna, ben] = ["anna", "ben"].map(|actor| Actor::parse(actor).unwrap());
        let key = |number: usize| IdempotencyKey::parse(&format!("key-{number}")).unwrap();
        let outcome = || Err(Refusal::SecretNotFound);
        let mut remembered = Remembered::default();
        let mut at = 0;
        let mut keep = |remembered: &mut Remembered, actor: &Actor, number, given_at| {
            let (actor, key, fingerprint) = (actor.clone(), key(number), [1; 32]);
            at += 1;
            let answer = Arc::new(Answer { actor, key, fingerprint, given_at, outcome: outcome() });
            remembered.keep(Position::new(at), answer);
            remembered.forget(given_at)
        };
        for number in 0..limits::REMEMBERED_OF_ACTOR_MAX {
            assert!(remembered.has_room(&anna, &key(number), Timestamp::EPOCH));
            keep(&mut remembered, &anna, number, Timestamp::EPOCH);
        }
        let more = key(limits::REMEMBERED_OF_ACTOR_MAX);
        assert!(!remembered.has_room(&anna, &more, Timestamp::EPOCH), "it has as many as it may");
        assert!(remembered.has_room(&anna, &key(0), Timestamp::EPOCH), "this one is known");
        assert!(remembered.has_room(&ben, &more, Timestamp::EPOCH), "others have room");
        let next_day = Timestamp::EPOCH.plus(std::time::Duration::from_secs(limits::REMEMBERED_SECS));
        assert!(remembered.has_room(&anna, &more, next_day));
        assert_eq!(keep(&mut remembered, &anna, 0, next_day).len(), limits::REMEMBERED_OF_ACTOR_MAX - 1);
        assert_eq!(remembered.counts.get(&anna), Some(&1));
        assert_eq!(remembered.iter().count(), 1);
    }

    /// A key that is used again after its day replaces the old answer before anything is forgotten. The row of that
    /// answer once stayed on the disk for ever, because nobody was told.
    #[test]
    fn an_answer_that_is_replaced_is_reported_as_forgotten() {
        let answer = |given_at| Answer {
            actor: Actor::parse("anna").unwrap(),
            key: IdempotencyKey::parse("key").unwrap(),
            fingerprint: [1; 32],
            given_at,
            outcome: Err(Refusal::SecretNotFound),
        };
        let next_day = Timestamp::EPOCH.plus(std::time::Duration::from_secs(limits::REMEMBERED_SECS));
        let mut remembered = Remembered::default();
        assert_eq!(remembered.keep(Position::new(3), Arc::new(answer(Timestamp::EPOCH))), None);
        assert_eq!(remembered.keep(Position::new(9), Arc::new(answer(next_day))), Some(Position::new(3)));
        assert_eq!(remembered.iter().map(|(position, _)| position.get()).collect::<Vec<_>>(), [9]);
    }
}
