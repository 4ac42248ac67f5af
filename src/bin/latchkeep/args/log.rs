//! Owns the arguments of `latchkeep log`: what happened, its proofs, and their check without a store.
//!
//! Read next: [`super::super::commands`].

use std::path::PathBuf;

use clap::{Args, Subcommand};
use latchkeep::Position;
use latchkeep::audit::AsOf;
use latchkeep::ledger::{VerifierKey, WitnessKey};

/// `latchkeep log ...`
#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    Show(LogShow),
    Erase(LogErase),
    Export(LogExport),
    Verify(LogVerify),
    Replay(LogReplay),
    Checkpoint(LogCheckpoint),
    Prove(LogProve),
    VerifyProof(LogVerifyProof),
    Keys(LogKeys),
    AcceptRestore(LogAcceptRestore),
}

/// Accepts in an anchor file that the store was restored.
///
/// An anchor file binds the log to every checkpoint in it. After a restore the log does not extend those that the original
/// signed later, so --anchor appends nothing and --expect fails. This writes a line into the file for each restore that the
/// log tells of: from there on the file goes on with the restored log, and the checkpoints above bind it up to the size that
/// was restored, and the original is refused. Make sure first that the restore is one that you know of. Where the log does not
/// hold to the file with these lines, nothing is written.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep log accept-restore ./secrets.anchor --store ./restored")]
pub(crate) struct LogAcceptRestore {
    /// The anchor file.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// Shows what happened, oldest first. Values never stand in the log.
///
/// Piped: columns parted by tabs, in this order: position, time, actor, secret, event, what. With --json: an object per
/// line.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep log show --last 20
  latchkeep log show --secret db-admin
  latchkeep log show --json | jq -r 'select(.event == \"ReadRefused\") | .actor'")]
pub(crate) struct LogShow {
    /// Begins at a position.
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "last")]
    pub(crate) from: u64,
    /// Only the last so many records.
    #[arg(long, value_name = "N")]
    pub(crate) last: Option<u64>,
    /// Only what is about one secret: NAME, TYPE/NAME, or its id (a deleted one too).
    #[arg(long)]
    pub(crate) secret: Option<String>,
}

/// Writes the log, or a slice of it, for somebody who verifies it without the store.
///
/// One JSON object per line: a header, a CloudEvents event for each record, a signed checkpoint. Values never stand in it;
/// names, descriptions and metadata do. It streams, in constant memory. A file appears under its name once it is whole.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep log export --out log.jsonl
  latchkeep log export --zstd --out log.jsonl.zst
  latchkeep log export --from 1000 --to 2000 --out slice.jsonl
  latchkeep log export --earlier march.checkpoint --out since-march.jsonl
  latchkeep log export | jq -r 'select(.subject) | .type'")]
pub(crate) struct LogExport {
    /// Begins at a position.
    #[arg(long, value_name = "N")]
    pub(crate) from: Option<u64>,
    /// Ends before a position, in the checkpoint of the log when it had so many records.
    #[arg(long, value_name = "N")]
    pub(crate) to: Option<u64>,
    /// Proves also that the log extends the one of this checkpoint; first holds the log to it.
    #[arg(long, value_name = "FILE")]
    pub(crate) earlier: Option<PathBuf>,
    /// Writes to a file; never over one that is there, unless forced. Otherwise to stdout.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Compresses it with zstd.
    #[arg(long)]
    pub(crate) zstd: bool,
    /// Lets --out write over a file.
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
}

/// Verifies an export, without a store and without any key of one; or, with no export named, the store's own log.
///
/// Each verdict stands alone: structure, chain, tree equals checkpoint, signature, cosignatures of witnesses, consistency with
/// an earlier checkpoint, bodies, JSON view equals bytes, semantic replay. "passed" is said of what was checked whole. Exits
/// with 5 when one failed, with 8 when none failed but not all could be checked: without --key, with a body erased, an event
/// of a later release, or a slice. Take the key, the witnesses' keys and the earlier checkpoint from elsewhere than the export:
/// without --key the keys are those that the export names itself, which shows nothing about who made it. Of the store's own log the chain is verified from the bytes on disk, and, with --earlier, that it extends
/// that checkpoint.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep log verify
  latchkeep log verify log.jsonl --key \"$VKEY\"
  latchkeep log verify log.jsonl.zst --key \"$VKEY\" --earlier march.checkpoint --json
  latchkeep log verify log.jsonl --key \"$VKEY\" --policy witnesses.policy
  ssh host latchkeep log export --zstd | latchkeep log verify - --key \"$VKEY\"")]
