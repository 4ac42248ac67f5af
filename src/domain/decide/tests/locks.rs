//! Locks: where they may stand, how many, whose they are, and sets of them.

use super::kind::{HOUR, Kind};
use super::world::{NOBODY, World, actor, lock, named, number, word};
use crate::domain::command::{Command, LockTarget, Terms};
use crate::domain::json::JsonObject;
use crate::domain::lock::{LockMode, LockNames, NewLock};
use crate::domain::name::Description;
use crate::domain::version::VersionRef::{Current, Previous};

fn many(from: usize, to: usize) -> Vec<NewLock> {
    (from..to).map(|index| lock(&format!("app-{index}"))).collect()
}

/// Places so many locks on previous and current, then more on current in a second command.
#[track_caller]
fn check_limit(on_previous: usize, on_current: usize, then: std::ops::Range<usize>, mode: LockMode, answer: &str) {
    let mut world = World::new();
    let secret = world.secret_of(Kind::Kv, 2);
    world.place(secret, Previous, many(0, on_previous), LockMode::Keep).unwrap();
    world.place(secret, Current, many(0, on_current), LockMode::Keep).unwrap();
    let given = world.place(secret, Current, many(then.start, then.end), mode);
    assert_eq!(word(&given), answer, "{on_previous} and {on_current}, then {then:?}, {mode}");
}

#[test]
fn a_secret_takes_a_thousand_locks_on_all_versions_together() {
    const FULL: &str = "lock_limit_reached";
    check_limit(0, 0, 0..1_000, LockMode::Keep, "ok");
    check_limit(0, 999, 999..1_000, LockMode::Keep, "ok");
    check_limit(0, 1_000, 1_000..1_001, LockMode::Keep, FULL);
    check_limit(400, 600, 600..601, LockMode::Keep, FULL);
    check_limit(400, 599, 599..600, LockMode::Keep, "ok");
}

#[test]
fn replacing_and_moving_locks_does_not_count_twice() {
    check_limit(0, 1_000, 0..1_000, LockMode::Keep, "ok");
    check_limit(400, 600, 0..1, LockMode::Keep, "ok");
    check_limit(500, 0, 0..1_000, LockMode::RemovePrevious, "ok");
    check_limit(500, 0, 1..1_001, LockMode::RemovePrevious, "lock_limit_reached");
}

#[test]
fn one_command_takes_up_to_a_thousand_locks_and_names() {
    const INVALID: &str = "invalid_parameter";
    let mut world = World::new();
    let secret = world.secret(Kind::Kv);
    assert_eq!(word(&world.place(secret, Current, many(0, 1_001), LockMode::Keep)), INVALID);
    assert_eq!(word(&world.place(secret, Current, vec![], LockMode::Keep)), "ok");
    assert_eq!(word(&world.place(secret, Current, vec![lock("aa"), lock("aa")], LockMode::Keep)), INVALID);
    let names = |count| LockNames::These(many(0, count).into_iter().map(|lock| lock.name).collect());
    for (count, answer) in [(0, INVALID), (1, "ok"), (1_000, "ok"), (1_001, INVALID)] {
        assert_eq!(word(&world.unlock(secret, Current, names(count))), answer, "{count} names");
    }
}

