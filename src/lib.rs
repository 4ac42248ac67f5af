//! Latchkeep: an event-sourced embedded store for secrets.
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

pub(crate) mod domain;
#[cfg(feature = "store")]
pub(crate) mod issuer;
pub mod ledger;
#[cfg(feature = "store")]
pub(crate) mod seal;
#[cfg(feature = "store")]
pub(crate) mod storage;

pub use domain::id::{DataKeyId, EventId, GroupId, LogId, SecretId, VersionId};
pub use domain::invalid::Invalid;
pub use domain::json::JsonObject;
pub use domain::limits;
pub use domain::name::{
    Actor, CorrelationId, Description, GroupName, IdempotencyKey, Label, LockName, SecretName, Username,
};
pub use domain::position::{Position, Revision, VersionNumber, WriterEpoch};
pub use domain::time::Timestamp;
#[cfg(feature = "store")]
pub use seal::{
    data::{Arbitrary, IamCredentials, IamIdentity, ImportedCert, Kv, SecretData, UsernamePassword},
    passphrase::PassphraseCost,
    secret_bytes::SecretBytes,
    slot::SlotKind,
    unlock::{CallbackError, KeyCallback, Unlock},
};
