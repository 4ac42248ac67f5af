use std::time::Duration;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

fn start() -> Timestamp {
    Timestamp::parse("2026-11-27T12:00:00Z").unwrap()
}

/// What was seen `passed` after the start, by a clock that is `ahead` of it, on one start of a machine.
fn seen(passed: Duration, ahead: Duration) -> Seen {
    on(7, passed, ahead)
}

fn on(machine: u8, passed: Duration, ahead: Duration) -> Seen {
    let boot_id = BootId::from_bytes([machine; 16]);
    let nanos = u64::try_from(passed.as_nanos()).unwrap() + 1_000;
    Seen { wall: start().plus(passed).plus(ahead), boot: Some(BootTime { boot_id, nanos }) }
}

fn blind(seen: Seen) -> Seen {
    Seen { boot: None, ..seen }
}

fn told() -> Told {
    Told { last_at: start(), clocks: Clocks::default() }
}

/// A clock that is held since `passed` after the start, when it was `ahead`.
fn held(passed: Duration, ahead: Duration) -> Told {
    held_as(seen(passed, ahead), passed)
}

fn held_as(seen: Seen, passed: Duration) -> Told {
    let at = start().plus(passed);
    let held = HeldClock { at, observed_at: seen.wall, boot: seen.boot };
    Told { last_at: at, clocks: Clocks { held: Some(held), ran_back_at: None } }
}

/// What is made of a clock: how it stands, the time to go by as what passed since the start, what is recorded.
fn made(seen: Seen, believed: Option<Seen>, told: Told) -> (&'static str, Duration, Option<Note>) {
    let judged = judge(seen, believed, told, ClockBounds::default());
    let standing = match judged.standing {
        ClockStanding::Steady => "steady",
        ClockStanding::Behind(_) => "behind",
        ClockStanding::Ahead(_) => "ahead",
    };
    assert!(judged.now >= told.last_at, "time never runs back");
    (standing, judged.now.since(start()), judged.note)
}

const NOTHING: Duration = Duration::ZERO;
const YEARS: Duration = Duration::from_secs(70 * 365 * 86_400);

#[test]
fn a_clock_is_held_against_what_passed_and_against_the_last_record() {
    let back = Seen { wall: Timestamp::parse("2026-11-27T11:00:00Z").unwrap(), ..seen(HOUR, NOTHING) };
    let said = Told { clocks: Clocks { ran_back_at: Some(start()), held: None }, ..told() };
    let from = Some(seen(NOTHING, NOTHING));
    let table = [
        ("an hour later", seen(HOUR, NOTHING), from, told(), ("steady", HOUR, None)),
        ("the machine slept for a year", seen(365 * DAY, NOTHING), from, told(), ("steady", 365 * DAY, None)),
        ("a time server sets it", seen(HOUR, 5 * MINUTE), from, told(), ("steady", HOUR + 5 * MINUTE, None)),
        ("a step too far", seen(HOUR, 5 * MINUTE + SECOND), from, told(), ("ahead", HOUR, Some(Note::Held))),
        ("2099 while open", seen(HOUR, YEARS), from, told(), ("ahead", HOUR, Some(Note::Held))),
        ("a leap second", seen(HOUR, SECOND), from, told(), ("steady", HOUR + SECOND, None)),
        ("a clock alone, 2099 while open", blind(seen(HOUR, YEARS)), from, told(), ("steady", HOUR + YEARS, None)),
        ("an open after a year", seen(400 * DAY, NOTHING), None, told(), ("steady", 400 * DAY, None)),
        ("an open too late", seen(400 * DAY, SECOND), None, told(), ("ahead", NOTHING, Some(Note::Held))),
        ("the same, a clock alone", blind(seen(YEARS, SECOND)), None, told(), ("ahead", NOTHING, Some(Note::Held))),
        ("a clock behind", back, from, told(), ("behind", NOTHING, Some(Note::RanBack))),
        ("a clock behind at an open", back, None, told(), ("behind", NOTHING, Some(Note::RanBack))),
        ("it was said", back, from, said, ("behind", NOTHING, None)),
    ];
    for (name, seen, believed, told, expected) in table {
        assert_eq!(made(seen, believed, told), expected, "{name}");
    }
}

