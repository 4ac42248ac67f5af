//! Owns the replay: records go in one by one, each is held to the rules before it is taken in.
//!
//! It says what the log tells, and where that cannot have happened. An erased body, or an event of a later release, hides
//! what became of its secret: from there on only the revisions of that secret are followed, until it is restated. Memory is that of the secrets
//! which are there, whatever the length of the log. Read next: [`super::rules`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::domain::event::Event;
use crate::domain::evolve::evolve;
use crate::domain::id::{LogId, SecretId};
use crate::domain::limits;
use crate::domain::position::{Position, Revision};
use crate::domain::record::Record;
use crate::domain::secret::Secret;
use crate::domain::settings::Settings;
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::ledger::{RecordHeader, Subject};
use crate::projection::lock_board::LockStatus;

use super::restating::Restating;
use super::rules::{Rule, Sight, check, has_subject, settled};

/// Follows a log record by record and stops at the first step that the rules do not allow.
///
/// ```
/// use latchkeep::LogId;
/// use latchkeep::audit::Replay;
///
/// let replay = Replay::from_genesis(LogId::from_bytes([7; 16]));
/// assert_eq!(replay.size().get(), 0);
/// assert_eq!(replay.lock_status().count(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct Replay {
    state: State,
    begin: Begin,
    sight: Sight,
    hidden: BTreeMap<SecretId, Revision>,
    hidden_ever: u64,
    touched: Vec<SecretId>,
    /// Whether the batch has a restore and no signing key yet.
    awaits_key: bool,
    restating: Restating,
}

/// Where a replay begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    /// At the first record of this log.
    Genesis(LogId),
    /// In the middle: secrets made before are hidden.
    Slice,
}

impl Replay {
    /// Begins at the first record of a log.
    #[must_use]
    pub fn from_genesis(log_id: LogId) -> Self {
        Self::begin(Begin::Genesis(log_id), Position::FIRST)
    }

    /// Begins in the middle of a log; follows the secrets that are made from there on, and the revisions of all others.
    #[must_use]
    pub fn from_slice(first: Position) -> Self {
        Self::begin(Begin::Slice, first)
    }

    fn begin(begin: Begin, first: Position) -> Self {
        let mut state = State::default();
        state.whole.log_size = first;
        let sees_all = begin != Begin::Slice;
        let (sight, restating) = (Sight { whole: sees_all, groups: sees_all }, Restating::default());
        let (hidden, touched) = (BTreeMap::new(), Vec::new());
        Self { state, begin, sight, hidden, hidden_ever: 0, touched, awaits_key: false, restating }
    }

    /// Takes the next record in.
    ///
    /// # Errors
    ///
    /// [`IllegalStep`] when the rules do not allow it. The record is not taken in then, except where it is the whole batch
    /// that breaks a rule.
    pub fn apply(&mut self, record: &Record) -> Result<(), IllegalStep> {
        self.step(record).map_err(|rule| IllegalStep { position: record.position, rule })
    }

    /// Takes a record in whose event cannot be read: its body was erased, or a later release wrote it.
    ///
    /// # Errors
    ///
    /// [`IllegalStep`] when a record cannot have this header here.
    pub fn apply_hidden(&mut self, header: &RecordHeader) -> Result<(), IllegalStep> {
        self.step_hidden(header).map_err(|rule| IllegalStep { position: header.position, rule })
    }

    /// Gives what became of the store, but for secrets of which not everything was seen. When no event was one of a later
    /// release, that is the state which a store has after the same records.
    #[cfg(feature = "store")]
    pub(crate) const fn state(&self) -> &State {
        &self.state
    }

    /// Gives the same, whole.
    #[cfg(feature = "store")]
    pub(crate) fn into_state(self) -> State {
        self.state
    }

    /// Gives the position of the record that comes next.
    #[must_use]
    pub const fn size(&self) -> Position {
        self.state.log_size()
    }

