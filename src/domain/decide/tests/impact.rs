//! Who would be hit by a rotation, a deletion, or the destruction of data: versions, locks and consumers.

use super::kind::{HOUR, Kind};
use super::world::{World, actor, lock, number};
use crate::domain::command::{Command, SecretChanges};
use crate::domain::id::SecretId;
use crate::domain::impact::Impact;
use crate::domain::issuance::Issuance;
use crate::domain::lock::LockMode;
use crate::domain::name::IssuerName;
use crate::domain::rotation::IssuerClass::{self, CreateDiscoverable, CreateWithToken, SetValue};
use crate::domain::rotation_command::RotationCommand;
use crate::domain::secret::SecretSpec;
use crate::domain::settings::Settings;

/// The versions that an operation would touch, then the locks on them: `1 2 app@1`.
fn shown(impact: &Impact) -> String {
    let versions = impact.versions.iter().map(ToString::to_string);
    let locks = impact.locks.iter().map(|lock| format!("{}@{}", lock.name, lock.number));
    versions.chain(locks).collect::<Vec<_>>().join(" ")
}

/// Who is hit of those that a secret waits for.
fn hit(impact: &Impact) -> Vec<&str> {
    let hit = impact.consumers.iter().filter(|said| said.is_hit);
    hit.map(|said| said.consumer.as_str()).collect()
}

fn of_rotation(world: &World, secret: SecretId) -> Impact {
    world.get(secret).impact_of_rotation(Settings::default()).unwrap()
}

fn of_deletion(world: &World, secret: SecretId) -> Impact {
    world.get(secret).impact_of_deletion(Settings::default())
}

fn of_destruction(world: &World, secret: SecretId, version: u64) -> Impact {
    world.get(secret).impact_of_destruction(number(version)).unwrap()
}

/// Three versions of a plain secret that keeps two: who is hit with a lock on each of some.
#[track_caller]
fn check(locked: &[u64], rotation: &str, deletion: &str, destruction_of_2: &str) {
    let mut world = World::new();
    let secret = world.secret_of(Kind::Arbitrary, 3);
    locked.iter().for_each(|version| world.locked(secret, number(*version), &["app"]));
    assert_eq!(shown(&of_rotation(&world, secret)), rotation, "{locked:?}");
    assert_eq!(shown(&of_deletion(&world, secret)), deletion, "{locked:?}");
    assert_eq!(shown(&of_destruction(&world, secret, 2)), destruction_of_2, "{locked:?}");
    assert_eq!(world.get(secret).impact_of_destruction(number(1)), None, "its data is gone");
    assert_eq!(world.get(secret).impact_of_destruction(number(9)), None, "it is not there");
}

#[test]
fn an_operation_hits_the_locks_on_the_versions_that_it_touches() {
    check(&[], "2", "2 3", "2");
    check(&[2], "2 app@2", "2 3 app@2", "2 app@2");
    check(&[3], "2", "2 3 app@3", "2");
    check(&[2, 3], "2 app@2", "2 3 app@2 app@3", "2 app@2");
}

#[test]
fn a_rotation_hits_what_its_issuer_replaces() {
    for (class, rotation) in [(CreateWithToken, "1"), (CreateDiscoverable, "1"), (SetValue, "1 2 web@2")] {
        let (mut world, secret) = World::with_ends(class, &[None, None]);
        world.keeps(secret, 2);
        world.locked(secret, number(2), &["web"]);
        assert_eq!(shown(&of_rotation(&world, secret)), rotation, "{class}");
    }
}

#[test]
fn the_strict_setting_lets_a_rotation_hit_every_lock() {
    let mut world = World::new();
    let secret = world.secret_of(Kind::Arbitrary, 2);
    world.keeps(secret, 5);
    world.locked(secret, number(2), &["app"]);
    let strict = Settings { refuse_rotation_while_locked: true, ..Settings::default() };
    assert_eq!(shown(&of_rotation(&world, secret)), "");
    assert_eq!(shown(&world.get(secret).impact_of_rotation(strict).unwrap()), "2 app@2");
}

