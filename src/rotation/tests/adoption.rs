//! Credentials that the original of a restored store made after the backup, and that a person takes into the restored store.

use std::sync::Arc;

use super::world::{World, issuer};
use crate::RotationWorker;
use crate::domain::id::SecretId;
use crate::domain::lock::NewLock;
use crate::domain::name::{Actor, IdempotencyKey, LockName, OutsideId};
use crate::domain::position::Revision;
use crate::domain::rotation::IssuerClass;
use crate::domain::version::VersionRef::{Current, Previous};
use crate::issuer::issuer::{IssueOrder, Issuer};
use crate::issuer::kit::ModelIssuer;
use crate::issuer::outcome::{Issued, IssuerError};
use crate::seal::secret_bytes::SecretBytes;
use crate::seal::unlock::Unlock;
use crate::store::Store;
use crate::store::options::StoreOptions;
use crate::store::session::Session;

/// A store that was restored from a backup with two versions; its original has rotated since, and consumers use that.
struct Restored {
    world: World,
    store: Store,
    in_use: SecretBytes,
}

fn unlock() -> Unlock {
    Unlock::bytes(SecretBytes::copy_from(&[7; 32]))
}

fn stranger() -> OutsideId {
    OutsideId::parse("model-3").unwrap()
}

impl Restored {
    fn new() -> Self {
        let world = World::new(ModelIssuer::new(IssuerClass::CreateDiscoverable));
        let worker = world.worker();
        worker.run_due().unwrap();
        worker.rotate(&world.ops(), world.secret).unwrap();
        worker.run_due().unwrap();
        let mut file = Vec::new();
        world.store.backup(&mut file, &unlock(), |_| {}).unwrap();
        worker.rotate(&world.ops(), world.secret).unwrap();
        worker.run_due().unwrap();
        let in_use = world.credential(Current);
        let options = StoreOptions::in_memory(unlock()).clock(world.clock.clone());
        let (store, _) = options.restore(std::io::Cursor::new(file), &unlock(), |_| {}).unwrap();
        Self { world, store, in_use }
    }

    fn ops(&self) -> Session {
        self.store.acting_as(Actor::parse("ops").unwrap())
    }

    fn worker(&self) -> RotationWorker {
        RotationWorker::new(&self.store, self.world.options())
    }

