//! What time does: leases of locks, expiry, locks that hold it back, and a clock that runs back.

use std::time::Duration;

use latchkeep::{
    ApiKeyUse, Change, Command, DestroyCause, Event, Lifecycle, LockMode, LockTarget, NewSecret, Refusal,
    SecretChanges, SecretId, Session, Timestamp, VersionRef,
};

use crate::support::{Home, api_key, arbitrary, lock, lock_name, name, next, once, refused, session, sound, text};
use crate::walk::{labels, records, sound_log};

const CURRENT: VersionRef = VersionRef::Current;

fn expiring(ops: &Session, secret_name: &str, at: Timestamp) -> SecretId {
    let new = NewSecret::arbitrary(name(secret_name), text("short lived")).unwrap().expiring_at(at);
    ops.create(new).unwrap().secret.unwrap()
}

#[test]
fn a_lease_ends_by_an_event_unless_it_is_renewed() {
    let home = Home::standing_still();
    let store = home.create();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    refused(ops.place_lock(id, CURRENT, lock("job").until(home.now())), "invalid_parameter");
    let placed = ops.place_lock(id, CURRENT, lock("job").until(home.in_secs(60))).unwrap();
    assert_eq!(store.status().unwrap().next_lapse_at, Some(home.in_secs(60)));
    home.advance_secs(30);
    let renew = |until, token| Command::renew_lock(id, CURRENT, lock_name("job"), until, token);
    let renewed = ops.run(renew(home.in_secs(60), Some(placed.fencing_token()))).unwrap();
    let stale = refused(ops.run(renew(home.in_secs(90), Some(placed.fencing_token()))), "fencing_token_stale");
    assert_eq!(stale.refusal(), Some(&Refusal::FencingTokenStale { actual: renewed.position }));
    home.advance_secs(59);
    refused(ops.delete(id), "secret_version_locked");
    home.advance_secs(1);
    ops.rotate(id, next("two")).unwrap();
    assert_eq!(store.lock_status(id).unwrap().locks_total(), 0);
    refused(ops.run(renew(home.in_secs(90), None)), "not_found");
    let expired = sound_log(&store).iter().filter(|record| record.event.label() == "LockExpired").count();
    assert_eq!(expired, 1, "expiry is an event in the log, never a silent change");
    ops.place_lock(id, CURRENT, lock("for-good")).unwrap();
    let permanent = Command::renew_lock(id, CURRENT, lock_name("for-good"), home.in_secs(90), None);
    refused(ops.run(permanent), "invalid_parameter");
}

/// Each command on a secret of which a lease had ended answered "the log is damaged": the lapse was stamped later than the
/// command for whose sake it was looked for. No test saw it, since every clock stood still between two looks.
#[test]
fn a_command_that_meets_a_lapse_has_one_time_with_it() {
    type Meets = fn(&Session, SecretId) -> Result<(), latchkeep::Error>;
    let commands: [(&str, Meets); 7] = [
        ("lock create", |ops, id| ops.place_lock(id, CURRENT, lock("next")).map(drop)),
        ("lock delete", |ops, id| ops.remove_lock(id, CURRENT, lock_name("stays")).map(drop)),
        ("first read", |ops, id| ops.read(id, CURRENT).map(drop)),
        ("rotate", |ops, id| ops.rotate(id, next("two")).map(drop)),
        ("update", |ops, id| ops.update(id, SecretChanges { retention: Some(3), ..Default::default() }).map(drop)),
        ("delete", |ops, id| {
            refused(ops.delete(id), "secret_version_locked");
            Ok(())
        }),
        ("lock set", |ops, id| {
            let target = LockTarget { secret: id, version: CURRENT, locks: vec![lock("set")], mode: LockMode::Keep };
            ops.run(Command::place_lock_set(vec![target])).map(drop)
        }),
    ];
    for (label, command) in commands {
        let home = Home::new();
        let store = home.in_memory().create().unwrap();
        let ops = session(&store);
        for round in 0..20 {
            let id = arbitrary(&ops, &format!("token-{round}"), "one");
            ops.place_lock(id, CURRENT, lock("stays")).unwrap();
            ops.place_lock(id, CURRENT, lock("lapses").until(home.in_secs(2))).unwrap();
            home.advance_secs(3);
            command(&ops, id).unwrap_or_else(|error| panic!("{label}: {error}"));
            assert!(store.secret(id).unwrap().current().unwrap().lock(&lock_name("lapses")).is_none(), "{label}");
        }
        sound_log(&store);
    }
}

