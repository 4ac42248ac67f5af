//! Owns the conversion of rows to a snapshot: first saved state, then the records after its mark, verified.
//!
//! Saved state that the voucher does not prove is discarded, and the log is replayed from its beginning. Without a
//! voucher only the log is used. A log that does not reach the anchor has lost records, and one that does not fit the
//! voucher was changed. Both are always reported. Read next: [`super::voucher`], [`super::replay`].

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use crate::codec::event::vocabulary;
use crate::codec::mark::RowTotal;
use crate::codec::voucher::Voucher;
use crate::domain::batch::{Placed, remember};
use crate::domain::clock::ClockRebased;
use crate::domain::event::Event;
use crate::domain::id::LogId;
use crate::domain::legal::walk::Walk;
use crate::domain::legal::{AcceptedStep, Flaw, IllegalStep};
use crate::domain::position::Position;
use crate::domain::rebase::{self, Rebased};
use crate::domain::record::Record;
use crate::domain::secret::Secret;
use crate::domain::state::State;
use crate::domain::step::Step;
use crate::error::{Error, ErrorKind};
use crate::ledger::{ChainEnd, ChainVerifier, Frontier, Head};
use crate::projection::Projections;
use crate::seal::root::RowsKey;
use crate::storage::{AnchorMark, Storage};

use super::history::History;
use super::log::head_before;
use super::missing::MissingBodies;
use super::replay::replay;
use super::saved::{Item, Mark, Saved};
use super::saved_rows::{Rows, load, survey};
use super::slots::slots_of;
use super::snapshot::Snapshot;
use super::tree;
use super::voucher::{self, Vouching};

/// The result of a recovery.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) snapshot: Snapshot,
    /// Records that were replayed.
    pub(crate) replayed: u64,
    /// Whether saved state was discarded.
    pub(crate) rebuilt: bool,
    /// Whether a voucher covers the rows. If not, only the log was used.
    pub(crate) is_vouched: bool,
    /// Bodies that are present although they were erased; only if only the log was used.
    pub(crate) still_there: BTreeSet<Position>,
    /// Events that only a later release knows.
    pub(crate) unknown_events: u64,
    /// The first illegal step that no restore accepted. Only searched in a replay from the beginning.
    pub(crate) illegal: Option<IllegalStep>,
    /// The illegal steps that a restore accepted. Only searched in a replay from the beginning.
    pub(crate) accepted: Vec<AcceptedStep>,
    /// Errors that an earlier release wrote. Only searched in a replay from the beginning.
    pub(crate) flaws: Vec<Flaw>,
}

impl Recovered {
    /// Returns the result for a store that was just made.
    pub(crate) fn made(snapshot: Snapshot) -> Self {
        let (still_there, flaws, accepted) = (BTreeSet::new(), Vec::new(), Vec::new());
        let (rebuilt, is_vouched, illegal) = (false, true, None);
        Self { snapshot, replayed: 0, rebuilt, is_vouched, still_there, unknown_events: 0, illegal, accepted, flaws }
    }
}

/// The input of a recovery.
pub(crate) struct Basis<'a> {
    pub(crate) storage: &'a dyn Storage,
    pub(crate) log_id: &'a LogId,
    pub(crate) key: &'a Arc<RowsKey>,
    /// `None` in a store of an earlier release: then only the log is used.
    pub(crate) voucher: Option<&'a Voucher>,
}

/// Recovers the last state in the log.
///
/// # Errors
///
/// Kind `Corrupt` when the log is damaged, shorter than the anchor says, or does not fit the voucher.
pub(crate) fn recover(basis: &Basis<'_>) -> Result<Recovered, Error> {
    let (storage, key) = (basis.storage, basis.key.bytes());
    let found = match load(storage, key) {
        Err(error) if *error.kind() == ErrorKind::Corrupt => survey(storage, key)?,
        loaded => loaded?,
    };
    let (rows, as_of) = (found.rows.clone(), found.as_of());
    let fit = match basis.voucher {
        // State that a later release saved may depend on events that this release does not know.
        Some(voucher) if voucher.vocabulary <= vocabulary() => found.fits(storage, key, voucher)?,
        Some(_) | None => None,
    };
    let saved = match fit {
        Some(start) => Some(run(basis, start)?),
        None => None,
    };
    // Rows that are ahead of the log cannot belong to it.
    let recovered = match saved.filter(|recovered| recovered.snapshot.end.size >= as_of) {
        Some(recovered) => recovered,
        None => Recovered { rebuilt: !rows.items.is_empty(), ..run(basis, Start::genesis(basis.log_id, rows))? },
    };
    check_anchor(storage, &recovered.snapshot.end)?;
    if let Some(voucher) = basis.voucher {
        voucher::check_end(voucher, &recovered.snapshot.end)?;
    }
    Ok(recovered)
}

