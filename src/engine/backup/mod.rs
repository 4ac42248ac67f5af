//! Owns copies of a store: a backup, streamed out of a running one, and the ways back in from a backup or an export.
//!
//! A backup is the log up to one position, the data that there was at it, the keys that open it, all wrapped as they lie,
//! and the checkpoint of its size. A way in verifies all of it before a byte is written, builds the store aside, and leaves
//! it in quarantine under a signing key of its own. Read in this order: [`taking`], [`check`], [`trust`], [`restore`], [`build`],
//! [`from_export`].

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
