//! Owns what is asked of an issuer by hand: whether a credential still logs in, and that an account's present password is put
//! into use as it is.
//!
//! Read next: [`super::calls`].

use crate::domain::command::{Command, Terms};
use crate::domain::decide::readable;
use crate::domain::id::SecretId;
use crate::domain::name::Reason;
use crate::domain::receipt::Receipt;
use crate::domain::refusal::Refusal;
use crate::domain::rotation::RotationTrigger;
use crate::domain::rotation_command::{NewRotation, RotationCommand};
use crate::domain::version::VersionRef;
use crate::engine::draw;
use crate::error::Error;
use crate::issuer::outcome::{IssuerError, IssuerErrorKind};
use crate::seal::secret_bytes::SecretBytes;

use super::adoption::answered;
use super::steps::Halt;
use super::worker::Core;

/// Whether a credential logs in where it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verified {
    /// It does.
    LogsIn,
    /// The system outside says no: somebody changed or ended it there.
    Refused(Reason),
    /// The system outside, or its issuer, could not be asked.
    NotKnown(Reason),
}

impl Core {
    /// Asks the issuer of a version whether its credential still logs in.
    pub(crate) fn verify(&self, secret: SecretId, version: VersionRef) -> Result<Verified, Error> {
        let secret = self.engine.find(secret)?;
        let version = secret.version(version).ok_or(Refusal::VersionNotFound)?;
        let made = version.credential.as_deref().ok_or(Refusal::RotationNotSupported)?;
        readable(version)?;
        let sealed = version.data.sealed().ok_or(Refusal::VersionNotFound)?;
        let asked = self.credential(&secret, version.id, sealed).and_then(|credential| {
            self.call_for(&secret, &made.issuer, made.rotation, move |issuer, order| issuer.verify(order, &credential))
        });
        match asked {
            Ok(Ok(())) => Ok(Verified::LogsIn),
            Ok(Err(error)) if error.kind() == IssuerErrorKind::Refused => Ok(Verified::Refused(error.reason().clone())),
            Ok(Err(error)) => Ok(Verified::NotKnown(error.reason().clone())),
            Err(Halt::Store(error)) => Err(error),
            Err(Halt::Later(reason)) => Ok(Verified::NotKnown(reason)),
            Err(_) => Ok(Verified::NotKnown(Reason::of("the issuer is busy"))),
        }
    }

    /// Begins a rotation to the password that an account has now.
    pub(crate) fn adopt(&self, terms: &Terms, secret: SecretId, brought: SecretBytes) -> Result<Receipt, Error> {
        let found = self.engine.find(secret)?;
        let issuance = found.spec.issuance().ok_or(Refusal::RotationNotSupported)?;
        let now = self.engine.now();
        let (id, to) = (draw::rotation_id(now)?, draw::version_id(now)?);
        let take = move |issuer: &dyn crate::Issuer, order: &crate::IssueOrder<'_>| {
            if !issuer.class().replaces_in_place() {
                return Err(IssuerError::refused("only an issuer that sets values takes one that was brought along"));
            }
            let value = issuer.take(order, &brought)?;
            issuer.verify(order, &value)?;
            Ok((issuer.class(), value))
        };
        let (class, value) = answered(self.call_for(&found, &issuance.issuer, id, take), &found, &issuance.issuer)?;
        let (value, payload) = self.engine.prepare_issued(&found, to, &value)?;
        let (attempts_max, deadline) = (self.options.attempts_max, now.plus(self.options.deadline));
        let trigger = RotationTrigger::ByHand;
        let new = NewRotation { id, trigger, class, to, attempts_max, deadline, value: Some(value) };
        let command = Command::Rotation { secret: found.id, step: RotationCommand::Plan(Box::new(new)) };
        let answer = self.ask(terms, command, payload)?;
        Ok(answer.map_err(Error::refused)?.receipt)
    }
}
