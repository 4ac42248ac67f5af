//! A command under an idempotency key is done once, and answered the same however often it is asked.

use std::time::Duration;

use latchkeep::{Command, LockNames, NewData, NewSecret, Refusal, Username, VersionRef};

use crate::support::{Gate, Home, actor, arbitrary, lock, lock_name, name, next, once, refused, session, text};
use crate::walk::{labels, records};

#[test]
fn a_repeated_command_is_answered_as_the_first_time_also_after_a_reopen() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    let first = ops.clone().once(once("k-1")).rotate(id, next("two")).unwrap();
    assert!(!first.remembered);
    let size = store.status().unwrap().log_size;
    let again = ops.clone().once(once("k-1")).rotate(id, next("two")).unwrap();
    assert_eq!(latchkeep::Receipt { remembered: false, ..again.clone() }, first);
    assert!(again.remembered);
    assert_eq!(store.status().unwrap().log_size, size, "nothing was done again");

    drop((ops, store));
    let store = home.open();
    let again = session(&store).once(once("k-1")).rotate(id, next("two")).unwrap();
    assert!(again.remembered);
    assert_eq!(again.position, first.position);
    let made = NewSecret::arbitrary(name("new"), text("x")).unwrap();
    let made = session(&store).once(once("k-2")).create(made).unwrap();
    let repeated = NewSecret::arbitrary(name("new"), text("x")).unwrap();
    assert_eq!(session(&store).once(once("k-2")).create(repeated).unwrap().secret, made.secret);
}

#[test]
fn another_command_or_other_data_under_the_same_key_is_refused() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    let keyed = ops.clone().once(once("k"));
    keyed.rotate(id, next("two")).unwrap();
    refused(keyed.rotate(id, next("three")), "idempotency_key_reused");
    refused(keyed.delete(id), "idempotency_key_reused");
    refused(keyed.clone().by_force().rotate(id, next("two")), "idempotency_key_reused");
    let revision = store.secret(id).unwrap().revision;
    refused(keyed.clone().expecting(revision).rotate(id, next("two")), "idempotency_key_reused");
    let other = store.acting_as(actor("somebody-else")).once(once("k"));
    assert!(!other.rotate(id, next("four")).unwrap().remembered, "a key belongs to the actor who used it");
}

#[test]
fn a_refusal_is_remembered_like_a_receipt() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    ops.place_lock(id, VersionRef::Current, lock("billing")).unwrap();
    refused(ops.clone().once(once("locked")).delete(id), "secret_version_locked");
    refused(
        ops.clone().once(once("taken")).create(NewSecret::arbitrary(name("token"), text("x")).unwrap()),
        "secret_name_taken",
    );
    ops.remove_lock(id, VersionRef::Current, lock_name("billing")).unwrap();
    store.close().unwrap();

    let store = home.open();
    let ops = session(&store);
    let error = refused(ops.clone().once(once("locked")).delete(id), "secret_version_locked");
    assert_eq!(error.refusal().unwrap().blocked().unwrap().locks[0].name.as_str(), "billing");
    ops.delete(id).unwrap();
    refused(
        ops.once(once("taken")).create(NewSecret::arbitrary(name("token"), text("x")).unwrap()),
        "secret_name_taken",
    );
    let labels = labels(&records(&store));
    assert!(labels.contains(&"DeletionRefused") && labels.contains(&"CommandRefused"));
}

#[test]
fn a_command_without_effect_is_remembered_too() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    let unlock_all = || Command::remove_locks(id, VersionRef::Current, LockNames::All);
    let keyed = ops.clone().once(once("k"));
    let first = keyed.run(unlock_all()).unwrap();
    ops.place_lock(id, VersionRef::Current, lock("billing")).unwrap();
    assert_eq!(keyed.run(unlock_all()).unwrap().position, first.position);
    assert_eq!(store.lock_status(id).unwrap().locks_total(), 1, "the repeated command did nothing");
}

#[test]
fn an_answer_is_forgotten_after_a_day() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let keyed = session(&store).once(once("k"));
    let id = arbitrary(&session(&store), "token", "one");
    keyed.rotate(id, next("two")).unwrap();
    home.clock.advance(Duration::from_secs(24 * 3_600 - 1));
    assert!(keyed.rotate(id, next("two")).unwrap().remembered);
    home.clock.advance(Duration::from_secs(1));
    assert!(!keyed.rotate(id, next("two")).unwrap().remembered);
}

/// A retry that comes after the secret was deleted used to be told that there is no such secret: the data was prepared
/// before anybody looked at what is remembered.
#[test]
fn a_retry_gets_the_first_answer_though_it_could_not_be_prepared_any_more() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    let first = ops.clone().once(once("rotate")).rotate(id, next("two")).unwrap();
    let restored = ops.clone().once(once("restore")).restore(id).unwrap();
    ops.destroy_data(id, VersionRef::Previous).unwrap();
    assert_eq!(ops.clone().once(once("restore")).restore(id).unwrap().position, restored.position);
    ops.delete(id).unwrap();
    assert_eq!(ops.clone().once(once("rotate")).rotate(id, next("two")).unwrap().position, first.position);
    assert_eq!(ops.clone().once(once("restore")).restore(id).unwrap().position, restored.position);
    let other = ops.clone().once(once("rotate")).rotate(id, next("other")).unwrap();
    assert!(other.remembered, "what was destroyed cannot be compared any more");
    refused(ops.rotate(id, next("two")), "not_found");
}

