//! Owns the only error of the public interface: its kind, what happened, and what to do now.
//!
//! The kind tells a program what to do; the message tells a person. Neither ever contains secret data. Read next:
//! [`crate::Refusal`], the expected kind.

use std::fmt;

use crate::audit::{ExportError, IllegalStep, LineFault};
use crate::codec::error::CodecError;
use crate::domain::invalid::Invalid;
use crate::domain::limits;
use crate::domain::name::IssuerName;
use crate::domain::position::Position;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::ledger::{ChainFault, CheckpointError, EventProofError, ProofError, TreeError};
use crate::seal::error::SealError;
use crate::seal::stream::StreamError;
use crate::storage::StorageError;

/// The reason why something was not done.
///
/// ```
/// use latchkeep::{ErrorKind, StoreOptions, Unlock};
///
/// let dir = tempfile::tempdir()?;
/// let error = StoreOptions::new(dir.path().join("nothing"), Unlock::key_file("no.key")).open().unwrap_err();
/// assert!(matches!(error.kind(), ErrorKind::Invalid));
/// assert_eq!(error.code(), "not_a_store");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    code: &'static str,
    message: Box<str>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    begin_at: Option<Position>,
}

/// What the caller can do about an error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The store refused the command, as expected; the refusal explains it.
    Refused(Refusal),
    /// An input cannot be used: a wrong key, a path that is not a store, a value out of bounds.
    Invalid,
    /// It cannot be done now: the store is open elsewhere, the disk is full, the store is poisoned.
    Unavailable,
    /// The store was closed.
    Closed,
    /// Stored data is damaged, or records were lost. Restore from a backup.
    Corrupt,
    /// A defect of this crate.
    Internal,
}

impl Error {
    fn new(kind: ErrorKind, code: &'static str, message: impl Into<Box<str>>) -> Self {
        Self(Box::new(Inner { kind, code, message: message.into(), source: None, begin_at: None }))
    }

    fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Box::new(source));
        self
    }

    pub(crate) fn refused(refusal: Refusal) -> Self {
        let (code, message) = (refusal.code(), refusal.to_string());
        Self::new(ErrorKind::Refused(refusal), code, message)
    }

    pub(crate) fn closed() -> Self {
        Self::new(ErrorKind::Closed, "closed", "the store is closed; open it again")
    }

    pub(crate) fn read_only() -> Self {
        Self::new(ErrorKind::Unavailable, "read_only", "the store was opened for reading only; open it for writing")
    }

    pub(crate) fn time_unconfirmed(shown: Timestamp, last_at: Timestamp) -> Self {
        let message = format!(
            "the clock shows {shown}, too far ahead of the last record of {last_at}: what it makes would bear that time for good; set the \
             clock, or, if it is right, say so"
        );
        Self::new(ErrorKind::Unavailable, "time_unconfirmed", message)
    }

    pub(crate) fn busy() -> Self {
        Self::new(ErrorKind::Unavailable, "busy", "the queue of the store is full; try again soon")
    }

    /// Returns the error when no further answer can be remembered without forgetting another one early.
    pub(crate) fn keys_used_up() -> Self {
        let message = format!(
            "the answers to so many idempotency keys are kept for their day ({} of one actor, {} of all) that this one \
             could not be; ask again when the oldest is a day old, or without a key",
            limits::REMEMBERED_OF_ACTOR_MAX,
            limits::REMEMBERED_MAX
        );
        Self::new(ErrorKind::Unavailable, "busy", message)
    }

    pub(crate) fn worker_runs() -> Self {
        let message = "another worker does the rotations of this store; leave them to it, or stop it first";
        Self::new(ErrorKind::Unavailable, "worker_runs", message)
    }

    pub(crate) fn issuer_unavailable(issuer: &IssuerName, why: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Unavailable, "issuer_unavailable", format!("issuer {issuer} could not be asked: {why}"))
    }

    pub(crate) fn poisoned(why: &str) -> Self {
        let message = format!("the store takes no more commands since this happened: {why}; open it again");
        Self::new(ErrorKind::Unavailable, "poisoned", message)
    }

    pub(crate) fn no_space(why: &str) -> Self {
        Self::new(ErrorKind::Unavailable, NO_SPACE, why)
    }

    /// Returns the error when nothing of a group was written, though there is space.
    pub(crate) fn not_written(why: &str) -> Self {
        Self::new(ErrorKind::Internal, "internal", format!("nothing was written: {why}"))
    }

    pub(crate) fn is_no_space(&self) -> bool {
        self.0.code == NO_SPACE
    }

    pub(crate) fn corrupt(message: impl Into<Box<str>>) -> Self {
        Self::new(ErrorKind::Corrupt, "corrupt", message)
    }

    /// Returns the error for rows that differ from those the store wrote.
    pub(crate) fn rows_changed(how: &str) -> Self {
        let message = format!(
            "rows of the store were changed outside of it, or put back from earlier: {how}; restore the store from a backup, and find out who did it"
        );
        Self::new(ErrorKind::Corrupt, "rows_changed", message)
    }

    /// Returns the error for a key slot that opens the store and does not belong to it.
    pub(crate) fn slot_put_back(slot: u8) -> Self {
        Self::rows_changed(&format!("key slot {slot}, which this key opens, was removed or is another one by now"))
    }

    /// Returns the error for a missing body that no record of the log erased.
    pub(crate) fn body_missing(position: Position) -> Self {
        Self::rows_changed(&format!("the body of record {position} is missing, and no record says that it was erased"))
    }

    /// Returns the error for a present body that a record of the log erased.
    pub(crate) fn body_put_back(position: Position) -> Self {
        Self::rows_changed(&format!("the body of record {position} is there, although it was erased"))
    }

    pub(crate) fn records_lost(have: u64, anchored: u64) -> Self {
        let message = format!(
            "records were lost: the log has {have} records, but {anchored} were made durable; restore it from a backup"
        );
        Self::new(ErrorKind::Corrupt, "records_lost", message)
    }

    pub(crate) fn rolled_back(have: u64, expected: u64) -> Self {
        let message = format!(
            "the store was rolled back: its log has {have} records, the expected checkpoint {expected}; find the newer store"
        );
        Self::new(ErrorKind::Corrupt, "rolled_back", message)
    }

    pub(crate) fn forked(how: &str) -> Self {
        Self::new(ErrorKind::Corrupt, "forked", format!("{how}; do not use this store before you know why"))
    }

    pub(crate) fn unknown_events(count: u64) -> Self {
        let message = format!(
            "the log has {count} events that a later release wrote; open it with that release, or for reading only"
        );
        Self::new(ErrorKind::Unavailable, "unknown_events", message)
    }

    pub(crate) fn backup_damaged(message: impl Into<Box<str>>) -> Self {
        Self::new(ErrorKind::Corrupt, "backup_damaged", message)
    }

    pub(crate) fn anchor_silent(waited: std::time::Duration) -> Self {
        let message = format!(
            "an anchor has not answered for {} seconds: all records are durable, but the last checkpoint may not be anchored",
            waited.as_secs()
        );
        Self::new(ErrorKind::Unavailable, "anchor_silent", message)
    }

    pub(crate) fn other_log() -> Self {
        Self::new(ErrorKind::Invalid, "other_log", "the point is of another log; name one of this store")
    }

    pub(crate) fn restored(log_size: Position) -> Self {
        let message = format!(
            "the store was restored at {log_size}, below that position: what was recorded there since is new; begin at {log_size}"
        );
        let mut error = Self::new(ErrorKind::Invalid, "store_restored", message);
        error.0.begin_at = Some(log_size);
        error
    }

    pub(crate) fn backup_forged(how: &str) -> Self {
        let message = format!(
            "the backup is not shown to be of this store: {how}; use another copy, and find out who wrote this one"
        );
        Self::new(ErrorKind::Corrupt, "backup_forged", message)
    }

    pub(crate) fn backup_overtaken() -> Self {
        let message = "data and keys changed faster than they could be copied; take the backup when less happens";
        Self::new(ErrorKind::Unavailable, "backup_overtaken", message)
    }

    pub(crate) fn export_unsound(how: &str) -> Self {
        let message = format!("no store can be made of the export: {how}");
        Self::new(ErrorKind::Corrupt, "export_unsound", message)
    }

    pub(crate) fn unreadable(error: std::io::Error) -> Self {
        Self::new(ErrorKind::Unavailable, "io", format!("the file cannot be read: {error}")).caused_by(error)
    }

    pub(crate) fn internal(message: impl Into<Box<str>>) -> Self {
        Self::new(ErrorKind::Internal, "internal", message)
    }

    /// Returns the error when the writer was about to append what no check would accept. Nothing was written, and the
    /// store continues.
    pub(crate) fn illegal_batch(step: &IllegalStep) -> Self {
        Self::internal(format!("the writer was about to append an {step}; nothing was written")).caused_by(*step)
    }

    /// Returns the error for a log with an illegal step.
    pub(crate) fn illegal_log(step: &IllegalStep) -> Self {
        Self::corrupt(format!(
            "the log has an {step}; open it for reading only, or take a backup and restore that, with the step accepted"
        ))
        .caused_by(*step)
    }

    /// Returns the error for a whole backup or export whose log has an illegal step.
    pub(crate) fn illegal_step(of: &str, step: &IllegalStep) -> Self {
        let message = format!(
            "the log of {of} is whole, but has an {step}; a person who knows how it came about can accept that step in a \
             restore"
        );
        Self::new(ErrorKind::Corrupt, "illegal_step", message).caused_by(*step)
    }

    /// Returns the error when the step to accept breaks no rule.
    pub(crate) fn step_is_legal(position: Position) -> Self {
        let message = format!("no illegal step stands at position {position}, so there is nothing to accept");
        Self::new(ErrorKind::Invalid, "legal_step", message)
    }

    /// Returns the kind, which tells a program what to do.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Returns the stable word for exactly this error, such as `secret_version_locked`, `already_open` or `wrong_key`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// Returns the position at which a watch must begin anew, if the store was restored below the given point: code
    /// `store_restored`, of [`crate::Store::watch_from`].
    #[must_use]
    pub fn begin_at(&self) -> Option<Position> {
        self.0.begin_at
    }

    /// Returns the refusal, if the store refused the command.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.0.kind {
            ErrorKind::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

