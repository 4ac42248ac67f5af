//! Secrets: names, bounds of what is given, types that stay, and credentials that are made when they are read.

use super::kind::{DAY, HOUR, Kind, TTL, api_key};
use super::world::{NOBODY, World, word};
use crate::domain::command::{Change, Command, SecretChanges};
use crate::domain::expiry::Expiry;
use crate::domain::id::GroupId;
use crate::domain::name::{Description, GroupName, Label, SecretName};
use crate::domain::secret::{ApiKeyTarget, ApiKeyUse, PasswordPolicy, SecretSpec};
use crate::domain::settings::{AccessAudit, Settings};
use crate::domain::time::Timestamp;
use crate::domain::version::VersionRef::{Current, Previous};

fn name(text: &str) -> SecretName {
    SecretName::parse(text).unwrap()
}

fn renamed(text: &str) -> SecretChanges {
    SecretChanges { name: Some(name(text)), ..Default::default() }
}

#[test]
fn a_secret_starts_with_one_version_and_both_in_one_batch() {
    for kind in Kind::ALL {
        let mut world = World::new();
        let command = world.creation(kind, "db");
        let receipt = world.ask(&command).unwrap();
        world.check_events(&["SecretCreated", "VersionAdded"]);
        let secret = receipt.secret.unwrap();
        assert_eq!(receipt.version, Some(world.version(secret, Current).id));
        assert_eq!(receipt.revision.unwrap().get(), 2);
        assert_eq!(world.get(secret).revision.get(), 2);
        assert_eq!(world.shows(secret), "1:", "{kind:?}");
    }
}

#[test]
fn one_name_per_type_across_groups() {
    let mut world = World::new();
    let group = GroupId::from_bytes([9; 16]);
    let create_group = Command::CreateGroup { id: group, name: GroupName::parse("team").unwrap(), description: None };
    world.ask(&create_group).unwrap();
    for kind in [Kind::Arbitrary, Kind::Password, Kind::Kv, Kind::FreshKey, Kind::Certificate] {
        let command = world.creation(kind, "db");
        assert_eq!(word(&world.ask(&command)), "ok", "{kind:?}: another type, another name space");
        for into in [GroupId::DEFAULT, group] {
            let mut command = world.creation(kind, "db");
            if let Command::CreateSecret { group, .. } = &mut command {
                *group = into;
            }
            assert_eq!(word(&world.ask(&command)), "secret_name_taken", "{kind:?}, {into}");
        }
    }
}

#[test]
fn a_name_is_free_again_when_its_secret_is_renamed_or_deleted() {
    let mut world = World::new();
    let create = |world: &mut World, name: &str| {
        let command = world.creation(Kind::Kv, name);
        world.ask(&command)
    };
    let one = create(&mut world, "one").unwrap().secret.unwrap();
    let two = create(&mut world, "two").unwrap().secret.unwrap();
    assert_eq!(word(&world.update(two, renamed("one"))), "secret_name_taken");
    assert_eq!(world.update(two, renamed("two")).unwrap().events, 0);
    world.update(one, renamed("three")).unwrap();
    world.update(two, renamed("one")).unwrap();
    world.delete(two).unwrap();
    assert_eq!(word(&create(&mut world, "two")), "ok");
    assert_eq!(word(&create(&mut world, "one")), "ok");
    assert_eq!(word(&create(&mut world, "three")), "secret_name_taken");
    world.check_replay();
}

#[test]
fn a_deletion_gives_up_every_data_key_and_ends_the_secret() {
    let mut world = World::new();
    let secret = world.secret_of(Kind::Kv, 3);
    world.delete(secret).unwrap();
    world.check_events(&["SecretDeleted"]);
    assert_eq!(world.log.last().unwrap().event.destroyed_data_keys().len(), 2);
    assert_eq!(word(&world.rotate(secret)), "not_found");
    assert_eq!(word(&world.delete(secret)), "not_found");
    assert_eq!(word(&world.delete(NOBODY)), "not_found");
}

/// Creates a secret, and updates one, with the same change.
#[track_caller]
fn check_bounds(kind: Kind, changes: &SecretChanges, answer: &str) {
    let mut world = World::new();
    let secret = world.secret(kind);
    assert_eq!(word(&world.update(secret, changes.clone())), answer, "update of {kind:?} by {changes:?}");
    let mut command = world.creation(kind, "new");
    if let Command::CreateSecret { metadata, spec, .. } = &mut command {
        metadata.labels = changes.labels.clone().unwrap_or_default().into();
        metadata.retention = changes.retention.unwrap_or(2);
        metadata.expires_at = match changes.expires {
            Change::Set(Expiry::At(end)) => Some(end),
            _ => None,
        };
        *spec = changes.spec.clone().unwrap_or_else(|| spec.clone());
    }
    assert_eq!(word(&world.ask(&command)), answer, "creation of {kind:?} with {changes:?}");
}