#[test]
fn the_same_command_twice_in_flight_is_done_once() {
    let home = Home::new();
    let gate = Gate::new(home.clock.clone());
    let store = home.options().clock(gate.clone()).create().unwrap();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    gate.shut();
    let keyed = ops.once(once("k"));
    let both = [(); 2].map(|()| keyed.submit(Command::rotate(id, next("two"))).unwrap());
    gate.open();
    let [first, second] = both.map(|pending| pending.wait().unwrap());
    assert_eq!(first.position, second.position);
    assert_eq!((first.remembered, second.remembered), (false, true));
    assert_eq!(store.secret(id).unwrap().versions.len(), 2);
}

#[test]
fn a_dry_run_knows_what_is_remembered() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let keyed = session(&store).once(once("k"));
    let id = arbitrary(&session(&store), "token", "one");
    keyed.rotate(id, next("two")).unwrap();
    let same = keyed.dry_run(&Command::rotate(id, next("two"))).unwrap();
    assert_eq!((same.refusal, same.events.len()), (None, 0), "the answer is remembered, so nothing would happen");
    let other = keyed.dry_run(&Command::rotate(id, next("three"))).unwrap();
    assert_eq!(other.refusal, Some(Refusal::IdempotencyKeyReused));
}

/// The fingerprint of a command once held a keyed hash of its data, in contexts, which are never erased: whoever had a key of the
/// store and an export could try guesses of data that was destroyed long ago.
#[test]
fn no_hash_of_secret_data_is_recorded_and_other_data_is_refused_all_the_same() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let user = Username::parse("app").unwrap();
    let again = |password: &str| NewSecret::username_password(name("login"), &user, text(password)).unwrap();
    let id = ops.clone().once(once("create")).create(again("first-password")).unwrap().secret.unwrap();
    assert!(ops.clone().once(once("create")).create(again("first-password")).unwrap().remembered);
    refused(ops.clone().once(once("create")).create(again("other-password")), "idempotency_key_reused");

    let rotate = |who: &str, password: &str| {
        store.acting_as(actor(who)).once(once("k")).rotate(id, NewData::password(text(password)))
    };
    let first = rotate("anna", "second-password").unwrap();
    rotate("bert", "third-password").unwrap();
    assert_eq!(rotate("anna", "second-password").unwrap().position, first.position);
    refused(rotate("anna", "another-password"), "idempotency_key_reused");
    refused(rotate("bert", "second-password"), "idempotency_key_reused");
    let contexts = records(&store).into_iter().filter_map(|record| record.context.idempotency);
    let rotations: Vec<_> = contexts.filter(|once| once.key.as_str() == "k").map(|once| once.fingerprint).collect();
    assert!(rotations.len() > 1 && rotations.windows(2).all(|pair| pair[0] == pair[1]), "data shows in the log");

    store.close().unwrap();
    let store = home.open();
    let rotate =
        |password: &str| store.acting_as(actor("bert")).once(once("k")).rotate(id, NewData::password(text(password)));
    assert!(rotate("third-password").unwrap().remembered);
    refused(rotate("another-password"), "idempotency_key_reused");
}

/// One busy actor once pushed the keys of all others out, and their commands were done twice.
#[test]
fn no_answer_is_forgotten_before_its_day_is_over_however_many_keys_are_used() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    let first = ops.clone().once(once("first")).rotate(id, next("two")).unwrap();
    let asked: Vec<_> = (1..latchkeep::limits::REMEMBERED_OF_ACTOR_MAX)
        .map(|number| {
            let session = ops.clone().once(once(&format!("k-{number}")));
            session.submit(Command::remove_locks(id, VersionRef::Current, LockNames::All)).unwrap()
        })
        .collect();
    for asked in asked {
        asked.wait().unwrap();
    }
    let size = store.status().unwrap().log_size;
    let more = ops.clone().once(once("one-more"));
    let error = more.rotate(id, next("three")).unwrap_err();
    assert_eq!(error.code(), "busy", "{error}");
    assert_eq!(store.status().unwrap().log_size, size, "nothing was done");
    let again = ops.clone().once(once("first")).rotate(id, next("two")).unwrap();
    assert!(again.remembered && again.position == first.position);
    store.acting_as(actor("ben")).once(once("one-more")).rotate(id, next("four")).unwrap();
    ops.rotate(id, next("five")).unwrap();

    home.clock.advance(Duration::from_secs(latchkeep::limits::REMEMBERED_SECS));
    assert!(!more.rotate(id, next("six")).unwrap().remembered);
}
