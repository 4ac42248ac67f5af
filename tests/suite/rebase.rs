//! A store that went by a clock of years ahead, and is brought back by a person: what goes on, what stays, and what is told of it.

use std::io::Cursor;
use std::time::Duration;

use latchkeep::audit::{AsOf, Conclusion, VerifyOptions, replay_export};
use latchkeep::{
    ClockBounds, ClockStanding, Command, Event, ExportOptions, Interval, IntervalUnit, ManualClock, NewSecret,
    PasswordPolicy, Position, RotationPolicy, RotationWorker, SecretId, Store, Timestamp, Username, VersionRef,
    WorkerOptions,
};

use crate::backup::{backup, beside, key};
use crate::support::{Home, arbitrary, lock, lock_name, name, next, noon, once, refused, session, sound};
use crate::walk::sound_log;

pub(crate) const CURRENT: VersionRef = VersionRef::Current;
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);
pub(crate) const YEARS: Duration = Duration::from_secs(900 * 86_400);

fn rotating_daily(store: &Store) -> SecretId {
    let new =
        NewSecret::generated_password(name("daily"), Username::parse("admin").unwrap(), PasswordPolicy::default());
    let policy = RotationPolicy::every(Interval::new(1, IntervalUnit::Day).unwrap());
    session(store).create(new.rotating(policy)).unwrap().secret.unwrap()
}

fn rotate_what_is_due(store: &Store) {
    RotationWorker::new(store, WorkerOptions::new()).run_due().unwrap();
}

fn versions(store: &Store, id: SecretId) -> u64 {
    store.secret(id).unwrap().current().unwrap().number.get()
}

fn has_lock(store: &Store, id: SecretId, name: &str) -> bool {
    store.settle().unwrap();
    store.secret(id).unwrap().current().unwrap().lock(&lock_name(name)).is_some()
}

/// Sets a clock back, to some time after the noon at which these tests begin.
pub(crate) fn set_back(clock: &ManualClock, since_noon: Duration) {
    clock.set(noon().plus(since_noon));
}

/// The time once stood still for years: no lease ended, nothing was rotated, and only a restore helped.
#[test]
fn a_store_that_recorded_a_time_years_ahead_goes_on_once_its_clock_is_rebased() {
    let home = Home::new();
    let store = home.create();
    let (ops, daily) = (session(&store), rotating_daily(&store));
    let token = arbitrary(&ops, "token", "one");
    home.clock.advance(YEARS);
    rotate_what_is_due(&store);
    ops.place_lock(token, CURRENT, lock("billing").until(15 * MINUTE)).unwrap();
    assert_eq!(versions(&store, daily), 2);
    home.clock.advance(5 * MINUTE);
    ops.rotate(token, next("two")).unwrap();
    ops.place_lock(token, CURRENT, lock("billing").until(10 * MINUTE)).unwrap();

    set_back(&home.clock, DAY);
    let clock = store.clock();
    assert!(matches!(clock.standing, ClockStanding::Behind(by) if by > YEARS - 2 * DAY) && clock.can_be_rebased());
    let moved = store.moved_when_clock_is_rebased();
    let leases =
        moved.iter().flat_map(|moved| moved.ends()).map(|end| (end.version.get(), end.lock.unwrap().to_string()));
    assert_eq!(leases.collect::<Vec<_>>(), [(1, "billing".to_owned()), (2, "billing".to_owned())]);
    assert_eq!(moved.iter().filter(|moved| moved.moves_a_rotation()).count(), 1);
    assert_eq!(moved.iter().filter(|moved| moved.moves_current()).count(), 2);
    let receipt = ops.rebase_clock().unwrap();
    assert_eq!((receipt.events, store.clock().standing), (1, ClockStanding::Steady));
    assert!(store.clock().now < noon().plus(DAY + MINUTE) && store.moved_when_clock_is_rebased().is_empty());
    refused(ops.rebase_clock(), "invalid_parameter");

    assert!(has_lock(&store, token, "billing"));
    home.clock.advance(9 * MINUTE + Duration::from_secs(59));
    assert!(has_lock(&store, token, "billing"), "it has as much left as it had");
    home.clock.advance(Duration::from_secs(1));
    assert!(!has_lock(&store, token, "billing"));
    assert!(store.lock_status(token).unwrap().locks_total() == 0, "on the earlier version too");
    for version in 3..6 {
        home.clock.advance(DAY + HOUR);
        rotate_what_is_due(&store);
        assert_eq!(versions(&store, daily), version, "it rotates daily");
    }
    sound_log(&store);
    sound(&store);
}

