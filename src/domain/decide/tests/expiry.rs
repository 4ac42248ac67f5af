//! Expiry: data is destroyed, unless a lock holds it; certificates end by their own date.

use super::kind::{CERTIFICATE_HOLDS, DAY, HOUR, Kind};
use super::world::{World, lock, named, word};
use crate::domain::command::{Change, Command, SecretChanges};
use crate::domain::id::SecretId;
use crate::domain::lock::{LockMode, LockNames};
use crate::domain::secret::Lifecycle;
use crate::domain::version::VersionRef::{self, Current, Previous};
use crate::domain::version::{DestroyCause, VersionData};

/// Two versions of a secret that expires in ten days, and locks on them.
fn given(kind: Kind, locks: &[(VersionRef, &str)]) -> (World, SecretId) {
    let mut world = World::new();
    let secret = world.expiring(kind, 10 * DAY);
    world.rotate(secret).unwrap();
    for (version, name) in locks {
        world.locked(secret, *version, &[name]);
    }
    (world, secret)
}

#[track_caller]
pub(super) fn check_held(world: &World, secret: SecretId, shows: &str) {
    let held = world.get(secret);
    assert_eq!(world.shows(secret), shows);
    assert_eq!(held.lifecycle, Lifecycle::Active);
    assert!(held.expiry_held_since.is_some());
    assert_eq!(world.projections.tally.expirations_held, 1);
}

#[track_caller]
fn check_destroyed(world: &World, secret: SecretId) {
    let gone = world.get(secret);
    assert_eq!(gone.lifecycle, Lifecycle::Destroyed);
    assert_eq!(world.shows(secret), "");
    assert_eq!(gone.expiry_held_since, None);
    assert_eq!(world.projections.tally.expirations_held, 0);
    for version in gone.versions.iter().filter(|version| version.number.get() > 0) {
        assert!(matches!(version.data, VersionData::Destroyed { cause: DestroyCause::Expired, .. }));
    }
    world.check_replay();
}

#[test]
fn a_secret_that_expires_is_destroyed() {
    for kind in [Kind::Arbitrary, Kind::Password] {
        let (mut world, secret) = given(kind, &[]);
        world.wait(10 * DAY - 1);
        assert_eq!(world.shows(secret), "1: 2:");
        world.wait(1);
        world.check_events(&["VersionDataDestroyed", "VersionDataDestroyed", "SecretExpired"]);
        check_destroyed(&world, secret);
    }
}

#[test]
fn a_lock_on_any_version_holds_expiry_once() {
    for kind in [Kind::Arbitrary, Kind::Password] {
        for (version, shows) in [(Current, "1: 2:app"), (Previous, "1:app 2:")] {
            let (mut world, secret) = given(kind, &[(version, "app")]);
            world.wait(10 * DAY);
            world.check_events(&["ExpirationHeld"]);
            check_held(&world, secret, shows);
            let position = world.state.log_size();
            world.wait(DAY);
            assert_eq!(world.state.log_size(), position, "it is said once");
            assert_eq!(word(&world.read(secret)), "ok", "it stays readable");
            world.unlock(secret, version, named(&["none"])).unwrap();
            check_held(&world, secret, shows);
            world.unlock(secret, version, LockNames::All).unwrap();
            check_destroyed(&world, secret);
        }
    }
}

#[test]
fn the_last_lock_of_all_versions_releases_a_held_expiry() {
    let (mut world, secret) = given(Kind::Arbitrary, &[(Previous, "app"), (Current, "app"), (Current, "web")]);
    world.wait(11 * DAY);
    world.unlock(secret, Previous, LockNames::All).unwrap();
    check_held(&world, secret, "1: 2:app,web");
    world.unlock(secret, Current, named(&["app"])).unwrap();
    check_held(&world, secret, "1: 2:web");
    world.unlock(secret, Current, named(&["web"])).unwrap();
    world.check_events(&["LockRemoved", "VersionDataDestroyed", "VersionDataDestroyed", "SecretExpired"]);
    check_destroyed(&world, secret);
}

#[test]
fn the_end_of_the_last_lease_releases_a_held_expiry() {
    let (mut world, secret) = given(Kind::Password, &[]);
    let lease = lock("app").until(world.after(12 * DAY));
    world.place(secret, Current, vec![lease], LockMode::Keep).unwrap();
    world.wait(10 * DAY);
    check_held(&world, secret, "1: 2:app");
    world.wait(2 * DAY);
    world.check_events(&["LockExpired", "VersionDataDestroyed", "VersionDataDestroyed", "SecretExpired"]);
    check_destroyed(&world, secret);
}

#[test]
fn a_lease_that_ends_with_the_secret_holds_nothing() {
    let (mut world, secret) = given(Kind::Password, &[]);
    let lease = lock("app").until(world.after(10 * DAY));
    world.place(secret, Current, vec![lease], LockMode::Keep).unwrap();
    world.wait(20 * DAY);
    check_destroyed(&world, secret);
}

#[test]
fn removing_the_last_lock_after_expiry_destroys_even_when_nobody_looked_before() {
    let (mut world, secret) = given(Kind::Arbitrary, &[(Current, "app")]);
    world.pass(10 * DAY);
    world.unlock(secret, Current, LockNames::All).unwrap();
    check_destroyed(&world, secret);
}