/// Replays the whole log, without saved state and without a voucher.
pub(crate) fn rebuild(storage: &dyn Storage, log_id: &LogId, key: &Arc<RowsKey>) -> Result<Recovered, Error> {
    let basis = Basis { storage, log_id, key, voucher: None };
    run(&basis, Start::genesis(log_id, Rows::default()))
}

/// The start of a replay.
pub(super) struct Start {
    pub(super) walk: Walk,
    pub(super) mark: Mark,
    pub(super) rows: RowTotal,
    pub(super) whole: Option<[u8; 32]>,
    /// Rows that no longer count: they will be rewritten or removed.
    pub(super) stale: Vec<Item>,
}

impl Start {
    fn genesis(log_id: &LogId, rows: Rows) -> Self {
        let end = ChainEnd::genesis(log_id);
        let mark = Mark { position: end.size, head: *end.head.as_bytes() };
        let walk = Walk::from_genesis(*log_id);
        Self { walk, mark, rows: rows.total, whole: None, stale: rows.items }
    }
}

fn run(basis: &Basis<'_>, start: Start) -> Result<Recovered, Error> {
    let (storage, Start { mut walk, mark, rows, whole, stale }) = (basis.storage, start);
    let whole_as_of = (!walk.is_checked()).then_some(walk.state().whole.log_size);
    let verifier = ChainVerifier::from_slice(mark.position, Head::from_bytes(mark.head));
    let mut changed = HashSet::from_iter(stale);
    let ended = replay(storage, verifier, mark.position..Position::new(u64::MAX), &mut |batch: Vec<Step>| {
        take(&mut walk, &batch, whole_as_of, &mut changed);
        Ok(())
    })?;
    if whole_as_of.is_none() {
        changed.extend(walk.state().secrets.keys().map(|id| Item::Secret(*id)));
    }
    let still_there = check_bodies(&ended.missing, basis)?;
    // After an event that this release cannot read, later events may look illegal.
    let illegal = walk.illegal().filter(|_| ended.unknown_events == 0);
    let (flaws, accepted) = (walk.flaws().to_vec(), walk.accepted().to_vec());
    let mut state = walk.into_state();
    state.whole.last_at = state.whole.last_at.max(ended.end.time);
    state.whole.log_size = ended.end.size;
    settle(&mut state);
    let end = ChainEnd { time: state.whole.last_at, ..ended.end };
    let projections = Projections::rebuild(state.secrets.values().map(AsRef::as_ref));
    let mut saved = Saved::new(mark, rows, whole);
    for item in changed {
        saved.touch(item);
    }
    let (replayed, unknown_events) = (ended.records, ended.unknown_events);
    let (frontier, vouching, erased_up_to) = vouched(basis, &state, &end, ended.missing.erased_up_to())?;
    let history = History::load(storage, erased_up_to)?;
    let snapshot = Snapshot { state, projections, end, frontier, saved, history, vouching };
    let is_vouched = basis.voucher.is_some();
    let rebuilt = false;
    Ok(Recovered { snapshot, replayed, rebuilt, is_vouched, still_there, unknown_events, illegal, accepted, flaws })
}

/// Refuses bodies that are missing without a reason, or present although they were erased. Without a voucher, returns
/// the latter: a restore by release 0.1 could leave some, from a backup taken during an erasure.
fn check_bodies(missing: &MissingBodies, basis: &Basis<'_>) -> Result<BTreeSet<Position>, Error> {
    if let Some(position) = missing.unexplained() {
        return Err(Error::body_missing(position));
    }
    match missing.still_there().first().filter(|_| basis.voucher.is_some()) {
        Some(position) => Err(Error::body_put_back(*position)),
        None => Ok(missing.still_there().clone()),
    }
}