/// Two wrong times in one log, each rebased, with something made in each.
fn rebased_twice(home: &Home) -> (Store, SecretId) {
    let store = home.create();
    let ops = session(&store);
    let (id, leased) = (arbitrary(&ops, "token", "one"), arbitrary(&ops, "leased", "one"));
    for round in 1..=2_u32 {
        home.clock.advance(YEARS);
        ops.place_lock(leased, CURRENT, lock("wrong").until(30 * DAY)).unwrap();
        ops.rotate(id, next(&format!("wrong {round}"))).unwrap();
        ops.clone().once(once(&format!("round-{round}"))).rotate(id, next("keyed")).unwrap();
        set_back(&home.clock, round * DAY);
        ops.rebase_clock().unwrap();
        ops.rotate(id, next(&format!("right {round}"))).unwrap();
    }
    (store, id)
}

#[test]
fn every_way_to_the_state_comes_to_the_same_across_rebases() {
    let home = Home::standing_still();
    let (store, id) = rebased_twice(&home);
    let (secrets, rebased) = (store.secrets(), store.clock_rebased());
    assert_eq!(rebased.len(), 2);
    sound(&store);
    let (file, mut export) = (backup(&store), Vec::new());
    store.export(&mut export, ExportOptions::default(), |_| {}).unwrap();
    let looking = |store: &Store| {
        assert_eq!((store.secrets(), store.clock_rebased()), (secrets.clone(), rebased.clone()));
        assert_eq!(store.clock().standing, ClockStanding::Steady);
    };
    store.close().unwrap();
    let store = home.options().open_read_only().unwrap();
    looking(&store);
    store.close().unwrap();
    let store = home.open();
    looking(&store);
    sound(&store);

    let mut options = VerifyOptions::default();
    options.keys = store.verifier_keys().unwrap().into_values().collect();
    let (report, found) = replay_export(&*export, &options, AsOf::End, |_| {});
    assert!(report.first_fault().is_none() && report.conclusion() == Conclusion::Passed, "{report}");
    assert_eq!(found.unwrap().secrets[0].secret, secrets[0]);

    let (restored, _) = beside(&home).restore(Cursor::new(&file), &key(), |_| {}).unwrap();
    looking(&restored);
    session(&restored).end_quarantine().unwrap();
    session(&restored).rotate(id, next("restored")).unwrap();
    sound(&restored);
    assert!(sound_log(&restored).last().unwrap().recorded_at < noon().plus(3 * DAY));
}

#[test]
fn a_time_means_the_newest_stretch_of_the_log_that_it_lies_in() {
    let home = Home::standing_still();
    let store = home.create();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    home.clock.advance(10 * DAY);
    ops.rotate(id, next("two")).unwrap();
    set_back(&home.clock, DAY);
    ops.rebase_clock().unwrap();
    home.clock.advance(HOUR);
    ops.rotate(id, next("three")).unwrap();
    home.clock.advance(HOUR);
    let mut export = Vec::new();
    store.export(&mut export, ExportOptions::default(), |_| {}).unwrap();
    let at = |since: Duration| AsOf::Time(noon().plus(since));
    for (since, expected, stretches) in [
        (HOUR, 1, 1),
        (DAY, 1, 2),
        (DAY + HOUR, 3, 2),
        (DAY + 2 * HOUR, 3, 2),
        (DAY + 3 * HOUR, 1, 1),
        (10 * DAY, 2, 1),
    ] {
        let moment = store.as_of(at(since)).unwrap();
        let found = moment.secret(id).unwrap().current().unwrap().number.get();
        // The wrong version 2 is there after the rebase as well.
        let expected = if stretches == 2 { expected.max(2) } else { expected };
        assert_eq!((found, moment.stretches()), (expected, stretches), "{since:?}");
        let mut options = VerifyOptions::default();
        options.now = Some(home.now());
        let report = replay_export(&*export, &options, at(since), |_| {}).1.unwrap();
        let found = report.secrets[0].secret.current().unwrap().number.get();
        assert_eq!((found, report.stretches, report.size), (expected, stretches, moment.size()), "{since:?}");
    }
    // Without a time of its own it knows of nothing behind the last record.
    for (since, expected, stretches) in [(DAY + HOUR, 3, 2), (DAY + 2 * HOUR, 1, 1), (11 * DAY, 3, 1)] {
        let report = replay_export(&*export, &VerifyOptions::default(), at(since), |_| {}).1.unwrap();
        let found = report.secrets[0].secret.current().unwrap().number.get();
        assert_eq!((found, report.stretches), (expected, stretches), "{since:?}");
    }
    refused(store.as_of(at(11 * DAY)), "invalid_parameter");
    refused(store.as_of(AsOf::Time(Timestamp::EPOCH)), "invalid_parameter");
    let moment = store.as_of(AsOf::Position(Position::new(3))).unwrap();
    assert_eq!(moment.stretches(), 1);
}

