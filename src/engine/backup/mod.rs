//! Owns copies of a store: a backup, streamed from a running store, and new stores from a backup or an export.
//!
//! A backup is the log up to one position, the data at that position, the keys that open it, wrapped as they are
//! stored, and the checkpoint of its size. A restore verifies all of it before it writes a byte, builds the store
//! aside, and leaves it in quarantine under a signing key of its own. Read in this order: [`taking`], [`check`],
//! [`trust`], [`restore`], [`build`], [`from_export`].

mod build;
mod check;
pub(super) mod entries;
mod from_export;
mod keys_at;
mod restore;
mod taking;
mod trust;

pub use check::BackupReport;
pub(crate) use check::check;
pub(crate) use from_export::from_export;
pub use restore::RestoreProgress;
pub(crate) use restore::restore;
pub use taking::BackupProgress;
pub use trust::BackupTrust;