/// Returns the parts of the voucher besides saved state; without a voucher, from the log and its slots.
fn vouched(
    basis: &Basis<'_>,
    state: &State,
    end: &ChainEnd,
    erased_up_to: Position,
) -> Result<(Frontier, Vouching, Position), Error> {
    let key = Arc::clone(basis.key);
    if let Some(voucher) = basis.voucher {
        let (slots, vocabulary) = (voucher.slots.clone(), voucher.vocabulary.max(vocabulary()));
        let vouching = Vouching { key, slots, vocabulary };
        return Ok((voucher::frontier(voucher)?, vouching, Position::new(voucher.erased_up_to)));
    }
    let slots = slots_of(basis.storage, &state.whole.key_slots)?;
    let vouching = Vouching::new(key, slots.iter().map(|(number, bytes)| (*number, bytes.as_slice())));
    Ok((tree::rebuild(basis.storage, basis.log_id, end)?, vouching, erased_up_to))
}

/// Applies a batch, except to saved rows that are already past it; `whole_as_of` is the position of the row of the part
/// that belongs to no secret, if there are rows.
fn take(walk: &mut Walk, batch: &[Step], whole_as_of: Option<Position>, changed: &mut HashSet<Item>) {
    for step in batch {
        let as_of = |whole_as_of| match step.secret() {
            Some(id) => walk.state().secret(id).map_or(Position::FIRST, |secret| secret.as_of),
            None => whole_as_of,
        };
        let is_new = whole_as_of.is_none_or(|whole_as_of| step.position() >= as_of(whole_as_of));
        if whole_as_of.is_some() {
            changed.extend(rebase_rows(walk.state_mut(), step));
        }
        if is_new {
            walk.follow(step);
        }
        // If there are no rows, every secret that is left at the end has changed.
        if is_new && whole_as_of.is_some() {
            changed.extend(step.secret().map(Item::Secret));
            if let Step::Told(record) = step
                && let Event::StoreRestored(_) = &record.event
            {
                changed.extend(walk.state().secrets.keys().map(|id| Item::Secret(*id)));
            }
        }
        // A row may be past everything that an opening wrote. The next opening must not use its number, nor an earlier
        // time.
        let whole = &mut walk.state_mut().whole;
        (whole.writer_epoch, whole.last_at) = (step.context().writer_epoch, step.goes_on_at());
    }
    let forgotten = remember(walk.state_mut(), batch);
    let remembered = batch.last().filter(|last| last.context().idempotency.is_some()).map(Placed::position);
    changed.extend(forgotten.into_iter().chain(remembered).map(Item::Answer));
}

/// Moves the times of rows that are before a rebase of the clock, when the row of the part that belongs to no secret
/// may be past it; returns those rows.
fn rebase_rows(state: &mut State, step: &Step) -> Vec<Item> {
    let Step::Told(record) = step else { return Vec::new() };
    let Event::ClockRebased(event) = &record.event else { return Vec::new() };
    let moved = moved_by(state, event, record);
    rebase::catch_up(state, event, record);
    moved
}

/// Returns the rows whose times a rebase of the clock moves.
pub(super) fn moved_by(state: &State, event: &ClockRebased, record: &Record) -> Vec<Item> {
    let rebased = Rebased::of(event, record);
    let secrets = state.secrets.values().filter(|secret| rebase::is_concerned(secret, &rebased));
    let answers = state.remembered.given_after(event.observed_at).into_iter();
    secrets.map(|secret| Item::Secret(secret.id)).chain(answers.map(Item::Answer)).collect()
}

/// Derives again what follows from the secrets, since rows may be as of different positions.
pub(super) fn settle(state: &mut State) {
    let name = |secret: &Arc<Secret>| ((secret.secret_type(), secret.metadata.name.clone()), secret.id);
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

/// Refuses a log that does not reach the size that was once durable.
fn check_anchor(storage: &dyn Storage, end: &ChainEnd) -> Result<(), Error> {
    let Some(AnchorMark { log_size, head }) = storage.anchor() else { return Ok(()) };
    if end.size.get() < log_size {
        return Err(Error::records_lost(end.size.get(), log_size));
    }
    let found = if end.size.get() == log_size {
        Some(*end.head.as_bytes())
    } else {
        head_before(storage, Position::new(log_size))?
    };
    if log_size > 0 && found != Some(head) {
        return Err(Error::corrupt(format!(
            "the log is not the one that was anchored at {log_size} records; restore it from a backup"
        )));
    }
    Ok(())
}
