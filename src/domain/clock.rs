//! Owns whether the time that a clock shows can be believed, and what time the store goes by.
//!
//! A clock that jumps ahead must destroy nothing: leases would end and data would expire at once, for good. So the wall clock is
//! held against the last record, and while a store is open against the time since the machine was started, which nobody sets.
//! Until a time too far ahead is confirmed, the store goes by the last time that it believed and what has passed since. Pure
//! functions of what was seen; the shell looks at the clocks. Read next: [`super::decide`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::code::coded_enum;
use super::event_shape::events;
use super::id::BootId;
use super::limits;
use super::time::Timestamp;

/// How long a machine runs since it was started, time asleep included: a clock that nobody sets.
///
/// Two of them can be compared when they are of one start of one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootTime {
    /// Names the start of the machine.
    pub boot_id: BootId,
    /// Nanoseconds since then.
    pub nanos: u64,
}

impl BootTime {
    /// Gives how long `earlier` lies before this; nothing when they are not of one start, or in the other order.
    #[must_use]
    pub fn since(self, earlier: Self) -> Option<Duration> {
        let nanos = self.nanos.checked_sub(earlier.nanos).filter(|_| self.boot_id == earlier.boot_id);
        nanos.map(Duration::from_nanos)
    }
}

coded_enum!(
    /// What made the store believe a clock again.
    ClockConfirmedBy {
        /// A person said so.
        Person = 1, "person";
        /// It ran as the time since the start of the machine did, for long enough.
        Steadiness = 2, "steadiness";
        /// It was set back to what can be believed.
        Return = 3, "return";
    }
);

events! {
    /// The clock showed a time before that of the last record; recorded times stand still until it catches up.
    ClockRanBack = 7, kept, since 0.1 {
        /// What the clock showed.
        observed_at: Timestamp,
    }
    /// The clock showed a time too far ahead to be believed. Until it is confirmed, recorded times follow what has passed since the
    /// machine was started.
    ClockHeld = 80, kept, since 0.2 {
        /// What the clock showed.
        observed_at: Timestamp,
        /// How long the machine ran by then, if that was known.
        boot: Option<BootTime>,
    }
    /// The clock is believed again, from the time of this record on.
    ClockConfirmed = 81, kept, since 0.2 {
        /// By what.
        by: ClockConfirmedBy,
    }
    /// A person had the store go by its clock again, which showed an earlier time than the last record. The next record is the only
    /// one whose time may lie before that of the record in front of it; what still runs is moved with it.
    ClockRebased = 82, kept, since 0.2 {
        /// What the clock showed: the time that the store goes by from this record on.
        observed_at: Timestamp,
    }
}

/// How far ahead a clock may be and is believed.
///
/// ```
/// use latchkeep::ClockBounds;
/// use std::time::Duration;
///
/// let bounds = ClockBounds { ahead_while_open: Duration::from_secs(60), ..ClockBounds::default() };
/// assert_eq!(bounds.steady_for, Some(Duration::from_secs(600)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockBounds {
    /// Ahead of the time since the start of the machine, while the store is open: five minutes by default. Of a clock that does
    /// not tell it ([`Clock::since_boot`](crate::Clock::since_boot)) every step ahead is believed while the store is open.
    pub ahead_while_open: Duration,
    /// Ahead of the last record, when the store is opened: 400 days by default. A store that nobody wrote to for longer has to
    /// be told that the time is right.
    pub ahead_at_open: Duration,
    /// After how long a clock that is too far ahead is believed by itself, when it ran as the time since the start of the
    /// machine did: ten minutes by default. `None`: never, only a person can confirm it.
    pub steady_for: Option<Duration>,
}

impl Default for ClockBounds {
    fn default() -> Self {
        Self {
            ahead_while_open: limits::CLOCK_AHEAD_WHILE_OPEN,
            ahead_at_open: limits::CLOCK_AHEAD_AT_OPEN,
            steady_for: Some(limits::CLOCK_STEADY_FOR),
        }
    }
}

/// For how long, as the clock shows it, the last believed time is used to judge the clock.
pub(crate) const BELIEVED_FOR: Duration = Duration::from_secs(1);

/// How long a machine runs while its clock moves less than that, until the clock counts as stopped: no time server slows a clock
/// by so much.
const STOPPED_AFTER: Duration = Duration::from_secs(5);

/// What clocks showed at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) wall: Timestamp,
    pub(crate) boot: Option<BootTime>,
}

/// What the log tells of clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Clocks {
    /// The time of the record that says that the clock ran back; it is said once while recorded times stand still.
    pub(crate) ran_back_at: Option<Timestamp>,
    /// The clock that is not believed.
    pub(crate) held: Option<HeldClock>,
}

impl Clocks {
    /// Gives what the log tells once there stands what was made of clocks: a writer notes it before it does anything else.
    pub(crate) const fn noted(self, judged: &Judged) -> Self {
        let Judged { seen, now, .. } = *judged;
        match judged.note {
            None => self,
            Some(Note::RanBack) => Self { ran_back_at: Some(now), ..self },
            Some(Note::Held) => {
                Self { held: Some(HeldClock { at: now, observed_at: seen.wall, boot: seen.boot }), ..self }
            }
            Some(Note::Confirmed(_)) => Self { held: None, ..self },
        }
    }
}

/// What a log tells of time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    /// The time of the last record.
    pub(crate) last_at: Timestamp,
    pub(crate) clocks: Clocks,
}

