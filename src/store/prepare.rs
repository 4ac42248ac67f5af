//! Owns the preparation of commands for the writer. In the caller's thread, it draws ids, and makes and seals data.
//!
//! Read next: [`super::session`].

use crate::domain::command::{Command as Decided, Prepared};
use crate::domain::id::{DataKeyId, SecretId, VersionId};
use crate::domain::json::JsonObject;
use crate::domain::refusal::Refusal;
use crate::domain::secret::{Secret, SecretSpec};
use crate::domain::time::Timestamp;
use crate::domain::version::{VersionOrigin, VersionRef};
use crate::engine::Engine;
use crate::engine::details::details_of;
use crate::engine::draw;
use crate::engine::prepare::{Ready, SealedVersion, blank, generate_password, make_api_key};
use crate::error::Error;
use crate::seal::data::SecretData;
use crate::seal::secret_bytes::SecretBytes;

use super::command::Wanted;
use super::new_secret::{NewData, NewDataFrom, NewSecret, Source};

/// What a command is prepared for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The writer is to decide it: its data is made and sealed.
    Ask,
    /// It is tried only: its data is neither made nor sealed.
    Trial,
}

/// A read that may make a credential, and that credential.
#[derive(Debug)]
pub(super) struct ReadyToRead {
    pub(super) ready: Ready,
    pub(super) data: SecretData,
}

/// Data for a version: given, or made here.
enum Data<'a> {
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

impl Engine {
    /// Makes a command of what a host wants: draws its ids, and makes and seals its data unless it is a trial.
    pub(super) fn prepare(&self, wanted: &Wanted, purpose: Purpose) -> Result<Ready, Error> {
        match wanted {
            Wanted::Create(new) => self.prepare_create(new, purpose),
            Wanted::Rotate(id, new) => self.prepare_rotation(*id, new, purpose),
            Wanted::Restore(id) => self.prepare_restore(*id, purpose),
            Wanted::Read(id, version) => match purpose {
                Purpose::Trial => Ok(Ready::plain(self.prepare_any_read(*id, *version)?)),
                Purpose::Ask => {
                    Err(Refusal::invalid("read", "is for dry runs; data is given out by Session::read").into())
                }
            },
            Wanted::CreateGroup { name, description } => {
                let (id, name, description) = (draw::group_id(self.now())?, name.clone(), description.clone());
                Ok(Ready::plain(Decided::CreateGroup { id, name, description }))
            }
            Wanted::EraseBodies(positions) => Ok(Ready::plain(self.prepare_erasure(positions)?)),
            Wanted::ReportTask(id, task, report) => self.prepare_report(*id, *task, report, purpose),
            Wanted::Plain(command) => Ok(Ready::plain(self.by_clock(command))),
        }
    }

    fn prepare_rotation(&self, id: SecretId, new: &NewData, purpose: Purpose) -> Result<Ready, Error> {
        let secret = self.find(id)?;
        let NewData { from, version_metadata } = new;
        fits(&secret, from)?;
        let given = match from {
            NewDataFrom::Given(data) => Some(data),
            NewDataFrom::Password(_) | NewDataFrom::Generated => None,
        };
        let make = || self.data_for(&secret, from);
        let sealed = self.next_version(id, given, make, version_metadata.clone(), purpose)?;
        Ok(sealed.into_ready(|next| Decided::Rotate { secret: id, origin: VersionOrigin::RotatedByHand, next }))
    }

    fn prepare_restore(&self, id: SecretId, purpose: Purpose) -> Result<Ready, Error> {
        let secret = self.find(id)?;
        let Some(previous) = secret.previous().filter(|version| version.is_available()) else {
            return Ok(Ready::plain(nothing_to_restore(id, self.now())?));
        };
        let (from, metadata) = (previous.id, previous.custom_metadata.clone());
        let make = || self.data_of(&secret, from).map(Data::Made);
        let sealed = self.next_version(id, None, make, metadata, purpose)?;
        Ok(sealed.into_ready(|next| Decided::Restore { secret: id, from, next }))
    }

