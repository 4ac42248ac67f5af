//! A clock that a store does not believe, as operators see it.

use std::time::Duration;

use latchkeep::{
    Actor, Clock, LockName, ManualClock, NewData, NewLock, NewSecret, SecretBytes, SecretName, StoreOptions,
    SystemClock, Timestamp, Unlock, VersionRef,
};

use crate::support::Home;

/// A home whose store was last written to in 2024; to the store, the clock of this machine is years ahead.
fn left_alone_since_2024() -> Home {
    left_alone(Timestamp::parse("2024-01-01T00:00:00Z").unwrap(), Duration::from_secs(365 * 86_400))
}

/// A home whose store was last written to at a time, with data and a lease that end so long after.
fn left_alone(since: Timestamp, lasting: Duration) -> Home {
    let home = Home::new();
    std::fs::remove_dir_all(home.path("store")).unwrap();
    let clock = ManualClock::at(since);
    let unlock = Unlock::key_file(home.path("store.key"));
    let store = StoreOptions::new(home.path("store"), unlock).clock(clock).create().unwrap();
    let ops = store.acting_as(Actor::parse("ops").unwrap());
    let new = NewSecret::arbitrary(SecretName::parse("token").unwrap(), SecretBytes::copy_from(b"one")).unwrap();
    let id = ops.create(new.expiring_at(lasting)).unwrap().secret.unwrap();
    ops.place_lock(id, VersionRef::Current, NewLock::new(LockName::parse("billing").unwrap()).until(lasting)).unwrap();
    store.close().unwrap();
    home
}

#[test]
fn nothing_ends_by_a_clock_that_is_not_believed_until_a_person_confirms_it() {
    let home = left_alone_since_2024();
    let status = home.run(&["status"]).done();
    assert!(
        status.text().contains("too far ahead") && status.err.contains("latchkeep clock show tells more"),
        "{}",
        status.err
    );
    assert_eq!(home.run(&["status", "--json"]).done().json()["clock"]["standing"], "ahead");
    assert_eq!(home.run(&["secret", "get", "token"]).done().text(), "one");
    let shown = home.run(&["clock", "show"]).failed(9, &[]).text();
    assert!(shown.contains("2024-01-01T00:00:00Z") && shown.contains("is confirmed: token"), "{shown}");
    let locks = home.run(&["lock", "list", "token"]).done().text();
    assert!(locks.contains("billing") && !locks.contains("over"), "{locks}");
    home.feed(&["secret", "rotate", "token", "--from-stdin"], "two").done();
    let ran = home.run(&["rotation", "run", "--once", "--json"]).failed(9, &[]).json();
    assert_eq!(ran["exit_code"], 9);
    let told = home.run(&["log", "show"]).done().text();
    assert!(told.contains("ClockHeld") && told.contains("it shows 20"), "{told}");

    home.run(&["clock", "confirm"]).failed(2, &["is confirmed: token", "in place of 2024"]);
    let confirmed = home.run(&["clock", "confirm", "--yes", "--json"]).done().json();
    assert_eq!(confirmed["confirmed"], true);
    let shown = home.run(&["clock", "show", "--json"]).done().json();
    assert_eq!((&shown["standing"], &shown["held"]), (&"steady".into(), &serde_json::Value::Null));
    home.run(&["clock", "confirm", "--yes"]).done();
    let status = home.run(&["status"]).done();
    assert!(!status.text().contains("ahead") && !status.err.contains("clock"), "{}", status.err);
    let locks = home.run(&["lock", "list", "token"]).done().text();
    assert!(!locks.contains("billing"), "{locks}");
    home.run(&["secret", "get", "token"]).failed(7, &[]);
}

/// A restore under a clock ten years ahead once made a store whose time stood still for ten years.
#[test]
fn a_restore_under_a_clock_that_is_too_far_ahead_asks_first() {
    let home = left_alone_since_2024();
    let (backup, key, export) = (home.arg("backup"), home.arg("backup.key"), home.arg("log.jsonl"));
    home.run(&["backup", "--out", &backup, "--backup-key-file", &key]).done();
    home.run(&["log", "export", "--out", &export]).done();
    let (restored, replayed) = (home.arg("restored"), home.arg("replayed"));
    let restore = ["restore", &backup, "--store", &restored, "--backup-key-file", &key];
    home.run(&restore).failed(9, &["too far ahead", "--confirm-clock"]);
    let replay = ["log", "replay", &export, "--into", &replayed, "--key-file", &home.arg("replayed.key")];
    home.run(&replay).failed(9, &["too far ahead", "--confirm-clock"]);
    assert!(!home.path("restored").join("rows").exists() && !home.path("replayed").join("rows").exists());
    home.run(&[&restore[..], &["--confirm-clock"]].concat()).done();
    home.run(&[&replay[..], &["--confirm-clock"]].concat()).failed(8, &[]);
    assert_eq!(home.run(&["clock", "show", "--store", &restored, "--json"]).done().json()["standing"], "steady");
}

