//! Owns rotation policies: how often a secret rotates, within the bounds of its type.
//!
//! Read next: [`super::settings`].

use std::fmt;

use serde::{Deserialize, Serialize};

use super::code::coded_enum;
use super::invalid::Invalid;
use super::secret::{SecretSpec, SecretType};
use super::time::Timestamp;

coded_enum!(
    /// The unit in which an interval is counted.
    IntervalUnit {
        /// 60 minutes.
        Hour = 1, "hour";
        /// 24 hours.
        Day = 2, "day";
        /// A calendar month, in UTC.
        Month = 3, "month";
    }
);

/// The time between two rotations: a number of hours, days or calendar months.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// How many, from 1.
    pub count: u16,
    /// Of what.
    pub unit: IntervalUnit,
}

const HOUR_SECS: u64 = 3_600;
const DAY_SECS: u64 = 24 * HOUR_SECS;

impl Interval {
    /// Makes an interval of `count` units.
    ///
    /// # Errors
    ///
    /// [`Invalid`] when `count` is 0.
    pub fn new(count: u16, unit: IntervalUnit) -> Result<Self, Invalid> {
        if count == 0 { Err(Invalid::new("interval", "takes a count from 1")) } else { Ok(Self { count, unit }) }
    }

    /// Gives the time one interval after `start`.
    #[must_use]
    pub fn after(self, start: Timestamp) -> Timestamp {
        match self.unit {
            IntervalUnit::Month => start.plus_months(self.count),
            IntervalUnit::Hour | IntervalUnit::Day => start.plus(std::time::Duration::from_secs(self.secs_min())),
        }
    }

    /// Gives the shortest length this interval can have, in seconds: a month counts as 28 days.
    pub(super) const fn secs_min(self) -> u64 {
        let unit_secs = match self.unit {
            IntervalUnit::Hour => HOUR_SECS,
            IntervalUnit::Day => DAY_SECS,
            IntervalUnit::Month => 28 * DAY_SECS,
        };
        (self.count as u64).saturating_mul(unit_secs)
    }

    /// Gives the longest length this interval can have, in seconds: a month counts as 31 days.
    pub(super) const fn secs_max(self) -> u64 {
        match self.unit {
            IntervalUnit::Month => (self.count as u64).saturating_mul(31 * DAY_SECS),
            IntervalUnit::Hour | IntervalUnit::Day => self.secs_min(),
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.count, self.unit, if self.count == 1 { "" } else { "s" })
    }
}

/// How a secret rotates by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationPolicy {
    /// Whether it does; an interval may be kept while it does not.
    pub auto_rotate: bool,
    /// How often.
    pub interval: Interval,
}

impl RotationPolicy {
    /// Makes an active policy.
    #[must_use]
    pub const fn every(interval: Interval) -> Self {
        Self { auto_rotate: true, interval }
    }

    /// Holds the interval to the bounds of the type, and to the lifetime of a credential.
    ///
    /// # Errors
    ///
    /// [`Invalid`], which says the bounds, when the interval lies outside them; also when the type has none.
    pub fn check(self, spec: &SecretSpec) -> Result<(), Invalid> {
        const FIELD: &str = "rotation interval";
        let (secs_min, shortest, months_max) = match spec.secret_type() {
            SecretType::UsernamePassword | SecretType::PrivateCert => (DAY_SECS, "1 day", 24),
            SecretType::IamCredentials | SecretType::ServiceCredentials => (DAY_SECS, "1 day", 3),
            SecretType::CustomCredentials => (6 * HOUR_SECS, "6 hours", 3),
            other @ (SecretType::Arbitrary | SecretType::Kv | SecretType::ImportedCert) => {
                return Err(Invalid::new("rotation policy", format!("is not for secrets of type {other}")));
            }
        };
        let longest = if self.interval.unit == IntervalUnit::Month {
            self.interval.count <= months_max
        } else {
            self.interval.secs_min() <= u64::from(months_max).saturating_mul(30 * DAY_SECS)
        };
        if self.interval.secs_min() < secs_min || !longest {
            return Err(Invalid::new(
                FIELD,
                format!("takes {shortest} to {months_max} months, or {} days", months_max.saturating_mul(30)),
            ));
        }
        let grace_secs = spec.issuance().map_or(0, |issuance| issuance.grace_secs);
        if u64::from(grace_secs) > self.interval.secs_max() {
            return Err(Invalid::new(FIELD, "is shorter than the grace, for which the credential before stays good"));
        }
        match spec.ttl_secs() {
            Some(ttl_secs) if self.interval.secs_max() > u64::from(ttl_secs) => {
                Err(Invalid::new(FIELD, "is longer than the lifetime (ttl) of a credential"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::secret::{ApiKeyTarget, ApiKeyUse, PasswordPolicy};
    use super::*;
    use crate::domain::name::Actor;
    use IntervalUnit::{Day, Hour, Month};

    #[test]
    fn bounds_by_type() {
        let password = SecretSpec::UsernamePassword { password_policy: PasswordPolicy::default() };
        let api_key = |ttl_secs| SecretSpec::IamCredentials {
            ttl_secs,
            api_key_use: ApiKeyUse::UntilLeaseEnds,
            target: ApiKeyTarget::ServiceId(Actor::parse("s").unwrap()),
        };
        let day = 86_400;
        for (spec, count, unit, taken) in [
            (&password, 1, Day, true),
            (&password, 23, Hour, false),
            (&password, 24, Hour, true),
            (&password, 24, Month, true),
            (&password, 25, Month, false),
            (&password, 720, Day, true),
            (&password, 721, Day, false),
            (&api_key(90 * day), 2, Month, true),
            (&api_key(90 * day), 3, Month, false),
            (&api_key(90 * day), 90, Day, true),
            (&api_key(90 * day), 91, Day, false),
            (&api_key(day), 1, Day, true),
            (&api_key(day), 2, Day, false),
            (&SecretSpec::Arbitrary, 1, Day, false),
            (&SecretSpec::Kv, 1, Day, false),
            (&SecretSpec::ImportedCert, 1, Day, false),
        ] {
            let policy = RotationPolicy::every(Interval::new(count, unit).unwrap());
            assert_eq!(policy.check(spec).is_ok(), taken, "{} every {count} {unit}", spec.secret_type());
        }
        assert!(Interval::new(0, Day).is_err());
    }
}
