//! Owns the tests of what an engine does when storage fails or does not hold what it should.
//!
//! Rows lie in memory and outlive the stores that are opened on them, as on a disk. Read next: [`super::open`].

mod backups;
mod bodies;
pub(crate) mod chance;
mod edits;
mod erasure;
mod extremes;
mod faults;
mod forger;
mod histories;
mod lent;
mod orders;
mod past;
mod recovery;
mod schedules;
mod shell;
mod slots;
mod trust;
mod unlawful;
mod update;
mod watching;

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::codec::keys;
use crate::codec::meta::decode_meta;
use crate::domain::id::{LogId, SecretId};
use crate::domain::name::{Actor, SecretName};
use crate::domain::secret::SecretType;
use crate::domain::time::Timestamp;
use crate::domain::version::VersionRef;
use crate::error::Error;
use crate::seal::keyring::Keyring;
use crate::seal::passphrase::PassphraseCost;
use crate::seal::secret_bytes::SecretBytes;
use crate::seal::unlock::Unlock;
use crate::storage::faulty::Faulty;
use crate::storage::{Batch, Direction, DiskOptions, KeyRange, Memory, Storage};
use crate::store::Store;
use crate::store::new_secret::{NewData, NewSecret};
use crate::store::session::Session;

use super::clock::ManualClock;
use super::open::{Access, Opening, Place, create, open_on, recover_by};
use super::recovery::{Recovered, rebuild};
use super::slots::{decode, stored_slots};

/// Rows that outlive the stores opened on them.
struct Rows(Memory);

impl Rows {
    /// Those of a new store.
    fn new() -> Self {
        let engine = create(&opening(Place::Memory)).unwrap();
        let rows = Self::copy_of(&*engine.shared.storage);
        engine.close().unwrap();
        rows
    }

    fn copy_of(storage: &dyn Storage) -> Self {
        let memory = Memory::new();
        for (row_key, row) in all(storage, &KeyRange::all()) {
            put(&memory, &row_key, &row);
        }
        Self(memory)
    }

    /// A copy that goes its own way, the anchor with it.
    fn fork(&self) -> Self {
        let fork = Self::copy_of(&self.0);
        if let Some(mark) = self.0.reopen().anchor() {
            fork.0.write_anchor(mark).unwrap();
        }
        fork
    }

    fn open(&self) -> Store {
        self.try_open().unwrap()
    }

    fn log_id(&self) -> LogId {
        decode_meta(&self.0.get(&keys::STORE_META).unwrap().unwrap()).unwrap().log_id
    }

    /// The keys that the root key gives, but for epochs.
    fn keys(&self) -> Keyring {
        let (log_id, unlock) = (self.log_id(), opening(Place::Memory).unlock);
        let (root, _) = decode(log_id, &stored_slots(&self.0).unwrap()).open(&unlock).unwrap();
        Keyring::without_epochs(log_id, &root)
    }

    /// What an open finds.
    fn recover(&self) -> Recovered {
        recover_by(&self.0.reopen(), &self.log_id(), &self.keys()).unwrap()
    }

    /// What a replay of the log alone finds.
    fn rebuild(&self) -> Recovered {
        rebuild(&self.0.reopen(), &self.log_id(), &self.keys().rows_key()).unwrap()
    }

    fn try_open(&self) -> Result<Store, Error> {
        open_store(Arc::new(self.0.reopen()))
    }

    /// Opens a store on these rows whose storage fails on demand.
    fn open_faulty(&self) -> (Store, Arc<Faulty>) {
        let faulty = Arc::new(Faulty::new(Arc::new(self.0.reopen())));
        let storage: Arc<dyn Storage> = faulty.clone();
        (open_store(storage).unwrap(), faulty)
    }

    fn under(&self, prefix: u8) -> Vec<(Vec<u8>, Vec<u8>)> {
        all(&self.0, &KeyRange::prefix(&[prefix]))
    }

    fn put(&self, row_key: &[u8], row: &[u8]) {
        put(&self.0, row_key, row);
    }

    fn remove(&self, row_key: &[u8]) {
        let mut batch = Batch::new();
        batch.remove(row_key).unwrap();
        self.0.commit(&batch).unwrap();
    }
}

fn put(storage: &dyn Storage, row_key: &[u8], row: &[u8]) {
    let mut batch = Batch::new();
    batch.put(row_key, row).unwrap();
    storage.commit(&batch).unwrap();
}

fn all(storage: &dyn Storage, range: &KeyRange) -> Vec<(Vec<u8>, Vec<u8>)> {
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

fn opening(place: Place) -> Opening {
    Opening {
        clock_bounds: crate::ClockBounds::default(),
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
        anchor_pace: super::anchoring::AnchorPace::default(),
        expected_checkpoints: Vec::new(),
        expected_restores: Vec::new(),
    }
}

fn open_store(storage: Arc<dyn Storage>) -> Result<Store, Error> {
    open_on(storage, &opening(Place::Memory), Access::ReadWrite).map(Store::new)
}

/// Makes a store whose storage fails on demand, with a clock of its own.
pub(crate) fn faulty_store(clock: &ManualClock) -> (Store, Arc<Faulty>) {
    let faulty = Arc::new(Faulty::new(Arc::new(Rows::new().0.reopen())));
    let opening = Opening { clock: Arc::new(clock.clone()), ..opening(Place::Memory) };
    let store = open_on(faulty.clone(), &opening, Access::ReadWrite).map(Store::new);
    (store.unwrap(), faulty)
}

fn ops(store: &Store) -> Session {
    store.acting_as(Actor::parse("ops").unwrap())
}

fn new_secret(name: &str) -> NewSecret {
    NewSecret::arbitrary(SecretName::parse(name).unwrap(), text(name)).unwrap()
}

fn text(text: &str) -> SecretBytes {
    SecretBytes::copy_from(text.as_bytes())
}

fn new_data(payload: &str) -> NewData {
    NewData::arbitrary(text(payload)).unwrap()
}

fn put_secret(store: &Store, name: &str) -> SecretId {
    ops(store).create(new_secret(name)).unwrap().secret.unwrap()
}

fn value(store: &Store, id: SecretId) -> String {
    ops(store).read(id, VersionRef::Current).unwrap().text().unwrap().to_owned()
}

fn names(store: &Store) -> Vec<String> {
    let names = store.secrets().into_iter().map(|secret| secret.metadata.name.as_str().to_owned());
    std::collections::BTreeSet::from_iter(names).into_iter().collect()
}

/// Finds a secret by its name.
fn named(store: &Store, name: &str) -> SecretId {
    store.secret_named(SecretType::Arbitrary, &SecretName::parse(name).unwrap()).unwrap().id
}

#[track_caller]
fn sound(store: &Store) {
    assert_eq!(store.scrub(|_| {}).unwrap().findings, Vec::<String>::new());
    assert_eq!(store.verify_log(|_| {}).unwrap().records, store.status().unwrap().log_size.get());
}
