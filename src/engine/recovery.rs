//! Owns the way from rows to a snapshot: saved state first, then the records after its mark, verified.
//!
//! Saved state that does not fit the log is thrown away, and the log replayed from its beginning. A log that does not
//! reach the anchor has lost records: that is never passed over. Read next: [`super::log`].

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use crate::codec::mark::{RowSum, SavedMark};
use crate::codec::{keys, saved as bytes};
use crate::domain::evolve::{evolve, remember};
use crate::domain::id::LogId;
use crate::domain::position::Position;
use crate::domain::record::Record;
use crate::domain::state::{State, Whole};
use crate::domain::time::Timestamp;
use crate::error::Error;
use crate::ledger::{ChainEnd, ChainVerifier, Head};
use crate::projection::Projections;
use crate::storage::chunks::{count, read_chunked, scan_chunked};
use crate::storage::{AnchorMark, KeyRange, Storage};

use super::replay::replay;
use super::saved::{Item, Mark, RowOnDisk, Saved};
use super::snapshot::Snapshot;

/// What an open found.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) snapshot: Snapshot,
    /// Records that were replayed.
    pub(crate) replayed: u64,
    /// Whether saved state was thrown away.
    pub(crate) rebuilt: bool,
    /// Events that only a later release knows.
    pub(crate) unknown_events: u64,
}

/// Recovers the last state that is in the log.
///
/// # Errors
///
/// Kind `Corrupt` when the log is damaged, or shorter than the anchor says.
pub(crate) fn recover(storage: &dyn Storage, log_id: &LogId) -> Result<Recovered, Error> {
    let found = load(storage)?;
    let rows = found.rows.clone();
    let as_of = found.as_of();
    let saved = match found.fits(storage)? {
        Fit::Yes(mark) => Some(run(storage, Start { state: found.state, mark, stale: OrdSet::new() }, rows.clone())?),
        Fit::No => None,
    };
    // Rows that know more than the log does cannot be of it.
    let recovered = match saved.filter(|recovered| recovered.snapshot.end.size >= as_of) {
        Some(recovered) => recovered,
        None => {
            let rebuilt = !rows.is_empty();
            Recovered { rebuilt, ..run(storage, Start::genesis(log_id, &rows), rows)? }
        }
    };
    check_anchor(storage, &recovered.snapshot.end)?;
    Ok(recovered)
}

/// Replays the whole log, looking at no saved state.
pub(crate) fn rebuild(storage: &dyn Storage, log_id: &LogId) -> Result<Recovered, Error> {
    run(storage, Start::genesis(log_id, &OrdMap::new()), OrdMap::new())
}

/// Where a replay starts from.
struct Start {
    state: State,
    mark: Mark,
    stale: OrdSet<Item>,
}

impl Start {
    fn genesis(log_id: &LogId, rows: &OrdMap<Item, RowOnDisk>) -> Self {
        let end = ChainEnd::genesis(log_id);
        let mark = Mark { position: end.size, head: *end.head.as_bytes() };
        Self { state: State::default(), mark, stale: rows.keys().copied().collect() }
    }
}

fn run(storage: &dyn Storage, start: Start, rows: OrdMap<Item, RowOnDisk>) -> Result<Recovered, Error> {
    let Start { mut state, mark, stale } = start;
    let whole_as_of = state.whole.log_size;
    let saved = Saved::new(mark, rows, stale);
    let verifier = ChainVerifier::from_slice(mark.position, Head::from_bytes(mark.head));
    let mut changed = Changed::default();
    let ended = replay(storage, verifier, mark.position, &mut |batch: Vec<Record>| {
        changed.take(&mut state, &batch, whole_as_of);
        Ok(())
    })?;
    let end = ChainEnd { size: ended.size, head: ended.head, time: state.whole.last_at.max(ended.last_at) };
    state.whole.log_size = end.size;
    settle(&mut state);
    let projections = Projections::rebuild(state.secrets.values().map(AsRef::as_ref));
    let mut snapshot = Snapshot { state, projections, end, saved };
    changed.items.into_iter().for_each(|item| snapshot.saved.touch_item(item));
    Ok(Recovered { snapshot, replayed: ended.records, rebuilt: false, unknown_events: ended.unknown_events })
}

/// What a replay has changed.
#[derive(Default)]
struct Changed {
    items: BTreeSet<Item>,
}

impl Changed {
    /// Takes a batch in, but for what saved rows have taken in already.
    fn take(&mut self, state: &mut State, batch: &[Record], whole_as_of: Position) {
        for record in batch {
            let as_of = match record.secret() {
                Some(id) => state.secret(id).map_or(Position::FIRST, |secret| secret.as_of),
                None => whole_as_of,
            };
            if record.position < as_of {
                continue;
            }
            evolve(state, record);
            self.items.extend(record.secret().map(Item::Secret));
        }
        let forgotten = remember(state, batch);
        let remembered = batch.last().filter(|last| last.context.idempotency.is_some()).map(|last| last.position);
        self.items.extend(forgotten.into_iter().chain(remembered).map(Item::Answer));
    }
}

