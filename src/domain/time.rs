//! Owns points in time and the arithmetic on them; it never asks a clock.
//!
//! On disk a time is a count of nanoseconds; order in the log is by position, never by time. Read next:
//! [`super::policy`].

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::invalid::Invalid;

/// A point in time: nanoseconds since 1970-01-01 00:00 UTC, leap seconds not counted, up to the year 2262.
///
/// ```
/// use latchkeep::Timestamp;
///
/// let noon = Timestamp::parse("2026-11-23T12:00:00Z")?;
/// assert_eq!(noon.to_string(), "2026-11-23T12:00:00Z");
/// assert!(Timestamp::parse("noon").is_err());
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(TextOrNanos);

/// The same count, written as RFC 3339 text for people and as a number of 8 bytes for machines.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct TextOrNanos(u64);

/// The last nanosecond that fits the signed 64 bits that other systems use: 2262-04-11.
const NANOS_MAX: u64 = i64::MAX as u64;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

impl Timestamp {
    /// The first moment, 1970-01-01 00:00 UTC.
    pub const EPOCH: Self = Self(TextOrNanos(0));

    /// The last moment that can be written, in the year 2262.
    pub const MAX: Self = Self(TextOrNanos(NANOS_MAX));

    /// Makes a point in time from nanoseconds since 1970 UTC; later than [`Timestamp::MAX`] counts as that.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(TextOrNanos(if nanos > NANOS_MAX { NANOS_MAX } else { nanos }))
    }

    /// Gives the nanoseconds since 1970 UTC.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0.0
    }

    /// Reads RFC 3339 text such as `2026-11-23T12:00:00Z` or `2026-11-23T13:00:00.5+01:00`, and nothing wider: an offset
    /// from UTC goes up to 23:59, and no time zone is named. A leap second counts as the second before it.
    ///
    /// # Errors
    ///
    /// [`Invalid`] when the text is no such time, or lies before 1970-01-01 or after 2262-04-11, which it says.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::new("time", "is not RFC 3339, such as 2026-11-23T12:00:00Z");
        if !is_rfc_3339(text) {
            return Err(wrong());
        }
        let year = text.get(..4).and_then(|year| year.parse::<u16>().ok());
        if year.is_none_or(|year| !(1969..=2262).contains(&year)) {
            return Err(out_of_range());
        }
        let found: jiff::Timestamp = text.parse().map_err(|_| wrong())?;
        match u64::try_from(found.as_nanosecond()) {
            Ok(nanos) if nanos <= NANOS_MAX => Ok(Self::from_nanos(nanos)),
            _ => Err(out_of_range()),
        }
    }

    /// Adds a length of time; stops at [`Timestamp::MAX`].
    #[must_use]
    pub fn plus(self, length: Duration) -> Self {
        let nanos = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
        Self::from_nanos(self.as_nanos().saturating_add(nanos))
    }

    /// Gives how long `earlier` lies before this time; zero when it does not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.as_nanos().saturating_sub(earlier.as_nanos()))
    }

    /// Takes a length of time away; stops at [`Timestamp::EPOCH`].
    #[must_use]
    pub(crate) fn minus(self, length: Duration) -> Self {
        let nanos = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
        Self::from_nanos(self.as_nanos().saturating_sub(nanos))
    }

    /// Adds calendar months in UTC; a day that the month does not have becomes its last day.
    #[must_use]
    pub fn plus_months(self, months: u16) -> Self {
        let zoned = self.to_jiff().to_zoned(jiff::tz::TimeZone::UTC);
        let span = jiff::Span::new().months(i64::from(months));
        match zoned.checked_add(span) {
            Ok(then) => u64::try_from(then.timestamp().as_nanosecond()).map_or(Self::MAX, Self::from_nanos),
            Err(_) => Self::MAX,
        }
    }

    /// Returns the second that it lies in, as people are shown times: `2026-11-23T12:00:00Z`.
    #[must_use]
    pub const fn to_second(self) -> Self {
        Self::from_nanos(self.as_nanos() - self.as_nanos() % NANOS_PER_SECOND)
    }

    fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_nanosecond(i128::from(self.as_nanos())).unwrap_or(jiff::Timestamp::MAX)
    }
}

fn out_of_range() -> Invalid {
    Invalid::new("time", "lies before 1970-01-01 or after 2262-04-11, which a store cannot hold")
}

