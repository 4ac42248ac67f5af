//! Secrets with fifty versions, the most that are kept: what cannot be done for one of them keeps nothing else from being done, and
//! a rotation that has no room makes some, or is refused with the reason.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;

use super::world::{DAY, HOUR, World, issuer};
use crate::RotationWorker;
use crate::domain::command::SecretChanges;
use crate::domain::issuance::Issuance;
use crate::domain::lock::NewLock;
use crate::domain::name::{Actor, IssuerName, LockName, OutsideId};
use crate::domain::policy::{Interval, IntervalUnit, RotationPolicy};
use crate::domain::position::VersionNumber;
use crate::domain::refusal::Refusal;
use crate::domain::rotation::IssuerClass;
use crate::domain::secret::SecretSpec;
use crate::domain::standing::RotationStanding;
use crate::domain::version::VersionRef;
use crate::issuer::issuer::{IssueOrder, Issuer};
use crate::issuer::kit::ModelIssuer;
use crate::issuer::outcome::{Issued, IssuerError};
use crate::seal::secret_bytes::SecretBytes;

/// An issuer that does not end some of its credentials.
struct Keeping {
    model: Arc<ModelIssuer>,
    /// Those that it does not end; all of them where nothing is said.
    kept: Mutex<Option<BTreeSet<OutsideId>>>,
}

impl Issuer for Keeping {
    fn class(&self) -> IssuerClass {
        self.model.class()
    }

    fn pick(&self, order: &IssueOrder<'_>) -> Result<SecretBytes, IssuerError> {
        self.model.pick(order)
    }

    fn create(&self, order: &IssueOrder<'_>, value: Option<&SecretBytes>) -> Result<Issued, IssuerError> {
        self.model.create(order, value)
    }

    fn find(&self, order: &IssueOrder<'_>) -> Result<Vec<OutsideId>, IssuerError> {
        self.model.find(order)
    }

    fn verify(&self, order: &IssueOrder<'_>, credential: &SecretBytes) -> Result<(), IssuerError> {
        self.model.verify(order, credential)
    }

    fn retire(&self, order: &IssueOrder<'_>, outside: Option<&OutsideId>) -> Result<(), IssuerError> {
        match &*self.kept.lock() {
            None => Err(IssuerError::refused("it ends none")),
            Some(kept) if outside.is_some_and(|outside| kept.contains(outside)) => {
                Err(IssuerError::refused("sessions are open"))
            }
            Some(_) => self.model.retire(order, outside),
        }
    }
}

/// A secret that keeps so many versions and rotates daily, with an issuer that may not end credentials.
struct Given {
    world: World,
    keeping: Arc<Keeping>,
}

impl Given {
    fn new(class: IssuerClass, retention: u8, issuance: Issuance) -> Self {
        let policy = RotationPolicy::every(Interval::new(1, IntervalUnit::Day).unwrap());
        let world = World::with(ModelIssuer::new(class), issuance, Some(policy));
        let changes = SecretChanges { retention: Some(retention), ..SecretChanges::default() };
        world.ops().update(world.secret, changes).unwrap();
        let keeping = Keeping { model: Arc::clone(&world.model), kept: Mutex::new(Some(BTreeSet::new())) };
        Self { world, keeping: Arc::new(keeping) }
    }

    fn worker(&self) -> RotationWorker {
        let options = self.world.options().shared_issuer(issuer(), Arc::clone(&self.keeping) as Arc<_>);
        RotationWorker::new(&self.world.store, options)
    }

    fn run(&self) -> RotationWorker {
        let worker = self.worker();
        worker.run_due().unwrap();
        worker
    }

    /// Rotates by hand until there are fifty versions.
    fn fill(&self) {
        self.run();
        for _ in 1..50 {
            self.worker().rotate(&self.world.ops().by_force(), self.world.secret).unwrap();
            self.run();
        }
        assert_eq!(self.world.get().versions.len(), 50);
    }

    fn keep(&self, numbers: &[u64]) {
        let secret = self.world.get();
        let outside = |number: &u64| {
            let version = secret.version(VersionRef::Number(VersionNumber::new(*number))).unwrap();
            version.credential.as_deref().unwrap().outside.clone().unwrap()
        };
        *self.keeping.kept.lock() = Some(numbers.iter().map(outside).collect());
    }

    fn numbers(&self) -> Vec<u64> {
        self.world.get().versions.iter().map(|version| version.number.get()).collect()
    }

    fn newest(&self) -> u64 {
        self.world.get().current().unwrap().number.get()
    }

    /// The versions whose credentials are good outside, or were to be ended.
    fn in_use(&self) -> Vec<u64> {
        let secret = self.world.get();
        let in_use = secret.versions.iter().filter(|version| version.has_credential_in_use());
        in_use.map(|version| version.number.get()).collect()
    }

