//! Owns the arguments of `backup`, `restore` and `quarantine`.
//!
//! Read next: [`super::super::commands`].

use std::path::PathBuf;

use clap::{Args, Subcommand};
use latchkeep::Position;
use latchkeep::ledger::VerifierKey;

use super::log::parse_key;

/// Writes a backup of the store into one file, or verifies one.
///
/// The file holds the log, the data, the keys, all wrapped as they lie in the store, and a signed checkpoint, sealed once
/// more under a key of its own: a key file (made if it is not there) or a passphrase (asked twice on a terminal). Whoever
/// restores it needs that key and one that opened the store. Keep all three apart. The backup key alone reads no secret
/// data, but all else: names, metadata, the log.
///
/// Never writes over a file. Verify what was written with `latchkeep backup verify FILE`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_long_help = "\
Examples:
  latchkeep backup --out ./secrets.backup --backup-key-file ./backup.key
  latchkeep backup verify ./secrets.backup --backup-key-file ./backup.key")]
pub(crate) struct Backup {
    #[command(subcommand)]
    pub(crate) command: Option<BackupCommand>,
    /// The file to write, which must not exist.
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) key: BackupKey,
}

/// What is to be done with a backup that is there.
#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    Verify(BackupVerify),
}

/// Verifies a backup from its first byte to its last.
///
/// Every chunk, the chain of the log, its tree, its signed checkpoint, that its history is a legal one, and that all data
/// of its last state is there. Needs the key of the backup, and neither a store nor its key.
///
/// Whoever has the key of a backup can write another one. So bring what you have from elsewhere: a verifier key of the
/// store (--key), or signed checkpoints (--expect-checkpoint). Exits with 5 when something is wrong, and with 8 when the
/// backup is whole, but nothing shows that all of its log is the store's.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep backup verify ./secrets.backup --backup-key-file ./backup.key --key \"$(cat secrets.vkey)\"
  latchkeep backup verify ./secrets.backup --backup-key-file ./backup.key --expect-checkpoint ./secrets.anchor")]
pub(crate) struct BackupVerify {
    /// The backup.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) key: BackupKey,
    /// A verifier key of the store, as `latchkeep log keys` prints it; can be given several times.
    #[arg(long = "key", value_name = "VKEY", value_parser = parse_key)]
    pub(crate) keys: Vec<VerifierKey>,
    /// A file with signed checkpoints that were kept elsewhere, an anchor file for example: the log has to extend each.
    #[arg(long, value_name = "FILE")]
    pub(crate) expect_checkpoint: Option<PathBuf>,
}

/// Makes a store from a backup.
///
/// In the directory that --store names, which must not exist or be empty; opened by what opened the store when the backup
/// was taken (--key-file, --passphrase-file, or asked for). Verifies the whole backup before it writes anything. A restore
/// that is interrupted leaves no store.
///
/// The restored store is in quarantine: credentials made after the backup may be in use, so nothing expires and nothing
/// can be rotated or deleted until `latchkeep quarantine end`. To go back to an earlier version of one secret, see
/// `latchkeep secret restore`.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep restore ./secrets.backup --store ./secrets --key-file ./secrets.key --backup-key-file ./backup.key")]
pub(crate) struct RestoreBackup {
    /// The backup.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) key: BackupKey,
    /// A file with signed checkpoints that were kept elsewhere, an anchor file for example: the log of the backup has to
    /// extend each.
    #[arg(long, value_name = "FILE")]
    pub(crate) expect_checkpoint: Option<PathBuf>,
    /// Says that the clock is right, where it is more than 400 days ahead of the last record of the backup.
    #[arg(long)]
    pub(crate) confirm_clock: bool,
    /// Takes the log in although the rules do not allow its step at this position, which a fault of a release put there; may be given
    /// several times. The restored log names it for good.
    #[arg(long, value_name = "POSITION", value_parser = super::as_of::position)]
    pub(crate) accept_illegal_step: Vec<Position>,
}

/// What opens a backup.
#[derive(Args, Debug)]
pub(crate) struct BackupKey {
    /// The key file of the backup.
    #[arg(long, env = "LATCHKEEP_BACKUP_KEY_FILE", value_name = "FILE", conflicts_with = "backup_passphrase_file")]
    pub(crate) backup_key_file: Option<PathBuf>,
    /// A file whose one line is the passphrase of the backup.
    #[arg(long, env = "LATCHKEEP_BACKUP_PASSPHRASE_FILE", value_name = "FILE")]
    pub(crate) backup_passphrase_file: Option<PathBuf>,
}

/// What is to be done about a quarantine.
#[derive(Debug, Subcommand)]
pub(crate) enum QuarantineCommand {
    Show(QuarantineShow),
    End(QuarantineEnd),
}

/// Shows whether the store is in quarantine, since when, and which secrets expire as soon as it ends.
#[derive(Args, Debug)]
pub(crate) struct QuarantineShow {
    /// The issuers: those that can list what they made are asked for what the backup did not know.
    #[arg(long, env = "LATCHKEEP_ISSUERS", value_name = "FILE")]
    pub(crate) issuers: Option<PathBuf>,
}

/// Ends the quarantine of a restored store.
///
/// A restored store does not know what was done after the backup: credentials made since may be in use. So nothing
/// expires and nothing can be rotated, restored, destroyed or deleted in it until a person has found out which
/// credentials hold, and says so with this command. What became due meanwhile is done at once then.
#[derive(Args, Debug)]
pub(crate) struct QuarantineEnd {
    /// Does not ask.
    #[arg(long)]
    pub(crate) yes: bool,
}
