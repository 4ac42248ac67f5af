//! Owns what has to wait without anything to record: an issuer that is not registered, one that is busy. And how long what failed
//! still waits, by a clock that nobody sets: the store's time may stand still.
//!
//! It is forgotten when the process ends; then it is tried again at once. Read next: [`super::worker`].

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::domain::back_off;
use crate::domain::clock::BootTime;
use crate::domain::due::{Step, is_retry, steps};
use crate::domain::id::SecretId;
use crate::domain::name::{IssuerName, Reason};
use crate::domain::rotation::Rotation;
use crate::domain::secret::Secret;
use crate::engine::clock::monotonic;
use crate::engine::sync::Mutex;
use crate::error::Error;
use crate::seal::random;

use super::steps::{Halt, worded};
use super::worker::Core;

/// Steps that wait, by their secrets. All times are lengths since the worker began.
#[derive(Default)]
pub(super) struct Deferrals(Mutex<HashMap<SecretId, Vec<(Step, Waiting)>>>);

/// Until when, and why, a step waits.
#[derive(Clone)]
struct Waiting {
    until: Duration,
    failures: u32,
    /// Why, unless the log says it.
    reason: Option<Reason>,
    /// The issuer whose room it waits for: it is looked at again as soon as there is some.
    room_of: Option<IssuerName>,
}

impl Deferrals {
    /// Puts a step off, longer each time.
    pub(super) fn put_off(&self, (secret, step): (SecretId, Step), passed: Duration, chance: u16, reason: Reason) {
        let failures = self.failures(secret, step).saturating_add(1);
        let until = passed.saturating_add(back_off::pause(failures, chance));
        self.set(secret, step, Waiting { until, failures, reason: Some(reason), room_of: None });
    }

    /// Puts a step off until an issuer has room, or a time has come; that counts for nothing.
    fn pause(&self, (secret, step): (SecretId, Step), until: Duration, (issuer, reason): (IssuerName, Reason)) {
        let failures = self.failures(secret, step);
        self.set(secret, step, Waiting { until, failures, reason: Some(reason), room_of: Some(issuer) });
    }

    /// Notes until when a step waits that failed, and of which the log says so.
    fn note_failed(&self, secret: SecretId, step: Step, until: Duration) {
        self.set(secret, step, Waiting { until, failures: 0, reason: None, room_of: None });
    }

    fn failures(&self, secret: SecretId, step: Step) -> u32 {
        self.find(secret, step).map_or(0, |waiting| waiting.failures)
    }

    fn find(&self, secret: SecretId, step: Step) -> Option<Waiting> {
        let all = self.0.lock();
        all.get(&secret)?.iter().find(|(other, _)| *other == step).map(|(_, waiting)| waiting.clone())
    }

    fn set(&self, secret: SecretId, step: Step, waiting: Waiting) {
        let mut all = self.0.lock();
        let of_secret = all.entry(secret).or_default();
        of_secret.retain(|(other, _)| *other != step);
        of_secret.push((step, waiting));
    }

    /// Forgets that a step was put off: it was done.
    pub(super) fn forget(&self, secret: SecretId, step: Step) {
        self.remove(secret, |(other, waiting)| *other == step && waiting.reason.is_some());
    }

    /// Forgets how long a step was to wait that failed: it is tried again.
    pub(super) fn begin(&self, secret: SecretId, step: Step) {
        self.remove(secret, |(other, waiting)| *other == step && waiting.reason.is_none());
    }

    fn remove(&self, secret: SecretId, is_it: impl Fn(&(Step, Waiting)) -> bool) {
        let mut all = self.0.lock();
        if let Some(of_secret) = all.get_mut(&secret) {
            of_secret.retain(|one| !is_it(one));
            if of_secret.is_empty() {
                all.remove(&secret);
            }
        }
    }

    /// Forgets all steps that are not to be done any more.
    pub(super) fn keep(&self, is_there: impl Fn(SecretId, Step) -> bool) {
        self.0.lock().retain(|secret, of_secret| {
            of_secret.retain(|(step, _)| is_there(*secret, *step));
            !of_secret.is_empty()
        });
    }

    /// Tells whether anything of a secret waits.
    pub(super) fn has(&self, secret: SecretId) -> bool {
        self.0.lock().contains_key(&secret)
    }

    /// Tells whether a step was put off and waits still.
    pub(super) fn waits(
        &self,
        secret: SecretId,
        step: Step,
        passed: Duration,
        has_room: impl Fn(&IssuerName) -> bool,
    ) -> bool {
        let waiting = self.find(secret, step).filter(|waiting| waiting.reason.is_some() && waiting.until > passed);
        waiting.is_some_and(|waiting| !waiting.room_of.as_ref().is_some_and(has_room))
    }

    /// Gives how long a step still waits, whatever for.
    pub(super) fn left(&self, secret: SecretId, step: Step, passed: Duration) -> Duration {
        self.find(secret, step).map_or(Duration::ZERO, |waiting| waiting.until.saturating_sub(passed))
    }

    /// Gives all secrets of which something waits that the log does not tell of, with the reasons, each once.
    pub(super) fn all(&self) -> Vec<(SecretId, Reason)> {
        let waiting = self.0.lock();
        let reasons = waiting.iter().flat_map(|(secret, of_secret)| of_secret.iter().map(|(_, one)| (*secret, one)));
        let mut all: Vec<_> = reasons.filter_map(|(secret, one)| Some((secret, one.reason.clone()?))).collect();
        all.sort_by(|(one, why), (other, because)| (one, why.as_str()).cmp(&(other, because.as_str())));
        all.dedup();
        all
    }
}

