//! Owns what is shown of rotations: the policy of a secret, a rotation that is under way, and the credential that one made.
//!
//! Read next: [`super::rotation_status`].

use serde::{Deserialize, Serialize};

use crate::domain::id::{RotationId, VersionId};
use crate::domain::name::{Actor, IssuerName, OutsideId, Reason};
use crate::domain::policy::{self, IntervalUnit};
use crate::domain::rotation::{self, IssuerClass, Retirement, RotationStage, RotationTrigger};
use crate::domain::schedule::GivenUp;
use crate::domain::time::Timestamp;

/// How a secret rotates by itself (`CommonRotationPolicy`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RotationPolicy {
    /// Whether it does.
    pub auto_rotate: bool,
    /// After how many units; none without a policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<u16>,
    /// The unit; none without a policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<IntervalUnit>,
}

impl RotationPolicy {
    /// What a secret has that takes a policy and has none.
    pub(super) const NONE: Self = Self { auto_rotate: false, interval: None, unit: None };

    /// Shows a policy.
    #[must_use]
    pub const fn of(policy: policy::RotationPolicy) -> Self {
        let policy::RotationPolicy { auto_rotate, interval } = policy;
        Self { auto_rotate, interval: Some(interval.count), unit: Some(interval.unit) }
    }
}

/// A rotation by an issuer that is under way. An addition to the reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Rotation {
    /// Its id.
    pub id: RotationId,
    /// What set it off.
    pub trigger: RotationTrigger,
    /// The name of the issuer.
    pub issuer: IssuerName,
    /// What that issuer can do.
    pub class: IssuerClass,
    /// The version that comes of it.
    pub version_id: VersionId,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// Who planned it.
    pub planned_by: Actor,
    /// How far it has come, as [`RotationStage::label`](crate::RotationStage::label) gives it.
    pub stage: String,
    /// Attempts made to come past this stage.
    pub attempts: u16,
    /// Attempts after which it is parked.
    pub attempts_max: u16,
    /// When it is parked at the latest.
    pub deadline: Timestamp,
    /// When it is tried again; null while it is parked: then a person has to resume it.
    pub retry_at: Option<Timestamp>,
    /// Until when the report of a job is waited for.
    pub report_by: Option<Timestamp>,
    /// Why the last attempt failed.
    pub failure: Option<Reason>,
    /// What the outside system calls the credential, as far as it is made.
    pub outside: Option<OutsideId>,
    /// Since when a lock holds it back.
    pub staged_since: Option<Timestamp>,
    /// Why it is being given up.
    pub aborted_because: Option<Reason>,
    /// Since when and why it waits for a person.
    pub parked: Option<Cause>,
}

/// When something happened, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Cause {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Reason,
}

impl From<&GivenUp> for Cause {
    fn from(given_up: &GivenUp) -> Self {
        Self { at: given_up.at, reason: given_up.reason.clone() }
    }
}

impl From<&rotation::Parked> for Cause {
    fn from(parked: &rotation::Parked) -> Self {
        Self { at: parked.at, reason: parked.reason.clone() }
    }
}

impl Rotation {
    /// Shows a rotation.
    #[must_use]
    pub fn of(rotation: &rotation::Rotation) -> Self {
        let (staged_since, aborted_because, report_by) = match &rotation.stage {
            RotationStage::Planned | RotationStage::Attempted | RotationStage::Doubted | RotationStage::Issued(_) => {
                (None, None, None)
            }
            RotationStage::Staged { since, .. } => (Some(*since), None, None),
            RotationStage::Aborting { reason, .. } => (None, Some(reason.clone()), None),
            RotationStage::Awaiting { report_by } => (None, None, Some(*report_by)),
            RotationStage::Ending { reason, report_by, .. } => (None, Some(reason.clone()), Some(*report_by)),
        };
        Self {
            id: rotation.id,
            trigger: rotation.trigger,
            issuer: rotation.issuer.clone(),
            class: rotation.class,
            version_id: rotation.to,
            planned_at: rotation.planned_at,
            planned_by: rotation.planned_by.clone(),
            stage: rotation.stage.label().to_owned(),
            attempts: rotation.attempts,
            attempts_max: rotation.attempts_max,
            deadline: rotation.deadline,
            retry_at: rotation.retry_at.filter(|_| rotation.parked.is_none()),
            report_by,
            failure: rotation.failure.clone(),
            outside: rotation.credential().and_then(|made| made.outside.clone()),
            staged_since,
            aborted_because,
            parked: rotation.parked.as_ref().map(Cause::from),
        }
    }
}

/// The credential behind a version. An addition to the reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Credential {
    /// The name of the issuer that made it.
    pub issuer: IssuerName,
    /// What that issuer can do.
    pub class: IssuerClass,
    /// The rotation that made it.
    pub rotation_id: RotationId,
    /// What the outside system calls it.
    pub outside: Option<OutsideId>,
    /// Whether it is still good: `in_use`, `retiring` or `retired`.
    pub state: String,
    /// Since when it is retiring or retired.
    pub since: Option<Timestamp>,
    /// How many attempts to end it failed.
    pub failures: u16,
    /// Why the last of them failed.
    pub failure: Option<Reason>,
}

impl Credential {
    /// Shows a credential.
    #[must_use]
    pub fn of(credential: &rotation::Credential) -> Self {
        let state = match credential.retirement {
            Retirement::InUse => "in_use",
            Retirement::Planned { .. } | Retirement::Failing { .. } | Retirement::Awaiting { .. } => "retiring",
            Retirement::Retired { .. } => "retired",
        };
        Self {
            issuer: credential.issuer.clone(),
            class: credential.class,
            rotation_id: credential.rotation,
            outside: credential.outside.clone(),
            state: state.to_owned(),
            since: credential.since(),
            failures: credential.failures(),
            failure: credential.failure().cloned(),
        }
    }
}
