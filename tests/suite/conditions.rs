//! What every command has beside itself: who acts, the revision that it expects, its forecast, its receipt.

use latchkeep::{
    ApiKeyUse, Change, Command, CorrelationId, Event, EventId, LockMode, LockNames, LockTarget, NewData, NewSecret,
    Refusal, Revision, SecretChanges, VersionNumber, VersionRef,
};

use crate::support::{Home, actor, api_key, arbitrary, lock, lock_name, name, next, refused, session, sound, text};
use crate::walk::{receipt_matches, records, sound_log};

#[test]
fn a_command_on_an_old_revision_is_refused_and_changes_nothing() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    let seen = store.secret(id).unwrap().revision;
    ops.rotate(id, next("two")).unwrap();
    let size = store.status().unwrap().log_size;
    let late = ops.clone().expecting(seen);
    let error = refused(late.rotate(id, next("three")), "revision_mismatch");
    let actual = store.secret(id).unwrap().revision;
    assert_eq!(error.refusal(), Some(&Refusal::RevisionMismatch { actual }));
    for command in [
        Command::delete(id),
        Command::restore(id),
        Command::destroy_data(id, VersionRef::Current),
        Command::place_lock(id, VersionRef::Current, lock("billing")),
        Command::remove_locks(id, VersionRef::Current, LockNames::All),
        Command::update(id, SecretChanges { name: Some(name("other")), ..Default::default() }),
        Command::update_version(id, VersionRef::Current, None),
        Command::clear_policy(id),
    ] {
        let forecast = late.dry_run(&command).unwrap();
        assert_eq!(forecast.refusal, Some(Refusal::RevisionMismatch { actual }), "{command:?}");
        refused(late.run(command), "revision_mismatch");
    }
    refused(late.read(id, VersionRef::Current), "revision_mismatch");
    assert_eq!(store.status().unwrap().log_size, size);
    ops.clone().expecting(actual).rotate(id, next("three")).unwrap();
    let new = NewSecret::arbitrary(name("new"), text("x")).unwrap();
    refused(ops.expecting(Revision::FIRST).create(new), "invalid_parameter");
}

#[test]
fn a_revision_cannot_be_expected_of_no_secret_or_of_many() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let ops = session(&store);
    let target =
        |secret| LockTarget { secret, version: VersionRef::Current, locks: vec![lock("aa")], mode: LockMode::Keep };
    let targets = vec![target(arbitrary(&ops, "one", "1")), target(arbitrary(&ops, "two", "2"))];
    let expecting = ops.expecting(Revision::new(2));
    refused(expecting.run(Command::place_lock_set(targets)), "invalid_parameter");
    refused(expecting.change_settings(store.settings()), "invalid_parameter");
}

#[test]
fn a_dry_run_says_what_would_be_refused_by_whom_and_changes_nothing() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    let key = api_key(&ops, "deployer", ApiKeyUse::FreshPerRead, 3_600);
    store.acting_as(actor("billing")).place_lock(id, VersionRef::Current, lock("billing")).unwrap();
    ops.rotate(id, next("two")).unwrap();
    ops.place_lock(key, VersionRef::Current, lock("deploy")).unwrap();
    let before = store.status().unwrap();
    for command in [
        Command::rotate(id, next("three")),
        Command::restore(id),
        Command::delete(id),
        Command::destroy_data(id, VersionRef::Previous),
        Command::read(key, VersionRef::Current),
    ] {
        let forecast = ops.dry_run(&command).unwrap();
        let refusal = forecast.refusal.unwrap_or_else(|| panic!("{command:?} would be refused"));
        let blocked = refusal.blocked().unwrap();
        assert_eq!(blocked.locks_total, 1);
        assert!(!blocked.advice().is_empty());
        if blocked.secret == id {
            assert_eq!(blocked.locks[0].created_by, actor("billing"));
            assert_eq!(blocked.locks[0].number, VersionNumber::FIRST);
        }
        assert!(forecast.events.is_empty());
    }
    let forecast = ops.dry_run(&Command::destroy_data(id, VersionRef::Current)).unwrap();
    assert!(forecast.refusal.is_none());
    assert!(matches!(forecast.events[..], [Event::VersionDataDestroyed(_)]));
    let forecast = ops.dry_run(&Command::create(NewSecret::arbitrary(name("new"), text("x")).unwrap())).unwrap();
    assert!(matches!(forecast.events[..], [Event::SecretCreated(_), Event::VersionAdded(_)]));
    assert_eq!(store.status().unwrap().log_size, before.log_size);
    assert_eq!(store.status().unwrap().head, before.head);
    refused(ops.run(Command::read(id, VersionRef::Current)), "invalid_parameter");
}

