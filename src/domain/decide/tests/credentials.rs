//! The ends of credentials on a lease, one by one, and the locks that hold them.

use super::expiry::check_held;
use super::kind::{DAY, Kind, TTL};
use super::world::{World, lock, number, word};
use crate::domain::event::Event;
use crate::domain::id::SecretId;
use crate::domain::lock::LockMode;
use crate::domain::lock::LockNames;
use crate::domain::secret::Lifecycle;
use crate::domain::version::VersionRef::{Current, Previous};
use crate::domain::version::{DestroyCause, VersionData};

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