#[test]
fn a_lease_that_ended_while_the_store_was_closed_ends_at_the_next_open() {
    let home = Home::new();
    let store = home.create();
    let id = arbitrary(&session(&store), "token", "one");
    session(&store).place_lock(id, CURRENT, lock("job").until(home.in_secs(60))).unwrap();
    store.close().unwrap();
    home.advance_secs(3_600);
    let store = home.open();
    store.settle().unwrap();
    assert_eq!(store.lock_status(id).unwrap().locks_total(), 0);
    session(&store).delete(id).unwrap();
}

#[test]
fn an_expired_secret_is_destroyed_and_keeps_its_name_and_history() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    refused(
        ops.create(NewSecret::arbitrary(name("late"), text("x")).unwrap().expiring_at(home.now())),
        "invalid_parameter",
    );
    let id = expiring(&ops, "token", home.in_secs(60));
    ops.rotate(id, next("two")).unwrap();
    home.advance_secs(60);
    refused(ops.read(id, CURRENT), "version_data_destroyed");
    let secret = store.secret(id).unwrap();
    assert_eq!(secret.lifecycle, Lifecycle::Destroyed);
    assert_eq!((secret.metadata.name.as_str(), secret.versions.len()), ("token", 2));
    assert!(matches!(ops.rotate(id, next("three")).unwrap_err().refusal(), Some(Refusal::SecretInactive { .. })));
    refused(ops.restore(id), "secret_inactive");
    ops.delete(id).unwrap();
    sound(&store);
}

#[test]
fn a_lock_holds_expiry_back_until_the_last_one_goes() {
    let home = Home::standing_still();
    let store = home.create();
    let ops = session(&store);
    let id = expiring(&ops, "token", home.in_secs(60));
    ops.rotate(id, next("two")).unwrap();
    ops.place_lock(id, CURRENT, lock("first")).unwrap();
    ops.place_lock(id, VersionRef::Previous, lock("second").until(home.in_secs(120))).unwrap();
    home.advance_secs(60);
    store.settle().unwrap();
    assert_eq!(store.secret(id).unwrap().expiry_held_since, Some(home.now()));
    assert_eq!(store.status().unwrap().tally.expirations_held, 1);
    assert_eq!(ops.read(id, CURRENT).unwrap().text().unwrap(), "two", "it stays readable");
    store.close().unwrap();

    let store = home.open();
    let ops = session(&store);
    ops.remove_lock(id, CURRENT, lock_name("first")).unwrap();
    assert_eq!(store.secret(id).unwrap().lifecycle, Lifecycle::Active, "the other lock still holds it");
    home.advance_secs(60);
    store.settle().unwrap();
    let secret = store.secret(id).unwrap();
    assert_eq!(secret.lifecycle, Lifecycle::Destroyed);
    assert!(secret.versions.iter().all(|version| !version.is_available()));
    let held = sound_log(&store).iter().filter(|record| record.event.label() == "ExpirationHeld").count();
    assert_eq!(held, 1, "it is noted once");
    sound(&store);
}

/// A set of locks on several secrets was decided without a look at what time had made due on them: a lock could be placed
/// on a secret past its expiry, and then held it back for ever.
#[test]
fn a_set_of_locks_does_not_bring_expired_secrets_back() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let ops = session(&store);
    for round in 0..20 {
        let ids = [0, 1].map(|number| expiring(&ops, &format!("s-{round}-{number}"), home.in_secs(60)));
        home.advance_secs(60);
        let target = |secret| LockTarget { secret, version: CURRENT, locks: vec![lock("late")], mode: LockMode::Keep };
        refused(ops.run(Command::place_lock_set(ids.map(target).to_vec())), "version_data_unavailable");
    }
}

