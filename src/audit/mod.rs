//! The offline audit: the export of a log, its verification, and the replay of what it tells. No store, no key of a store.
//!
//! Everything here works on `Read` and `Write`; nothing opens a file or asks a clock. What is read may be hostile: every
//! input ends in a [`Report`], in memory that depends on the longest line and on what the log keeps alive, never on the
//! length of the log. Read in this order: [`ExportHeader`] and [`ExportWriter`] (what an export is), [`verify_export`] and
//! [`Report`] (whether it holds), [`Replay`] (which histories are legal), [`replay_export`] (what stood at some point).
//!
//! # What a sound report does not show
//!
//! Whoever holds store and signing key can rewrite all that is younger than the last checkpoint that somebody else keeps;
//! only `earlier` in [`VerifyOptions`] shows that. A signing key that others have may sign a log that never replaced it: give
//! the newest key alone. An event that was never recorded leaves no trace. Times are claims.

mod accepted;
mod checkpoints;
mod chunks;
mod cloud_event;
mod conclusion;
mod content;
mod cosignatures;
mod erased;
mod event_line;
mod export;
mod fault;
mod findings;
mod header;
mod judge;
mod keys;
mod last_line;
mod lock_report;
mod outcomes;
mod pipeline;
mod proved_event;
#[cfg(feature = "store")]
mod records;
mod replay;
mod scribe;
mod secret_report;
mod signature_line;
mod unique_json;
mod verdict;
mod verify;

#[cfg(test)]
mod tests;

pub use cloud_event::cloud_event;
pub use conclusion::Conclusion;
pub use export::{ExportError, ExportWriter};
pub use fault::LineFault;
pub use header::{EXPORT_KEYS_MAX, ExportHeader};
pub use lock_report::{AsOf, LockReport, replay_export};
pub use proved_event::{ProvedEvent, ProvedEventError, verify_event_proof};
#[cfg(feature = "store")]
pub(crate) use records::ExportRecords;
pub use replay::Replay;
pub use secret_report::{RotationStatus, SecretReport};
pub use signature_line::{SignatureLine, SignedBy};
#[cfg(all(any(test, fuzzing), feature = "store"))]
pub(crate) use unique_json::unique;
pub use verdict::{Check, Outcome, Place, Report, Verdict};
pub use verify::{VerifyOptions, verify_export};

pub use crate::domain::legal::{AcceptedStep, Flaw, FlawKind, IllegalStep, Rule};

/// Bytes of a line of an export, at most: the longest record there can be, its header, context and body in base64 and
/// both again as JSON with every character escaped, stays below.
pub const LINE_BYTES_MAX: usize = 1_024 * 1_024;
