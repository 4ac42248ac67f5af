//! Owns what is shown of a secret: everything except its data.
//!
//! Read next: [`super::version`].

use serde::{Deserialize, Serialize};

use super::rotation::{Rotation, RotationPolicy};
use super::spelling;
use super::version::Certificate;
use crate::domain::id::{GroupId, LogId, SecretId};
use crate::domain::json::JsonObject;
use crate::domain::name::{Actor, Description, IssuerName, Label, SecretName};
use crate::domain::position::Revision;
use crate::domain::secret::{self, ApiKeyTarget, ApiKeyUse, Lifecycle, SecretSpec, SecretType};
use crate::domain::time::Timestamp;

/// A secret, without its data and its versions (`SecretMetadata`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Secret {
    /// Its id.
    pub id: SecretId,
    /// Its name, unique among secrets of its type.
    pub name: SecretName,
    /// Its type.
    pub secret_type: SecretType,
    /// Its group; `default` for the one that every store has.
    #[serde(with = "spelling::group")]
    pub secret_group_id: GroupId,
    /// Its labels.
    pub labels: Vec<Label>,
    /// The number of its state, as in NIST SP 800-57: 0, 1, 2, 3 or 5.
    pub state: u8,
    /// The same in words.
    pub state_description: Lifecycle,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: Actor,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// How many versions it has.
    pub versions_total: u64,
    /// How many locks all its versions have.
    pub locks_total: u64,
    /// Whether data of it was read.
    pub downloaded: bool,
    /// How many versions keep their data. An addition.
    pub retention: u8,
    /// How many events it has had. An addition.
    pub revision: Revision,
    /// Its name in the whole cloud; see [`Secret::with_crn`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crn: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// Anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_metadata: Option<JsonObject>,
    /// When it expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_date: Option<Timestamp>,
    /// When its data was last read, as far as reads are recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retrieved_at: Option<Timestamp>,
    /// When it rotates next by its policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_rotation_date: Option<Timestamp>,
    /// Since when a lock holds its expiry back. An addition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_held_since: Option<Timestamp>,
    /// Whether any lock on any version refuses a rotation; none if it follows the store. An addition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refuse_rotation_while_locked: Option<bool>,
    /// How it rotates by itself; always there for `username_password`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation: Option<RotationPolicy>,
    /// What its type has beside.
    #[serde(flatten)]
    pub of_type: TypeFields,
    /// What the certificate of its current version says of itself.
    #[serde(flatten)]
    pub certificate: Option<Certificate>,
}

/// The fields that only some types of secrets have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TypeFields {
    /// How passwords are made (`username_password`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_generation_policy: Option<PasswordGenerationPolicy>,
    /// Seconds that a credential lives (`iam_credentials`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
    /// Whether a read gives out the key of an earlier one (`iam_credentials`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reuse_api_key: Option<bool>,
    /// For which service id API keys are made (`iam_credentials`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_id: Option<Actor>,
    /// For which access groups API keys are made (`iam_credentials`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_groups: Option<Vec<Label>>,
    /// The name of the issuer (`custom_credentials`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration: Option<IssuerName>,
    /// The name of the issuer (`private_cert`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_template: Option<IssuerName>,
    /// The issuer (`service_credentials`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_service: Option<SourceService>,
    /// What the issuer is to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<JsonObject>,
    /// Seconds for which the credential before stays good at the least. An addition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_secs: Option<u32>,
    /// The consumers that are waited for. An addition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumers: Option<Vec<Actor>>,
    /// The rotation that is under way. An addition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_rotation: Option<Rotation>,
}

/// How passwords are made (`PasswordGenerationPolicy`); lower case letters are always among them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PasswordGenerationPolicy {
    /// Characters.
    pub length: u16,
    /// Whether there are digits.
    pub include_digits: bool,
    /// Whether there are symbols.
    pub include_symbols: bool,
    /// Whether there are upper case letters.
    pub include_uppercase: bool,
}

/// The issuer of service credentials (`ServiceCredentialsSecretSourceService`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SourceService {
    /// The service instance.
    pub instance: SourceInstance,
}

/// The service instance that makes credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SourceInstance {
    /// Its name: here that of the issuer.
    pub crn: IssuerName,
}

