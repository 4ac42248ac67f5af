//! Owns the argument that names a moment of the past.
//!
//! Read next: [`super::super::looking`], which shows what stood then.

use clap::Args;
use latchkeep::Position;
use latchkeep::audit::AsOf;

use crate::times::Moment;

/// `--as-of`
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct AsOfArg {
    /// Shows what stood then: a time in RFC 3339 (2026-11-23T12:03:00Z), a date, a length back from now (1h), or after the
    /// record at a position, as log show gives it (17).
    #[arg(long, value_name = "TIME|POSITION", value_parser = parse)]
    pub(crate) as_of: Option<AsOf>,
}

pub(super) fn parse(text: &str) -> Result<AsOf, String> {
    if let Ok(position) = text.parse::<u64>() {
        return Ok(AsOf::Position(Position::new(position)));
    }
    text.parse::<Moment>()
        .map(|moment| AsOf::Time(moment.back()))
        .map_err(|invalid| format!("{invalid}, or a position (17)"))
}

/// Reads a position of the log.
pub(super) fn position(text: &str) -> Result<Position, String> {
    text.parse().map(Position::new).map_err(|_| "a position is a whole number, as log show gives it".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkeep::Timestamp;

    #[test]
    fn times_and_positions_are_told_apart() {
        assert_eq!(parse("17"), Ok(AsOf::Position(Position::new(17))));
        let time = Timestamp::parse("2026-11-23T12:03:00Z").unwrap();
        assert_eq!(parse("2026-11-23T13:03:00+01:00"), Ok(AsOf::Time(time)));
        assert_eq!(parse("2026-11-23"), Ok(AsOf::Time(Timestamp::parse("2026-11-23T00:00:00Z").unwrap())));
        assert!(matches!(parse("1h"), Ok(AsOf::Time(time)) if time < crate::times::now()));
        for wrong in ["", "-1", "12:03", "yesterday", "2026-13-23", "9999-12-31", "18446744073709551616"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
