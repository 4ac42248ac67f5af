//! Owns what stood at some point of a log: versions, locks and rotation of each secret, from an export alone.
//!
//! The whole export is verified on the way, since an answer from a log that does not hold is none. Read next:
//! [`super::replay`].

use std::io::Read;
use std::sync::Arc;

use serde::Serialize;
use serde::ser::{SerializeStruct as _, Serializer};

use crate::domain::position::Position;
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::ledger::{CLOCK_REBASED, RecordHeader};

use super::replay::Replay;
use super::secret_report::SecretReport;
use super::verdict::Report;
use super::verify::{VerifyOptions, verify_watching};

/// Up to where a log is replayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AsOf {
    /// To its end.
    #[default]
    End,
    /// To the record at this position, and with it.
    Position(Position),
    /// To the last record of this time or before.
    Time(Timestamp),
}

impl AsOf {
    const fn is_before(self, header: &RecordHeader) -> bool {
        match self {
            Self::End => false,
            Self::Position(position) => position.get() < header.position.get(),
            Self::Time(time) => time.as_nanos() < header.time.as_nanos(),
        }
    }
}

/// What a replay found at some point of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LockReport {
    /// How many records of the log lead to it.
    pub size: Position,
    /// The time that was asked for, or that of the last of them. Leases that had ended by then are not shown as held.
    pub time: Timestamp,
    /// The time of the last of them.
    pub last_at: Timestamp,
    /// Each secret that was there, by id; those whose history is hidden are left out.
    pub secrets: Vec<SecretReport>,
    /// In how many stretches of the log the time lies that was asked for: more than one where the clock was rebased in between, and
    /// then this is the newest of them. 1 where no time was asked for.
    pub stretches: usize,
    /// How many secrets were left out, since a body was erased or a slice begins after they were made.
    pub hidden_secrets: usize,
}

impl LockReport {
    fn of(replay: &Replay, as_of: AsOf, stretches: usize) -> Self {
        let (last_at, settings) = (replay.time(), replay.settings());
        let mut secrets: Vec<Arc<Secret>> = replay.secrets().cloned().collect();
        let mut time = last_at;
        if let AsOf::Time(asked) = as_of {
            for secret in &mut secrets {
                Secret::end_leases(secret, asked);
            }
            time = asked;
        }
        Self {
            size: replay.size(),
            time,
            last_at,
            secrets: secrets.iter().map(|secret| SecretReport::of(secret, time, settings)).collect(),
            stretches,
            hidden_secrets: replay.hidden_secrets(),
        }
    }
}

/// Replays an export up to some point and gives the lock status of each secret there, with the report on the export.
///
/// A step that the rules do not allow is followed like any other, as a store follows it that is restored from such a log; the
/// report names it. There is no lock report of something that is no export, nor of a point that the export does not reach: a position at or past its end or
/// before its first record, or a time before that record. A time after the last record is one after all of them; where the clock was
/// rebased and an earlier stretch of the log holds such a time, it is one of that stretch if it lies after `options.now` too.
///
/// ```
/// use latchkeep::audit::{AsOf, VerifyOptions, replay_export};
///
/// let (report, locks) = replay_export(b"no export".as_slice(), &VerifyOptions::default(), AsOf::End, |_| {});
/// assert!(!report.is_sound() && locks.is_none());
/// ```
pub fn replay_export<R: Read + Send>(
    reader: R,
    options: &VerifyOptions,
    as_of: AsOf,
    progress: impl FnMut(u64),
) -> (Report, Option<LockReport>) {
    let (report, watch) = verify_watching(reader, options, Watch::on(as_of, options.now), progress);
    (report, watch.found)
}

/// Waits for a point of a replay and takes down what stands there.
#[derive(Debug)]
pub(super) struct Watch {
    awaited: Option<AsOf>,
    /// The position of the first record.
    first: Position,
    /// Rebases of the clock so far.
    rebased: usize,
    /// A time that is waited for anew in each stretch which holds it.
    time: Option<Timestamp>,
    /// Up to when the last stretch goes, if it goes on behind its last record.
    now: Option<Timestamp>,
    found: Option<LockReport>,
}

impl Watch {
    pub(super) const fn nothing() -> Self {
        Self { awaited: None, first: Position::FIRST, rebased: 0, time: None, now: None, found: None }
    }

    fn on(as_of: AsOf, now: Option<Timestamp>) -> Self {
        let time = if let AsOf::Time(time) = as_of { Some(time) } else { None };
        Self { awaited: Some(as_of), time, now, ..Self::nothing() }
    }

    /// Is told what the header of the export says of its records.
    pub(super) fn begin(&mut self, first: Position, size: Position) {
        self.first = first;
        let is_out = |as_of| matches!(as_of, AsOf::Position(position) if position < first || position >= size);
        self.awaited = self.awaited.filter(|as_of| !is_out(*as_of));
    }

    /// Is shown the replay before each record.
    pub(super) fn before(&mut self, header: &RecordHeader, replay: &Replay) {
        self.begin_stretch(replay);
        if header.event_type == CLOCK_REBASED
            && let Some(time) = self.time
        {
            // The stretch ends here, and holds no later time.
            self.awaited = self.awaited.filter(|_| time <= header.time);
            return self.take(replay);
        }
        if self.awaited.is_some_and(|as_of| as_of.is_before(header)) {
            self.take(replay);
        }
    }

    /// Waits for a time anew where the clock was rebased to before it.
    fn begin_stretch(&mut self, replay: &Replay) {
        let rebased = &replay.whole().rebased;
        let is_new = rebased.len() > std::mem::replace(&mut self.rebased, rebased.len());
        let last = rebased.last().filter(|_| is_new).zip(self.time);
        self.awaited =
            last.filter(|(last, time)| last.observed_at <= *time).map(|(_, time)| AsOf::Time(time)).or(self.awaited);
    }

    /// Is shown the replay at its end.
    pub(super) fn end(&mut self, replay: &Replay) {
        self.begin_stretch(replay);
        // A later time that an earlier stretch holds is one of that stretch.
        let ends_at = self.now.map_or(replay.time(), |now| now.max(replay.time()));
        if self.found.is_none() || self.time.is_none_or(|time| time <= ends_at) {
            self.take(replay);
        }
    }

    fn take(&mut self, replay: &Replay) {
        let Some(as_of) = self.awaited.take() else { return };
        let is_out = matches!(as_of, AsOf::Time(_)) && replay.size() == self.first;
        if !is_out {
            let stretches = self.found.as_ref().map_or(0, |found| found.stretches).saturating_add(1);
            self.found = Some(LockReport::of(replay, as_of, stretches));
        }
    }
}

impl Serialize for LockReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("LockReport", 6)?;
        fields.serialize_field("size", &self.size)?;
        fields.serialize_field("time", &self.time)?;
        fields.serialize_field("last_at", &self.last_at)?;
        fields.serialize_field("stretches", &self.stretches)?;
        fields.serialize_field("hidden_secrets", &self.hidden_secrets)?;
        fields.serialize_field("secrets", &self.secrets)?;
        fields.end()
    }
}
