//! Owns the preparation of commands for the writer. In the caller's thread, it draws ids, and makes and seals data.
//!
//! Read next: [`super::session`].

use std::sync::Arc;

use crate::domain::command::{Command as Decided, Prepared};
use crate::domain::id::{DataKeyId, SecretId, VersionId};
use crate::domain::json::JsonObject;
use crate::domain::name::Username;
use crate::domain::refusal::Refusal;
use crate::domain::secret::{ApiKeyTarget, PasswordPolicy, Secret, SecretSpec};
use crate::domain::time::Timestamp;
use crate::domain::version::{SealedRef, VersionDetails, VersionOrigin};
use crate::engine::draw;
use crate::engine::queue::Payload;
use crate::error::Error;
use crate::issuer::{api_key, password};
use crate::seal::data::{IamIdentity, SecretData};
use crate::seal::secret_bytes::SecretBytes;

use super::command::Wanted;
use super::details::details_of;
use super::new_secret::{NewData, NewDataFrom, NewSecret, Source};
use super::store::Inner;

/// A command that can be decided, with its rows.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) command: Decided,
    pub(crate) payload: Payload,
}

/// A read that may make a credential, and that credential.
#[derive(Debug)]
pub(super) struct ReadyToRead {
    pub(super) ready: Ready,
    pub(super) data: SecretData,
}

/// Data for a version: given, or made here.
pub(super) enum Data<'a> {
    Given(&'a SecretData),
    Made(SecretData),
}

impl std::ops::Deref for Data<'_> {
    type Target = SecretData;

    fn deref(&self) -> &SecretData {
        match self {
            Self::Given(data) => data,
            Self::Made(data) => data,
        }
    }
}

impl Ready {
    const fn plain(command: Decided) -> Self {
        Self { command, payload: Payload::None }
    }
}

impl Inner {
    /// Draws ids, makes data and seals it.
    pub(super) fn prepare(&self, wanted: &Wanted) -> Result<Ready, Error> {
        let now = self.now();
        match wanted {
            Wanted::Create(new) => self.prepare_create(new, now),
            Wanted::Rotate(id, new) => {
                let id = *id;
                let secret = self.find(id)?;
                let NewData { from, version_metadata } = new;
                let data = self.data_for(&secret, from)?;
                let sealed = self.seal(id, draw::version_id(now)?, &data, version_metadata.clone())?;
                Ok(sealed.into_ready(|next| Decided::Rotate { secret: id, origin: VersionOrigin::RotatedByHand, next }))
            }
            Wanted::Restore(id) => {
                let id = *id;
                let secret = self.find(id)?;
                let Some(previous) = secret.previous().filter(|version| version.is_available()) else {
                    return Ok(Ready::plain(nothing_to_restore(id, now)?));
                };
                let (from, metadata) = (previous.id, previous.custom_metadata.clone());
                let data = self.data_of(&secret, from)?;
                let sealed = self.seal(id, draw::version_id(now)?, &data, metadata)?;
                Ok(sealed.into_ready(|next| Decided::Restore { secret: id, from, next }))
            }
            Wanted::Read(..) => {
                Err(Refusal::invalid("read", "is for dry runs; data is given out by Session::read").into())
            }
            Wanted::CreateGroup { name, description } => {
                let (name, description) = (name.clone(), description.clone());
                Ok(Ready::plain(Decided::CreateGroup { id: draw::group_id(now)?, name, description }))
            }
            Wanted::EraseBodies(positions) => Ok(Ready::plain(self.prepare_erasure(positions)?)),
            Wanted::ReportTask(id, task, report) => self.prepare_report(*id, *task, report),
            Wanted::Plain(command) => Ok(Ready::plain(self.by_clock(command))),
        }
    }

