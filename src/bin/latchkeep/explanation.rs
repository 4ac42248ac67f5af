//! Owns how a refusal by locks is laid out for people on the command line; its parts come from [`latchkeep::view`].
//!
//! Read next: [`super::commands::explain`], which tells the same before anything is asked.

use latchkeep::VersionNumber;
use latchkeep::view::{Block, BlockingLock, version_words};

/// Returns a line for each lock that blocks, and what to do.
pub(crate) fn lines(block: &Block) -> Vec<String> {
    let line = |lock: &BlockingLock| format!("  lock {} {}", crate::out::bold(lock.name.as_str()), lock.words());
    let mut lines: Vec<String> = block.blocked_by.iter().map(line).collect();
    let unlisted = block.unlisted();
    if unlisted > 0 {
        lines.push(format!("  and {unlisted} more"));
    }
    lines.push(format!("{}: {}", crate::out::bold("now"), block.advice));
    lines
}

/// Names a version as people do.
pub(crate) fn version(number: VersionNumber, alias: Option<latchkeep::Alias>) -> String {
    version_words(number, alias)
}

/// Returns the command that removes the first lock that blocks.
pub(crate) fn next_command(block: &Block) -> String {
    let secret = format!("{}/{}", block.refused.secret_type, block.refused.secret_name);
    match block.blocked_by.first() {
        Some(lock) => {
            let number = || lock.secret_version_number.to_string();
            let version = lock.secret_version_alias.map_or_else(number, |alias| alias.to_string());
            let force = if lock.owner.is_some() { " (as its owner, or with --force)" } else { "" };
            format!("latchkeep lock delete {secret} {} --version {version}{force}", lock.name)
        }
        None => format!("latchkeep lock list {secret}"),
    }
}
