//! A watch gives each durable record once, in order, from wherever it is asked to begin, however slow its reader is.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use latchkeep::issuer_kit::{ModelFault, ModelIssuer, ModelMethod};
use latchkeep::{
    Issuance, IssuerClass, IssuerName, LogEntry, NewSecret, Notification, Position, Reason, Record, RotationWorker,
    SecretId, Store, VersionRef, Watch, Watched, WorkerOptions,
};

use crate::support::{Home, actor, arbitrary, lock, lock_name, name, next, noon, refused, session, text};
use crate::walk::records;

const LONG: Duration = Duration::from_secs(60);

/// Takes all that is there.
#[track_caller]
fn drain(watch: &mut Watch) -> Vec<Record> {
    let mut found = Vec::new();
    while let Watched::Entry(entry) = watch.next_within(Duration::ZERO).unwrap() {
        assert_eq!(watch.next_position(), entry.position().next());
        found.push(known(entry));
    }
    found
}

#[track_caller]
fn known(entry: LogEntry) -> Record {
    match entry {
        LogEntry::Known(record) => *record,
        other => panic!("{other:?}"),
    }
}

fn turn(store: &Store, id: SecretId, number: usize) {
    session(store).place_lock(id, VersionRef::Current, lock(&format!("lock-{number}"))).unwrap();
}

#[test]
fn from_any_position_a_watch_gives_what_the_log_has() {
    let home = Home::new();
    let store = home.create();
    let id = arbitrary(&session(&store), "token", "one");
    (0..600).for_each(|number| turn(&store, id, number));
    let all = records(&store);
    assert!(all.len() > 600, "more than a watch reads ahead");
    for from in (0..=all.len()).step_by(37).chain([all.len()]) {
        let mut watch = store.watch(Position::new(from as u64)).unwrap();
        assert_eq!(drain(&mut watch), all[from..], "from {from}");
        assert_eq!(watch.next_within(Duration::ZERO).unwrap(), Watched::Quiet);
    }
}

#[test]
fn a_position_that_the_log_has_not_reached_is_refused() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let end = store.status().unwrap().log_size;
    assert!(store.watch(end).is_ok());
    let error = refused(store.watch(end.next()), "invalid_parameter");
    assert!(error.to_string().contains("beyond the end of the log"), "{error}");
}

#[test]
fn several_watches_see_the_same_while_many_write_and_none_is_missed() {
    let home = Home::new();
    let store = home.create();
    let id = arbitrary(&session(&store), "token", "one");
    let watchers: Vec<_> = (0..3)
        .map(|number| {
            let watch = store.watch(Position::FIRST).unwrap();
            thread::spawn(move || {
                let look = |entry: Result<LogEntry, _>| {
                    let record = known(entry.unwrap());
                    // One of them is slow, and holds nobody up.
                    if number == 0 && record.position.get().is_multiple_of(16) {
                        thread::sleep(Duration::from_millis(1));
                    }
                    record
                };
                let is_last = |record: &Record| record.event.label() == "SecretDeleted";
                let mut seen = Vec::new();
                for record in watch.map(look) {
                    let ends = is_last(&record);
                    seen.push(record);
                    if ends {
                        break;
                    }
                }
                seen
            })
        })
        .collect();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let store = store.clone();
            thread::spawn(move || (0..100).for_each(|number| turn(&store, id, writer * 100 + number)))
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    let other = arbitrary(&session(&store), "other", "x");
    session(&store).delete(other).unwrap();
    let all = records(&store);
    for watcher in watchers {
        assert_eq!(watcher.join().unwrap(), all);
    }
}

