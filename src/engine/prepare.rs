//! Owns what a command carries beside its words: data is made and sealed, in the thread of the caller or the worker.
//!
//! Read next: [`super::queue`].

use std::sync::Arc;

use crate::domain::command::{Command, Prepared};
use crate::domain::id::{DataKeyId, SecretId, VersionId};
use crate::domain::json::JsonObject;
use crate::domain::name::Username;
use crate::domain::refusal::Refusal;
use crate::domain::secret::{ApiKeyTarget, PasswordPolicy, Secret, SecretSpec};
use crate::domain::time::Timestamp;
use crate::domain::version::{SealedRef, VersionDetails, VersionOrigin};
use crate::error::Error;
use crate::issuer::{api_key, password};
use crate::seal::data::{IamIdentity, SecretData};
use crate::seal::secret_bytes::SecretBytes;

use super::details::details_of;
use super::queue::Payload;
use super::{Engine, draw};

/// A command that can be decided, with its rows.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) command: Command,
    pub(crate) payload: Payload,
}

impl Ready {
    /// A command without data.
    pub(crate) const fn plain(command: Command) -> Self {
        Self { command, payload: Payload::None }
    }
}

impl Engine {
    /// Makes and seals the data of the next version of a secret whose data the store makes itself, for its policy.
    pub(crate) fn prepare_scheduled(&self, secret: &Secret) -> Result<Ready, Error> {
        let data = self.generate_next(secret)?;
        let id = secret.id;
        let sealed = self.seal(id, draw::version_id(self.now())?, &data, None)?;
        Ok(sealed.into_ready(|next| Command::Rotate { secret: id, origin: VersionOrigin::RotatedByPolicy, next }))
    }

    /// Seals the credential that an issuer made, or picked, for a version to come.
    pub(crate) fn prepare_issued(
        &self,
        secret: &Secret,
        version: VersionId,
        credential: &SecretBytes,
    ) -> Result<(Prepared, Payload), Error> {
        let data = SecretData::issued(secret.secret_type(), credential)?;
        let sealed = self.seal(secret.id, version, &data, None)?;
        Ok((sealed.prepared, sealed.payload))
    }

    /// Makes the data of the next version, of a type whose data the store makes itself.
    pub(crate) fn generate_next(&self, secret: &Secret) -> Result<SecretData, Error> {
        match &secret.spec {
            SecretSpec::UsernamePassword { password_policy } => {
                generate_password(&self.username_of(secret)?, *password_policy)
            }
            SecretSpec::IamCredentials { target, .. } => make_api_key(target),
            SecretSpec::Arbitrary
            | SecretSpec::Kv
            | SecretSpec::ImportedCert
            | SecretSpec::ServiceCredentials { .. }
            | SecretSpec::CustomCredentials { .. }
            | SecretSpec::PrivateCert { .. } => {
                Err(Refusal::invalid("data", "has to be brought along; the type does not generate any").into())
            }
        }
    }

    /// Returns the user name, which never changes by rotation, from any version whose data is still there.
    pub(crate) fn username_of(&self, secret: &Secret) -> Result<Username, Error> {
        match self.data_of(secret, version_with_username(secret)?)? {
            SecretData::UsernamePassword(data) => Ok(Username::parse(data.username())?),
            SecretData::Arbitrary(_)
            | SecretData::Kv(_)
            | SecretData::IamCredentials(_)
            | SecretData::ImportedCert(_)
            | SecretData::Issued(_) => Err(Error::corrupt("the data of a version is of another type than its secret")),
        }
    }

    /// Reads and unseals data for a command of the store's own; no read in the sense of the audit trail.
    pub(crate) fn data_of(&self, secret: &Secret, version: VersionId) -> Result<SecretData, Error> {
        let sealed = secret.version_by_id(version).and_then(|version| version.data.sealed());
        let data = match sealed {
            Some(sealed) => self.shared.read_data(secret.id, version, sealed)?,
            None => None,
        };
        data.ok_or_else(|| Refusal::VersionChanged.into())
    }

    /// Seals the data of a version to come, and draws the key of it.
    pub(crate) fn seal(
        &self,
        secret: SecretId,
        version: VersionId,
        data: &SecretData,
        custom_metadata: Option<JsonObject>,
    ) -> Result<SealedVersion, Error> {
        let (details, expires_at) = details_of(data)?;
        let keyring = self.shared.keyring();
        let sealed = keyring.seal(secret, version, data)?;
        let reference = SealedRef {
            data_key: sealed.data_key,
            epoch: sealed.wrapped.epoch().get(),
            sealed_bytes: u32::try_from(sealed.sealed.bytes.len())
                .map_err(|_| Error::internal("sealed data is longer than 4 GiB"))?,
            digest: sealed.sealed.digest,
        };
        let prepared = Prepared { version, sealed: reference, details, expires_at, custom_metadata };
        let payload = Payload::Sealed {
            data_key: sealed.data_key,
            wrapped: sealed.wrapped.as_bytes().to_vec(),
            sealed: sealed.sealed.bytes,
        };
        Ok(SealedVersion { prepared, payload })
    }

    /// Returns a secret as the last durable record left it.
    pub(crate) fn find(&self, id: SecretId) -> Result<Arc<Secret>, Refusal> {
        self.look(|snapshot| snapshot.state.secret(id).cloned()).ok_or(Refusal::SecretNotFound)
    }

    /// Returns the time that the store goes by.
    pub(crate) fn now(&self) -> Timestamp {
        self.shared.now()
    }
}

/// A version that is sealed and has no place yet.
#[derive(Debug)]
pub(crate) struct SealedVersion {
    pub(crate) prepared: Prepared,
    pub(crate) payload: Payload,
}

impl SealedVersion {
    /// A version without data: for trials.
    pub(crate) const fn unsealed(prepared: Prepared) -> Self {
        Self { prepared, payload: Payload::None }
    }

    pub(crate) fn into_ready(self, command: impl FnOnce(Prepared) -> Command) -> Ready {
        Ready { command: command(self.prepared), payload: self.payload }
    }
}

/// Finds a version that has the user name, which only data holds.
pub(crate) fn version_with_username(secret: &Secret) -> Result<VersionId, Refusal> {
    let version = secret.versions.iter().rev().find(|version| version.is_available());
    version
        .map(|version| version.id)
        .ok_or_else(|| Refusal::invalid("username", "is gone with the data of all versions"))
}

/// A version whose data is not there: for dry runs, and for commands that will be refused.
pub(crate) const fn blank(version: VersionId, custom_metadata: Option<JsonObject>) -> Prepared {
    let sealed = SealedRef { data_key: DataKeyId::from_bytes([0; 16]), epoch: 0, sealed_bytes: 0, digest: [0; 32] };
    Prepared { version, sealed, details: VersionDetails::Plain, expires_at: None, custom_metadata }
}

/// Makes a password for a user name.
pub(crate) fn generate_password(username: &Username, policy: PasswordPolicy) -> Result<SecretData, Error> {
    Ok(SecretData::username_password(username, password::generate(policy)?)?)
}

/// Makes an API key, which no system outside knows yet.
pub(crate) fn make_api_key(target: &ApiKeyTarget) -> Result<SecretData, Error> {
    let identity = match target {
        ApiKeyTarget::ServiceId(id) => IamIdentity::Service(id.as_str().into()),
        ApiKeyTarget::AccessGroups(groups) => {
            IamIdentity::AccessGroups(groups.iter().map(|group| group.as_str().into()).collect())
        }
    };
    let made = api_key::generate()?;
    Ok(SecretData::iam_credentials(made.key, &made.id, identity)?)
}
