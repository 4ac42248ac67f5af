//! Owns what the writer does, in memory: judges a command, makes records with their headers, takes them in.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::{Decision, Verdict, judge};
use super::invariants;
use super::world::{Answer, World};
use crate::domain::batch::{receipt, remember};
use crate::domain::command::{Command, Terms};
use crate::domain::event::Event;
use crate::domain::evolve::evolve;
use crate::domain::id::{EventId, SecretId};
use crate::domain::legal;
use crate::domain::position::{Position, Revision, WriterEpoch};
use crate::domain::receipt::Receipt;
use crate::domain::record::{Context, Record, Subject};
use crate::domain::secret::Secret;
use crate::domain::state::State;
use crate::projection::Projections;

impl World {
    /// Asks, and holds a refusal to having changed nothing but the audit trail.
    #[track_caller]
    pub(super) fn ask_on(&mut self, terms: &Terms, command: &Command) -> Answer {
        let before = self.state.clone();
        match judge(&self.state, command, terms, self.now) {
            Verdict::Accept(Decision { events, .. }) => Ok(self.append(events, terms)),
            Verdict::Remembered(answer) => answer,
            Verdict::Refuse(refusal, audit) => {
                if let Some(event) = audit {
                    self.append(vec![(None, event)], terms);
                }
                assert!(unscheduled(&before) == unscheduled(&self.state) && before.names == self.state.names);
                let mut whole = self.state.whole.clone();
                let old = &before.whole;
                (whole.log_size, whole.last_at, whole.writer_epoch) = (old.log_size, old.last_at, old.writer_epoch);
                assert_eq!(whole, *old, "a refusal changed the store");
                Err(refusal)
            }
        }
    }

    /// Makes records as the writer does, and takes them in one by one.
    #[track_caller]
    pub(super) fn append(&mut self, events: Vec<(Option<SecretId>, Event)>, terms: &Terms) -> Receipt {
        let records = self.records(events, terms);
        // Whatever is decided, every check of a log takes.
        let legal = legal::walk::after(&self.state, &records).unwrap_or_else(|step| panic!("{step}: {records:?}"));
        for record in &records {
            invariants::check_event(&self.state, record);
            let find = |state: &State| record.secret().and_then(|id| state.secret(id).cloned());
            let before = find(&self.state);
            evolve(&mut self.state, record);
            let after = find(&self.state);
            invariants::check_change(before.as_deref(), after.as_deref(), record);
            self.projections.apply(before.as_deref(), after.as_deref());
            if let Event::StoreRestored(_) | Event::ClockRebased(_) = &record.event {
                self.projections = Projections::rebuild(self.state.secrets.values().map(AsRef::as_ref));
            }
            self.kept.push(self.state.clone());
            let rebuilt = Projections::rebuild(self.state.secrets.values().map(AsRef::as_ref));
            assert_eq!(self.projections, rebuilt, "at position {}", record.position);
        }
        let Some(last) = records.last() else { return self.receipt_of_nothing() };
        assert!(legal == self.state, "the rules take a batch in otherwise");
        let forgotten = remember(&mut self.state, &records);
        if last.context.idempotency.is_some() {
            self.answers.insert(last.position);
        }
        for position in forgotten.iter().filter(|position| self.state.remembered.get(**position).is_none()) {
            assert!(self.answers.remove(position), "{position} is forgotten twice");
        }
        let answers = self.state.remembered.iter().map(|(position, _)| position);
        assert!(answers.eq(self.answers.iter().copied()), "the rows of answers are not the answers");
        invariants::check_state(&self.state, &self.projections);
        let receipt = receipt(&records, last, self.state.whole.incarnation());
        self.log.extend(records);
        self.kept.last_mut().expect("a record was taken in").clone_from(&self.state);
        receipt
    }

    fn records(&self, events: Vec<(Option<SecretId>, Event)>, terms: &Terms) -> Vec<Record> {
        let count = u16::try_from(events.len()).unwrap();
        let mut revisions: BTreeMap<SecretId, Revision> = BTreeMap::new();
        let mut records = Vec::new();
        for (index, (secret, event)) in (0..).zip(events) {
            let subject = secret.map(|secret| {
                let known = || self.state.secret(secret).map(|secret| secret.revision);
                let revision = revisions.get(&secret).copied().or_else(known).map_or(Revision::FIRST, Revision::next);
                revisions.insert(secret, revision);
                Subject { secret, revision }
            });
            let context = Context {
                actor: terms.actor.clone(),
                correlation: terms.correlation.clone(),
                causation: terms.causation,
                idempotency: terms.idempotency.clone(),
                writer_epoch: WriterEpoch::FIRST,
            };
            let position = Position::new(self.state.log_size().get() + u64::from(index));
            let event_id = EventId::from_bytes(u128::from(position.get()).to_be_bytes());
            records.push(Record { position, index, count, subject, event_id, recorded_at: self.now, context, event });
        }
        records
    }

    fn receipt_of_nothing(&self) -> Receipt {
        let position = Position::new(self.state.log_size().get() - 1);
        let (recorded_at, remembered, incarnation) = (self.now, false, self.state.whole.incarnation());
        Receipt {
            position,
            events: 0,
            incarnation,
            recorded_at,
            secret: None,
            revision: None,
            version: None,
            remembered,
        }
    }
}

/// The secrets of a state, but for when a policy asks again after a refusal: that is a trace of the audit trail.
fn unscheduled(state: &State) -> Vec<Secret> {
    let forget =
        |secret: &Arc<Secret>| Secret { rotation_refused_at: None, as_of: Position::FIRST, ..Secret::clone(secret) };
    state.secrets.values().map(forget).collect()
}