    /// Returns the command that would be decided, without data, for dry runs.
    pub(super) fn prepare_dry(&self, wanted: &Wanted) -> Result<Decided, Error> {
        let now = self.now();
        Ok(match wanted {
            Wanted::Create(new) => Decided::CreateSecret {
                id: draw::secret_id(now)?,
                group: new.group,
                metadata: new.metadata.clone(),
                expires: new.expires,
                spec: new.spec.clone(),
                policy: new.policy,
                first: match &new.data {
                    Source::Given(data) => Some(without_data(data, new.version_metadata.clone(), now)?),
                    Source::GeneratedPassword(_) | Source::ApiKey => Some(fresh(new.version_metadata.clone(), now)?),
                    Source::Issuer => None,
                },
            },
            Wanted::Rotate(id, new) => {
                let secret = self.find(*id)?;
                fits(&secret, &new.from)?;
                let next = match &new.from {
                    NewDataFrom::Given(data) => without_data(data, new.version_metadata.clone(), now)?,
                    NewDataFrom::Password(_) | NewDataFrom::Generated => fresh(new.version_metadata.clone(), now)?,
                };
                Decided::Rotate { secret: *id, origin: VersionOrigin::RotatedByHand, next }
            }
            Wanted::Restore(id) => {
                let secret = self.find(*id)?;
                match secret.previous().filter(|version| version.is_available()) {
                    Some(previous) => Decided::Restore { secret: *id, from: previous.id, next: fresh(None, now)? },
                    None => nothing_to_restore(*id, now)?,
                }
            }
            Wanted::Read(id, version) => {
                let secret = self.find(*id)?;
                let asked = *version;
                let found = secret.version(asked).ok_or(Refusal::VersionNotFound)?;
                let is_current = secret.current().is_some_and(|current| current.id == found.id);
                if is_current && matches!(secret.spec, SecretSpec::IamCredentials { .. }) {
                    let at_hand = found.data.sealed().map(|sealed| sealed.data_key);
                    Decided::ReadDynamic { secret: *id, fresh: blank(found.id, None), at_hand }
                } else {
                    Decided::RecordRead { secret: *id, version: found.id, asked }
                }
            }
            Wanted::CreateGroup { name, description } => {
                Decided::CreateGroup { id: draw::group_id(now)?, name: name.clone(), description: description.clone() }
            }
            Wanted::EraseBodies(positions) => self.prepare_erasure(positions)?,
            Wanted::ReportTask(id, task, report) => self.prepare_dry_report(*id, *task, report)?,
            Wanted::Plain(command) => self.by_clock(command),
        })
    }

    /// Returns a rotation to unknown data, sealed under the epoch in force, for dry runs.
    pub(super) fn prepare_any_rotation(&self, secret: &Secret, now: Timestamp) -> Result<Decided, Error> {
        let next = fresh(None, now)?;
        let rotation = Decided::Rotate { secret: secret.id, origin: VersionOrigin::RotatedByHand, next };
        Ok(rotation.sealed_under(self.engine.shared.keyring().in_force().get()))
    }

    fn prepare_create(&self, new: &NewSecret, now: Timestamp) -> Result<Ready, Error> {
        let id = draw::secret_id(now)?;
        let NewSecret { group, metadata, expires, spec, policy, .. } = new;
        let (group, metadata, expires) = (*group, metadata.clone(), *expires);
        let (spec, policy) = (spec.clone(), *policy);
        if let Source::Issuer = &new.data {
            return Ok(Ready::plain(Decided::CreateSecret { id, group, metadata, expires, spec, policy, first: None }));
        }
        let data = match (&new.data, &new.spec) {
            (Source::Given(data), _) => Data::Given(data),
            (Source::GeneratedPassword(username), SecretSpec::UsernamePassword { password_policy }) => {
                Data::Made(generate_password(username, *password_policy)?)
            }
            (Source::ApiKey, SecretSpec::IamCredentials { target, .. }) => Data::Made(make_api_key(target)?),
            _ => return Err(Error::internal("a new secret has data of another type")),
        };
        let sealed = self.seal(id, draw::version_id(now)?, &data, new.version_metadata.clone())?;
        Ok(sealed.into_ready(|first| {
            let first = Some(first);
            Decided::CreateSecret { id, group, metadata, expires, spec, policy, first }
        }))
    }

    /// Prepares a read of a dynamic credential: with the existing one that it may return, and a fresh one that it may
    /// use.
    pub(super) fn prepare_read(
        &self,
        secret: &Secret,
        version: VersionId,
        at_hand: Option<DataKeyId>,
    ) -> Result<ReadyToRead, Error> {
        let SecretSpec::IamCredentials { target, .. } = &secret.spec else {
            return Err(Error::internal("only dynamic credentials are made by a read"));
        };
        // The credential changes, the version stays.
        let data = make_api_key(target)?;
        let sealed = self.seal(secret.id, version, &data, None)?;
        let ready = sealed.into_ready(|fresh| Decided::ReadDynamic { secret: secret.id, fresh, at_hand });
        Ok(ReadyToRead { ready, data })
    }

