//! What the tests of this suite share: a store on disk with a clock that stands still, and short words for long calls.

use std::path::PathBuf;
use std::time::Duration;

use latchkeep::{
    Actor, ApiKeyTarget, ApiKeyUse, Error, LockName, ManualClock, NewLock, NewSecret, SecretBytes, SecretId,
    SecretName, Session, Store, StoreOptions, Timestamp, Unlock,
};

/// A directory that holds a store, with what opens it.
pub(crate) struct Home {
    pub dir: tempfile::TempDir,
    pub clock: ManualClock,
}

impl Home {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::at(Timestamp::parse("2026-11-23T12:00:00Z").unwrap());
        Self { dir: tempfile::tempdir().unwrap(), clock }
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