/// When a worker began, by clocks that nobody sets.
pub(super) struct Began {
    boot: Option<BootTime>,
    moment: Instant,
}

impl Began {
    pub(super) fn now(boot: Option<BootTime>) -> Self {
        Self { boot, moment: monotonic() }
    }

    /// Gives how long ago that was.
    fn passed(&self, boot: Option<BootTime>) -> Duration {
        let by_machine = boot.and_then(|boot| boot.since(self.boot?));
        by_machine.unwrap_or_else(|| self.moment.elapsed())
    }
}

impl Core {
    /// Returns how long it takes until the first rotation is tried again that may succeed by waiting alone.
    pub(crate) fn first_retry_in(&self) -> Option<Duration> {
        let snapshot = self.engine.shared.published.load();
        let secrets = snapshot.projections.calendar.rotating().filter_map(|id| snapshot.state.secret(id));
        let may_come = |rotation: &Rotation| rotation.parked.is_none() && rotation.may_come();
        let may_come = secrets.filter(|secret| secret.rotation.as_deref().is_some_and(may_come));
        may_come.filter_map(|secret| self.retry_in(secret)).min()
    }
}

impl Core {
    /// Returns the secrets for which something is to be done at a time that the store's time has not reached, except attempts that
    /// failed, whose pauses count the time that passes.
    pub(crate) fn waiting_for_time(&self) -> Vec<SecretId> {
        let (snapshot, now) = (self.engine.view(), self.engine.now());
        let waits = |secret: &Secret| steps(secret).any(|(at, step)| at > now && !is_retry(secret, step, at));
        snapshot.state.secrets.values().filter(|secret| waits(secret)).map(|secret| secret.id).collect()
    }

    /// Gives how long ago the worker began.
    pub(super) fn passed(&self) -> Duration {
        self.began.passed(self.engine.shared.clock.since_boot())
    }

    /// Tells whether the store's time stands still, so that no pause ends by it.
    pub(super) fn is_still(&self) -> bool {
        self.engine.shared.look_at_clock().is_still()
    }

    /// Notes how long a step waits that failed.
    pub(super) fn note_failed(&self, secret: SecretId, step: Step, pause: Duration) {
        self.later.note_failed(secret, step, self.passed().saturating_add(pause));
    }

    /// Gives how long it takes until a rotation that failed is tried again.
    pub(super) fn retry_in(&self, secret: &Secret) -> Option<Duration> {
        let retry_at = secret.rotation.as_deref()?.retry_at?;
        let left = self.later.left(secret.id, Step::GoOn, self.passed());
        Some(if self.is_still() { left } else { retry_at.since(self.engine.now()) })
    }

    /// Forgets what waited and is not to be done any more.
    pub(super) fn forget_gone(&self) {
        let snapshot = self.engine.shared.published.load();
        let is_to_do = |secret: &Secret, step: Step| steps(secret).any(|(_, to_do)| to_do == step);
        self.later.keep(|secret, step| snapshot.state.secret(secret).is_some_and(|secret| is_to_do(secret, step)));
    }

    /// Puts a step off that was done too often in a row: whatever goes round in a circle does not do so at full speed.
    pub(super) fn tire(&self, secret: SecretId, step: Step) -> Result<(), Error> {
        let reason = Reason::of("it takes more steps than it should; going on later");
        self.later.put_off((secret, step), self.passed(), Self::chance()?, reason);
        Ok(())
    }

    /// Sees to it that a step which could not be done waits; gives the error of a store that fails.
    pub(super) fn halt(&self, secret: SecretId, step: Step, halt: Halt) -> Result<(), Error> {
        let (which, passed) = ((secret, step), self.passed());
        match halt {
            Halt::Store(error) => {
                self.later.put_off(which, passed, Self::chance()?, worded(&error));
                if error.refusal().is_some() { Ok(()) } else { Err(error) }
            }
            Halt::Later(reason) => {
                self.later.put_off(which, passed, Self::chance()?, reason);
                Ok(())
            }
            Halt::Busy(issuer) => {
                let reason = Reason::of("the issuer has as many calls out as it may; waiting for its turn");
                self.later.pause(which, passed.saturating_add(Duration::from_secs(1)), (issuer, reason));
                Ok(())
            }
            #[cfg(test)]
            Halt::Interrupted => Err(Error::internal("interrupted")),
        }
    }

    /// Draws what spreads pauses.
    pub(super) fn chance() -> Result<u16, Error> {
        Ok(u16::from_be_bytes(random::array()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_step_waits_and_the_others_of_its_secret_do_not() {
        let (later, secret) = (Deferrals::default(), SecretId::from_bytes([1; 16]));
        later.put_off((secret, Step::Delete), SECOND, u16::MAX, Reason::of("not now"));
        let waits = |step, passed| later.waits(secret, step, passed, |_: &IssuerName| false);
        assert!(waits(Step::Delete, SECOND) && !waits(Step::Delete, 3 * SECOND));
        assert!(!waits(Step::GoOn, SECOND));
        later.note_failed(secret, Step::GoOn, 9 * SECOND);
        assert!(!waits(Step::GoOn, SECOND), "the log says when");
        assert_eq!(later.left(secret, Step::GoOn, 2 * SECOND), 7 * SECOND);
        assert_eq!(later.all(), [(secret, Reason::of("not now"))]);
        later.forget(secret, Step::Delete);
        assert_eq!(later.all(), []);
    }
}
