//! Owns the building of a store from an existing log: rows in batches, and at the end the record of the restore.
//!
//! The chain is verified once more on the way, wherever the log comes from, and the tree is made anew. The directory is
//! not a store before the last batch is in and the directory has its name. Read next: [`crate::storage`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::audit::AcceptedStep;
use crate::codec::keys;
use crate::domain::command::Terms;
use crate::domain::event::{Event, SigningKeySet, StoreRestored};
use crate::domain::id::LogId;
use crate::domain::position::Position;
use crate::domain::quarantine::RestoredFrom;
use crate::domain::state::{State, Whole};
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::engine::checkpoint::NewSigningKey;
use crate::engine::committer::mark;
use crate::engine::draw::Draw;
use crate::engine::group::{By, Group};
use crate::engine::history::History;
use crate::engine::open::{Access, Opening, Place, go_on, recover_by};
use crate::engine::queue::Payload;
use crate::engine::saved::{Mark, Saved};
use crate::engine::snapshot::Snapshot;
use crate::engine::tree::grow;
use crate::engine::voucher::Vouching;
use crate::error::Error;
use crate::ledger::{ChainEnd, ChainVerifier, Frontier, frames};
use crate::projection::Projections;
use crate::seal::keyring::Keyring;
use crate::seal::sealing_key::SigningSeed;
use crate::storage::chunks::put_chunked;
use crate::storage::{AnchorMark, Batch, Disk, Fill, Memory, Put, Storage};

/// Bytes of a batch.
const BATCH_BYTES: usize = 4 * 1_024 * 1_024;

/// Refuses a place where a store cannot be made, before any long work begins.
pub(super) fn check_free(opening: &Opening) -> Result<(), Error> {
    match &opening.place {
        Place::Directory(dir) => Ok(Disk::check_free(dir)?),
        Place::Memory => Ok(()),
    }
}

/// Makes the storage of a new store whose rows `fill` puts.
pub(super) fn storage(opening: &Opening, fill: &mut Fill<'_, Error>) -> Result<Arc<dyn Storage>, Error> {
    match &opening.place {
        Place::Directory(dir) => Ok(Arc::new(Disk::create_filled(dir, opening.disk.clone(), fill)?)),
        Place::Memory => {
            let memory = Memory::new();
            fill(&mut |batch| memory.commit(batch))?;
            Ok(Arc::new(memory))
        }
    }
}

/// Opens a store that was just built.
pub(super) fn open(
    storage: Arc<dyn Storage>,
    log_id: LogId,
    keyring: Keyring,
    opening: &Opening,
) -> Result<Engine, Error> {
    let recovered = recover_by(&*storage, &log_id, &keyring)?;
    go_on(storage, log_id, recovered, keyring, opening, Access::ReadWrite)
}

/// A store under construction.
pub(super) struct Builder<'b, 'p> {
    put: &'b mut Put<'p>,
    batch: Batch,
    bytes: usize,
    chain: ChainVerifier,
    frontier: Frontier,
}

/// Returns the record of a restore at a size.
fn restored(from: RestoredFrom, log_size: Position, birth: (&Opening, &Whole), at: Timestamp) -> Event {
    let (opening, whole) = birth;
    let incarnation = whole.incarnation().restored_at(at);
    let with_data = from == RestoredFrom::Backup;
    let accepted_steps = opening.accepted_steps.iter().copied().collect();
    StoreRestored { from, log_size, with_data, incarnation, accepted_steps }.into()
}

/// Refuses to accept a step that breaks no rule: the caller must mean another one.
pub(super) fn refuse_legal(asked: &BTreeSet<Position>, accepted: &[AcceptedStep]) -> Result<(), Error> {
    let is_illegal = |position: &&Position| accepted.iter().any(|accepted| accepted.step.position == **position);
    match asked.iter().find(|position| !is_illegal(position)) {
        Some(position) => Err(Error::step_is_legal(*position)),
        None => Ok(()),
    }
}

/// Returns the time of a restore. The log keeps it for good, and it determines the incarnation. So a clock that is too
/// far ahead of the last record is refused.
pub(super) fn time_of_restore(opening: &Opening, whole: &Whole) -> Result<Timestamp, Error> {
    let now = opening.clock.now();
    if now.since(whole.last_at) > opening.clock_bounds.ahead_at_open {
        return Err(Error::time_unconfirmed(now, whole.last_at));
    }
    Ok(now.max(whole.last_at))
}