pub(crate) struct LogVerify {
    /// The export, plain or compressed with zstd; - means stdin.
    #[arg(value_name = "EXPORT")]
    pub(crate) export: Option<PathBuf>,
    /// Checkpoints from before, each of which the log has to extend: a note, a file that --anchor wrote, or an earlier export.
    /// The log has to tell of each restore that was accepted in the file.
    #[arg(long, value_name = "FILE")]
    pub(crate) earlier: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
}

/// Whom a log is trusted to be signed by.
#[derive(Args, Clone, Debug)]
pub(crate) struct KeyArgs {
    /// A verifier key of the log, as `latchkeep log keys` prints it; can be given several times. A slice does not show keys
    /// from before it: for an earlier checkpoint from before a change of the key, give the key of that time too.
    #[arg(long = "key", value_name = "VKEY", value_parser = parse_key)]
    pub(crate) keys: Vec<VerifierKey>,
    #[command(flatten)]
    pub(crate) witnesses: WitnessArgs,
}

/// Who else has to have signed.
#[derive(Args, Clone, Debug)]
pub(crate) struct WitnessArgs {
    /// A verifier key of a witness (C2SP cosignature, type 4) whose cosignature is looked for; can be given several times.
    #[arg(long = "witness", value_name = "VKEY", value_parser = parse_witness)]
    pub(crate) witnesses: Vec<WitnessKey>,
    /// A policy (C2SP tlog-policy) of which witnesses have to have cosigned; logs that it lists count as given by --key.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

impl WitnessArgs {
    /// Tells whether any was given.
    pub(crate) fn is_empty(&self) -> bool {
        self.witnesses.is_empty() && self.policy.is_none()
    }
}

fn parse_witness(text: &str) -> Result<WitnessKey, String> {
    WitnessKey::parse(text.trim()).map_err(|invalid| invalid.to_string())
}

pub(super) fn parse_key(text: &str) -> Result<VerifierKey, String> {
    VerifierKey::parse(text.trim()).map_err(|invalid| invalid.to_string())
}

/// Tells from an export what stood at some point: secrets, versions, locks, rotation.
///
/// Needs no store. The whole export is verified on the way; what one tells that does not hold is shown with a warning, and
/// the program exits with 5, or with 8 when nothing failed but not all could be checked, as for latchkeep log verify. On a terminal as a table. Piped: a line per version, columns parted by tabs, in this order:
/// type, secret, state, version, alias, data, made, locks, rotation. Secrets whose history is hidden (a slice begins after
/// they were made, or a body was erased) are counted, not shown.
///
/// With --into DIR it makes a store of the export instead: secrets, versions, locks and history, but no data, since no
/// export holds any. --key-file or --passphrase-file says what shall open it, as for latchkeep init. The store is in
/// quarantine. It needs a whole log; an export that does not hold leaves no store, and exits with 5.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep log replay log.jsonl
  latchkeep log replay log.jsonl --at 1200 --secret db-admin
  latchkeep log replay log.jsonl.zst --at 2027-01-31T12:00:00Z --json
  latchkeep log replay log.jsonl.zst --key \"$VKEY\" --into ./replayed --key-file ./replayed.key")]