/// The writer does time's work on some secrets at a time; whoever waited for all of it was answered after the first ones,
/// and a read could still give out the data of an expired secret.
#[test]
fn settling_waits_for_all_that_time_has_made_due() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let ops = session(&store);
    let end = home.in_secs(60);
    let ids: Vec<_> = (0..1_200).map(|number| expiring(&ops, &format!("s-{number}"), end)).collect();
    let last = *ids.last().unwrap();
    ops.read(last, CURRENT).unwrap();
    home.advance_secs(60);
    refused(ops.read(last, CURRENT), "version_data_destroyed");
    assert_eq!(store.status().unwrap().tally.versions_available, 0);
    assert_eq!(store.status().unwrap().next_lapse_at, None);
}

#[test]
fn a_certificate_expires_whatever_holds_it_and_stays_readable() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let (pem, _) = crate::kinds::certificate("shop.example", 1);
    let new = NewSecret::imported_cert(name("cert"), text(&pem), None, None).unwrap();
    let id = ops.create(new).unwrap().secret.unwrap();
    ops.place_lock(id, CURRENT, lock("proxy")).unwrap();
    home.advance_secs(24 * 3_600);
    store.settle().unwrap();
    assert_eq!(store.secret(id).unwrap().lifecycle, Lifecycle::Deactivated);
    assert_eq!(ops.read(id, CURRENT).unwrap().text().unwrap(), pem);
    refused(ops.delete(id), "secret_version_locked");
    let labels = labels(&sound_log(&store));
    assert!(labels.contains(&"SecretExpired") && !labels.contains(&"ExpirationHeld"));
}

#[test]
fn a_key_on_a_lease_is_reused_while_it_runs_and_held_by_a_lock_after() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let id = api_key(&ops, "ci", ApiKeyUse::UntilLeaseEnds, 60);
    let read = || ops.read(id, CURRENT).unwrap().text().unwrap().to_owned();
    let first = read();
    assert_eq!(read(), first);
    home.advance_secs(60);
    let second = read();
    assert_ne!(second, first, "the lease is over: the next read makes a new key");
    ops.place_lock(id, CURRENT, lock("deploy")).unwrap();
    home.advance_secs(60);
    assert_eq!(read(), second, "a lock holds the key active and readable");
    assert!(store.secret(id).unwrap().expiry_held_since.is_some());
    ops.remove_lock(id, CURRENT, lock_name("deploy")).unwrap();
    assert!(!store.secret(id).unwrap().versions[0].is_available(), "it goes with its last lock");
    assert_ne!(read(), second);
    let causes: Vec<_> = sound_log(&store)
        .iter()
        .filter_map(|record| match &record.event {
            Event::VersionDataDestroyed(event) => Some(event.cause),
            _ => None,
        })
        .collect();
    assert_eq!(causes, [DestroyCause::LeaseEnded; 2]);
    sound(&store);
}

#[test]
fn a_clock_that_runs_back_is_noted_once_and_recorded_time_never_decreases() {
    let home = Home::standing_still();
    let store = home.create();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "0");
    let noon = home.now();
    home.clock.set(Timestamp::from_nanos(noon.as_nanos() - 3_600_000_000_000));
    for data in ["1", "2", "3"] {
        assert_eq!(ops.rotate(id, next(data)).unwrap().recorded_at, noon);
    }
    home.clock.set(noon.plus(Duration::from_secs(1)));
    assert_eq!(ops.rotate(id, next("4")).unwrap().recorded_at, home.now());
    home.clock.set(noon);
    ops.rotate(id, next("5")).unwrap();
    let found = sound_log(&store);
    let noted: Vec<_> = found
        .iter()
        .filter_map(|record| match &record.event {
            Event::ClockRanBack(event) => Some(event.observed_at),
            _ => None,
        })
        .collect();
    assert_eq!(noted, [Timestamp::from_nanos(noon.as_nanos() - 3_600_000_000_000), noon], "once for each time");
    store.close().unwrap();
    let store = home.open();
    assert_eq!(session(&store).rotate(id, next("6")).unwrap().recorded_at, noon.plus(Duration::from_secs(1)));
    assert!(records(&store).len() > found.len());
    sound_log(&store);
}