#[test]
fn a_clock_is_rebased_where_it_is_behind_by_more_than_a_few_minutes_and_nowhere_else() {
    let home = Home::standing_still();
    let store = home.create();
    let ops = session(&store);
    arbitrary(&ops, "token", "one");
    refused(ops.rebase_clock(), "invalid_parameter");
    let last = home.now();
    for (back, is_refused) in [(MINUTE, true), (5 * MINUTE, true), (6 * MINUTE, false)] {
        home.clock.set(Timestamp::from_nanos(last.as_nanos() - u64::try_from(back.as_nanos()).unwrap()));
        assert_eq!(store.clock().can_be_rebased(), !is_refused, "{back:?}");
        assert_eq!(ops.dry_run(&Command::rebase_clock()).unwrap().refusal.is_some(), is_refused, "{back:?}");
        if is_refused {
            refused(ops.rebase_clock(), "invalid_parameter");
        }
    }
    let looking = session(&store).once(once("rebase"));
    let first = looking.rebase_clock().unwrap();
    let again = looking.rebase_clock().unwrap();
    assert!(again.remembered && again.position == first.position);
    home.clock.set(home.now().plus(YEARS));
    assert!(store.clock().is_ahead());
    assert!(refused(ops.rebase_clock(), "invalid_parameter").to_string().contains("held"));
    let rebased = |record: &latchkeep::Record| matches!(record.event, Event::ClockRebased(_));
    assert_eq!(sound_log(&store).iter().filter(|record| rebased(record)).count(), 1);
    store.close().unwrap();
    let looking = home.options().open_read_only().unwrap();
    refused(session(&looking).rebase_clock(), "read_only");
}

/// What a clock showed that is not believed stays recorded until the next command; nothing was foretold of a rebase until then.
#[test]
fn a_rebase_is_foretold_where_a_clock_that_was_not_believed_was_set_back_too_far() {
    let home = Home::standing_still();
    let bounds = ClockBounds { steady_for: None, ..ClockBounds::default() };
    let store = home.options().clock_bounds(bounds).create().unwrap();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    set_back(&home.clock, YEARS);
    ops.rotate(id, next("two")).unwrap();
    home.clock.advance(HOUR);
    ops.place_lock(id, CURRENT, lock("billing").until(15 * MINUTE)).unwrap();
    assert!(store.clock().is_ahead() && store.clock().held.is_some());
    assert_eq!(ops.dry_run(&Command::confirm_clock()).unwrap().events.len(), 1);

    store.close().unwrap();
    set_back(&home.clock, MINUTE);
    let store = home.options().open_read_only().unwrap();
    assert!(session(&store).dry_run(&Command::rebase_clock()).unwrap().refusal.is_none());
    drop(store);
    let store = home.options().clock_bounds(bounds).open().unwrap();
    let (ops, clock) = (session(&store), store.clock());
    assert!(clock.can_be_rebased() && clock.held.is_none(), "{clock:?}");
    let forecast = ops.dry_run(&Command::rebase_clock()).unwrap();
    assert!(forecast.refusal.is_none() && forecast.events.len() == 1, "{forecast:?}");
    assert_eq!(store.moved_when_clock_is_rebased().iter().map(|moved| moved.ends().len()).sum::<usize>(), 1);
    ops.rebase_clock().unwrap();
    assert_eq!(store.clock().standing, ClockStanding::Steady);
    sound_log(&store);
}

