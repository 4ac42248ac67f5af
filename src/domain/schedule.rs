//! Owns when a policy rotates: occurrences that count from an anchor, so that neither a late run nor a short month moves the later
//! ones, a spread over secrets, and a slack for programs that a timer runs.
//!
//! The anchor is the last version that no policy made: the first one, or one by hand. When the interval changes it is the current
//! version. Read next: [`super::due`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::held::held;
use super::id::SecretId;
use super::limits;
use super::name::Reason;
use super::policy::{Interval, IntervalUnit};
use super::secret::{Lifecycle, Secret, SecretSpec};
use super::settings::Settings;
use super::time::Timestamp;
use super::touch::touched;

/// When and why a rotation was last given up, until the next version comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenUp {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Reason,
}

impl Interval {
    /// Gives the first time after `time` that lies whole intervals behind `anchor`.
    pub(crate) fn first_after(self, anchor: Timestamp, time: Timestamp) -> Timestamp {
        let Some(elapsed) = time.since(anchor).as_secs().checked_div(self.secs_max()) else { return Timestamp::MAX };
        // So many have passed at the least; short months make it a few more.
        let mut times = elapsed.max(1);
        loop {
            let at = self.times_after(anchor, times);
            if at > time || at == Timestamp::MAX {
                return at;
            }
            times = times.saturating_add(1);
        }
    }

    /// Gives the time so many intervals after `anchor`.
    fn times_after(self, anchor: Timestamp, times: u64) -> Timestamp {
        match self.unit {
            IntervalUnit::Month => {
                let months = u64::from(self.count).saturating_mul(times);
                u16::try_from(months).map_or(Timestamp::MAX, |months| anchor.plus_months(months))
            }
            IntervalUnit::Hour | IntervalUnit::Day => {
                anchor.plus(Duration::from_secs(self.secs_min().saturating_mul(times)))
            }
        }
    }

    /// Gives how long before its time a rotation counts as due for a program that a timer runs: an eighth of the interval, a day at
    /// most.
    pub(crate) fn slack(self) -> Duration {
        Duration::from_secs(self.secs_min().wrapping_div(8)).min(limits::SCHEDULE_SLACK_MAX)
    }

    /// Gives how long after its time a secret rotates, so that those which were made together do not rotate at one instant: a
    /// forty-eighth of the interval at most, and half an hour. Always the same for a secret.
    fn spread(self, secret: SecretId) -> Duration {
        let most = Duration::from_secs(self.secs_min().wrapping_div(48)).min(limits::SCHEDULE_SPREAD_MAX);
        let drawn = secret.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let of_1024 = u32::try_from((drawn ^ (drawn >> 32)) & 0x3ff).unwrap_or_default();
        most.saturating_mul(of_1024).checked_div(1_024).unwrap_or_default()
    }
}

impl Secret {
    /// Gives the time of the next scheduled rotation, when an active policy stands on an active secret whose expiry is not held
    /// back. A day after the last one that is refused still.
    ///
    /// It counts from the schedule, not from the last run: a late run, or a short month, does not move the later ones. A worker
    /// rotates up to half an hour after it, spread over secrets. A credential of an issuer that ends before that run, or soon
    /// after it (an eighth of its life, a day at most), rotates earlier: when two thirds of its life are over, and no sooner
    /// than an hour after it was made. If the last renewal brought no later end, the next one waits for a day, or until an hour
    /// before the end. A credential of an issuer also rotates while its expiry is held back, since the next one is what the
    /// holders wait for.
    #[must_use]
    pub fn next_rotation_at(&self) -> Option<Timestamp> {
        self.rotation_due_at().and_then(|at| self.unrefused_at(at))
    }

    /// Gives when a rotation that is due at a time can be made.
    fn unrefused_at(&self, due_at: Timestamp) -> Option<Timestamp> {
        let is_held = self.expiry_held_since.is_some() && !self.spec.is_issued_credential();
        let at = Some(due_at).filter(|_| self.lifecycle == Lifecycle::Active && !is_held)?;
        Some(self.refused_for(at).and_then(|refused| self.again_at(refused)).unwrap_or(at))
    }

    /// Gives when its policy rotates it: [`Self::next_rotation_at`], or once a grace is over that alone would refuse it and that ends soon.
    /// So one as long as the interval is waited out, and no refusal is reported of it.
    pub(crate) fn rotates_at(&self) -> Option<Timestamp> {
        let at = self.next_rotation_at()?;
        Some(self.graced_at(at).map_or(at, |until| until.max(at)))
    }

