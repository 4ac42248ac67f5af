//! The store as a whole, through its public interface, on a real disk. One binary; a file per area.
#![allow(
    clippy::pedantic,
    clippy::disallowed_methods,
    clippy::collapsible_match,
    clippy::drop_non_drop,
    missing_docs,
    unreachable_pub,
    reason = "tests and benches ask the clock and start threads as they need"
)]

mod anchors;
mod audit;
mod backup;
mod backup_at_work;
mod bounds;
mod canary;
mod clock;
mod conditions;
mod exports;
mod from_export;
mod idempotency;
mod keys;
mod kinds;
mod life;
mod locks;
mod metadata;
mod moments;
mod opening;
mod pressure;
mod proofs;
mod rebase;
mod rebase_forecast;
mod releases;
mod restore;
mod standing;
mod support;
mod threads;
mod time;
mod walk;
mod watch;
