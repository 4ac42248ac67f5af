//! Owns reading secret data: in the caller's thread from the last durable state, or through the writer if the read
//! itself changes something.
//!
//! Read next: [`crate::engine::reader`].

use std::fmt;

use crate::domain::command::{Command as Decided, Terms};
use crate::domain::decide::{is_lent, readable};
use crate::domain::event::AccessRecorded;
use crate::domain::id::{SecretId, VersionId};
use crate::domain::position::VersionNumber;
use crate::domain::receipt::Receipt;
use crate::domain::refusal::Refusal;
use crate::domain::secret::{Secret, SecretSpec};
use crate::domain::settings::AccessAudit;
use crate::domain::version::{DestroyCause, Version, VersionRef};
use crate::engine::Patience;
use crate::engine::queue::{Order, Payload};
use crate::engine::reply::Done;
use crate::error::Error;
use crate::seal::data::SecretData;

use super::prepare::ReadyToRead;
use super::session::{RETRIES_MAX, Session};
use crate::engine::prepare::Ready;

/// Secret data that was read, with the version it belongs to. Wiped when it is dropped.
pub struct Reading {
    /// The secret.
    pub secret: SecretId,
    /// The version.
    pub version: VersionId,
    /// The number of the version.
    pub number: VersionNumber,
    /// The data.
    pub data: SecretData,
    /// Proof of what the read recorded or changed; `None` if the read did neither at once.
    pub receipt: Option<Receipt>,
}

impl Reading {
    /// Returns the main part of the data for programs that want one text: payload, password, JSON object, API key or
    /// certificate.
    ///
    /// # Errors
    ///
    /// Kind `Invalid` when it is not UTF-8, which data made by this crate always is.
    pub fn text(&self) -> Result<&str, Error> {
        Ok(self.data.primary().expose_text()?)
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("secret", &self.secret).field("number", &self.number).finish_non_exhaustive()
    }
}

impl Session {
    /// Reads secret data.
    ///
    /// A static secret is read in parallel with everything else. Its first read, and every read under
    /// [`AccessAudit::Strict`], is recorded durably before the data is returned. Reading a dynamic secret makes a new
    /// credential and destroys the one before. Under an idempotency key ([`Session::once`]) it does so once, and
    /// returns the same credential again until another read makes a newer one.
    ///
    /// # Errors
    ///
    /// Kind `Refused`: [`Refusal::Locked`] when the secret is dynamic and its version locked,
    /// [`Refusal::VersionDataDestroyed`], [`Refusal::VersionNotFound`], [`Refusal::SecretNotFound`],
    /// [`Refusal::SecretInactive`] for a dynamic secret. [`Refusal::VersionChanged`] when other commands replaced the
    /// version again and again before a read could be recorded: the first read, any under strict audit, or one of a
    /// dynamic secret. Kind `Corrupt` when the data is damaged.
    pub fn read(&self, secret: SecretId, version: VersionRef) -> Result<Reading, Error> {
        let mut last = None;
        for _ in 0..=RETRIES_MAX {
            last = match self.try_read(secret, version) {
                Ok(Some(reading)) => return Ok(reading),
                Err(error) if error.refusal() == Some(&Refusal::VersionChanged) => Some(error),
                Err(error) => return Err(error),
                Ok(None) => None,
            };
            // The data in the snapshot was destroyed or replaced meanwhile: look at the next published snapshot.
            self.store().settle()?;
        }
        let gone = "the data of the version is gone, though the log says that it is there";
        Err(last.unwrap_or_else(|| Error::corrupt(gone)))
    }

    fn try_read(&self, id: SecretId, which: VersionRef) -> Result<Option<Reading>, Error> {
        let (secret, audit) = {
            let engine = &self.store().0;
            engine.look(|snapshot| (snapshot.state.secret(id).cloned(), snapshot.state.whole.settings.access_audit))
        };
        let secret = secret.ok_or(Refusal::SecretNotFound)?;
        if self.raw_terms().expected_revision.is_some_and(|expected| expected != secret.revision) {
            return Err(Refusal::RevisionMismatch { actual: secret.revision }.into());
        }
        let version = secret.version(which).ok_or(Refusal::VersionNotFound)?;
        let is_current = secret.current().is_some_and(|current| current.id == version.id);
        if is_current && matches!(secret.spec, SecretSpec::IamCredentials { .. }) {
            return self.read_dynamic(&secret, audit);
        }
        if secret.expires_at().is_some_and(|end| end <= self.store().0.now()) {
            // A lapse may be due and not done yet.
            self.store().settle()?;
            return self.read_settled(id, which, audit);
        }
        self.read_static(&secret, which, audit)
    }

