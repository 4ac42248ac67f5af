//! Owns the tests of an engine whose storage fails or has wrong content.
//!
//! Rows are in memory and outlive the stores that are opened on them, as on a disk. Read next: [`super::open`].

mod backups;
mod bodies;
pub(crate) mod chance;
mod edits;
mod entries;
mod erasure;
mod extremes;
mod faults;
mod forger;
mod histories;
mod illegal_step;
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

use std::sync::Arc;

use crate::codec::keys;
use crate::codec::meta::decode_meta;
use crate::domain::id::{LogId, SecretId};
use crate::domain::version::VersionRef;
use crate::seal::keyring::Keyring;
use crate::storage::Storage;
use crate::storage::faulty::Faulty;
use crate::store::Store;

use crate::fuzzing::changed_rows::rows::{
    Rows, all, named, new_data, new_secret, open_store, opening, ops, put_secret,
};

use super::clock::ManualClock;
use super::open::{Access, Opening, Place, open_on, recover_by};
use super::recovery::{Recovered, rebuild};
use super::slots::{decode, stored_slots};

impl Rows {
    fn log_id(&self) -> LogId {
        decode_meta(&self.0.get(&keys::STORE_META).unwrap().unwrap()).unwrap().log_id
    }

    /// Returns the keys derived from the root key, except epochs.
    fn keys(&self) -> Keyring {
        let (log_id, unlock) = (self.log_id(), opening(Place::Memory).unlock);
        let (root, _) = decode(log_id, &stored_slots(&self.0).unwrap()).open(&unlock).unwrap();
        Keyring::without_epochs(log_id, &root)
    }

    /// Returns the result of an open.
    fn recover(&self) -> Recovered {
        recover_by(&self.0.reopen(), &self.log_id(), &self.keys()).unwrap()
    }

    /// Returns the result of a replay of the log alone.
    fn rebuild(&self) -> Recovered {
        rebuild(&self.0.reopen(), &self.log_id(), &self.keys().rows_key()).unwrap()
    }

    /// Opens a store on these rows with a storage that fails on demand.
    fn open_faulty(&self) -> (Store, Arc<Faulty>) {
        let faulty = Arc::new(Faulty::new(Arc::new(self.0.reopen())));
        let storage: Arc<dyn Storage> = faulty.clone();
        (open_store(storage).unwrap(), faulty)
    }
}

/// Makes a store with a storage that fails on demand, and a clock of its own.
pub(crate) fn faulty_store(clock: &ManualClock) -> (Store, Arc<Faulty>) {
    let faulty = Arc::new(Faulty::new(Arc::new(Rows::new().0.reopen())));
    let opening = Opening { clock: Arc::new(clock.clone()), ..opening(Place::Memory) };
    let store = open_on(faulty.clone(), &opening, Access::ReadWrite).map(Store::new);
    (store.unwrap(), faulty)
}

fn value(store: &Store, id: SecretId) -> String {
    ops(store).read(id, VersionRef::Current).unwrap().text().unwrap().to_owned()
}

fn names(store: &Store) -> Vec<String> {
    let names = store.secrets().into_iter().map(|secret| secret.metadata.name.as_str().to_owned());
    std::collections::BTreeSet::from_iter(names).into_iter().collect()
}

#[track_caller]
fn sound(store: &Store) {
    assert_eq!(store.scrub(|_| {}).unwrap().findings, Vec::<String>::new());
    assert_eq!(store.verify_log(|_| {}).unwrap().records, store.status().unwrap().log_size.get());
}
