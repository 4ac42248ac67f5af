//! A clock that is rebased: when that can be, what moves by it, and what the log may say of it.

use std::time::Duration;

use super::kind::{DAY, HOUR, Kind, TTL};
use super::world::{World, actor, keyed, lock, word};
use crate::domain::clock::{ClockHeld, ClockRanBack, ClockRebased};
use crate::domain::command::{Command, Terms};
use crate::domain::event::{Event, HeartbeatRecorded};
use crate::domain::expiry::Expiry;
use crate::domain::legal::walk::Walk;
use crate::domain::legal::{IllegalStep, Rule};
use crate::domain::limits;
use crate::domain::lock::{LockMode, NewLock};
use crate::domain::position::Position;
use crate::domain::record::Record;
use crate::domain::rotation::{AttemptFailure, IssuerClass};
use crate::domain::time::Timestamp;
use crate::domain::version::VersionRef::Current;

use super::protocol::Step;

const YEARS: u64 = 900 * DAY;

fn lease(name: &str, secs: u64) -> NewLock {
    NewLock { expires: Some(Expiry::After(Duration::from_secs(secs))), ..lock(name) }
}

#[test]
fn a_clock_is_rebased_that_is_more_than_five_minutes_behind_and_not_held_and_64_times_at_most() {
    let mut world = World::new();
    let heartbeat = |world: &mut World| world.ask(&Command::RecordHeartbeat).unwrap();
    heartbeat(&mut world);
    for (back, answer) in [(0, "invalid_parameter"), (300, "invalid_parameter"), (301, "ok")] {
        assert_eq!(word(&world.rebase(back)), answer, "{back}");
    }
    let held = ClockHeld { observed_at: world.after(YEARS), boot: None };
    world.ask(&Command::HoldClock(held)).unwrap();
    assert!(world.rebase(HOUR).unwrap_err().to_string().contains("held"));
    let by = crate::domain::clock::ClockConfirmedBy::Person;
    world.ask(&Command::ConfirmClock(by)).unwrap();
    while world.state.whole.rebased.len() < limits::CLOCK_REBASED_MAX {
        world.rebase(HOUR).unwrap();
    }
    assert!(world.rebase(HOUR).unwrap_err().to_string().contains("64 times"));
    world.check_replay();
}

#[test]
fn what_was_made_in_the_wrong_time_has_as_much_left_as_it_had_and_dates_stay() {
    let mut world = World::new();
    let right = world.now;
    let (secret, dynamic) = (world.secret(Kind::Arbitrary), world.secret(Kind::FreshKey));
    world.place(secret, Current, vec![lease("before", YEARS + DAY)], LockMode::Keep).unwrap();
    world.wait(YEARS);
    let wrong = world.now;
    let date = world.after(HOUR);
    let expires = crate::domain::command::Change::Set(date.into());
    world.update(secret, crate::domain::command::SecretChanges { expires, ..Default::default() }).unwrap();
    world.place(secret, Current, vec![lease("wrong", 15 * 60), lease("over", 60)], LockMode::Keep).unwrap();
    world.read(dynamic).unwrap();
    world.pass(5 * 60);
    world.ask(&Command::RecordHeartbeat).unwrap();
    let end = right.plus(Duration::from_secs(10 * 60));
    world.rebase(YEARS + 5 * 60).unwrap();
    assert_eq!(world.now, right);
    let ends = world.version(secret, Current).locks.iter().map(|lock| (lock.name.as_str(), lock.expires_at.unwrap()));
    assert_eq!(
        ends.collect::<Vec<_>>(),
        [("before", right.plus(Duration::from_secs(YEARS + DAY))), ("over", right), ("wrong", end)]
    );
    assert_eq!(world.get(secret).metadata.expires_at, Some(date), "a date that a person gave");
    assert_eq!(world.version(secret, Current).lock(&lock("wrong").name).unwrap().updated_at, wrong, "a fact");
    let left = world.version(dynamic, Current).expires_at.unwrap().since(right);
    assert_eq!(left, Duration::from_secs(TTL - 5 * 60));
    world.wait(10 * 60);
    assert_eq!(world.shows(secret), "1:before");
    world.check_replay();
}

/// The end of a lease that was moved once is not moved again by a later rebase that does not concern it.
#[test]
fn two_rebases_move_a_lease_as_often_as_it_lies_ahead() {
    let mut world = World::new();
    let right = world.now;
    let secret = world.secret(Kind::Kv);
    world.pass(YEARS);
    world.place(secret, Current, vec![lease("app", 10 * DAY)], LockMode::Keep).unwrap();
    world.rebase(YEARS).unwrap();
    let end = |world: &World| world.version(secret, Current).lock(&lock("app").name).unwrap().expires_at.unwrap();
    assert_eq!(end(&world), right.plus(Duration::from_secs(10 * DAY)));
    world.pass(DAY);
    world.ask(&Command::RecordHeartbeat).unwrap();
    world.rebase(HOUR).unwrap();
    assert_eq!(end(&world), right.plus(Duration::from_secs(10 * DAY)), "it lies before the wrong time");
    world.rebase(2 * DAY).unwrap();
    let left = 10 * DAY - (DAY - HOUR);
    assert_eq!(end(&world).since(world.now), Duration::from_secs(left), "now it lies in it");
    world.erase(|record| record.secret() == Some(secret)).unwrap().unwrap();
    world.check_replay();
}

