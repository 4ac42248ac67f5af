//! Owns the arguments of `latchkeep credential`: what issuers have outside and the log knows nothing of.
//!
//! Read next: [`super::backup`], on the quarantine.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use latchkeep::{IssuerName, OutsideId};

/// `latchkeep credential ...`
#[derive(Debug, Subcommand)]
pub(crate) enum CredentialCommand {
    List(CredentialList),
    End(CredentialEnd),
}

/// Lists the credentials outside that carry the store's tag and that its log knows nothing of.
///
/// They come of the original that this store was restored or copied from, and may be in use. Issuers that can list what they made are
/// asked (of class `create_discoverable`), in quarantine too. While one has such a credential, no sweep ends anything there.
/// Exits with 1 if there are any.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep credential list --issuers issuers.json")]
pub(crate) struct CredentialList {
    /// The issuers.
    #[arg(long, env = "LATCHKEEP_ISSUERS", value_name = "FILE")]
    pub(crate) issuers: PathBuf,
}

/// Ends a credential outside that the log knows nothing of, or all of an issuer.
///
/// Look first that nobody uses it: the original of a restored store may have made it. It is ended at once.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep credential end orders-role lk_1f0a --issuers issuers.json
  latchkeep credential end orders-role --all --issuers issuers.json")]
pub(crate) struct CredentialEnd {
    /// The issuer that lists it.
    #[arg(value_name = "ISSUER")]
    pub(crate) issuer: IssuerName,
    /// What the outside system calls it.
    #[arg(value_name = "OUTSIDE-ID", required_unless_present = "all", conflicts_with = "all")]
    pub(crate) outside: Option<OutsideId>,
    /// All that this issuer lists and the log knows nothing of.
    #[arg(long)]
    pub(crate) all: bool,
    /// The issuers.
    #[arg(long, env = "LATCHKEEP_ISSUERS", value_name = "FILE")]
    pub(crate) issuers: PathBuf,
    /// Asks no question on a terminal.
    #[arg(long, short)]
    pub(crate) yes: bool,
}
