//! Owns what is asked of an issuer by hand: whether a credential still logs in, and that an account's present password is put
//! into use as it is.
//!
//! Read next: [`super::calls`].

use crate::domain::command::Command;
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
use crate::store::session::Session;

use super::adoption::answered;
use super::steps::Halt;
use super::worker::RotationWorker;

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

impl RotationWorker {
    /// Asks the issuer of a version whether its credential still logs in. Changes nothing and records nothing: the credential
    /// goes to the issuer alone. Blocks until the issuer answers, or its time limit.
    ///
    /// # Errors
    ///
    /// Kind `Refused`: [`crate::Refusal::RotationNotSupported`] when no issuer made the version,
    /// [`crate::Refusal::VersionDataDestroyed`], [`crate::Refusal::VersionNotFound`], [`crate::Refusal::SecretNotFound`].
    pub fn verify(&self, secret: SecretId, version: VersionRef) -> Result<Verified, Error> {
        let core = &self.0.core;
        let secret = core.store.0.find(secret)?;
        let version = secret.version(version).ok_or(Refusal::VersionNotFound)?;
        let made = version.credential.as_deref().ok_or(Refusal::RotationNotSupported)?;
        readable(version)?;
        let sealed = version.data.sealed().ok_or(Refusal::VersionNotFound)?;
        let asked = core.credential(&secret, version.id, sealed).and_then(|credential| {
            core.call_for(&secret, &made.issuer, made.rotation, move |issuer, order| issuer.verify(order, &credential))
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

    /// Begins a rotation that puts the password into use that an account has now, instead of a new one: nothing changes for
    /// whoever uses it. It has to log in. Only issuers of class `SetValue` that know how ([`crate::Issuer::take`]); the worker takes
    /// it from there. The conditions of the session hold. Under its idempotency key it is done once: asked again for the same secret, it
    /// answers as the first time and asks no issuer; the password is not compared.
    ///
    /// # Errors
    ///
    /// As [`RotationWorker::rotate`]; kind `Invalid` when the issuer does not take it, or the password does not log in.
    pub fn adopt(&self, session: &Session, secret: SecretId, brought: SecretBytes) -> Result<Receipt, Error> {
        let core = &self.0.core;
        let found = core.store.0.find(secret)?;
        let issuance = found.spec.issuance().ok_or(Refusal::RotationNotSupported)?;
        let terms = session.terms_of(&format!("take the password of {secret:?}"));
        if let Some(answer) = session.recall(&terms) {
            return answer.map_err(Error::refused);
        }
        let now = core.store.0.now();
        let (id, to) = (draw::rotation_id(now)?, draw::version_id(now)?);
        let take = move |issuer: &dyn crate::Issuer, order: &crate::IssueOrder<'_>| {
            if !issuer.class().replaces_in_place() {
                return Err(IssuerError::refused("only an issuer that sets values takes one that was brought along"));
            }
            let value = issuer.take(order, &brought)?;
            issuer.verify(order, &value)?;
            Ok((issuer.class(), value))
        };
        let (class, value) = answered(core.call_for(&found, &issuance.issuer, id, take), &found, &issuance.issuer)?;
        let (value, payload) = core.store.0.prepare_issued(&found, to, &value)?;
        let (attempts_max, deadline) = (core.options.attempts_max, now.plus(core.options.deadline));
        let trigger = RotationTrigger::ByHand;
        let new = NewRotation { id, trigger, class, to, attempts_max, deadline, value: Some(value) };
        let command = Command::Rotation { secret: found.id, step: RotationCommand::Plan(Box::new(new)) };
        let answer = core.ask(&terms, command, payload)?;
        Ok(answer.map_err(Error::refused)?.receipt)
    }
}
