//! Owns the conversion of stored rows to records, and of records to the bytes of a commit.
//!
//! A commit's records are framed one after another under the position of the first. Read next: [`super::recovery`].

use std::ops::ControlFlow;

use crate::codec::error::CodecError;
use crate::codec::{context, event, keys};
use crate::domain::position::Position;
use crate::domain::record::{Context, Record, Subject};
use crate::domain::step::Step;
use crate::error::Error;
use crate::ledger::{self, RawRecord, frames};
use crate::storage::chunks::scan_chunked;
use crate::storage::{Direction, KeyRange, Storage, StorageError};

/// The first row key after the log.
const LOG_END: [u8; 1] = [keys::LOG.saturating_add(1)];

/// Receives a commit: the position of its first record, and its bytes.
pub(crate) type ShowCommit<'v> = dyn FnMut(Position, &[u8]) -> Result<ControlFlow<()>, Error> + 'v;

/// Receives a record in its stored form.
pub(crate) type ShowRecord<'v> = dyn FnMut(&RawRecord<'_>) -> Result<ControlFlow<()>, Error> + 'v;

/// Calls `visit` for the commits from the one with `from` on, each with the position of its first record and its bytes.
pub(crate) fn scan_commits(storage: &dyn Storage, from: Position, visit: &mut ShowCommit<'_>) -> Result<(), Error> {
    let mut next = commit_of(storage, from)?.unwrap_or(from);
    let mut tries_left = READS_MAX;
    loop {
        let range = KeyRange::between(keys::log_commit(next), LOG_END);
        let (mut failed, before) = (None, next);
        let show = &mut |key: &[u8], bytes: &[u8]| {
            let shown = keys::parse_log_commit(key)
                .ok_or_else(|| Error::corrupt("a row of the log has no position; restore it from a backup"))
                .and_then(|first| {
                    next = first.next();
                    visit(first, bytes)
                });
            shown.unwrap_or_else(|error| {
                failed = Some(error);
                ControlFlow::Break(())
            })
        };
        match scan_chunked(storage, &range, show) {
            // An erasure may have rewritten the commit between two of its chunks: read it again.
            Err(StorageError::Corrupt { .. }) if next > before || tries_left > 0 => {
                tries_left = if next > before { READS_MAX } else { tries_left.saturating_sub(1) };
            }
            scanned => return scanned.map_err(Error::from).and_then(|()| failed.map_or(Ok(()), Err)),
        }
    }
}

/// How often an inconsistent commit is read again before it is called damaged.
const READS_MAX: u32 = 3;

/// Returns the commit with a position: the last one that does not begin after it.
fn commit_of(storage: &dyn Storage, position: Position) -> Result<Option<Position>, Error> {
    let range = KeyRange::between(keys::log_commit(Position::FIRST), keys::log_commit(position.next()));
    let mut found = None;
    storage.scan(&range, Direction::Descending, &mut |key, _| {
        found = key.split_last_chunk::<4>().and_then(|(prefix, _)| keys::parse_log_commit(prefix));
        ControlFlow::Break(())
    })?;
    Ok(found)
}

/// Calls `visit` for the records from `from` on, in their stored form, until `visit` stops or `end` is reached.
pub(crate) fn scan_records(
    storage: &dyn Storage,
    from: Position,
    end: Position,
    visit: &mut ShowRecord<'_>,
) -> Result<(), Error> {
    scan_commits(storage, from, &mut |_, bytes| {
        for raw in frames(bytes) {
            let raw = raw.map_err(|error| Error::corrupt(format!("the log is damaged: {error}")))?;
            let position = raw.header().position;
            if position >= end {
                return Ok(ControlFlow::Break(()));
            }
            if position >= from && visit(&raw)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// Returns the chain value before a position; `None` when the log does not reach it.
pub(crate) fn head_before(storage: &dyn Storage, position: Position) -> Result<Option<[u8; 32]>, Error> {
    let Some(before) = position.get().checked_sub(1) else { return Ok(None) };
    let mut found = None;
    scan_records(storage, Position::new(before), position, &mut |raw| {
        if raw.header().position.get() == before {
            found = Some(*ledger::head(raw.header_bytes()).as_bytes());
        }
        Ok(ControlFlow::Break(()))
    })?;
    Ok(found)
}

/// Makes records of the domain, one after another. Most share their context with the record before: it is decoded once,
/// and its texts are kept once.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    last: Option<(Vec<u8>, Context)>,
}

impl Decoder {
    /// Makes a record from its bytes; `None` when a later release wrote the event.
    pub(crate) fn decode(&mut self, raw: &RawRecord<'_>) -> Result<Option<Record>, Error> {
        let header = raw.header();
        let Some(body) = raw.body() else { return Ok(None) };
        let decoded =
            event::decode_event(header.event_type, header.schema, body).map_err(|error| damaged(raw, &error))?;
        let event::Decoded::Known(event) = decoded else { return Ok(None) };
        let context = self.context_of(raw)?;
        Ok(Some(header.record(context, event)))
    }

    /// Makes a step from its bytes, also of an erased record; `None` when a later release wrote the event.
    pub(crate) fn decode_step(&mut self, raw: &RawRecord<'_>) -> Result<Option<Step>, Error> {
        if raw.body().is_some() {
            return Ok(self.decode(raw)?.map(Step::Told));
        }
        let context = self.context_of(raw)?;
        Ok(Some(Step::Erased(raw.header().erased_record(context))))
    }

    /// Decodes the context of a record with any event.
    pub(crate) fn context_of(&mut self, raw: &RawRecord<'_>) -> Result<Context, Error> {
        self.context(raw.context()).map_err(|error| damaged(raw, &error))
    }

    fn context(&mut self, bytes: &[u8]) -> Result<Context, CodecError> {
        match &self.last {
            Some((last, context)) if last == bytes => Ok(context.clone()),
            _ => {
                let context = context::decode_context(bytes)?;
                self.last = Some((bytes.to_vec(), context.clone()));
                Ok(context)
            }
        }
    }
}

fn damaged(raw: &RawRecord<'_>, error: &CodecError) -> Error {
    let position = raw.header().position;
    Error::corrupt(format!("record {position} cannot be read: {error}; restore it from a backup"))
}

/// Returns the subject in a header: the inverse of what [`Decoder`] reads.
pub(crate) fn header_subject(subject: Option<Subject>) -> ledger::Subject {
    match subject {
        None => ledger::Subject::Store,
        Some(Subject { secret, revision }) => ledger::Subject::Secret { id: secret, revision },
    }
}
