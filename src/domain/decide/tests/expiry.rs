//! Expiry: data is destroyed, unless a lock holds it; certificates end by their own date.

use super::kind::{CERTIFICATE_HOLDS, DAY, HOUR, Kind, TTL};
use super::world::{World, lock, named, number, word};
use crate::domain::command::{Change, Command, LockNames, SecretChanges};
use crate::domain::event::Event;
use crate::domain::id::SecretId;
use crate::domain::lock::LockMode;
use crate::domain::secret::Lifecycle;
use crate::domain::version::VersionRef::{self, Current, Previous};
use crate::domain::version::{DestroyCause, VersionData};

/// Two versions of a secret that expires in ten days, and locks on them.
fn given(kind: Kind, locks: &[(VersionRef, &str)]) -> (World, SecretId) {
    let mut world = World::new();
    let secret = world.expiring(kind, 10 * DAY);
    world.rotate(secret).unwrap();
    locks.iter().for_each(|(version, name)| world.locked(secret, *version, &[name]));
    (world, secret)
}

#[track_caller]
fn check_held(world: &World, secret: SecretId, shows: &str) {
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
        let change = expires_at.map_or(Change::Clear, |secs| Change::Set(world.after(secs)));
        world.update(secret, SecretChanges { expires_at: change, ..Default::default() }).unwrap();
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
        locked.into_iter().for_each(|version| world.locked(secret, version, &["app"]));
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
fn a_lease_of_a_credential_ends_and_its_secret_lives_on() {
    for kind in [Kind::FreshKey, Kind::ReusedKey] {
        let mut world = World::new();
        let secret = world.secret(kind);
        world.wait(TTL);
        world.check_events(&["VersionDataDestroyed"]);
        assert_eq!((world.shows(secret), world.get(secret).lifecycle), (String::new(), Lifecycle::Active), "{kind:?}");
        let VersionData::Destroyed { cause, .. } = world.version(secret, Current).data else { panic!() };
        assert_eq!(cause, DestroyCause::LeaseEnded);
        assert_eq!(word(&world.place(secret, Current, vec![lock("app")], LockMode::Keep)), "version_data_unavailable");
        world.read(secret).unwrap();
        assert_eq!(world.shows(secret), "1:", "{kind:?}: the next read makes a new one");
        world.check_replay();
    }
}

#[test]
fn a_lock_holds_the_end_of_a_credential_until_it_goes() {
    for kind in [Kind::FreshKey, Kind::ReusedKey] {
        let mut world = World::new();
        let secret = world.secret(kind);
        world.locked(secret, Current, &["app"]);
        world.wait(TTL);
        world.check_events(&["ExpirationHeld"]);
        check_held(&world, secret, "1:app");
        world.wait(DAY);
        world.unlock(secret, Current, LockNames::All).unwrap();
        world.check_events(&["LockRemoved", "VersionDataDestroyed"]);
        assert_eq!((world.shows(secret), world.get(secret).expiry_held_since), (String::new(), None));
        world.check_replay();
    }
}

#[test]
fn credentials_end_and_are_held_one_by_one() {
    let mut world = World::new();
    let secret = world.secret(Kind::ReusedKey);
    world.locked(secret, Current, &["app"]);
    world.wait(DAY);
    world.rotate(secret).unwrap();
    world.locked(secret, Current, &["app"]);
    world.wait(TTL - DAY);
    check_held(&world, secret, "1:app 2:app");
    world.unlock(secret, number(1), LockNames::All).unwrap();
    assert_eq!((world.shows(secret).as_str(), world.get(secret).expiry_held_since), ("2:app", None));
    world.wait(DAY);
    check_held(&world, secret, "2:app");
    world.unlock(secret, number(2), LockNames::All).unwrap();
    assert_eq!(world.shows(secret), "");
    world.check_replay();
}

#[test]
fn a_final_secret_is_deleted_and_nothing_else() {
    const FINAL: &str = "secret_inactive";
    for kind in [Kind::Arbitrary, Kind::Certificate] {
        let mut world = World::new();
        let secret = world.secret_of(kind, 2);
        if kind == Kind::Arbitrary {
            let expires_at = Change::Set(world.after(CERTIFICATE_HOLDS));
            world.update(secret, SecretChanges { expires_at, ..Default::default() }).unwrap();
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

/// Two credentials of a day apart, both locked; the older one is past its lease and held.
fn held_previous() -> (World, SecretId) {
    let mut world = World::new();
    let secret = world.secret(Kind::ReusedKey);
    world.locked(secret, Current, &["app"]);
    world.wait(DAY);
    world.rotate(secret).unwrap();
    world.wait(TTL - DAY);
    check_held(&world, secret, "1:app 2:");
    (world, secret)
}

/// The mark of a held expiry once stayed when a mode destroyed the held data; the lease of the other version was then
/// never looked at again while it was locked, and the count of held expiries was one too many for ever.
#[test]
fn a_mode_that_destroys_held_data_ends_the_hold() {
    let (mut world, secret) = held_previous();
    world.place(secret, Current, vec![lock("app")], LockMode::RemovePreviousAndDelete).unwrap();
    assert_eq!((world.shows(secret).as_str(), world.get(secret).expiry_held_since), ("2:app", None));
    world.wait(DAY);
    world.check_events(&["ExpirationHeld"]);
    check_held(&world, secret, "2:app");
    world.check_replay();
}

/// A fresh key in current once wiped the mark although previous was still held, and the hold was told a second time.
#[test]
fn a_new_key_in_current_does_not_end_the_hold_on_previous() {
    let (mut world, secret) = held_previous();
    let since = world.get(secret).expiry_held_since;
    world.wait(DAY);
    assert_eq!(world.shows(secret), "1:app");
    world.read(secret).unwrap();
    check_held(&world, secret, "1:app 2:");
    assert_eq!(world.get(secret).expiry_held_since, since);
    world.check_replay();
}

/// The data of a credential past its lease once outlived its last lock until time was next dealt with.
#[test]
fn a_mode_that_takes_the_last_lock_from_a_held_credential_destroys_it() {
    let (mut world, secret) = held_previous();
    world.place(secret, Current, vec![lock("app")], LockMode::RemovePrevious).unwrap();
    world.check_events(&["LockPlaced", "LockRemoved", "VersionDataDestroyed"]);
    assert_eq!((world.shows(secret).as_str(), world.get(secret).expiry_held_since), ("2:app", None));
    let VersionData::Destroyed { cause, .. } = world.version(secret, Previous).data else { panic!() };
    assert_eq!(cause, DestroyCause::LeaseEnded);
    world.check_replay();
}

#[test]
fn a_mode_leaves_a_held_credential_to_its_other_lock() {
    let (mut world, secret) = held_previous();
    world.locked(secret, Previous, &["web"]);
    world.place(secret, Current, vec![lock("app")], LockMode::RemovePrevious).unwrap();
    check_held(&world, secret, "1:web 2:app");
}

/// The event once named the newest locked version, although the lease of an older one was over.
#[test]
fn a_hold_names_the_version_that_is_held() {
    let mut world = World::new();
    let secret = world.secret(Kind::ReusedKey);
    world.locked(secret, Current, &["app"]);
    world.wait(DAY);
    world.rotate(secret).unwrap();
    world.locked(secret, Current, &["app"]);
    world.wait(TTL - DAY);
    let Event::ExpirationHeld(held) = &world.log.last().unwrap().event else { panic!() };
    assert_eq!(held.version, world.version(secret, Previous).id);
}
