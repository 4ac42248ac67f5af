//! Clocks that are wrong: what a store goes by, what it destroys (nothing), how it says so, and how it goes on.

use std::time::Duration;

use latchkeep::{
    ClockBounds, ClockConfirmedBy, ClockStanding, Event, Lifecycle, ManualClock, NewSecret, SecretId, Session, Store,
    Timestamp, VersionRef,
};

use crate::support::{Home, arbitrary, lock, lock_name, name, next, refused, session, text};
use crate::walk::sound_log;

const CURRENT: VersionRef = VersionRef::Current;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
const YEARS: Duration = Duration::from_secs(70 * 365 * 86_400);

/// A secret whose data ends in ninety days, with a lease of a quarter of an hour.
fn in_use(ops: &Session) -> SecretId {
    let new = NewSecret::arbitrary(name("token"), text("short lived")).unwrap().expiring_at(90 * DAY);
    let id = ops.create(new).unwrap().secret.unwrap();
    ops.place_lock(id, CURRENT, lock("billing").until(15 * MINUTE)).unwrap();
    id
}

fn is_in_use(store: &Store, id: SecretId) -> bool {
    store.settle().unwrap();
    let secret = store.secret(id).unwrap();
    let has_lease = secret.current().unwrap().lock(&lock_name("billing")).is_some();
    has_lease && secret.lifecycle == Lifecycle::Active && session(store).read(id, CURRENT).is_ok()
}

fn clocks(store: &Store) -> Vec<&'static str> {
    let told = |event: &Event| match event {
        Event::ClockHeld(_) => Some("held"),
        Event::ClockRanBack(_) => Some("back"),
        Event::ClockConfirmed(event) => Some(event.by.label()),
        _ => None,
    };
    sound_log(store).iter().filter_map(|record| told(&record.event)).collect()
}

/// A machine whose battery is empty begins in 1970, and is told the time a minute later. In a store that was opened meanwhile, a
/// step of up to 400 days was believed at once.
#[test]
fn a_clock_that_was_behind_at_the_open_is_held_as_well_when_it_jumps_ahead() {
    for late in [Timestamp::EPOCH, Timestamp::parse("2026-11-23T11:59:59Z").unwrap()] {
        let home = Home::standing_still();
        let id = in_use(&session(&home.create()));
        let right = home.now();
        home.clock.set(late);
        let store = home.open();
        assert!(is_in_use(&store, id), "the store's time stands still");
        home.clock.advance(MINUTE / 2);
        assert!(is_in_use(&store, id));
        home.clock.set(right.plus(10 * DAY));
        assert!(store.clock().is_ahead(), "{:?}", store.clock());
        assert!(is_in_use(&store, id));
        // It is right, as it turns out.
        home.clock.advance(11 * MINUTE);
        assert!(!is_in_use(&store, id));
        assert_eq!(store.clock().standing, ClockStanding::Steady);
    }
}

/// One opening with a clock of 2099 once destroyed what expires in ninety days, and for seventy years no lease could be placed.
#[test]
fn a_store_that_is_opened_once_with_a_clock_of_2099_loses_nothing_and_goes_on() {
    let home = Home::standing_still();
    let store = home.create();
    let id = in_use(&session(&store));
    store.close().unwrap();
    let right = home.now();
    home.clock.set(right.plus(YEARS));
    let store = home.open();
    assert!(is_in_use(&store, id));
    let clock = store.clock();
    assert_eq!((clock.shown, clock.now, clock.standing), (right.plus(YEARS), right, ClockStanding::Ahead(YEARS)));
    let other = arbitrary(&session(&store), "other", "one");
    session(&store).place_lock(other, CURRENT, lock("short").until(15 * MINUTE)).unwrap();
    assert_eq!(store.secret(other).unwrap().created_at, right);
    assert_eq!(store.ends_when_clock_is_confirmed().len(), 2);
    store.close().unwrap();

    home.clock.set(right);
    home.advance_secs(60);
    let store = home.open();
    assert!(is_in_use(&store, id));
    assert_eq!((store.clock().standing, store.clock().now), (ClockStanding::Steady, home.now()));
    session(&store).place_lock(id, CURRENT, lock("next").until(MINUTE)).unwrap();
    assert_eq!(
        store.secret(other).unwrap().current().unwrap().lock(&lock_name("short")).unwrap().expires_at,
        Some(right.plus(15 * MINUTE))
    );
    home.advance_secs(900);
    store.settle().unwrap();
    assert!(store.secret(id).unwrap().current().unwrap().locks.is_empty(), "leases end when their time has come");
    assert_eq!(clocks(&store), ["held", "return"]);
}