#[test]
fn a_lock_of_a_standing_name_replaces_it() {
    let mut world = World::new();
    let secret = world.secret(Kind::Kv);
    world.locked(secret, Current, &["app", "web"]);
    let old = world.version(secret, Current).locks[0].clone();
    world.pass(HOUR);
    let new = lock("app")
        .described(Description::parse("second").unwrap())
        .with_attributes(JsonObject::parse(r#"{"n":2}"#).unwrap());
    let receipt = world.place(secret, Current, vec![new.clone()], LockMode::Keep).unwrap();
    assert_eq!(world.shows(secret), "1:app,web");
    let standing = &world.version(secret, Current).locks[0];
    assert_eq!((&standing.description, &standing.attributes), (&new.description, &new.attributes));
    assert_eq!((standing.created_at, standing.updated_at), (world.now, world.now));
    assert_eq!(standing.fencing_token, receipt.fencing_token());
    assert!(standing.fencing_token > old.fencing_token);
}

#[test]
fn a_name_is_unique_per_version_only() {
    let mut world = World::new();
    let secret = world.secret_of(Kind::Kv, 2);
    world.locked(secret, Current, &["app"]);
    world.locked(secret, Previous, &["app"]);
    assert_eq!(world.shows(secret), "1:app 2:app");
    assert_eq!(world.get(secret).locks_total(), 2);
}

#[test]
fn a_lock_goes_on_a_version_whose_data_is_there() {
    let mut world = World::new();
    let secret = world.secret_of(Kind::Kv, 3);
    for (version, answer) in
        [(Current, "ok"), (Previous, "ok"), (number(1), "version_data_unavailable"), (number(9), "not_found")]
    {
        let given = world.place(secret, version, vec![lock("app")], LockMode::Keep);
        assert_eq!(word(&given), answer, "{version}");
    }
    assert_eq!(word(&world.place(NOBODY, Current, vec![lock("app")], LockMode::Keep)), "not_found");
}

#[test]
fn attributes_are_bounded() {
    let mut world = World::new();
    let secret = world.secret(Kind::Kv);
    for (length, answer) in [(4_096, "ok"), (4_097, "invalid_parameter")] {
        let text = format!(r#"{{"a":"{}"}}"#, "x".repeat(length - 8));
        let attributes = JsonObject::parse(&text).unwrap();
        assert_eq!(attributes.as_str().len(), length);
        let given = world.place(secret, Current, vec![lock("app").with_attributes(attributes)], LockMode::Keep);
        assert_eq!(word(&given), answer, "{length} bytes");
    }
}

/// Removes names from a version that has the locks `app` and `web`; previous has `app`.
#[track_caller]
fn check_removal(names: &LockNames, left: &str, events: u32) {
    let mut world = World::new();
    let secret = world.secret_of(Kind::Kv, 2);
    world.locked(secret, Previous, &["app"]);
    world.locked(secret, Current, &["app", "web"]);
    let receipt = world.unlock(secret, Current, names.clone()).unwrap();
    assert_eq!(world.shows(secret), left, "{names:?}");
    assert_eq!(receipt.events, events, "{names:?}");
}

#[test]
fn locks_are_removed_by_name_or_all_at_once() {
    check_removal(&named(&["app"]), "1:app 2:web", 1);
    check_removal(&named(&["web", "app"]), "1:app 2:", 2);
    check_removal(&LockNames::All, "1:app 2:", 2);
}

#[test]
fn removing_an_unknown_name_is_no_error() {
    check_removal(&named(&["none"]), "1:app 2:app,web", 0);
    check_removal(&named(&["none", "web"]), "1:app 2:app", 1);
    check_removal(&named(&["web", "web"]), "1:app 2:app", 1);
}

/// Does a thing to a lock that `anna` owns, as somebody.
#[track_caller]
fn check_owner(does: &str, who: &str, force: bool, answer: &str) {
    let mut world = World::new();
    let secret = world.secret_of(Kind::Kv, 2);
    let owned = lock("app").owned_by(actor("anna")).until(world.after(HOUR));
    world.place(secret, Previous, vec![owned.clone()], LockMode::Keep).unwrap();
    world.place(secret, Current, vec![lock("web")], LockMode::Keep).unwrap();
    let place = |version, mode| {
        let locks = vec![lock("app"), lock("web")];
        Command::PlaceLocks { targets: vec![LockTarget { secret, version, locks, mode }] }
    };
    let command = match does {
        "replace" => place(Previous, LockMode::Keep),
        "move" => place(Current, LockMode::RemovePrevious),
        "move and delete" => place(Current, LockMode::RemovePreviousAndDelete),
        "remove" => Command::RemoveLocks { secret, version: Previous, names: named(&["app"]) },
        "remove all" => Command::RemoveLocks { secret, version: Previous, names: LockNames::All },
        "renew" => {
            let (name, expires_at) = (owned.name.clone(), world.after(2 * HOUR));
            Command::RenewLock { secret, version: Previous, name, expires: expires_at.into(), fencing_token: None }
        }
        _ => panic!("{does}"),
    };
    let terms = Terms { force, ..Terms::by(actor(who)) };
    assert_eq!(word(&world.ask_on(&terms, &command)), answer, "{who} asks to {does}, force: {force}");
    if answer == "ok" {
        let forced = world.log.iter().any(|record| format!("{:?}", record.event).contains("forced: true"));
        assert_eq!(forced, force && who != "anna", "{who}: {does}: the log says whether it was forced");
    }
    world.check_replay();
}

#[test]
fn an_owned_lock_is_changed_by_its_owner_or_by_force() {
    for does in ["replace", "move", "move and delete", "remove", "remove all", "renew"] {
        check_owner(does, "anna", false, "ok");
        check_owner(does, "anna", true, "ok");
        check_owner(does, "otto", false, "lock_owned");
        check_owner(does, "otto", true, "ok");
    }
}

#[test]
fn one_owned_lock_refuses_the_whole_removal() {
    let mut world = World::new();
    let secret = world.secret(Kind::Kv);
    world.locked(secret, Current, &["aa"]);
    world.place(secret, Current, vec![lock("bb").owned_by(actor("anna"))], LockMode::Keep).unwrap();
    assert_eq!(word(&world.unlock(secret, Current, LockNames::All)), "lock_owned");
    assert_eq!(word(&world.unlock(secret, Current, named(&["aa", "bb"]))), "lock_owned");
    assert_eq!(world.shows(secret), "1:aa,bb");
    assert_eq!(word(&world.unlock(secret, Current, named(&["aa"]))), "ok");
}

#[test]
fn a_set_of_locks_on_several_secrets_is_placed_as_one() {
    let mut world = World::new();
    let (one, two) = (world.secret(Kind::Kv), world.secret(Kind::FreshKey));
    let target = |secret, name| LockTarget { secret, version: Current, locks: vec![lock(name)], mode: LockMode::Keep };
    let receipt = world.ask(&Command::PlaceLocks { targets: vec![target(one, "aa"), target(two, "bb")] }).unwrap();
    assert_eq!((receipt.events, receipt.secret), (2, None));
    assert_eq!((world.shows(one), world.shows(two)), ("1:aa".into(), "1:bb".into()));
    assert!(world.log.iter().rev().take(2).all(|record| record.count == 2), "one batch");
}

/// Places a set of two, the first of which is fine.
#[track_caller]
fn check_set(second: impl Fn(&mut World) -> LockTarget, answer: &str) {
    let mut world = World::new();
    let one = world.secret(Kind::Kv);
    let first = LockTarget { secret: one, version: Current, locks: vec![lock("aa")], mode: LockMode::Keep };
    let targets = vec![first, second(&mut world)];
    assert_eq!(word(&world.ask(&Command::PlaceLocks { targets })), answer);
    assert_eq!(world.shows(one), "1:");
}

#[test]
fn a_set_of_locks_is_placed_whole_or_not_at_all() {
    let on = |secret, version, locks| LockTarget { secret, version, locks, mode: LockMode::Keep };
    check_set(|_| on(NOBODY, Current, vec![lock("bb")]), "not_found");
    check_set(|world| on(world.secret(Kind::Kv), Previous, vec![lock("bb")]), "not_found");
    check_set(|world| on(world.secret(Kind::Kv), Current, many(0, 1_000)), "invalid_parameter");
    check_set(|world| on(world.state.secrets.keys().copied().next().unwrap(), Current, vec![]), "invalid_parameter");
    let gone = |world: &mut World| {
        let secret = world.secret(Kind::Kv);
        world.destroy(secret, Current).unwrap();
        on(secret, Current, vec![lock("bb")])
    };
    check_set(gone, "version_data_unavailable");
    let owned = |world: &mut World| {
        let secret = world.secret(Kind::Kv);
        world.place(secret, Current, vec![lock("bb").owned_by(actor("anna"))], LockMode::Keep).unwrap();
        on(secret, Current, vec![lock("bb")])
    };
    check_set(owned, "lock_owned");
    let full = |world: &mut World| {
        let secret = world.secret(Kind::Kv);
        world.place(secret, Current, many(0, 1_000), LockMode::Keep).unwrap();
        on(secret, Current, vec![lock("bb")])
    };
    check_set(full, "lock_limit_reached");
}

#[test]
fn a_bulk_call_is_all_or_nothing() {
    let mut world = World::new();
    let secret = world.secret(Kind::Kv);
    let past = lock("bb").until(world.now);
    assert_eq!(word(&world.place(secret, Current, vec![lock("aa"), past], LockMode::Keep)), "invalid_parameter");
    assert_eq!(world.shows(secret), "1:");
}
