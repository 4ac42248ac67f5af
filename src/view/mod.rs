//! What people and programs are shown: secrets, versions, locks, rotations, and the one explanation of a refusal, as structs with
//! serde.
//!
//! Fields have the names of the HTTP API of IBM Cloud Secrets Manager (v2), where it has the thing; the others are additions. The
//! command line prints these structs with `--json`. A reader can parse them again: each is [`serde::Deserialize`] too, and passes over
//! fields that it does not know. Times are RFC 3339 in UTC.
//!
//! ```
//! use latchkeep::{Actor, LockName, NewLock, NewSecret, SecretBytes, SecretName, StoreOptions, Unlock, VersionRef, view};
//!
//! let store = StoreOptions::in_memory(Unlock::bytes(SecretBytes::copy_from(&[7; 32]))).create()?;
//! let ops = store.acting_as(Actor::parse("ops")?);
//! let new = NewSecret::arbitrary(SecretName::parse("token")?, SecretBytes::copy_from(b"one"))?;
//! let id = ops.create(new)?.secret.unwrap();
//! ops.place_lock(id, VersionRef::Current, NewLock::new(LockName::parse("billing")?))?;
//!
//! let refused = ops.delete(id).unwrap_err();
//! let explanation = view::Explanation::of(refused.refusal().unwrap());
//! assert_eq!((explanation.code.as_str(), explanation.status_code), ("secret_version_locked", 412));
//! let block = explanation.block.unwrap();
//! assert_eq!(block.explanation, "the deletion of token is refused because version 1 (current) is locked by billing");
//! assert_eq!(block.blocked_by[0].name.as_str(), "billing");
//! # Ok::<(), latchkeep::Error>(())
//! ```
#![deny(clippy::wildcard_enum_match_arm)]

mod error_body;
mod explanation;
mod forecast;
mod group;
mod impact;
mod lock;
mod moment;
mod receipt;
mod record;
mod rotation;
mod rotation_status;
mod secret;
mod spelling;
mod status;
mod task;
mod version;

#[cfg(test)]
mod tests;

pub use error_body::{ErrorBody, ErrorItem};
pub use explanation::{Block, Explanation, Refused, Target};
pub use forecast::{EventSummary, Forecast};
pub use group::Group;
pub use impact::{Consumer, Impact, ImpactReport, RecentReader};
pub use lock::{BlockingLock, Lock, SecretLocks, VersionLocks};
pub use moment::{Moment, stretches_words};
pub use receipt::Receipt;
pub use record::{LogEntry, Record, UnreadRecord};
pub use rotation::{Cause, Credential, Rotation, RotationPolicy};
pub use rotation_status::{IssuedVersion, RotationDetails, RotationStatus};
pub use secret::{PasswordGenerationPolicy, Secret, SourceInstance, SourceService, TypeFields};
pub use spelling::group_id;
pub use status::{Clock, KeySlot, RotationCount, RotationCounts, Status, UnknownCredentials};
pub use task::{Task, TaskError};
pub use version::{Certificate, PayloadDestroyed, Validity, Version};

pub use crate::domain::version::version_words;
