//! Owns what is shown of where a secret is with its rotations, which locks hold the next one back, and why it does not come.
//!
//! Read next: [`super::task`].

use serde::{Deserialize, Serialize};

use super::impact::{Consumer, Impact};
use super::lock::BlockingLock;
use super::rotation::{Cause, Credential, Rotation};
use super::version::Version;
use crate::domain::id::SecretId;
use crate::domain::name::{IssuerName, SecretName};
use crate::domain::position::VersionNumber;
use crate::domain::rotation;
use crate::domain::secret::{Secret, SecretType};
use crate::domain::settings::Settings;
use crate::domain::standing::RotationStanding;
use crate::domain::time::Timestamp;
use crate::domain::version::Alias;

/// Where a secret is with its rotations. An addition to the reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RotationStatus {
    /// The secret.
    pub id: SecretId,
    /// Its name.
    pub name: SecretName,
    /// Its type.
    pub secret_type: SecretType,
    /// What is under way or comes next, as [`RotationStanding::label`](crate::RotationStanding::label) gives it; null for nothing.
    pub state: Option<String>,
    /// Since when; null for what lies ahead.
    pub since: Option<Timestamp>,
    /// When it rotates next by its policy.
    pub next_rotation_date: Option<Timestamp>,
    /// The locks that hold a rotation back; null where none is held.
    pub held_by: Option<Vec<BlockingLock>>,
    /// Why a rotation does not come, for people.
    pub why: Option<String>,
    /// When and why the last rotation was given up.
    pub given_up: Option<Cause>,
    /// The name of the issuer.
    pub issuer: Option<IssuerName>,
    /// The rotation that is under way.
    pub open_rotation: Option<Rotation>,
}

/// The same with all that is known of consumers and credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RotationDetails {
    /// Where it is.
    #[serde(flatten)]
    pub status: RotationStatus,
    /// The consumers that are waited for, and whether the next rotation would hit them.
    pub consumers: Vec<Consumer>,
    /// The versions that an issuer made, the newest first.
    pub versions: Vec<IssuedVersion>,
}

/// A version that an issuer made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IssuedVersion {
    /// Its number.
    pub number: VersionNumber,
    /// Its alias; null if it is older than the previous one.
    pub alias: Option<Alias>,
    /// When the credential ends by itself.
    pub expiration_date: Option<Timestamp>,
    /// The credential.
    pub credential: Credential,
}

impl RotationStatus {
    /// Shows where a secret is at a time.
    #[must_use]
    pub fn of(secret: &Secret, settings: Settings, now: Timestamp) -> Self {
        let standing = secret.rotation_standing(settings, now);
        let is_held = matches!(standing, Some(RotationStanding::Staged { .. } | RotationStanding::Blocked { .. }));
        let impact = is_held.then(|| secret.impact_of_rotation(settings)).flatten();
        Self {
            id: secret.id,
            name: secret.metadata.name.clone(),
            secret_type: secret.secret_type(),
            state: standing.map(|standing| standing.label().to_owned()),
            since: standing.and_then(RotationStanding::since),
            next_rotation_date: secret.next_rotation_at(),
            held_by: impact.map(|impact| Impact::of(secret, &impact).locks),
            why: Self::why_not(secret, now),
            given_up: secret.given_up.as_deref().map(Cause::from),
            issuer: secret.spec.issuance().map(|issuance| issuance.issuer.clone()),
            open_rotation: secret.rotation.as_deref().map(Rotation::of),
        }
    }

    /// Says why a rotation does not come by itself, for people; nothing where nothing holds it up.
    #[must_use]
    pub fn why_not(secret: &Secret, now: Timestamp) -> Option<String> {
        let not_ended = secret.credentials().find_map(rotation::Credential::failure);
        let not_ended = not_ended.map(|reason| format!("an earlier credential could not be ended: {reason}"));
        let Some(rotation) = secret.rotation.as_deref().map(Rotation::of) else {
            let given_up = || secret.given_up.as_deref().map(|it| Cause::from(it).given_up());
            return joined([not_ended, held_back(secret, now)]).or_else(given_up).or_else(|| not_begun(secret));
        };
        joined([
            rotation.parked.map(|parked| parked.reason.to_string()),
            rotation.aborted_because.map(|reason| format!("given up: {reason}")),
            rotation.failure.map(|reason| format!("last failure: {reason}")),
            not_ended,
        ])
    }
}

impl RotationDetails {
    /// Shows where a secret is at a time, with its consumers and credentials.
    #[must_use]
    pub fn of(secret: &Secret, settings: Settings, now: Timestamp) -> Self {
        let impact = secret.impact_of_rotation(settings).unwrap_or_default();
        let issued = |version: Version| {
            let Version { number, alias, expiration_date, credential, .. } = version;
            credential.map(|credential| IssuedVersion { number, alias, expiration_date, credential })
        };
        Self {
            status: RotationStatus::of(secret, settings, now),
            consumers: Impact::of(secret, &impact).consumers,
            versions: Version::all_of(secret).into_iter().filter_map(issued).collect(),
        }
    }
}

fn joined<const N: usize>(reasons: [Option<String>; N]) -> Option<String> {
    let reasons: Vec<String> = reasons.into_iter().flatten().collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// Says of a secret without a version which issuer has to make the first one.
fn not_begun(secret: &Secret) -> Option<String> {
    let issuance = secret.spec.issuance().filter(|_| secret.versions.is_empty())?;
    let issuer = &issuance.issuer;
    Some(format!("no version yet: the next latchkeep rotation run with an issuers file that names {issuer} begins it"))
}

/// Says what beside locks holds a rotation back that is due, or that it has no room.
fn held_back(secret: &Secret, now: Timestamp) -> Option<String> {
    secret.rotation_refused_at?;
    let held = secret.held_at(Settings::default(), now).map(|held| held.to_string());
    held.or_else(|| secret.without_room().map(|refusal| refusal.to_string()))
}

impl Cause {
    /// Says when and why a rotation was given up. The time is to the second.
    #[must_use]
    pub fn given_up(&self) -> String {
        format!("given up {}: {}", self.at.to_second(), self.reason)
    }
}
