//! Owns the arguments of `latchkeep secret update`: what a secret was told when it was made, told anew.
//!
//! Read next: [`super::issuance`].

use std::path::PathBuf;

use clap::Args;
use latchkeep::{Actor, Interval, IssuerName};

use super::issuance::{parse_grace, parse_interval};
use super::secret::SecretArg;
use crate::times::Moment;

/// Changes what a secret was told when it was made: its issuer and what that is to know, grace, consumers, interval, retention.
///
/// What is not named stays as it is. A rotation that is under way is asked for by what is said now at its next attempt, so that
/// one which its issuer refuses can go on. A rotation that replaces a password in place keeps issuer and parameters until it is
/// over, unless it is parked.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep secret update shop-cert --parameters '{\"common_name\": \"shop.example\"}'
  latchkeep secret update orders-db --rotate-every 30d --grace 1d --consumer billing --consumer web
  latchkeep secret update orders-db --no-consumers --no-rotation")]
#[group(id = "change", required = true, multiple = true, args = ["issuer", "parameters", "csr", "no_parameters", "grace", "consumer", "no_consumers", "rotate_every", "no_rotation", "retention", "expires", "no_expiry"])]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Update {
    #[command(flatten)]
    pub(crate) secret: SecretArg,
    /// Another issuer; the one before still ends what it made.
    #[arg(long, value_name = "NAME")]
    pub(crate) issuer: Option<IssuerName>,
    /// What the issuer is to know: a JSON object, or a file that holds one. Kept in the open; never secret.
    #[arg(long, value_name = "FILE|JSON", conflicts_with = "no_parameters")]
    pub(crate) parameters: Option<String>,
    /// A request for a certificate (PEM) that the consumer made with a key of its own, as for `secret create`; in the place of the
    /// parameters.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["parameters", "no_parameters"])]
    pub(crate) csr: Option<PathBuf>,
    /// The issuer is to know nothing.
    #[arg(long)]
    pub(crate) no_parameters: bool,
    /// How long the credential before stays good at the least, in seconds or such as 1h.
    #[arg(long, value_name = "SECS|1h", value_parser = parse_grace)]
    pub(crate) grace: Option<u32>,
    /// Whom to wait for before the credential before is ended: all of them from now on.
    #[arg(long, value_name = "ACTOR", conflicts_with = "no_consumers")]
    pub(crate) consumer: Vec<Actor>,
    /// Nobody is waited for.
    #[arg(long)]
    pub(crate) no_consumers: bool,
    /// Rotates it by itself, every so many days (d), weeks (w), months (mo) or hours (h; less than a day, from 6h on, custom-credentials
    /// alone).
    #[arg(long, value_name = "30d", value_parser = parse_interval, conflicts_with = "no_rotation")]
    pub(crate) rotate_every: Option<Interval>,
    /// Takes the policy away.
    #[arg(long)]
    pub(crate) no_rotation: bool,
    /// Versions whose data is kept, 2 to 50.
    #[arg(long, value_name = "N")]
    pub(crate) retention: Option<u8>,
    /// When it expires: a date, RFC 3339, or a length from now such as 90d.
    #[arg(long, value_name = "TIME", conflicts_with = "no_expiry")]
    pub(crate) expires: Option<Moment>,
    /// It does not expire any more.
    #[arg(long)]
    pub(crate) no_expiry: bool,
}