pub(crate) struct LogReplay {
    /// The export, plain or compressed with zstd; - means stdin.
    #[arg(value_name = "EXPORT")]
    pub(crate) export: PathBuf,
    /// Up to a position, with its record; or up to a time: RFC 3339, a date, or a length back from now. The end if nothing is
    /// said. Leases count as ended at a time that is asked for when they had ended by then, whether a record says so yet
    /// or not.
    #[arg(long, value_name = "POSITION|TIME", value_parser = super::as_of::parse)]
    pub(crate) at: Option<AsOf>,
    /// Only one secret: NAME, TYPE/NAME, or its id.
    #[arg(long)]
    pub(crate) secret: Option<String>,
    /// Checkpoints from before, each of which the log has to extend, as for `log verify`.
    #[arg(long, value_name = "FILE")]
    pub(crate) earlier: Option<PathBuf>,
    /// Makes a store in a directory, which must not exist or be empty.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["at", "secret"])]
    pub(crate) into: Option<PathBuf>,
    /// With --into: says that the clock is right, where it is more than 400 days ahead of the last record.
    #[arg(long, requires = "into")]
    pub(crate) confirm_clock: bool,
    /// With --into: takes the log in although the rules do not allow its step at this position, as for `restore`.
    #[arg(long, value_name = "POSITION", requires = "into", value_parser = super::as_of::position)]
    pub(crate) accept_illegal_step: Vec<Position>,
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
}

/// Prints a signed checkpoint: how large the log is, and the root of the tree over it.
///
/// Keep it out of reach of whoever holds the store. --expect, and --earlier of log verify, hold the log to it later.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep log checkpoint > march.checkpoint
  latchkeep log checkpoint --at 1200")]
pub(crate) struct LogCheckpoint {
    /// Of the log when it had so many records, under the key that was in force then.
    #[arg(long, value_name = "SIZE")]
    pub(crate) at: Option<u64>,
}

/// Proves that one event stands in the log, as the text of a C2SP tlog-proof that brings its record along.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep log prove 42 --out 42.proof
  latchkeep log verify-proof 42.proof --key \"$VKEY\"")]
pub(crate) struct LogProve {
    /// The position of the event, as log show tells it.
    pub(crate) position: u64,
    /// Writes to a file; never over one that is there, unless forced. Otherwise to stdout.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Lets --out write over a file.
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
}

/// Verifies the proof of one event, without a store, and shows the event.
///
/// Exits with 5 when it does not hold, with 8 when it holds and the event cannot be read (its body is erased, or a later
/// release wrote it), or a witness of --witness did not cosign.
#[derive(Args, Debug)]
pub(crate) struct LogVerifyProof {
    /// The proof that log prove wrote; - means stdin.
    #[arg(value_name = "PROOF")]
    pub(crate) proof: PathBuf,
    /// The verifier key that was in force, as `latchkeep log keys` prints it; can be given several times.
    #[arg(long = "key", value_name = "VKEY", value_parser = parse_key, required = true)]
    pub(crate) keys: Vec<VerifierKey>,
    #[command(flatten)]
    pub(crate) witnesses: WitnessArgs,
}

/// Prints the verifier keys of the log: what an auditor needs, and nothing secret.
///
/// A line per key: its number, and the key. The last one signs now; each signs the log up to the record that sets the next.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep log keys
  VKEY=$(latchkeep log keys --current)")]
pub(crate) struct LogKeys {
    /// Prints the key that signs now, alone.
    #[arg(long)]
    pub(crate) current: bool,
}

/// Erases words of people from old records, for good: names, descriptions, attributes, labels and metadata.
///
/// The log still verifies, and says which bodies were erased and by whom. What a secret is now is said again in new
/// records, so words that it still has stay: change those first, then erase. Who did what, when, stays as well. Copies
/// that were made before, and what the disk keeps of old bytes, are not reached.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep log erase 17 23
  latchkeep log erase --secret db-admin
  latchkeep log erase --secret 0199d0a0-0000-7000-8000-000000000001 --yes     (a deleted one too)")]
pub(crate) struct LogErase {
    /// The positions of the records, as log show gives them; up to 1,000.
    #[arg(value_name = "POSITION", required_unless_present = "secret")]
    pub(crate) positions: Vec<u64>,
    /// All that can be erased about one secret: NAME, TYPE/NAME, or its id (a deleted one too).
    #[arg(long, conflicts_with = "positions")]
    pub(crate) secret: Option<String>,
    /// Does not ask.
    #[arg(long)]
    pub(crate) yes: bool,
}