    fn refusals(&self) -> usize {
        super::holds::events(&self.world, "ScheduledRotationRefused")
    }
}

const BESIDE: [IssuerClass; 3] = [IssuerClass::CreateWithToken, IssuerClass::CreateDiscoverable, IssuerClass::Opaque];

/// It stopped for ever: the oldest fell out of the window by the rotation that its credential kept from beginning.
#[test]
fn a_secret_that_keeps_fifty_versions_rotates_on_whoever_makes_its_credentials() {
    for class in IssuerClass::ALL {
        let given = Given::new(*class, 50, Issuance::by(issuer()));
        given.fill();
        for day in 1..=3 {
            given.world.clock.advance(DAY + HOUR);
            let worker = given.run();
            assert_eq!((worker.waiting(), given.refusals()), (vec![], 0), "{class}");
            assert_eq!(given.numbers(), (day + 1..=day + 50).collect::<Vec<_>>(), "{class}");
        }
        if *class != IssuerClass::SetValue {
            assert_eq!((given.in_use().len(), given.world.model.existing().len()), (50, 50), "{class}");
        }
        given.world.audit(class.label());
    }
}

#[test]
fn what_could_not_be_ended_until_there_were_fifty_is_ended_in_one_run_and_the_rotation_follows() {
    for class in BESIDE {
        let given = Given::new(class, 2, Issuance::by(issuer()));
        *given.keeping.kept.lock() = None;
        given.fill();
        given.world.clock.advance(DAY + HOUR);
        let worker = given.run();
        assert_eq!((worker.waiting(), given.refusals(), given.newest()), (vec![], 1, 50), "{class}");
        let (secret, now) = (given.world.get(), given.world.store.0.now());
        let standing = secret.rotation_standing(given.world.store.0.shared.published.load().state.whole.settings, now);
        assert!(matches!(standing, Some(RotationStanding::Blocked { .. })), "{standing:?}");
        let by_hand = given.worker().rotate(&given.world.ops(), given.world.secret).unwrap_err();
        let version = VersionNumber::FIRST;
        assert_eq!(by_hand.refusal(), Some(&Refusal::VersionLimitReached { version }));
        let forecast = given.world.ops().dry_run_rotation(given.world.secret).unwrap();
        assert_eq!(forecast.refusal.as_ref(), by_hand.refusal());
        // Each is tried again at its time, the rotation is refused once a day.
        given.world.clock.advance(HOUR);
        given.run();
        assert_eq!(given.refusals(), 1);
        *given.keeping.kept.lock() = Some(BTreeSet::new());
        given.world.clock.advance(HOUR);
        let worker = given.run();
        assert_eq!((worker.waiting(), given.newest(), given.in_use()), (vec![], 51, vec![50, 51]), "{class}");
        given.world.audit(class.label());
    }
}

/// Only the oldest versions were forgotten, so one that could not be ended was the end of all rotations, fifty later.
#[test]
fn one_credential_that_is_never_ended_is_no_end_of_rotations() {
    let given = Given::new(IssuerClass::CreateDiscoverable, 2, Issuance::by(issuer()));
    given.run();
    given.keep(&[1]);
    for _ in 0..60 {
        given.world.clock.advance(DAY + HOUR);
        given.run();
    }
    assert_eq!((given.newest(), given.refusals(), given.in_use()), (61, 0, vec![1, 60, 61]));
    assert_eq!(given.numbers(), [1].into_iter().chain(13..=61).collect::<Vec<_>>());
    given.world.audit("one is never ended");
    given.keep(&[]);
    given.world.clock.advance(HOUR);
    given.run();
    assert_eq!(given.in_use(), [60, 61]);
    given.world.check("it is ended at last");
}

#[test]
fn where_one_cannot_be_ended_to_make_room_another_is_a_day_later_and_three_at_most() {
    let given = Given::new(IssuerClass::CreateDiscoverable, 50, Issuance::by(issuer()));
    given.fill();
    given.keep(&[1]);
    given.world.clock.advance(DAY + HOUR);
    given.run();
    assert_eq!((given.newest(), given.refusals()), (50, 1), "it is refused for now");
    given.world.clock.advance(DAY + HOUR);
    given.run();
    assert_eq!((given.newest(), given.numbers()[..2].to_vec()), (51, vec![1, 3]));
    // An issuer that ends none costs three, however long it takes.
    *given.keeping.kept.lock() = None;
    for _ in 0..10 {
        given.world.clock.advance(DAY + HOUR);
        given.run();
    }
    let secret = given.world.get();
    let retiring = secret.credentials().filter(|credential| credential.is_retiring()).count();
    assert_eq!((retiring, given.newest(), given.refusals()), (3, 51, 11));
    given.world.audit("three at most");
}

