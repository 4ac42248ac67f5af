//! Locks themselves: where they may stand, how many, whose they are, and sets of them.

use latchkeep::{
    Command, Description, LockMode, LockNames, LockTarget, NewSecret, Refusal, SecretId, Session, Store, VersionNumber,
    VersionRef,
};

use crate::support::{Home, actor, arbitrary, json, lock, lock_name, name, next, refused, session, sound, text};
use crate::walk::sound_log;

const CURRENT: VersionRef = VersionRef::Current;
const PREVIOUS: VersionRef = VersionRef::Previous;

fn names(store: &Store, id: SecretId, version: VersionRef) -> Vec<String> {
    let secret = store.secret(id).unwrap();
    secret.version(version).unwrap().locks.iter().map(|lock| lock.name.to_string()).collect()
}

fn place(ops: &Session, id: SecretId, locks: &[&str], mode: LockMode) -> Result<latchkeep::Receipt, latchkeep::Error> {
    ops.run(Command::place_locks(id, CURRENT, locks.iter().map(|name| lock(name)).collect(), mode))
}

#[test]
fn a_lock_of_the_same_name_is_replaced_and_gets_a_new_fencing_token() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    let described = lock("billing").described(Description::parse("old").unwrap()).with_attributes(json("{\"a\":1}"));
    let first = ops.place_lock(id, CURRENT, described).unwrap();
    let second = ops.place_lock(id, CURRENT, lock("billing")).unwrap();
    let secret = store.secret(id).unwrap();
    let [standing] = &secret.versions[0].locks[..] else { panic!("one lock stands") };
    assert_eq!((standing.description.clone(), standing.attributes.clone()), (None, None));
    assert_eq!(standing.fencing_token, second.fencing_token());
    assert!(second.fencing_token() > first.fencing_token());
    ops.rotate(id, next("two")).unwrap();
    ops.place_lock(id, CURRENT, lock("billing")).unwrap();
    assert_eq!(store.lock_status(id).unwrap().locks_total(), 2, "the same name may stand on current and on previous");
}

#[test]
fn the_modes_move_locks_from_previous_and_free_its_data() {
    use LockMode::{Keep, RemovePrevious, RemovePreviousAndDelete};
    for (mode, left, available) in [
        (Keep, vec!["billing", "other"], true),
        (RemovePrevious, vec!["other"], true),
        (RemovePreviousAndDelete, vec!["other"], true),
    ] {
        let home = Home::new();
        let store = home.in_memory().create().unwrap();
        let ops = session(&store);
        let id = arbitrary(&ops, "token", "one");
        place(&ops, id, &["billing", "other"], Keep).unwrap();
        ops.rotate(id, next("two")).unwrap();
        place(&ops, id, &["billing"], mode).unwrap();
        assert_eq!(names(&store, id, CURRENT), ["billing"]);
        assert_eq!(names(&store, id, PREVIOUS), left, "{mode}");
        assert_eq!(store.secret(id).unwrap().previous().unwrap().is_available(), available);
        place(&ops, id, &["other"], mode).unwrap();
        let freed = mode == RemovePreviousAndDelete;
        assert_eq!(store.secret(id).unwrap().previous().unwrap().is_available(), !freed, "{mode}");
        if freed {
            refused(ops.read(id, PREVIOUS), "version_data_destroyed");
            refused(ops.place_lock(id, PREVIOUS, lock("late")), "version_data_unavailable");
        }
        sound_log(&store);
        sound(&store);
    }
}

#[test]
fn the_modes_do_without_a_previous_version_and_are_for_current_only() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    place(&ops, id, &["billing"], LockMode::RemovePreviousAndDelete).unwrap();
    ops.rotate(id, next("two")).unwrap();
    let on_previous = Command::place_locks(id, PREVIOUS, vec![lock("aa")], LockMode::RemovePrevious);
    refused(ops.run(on_previous), "invalid_parameter");
    let by_number = VersionRef::Number(VersionNumber::new(2));
    ops.run(Command::place_locks(id, by_number, vec![lock("billing")], LockMode::RemovePrevious)).unwrap();
    assert!(names(&store, id, PREVIOUS).is_empty());
}

