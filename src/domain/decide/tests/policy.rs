//! Rotation policies: bounds by type, and expiries that would come before the next run.

use super::kind::{DAY, Kind};
use super::world::{World, word};
use crate::domain::command::{Change, Command, SecretChanges};
use crate::domain::policy::IntervalUnit::{self, Day, Hour, Month};
use crate::domain::policy::{Interval, RotationPolicy};
use crate::domain::secret::{ApiKeyUse, SecretSpec};
use crate::domain::version::VersionOrigin;
use crate::domain::version::VersionRef::Previous;

const UNSUPPORTED: &str = "rotation_policy_not_supported";

fn every(count: u16, unit: IntervalUnit) -> RotationPolicy {
    RotationPolicy::every(Interval::new(count, unit).unwrap())
}

/// Sets a policy on a secret, and creates one with it.
#[track_caller]
fn check(kind: Kind, spec: Option<SecretSpec>, policy: RotationPolicy, answer: &str) {
    let mut world = World::new();
    let secret = world.secret(kind);
    if let Some(spec) = &spec {
        world.update(secret, SecretChanges { spec: Some(spec.clone()), ..Default::default() }).unwrap();
        // A key made under the new settings: the old one has the old end.
        world.rotate(secret).unwrap();
    }
    assert_eq!(word(&world.ask(&Command::SetPolicy { secret, policy })), answer, "{kind:?} {policy:?}");
    let mut creation = world.creation(kind, "new");
    if let Command::CreateSecret { policy: given, spec: known, .. } = &mut creation {
        *given = Some(policy);
        *known = spec.unwrap_or_else(|| known.clone());
    }
    assert_eq!(word(&world.ask(&creation)), answer, "creation of {kind:?} with {policy:?}");
    if answer == "ok" {
        assert_eq!(world.get(secret).policy, Some(policy));
        assert_eq!(world.get(secret).next_rotation_at(), Some(policy.interval.after(world.now)));
        assert_eq!(world.projections.calendar.rotations().count(), 2);
    }
}

#[test]
fn intervals_have_bounds_by_type() {
    for (count, unit, answer) in
        [(1, Day, "ok"), (24, Hour, "ok"), (23, Hour, UNSUPPORTED), (24, Month, "ok"), (25, Month, UNSUPPORTED)]
    {
        check(Kind::Password, None, every(count, unit), answer);
    }
    let ninety_days = || Some(api_key_of(90));
    for (count, unit, answer) in [
        (1, Day, "ok"),
        (23, Hour, UNSUPPORTED),
        (90, Day, "ok"),
        (91, Day, UNSUPPORTED),
        (2, Month, "ok"),
        (4, Month, UNSUPPORTED),
    ] {
        check(Kind::ReusedKey, ninety_days(), every(count, unit), answer);
    }
}

fn api_key_of(days: u64) -> SecretSpec {
    super::kind::api_key(days * DAY, ApiKeyUse::UntilLeaseEnds)
}

#[test]
fn an_interval_is_no_longer_than_the_ttl() {
    for (days, count, answer) in [(1, 1, "ok"), (1, 2, UNSUPPORTED), (30, 30, "ok"), (30, 31, UNSUPPORTED)] {
        check(Kind::ReusedKey, Some(api_key_of(days)), every(count, Day), answer);
    }
    check(Kind::ReusedKey, Some(api_key_of(30)), every(1, Month), UNSUPPORTED);
}

#[test]
fn a_ttl_does_not_get_shorter_than_the_interval() {
    let mut world = World::new();
    let secret = world.secret(Kind::ReusedKey);
    world.ask(&Command::SetPolicy { secret, policy: every(20, Day) }).unwrap();
    for (days, answer) in [(20, "ok"), (19, UNSUPPORTED)] {
        let given = world.update(secret, SecretChanges { spec: Some(api_key_of(days)), ..Default::default() });
        assert_eq!(word(&given), answer, "{days} days");
    }
}

#[test]
fn some_types_take_no_policy() {
    for kind in [Kind::Arbitrary, Kind::Kv, Kind::Certificate, Kind::FreshKey] {
        check(kind, None, every(7, Day), UNSUPPORTED);
        check(kind, None, RotationPolicy { auto_rotate: false, ..every(7, Day) }, UNSUPPORTED);
    }
}

/// Sets an interval of days on a secret that expires in so many days, after some have passed.
#[track_caller]
fn check_expiry(expires_in: u64, passed: u64, count: u16, auto_rotate: bool, answer: &str) {
    let mut world = World::new();
    let secret = world.expiring(Kind::Password, expires_in * DAY);
    world.wait(passed * DAY);
    let policy = RotationPolicy { auto_rotate, ..every(count, Day) };
    let given = world.ask(&Command::SetPolicy { secret, policy });
    assert_eq!(word(&given), answer, "expires in {expires_in} days, {passed} passed, every {count} days");
}

