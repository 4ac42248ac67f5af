//! What was promised of the credential before holds against the next rotation: its grace, and consumers that have not moved.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::world::{DAY, HOUR, World, issuer};
use crate::RotationWorker;
use crate::domain::issuance::Issuance;
use crate::domain::name::{Actor, CorrelationId, IdempotencyKey};
use crate::domain::policy::{Interval, IntervalUnit, RotationPolicy};
use crate::domain::position::{Position, Revision, VersionNumber};
use crate::domain::refusal::Refusal;
use crate::domain::rotation::IssuerClass;
use crate::domain::standing::RotationStanding;
use crate::domain::version::VersionRef;
use crate::issuer::kit::ModelIssuer;
use crate::rotation::worker::Worker;

fn actor(name: &str) -> Actor {
    Actor::parse(name).unwrap()
}

/// A secret with two versions that its consumers, or a grace, are waited for.
fn waiting(class: IssuerClass, grace_secs: u32, consumers: &[&str], policy: Option<RotationPolicy>) -> World {
    let consumers = consumers.iter().map(|name| actor(name)).collect();
    let issuance = Issuance { grace_secs, consumers, ..Issuance::by(issuer()) };
    let world = World::with(ModelIssuer::new(class), issuance, policy);
    let worker = world.worker();
    worker.run_due().unwrap();
    worker.rotate(&world.ops(), world.secret).unwrap();
    worker.run_due().unwrap();
    world
}

pub(super) fn events(world: &World, label: &str) -> usize {
    let mut count = 0;
    let count_one = |entry: crate::LogEntry| {
        if let crate::LogEntry::Known(record) = entry {
            count += usize::from(record.event.label() == label);
        }
        ControlFlow::Continue(())
    };
    world.store.for_each_record(Position::FIRST, count_one).unwrap();
    count
}

const BESIDE: [IssuerClass; 3] = [IssuerClass::CreateWithToken, IssuerClass::CreateDiscoverable, IssuerClass::Opaque];

#[test]
fn a_version_whose_grace_runs_keeps_its_credential_through_the_next_rotation() {
    for class in BESIDE {
        let world = waiting(class, u32::try_from(DAY.as_secs()).unwrap(), &[], None);
        let (worker, first) = (world.worker(), world.credential(VersionRef::Previous));
        let refused = worker.rotate(&world.ops(), world.secret).unwrap_err();
        assert_eq!(refused.code(), "rotation_held");
        let Some(Refusal::RotationHeld(held)) = refused.refusal() else { panic!("{refused}") };
        assert_eq!((held.version, held.graced_until.is_some()), (VersionNumber::FIRST, true));
        let forecast = world.ops().dry_run_rotation(world.secret).unwrap();
        assert_eq!(forecast.refusal.as_ref(), refused.refusal(), "a dry run says the same");
        worker.run_due().unwrap();
        assert!(world.model.logs_in(&first), "{class}");
        world.clock.advance(DAY);
        worker.rotate(&world.ops(), world.secret).unwrap();
        worker.run_due().unwrap();
        assert!(!world.model.logs_in(&first), "{class}: its grace is over");
        world.check(class.label());
    }
}

#[test]
fn a_version_that_consumers_have_not_moved_from_keeps_its_credential_unless_it_is_forced() {
    for class in BESIDE {
        let world = waiting(class, 0, &["billing", "web"], None);
        let (worker, first) = (world.worker(), world.credential(VersionRef::Previous));
        world.store.acting_as(actor("web")).acknowledge(world.secret, VersionRef::Current).unwrap();
        let refused = worker.rotate(&world.ops(), world.secret).unwrap_err();
        assert!(refused.to_string().contains(": billing;"), "{refused}");
        assert!(world.model.logs_in(&first));
        assert_eq!(events(&world, "RotationRefused"), 1, "said once");
        worker.rotate(&world.ops().by_force(), world.secret).unwrap();
        worker.run_due().unwrap();
        assert_eq!(events(&world, "HoldOverridden"), 1, "{class}: the log says so");
        assert!(!world.model.logs_in(&first));
        world.check(class.label());
    }
}

#[test]
fn what_consumers_hold_back_is_reported_daily_and_goes_on_when_they_have_moved() {
    let policy = RotationPolicy::every(Interval::new(7, IntervalUnit::Day).unwrap());
    let world = waiting(IssuerClass::CreateDiscoverable, 0, &["billing"], Some(policy));
    let worker = world.worker();
    world.clock.advance(8 * DAY);
    for day in 1..=5 {
        worker.run_due().unwrap();
        worker.run_due().unwrap();
        assert_eq!(events(&world, "ScheduledRotationRefused"), day, "once a day, however long nobody says anything");
        world.clock.advance(DAY + HOUR);
    }
    let standing = world.get().rotation_standing(world.store.settings(), world.store.0.now());
    assert!(matches!(standing, Some(RotationStanding::Blocked { .. })), "{standing:?}");
    world.store.acting_as(actor("billing")).acknowledge(world.secret, VersionRef::Current).unwrap();
    world.clock.advance(DAY);
    worker.run_due().unwrap();
    assert_eq!(world.get().current().unwrap().number, VersionNumber::new(3));
    world.check("moved");
}

