//! Owns the two ways to an open store: making one, and opening one.
//!
//! Read next: [`super::recovery`].

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::codec::keys;
use crate::codec::meta::{StoreMeta, decode_meta, encode_meta};
use crate::domain::clock::ClockBounds;
use crate::domain::command::Terms;
use crate::domain::event::{Event, SigningKeySet, StoreCreated};
use crate::domain::id::LogId;
use crate::domain::name::Actor;
use crate::domain::position::{Position, WriterEpoch};
use crate::domain::settings::{KeySlotKind, Settings};
use crate::domain::state::State;
use crate::error::Error;
use crate::ledger::accepted_restore::AcceptedRestore;
use crate::ledger::{ChainEnd, Frontier};
use crate::projection::Projections;
use crate::seal::keyring::Keyring;
use crate::seal::passphrase::PassphraseCost;
use crate::seal::random;
use crate::seal::root::RowsKey;
use crate::seal::sealing_key::{RootKey, SigningSeed};
use crate::seal::slots::Slots;
use crate::seal::unlock::Unlock;
use crate::seal::wrapped_key::WrappedEpochKey;
use crate::storage::{AnchorMark, Batch, Direction, Disk, DiskOptions, KeyRange, Memory, Storage};

use super::access::AccessBuffer;
use super::anchoring::{AnchorPace, Anchoring, CheckpointAnchor};
use super::checkpoint::NewSigningKey;
use super::clock::{Clock, StoreClock};
use super::committer::mark;
use super::draw::Draw;
use super::group::{By, Group};
use super::history::History;
use super::poison::Poison;
use super::queue::Payload;
use super::recovery::{Basis, Recovered, recover};
use super::saved::{Mark, Saved};
use super::slots::{decode, stored_slots};
use super::snapshot::{Published, Snapshot};
use super::sync::{Mutex, RwLock};
use super::threads::Threads;
use super::turn::Turns;
use super::voucher::Vouching;
use super::{Engine, Shared, voucher};

/// The place of a store.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Directory(PathBuf),
    Memory,
}

/// The parameters of an open.
pub(crate) struct Opening {
    pub(crate) place: Place,
    pub(crate) disk: DiskOptions,
    pub(crate) unlock: Unlock,
    pub(crate) passphrase_cost: PassphraseCost,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) clock_bounds: ClockBounds,
    pub(crate) lease_grace: Duration,
    pub(crate) queue_max: usize,
    /// Records between two past states.
    pub(crate) past_states_apart: u64,
    pub(crate) settings: Settings,
    pub(crate) system: Actor,
    pub(crate) anchors: Vec<Arc<dyn CheckpointAnchor>>,
    pub(crate) anchor_pace: AnchorPace,
    /// Checkpoints that were kept elsewhere; the log must extend each.
    pub(crate) expected_checkpoints: Vec<Box<str>>,
    /// Restores that a person accepted; the log must contain each.
    pub(crate) expected_restores: Vec<AcceptedRestore>,
    /// Illegal steps that a restore accepts, by position.
    pub(crate) accepted_steps: BTreeSet<Position>,
}

/// The purpose of an open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    ReadWrite,
    ReadOnly,
}

/// Makes a store and opens it.
pub(crate) fn create(opening: &Opening) -> Result<Engine, Error> {
    let log_id = LogId::from_bytes(random::array()?);
    let root = RootKey::random()?;
    let mut slots = Slots::new(log_id);
    let (number, slot) = slots.add(&root, &opening.unlock, opening.passphrase_cost)?;
    let kind = slot_kind(&slots, number)?;
    let (keyring, epoch_key) = Keyring::create(log_id, &root)?;
    let seed = SigningSeed::random()?;
    let signing = NewSigningKey::make(&keyring, log_id, FIRST_SIGNING_KEY, &seed)?;
    let rows_key = keyring.rows_key();
    let first = FirstRows { slot: (number, slot), epoch_key, signing, rows_key };
    let (batch, snapshot) = first_batch(opening, log_id, kind, first)?;
    let storage: Arc<dyn Storage> = match &opening.place {
        Place::Directory(dir) => Arc::new(Disk::create(dir, &batch, mark(&snapshot), opening.disk.clone())?),
        Place::Memory => {
            let memory = Memory::new();
            memory.commit(&batch)?;
            Arc::new(memory)
        }
    };
    let recovered = Recovered::made(snapshot);
    start(storage, log_id, recovered, keyring, opening, Access::ReadWrite)
}

/// Opens the store in a directory.
pub(crate) fn open(opening: &Opening, access: Access) -> Result<Engine, Error> {
    match &opening.place {
        Place::Directory(dir) => open_on(Arc::new(Disk::open(dir, opening.disk.clone())?), opening, access),
        Place::Memory => {
            Err(Error::from(crate::domain::invalid::Invalid::new("store", "in memory cannot be opened again")))
        }
    }
}