    /// Gives the time of the last record.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.state.whole.last_at
    }

    /// Gives the lock status of each secret of which everything was seen, by id.
    pub fn lock_status(&self) -> impl Iterator<Item = LockStatus> {
        self.secrets().map(|secret| LockStatus::of(secret))
    }

    /// Walks over the secrets of which everything was seen, by id.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &Arc<Secret>> {
        self.state.secrets.values().filter(|secret| !self.restating.is_coming_back(secret.id))
    }

    /// Gives what the store was set to; nothing when not every event about it was seen.
    pub(super) fn settings(&self) -> Option<Settings> {
        self.sight.whole.then_some(self.state.whole.settings)
    }

    /// Counts the secrets of which not everything was seen: whose bodies were erased, or which were made before a slice, and
    /// which were not restated since.
    #[must_use]
    pub fn hidden_secrets(&self) -> usize {
        self.hidden.len().saturating_add(self.restating.coming_back())
    }

    /// Tells whether every record so far was seen, from the first of the log on, and so held to every rule.
    pub(super) fn has_seen_all(&self) -> bool {
        self.begin != Begin::Slice && self.hidden_ever == 0 && self.sight.whole && self.sight.groups
    }

    /// Counts all secrets that were hidden at some time.
    pub(super) const fn hidden_ever(&self) -> u64 {
        self.hidden_ever
    }

    fn step(&mut self, record: &Record) -> Result<(), Rule> {
        self.check_place(record.position, record.recorded_at)?;
        let whole = &self.state.whole;
        if record.context.writer_epoch < whole.writer_epoch {
            return Err(Rule::EpochBack);
        }
        self.check_first(record)?;
        if has_subject(&record.event) != record.subject.is_some() {
            return Err(Rule::SubjectMismatch);
        }
        if let Some(subject) = record.subject
            && !self.sees(record, subject.secret, subject.revision)?
        {
            self.follow_hidden(record, subject.secret, subject.revision);
        } else {
            check(&self.state, record, self.sight)?;
            self.restating.check(&self.state, record)?;
            evolve(&mut self.state, record);
            if let (Event::SecretRestated(_), Some(subject)) = (&record.event, record.subject) {
                self.hidden.remove(&subject.secret);
            }
            self.touched.extend(record.subject.map(|subject| subject.secret));
            match &record.event {
                Event::StoreRestored(_) => self.awaits_key = true,
                Event::SigningKeySet(_) => self.awaits_key = false,
                _ => {}
            }
        }
        if record.ends_batch() { self.settle() } else { Ok(()) }
    }

    fn step_hidden(&mut self, header: &RecordHeader) -> Result<(), Rule> {
        self.check_place(header.position, header.time)?;
        if let (Begin::Genesis(_), Position::FIRST) = (self.begin, header.position) {
            return Err(Rule::FirstRecord);
        }
        match header.subject {
            Subject::Store => self.sight = Sight { whole: self.sight.whole && is_of_groups(header), groups: false },
            Subject::Secret { id, revision } => {
                self.check_revision(id, revision)?;
                self.hide(id, revision);
            }
        }
        self.passed(header.position, header.time);
        if header.batch_index.saturating_add(1) >= header.batch_count { self.settle() } else { Ok(()) }
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
        let fits = match (&record.event, self.begin) {
            (Event::StoreCreated(event), Begin::Genesis(log_id)) => {
                record.position == Position::FIRST && event.log_id == log_id
            }
            (Event::StoreCreated(_), Begin::Slice) => false,
            (_, Begin::Genesis(_)) => record.position != Position::FIRST,
            (_, Begin::Slice) => true,
        };
        if fits { Ok(()) } else { Err(Rule::FirstRecord) }
    }

    /// Tells whether everything about the secret of an event was seen, and holds the event to the next revision.
    fn sees(&self, record: &Record, id: SecretId, revision: Revision) -> Result<bool, Rule> {
        if let Event::SecretCreated(_) = &record.event {
            return if self.state.secrets.contains_key(&id) || self.hidden.contains_key(&id) {
                Err(Rule::SecretExists)
            } else if revision != Revision::FIRST {
                Err(Rule::RevisionGap)
            } else {
                Ok(true)
            };
        }
        self.check_revision(id, revision)?;
        if self.state.secrets.contains_key(&id) {
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
        let before = self.state.secret(id).map(|secret| secret.revision).or_else(|| self.hidden.get(&id).copied());
        match before {
            Some(before) if revision == before.next() => Ok(()),
            Some(_) => Err(Rule::RevisionGap),
            None if self.begin == Begin::Slice || revision == Revision::FIRST => Ok(()),
            None => Err(Rule::UnknownSecret),
        }
    }

    /// Follows the revision of a secret of which not everything was seen.
    fn follow_hidden(&mut self, record: &Record, id: SecretId, revision: Revision) {
        if let Event::SecretDeleted(_) = &record.event {
            self.hidden.remove(&id);
        } else {
            self.hide(id, revision);
        }
        self.state.whole.writer_epoch = record.context.writer_epoch;
        self.passed(record.position, record.recorded_at);
    }

    /// Forgets what is known of a secret but its revision. Its name may be another by now, and its group's count is wrong.
    fn hide(&mut self, id: SecretId, revision: Revision) {
        self.state.take_out(id);
        if self.hidden.insert(id, revision).is_none() {
            self.hidden_ever = self.hidden_ever.saturating_add(1);
        }
        self.sight.groups = false;
    }

    const fn passed(&mut self, position: Position, time: Timestamp) {
        self.state.whole.log_size = position.next();
        self.state.whole.last_at = time;
    }

    /// Holds the secrets of a batch to their bounds behind it.
    fn settle(&mut self) -> Result<(), Rule> {
        if self.state.secrets.len().saturating_add(self.hidden.len()) > limits::SECRETS_MAX {
            return Err(Rule::TooManySecrets);
        }
        if std::mem::take(&mut self.awaits_key) {
            return Err(Rule::RestoreWithoutKey);
        }
        self.restating.settle(&self.state)?;
        let state = &self.state;
        self.touched.drain(..).filter_map(|id| state.secret(id)).try_for_each(|secret| settled(secret))
    }
}

/// Tells whether a record of the whole store can only be one about groups, the ones whose bodies are erased.
const fn is_of_groups(header: &RecordHeader) -> bool {
    matches!(header.event_type, 10..=12 | 16)
}

/// A step of a history that the rules do not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IllegalStep {
    /// The record that cannot have happened.
    pub position: Position,
    /// The rule that it breaks.
    pub rule: Rule,
}

impl fmt::Display for IllegalStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "illegal step at position {}: {}", self.position, self.rule)
    }
}

impl std::error::Error for IllegalStep {}