#[test]
fn the_thousand_and_first_lock_is_refused() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    let many = |range: std::ops::Range<usize>| range.map(|number| lock(&format!("lock-{number}"))).collect::<Vec<_>>();
    let locks = |range| Command::place_locks(id, CURRENT, many(range), LockMode::Keep);
    refused(ops.run(locks(0..1_001)), "invalid_parameter");
    ops.run(locks(0..600)).unwrap();
    ops.rotate(id, next("two")).unwrap();
    ops.run(locks(0..400)).unwrap();
    assert_eq!(store.lock_status(id).unwrap().locks_total(), 1_000);
    let error = refused(ops.run(locks(400..401)), "lock_limit_reached");
    assert_eq!(error.refusal(), Some(&Refusal::LockLimitReached { would_be: 1_001 }));
    refused(ops.run(locks(399..401)), "lock_limit_reached");
    ops.run(locks(0..400)).unwrap();
    let blocked = refused(ops.rotate(id, next("three")), "secret_version_locked");
    let blocked = blocked.refusal().unwrap().blocked().unwrap().clone();
    assert_eq!((blocked.locks_total, blocked.locks.len()), (600, latchkeep::limits::BLOCKING_LOCKS_SHOWN_MAX));
    let all = (0..1_001).map(|number| lock_name(&format!("lock-{number}"))).collect();
    refused(ops.run(Command::remove_locks(id, PREVIOUS, LockNames::These(all))), "invalid_parameter");
    refused(ops.run(Command::remove_locks(id, PREVIOUS, LockNames::These(vec![]))), "invalid_parameter");
    ops.run(Command::remove_locks(id, PREVIOUS, LockNames::All)).unwrap();
    ops.run(locks(400..1_000)).unwrap();
    ops.rotate(id, next("three")).unwrap();
    sound_log(&store);
}

#[test]
fn a_lock_with_an_owner_is_changed_by_nobody_else_but_by_force() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let (owner, other) = (store.acting_as(actor("owner")), store.acting_as(actor("other")));
    let id = arbitrary(&other, "token", "one");
    let owned = || lock("billing").owned_by(actor("owner"));
    owner.place_lock(id, CURRENT, owned()).unwrap();
    refused(other.place_lock(id, CURRENT, lock("billing")), "lock_owned");
    refused(other.remove_lock(id, CURRENT, lock_name("billing")), "lock_owned");
    refused(other.run(Command::remove_locks(id, CURRENT, LockNames::All)), "lock_owned");
    other.rotate(id, next("two")).unwrap();
    refused(place(&other, id, &["billing"], LockMode::RemovePrevious), "lock_owned");
    assert!(names(&store, id, CURRENT).is_empty(), "what is refused is refused whole");
    place(&other.by_force(), id, &["billing"], LockMode::RemovePrevious).unwrap();
    let forced: Vec<bool> = sound_log(&store)
        .iter()
        .filter_map(|record| match &record.event {
            latchkeep::Event::LockRemoved(event) => Some(event.forced),
            _ => None,
        })
        .collect();
    assert_eq!(forced, [true], "the log says that it was forced");
    owner.place_lock(id, CURRENT, owned()).unwrap();
    owner.remove_lock(id, CURRENT, lock_name("billing")).unwrap();
}

#[test]
fn a_set_of_locks_is_placed_whole_or_not_at_all() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let ops = session(&store);
    let ids = ["one", "two", "three"].map(|name| arbitrary(&ops, name, "data"));
    let target = |secret, version| LockTarget { secret, version, locks: vec![lock("deploy")], mode: LockMode::Keep };
    let set =
        |last| Command::place_lock_set(vec![target(ids[0], CURRENT), target(ids[1], CURRENT), target(ids[2], last)]);
    let size = store.status().unwrap().log_size;
    refused(ops.run(set(PREVIOUS)), "not_found");
    let twice = Command::place_lock_set(vec![target(ids[0], CURRENT), target(ids[0], CURRENT)]);
    refused(ops.run(twice), "invalid_parameter");
    let same_name = Command::place_locks(ids[0], CURRENT, vec![lock("aa"), lock("aa")], LockMode::Keep);
    refused(ops.run(same_name), "invalid_parameter");
    let large = lock("aa").with_attributes(json(&format!("{{\"a\":\"{}\"}}", "x".repeat(4_096))));
    refused(
        ops.run(Command::place_locks(ids[0], CURRENT, vec![lock("bb"), large], LockMode::Keep)),
        "invalid_parameter",
    );
    assert_eq!(store.status().unwrap().log_size, size);
    let receipt = ops.run(set(CURRENT)).unwrap();
    assert_eq!((receipt.events, receipt.secret, receipt.revision), (3, None, None));
    assert!(ids.iter().all(|id| names(&store, *id, CURRENT) == ["deploy"]));
    assert_eq!(store.status().unwrap().tally.secrets_locked, 3);
    sound_log(&store);
}

#[test]
fn the_strict_setting_lets_any_lock_refuse_a_rotation() {
    let home = Home::new();
    let store = home.in_memory().refuse_rotation_while_locked(true).create().unwrap();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    let lax = NewSecret::arbitrary(name("lax"), text("one")).unwrap().refusing_rotation_while_locked(false);
    let lax = ops.create(lax).unwrap().secret.unwrap();
    for secret in [id, lax] {
        ops.place_lock(secret, CURRENT, lock("billing")).unwrap();
    }
    refused(ops.rotate(id, next("two")), "secret_version_locked");
    ops.rotate(lax, next("two")).unwrap();
    ops.change_settings(latchkeep::Settings { refuse_rotation_while_locked: false, ..store.settings() }).unwrap();
    ops.rotate(id, next("two")).unwrap();
}
