//! Owns how long a rotation that fails is tried again: attempts that count, time in which workers ran, and single runs.
//!
//! Time in which no worker ran, or the machine slept, counts for nothing; an attempt that found the issuer not available counts
//! as no attempt. Read next: [`super::due`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::limits;
use super::rotation::{Rotation, RotationStage};
use super::rotation_event::AttemptCounted;
use super::secret::Secret;
use super::time::Timestamp;

/// What a rotation that is under way has used up since it was planned or last resumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patience {
    /// Up to when time was counted.
    pub counted_at: Timestamp,
    /// Seconds of work after which it is parked.
    pub limit_secs: u64,
    /// Seconds in which a worker ran.
    pub worked_secs: u64,
    /// Single runs that failed, at most one in 20 hours.
    pub runs: u16,
    /// When the last of them was counted.
    pub run_at: Option<Timestamp>,
    /// Attempts that failed in a row; the pauses grow with them.
    pub failures: u16,
}

/// What a worker says of an attempt that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Effort {
    /// For how long it ran since the last count.
    pub(crate) worked: Duration,
    /// When the run began, if it is a single one.
    pub(crate) run_began: Option<Timestamp>,
    /// Whether the issuer was not available and nothing was done.
    pub(crate) is_outage: bool,
}

impl Patience {
    /// Begins to count, at a time, towards a deadline.
    pub(crate) fn until(deadline: Timestamp, at: Timestamp) -> Self {
        let limit_secs = deadline.since(at).saturating_add(Duration::from_millis(500)).as_secs();
        Self { counted_at: at, limit_secs, worked_secs: 0, runs: 0, run_at: None, failures: 0 }
    }

    /// Gives what is counted of a rotation of which nothing more is known.
    pub(crate) fn of(rotation: &Rotation) -> Self {
        Self::until(rotation.deadline, rotation.planned_at)
    }

    /// Adds an attempt that failed. A single run counts when none was counted since it began, nor just before.
    pub(crate) fn and(&self, effort: Effort, now: Timestamp) -> Self {
        let worked = effort.worked.min(now.since(self.counted_at));
        let is_new =
            |began: Timestamp| self.run_at.is_none_or(|at| at < began && now.since(at) >= limits::RUN_COUNTED_PAUSE);
        let is_counted = effort.run_began.is_some_and(is_new);
        Self {
            counted_at: now,
            limit_secs: self.limit_secs,
            // What is left of a second counts as one, so that many short spans are not lost.
            worked_secs: self
                .worked_secs
                .saturating_add(worked.as_secs())
                .saturating_add(u64::from(worked.subsec_nanos() > 0)),
            runs: self.runs.saturating_add(u16::from(is_counted)),
            run_at: if is_counted { Some(now) } else { self.run_at },
            failures: self.failures.saturating_add(1),
        }
    }

    /// Tells whether it is used up.
    pub(crate) const fn is_over(&self) -> bool {
        self.worked_secs >= self.limit_secs || self.runs >= limits::RUNS_MAX
    }

    /// Says what is counted, with the attempts that count.
    pub(crate) const fn counted(&self, rotation: &Rotation, attempts: u16) -> AttemptCounted {
        let Self { counted_at, limit_secs, worked_secs, runs, run_at, failures } = *self;
        AttemptCounted { rotation: rotation.id, attempts, failures, worked_secs, limit_secs, runs, run_at, counted_at }
    }
}

impl Rotation {
    /// Tells whether waiting may help after an attempt that failed; after a refusal that counts it does not.
    pub(crate) const fn may_come(&self) -> bool {
        match self.stage {
            RotationStage::Planned => self.attempts == 0,
            RotationStage::Attempted | RotationStage::Doubted | RotationStage::Issued(_) => true,
            RotationStage::Staged { .. }
            | RotationStage::Awaiting { .. }
            | RotationStage::Aborting { .. }
            | RotationStage::Ending { .. } => false,
        }
    }
}

impl Secret {
    /// Tells whether the value of its rotation is to be set again before it is proved: it was set, no login with it succeeded, and a
    /// person has resumed the rotation since. Somebody may have set another value meanwhile; to set it again does no harm.
    pub(crate) fn sets_again(&self) -> bool {
        let Some(rotation) = self.rotation.as_deref().filter(|rotation| rotation.class.replaces_in_place()) else {
            return false;
        };
        // A resumption counts anew, and keeps the last failure; a value that is set anew has none.
        let is_resumed =
            rotation.attempts == 0 && self.patience.as_deref().is_some_and(|patience| patience.failures == 0);
        rotation.stage.is_made() && is_resumed && rotation.failure.is_some()
    }
}

impl From<&AttemptCounted> for Patience {
    fn from(event: &AttemptCounted) -> Self {
        let AttemptCounted { counted_at, limit_secs, worked_secs, runs, run_at, failures, .. } = *event;
        Self { counted_at, limit_secs, worked_secs, runs, run_at, failures }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600;

    fn at(secs: u64) -> Timestamp {
        Timestamp::EPOCH.plus(Duration::from_secs(secs))
    }

    fn effort(secs: u64) -> Effort {
        Effort { worked: Duration::from_secs(secs), run_began: None, is_outage: true }
    }

    #[test]
    fn time_counts_that_a_worker_says_it_ran_and_no_more_than_has_passed() {
        let begun = Patience::until(at(24 * HOUR), at(0));
        let one = begun.and(effort(HOUR), at(10 * HOUR));
        assert_eq!((one.worked_secs, one.is_over()), (HOUR, false));
        let two = one.and(effort(100 * HOUR), at(11 * HOUR));
        assert_eq!(two.worked_secs, 2 * HOUR);
        assert!(two.and(effort(22 * HOUR), at(40 * HOUR)).is_over());
    }

    #[test]
    fn five_single_runs_are_enough_however_little_they_worked_and_one_counts_once() {
        let mut spent = Patience::until(at(24 * HOUR), at(0));
        for day in 1..=5 {
            assert!(!spent.is_over());
            let began = at(day * 24 * HOUR);
            let run = |spent: &Patience, secs| {
                spent.and(Effort { run_began: Some(began), ..effort(1) }, began.plus(Duration::from_secs(secs)))
            };
            spent = run(&spent, 1);
            spent = run(&spent, 7_200);
            assert_eq!(spent.runs, u16::try_from(day).unwrap());
        }
        assert!(spent.is_over());
        // A timer that runs each minute is no five runs after five minutes, and one of an hour none after five hours.
        let minutes = (0..20).fold(Patience::until(at(24 * HOUR), at(0)), |spent, minute| {
            let began = at(minute * 60);
            spent.and(Effort { run_began: Some(began), ..effort(1) }, began.plus(Duration::from_secs(1)))
        });
        assert_eq!((minutes.runs, minutes.failures), (1, 20));
    }
}
