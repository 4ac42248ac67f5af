//! Owns the arguments of `latchkeep credential`: what issuers have outside and the log knows nothing of.
//!
//! Read next: [`super::backup`], on the quarantine.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use latchkeep::{IssuerName, OutsideId};

use super::secret::SecretArg;
use crate::times::Moment;

/// `latchkeep credential ...`
#[derive(Debug, Subcommand)]
pub(crate) enum CredentialCommand {
    List(CredentialList),
    Adopt(CredentialAdopt),
    End(CredentialEnd),
}

/// Lists the credentials outside that carry the store's tag and that its log knows nothing of.
///
/// They come of the original that this store was restored or copied from, and may be in use. Issuers that can list what they made are
/// asked (of class `create_discoverable`), in quarantine too. While one has such a credential, no sweep ends anything there: adopt or end each.
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

/// Takes a credential into the store that exists outside and that the log knows nothing of.
///
/// It becomes the current version of SECRET, whose issuer has to list it; the version before becomes previous, as by a rotation, and
/// is refused as one: by locks, a grace, consumers, and while the store is in quarantine. The credential has to log in.
///
/// No issuer gives the data of a credential a second time, so it is brought along: the credential as the other store hands it out
/// (latchkeep secret get), a JSON object. For kind `postgres_role` the password alone is enough, for
/// `private_ca` it takes the fields `certificate` and `private_key`.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep credential adopt orders-db lk_1f0a --from-file password.txt --issuers issuers.json
  ssh old latchkeep secret get orders-db |
    latchkeep credential adopt orders-db lk_1f0a --from-file - --issuers issuers.json")]
pub(crate) struct CredentialAdopt {
    #[command(flatten)]
    pub(crate) secret: SecretArg,
    /// What the outside system calls it, as latchkeep credential list shows it.
    #[arg(value_name = "OUTSIDE-ID")]
    pub(crate) outside: OutsideId,
    /// The file with its data; - means stdin.
    #[arg(long, value_name = "FILE")]
    pub(crate) from_file: PathBuf,
    /// When it ends by itself, where its issuer does not say so: RFC 3339, a date, or a length from now such as 90d.
    #[arg(long, value_name = "TIME")]
    pub(crate) expires_at: Option<Moment>,
    /// Goes over the grace and the consumers of a version that falls out; the log will say so.
    #[arg(long)]
    pub(crate) force: bool,
    /// The issuers.
    #[arg(long, env = "LATCHKEEP_ISSUERS", value_name = "FILE")]
    pub(crate) issuers: PathBuf,
}

/// Ends a credential outside that the log knows nothing of, or all of an issuer.
///
/// Look first that nobody uses it: the original of a restored store may have made it. It is ended at once.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("which").required(true).args(["outside", "all"])))]
#[command(after_long_help = "\
Examples:
  latchkeep credential end orders-role lk_1f0a --issuers issuers.json
  latchkeep credential end orders-role --all --issuers issuers.json")]
pub(crate) struct CredentialEnd {
    /// The issuer that lists it.
    #[arg(value_name = "ISSUER")]
    pub(crate) issuer: IssuerName,
    /// What the outside system calls it.
    #[arg(value_name = "OUTSIDE-ID")]
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