#[test]
fn an_interval_is_refused_when_the_version_would_expire_before_the_next_run() {
    const BEFORE: &str = "Error02009";
    check_expiry(10, 0, 9, true, "ok");
    check_expiry(10, 0, 10, true, "ok");
    check_expiry(10, 0, 11, true, BEFORE);
    check_expiry(10, 5, 10, true, "ok");
    check_expiry(10, 5, 11, true, BEFORE);
    check_expiry(10, 0, 11, false, "ok");
    let mut world = World::new();
    let mut creation = world.creation(Kind::Password, "db");
    if let Command::CreateSecret { policy, metadata, .. } = &mut creation {
        *policy = Some(every(11, Day));
        metadata.expires_at = Some(world.after(10 * DAY));
    }
    assert_eq!(word(&world.ask(&creation)), BEFORE);
}

#[test]
fn an_old_key_that_ends_before_the_next_run_refuses_the_interval() {
    let mut world = World::new();
    let secret = world.secret(Kind::ReusedKey);
    world.update(secret, SecretChanges { spec: Some(api_key_of(90)), ..Default::default() }).unwrap();
    assert_eq!(word(&world.ask(&Command::SetPolicy { secret, policy: every(60, Day) })), "Error02009");
    world.rotate(secret).unwrap();
    assert_eq!(word(&world.ask(&Command::SetPolicy { secret, policy: every(60, Day) })), "ok");
}

#[test]
fn the_next_rotation_is_known_while_a_policy_is_active() {
    let mut world = World::new();
    let secret = world.secret(Kind::Password);
    assert_eq!(world.get(secret).next_rotation_at(), None);
    world.ask(&Command::SetPolicy { secret, policy: every(7, Day) }).unwrap();
    assert_eq!(world.ask(&Command::SetPolicy { secret, policy: every(7, Day) }).unwrap().events, 0);
    world.wait(DAY);
    assert_eq!(world.get(secret).next_rotation_at(), Some(world.after(6 * DAY)));
    world.rotate(secret).unwrap();
    assert_eq!(world.get(secret).next_rotation_at(), Some(world.after(7 * DAY)));
    let off = RotationPolicy { auto_rotate: false, ..every(7, Day) };
    world.ask(&Command::SetPolicy { secret, policy: off }).unwrap();
    assert_eq!(world.get(secret).next_rotation_at(), None);
    world.ask(&Command::ClearPolicy { secret }).unwrap();
    assert_eq!(world.ask(&Command::ClearPolicy { secret }).unwrap().events, 0);
    assert_eq!(world.get(secret).policy, None);
}

/// A rotation that was on its way when its policy was cleared once went through all the same.
#[test]
fn a_rotation_by_policy_takes_an_active_policy() {
    for kind in Kind::ROTATING {
        let mut world = World::new();
        let secret = world.secret(kind);
        let by_policy = |world: &mut World| {
            let command = world.rotation(secret, VersionOrigin::RotatedByPolicy);
            word(&world.ask(&command))
        };
        assert_eq!(by_policy(&mut world), "version_changed", "{kind:?}");
        if matches!(kind, Kind::Password | Kind::ReusedKey) {
            world.ask(&Command::SetPolicy { secret, policy: every(7, Day) }).unwrap();
            world.wait(7 * DAY);
            assert_eq!(by_policy(&mut world), "ok");
            world.wait(7 * DAY);
            let off = RotationPolicy { auto_rotate: false, ..every(7, Day) };
            world.ask(&Command::SetPolicy { secret, policy: off }).unwrap();
            assert_eq!(by_policy(&mut world), "version_changed", "{kind:?}");
            world.ask(&Command::ClearPolicy { secret }).unwrap();
            assert_eq!(by_policy(&mut world), "version_changed", "{kind:?}");
        }
    }
}

/// One that was prepared when it was due was once decided behind one by hand, and destroyed the data of `previous` at once.
#[test]
fn a_rotation_by_policy_that_another_came_before_is_not_due_any_more() {
    for kind in [Kind::Password, Kind::ReusedKey] {
        let mut world = World::new();
        let secret = world.secret(kind);
        world.ask(&Command::SetPolicy { secret, policy: every(7, Day) }).unwrap();
        let early = world.rotation(secret, VersionOrigin::RotatedByPolicy);
        assert_eq!(word(&world.ask(&early)), "version_changed", "{kind:?}");
        world.wait(7 * DAY);
        let late = world.rotation(secret, VersionOrigin::RotatedByPolicy);
        world.rotate(secret).unwrap();
        assert_eq!(word(&world.ask(&late)), "version_changed", "{kind:?}");
        assert!(world.version(secret, Previous).is_available(), "{kind:?}");
        world.check_replay();
    }
}

#[test]
fn an_expired_secret_has_no_next_rotation() {
    let mut world = World::new();
    let secret = world.expiring(Kind::Password, 10 * DAY);
    world.ask(&Command::SetPolicy { secret, policy: every(7, Day) }).unwrap();
    world.wait(10 * DAY);
    assert_eq!(world.get(secret).next_rotation_at(), None);
    assert_eq!(world.projections.calendar.rotations().count(), 0);
}

#[test]
fn an_expiry_may_move_under_a_standing_policy() {
    let mut world = World::new();
    let secret = world.secret(Kind::Password);
    world.ask(&Command::SetPolicy { secret, policy: every(7, Day) }).unwrap();
    let expires = Change::Set(world.after(DAY).into());
    assert_eq!(word(&world.update(secret, SecretChanges { expires, ..Default::default() })), "ok");
}
