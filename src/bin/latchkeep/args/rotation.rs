//! Owns the arguments of `latchkeep rotation`.
//!
//! Read next: [`super::super::commands`].

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand};
use latchkeep::{Actor, Invalid, IssuerName, Reason, VersionRef};

use super::secret::{SecretArg, TypeArg};
use crate::times::Length;

/// `latchkeep rotation ...`
#[derive(Debug, Subcommand)]
pub(crate) enum RotationCommand {
    List(RotationList),
    Show(RotationShow),
    Run(RotationRun),
    Abort(RotationAbort),
    Resume(RotationResume),
    Acknowledge(RotationAcknowledge),
    Retire(RotationRetire),
    Verify(RotationVerify),
    Adopt(RotationAdopt),
    Answer(RotationAnswer),
}

/// Lists secrets that rotate: where each stands, since when, what holds it, and why it does not come on.
///
/// A state is the first that holds: parked (waits for a person), staged (the credential is made; a lock holds it back), open
/// (under way), blocked (a lock refuses it), due, retiring (an earlier credential is to be ended), scheduled.
///
/// On a terminal as a table. Piped: a line per secret, columns parted by tabs, in this order: type, name, state, since, next,
/// stage, attempts, held by, why.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep rotation list
  latchkeep rotation list --json | jq '.rotations[] | select(.state == \"parked\")'")]
pub(crate) struct RotationList {
    /// Those too that have an issuer and nothing to come.
    #[arg(long)]
    pub(crate) all: bool,
}

/// Shows where one secret stands with its rotations, and what each consumer said.
#[derive(Args, Debug)]
pub(crate) struct RotationShow {
    #[command(flatten)]
    pub(crate) secret: SecretArg,
}

/// Does what is due: rotates, has issuers make credentials, proves them, puts them into use, ends old ones.
///
/// Goes on until it is interrupted (Ctrl-C, SIGTERM, SIGHUP), and holds the store meanwhile; with --once until nothing is due any more. An
/// interrupt waits for the calls that are out, up to the time limit of their issuers. What has to wait, for a lock, a consumer or another attempt, is left for the next run. Shows each record that it makes, as log
/// show does. With SECRET it first begins a rotation of it by hand.
///
/// The issuers stand in a JSON file, by the names that secrets call them: a program of yours (the manual page on issuers says
/// what it is asked), accounts of a PostgreSQL server, or certificates of an authority of yours. The last two are there when
/// this program was built with their features. No passwords or keys belong into that file: they are in files of their own, or
/// in secrets of the store.
///
/// Exits with 3 if a lock holds SECRET back, with --once with 1 if something failed, and with 9 if the clock holds something back.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep rotation run --issuers issuers.json --once
  latchkeep rotation run orders-db --issuers issuers.json --once
  latchkeep rotation run --issuers issuers.json                   (goes on; for a service manager)

An issuers file:
  {\"orders-db\": {\"kind\": \"exec\", \"program\": \"/usr/local/bin/issue\", \"args\": [\"--orders\"],
                 \"env\": {\"PATH\": \"/usr/bin:/bin\"}, \"class\": \"opaque\", \"limit_secs\": 30}}
  {\"orders-role\": {\"kind\": \"postgres_role\", \"member_of\": [\"readers\"],
     \"server\": {\"host\": \"/run/postgresql\", \"database\": \"app\", \"user\": \"keeper\", \"password_secret\": \"db-admin\"}}}
Kinds: exec; postgres_password and postgres_role (feature postgres); private_ca (feature private-ca).
Classes of exec: set_value, create_with_token, create_discoverable, opaque (if nothing is said).")]
pub(crate) struct RotationRun {
    /// A secret to rotate now, if any: NAME, TYPE/NAME, or its id.
    pub(crate) secret: Option<String>,
    /// The issuers; none are needed for passwords that the store makes itself.
    #[arg(long, env = "LATCHKEEP_ISSUERS", value_name = "FILE")]
    pub(crate) issuers: Option<PathBuf>,
    /// Ends when nothing is due.
    #[arg(long)]
    pub(crate) once: bool,
    /// Rotates SECRET though the grace of the version that it ends runs, or consumers have not moved; the log says so.
    #[arg(long, requires = "secret")]
    pub(crate) force: bool,
    /// With --once: waits so long for issuers that are not available, or whose answer was lost; 0s for not at all.
    #[arg(long, value_name = "LENGTH", default_value = "60s", value_parser = patience)]
    pub(crate) patience: Duration,
    /// Recovers the register of this issuer (kind `private_ca`), which is lost or an older copy, from its revocation list.
    #[arg(long, value_name = "ISSUER", requires = "issuers")]
    pub(crate) recover_register: Option<IssuerName>,
}

/// Gives up the rotation that is under way; what was made is ended by the next run.
///
/// With an issuer that cannot be asked (class opaque), an abort says that the outside system was checked. If what was made
/// cannot be ended, a second abort with --force gives the rotation up without a call.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep rotation abort orders-db --reason \"nothing was made; looked in the server\"
  latchkeep rotation abort orders-db --force --reason \"ended by hand in the server\"")]