/// The forecast knew nothing of the data that a command brings, so it foretold what was then refused.
#[test]
fn a_dry_run_looks_at_the_data_that_a_command_brings() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    for data in
        [|| NewData::generated(), || NewData::kv(&text("{\"a\":1}")).unwrap(), || NewData::password(text("secret"))]
    {
        let forecast = ops.dry_run(&Command::rotate(id, data())).unwrap();
        let refused = refused(ops.rotate(id, data()), "invalid_parameter");
        assert_eq!(forecast.refusal.as_ref(), refused.refusal());
    }
    let (expired, _) = crate::kinds::certificate("old", 1);
    home.advance_secs(2 * 24 * 3_600);
    let new = || NewSecret::imported_cert(name("cert"), text(&expired), None, None).unwrap();
    let forecast = ops.dry_run(&Command::create(new())).unwrap();
    assert_eq!(forecast.refusal.as_ref(), refused(ops.create(new()), "invalid_parameter").refusal());
}

#[test]
fn a_receipt_is_what_the_log_says() {
    let home = Home::new();
    let store = home.create();
    let ops = store.acting_as(actor("ops")).correlated(CorrelationId::parse("ticket-7").unwrap());
    let made = ops.create(NewSecret::arbitrary(name("token"), text("one")).unwrap()).unwrap();
    let id = made.secret.unwrap();
    assert_eq!((made.events, made.revision), (2, Some(Revision::new(2))));
    assert_eq!(made.version, Some(store.secret(id).unwrap().versions[0].id));
    home.advance_secs(5);
    let cause = records(&store)[1].event_id;
    let mut receipts = vec![made.clone()];
    receipts.push(ops.clone().caused_by(cause).place_lock(id, VersionRef::Current, lock("billing")).unwrap());
    receipts.push(ops.rotate(id, next("two")).unwrap());
    receipts.push(ops.remove_lock(id, VersionRef::Previous, lock_name("billing")).unwrap());
    receipts.push(ops.rotate(id, next("three")).unwrap());
    receipts.push(ops.update(id, SecretChanges { retention: Some(3), ..Default::default() }).unwrap());
    let unchanged = ops.update(id, SecretChanges { retention: Some(3), ..Default::default() }).unwrap();
    assert_eq!((unchanged.events, unchanged.position), (0, receipts.last().unwrap().position));
    assert_eq!(unchanged.revision, receipts.last().unwrap().revision);
    receipts.push(ops.delete(id).unwrap());
    let records = sound_log(&store);
    receipts.iter().for_each(|receipt| receipt_matches(&records, receipt));
    assert_eq!(receipts[4].events, 2, "a version was added, and the oldest destroyed");
    let locked = &records[usize::try_from(receipts[1].position.get()).unwrap()];
    assert_eq!(locked.context.actor, actor("ops"));
    assert_eq!(locked.context.correlation.as_ref().unwrap().as_str(), "ticket-7");
    assert_eq!(locked.context.causation, Some::<EventId>(cause));
    assert_eq!(records[0].context.actor, actor("latchkeep"));
    sound(&store);
}

#[test]
fn changes_that_change_nothing_are_no_events() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    let size = store.status().unwrap().log_size;
    let changes = SecretChanges { name: Some(name("token")), description: Change::Clear, ..Default::default() };
    assert_eq!(ops.update(id, changes).unwrap().events, 0);
    assert_eq!(ops.change_settings(store.settings()).unwrap().events, 0);
    assert_eq!(ops.remove_lock(id, VersionRef::Current, lock_name("nobody")).unwrap().events, 0);
    assert_eq!(ops.run(Command::clear_policy(id)).unwrap().events, 0);
    assert_eq!(ops.run(Command::place_locks(id, VersionRef::Current, vec![], LockMode::Keep)).unwrap().events, 0);
    assert_eq!(store.status().unwrap().log_size, size);
}
