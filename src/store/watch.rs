//! Owns a watch over the log: every durable record from a position on, in order, as it comes; and its notification.
//!
//! There is no queue and no thread: a watch reads the log at its own speed, from its own position. Read next:
//! [`super::log_view`].

use std::collections::VecDeque;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use crate::audit::AsOf;
use crate::domain::id::LogId;
use crate::domain::incarnation::Incarnation;
use crate::domain::position::Position;
use crate::domain::record::Record;
use crate::domain::refusal::Refusal;
use crate::domain::rotation::RotationTrigger;
use crate::domain::secret::Secret;
use crate::engine::Shared;
use crate::engine::log::Decoder;
use crate::engine::snapshot::Waited;
use crate::error::{Error, ErrorKind};
use crate::ledger::{Head, head};
use crate::projection::notification::Notification;

use super::log_view::LogEntry;
use super::store::Store;

/// Records that a watch reads ahead, at most.
const AHEAD_MAX: usize = 256;

/// Bytes of records that a watch reads ahead; at most one record more.
const AHEAD_BYTES_MAX: usize = 1_024 * 1_024;

/// How long a watch waits before it checks whether the store is poisoned: then no more records come.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The records of a log from a position on: the existing ones, then the new ones.
///
/// The records come in order, each once, and only durable ones. A reader that must see each record, also after a crash,
/// keeps [`Watch::resume_point`] after each handled record, and starts again from there with [`Store::watch_from`]: at
/// least once. A position alone is not enough, because a restored store uses positions again for other records. A slow
/// or stopped watch costs only its up to 256 records (about 1 MiB) that were read ahead; it catches up from the log. It
/// does not keep the store open. It ends when the store closes, even before the end of the log. Over a store that is
/// open for reading only, it ends at the end of the log, since no record is appended.
///
/// As an iterator it waits for the next record, and ends after an error.
///
/// ```
/// use latchkeep::{Actor, LogEntry, NewSecret, Notification, Position, SecretBytes, SecretName, StoreOptions, Unlock};
///
/// let store = StoreOptions::in_memory(Unlock::bytes(SecretBytes::copy_from(&[7; 32]))).create()?;
/// let watch = store.watch(Position::FIRST)?;
/// let ops = store.acting_as(Actor::parse("ops")?);
/// ops.create(NewSecret::arbitrary(SecretName::parse("token")?, SecretBytes::copy_from(b"s3cr3t"))?)?;
///
/// for entry in watch {
///     let LogEntry::Known(record) = entry? else { continue };
///     println!("{} {}", record.position, record.event.label());
///     if store.notification(&record)? == Some(Notification::SecretCreated) {
///         break;
///     }
/// }
/// # Ok::<(), latchkeep::Error>(())
/// ```
pub struct Watch {
    shared: Arc<Shared>,
    is_live: bool,
    /// Records that were read and not returned yet.
    ahead: VecDeque<(LogEntry, Head)>,
    /// The position of the next record.
    position: Position,
    /// The chain value before it.
    head: Head,
    failed: bool,
}

/// The progress of a watch: the next position, and what distinguishes its log from every other one with that position.
///
/// Keep all of it. `position` and `incarnation` are numbers, `head` is 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResumePoint {
    /// The log.
    pub log_id: LogId,
    /// The position of the next record.
    pub position: Position,
    /// The chain value before that record, if it is known.
    pub head: Option<[u8; 32]>,
    /// The incarnation of the store at that time.
    pub incarnation: Incarnation,
}

/// The result of a watch within some time.
#[derive(Clone, Debug, PartialEq)]
pub enum Watched {
    /// The next record.
    Entry(LogEntry),
    /// No record yet: all durable records were returned.
    Quiet,
    /// No more records: the store was closed, or is open for reading only and all were returned.
    Ended,
}

