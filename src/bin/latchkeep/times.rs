//! Owns times and lengths of time as people type and read them.
//!
//! Read next: [`super::args`], which parses with it.

use std::time::Duration;

use latchkeep::{Clock, Invalid, SystemClock, Timestamp};

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

impl Length {
    /// Gives the time that lies so far ahead.
    pub(crate) fn ahead(self) -> Timestamp {
        now().plus(self.0)
    }

    /// Gives whole seconds, as far as they fit.
    pub(crate) fn secs(self) -> u32 {
        u32::try_from(self.0.as_secs()).unwrap_or(u32::MAX)
    }
}

/// A point in time: RFC 3339, a date (its first moment in UTC), or a length of time from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl std::str::FromStr for Moment {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let date = || Timestamp::parse(&format!("{text}T00:00:00Z"));
        let ahead = || text.parse::<Length>().map(Length::ahead);
        let found = Timestamp::parse(text).or_else(|_| date()).or_else(|_| ahead());
        found
            .map(Self)
            .map_err(|_| Invalid::new("a time", "is a date (2027-01-31), RFC 3339, or a length from now (30d)"))
    }
}

/// Asks the system's clock.
pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

/// Shows when a lease ends, and whether that is over: a store that is only looked at does not write down the end.
pub(crate) fn shown_end(end: Timestamp) -> String {
    shown_end_at(end, now())
}

/// The same at another time.
pub(crate) fn shown_end_at(end: Timestamp, now: Timestamp) -> String {
    if end <= now { format!("{} (over)", shown(end)) } else { shown(end) }
}

/// Shows a time to the second.
pub(crate) fn shown(time: Timestamp) -> String {
    let text = time.to_string();
    match text.split_once('.') {
        Some((to_the_second, _)) => format!("{to_the_second}Z"),
        None => text,
    }
}