    /// Makes and seals the data of a version to come. In a trial the version is blank, with what `given` data shows of itself.
    fn next_version<'a>(
        &self,
        secret: SecretId,
        given: Option<&SecretData>,
        make: impl FnOnce() -> Result<Data<'a>, Error>,
        metadata: Option<JsonObject>,
        purpose: Purpose,
    ) -> Result<SealedVersion, Error> {
        let now = self.now();
        match (purpose, given) {
            (Purpose::Ask, _) => self.seal(secret, draw::version_id(now)?, &*make()?, metadata),
            (Purpose::Trial, Some(data)) => Ok(SealedVersion::unsealed(without_data(data, metadata, now)?)),
            (Purpose::Trial, None) => Ok(SealedVersion::unsealed(fresh(metadata, now)?)),
        }
    }

    /// Returns the command that a read of a version is decided as, with a blank credential where the read makes one.
    fn prepare_any_read(&self, id: SecretId, asked: VersionRef) -> Result<Decided, Error> {
        let secret = self.find(id)?;
        let found = secret.version(asked).ok_or(Refusal::VersionNotFound)?;
        let is_current = secret.current().is_some_and(|current| current.id == found.id);
        if is_current && matches!(secret.spec, SecretSpec::IamCredentials { .. }) {
            let at_hand = found.data.sealed().map(|sealed| sealed.data_key);
            Ok(Decided::ReadDynamic { secret: id, fresh: blank(found.id, None), at_hand })
        } else {
            Ok(Decided::RecordRead { secret: id, version: found.id, asked })
        }
    }

    /// Returns a rotation to unknown data, sealed under the epoch in force, for dry runs.
    pub(super) fn prepare_any_rotation(&self, secret: &Secret, now: Timestamp) -> Result<Decided, Error> {
        let next = fresh(None, now)?;
        let rotation = Decided::Rotate { secret: secret.id, origin: VersionOrigin::RotatedByHand, next };
        Ok(rotation.sealed_under(self.shared.keyring().in_force().get()))
    }

    fn prepare_create(&self, new: &NewSecret, purpose: Purpose) -> Result<Ready, Error> {
        let id = draw::secret_id(self.now())?;
        let NewSecret { group, metadata, expires, spec, policy, .. } = new;
        let (group, metadata, expires) = (*group, metadata.clone(), *expires);
        let (spec, policy) = (spec.clone(), *policy);
        let given = match &new.data {
            Source::Issuer => {
                let command = Decided::CreateSecret { id, group, metadata, expires, spec, policy, first: None };
                return Ok(Ready::plain(command));
            }
            Source::Given(data) => Some(data),
            Source::GeneratedPassword(_) | Source::ApiKey => None,
        };
        let sealed = self.next_version(id, given, || first_data(new), new.version_metadata.clone(), purpose)?;
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
    fn data_for<'a>(&self, secret: &Secret, from: &'a NewDataFrom) -> Result<Data<'a>, Error> {
        let made = match (from, &secret.spec) {
            (NewDataFrom::Given(data), _) => return Ok(Data::Given(data)),
            (NewDataFrom::Password(password), SecretSpec::UsernamePassword { .. }) => {
                let password = SecretBytes::copy_from(password.expose());
                SecretData::username_password(&self.username_of(secret)?, password)?
            }
            (NewDataFrom::Generated, _) => self.generate_next(secret)?,
            (NewDataFrom::Password(_), _) => {
                return Err(Error::internal("data that fits its secret is of another type"));
            }
        };
        Ok(Data::Made(made))
    }
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

/// Makes the data of the first version, of the type that the secret has.
fn first_data(new: &NewSecret) -> Result<Data<'_>, Error> {
    match (&new.data, &new.spec) {
        (Source::Given(data), _) => Ok(Data::Given(data)),
        (Source::GeneratedPassword(username), SecretSpec::UsernamePassword { password_policy }) => {
            Ok(Data::Made(generate_password(username, *password_policy)?))
        }
        (Source::ApiKey, SecretSpec::IamCredentials { target, .. }) => Ok(Data::Made(make_api_key(target)?)),
        _ => Err(Error::internal("a new secret has data of another type")),
    }
}

/// Returns a new version whose data is not there.
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
