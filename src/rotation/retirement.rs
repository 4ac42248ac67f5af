//! Owns the end of credentials: of a rotation that is given up, and of versions that are not needed any more.
//!
//! Read next: [`super::calls`].

use std::sync::Arc;

use crate::domain::back_off;
use crate::domain::due::Step;
use crate::domain::id::VersionId;
use crate::domain::name::Reason;
use crate::domain::rotation::{Credential, IssuedCredential, IssuerClass, Retirement, Rotation};
use crate::domain::rotation_command::RotationCommand;
use crate::domain::secret::Secret;
use crate::domain::version::Version;
use crate::issuer::issuer::{IssueOrder, Issuer};
use crate::issuer::outcome::IssuerError;

use super::jobs::late;
use super::steps::{Halt, NO_JOBS, Progress};
use super::worker::Core;

impl Core {
    /// Retires what a rotation that is given up may have made, and ends it.
    pub(super) fn give_up(
        &self,
        secret: &Arc<Secret>,
        rotation: &Rotation,
        made: Option<&IssuedCredential>,
    ) -> Result<Progress, Halt> {
        // Each room is given back before the next call asks for one: a worker of one or two threads has no other.
        let job_limit = self.reach(&rotation.issuer)?.issuer.job_limit();
        match job_limit {
            Some(_) if !rotation.class.takes_jobs() => return Err(Halt::Later(Reason::of(NO_JOBS))),
            Some(_) => return self.give_up_by_job(secret, rotation, made),
            None => {}
        }
        let ended = match rotation.class {
            IssuerClass::SetValue => self.set_back(secret, rotation)?,
            IssuerClass::CreateDiscoverable => {
                let found = self.retire_found(&self.reach(&rotation.issuer)?, secret, rotation)?;
                match found {
                    Ok(()) => self.retire_made(secret, rotation, made)?,
                    Err(error) => Err(error),
                }
            }
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

    /// Sets the value of the current version again: it may have been replaced. What another issuer made is none of its own.
    fn set_back(&self, secret: &Arc<Secret>, rotation: &Rotation) -> Result<Result<(), IssuerError>, Halt> {
        let is_own = |version: &&Version| version.credential.as_ref().is_some_and(|it| it.issuer == rotation.issuer);
        let current = secret.current().filter(is_own).and_then(|current| Some((current.id, *current.data.sealed()?)));
        let Some((version, sealed)) = current else { return self.retire_outside(secret, rotation, None) };
        let value = self.credential(secret, version, &sealed)?;
        let set = self.call(secret, rotation, move |issuer, order| issuer.create(order, Some(&value)))?;
        Ok(set.map(drop))
    }

    /// Calls again with the same token, to learn what there is to retire.
    fn learn_and_retire(&self, secret: &Arc<Secret>, rotation: &Rotation) -> Result<Result<(), IssuerError>, Halt> {
        match self.call(secret, rotation, |issuer, order| issuer.create(order, None))? {
            Ok(made) => self.retire_outside(secret, rotation, made.outside),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Ends the credential of a version that is not needed any more.
    pub(super) fn retire(&self, secret: &Arc<Secret>, version: VersionId) -> Result<Progress, Halt> {
        let credential = secret.version_by_id(version).and_then(|version| version.credential.as_deref());
        let Some(credential) = credential else { return Ok(Progress::Nothing) };
        let reached = self.reach(&credential.issuer)?;
        if let Retirement::Awaiting { report_by, .. } = credential.retirement {
            return self.fail_retirement(secret, version, &late(report_by));
        }
        if let Some(limit) = reached.issuer.job_limit() {
            return self.retire_by_job(reached, secret, (version, credential), limit);
        }
        let outside = credential.outside.clone();
        let retire = move |issuer: &dyn Issuer, order: &IssueOrder<'_>| issuer.retire(order, outside.as_ref());
        let retired = self.call_by(reached, secret, credential.rotation, retire);
        self.point("retired")?;
        match retired {
            Ok(()) => self.tell(secret, RotationCommand::FinishRetirement { version }),
            Err(error) => self.fail_retirement(secret, version, &error),
        }
    }

    /// Records that a credential could not be ended, and when it is tried again. Where the log tells it of the secret already, this worker
    /// alone waits.
    pub(super) fn fail_retirement(
        &self,
        secret: &Arc<Secret>,
        version: VersionId,
        error: &IssuerError,
    ) -> Result<Progress, Halt> {
        // One is recorded for all of them, so the pauses grow with the failures of any.
        let failures = secret.credentials().map(Credential::failures).max().unwrap_or_default();
        let failures = u32::from(failures).saturating_add(1);
        let pause = back_off::pause(failures, Self::chance()?);
        let retry_at = self.engine.now().plus(pause);
        let reason = error.reason().clone();
        let answer = self.ask_for(secret, RotationCommand::FailRetirement { version, reason, retry_at })?;
        self.point("not retired")?;
        if answer.as_ref().is_ok_and(|done| done.receipt.events == 0) {
            return Err(Halt::Later(error.reason().clone()));
        }
        self.note_failed(secret.id, Step::Retire(version), pause);
        Self::settled(answer)
    }
}