    fn read_settled(&self, id: SecretId, which: VersionRef, audit: AccessAudit) -> Result<Option<Reading>, Error> {
        let secret = self.store().0.find(id)?;
        self.read_static(&secret, which, audit)
    }

    /// Loads the data before the read is recorded. So every read in the log could be done, and no refused read is in
    /// the log.
    fn read_static(&self, secret: &Secret, asked: VersionRef, audit: AccessAudit) -> Result<Option<Reading>, Error> {
        let version = secret.version(asked).ok_or(Refusal::VersionNotFound)?;
        readable(version)?;
        let Some(data) = self.unseal(secret, version)? else { return Ok(None) };
        let receipt = if audit == AccessAudit::Strict || (!version.downloaded && !self.store().0.is_read_only()) {
            let command = Decided::RecordRead { secret: secret.id, version: version.id, asked };
            Some(self.ask_read(command, Payload::None, self.raw_terms().clone())?.receipt)
        } else {
            None
        };
        if audit == AccessAudit::Relaxed {
            self.note(secret, version);
        }
        Ok(Some(Reading { secret: secret.id, version: version.id, number: version.number, data, receipt }))
    }

    /// Reads a credential that is made by the read, or has a lease. As with other reads, the data is loaded first:
    /// nothing is looked up after the decision, when other commands may already have changed it.
    fn read_dynamic(&self, secret: &Secret, audit: AccessAudit) -> Result<Option<Reading>, Error> {
        let engine = &self.store().0;
        let version = secret.current().ok_or(Refusal::VersionNotFound)?;
        let (at_hand, lent) = match version.data.sealed().filter(|_| is_lent(secret, version, engine.now())) {
            Some(sealed) => {
                let Some(data) = self.unseal(secret, version)? else { return Ok(None) };
                (Some(sealed.data_key), Some(data))
            }
            None => (None, None),
        };
        let ReadyToRead { ready: Ready { command, payload }, data } =
            engine.prepare_read(secret, version.id, at_hand)?;
        let Done { receipt, takes_data } = self.ask_read(command, payload, self.read_terms(secret.id))?;
        if receipt.remembered {
            return self.read_remembered(secret.id, receipt, audit);
        }
        let data = if takes_data { Some(data) } else { lent };
        if audit == AccessAudit::Relaxed {
            self.note(secret, version);
        }
        let receipt = Some(receipt);
        Ok(data.map(|data| Reading { secret: secret.id, version: version.id, number: version.number, data, receipt }))
    }

    /// Returns the credential of an earlier answer again, as long as it exists.
    fn read_remembered(&self, id: SecretId, receipt: Receipt, audit: AccessAudit) -> Result<Option<Reading>, Error> {
        let now = self.store().0.find(id)?;
        let version = receipt.version.and_then(|id| now.version_by_id(id)).or_else(|| now.current());
        let version = version.ok_or(Refusal::VersionNotFound)?;
        readable(version)?;
        if version.data_from > receipt.position {
            return Err(Refusal::VersionDataDestroyed { cause: DestroyCause::Regenerated }.into());
        }
        let Some(data) = self.unseal(&now, version)? else { return Ok(None) };
        match audit {
            AccessAudit::Strict => self.record_again(id, version.id)?,
            AccessAudit::Relaxed => self.note(&now, version),
            AccessAudit::Off => {}
        }
        Ok(Some(Reading { secret: id, version: version.id, number: version.number, data, receipt: Some(receipt) }))
    }

    /// Records a read that an idempotency key answers without the writer, if every read must be recorded.
    fn record_again(&self, secret: SecretId, version: VersionId) -> Result<(), Error> {
        let (reader, now) = (self.actor().clone(), self.store().0.now());
        let read = AccessRecorded { secret, version, reader, reads: 1, first_at: now, last_at: now };
        let command = Decided::RecordAccess { reads: vec![read] };
        self.ask_read(command, Payload::None, Terms::by(self.actor().clone())).map(drop)
    }

    fn unseal(&self, secret: &Secret, version: &Version) -> Result<Option<SecretData>, Error> {
        match version.data.sealed() {
            Some(sealed) => self.store().0.shared.read_data(secret.id, version.id, sealed),
            None => Ok(None),
        }
    }

    fn note(&self, secret: &Secret, version: &Version) {
        let engine = &self.store().0;
        if !engine.is_read_only() {
            engine.shared.access.note(secret.id, version.id, self.actor(), engine.now());
        }
    }

    fn ask_read(&self, command: Decided, payload: Payload, terms: Terms) -> Result<Done, Error> {
        let slot = self.store().0.ask(|reply| Order { command, terms, payload, reply }, Patience::Wait)?;
        slot.wait()?.map_err(Error::refused)
    }
}