#[test]
fn a_step_ahead_while_the_store_is_open_ends_nothing_and_time_goes_on_meanwhile() {
    let home = Home::standing_still();
    let store = home.create();
    let id = in_use(&session(&store));
    home.clock.set(home.now().plus(6 * MINUTE));
    assert!(store.clock().is_ahead());
    let made = arbitrary(&session(&store), "other", "one");
    let before = store.secret(made).unwrap().created_at;
    home.advance_secs(9 * 60);
    let later = arbitrary(&session(&store), "later", "one");
    assert_eq!(
        store.secret(later).unwrap().created_at,
        before.plus(9 * MINUTE),
        "it is counted from what was believed"
    );
    assert!(is_in_use(&store, id), "a quarter of an hour is not over, though the clock says so");
    home.advance_secs(60);
    store.settle().unwrap();
    let lock = |id| store.secret(id).unwrap().current().unwrap().lock(&lock_name("billing")).is_some();
    assert!(!lock(id), "ten minutes of a steady clock are enough to believe it");
    assert_eq!(store.clock().standing, ClockStanding::Steady);
    assert_eq!(clocks(&store), ["held", "steadiness"]);
}

#[test]
fn what_is_no_jump_is_believed_at_once() {
    let home = Home::standing_still();
    let store = home.create();
    for (what, passes, step) in [
        ("a machine that slept for a month", 30 * DAY, Duration::ZERO),
        ("a time server that steps", Duration::ZERO, 4 * MINUTE),
        ("a leap second", MINUTE, Duration::from_secs(1)),
        ("a summer", 180 * DAY, Duration::ZERO),
    ] {
        home.clock.advance(passes);
        home.clock.set(home.now().plus(step));
        let clock = store.clock();
        assert_eq!((clock.standing, clock.now), (ClockStanding::Steady, home.now()), "{what}");
    }
    arbitrary(&session(&store), "token", "one");
    store.close().unwrap();
    home.clock.advance(399 * DAY);
    let store = home.open();
    arbitrary(&session(&store), "other", "one");
    assert_eq!(clocks(&store), [] as [&str; 0]);
}

#[test]
fn a_person_can_confirm_the_time_and_what_has_ended_by_then_ends() {
    let home = Home::standing_still();
    let store = home.create();
    let ops = session(&store);
    let id = in_use(&ops);
    assert_eq!(ops.confirm_clock().unwrap().events, 0, "there is nothing to confirm");
    store.close().unwrap();
    home.clock.advance(500 * DAY);
    let store = home.open();
    assert!(is_in_use(&store, id));
    assert_eq!(store.ends_when_clock_is_confirmed().len(), 1);
    let confirmed = session(&store).confirm_clock().unwrap();
    assert_eq!((confirmed.events, confirmed.recorded_at), (1, home.now()));
    store.settle().unwrap();
    assert_eq!(store.secret(id).unwrap().lifecycle, Lifecycle::Destroyed);
    assert_eq!(clocks(&store), ["held", "person"]);
    store.close().unwrap();
    let store = home.open();
    assert_eq!(store.clock().standing, ClockStanding::Steady, "it stays confirmed");
}

/// Each command of a command line is an opening of its own: what is recorded of the clock goes on from one to the next.
#[test]
fn openings_that_follow_one_another_count_the_time_together() {
    let home = Home::standing_still();
    let store = home.create();
    let id = in_use(&session(&store));
    let other = arbitrary(&session(&store), "other", "one");
    let right = home.now();
    home.clock.set(right.plus(YEARS));
    for minute in 0..9_u32 {
        let store = if minute == 0 { store.clone() } else { home.open() };
        assert!(is_in_use(&store, id), "minute {minute}");
        session(&store).rotate(other, next("data")).unwrap();
        assert_eq!(store.status().unwrap().last_at, right.plus(minute * MINUTE));
        store.close().unwrap();
        home.clock.advance(MINUTE);
    }
    home.clock.advance(MINUTE);
    let store = home.open();
    store.settle().unwrap();
    assert_eq!(store.clock().standing, ClockStanding::Steady);
    assert_eq!(clocks(&store), ["held", "steadiness"]);
    assert_eq!(store.secret(id).unwrap().lifecycle, Lifecycle::Destroyed);
}

