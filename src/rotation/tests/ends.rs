//! Credentials that end when their issuer said: the worker ends them where they are good, and none is left behind.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use super::world::{DAY, HOUR, World, issuer};
use crate::RotationWorker;
use crate::domain::id::{LogId, RotationId};
use crate::domain::issuance::Issuance;
use crate::domain::lock::NewLock;
use crate::domain::name::{Actor, LockName, OutsideId, SecretName};
use crate::domain::policy::{Interval, IntervalUnit, RotationPolicy};
use crate::domain::rotation::IssuerClass;
use crate::domain::secret::Lifecycle;
use crate::domain::version::VersionRef;
use crate::engine::clock::{Clock, ManualClock};
use crate::issuer::issuer::{IssueOrder, Issuer};
use crate::issuer::kit::{ModelIssuer, ModelMethod};
use crate::issuer::outcome::{Issued, IssuerError};
use crate::rotation::options::WorkerOptions;
use crate::seal::secret_bytes::SecretBytes;
use crate::seal::unlock::Unlock;
use crate::store::command::Command;
use crate::store::new_secret::NewSecret;
use crate::store::options::StoreOptions;

/// The model, whose credentials live for a while.
struct ShortLived {
    model: Arc<ModelIssuer>,
    clock: ManualClock,
    life: Duration,
}

impl Issuer for ShortLived {
    fn class(&self) -> IssuerClass {
        self.model.class()
    }

    fn pick(&self, order: &IssueOrder<'_>) -> Result<SecretBytes, IssuerError> {
        self.model.pick(order)
    }

    fn create(&self, order: &IssueOrder<'_>, value: Option<&SecretBytes>) -> Result<Issued, IssuerError> {
        let made = self.model.create(order, value)?;
        Ok(made.expiring_at(self.clock.now().plus(self.life)))
    }

    fn find(&self, order: &IssueOrder<'_>) -> Result<Vec<OutsideId>, IssuerError> {
        self.model.find(order)
    }

    fn verify(&self, order: &IssueOrder<'_>, credential: &SecretBytes) -> Result<(), IssuerError> {
        self.model.verify(order, credential)
    }

    fn retire(&self, order: &IssueOrder<'_>, outside: Option<&OutsideId>) -> Result<(), IssuerError> {
        self.model.retire(order, outside)
    }

    fn list(&self, store: LogId) -> Result<Vec<(RotationId, OutsideId)>, IssuerError> {
        self.model.list(store)
    }
}

/// A world whose credentials live so long, and its worker.
fn given(class: IssuerClass, life: Duration, policy: Option<RotationPolicy>) -> (World, RotationWorker) {
    let world = World::with(ModelIssuer::new(class), Issuance::by(issuer()), policy);
    let short_lived = ShortLived { model: Arc::clone(&world.model), clock: world.clock.clone(), life };
    let worker = RotationWorker::new(&world.store, WorkerOptions::new().issuer(issuer(), short_lived));
    worker.run_due().unwrap();
    (world, worker)
}

/// Lets time pass in steps, the worker at work.
fn wait(world: &World, worker: &RotationWorker, steps: u32, step: Duration) {
    for _ in 0..steps {
        world.clock.advance(step);
        world.store.settle().unwrap();
        worker.run_due().unwrap();
    }
}