/// A second rebase found nothing that had happened in the wrong time, since the first one had moved it, and left an expiry that had not come
/// noted as held back.
#[test]
fn an_expiry_that_has_not_come_any_more_is_held_back_by_nothing() {
    let mut world = World::new();
    let secret = world.expiring(Kind::Arbitrary, HOUR);
    world.locked(secret, Current, &["app"]);
    world.wait(2 * HOUR);
    world.pass(YEARS);
    world.ask(&Command::RecordHeartbeat).unwrap();
    world.rebase(YEARS + HOUR / 2).unwrap();
    assert!(world.get(secret).expiry_held_since.is_some(), "it ended an hour before");
    world.rebase(HOUR).unwrap();
    assert_eq!(world.get(secret).expiry_held_since, None);
    world.wait(HOUR);
    assert!(world.get(secret).expiry_held_since.is_some());
    world.check_replay();
}

#[test]
fn a_rotation_that_is_under_way_and_the_grace_of_versions_go_on() {
    let mut world = World::new();
    let secret = world.secret(Kind::Issued);
    world.pass(YEARS);
    world.step(secret, IssuerClass::CreateWithToken, Step::Plan).unwrap();
    world.step(secret, IssuerClass::CreateWithToken, Step::Attempt).unwrap();
    world.step(secret, IssuerClass::CreateWithToken, Step::Fail(AttemptFailure::Unknown)).unwrap();
    let before = world.get(secret).rotation.clone().unwrap();
    let (last_at, deadline) = (world.now, before.deadline);
    world.rebase(YEARS).unwrap();
    let after = world.get(secret).rotation.clone().unwrap();
    assert_eq!(after.retry_at.unwrap().since(world.now), before.retry_at.unwrap().since(last_at));
    assert_eq!(after.deadline.since(world.now), deadline.since(last_at));
    assert_eq!((after.planned_at, world.get(secret).patience.as_ref().unwrap().counted_at), (world.now, world.now));
    let (at, _) = crate::domain::due::next_step(world.get(secret)).unwrap();
    assert!(at.since(world.now) < Duration::from_secs(HOUR), "nothing is held for years");
    world.check_replay();
}

#[test]
fn an_answer_is_remembered_for_its_day_from_the_rebase_on() {
    let mut world = World::new();
    let secret = world.secret(Kind::Kv);
    world.pass(YEARS);
    let command = world.rotation(secret, crate::domain::version::VersionOrigin::RotatedByHand);
    let terms = Terms { idempotency: Some(keyed("key", 1)), ..Terms::by(actor("tester")) };
    let first = world.ask_on(&terms, &command).unwrap();
    let keyed_rebase = Terms { idempotency: Some(keyed("rebase", 2)), ..Terms::by(actor("tester")) };
    let shown = world.now.minus(Duration::from_secs(YEARS));
    world.ask_on(&keyed_rebase, &Command::RebaseClock(shown)).unwrap();
    world.now = shown;
    assert!(world.ask_on(&keyed_rebase, &Command::RebaseClock(shown)).unwrap().remembered);
    world.pass(DAY - 1);
    assert_eq!(world.ask_on(&terms, &command).unwrap().position, first.position);
    world.pass(1);
    let again = world.rotation(secret, crate::domain::version::VersionOrigin::RotatedByHand);
    assert!(!world.ask_on(&terms, &again).unwrap().remembered);
    world.check_replay();
}

/// A log of a creation, a record years later, and what a writer of bad will puts behind it.
#[track_caller]
fn check_illegal(events: &[(u64, Event)], expected: Option<(u64, Rule)>) {
    let world = World::new();
    let mut walk = Walk::from_genesis(crate::domain::id::LogId::from_bytes([7; 16]));
    walk.apply(&world.log[0]).unwrap();
    let start = world.now;
    let found = (1..).map(Position::new).zip(events).find_map(|(position, (secs, event))| {
        let recorded_at = start.plus(Duration::from_secs(*secs));
        let record = Record { position, recorded_at, event: event.clone(), ..world.log[0].clone() };
        walk.apply(&record).err()
    });
    assert_eq!(found, expected.map(|(at, rule)| IllegalStep { position: Position::new(at), rule }));
}

#[test]
fn time_falls_only_behind_a_rebase_and_no_further_than_it_says() {
    let beat = |secs| (secs, Event::from(HeartbeatRecorded {}));
    let start = World::new().now;
    let at = |secs: u64| start.plus(Duration::from_secs(secs));
    let rebase = |secs, observed_at: Timestamp| (secs, Event::from(ClockRebased { observed_at }));
    check_illegal(&[beat(YEARS), beat(DAY)], Some((2, Rule::TimeBack)));
    check_illegal(&[beat(YEARS), rebase(YEARS, at(DAY)), beat(DAY), beat(DAY)], None);
    check_illegal(&[beat(YEARS), rebase(YEARS, at(DAY)), beat(DAY - 1)], Some((3, Rule::TimeBack)));
    check_illegal(&[beat(YEARS), rebase(YEARS, at(DAY)), beat(2 * DAY), beat(DAY)], Some((4, Rule::TimeBack)));
    check_illegal(&[beat(YEARS), rebase(YEARS + 1, at(DAY))], Some((2, Rule::ClockNotBehind)));
    check_illegal(&[beat(YEARS), rebase(YEARS, at(YEARS - 300))], Some((2, Rule::ClockNotBehind)));
    check_illegal(&[beat(YEARS), rebase(DAY, at(HOUR))], Some((2, Rule::TimeBack)));
    let ran_back = Event::from(ClockRanBack { observed_at: at(0) });
    check_illegal(&[beat(YEARS), (YEARS, ran_back.clone()), rebase(YEARS, at(DAY)), (DAY, ran_back)], None);
}
