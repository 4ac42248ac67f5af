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
}

/// Says that the time which the clock shows is right.
///
/// A clock that jumps ahead destroys nothing: until its time is confirmed the store goes by the last time that it believed, and by
/// what has passed since the machine was started. A clock that runs steadily for ten minutes is believed by itself. With
/// this command the store goes by the clock at once, and what has ended by then, leases and data, ends for good: compare
/// the clock with another one first.
#[derive(Args, Debug)]
pub(crate) struct ClockConfirm {
    /// Does not ask.
    #[arg(long)]
    pub(crate) yes: bool,
}