#[test]
fn a_secret_expires_once_nothing_of_it_is_good_outside() {
    for class in IssuerClass::ALL {
        let (world, worker) = given(*class, 5 * DAY, None);
        worker.rotate(&world.ops(), world.secret).unwrap();
        worker.run_due().unwrap();
        let lock = LockName::parse("billing").unwrap();
        world.ops().place_lock(world.secret, VersionRef::Current, NewLock::new(lock.clone())).unwrap();
        wait(&world, &worker, 6, DAY);
        let held = world.get();
        assert!(held.expiry_held_since.is_some() && !held.versions[0].is_available(), "{class}");
        assert!(world.model.logs_in(&world.credential(VersionRef::Current)), "{class}: a lock holds it");
        world.check(class.label());

        // While the issuer is away the credential is good, so the secret waits.
        world.ops().remove_lock(world.secret, VersionRef::Current, lock).unwrap();
        world.model.set_away(true);
        wait(&world, &worker, 3, HOUR);
        assert_eq!(world.get().lifecycle, Lifecycle::Active, "{class}");
        world.model.set_away(false);
        wait(&world, &worker, 5, HOUR);
        let gone = world.get();
        assert_eq!(gone.lifecycle, Lifecycle::Destroyed, "{class}");
        assert!(!gone.versions.iter().any(|version| version.is_available() || version.has_credential_in_use()));
        assert_eq!(world.model.existing(), [], "{class}");
        assert_eq!(world.store.scrub(|_| {}).unwrap().findings, Vec::<String>::new(), "{class}");
        world.audit(class.label());
    }
}

#[test]
fn a_policy_keeps_a_secret_alive_whose_credentials_live_shorter_than_its_interval() {
    for class in IssuerClass::ALL {
        let policy = RotationPolicy::every(Interval::new(30, IntervalUnit::Day).unwrap());
        let (world, worker) = given(*class, DAY, Some(policy));
        for _ in 0..40 {
            wait(&world, &worker, 1, 6 * HOUR);
            world.check(class.label());
        }
        let made = world.model.calls().iter().filter(|call| call.method == ModelMethod::Create).count();
        assert!((10..=16).contains(&made), "{class}: {made} in ten days, each after 16 hours, looked at every 6");
    }
}

#[test]
fn a_worker_that_comes_late_still_saves_a_secret_with_a_policy() {
    let policy = RotationPolicy::every(Interval::new(30, IntervalUnit::Day).unwrap());
    let (world, worker) = given(IssuerClass::CreateDiscoverable, 10 * DAY, Some(policy));
    world.clock.advance(40 * DAY);
    world.store.settle().unwrap();
    worker.run_due().unwrap();
    assert_eq!(world.get().versions.len(), 2);
    world.check("saved");
}

/// Credentials once ended before the second run of a timer came.
#[test]
fn a_daily_timer_rotates_before_the_end_of_credentials_that_live_for_25_hours() {
    let policy = RotationPolicy::every(Interval::new(1, IntervalUnit::Day).unwrap());
    let (world, worker) = given(IssuerClass::CreateDiscoverable, 25 * HOUR, Some(policy));
    let first = world.clock.now();
    for times in 1..=16_u32 {
        // The timer fires by its own clock, some seconds before as many days are over.
        let timer = first.plus(DAY * times - Duration::from_secs(5));
        world.clock.advance(timer.since(world.clock.now()));
        world.store.settle().unwrap();
        let current = world.get().current().unwrap().expires_at.unwrap();
        assert!(current > world.clock.now(), "day {times}: what is handed out is good until the run");
        worker.run_due().unwrap();
        assert_eq!(world.get().current().unwrap().number.get(), u64::from(times) + 1);
    }
    world.check("timer");
}

/// A certificate whose renewal was missed once could never be renewed again; without a policy it ends as before.
#[test]
fn a_certificate_that_ended_while_nobody_ran_is_renewed_late() {
    let (world, worker) = given(IssuerClass::CreateDiscoverable, 30 * DAY, None);
    let create = |name: &str, days: Option<u16>| {
        let new = NewSecret::private_cert(SecretName::parse(name).unwrap(), Issuance::by(issuer()));
        let policy = days.map(|days| RotationPolicy::every(Interval::new(days, IntervalUnit::Day).unwrap()));
        let new = policy.into_iter().fold(new, NewSecret::rotating);
        world.ops().create(new).unwrap().secret.unwrap()
    };
    let (renewed, ends) = (create("renewed", Some(20)), create("ends", None));
    worker.run_due().unwrap();
    world.clock.advance(40 * DAY);
    world.store.settle().unwrap();
    let standing = |secret| {
        let secret = world.store.secret(secret).unwrap();
        let standing = secret.rotation_standing(crate::Settings::default(), world.clock.now());
        (secret.lifecycle, secret.versions.len(), standing.map(crate::RotationStanding::label))
    };
    assert_eq!(standing(renewed), (Lifecycle::Active, 1, Some("due")));
    assert_eq!(standing(ends), (Lifecycle::Deactivated, 1, None));
    worker.run_due().unwrap();
    assert_eq!(standing(renewed), (Lifecycle::Active, 2, Some("scheduled")));
    // It is still held to its policy: without one, it ends.
    world.clock.advance(40 * DAY);
    world.ops().run(Command::clear_policy(renewed)).unwrap();
    world.store.settle().unwrap();
    assert_eq!(standing(renewed).0, Lifecycle::Deactivated);
    world.audit("renewed late");
}