/// An end was worked out before the writer's clock was asked: the shortest lease could never be had, and the same command
/// under the same key was another one a moment later.
#[test]
fn a_length_counts_from_the_record_and_is_the_same_command_when_it_is_asked_again() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    let second = Duration::from_secs(1);
    let lease = || lock("short").until(second);
    let placed = ops.place_lock(id, CURRENT, lease()).unwrap();
    let end = |name| store.secret(id).unwrap().current().unwrap().lock(&lock_name(name)).unwrap().expires_at;
    assert_eq!(end("short"), Some(placed.recorded_at.plus(second)), "it ends a second after its record");
    let renewed = ops.run(Command::renew_lock(id, CURRENT, lock_name("short"), second, None)).unwrap();
    assert_eq!(end("short"), Some(renewed.recorded_at.plus(second)));

    let keyed = ops.clone().once(once("lease"));
    let first = keyed.place_lock(id, CURRENT, lock("keyed").until(900 * second)).unwrap();
    home.advance_secs(5);
    let again = keyed.place_lock(id, CURRENT, lock("keyed").until(900 * second)).unwrap();
    assert_eq!((again.position, again.remembered), (first.position, true));
    refused(keyed.place_lock(id, CURRENT, lock("keyed").until(901 * second)), "idempotency_key_reused");

    let new = NewSecret::arbitrary(name("brief"), text("x")).unwrap().expiring_at(60 * second);
    let made = ops.create(new).unwrap();
    let brief = || store.secret(made.secret.unwrap()).unwrap();
    assert_eq!(brief().metadata.expires_at, Some(made.recorded_at.plus(60 * second)));
    let longer = SecretChanges { expires: Change::Set((90 * second).into()), ..Default::default() };
    let changed = ops.update(brief().id, longer).unwrap();
    assert_eq!(brief().metadata.expires_at, Some(changed.recorded_at.plus(90 * second)));
    for (lock, expiry) in
        [(lock("none"), Duration::ZERO), (lock("short"), Duration::from_millis(999)), (lock("long"), Duration::MAX)]
    {
        refused(ops.place_lock(id, CURRENT, lock.until(expiry)), "invalid_parameter");
    }
    let new = NewSecret::arbitrary(name("late"), text("x")).unwrap().expiring_at(Duration::MAX);
    assert!(refused(ops.create(new), "invalid_parameter").to_string().contains("2262"), "it is not cut in silence");
    sound_log(&store);
}

#[test]
fn a_lease_that_nobody_could_renew_stands_for_its_grace_and_no_longer() {
    let home = Home::standing_still();
    let minute = Duration::from_secs(60);
    let with_grace = || home.options().lease_grace(5 * minute);
    let store = with_grace().create().unwrap();
    let ops = session(&store);
    let (kept, lost) = (arbitrary(&ops, "kept", "one"), arbitrary(&ops, "lost", "one"));
    for id in [kept, lost] {
        ops.place_lock(id, CURRENT, lock("job").until(2 * minute)).unwrap();
    }
    store.close().unwrap();
    home.advance_secs(3_600);
    let store = with_grace().open().unwrap();
    let ops = session(&store);
    store.settle().unwrap();
    refused(ops.delete(kept), "secret_version_locked");
    ops.run(Command::renew_lock(kept, CURRENT, lock_name("job"), 10 * minute, None)).unwrap();
    let late = arbitrary(&ops, "late", "one");
    ops.place_lock(late, CURRENT, lock("job").until(2 * Duration::from_secs(1))).unwrap();
    home.advance_secs(3);
    store.settle().unwrap();
    assert_eq!(store.lock_status(late).unwrap().locks_total(), 0, "somebody was there to renew this one");
    for _ in 0..60 {
        home.advance_secs(5);
        store.settle().unwrap();
    }
    ops.delete(lost).unwrap();
    refused(ops.delete(kept), "secret_version_locked");

    // The machine sleeps while the store is open.
    home.advance_secs(3_600);
    store.settle().unwrap();
    refused(ops.delete(kept), "secret_version_locked");
    for _ in 0..60 {
        home.advance_secs(5);
        store.settle().unwrap();
    }
    ops.delete(kept).unwrap();
    sound_log(&store);
    store.close().unwrap();
    // On the command line, and where a host says nothing, there is none.
    let store = home.open();
    let brief = arbitrary(&session(&store), "brief", "one");
    session(&store).place_lock(brief, CURRENT, lock("job").until(2 * minute)).unwrap();
    store.close().unwrap();
    home.advance_secs(3_600);
    session(&home.open()).delete(brief).unwrap();
}