/// Tells whether a text has the form of RFC 3339, digit by digit; whether there is such a day is not asked.
fn is_rfc_3339(text: &str) -> bool {
    let Some((date_time, rest)) = text.as_bytes().split_at_checked("2026-11-23T12:00:00".len()) else { return false };
    let is_shaped = date_time.iter().zip(b"dddd-dd-ddTdd:dd:dd").all(|(byte, shape)| match shape {
        b'd' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't' | b' '),
        mark => byte == mark,
    });
    let fraction = match rest.strip_prefix(b".") {
        Some(fraction) => fraction.iter().take_while(|byte| byte.is_ascii_digit()).count().saturating_add(1),
        None => 0,
    };
    let offset = rest.get(fraction..).unwrap_or_default();
    is_shaped && fraction != 1 && is_offset(offset)
}

/// Tells whether bytes are an offset from UTC: `Z`, or a sign with hours up to 23 and minutes up to 59.
const fn is_offset(bytes: &[u8]) -> bool {
    match bytes {
        b"Z" | b"z" => true,
        [b'+' | b'-', tens, ones, b':', b'0'..=b'5', b'0'..=b'9'] => {
            matches!((*tens, *ones), (b'0' | b'1', b'0'..=b'9') | (b'2', b'0'..=b'3'))
        }
        _ => false,
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_jiff(), f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({self})")
    }
}

impl Serialize for TextOrNanos {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(&Timestamp(*self))
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for TextOrNanos {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
            Timestamp::parse(&text).map(|time| time.0).map_err(serde::de::Error::custom)
        } else {
            match u64::deserialize(deserializer)? {
                nanos if nanos <= NANOS_MAX => Ok(Self(nanos)),
                _ => Err(serde::de::Error::custom("a time after 2262")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More was taken than RFC 3339 allows: offsets of a day and more, zones that contradict the offset, other forms. What
    /// lies out of range was said to be no time at all.
    #[test]
    fn a_time_is_rfc_3339_and_nothing_else() {
        for (text, shown) in [
            ("2027-01-31T10:00:00Z", "2027-01-31T10:00:00Z"),
            ("2027-01-31t10:00:00.25z", "2027-01-31T10:00:00.25Z"),
            ("2027-01-31 10:00:00+23:59", "2027-01-30T10:01:00Z"),
            ("2026-12-31T23:59:60Z", "2026-12-31T23:59:59Z"),
            ("1970-01-01T00:30:00+00:30", "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), shown, "{text}");
        }
        for text in [
            "2027-01-31T10:00:00+25:00",
            "2027-01-31T10:00:00+24:00",
            "2027-01-31T10:00:00+01:60",
            "2027-01-31T10:00:00+05:00[Europe/Berlin]",
            "2027-01-31T10:00:00Z[UTC]",
            "20270131T100000Z",
            "2027-01-31T10:00:00,5Z",
            "2027-01-31T10:00:00.Z",
            "+002027-01-31T10:00:00Z",
            "2027-01-31T10:00Z",
            "2027-01-31T10:00:00",
            "2027-02-30T10:00:00Z",
            "2027-01-31T10:00:00+0100",
            "2027-01-31T10:00:00+01",
            "2027-W05-7T10:00:00Z",
            "",
        ] {
            assert!(Timestamp::parse(text).unwrap_err().rule().contains("RFC 3339"), "{text}");
        }
        for text in ["9999-12-31T23:59:59Z", "2262-04-12T00:00:00Z", "1969-12-31T23:59:59Z", "0001-01-01T00:00:00Z"] {
            assert!(Timestamp::parse(text).unwrap_err().rule().contains("2262"), "{text}");
        }
    }

    #[test]
    fn months_follow_the_calendar() {
        let end_of_january = Timestamp::parse("2026-01-31T10:00:00Z").unwrap();
        assert_eq!(end_of_january.plus_months(1).to_string(), "2026-02-28T10:00:00Z");
        assert_eq!(end_of_january.plus_months(24).to_string(), "2028-01-31T10:00:00Z");
    }

    #[test]
    fn arithmetic_stops_at_the_ends() {
        assert_eq!(Timestamp::MAX.plus(Duration::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MAX.plus_months(u16::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::EPOCH.since(Timestamp::MAX), Duration::ZERO);
        assert_eq!(Timestamp::parse(&Timestamp::MAX.to_string()).unwrap(), Timestamp::MAX);
        assert!(Timestamp::parse("1969-12-31T23:59:59Z").is_err());
    }
}