/// A clock that stops shows no time before the last record, and no pause ends by it.
#[test]
fn a_clock_that_stopped_stands_still_and_one_that_was_set_back_goes_on() {
    let from = Some(seen(MINUTE, NOTHING));
    let shows = |wall: Duration, passed| Seen { wall: start().plus(wall), ..seen(passed, NOTHING) };
    let table = [
        ("it stopped", shows(MINUTE, MINUTE + 5 * SECOND), from, true),
        ("it stopped a moment later", shows(MINUTE + SECOND / 2, HOUR), from, true),
        ("it may tick slowly", shows(MINUTE, MINUTE + 4 * SECOND), from, false),
        ("it goes on", shows(HOUR, HOUR), from, false),
        ("it lags, and goes on", shows(MINUTE + SECOND, HOUR), from, false),
        ("it was set back", shows(SECOND, HOUR), from, false),
        ("it went behind", shows(NOTHING, HOUR), Some(seen(NOTHING, HOUR)), false),
        ("nothing was seen before", shows(NOTHING, HOUR), None, false),
        ("another start of the machine", on(8, MINUTE, NOTHING), from, false),
        ("a clock alone", blind(shows(MINUTE, HOUR)), from, false),
    ];
    for (name, seen, believed, expected) in table {
        let judged = judge(seen, believed, told(), ClockBounds::default());
        assert_eq!((judged.standing, judged.is_still()), (ClockStanding::Steady, expected), "{name}");
    }
}

#[test]
fn a_clock_that_is_held_is_believed_when_it_is_set_back_or_ran_steadily() {
    let returned = Some(Note::Confirmed(ClockConfirmedBy::Return));
    let steadily = Some(Note::Confirmed(ClockConfirmedBy::Steadiness));
    let since = held(HOUR, YEARS);
    let restarted = |passed, ahead| on(8, passed, ahead);
    let table = [
        ("a minute later", seen(HOUR + MINUTE, YEARS), since, ("ahead", HOUR + MINUTE, None)),
        ("nine minutes later", seen(HOUR + 9 * MINUTE, YEARS), since, ("ahead", HOUR + 9 * MINUTE, None)),
        ("ten", seen(HOUR + 10 * MINUTE, YEARS), since, ("steady", HOUR + 10 * MINUTE + YEARS, steadily)),
        (
            "nearly",
            seen(HOUR + 10 * MINUTE, YEARS + 5 * SECOND),
            since,
            ("steady", HOUR + 605 * SECOND + YEARS, steadily),
        ),
        (
            "it jumped again",
            seen(HOUR + 10 * MINUTE, YEARS + DAY),
            since,
            ("ahead", HOUR + 10 * MINUTE, Some(Note::Held)),
        ),
        ("and at once", seen(HOUR + 2 * SECOND, YEARS + DAY), since, ("ahead", HOUR + 2 * SECOND, None)),
        ("set right", seen(HOUR + MINUTE, NOTHING), since, ("steady", HOUR + MINUTE, returned)),
        ("set a day ahead", seen(HOUR + MINUTE, DAY), since, ("ahead", HOUR + MINUTE, Some(Note::Held))),
        ("set behind", on(7, NOTHING, NOTHING), held_as(on(8, HOUR, YEARS), HOUR), ("behind", HOUR, returned)),
        ("restarted, right", restarted(2 * HOUR, NOTHING), since, ("steady", 2 * HOUR, returned)),
        ("restarted, as wrong", restarted(2 * HOUR, YEARS), since, ("ahead", HOUR, Some(Note::Held))),
        ("a clock alone, as wrong", blind(seen(2 * HOUR, YEARS)), since, ("ahead", HOUR, None)),
        ("a clock alone, right", blind(seen(2 * HOUR, NOTHING)), since, ("steady", 2 * HOUR, returned)),
    ];
    for (name, seen, told, expected) in table {
        assert_eq!(made(seen, None, told), expected, "{name}");
    }
    // A few days ahead is nothing at an open, but a clock that was wrong by so much before the restart is still.
    let by_days = held(HOUR, 3 * DAY);
    assert_eq!(made(on(8, 2 * HOUR, 3 * DAY), None, by_days), ("ahead", HOUR, Some(Note::Held)));
    assert_eq!(made(on(8, 2 * HOUR, NOTHING), None, by_days), ("steady", 2 * HOUR, returned));
}

#[test]
fn a_host_can_leave_it_to_people_alone() {
    let bounds = ClockBounds { steady_for: None, ..ClockBounds::default() };
    let judged = judge(seen(30 * DAY, YEARS), None, held(HOUR, YEARS), bounds);
    assert_eq!((judged.now, judged.note), (start().plus(30 * DAY), None));
}
