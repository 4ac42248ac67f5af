//! Owns the replay for auditors: what a log tells, and where that cannot have happened.
//!
//! The rules, and what is followed of secrets that cannot be seen, are those of the domain, which the writer is held to as
//! well. Read next: [`crate::domain::legal`].

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::id::LogId;
use crate::domain::legal::walk::Walk;
use crate::domain::legal::{AcceptedStep, Flaw, IllegalStep};
use crate::domain::position::Position;
use crate::domain::record::Record;
use crate::domain::secret::Secret;
use crate::domain::settings::Settings;
#[cfg(feature = "store")]
use crate::domain::state::State;
use crate::domain::state::Whole;
use crate::domain::time::Timestamp;
use crate::ledger::RecordHeader;
use crate::projection::lock_board::LockStatus;

/// Follows a log record by record, and tells which steps the rules do not allow.
///
/// An illegal step is taken in like any other, since a restore further on in the log may accept it, and what it led to has to be
/// known then. Whether the whole log is legal is what [`Replay::illegal`] says at its end.
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
pub struct Replay(Walk);

impl Replay {
    /// Begins at the first record of a log.
    #[must_use]
    pub fn from_genesis(log_id: LogId) -> Self {
        Self(Walk::from_genesis(log_id))
    }

    /// Begins in the middle of a log; follows the secrets that are made from there on, and the revisions of all others.
    #[must_use]
    pub fn from_slice(first: Position) -> Self {
        Self(Walk::from_slice(first))
    }

    /// Takes the next record in, legal or not.
    ///
    /// # Errors
    ///
    /// [`IllegalStep`] when the rules do not allow it. The replay can go on: a later record of a restore may accept the step.
    pub fn apply(&mut self, record: &Record) -> Result<(), IllegalStep> {
        let applied = self.0.apply(record);
        if record.ends_batch() {
            self.0.note_answer(record);
        }
        applied
    }

    /// Takes a record in whose event cannot be read: its body was erased, or a later release wrote it.
    ///
    /// # Errors
    ///
    /// [`IllegalStep`] when a record cannot have this header here. The replay can go on.
    pub fn apply_hidden(&mut self, header: &RecordHeader) -> Result<(), IllegalStep> {
        self.0.apply_hidden(&header.hidden_record())
    }

    /// Gives the first step that the rules do not allow and that no restore has accepted so far.
    #[must_use]
    pub fn illegal(&self) -> Option<IllegalStep> {
        self.0.illegal()
    }

    /// Gives the steps that the rules do not allow and that a restore accepted: at most 1,000.
    #[must_use]
    pub fn accepted_steps(&self) -> &[AcceptedStep] {
        self.0.accepted()
    }

    /// Accepts illegal steps at these positions.
    pub(crate) fn accept(&mut self, positions: BTreeSet<Position>) {
        self.0.accept(positions);
    }

    /// Tells whether more steps are illegal than can be accepted; what comes next need not be looked at.
    pub(crate) const fn is_beyond(&self) -> bool {
        self.0.is_beyond()
    }

    /// Gives what became of the store, but for secrets of which not everything was seen. When no event was one of a later
    /// release, that is the state which a store has after the same records.
    #[cfg(feature = "store")]
    pub(crate) const fn state(&self) -> &State {
        self.0.state()
    }

    /// Gives the same, whole.
    #[cfg(feature = "store")]
    pub(crate) fn into_state(self) -> State {
        self.0.into_state()
    }

    /// Gives what became of the store as a whole, as far as it was seen.
    pub(super) const fn whole(&self) -> &Whole {
        &self.0.state().whole
    }

    /// Gives the position of the record that comes next.
    #[must_use]
    pub const fn size(&self) -> Position {
        self.0.state().log_size()
    }

    /// Gives the time of the last record.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.0.state().whole.last_at
    }

    /// Gives the lock status of each secret of which everything was seen, by id.
    pub fn lock_status(&self) -> impl Iterator<Item = LockStatus> {
        self.secrets().map(|secret| LockStatus::of(secret))
    }

    /// Walks over the secrets of which everything was seen, by id.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &Arc<Secret>> {
        self.0.state().secrets.values().filter(|secret| !self.0.is_coming_back(secret.id))
    }

    /// Gives what the store was set to; nothing when not every event about it was seen.
    pub(super) fn settings(&self) -> Option<Settings> {
        self.0.sees_whole().then_some(self.0.state().whole.settings)
    }

    /// Counts the secrets of which not everything was seen: whose bodies were erased, or which were made before a slice, and
    /// which were not restated since.
    #[must_use]
    pub fn hidden_secrets(&self) -> usize {
        self.0.hidden_secrets()
    }

    /// Tells whether every record so far was seen, from the first of the log on, and so held to every rule.
    pub(super) const fn has_seen_all(&self) -> bool {
        self.0.has_seen_all()
    }

    /// Gives what is legal, and was written by an earlier release in error: the first thousand.
    #[must_use]
    pub fn flaws(&self) -> &[Flaw] {
        self.0.flaws()
    }

    /// Counts all secrets that were hidden at some time.
    pub(super) const fn hidden_ever(&self) -> u64 {
        self.0.hidden_ever()
    }
}
