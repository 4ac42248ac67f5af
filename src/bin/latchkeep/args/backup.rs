//! Owns the arguments of `quarantine`.
//!
//! Read next: [`super::super::commands`].

use clap::{Args, Subcommand};

/// What is to be done about a quarantine.
#[derive(Debug, Subcommand)]
pub(crate) enum QuarantineCommand {
    /// Shows whether the store is in quarantine, since when, and which secrets time would change as soon as it ends.
    Show,
    End(QuarantineEnd),
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