/// Opens the store in a storage.
pub(crate) fn open_on(storage: Arc<dyn Storage>, opening: &Opening, access: Access) -> Result<Engine, Error> {
    let meta = storage.get(&keys::STORE_META)?;
    let meta = meta.ok_or_else(|| lost_or_foreign(storage.anchor()))?;
    let StoreMeta { log_id, .. } = decode_meta(&meta)?;
    let stored = stored_slots(&*storage)?;
    let (root, slot) = decode(log_id, &stored).open(&opening.unlock)?;
    let keys = Keyring::without_epochs(log_id, &root);
    let recovered = recover_by(&*storage, &log_id, &keys)?;
    let bytes = stored.get(&slot).map(Vec::as_slice).unwrap_or_default();
    // The root key never changes; a removed slot must not open the store again.
    if !recovered.snapshot.state.whole.key_slots.contains_key(&slot)
        || !recovered.snapshot.vouching.has_slot(slot, bytes)
    {
        return Err(Error::slot_put_back(slot));
    }
    let keyring = own_epochs(&*storage, &keys, &recovered.snapshot.state.whole.epochs)?;
    go_on(storage, log_id, recovered, keyring, opening, access)
}

/// Recovers the state: by the voucher, if the epoch keys show that the store has one.
pub(super) fn recover_by(storage: &dyn Storage, log_id: &LogId, keys: &Keyring) -> Result<Recovered, Error> {
    let key = keys.rows_key();
    // Whatever other rows say: such a key cannot be made, or left out, without the root key.
    let is_vouched = epoch_rows(storage)?.iter().flatten().any(|wrapped| keys.shows_vouching(wrapped));
    let voucher = if is_vouched { Some(voucher::read(storage, &key)?) } else { None };
    recover(&Basis { storage, log_id, key: &key, voucher: voucher.as_ref() })
}

/// Makes a recovered store usable, if the release knows all of its log and the log is legal.
pub(super) fn go_on(
    storage: Arc<dyn Storage>,
    log_id: LogId,
    recovered: Recovered,
    keyring: Keyring,
    opening: &Opening,
    access: Access,
) -> Result<Engine, Error> {
    if access == Access::ReadOnly {
        return start(storage, log_id, recovered, keyring, opening, access);
    }
    if recovered.unknown_events > 0 {
        return Err(Error::unknown_events(recovered.unknown_events));
    }
    if let Some(step) = recovered.illegal {
        return Err(Error::illegal_log(&step));
    }
    start(storage, log_id, recovered, keyring, opening, access)
}

/// Returns the error for a missing first row of a store.
fn lost_or_foreign(anchor: Option<AnchorMark>) -> Error {
    match anchor {
        Some(mark) if mark.log_size > 0 => Error::records_lost(0, mark.log_size),
        _ => Error::corrupt("the store has no description of itself; restore it from a backup"),
    }
}

/// The number of a new store's signing key.
const FIRST_SIGNING_KEY: u32 = 1;

/// The first rows of a store.
struct FirstRows {
    slot: (u8, Vec<u8>),
    epoch_key: WrappedEpochKey,
    signing: NewSigningKey,
    rows_key: Arc<RowsKey>,
}

fn first_batch(
    opening: &Opening,
    log_id: LogId,
    kind: KeySlotKind,
    first: FirstRows,
) -> Result<(Batch, Snapshot), Error> {
    let now = opening.clock.now();
    let end = ChainEnd::genesis(&log_id);
    let start = Mark { position: end.size, head: *end.head.as_bytes() };
    let mut snapshot = Snapshot {
        state: State::default(),
        projections: Projections::default(),
        end,
        frontier: Frontier::default(),
        saved: Saved::none(start),
        history: History::default(),
        vouching: Vouching::new(first.rows_key, []),
    };
    let mut group = Group::new(Position::FIRST);
    let terms = Terms::by(opening.system.clone());
    let by = By { terms: &terms, now, writer_epoch: WriterEpoch::FIRST };
    let created = StoreCreated { log_id, settings: opening.settings, key_slot: kind };
    let FirstRows { slot: (number, slot), epoch_key, signing, .. } = first;
    let key = SigningKeySet { number: FIRST_SIGNING_KEY, verifier_key: signing.verifier_key };
    let events = [Event::from(created), Event::from(key)].map(|event| (None, event));
    group.append(&mut snapshot, events.into(), Payload::None, &by, &mut Draw::new())?;
    group.bring(&mut snapshot, Payload::KeySlot { slot: number, bytes: slot })?;
    group.bring(&mut snapshot, Payload::SigningSeed { number: FIRST_SIGNING_KEY, wrapped: signing.wrapped })?;
    group.batch.put(keys::epoch_key(epoch_key.epoch().get()), epoch_key.as_bytes().to_vec())?;
    group.batch.put(keys::STORE_META, encode_meta(&StoreMeta { log_id, created_at: now }))?;
    group.close(&mut snapshot, start, &Memory::new())?;
    Ok((group.batch, snapshot))
}