#[test]
fn a_secret_that_does_not_rotate_has_no_impact_of_a_rotation() {
    let mut world = World::new();
    let secret = world.secret(Kind::FreshKey);
    assert_eq!(world.get(secret).impact_of_rotation(Settings::default()), None);
    let secret = world.secret(Kind::Issued);
    assert_eq!(of_rotation(&world, secret), Impact::default());
    assert_eq!(of_deletion(&world, secret), Impact::default());
}

#[test]
fn locks_are_shown_with_their_owners_and_leases_with_their_ends() {
    let mut world = World::new();
    let secret = world.secret_of(Kind::Kv, 2);
    let end = world.after(HOUR);
    let lease = lock("lease").owned_by(actor("service/billing")).until(end);
    world.place(secret, number(1), vec![lease, lock("stays")], LockMode::Keep).unwrap();
    let impact = of_rotation(&world, secret);
    let seen: Vec<_> = impact
        .locks
        .iter()
        .map(|lock| (lock.name.as_str(), lock.owner.as_ref().map(ToString::to_string), lock.expires_at))
        .collect();
    assert_eq!(seen, [("lease", Some("service/billing".to_owned()), Some(end)), ("stays", None, None)]);
    world.wait(2 * HOUR);
    assert_eq!(shown(&of_rotation(&world, secret)), "1 stays@1", "a lease that is over is nobody's");
}

/// Three versions of an issuer, of which two are kept: `one` said that it uses version 2, `two` version 3, `three` nothing.
fn with_consumers(class: IssuerClass) -> (World, SecretId) {
    let (mut world, secret) = World::with_ends(class, &[None]);
    world.keeps(secret, 2);
    let consumers = ["one", "two", "three"].map(actor).into();
    let issuance = Issuance { consumers, ..Issuance::by(IssuerName::parse("db").unwrap()) };
    let spec = Some(SecretSpec::ServiceCredentials { issuance });
    world.update(secret, SecretChanges { spec, ..Default::default() }).unwrap();
    let said = |world: &mut World, who: &str, version| {
        world.terms.actor = actor(who);
        let step = RotationCommand::Acknowledge { version: number(version) };
        world.ask(&Command::Rotation { secret, step }).unwrap();
    };
    said(&mut world, "two", 1);
    world.issued(secret, class, None);
    said(&mut world, "one", 2);
    // Version 1 is waited for still.
    world.terms.force = true;
    world.issued(secret, class, None);
    world.terms.force = false;
    said(&mut world, "two", 3);
    said(&mut world, "guest", 2);
    (world, secret)
}

#[test]
fn a_consumer_is_hit_where_its_newest_version_is_or_where_nobody_knows_it() {
    let (world, secret) = with_consumers(CreateWithToken);
    let rotation = of_rotation(&world, secret);
    // What fell out before counts as long as its credential is good.
    assert_eq!(shown(&rotation), "1 2");
    assert_eq!(hit(&rotation), ["one", "three"]);
    let said: Vec<_> = rotation.consumers.iter().map(|said| said.acknowledged.map(|number| number.get())).collect();
    assert_eq!(said, [Some(2), Some(3), None]);
    assert_eq!(hit(&of_deletion(&world, secret)), ["one", "two", "three"]);
    assert_eq!(hit(&of_destruction(&world, secret, 2)), ["one", "three"]);
    assert_eq!(hit(&of_destruction(&world, secret, 3)), ["two", "three"]);
    let (world, secret) = with_consumers(SetValue);
    assert_eq!(shown(&of_rotation(&world, secret)), "2 3");
    assert_eq!(hit(&of_rotation(&world, secret)), ["one", "two", "three"]);
}

#[test]
fn nobody_is_hit_where_nothing_is_touched() {
    let (mut world, secret) = with_consumers(CreateWithToken);
    world.keeps(secret, 9);
    let rotation = of_rotation(&world, secret);
    assert_eq!((shown(&rotation).as_str(), hit(&rotation).len()), ("", 0));
    assert_eq!(rotation.consumers.len(), 3, "they are told of all the same");
}
