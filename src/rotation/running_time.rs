//! Owns the time in which a worker ran: what the machine slept, and what lay between two runs, counts for nothing.
//!
//! Read next: [`super::creation`].

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::domain::limits;
use crate::domain::time::Timestamp;
use crate::engine::clock::{Clock, SystemClock, monotonic};
use crate::engine::sync::Mutex;

/// With a clock of the host's own: a longer time between two looks is one in which nobody worked.
const GAP_MAX: Duration = Duration::from_secs(6 * 60 * 60);

/// A clock that shows the system's time, within this, is taken for the system's.
const SAME_TIME: Duration = Duration::from_secs(2);

/// Spans that are told apart; older ones run together.
const GAPS_MAX: usize = 64;

/// The time in which a worker ran.
pub(super) struct Presence {
    seen: Mutex<Seen>,
}

struct Seen {
    began: Timestamp,
    last: Timestamp,
    last_moment: Instant,
    /// Spans of absence, each with its end.
    gaps: VecDeque<(Timestamp, Duration)>,
}

impl Presence {
    pub(super) fn from(began: Timestamp) -> Self {
        Self { seen: Mutex::new(Seen::from(began)) }
    }

    /// Gives when the worker began; the time that the clock was rebased to, where it was since.
    pub(super) fn began(&self) -> Timestamp {
        self.seen.lock().began
    }

    /// Notes that the worker is at work; to be called at every look.
    pub(super) fn note(&self, now: Timestamp) {
        let mut seen = self.seen.lock();
        if seen.last.since(now) > limits::CLOCK_REBASED_BEHIND {
            // The time of a store falls so far only where its clock is rebased. What was seen in the wrong time tells nothing now.
            *seen = Seen::from(now);
        }
        let (moment, passed) = (monotonic(), now.since(seen.last));
        let awake = if is_system_time(now) {
            // That clock stands still while the machine sleeps.
            moment.saturating_duration_since(seen.last_moment).saturating_add(SAME_TIME)
        } else if passed <= GAP_MAX {
            passed
        } else {
            Duration::ZERO
        };
        let gap = passed.saturating_sub(awake);
        if !gap.is_zero() {
            seen.gaps.push_back((now, gap));
        }
        if seen.gaps.len() > GAPS_MAX
            && let (Some((_, first)), Some((_, second))) = (seen.gaps.pop_front(), seen.gaps.front_mut())
        {
            *second = second.saturating_add(first);
        }
        (seen.last, seen.last_moment) = (seen.last.max(now), moment);
    }

    /// Gives for how long the worker ran between a time and now.
    pub(super) fn worked(&self, since: Timestamp, now: Timestamp) -> Duration {
        self.note(now);
        let seen = self.seen.lock();
        let since = since.max(seen.began);
        let gaps: Duration = seen.gaps.iter().filter(|(end, _)| *end > since).map(|(_, gap)| *gap).sum();
        now.since(since).saturating_sub(gaps)
    }
}

impl Seen {
    fn from(began: Timestamp) -> Self {
        Self { began, last: began, last_moment: monotonic(), gaps: VecDeque::new() }
    }
}

fn is_system_time(now: Timestamp) -> bool {
    let system = SystemClock.now();
    now.since(system).max(system.since(now)) < SAME_TIME
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn at(hours: u32) -> Timestamp {
        Timestamp::EPOCH.plus(HOUR * hours)
    }

    #[test]
    fn what_lies_between_two_looks_is_work_unless_it_is_too_long() {
        let presence = Presence::from(at(10));
        (11..=20).for_each(|hour| presence.note(at(hour)));
        assert_eq!(presence.worked(at(0), at(20)), HOUR * 10);
        assert_eq!(presence.worked(at(15), at(20)), HOUR * 5);
        // The machine sleeps for a night, and works for two hours more.
        presence.note(at(30));
        presence.note(at(31));
        assert_eq!(presence.worked(at(15), at(32)), HOUR * 7);
        assert_eq!(presence.worked(at(30), at(32)), HOUR * 2);
        // A night after each hour, for months.
        let mut hour = 32;
        for _ in 0..100 {
            (hour + 1..=hour + 2).for_each(|hour| presence.note(at(hour)));
            hour += 12;
            presence.note(at(hour));
        }
        assert_eq!(presence.worked(at(10), at(hour)), HOUR * 12 + HOUR * 2 * 100);
    }

    /// A worker that ran while the clock was rebased once counted no time until the wrong one came, and gave nothing up.
    #[test]
    fn the_time_in_which_it_ran_counts_on_after_a_rebase() {
        let presence = Presence::from(at(10_000));
        (10_001..=10_010).for_each(|hour| presence.note(at(hour)));
        presence.note(at(20));
        (21..=25).for_each(|hour| presence.note(at(hour)));
        assert_eq!((presence.began(), presence.worked(at(0), at(25))), (at(20), HOUR * 5));
    }

    #[test]
    fn by_the_time_of_the_system_sleep_counts_for_nothing_however_short() {
        let now = SystemClock.now();
        let presence = Presence::from(Timestamp::from_nanos(now.as_nanos() - 3_600_000_000_000));
        assert!(presence.worked(at(0), SystemClock.now()) < Duration::from_secs(10));
    }
}
