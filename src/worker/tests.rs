//! The protocol under fire: the worker ends at every point, and every call goes wrong in every way, for each class of
//! issuer. Afterwards a worker that knows nothing goes on, and what the protocol promises must hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::options::WorkerOptions;
use super::worker::RotationWorker;
use crate::domain::id::SecretId;
use crate::domain::issuance::Issuance;
use crate::domain::lock::NewLock;
use crate::domain::name::{Actor, IssuerName, LockName, OutsideId, Reason, SecretName, Username};
use crate::domain::policy::{Interval, IntervalUnit, RotationPolicy};
use crate::domain::rotation::IssuerClass;
use crate::domain::secret::{Lifecycle, PasswordPolicy, Secret};
use crate::domain::time::Timestamp;
use crate::domain::version::{VersionOrigin, VersionRef};
use crate::engine::clock::ManualClock;
use crate::issuer::kit::{ModelFault, ModelIssuer, ModelMethod};
use crate::options::StoreOptions;
use crate::seal::secret_bytes::SecretBytes;
use crate::seal::unlock::Unlock;
use crate::store::Store;
use crate::store::new_secret::NewSecret;
use crate::store::session::Session;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A store with one secret of an issuer, and the outside world.
struct World {
    clock: ManualClock,
    store: Store,
    model: Arc<ModelIssuer>,
    secret: SecretId,
}

fn issuer() -> IssuerName {
    IssuerName::parse("orders-db").unwrap()
}

impl World {
    fn new(model: ModelIssuer) -> Self {
        Self::with(model, Issuance::by(issuer()), None)
    }

    fn with(model: ModelIssuer, issuance: Issuance, policy: Option<RotationPolicy>) -> Self {
        let clock = ManualClock::at(Timestamp::parse("2026-11-23T12:00:00Z").unwrap());
        let unlock = Unlock::bytes(SecretBytes::copy_from(&[7; 32]));
        let store = StoreOptions::in_memory(unlock).clock(clock.clone()).create().unwrap();
        let new = NewSecret::service_credentials(SecretName::parse("orders").unwrap(), issuance);
        let new = policy.into_iter().fold(new, NewSecret::rotating);
        let secret = store.acting_as(Actor::parse("ops").unwrap()).create(new).unwrap().secret.unwrap();
        Self { clock, store, model: Arc::new(model), secret }
    }

    fn ops(&self) -> Session {
        self.store.acting_as(Actor::parse("ops").unwrap())
    }

    fn options(&self) -> WorkerOptions {
        WorkerOptions::new().shared_issuer(issuer(), Arc::clone(&self.model) as Arc<_>)
    }

    fn worker(&self) -> RotationWorker {
        RotationWorker::new(&self.store, self.options())
    }

    fn get(&self) -> Arc<Secret> {
        self.store.secret(self.secret).unwrap()
    }

    /// Begins a rotation by hand, unless one is under way.
    fn begin(&self, worker: &RotationWorker) {
        let secret = self.get();
        if secret.rotation.is_none() && !secret.versions.is_empty() {
            drop(worker.rotate(&self.ops(), self.secret));
        }
    }

    /// Lets a fresh worker go on for days, and a person look after what is parked.
    fn recover(&self) {
        let worker = self.worker();
        for _ in 0..60 {
            worker.run_due().unwrap();
            let rotation = self.get().rotation.clone();
            if rotation.is_some_and(|rotation| rotation.parked.is_some()) {
                self.ops().abort_rotation(self.secret, Reason::of("looked after")).unwrap();
            }
            self.clock.advance(HOUR);
        }
        worker.run_due().unwrap();
        // A list that fails is asked for again at the next sweep.
        let is_clean = (0..5).any(|_| worker.sweep().unwrap().problems.is_empty());
        assert!(is_clean);
        assert_eq!(self.get().rotation, None, "the slot is open again");
    }

    fn outside(&self) -> Vec<OutsideId> {
        let secret = self.get();
        let credentials = secret.versions.iter().filter_map(|version| version.credential.as_deref());
        credentials.filter(|credential| credential.is_in_use()).filter_map(|it| it.outside.clone()).collect()
    }

