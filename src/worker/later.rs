//! Owns what has to wait without anything to record: an issuer that is not registered, one that is busy.
//!
//! It is forgotten when the process ends; then it is tried again at once. Read next: [`super::worker`].

use std::collections::HashMap;
use std::time::Duration;

use crate::domain::back_off;
use crate::domain::id::SecretId;
use crate::domain::name::{IssuerName, Reason};
use crate::domain::time::Timestamp;
use crate::engine::sync::Mutex;
use crate::error::Error;
use crate::seal::random;

use super::steps::{Halt, worded};
use super::worker::Core;

/// Secrets whose next step waits.
#[derive(Default)]
pub(super) struct Later(Mutex<HashMap<SecretId, Waiting>>);

/// Since when, and why, a step waits.
#[derive(Clone)]
struct Waiting {
    until: Timestamp,
    failures: u32,
    reason: Reason,
    /// The issuer whose room it waits for: it is looked at again as soon as there is some.
    room_of: Option<IssuerName>,
}

impl Later {
    /// Puts a secret off, longer each time.
    pub(super) fn put_off(&self, secret: SecretId, now: Timestamp, chance: u16, reason: Reason) {
        let mut waiting = self.0.lock();
        let failures = waiting.get(&secret).map_or(0, |before| before.failures).saturating_add(1);
        let until = now.plus(back_off::pause(failures, chance));
        waiting.insert(secret, Waiting { until, failures, reason, room_of: None });
    }

    /// Puts a secret off until an issuer has room, or a moment has passed; that counts for nothing.
    pub(super) fn pause(
        &self,
        secret: SecretId,
        now: Timestamp,
        moment: Duration,
        (issuer, reason): (IssuerName, Reason),
    ) {
        let mut waiting = self.0.lock();
        let failures = waiting.get(&secret).map_or(0, |before| before.failures);
        waiting.insert(secret, Waiting { until: now.plus(moment), failures, reason, room_of: Some(issuer) });
    }

    /// Forgets that a secret was put off: its step was done.
    pub(super) fn forget(&self, secret: SecretId) {
        self.0.lock().remove(&secret);
    }

    /// Forgets all secrets that are gone.
    pub(super) fn keep(&self, is_there: impl Fn(SecretId) -> bool) {
        self.0.lock().retain(|secret, _| is_there(*secret));
    }

    /// Tells whether a secret waits. An end that lies further ahead than any pause is one of a time that the clock was rebased from.
    pub(super) fn waits(&self, secret: SecretId, now: Timestamp, has_room: impl Fn(&IssuerName) -> bool) -> bool {
        let is_ahead = |until: Timestamp| until > now && until.since(now) <= back_off::PAUSE_MAX;
        let is_to_wait =
            |waiting: &Waiting| is_ahead(waiting.until) && !waiting.room_of.as_ref().is_some_and(&has_room);
        self.0.lock().get(&secret).is_some_and(is_to_wait)
    }

    /// Gives all that wait, with their reasons.
    pub(super) fn all(&self) -> Vec<(SecretId, Reason)> {
        let waiting = self.0.lock();
        let mut all: Vec<_> = waiting.iter().map(|(secret, waiting)| (*secret, waiting.reason.clone())).collect();
        all.sort_by_key(|(secret, _)| *secret);
        all
    }
}

impl Core {
    /// Puts a secret off that has had all its steps in a row: whatever goes round in a circle does not do so at full speed.
    pub(super) fn tire(&self, secret: SecretId) -> Result<(), Error> {
        let reason = Reason::of("it takes more steps than it should; going on later");
        self.later.put_off(secret, self.store.0.now(), Self::chance()?, reason);
        Ok(())
    }

    /// Sees to it that a secret whose step could not be done waits; gives the error of a store that fails.
    pub(super) fn halt(&self, secret: SecretId, halt: Halt) -> Result<(), Error> {
        let now = self.store.0.now();
        match halt {
            Halt::Store(error) if error.refusal().is_some() => {
                let reason = worded(&error);
                self.later.put_off(secret, now, Self::chance()?, reason);
                Ok(())
            }
            Halt::Store(error) => {
                self.later.put_off(secret, now, Self::chance()?, worded(&error));
                Err(error)
            }
            Halt::Later(reason) => {
                self.later.put_off(secret, now, Self::chance()?, reason);
                Ok(())
            }
            Halt::Busy(issuer) => {
                let reason = Reason::of("the issuer has as many calls out as it may; waiting for its turn");
                self.later.pause(secret, now, Duration::from_secs(1), (issuer, reason));
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

    /// A worker that runs on while the clock is rebased once waited for the wrong time to come.
    #[test]
    fn nothing_is_put_off_for_longer_than_the_longest_pause() {
        let (later, secret) = (Later::default(), SecretId::from_bytes([1; 16]));
        let now = Timestamp::parse("2029-01-01T00:00:00Z").unwrap();
        later.put_off(secret, now, u16::MAX, Reason::of("not now"));
        let waits = |now| later.waits(secret, now, |_: &IssuerName| false);
        assert!(waits(now) && !waits(now.plus(Duration::from_secs(2))));
        assert!(!waits(Timestamp::parse("2026-11-23T12:00:00Z").unwrap()));
    }
}
