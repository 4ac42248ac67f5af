//! Owns the two ways into a store: making one, and opening one.
//!
//! Read next: [`super::recovery`].

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use crate::codec::keys;
use crate::codec::meta::{StoreMeta, decode_meta, encode_meta};
use crate::domain::command::Terms;
use crate::domain::event::{Event, SigningKeySet, StoreCreated};
use crate::domain::id::LogId;
use crate::domain::limits;
use crate::domain::name::Actor;
use crate::domain::position::{Position, WriterEpoch};
use crate::domain::settings::{KeySlotKind, Settings};
use crate::domain::state::State;
use crate::error::Error;
use crate::ledger::{ChainEnd, Frontier};
use crate::projection::Projections;
use crate::seal::keyring::Keyring;
use crate::seal::passphrase::PassphraseCost;
use crate::seal::random;
use crate::seal::sealing_key::{RootKey, SigningSeed};
use crate::seal::slots::Slots;
use crate::seal::unlock::Unlock;
use crate::seal::wrapped_key::WrappedEpochKey;
use crate::storage::chunks::read_chunked;
use crate::storage::{AnchorMark, Batch, Direction, Disk, DiskOptions, KeyRange, Memory, Storage, StorageError};

use super::access::AccessBuffer;
use super::anchor_file::AcceptedRestore;
use super::anchoring::{AnchorPace, Anchoring, CheckpointAnchor};
use super::checkpoint::NewSigningKey;
use super::clock::Clock;
use super::committer::mark;
use super::draw::Draw;
use super::group::{By, Group};
use super::history::History;
use super::poison::Poison;
use super::queue::Payload;
use super::recovery::{Recovered, recover};
use super::saved::{Mark, Saved};
use super::snapshot::{Published, Snapshot};
use super::sync::RwLock;
use super::threads::Threads;
use super::{Engine, Shared};

/// Where a store lies.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Directory(PathBuf),
    Memory,
}

/// What an open needs to know.
pub(crate) struct Opening {
    pub(crate) place: Place,
    pub(crate) disk: DiskOptions,
    pub(crate) unlock: Unlock,
    pub(crate) passphrase_cost: PassphraseCost,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) queue_max: usize,
    /// Records between two past states.
    pub(crate) past_states_apart: u64,
    pub(crate) settings: Settings,
    pub(crate) system: Actor,
    pub(crate) anchors: Vec<Arc<dyn CheckpointAnchor>>,
    pub(crate) anchor_pace: AnchorPace,
    /// Checkpoints that were kept elsewhere; the log must extend each.
    pub(crate) expected_checkpoints: Vec<Box<str>>,
    /// Restores that a person has accepted, and of which the log must tell.
    pub(crate) expected_restores: Vec<AcceptedRestore>,
}

/// What an open is for.
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
    let first = FirstRows { slot: (number, slot), epoch_key, signing };
    let (batch, snapshot) = first_batch(opening, log_id, kind, first)?;
    let storage: Arc<dyn Storage> = match &opening.place {
        Place::Directory(dir) => Arc::new(Disk::create(dir, &batch, mark(&snapshot), opening.disk.clone())?),
        Place::Memory => {
            let memory = Memory::new();
            memory.commit(&batch)?;
            Arc::new(memory)
        }
    };
    let recovered =
        Recovered { snapshot, replayed: 0, rebuilt: false, unknown_events: 0, illegal: None, flaws: Vec::new() };
    start(storage, log_id, recovered, keyring, opening, Access::ReadWrite)
}

/// Opens the store that lies in a directory.
pub(crate) fn open(opening: &Opening, access: Access) -> Result<Engine, Error> {
    match &opening.place {
        Place::Directory(dir) => open_on(Arc::new(Disk::open(dir, opening.disk.clone())?), opening, access),
        Place::Memory => {
            Err(Error::from(crate::domain::invalid::Invalid::new("store", "in memory cannot be opened again")))
        }
    }
}

/// Opens the store that lies in a storage.
pub(crate) fn open_on(storage: Arc<dyn Storage>, opening: &Opening, access: Access) -> Result<Engine, Error> {
    let meta = storage.get(&keys::STORE_META)?;
    let meta = meta.ok_or_else(|| lost_or_foreign(storage.anchor()))?;
    let StoreMeta { log_id, .. } = decode_meta(&meta)?;
    let (root, _) = read_slots(&*storage, log_id)?.open(&opening.unlock)?;
    let keyring = Keyring::open(log_id, &root, read_epochs(&*storage)?)?;
    let recovered = recover(&*storage, &log_id)?;
    if recovered.unknown_events > 0 && access == Access::ReadWrite {
        return Err(Error::unknown_events(recovered.unknown_events));
    }
    if let Some(step) = recovered.illegal.filter(|_| access == Access::ReadWrite) {
        return Err(Error::illegal_log(&step));
    }
    start(storage, log_id, recovered, keyring, opening, access)
}