    /// Holds the world to the promises: the current version logs in, nothing outside is unknown, the log tells a legal story,
    /// and nothing is stored that should be gone.
    #[track_caller]
    fn check(&self, what: &str) {
        let secret = self.get();
        assert_eq!(secret.lifecycle, Lifecycle::Active, "{what}");
        let current = secret.current().unwrap();
        assert!(self.model.logs_in(&self.credential(current.id.into_ref())), "{what}: current does not log in");
        let is_opaque = current.credential.as_ref().unwrap().class == IssuerClass::Opaque;
        if !is_opaque {
            assert_eq!(self.model.orphans(&self.outside()), [], "{what}");
        }
        for version in secret.versions.iter().rev().skip(1).filter(|version| version.is_available()) {
            let is_good = version.credential.as_ref().is_some_and(|credential| credential.is_in_use());
            let logs_in = self.model.logs_in(&self.credential(version.id.into_ref()));
            assert_eq!(logs_in, is_good, "{what}: version {}", version.number);
        }
        assert_eq!(self.store.scrub(|_| {}).unwrap().findings, Vec::<String>::new(), "{what}");
        self.audit(what);
    }

    fn credential(&self, version: VersionRef) -> SecretBytes {
        let read = self.ops().read(self.secret, version).unwrap();
        SecretBytes::copy_from(read.data.primary().expose())
    }

    /// Exports the log and has it verified, semantic replay and all.
    #[track_caller]
    fn audit(&self, what: &str) {
        let mut export = Vec::new();
        self.store.export(&mut export, crate::ExportOptions::default(), |_| {}).unwrap();
        let report = crate::audit::verify_export(export.as_slice(), &crate::audit::VerifyOptions::default(), |_| {});
        assert!(report.is_sound(), "{what}: {report}");
    }
}

trait IntoRef {
    fn into_ref(self) -> VersionRef;
}

impl IntoRef for crate::domain::id::VersionId {
    fn into_ref(self) -> VersionRef {
        VersionRef::Id(self)
    }
}

/// Three versions one after another, the first falling out; until the worker is interrupted, if it is.
fn story(world: &World, worker: &RotationWorker) -> bool {
    for _ in 0..3 {
        world.begin(worker);
        if worker.run_due().is_err() {
            return false;
        }
    }
    true
}

#[test]
fn a_secret_comes_to_three_versions_with_each_class() {
    for class in IssuerClass::ALL {
        let world = World::new(ModelIssuer::new(*class));
        assert_eq!(world.get().lifecycle, Lifecycle::PreActivation);
        assert!(story(&world, &world.worker()), "{class}");
        let secret = world.get();
        assert_eq!(secret.versions.len(), 3, "{class}");
        assert!(!secret.versions[0].is_available() && secret.versions[1].is_available(), "{class}");
        world.check(class.label());
    }
}

#[test]
fn a_worker_that_dies_at_any_point_is_gone_on_from_by_the_next() {
    for class in IssuerClass::ALL {
        let mut points = 0;
        for at in 0.. {
            let world = World::new(ModelIssuer::new(*class));
            let met = Arc::new(AtomicU64::new(0));
            let counted = Arc::clone(&met);
            let mut options = world.options();
            options.interrupt = Some(Arc::new(move |_| counted.fetch_add(1, Ordering::Relaxed) == at));
            let through = story(&world, &RotationWorker::new(&world.store, options));
            world.recover();
            let worker = world.worker();
            world.begin(&worker);
            worker.run_due().unwrap();
            world.check(&format!("{class}, point {at}"));
            points = at;
            if through && met.load(Ordering::Relaxed) <= at {
                break;
            }
        }
        assert!(points > 12, "{class}: only {points} points were met");
    }
}

#[test]
fn whatever_goes_wrong_with_any_call_the_credential_in_use_logs_in_and_nothing_is_orphaned() {
    use ModelFault::{BeUnavailable, CrashAfterEffect, CrashBeforeEffect, LoseReply, Refuse};
    for class in IssuerClass::ALL {
        for method in
            [ModelMethod::Create, ModelMethod::Find, ModelMethod::Verify, ModelMethod::Retire, ModelMethod::List]
        {
            for fault in [Refuse, BeUnavailable, LoseReply, CrashBeforeEffect, CrashAfterEffect] {
                for number in 0..4 {
                    let world = World::new(ModelIssuer::new(*class).fault(method, number, fault));
                    let _ = story(&world, &world.worker());
                    world.recover();
                    let worker = world.worker();
                    world.begin(&worker);
                    worker.run_due().unwrap();
                    world.recover();
                    world.check(&format!("{class}, {method:?} {number}: {fault:?}"));
                }
            }
        }
    }
}