#[test]
fn labels_and_retention_are_bounded() {
    const INVALID: &str = "invalid_parameter";
    for kind in Kind::ALL {
        for (count, answer) in [(0, "ok"), (30, "ok"), (31, INVALID)] {
            let labels = (0..count).map(|index| Label::parse(&format!("label-{index}")).unwrap()).collect();
            check_bounds(kind, &SecretChanges { labels: Some(labels), ..Default::default() }, answer);
        }
        for (retention, answer) in [(0, INVALID), (1, INVALID), (2, "ok"), (50, "ok"), (51, INVALID)] {
            check_bounds(kind, &SecretChanges { retention: Some(retention), ..Default::default() }, answer);
        }
    }
}

#[test]
fn only_arbitrary_and_password_take_an_expiry_and_it_lies_ahead() {
    const INVALID: &str = "invalid_parameter";
    let now = World::new().now;
    let ahead = World::new().after(DAY);
    for (kind, answer) in [
        (Kind::Arbitrary, "ok"),
        (Kind::Password, "ok"),
        (Kind::Kv, INVALID),
        (Kind::FreshKey, INVALID),
        (Kind::ReusedKey, INVALID),
        (Kind::Certificate, INVALID),
    ] {
        let expiring = |at: Timestamp| SecretChanges { expires: Change::Set(at.into()), ..Default::default() };
        check_bounds(kind, &expiring(ahead), answer);
        check_bounds(kind, &expiring(now), INVALID);
        check_bounds(kind, &SecretChanges { expires: Change::Clear, ..Default::default() }, "ok");
    }
}

#[test]
fn what_a_type_needs_to_know_is_bounded() {
    const INVALID: &str = "invalid_parameter";
    for (length, answer) in [(11, INVALID), (12, "ok"), (256, "ok"), (257, INVALID)] {
        let password_policy = PasswordPolicy { length, ..PasswordPolicy::default() };
        let spec = Some(SecretSpec::UsernamePassword { password_policy });
        check_bounds(Kind::Password, &SecretChanges { spec, ..Default::default() }, answer);
    }
    for (ttl, answer) in [(59, INVALID), (60, "ok"), (90 * DAY, "ok"), (90 * DAY + 1, INVALID)] {
        let spec = |api_key_use| SecretChanges { spec: Some(api_key(ttl, api_key_use)), ..Default::default() };
        check_bounds(Kind::FreshKey, &spec(ApiKeyUse::FreshPerRead), answer);
        check_bounds(Kind::ReusedKey, &spec(ApiKeyUse::UntilLeaseEnds), answer);
    }
    for (groups, answer) in [(0, INVALID), (1, "ok"), (10, "ok"), (11, INVALID)] {
        let target = ApiKeyTarget::AccessGroups((0..groups).map(|_| Label::parse("group").unwrap()).collect());
        let spec = SecretSpec::IamCredentials { ttl_secs: 60, api_key_use: ApiKeyUse::FreshPerRead, target };
        check_bounds(Kind::FreshKey, &SecretChanges { spec: Some(spec), ..Default::default() }, answer);
    }
}

#[test]
fn a_type_and_the_use_of_its_keys_stay() {
    for kind in Kind::ALL {
        for other in Kind::ALL {
            let mut world = World::new();
            let secret = world.secret(kind);
            let given = world.update(secret, SecretChanges { spec: Some(other.spec()), ..Default::default() });
            assert_eq!(word(&given), if kind == other { "ok" } else { "invalid_parameter" }, "{kind:?} to {other:?}");
        }
    }
}

#[test]
fn a_secret_goes_in_a_group_that_is_there() {
    let mut world = World::new();
    let mut command = world.creation(Kind::Kv, "db");
    if let Command::CreateSecret { group, .. } = &mut command {
        *group = GroupId::from_bytes([1; 16]);
    }
    assert_eq!(word(&world.ask(&command)), "not_found");
}

#[test]
fn a_certificate_that_is_over_is_not_taken() {
    let mut world = World::new();
    let mut creation = world.creation(Kind::Certificate, "tls");
    let secret = world.secret(Kind::Certificate);
    let mut rotation = world.rotation(secret, crate::domain::version::VersionOrigin::RotatedByHand);
    for (end, answer) in [(world.now, "invalid_parameter"), (world.after(1), "ok")] {
        if let (Command::CreateSecret { first, .. }, Command::Rotate { next, .. }) = (&mut creation, &mut rotation) {
            (first.as_mut().unwrap().expires_at, next.expires_at) = (Some(end), Some(end));
        }
        assert_eq!(word(&world.ask(&creation)), answer);
        assert_eq!(word(&world.ask(&rotation)), answer);
    }
}

