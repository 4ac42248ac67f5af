//! What the tests of this suite share: a store on disk with a clock that moves at every look, and short words for long calls.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use latchkeep::{
    Actor, ApiKeyTarget, ApiKeyUse, Clock, Error, IdempotencyKey, JsonObject, LockName, ManualClock, NewData, NewLock,
    NewSecret, SecretBytes, SecretId, SecretName, Session, Store, StoreOptions, Timestamp, Unlock,
};

/// A directory that holds a store, with what opens it.
pub(crate) struct Home {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) clock: ManualClock,
}

impl Home {
    pub(crate) fn new() -> Self {
        // As a real clock, it is never seen twice at the same time; too little to be seen in a text, or to make something due.
        Self::with_clock(ManualClock::at(noon()).moving(Duration::from_nanos(1)))
    }

    /// One whose clock stands still until it is moved, for tests that compare times.
    pub(crate) fn standing_still() -> Self {
        Self::with_clock(ManualClock::at(noon()))
    }

    fn with_clock(clock: ManualClock) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), clock }
    }

    pub(crate) fn in_memory(&self) -> StoreOptions {
        StoreOptions::in_memory(unlock(7)).clock(self.clock.clone())
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn in_secs(&self, secs: u64) -> Timestamp {
        self.now().plus(Duration::from_secs(secs))
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    pub(crate) fn options(&self) -> StoreOptions {
        StoreOptions::new(self.path(), unlock(7)).clock(self.clock.clone())
    }

    pub(crate) fn create(&self) -> Store {
        self.options().create().unwrap()
    }

    pub(crate) fn open(&self) -> Store {
        self.options().open().unwrap()
    }

    pub(crate) fn advance_secs(&self, secs: u64) {
        self.clock.advance(Duration::from_secs(secs));
    }
}

/// When the clocks of these tests begin.
pub(crate) fn noon() -> Timestamp {
    Timestamp::parse("2026-11-23T12:00:00Z").unwrap()
}

pub(crate) fn unlock(byte: u8) -> Unlock {
    Unlock::bytes(SecretBytes::copy_from(&[byte; 32]))
}

pub(crate) fn actor(name: &str) -> Actor {
    Actor::parse(name).unwrap()
}

pub(crate) fn session(store: &Store) -> Session {
    store.acting_as(actor("tester"))
}

pub(crate) fn text(text: &str) -> SecretBytes {
    SecretBytes::copy_from(text.as_bytes())
}

pub(crate) fn name(name: &str) -> SecretName {
    SecretName::parse(name).unwrap()
}

pub(crate) fn lock(name: &str) -> NewLock {
    NewLock::new(LockName::parse(name).unwrap())
}

pub(crate) fn arbitrary(session: &Session, secret_name: &str, payload: &str) -> SecretId {
    session.create(NewSecret::arbitrary(name(secret_name), text(payload)).unwrap()).unwrap().secret.unwrap()
}

pub(crate) fn api_key(session: &Session, secret_name: &str, api_key_use: ApiKeyUse, ttl_secs: u32) -> SecretId {
    let target = ApiKeyTarget::ServiceId(actor("service-1"));
    let new = NewSecret::iam_credentials(name(secret_name), ttl_secs, api_key_use, target);
    session.create(new).unwrap().secret.unwrap()
}

#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, Error>, code: &str) -> Error {
    let error = result.expect_err("this should be refused");
    assert_eq!(error.code(), code, "{error}");
    error
}

pub(crate) fn next(payload: &str) -> NewData {
    NewData::arbitrary(text(payload)).unwrap()
}

pub(crate) fn lock_name(name: &str) -> LockName {
    LockName::parse(name).unwrap()
}

pub(crate) fn once(key: &str) -> IdempotencyKey {
    IdempotencyKey::parse(key).unwrap()
}

pub(crate) fn json(text: &str) -> JsonObject {
    JsonObject::parse(text).unwrap()
}

#[track_caller]
pub(crate) fn sound(store: &Store) {
    assert_eq!(store.scrub(|_| {}).unwrap().findings, Vec::<String>::new());
}

/// A clock at which the writer, and nobody else, can be held up.
#[derive(Clone)]
pub(crate) struct Gate(Arc<(Mutex<GateState>, Condvar)>, ManualClock);

#[derive(Default)]
struct GateState {
    is_shut: bool,
    holds_writer: bool,
}

impl Gate {
    pub(crate) fn new(clock: ManualClock) -> Self {
        Self(Arc::default(), clock)
    }

    pub(crate) fn shut(&self) {
        self.0.0.lock().unwrap().is_shut = true;
    }

    pub(crate) fn open(&self) {
        self.0.0.lock().unwrap().is_shut = false;
        self.0.1.notify_all();
    }

    /// Waits until the writer has come to the gate.
    pub(crate) fn wait_for_writer(&self) {
        let state = self.0.0.lock().unwrap();
        drop(self.0.1.wait_while(state, |state| !state.holds_writer).unwrap());
    }
}

impl Clock for Gate {
    fn now(&self) -> Timestamp {
        if std::thread::current().name() == Some("latchkeep-write") {
            let mut state = self.0.0.lock().unwrap();
            while state.is_shut {
                state.holds_writer = true;
                self.0.1.notify_all();
                state = self.0.1.wait(state).unwrap();
            }
            state.holds_writer = false;
        }
        self.1.now()
    }
}