/// Says what it means that the row every store begins with is not there.
fn lost_or_foreign(anchor: Option<AnchorMark>) -> Error {
    match anchor {
        Some(mark) if mark.log_size > 0 => Error::records_lost(0, mark.log_size),
        _ => Error::corrupt("the store has no description of itself; restore it from a backup"),
    }
}

/// The number of the signing key that a store is made with.
const FIRST_SIGNING_KEY: u32 = 1;

/// Rows that a store begins with.
struct FirstRows {
    slot: (u8, Vec<u8>),
    epoch_key: WrappedEpochKey,
    signing: NewSigningKey,
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
        saved: Saved::new(start, 0, crate::codec::mark::RowSum::default()),
        history: History::default(),
    };
    let mut group = Group::new(Position::FIRST);
    let terms = Terms::by(opening.system.clone());
    let by = By { terms: &terms, now, writer_epoch: WriterEpoch::FIRST };
    let created = StoreCreated { log_id, settings: opening.settings, key_slot: kind };
    let FirstRows { slot: (number, slot), epoch_key, signing } = first;
    let key = SigningKeySet { number: FIRST_SIGNING_KEY, verifier_key: signing.verifier_key };
    let events = [Event::from(created), Event::from(key)].map(|event| (None, event));
    group.append(&mut snapshot, events.into(), Payload::None, &by, &mut Draw::new())?;
    group.bring(Payload::KeySlot { slot: number, bytes: slot })?;
    group.bring(Payload::SigningSeed { number: FIRST_SIGNING_KEY, wrapped: signing.wrapped })?;
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
    let mut snapshot = recovered.snapshot;
    snapshot.history.keep_apart(opening.past_states_apart);
    let shared = Arc::new(Shared {
        storage,
        log_id,
        published: Published::new(snapshot),
        keyring: RwLock::new(Arc::new(keyring)),
        clock: Arc::clone(&opening.clock),
        poison: Poison::default(),
        access: AccessBuffer::default(),
    });
    shared.check_all_expected(&opening.expected_checkpoints, &opening.expected_restores)?;
    let threads = match access {
        Access::ReadWrite => Some(Arc::new(Threads::start(&shared, opening.queue_max, opening.system.clone())?)),
        Access::ReadOnly => None,
    };
    let anchoring = match &threads {
        Some(threads) if !opening.anchors.is_empty() => {
            let (anchors, terms) = (opening.anchors.clone(), Terms::by(opening.system.clone()));
            Some(Anchoring::start(&shared, threads, anchors, opening.anchor_pace, terms)?)
        }
        _ => None,
    };
    Ok(Engine { shared, threads, anchoring, replayed: recovered.replayed, rebuilt: recovered.rebuilt })
}

/// Reads the key slots, damaged ones too.
pub(crate) fn read_slots(storage: &dyn Storage, log_id: LogId) -> Result<Slots, Error> {
    let mut stored = BTreeMap::new();
    for number in 0..limits::KEY_SLOTS_MAX {
        match read_chunked(storage, &keys::key_slot(number)) {
            Ok(bytes) => stored.extend(bytes.map(|bytes| (number, bytes))),
            // A slot whose rows do not fit together is damaged like one whose bytes are not; others may be whole.
            Err(StorageError::Corrupt { .. }) => drop(stored.insert(number, Vec::new())),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Slots::decode(log_id, stored.iter().map(|(number, bytes)| (*number, bytes.as_slice()))))
}

/// Gives what opens a slot.
pub(crate) fn slot_kind(slots: &Slots, number: u8) -> Result<KeySlotKind, Error> {
    let found = slots.iter().find(|(other, _)| *other == number).and_then(|(_, kind)| kind.ok());
    found.ok_or_else(|| Error::internal("a key slot that was just made cannot be read"))
}

fn read_epochs(storage: &dyn Storage) -> Result<Vec<WrappedEpochKey>, Error> {
    let mut found = Vec::new();
    storage.scan(&KeyRange::prefix(&[keys::EPOCH_KEY]), Direction::Ascending, &mut |_, row| {
        found.push(WrappedEpochKey::from_bytes(row));
        ControlFlow::Continue(())
    })?;
    Ok(found.into_iter().collect::<Result<_, _>>()?)
}