/// A clock that showed a time too far ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldClock {
    /// The time of the record that says so: what the store believed.
    pub at: Timestamp,
    /// What the clock showed.
    pub observed_at: Timestamp,
    /// How long the machine ran by then, if that was known.
    pub boot: Option<BootTime>,
}

/// How the clock stands to the time that the store goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockStanding {
    /// The store goes by the clock.
    Steady,
    /// The clock shows a time before that of the last record, by so much. The store's time stands still until it catches up.
    Behind(Duration),
    /// The clock is further ahead than can be believed, by so much. The store goes by the last time that it believed and what
    /// has passed since, as far as the machine tells; what a later time would end is not ended.
    Ahead(Duration),
}

/// What is to be recorded of a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    RanBack,
    Held,
    Confirmed(ClockConfirmedBy),
}

/// What is made of clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    /// What they showed.
    pub(crate) seen: Seen,
    /// The time that the store goes by: never before that of the last record.
    pub(crate) now: Timestamp,
    pub(crate) standing: ClockStanding,
    /// What has to be recorded before anything else is.
    pub(crate) note: Option<Note>,
    /// Whether the clock has shown one time while the machine ran on.
    pub(crate) has_stopped: bool,
}

impl Judged {
    /// Tells whether the time that the store goes by stands still, whatever passes: the clock is behind the last record, or has
    /// stopped.
    pub(crate) const fn is_still(&self) -> bool {
        match self.standing {
            ClockStanding::Steady => self.has_stopped,
            ClockStanding::Behind(_) => true,
            // What has passed is told by the machine alone.
            ClockStanding::Ahead(_) => self.seen.boot.is_none(),
        }
    }
}

impl Seen {
    fn since(self, earlier: Option<BootTime>) -> Option<Duration> {
        self.boot?.since(earlier?)
    }

    /// Tells whether the clock has stopped since it was last believed: the machine ran for longer than a clock needs to move. One
    /// that was set back shows an earlier time.
    fn has_stopped(self, believed: Option<Self>) -> bool {
        let Some(before) = believed.filter(|before| self.wall >= before.wall) else { return false };
        let shown = self.wall.since(before.wall);
        shown < BELIEVED_FOR && self.since(before.boot).is_some_and(|passed| passed >= STOPPED_AFTER)
    }

    /// Goes by the clock, but never back.
    fn believed(self, told: Told, note: Option<Note>) -> Judged {
        let last_at = told.last_at;
        if self.wall >= last_at {
            let standing = ClockStanding::Steady;
            return Judged { seen: self, now: self.wall, standing, note, has_stopped: false };
        }
        let is_said = told.clocks.ran_back_at == Some(last_at);
        let note = note.or_else(|| (!is_said).then_some(Note::RanBack));
        let standing = ClockStanding::Behind(last_at.since(self.wall));
        Judged { seen: self, now: last_at, standing, note, has_stopped: false }
    }

    fn ahead_of(self, now: Timestamp, note: Option<Note>) -> Judged {
        let standing = ClockStanding::Ahead(self.wall.since(now));
        Judged { seen: self, now, standing, note, has_stopped: false }
    }
}

/// Says what time it is, from what the clocks show, what they showed when they were last believed while the store was open,
/// and what the log tells.
pub(crate) fn judge(seen: Seen, believed: Option<Seen>, told: Told, bounds: ClockBounds) -> Judged {
    Judged { has_stopped: seen.has_stopped(believed), ..judge_time(seen, believed, told, bounds) }
}

fn judge_time(seen: Seen, believed: Option<Seen>, told: Told, bounds: ClockBounds) -> Judged {
    if let Some(held) = told.clocks.held {
        return judge_held(seen, held, told, bounds);
    }
    let (expected, bound) = match believed {
        None => (told.last_at, bounds.ahead_at_open),
        Some(believed) => match seen.since(believed.boot) {
            Some(passed) => (believed.wall.plus(passed).max(told.last_at), bounds.ahead_while_open),
            None => return seen.believed(told, None),
        },
    };
    if seen.wall.since(expected) > bound {
        seen.ahead_of(expected, Some(Note::Held))
    } else {
        seen.believed(told, None)
    }
}

fn judge_held(seen: Seen, held: HeldClock, told: Told, bounds: ClockBounds) -> Judged {
    let Some(passed) = seen.since(held.boot) else {
        // The machine was started anew, or does not tell; how much time passed is not known.
        let is_ahead = seen.wall >= held.observed_at || seen.wall.since(told.last_at) > bounds.ahead_at_open;
        return if is_ahead {
            seen.ahead_of(told.last_at, seen.boot.map(|_| Note::Held))
        } else {
            seen.believed(told, Some(Note::Confirmed(ClockConfirmedBy::Return)))
        };
    };
    let now = held.at.plus(passed).max(told.last_at);
    if seen.wall.since(now) <= bounds.ahead_while_open {
        return seen.believed(told, Some(Note::Confirmed(ClockConfirmedBy::Return)));
    }
    let shown = held.observed_at.plus(passed);
    let agrees = shown.since(seen.wall).max(seen.wall.since(shown)) <= limits::CLOCK_AGREES_WITHIN;
    if agrees && bounds.steady_for.is_some_and(|length| passed >= length) {
        return seen.believed(told, Some(Note::Confirmed(ClockConfirmedBy::Steadiness)));
    }
    // A clock that goes on jumping is looked at anew, now and then.
    let is_anew = !agrees && passed >= limits::CLOCK_HELD_ANEW_AFTER;
    seen.ahead_of(now, is_anew.then_some(Note::Held))
}

#[cfg(test)]
mod tests;
