//! Single runs of a timer, on a clock of its own: what is due is done in the run before the credential ends, a policy keeps to its
//! schedule, and what a lock held back goes on once it is gone.

use std::time::Duration;

use super::world::{DAY, HOUR, World, issuer};
use crate::domain::issuance::Issuance;
use crate::domain::lock::NewLock;
use crate::domain::name::LockName;
use crate::domain::policy::{Interval, IntervalUnit, RotationPolicy};
use crate::domain::rotation::IssuerClass;
use crate::domain::time::Timestamp;
use crate::domain::version::VersionRef::{Current, Previous};
use crate::issuer::kit::ModelIssuer;

const SECOND: Duration = Duration::from_secs(1);

fn every(count: u16, unit: IntervalUnit) -> RotationPolicy {
    RotationPolicy::every(Interval::new(count, unit).unwrap())
}

/// A secret with a policy and its first version.
fn given(policy: RotationPolicy) -> World {
    let model = ModelIssuer::new(IssuerClass::CreateDiscoverable);
    let world = World::with(model, Issuance::by(issuer()), Some(policy));
    run(&world);
    world
}

/// A run of the command line: each time another worker.
fn run(world: &World) {
    world.worker().run_due().unwrap();
}

/// Moves the clock to a time.
fn go_to(world: &World, time: Timestamp) {
    world.clock.advance(time.since(world.store.0.now()));
}

fn versions(world: &World) -> u64 {
    world.get().current().unwrap().number.get()
}

/// Each second run once found nothing due, since the version was made some seconds after the timer had fired.
#[test]
fn a_timer_with_the_period_of_the_policy_rotates_each_time() {
    for (policy, period) in [(every(1, IntervalUnit::Day), DAY), (every(7, IntervalUnit::Day), 7 * DAY)] {
        let world = given(policy);
        let first = world.store.0.now();
        for times in 1..=16_u32 {
            // Made five seconds after the timer has fired, and each run is early or late by some minutes.
            let early_or_late = Duration::from_secs(u64::from(times.wrapping_mul(7_919) % 1_200));
            go_to(&world, first.plus(period * times).plus(early_or_late));
            if times % 2 == 0 {
                // A second run in the same night changes nothing.
                run(&world);
            }
            run(&world);
            assert_eq!(versions(&world), u64::from(times) + 1, "{policy:?}");
        }
    }
}

#[test]
fn runs_that_come_late_do_not_move_the_schedule_and_missed_ones_are_made_once() {
    let world = given(every(1, IntervalUnit::Month));
    let anchor = world.get().current().unwrap().created_at;
    let mut expected = 1;
    for month in 1..=30_u16 {
        go_to(&world, anchor.plus_months(month).plus(HOUR * u32::from(month % 20)));
        run(&world);
        expected += 1;
        assert_eq!(versions(&world), expected);
        assert_eq!(world.get().next_rotation_at(), Some(anchor.plus_months(month + 1)), "month {month}");
    }
    world.clock.advance(200 * DAY);
    run(&world);
    run(&world);
    assert_eq!(versions(&world), expected + 1, "one, and no seven");
}

/// A rotation that a lock had refused once waited for the rest of the day, and with a daily timer for two.
#[test]
fn what_a_lock_refused_goes_on_in_the_next_run_once_it_is_gone() {
    let world = given(every(1, IntervalUnit::Day));
    world.clock.advance(DAY);
    run(&world);
    let name = LockName::parse("reader").unwrap();
    world.ops().place_lock(world.secret, Previous, NewLock::new(name.clone())).unwrap();
    // A consumer locks the current version as ever; that is in the way of nothing.
    world.ops().place_lock(world.secret, Current, NewLock::new(name.clone())).unwrap();
    world.clock.advance(DAY);
    for _ in 0..5 {
        run(&world);
        world.clock.advance(10 * SECOND);
    }
    assert_eq!(versions(&world), 2);
    let refused = world.get().rotation_refused_at.unwrap();
    world.clock.advance(2 * HOUR);
    run(&world);
    assert_eq!(world.get().rotation_refused_at, Some(refused), "it is reported once a day");
    world.ops().remove_lock(world.secret, Previous, name).unwrap();
    run(&world);
    assert_eq!(versions(&world), 3);
}

