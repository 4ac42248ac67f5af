//! Owns the commands of people and consumers about rotations and credentials, and what they are shown.
//!
//! Read next: [`crate::RotationWorker`], which does the rest.

use std::sync::Arc;

use crate::domain::command::{Command as Decided, Terms};
use crate::domain::event::AccessRecorded;
use crate::domain::id::SecretId;
use crate::domain::name::Reason;
use crate::domain::receipt::Receipt;
use crate::domain::record::Idempotency;
use crate::domain::refusal::Refusal;
use crate::domain::rotation::Credential;
use crate::domain::secret::Secret;
use crate::domain::version::VersionRef;
use crate::engine::Patience;
use crate::engine::queue::{Order, Payload};
use crate::error::Error;
use crate::issuer::unread::unread;
use crate::seal::data::SecretData;
use crate::seal::secret_bytes::SecretBytes;

use super::command::Command;
use super::session::Session;
use super::store::Store;

impl Session {
    /// Returns the terms of a rotation by the issuer of a secret: those of the next commands.
    pub(crate) fn terms_of_rotation(&self, secret: SecretId) -> Terms {
        self.terms_of(&format!("rotate by issuer {secret:?}"))
    }

    /// Gives the terms on which a worker is asked for something by hand; the words tell it from other things under the same
    /// idempotency key.
    pub(crate) fn terms_of(&self, asked: &str) -> Terms {
        let mut terms = self.raw_terms().clone();
        if let Some(key) = self.key() {
            let shape = format!("{asked} {:?} {}", terms.expected_revision, terms.force);
            let keyring = self.store().0.shared.keyring();
            let fingerprint = keyring.fingerprint(&[key.as_str().as_bytes(), shape.as_bytes()]);
            terms.idempotency = Some(Idempotency { key: key.clone(), fingerprint });
        }
        terms
    }

    /// Gives up the open rotation of a secret. This takes effect at once if nothing can have been made; otherwise the
    /// worker first retires what may have been made. If the issuer cannot be asked (class `Opaque`), the caller of an
    /// abort states that the outside system was checked.
    ///
    /// If the worker tried to retire what may have been made, and failed, a second abort, by a session that acts by force
    /// ([`Session::by_force`]), ends the rotation at once and makes no call: the caller states that the outside system
    /// was looked after. What was made may be left there. With class `SetValue` the account may have the planned value,
    /// which is destroyed; set one by hand, and adopt it ([`crate::RotationWorker::adopt`]). The log has the
    /// caller and the reason. Without force a second abort changes nothing. No abort touches a version, so no lock
    /// refuses it.
    ///
    /// # Errors
    ///
    /// As [`Session::run`]; [`crate::Refusal::RotationNotFound`] when no rotation is open.
    pub fn abort_rotation(&self, secret: SecretId, reason: Reason) -> Result<Receipt, Error> {
        self.run(Command::abort_rotation(secret, reason))
    }

    /// Resumes the parked rotation of a secret, with all its attempts and as much time as it had at first. If the
    /// issuer cannot be asked, this states that nothing was made.
    ///
    /// # Errors
    ///
    /// As [`Session::run`]; [`crate::Refusal::RotationNotFound`], [`crate::Refusal::RotationNotParked`].
    pub fn resume_rotation(&self, secret: SecretId) -> Result<Receipt, Error> {
        self.run(Command::resume_rotation(secret))
    }

    /// Returns an issuer's answer that could not be read, of the rotation that is parked because of it. It may contain
    /// a credential that was made. The read is recorded, durably, before the answer is returned.
    ///
    /// # Errors
    ///
    /// Kind `Refused`: [`crate::Refusal::RotationNotFound`] when no open rotation has such an answer,
    /// [`crate::Refusal::SecretNotFound`]. Kind `Corrupt` when the data is damaged.
    pub fn unread_answer(&self, secret: SecretId) -> Result<SecretBytes, Error> {
        let engine = &self.store().0;
        let found = engine.find(secret)?;
        let open = found.rotation.as_deref().ok_or(Refusal::RotationNotFound)?;
        let kept = open.credential().ok_or(Refusal::RotationNotFound)?;
        let data = engine.shared.read_data(secret, open.to, &kept.sealed)?;
        let Some(SecretData::Issued(data)) = data else { return Err(Refusal::RotationNotFound.into()) };
        let answer = unread(&data.into_credential()).ok_or(Refusal::RotationNotFound)?;
        let (reader, now) = (self.actor().clone(), engine.now());
        let read = AccessRecorded { secret, version: open.to, reader, reads: 1, first_at: now, last_at: now };
        let command = Decided::RecordAccess { reads: vec![read] };
        let terms = Terms::by(self.actor().clone());
        let payload = Payload::None;
        let slot = engine.ask(|reply| Order { command, terms, payload, reply }, Patience::Wait)?;
        slot.wait()?.map_err(Error::refused)?;
        Ok(answer)
    }

    /// Ends the credential of a version in its outside system, but not of the current version. The worker does it, and
    /// then destroys the data of the version.
    ///
    /// # Errors
    ///
    /// As [`Session::run`]; [`crate::Refusal::Locked`] when a lock protects the version.
    pub fn retire(&self, secret: SecretId, version: VersionRef) -> Result<Receipt, Error> {
        self.run(Command::retire(secret, version))
    }

    /// Acknowledges that the session's actor uses a version from now on, and no earlier one. Once all consumers of a
    /// secret have acknowledged it, the worker retires the earlier credential.
    ///
    /// # Errors
    ///
    /// As [`Session::run`]; [`crate::Refusal::VersionDataDestroyed`] when the version has no data any more.
    pub fn acknowledge(&self, secret: SecretId, version: VersionRef) -> Result<Receipt, Error> {
        self.run(Command::acknowledge(secret, version))
    }
}

impl Store {
    /// Returns the secrets with an open rotation by an issuer, a rotation that was given up last, or a credential that
    /// will be ended, in the order of their ids.
    #[must_use]
    pub fn rotating_secrets(&self) -> Vec<Arc<Secret>> {
        let is_rotating = |secret: &&Arc<Secret>| {
            let is_open = secret.rotation.is_some() || secret.given_up.is_some();
            is_open || secret.credentials().any(Credential::is_retiring)
        };
        let snapshot = self.0.view();
        let found = snapshot.projections.calendar.rotating().filter_map(|id| snapshot.state.secret(id));
        found.filter(is_rotating).cloned().collect()
    }
}