/// A certificate that a policy renews was once listed as if it expired; leases and graces were left out.
#[test]
fn what_ends_with_a_quarantine_is_told_before() {
    let (world, worker) = given(IssuerClass::CreateDiscoverable, 30 * DAY, None);
    let (ops, name) = (world.ops(), |name| SecretName::parse(name).unwrap());
    let renewed = NewSecret::private_cert(name("renewed"), Issuance::by(issuer()));
    let renewed = renewed.rotating(RotationPolicy::every(Interval::new(20, IntervalUnit::Day).unwrap()));
    let renewed = ops.create(renewed).unwrap().secret.unwrap();
    let mut issuance = Issuance::by(issuer());
    (issuance.grace_secs, issuance.consumers) = (5 * 24 * 3_600, [Actor::parse("ops").unwrap()].into());
    let graced = ops.create(NewSecret::service_credentials(name("graced"), issuance)).unwrap().secret.unwrap();
    worker.run_due().unwrap();
    worker.rotate(&ops, graced).unwrap();
    worker.run_due().unwrap();
    ops.acknowledge(graced, VersionRef::Current).unwrap();
    let lease = NewLock::new(LockName::parse("billing").unwrap()).until(HOUR);
    ops.place_lock(renewed, VersionRef::Current, lease).unwrap();
    let (key, mut file) = (|| Unlock::bytes(SecretBytes::copy_from(&[7; 32])), Vec::new());
    world.store.backup(&mut file, &key(), |_| {}).unwrap();
    assert_eq!(world.store.ends_with_quarantine(), []);

    let ending = || {
        let options = StoreOptions::in_memory(key()).clock(world.clock.clone());
        let (store, _) = options.restore(Cursor::new(&file), &key(), |_| {}).unwrap();
        let ends = store.ends_with_quarantine().into_iter().map(|(secret, ending)| {
            let leases: Vec<_> = ending.leases.iter().map(|(_, lock)| lock.to_string()).collect();
            let credentials: Vec<_> = ending.credentials.iter().map(|number| number.get()).collect();
            (secret.metadata.name.to_string(), ending.expires, leases, credentials)
        });
        let ends: BTreeSet<_> = ends.collect();
        store.acting_as(Actor::parse("ops").unwrap()).end_quarantine().unwrap();
        store.settle().unwrap();
        assert_eq!(store.secret(renewed).unwrap().lifecycle, Lifecycle::Active);
        assert_eq!(store.ends_with_quarantine(), []);
        ends
    };
    let row = |name: &str, expires, leases: &[&str], credentials: &[u64]| {
        (name.to_owned(), expires, leases.iter().map(ToString::to_string).collect(), credentials.to_vec())
    };
    assert_eq!(ending(), BTreeSet::new());
    world.clock.advance(6 * DAY);
    assert_eq!(ending(), [row("graced", false, &[], &[1]), row("renewed", false, &["billing"], &[])].into());
    world.clock.advance(34 * DAY);
    let (orders, graced) = (row("orders", true, &[], &[1]), row("graced", true, &[], &[1, 2]));
    assert_eq!(ending(), [orders, graced, row("renewed", false, &["billing"], &[])].into());
}
