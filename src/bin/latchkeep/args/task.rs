//! Owns the arguments of `latchkeep task`.
//!
//! Read next: [`super::super::commands`].

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use latchkeep::{OutsideId, Reason, TaskId};

use crate::times::Moment;

use super::secret::{SecretArg, SourceArgs};

/// `latchkeep task ...`
#[derive(Debug, Subcommand)]
pub(crate) enum TaskCommand {
    List(TaskList),
    Show(TaskShow),
    Update(TaskUpdate),
    Cancel(TaskCancel),
}

/// Lists tasks: what is to be done outside for the credentials of secrets, and, of one secret, what was.
///
/// A task makes the credential of a version, or ends it. It is queued, processing, done, or failed; one that failed waits for
/// a person (see rotation show) or is tried again at the time that is shown.
///
/// On a terminal as a table. Piped: a line per task, columns parted by tabs, in this order: secret, task, kind, status,
/// created, trigger, report by, tried again, why.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep task list                       (of all secrets, those that are not over)
  latchkeep task list tracker-token
  latchkeep task list --json | jq '.tasks[] | select(.status == \"processing\") | .id'")]
pub(crate) struct TaskList {
    /// Of one secret: NAME, TYPE/NAME, or its id.
    pub(crate) secret: Option<String>,
}

/// Shows one task.
#[derive(Args, Debug)]
pub(crate) struct TaskShow {
    #[command(flatten)]
    pub(crate) task: TaskArg,
}

/// Tells the store what became of a task; for the jobs that an issuer leaves its work to.
///
/// A credential that was made comes as a JSON object on stdin or in a file, never as an argument. The next latchkeep rotation
/// run proves it by a login and puts it into use. What failed is tried again after a pause.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  printf '{\"token\":\"%s\"}' \"$TOKEN\" |
    latchkeep task update tracker-token \"$TASK\" --status credentials_created --outside token-17
  latchkeep task update tracker-token \"$TASK\" --status credentials_deleted
  latchkeep task update tracker-token \"$TASK\" --status failed --reason \"E42: the quota is used up\"")]
pub(crate) struct TaskUpdate {
    #[command(flatten)]
    pub(crate) task: TaskArg,
    /// What became of it.
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Reported,
    /// What the outside system calls the credential; it is asked to end it by that name.
    #[arg(long, value_name = "ID")]
    pub(crate) outside: Option<OutsideId>,
    /// When the credential ends by itself: RFC 3339, a date, or a length from now such as 90d.
    #[arg(long, value_name = "TIME")]
    pub(crate) expires_at: Option<Moment>,
    /// The credential, a JSON object; - or nothing means stdin.
    #[arg(long, value_name = "FILE")]
    pub(crate) from_file: Option<PathBuf>,
    /// Why it failed; it is recorded, and must hold nothing secret.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<Reason>,
}

/// Calls a task off that makes a credential: its rotation is given up.
///
/// The report of a job that is at work is waited for, so that what it makes is ended; with class opaque it is not, and whoever
/// calls it off sees to that.
#[derive(Args, Debug)]
pub(crate) struct TaskCancel {
    #[command(flatten)]
    pub(crate) task: TaskArg,
    /// Why; it is recorded.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Reason,
}

/// One task of one secret.
#[derive(Args, Debug)]
pub(crate) struct TaskArg {
    #[command(flatten)]
    pub(crate) secret: SecretArg,
    /// The task: its id, as task list shows it.
    pub(crate) task: TaskId,
}

/// What a job may report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Reported {
    /// The credential was made.
    CredentialsCreated,
    /// The credential was ended, or was gone already.
    CredentialsDeleted,
    /// Nothing was made, or the credential may still work.
    Failed,
}

impl TaskUpdate {
    /// Where the credential comes from.
    pub(crate) fn source(&self) -> SourceArgs {
        SourceArgs { from_file: self.from_file.clone(), ..SourceArgs::default() }
    }
}