    /// Makes the data of the next version, of the secret's type.
    pub(super) fn data_for<'a>(&self, secret: &Secret, from: &'a NewDataFrom) -> Result<Data<'a>, Error> {
        fits(secret, from)?;
        let made = match (from, &secret.spec) {
            (NewDataFrom::Given(data), _) => return Ok(Data::Given(data)),
            (NewDataFrom::Password(password), SecretSpec::UsernamePassword { .. }) => {
                let password = SecretBytes::copy_from(password.expose());
                SecretData::username_password(&self.username_of(secret)?, password)?
            }
            (NewDataFrom::Generated, SecretSpec::UsernamePassword { password_policy }) => {
                generate_password(&self.username_of(secret)?, *password_policy)?
            }
            (NewDataFrom::Generated, SecretSpec::IamCredentials { target, .. }) => make_api_key(target)?,
            _ => return Err(Error::internal("data that fits its secret is of another type")),
        };
        Ok(Data::Made(made))
    }

    /// Returns the user name, which never changes by rotation, from any version whose data still exists.
    fn username_of(&self, secret: &Secret) -> Result<Username, Error> {
        match self.data_of(secret, version_with_username(secret)?)? {
            SecretData::UsernamePassword(data) => Ok(Username::parse(data.username())?),
            _ => Err(Error::corrupt("the data of a version is of another type than its secret")),
        }
    }

    /// Reads and unseals data for a command of the store's own. The audit trail does not count it as a read.
    fn data_of(&self, secret: &Secret, version: VersionId) -> Result<SecretData, Error> {
        let sealed = secret.version_by_id(version).and_then(|version| version.data.sealed());
        let data = match sealed {
            Some(sealed) => self.engine.shared.read_data(secret.id, version, sealed)?,
            None => None,
        };
        data.ok_or_else(|| Refusal::VersionChanged.into())
    }

    pub(super) fn seal(
        &self,
        secret: SecretId,
        version: VersionId,
        data: &SecretData,
        custom_metadata: Option<JsonObject>,
    ) -> Result<SealedVersion, Error> {
        let (details, expires_at) = details_of(data)?;
        let keyring = self.engine.shared.keyring();
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

    pub(crate) fn find(&self, id: SecretId) -> Result<Arc<Secret>, Refusal> {
        self.engine.look(|snapshot| snapshot.state.secret(id).cloned()).ok_or(Refusal::SecretNotFound)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.engine.shared.now()
    }
}

/// A sealed version without a position.
pub(super) struct SealedVersion {
    pub(super) prepared: Prepared,
    pub(super) payload: Payload,
}

impl SealedVersion {
    pub(super) fn into_ready(self, command: impl FnOnce(Prepared) -> Decided) -> Ready {
        Ready { command: command(self.prepared), payload: self.payload }
    }
}

/// Finds a version that has the user name, which is only in the data.
pub(super) fn version_with_username(secret: &Secret) -> Result<VersionId, Refusal> {
    let version = secret.versions.iter().rev().find(|version| version.is_available());
    version
        .map(|version| version.id)
        .ok_or_else(|| Refusal::invalid("username", "is gone with the data of all versions"))
}

/// Checks the data of a next version against the type of its secret.
fn fits(secret: &Secret, from: &NewDataFrom) -> Result<(), Refusal> {
    match (from, &secret.spec) {
        (NewDataFrom::Given(data), spec) if data.secret_type() == spec.secret_type() => Ok(()),
        (NewDataFrom::Password(_) | NewDataFrom::Generated, SecretSpec::UsernamePassword { .. })
        | (NewDataFrom::Generated, SecretSpec::IamCredentials { .. }) => Ok(()),
        (NewDataFrom::Generated, _) => {
            Err(Refusal::invalid("data", "has to be brought along; the type does not generate any"))
        }
        _ => Err(Refusal::invalid("data", "is of another type than the secret")),
    }
}

/// Returns a version without data, for dry runs, and for commands that will be refused.
pub(super) const fn blank(version: VersionId, custom_metadata: Option<JsonObject>) -> Prepared {
    let sealed = SealedRef { data_key: DataKeyId::from_bytes([0; 16]), epoch: 0, sealed_bytes: 0, digest: [0; 32] };
    Prepared { version, sealed, details: VersionDetails::Plain, expires_at: None, custom_metadata }
}

/// Returns the same, as a new version.
fn fresh(custom_metadata: Option<JsonObject>, now: Timestamp) -> Result<Prepared, Error> {
    Ok(blank(draw::version_id(now)?, custom_metadata))
}

/// Returns the same, with the public details of the data.
fn without_data(data: &SecretData, custom_metadata: Option<JsonObject>, now: Timestamp) -> Result<Prepared, Error> {
    let (details, expires_at) = details_of(data)?;
    Ok(Prepared { details, expires_at, ..fresh(custom_metadata, now)? })
}

/// Returns a restore of no version. The writer refuses it for the right reason, and remembers the refusal if it must.
fn nothing_to_restore(secret: SecretId, now: Timestamp) -> Result<Decided, Error> {
    Ok(Decided::Restore { secret, from: VersionId::from_bytes([0; 16]), next: fresh(None, now)? })
}

fn generate_password(username: &Username, policy: PasswordPolicy) -> Result<SecretData, Error> {
    Ok(SecretData::username_password(username, password::generate(policy)?)?)
}

fn make_api_key(target: &ApiKeyTarget) -> Result<SecretData, Error> {
    let identity = match target {
        ApiKeyTarget::ServiceId(id) => IamIdentity::Service(id.as_str().into()),
        ApiKeyTarget::AccessGroups(groups) => {
            IamIdentity::AccessGroups(groups.iter().map(|group| group.as_str().into()).collect())
        }
    };
    let made = api_key::generate()?;
    Ok(SecretData::iam_credentials(made.key, &made.id, identity)?)
}