/// Works out again what follows from the secrets, since rows may be as of different positions.
fn settle(state: &mut State) {
    let name = |secret: &Arc<crate::domain::secret::Secret>| {
        ((secret.secret_type(), secret.metadata.name.clone()), secret.id)
    };
    state.names = state.secrets.values().map(name).collect();
    for group in state.whole.groups.values_mut() {
        group.secrets = 0;
    }
    for secret in state.secrets.values() {
        if let Some(group) = state.whole.groups.get_mut(&secret.group) {
            group.secrets = group.secrets.saturating_add(1);
        }
    }
}

/// Saved state as it lies beside the log.
struct Loaded {
    state: State,
    rows: OrdMap<Item, RowOnDisk>,
    mark: Option<SavedMark>,
    is_damaged: bool,
}

/// Whether saved state can be gone on from.
enum Fit {
    Yes(Mark),
    No,
}

impl Loaded {
    /// Gives the log size that the newest row has seen.
    fn as_of(&self) -> Position {
        let secrets = self.state.secrets.values().map(|secret| secret.as_of);
        secrets.chain([self.state.whole.log_size]).max().unwrap_or(Position::FIRST)
    }

    /// Tells whether the rows are those that the mark counts, and the mark lies on the chain of the log.
    fn fits(&self, storage: &dyn Storage) -> Result<Fit, Error> {
        let Some(mark) = self.mark.filter(|_| !self.is_damaged) else { return Ok(Fit::No) };
        let mut sum = RowSum::default();
        self.rows.values().for_each(|row| sum.add(row.digest));
        let count = u64::try_from(self.rows.len()).unwrap_or(u64::MAX);
        let position = Position::new(mark.position);
        if count != mark.rows || sum != mark.sum || position == Position::FIRST {
            return Ok(Fit::No);
        }
        let head = head_at(storage, position)?;
        Ok(if head == Some(mark.head) { Fit::Yes(Mark { position, head: mark.head }) } else { Fit::No })
    }
}

fn load(storage: &dyn Storage) -> Result<Loaded, Error> {
    let mark = storage.get(&keys::saved_mark())?.and_then(|row| SavedMark::decode(&row).ok());
    let mut found = Loaded { state: State::default(), rows: OrdMap::new(), mark, is_damaged: false };
    match read_chunked(storage, &keys::saved_whole())?.map(|row| bytes::decode_whole(&row, &keys::saved_whole())) {
        Some(Ok(whole)) => found.state.whole = whole,
        Some(Err(_)) => found.is_damaged = true,
        None => found.state.whole = Whole::default(),
    }
    let secrets = KeyRange::prefix(&keys::saved_secrets());
    scan_chunked(storage, &secrets, &mut |key, row| {
        match (keys::parse_saved_secret(key), bytes::decode_secret(row, key)) {
            (Some(id), Ok(secret)) if secret.id == id => {
                found.note(Item::Secret(id), row);
                found.state.secrets.insert(id, Arc::new(secret));
            }
            (Some(id), _) => found.damaged(Item::Secret(id), row),
            (None, _) => found.is_damaged = true,
        }
        ControlFlow::Continue(())
    })?;
    let answers = KeyRange::prefix(&keys::saved_answers());
    scan_chunked(storage, &answers, &mut |key, row| {
        match (keys::parse_saved_answer(key), bytes::decode_answer(row, key)) {
            (Some(position), Ok(answer)) => {
                found.note(Item::Answer(position), row);
                found.state.remembered.keep(position, Arc::new(answer));
            }
            (Some(position), Err(_)) => found.damaged(Item::Answer(position), row),
            (None, _) => found.is_damaged = true,
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

impl Loaded {
    fn note(&mut self, item: Item, row: &[u8]) {
        self.rows.insert(item, RowOnDisk { digest: bytes::digest(row), chunks: count(row.len()) });
    }

    fn damaged(&mut self, item: Item, row: &[u8]) {
        self.note(item, row);
        self.is_damaged = true;
    }
}

/// Gives the chain value before a position; none when the log does not reach it.
fn head_at(storage: &dyn Storage, position: Position) -> Result<Option<[u8; 32]>, Error> {
    let Some(before) = position.get().checked_sub(1) else { return Ok(None) };
    let mut found = None;
    super::log::scan_records(storage, Position::new(before), position, &mut |raw| {
        if raw.header().position.get() == before {
            found = Some(*crate::ledger::head(raw.header_bytes()).as_bytes());
        }
        Ok(ControlFlow::Break(()))
    })?;
    Ok(found)
}

/// Refuses a log that does not reach what was once durable.
fn check_anchor(storage: &dyn Storage, end: &ChainEnd) -> Result<(), Error> {
    let Some(AnchorMark { log_size, head }) = storage.anchor() else { return Ok(()) };
    if end.size.get() < log_size {
        return Err(Error::records_lost(end.size.get(), log_size));
    }
    let found = if end.size.get() == log_size { Some(*end.head.as_bytes()) } else { head_at(storage, Position::new(log_size))? };
    if log_size > 0 && found != Some(head) {
        return Err(Error::corrupt(format!(
            "the log is not the one that was anchored at {log_size} records; restore it from a backup"
        )));
    }
    Ok(())
}

/// The time before the first record.
pub(super) const BEGINNING: Timestamp = Timestamp::EPOCH;