    /// Gives until when a grace holds its rotation back at a time, where nothing else does, and it ends within half an interval of the time
    /// at which the rotation is due.
    pub(crate) fn graced_at(&self, now: Timestamp) -> Option<Timestamp> {
        let policy = self.policy.filter(|policy| policy.auto_rotate)?;
        let held = held(self, self.rotation_touch(), Settings::default(), now)?;
        let most = self.next_rotation_at()?.plus(Duration::from_secs(policy.interval.secs_min().wrapping_div(2)));
        held.graced_until.filter(|until| held.consumers.is_empty() && *until <= most)
    }

    /// Gives when the schedule rotates the current version, whatever its end is.
    fn scheduled_at(&self) -> Option<Timestamp> {
        let policy = self.policy.filter(|policy| policy.auto_rotate)?;
        let current = self.current()?;
        Some(policy.interval.first_after(self.scheduled_from, current.counts_from.plus(policy.interval.slack())))
    }

    /// When an active policy rotates the current version, whatever was refused so far.
    pub(crate) fn rotation_due_at(&self) -> Option<Timestamp> {
        let (at, current) = self.scheduled_at().zip(self.current())?;
        let Some(end) = current.expires_at.filter(|_| self.spec.issuance().is_some()) else { return Some(at) };
        let life = end.since(current.counts_from);
        // The version after it needs time to be taken into use.
        let overlap = life.checked_div(8).unwrap_or_default().min(limits::SCHEDULE_OVERLAP_MAX);
        if end > at && end.since(at) >= overlap {
            return Some(at);
        }
        let has_gained = self.previous().and_then(|before| before.expires_at).is_none_or(|before| before < end);
        // An end that does not move would be renewed for at ever shorter intervals.
        let pause = life.saturating_sub(limits::EARLY_ROTATION_PAUSE).min(limits::USELESS_RENEWAL_PAUSE);
        let early = if has_gained { early(life) } else { early(life).max(pause) };
        Some(current.counts_from.plus(early).min(at))
    }

    /// Gives when the first releases rotated the current version, which did not look at the end of the version before, nor at
    /// what is left behind the scheduled run.
    fn first_due_at(&self) -> Option<Timestamp> {
        let (at, current) = self.scheduled_at().zip(self.current())?;
        let end = current.expires_at.filter(|end| *end <= at && self.spec.issuance().is_some());
        Some(end.map_or(at, |end| current.counts_from.plus(early(end.since(current.counts_from))).min(at)))
    }

    /// Returns how long before its time a single run begins a scheduled rotation: as much as the schedule permits, but only three
    /// hours while it waits because it was refused or given up. Otherwise a timer would pass over that pause.
    pub(crate) fn rotation_slack(&self) -> Duration {
        let Some(at) = self.rotation_due_at() else { return Duration::ZERO };
        let slack = self.slack_before(at);
        if self.refused_for(at).is_some() { slack.min(limits::REFUSED_ROTATION_SLACK) } else { slack }
    }

    /// Returns how long before its time a scheduled rotation may begin: an eighth of what the version lasts at most, where it lasts
    /// shorter than the interval.
    fn slack_before(&self, due_at: Timestamp) -> Duration {
        let Some((policy, current)) = self.policy.zip(self.current()) else { return Duration::ZERO };
        let lasts = due_at.since(current.counts_from);
        policy.interval.slack().min(lasts.checked_div(8).unwrap_or_default())
    }

    /// Tells whether a scheduled rotation may begin at a time, somewhat early included. What the rule of the first releases
    /// permits stays permitted: their logs are held to this.
    pub(crate) fn may_rotate_at(&self, now: Timestamp) -> bool {
        let begins = |due: Timestamp| self.unrefused_at(due).is_some_and(|at| at <= now.plus(self.slack_before(due)));
        [self.rotation_due_at(), self.first_due_at()].into_iter().flatten().any(begins)
    }

    /// Gives how long after its time a worker rotates it; never past the half of what is left of the credential's life.
    pub(crate) fn rotation_spread(&self, at: Timestamp) -> Duration {
        let spread = self.policy.map_or(Duration::ZERO, |policy| policy.interval.spread(self.id));
        let end = self.expires_at().map(|end| end.since(at).checked_div(2).unwrap_or_default());
        end.map_or(spread, |left| spread.min(left))
    }

