//! Owns the end of credentials: of a rotation that is given up, and of versions that are not needed any more.
//!
//! Read next: [`super::calls`].

use std::sync::Arc;

use crate::domain::id::VersionId;
use crate::domain::rotation::{IssuedCredential, IssuerClass, Rotation};
use crate::domain::rotation_command::RotationCommand;
use crate::domain::secret::Secret;
use crate::issuer::outcome::IssuerError;

use super::steps::{Halt, Progress, order};
use super::worker::Core;

impl Core {
    /// Retires what a rotation that is given up may have made, and ends it.
    pub(super) fn give_up(
        &self,
        secret: &Arc<Secret>,
        rotation: &Rotation,
        made: Option<&IssuedCredential>,
    ) -> Result<Progress, Halt> {
        let ended = match rotation.class {
            IssuerClass::SetValue => self.set_back(secret, rotation)?,
            IssuerClass::CreateDiscoverable => match self.retire_found(secret, rotation)? {
                Ok(()) => self.retire_made(secret, rotation, made)?,
                Err(error) => Err(error),
            },
            IssuerClass::CreateWithToken if made.is_none() => self.learn_and_retire(secret, rotation)?,
            IssuerClass::CreateWithToken | IssuerClass::Opaque => self.retire_made(secret, rotation, made)?,
        };
        self.point("given up")?;
        match ended {
            Ok(()) => self.tell(secret, RotationCommand::FinishAbort { rotation: rotation.id }),
            Err(error) => self.fail(secret, rotation, &error),
        }
    }

    fn retire_made(
        &self,
        secret: &Arc<Secret>,
        rotation: &Rotation,
        made: Option<&IssuedCredential>,
    ) -> Result<Result<(), IssuerError>, Halt> {
        match made {
            Some(made) => self.retire_outside(secret, rotation, made.outside.clone()),
            None => Ok(Ok(())),
        }
    }

    /// Sets the value of the current version again: it may have been replaced.
    fn set_back(&self, secret: &Arc<Secret>, rotation: &Rotation) -> Result<Result<(), IssuerError>, Halt> {
        let current = secret.current().and_then(|current| Some((current.id, *current.data.sealed()?)));
        let Some((version, sealed)) = current else { return self.retire_outside(secret, rotation, None) };
        let value = self.credential(secret, version, &sealed)?;
        let (room, issuer) = self.issuer(&rotation.issuer)?;
        let (store, id, asked) = (self.store.log_id(), rotation.id, Arc::clone(secret));
        let set = self.calls.call(room, issuer, move |issuer| issuer.create(&order(store, &asked, id), Some(&value)));
        Ok(set.map(drop))
    }

    /// Calls again with the same token, to learn what there is to retire.
    fn learn_and_retire(&self, secret: &Arc<Secret>, rotation: &Rotation) -> Result<Result<(), IssuerError>, Halt> {
        let (room, issuer) = self.issuer(&rotation.issuer)?;
        let (store, id, asked) = (self.store.log_id(), rotation.id, Arc::clone(secret));
        match self.calls.call(room, issuer, move |issuer| issuer.create(&order(store, &asked, id), None)) {
            Ok(made) => self.retire_outside(secret, rotation, made.outside),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Ends the credential of a version that is not needed any more.
    pub(super) fn retire(&self, secret: &Arc<Secret>, version: VersionId) -> Result<Progress, Halt> {
        let credential = secret.version_by_id(version).and_then(|version| version.credential.as_deref());
        let Some(credential) = credential else { return Ok(Progress::Nothing) };
        let (room, issuer) = self.issuer(&credential.issuer)?;
        let (store, id, asked) = (self.store.log_id(), credential.rotation, Arc::clone(secret));
        let outside = credential.outside.clone();
        let retired =
            self.calls.call(room, issuer, move |issuer| issuer.retire(&order(store, &asked, id), outside.as_ref()));
        self.point("retired")?;
        match retired {
            Ok(()) => self.tell(secret, RotationCommand::FinishRetirement { version }),
            Err(error) => Err(Halt::Later(error.reason().clone())),
        }
    }
}
