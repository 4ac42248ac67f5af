//! Owns what is shown of a version of a secret: everything except its data.
//!
//! Read next: [`super::rotation`].

use serde::{Deserialize, Serialize};

use super::rotation::Credential;
use super::spelling;
use crate::domain::id::{GroupId, SecretId, VersionId};
use crate::domain::json::JsonObject;
use crate::domain::name::{Actor, LockName, SecretName};
use crate::domain::position::VersionNumber;
use crate::domain::secret::{Secret, SecretType};
use crate::domain::time::Timestamp;
use crate::domain::version::{
    self, Alias, CertificateDetails, DestroyCause, VersionData, VersionDetails, VersionOrigin,
};

/// A version of a secret, without its data (`SecretVersionMetadata`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Version {
    /// Its id.
    pub id: VersionId,
    /// Its number within the secret, from 1. An addition.
    pub number: VersionNumber,
    /// The secret.
    pub secret_id: SecretId,
    /// The name of the secret.
    pub secret_name: SecretName,
    /// The type of the secret.
    pub secret_type: SecretType,
    /// The group of the secret; `default` for the one that every store has.
    #[serde(with = "spelling::group")]
    pub secret_group_id: GroupId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: Actor,
    /// Whether its data can be read.
    pub payload_available: bool,
    /// Whether its data was read at least once.
    pub downloaded: bool,
    /// Whether a policy made it.
    pub auto_rotated: bool,
    /// How it came to be. An addition.
    pub origin: VersionOrigin,
    /// The names of its locks. An addition.
    pub locks: Vec<LockName>,
    /// Its alias; none if it is older than the previous one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<Alias>,
    /// Anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_custom_metadata: Option<JsonObject>,
    /// When its data ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_date: Option<Timestamp>,
    /// The version whose data it took over, if it was restored. An addition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restored_from: Option<VersionId>,
    /// The credential behind its data, if an issuer made it. An addition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<Credential>,
    /// The consumers that said that they use it; only of a version that an issuer made. An addition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged_by: Option<Vec<Actor>>,
    /// Since when its data is not here, since the store was restored without it. An addition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable_since: Option<Timestamp>,
    /// When and why its data was destroyed. An addition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_destroyed: Option<PayloadDestroyed>,
    /// The issuer's id of an API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_id: Option<Actor>,
    /// What a certificate says of itself.
    #[serde(flatten)]
    pub certificate: Option<Certificate>,
}

/// When and why the data of a version was destroyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PayloadDestroyed {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub cause: DestroyCause,
}

/// What a certificate says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Certificate {
    /// The common name of its subject; empty if it has none.
    pub common_name: String,
    /// The common name of who signed it; empty if it has none.
    pub issuer: String,
    /// Its serial number, in hexadecimal digits.
    pub serial_number: String,
    /// From when until when it is valid.
    pub validity: Validity,
    /// Whether its private key was brought along.
    pub private_key_included: bool,
    /// Whether its chain was brought along.
    pub intermediate_included: bool,
}

/// From when until when a certificate is valid (`CertificateValidity`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Validity {
    /// From when.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
}

impl Version {
    /// Shows a version of a secret.
    #[must_use]
    pub fn of(secret: &Secret, version: &version::Version) -> Self {
        let (unavailable_since, payload_destroyed) = missing_data(version.data);
        let credential = version.credential.as_deref().map(Credential::of);
        Self {
            id: version.id,
            number: version.number,
            secret_id: secret.id,
            secret_name: secret.metadata.name.clone(),
            secret_type: secret.secret_type(),
            secret_group_id: secret.group,
            created_at: version.created_at,
            created_by: version.created_by.clone(),
            payload_available: version.is_available(),
            downloaded: version.downloaded,
            auto_rotated: version.is_auto_rotated(),
            origin: version.origin,
            locks: version.locks.iter().map(|lock| lock.name.clone()).collect(),
            alias: secret.alias(version.id),
            version_custom_metadata: version.custom_metadata.clone(),
            expiration_date: version.expires_at,
            restored_from: version.restored_from,
            acknowledged_by: credential.is_some().then(|| version.acknowledged_by.to_vec()),
            credential,
            unavailable_since,
            payload_destroyed,
            api_key_id: api_key_id(&version.details),
            certificate: Certificate::of(version),
        }
    }

    /// Shows all versions of a secret, the newest first.
    #[must_use]
    pub fn all_of(secret: &Secret) -> Vec<Self> {
        secret.versions.iter().rev().map(|version| Self::of(secret, version)).collect()
    }
}

impl Certificate {
    /// Shows the certificate that a version has, if it has one.
    #[must_use]
    pub fn of(version: &version::Version) -> Option<Self> {
        match &version.details {
            VersionDetails::Certificate(details) => Some(Self::shown(details)),
            VersionDetails::Plain | VersionDetails::ApiKey { .. } => None,
        }
    }

    fn shown(details: &CertificateDetails) -> Self {
        Self {
            common_name: details.common_name.to_string(),
            issuer: details.issuer.to_string(),
            serial_number: details.serial.to_string(),
            validity: Validity { not_before: details.not_before, not_after: details.not_after },
            private_key_included: details.has_private_key,
            intermediate_included: details.has_chain,
        }
    }
}

/// Returns since when data is not here, or when and why it was destroyed.
const fn missing_data(data: VersionData) -> (Option<Timestamp>, Option<PayloadDestroyed>) {
    match data {
        VersionData::Available(_) => (None, None),
        VersionData::Unavailable { since } => (Some(since), None),
        VersionData::Destroyed { at, cause } => (None, Some(PayloadDestroyed { at, cause })),
    }
}

fn api_key_id(details: &VersionDetails) -> Option<Actor> {
    match details {
        VersionDetails::ApiKey { api_key_id } => Some(api_key_id.clone()),
        VersionDetails::Plain | VersionDetails::Certificate(_) => None,
    }
}
