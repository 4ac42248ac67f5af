//! The worker dies at every point, with a real PostgreSQL server, which goes away at some of them and comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::world::HOUR;
use crate::RotationWorker;
use crate::domain::id::SecretId;
use crate::domain::issuance::Issuance;
use crate::domain::name::{Actor, IssuerName, Reason, SecretName};
use crate::domain::rotation::IssuerClass;
use crate::domain::time::Timestamp;
use crate::domain::version::VersionRef::{self, Current, Previous};
use crate::engine::clock::ManualClock;
use crate::issuer::issuer::Issuer;
use crate::rotation::options::WorkerOptions;
use crate::seal::secret_bytes::SecretBytes;
use crate::seal::unlock::Unlock;
use crate::store::Store;
use crate::store::new_secret::NewSecret;
use crate::store::options::StoreOptions;
use crate::store::session::Session;

#[path = "../../../tests/postgres/support.rs"]
#[allow(dead_code, unreachable_pub, clippy::pedantic, reason = "the tests of the issuers use the rest")]
mod support;

use support::{Server, field, password_issuer, role_issuer};

/// A store of its own with one secret, on a server that all share.
struct Home<'a> {
    server: &'a Server,
    clock: ManualClock,
    store: Store,
    secret: SecretId,
    class: IssuerClass,
}

impl<'a> Home<'a> {
    fn new(server: &'a Server, class: IssuerClass) -> Self {
        let clock = ManualClock::at(Timestamp::parse("2026-11-23T12:00:00Z").unwrap())
            .moving(std::time::Duration::from_nanos(1));
        let unlock = Unlock::bytes(SecretBytes::copy_from(&[7; 32]));
        let store = StoreOptions::in_memory(unlock).clock(clock.clone()).create().unwrap();
        let issuance = Issuance::by(IssuerName::parse("orders-db").unwrap());
        let new = NewSecret::service_credentials(SecretName::parse("orders").unwrap(), issuance);
        let secret = store.acting_as(Actor::parse("ops").unwrap()).create(new).unwrap().secret.unwrap();
        Self { server, clock, store, secret, class }
    }

    fn ops(&self) -> Session {
        self.store.acting_as(Actor::parse("ops").unwrap())
    }

    fn options(&self) -> WorkerOptions {
        let seen = self.server.seen();
        let issuer: Arc<dyn Issuer> = match self.class {
            IssuerClass::SetValue => Arc::new(password_issuer(seen)),
            _ => Arc::new(role_issuer(seen)),
        };
        WorkerOptions::new().shared_issuer(IssuerName::parse("orders-db").unwrap(), issuer).attempts_max(50)
    }

    /// The first version and two rotations; tells whether the worker came through.
    fn story(&self, worker: &RotationWorker) -> bool {
        (0..3).all(|_| {
            drop(worker.rotate(&self.ops(), self.secret));
            worker.run_due().is_ok()
        })
    }

    fn go_on(&self, hours: u32) {
        let worker = RotationWorker::new(&self.store, self.options());
        for _ in 0..hours {
            worker.run_due().unwrap();
            self.clock.advance(HOUR);
        }
    }

    /// Tells whether a version is there and really logs in.
    fn logs_in(&self, version: VersionRef) -> bool {
        let Ok(read) = self.ops().read(self.secret, version) else { return false };
        let credential = SecretBytes::copy_from(read.data.primary().expose());
        let (user, password) = (field(&credential, "username"), field(&credential, "password"));
        self.server.psql("app", &user, &password).args(["-c", "SELECT 1"]).output().unwrap().status.success()
    }

    /// Goes on to the end, perhaps with the server away for a while, and holds the world to the promises.
    fn check(&self, goes_away: bool, what: &str) {
        let has_version = self.store.secret(self.secret).unwrap().current().is_some();
        // Roles are made beside each other: whenever the worker dies, one of them logs in.
        let is_beside = self.class == IssuerClass::CreateDiscoverable;
        assert!(!is_beside || !has_version || self.logs_in(Current) || self.logs_in(Previous), "{what}: no login");
        if goes_away {
            self.server.kill();
            self.go_on(2);
            self.server.begin();
        }
        self.go_on(4);
        assert_eq!(self.store.secret(self.secret).unwrap().rotation, None, "{what}");
        drop(RotationWorker::new(&self.store, self.options()).rotate(&self.ops(), self.secret));
        self.go_on(2);
        assert!(self.logs_in(Current), "{what}: current does not log in");
        assert_eq!(RotationWorker::new(&self.store, self.options()).sweep().unwrap().problems, Vec::<String>::new());
        let secret = self.store.secret(self.secret).unwrap();
        let in_use = secret.credentials().filter(|credential| credential.is_in_use()).count();
        let roles = if is_beside { in_use } else { 0 };
        assert_eq!(self.server.roles_of_ours(), roles.to_string(), "{what}: a role is orphaned");
        self.ops().delete(self.secret).unwrap();
        self.go_on(2);
        assert_eq!(self.server.roles_of_ours(), "0", "{what}");
        assert!(self.store.secret(self.secret).is_err(), "{what}: it is gone");
    }
}

#[test]
fn with_a_real_server_a_worker_that_dies_at_any_point_is_gone_on_from_by_the_next() {
    let Some(server) = Server::start() else { return };
    for class in [IssuerClass::SetValue, IssuerClass::CreateDiscoverable] {
        let mut points = 0;
        for at in 0.. {
            let home = Home::new(&server, class);
            let met = Arc::new(AtomicU64::new(0));
            let counted = Arc::clone(&met);
            let mut options = home.options();
            options.interrupt = Some(Arc::new(move |_| counted.fetch_add(1, Ordering::Relaxed) == at));
            let through = home.story(&RotationWorker::new(&home.store, options));
            home.check(at % 5 == 2, &format!("{class}, point {at}"));
            points = at;
            if through && met.load(Ordering::Relaxed) <= at {
                break;
            }
        }
        assert!(points > 12, "{class}: only {points} points were met");
    }
}

#[test]
fn with_a_real_server_a_rotation_that_is_given_up_anywhere_leaves_nothing_behind() {
    let Some(server) = Server::start() else { return };
    for class in [IssuerClass::SetValue, IssuerClass::CreateDiscoverable] {
        for at in 0..6 {
            let home = Home::new(&server, class);
            home.go_on(1);
            let met = AtomicU64::new(0);
            let mut options = home.options();
            options.interrupt = Some(Arc::new(move |_| met.fetch_add(1, Ordering::Relaxed) == at));
            let dying = RotationWorker::new(&home.store, options);
            drop(dying.rotate(&home.ops(), home.secret));
            drop(dying.run_due());
            if home.store.secret(home.secret).unwrap().rotation.is_some() {
                home.ops().abort_rotation(home.secret, Reason::of("not today")).unwrap();
            }
            home.go_on(3);
            assert!(home.logs_in(Current), "{class}, given up at point {at}");
            home.check(at == 3, &format!("{class}, given up at point {at}"));
        }
    }
}
