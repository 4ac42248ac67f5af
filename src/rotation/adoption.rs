//! Owns what a person does to take a credential into the store that exists outside and that the log does not know.
//!
//! Nothing is called that changes anything outside: the credential has to be listed, and to log in. Read next:
//! [`super::strangers`].

use crate::domain::command::{Command, Terms};
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

use super::steps::Halt;
use super::worker::Core;

impl Core {
    /// Makes a credential that exists outside the current version of a secret.
    pub(crate) fn adopt_stranger(
        &self,
        terms: &Terms,
        secret: SecretId,
        outside: &OutsideId,
        brought: SecretBytes,
        expires_at: Option<Timestamp>,
    ) -> Result<Receipt, Error> {
        let found = self.engine.find(secret)?;
        let issuer = found.spec.issuance().ok_or(Refusal::RotationNotSupported)?.issuer.clone();
        let (stranger, _, others) = self.stranger(&issuer, outside)?;
        let (rotation, named) = (stranger.rotation, outside.clone());
        let taken =
            self.call_for(&found, &issuer, rotation, move |issuer, order| take(issuer, order, &named, &brought));
        let Issued { credential, expires_at: ends, .. } = answered(taken, &found, &issuer)?;
        let to = draw::version_id(self.engine.now())?;
        let (made, payload) = self.engine.prepare_issued(&found, to, &credential)?;
        let (outside, expires_at) = (outside.clone(), ends.or(expires_at));
        let adopted = Adopted { issuer: issuer.clone(), rotation, outside, made, expires_at };
        let command = Command::Rotation { secret, step: RotationCommand::Adopt(Box::new(adopted)) };
        let answer = self.ask(terms, command, payload)?;
        let receipt = answer.map_err(Error::refused)?.receipt;
        // It is adopted, whether that can be recorded or not; the next look notes it.
        drop(self.note_strangers(&issuer, others));
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
