//! Owns the arguments of `latchkeep lock`.
//!
//! Read next: [`super::super::commands`].

use clap::{Args, Subcommand, ValueEnum};
use latchkeep::{Actor, Description, FencingToken, JsonObject, LockMode, LockName, VersionRef};

use super::as_of::AsOfArg;
use super::secret::SecretArg;
use crate::times::Length;

/// `latchkeep lock ...`
#[derive(Debug, Subcommand)]
pub(crate) enum LockCommand {
    Create(LockCreate),
    List(LockList),
    Renew(LockRenew),
    Delete(LockDelete),
}

/// What placing locks does to those of the same names on the previous version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LockModeArg {
    /// Removes them.
    #[value(alias = "remove_previous")]
    RemovePrevious,
    /// Removes them, and destroys the data of the previous version if no lock is left on it.
    #[value(alias = "remove_previous_and_delete")]
    RemovePreviousAndDelete,
}

impl From<LockModeArg> for LockMode {
    fn from(mode: LockModeArg) -> Self {
        match mode {
            LockModeArg::RemovePrevious => Self::RemovePrevious,
            LockModeArg::RemovePreviousAndDelete => Self::RemovePreviousAndDelete,
        }
    }
}

/// Places locks on a version of a secret, all or none.
///
/// While a lock stands, nobody destroys or replaces the data of its version: no deletion, no rotation that would push it
/// out, no read of a dynamic credential. A lock of the same name on the same version is replaced. The usual way of a
/// consumer: lock current; after a rotation the lock stands on previous; move over, then lock current with
/// --mode remove-previous.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep lock create db-admin billing --description \"nightly run\" --ttl 2h
  latchkeep lock create db-admin billing --mode remove-previous
  latchkeep lock create www proxy-1 proxy-2 --owner ops --attributes '{\"ticket\":\"OPS-7\"}'")]
pub(crate) struct LockCreate {
    #[command(flatten)]
    pub(crate) secret: SecretArg,
    /// The names of the locks: who or what needs the version.
    #[arg(required = true, value_name = "LOCK")]
    pub(crate) names: Vec<LockName>,
    /// The version: current, previous, its number, or its id.
    #[arg(long, value_name = "VERSION", default_value = "current")]
    pub(crate) version: VersionRef,
    /// What they are for.
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<Description>,
    /// A JSON object that is kept with them, in the open.
    #[arg(long, value_name = "JSON")]
    pub(crate) attributes: Option<JsonObject>,
    /// The only actor who may then replace, renew or remove them, unless forced.
    #[arg(long, value_name = "ACTOR")]
    pub(crate) owner: Option<Actor>,
    /// Lets them end by themselves after a time, such as 15m; without it they stand until they are removed.
    #[arg(long, value_name = "LENGTH")]
    pub(crate) ttl: Option<Length>,
    /// What becomes of locks of the same names on the previous version; they stay if nothing is said.
    #[arg(long)]
    pub(crate) mode: Option<LockModeArg>,
    /// Replaces the lock of this name only if it still has this fencing token, as --json and `lock list --json` show it: 0-42 say.
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: Option<FencingToken>,
    /// Replaces locks that belong to others, and says so in the log.
    #[arg(long)]
    pub(crate) force: bool,
}

/// Lists locks: of one secret, or of all.
///
/// On a terminal as a table. Piped: a line per lock, columns parted by tabs, in this order: secret, version, alias, lock,
/// since, placed by, owner, until, description.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep lock list db-admin
  latchkeep lock list --as-of 2026-11-23T12:03:00Z      (who held which lock then?)")]
pub(crate) struct LockList {
    /// The secret: NAME, TYPE/NAME, or its id; all secrets if none is named.
    pub(crate) secret: Option<String>,
    /// Its type, where the name alone names several.
    #[arg(long = "type", value_name = "TYPE", requires = "secret")]
    pub(crate) secret_type: Option<super::secret::TypeArg>,
    /// Only locks with this text in their name.
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,
    #[command(flatten)]
    pub(crate) as_of: AsOfArg,
}

/// Moves the end of a lock that has one.
#[derive(Args, Debug)]
pub(crate) struct LockRenew {
    #[command(flatten)]
    pub(crate) secret: SecretArg,
    /// The lock.
    #[arg(value_name = "LOCK")]
    pub(crate) name: LockName,
    /// How long it stands from now on, such as 15m.
    #[arg(long, value_name = "LENGTH")]
    pub(crate) ttl: Length,
    /// The version it stands on.
    #[arg(long, value_name = "VERSION", default_value = "current")]
    pub(crate) version: VersionRef,
    /// Only if the lock still has this fencing token, as --json and `lock list --json` show it: 0-42 say.
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: Option<FencingToken>,
    /// Renews a lock that belongs to somebody else, and says so in the log.
    #[arg(long)]
    pub(crate) force: bool,
}

/// Removes locks from a version of a secret.
///
/// A name that stands on no lock of that version is no error; a note says where it does stand.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep lock delete db-admin billing
  latchkeep lock delete db-admin billing --version previous
  latchkeep lock delete db-admin --all --version 3")]
pub(crate) struct LockDelete {
    #[command(flatten)]
    pub(crate) secret: SecretArg,
    /// The names of the locks.
    #[arg(value_name = "LOCK")]
    pub(crate) names: Vec<LockName>,
    /// All locks of the version.
    #[arg(long, conflicts_with = "names")]
    pub(crate) all: bool,
    /// The version: current, previous, its number, or its id.
    #[arg(long, value_name = "VERSION", default_value = "current")]
    pub(crate) version: VersionRef,
    /// Only if the lock still has this fencing token, as --json and `lock list --json` show it: 0-42 say. Of several locks
    /// each is held to it, and where one has another, none is removed.
    #[arg(long, value_name = "TOKEN", conflicts_with = "all")]
    pub(crate) token: Option<FencingToken>,
    /// Removes locks that belong to others, and says so in the log.
    #[arg(long)]
    pub(crate) force: bool,
}
