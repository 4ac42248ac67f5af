//! Owns rows that outlive the stores opened on them, as on a disk, and the ways in which stores are made there.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::domain::id::SecretId;
use crate::domain::lock::{LockMode, LockNames, NewLock};
use crate::domain::name::{Actor, LockName, SecretName};
use crate::domain::secret::SecretType;
use crate::domain::time::Timestamp;
use crate::domain::version::VersionRef;
use crate::engine::clock::ManualClock;
use crate::engine::open::{Access, Opening, Place, create, open_on};
use crate::error::Error;
use crate::seal::passphrase::PassphraseCost;
use crate::seal::secret_bytes::SecretBytes;
use crate::seal::unlock::Unlock;
use crate::storage::{Batch, Direction, DiskOptions, KeyRange, Memory, Storage};
use crate::store::Store;
use crate::store::command::Command;
use crate::store::new_secret::{NewData, NewSecret};
use crate::store::session::Session;

/// The kinds of rows, with the names of what is edited.
pub(crate) const KINDS: [(u8, &str); 15] = [
    (b'l', "log"),
    (b'd', "sealed data"),
    (b'k', "data key"),
    (b'e', "epoch key"),
    (b'z', "key slot"),
    (b'm', "description"),
    (b'v', "voucher"),
    (b'n', "subtree"),
    (b'g', "signing seed"),
    (b'h', "past secret"),
    (b'p', "past rest"),
    (b'y', "past mark"),
    (b's', "saved secret"),
    (b'a', "saved answer"),
    (b'w', "saved rest"),
];

/// Rows that outlive the stores opened on them.
pub(crate) struct Rows(pub(crate) Memory);

impl Rows {
    /// Those of a new store.
    pub(crate) fn new() -> Self {
        let engine = create(&opening(Place::Memory)).unwrap();
        let rows = Self::copy_of(&*engine.shared.storage);
        engine.close().unwrap();
        rows
    }

    pub(crate) fn copy_of(storage: &dyn Storage) -> Self {
        let memory = Memory::new();
        for (row_key, row) in all(storage, &KeyRange::all()) {
            put(&memory, &row_key, &row);
        }
        Self(memory)
    }

    /// A copy that goes its own way, the anchor with it.
    pub(crate) fn fork(&self) -> Self {
        let fork = Self::copy_of(&self.0);
        if let Some(mark) = self.0.reopen().anchor() {
            fork.0.write_anchor(mark).unwrap();
        }
        fork
    }

    pub(crate) fn open(&self) -> Store {
        self.try_open().unwrap()
    }

    pub(crate) fn try_open(&self) -> Result<Store, Error> {
        open_store(Arc::new(self.0.reopen()))
    }

    pub(crate) fn under(&self, prefix: u8) -> Vec<(Vec<u8>, Vec<u8>)> {
        all(&self.0, &KeyRange::prefix(&[prefix]))
    }

    pub(crate) fn put(&self, row_key: &[u8], row: &[u8]) {
        put(&self.0, row_key, row);
    }

    pub(crate) fn remove(&self, row_key: &[u8]) {
        let mut batch = Batch::new();
        batch.remove(row_key).unwrap();
        self.0.commit(&batch).unwrap();
    }

    /// Puts all rows of a kind as they are in another copy.
    pub(crate) fn put_all(&self, from: &Self, kind: u8) {
        self.under(kind).iter().for_each(|(row_key, _)| self.remove(row_key));
        from.under(kind).iter().for_each(|(row_key, row)| self.put(row_key, row));
    }
}

pub(crate) fn put(storage: &dyn Storage, row_key: &[u8], row: &[u8]) {
    let mut batch = Batch::new();
    batch.put(row_key, row).unwrap();
    storage.commit(&batch).unwrap();
}

pub(crate) fn all(storage: &dyn Storage, range: &KeyRange) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows = Vec::new();
    let visit = &mut |row_key: &[u8], row: &[u8]| {
        rows.push((row_key.to_vec(), row.to_vec()));
        ControlFlow::Continue(())
    };
    storage.scan(range, Direction::Ascending, visit).unwrap();
    rows
}

/// A clock that moves at every look, as a real one does.
pub(crate) fn clock() -> ManualClock {
    ManualClock::at(Timestamp::parse("2026-11-23T12:00:00Z").unwrap()).moving(std::time::Duration::from_nanos(1))
}

pub(crate) fn opening(place: Place) -> Opening {
    Opening {
        clock_bounds: crate::ClockBounds::default(),
        lease_grace: std::time::Duration::ZERO,
        place,
        disk: DiskOptions::default(),
        unlock: Unlock::bytes(SecretBytes::copy_from(&[7; 32])),
        passphrase_cost: PassphraseCost::default(),
        clock: Arc::new(clock()),
        queue_max: 64,
        past_states_apart: 1_024,
        settings: crate::domain::settings::Settings::default(),
        system: Actor::parse("latchkeep").unwrap(),
        anchors: Vec::new(),
        anchor_pace: crate::engine::anchoring::AnchorPace::default(),
        expected_checkpoints: Vec::new(),
        expected_restores: Vec::new(),
        accepted_steps: BTreeSet::new(),
    }
}

pub(crate) fn open_store(storage: Arc<dyn Storage>) -> Result<Store, Error> {
    open_on(storage, &opening(Place::Memory), Access::ReadWrite).map(Store::new)
}

pub(crate) fn ops(store: &Store) -> Session {
    store.acting_as(Actor::parse("ops").unwrap())
}

pub(crate) fn new_secret(name: &str) -> NewSecret {
    NewSecret::arbitrary(SecretName::parse(name).unwrap(), text(name)).unwrap()
}

pub(crate) fn text(text: &str) -> SecretBytes {
    SecretBytes::copy_from(text.as_bytes())
}

pub(crate) fn new_data(payload: &str) -> NewData {
    NewData::arbitrary(text(payload)).unwrap()
}

pub(crate) fn put_secret(store: &Store, name: &str) -> SecretId {
    ops(store).create(new_secret(name)).unwrap().secret.unwrap()
}

/// Finds a secret by its name.
pub(crate) fn named(store: &Store, name: &str) -> SecretId {
    store.secret_named(SecretType::Arbitrary, &SecretName::parse(name).unwrap()).unwrap().id
}

/// Makes so many records that the close writes saved state.
pub(crate) fn bustle(store: &Store) {
    let busy = put_secret(store, &format!("busy-{}", store.secrets().len()));
    let locks = (0..600).map(|number| NewLock::new(LockName::parse(&format!("lock-{number}")).unwrap())).collect();
    ops(store).run(Command::place_locks(busy, VersionRef::Current, locks, LockMode::Keep)).unwrap();
    ops(store).run(Command::remove_locks(busy, VersionRef::Current, LockNames::All)).unwrap();
}

pub(crate) fn lock(store: &Store, id: SecretId, name: &str) {
    ops(store).place_lock(id, VersionRef::Current, NewLock::new(LockName::parse(name).unwrap())).unwrap();
}
