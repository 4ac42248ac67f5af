//! Owns the erasing of bodies from the rows of the log: which commit has which record, and commits without bodies.
//!
//! A commit is rewritten and becomes shorter; its headers, contexts and chain do not change. Read next: [`super::log`].

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use crate::codec::event::{Decoded, decode_event};
use crate::codec::keys;
use crate::domain::erasable::{About, Erasable};
use crate::domain::event::Event;
use crate::domain::id::SecretId;
use crate::domain::position::Position;
use crate::domain::refusal::Refusal;
use crate::error::Error;
use crate::ledger::{Erasure, RawRecord, Subject, frames};
use crate::storage::chunks::{count, put_chunked, remove_counted};
use crate::storage::{Batch, Storage};

use super::log::{scan_commits, scan_records};

/// Bytes of commits that one erasure reads and rewrites, at most. One commit always fits, and one batch also has space
/// for the restatements.
const REWRITTEN_BYTES_MAX: usize = 25 * 1_024 * 1_024;

/// Returns what the bodies at some positions are about, if each of them can be erased; `end` is the size of the log.
pub(crate) fn look(
    storage: &dyn Storage,
    positions: &BTreeSet<Position>,
    end: Position,
) -> Result<Result<Vec<Erasable>, Refusal>, Error> {
    if let Some(beyond) = positions.range(end..).next() {
        return Ok(Err(refusal(*beyond, &format!("lies beyond the end of the log, which has {end} records"))));
    }
    let (mut found, mut refused, mut bytes) = (Vec::new(), None, 0_usize);
    each_commit(storage, positions, &mut |_, before, raws| {
        bytes = bytes.saturating_add(before.len());
        refused = too_much(bytes, before.len());
        for raw in raws {
            match about(raw)? {
                Ok(about) => found.push(Erasable { position: raw.header().position, about }),
                Err(refusal) => refused = refused.take().or(Some(refusal)),
            }
        }
        Ok(if refused.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(refused.map_or(Ok(found), Err))
}

/// Commits without some of their bodies.
#[derive(Debug, Default)]
pub(super) struct Rewritten(Vec<Commit>);

#[derive(Debug)]
struct Commit {
    first: Position,
    bytes_before: usize,
    framed: Vec<u8>,
}

/// Frames commits anew without the bodies at some positions. No other write may be pending.
pub(super) fn rewrite(
    storage: &dyn Storage,
    positions: &BTreeSet<Position>,
) -> Result<Result<Rewritten, Refusal>, Error> {
    let (mut rewritten, mut bytes, mut refused) = (Rewritten::default(), 0_usize, None);
    each_commit(storage, positions, &mut |first, before, raws| {
        bytes = bytes.saturating_add(before.len());
        refused = raws.iter().find_map(check).or_else(|| too_much(bytes, before.len()));
        if refused.is_some() {
            return Ok(ControlFlow::Break(()));
        }
        let mut framed = Vec::with_capacity(before.len());
        for raw in frames(before) {
            let raw = raw.map_err(|error| Error::corrupt(format!("the log is damaged: {error}")))?;
            let is_erased = positions.contains(&raw.header().position);
            let left = if is_erased { raw.erased().unwrap_or(raw) } else { raw };
            left.frame(&mut framed);
        }
        rewritten.0.push(Commit { first, bytes_before: before.len(), framed });
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(refused.map_or(Ok(rewritten), Err))
}

/// Refuses more bytes of commits than one erasure rewrites, except if the last one is the only one.
fn too_much(bytes: usize, last: usize) -> Option<Refusal> {
    let is_too_much = bytes > REWRITTEN_BYTES_MAX && bytes > last;
    is_too_much.then(|| Refusal::invalid("positions", "lie in too much of the log at once; erase fewer at a time"))
}

impl Rewritten {
    /// Replaces the commits, and removes the surplus chunks of the longer ones.
    pub(super) fn put(&self, batch: &mut Batch) -> Result<(), Error> {
        for commit in &self.0 {
            let key = keys::log_commit(commit.first);
            remove_counted(batch, &key, count(commit.bytes_before))?;
            put_chunked(batch, &key, &commit.framed)?;
        }
        Ok(())
    }
}

/// Returns the positions, from one on, of records about a secret whose bodies can be erased: the first `limit`.
pub(crate) fn erasable_records(
    storage: &dyn Storage,
    secret: SecretId,
    span: std::ops::Range<Position>,
    limit: usize,
) -> Result<Vec<Position>, Error> {
    let mut found = Vec::new();
    scan_records(storage, span.start, span.end, &mut |raw| {
        if found.len() >= limit {
            return Ok(ControlFlow::Break(()));
        }
        let is_about = matches!(raw.header().subject, Subject::Secret { id, .. } if id == secret);
        if is_about && check(raw).is_none() {
            found.push(raw.header().position);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// Receives a commit: the position of its first record, its bytes, and the requested records of it.
type ShowRecords<'v> = dyn FnMut(Position, &[u8], &[RawRecord<'_>]) -> Result<ControlFlow<()>, Error> + 'v;

/// Calls `visit` once for each commit with one of the positions.
fn each_commit(
    storage: &dyn Storage,
    positions: &BTreeSet<Position>,
    visit: &mut ShowRecords<'_>,
) -> Result<(), Error> {
    let mut next = positions.first().copied();
    while let Some(from) = next {
        let (mut end, mut flow) = (from, ControlFlow::Continue(()));
        scan_commits(storage, from, &mut |first, bytes| {
            let mut asked = Vec::new();
            for raw in frames(bytes) {
                let raw = raw.map_err(|error| Error::corrupt(format!("the log is damaged: {error}")))?;
                end = raw.header().position.next();
                asked.extend(positions.contains(&raw.header().position).then_some(raw));
            }
            flow = visit(first, bytes, &asked)?;
            Ok(ControlFlow::Break(()))
        })?;
        if end <= from {
            return Err(Error::corrupt(format!("record {from} is not in the log; restore it from a backup")));
        }
        next = positions.range(end..).next().copied().filter(|_| flow.is_continue());
    }
    Ok(())
}

/// Returns why a body cannot be erased, if it cannot.
fn check(raw: &RawRecord<'_>) -> Option<Refusal> {
    let rule = match (raw.body(), raw.header().erasure) {
        (None, _) => "is erased already",
        (_, Erasure::Never) => "cannot be erased: a record of this kind is kept whole",
        (Some(_), Erasure::Allowed) => return None,
    };
    Some(refusal(raw.header().position, rule))
}

fn about(raw: &RawRecord<'_>) -> Result<Result<About, Refusal>, Error> {
    if let Some(refusal) = check(raw) {
        return Ok(Err(refusal));
    }
    let header = raw.header();
    if let Subject::Secret { id, .. } = header.subject {
        return Ok(Ok(About::Secret(id)));
    }
    Ok(match decode_event(header.event_type, header.schema, raw.body().unwrap_or_default())? {
        Decoded::Known(Event::GroupCreated(event)) => Ok(About::Group(event.group)),
        Decoded::Known(Event::GroupUpdated(event)) => Ok(About::Group(event.group)),
        Decoded::Known(Event::GroupRestated(event)) => Ok(About::Group(event.group)),
        Decoded::Known(_) | Decoded::Unknown => {
            Err(refusal(header.position, "was written by a later release; erase it with that"))
        }
    })
}

fn refusal(position: Position, rule: &str) -> Refusal {
    Refusal::invalid(&format!("position {position}"), rule)
}
