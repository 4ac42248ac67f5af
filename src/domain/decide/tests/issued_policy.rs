//! The ends of credentials that an issuer made, and what comes before them: rotations by policy, and warnings.

use super::expiry::check_held;
use super::kind::{DAY, HOUR};
use super::protocol::Step;
use super::world::{World, word};
use crate::domain::command::Command;
use crate::domain::id::SecretId;
use crate::domain::policy::{Interval, IntervalUnit, RotationPolicy};
use crate::domain::rotation::IssuerClass::CreateWithToken;
use crate::domain::rotation::RotationTrigger;
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::domain::version::VersionRef::Current;

fn every(days: u16) -> RotationPolicy {
    RotationPolicy::every(Interval::new(days, IntervalUnit::Day).unwrap())
}

#[test]
fn an_interval_is_refused_when_the_credential_ends_before_the_next_run() {
    for (end, passed, days, answer) in [
        (None, 0, 30, "ok"),
        (Some(10), 0, 9, "ok"),
        (Some(10), 0, 10, "ok"),
        (Some(10), 0, 11, "Error02009"),
        (Some(10), 5, 10, "ok"),
        (Some(10), 5, 11, "Error02009"),
    ] {
        let (mut world, secret) = World::with_ends(CreateWithToken, &[end]);
        world.wait(passed * DAY);
        let given = world.ask(&Command::SetPolicy { secret, policy: every(days) });
        assert_eq!(word(&given), answer, "ends after {end:?}, {passed} passed, every {days} days");
    }
}

/// A secret every ten days, whose current version was made just now and ends after some hours, or not.
#[track_caller]
fn with_policy(hours: Option<u64>) -> (World, SecretId, Timestamp) {
    let (mut world, secret) = World::with_ends(CreateWithToken, &[None]);
    world.ask(&Command::SetPolicy { secret, policy: every(10) }).unwrap();
    world.step(secret, CreateWithToken, Step::Plan).unwrap();
    world.step(secret, CreateWithToken, Step::Attempt).unwrap();
    world.issue(secret, hours.map(|hours| world.after(hours * HOUR))).unwrap();
    world.step(secret, CreateWithToken, Step::Commit).unwrap();
    let made_at = world.now;
    (world, secret, made_at)
}

#[test]
fn a_policy_rotates_before_the_end_that_an_issuer_named() {
    for (ends_after, rotates_after) in
        [(None, 240), (Some(264), 240), (Some(240), 160), (Some(24), 16), (Some(3), 2), (Some(1), 1)]
    {
        let (world, secret, made_at) = with_policy(ends_after);
        let hours = world.get(secret).next_rotation_at().map(|at| at.since(made_at).as_secs() / HOUR);
        assert_eq!(hours, Some(rotates_after), "ends after {ends_after:?} hours");
    }
}

/// Credentials that ended a minute after their scheduled run were renewed in the last minute of their lives.
#[test]
fn what_ends_soon_after_the_scheduled_run_is_rotated_early() {
    for (ends_after, rotates_after) in [(241, 160), (263, 175), (264, 240), (265, 240)] {
        let (world, secret, made_at) = with_policy(Some(ends_after));
        let hours = world.get(secret).next_rotation_at().map(|at| at.since(made_at).as_secs() / HOUR);
        assert_eq!(hours, Some(rotates_after), "ends after {ends_after} hours");
    }
    // Of a day's life, three hours have to be left.
    for (ends_after, rotates_after) in [(26, 17), (28, 24)] {
        let (mut world, secret, made_at) = with_policy(Some(ends_after));
        world.ask(&Command::SetPolicy { secret, policy: every(1) }).unwrap();
        let hours = world.get(secret).next_rotation_at().map(|at| at.since(made_at).as_secs() / HOUR);
        assert_eq!(hours, Some(rotates_after), "ends after {ends_after} hours, daily");
    }
}

/// The end of an authority was renewed for again and again, at shrinking intervals, and versions in use were retired.
#[test]
fn an_end_that_does_not_move_is_renewed_for_once_a_day_at_most() {
    let (mut world, secret) = World::with_ends(CreateWithToken, &[Some(10)]);
    world.ask(&Command::SetPolicy { secret, policy: every(7) }).unwrap();
    let end = world.after(10 * DAY);
    let begins = |world: &mut World| word(&world.plan(secret, CreateWithToken, RotationTrigger::ByPolicy));
    for (hours, first_hours) in [(7 * 24, 7 * 24), (48, 48), (23, 16), (1, 1)] {
        let due_at = world.get(secret).next_rotation_at();
        assert_eq!(due_at, Some(world.after(hours * HOUR)));
        // The logs of earlier releases have rotations by the rule without the pause, and an eighth earlier.
        let first = first_hours * HOUR - (first_hours * HOUR / 8).min(21 * HOUR);
        for (secs, answer) in [(first, "ok"), (first - 1, "version_changed")] {
            let mut earlier = world.clone();
            earlier.wait(secs);
            assert_eq!(begins(&mut earlier), answer, "after {secs} seconds");
        }
        world.wait(hours * HOUR);
        assert_eq!(begins(&mut world), "ok");
        world.step(secret, CreateWithToken, Step::Attempt).unwrap();
        world.issue(secret, Some(end)).unwrap();
        world.step(secret, CreateWithToken, Step::Commit).unwrap();
    }
}

#[test]
fn a_policy_goes_on_while_a_lock_holds_an_end() {
    let (mut world, secret, made_at) = with_policy(Some(24));
    world.locked(secret, Current, &["app"]);
    world.wait(24 * HOUR);
    check_held(&world, secret, "1: 2:app");
    assert_eq!(world.get(secret).next_rotation_at(), Some(made_at.plus(std::time::Duration::from_secs(16 * HOUR))));
}

#[test]
fn users_are_warned_of_the_end_of_the_current_version() {
    let warned =
        |secret: &Secret, world: &World| secret.expiry_warnings(world.now, world.after(100 * DAY)).collect::<Vec<_>>();
    let (world, secret) = World::with_ends(CreateWithToken, &[Some(2), Some(50)]);
    assert_eq!(warned(world.get(secret), &world), [30, 10, 1, 0]);
    let (world, secret) = World::with_ends(CreateWithToken, &[Some(2), None]);
    assert_eq!(warned(world.get(secret), &world), Vec::<u16>::new());
}