pub(super) fn start(
    storage: Arc<dyn Storage>,
    log_id: LogId,
    recovered: Recovered,
    keyring: Keyring,
    opening: &Opening,
    access: Access,
) -> Result<Engine, Error> {
    let Recovered { mut snapshot, replayed, rebuilt, is_vouched, still_there, .. } = recovered;
    snapshot.history.keep_apart(opening.past_states_apart);
    let shared = share(storage, log_id, snapshot, keyring, opening);
    // From here on the clock is judged by what it shows now.
    shared.look_at_clock();
    shared.check_all_expected(&opening.expected_checkpoints, &opening.expected_restores)?;
    let is_updated = access == Access::ReadWrite && !is_vouched;
    if is_updated {
        shared.bring_up_to_date(opening, &still_there)?;
    }
    let threads = match access {
        Access::ReadWrite => Some(Arc::new(Threads::start(&shared, opening.queue_max, opening.system.clone())?)),
        Access::ReadOnly => None,
    };
    let anchoring = threads.as_ref().map(|threads| start_anchoring(&shared, threads, opening)).transpose()?.flatten();
    Ok(Engine {
        shared,
        threads,
        anchoring,
        replayed,
        rebuilt,
        is_vouched: is_vouched || is_updated,
        shown: Mutex::default(),
        turns: Turns::default(),
    })
}

/// Starts the thread that hands checkpoints to the anchors of a host, if it has some.
fn start_anchoring(
    shared: &Arc<Shared>,
    threads: &Arc<Threads>,
    opening: &Opening,
) -> Result<Option<Anchoring>, Error> {
    if opening.anchors.is_empty() {
        return Ok(None);
    }
    let (anchors, terms) = (opening.anchors.clone(), Terms::by(opening.system.clone()));
    Anchoring::start(shared, threads, anchors, opening.anchor_pace, terms).map(Some)
}

/// Returns the state that the threads of a store share.
fn share(
    storage: Arc<dyn Storage>,
    log_id: LogId,
    snapshot: Snapshot,
    keyring: Keyring,
    opening: &Opening,
) -> Arc<Shared> {
    Arc::new(Shared {
        storage,
        log_id,
        published: Published::new(snapshot),
        keyring: RwLock::new(Arc::new(keyring)),
        lease_grace: opening.lease_grace,
        clock: StoreClock::new(Arc::clone(&opening.clock), opening.clock_bounds),
        poison: Poison::default(),
        access: AccessBuffer::default(),
        erased: Mutex::default(),
    })
}

/// Returns the kind of key that opens a slot.
pub(crate) fn slot_kind(slots: &Slots, number: u8) -> Result<KeySlotKind, Error> {
    let found = slots.iter().find(|(other, _)| *other == number).and_then(|(_, kind)| kind.ok());
    found.ok_or_else(|| Error::internal("a key slot that was just made cannot be read"))
}

/// Opens the keys of the epochs that the log has. Others are ignored: a retired epoch can be put back.
fn own_epochs(storage: &dyn Storage, keys: &Keyring, epochs: &BTreeSet<u32>) -> Result<Keyring, Error> {
    let mut own = Vec::new();
    for epoch in epochs {
        let row = storage.get(&keys::epoch_key(*epoch))?;
        let row = row.ok_or_else(|| Error::rows_changed(&format!("the key of epoch {epoch} is gone")))?;
        let wrapped = WrappedEpochKey::from_bytes(&row)?;
        if wrapped.epoch().get() != *epoch {
            return Err(Error::rows_changed(&format!("the key of epoch {epoch} is that of another one")));
        }
        own.push(wrapped);
    }
    Ok(keys.holding(own)?)
}

/// Reads all stored epoch keys, as far as they can be read.
fn epoch_rows(storage: &dyn Storage) -> Result<Vec<Option<WrappedEpochKey>>, Error> {
    let mut found = Vec::new();
    storage.scan(&KeyRange::prefix(&[keys::EPOCH_KEY]), Direction::Ascending, &mut |_, row| {
        found.push(WrappedEpochKey::from_bytes(row).ok());
        ControlFlow::Continue(())
    })?;
    Ok(found)
}
