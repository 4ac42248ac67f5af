//! Locks on a lease: they end by an event, are renewed by a heartbeat, and carry a token that grows.

use super::kind::{HOUR, Kind};
use super::world::{Answer, World, lock, number, word};
use crate::domain::command::Command;
use crate::domain::fencing::FencingToken;
use crate::domain::id::SecretId;
use crate::domain::incarnation::Incarnation;
use crate::domain::lock::{LockMode, LockNames};
use crate::domain::name::LockName;
use crate::domain::position::Position;
use crate::domain::version::VersionRef::{self, Current, Previous};

/// A secret with a lease of an hour on its current version.
fn leased(kind: Kind) -> (World, SecretId) {
    let mut world = World::new();
    let secret = world.secret(kind);
    let lease = lock("app").until(world.after(HOUR));
    world.place(secret, Current, vec![lease], LockMode::Keep).unwrap();
    (world, secret)
}

#[track_caller]
fn renew(world: &mut World, secret: SecretId, version: VersionRef, secs: u64, token: Option<FencingToken>) -> Answer {
    let (name, expires_at) = (LockName::parse("app").unwrap(), world.after(secs));
    world.ask(&Command::RenewLock { secret, version, name, expires: expires_at.into(), fencing_token: token })
}

fn token(world: &World, secret: SecretId) -> FencingToken {
    world.version(secret, Current).locks[0].fencing_token
}

#[test]
fn a_lease_ends_by_an_event_when_its_time_has_come() {
    for kind in Kind::ALL {
        let (mut world, secret) = leased(kind);
        world.wait(HOUR - 1);
        assert_eq!(word(&world.delete(secret)), "secret_version_locked", "{kind:?}");
        world.wait(1);
        world.check_events(&["LockExpired"]);
        assert_eq!(world.shows(secret), "1:", "{kind:?}");
        world.check_replay();
    }
}

#[test]
fn a_lease_stands_until_its_end_is_recorded() {
    let (mut world, secret) = leased(Kind::FreshKey);
    world.pass(2 * HOUR);
    assert_eq!(word(&world.read(secret)), "secret_version_locked");
    world.wait(0);
    assert_eq!(word(&world.read(secret)), "ok");
}

#[test]
fn only_leases_that_are_over_end() {
    let (mut world, secret) = leased(Kind::Kv);
    let later = lock("later").until(world.after(2 * HOUR));
    world.place(secret, Current, vec![later, lock("permanent")], LockMode::Keep).unwrap();
    world.wait(HOUR);
    assert_eq!(world.shows(secret), "1:later,permanent");
    world.wait(100 * HOUR);
    assert_eq!(world.shows(secret), "1:permanent");
}

#[test]
fn a_lease_travels_with_its_version_and_ends_there() {
    let (mut world, secret) = leased(Kind::Kv);
    world.rotate(secret).unwrap();
    assert_eq!(word(&world.rotate(secret)), "secret_version_locked");
    world.wait(HOUR);
    world.rotate(secret).unwrap();
    assert_eq!(world.shows(secret), "2: 3:");
}

#[test]
fn a_heartbeat_renews_a_lease() {
    let (mut world, secret) = leased(Kind::Kv);
    for _ in 0..3 {
        let placed_at = world.version(secret, Current).locks[0].created_at;
        let old = token(&world, secret);
        world.wait(HOUR / 2);
        let receipt = renew(&mut world, secret, Current, HOUR, Some(old)).unwrap();
        world.check_events(&["LockRenewed"]);
        let renewed = &world.version(secret, Current).locks[0];
        assert_eq!(renewed.expires_at, Some(world.after(HOUR)));
        assert_eq!((renewed.created_at, renewed.updated_at), (placed_at, world.now));
        assert_eq!(renewed.fencing_token, receipt.fencing_token());
        assert!(renewed.fencing_token > old, "the token grows");
    }
}

