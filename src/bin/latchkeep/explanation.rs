//! Owns how a refusal by a lock is explained: which lock, on which version, since when, by whom, until when, what now.
//!
//! Read next: [`super::commands::explain`], which tells the same before anything is asked.

use latchkeep::{Alias, Blocked, BlockingLock, Operation, VersionNumber};
use serde_json::{Value, json};

use crate::times::shown;

/// Says what was refused, and by how many locks.
pub(crate) fn headline(blocked: &Blocked) -> String {
    let locks = match blocked.locks_total {
        1 => "a lock stands".to_owned(),
        more => format!("{more} locks stand"),
    };
    let doing = doing(blocked.operation);
    format!("{doing} of {} is refused: {locks} on a version that it would {}", blocked.name, harm(blocked.operation))
}

/// Gives a line for each lock in the way, and what its removal takes.
pub(crate) fn lines(blocked: &Blocked) -> Vec<String> {
    let mut lines: Vec<String> = blocked.locks.iter().map(line).collect();
    let untold = blocked.locks_total.saturating_sub(u32::try_from(blocked.locks.len()).unwrap_or(u32::MAX));
    if untold > 0 {
        lines.push(format!("  and {untold} more"));
    }
    lines.push(format!("{}: {}", crate::out::bold("now"), blocked.advice()));
    lines
}

fn line(lock: &BlockingLock) -> String {
    let owner = lock.owner.as_ref().map_or_else(|| "owned by nobody".to_owned(), |owner| format!("owned by {owner}"));
    let until = lock.expires_at.map_or_else(|| "until it is removed".to_owned(), |end| format!("until {}", shown(end)));
    format!(
        "  lock {} on {}: since {}, placed by {}, {owner}, {until}",
        crate::out::bold(lock.name.as_str()),
        version(lock.number, lock.alias),
        shown(lock.created_at),
        lock.created_by,
    )
}

/// Names a version as people do.
pub(crate) fn version(number: VersionNumber, alias: Option<Alias>) -> String {
    alias.map_or_else(|| format!("version {number}"), |alias| format!("version {number} ({alias})"))
}

/// Gives the command that would remove the first lock in the way.
pub(crate) fn next_command(blocked: &Blocked) -> String {
    let secret = format!("{}/{}", blocked.secret_type, blocked.name);
    match blocked.locks.first() {
        Some(lock) => {
            let version = lock.alias.map_or_else(|| lock.number.to_string(), |alias| alias.to_string());
            let force = if lock.owner.is_some() { " (as its owner, or with --force)" } else { "" };
            format!("latchkeep lock delete {secret} {} --version {version}{force}", lock.name)
        }
        None => format!("latchkeep lock list {secret}"),
    }
}

/// Gives the locks in the way with the field names of the HTTP interface.
pub(crate) fn json(blocked: &Blocked) -> Value {
    let show = |lock: &BlockingLock| {
        json!({
            "name": lock.name,
            "secret_version_id": lock.version,
            "secret_version_alias": lock.alias,
            "secret_version_number": lock.number,
            "owner": lock.owner,
            "created_by": lock.created_by,
            "created_at": lock.created_at,
            "expires_at": lock.expires_at,
            "position": lock.fencing_token,
        })
    };
    blocked.locks.iter().map(show).collect()
}

const fn doing(operation: Operation) -> &'static str {
    match operation {
        Operation::Read => "the read",
        Operation::Rotate => "the rotation",
        Operation::Restore => "the restore",
        Operation::Delete => "the deletion",
        Operation::DestroyData => "the destruction of data",
        _ => "the operation",
    }
}

const fn harm(operation: Operation) -> &'static str {
    match operation {
        Operation::Read => "replace",
        _ => "destroy",
    }
}
