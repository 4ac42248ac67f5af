//! Owns the arguments of the other commands: `tour`, `init`, `explain`, `group`.
//!
//! Read next: [`super::super::commands`].

use clap::{Args, Subcommand, ValueEnum};
use latchkeep::{Description, GroupName, VersionRef};

use super::as_of::AsOfArg;
use super::secret::SecretArg;

/// Tells the whole story, with real output.
///
/// Works on a store of its own in a temporary directory that is gone afterwards; with --store DIR it makes the store
/// there and leaves it, with its key file in DIR.key beside it (or where --key-file says). Each line after a $ is a
/// command that you can type yourself.
#[derive(Args, Debug)]
pub(crate) struct Tour {}

/// Makes a store.
///
/// In the directory that --store names, which must not exist or be empty. Opened by a key file (made if it is not there,
/// readable by its owner only) or by a passphrase (asked twice on a terminal). Keep a copy of the key file elsewhere:
/// without it, the secrets are lost.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep init --store ./secrets --key-file ./secrets.key
  latchkeep init --store ./secrets                             (asks for a passphrase)
  latchkeep init --store ./secrets --passphrase-file pass.txt --access-audit strict")]
pub(crate) struct Init {
    /// How reads get into the log.
    #[arg(long, value_enum, default_value = "relaxed")]
    pub(crate) access_audit: AuditArg,
    /// Lets a lock on any version of a secret refuse its rotation, not only one on the version that would go.
    #[arg(long)]
    pub(crate) refuse_rotation_while_locked: bool,
}

/// How reads get into the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuditArg {
    /// Only the first read of each version.
    Off,
    /// Soon after, counted together.
    Relaxed,
    /// Before the value is handed out; no record, no value.
    Strict,
}

impl From<AuditArg> for latchkeep::AccessAudit {
    fn from(audit: AuditArg) -> Self {
        match audit {
            AuditArg::Off => Self::Off,
            AuditArg::Relaxed => Self::Relaxed,
            AuditArg::Strict => Self::Strict,
        }
    }
}

/// An operation that can be asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OperationArg {
    /// Reading it; only a read of a dynamic credential can be refused by a lock.
    Read,
    /// Adding a version.
    Rotate,
    /// Adding a version with the data of the previous one.
    Restore,
    /// Deleting it.
    Delete,
    /// Destroying the data of one version.
    #[value(alias = "destroy_data")]
    DestroyData,
}

/// Tells what an operation would do, or which locks would refuse it, without doing it.
///
/// Says who holds each lock in the way, since when, until when, and what to do. Exits with 3 if the operation that is
/// named would be refused. Leaves no trace in the store.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep explain db-admin
  latchkeep explain db-admin --operation delete
  latchkeep explain db-admin --operation destroy-data --version previous")]
pub(crate) struct Explain {
    #[command(flatten)]
    pub(crate) secret: SecretArg,
    /// The operation; all of them if none is named.
    #[arg(long, short)]
    pub(crate) operation: Option<OperationArg>,
    /// The version that would be read or destroyed.
    #[arg(long, value_name = "VERSION", default_value = "current")]
    pub(crate) version: VersionRef,
}

/// `latchkeep group ...`
#[derive(Debug, Subcommand)]
pub(crate) enum GroupCommand {
    Create(GroupCreate),
    List(GroupList),
    Delete(GroupDelete),
}

/// Makes a group.
#[derive(Args, Debug)]
pub(crate) struct GroupCreate {
    /// Its name, 2 to 64 characters.
    pub(crate) name: GroupName,
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<Description>,
}

/// Lists the groups.
#[derive(Args, Debug)]
pub(crate) struct GroupList {
    #[command(flatten)]
    pub(crate) as_of: AsOfArg,
}

/// Deletes a group that has no secrets.
#[derive(Args, Debug)]
pub(crate) struct GroupDelete {
    /// The group, by name or id.
    pub(crate) group: String,
}
