//! Owns what can be asked of the clock of a store.

use clap::{Args, Subcommand};

/// What is to be done about the clock.
#[derive(Debug, Subcommand)]
pub(crate) enum ClockCommand {
    /// Shows what time the store goes by, how the clock stands to it, and what ends when the clock is confirmed.
    ///
    /// Exits with 9 while the clock is too far ahead to be believed. Leaves no trace in the store.
    Show,
    Confirm(ClockConfirm),
    Rebase(ClockRebase),
}

/// Says that the time which the clock shows is right.
///
/// A clock that jumps ahead destroys nothing: until its time is confirmed the store goes by the last time that it believed, and by
/// what has passed since the machine was started. A clock that runs steadily for ten minutes is believed by itself. With
/// this command the store goes by the clock at once, and what has ended by then, leases and data, ends for good: compare
/// the clock with another one first.
#[derive(Args, Debug)]
pub(crate) struct ClockConfirm {
    /// Does not ask. Without it the command is refused where there is no terminal to ask on.
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Has the store go by its clock again, which shows an earlier time than the last record.
///
/// A command under a clock that was years ahead leaves its time in the log, and the store's time stands still until then. With this
/// command the time of the log falls, once, to what the clock shows, and a record says so. Leases that were placed in the wrong
/// time keep what was left of them, schedules and graces go on; dates that somebody gave stay, and what has ended stays ended.
/// The log does not tell a lease until a date from one of a length, nor an expiry: leases move, expiries stay. What moves, and what the
/// log tells against the time that the clock shows, is said first. Compare the clock with another one. Refused while the clock is behind by five minutes or
/// less, which are waited out, or is held.
#[derive(Args, Debug)]
pub(crate) struct ClockRebase {
    /// Does not ask. Without it the command is refused where there is no terminal to ask on.
    #[arg(long)]
    pub(crate) yes: bool,
}
