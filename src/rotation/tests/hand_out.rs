//! Schedules of the worker's threads: who looks, who serves, who calls outside, with shuttle saying who goes on.
//!
//! The store is one in memory, with writer and committer in the schedule too; the outside world is a count. Read next:
//! [`crate::engine::sync::scheduled`].

use std::collections::BTreeMap;
use std::sync::Arc;

use shuttle::thread::{spawn, yield_now};

use super::world::{DAY, HOUR};
use crate::RotationWorker;
use crate::domain::id::SecretId;
use crate::domain::issuance::Issuance;
use crate::domain::name::{Actor, IssuerName, OutsideId, SecretName};
use crate::domain::rotation::IssuerClass;
use crate::domain::time::Timestamp;
use crate::engine::clock::ManualClock;
use crate::engine::sync::scheduled::{Limits, chance, explore, pause};
use crate::engine::sync::{Condvar, Mutex};
use crate::issuer::issuer::{IssueOrder, Issuer};
use crate::issuer::outcome::{Issued, IssuerError};
use crate::rotation::options::WorkerOptions;
use crate::seal::secret_bytes::SecretBytes;
use crate::seal::unlock::Unlock;
use crate::store::Store;
use crate::store::new_secret::NewSecret;
use crate::store::options::StoreOptions;

/// An outside system that counts who is inside, and may hold everybody there.
struct Outside {
    inside: Mutex<Inside>,
    changed: Condvar,
}

#[derive(Default)]
struct Inside {
    by_secret: BTreeMap<SecretId, usize>,
    most: usize,
    made: u32,
    is_held: bool,
}

impl Outside {
    fn new(is_held: bool) -> Arc<Self> {
        let inside = Inside { is_held, ..Inside::default() };
        Arc::new(Self { inside: Mutex::new(inside), changed: Condvar::new() })
    }

    /// Is inside for a while.
    fn visit(&self, secret: SecretId) -> u32 {
        let mut inside = self.inside.lock();
        let ours = inside.by_secret.entry(secret).or_default();
        *ours += 1;
        assert_eq!(*ours, 1, "two threads work on one secret");
        inside.most = inside.by_secret.values().sum::<usize>().max(inside.most);
        while inside.is_held {
            self.changed.wait(&mut inside);
        }
        drop(inside);
        pause();
        let mut inside = self.inside.lock();
        *inside.by_secret.entry(secret).or_default() -= 1;
        inside.made += 1;
        inside.made
    }

    fn release(&self) {
        self.inside.lock().is_held = false;
        self.changed.notify_all();
    }

    fn most(&self) -> usize {
        self.inside.lock().most
    }
}

/// Asks [`Outside`].
struct Counting(Arc<Outside>);

impl Issuer for Counting {
    fn class(&self) -> IssuerClass {
        IssuerClass::CreateWithToken
    }

    fn create(&self, order: &IssueOrder<'_>, _: Option<&SecretBytes>) -> Result<Issued, IssuerError> {
        let made = self.0.visit(order.secret);
        let credential = SecretBytes::copy_from(format!("{{\"number\":{made}}}").as_bytes());
        Ok(Issued::new(credential).known_as(OutsideId::parse(&format!("made-{made}")).unwrap()))
    }

    fn verify(&self, order: &IssueOrder<'_>, _: &SecretBytes) -> Result<(), IssuerError> {
        self.0.visit(order.secret);
        Ok(())
    }

    fn retire(&self, order: &IssueOrder<'_>, _: Option<&OutsideId>) -> Result<(), IssuerError> {
        self.0.visit(order.secret);
        Ok(())
    }
}

/// A store with secrets of two issuers that are due.
struct Scene {
    clock: ManualClock,
    store: Store,
    options: WorkerOptions,
    slow: Arc<Outside>,
    quick: Arc<Outside>,
    secrets: Vec<SecretId>,
}