#[test]
fn a_store_that_is_only_read_counts_nothing_as_over_by_a_clock_that_it_does_not_believe() {
    let home = Home::standing_still();
    let store = home.create();
    let id = in_use(&session(&store));
    store.close().unwrap();
    home.clock.set(home.now().plus(YEARS));
    let looking = home.options().open_read_only().unwrap();
    assert!(looking.clock().is_ahead() && looking.clock().held.is_none());
    assert!(session(&looking).read(id, CURRENT).is_ok());
    assert_eq!(looking.lock_status(id).unwrap().locks_total(), 1);
    assert_eq!(looking.ends_when_clock_is_confirmed().len(), 1);
    refused(session(&looking).confirm_clock(), "read_only");
}

#[test]
fn a_host_sets_the_bounds_and_a_clock_that_tells_nothing_else_is_believed_while_the_store_is_open() {
    struct Plain(ManualClock);
    impl latchkeep::Clock for Plain {
        fn now(&self) -> Timestamp {
            self.0.now()
        }
    }
    let home = Home::standing_still();
    let bounds = ClockBounds { ahead_at_open: DAY, steady_for: None, ..ClockBounds::default() };
    let store = home.in_memory().clock(Plain(home.clock.clone())).clock_bounds(bounds).create().unwrap();
    home.clock.set(home.now().plus(YEARS));
    assert_eq!(store.clock().standing, ClockStanding::Steady, "nothing else tells how much time has passed");
    drop(store);

    let store = home.create();
    store.close().unwrap();
    home.clock.advance(DAY + HOUR);
    let store = home.options().clock_bounds(bounds).open().unwrap();
    assert!(store.clock().is_ahead());
    home.clock.advance(30 * DAY);
    store.settle().unwrap();
    assert!(store.clock().is_ahead(), "only a person can confirm it");
    session(&store).confirm_clock().unwrap();
    assert_eq!(clocks(&store), ["held", ClockConfirmedBy::Person.label()]);
}

#[test]
fn a_clock_that_is_behind_is_noted_once_over_many_openings() {
    let home = Home::standing_still();
    let store = home.create();
    let id = arbitrary(&session(&store), "token", "one");
    store.close().unwrap();
    let last = home.now();
    home.clock.set(Timestamp::from_nanos(last.as_nanos() - 3_600_000_000_000));
    for data in ["1", "2", "3"] {
        let store = home.open();
        assert_eq!(store.clock().standing, ClockStanding::Behind(HOUR));
        assert_eq!(session(&store).rotate(id, next(data)).unwrap().recorded_at, last);
        store.close().unwrap();
    }
    assert_eq!(clocks(&home.open()), ["back"]);
}

/// Such a store once handed out data that had expired a day before, and showed leases that were over.
#[test]
fn a_store_that_is_only_read_shows_what_time_has_ended_and_records_nothing() {
    let home = Home::standing_still();
    let store = home.create();
    let ops = session(&store);
    let id = in_use(&ops);
    let held = arbitrary(&ops, "held", "one");
    ops.place_lock(held, CURRENT, lock("job").until(15 * MINUTE)).unwrap();
    store.close().unwrap();

    let looking = home.options().open_read_only().unwrap();
    let (before, revision) = (looking.status().unwrap(), looking.secret(held).unwrap().revision);
    assert!(is_in_use(&looking, id));
    home.clock.advance(15 * MINUTE);
    assert_eq!(looking.lock_status(held).unwrap().locks_total(), 0, "a handle that stays open follows the time");
    assert_eq!(looking.status().unwrap().tally.locks, 0);
    let would_be = session(&looking).dry_run(&latchkeep::Command::delete(held)).unwrap();
    assert_eq!(would_be.refusal, None, "no lock is in the way any more");
    assert_eq!(
        looking.secret(held).unwrap().revision,
        revision,
        "nothing was recorded, so others expect this revision"
    );
    home.clock.advance(91 * DAY);
    refused(session(&looking).read(id, CURRENT), "version_data_destroyed");
    assert_eq!(looking.secret(id).unwrap().lifecycle, Lifecycle::Destroyed);
    assert_eq!(looking.secrets().iter().filter(|secret| secret.lifecycle == Lifecycle::Destroyed).count(), 1);
    let after = looking.status().unwrap();
    assert_eq!((after.log_size, after.head, after.last_at), (before.log_size, before.head, before.last_at));
    assert_eq!(looking.scrub(|_| ()).unwrap().findings, [] as [String; 0], "what lies on the disk is as it was");
    looking.close().unwrap();

    let store = home.open();
    store.settle().unwrap();
    assert_eq!(store.secret(id).unwrap().lifecycle, Lifecycle::Destroyed, "and a writer comes to the same");
    sound_log(&store);
}