    fn adopt(&self, secret: SecretId, outside: &OutsideId, data: &[u8]) -> Result<(), String> {
        let adopted = self.worker().adopt_stranger(&self.ops(), secret, outside, SecretBytes::copy_from(data), None);
        adopted.map(drop).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn refused(&self, outside: &OutsideId, data: &[u8], why: &str) {
        let before = self.store.secret(self.world.secret).unwrap();
        let told = self.adopt(self.world.secret, outside, data).unwrap_err();
        assert!(told.contains(why), "{told}");
        assert_eq!(self.store.secret(self.world.secret).unwrap().versions, before.versions);
    }
}

#[test]
fn a_stranger_that_is_adopted_is_a_version_of_the_restored_store() {
    let restored = Restored::new();
    let (world, data) = (&restored.world, restored.in_use.expose());
    restored.refused(&stranger(), data, "quarantine");
    restored.ops().end_quarantine().unwrap();
    restored.refused(&stranger(), b"{\"password\":\"another\"}", "lets nobody in");
    restored.refused(&OutsideId::parse("model-9").unwrap(), data, "not listed");
    restored.refused(&OutsideId::parse("model-2").unwrap(), data, "known to the log");
    let lock = NewLock::new(LockName::parse("app").unwrap());
    restored.ops().place_lock(world.secret, Previous, lock).unwrap();
    restored.refused(&stranger(), data, "locked");
    let name = LockName::parse("app").unwrap();
    restored.ops().remove_lock(world.secret, Previous, name).unwrap();

    restored.adopt(world.secret, &stranger(), data).unwrap();
    let secret = restored.store.secret(world.secret).unwrap();
    let current = secret.current().unwrap();
    assert_eq!((current.number.get(), secret.rotation.is_none()), (3, true));
    assert_eq!(current.credential.as_ref().unwrap().outside, Some(stranger()));
    let read = restored.ops().read(world.secret, Current).unwrap();
    assert!(read.data.primary().equals_in_constant_time(&restored.in_use));
    restored.refused(&stranger(), data, "known to the log");
    let worker = restored.worker();
    worker.run_due().unwrap();
    let swept = worker.sweep().unwrap();
    assert_eq!(
        (swept.listed, swept.retired, swept.strangers),
        (2, 0, vec![]),
        "the first was retired, the others stay"
    );
    assert!(world.model.logs_in(&restored.in_use));
}

/// From then on it is retired like any other.
#[test]
fn what_was_adopted_falls_out_of_the_window_in_its_turn() {
    let restored = Restored::new();
    restored.ops().end_quarantine().unwrap();
    restored.adopt(restored.world.secret, &stranger(), restored.in_use.expose()).unwrap();
    let worker = restored.worker();
    for _ in 0..2 {
        worker.rotate(&restored.ops(), restored.world.secret).unwrap();
        worker.run_due().unwrap();
    }
    assert!(!restored.world.model.logs_in(&restored.in_use));
    assert_eq!(worker.sweep().unwrap().listed, 2);
    let mut export = Vec::new();
    restored.store.export(&mut export, crate::ExportOptions::default(), |_| {}).unwrap();
    let report = crate::audit::verify_export(export.as_slice(), &crate::audit::VerifyOptions::default(), |_| {});
    assert!(report.first_fault().is_none(), "{report}");
    assert_eq!(restored.store.scrub(|_| {}).unwrap().findings, Vec::<String>::new());
}

/// Operators read it in another process than the worker that finds it.
#[test]
fn what_issuers_list_that_the_log_does_not_know_is_recorded_once_until_it_changes() {
    let restored = Restored::new();
    let (store, worker) = (&restored.store, restored.worker());
    let noted = || store.status().unwrap().strangers.values().map(|found| found.credentials).collect::<Vec<_>>();
    let size = || store.status().unwrap().log_size.get();
    assert_eq!(noted(), [0_u64; 0]);
    worker.strangers().unwrap();
    assert_eq!(noted(), [1], "in quarantine, too");
    let before = size();
    worker.strangers().unwrap();
    restored.ops().end_quarantine().unwrap();
    for _ in 0..3 {
        worker.sweep().unwrap();
    }
    assert_eq!(size(), before + 1, "the end of the quarantine alone");
    restored.adopt(restored.world.secret, &stranger(), restored.in_use.expose()).unwrap();
    assert_eq!(noted(), [0_u64; 0]);

    // The original goes on.
    for _ in 0..2 {
        restored.world.worker().rotate(&restored.world.ops(), restored.world.secret).unwrap();
        restored.world.worker().run_due().unwrap();
    }
    let found = worker.sweep().unwrap().strangers;
    assert_eq!((found.len(), noted()), (2, vec![2]));
    worker.end_stranger(&found[0].issuer, &found[0].outside).unwrap();
    assert_eq!(noted(), [1]);
    let mut seen = Vec::new();
    let see = |entry: crate::LogEntry| {
        if let crate::LogEntry::Known(record) = entry
            && let crate::Event::StrangersFound(found) = &record.event
        {
            seen.push(found.credentials);
        }
        std::ops::ControlFlow::Continue(())
    };
    store.for_each_record(crate::Position::FIRST, see).unwrap();
    assert_eq!(seen, [1, 0, 2, 1]);
}

/// An adoption that was asked for again was refused, though it was done.
#[test]
fn an_adoption_is_done_once_under_its_key() {
    let restored = Restored::new();
    restored.ops().end_quarantine().unwrap();
    let (secret, data) = (restored.world.secret, restored.in_use.expose());
    let key = || IdempotencyKey::parse("incident-7").unwrap();
    let adopt = |session: &Session, outside: &OutsideId| {
        restored.worker().adopt_stranger(session, secret, outside, SecretBytes::copy_from(data), None)
    };
    let first = adopt(&restored.ops().once(key()), &stranger()).unwrap();
    let calls = restored.world.model.calls().len();
    let again = adopt(&restored.ops().once(key()), &stranger()).unwrap();
    assert!(!first.remembered && again.remembered, "{again:?}");
    assert_eq!((again.position, restored.world.model.calls().len()), (first.position, calls), "no issuer is asked");
    let other = OutsideId::parse("model-9").unwrap();
    assert_eq!(adopt(&restored.ops().once(key()), &other).unwrap_err().code(), "idempotency_key_reused");
    let by_hand = restored.worker().rotate(&restored.ops().once(key()), secret).unwrap_err();
    assert_eq!(by_hand.code(), "idempotency_key_reused");
    assert_eq!(restored.store.secret(secret).unwrap().versions.len(), 3);
}

/// An issuer that takes what an account has.
struct Taking(Arc<ModelIssuer>);

impl Issuer for Taking {
    fn class(&self) -> IssuerClass {
        IssuerClass::SetValue
    }

    fn pick(&self, order: &IssueOrder<'_>) -> Result<SecretBytes, IssuerError> {
        self.0.pick(order)
    }

    fn take(&self, _: &IssueOrder<'_>, brought: &SecretBytes) -> Result<SecretBytes, IssuerError> {
        Ok(SecretBytes::copy_from(brought.expose()))
    }

    fn create(&self, order: &IssueOrder<'_>, value: Option<&SecretBytes>) -> Result<Issued, IssuerError> {
        self.0.create(order, value)
    }

    fn verify(&self, order: &IssueOrder<'_>, credential: &SecretBytes) -> Result<(), IssuerError> {
        self.0.verify(order, credential)
    }

    fn retire(&self, order: &IssueOrder<'_>, outside: Option<&OutsideId>) -> Result<(), IssuerError> {
        self.0.retire(order, outside)
    }
}

/// The conditions of the session were dropped, all but its actor.
#[test]
fn a_password_that_an_account_has_is_taken_on_the_terms_of_the_session() {
    let world = World::new(ModelIssuer::new(IssuerClass::SetValue));
    let options = world.options().shared_issuer(issuer(), Arc::new(Taking(Arc::clone(&world.model))));
    let worker = RotationWorker::new(&world.store, options);
    worker.run_due().unwrap();
    let present = world.credential(Current);
    let adopt = |session: &Session| worker.adopt(session, world.secret, SecretBytes::copy_from(present.expose()));
    let revision = world.get().revision;
    let stale = Revision::new(revision.get() - 1);
    assert_eq!(adopt(&world.ops().expecting(stale)).unwrap_err().code(), "revision_mismatch");
    let once = world.ops().once(IdempotencyKey::parse("incident-8").unwrap());
    let first = adopt(&once).unwrap();
    worker.run_due().unwrap();
    let again = adopt(&once).unwrap();
    assert!(!first.remembered && again.remembered, "{again:?}");
    assert_eq!((again.position, world.get().versions.len()), (first.position, 2), "it was taken once");
    assert!(world.model.logs_in(&present));
    world.audit("taken");
}