/// Twenty times, so that one that only looked now and then would be told from one that is woken.
#[test]
fn a_record_wakes_whoever_waits_for_it() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let id = arbitrary(&session(&store), "token", "one");
    let mut watch = store.watch(store.status().unwrap().log_size).unwrap();
    assert_eq!(watch.next_within(Duration::from_millis(5)).unwrap(), Watched::Quiet);
    let started = Instant::now();
    for number in 0..20 {
        let waiting = thread::spawn(move || (watch.next_within(LONG).unwrap(), watch));
        thread::sleep(Duration::from_millis(20));
        turn(&store, id, number);
        let (got, back) = waiting.join().unwrap();
        assert_eq!(got, Watched::Entry(LogEntry::Known(Box::new(records(&store).pop().unwrap()))));
        watch = back;
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn the_end_of_the_store_ends_a_watch_and_the_position_goes_on_in_the_next_opening() {
    let home = Home::new();
    let store = home.create();
    let id = arbitrary(&session(&store), "token", "one");
    let mut watch = store.watch(Position::FIRST).unwrap();
    let first = drain(&mut watch);
    let waiting = thread::spawn(move || {
        let started = Instant::now();
        let ended = watch.next_within(LONG).unwrap();
        assert!(started.elapsed() < LONG / 4);
        (ended, watch)
    });
    turn(&store, id, 0);
    let (got, mut watch) = waiting.join().unwrap();
    assert!(matches!(got, Watched::Entry(_)));
    let kept = watch.next_position();
    let waiting = thread::spawn(move || (watch.next_within(LONG).unwrap(), watch));
    thread::sleep(Duration::from_millis(10));
    // A watch is no handle: the store closes with the last one, and gives the directory back.
    drop(store);
    let (ended, watch) = waiting.join().unwrap();
    assert_eq!(ended, Watched::Ended);
    assert_eq!(watch.count(), 0);
    let store = home.open();
    turn(&store, id, 1);
    let mut again = store.watch(kept).unwrap();
    let rest = drain(&mut again);
    let all = records(&store);
    assert_eq!((first.len() + 1, &rest[..]), (kept.get() as usize, &all[kept.get() as usize..]));
}

#[test]
fn a_slow_watch_that_the_end_overtakes_ends_and_says_where() {
    let home = Home::new();
    let store = home.create();
    let id = arbitrary(&session(&store), "token", "one");
    (0..600).for_each(|number| turn(&store, id, number));
    let size = store.status().unwrap().log_size;
    let mut watch = store.watch(Position::FIRST).unwrap();
    watch.next_within(Duration::ZERO).unwrap();
    store.close().unwrap();
    let given = drain(&mut watch).len() as u64 + 1;
    assert_eq!(watch.next_within(LONG).unwrap(), Watched::Ended);
    assert!(given < size.get() && watch.next_position().get() == given);
}

#[test]
fn over_a_store_that_is_open_for_reading_a_watch_ends_where_the_log_does() {
    let home = Home::new();
    let store = home.create();
    arbitrary(&session(&store), "token", "one");
    let all = records(&store);
    drop(store);
    let store = home.options().open_read_only().unwrap();
    let seen: Vec<_> = store.watch(Position::FIRST).unwrap().map(|entry| known(entry.unwrap())).collect();
    assert_eq!(seen, all);
}

/// What users hear of all that happened, in order.
fn heard(store: &Store) -> Vec<&'static str> {
    let heard = |record: &Record| store.notification(record).unwrap();
    records(store).iter().filter_map(heard).map(Notification::label).collect()
}

#[test]
fn users_hear_of_what_locks_refuse_and_of_what_becomes_of_a_secret() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    ops.place_lock(id, VersionRef::Current, lock("billing")).unwrap();
    ops.rotate(id, next("two")).unwrap();
    refused(ops.rotate(id, next("three")), "secret_version_locked");
    refused(ops.delete(id), "secret_version_locked");
    refused(ops.destroy_data(id, VersionRef::Previous), "secret_version_locked");
    ops.remove_lock(id, VersionRef::Previous, lock_name("billing")).unwrap();
    ops.destroy_data(id, VersionRef::Previous).unwrap();
    ops.delete(id).unwrap();
    let ended = NewSecret::arbitrary(name("short"), text("x")).unwrap().expiring_at(home.in_secs(10));
    let held = ops.create(ended).unwrap().secret.unwrap();
    ops.place_lock(held, VersionRef::Current, lock("billing")).unwrap();
    home.advance_secs(20);
    store.settle().unwrap();
    ops.remove_lock(held, VersionRef::Current, lock_name("billing")).unwrap();
    let expected = [
        "secret_created",
        "secret_rotated",
        "secret_rotation_blocked",
        "secret_deletion_blocked",
        "secret_deletion_blocked",
        "secret_version_data_deleted",
        "secret_deleted",
        "secret_created",
        "secret_expiration_blocked",
        "secret_version_data_deleted",
        "secret_expired",
    ];
    assert_eq!(heard(&store), expected);
}

