//! Owns what people and consumers say about rotations and credentials, and what they are shown of them.
//!
//! Read next: [`crate::RotationWorker`], which does the rest.

use std::sync::Arc;

use crate::domain::id::SecretId;
use crate::domain::name::Reason;
use crate::domain::receipt::Receipt;
use crate::domain::secret::Secret;
use crate::domain::version::VersionRef;
use crate::error::Error;

use super::command::Command;
use super::session::Session;
use super::store::Store;

impl Session {
    /// Gives up the rotation of a secret that is under way: at once where nothing can have been made, else the worker first
    /// retires what may have been. Of an issuer that cannot be asked (class `Opaque`) whoever aborts says that it was looked
    /// after.
    ///
    /// # Errors
    ///
    /// As [`Session::run`]; [`crate::Refusal::RotationNotFound`] when none is under way.
    pub fn abort_rotation(&self, secret: SecretId, reason: Reason) -> Result<Receipt, Error> {
        self.run(Command::abort_rotation(secret, reason))
    }

    /// Lets the parked rotation of a secret go on, with all its attempts and as much time as it had at first. With an issuer
    /// that cannot be asked this says that nothing was made.
    ///
    /// # Errors
    ///
    /// As [`Session::run`]; [`crate::Refusal::RotationNotFound`], [`crate::Refusal::RotationNotParked`].
    pub fn resume_rotation(&self, secret: SecretId) -> Result<Receipt, Error> {
        self.run(Command::resume_rotation(secret))
    }

    /// Has the credential of a version ended in the system that it is for; not of the current one. The worker does it, and the
    /// data of the version goes with it.
    ///
    /// # Errors
    ///
    /// As [`Session::run`]; [`crate::Refusal::Locked`] when a lock stands on the version.
    pub fn retire(&self, secret: SecretId, version: VersionRef) -> Result<Receipt, Error> {
        self.run(Command::retire(secret, version))
    }

    /// Says that whoever acts uses a version from now on, and none before it. Once all the consumers that a secret waits for
    /// have said so, the worker retires the credential before.
    ///
    /// # Errors
    ///
    /// As [`Session::run`]; [`crate::Refusal::VersionDataDestroyed`] when the version has no data any more.
    pub fn acknowledge(&self, secret: SecretId, version: VersionRef) -> Result<Receipt, Error> {
        self.run(Command::acknowledge(secret, version))
    }
}

impl Store {
    /// Gives the secrets of which a rotation by an issuer is under way, or a credential is to be ended, in the order of their
    /// ids. Looks at every secret.
    #[must_use]
    pub fn rotating_secrets(&self) -> Vec<Arc<Secret>> {
        let is_rotating = |secret: &&Arc<Secret>| {
            let credentials = secret.versions.iter().filter_map(|version| version.credential.as_deref());
            secret.rotation.is_some() || credentials.into_iter().any(crate::Credential::is_retiring)
        };
        self.0.engine.shared.published.load().state.secrets.values().filter(is_rotating).cloned().collect()
    }
}