#[test]
fn a_held_secret_whose_locks_move_stays_held_by_them() {
    for (mode, shows) in [(LockMode::RemovePrevious, "1: 2:app"), (LockMode::RemovePreviousAndDelete, "2:app")] {
        let (mut world, secret) = given(Kind::Arbitrary, &[(Previous, "app")]);
        world.wait(10 * DAY);
        world.place(secret, Current, vec![lock("app")], mode).unwrap();
        check_held(&world, secret, shows);
        world.wait(DAY);
        world.unlock(secret, Current, LockNames::All).unwrap();
        assert_eq!(world.shows(secret), "");
        assert_eq!(world.get(secret).lifecycle, Lifecycle::Destroyed);
        world.check_replay();
    }
}

#[test]
fn a_held_secret_rotates_with_its_locks_and_stays_held() {
    let (mut world, secret) = given(Kind::Arbitrary, &[(Current, "app")]);
    world.wait(10 * DAY);
    world.rotate(secret).unwrap();
    check_held(&world, secret, "2:app 3:");
    world.unlock(secret, Previous, LockNames::All).unwrap();
    assert_eq!((world.shows(secret), world.get(secret).lifecycle), (String::new(), Lifecycle::Destroyed));
}

#[test]
fn a_new_expiry_releases_a_held_secret_into_life() {
    for (expires_at, held_again) in [(Some(20 * DAY), true), (None, false)] {
        let (mut world, secret) = given(Kind::Arbitrary, &[(Current, "app")]);
        world.wait(10 * DAY);
        let change = expires_at.map_or(Change::Clear, |secs| Change::Set(world.after(secs).into()));
        world.update(secret, SecretChanges { expires: change, ..Default::default() }).unwrap();
        assert_eq!(world.get(secret).expiry_held_since, None);
        world.wait(20 * DAY);
        assert_eq!(world.get(secret).expiry_held_since.is_some(), held_again);
    }
}

#[test]
fn metadata_of_a_held_secret_can_change() {
    let (mut world, secret) = given(Kind::Arbitrary, &[(Current, "app")]);
    world.wait(10 * DAY);
    world.keeps(secret, 3);
    check_held(&world, secret, "1: 2:app");
}

#[test]
fn a_certificate_is_deactivated_regardless_of_locks() {
    for locked in [None, Some(Current), Some(Previous)] {
        let mut world = World::new();
        let secret = world.secret_of(Kind::Certificate, 2);
        if let Some(version) = locked {
            world.locked(secret, version, &["app"]);
        }
        let shows = world.shows(secret);
        world.wait(CERTIFICATE_HOLDS);
        world.check_events(&["SecretExpired"]);
        let expired = world.get(secret);
        assert_eq!((expired.lifecycle, expired.expiry_held_since), (Lifecycle::Deactivated, None));
        assert_eq!(world.shows(secret), shows, "its data stays");
        assert_eq!(word(&world.delete(secret)), if locked.is_some() { "secret_version_locked" } else { "ok" });
    }
}

#[test]
fn a_certificate_expires_by_the_date_of_its_current_version() {
    let mut world = World::new();
    let secret = world.secret(Kind::Certificate);
    world.wait(CERTIFICATE_HOLDS - HOUR);
    world.rotate(secret).unwrap();
    world.wait(HOUR);
    assert_eq!(world.get(secret).lifecycle, Lifecycle::Active);
    world.wait(CERTIFICATE_HOLDS - HOUR);
    assert_eq!(world.get(secret).lifecycle, Lifecycle::Deactivated);
}

#[test]
fn what_has_no_expiry_never_expires() {
    let mut world = World::new();
    let kinds = [Kind::Arbitrary, Kind::Password, Kind::Kv];
    let secrets: Vec<_> = kinds.iter().map(|kind| world.secret(*kind)).collect();
    world.wait(10_000 * DAY);
    assert!(secrets.iter().all(|secret| world.shows(*secret) == "1:"));
    assert_eq!(world.projections.calendar.next_lapse(), None);
}

#[test]
fn a_final_secret_is_deleted_and_nothing_else() {
    const FINAL: &str = "secret_inactive";
    for kind in [Kind::Arbitrary, Kind::Certificate] {
        let mut world = World::new();
        let secret = world.secret_of(kind, 2);
        if kind == Kind::Arbitrary {
            let expires = Change::Set(world.after(CERTIFICATE_HOLDS).into());
            world.update(secret, SecretChanges { expires, ..Default::default() }).unwrap();
        }
        world.wait(CERTIFICATE_HOLDS);
        assert_eq!(word(&world.rotate(secret)), FINAL, "{kind:?}");
        assert_eq!(word(&world.restore(secret)), FINAL, "{kind:?}");
        assert_eq!(word(&world.update(secret, SecretChanges::default())), FINAL, "{kind:?}");
        assert_eq!(word(&world.ask(&Command::ClearPolicy { secret })), FINAL, "{kind:?}");
        let describe = Command::UpdateVersion { secret, version: Current, custom_metadata: None };
        assert_eq!(word(&world.ask(&describe)), FINAL, "{kind:?}");
        assert_eq!(world.get(secret).versions.len(), 2, "{kind:?}: its history stays");
        assert_eq!(word(&world.delete(secret)), "ok", "{kind:?}");
    }
}