#[test]
fn a_grace_longer_than_the_interval_is_refused_when_it_is_asked_for() {
    let policy = RotationPolicy::every(Interval::new(1, IntervalUnit::Day).unwrap());
    let world = waiting(IssuerClass::CreateWithToken, 86_401, &[], None);
    let refused = world.ops().run(crate::Command::set_policy(world.secret, policy)).unwrap_err();
    assert_eq!(refused.code(), "rotation_policy_not_supported");
    let world = waiting(IssuerClass::CreateWithToken, 86_400, &[], None);
    world.ops().run(crate::Command::set_policy(world.secret, policy)).unwrap();
}

#[test]
fn an_issuer_that_replaces_in_place_has_nothing_to_hold() {
    let world = waiting(IssuerClass::SetValue, 86_400, &["billing"], None);
    let worker = world.worker();
    worker.rotate(&world.ops(), world.secret).unwrap();
    worker.run_due().unwrap();
    world.check("in place");
}

#[test]
fn a_rotation_is_begun_on_the_terms_of_its_session() {
    let world = World::new(ModelIssuer::new(IssuerClass::CreateDiscoverable));
    let worker = world.worker();
    worker.run_due().unwrap();
    let stale = || world.ops().expecting(Revision::FIRST);
    assert_eq!(worker.rotate(&stale(), world.secret).unwrap_err().code(), "revision_mismatch");
    let forecast = stale().dry_run_rotation(world.secret).unwrap();
    assert!(matches!(forecast.refusal, Some(Refusal::RevisionMismatch { .. })));
    let once = || {
        let session = world.ops().once(IdempotencyKey::parse("rotate-7").unwrap());
        session.correlated(CorrelationId::parse("incident-7").unwrap())
    };
    let first = worker.rotate(&once(), world.secret).unwrap();
    worker.run_due().unwrap();
    let again = worker.rotate(&once(), world.secret).unwrap();
    assert_eq!((first.remembered, again.remembered, first.position), (false, true, again.position));
    worker.run_due().unwrap();
    assert_eq!(world.get().versions.len(), 2, "one rotation, however often it is asked for");
    let mut correlated = 0;
    let look = |entry: crate::LogEntry| {
        if let crate::LogEntry::Known(record) = entry {
            correlated += usize::from(record.context.correlation.is_some());
        }
        ControlFlow::Continue(())
    };
    world.store.for_each_record(Position::FIRST, look).unwrap();
    assert_eq!(correlated, 1);
}

#[test]
fn nothing_waits_of_a_secret_that_is_gone() {
    let world = World::new(ModelIssuer::new(IssuerClass::CreateDiscoverable));
    let alone = crate::RotationWorker::new(&world.store, crate::WorkerOptions::new());
    alone.run_due().unwrap();
    assert_eq!(alone.waiting().len(), 1);
    world.ops().delete(world.secret).unwrap();
    assert_eq!(alone.waiting(), []);
}

#[test]
fn an_issuer_that_cannot_be_used_stops_its_own_secrets_and_says_why() {
    let world = World::new(ModelIssuer::new(IssuerClass::CreateDiscoverable));
    let broken = crate::IssuerName::parse("broken").unwrap();
    let name = crate::SecretName::parse("other").unwrap();
    let new = crate::NewSecret::service_credentials(name, Issuance::by(broken.clone()));
    let other = world.ops().create(new).unwrap().secret.unwrap();
    let options = world.options().unusable_issuer(broken, "its password file is missing");
    let worker = crate::RotationWorker::new(&world.store, options);
    worker.run_due().unwrap();
    assert_eq!(world.get().versions.len(), 1);
    let waiting = worker.waiting();
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].0, waiting[0].1.as_str()), (other, "its password file is missing"));
}

/// Each run was refused, told as blocked, and tried again at the end of the grace.
#[test]
fn a_grace_as_long_as_the_interval_is_waited_out_and_no_refusal() {
    let daily = RotationPolicy::every(Interval::new(1, IntervalUnit::Day).unwrap());
    let grace = u32::try_from(DAY.as_secs()).unwrap();
    for is_started in [false, true] {
        let issuance = Issuance { grace_secs: grace, ..Issuance::by(issuer()) };
        let world = World::with(ModelIssuer::new(IssuerClass::CreateDiscoverable), issuance, Some(daily));
        for hour in 0..10 * 24 {
            // The first one is late, and so is the end of each grace from then on.
            if !(20..26).contains(&hour) {
                let worker =
                    RotationWorker(Arc::new(Worker::without_threads(&world.store.0, world.options(), is_started)));
                worker.run_due().unwrap();
                assert_eq!(
                    worker.0.core.look().1,
                    0,
                    "nothing is due any more, and nothing is looked at again and again"
                );
            }
            world.clock.advance(HOUR);
        }
        assert_eq!(events(&world, "ScheduledRotationRefused"), 0);
        assert!((9..=10).contains(&world.get().current().unwrap().number.get()), "{:?}", world.get().current());
        world.check("waited out");
    }
}