/// Reads that were made in the wrong time are recorded there, and what was read since counts as the last read.
#[test]
fn reads_of_the_wrong_time_are_recorded_before_the_rebase() {
    let home = Home::standing_still();
    let store = home.create();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    ops.read(id, CURRENT).unwrap();
    home.clock.advance(YEARS);
    arbitrary(&ops, "other", "one");
    ops.read(id, CURRENT).unwrap();
    set_back(&home.clock, HOUR);
    ops.rebase_clock().unwrap();
    home.clock.advance(HOUR);
    ops.read(id, CURRENT).unwrap();
    store.close().unwrap();
    let store = home.open();
    assert_eq!(store.secret(id).unwrap().retrieved_at, Some(noon().plus(2 * HOUR)));
    let readers = store.impact(id).unwrap().readers;
    assert_eq!(
        (readers[0].reads, readers[0].last_at),
        (3, noon().plus(2 * HOUR)),
        "the last read, not that of the latest time"
    );
    let read = |record: &latchkeep::Record| match &record.event {
        Event::AccessRecorded(read) => Some((read.last_at, record.recorded_at)),
        _ => None,
    };
    let reads: Vec<_> = sound_log(&store).iter().filter_map(read).collect();
    assert!(
        reads.iter().all(|(last_at, recorded_at)| last_at <= recorded_at),
        "recorded before it was made: {reads:?}"
    );
    assert!(reads.iter().any(|(last_at, _)| *last_at == noon().plus(YEARS)), "moved to another time: {reads:?}");
}

/// Leases that ended while a store was shut have a grace; one of the wrong time once ran for years after a rebase.
#[test]
fn the_grace_of_leases_does_not_last_until_the_wrong_time_comes() {
    let home = Home::standing_still();
    let store = home.create();
    let id = arbitrary(&session(&store), "token", "one");
    store.close().unwrap();
    home.clock.advance(300 * DAY);
    let store = home.options().lease_grace(MINUTE).open().unwrap();
    let ops = session(&store);
    ops.place_lock(id, CURRENT, lock("billing").until(5 * MINUTE)).unwrap();
    set_back(&home.clock, DAY);
    ops.rebase_clock().unwrap();
    // In steps that are no sleep of the machine.
    for step in 1..=34_u32 {
        home.clock.advance(Duration::from_secs(9));
        assert_eq!(has_lock(&store, id, "billing"), step < 34, "after {step} steps");
    }
}

/// A later restore of one backup has a smaller incarnation than one in the wrong time; a watch that saw that one was told of a fork, and
/// could not go on.
#[test]
fn a_watch_that_saw_a_store_restored_in_the_wrong_time_is_told_of_the_next_restore() {
    let home = Home::standing_still();
    let store = home.create();
    let id = arbitrary(&session(&store), "token", "one");
    let (file, size) = (backup(&store), store.status().unwrap().log_size);
    store.close().unwrap();
    let restore = || beside(&home).restore(Cursor::new(&file), &key(), |_| {}).unwrap().0;
    home.clock.advance(300 * DAY);
    let wrong = restore();
    session(&wrong).end_quarantine().unwrap();
    session(&wrong).rotate(id, next("two")).unwrap();
    let mut watch = wrong.watch(size).unwrap();
    watch.by_ref().take(4).for_each(|entry| drop(entry.unwrap()));
    let (point, incarnation) = (watch.resume_point(), wrong.status().unwrap().incarnation);
    wrong.close().unwrap();
    std::fs::remove_dir_all(home.dir.path().join("restored")).unwrap();
    set_back(&home.clock, DAY);
    let right = restore();
    session(&right).end_quarantine().unwrap();
    (0..3).for_each(|_| drop(session(&right).rotate(id, next("other")).unwrap()));
    assert!(right.status().unwrap().incarnation < incarnation);
    let error = right.watch_from(&point).unwrap_err();
    assert_eq!((error.code(), error.begin_at()), ("store_restored", Some(size)), "{error}");
}