impl Secret {
    /// Shows a secret.
    #[must_use]
    pub fn of(secret: &secret::Secret) -> Self {
        let metadata = &secret.metadata;
        let is_password = matches!(secret.spec, SecretSpec::UsernamePassword { .. });
        let no_policy = is_password.then_some(RotationPolicy::NONE);
        Self {
            id: secret.id,
            name: metadata.name.clone(),
            secret_type: secret.secret_type(),
            secret_group_id: secret.group,
            labels: metadata.labels.to_vec(),
            state: secret.lifecycle.code(),
            state_description: secret.lifecycle,
            created_at: secret.created_at,
            created_by: secret.created_by.clone(),
            updated_at: secret.updated_at,
            versions_total: count(secret.versions.len()),
            locks_total: count(secret.locks_total()),
            downloaded: secret.versions.iter().any(|version| version.downloaded),
            retention: metadata.retention,
            revision: secret.revision,
            crn: None,
            description: metadata.description.clone(),
            custom_metadata: metadata.custom_metadata.clone(),
            expiration_date: secret.expires_at(),
            retrieved_at: secret.retrieved_at,
            next_rotation_date: secret.next_rotation_at(),
            expiration_held_since: secret.expiry_held_since,
            refuse_rotation_while_locked: metadata.refuse_rotation_while_locked,
            rotation: secret.policy.map(RotationPolicy::of).or(no_policy),
            of_type: TypeFields::of(secret),
            certificate: secret.current().and_then(Certificate::of),
        }
    }

    /// Adds its name in the whole cloud, which the clients of the reference require: the log id of the store stands for the instance;
    /// region and account are empty.
    #[must_use]
    pub fn with_crn(mut self, log: LogId) -> Self {
        self.crn = Some(format!("crn:v1:latchkeep:local:secrets-manager:::{}:secret:{}", log.to_hex(), self.id));
        self
    }

    /// Returns the name of the issuer that makes its credentials, if one does.
    #[must_use]
    pub fn issuer_name(&self) -> Option<&IssuerName> {
        let TypeFields { configuration, certificate_template, source_service, .. } = &self.of_type;
        let source = source_service.as_ref().map(|source| &source.instance.crn);
        configuration.as_ref().or(certificate_template.as_ref()).or(source)
    }
}

impl TypeFields {
    fn of(secret: &secret::Secret) -> Self {
        let mut fields = Self::default();
        match &secret.spec {
            SecretSpec::Arbitrary | SecretSpec::Kv | SecretSpec::ImportedCert => {}
            SecretSpec::UsernamePassword { password_policy } => {
                fields.password_generation_policy = Some(PasswordGenerationPolicy {
                    length: password_policy.length,
                    include_digits: password_policy.include_digits,
                    include_symbols: password_policy.include_symbols,
                    include_uppercase: password_policy.include_uppercase,
                });
            }
            SecretSpec::IamCredentials { ttl_secs, api_key_use, target } => {
                fields.ttl = Some(*ttl_secs);
                fields.reuse_api_key = Some(*api_key_use == ApiKeyUse::UntilLeaseEnds);
                match target {
                    ApiKeyTarget::ServiceId(id) => fields.service_id = Some(id.clone()),
                    ApiKeyTarget::AccessGroups(groups) => fields.access_groups = Some(groups.to_vec()),
                }
            }
            SecretSpec::ServiceCredentials { issuance } => {
                fields.source_service =
                    Some(SourceService { instance: SourceInstance { crn: issuance.issuer.clone() } });
            }
            SecretSpec::CustomCredentials { issuance } => fields.configuration = Some(issuance.issuer.clone()),
            SecretSpec::PrivateCert { issuance } => fields.certificate_template = Some(issuance.issuer.clone()),
        }
        if let Some(issuance) = secret.spec.issuance() {
            fields.parameters.clone_from(&issuance.parameters);
            fields.grace_secs = Some(issuance.grace_secs);
            fields.consumers = Some(issuance.consumers.to_vec());
            fields.open_rotation = secret.rotation.as_deref().map(Rotation::of);
        }
        fields
    }
}

/// Returns a length as JSON counts.
pub(super) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
