//! The rotation worker with a real server: credentials are made, put into use and retired; the server goes away in the
//! middle and comes back; the process ends and the next one goes on.

use std::time::Duration;

use latchkeep::{
    Actor, Issuance, Issuer, IssuerName, ManualClock, RotationWorker, SecretBytes, SecretId, SecretName, Store,
    StoreOptions, Timestamp, Unlock, VersionRef, WorkerOptions,
};

use crate::support::{Server, field, password_issuer, role_issuer};

const HOUR: Duration = Duration::from_secs(60 * 60);

struct Home<'a> {
    server: &'a Server,
    dir: tempfile::TempDir,
    clock: ManualClock,
    secret: SecretId,
}

fn issuer() -> IssuerName {
    IssuerName::parse("orders-db").unwrap()
}

impl<'a> Home<'a> {
    fn new(server: &'a Server) -> (Self, Store) {
        let dir = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(Timestamp::parse("2026-11-23T12:00:00Z").unwrap()).moving(Duration::from_nanos(1));
        let store = options(&dir, &clock).create().unwrap();
        let name = SecretName::parse("orders").unwrap();
        let new = latchkeep::NewSecret::service_credentials(name, Issuance::by(issuer()));
        let secret = store.acting_as(Actor::parse("ops").unwrap()).create(new).unwrap().secret.unwrap();
        (Self { server, dir, clock, secret }, store)
    }

    /// Whether a version of the secret really logs in.
    fn logs_in(&self, store: &Store, version: VersionRef) -> bool {
        let read = store.acting_as(Actor::parse("ops").unwrap()).read(self.secret, version).unwrap();
        let credential = SecretBytes::copy_from(read.data.primary().expose());
        let (user, password) = (field(&credential, "username"), field(&credential, "password"));
        self.server.psql("app", &user, &password).args(["-c", "SELECT 1"]).output().unwrap().status.success()
    }

    /// Rotates by hand, and lets the worker go on for some hours.
    fn rotate(&self, store: &Store, worker: &RotationWorker) {
        drop(worker.rotate(&store.acting_as(Actor::parse("ops").unwrap()), self.secret));
        self.go_on(worker);
    }

    fn go_on(&self, worker: &RotationWorker) {
        for _ in 0..4 {
            worker.run_due().unwrap();
            self.clock.advance(HOUR);
        }
    }
}

fn options(dir: &tempfile::TempDir, clock: &ManualClock) -> StoreOptions {
    let unlock = Unlock::bytes(SecretBytes::copy_from(&[7; 32]));
    StoreOptions::new(dir.path().join("store"), unlock).clock(clock.clone())
}

fn worker(store: &Store, made: impl Issuer + 'static) -> RotationWorker {
    RotationWorker::new(store, WorkerOptions::new().issuer(issuer(), made).attempts_max(50))
}

#[test]
fn a_role_per_version_is_made_used_and_dropped_through_an_outage_and_a_restart() {
    let Some(server) = Server::start() else { return };
    let (home, store) = Home::new(&server);
    let rotating = worker(&store, role_issuer(server.seen()));
    rotating.run_due().unwrap();
    assert!(home.logs_in(&store, VersionRef::Current));
    home.rotate(&store, &rotating);
    assert!(home.logs_in(&store, VersionRef::Current) && home.logs_in(&store, VersionRef::Previous));
    assert_eq!(server.roles_of_ours(), "2");

    // The server goes away, a rotation is asked for, the process ends; the next one finds the server back.
    server.kill();
    home.rotate(&store, &rotating);
    assert!(store.secret(home.secret).unwrap().rotation.is_some(), "it waits");
    store.close().unwrap();
    drop((rotating, store));
    let store = options(&home.dir, &home.clock).open().unwrap();
    let rotating = worker(&store, role_issuer(server.seen()));
    home.go_on(&rotating);
    server.begin();
    home.go_on(&rotating);
    let secret = store.secret(home.secret).unwrap();
    assert_eq!((secret.rotation.as_ref().map(|open| open.stage.label()), secret.versions.len()), (None, 3));
    assert!(home.logs_in(&store, VersionRef::Current) && home.logs_in(&store, VersionRef::Previous));
    assert_eq!(server.roles_of_ours(), "2", "the first one fell out of the window and was dropped");
    assert_eq!(rotating.sweep().unwrap().retired, 0, "no role is orphaned");

    store.acting_as(Actor::parse("ops").unwrap()).delete(home.secret).unwrap();
    home.go_on(&rotating);
    assert_eq!(server.roles_of_ours(), "0");
}

#[test]
fn a_role_of_a_rotation_that_this_log_never_planned_is_shown_and_left() {
    let Some(server) = Server::start() else { return };
    let (home, store) = Home::new(&server);
    let rotating = worker(&store, role_issuer(server.seen()));
    rotating.run_due().unwrap();
    // A role of this store for a rotation that it never planned.
    let lost = latchkeep::RotationId::from_bytes([9; 16]);
    let name = SecretName::parse("orders").unwrap();
    let order = latchkeep::IssueOrder::new(store.log_id(), home.secret, &name, lost, None);
    role_issuer(server.seen()).create(&order, None).unwrap();
    assert_eq!(server.roles_of_ours(), "2");
    // A copy or the original of a restored store may use it.
    let swept = rotating.sweep().unwrap();
    assert_eq!((swept.retired, swept.strangers.len(), swept.strangers[0].rotation), (0, 1, lost));
    assert_eq!(server.roles_of_ours(), "2");
    assert!(home.logs_in(&store, VersionRef::Current));
}

#[test]
fn the_password_of_one_account_is_replaced_and_set_back_when_the_rotation_is_given_up() {
    let Some(server) = Server::start() else { return };
    let (home, store) = Home::new(&server);
    let rotating = worker(&store, password_issuer(server.seen()));
    rotating.run_due().unwrap();
    assert!(home.logs_in(&store, VersionRef::Current));
    home.rotate(&store, &rotating);
    assert!(home.logs_in(&store, VersionRef::Current) && !home.logs_in(&store, VersionRef::Previous));
    server.kill();
    home.rotate(&store, &rotating);
    let reason = latchkeep::Reason::parse("the server is away").unwrap();
    store.acting_as(Actor::parse("ops").unwrap()).abort_rotation(home.secret, reason).unwrap();
    server.begin();
    home.go_on(&rotating);
    let secret = store.secret(home.secret).unwrap();
    assert_eq!((secret.rotation.is_none(), secret.versions.len()), (true, 2));
    assert!(home.logs_in(&store, VersionRef::Current));
}
