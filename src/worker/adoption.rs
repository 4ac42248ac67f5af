//! Owns what a person does to take a credential into the store that exists outside and that the log does not know.
//!
//! Nothing is called that changes anything outside: the credential has to be listed, and to log in. Read next:
//! [`super::strangers`].

use crate::domain::command::Command;
use crate::domain::id::SecretId;
use crate::domain::name::{IssuerName, OutsideId, Reason};
use crate::domain::receipt::Receipt;
use crate::domain::refusal::Refusal;
use crate::domain::rotation_command::{Adopted, RotationCommand};
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::engine::draw;
use crate::error::Error;
use crate::issuer::issuer::{IssueOrder, Issuer};
use crate::issuer::outcome::{Issued, IssuerError};
use crate::seal::secret_bytes::SecretBytes;
use crate::store::session::Session;

use super::steps::Halt;
use super::worker::RotationWorker;

impl RotationWorker {
    /// Adopts a credential that exists outside and that the log does not know ([`RotationWorker::strangers`]): it becomes the
    /// current version of a secret, and the one before becomes previous, as by a rotation. From then on it is retired like any
    /// other, and sweeps know it.
    ///
    /// The issuer of the secret has to list it. It says what it takes as the data of a credential; a JSON object as `create`
    /// answers it always fits. The credential has to log in. `expires_at` says when it ends, where its issuer does not say so.
    /// One batch of records, durable when this answers. Under an idempotency key of the session it is done once: asked again for the same
    /// credential of the same secret, it answers as the first time and asks no issuer; its data is not compared. Blocks until the issuer has answered up to three calls, each with its time limit.
    ///
    /// # Errors
    ///
    /// Kind `Refused`: [`crate::Refusal::Locked`] when a lock stands on a version that a rotation would touch,
    /// [`crate::Refusal::RotationHeld`] when the grace of a version that falls out runs or consumers have not moved from it (unless
    /// the session acts by force), [`crate::Refusal::RotationOpen`] while a rotation is under way,
    /// [`crate::Refusal::Quarantined`], [`crate::Refusal::RotationNotSupported`], and what is wrong with the credential. Kind
    /// `Invalid` when the issuer is not registered or cannot list, does not list the credential, does not take its data, or it does
    /// not log in. Kind `Unavailable` when the issuer is busy.
    pub fn adopt_stranger(
        &self,
        session: &Session,
        secret: SecretId,
        outside: &OutsideId,
        brought: SecretBytes,
        expires_at: Option<Timestamp>,
    ) -> Result<Receipt, Error> {
        let core = &self.0.core;
        let found = core.store.0.find(secret)?;
        let issuer = found.spec.issuance().ok_or(Refusal::RotationNotSupported)?.issuer.clone();
        let terms = session.terms_of(&format!("adopt {secret:?} {issuer} {outside}"));
        if let Some(answer) = session.recall(&terms) {
            return answer.map_err(Error::refused);
        }
        let (stranger, _, others) = core.stranger(&issuer, outside)?;
        let (rotation, named) = (stranger.rotation, outside.clone());
        let taken =
            core.call_for(&found, &issuer, rotation, move |issuer, order| take(issuer, order, &named, &brought));
        let Issued { credential, expires_at: ends, .. } = answered(taken, &found, &issuer)?;
        let to = draw::version_id(core.store.0.now())?;
        let (made, payload) = core.store.0.prepare_issued(&found, to, &credential)?;
        let (outside, expires_at) = (outside.clone(), ends.or(expires_at));
        let adopted = Adopted { issuer: issuer.clone(), rotation, outside, made, expires_at };
        let command = Command::Rotation { secret, step: RotationCommand::Adopt(Box::new(adopted)) };
        let answer = core.ask(&terms, command, payload)?;
        let receipt = answer.map_err(Error::refused)?.receipt;
        // It is adopted, whether that can be recorded or not; the next look notes it.
        drop(core.note_strangers(&issuer, others));
        Ok(receipt)
    }
}

/// Has an issuer take the data of a credential, and logs in with it.
fn take(
    issuer: &dyn Issuer,
    order: &IssueOrder<'_>,
    outside: &OutsideId,
    brought: &SecretBytes,
) -> Result<Issued, IssuerError> {
    let taken = issuer.adopt(order, outside, brought)?;
    issuer.verify(order, &taken.credential)?;
    Ok(taken)
}

/// Gives the answer of an issuer to a person who wants a credential adopted into a secret.
pub(super) fn answered<T>(
    answer: Result<Result<T, IssuerError>, Halt>,
    secret: &Secret,
    issuer: &IssuerName,
) -> Result<T, Error> {
    let refused = |reason: &Reason| {
        let rule = format!("was not adopted into {} by issuer {issuer}: {reason}", secret.metadata.name);
        Error::from(crate::Invalid::new("credential", rule))
    };
    match answer {
        Ok(answer) => answer.map_err(|error| refused(error.reason())),
        Err(Halt::Store(error)) => Err(error),
        Err(Halt::Later(reason)) => Err(refused(&reason)),
        Err(_) => Err(Error::busy()),
    }
}
