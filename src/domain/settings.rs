//! Owns what a store as a whole is set to, and its groups and key slots as the log knows them.
//!
//! Read next: [`super::event`].

use serde::{Deserialize, Serialize};

use super::code::coded_enum;
use super::name::{Description, GroupName};
use super::time::Timestamp;

coded_enum!(
    /// How reads of secret data get into the audit trail.
    AccessAudit {
        /// Not at all, but for the first read of a version.
        Off = 0, "off";
        /// Soon after, reads of the same kind counted together; a read never waits. What a crash catches unwritten is lost.
        Relaxed = 1, "relaxed";
        /// Durably, before the data is handed out; if the read can't be recorded there is no data.
        Strict = 2, "strict";
    }
);

coded_enum!(
    /// What opens a key slot.
    KeySlotKind {
        /// A file of 32 random bytes.
        KeyFile = 1, "key_file";
        /// A passphrase, through Argon2id.
        Passphrase = 2, "passphrase";
        /// 32 bytes that the host brings.
        HostBytes = 3, "host_bytes";
        /// A call to the host.
        HostCallback = 4, "host_callback";
    }
);

impl KeySlotKind {
    /// Gives the kind in words for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::KeyFile => "key file",
            Self::Passphrase => "passphrase",
            Self::HostBytes => "key of the host",
            Self::HostCallback => "key service",
        }
    }
}

/// What a store is set to. Stored in the log, so that a change shows in the audit trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// How reads get into the audit trail.
    pub access_audit: AccessAudit,
    /// Whether any lock on any version of a secret refuses its rotation, where the secret does not say.
    pub refuse_rotation_while_locked: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { access_audit: AccessAudit::Relaxed, refuse_rotation_while_locked: false }
    }
}

/// A group of secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its name, unique in the store.
    pub name: GroupName,
    /// What it is for.
    pub description: Option<Description>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// How many secrets are in it.
    pub secrets: u64,
}
