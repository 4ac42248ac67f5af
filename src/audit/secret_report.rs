//! Owns what a secret was at some point of a log: versions, locks, and where its rotation stood.
//!
//! Whether a lock stands in the way is asked of the one rule, [`crate::domain::touch`]. Read next: [`super::lock_report`].

use std::sync::Arc;

use serde::Serialize;
use serde::ser::{SerializeStruct as _, Serializer};

use crate::domain::lock::Lock;
use crate::domain::policy::RotationPolicy;
use crate::domain::refusal::{Blocked, Refusal};
use crate::domain::rotation::Rotation;
use crate::domain::secret::Secret;
use crate::domain::settings::Settings;
use crate::domain::state::Whole;
use crate::domain::time::Timestamp;
use crate::domain::touch::{Touch, unlocked};
use crate::domain::version::{Alias, Version, VersionData};
use crate::projection::lock_board::LockStatus;

/// A secret as the log tells it, up to some point.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecretReport {
    /// The secret, with all its versions and their locks.
    pub secret: Arc<Secret>,
    /// Where its rotation stood.
    pub rotation: RotationStatus,
}

/// Where the rotation of a secret stood.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RotationStatus {
    /// How often it rotates by itself, if it has a policy.
    pub policy: Option<RotationPolicy>,
    /// The time of the next scheduled rotation, if there is one.
    pub next_at: Option<Timestamp>,
    /// Whether that time was over.
    pub is_due: bool,
    /// The locks that would have refused a rotation, or, for a dynamic secret, a read; nothing when none would have, or when
    /// a slice does not show the settings.
    pub blocked: Option<Box<Blocked>>,
    /// The rotation by an issuer that was under way.
    pub open: Option<Box<Rotation>>,
}

impl RotationStatus {
    /// Gives the stable word: `none` without a policy, `off` when it does not act, `due`, `planned`, or `halted` when the
    /// secret is expired or its expiry is held back.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match (self.policy, self.next_at) {
            (None, _) => "none",
            (Some(RotationPolicy { auto_rotate: false, .. }), _) => "off",
            (Some(_), Some(_)) if self.is_due => "due",
            (Some(_), Some(_)) => "planned",
            (Some(_), None) => "halted",
        }
    }
}

impl SecretReport {
    pub(super) fn of(secret: &Arc<Secret>, time: Timestamp, settings: Option<Settings>) -> Self {
        let touch = if secret.spec.is_dynamic() { Touch::Regenerate } else { Touch::Rotate };
        let blocked = settings.and_then(|settings| {
            // Asked of the locks alone: a quarantine refuses for another reason.
            let whole = Whole { settings, ..Whole::default() };
            match unlocked(secret, touch, &whole) {
                Err(Refusal::Locked(blocked)) => Some(blocked),
                _ => None,
            }
        });
        let next_at = secret.next_rotation_at();
        let is_due = next_at.is_some_and(|next_at| next_at <= time);
        Self {
            secret: Arc::clone(secret),
            rotation: RotationStatus { policy: secret.policy, next_at, is_due, blocked, open: secret.rotation.clone() },
        }
    }

    /// Gives which locks stood on which of its versions.
    #[must_use]
    pub fn lock_status(&self) -> LockStatus {
        LockStatus::of(&self.secret)
    }
}

impl Serialize for SecretReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let secret = &*self.secret;
        let mut fields = serializer.serialize_struct("SecretReport", 9)?;
        fields.serialize_field("secret", &secret.id)?;
        fields.serialize_field("name", secret.metadata.name.as_str())?;
        fields.serialize_field("secret_type", secret.secret_type().label())?;
        fields.serialize_field("group", &secret.group)?;
        fields.serialize_field("state", secret.lifecycle.label())?;
        fields.serialize_field("revision", &secret.revision)?;
        fields.serialize_field("locks_total", &secret.locks_total())?;
        fields.serialize_field("rotation", &self.rotation)?;
        let versions = secret.versions.iter().rev().map(|version| VersionJson::of(secret, version));
        fields.serialize_field("versions", &versions.collect::<Vec<_>>())?;
        fields.end()
    }
}

impl Serialize for RotationStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("RotationStatus", 7)?;
        fields.serialize_field("status", self.label())?;
        fields.serialize_field("interval", &self.policy.map(|policy| policy.interval.to_string()))?;
        fields.serialize_field("next_at", &self.next_at)?;
        fields.serialize_field("blocked_total", &self.blocked.as_ref().map_or(0, |blocked| blocked.locks_total))?;
        fields.serialize_field("stage", &self.open.as_ref().map(|open| open.stage.label()))?;
        fields.serialize_field("parked_since", &self.open.as_ref().and_then(|open| Some(open.parked.as_ref()?.at)))?;
        let names = self.blocked.iter().flat_map(|blocked| blocked.locks.iter().map(|lock| &lock.name));
        fields.serialize_field("blocked_by", &names.collect::<Vec<_>>())?;
        fields.end()
    }
}

#[derive(Serialize)]
struct VersionJson<'a> {
    version: String,
    number: u64,
    alias: Option<&'static str>,
    created_at: Timestamp,
    created_by: &'a str,
    origin: &'static str,
    payload_available: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_destroyed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_destroyed_cause: Option<&'static str>,
    locks: &'a [Lock],
}

impl<'a> VersionJson<'a> {
    fn of(secret: &Secret, version: &'a Version) -> Self {
        let destroyed = match version.data {
            VersionData::Destroyed { at, cause } => Some((at, cause.label())),
            VersionData::Available(_) | VersionData::Unavailable { .. } => None,
        };
        Self {
            version: version.id.to_string(),
            number: version.number.get(),
            alias: secret.alias(version.id).map(Alias::label),
            created_at: version.created_at,
            created_by: version.created_by.as_str(),
            origin: version.origin.label(),
            payload_available: version.is_available(),
            payload_destroyed_at: destroyed.map(|(at, _)| at),
            payload_destroyed_cause: destroyed.map(|(_, cause)| cause),
            locks: &version.locks,
        }
    }
}