    /// Tells whether a policy, or a rotation that is under way, renews a certificate of an authority of one's own: then it does not
    /// expire by its date, since a renewal that was missed is made late rather than never.
    pub(crate) fn is_renewed(&self) -> bool {
        let is_private = matches!(self.spec, SecretSpec::PrivateCert { .. });
        is_private && (self.rotation.is_some() || self.policy.is_some_and(|policy| policy.auto_rotate))
    }

    /// Gives when a rotation that was due at a time, or somewhat early, was last refused or given up.
    pub(crate) fn refused_for(&self, at: Timestamp) -> Option<Timestamp> {
        self.rotation_refused_at.filter(|refused| refused.plus(self.slack_before(at)) >= at)
    }

    /// Gives when a rotation that was refused is tried again; nothing when what refused it is gone, as far as can be seen here:
    /// whether the store as a whole is strict is not known, and the worker looks.
    fn again_at(&self, refused: Timestamp) -> Option<Timestamp> {
        let again = refused.plus(limits::REFUSED_ROTATION_PAUSE);
        if self.given_up.as_ref().is_some_and(|given_up| given_up.at >= refused) {
            return Some(again);
        }
        let touch = self.rotation_touch();
        let versions = touched(self, touch, Settings::default());
        if versions.iter().any(|version| !version.locks.is_empty()) {
            return Some(again);
        }
        let Some(held) = held(self, touch, Settings::default(), refused) else {
            let room = || self.makes_room(refused).map_or(again, |(at, _)| at.min(again));
            return (!self.has_room()).then(room);
        };
        let is_graced_alone = held.consumers.is_empty();
        Some(held.graced_until.filter(|_| is_graced_alone).map_or(again, |until| until.min(again)))
    }
}

/// Gives after how much of its life a credential is renewed that ends before the next run.
fn early(life: Duration) -> Duration {
    let two_thirds = life.saturating_sub(life.checked_div(3).unwrap_or_default());
    two_thirds.max(limits::EARLY_ROTATION_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::IntervalUnit::{Day, Hour, Month};
    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn month_ends_stay_month_ends() {
        let monthly = Interval::new(1, Month).unwrap();
        let anchor = time("2026-01-31T03:00:05Z");
        let mut at = anchor;
        for expected in ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30"] {
            at = monthly.first_after(anchor, at);
            assert_eq!(at.to_string(), format!("{expected}T03:00:05Z"));
        }
        let leap = monthly.first_after(anchor, time("2028-02-01T00:00:00Z"));
        assert_eq!(leap.to_string(), "2028-02-29T03:00:05Z");
        let after_years = monthly.first_after(anchor, time("2126-12-31T03:00:05Z"));
        assert_eq!(after_years.to_string(), "2127-01-31T03:00:05Z");
    }

    #[test]
    fn the_first_occurrence_lies_an_interval_behind_the_anchor_and_none_is_passed_over() {
        let anchor = time("2026-01-31T03:00:05Z");
        for (count, unit) in [(6, Hour), (1, Day), (7, Day), (1, Month), (3, Month), (24, Month)] {
            let interval = Interval::new(count, unit).unwrap();
            assert_eq!(interval.first_after(anchor, anchor), interval.after(anchor));
            let mut at = anchor;
            for times in 1..60 {
                let next = interval.first_after(anchor, at);
                assert_eq!(next, interval.times_after(anchor, times), "{interval}");
                assert_eq!(interval.first_after(anchor, at.plus(Duration::from_secs(3_600))), next, "{interval}");
                at = next;
            }
        }
        let daily = Interval::new(1, Day).unwrap();
        assert_eq!(daily.first_after(anchor, Timestamp::MAX), Timestamp::MAX);
    }

    #[test]
    fn the_spread_is_small_the_same_each_time_and_used_whole() {
        for (count, unit, most, slack) in [(6, Hour, 450, 2_700), (1, Day, 1_800, 10_800), (24, Month, 1_800, 86_400)] {
            let interval = Interval::new(count, unit).unwrap();
            let ids = (0..4_000_u128).map(|number| SecretId::from_bytes((number << 40).to_be_bytes()));
            let mut quarters = [0_u32; 4];
            for id in ids {
                let spread = interval.spread(id).as_secs();
                assert_eq!(interval.spread(id).as_secs(), spread);
                assert!(spread < most, "{interval}: {spread}");
                quarters[usize::try_from(spread * 4 / most).unwrap()] += 1;
            }
            assert!(quarters.iter().all(|secrets| (700..1_300).contains(secrets)), "{interval}: {quarters:?}");
            assert_eq!(interval.slack().as_secs(), slack);
        }
    }
}