#[test]
fn a_permanent_no_leads_to_another_value_and_then_to_a_person_never_to_the_same_for_ever() {
    let mut model = ModelIssuer::new(IssuerClass::SetValue);
    for number in 1..100 {
        model = model.fault(ModelMethod::Create, number, ModelFault::Refuse);
    }
    let world = World::new(model);
    let worker = RotationWorker::new(&world.store, world.options().attempts_max(4));
    worker.run_due().unwrap();
    worker.rotate(&world.ops(), world.secret).unwrap();
    let mut values = Vec::new();
    for _ in 0..10 {
        worker.run_due().unwrap();
        values.push(world.get().rotation.as_ref().unwrap().value.unwrap().data_key);
        world.clock.advance(HOUR);
    }
    values.dedup();
    assert_eq!(values.len(), 4, "each refusal brought another value, up to the last attempt");
    let rotation = world.get().rotation.clone().unwrap();
    assert!(rotation.parked.unwrap().reason.as_str().contains("every attempt failed"));
    assert_eq!(world.model.calls().iter().filter(|call| call.method == ModelMethod::Create).count(), 5);
    // The current version was never touched.
    assert!(world.model.logs_in(&world.credential(VersionRef::Current)));
    world.ops().abort_rotation(world.secret, Reason::of("another day")).unwrap();
    worker.run_due().unwrap();
    world.check("aborted");
}

#[test]
fn a_lock_that_comes_while_the_call_is_out_holds_the_new_version_staged_until_it_goes() {
    let world = World::new(ModelIssuer::new(IssuerClass::CreateDiscoverable));
    let worker = world.worker();
    assert!(story(&world, &worker));
    worker.rotate(&world.ops(), world.secret).unwrap();
    // In log order the lock on previous comes behind the plan, and before the commit.
    let mut options = world.options();
    options.interrupt = Some(Arc::new(|point| point == "created"));
    assert!(RotationWorker::new(&world.store, options).run_due().is_err());
    let lock = NewLock::new(LockName::parse("billing").unwrap());
    world.ops().place_lock(world.secret, VersionRef::Previous, lock).unwrap();
    world.clock.advance(HOUR);
    worker.run_due().unwrap();
    let held = world.get();
    assert_eq!(held.rotation.as_ref().unwrap().stage.label(), "staged");
    assert_eq!(held.versions.len(), 3);
    assert!(world.model.logs_in(&world.credential(VersionRef::Previous)), "nothing that was locked is lost");
    // By hand: reported once, however long it lasts.
    let before = held.revision;
    world.clock.advance(3 * DAY);
    worker.run_due().unwrap();
    assert!(world.get().revision.get() <= before.get() + 3);
    world.ops().remove_lock(world.secret, VersionRef::Previous, LockName::parse("billing").unwrap()).unwrap();
    worker.run_due().unwrap();
    assert_eq!(world.get().versions.len(), 4);
    world.check("committed at last");
}

#[test]
fn an_issuer_that_replaces_in_place_is_refused_by_a_lock_on_current_and_no_lock_comes_while_it_is_asked() {
    let world = World::new(ModelIssuer::new(IssuerClass::SetValue));
    let worker = world.worker();
    worker.run_due().unwrap();
    let name = LockName::parse("billing").unwrap();
    world.ops().place_lock(world.secret, VersionRef::Current, NewLock::new(name.clone())).unwrap();
    let refused = worker.rotate(&world.ops(), world.secret).unwrap_err();
    assert_eq!(refused.code(), "secret_version_locked");
    world.ops().remove_lock(world.secret, VersionRef::Current, name.clone()).unwrap();
    let mut options = world.options();
    options.interrupt = Some(Arc::new(|point| point == "created"));
    let dying = RotationWorker::new(&world.store, options);
    dying.rotate(&world.ops(), world.secret).unwrap();
    assert!(dying.run_due().is_err());
    // The account has another password already: a lock on the old one would protect nothing.
    let refused = world.ops().place_lock(world.secret, VersionRef::Current, NewLock::new(name)).unwrap_err();
    assert_eq!(refused.code(), "rotation_open");
    world.recover();
    world.check("gone on with");
}

