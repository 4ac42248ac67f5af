//! This store, as a contestant.

use std::path::Path;

use latchkeep::{
    Actor, Command, LockName, LockNames, NewData, NewLock, NewSecret, SecretBytes, SecretId, SecretName, Session,
    Store, StoreOptions, Unlock, VersionRef,
};

use crate::work::{Contestant, DATA, Operation};

/// A store with one secret per caller.
pub(crate) struct Ours {
    pub(crate) store: Store,
    session: Session,
    secrets: Vec<SecretId>,
}

impl Ours {
    /// Makes the store and its secrets.
    pub(crate) fn create(dir: &Path, callers: usize) -> Self {
        Self::create_with(options(&dir.join("ours")), callers)
    }

    /// Makes the store that options describe, and its secrets.
    pub(crate) fn create_with(options: StoreOptions, callers: usize) -> Self {
        let store = options.create().expect("a store");
        let session = session(&store);
        let secrets = (0..callers).map(|caller| session.create(new_secret(caller as u64)).expect("a secret"));
        let secrets = secrets.map(|receipt| receipt.secret.expect("its id")).collect();
        Self { store, session, secrets }
    }

    fn command(&self, caller: usize, operation: Operation) -> Command {
        let secret = self.secrets[caller];
        match operation {
            Operation::PlaceLock => Command::place_lock(secret, VersionRef::Current, lock("billing")),
            Operation::RemoveLock => Command::remove_locks(secret, VersionRef::Current, only("billing")),
            Operation::Rotate => Command::rotate(secret, NewData::arbitrary(data()).expect("data")),
        }
    }
}

impl Contestant for Ours {
    fn run(&self, caller: usize, operation: Operation) {
        self.session.run(self.command(caller, operation)).expect("it is done");
    }
}

/// What opens the stores of these benches.
pub(crate) fn options(dir: &Path) -> StoreOptions {
    StoreOptions::new(dir, Unlock::bytes(SecretBytes::copy_from(&[7; 32])))
}

/// Somebody who acts.
pub(crate) fn session(store: &Store) -> Session {
    store.acting_as(Actor::parse("service/billing").expect("an actor"))
}

/// A secret of 100 bytes.
pub(crate) fn new_secret(number: u64) -> NewSecret {
    let name = SecretName::parse(&format!("service-{number:08}-token")).expect("a name");
    NewSecret::arbitrary(name, data()).expect("a secret")
}

/// A permanent lock that belongs to somebody.
pub(crate) fn lock(name: &str) -> NewLock {
    NewLock::new(LockName::parse(name).expect("a name")).owned_by(Actor::parse("service/billing").expect("an actor"))
}

/// One name of a lock.
pub(crate) fn only(name: &str) -> LockNames {
    LockNames::These(vec![LockName::parse(name).expect("a name")])
}

fn data() -> SecretBytes {
    SecretBytes::copy_from(&DATA)
}