impl Store {
    /// Watches the log from a position on: [`Position::FIRST`] for all of it,
    /// [`Status::log_size`](crate::Status::log_size) for new records only, or the position of an earlier watch. Watches
    /// are independent, and block no other caller.
    ///
    /// # Errors
    ///
    /// Kind `Refused` with [`Refusal::InvalidArgument`] for a position that the log has not reached: the reader that
    /// kept it has seen records that are not in this log.
    pub fn watch(&self, from: Position) -> Result<Watch, Error> {
        let engine = &self.0;
        let end = engine.shared.published.with(|snapshot| snapshot.end.size);
        if from > end {
            let rule = format!("{from} lies beyond the end of the log, which has {end} records");
            return Err(Refusal::invalid("position", &rule).into());
        }
        let (shared, is_live) = (Arc::clone(&engine.shared), !engine.is_read_only());
        let head = shared.held().head_before(from)?;
        Ok(Watch { shared, is_live, ahead: VecDeque::new(), position: from, head, failed: false })
    }

    /// Watches the log from the resume point of an earlier watch, if the log is still the one that this watch has seen.
    ///
    /// ```
    /// use latchkeep::{Position, SecretBytes, StoreOptions, Unlock};
    ///
    /// let store = StoreOptions::in_memory(Unlock::bytes(SecretBytes::copy_from(&[7; 32]))).create()?;
    /// let mut watch = store.watch(Position::FIRST)?;
    /// watch.next().transpose()?;
    /// let kept = watch.resume_point();
    /// assert_eq!(store.watch_from(&kept)?.next_position().get(), 1);
    /// # Ok::<(), latchkeep::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Kind `Invalid`, code `store_restored`, when the store was restored below that point: [`Error::begin_at`] is the
    /// position of the first record that the earlier watch has not seen. Kind `Invalid`, code `other_log`, for a point
    /// of another log. Kind `Corrupt`: `rolled_back` when the log is shorter and contains no restore, `forked` when it
    /// has another record there. A point without head is only checked by its position.
    pub fn watch_from(&self, point: &ResumePoint) -> Result<Watch, Error> {
        let shared = &self.0.shared;
        if point.log_id != shared.log_id {
            return Err(Error::other_log());
        }
        let end = shared.published.with(|snapshot| snapshot.end.size);
        if point.position <= end {
            let watch = self.watch(point.position)?;
            if point.head.is_none_or(|head| head == *watch.head.as_bytes()) {
                return Ok(watch);
            }
        }
        let since = shared.published.with(|snapshot| {
            let incarnations = &snapshot.state.whole.incarnations;
            // An incarnation that this log does not know may be larger: its store was restored under a wrong clock.
            let is_known = point.incarnation == Incarnation::ORIGINAL
                || incarnations.values().any(|incarnation| *incarnation == point.incarnation);
            let is_news = |later: Incarnation| !is_known || later > point.incarnation;
            incarnations.iter().find(|(at, later)| is_news(**later) && **at < point.position).map(|(at, _)| *at)
        });
        Err(match since {
            Some(restored) => Error::restored(restored),
            None if point.position > end => Error::rolled_back(end.get(), point.position.get()),
            None => Error::forked("the log has another record there than an earlier watch has seen"),
        })
    }

    /// Returns the notification for a record, if there is one, under the names of the reference. It is always the same
    /// for the same record, unless words about its secret were erased since.
    ///
    /// It is a table of event types, except for rotations that failed: an earlier record says whether the first version
    /// was to be made, or a later one. The present secret mostly shows that too; otherwise this costs as much as
    /// [`Store::as_of`].
    ///
    /// # Errors
    ///
    /// Those of [`Store::as_of`].
    pub fn notification(&self, record: &Record) -> Result<Option<Notification>, Error> {
        Notification::of(&record.event, || self.trigger(record))
    }

    /// Returns the trigger of the rotation that an event of a secret belongs to.
    fn trigger(&self, record: &Record) -> Result<RotationTrigger, Error> {
        let later = Ok(RotationTrigger::ByHand);
        let Some(id) = record.secret() else { return later };
        if let Some(trigger) = self.secret(id).ok().and_then(|secret| trigger_by(&secret, record)) {
            return Ok(trigger);
        }
        let Some(before) = record.position.get().checked_sub(1) else { return later };
        match self.as_of(AsOf::Position(Position::new(before)))?.secret(id) {
            Ok(secret) if secret.versions.is_empty() => Ok(RotationTrigger::FirstVersion),
            _ => later,
        }
    }
}