#[test]
fn an_update_writes_down_what_changed_and_nothing_else() {
    let mut world = World::new();
    let secret = world.secret(Kind::Password);
    assert_eq!(world.update(secret, SecretChanges::default()).unwrap().events, 0);
    let description = Change::Set(Description::parse("main").unwrap());
    world.update(secret, SecretChanges { description, ..Default::default() }).unwrap();
    world.check_events(&["SecretUpdated"]);
    let password_policy = PasswordPolicy { length: 20, ..PasswordPolicy::default() };
    let spec = Some(SecretSpec::UsernamePassword { password_policy });
    world.update(secret, SecretChanges { spec: spec.clone(), ..Default::default() }).unwrap();
    world.check_events(&["SpecUpdated"]);
    world.update(secret, SecretChanges { spec: None, description: Change::Clear, ..Default::default() }).unwrap();
    assert_eq!((&world.get(secret).metadata.description, Some(&world.get(secret).spec)), (&None, spec.as_ref()));
}

/// Reads a reused key after so many seconds.
#[track_caller]
fn check_reused(locked: bool, secs: u64, recorded: bool, fresh: bool) {
    let mut world = World::new();
    let secret = world.secret(Kind::ReusedKey);
    if locked {
        world.locked(secret, Current, &["app"]);
    }
    let old = world.version(secret, Current).data;
    if recorded {
        world.wait(secs);
    } else {
        world.pass(secs);
    }
    world.read(secret).unwrap();
    let version = world.version(secret, Current);
    assert_eq!(version.data != old, fresh, "locked: {locked}, after {secs} seconds, recorded: {recorded}");
    assert!(version.downloaded);
    assert_eq!(version.expires_at, Some(if fresh { world.after(TTL) } else { World::new().after(TTL) }));
    world.check_replay();
}

#[test]
fn a_reused_key_lives_until_its_lease_ends_and_the_next_read_makes_a_new_one() {
    for recorded in [false, true] {
        check_reused(false, 0, recorded, false);
        check_reused(false, TTL - 1, recorded, false);
        check_reused(false, TTL, recorded, true);
        check_reused(false, TTL + DAY, recorded, true);
    }
}

#[test]
fn a_locked_reused_key_stays_readable_after_its_lease() {
    for recorded in [false, true] {
        check_reused(true, TTL - 1, recorded, false);
        check_reused(true, TTL, recorded, false);
        check_reused(true, TTL + 30 * DAY, recorded, false);
    }
}

/// The key that is handed out is read before the writer decides.
#[test]
fn a_reused_key_that_is_not_the_one_at_hand_any_more_is_asked_for_again() {
    let mut world = World::new();
    let secret = world.secret(Kind::ReusedKey);
    let at_hand = |world: &World| world.version(secret, Current).data.sealed().map(|sealed| sealed.data_key);
    let first = at_hand(&world);
    world.rotate(secret).unwrap();
    let Command::ReadDynamic { fresh, at_hand: second, .. } = world.reading(secret) else { panic!() };
    for (at_hand, answer) in [(first, "version_changed"), (None, "version_changed"), (second, "ok")] {
        let read = Command::ReadDynamic { secret, fresh: fresh.clone(), at_hand };
        assert_eq!(word(&world.ask(&read)), answer);
    }
    assert!(world.version(secret, Current).downloaded && !world.version(secret, Previous).downloaded);
    world.check_replay();
}

#[test]
fn a_dynamic_read_is_for_secrets_of_that_type() {
    let mut world = World::new();
    for kind in [Kind::Arbitrary, Kind::Password, Kind::Kv, Kind::Certificate] {
        let secret = world.secret(kind);
        let fresh = world.prepared(kind.spec().secret_type());
        assert_eq!(
            word(&world.ask(&Command::ReadDynamic { secret, fresh, at_hand: None })),
            "version_changed",
            "{kind:?}"
        );
    }
}

#[test]
fn a_strict_audit_records_each_read_before_it_is_handed_out() {
    let mut world = World::new();
    let settings = Settings { access_audit: AccessAudit::Strict, ..Settings::default() };
    world.ask(&Command::ChangeSettings { settings }).unwrap();
    for (kind, first) in [
        (Kind::Kv, "VersionDownloaded"),
        (Kind::ReusedKey, "VersionDownloaded"),
        (Kind::FreshKey, "VersionRegenerated"),
    ] {
        let secret = world.secret(kind);
        world.read(secret).unwrap();
        world.check_events(&[first, "AccessRecorded"]);
        world.pass(HOUR);
        let revision = world.get(secret).revision;
        world.read(secret).unwrap();
        assert_eq!(world.last_events(1), ["AccessRecorded"]);
        assert_eq!(world.get(secret).retrieved_at, Some(world.now));
        assert_eq!(world.get(secret).revision == revision, kind != Kind::FreshKey);
    }
    world.check_replay();
}