/// The stable word for a disk that is too full to continue.
const NO_SPACE: &str = "no_space";

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error").field("code", &self.0.code).field("message", &self.0.message).finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| &**source as _)
    }
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::new(ErrorKind::Invalid, "invalid_parameter", invalid.to_string())
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::refused(refusal)
    }
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Self {
        use ErrorKind::{Closed, Corrupt, Internal, Invalid, Unavailable};
        let (kind, code) = match &error {
            StorageError::AlreadyOpen { .. } => (Unavailable, "already_open"),
            StorageError::NotAStore { .. } => (Invalid, "not_a_store"),
            StorageError::OtherRevision { .. } => (Invalid, "other_revision"),
            StorageError::Exists { .. } => (Invalid, "store_exists"),
            StorageError::NoSpace { .. } => (Unavailable, NO_SPACE),
            StorageError::Permission { .. } => (Unavailable, "permission"),
            StorageError::Io { .. } => (Unavailable, "io"),
            StorageError::Poisoned { .. } => (Unavailable, "poisoned"),
            StorageError::Panicked { .. } | StorageError::Corrupt { .. } => (Corrupt, "corrupt"),
            StorageError::Closed => (Closed, "closed"),
            _ => (Internal, "internal"),
        };
        // The cause below is part of what a person has to read.
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Self::new(kind, code, format!("{error}{cause}")).caused_by(error)
    }
}

impl From<SealError> for Error {
    fn from(error: SealError) -> Self {
        use ErrorKind::{Corrupt, Invalid, Unavailable};
        let (kind, code) = match &error {
            SealError::Invalid(_) => (Invalid, "invalid_parameter"),
            SealError::WrongKey(_) | SealError::NoSlotOfKind(_) => (Invalid, "wrong_key"),
            SealError::KeyFile { .. } => (Invalid, "key_file"),
            SealError::SlotDamaged { .. } | SealError::UnknownSlotKind { .. } => (Corrupt, "key_slot_damaged"),
            SealError::SlotsFull | SealError::SlotEmpty(_) | SealError::LastSlot(_) => {
                (Invalid, "key_slot_unavailable")
            }
            SealError::Random(_) | SealError::PassphraseMemory { .. } | SealError::Callback(_) => {
                (Unavailable, "key_unavailable")
            }
            _ => (Corrupt, "corrupt"),
        };
        Self::new(kind, code, error.to_string()).caused_by(error)
    }
}

impl From<StreamError> for Error {
    fn from(error: StreamError) -> Self {
        use ErrorKind::{Corrupt, Invalid, Unavailable};
        let (kind, code) = match error {
            StreamError::Seal(error) => return error.into(),
            StreamError::Io(_) => (Unavailable, "io"),
            StreamError::NotABackup => (Invalid, "not_a_backup"),
            StreamError::Version(_) => (Invalid, "other_revision"),
            StreamError::OtherKey(_) => (Invalid, "wrong_key"),
            StreamError::Header | StreamError::Chunk(_) | StreamError::Cut(_) | StreamError::Surplus(_) => {
                (Corrupt, "backup_damaged")
            }
        };
        Self::new(kind, code, error.to_string()).caused_by(error)
    }
}

impl From<CodecError> for Error {
    fn from(error: CodecError) -> Self {
        Self::new(ErrorKind::Corrupt, "corrupt", error.to_string()).caused_by(error)
    }
}

impl From<ExportError> for Error {
    fn from(error: ExportError) -> Self {
        Self::new(ErrorKind::Unavailable, "export", error.to_string()).caused_by(error)
    }
}

impl From<LineFault> for Error {
    fn from(fault: LineFault) -> Self {
        Self::export_unsound(&fault.to_string()).caused_by(fault)
    }
}

impl From<TreeError> for Error {
    fn from(error: TreeError) -> Self {
        Self::new(ErrorKind::Corrupt, "corrupt", format!("the tree of the log is damaged: {error}")).caused_by(error)
    }
}

impl From<CheckpointError> for Error {
    fn from(error: CheckpointError) -> Self {
        Self::new(ErrorKind::Invalid, "invalid_checkpoint", error.to_string()).caused_by(error)
    }
}

impl From<EventProofError> for Error {
    fn from(error: EventProofError) -> Self {
        Self::new(ErrorKind::Invalid, "invalid_parameter", error.to_string()).caused_by(error)
    }
}

impl From<ProofError> for Error {
    fn from(error: ProofError) -> Self {
        Self::new(ErrorKind::Invalid, "invalid_parameter", error.to_string()).caused_by(error)
    }
}

impl From<ChainFault> for Error {
    fn from(fault: ChainFault) -> Self {
        Self::new(ErrorKind::Corrupt, "corrupt", format!("the log is damaged: {fault}; restore it from a backup"))
            .caused_by(fault)
    }
}