#[test]
fn a_policy_that_a_lock_refuses_is_asked_again_each_day() {
    let policy = RotationPolicy::every(Interval::new(7, IntervalUnit::Day).unwrap());
    let world = World::with(ModelIssuer::new(IssuerClass::CreateWithToken), Issuance::by(issuer()), Some(policy));
    let worker = world.worker();
    worker.run_due().unwrap();
    world.clock.advance(8 * DAY);
    worker.run_due().unwrap();
    let lock = || NewLock::new(LockName::parse("billing").unwrap());
    world.ops().place_lock(world.secret, VersionRef::Previous, lock()).unwrap();
    world.clock.advance(8 * DAY);
    let refused = |world: &World| {
        let mut count = 0;
        world
            .store
            .for_each_record(crate::domain::position::Position::FIRST, |entry| {
                if let crate::LogEntry::Known(record) = entry {
                    count += u32::from(record.event.label() == "ScheduledRotationRefused");
                }
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
        count
    };
    for day in 1..=3 {
        worker.run_due().unwrap();
        worker.run_due().unwrap();
        assert_eq!(refused(&world), day, "once a day");
        world.clock.advance(DAY);
    }
    world.ops().remove_lock(world.secret, VersionRef::Previous, LockName::parse("billing").unwrap()).unwrap();
    world.clock.advance(DAY);
    worker.run_due().unwrap();
    assert_eq!(world.get().current().unwrap().origin, VersionOrigin::RotatedByPolicy);
    assert_eq!(world.get().versions.len(), 3);
    world.check("rotated at last");
}

#[test]
fn a_credential_is_retired_once_all_consumers_have_moved() {
    let consumers = ["service/billing", "service/web"].map(|name| Actor::parse(name).unwrap());
    let issuance = Issuance { grace_secs: 3_600, consumers: consumers.clone().into(), ..Issuance::by(issuer()) };
    let world = World::with(ModelIssuer::new(IssuerClass::CreateDiscoverable), issuance, None);
    let worker = world.worker();
    worker.run_due().unwrap();
    worker.rotate(&world.ops(), world.secret).unwrap();
    worker.run_due().unwrap();
    let still_there = || world.get().previous().unwrap().is_available();
    world.store.acting_as(consumers[0].clone()).acknowledge(world.secret, VersionRef::Current).unwrap();
    world.clock.advance(2 * HOUR);
    worker.run_due().unwrap();
    assert!(still_there(), "one of two has moved");
    world.store.acting_as(consumers[1].clone()).acknowledge(world.secret, VersionRef::Current).unwrap();
    worker.run_due().unwrap();
    assert!(!still_there());
    world.check("retired");
}

/// A worker dies at each point of a rotation, and a person gives it up then.
#[test]
fn a_rotation_that_is_given_up_anywhere_leaves_nothing_outside_and_the_current_version_good() {
    for class in [IssuerClass::SetValue, IssuerClass::CreateWithToken, IssuerClass::CreateDiscoverable] {
        for at in 0..6 {
            let world = World::new(ModelIssuer::new(class));
            world.worker().run_due().unwrap();
            let met = AtomicU64::new(0);
            let mut options = world.options();
            options.interrupt = Some(Arc::new(move |_| met.fetch_add(1, Ordering::Relaxed) == at));
            let dying = RotationWorker::new(&world.store, options);
            drop(dying.rotate(&world.ops(), world.secret));
            drop(dying.run_due());
            if world.get().rotation.is_some() {
                world.ops().abort_rotation(world.secret, Reason::of("not today")).unwrap();
            }
            for _ in 0..3 {
                world.clock.advance(HOUR);
                world.worker().run_due().unwrap();
            }
            assert_eq!(world.get().rotation, None);
            world.check(&format!("{class}, given up at point {at}"));
        }
    }
}

#[test]
fn what_does_not_log_in_is_never_put_into_use() {
    for class in IssuerClass::ALL {
        let world = World::new(ModelIssuer::new(*class));
        let worker = RotationWorker::new(&world.store, world.options().attempts_max(3));
        worker.run_due().unwrap();
        (0..100).for_each(|later| world.model.fault_soon(ModelMethod::Verify, later, ModelFault::Refuse));
        worker.rotate(&world.ops(), world.secret).unwrap();
        for _ in 0..10 {
            worker.run_due().unwrap();
            world.clock.advance(HOUR);
        }
        let secret = world.get();
        assert_eq!(secret.versions.len(), 1, "{class}");
        let rotation = secret.rotation.as_ref().unwrap();
        assert_eq!((rotation.stage.label(), rotation.parked.is_some()), ("issued", true), "{class}");
        world.ops().abort_rotation(world.secret, Reason::of("it does not log in")).unwrap();
        worker.run_due().unwrap();
        world.check(class.label());
    }
}

#[test]
fn deleting_a_secret_retires_its_credentials_first() {
    for class in IssuerClass::ALL {
        let world = World::new(ModelIssuer::new(*class));
        let worker = world.worker();
        assert!(story(&world, &worker));
        world.ops().delete(world.secret).unwrap();
        assert_eq!(world.get().lifecycle, Lifecycle::Deactivated, "{class}: not before they are retired");
        world.model.set_away(true);
        worker.run_due().unwrap();
        assert!(world.store.secret(world.secret).is_ok(), "{class}");
        world.model.set_away(false);
        for _ in 0..5 {
            world.clock.advance(HOUR);
            worker.run_due().unwrap();
        }
        assert!(world.store.secret(world.secret).is_err(), "{class}");
        assert_eq!(world.model.existing(), [], "{class}");
        world.audit(class.label());
    }
}

#[test]
fn a_system_that_hangs_holds_up_nobody_else() {
    let hanging = Arc::new(ModelIssuer::new(IssuerClass::CreateDiscoverable));
    (0..64).for_each(|later| hanging.fault_soon(ModelMethod::Create, later, ModelFault::HangBeforeEffect));
    let world = World::new(ModelIssuer::new(IssuerClass::CreateDiscoverable));
    let slow = IssuerName::parse("slow").unwrap();
    for number in 0..8 {
        let name = SecretName::parse(&format!("slow-{number}")).unwrap();
        world.ops().create(NewSecret::service_credentials(name, Issuance::by(slow.clone()))).unwrap();
    }
    let options = world.options().threads(4).call_limit(Duration::from_secs(2));
    let options = options.shared_issuer(slow, Arc::clone(&hanging) as Arc<_>);
    let worker = RotationWorker::start(&world.store, options).unwrap();
    let until = std::time::Instant::now() + Duration::from_secs(20);
    while world.get().versions.is_empty() && std::time::Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(world.get().versions.len(), 1, "the other issuer was asked meanwhile");
    hanging.release();
    worker.stop();
}

#[test]
fn nothing_runs_in_quarantine_and_an_issuer_that_is_not_there_is_waited_for() {
    let world = World::new(ModelIssuer::new(IssuerClass::CreateWithToken));
    let alone = RotationWorker::new(&world.store, WorkerOptions::new());
    assert_eq!(alone.run_due().unwrap(), 0);
    let waiting = alone.waiting();
    assert_eq!(waiting.len(), 1);
    assert!(waiting[0].1.as_str().contains("no issuer of its name"));
    assert_eq!(world.model.calls(), []);
}

#[test]
fn passwords_rotate_by_themselves() {
    let world = World::new(ModelIssuer::new(IssuerClass::CreateWithToken));
    let policy = RotationPolicy::every(Interval::new(1, IntervalUnit::Day).unwrap());
    let new = |number: u32| {
        let name = SecretName::parse(&format!("password-{number}")).unwrap();
        let username = Username::parse("admin").unwrap();
        NewSecret::generated_password(name, username, PasswordPolicy::default()).rotating(policy)
    };
    let ids: Vec<_> = (0..20).map(|number| world.ops().create(new(number)).unwrap().secret.unwrap()).collect();
    let worker = RotationWorker::start(&world.store, world.options()).unwrap();
    world.clock.advance(2 * DAY);
    let until = std::time::Instant::now() + Duration::from_secs(20);
    let rotated = |id: &SecretId| world.store.secret(*id).unwrap().versions.len() >= 2;
    while !ids.iter().all(rotated) && std::time::Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(ids.iter().all(rotated));
    world.store.close().unwrap();
    worker.stop();
}
