//! Owns what a walk asks of a record before it looks at its event: its place, its time, its first words, its revision.
//!
//! Read next: [`super`].

use super::super::super::event::Event;
use super::super::super::event_kind::Scope;
use super::super::super::id::SecretId;
use super::super::super::position::{Position, Revision};
use super::super::super::record::Record;
use super::super::super::step::HiddenRecord;
use super::super::super::time::Timestamp;
use super::super::Rule;
use super::{Begin, Walk};

impl Walk {
    /// Holds a record to what has to be so before its event is looked at.
    pub(super) fn check_header(&self, record: &Record) -> Result<(), Rule> {
        self.check_place(record.position, record.recorded_at)?;
        if record.context.writer_epoch < self.state.whole.writer_epoch {
            return Err(Rule::EpochBack);
        }
        self.check_first(record)?;
        if record.index == 0 {
            self.check_key(record)?;
        }
        if (record.event.scope() == Scope::Secret) == record.subject.is_some() {
            Ok(())
        } else {
            Err(Rule::SubjectMismatch)
        }
    }

    /// Holds a record whose event cannot be read to the same, as far as its header tells.
    pub(super) fn check_hidden(&self, record: &HiddenRecord) -> Result<(), Rule> {
        self.check_place(record.position, record.recorded_at)?;
        if record.position == Position::FIRST {
            return Err(Rule::FirstRecord);
        }
        record.subject.map_or(Ok(()), |subject| self.check_revision(subject.secret, subject.revision))
    }

    /// Holds a record to its place behind the one in front of it.
    fn check_place(&self, position: Position, time: Timestamp) -> Result<(), Rule> {
        if position != self.state.log_size() {
            Err(Rule::PositionGap)
        } else if time < self.state.whole.last_at {
            Err(Rule::TimeBack)
        } else {
            Ok(())
        }
    }

    /// The first record of a log says which log it is; no other does.
    fn check_first(&self, record: &Record) -> Result<(), Rule> {
        let is_first = record.position == Position::FIRST;
        let fits = match (&record.event, self.begin) {
            (Event::StoreCreated(event), Begin::Genesis(log_id)) => is_first && event.log_id == log_id,
            (Event::StoreCreated(_), Begin::Slice | Begin::State) => is_first,
            (_, Begin::Genesis(_) | Begin::Slice | Begin::State) => !is_first,
        };
        if fits { Ok(()) } else { Err(Rule::FirstRecord) }
    }

    /// While the answer under a key is remembered, nothing else is done under it.
    fn check_key(&self, record: &Record) -> Result<(), Rule> {
        let (context, at) = (&record.context, record.recorded_at);
        let find = |key| self.state.remembered.find(&context.actor, key, at);
        let answered = context.idempotency.as_ref().and_then(|idempotency| find(&idempotency.key));
        if answered.is_some() { Err(Rule::AnsweredBefore) } else { Ok(()) }
    }

    /// Tells whether everything about the secret of an event was seen, and holds the event to the next revision.
    pub(super) fn sees(&self, record: &Record, id: SecretId, revision: Revision) -> Result<bool, Rule> {
        if let Event::SecretCreated(_) = &record.event {
            return if self.state.secrets.contains_key(&id) || self.hidden.contains_key(&id) {
                Err(Rule::SecretExists)
            } else if revision != Revision::FIRST {
                Err(Rule::RevisionGap)
            } else {
                Ok(true)
            };
        }
        let secret = self.state.secret(id);
        self.follows(secret.map(|secret| secret.revision), id, revision)?;
        if secret.is_some() {
            Ok(true)
        } else if self.begin == Begin::Slice || self.hidden.contains_key(&id) {
            // From here on it is known again.
            Ok(matches!(record.event, Event::SecretRestated(_)))
        } else {
            Err(Rule::UnknownSecret)
        }
    }

    /// Holds a revision to the one before; an erased creation, or the beginning of a slice, has none before.
    fn check_revision(&self, id: SecretId, revision: Revision) -> Result<(), Rule> {
        self.follows(self.state.secret(id).map(|secret| secret.revision), id, revision)
    }

    /// Does so for a secret of which not everything may have been seen; `seen` is its revision where it was.
    fn follows(&self, seen: Option<Revision>, id: SecretId, revision: Revision) -> Result<(), Rule> {
        match seen.or_else(|| self.hidden.get(&id).map(|hidden| hidden.revision)) {
            Some(before) if revision == before.next() => Ok(()),
            Some(_) => Err(Rule::RevisionGap),
            None if self.begin == Begin::Slice || revision == Revision::FIRST => Ok(()),
            None => Err(Rule::UnknownSecret),
        }
    }
}
