#![cfg_attr(feature = "store", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "store"),
    doc = "Latchkeep without its store: rules, bytes, chain, tree, checkpoints, and the check of exports alone."
)]
//!
//! # Map
//!
//! [`StoreOptions`] opens a [`Store`]. [`Store::acting_as`] returns a [`Session`], which sends commands in the name of
//! an actor. A [`Refusal`] explains why a command was refused; an [`Error`] has a kind and says what went wrong.
//! [`ledger`] has the log's proofs, for verifiers without a store. An [`Issuer`] makes credentials in an outside
//! system; [`issuer_kit`] tests one. [`view`] has what people and programs are
//! shown, with the names of the reference. The manual is in [`manual`].
#![cfg_attr(
    not(feature = "store"),
    allow(dead_code, reason = "the writer, which asks and remembers, comes with the feature `store`")
)]
#![cfg_attr(
    test,
    allow(clippy::pedantic, clippy::disallowed_methods, clippy::drop_non_drop, reason = "tests say it as they like")
)]
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::print_stdout,
        clippy::dbg_macro
    )
)]

// What tests under `tests/model` share with unit tests names the crate as a host does.
#[cfg(test)]
extern crate self as latchkeep;

#[cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]
pub mod audit;
#[cfg(test)]
pub(crate) mod cases;
#[cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]
pub(crate) mod codec;
#[cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]
pub(crate) mod domain;
#[cfg(feature = "store")]
pub mod dotenv;
#[cfg(feature = "store")]
#[cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]
pub(crate) mod engine;
#[cfg(feature = "store")]
pub(crate) mod error;
#[cfg(all(any(test, fuzzing), feature = "store"))]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "store")]
pub(crate) mod issuer;
#[cfg(feature = "store")]
pub mod issuers_file;
pub mod ledger;
pub mod manual;
#[cfg(test)]
#[path = "../tests/crash/omission.rs"]
pub(crate) mod omission;
#[cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]
pub(crate) mod projection;
#[cfg(feature = "store")]
#[cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]
pub(crate) mod rotation;
#[cfg(feature = "store")]
pub(crate) mod seal;
#[cfg(feature = "store")]
pub(crate) mod storage;
#[cfg(feature = "store")]
pub(crate) mod store;
pub mod view;

/// The events of the log, with a struct for each. [`Event`] is one of them.
///
/// ```
/// use latchkeep::{Event, LockName, event::LockPlaced};
///
/// /// Returns the name of the lock that an event places.
/// fn placed(event: &Event) -> Option<&LockName> {
///     match event {
///         Event::LockPlaced(LockPlaced { lock, .. }) => Some(&lock.name),
///         _ => None,
///     }
/// }
/// ```
pub mod event {
    macro_rules! public {
        ($( $name:ident, )+) => { pub use crate::domain::event::{$( $name, )+}; };
    }

    crate::domain::event_kind::each_event!(public);
}