#[test]
fn a_first_version_that_fails_is_told_from_a_later_one_whenever_it_is_asked() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let issuer = IssuerName::parse("orders-db").unwrap();
    let model = ModelIssuer::new(IssuerClass::CreateDiscoverable);
    let model = Arc::new(model);
    let options = WorkerOptions::new().shared_issuer(issuer.clone(), Arc::clone(&model) as Arc<_>).attempts_max(1);
    let worker = RotationWorker::new(&store, options);
    let ops = store.acting_as(actor("ops"));
    model.fault_soon(ModelMethod::Create, 0, ModelFault::Refuse);
    let id = ops.create(NewSecret::service_credentials(name("orders"), Issuance::by(issuer))).unwrap().secret.unwrap();
    worker.run_due().unwrap();
    assert_eq!(heard(&store), ["secret_creation_failed"]);
    ops.resume_rotation(id).unwrap();
    home.advance_secs(24 * 3_600);
    for _ in 0..4 {
        worker.run_due().unwrap();
        ops.resume_rotation(id).ok();
        home.advance_secs(3_600);
    }
    if store.secret(id).unwrap().versions.is_empty() {
        ops.abort_rotation(id, Reason::parse("it never will").unwrap()).unwrap();
        for _ in 0..4 {
            home.advance_secs(24 * 3_600);
            worker.run_due().unwrap();
        }
    }
    assert_eq!(store.secret(id).unwrap().versions.len(), 1);
    let before = heard(&store);
    home.advance_secs(3_600);
    model.fault_soon(ModelMethod::Create, 0, ModelFault::Refuse);
    worker.rotate(&ops, id).ok();
    worker.run_due().unwrap();
    let after = heard(&store);
    assert_eq!(after[..before.len()], before);
    assert_eq!(after.last(), Some(&"secret_rotation_failed"), "{after:?}");
    ops.abort_rotation(id, Reason::parse("enough").unwrap()).unwrap();
    ops.delete(id).unwrap();
    for _ in 0..4 {
        home.advance_secs(3_600);
        worker.run_due().unwrap();
    }
    assert!(store.secret(id).is_err(), "what is gone is asked of the past");
    assert_eq!(heard(&store)[..after.len()], after);
}

/// The age of a version is moved by a rebase, and once told a first version that had failed for a later one.
#[test]
fn what_users_hear_of_a_record_is_the_same_after_the_clock_was_rebased() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let (issuer, model) =
        (IssuerName::parse("orders-db").unwrap(), Arc::new(ModelIssuer::new(IssuerClass::CreateDiscoverable)));
    let options = WorkerOptions::new().shared_issuer(issuer.clone(), Arc::clone(&model) as Arc<_>).attempts_max(1);
    let (worker, ops) = (RotationWorker::new(&store, options), store.acting_as(actor("ops")));
    home.advance_secs(900 * 86_400);
    model.fault_soon(ModelMethod::Create, 0, ModelFault::Refuse);
    let id = ops.create(NewSecret::service_credentials(name("orders"), Issuance::by(issuer))).unwrap().secret.unwrap();
    worker.run_due().unwrap();
    home.advance_secs(3_600);
    ops.resume_rotation(id).unwrap();
    worker.run_due().unwrap();
    assert_eq!(heard(&store), ["secret_creation_failed", "secret_created"]);
    home.clock.set(noon().plus(Duration::from_secs(86_400)));
    ops.rebase_clock().unwrap();
    assert_eq!(heard(&store), ["secret_creation_failed", "secret_created"]);
}

#[test]
fn warnings_of_an_expiry_come_once_each() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let start = home.now();
    let days = |days: u64| start.plus(Duration::from_secs(days * 86_400));
    let new = NewSecret::arbitrary(name("token"), text("x")).unwrap().expiring_at(days(45));
    let secret = store.secret(session(&store).create(new).unwrap().secret.unwrap()).unwrap();
    let warned = |since, until| secret.expiry_warnings(since, until).collect::<Vec<_>>();
    assert_eq!(warned(start, days(14)), [0; 0]);
    assert_eq!(warned(days(14), days(15)), [30], "due at the very time");
    assert_eq!(warned(days(15), days(44)), [10, 1]);
    assert_eq!(warned(days(44), days(45)), [0]);
    assert_eq!(warned(days(45), days(90)), [0; 0]);
    let long_before = latchkeep::Timestamp::from_nanos(0);
    assert_eq!(warned(long_before, days(45)), [30, 10, 1, 0], "none from before it was made");
}
