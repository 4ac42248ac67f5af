//! Owns the arguments that say which issuer makes the credentials of a new secret, and when the one before is ended.
//!
//! Read next: [`super::secret`].

use std::path::PathBuf;

use clap::Args;
use latchkeep::{Actor, Interval, IntervalUnit, IssuerName};

use crate::times::Length;

/// Who makes the credentials.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Issuers (service-credentials, custom-credentials, private-cert)")]
pub(crate) struct IssuanceArgs {
    /// The issuer, by the name that the issuers file, or the host, registers it under.
    #[arg(long, value_name = "NAME")]
    pub(crate) issuer: Option<IssuerName>,
    /// What the issuer is to know: a JSON object, or a file that holds one. Kept in the open; never secret.
    #[arg(long, value_name = "FILE|JSON", requires = "issuer")]
    pub(crate) parameters: Option<String>,
    /// A request for a certificate (PKCS #10, PEM) that the consumer made with a key of its own, which the store never has: what
    /// `csr` in --parameters holds.
    #[arg(long, value_name = "FILE", requires = "issuer", conflicts_with = "parameters")]
    pub(crate) csr: Option<PathBuf>,
    /// How long the credential before stays good at the least, in seconds or such as 1h; none if nothing is said.
    #[arg(long, value_name = "SECS|1h", requires = "issuer", value_parser = parse_grace)]
    pub(crate) grace: Option<u32>,
    /// Whom to wait for before the credential before is ended; can be given up to 32 times. Without any it stays good until
    /// it falls out of the retention window.
    #[arg(long, value_name = "ACTOR", requires = "issuer")]
    pub(crate) consumer: Vec<Actor>,
    /// Rotates it by itself, every so many days (d), weeks (w), months (mo) or hours (h; less than a day, from 6h on, custom-credentials
    /// alone): 30d, 3mo. Also for username-password, by a generated password.
    #[arg(long, value_name = "30d", value_parser = parse_interval)]
    pub(crate) rotate_every: Option<Interval>,
}

pub(super) fn parse_grace(text: &str) -> Result<u32, String> {
    if let Ok(secs) = text.parse::<u32>() {
        return Ok(secs);
    }
    text.parse::<Length>().map(Length::secs).map_err(|invalid| invalid.to_string())
}

pub(super) fn parse_interval(text: &str) -> Result<Interval, String> {
    let wrong = || {
        "takes a number with d, w, mo or h: 30d, 2w, 3mo, 24h; less than a day, from 6h, custom-credentials alone"
            .to_owned()
    };
    let digits = text.find(|char: char| !char.is_ascii_digit()).ok_or_else(wrong)?;
    let (count, unit) = text.split_at_checked(digits).ok_or_else(wrong)?;
    let (each, unit) = match unit {
        "h" => (1, IntervalUnit::Hour),
        "d" => (1, IntervalUnit::Day),
        "w" => (7, IntervalUnit::Day),
        "mo" => (1, IntervalUnit::Month),
        _ => return Err(wrong()),
    };
    let count = count.parse::<u16>().ok().and_then(|count| count.checked_mul(each)).ok_or_else(wrong)?;
    Interval::new(count, unit).map_err(|invalid| invalid.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_intervals_are_read_strictly() {
        assert_eq!((parse_grace("0"), parse_grace("90"), parse_grace("1h")), (Ok(0), Ok(90), Ok(3_600)));
        assert_eq!(parse_interval("30d"), Ok(Interval::new(30, IntervalUnit::Day).unwrap()));
        assert_eq!(parse_interval("3mo"), Ok(Interval::new(3, IntervalUnit::Month).unwrap()));
        for wrong in ["", "d", "30", "0d", "30 d", "-1d", "3m", "99999999d", "30d1"] {
            assert!(parse_interval(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "-1", "h", "99999999999"] {
            assert!(parse_grace(wrong).is_err(), "{wrong}");
        }
    }
}