impl Scene {
    /// So many secrets of an issuer that may hold its callers, and of one that does not, for a worker of so many threads.
    fn new(threads: usize, (of_slow, of_quick): (usize, usize), is_held: bool) -> Self {
        let clock = ManualClock::at(Timestamp::parse("2026-11-23T12:00:00Z").unwrap())
            .moving(std::time::Duration::from_nanos(1));
        let unlock = Unlock::bytes(SecretBytes::copy_from(&[7; 32]));
        let store = StoreOptions::in_memory(unlock).clock(clock.clone()).create().unwrap();
        let ops = store.acting_as(Actor::parse("ops").unwrap());
        let (slow, quick) = (Outside::new(is_held), Outside::new(false));
        let mut options = WorkerOptions::new().threads(threads).attempts_max(100).deadline(400 * DAY);
        let mut secrets = Vec::new();
        for (issuer, outside, count) in [("slow", &slow, of_slow), ("quick", &quick, of_quick)] {
            let issuer = IssuerName::parse(issuer).unwrap();
            options = options.shared_issuer(issuer.clone(), Arc::new(Counting(Arc::clone(outside))));
            for number in 0..count {
                let name = SecretName::parse(&format!("{issuer}-{number}")).unwrap();
                let new = NewSecret::service_credentials(name, Issuance::by(issuer.clone()));
                secrets.push(ops.create(new).unwrap().secret.unwrap());
            }
        }
        Self { clock, store, options, slow, quick, secrets }
    }

    fn has_version(&self, secret: SecretId) -> bool {
        !self.store.secret(secret).unwrap().versions.is_empty()
    }

    /// Lets time pass until these have a version.
    fn wait_for(&self, secrets: &[SecretId]) {
        while !secrets.iter().all(|secret| self.has_version(*secret)) {
            self.clock.advance(HOUR);
            yield_now();
        }
    }
}

/// Of two threads one issuer gets one, whatever it does; the other goes on for the others.
fn a_system_that_hangs() {
    let scene = Scene::new(2, (2, 1), true);
    let worker = RotationWorker::start(&scene.store, scene.options.clone()).unwrap();
    let quick = *scene.secrets.last().unwrap();
    scene.wait_for(&[quick]);
    assert!(!scene.has_version(scene.secrets[0]));
    scene.slow.release();
    scene.wait_for(&scene.secrets);
    worker.stop();
    assert_eq!((scene.slow.most(), scene.quick.most()), (1, 1), "calls to one issuer at once");
}

/// Somebody asks for what is due beside a worker's own threads, and the store or the worker ends at any time.
fn an_end_at_any_time() {
    let scene = Scene::new(3, (1, 2), false);
    let worker = RotationWorker::start(&scene.store, scene.options.clone()).unwrap();
    let beside = worker.clone();
    let asking = spawn(move || match beside.run_due() {
        Ok(_) => {}
        Err(error) => assert_eq!(error.code(), "closed"),
    });
    for _ in 0..chance(40) {
        yield_now();
    }
    let ended = worker.clone();
    let stopping = spawn(move || ended.stop());
    if chance(2) == 0 {
        scene.store.close().unwrap();
    }
    worker.stop();
    stopping.join().unwrap();
    asking.join().unwrap();
    assert!(scene.quick.most() <= 2, "calls to one issuer at once");
}

/// Everything is done once: days pass, and each secret gets its version.
fn days_that_pass() {
    let scene = Scene::new(3, (1, 2), false);
    let worker = RotationWorker::start(&scene.store, scene.options.clone()).unwrap();
    scene.wait_for(&scene.secrets);
    scene.clock.advance(DAY);
    worker.stop();
    for secret in &scene.secrets {
        let secret = scene.store.secret(*secret).unwrap();
        assert_eq!((secret.versions.len(), &secret.rotation), (1, &None));
    }
    assert_eq!(worker.run_due().unwrap(), 0, "nothing is left");
}

#[test]
fn an_issuer_that_hangs_never_takes_the_room_of_others() {
    explore("hanging", 12, Limits::LongOnesNeverPass, a_system_that_hangs);
    explore("hanging", 12, Limits::PassAnytime, a_system_that_hangs);
}

#[test]
fn a_worker_ends_at_any_time_and_works_on_no_secret_twice() {
    explore("ending", 12, Limits::LongOnesNeverPass, an_end_at_any_time);
    explore("ending", 12, Limits::PassAnytime, an_end_at_any_time);
}

#[test]
fn what_is_due_is_done_once() {
    explore("due", 12, Limits::LongOnesNeverPass, days_that_pass);
}
