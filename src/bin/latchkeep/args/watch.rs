//! Owns the arguments of `latchkeep watch`.
//!
//! Read next: [`super::super::commands`].

use std::path::PathBuf;

use clap::Args;
use latchkeep::{Notification, Position};

/// Tells what happens as it happens, and runs a program for each if asked to.
///
/// A line for each record of the log that users hear of: position, time, actor, secret, notification, event, what;
/// columns parted by tabs where it is piped. With --json an object per line: that of log show, with the name of the secret and
/// the notification. In order, each at least once, nothing that is not durable. Ctrl-C ends it with 0.
///
/// A store is open to one process at a time: while watch waits for more, no other command gets in, and what happens is what
/// time does (leases and secrets that end). Run it with --until-end, now and then, to hear of what others did in between; --state
/// remembers how far it has come. A program that has the store open watches by itself (`Store::watch`).
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep watch --until-end --state seen.json
  latchkeep watch --from beginning --until-end --only secret_rotated --secret db-admin --json
  latchkeep watch --until-end --state seen.json --run ./tell-the-team --channel ops

Notifications:
  secret_created, secret_rotated, secret_deleted, secret_creation_failed, secret_rotation_failed,
  secret_about_to_expire, secret_expired, secret_rotation_blocked, secret_deletion_blocked,
  secret_expiration_blocked, secret_revoked, secret_version_data_deleted")]
#[allow(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(crate) struct Watch {
    /// Where to begin: a position, beginning, or now. The one that --state remembers comes first; now if nothing is said, and
    /// beginning with --until-end.
    #[arg(long, value_name = "POSITION|now|beginning")]
    pub(crate) from: Option<From>,
    /// Only what is about one secret: NAME, TYPE/NAME, or its id (a deleted one too).
    #[arg(long)]
    pub(crate) secret: Option<String>,
    /// Only these notifications, parted by commas.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = parse_notification)]
    pub(crate) only: Vec<Notification>,
    /// Every record, also those that users hear nothing of.
    #[arg(long, conflicts_with = "only")]
    pub(crate) all: bool,
    /// Ends when all that is there was told; opens the store for reading only, and leaves no trace in it.
    #[arg(long)]
    pub(crate) until_end: bool,
    /// A file that remembers how far it has come, written after each record that was told; made when it is not there. It
    /// keeps the chain value, too: in a store that was restored below that point the watch ends, and says where to begin.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Where the store was restored since, begins at the size that was restored, instead of saying so and ending with 2.
    #[arg(long, requires = "state")]
    pub(crate) accept_restore: bool,
    /// Goes on with the next one when the program of --run fails.
    #[arg(long, requires = "run")]
    pub(crate) keep_going: bool,
    /// Instead of telling, runs a program for each, one after another, with the JSON on its stdin; no shell is asked. All
    /// that follows is its arguments. When it ends with anything but 0 the watch stops, and begins with that one next time.
    #[arg(long, value_name = "PROGRAM", num_args = 1.., allow_hyphen_values = true)]
    pub(crate) run: Vec<String>,
}

/// Where a watch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    Now,
    Position(Position),
}

impl std::str::FromStr for From {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "now" => Ok(Self::Now),
            "beginning" => Ok(Self::Position(Position::FIRST)),
            _ => match text.parse() {
                Ok(number) => Ok(Self::Position(Position::new(number))),
                Err(_) => Err("takes a position, beginning, or now"),
            },
        }
    }
}

fn parse_notification(text: &str) -> Result<Notification, String> {
    Notification::from_label(text).ok_or_else(|| {
        let names: Vec<&str> = Notification::ALL.iter().map(|known| known.label()).collect();
        format!("is none of {}", names.join(", "))
    })
}
