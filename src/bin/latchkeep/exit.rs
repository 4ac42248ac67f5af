//! Owns the exit codes: what a script can tell apart without reading a message.
//!
//! Read next: [`super::failure`], which chooses one.

use std::process::ExitCode;

/// How the program ends. The numbers are part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// Something failed that is neither the caller's nor the store's doing.
    Failed = 1,
    /// What was given cannot be used: arguments, a key, a value, a directory that is no store.
    Usage = 2,
    /// The store said no, and explains it: a lock, a name that is taken, a secret that is not there.
    Refused = 3,
    /// Not now: the store is open elsewhere, the disk is full.
    Unavailable = 4,
    /// What is stored is damaged, or an export or a proof does not hold.
    Damaged = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The exit codes as `--help` shows them.
macro_rules! exit_help {
    () => {
        "\
Exit codes:
  0  done
  1  something else failed
  2  what was given cannot be used: an argument, a wrong key, a directory that is no store
  3  refused by the store, with the reason: a lock, a secret that is not there, a name that is taken
  4  not now: the store is open in another process, the disk is full
  5  what is stored is damaged, or an export or a proof does not hold"
    };
}
pub(crate) use exit_help;
