//! Owns times and lengths of time as people type and read them.
//!
//! Read next: [`super::args`], which parses with it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use latchkeep::{Clock, ClockStatus, Expiry, Invalid, SystemClock, Timestamp};

/// A length of time such as `90s`, `15m`, `2h`, `30d` or `1h30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Length(pub(crate) Duration);

impl std::str::FromStr for Length {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::new("a length of time", "takes numbers with s, m, h, d or w: 90s, 15m, 1h30m, 30d");
        let (mut secs, mut rest) = (0_u64, text);
        while !rest.is_empty() {
            let digits = rest.find(|char: char| !char.is_ascii_digit()).ok_or_else(wrong)?;
            let (number, after) = rest.split_at_checked(digits).ok_or_else(wrong)?;
            let unit = after.chars().next().and_then(unit_secs).ok_or_else(wrong)?;
            let number: u64 = number.parse().map_err(|_| wrong())?;
            secs = number.checked_mul(unit).and_then(|more| secs.checked_add(more)).ok_or_else(wrong)?;
            rest = after.get(1..).unwrap_or_default();
        }
        if secs == 0 { Err(wrong()) } else { Ok(Self(Duration::from_secs(secs))) }
    }
}

const fn unit_secs(unit: char) -> Option<u64> {
    Some(match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    })
}

impl From<Length> for Expiry {
    /// The store, which knows the time of the record, makes an end of the length.
    fn from(length: Length) -> Self {
        Self::After(length.0)
    }
}

impl Length {
    /// Gives whole seconds, as far as they fit.
    pub(crate) fn secs(self) -> u32 {
        u32::try_from(self.0.as_secs()).unwrap_or(u32::MAX)
    }
}

/// A point in time, in the one grammar of all options: RFC 3339, a date (its first moment in UTC), or a length of time from
/// now, ahead or back as the option means it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    At(Timestamp),
    Away(Length),
}

impl std::str::FromStr for Moment {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let is_dated = text.as_bytes().get(4) == Some(&b'-');
        let is_date = is_dated && text.len() == "2027-01-31".len();
        let found = if is_date {
            Timestamp::parse(&format!("{text}T00:00:00Z")).map(Self::At)
        } else if is_dated {
            Timestamp::parse(text).map(Self::At)
        } else {
            text.parse().map(Self::Away)
        };
        found.map_err(|invalid| match invalid.rule() {
            // It is a time, and the range is what is wrong with it.
            rule if is_dated && rule.starts_with("lies") => Invalid::new("a time", rule.to_owned()),
            _ => Invalid::new(
                "a time",
                "is a date (2027-01-31), RFC 3339 (2027-01-31T10:00:00Z), or a length from now (30d)",
            ),
        })
    }
}

impl Moment {
    /// Gives the time where a length counts back from now.
    pub(crate) fn back(self) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::Away(length) => {
                let nanos = u64::try_from(length.0.as_nanos()).unwrap_or(u64::MAX);
                Timestamp::from_nanos(now().as_nanos().saturating_sub(nanos))
            }
        }
    }

    /// Gives the time where a length counts from now on.
    pub(crate) fn ahead(self) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::Away(length) => now().plus(length.0),
        }
    }
}

impl From<Moment> for Expiry {
    fn from(moment: Moment) -> Self {
        match moment {
            Moment::At(time) => Self::At(time),
            Moment::Away(length) => length.into(),
        }
    }
}

/// Nanoseconds by which the time that the open store goes by lies behind the system's clock, and ahead of it.
static BEHIND: AtomicU64 = AtomicU64::new(0);
static AHEAD: AtomicU64 = AtomicU64::new(0);

/// Whether the time that the open store goes by stands still.
static STANDS_STILL: AtomicBool = AtomicBool::new(false);

/// Goes by the time of an open store from now on: what it does not count as over is not shown as over.
pub(crate) fn go_by(clock: &ClockStatus) {
    let nanos = |length: Duration| u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
    BEHIND.store(nanos(clock.shown.since(clock.now)), Ordering::SeqCst);
    AHEAD.store(nanos(clock.now.since(clock.shown)), Ordering::SeqCst);
    STANDS_STILL.store(clock.stands_still, Ordering::SeqCst);
}

/// Gives the time: that of the open store, else of the system's clock.
pub(crate) fn now() -> Timestamp {
    let nanos = SystemClock.now().as_nanos().saturating_sub(BEHIND.load(Ordering::SeqCst));
    Timestamp::from_nanos(nanos.saturating_add(AHEAD.load(Ordering::SeqCst)))
}

/// Says when something that failed is tried again: while the store's time stands still, its time does not come, and the next run
/// does not wait for it.
pub(crate) fn retried(at: Timestamp) -> String {
    if STANDS_STILL.load(Ordering::SeqCst) { "at the next latchkeep rotation run".to_owned() } else { shown(at) }
}

/// Shows a time to the second.
pub(crate) fn shown(time: Timestamp) -> String {
    time.to_second().to_string()
}
