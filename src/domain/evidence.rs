//! Owns what a log tells against the time that a clock shows, before a person has the store go by it.
//!
//! A store that is rebased to a time that is wrong itself ends leases early, and nobody can take that back. The log knows some right
//! times: where its newest stretch begins, the last ones in front of the step that was wrong, and what the store went by when it did
//! not believe a clock on this machine. None of them is a proof: a person decides. Pure; read next: [`super::rebase`].

use std::time::Duration;

use serde::Serialize;

use super::clock::{BootTime, ClockHeld, Seen};
use super::limits;
use super::position::Position;
use super::time::Timestamp;

/// A reason to doubt the time that a clock shows, before it is rebased to that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RebaseDoubt {
    /// It is before the newest stretch of the log: before its first record, or before the time that it was last rebased to.
    BeforeStretch {
        /// When the stretch begins.
        begins_at: Timestamp,
    },
    /// It is before records that lie in front of the largest step of time behind it; that step is most likely the wrong one.
    BeforeRecords {
        /// The last record in front of the step.
        position: Position,
        /// The time of that record.
        recorded_at: Timestamp,
        /// The time of the record behind the step.
        steps_to: Timestamp,
    },
    /// It differs by more than five minutes from what the store went by when it did not believe a clock, and what has passed since on
    /// this machine, which was not started anew.
    BootTime {
        /// The time by that.
        expected: Timestamp,
    },
}

/// A step of time between two records, or between the time that the clock shows and the first later record.
#[derive(Clone, Copy, Debug)]
struct TimeStep {
    length: Duration,
    from: Option<(Position, Timestamp)>,
    to: Timestamp,
}

/// What the newest stretch of a log tells, as far as it was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence {
    seen: Seen,
    begins_at: Timestamp,
    last: Option<(Position, Timestamp)>,
    largest: Option<TimeStep>,
    expected: Option<Timestamp>,
}

impl Evidence {
    /// Begins at the first record of a stretch.
    pub(crate) const fn against(seen: Seen, begins_at: Timestamp) -> Self {
        Self { seen, begins_at, last: None, largest: None, expected: None }
    }

    /// Takes the next record in.
    pub(crate) fn take(&mut self, position: Position, recorded_at: Timestamp) {
        let shown = self.seen.wall;
        if recorded_at <= shown {
            return;
        }
        let length = recorded_at.since(self.last.map_or(shown, |(_, time)| time));
        if self.largest.is_none_or(|largest| length > largest.length) {
            self.largest = Some(TimeStep { length, from: self.last, to: recorded_at });
        }
        self.last = Some((position, recorded_at));
    }

    /// Takes in that a clock was not believed, and what the store went by then.
    pub(crate) fn take_held(&mut self, recorded_at: Timestamp, held: &ClockHeld) {
        let passed = |earlier: BootTime| self.seen.boot?.since(earlier);
        // The first of them lies the furthest in front of what was wrong.
        self.expected = self.expected.or_else(|| Some(recorded_at.plus(passed(held.boot?)?)));
    }

    /// Gives what speaks against the time that the clock shows.
    pub(crate) fn doubts(&self) -> Vec<RebaseDoubt> {
        let (shown, begins_at) = (self.seen.wall, self.begins_at);
        let before_stretch = (shown < begins_at).then_some(RebaseDoubt::BeforeStretch { begins_at });
        let before_records = self.largest.and_then(|step| {
            let (position, recorded_at) = step.from?;
            Some(RebaseDoubt::BeforeRecords { position, recorded_at, steps_to: step.to })
        });
        let differs =
            |expected: &Timestamp| expected.since(shown).max(shown.since(*expected)) > limits::CLOCK_AHEAD_WHILE_OPEN;
        let boot = self.expected.filter(differs).map(|expected| RebaseDoubt::BootTime { expected });
        [before_stretch, before_records, boot].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::id::BootId;
    use super::*;

    const HOUR: u64 = 3_600;
    const YEARS: u64 = 900 * 86_400;

    fn at(hours: u64) -> Timestamp {
        Timestamp::EPOCH.plus(Duration::from_secs(hours * HOUR))
    }

    fn boot(hours: u64) -> Option<BootTime> {
        Some(BootTime { boot_id: BootId::from_bytes([1; 16]), nanos: hours * HOUR * 1_000_000_000 })
    }

    /// What a log with records at some hours tells against a clock that shows one.
    fn doubts(shown: u64, records: &[u64]) -> Vec<RebaseDoubt> {
        let mut evidence = Evidence::against(Seen { wall: at(shown), boot: None }, at(records[0]));
        (0..).zip(records).for_each(|(position, hours)| evidence.take(Position::new(position), at(*hours)));
        evidence.doubts()
    }

    #[test]
    fn a_time_is_doubted_that_lies_before_records_in_front_of_the_wrong_step() {
        let wrong = YEARS / HOUR;
        let records = [100, 110, 150, wrong, wrong + 20];
        let before = |position, recorded_at, steps_to| RebaseDoubt::BeforeRecords {
            position: Position::new(position),
            recorded_at: at(recorded_at),
            steps_to: at(steps_to),
        };
        assert_eq!(doubts(150, &records), []);
        assert_eq!(doubts(160, &records), []);
        assert_eq!(doubts(149, &records), [before(2, 150, wrong)]);
        assert_eq!(doubts(100, &records), [before(2, 150, wrong)]);
        assert_eq!(doubts(99, &records), [RebaseDoubt::BeforeStretch { begins_at: at(100) }, before(2, 150, wrong)]);
    }

    #[test]
    fn a_time_is_doubted_that_the_time_since_the_start_of_the_machine_does_not_lead_to() {
        let held = |boot| ClockHeld { observed_at: at(YEARS), boot };
        let doubts = |shown, since_boot, first, then| {
            let mut evidence = Evidence::against(Seen { wall: at(shown), boot: since_boot }, at(100));
            evidence.take_held(at(150), &held(first));
            evidence.take_held(at(YEARS), &held(then));
            evidence.doubts()
        };
        let expected = |hours| [RebaseDoubt::BootTime { expected: at(hours) }];
        assert_eq!(doubts(153, boot(8), boot(5), boot(6)), []);
        assert_eq!(doubts(152, boot(8), boot(5), boot(6)), expected(153));
        assert_eq!(doubts(154, boot(8), boot(5), boot(6)), expected(153));
        assert_eq!(doubts(152, boot(2), boot(5), None), [], "another start of the machine");
        assert_eq!(doubts(152, None, boot(5), None), []);
    }
}
