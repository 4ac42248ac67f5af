//! Owns what a secret was at some point of a log: versions, locks, and where its rotation stood.
//!
//! Whether a lock stands in the way is asked of the one rule, [`crate::domain::touch`]. Read next: [`super::lock_report`].

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::domain::policy::RotationPolicy;
use crate::domain::refusal::{Blocked, BlockingLock};
use crate::domain::rotation::Rotation;
use crate::domain::secret::Secret;
use crate::domain::settings::Settings;
use crate::domain::state::Whole;
use crate::domain::time::Timestamp;
use crate::domain::touch::{Obstacle, Touch, unlocked};
use crate::projection::lock_board::LockStatus;
use crate::view;

/// A secret as the log tells it, up to some point. In JSON it is a [`view::Secret`] with its `versions`, its `locks`, and in
/// `rotation_status` the locks that would have refused a rotation.
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
                Err(Obstacle::Locks(blocked)) => Some(blocked),
                Ok(_) | Err(Obstacle::Stop(_)) => None,
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

/// The secret as it is shown everywhere, with its versions, its locks, and the rotation that they would refuse.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    secret: view::Secret,
    versions: Vec<view::Version>,
    locks: Vec<view::Lock>,
    rotation_status: ShownRotation,
}

#[derive(Serialize)]
struct ShownRotation {
    status: &'static str,
    blocked_by: Vec<view::BlockingLock>,
    blocked_total: u32,
}

impl Serialize for SecretReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let blocked = self.rotation.blocked.as_deref();
        let learned = |lock: &BlockingLock| {
            let mut shown = view::BlockingLock::of(lock);
            shown.learn(&self.secret);
            shown
        };
        let rotation_status = ShownRotation {
            status: self.rotation.label(),
            blocked_by: blocked.iter().flat_map(|blocked| &blocked.locks).map(learned).collect(),
            blocked_total: blocked.map_or(0, |blocked| blocked.locks_total),
        };
        let shown = Shown {
            secret: view::Secret::of(&self.secret),
            versions: view::Version::all_of(&self.secret),
            locks: view::Lock::all_of(&self.secret),
            rotation_status,
        };
        shown.serialize(serializer)
    }
}