#[test]
fn a_stale_fencing_token_renews_nothing() {
    let (mut world, secret) = leased(Kind::Kv);
    let first = token(&world, secret);
    renew(&mut world, secret, Current, HOUR, Some(first)).unwrap();
    assert_eq!(word(&renew(&mut world, secret, Current, HOUR, Some(first))), "fencing_token_stale");
    let elsewhere = FencingToken { incarnation: Incarnation::new(7), ..token(&world, secret) };
    let ahead = FencingToken { position: Position::new(999), ..first };
    for token in [elsewhere, ahead] {
        assert_eq!(word(&renew(&mut world, secret, Current, HOUR, Some(token))), "fencing_token_stale");
    }
    let lease = lock("app").until(world.after(HOUR));
    let second = token(&world, secret);
    world.place(secret, Current, vec![lease], LockMode::Keep).unwrap();
    assert_eq!(word(&renew(&mut world, secret, Current, HOUR, Some(second))), "fencing_token_stale");
    assert!(token(&world, secret) > second);
    assert_eq!(word(&renew(&mut world, secret, Current, HOUR, None)), "ok");
}

/// Renews a lock of a version, where the lock is permanent, a lease or not there.
#[track_caller]
fn check(version: VersionRef, secs: u64, answer: &str) {
    let mut world = World::new();
    let secret = world.secret(Kind::Kv);
    world.keeps(secret, 3);
    world.locked(secret, Current, &["app"]);
    world.rotate(secret).unwrap();
    world.rotate(secret).unwrap();
    let lease = lock("app").until(world.after(HOUR));
    world.place(secret, Current, vec![lease], LockMode::Keep).unwrap();
    assert_eq!(word(&renew(&mut world, secret, version, secs, None)), answer, "{version}, {secs} seconds");
}

#[test]
fn only_a_lease_that_stands_is_renewed() {
    check(Current, HOUR, "ok");
    check(Current, 1, "ok");
    check(Current, 0, "invalid_parameter");
    check(number(1), HOUR, "invalid_parameter");
    check(Previous, HOUR, "not_found");
    check(number(9), HOUR, "not_found");
}

#[test]
fn a_lease_lasts_at_least_a_second() {
    for (secs, answer) in [(0, "invalid_parameter"), (1, "ok")] {
        let mut world = World::new();
        let secret = world.secret(Kind::Kv);
        let lease = lock("app").until(world.after(secs));
        assert_eq!(word(&world.place(secret, Current, vec![lease], LockMode::Keep)), answer);
    }
}

#[test]
fn a_lease_that_ended_is_not_renewed() {
    let (mut world, secret) = leased(Kind::Kv);
    world.wait(HOUR);
    assert_eq!(word(&renew(&mut world, secret, Current, HOUR, None)), "not_found");
}

#[test]
fn a_lease_becomes_permanent_by_being_replaced() {
    let (mut world, secret) = leased(Kind::Kv);
    world.locked(secret, Current, &["app"]);
    world.wait(100 * HOUR);
    assert_eq!(world.shows(secret), "1:app");
    assert_eq!(word(&renew(&mut world, secret, Current, HOUR, None)), "invalid_parameter");
}

/// A command bound to a token changes the lock that has it, and no later one of its name.
#[test]
fn placing_and_removing_can_be_bound_to_a_token() {
    let (mut world, secret) = leased(Kind::Kv);
    let name = LockName::parse("app").unwrap();
    let remove = |token| Command::RemoveLocks {
        secret,
        version: Current,
        names: LockNames::Tokens(vec![(LockName::parse("app").unwrap(), token)]),
    };
    let first = token(&world, secret);
    world.place(secret, Current, vec![lock("app").replacing(first)], LockMode::Keep).unwrap();
    let second = token(&world, secret);
    let stale = world.place(secret, Current, vec![lock("app").replacing(first)], LockMode::Keep);
    assert_eq!(word(&stale), "fencing_token_stale");
    assert_eq!(word(&world.ask(&remove(first))), "fencing_token_stale");
    assert_eq!(world.version(secret, Current).lock(&name).map(|lock| lock.fencing_token), Some(second));
    assert_eq!(word(&world.ask(&remove(second))), "ok");
    assert_eq!(word(&world.ask(&remove(second))), "ok", "what is gone needs no removing");
    let gone = world.place(secret, Current, vec![lock("app").replacing(second)], LockMode::Keep);
    assert_eq!(word(&gone), "not_found", "there is nothing to replace");
    let none = Command::RemoveLocks { secret, version: Current, names: LockNames::Tokens(Vec::new()) };
    assert_eq!(word(&world.ask(&none)), "invalid_parameter");
}