#[test]
fn what_is_over_is_shown_as_over_by_commands_that_only_look() {
    let an_hour_ago = SystemClock.now().as_nanos() - 3_600_000_000_000;
    let home = left_alone(Timestamp::from_nanos(an_hour_ago), Duration::from_secs(60));
    assert_eq!(home.run(&["lock", "list", "token", "--json"]).done().json()["total_count"], 0);
    assert!(!home.run(&["lock", "list", "token"]).done().text().contains("billing"));
    let shown = home.run(&["secret", "show", "token"]).done().text();
    assert!(shown.contains("destroyed") && !shown.contains("billing"), "{shown}");
    assert!(home.run(&["explain", "token", "--operation", "delete"]).done().text().contains("would be done"));
}

/// A home whose store was made an hour ago and last written to under a clock of three years ahead: a version, with a lease of an hour.
pub(crate) fn left_ahead() -> Home {
    let home = Home::new();
    std::fs::remove_dir_all(home.path("store")).unwrap();
    let clock = ManualClock::at(Timestamp::from_nanos(SystemClock.now().as_nanos() - 3_600_000_000_000));
    let unlock = Unlock::key_file(home.path("store.key"));
    let store = StoreOptions::new(home.path("store"), unlock).clock(clock.clone()).create().unwrap();
    let ops = store.acting_as(Actor::parse("ops").unwrap());
    let new = NewSecret::arbitrary(SecretName::parse("token").unwrap(), SecretBytes::copy_from(b"one")).unwrap();
    let id = ops.create(new).unwrap().secret.unwrap();
    clock.advance(Duration::from_secs(3 * 365 * 86_400));
    ops.rotate(id, NewData::arbitrary(SecretBytes::copy_from(b"two")).unwrap()).unwrap();
    let lease = NewLock::new(LockName::parse("billing").unwrap()).until(Duration::from_secs(3_600));
    ops.place_lock(id, VersionRef::Current, lease).unwrap();
    let new = NewSecret::arbitrary(SecretName::parse("lasting").unwrap(), SecretBytes::copy_from(b"one")).unwrap();
    ops.create(new.expiring_at(Duration::from_secs(3_600))).unwrap();
    store.close().unwrap();
    home
}

/// Nothing but a restore once helped a store that a command under a clock of years ahead had left its time in.
#[test]
fn a_store_that_went_by_a_clock_of_years_ahead_is_brought_back_by_a_command() {
    let home = left_ahead();
    let status = home.run(&["status"]).done();
    assert!(
        status.err.contains("or until latchkeep clock rebase") && status.text().contains("clock rebase"),
        "{}",
        status.err
    );
    let shown = home.run(&["clock", "show"]).done().text();
    assert!(shown.contains("the ends of 1 lease and 0 dynamic credentials, and 0 rotations move"), "{shown}");
    assert!(shown.contains("made in the wrong time: token") && shown.contains("latchkeep clock rebase"), "{shown}");
    let told = home.run(&["clock", "show", "--json"]).done().json();
    assert_eq!((&told["standing"], &told["moves_when_rebased"]["leases"]), (&"behind".into(), &1.into()));

    assert!(shown.contains("token, version 2: lease billing ends at 20") && shown.contains("renew those"), "{shown}");
    assert!(shown.contains("lasting: it still expires at 20") && !shown.contains("may be wrong"), "{shown}");
    let rebased = home.run(&["clock", "rebase", "--yes"]).done();
    assert!(
        rebased.err.contains("time of the store fall from 20") && rebased.err.contains("by 109"),
        "{}",
        rebased.err
    );
    let rebased = rebased.text();
    assert!(rebased.contains("the ends of 1 lease and 0 dynamic credentials, and 0 rotations were moved"), "{rebased}");
    assert!(rebased.contains("made in the wrong time: token"), "{rebased}");
    home.run(&["clock", "rebase", "--yes"]).failed(7, &["five minutes behind"]);
    let error = home.run(&["clock", "rebase", "--yes", "--json"]).failed(7, &["\"exit_code\":7"]);
    assert!(error.err.contains("not_rebased"), "{}", error.err);
    let shown = home.run(&["clock", "show", "--json"]).done().json();
    assert_eq!((&shown["standing"], shown["rebased"].as_array().unwrap().len()), (&"steady".into(), 1));
    assert!(home.run(&["clock", "show"]).done().text().contains("at record "));
    let locks = home.run(&["lock", "list", "--json"]).done().json();
    let end = Timestamp::parse(locks["locks"][0]["expires_at"].as_str().unwrap()).unwrap();
    let left = end.since(SystemClock.now());
    assert!(left > Duration::from_secs(3_500) && left <= Duration::from_secs(3_600), "{left:?}");
    home.feed(&["secret", "rotate", "token", "--from-stdin"], "two").done();
    let log = home.run(&["log", "show"]).done().text();
    assert!(log.contains("ClockRebased") && log.contains("from here on it is 20"), "{log}");
    let export = home.arg("log.jsonl");
    home.run(&["log", "export", "--out", &export]).done();
    home.run(&["log", "verify", &export]).failed(8, &[]);
    home.run(&["scrub"]).done();
}

