//! Where a secret stands with its rotations: each standing, since when, and which one counts when several hold.

use super::kind::{DAY, HOUR, Kind};
use super::protocol::Step::{self, Abort, Attempt, Commit, Fail, FinishAbort, Issue, Plan};
use super::world::{World, number, word};
use crate::domain::command::Command;
use crate::domain::id::SecretId;
use crate::domain::lock::LockNames;
use crate::domain::policy::{Interval, IntervalUnit, RotationPolicy};
use crate::domain::rotation::AttemptFailure::{Refused, Unknown};
use crate::domain::rotation::IssuerClass::{self, CreateWithToken, Opaque};
use crate::domain::rotation_command::RotationCommand;
use crate::domain::settings::Settings;
use crate::domain::standing::RotationStanding;
use crate::domain::version::VersionOrigin;
use crate::domain::version::VersionRef::{Current, Previous};

/// Hours since which it stands so; for what lies ahead, until then.
type Hours = u64;

/// Holds a secret to its standing as a word with its hours, `parked 3`; nothing is an empty one.
#[track_caller]
fn check(world: &World, secret: SecretId, expected: &str) {
    let standing = world.get(secret).rotation_standing(Settings::default(), world.now);
    let shown = standing.map_or_else(String::new, |standing| {
        let hours = match standing {
            RotationStanding::Scheduled { at } => at.since(world.now),
            other => world.now.since(other.since().unwrap()),
        };
        format!("{} {}", standing.label(), hours.as_secs() / HOUR)
    });
    assert_eq!(shown, expected);
}

fn wait(world: &mut World, hours: Hours) {
    world.wait(hours * HOUR);
}

/// A secret with two versions of an issuer, and a rotation that has taken some steps, an hour after each.
fn given(class: IssuerClass, steps: &[Step]) -> (World, SecretId) {
    let (mut world, secret) = World::with_ends(class, &[None, None]);
    for step in steps {
        world.step(secret, class, *step).unwrap();
        wait(&mut world, 1);
    }
    (world, secret)
}

#[test]
fn a_rotation_stands_where_its_stage_says() {
    const FAILS: [Step; 6] = [Attempt, Fail(Unknown), Attempt, Fail(Unknown), Attempt, Fail(Refused)];
    for (class, steps, expected) in [
        (CreateWithToken, &[][..], ""),
        (CreateWithToken, &[Plan], "open 1"),
        (CreateWithToken, &[Plan, Attempt], "open 2"),
        (CreateWithToken, &[Plan, Attempt, Fail(Unknown)], "open 3"),
        (CreateWithToken, &[Plan, Attempt, Issue], "open 3"),
        (CreateWithToken, &[Plan, Attempt, Issue, Abort], "open 4"),
        (CreateWithToken, &[Plan, Attempt, Issue, Abort, FinishAbort], ""),
        (CreateWithToken, &[Plan, Attempt, Issue, Commit], ""),
        (CreateWithToken, &[&[Plan][..], &FAILS].concat(), "parked 1"),
        (Opaque, &[Plan, Attempt, Fail(Unknown)], "parked 1"),
    ] {
        let (world, secret) = given(class, steps);
        check(&world, secret, expected);
    }
}

#[test]
fn a_staged_rotation_stands_so_since_it_was_held_and_parked_counts_before_it() {
    let (mut world, secret) = given(CreateWithToken, &[Plan, Attempt, Issue]);
    world.keeps(secret, 2);
    world.locked(secret, Previous, &["app"]);
    world.step(secret, CreateWithToken, Commit).unwrap();
    wait(&mut world, 30);
    check(&world, secret, "staged 30");
    // Said again, it stands so since it was first said.
    world.step(secret, CreateWithToken, Commit).unwrap();
    wait(&mut world, 1);
    check(&world, secret, "staged 31");
    for _ in 0..3 {
        world.fail(secret, Refused).unwrap();
    }
    wait(&mut world, 2);
    check(&world, secret, "parked 2");
}

#[test]
fn a_first_version_is_due_at_once_and_again_a_day_after_it_was_given_up() {
    let mut world = World::new();
    let secret = world.secret(Kind::Issued);
    wait(&mut world, 2);
    check(&world, secret, "due 2");
    world.step(secret, CreateWithToken, Plan).unwrap();
    check(&world, secret, "open 0");
    world.step(secret, CreateWithToken, Abort).unwrap();
    wait(&mut world, 23);
    check(&world, secret, "");
    wait(&mut world, 3);
    check(&world, secret, "due 2");
}

