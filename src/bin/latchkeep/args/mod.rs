//! Owns what can be asked on the command line, with the help that teaches it. Parsing only; nothing is done here.
//!
//! Read next: [`secret`], the largest group of commands.

mod as_of;
mod backup;
mod clock;
mod credential;
mod issuance;
mod lock;
mod log;
mod rest;
mod rotation;
mod secret;
mod secret_read;
mod secret_update;
mod task;
mod watch;

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::exit::exit_help;

pub(crate) use as_of::AsOfArg;
pub(crate) use backup::{
    Backup, BackupCommand, BackupKey, BackupVerify, QuarantineCommand, QuarantineShow, RestoreBackup,
};
pub(crate) use clock::ClockCommand;
pub(crate) use credential::{CredentialAdopt, CredentialCommand, CredentialEnd};
pub(crate) use issuance::IssuanceArgs;
pub(crate) use lock::{LockCommand, LockCreate, LockDelete, LockList, LockRenew};
pub(crate) use log::{
    KeyArgs, LogAcceptRestore, LogCheckpoint, LogCommand, LogErase, LogExport, LogKeys, LogProve, LogReplay, LogShow,
    LogVerify, LogVerifyProof,
};
pub(crate) use rest::{Explain, GroupCommand, GroupCreate, GroupDelete, GroupList, Init, OperationArg, Tour};
pub(crate) use rotation::{
    RotationAbort, RotationAcknowledge, RotationAdopt, RotationAnswer, RotationCommand, RotationList, RotationResume,
    RotationRetire, RotationRun, RotationShow, RotationVerify,
};
pub(crate) use secret::{
    CertificateArgs, Create, Delete, DestroyData, PasswordArgs, Restore, Rotate, SecretArg, SecretCommand, SourceArgs,
    TypeArg,
};
pub(crate) use secret_read::{DataFormat, Field, Get, List, Show, SortBy};
pub(crate) use secret_update::Update;
pub(crate) use task::{Reported, TaskArg, TaskCancel, TaskCommand, TaskList, TaskShow, TaskUpdate};
pub(crate) use watch::{From as WatchFrom, Watch};

/// Keeps secrets in a directory, honours locks on them, and proves its log.
///
/// Latchkeep is a store for secrets that lives in one directory. Every secret has versions; a lock on a version refuses
/// whatever would modify or destroy that version's data, at once and for everybody, and says who holds it. Everything
/// that happens stands in a log that proves itself.
#[derive(Debug, Parser)]
#[command(name = "latchkeep", version, max_term_width = 100, after_long_help = AFTER_HELP)]
#[command(after_help = "See `latchkeep --help` for examples and exit codes; `latchkeep tour` tells the whole story.")]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Examples, and the exit codes.
const AFTER_HELP: &str = concat!(
    "\
Examples:
  latchkeep tour
  latchkeep init --store ./secrets --key-file ./secrets.key

  export LATCHKEEP_STORE=./secrets LATCHKEEP_KEY_FILE=./secrets.key
  latchkeep secret create kv billing-env --from-env .env
  latchkeep lock create billing-env billing
  latchkeep secret rotate billing-env --from-env .env.new
  latchkeep explain billing-env --operation rotate
  latchkeep lock delete billing-env billing --version previous

",
    exit_help!()
);

/// Arguments that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Store and keys")]
pub(crate) struct Global {
    /// The directory of the store.
    #[arg(long, global = true, env = "LATCHKEEP_STORE", value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
    /// The key file that opens the store.
    #[arg(long, global = true, env = "LATCHKEEP_KEY_FILE", value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// A file whose one line is the passphrase that opens the store.
    #[arg(long, global = true, env = "LATCHKEEP_PASSPHRASE_FILE", value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Checkpoints that were kept elsewhere, in an anchor file for example: the store is opened only if its log extends each.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) expect: Option<PathBuf>,
    /// Where a signed checkpoint goes after each command that writes: a file on another machine's disk, to which it is
    /// appended, or - for a line of JSON on stdout; can be given several times.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) anchor: Vec<PathBuf>,
    /// Who acts, as the log will say; the login name if nothing is said.
    #[arg(long, global = true, env = "LATCHKEEP_ACTOR", value_name = "NAME")]
    pub(crate) actor: Option<String>,
    /// Answers in JSON, errors too.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// Which arguments were typed, rather than taken from variables.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given {
    pub(crate) store: bool,
    pub(crate) key_file: bool,
    pub(crate) passphrase_file: bool,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Tour(Tour),
    Init(Init),
    Backup(Backup),
    Restore(RestoreBackup),
    #[command(flatten)]
    Store(StoreCommand),
}

/// What is to be done with a store that is there.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Makes, reads, lists, rotates and deletes secrets.
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Places, lists, renews and removes locks.
    #[command(subcommand)]
    Lock(LockCommand),
    /// Shows and runs rotations; gives them up, resumes them; takes what consumers say.
    #[command(subcommand)]
    Rotation(RotationCommand),
    /// Lists, adopts and ends credentials outside that the log knows nothing of, after a restore.
    #[command(subcommand)]
    Credential(CredentialCommand),
    /// Shows what is to be done outside for credentials, takes what jobs report of it, and calls it off.
    #[command(subcommand)]
    Task(TaskCommand),
    Explain(Explain),
    /// Shows, exports and proves the log of everything that happened; verifies and replays exports, without a store too;
    /// erases words of people from it.
    #[command(subcommand)]
    Log(LogCommand),
    Watch(Watch),
    /// Makes, lists and deletes groups of secrets.
    #[command(subcommand)]
    Group(GroupCommand),
    /// Shows and ends the quarantine of a restored store.
    #[command(subcommand)]
    Quarantine(QuarantineCommand),
    /// Shows what time the store goes by, and takes the word of a person that the clock is right.
    #[command(subcommand)]
    Clock(ClockCommand),
    /// Tells how the store is.
    ///
    /// Counts, settings, ways to open it, the end of the log. Leaves no trace in the store.
    Status,
    /// Reads everything that is stored and verifies it.
    ///
    /// Recomputes the chain of the log, holds the state against a fresh replay, unseals the data of every version, and
    /// looks for data that should be gone. Exits with 5 when there are findings. Changes nothing.
    Scrub,
}

impl Cli {
    /// Reads the arguments of the process; ends it with help or an error where that is the answer.
    pub(crate) fn read() -> (Self, Given) {
        let matches = Self::command().get_matches();
        let given = Given::of(&matches);
        match Self::from_arg_matches(&matches) {
            Ok(cli) => (cli, given),
            Err(error) => error.exit(),
        }
    }
}

impl Given {
    fn of(matches: &ArgMatches) -> Self {
        let typed = |name: &str| matches.value_source(name) == Some(ValueSource::CommandLine);
        Self { store: typed("store"), key_file: typed("key_file"), passphrase_file: typed("passphrase_file") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }
}
