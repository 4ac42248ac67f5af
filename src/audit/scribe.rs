//! Owns the small texts of which a line of an export is made: base64, UUIDs, times, decimal numbers, JSON strings.
//!
//! Each is what `Display` of its type gives, without the detour: hundreds of thousands are written each second. Read next:
//! [`super::cloud_event`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::domain::time::Timestamp;

pub(super) fn push_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    out.resize(start.saturating_add(base64_len(bytes.len())), 0);
    if let Some(room) = out.get_mut(start..) {
        // There is room for all of it.
        let _ = STANDARD.encode_slice(bytes, room);
    }
}

/// Gives the length of so many bytes in base64, with padding.
pub(super) const fn base64_len(bytes: usize) -> usize {
    bytes.div_ceil(3).saturating_mul(4)
}

/// Decodes base64 in its one form to the end of a buffer.
pub(super) fn decode_base64(text: &str, into: &mut Vec<u8>) -> Option<usize> {
    let start = into.len();
    into.resize(start.saturating_add(text.len() / 4 * 3).saturating_add(3), 0);
    let decoded = into.get_mut(start..).and_then(|room| STANDARD.decode_slice(text, room).ok());
    into.truncate(start.saturating_add(decoded.unwrap_or(0)));
    decoded
}

pub(super) fn push_uuid(out: &mut Vec<u8>, bytes: &[u8; 16]) {
    let mut text = [0; 36];
    let text = uuid::Uuid::from_bytes(*bytes).as_hyphenated().encode_lower(&mut text);
    out.extend_from_slice(text.as_bytes());
}

/// Writes a text as a JSON string, quotes and all.
pub(super) fn push_json_text(out: &mut Vec<u8>, text: &str) {
    // A text always becomes JSON, and a buffer in memory always takes it.
    let _ = serde_json::to_writer(out, text);
}

/// Writes a number in decimal, with zeros in front up to a width.
pub(super) fn push_decimal(out: &mut Vec<u8>, mut number: u64, width: usize) {
    let start = out.len();
    while number > 0 || out.len().saturating_sub(start) < width {
        out.push(digit(number % 10));
        number /= 10;
    }
    if let Some(digits) = out.get_mut(start..) {
        digits.reverse();
    }
}

fn digit(number: u64) -> u8 {
    b'0'.saturating_add(u8::try_from(number).unwrap_or(0))
}

/// Writes a time as RFC 3339, with as many digits of the second as it takes.
pub(super) fn push_time(out: &mut Vec<u8>, time: Timestamp) {
    let (seconds, nanos) = (time.as_nanos() / NANOS, time.as_nanos() % NANOS);
    let (year, month, day) = date(seconds / DAY);
    let of_day = seconds % DAY;
    for (number, width, then) in
        [(year, 4, b'-'), (month, 2, b'-'), (day, 2, b'T'), (of_day / 3_600, 2, b':'), (of_day / 60 % 60, 2, b':')]
    {
        push_decimal(out, number, width);
        out.push(then);
    }
    push_decimal(out, of_day % 60, 2);
    if nanos > 0 {
        out.push(b'.');
        push_decimal(out, nanos, 9);
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
    out.push(b'Z');
}

/// Gives year, month and day of a number of days since 1970, by the rules of the Gregorian calendar.
///
/// Years are counted from the first of March, so that a leap day is the last of its year.
const fn date(days: u64) -> (u64, u64, u64) {
    let days = days.saturating_add(DAYS_BEFORE_1970);
    let (era, of_era) = (days / DAYS_OF_400_YEARS, days % DAYS_OF_400_YEARS);
    let leap_days = (of_era / 1_460).saturating_sub(of_era / 36_524).saturating_add(of_era / 146_096);
    let year = of_era.saturating_sub(leap_days) / 365;
    let before_year = (365 * year).saturating_add(year / 4).saturating_sub(year / 100);
    let of_year = of_era.saturating_sub(before_year);
    let from_march = (5 * of_year).saturating_add(2) / 153;
    let day = of_year.saturating_sub((153 * from_march).saturating_add(2) / 5).saturating_add(1);
    let (month, next) = if from_march < 10 { (from_march.saturating_add(3), 0) } else { (from_march - 9, 1) };
    (era.saturating_mul(400).saturating_add(year).saturating_add(next), month, day)
}

const NANOS: u64 = 1_000_000_000;
const DAY: u64 = 24 * 3_600;
const DAYS_OF_400_YEARS: u64 = 146_097;

/// Days from the first of March of the year 0 to 1970.
const DAYS_BEFORE_1970: u64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check_time(nanos: u64) {
        let (mut out, time) = (Vec::new(), Timestamp::from_nanos(nanos));
        push_time(&mut out, time);
        assert_eq!(String::from_utf8(out).unwrap(), time.to_string());
    }

    #[test]
    fn every_day_until_2262_is_written_as_display_does() {
        (0..u64::try_from(i64::MAX).unwrap() / (DAY * NANOS)).step_by(7).for_each(|day| check_time(day * DAY * NANOS));
        check_time(Timestamp::MAX.as_nanos());
    }

    #[test]
    fn base64_is_read_in_its_one_form_only() {
        let mut out = vec![9];
        assert_eq!(decode_base64("AQID", &mut out), Some(3));
        assert_eq!(out, [9, 1, 2, 3]);
        for text in ["AQI", "AQID\n", "AQ_D", "AR==", "A", "===="] {
            assert_eq!(decode_base64(text, &mut out), None, "{text:?}");
        }
        assert_eq!(out, [9, 1, 2, 3]);
    }

    proptest! {
        #[test]
        fn times_and_bytes_are_written_as_their_types_do(nanos in any::<u64>(), bytes in any::<Vec<u8>>()) {
            check_time(nanos);
            let (mut text, mut back) = (Vec::new(), Vec::new());
            push_base64(&mut text, &bytes);
            let text = String::from_utf8(text).unwrap();
            prop_assert_eq!(&text, &STANDARD.encode(&bytes));
            prop_assert_eq!(decode_base64(&text, &mut back), Some(bytes.len()));
            prop_assert_eq!(back, bytes);
        }
    }
}