/// A password with two versions that rotates every ten days, the last time just now.
fn with_policy() -> (World, SecretId) {
    let mut world = World::new();
    let secret = world.secret_of(Kind::Password, 2);
    let policy = RotationPolicy::every(Interval::new(10, IntervalUnit::Day).unwrap());
    world.ask(&Command::SetPolicy { secret, policy }).unwrap();
    (world, secret)
}

fn by_policy(world: &mut World, secret: SecretId) -> &'static str {
    let command = world.rotation(secret, VersionOrigin::RotatedByPolicy);
    word(&world.ask(&command))
}

#[test]
fn a_policy_is_scheduled_then_due_then_blocked_once_a_lock_refused_it() {
    let (mut world, secret) = with_policy();
    check(&world, secret, "scheduled 240");
    wait(&mut world, 239);
    check(&world, secret, "scheduled 1");
    world.locked(secret, Previous, &["app"]);
    wait(&mut world, 2);
    check(&world, secret, "due 1");
    assert_eq!(by_policy(&mut world, secret), "secret_version_locked");
    check(&world, secret, "blocked 1");
    wait(&mut world, 30);
    check(&world, secret, "blocked 31");
    // Another refusal is no other block.
    assert_eq!(by_policy(&mut world, secret), "secret_version_locked");
    check(&world, secret, "blocked 31");
    // It once waited for the rest of the day.
    world.unlock(secret, Previous, LockNames::All).unwrap();
    check(&world, secret, "due 31");
    assert_eq!(by_policy(&mut world, secret), "ok");
    // The next one counts from the schedule, not from this one.
    check(&world, secret, "scheduled 209");
}

#[test]
fn a_lock_blocks_nothing_that_it_does_not_touch_but_under_the_strict_setting() {
    let (mut world, secret) = with_policy();
    world.locked(secret, Previous, &["app"]);
    wait(&mut world, 241);
    assert_eq!(by_policy(&mut world, secret), "secret_version_locked");
    world.locked(secret, Current, &["web"]);
    world.unlock(secret, Previous, LockNames::All).unwrap();
    check(&world, secret, "due 1");
    let strict = Settings { refuse_rotation_while_locked: true, ..Settings::default() };
    let standing = world.get(secret).rotation_standing(strict, world.now);
    assert_eq!(standing.map(RotationStanding::label), Some("blocked"));
}

/// Credentials on their way out once stood as due, never as retiring.
#[test]
fn a_credential_on_its_way_out_is_retiring_unless_something_else_is_due() {
    let retire = |version| RotationCommand::PlanRetirement { version };
    let (mut world, secret) = given(CreateWithToken, &[]);
    world.issued(secret, CreateWithToken, None);
    world.tell(secret, retire(number(2))).unwrap();
    wait(&mut world, 5);
    world.tell(secret, retire(number(1))).unwrap();
    check(&world, secret, "retiring 5");
    let policy = RotationPolicy::every(Interval::new(10, IntervalUnit::Day).unwrap());
    world.ask(&Command::SetPolicy { secret, policy }).unwrap();
    check(&world, secret, "retiring 5");
    world.wait(10 * DAY);
    check(&world, secret, "due 5");
    world.step(secret, CreateWithToken, Plan).unwrap();
    check(&world, secret, "open 0");
    world.step(secret, CreateWithToken, Abort).unwrap();
    check(&world, secret, "retiring 245");
    world.retired(secret, number(2));
    check(&world, secret, "retiring 240");
    world.retired(secret, number(1));
    check(&world, secret, "scheduled 24");
}

#[test]
fn a_secret_to_be_deleted_is_retiring_and_then_due() {
    let (mut world, secret) = given(CreateWithToken, &[]);
    world.delete(secret).unwrap();
    wait(&mut world, 1);
    check(&world, secret, "retiring 1");
    world.retired(secret, number(1));
    world.retired(secret, number(2));
    wait(&mut world, 3);
    check(&world, secret, "due 3");
}

#[test]
fn what_does_not_rotate_by_itself_stands_nowhere() {
    for kind in Kind::ALL {
        let mut world = World::new();
        let secret = world.secret(kind);
        check(&world, secret, "");
        wait(&mut world, 1);
        check(&world, secret, "");
    }
}
