//! Owns the exit codes: what a script can tell apart without reading a message.
//!
//! Read next: [`super::failure`], which chooses one.

use std::process::ExitCode;

use latchkeep::Refusal;

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
    /// A lock refuses it, and nothing else does.
    Refused = 3,
    /// Not now: the store is open elsewhere or in quarantine, the disk is full, an issuer cannot be asked.
    Unavailable = 4,
    /// What is stored is damaged, or an export or a proof does not hold.
    Damaged = 5,
    /// The secret, version, lock, group, rotation or task that is named does not exist.
    NotFound = 6,
    /// The state does not allow it: a name is taken, a revision or a key differs, a secret has expired.
    Conflict = 7,
    /// Nothing failed, but not everything that was asked for could be checked.
    NotAllChecked = 8,
    /// The clock shows a time that is not believed until somebody confirms it, or one so far behind that due work waits.
    TimeUnconfirmed = 9,
}

impl Exit {
    /// Returns the exit code of a refusal.
    pub(crate) fn of_refusal(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Locked(_) => Self::Refused,
            Refusal::InvalidArgument { .. } | Refusal::PolicyNotSupported { .. } => Self::Usage,
            Refusal::Quarantined { .. } => Self::Unavailable,
            Refusal::SecretNotFound
            | Refusal::VersionNotFound
            | Refusal::GroupNotFound
            | Refusal::LockNotFound
            | Refusal::RotationNotFound
            | Refusal::TaskNotFound => Self::NotFound,
            _ => Self::Conflict,
        }
    }
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
  3  refused by a lock, and by nothing else
  4  not now: the store is open in another process or in quarantine, the disk is full, an issuer cannot be asked
  5  what is stored is damaged, or an export or a proof does not hold
  6  not found: a secret, version, lock, group, rotation or task of that name
  7  conflict: a name that is taken, another revision, a state that does not allow it
  8  nothing failed, but not all could be checked: no key given, a body erased, an event of a later release
  9  the clock is too far ahead to be believed (latchkeep clock confirm says that the time is right), or so far behind that
     what is to be done waits for the store's time (latchkeep clock rebase)"
    };
}
pub(crate) use exit_help;