/// Makes the signing key of the restored store.
fn own_key(keyring: &Keyring, log_id: LogId, whole: &Whole) -> Result<(SigningKeySet, Payload), Error> {
    let number = whole.next_signing_key().ok_or_else(|| Error::internal("four billion signing keys were made"))?;
    let NewSigningKey { wrapped, verifier_key } =
        NewSigningKey::make(keyring, log_id, number, &SigningSeed::random()?)?;
    Ok((SigningKeySet { number, verifier_key }, Payload::SigningSeed { number, wrapped }))
}

/// The content of the record of a restore, and the changes that belong to it.
pub(super) struct Birth<'a> {
    pub(super) opening: &'a Opening,
    pub(super) log_id: LogId,
    pub(super) keyring: &'a Keyring,
    /// The part of the state at the end of the log that belongs to no secret.
    pub(super) whole: &'a Whole,
    pub(super) from: RestoredFrom,
    /// Changes of key slots in the same batch, and their rows.
    pub(super) slots: Vec<Event>,
    /// The slots that exist without these changes.
    pub(super) kept_slots: &'a BTreeMap<u8, Vec<u8>>,
    pub(super) slot_rows: Vec<Payload>,
}

impl<'b, 'p> Builder<'b, 'p> {
    pub(super) fn new(put: &'b mut Put<'p>, log_id: &LogId) -> Self {
        let (chain, frontier) = (ChainVerifier::from_genesis(log_id), Frontier::default());
        Self { put, batch: Batch::new(), bytes: 0, chain, frontier }
    }

    /// Returns the end of the log so far.
    pub(super) fn end(&self) -> Result<ChainEnd, Error> {
        Ok(self.chain.clone().finish()?)
    }

    pub(super) const fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Adds a row.
    pub(super) fn row(&mut self, row_key: &[u8], row: &[u8]) -> Result<(), Error> {
        self.batch.put(row_key, row)?;
        self.flush_at(row.len())
    }

    /// Adds a value in chunks.
    pub(super) fn chunked(&mut self, row_key: &[u8], value: &[u8]) -> Result<(), Error> {
        put_chunked(&mut self.batch, row_key, value)?;
        self.flush_at(value.len())
    }

    /// Adds a commit of the log, after the earlier ones.
    pub(super) fn commit(&mut self, first: Position, bytes: &[u8]) -> Result<(), Error> {
        let mut heads = Vec::new();
        for raw in frames(bytes) {
            let raw = raw.map_err(|error| Error::corrupt(format!("the log is damaged: {error}")))?;
            heads.push(self.chain.verify(&raw)?);
        }
        grow(&mut self.frontier, &heads, &mut self.batch)?;
        self.chunked(&keys::log_commit(first), bytes)
    }

    fn flush_at(&mut self, bytes: usize) -> Result<(), Error> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes >= BATCH_BYTES {
            (self.put)(&std::mem::take(&mut self.batch))?;
            self.bytes = 0;
        }
        Ok(())
    }

    /// Ends the log with the record of the restore and a new signing key, in one batch.
    pub(super) fn finish(mut self, birth: Birth<'_>) -> Result<AnchorMark, Error> {
        let Birth { opening, log_id, keyring, whole, from, slots, kept_slots, slot_rows } = birth;
        let vouching = Vouching::new(keyring.rows_key(), kept_slots.iter().map(|(at, bytes)| (*at, bytes.as_slice())));
        let end = self.chain.finish()?;
        let now = time_of_restore(opening, whole)?;
        let (set, seed) = own_key(keyring, log_id, whole)?;
        let events = [restored(from, end.size, (opening, whole), now)].into_iter().chain(slots).chain([set.into()]);
        let events = events.map(|event| (None, event)).collect();
        // Secrets do not matter here: the open makes the state from the whole log.
        let here = Mark { position: end.size, head: *end.head.as_bytes() };
        // So no past state is made of it.
        let mut history = History::default();
        history.keep_apart(u64::MAX);
        let mut snapshot = Snapshot {
            state: State { whole: whole.clone(), ..State::default() },
            projections: Projections::default(),
            end,
            frontier: self.frontier,
            saved: Saved::none(here),
            history,
            vouching,
        };
        let terms = Terms::by(opening.system.clone());
        let by = By { terms: &terms, now, writer_epoch: whole.writer_epoch.next() };
        let mut group = Group::new(end.size);
        group.append(&mut snapshot, events, Payload::None, &by, &mut Draw::new())?;
        for row in slot_rows {
            group.bring(&mut snapshot, row)?;
        }
        group.bring(&mut snapshot, seed)?;
        group.close(&mut snapshot, here, &Memory::new())?;
        (self.put)(&std::mem::take(&mut self.batch))?;
        (self.put)(&group.batch)?;
        Ok(mark(&snapshot))
    }
}