pub use domain::clock::{BootTime, ClockBounds, ClockConfirmedBy, ClockStanding, HeldClock};
pub use domain::command::{Change, LockTarget, SecretChanges};
pub use domain::doubt::RotationLineage;
pub use domain::ending::Ending;
pub use domain::event::Event;
pub use domain::evidence::RebaseDoubt;
pub use domain::expiry::Expiry;
pub use domain::fencing::FencingToken;
pub use domain::held::Held;
pub use domain::id::{BootId, DataKeyId, EventId, GroupId, LogId, RotationId, SecretId, TaskId, VersionId};
pub use domain::impact::{ConsumerImpact, Impact};
pub use domain::incarnation::Incarnation;
pub use domain::invalid::Invalid;
pub use domain::issuance::Issuance;
pub use domain::json::JsonObject;
pub use domain::limits;
pub use domain::lock::{Lock, LockMode, LockNames, LockRemoval, NewLock, PlacedLock};
pub use domain::name::{
    Actor, CorrelationId, Description, GroupName, IdempotencyKey, IssuerName, Label, LockName, OutsideId, Reason,
    SecretName, Username,
};
pub use domain::patience::Patience;
pub use domain::policy::{Interval, IntervalUnit, RotationPolicy};
pub use domain::position::{Position, Revision, VersionNumber, WriterEpoch};
pub use domain::quarantine::{Restored, RestoredFrom, Strangers};
pub use domain::rebase::Rebased;
pub use domain::receipt::Receipt;
pub use domain::record::{Context, Idempotency, Record, Subject};
pub use domain::refusal::{Blocked, BlockingLock, LOCKED_MESSAGE, Operation, Refusal};
pub use domain::rotation::{
    AttemptFailure, Credential, IssuedCredential, IssuerClass, Parked, Retirement, Rotation, RotationStage,
    RotationTrigger,
};
pub use domain::schedule::GivenUp;
pub use domain::secret::{
    ApiKeyTarget, ApiKeyUse, Lifecycle, PasswordPolicy, Secret, SecretMetadata, SecretSpec, SecretType,
};
pub use domain::settings::{AccessAudit, Group, KeySlotKind, Settings};
pub use domain::standing::RotationStanding;
pub use domain::task::{Task, TaskKind, TaskStatus, TaskTrigger};
pub use domain::time::Timestamp;
pub use domain::version::{
    Alias, CertificateDetails, DestroyCause, SealedRef, Version, VersionData, VersionDetails, VersionOrigin, VersionRef,
};
#[cfg(feature = "bench-without-tree")]
#[doc(hidden)]
pub use engine::tree::without_tree;
#[cfg(feature = "postgres")]
pub use issuer::postgres::{
    identifier::SqlIdentifier,
    password::PostgresPassword,
    role::PostgresRole,
    server::{PostgresServer, PostgresTls},
    template::{RoleTemplate, SqlPrivilege, SqlTarget},
};
#[cfg(feature = "private-ca")]
pub use issuer::private_ca::{
    authority::{CertificateAuthority, NewAuthority},
    leaf::PrivateCertIssuer,
    register::{CertificateNote, CertificateRegister, CertificateSerial},
    register_file::FileRegister,
    template::{CertificateKey, LeafTemplate},
};
pub use ledger::accepted_restore::AcceptedRestore;
pub use projection::lock_board::{LockStatus, VersionLocks};
pub use projection::notification::Notification;
pub use projection::tally::Tally;
#[cfg(feature = "store")]
pub use seal::{
    data::{Arbitrary, IamCredentials, IamIdentity, ImportedCert, IssuedData, Kv, SecretData, UsernamePassword},
    passphrase::PassphraseCost,
    secret_bytes::SecretBytes,
    unlock::{CallbackError, KeyCallback, Unlock},
};
#[cfg(feature = "store")]
pub use {
    engine::anchor_file::AnchorFile,
    engine::anchoring::{AnchorError, AnchorPace, CheckpointAnchor, LogSoFar},
    engine::backup::{BackupProgress, BackupReport, BackupTrust, RestoreProgress},
    engine::clock::{Clock, ManualClock, SystemClock},
    engine::file_anchor::FileAnchor,
    engine::line_anchor::LineAnchor,
    engine::reply::Pending,
    engine::scrub::{ScrubProgress, ScrubReport},
    error::{Error, ErrorKind},
    issuer::api_key::verify_api_key,
    issuer::certificate::CertificateSummary,
    issuer::exec::ExecIssuer,
    issuer::issuer::{IssueOrder, Issuer},
    issuer::job::{Job, JobWork, TaskReport},
    issuer::kit as issuer_kit,
    issuer::outcome::{Issued, IssuerError, IssuerErrorKind},
    issuer::value::{ApiKeyIssuer, PasswordIssuer},
    rotation::options::WorkerOptions,
    rotation::sweep::{Stranger, SweepReport},
    rotation::verification::Verified,
    store::Store,
    store::backup::{verify_backup, verify_backup_against},
    store::clock::ClockStatus,
    store::command::Command,
    store::export::ExportOptions,
    store::forecast::Forecast,
    store::impact::{ImpactReport, RecentReader},
    store::keys::RollProgress,
    store::log_view::{LogEntry, VerifiedChain},
    store::moment::Moment,
    store::new_secret::{NewData, NewSecret},
    store::options::StoreOptions,
    store::reading::Reading,
    store::rebase::{MovedEnd, MovedSecret},
    store::rotation_worker::RotationWorker,
    store::session::Session,
    store::status::{RotationCount, RotationCounts, Status},
    store::watch::{ResumePoint, Watch, Watched},
};