/// Returns the trigger of a past rotation from the present secret; `None` if that is not certain. Positions give the
/// order, since a rebase of the clock moves times.
fn trigger_by(secret: &Secret, record: &Record) -> Option<RotationTrigger> {
    match secret.versions.first() {
        None => Some(RotationTrigger::FirstVersion),
        Some(oldest) if oldest.data_from < record.position => Some(RotationTrigger::ByHand),
        Some(_) => None,
    }
}

impl Watch {
    /// Returns the position of the next record: where to start again once all earlier records are handled.
    #[must_use]
    pub const fn next_position(&self) -> Position {
        self.position
    }

    /// Returns what to keep, so that [`Store::watch_from`] continues after the last returned record: the next position,
    /// with the chain value before it and the incarnation of the store.
    #[must_use]
    pub fn resume_point(&self) -> ResumePoint {
        let incarnation = self.shared.published.with(|snapshot| snapshot.state.whole.incarnation());
        let (log_id, position) = (self.shared.log_id, self.position);
        ResumePoint { log_id, position, head: Some(*self.head.as_bytes()), incarnation }
    }

    /// Waits for the next record, for at most this time; with no time it does not wait.
    ///
    /// # Errors
    ///
    /// Kind `Corrupt` when a record cannot be read, `Unavailable` when the disk fails, or when the store is poisoned
    /// and no more records will come. The position does not change, so that the caller can try again.
    pub fn next_within(&mut self, at_most: Duration) -> Result<Watched, Error> {
        let mut left = at_most;
        loop {
            if let Some(entry) = self.take()? {
                return Ok(Watched::Entry(entry));
            }
            if !self.is_live {
                return Ok(Watched::Ended);
            }
            let slice = left.min(LOOK_EVERY);
            match self.shared.published.wait_beyond(self.position, slice) {
                Waited::Grown => {}
                Waited::Final => return Ok(Watched::Ended),
                Waited::InVain => {
                    self.shared.poison.error().map_or(Ok(()), Err)?;
                    left = left.saturating_sub(slice);
                    if left.is_zero() {
                        return Ok(Watched::Quiet);
                    }
                }
            }
        }
    }

    /// Returns the next record that is already durable; reads ahead when no record is left.
    fn take(&mut self) -> Result<Option<LogEntry>, Error> {
        if self.ahead.is_empty() {
            match self.read_ahead() {
                // The store was closed: that is the end, and not a failure.
                Err(error) if *error.kind() == ErrorKind::Closed => self.is_live = false,
                // Records that were read earlier come first; the next read meets the error again.
                Err(_) if !self.ahead.is_empty() => {}
                read => read?,
            }
        }
        let Some((entry, head)) = self.ahead.pop_front() else { return Ok(None) };
        (self.position, self.head) = (entry.position().next(), head);
        Ok(Some(entry))
    }

    fn read_ahead(&mut self) -> Result<(), Error> {
        let log = self.shared.held();
        let end = log.end();
        if self.position >= end {
            return Ok(());
        }
        let (ahead, mut bytes, mut decoder) = (&mut self.ahead, 0_usize, Decoder::default());
        log.each(self.position, end, &mut |raw| {
            ahead.push_back((LogEntry::of(raw, &mut decoder)?, head(raw.header_bytes())));
            bytes = bytes.saturating_add(raw.context().len()).saturating_add(raw.body().map_or(0, <[u8]>::len));
            let is_enough = ahead.len() >= AHEAD_MAX || bytes >= AHEAD_BYTES_MAX;
            Ok(if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
    }
}

impl Iterator for Watch {
    type Item = Result<LogEntry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        match self.next_within(Duration::MAX) {
            Ok(Watched::Entry(entry)) => Some(Ok(entry)),
            Ok(Watched::Quiet | Watched::Ended) => None,
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("position", &self.position).finish_non_exhaustive()
    }
}