/// With nobody there to be asked it once took silence for a yes.
#[test]
fn nobody_is_taken_to_have_said_that_the_clock_is_right() {
    for (home, word) in [(left_ahead(), "rebase"), (left_alone_since_2024(), "confirm")] {
        if word == "confirm" {
            // Whatever may write notes first that the clock is not believed.
            home.run(&["rotation", "run", "--once"]).failed(9, &[]);
        }
        let records = |home: &Home| home.run(&["log", "show", "--json"]).done().text().lines().count();
        let before = records(&home);
        home.run(&["clock", word]).failed(2, &["in place of 20", "no terminal to ask on", "--yes"]);
        assert_eq!(records(&home), before);
        home.run(&["clock", word, "--yes"]).done();
        assert!(records(&home) > before);
    }
}

/// A watch in the wrong time once kept that time in its file, and warned of no expiry until it came.
#[test]
fn a_watch_with_a_file_warns_of_expiries_once_the_clock_is_rebased() {
    let home = left_ahead();
    let watch = || {
        let told =
            home.run(&["watch", "--until-end", "--state", "seen.json", "--json", "--only", "secret_about_to_expire"]);
        let told = told.done().text();
        told.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<serde_json::Value>>()
    };
    assert!(watch().is_empty());
    let day = Duration::from_secs(86_400);
    let two_days_ago = Timestamp::from_nanos(SystemClock.now().as_nanos() - 2 * 86_400_000_000_000);
    let unlock = Unlock::key_file(home.path("store.key"));
    let store = StoreOptions::new(home.path("store"), unlock).clock(ManualClock::at(two_days_ago)).open().unwrap();
    let ops = store.acting_as(Actor::parse("ops").unwrap());
    ops.rebase_clock().unwrap();
    let new = NewSecret::arbitrary(SecretName::parse("short").unwrap(), SecretBytes::copy_from(b"one")).unwrap();
    ops.create(new.expiring_at(2 * day + day / 2)).unwrap();
    store.close().unwrap();
    let told = watch();
    assert_eq!(
        told.iter().map(|told| (&told["secret"], &told["data"]["days"])).collect::<Vec<_>>(),
        [(&"short".into(), &1.into())]
    );
    assert!(watch().is_empty(), "once");
}

/// A clock that was wrong itself, and behind, once ended leases early, and nothing spoke against it.
#[test]
fn a_clock_that_shows_a_time_from_before_the_log_is_warned_of() {
    let home = Home::new();
    std::fs::remove_dir_all(home.path("store")).unwrap();
    let made = Timestamp::from_nanos(SystemClock.now().as_nanos() + 3 * 3_600_000_000_000);
    let unlock = Unlock::key_file(home.path("store.key"));
    StoreOptions::new(home.path("store"), unlock).clock(ManualClock::at(made)).create().unwrap().close().unwrap();
    let shown = home.run(&["clock", "show"]).done().text();
    assert!(shown.contains("the clock may be wrong: 20") && shown.contains("when the log began"), "{shown}");
    let told = home.run(&["clock", "show", "--json"]).done().json();
    assert_eq!(told["moves_when_rebased"]["doubts"][0]["reason"], "before_stretch");
    let rebased = home.run(&["clock", "rebase", "--yes"]).done();
    assert!(rebased.err.contains("the clock may be wrong"), "{}", rebased.err);
}

/// The incarnation is made of the time of the last record, and another restore of the backup has the same.
#[test]
fn a_restore_in_a_time_that_has_not_come_says_what_becomes_of_fencing_tokens() {
    let home = left_ahead();
    let (backup, key, restored) = (home.arg("backup"), home.arg("backup.key"), home.arg("restored"));
    home.run(&["backup", "--out", &backup, "--backup-key-file", &key]).done();
    let ran = home.run(&["restore", &backup, "--store", &restored, "--backup-key-file", &key]).done();
    assert!(ran.err.contains("is a time that has not come, 20") && ran.err.contains("fencing tokens"), "{}", ran.err);
    let shown = home.run(&["clock", "show", "--store", &restored]).done().text();
    assert!(shown.contains("fencing tokens"), "{shown}");
    assert!(!home.run(&["clock", "show"]).done().text().contains("fencing tokens"));
    home.run(&["clock", "rebase", "--yes", "--store", &restored]).done();
    assert!(home.run(&["clock", "show", "--store", &restored]).done().text().contains("fencing tokens"));
}