#[test]
fn a_lock_on_the_oldest_refuses_the_rotation_and_nothing_is_ended_for_it() {
    let given = Given::new(IssuerClass::CreateDiscoverable, 50, Issuance::by(issuer()));
    given.fill();
    let (ops, name) = (given.world.ops(), LockName::parse("billing").unwrap());
    let oldest = VersionRef::Number(VersionNumber::FIRST);
    ops.place_lock(given.world.secret, oldest, NewLock::new(name.clone())).unwrap();
    given.world.clock.advance(DAY + HOUR);
    let worker = given.run();
    assert_eq!((worker.waiting(), given.newest(), given.refusals()), (vec![], 50, 1));
    assert_eq!(given.in_use().len(), 50, "nothing is to be ended");
    let by_hand = given.worker().rotate(&given.world.ops(), given.world.secret).unwrap_err();
    assert_eq!(by_hand.code(), "secret_version_locked");
    given.world.audit("locked");
    // It does not wait for the next day.
    ops.remove_lock(given.world.secret, oldest, name).unwrap();
    given.run();
    assert_eq!((given.newest(), given.numbers().first().copied()), (51, Some(2)));
    given.world.audit("free");
}

#[test]
fn consumers_that_have_not_moved_from_the_oldest_keep_it_from_being_ended_for_room() {
    let consumers = Box::from([Actor::parse("billing").unwrap()]);
    let issuance = Issuance { consumers, ..Issuance::by(issuer()) };
    let given = Given::new(IssuerClass::CreateDiscoverable, 50, issuance);
    given.fill();
    given.world.clock.advance(DAY + HOUR);
    let worker = given.run();
    assert_eq!((worker.waiting(), given.newest(), given.refusals()), (vec![], 50, 1));
    assert!(given.world.get().credentials().all(|credential| !credential.is_retiring()));
    let by_hand = given.worker().rotate(&given.world.ops(), given.world.secret).unwrap_err();
    assert_eq!(by_hand.code(), "rotation_held");
    given.world.audit("held");
    let billing = given.world.store.acting_as(Actor::parse("billing").unwrap());
    billing.acknowledge(given.world.secret, VersionRef::Number(VersionNumber::new(2))).unwrap();
    given.run();
    assert_eq!((given.newest(), given.numbers().first().copied()), (51, Some(2)));
}

/// A step that was refused at each look was done again and again, and those behind it were never reached.
#[test]
fn a_rotation_that_cannot_be_planned_keeps_no_retirement_from_being_done() {
    let given = Given::new(IssuerClass::CreateDiscoverable, 2, Issuance::by(issuer()));
    *given.keeping.kept.lock() = None;
    given.run();
    for _ in 0..3 {
        given.world.clock.advance(DAY + HOUR);
        given.run();
    }
    assert_eq!(given.in_use().len(), 4);
    let issuance = Issuance::by(IssuerName::parse("not-here").unwrap());
    let changes = SecretChanges { spec: Some(SecretSpec::ServiceCredentials { issuance }), ..SecretChanges::default() };
    given.world.ops().update(given.world.secret, changes).unwrap();
    *given.keeping.kept.lock() = Some(BTreeSet::new());
    given.world.clock.advance(DAY + HOUR);
    let worker = given.run();
    assert_eq!(given.in_use(), [3, 4]);
    let [(_, why)] = &worker.waiting()[..] else { panic!("{:?}", worker.waiting()) };
    assert!(why.as_str().contains("is not registered here"), "{why}");
}

/// Each version was recorded in each pause: an outage of a day made thousands of records of one secret.
#[test]
fn an_outage_is_recorded_once_for_a_secret_however_many_of_its_credentials_are_to_be_ended() {
    let given = Given::new(IssuerClass::CreateDiscoverable, 50, Issuance::by(issuer()));
    given.fill();
    *given.keeping.kept.lock() = None;
    for number in 1..=48 {
        let version = VersionRef::Number(VersionNumber::new(number));
        given.world.ops().retire(given.world.secret, version).unwrap();
    }
    let failed = || super::holds::events(&given.world, "RetirementFailed");
    let worker = given.run();
    assert_eq!((failed(), worker.waiting(), given.in_use().len()), (1, vec![], 50));
    // Runs of a timer, and of a worker that goes on.
    for _ in 0..12 {
        given.run();
        worker.run_due().unwrap();
        given.world.clock.advance(HOUR / 12);
    }
    assert_eq!(failed(), 1, "not once in each pause, as nothing is new");
    for _ in 0..24 {
        given.world.clock.advance(3 * HOUR);
        given.run();
    }
    assert_eq!(failed(), 3, "once a day");
    // Another reason is news.
    given.keep(&[5]);
    given.run();
    assert_eq!((failed(), given.in_use()), (4, vec![5, 49, 50, 51]));
    given.keep(&[]);
    given.world.clock.advance(HOUR);
    given.run();
    assert_eq!(given.in_use(), [49, 50, 51]);
    given.world.audit("one at a time");
}