/// Whether the store as a whole is strict is not known to the schedule: the worker looks, and reports no more than once a day.
#[test]
fn a_strict_store_is_not_told_of_a_refusal_at_every_look() {
    let world = given(every(1, IntervalUnit::Day));
    let strict = crate::Settings { refuse_rotation_while_locked: true, ..Default::default() };
    world.ops().change_settings(strict).unwrap();
    world.ops().place_lock(world.secret, Current, NewLock::new(LockName::parse("reader").unwrap())).unwrap();
    world.clock.advance(DAY);
    let worker = world.worker();
    for _ in 0..20 {
        worker.run_due().unwrap();
        world.clock.advance(600 * SECOND);
    }
    let size = world.store.status().unwrap().log_size;
    worker.run_due().unwrap();
    assert_eq!(world.store.status().unwrap().log_size, size);
    assert_eq!(worker.waiting().len(), 1);
    assert_eq!(versions(&world), 1);
}

#[test]
fn what_was_given_up_is_tried_again_by_the_next_run_of_a_daily_timer() {
    let world = World::new(ModelIssuer::new(IssuerClass::CreateDiscoverable));
    world.model.set_away(true);
    run(&world);
    let reason = crate::Reason::of("said so");
    world.ops().abort_rotation(world.secret, reason).unwrap();
    run(&world);
    world.model.set_away(false);
    world.clock.advance(DAY - 5 * SECOND);
    run(&world);
    assert_eq!(versions(&world), 1);
}

/// A run once looked before the lapse was recorded that made room, and said that nothing was due.
#[test]
fn a_run_does_what_a_lease_that_has_just_ended_held_back() {
    let world = given(every(1, IntervalUnit::Day));
    go_to(&world, world.get().next_rotation_at().unwrap());
    run(&world);
    let lease = NewLock::new(LockName::parse("lease").unwrap()).until(25 * HOUR);
    world.ops().place_lock(world.secret, Previous, lease).unwrap();
    go_to(&world, world.get().next_rotation_at().unwrap());
    run(&world);
    assert_eq!(versions(&world), 2, "the lease holds the version that would be ended");
    world.clock.advance(2 * HOUR);
    run(&world);
    assert_eq!(versions(&world), 3);
}

/// The slack of a monthly schedule is as long as the daily pause: each run of an hourly timer passed over the pause.
#[test]
fn an_hourly_timer_keeps_the_daily_pause_of_what_is_refused_or_given_up() {
    let hourly = |world: &World, label: &str| {
        for _ in 0..72 {
            run(world);
            world.clock.advance(HOUR);
        }
        super::holds::events(world, label)
    };
    let world = given(every(30, IntervalUnit::Day));
    go_to(&world, world.get().next_rotation_at().unwrap());
    run(&world);
    world.ops().place_lock(world.secret, Previous, NewLock::new(LockName::parse("reader").unwrap())).unwrap();
    go_to(&world, world.get().next_rotation_at().unwrap());
    let refused = hourly(&world, "ScheduledRotationRefused");
    assert!((3..=4).contains(&refused), "{refused} refusals in three days");

    let world = given(every(30, IntervalUnit::Day));
    go_to(&world, world.get().next_rotation_at().unwrap());
    world.model.set_away(true);
    run(&world);
    world.ops().abort_rotation(world.secret, crate::Reason::of("said so")).unwrap();
    world.clock.advance(HOUR);
    run(&world);
    assert!(world.get().rotation.is_none(), "it waits for a day");
    world.model.set_away(false);
    world.clock.advance(DAY);
    run(&world);
    assert_eq!(versions(&world), 2);
}