pub(crate) struct RotationAbort {
    #[command(flatten)]
    pub(crate) secret: SecretArg,
    /// Why; it is recorded.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Reason,
    /// Gives up at once, without a call, a rotation that is being given up already and could not be ended: you looked after the
    /// outside system.
    #[arg(long)]
    pub(crate) force: bool,
}

/// Lets a parked rotation go on, with all its attempts and as much time as it had at first.
///
/// With an issuer that cannot be asked (class opaque) this says that nothing was made; such rotations are not among --all.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("which").required(true).args(["secret", "all"])))]
#[command(after_long_help = "\
Examples:
  latchkeep rotation resume orders-db
  latchkeep rotation resume --all --issuer orders-role            (its server was away for days)")]
pub(crate) struct RotationResume {
    /// The secret: NAME, TYPE/NAME, or its id.
    pub(crate) secret: Option<String>,
    /// Its type, where the name alone names several.
    #[arg(long = "type", value_name = "TYPE", hide_possible_values = true)]
    pub(crate) secret_type: Option<TypeArg>,
    /// All rotations that are parked, but for those of class opaque: of each, somebody has to look.
    #[arg(long)]
    pub(crate) all: bool,
    /// With --all: those of this issuer.
    #[arg(long, value_name = "NAME", requires = "all")]
    pub(crate) issuer: Option<IssuerName>,
}

/// Says that a consumer uses a version from now on, and none before it.
///
/// Once all consumers that the secret waits for have said so, and no lock stands on it, the credential before is ended by the
/// next run.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep rotation acknowledge orders-db --as billing
  latchkeep rotation acknowledge orders-db --version 4 --as reporting")]
pub(crate) struct RotationAcknowledge {
    #[command(flatten)]
    pub(crate) secret: SecretArg,
    /// The version: current, previous, its number, or its id.
    #[arg(long, value_name = "VERSION", default_value = "current")]
    pub(crate) version: VersionRef,
    /// The consumer.
    #[arg(long = "as", value_name = "ACTOR")]
    pub(crate) consumer: Actor,
}

/// Has the credential of an earlier version ended, in the system that it is for; the next run does it.
///
/// Its data goes with it. A lock on the version refuses it; `latchkeep explain` tells who would be hit.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep rotation retire orders-db previous")]
pub(crate) struct RotationRetire {
    #[command(flatten)]
    pub(crate) secret: SecretArg,
    /// The version: previous, its number, or its id; not the current one.
    pub(crate) version: VersionRef,
    /// Asks no question on a terminal.
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// Asks the issuer whether a credential still logs in. Changes nothing.
///
/// Exits with 0 if it does, with 1 if it does not: then somebody changed or ended it outside, and latchkeep rotation run SECRET
/// makes a new one. With 4 if nobody could be asked.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep rotation verify orders-db --issuers issuers.json
  latchkeep rotation verify orders-db --version previous --issuers issuers.json")]
pub(crate) struct RotationVerify {
    #[command(flatten)]
    pub(crate) secret: SecretArg,
    /// The version: current, previous, its number, or its id.
    #[arg(long, value_name = "VERSION", default_value = "current")]
    pub(crate) version: VersionRef,
    /// The issuers.
    #[arg(long, env = "LATCHKEEP_ISSUERS", value_name = "FILE")]
    pub(crate) issuers: PathBuf,
}

/// Puts the password into use that an account has now, so that nothing changes for whoever uses it.
///
/// For secrets whose issuer sets passwords, as kind `postgres_password` does. It has to log in; then it is the value of a rotation, which the
/// next run finishes. From then on the secret rotates like others.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep rotation adopt billing-db --from-file password.txt --issuers issuers.json
  pass show db/billing | latchkeep rotation adopt billing-db --from-file - --issuers issuers.json")]
pub(crate) struct RotationAdopt {
    #[command(flatten)]
    pub(crate) secret: SecretArg,
    /// The file with the password, one line; - means stdin.
    #[arg(long, value_name = "FILE")]
    pub(crate) from_file: PathBuf,
    /// The issuers.
    #[arg(long, env = "LATCHKEEP_ISSUERS", value_name = "FILE")]
    pub(crate) issuers: PathBuf,
}

/// Gives out the answer of an issuer that could not be read, as it came: it may hold a credential that was made.
///
/// The rotation waits for a person meanwhile (parked). Mend the issuer, then abort: what was made is ended, as far as it can be
/// found, and the next rotation makes another. That the answer was looked at stands in the log.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep rotation answer orders-db | less")]
pub(crate) struct RotationAnswer {
    #[command(flatten)]
    pub(crate) secret: SecretArg,
}

/// Reads a length of time that may be none.
fn patience(text: &str) -> Result<Duration, Invalid> {
    if text == "0" || text == "0s" { Ok(Duration::ZERO) } else { text.parse::<Length>().map(|length| length.0) }
}
