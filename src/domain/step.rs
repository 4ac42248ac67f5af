//! Owns what a replay meets at each position of the log: a record, or what an erasure left of one.
//!
//! What became of a secret by an event that nobody can read any more, nobody knows: the secret is out of the state from
//! there on, until it is restated. Read next: [`super::batch`].

use super::batch::Placed;
use super::event::Event;
use super::id::SecretId;
use super::position::Position;
use super::record::{Context, Record, Subject};
use super::state::State;
use super::time::Timestamp;

/// What lies at a position of the log.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly all are records, and few are held at a time")]
pub(crate) enum Step {
    /// A record.
    Told(Record),
    /// A record whose body was erased.
    Erased(ErasedRecord),
}

/// What its header and its context tell of a record whose body was erased.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ErasedRecord {
    pub(crate) position: Position,
    pub(crate) subject: Option<Subject>,
    pub(crate) recorded_at: Timestamp,
    pub(crate) context: Context,
    pub(crate) ends_batch: bool,
    /// The number of the kind of event.
    pub(crate) number: u16,
    /// The schema of its body.
    pub(crate) schema: u16,
}

/// What its header alone tells of a record whose event cannot be read: its body was erased, or a later release wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HiddenRecord {
    pub(crate) position: Position,
    pub(crate) subject: Option<Subject>,
    pub(crate) recorded_at: Timestamp,
    pub(crate) ends_batch: bool,
    /// The number of the kind of event.
    pub(crate) number: u16,
    /// The schema of its body.
    pub(crate) schema: u16,
}

impl ErasedRecord {
    /// Gives what its header alone tells.
    pub(crate) const fn hidden(&self) -> HiddenRecord {
        let Self { position, subject, recorded_at, ends_batch, number, schema, .. } = *self;
        HiddenRecord { position, subject, recorded_at, ends_batch, number, schema }
    }
}

impl Step {
    /// Tells whether it is the last of its batch.
    pub(crate) const fn ends_batch(&self) -> bool {
        match self {
            Self::Told(record) => record.ends_batch(),
            Self::Erased(erased) => erased.ends_batch,
        }
    }

    /// Gives the secret that it changes or reports on.
    pub(crate) fn secret(&self) -> Option<SecretId> {
        match self {
            Self::Told(record) => record.secret(),
            Self::Erased(erased) => erased.subject.map(|subject| subject.secret),
        }
    }
}

impl Placed for Step {
    fn position(&self) -> Position {
        match self {
            Self::Told(record) => record.position,
            Self::Erased(erased) => erased.position,
        }
    }

    fn recorded_at(&self) -> Timestamp {
        match self {
            Self::Told(record) => record.recorded_at,
            Self::Erased(erased) => erased.recorded_at,
        }
    }

    fn context(&self) -> &Context {
        match self {
            Self::Told(record) => &record.context,
            Self::Erased(erased) => &erased.context,
        }
    }

    fn subject(&self) -> Option<Subject> {
        match self {
            Self::Told(record) => record.subject,
            Self::Erased(erased) => erased.subject,
        }
    }

    fn event(&self) -> Option<&Event> {
        match self {
            Self::Told(record) => Some(&record.event),
            Self::Erased(_) => None,
        }
    }
}

/// Takes one step in.
pub(crate) fn evolve_step(state: &mut State, step: &Step) {
    match step {
        Step::Told(record) => super::evolve::evolve(state, record),
        Step::Erased(erased) => {
            state.whole.log_size = erased.position.next();
            state.whole.last_at = erased.recorded_at;
            state.whole.writer_epoch = erased.context.writer_epoch;
            if let Some(subject) = erased.subject {
                state.take_out(subject.secret);
            }
        }
    }
}