/// A clock is rebased 64 times at most; another rebase was advised, and refused.
#[test]
fn no_rebase_is_advised_that_would_be_refused() {
    let home = left_ahead();
    let (now, minute) = (SystemClock.now(), Duration::from_secs(60));
    let (clock, unlock) = (ManualClock::at(now), Unlock::key_file(home.path("store.key")));
    let store = StoreOptions::new(home.path("store"), unlock).clock(clock.clone()).open().unwrap();
    let ops = store.acting_as(Actor::parse("ops").unwrap());
    let number = |number: u8| {
        NewSecret::arbitrary(SecretName::parse(&format!("n{number}")).unwrap(), SecretBytes::copy_from(b"x"))
    };
    for round in 0..64 {
        ops.rebase_clock().unwrap();
        clock.advance(2 * 60 * minute);
        ops.create(number(round).unwrap()).unwrap();
        clock.set(now);
    }
    assert!(!store.clock().can_be_rebased());
    store.close().unwrap();
    let status = home.run(&["status"]).done();
    assert!(status.err.contains("64 times") && !status.err.contains("until latchkeep clock rebase"), "{}", status.err);
    let shown = home.run(&["clock", "show"]).done().text();
    assert!(!shown.contains("latchkeep clock rebase") && shown.contains("64 times"), "{shown}");
    home.run(&["clock", "rebase"]).failed(7, &["64 times"]);
    left_alone_since_2024().run(&["clock", "rebase"]).failed(9, &["too far ahead"]);
}

#[test]
fn a_time_that_lies_in_several_stretches_is_shown_of_the_newest_and_said_to() {
    let home = left_ahead();
    home.run(&["clock", "rebase", "--yes"]).done();
    home.feed(&["secret", "rotate", "token", "--from-stdin"], "three").done();
    let now = home.run(&["status", "--json"]).done().json()["last_at"].as_str().unwrap().to_owned();
    let then = home.run(&["secret", "show", "token", "--as-of", &now]).done();
    assert!(then.err.contains("2 stretches of the log"), "{}", then.err);
    let then = home.run(&["secret", "show", "token", "--as-of", &now, "--json"]).done().json();
    assert_eq!((&then["versions_total"], &then["as_of"]["stretches"]), (&3.into(), &2.into()), "{then}");
    let then = home.run(&["secret", "show", "token", "--as-of", "2028-01-01T00:00:00Z", "--json"]).done().json();
    assert_eq!((&then["versions_total"], &then["as_of"]["stretches"]), (&1.into(), &1.into()), "{then}");
    let export = home.arg("log.jsonl");
    home.run(&["log", "export", "--out", &export]).done();
    let then = home.run(&["log", "replay", &export, "--at", &now]).failed(8, &["2 stretches of the log"]);
    assert!(then.text().contains("token"), "{}", then.text());
}

/// A run ended with 0 while nothing rotated for years, and its JSON said 0 of a clock ahead, too.
#[test]
fn a_run_that_the_clock_holds_back_says_so_by_its_exit_code() {
    let home = left_ahead();
    home.run(&["rotation", "run", "--once"]).done();
    let create = ["secret", "create", "username-password", "db-admin", "--username", "admin", "--generate"];
    home.run(&[&create[..], &["--rotate-every", "30d"]].concat()).done();
    let ran = home.run(&["rotation", "run", "--once"]).failed(9, &["db-admin", "latchkeep clock show"]);
    assert!(ran.text().contains("nothing is due"), "{}", ran.text());
    let ran = home.run(&["rotation", "run", "--once", "--json"]).failed(9, &[]).json();
    assert_eq!((&ran["exit_code"], &ran["held_by_clock"]), (&9.into(), &serde_json::json!(["db-admin"])));
    // What somebody asks for is done.
    home.run(&["rotation", "run", "db-admin", "--once"]).failed(9, &[]);
    assert_eq!(home.run(&["secret", "show", "db-admin", "--json"]).done().json()["versions_total"], 2);
    home.run(&["clock", "rebase", "--yes"]).done();
    let ran = home.run(&["rotation", "run", "--once", "--json"]).done().json();
    assert_eq!((&ran["exit_code"], &ran["held_by_clock"]), (&0.into(), &serde_json::json!([])));

    let ahead = left_alone_since_2024();
    let ran = ahead.run(&["rotation", "run", "--once", "--json"]).failed(9, &[]).json();
    assert_eq!(ran["exit_code"], 9);
}
