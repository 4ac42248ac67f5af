//! Owns the making of a credential: intent, call, credential, proof by a login, commit; each durable before the next.
//!
//! Read next: [`super::retirement`].

use std::sync::Arc;

use crate::domain::back_off;
use crate::domain::command::Command;
use crate::domain::doubt::is_unsettled;
use crate::domain::due::Step;
use crate::domain::name::{OutsideId, Reason};
use crate::domain::patience::Effort;
use crate::domain::refusal::Refusal;
use crate::domain::rotation::{AttemptFailure, IssuedCredential, IssuerClass, Rotation, RotationStage};
use crate::domain::rotation_command::RotationCommand;
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::domain::touch::unlocked;
use crate::domain::version::SealedRef;
use crate::engine::queue::Payload;
use crate::issuer::issuer::{IssueOrder, Issuer};
use crate::issuer::outcome::{Issued, IssuerError, IssuerErrorKind};
use crate::issuer::unread::unread;
use crate::seal::data::SecretData;
use crate::seal::secret_bytes::SecretBytes;

use super::steps::{Halt, Progress, Reached};
use super::worker::Core;

const KEPT_WAITING: &str = "a lock keeps it from being settled since the store was restored";

impl Core {
    /// Calls the issuer, once the intent is durable; also again after a crash, as its class allows.
    pub(super) fn create(&self, secret: &Arc<Secret>, rotation: &Rotation) -> Result<Progress, Halt> {
        let was_out = rotation.stage.is_out();
        // Nothing is recorded for a call that would have to wait.
        let reached = self.reach(&rotation.issuer)?;
        if self.is_kept_waiting(secret, rotation) {
            return Err(Halt::Later(Reason::of(KEPT_WAITING)));
        }
        let report_by = reached.issuer.job_limit().map(|limit| self.engine.now().plus(limit));
        if let Some(progress) = self.attempt(secret, rotation, report_by)? {
            return Ok(progress);
        }
        // The attempt may have been the one too many.
        let Ok(secret) = &self.engine.find(secret.id) else { return Ok(Progress::Moved) };
        let is_ours = |now: &&Rotation| now.id == rotation.id && now.parked.is_none();
        let attempted = secret.rotation.as_deref().filter(is_ours);
        match attempted.map(|rotation| (rotation, &rotation.stage)) {
            Some((rotation, RotationStage::Attempted | RotationStage::Doubted)) => {
                if was_out
                    && rotation.class == IssuerClass::CreateDiscoverable
                    && let Err(error) = self.retire_found(&reached, secret, rotation)?
                {
                    return self.fail(secret, rotation, &error.in_doubt());
                }
                self.make(reached, secret, rotation)
            }
            Some((rotation, RotationStage::Awaiting { report_by })) => {
                let is_doubted = was_out && rotation.class == IssuerClass::CreateWithToken;
                self.begin_making(reached, secret, rotation, *report_by, is_doubted)
            }
            _ => Ok(Progress::Moved),
        }
    }

    /// Tells whether a lock is in the way of a call that the original of a restored store may have made: the value that it would
    /// have set is kept until the lock goes.
    fn is_kept_waiting(&self, secret: &Secret, rotation: &Rotation) -> bool {
        rotation.stage == RotationStage::Planned
            && self.engine.shared.published.with(|now| {
                let whole = &now.state.whole;
                let is_unsettled = rotation.class.replaces_in_place() && is_unsettled(secret, rotation, whole);
                is_unsettled && unlocked(secret, rotation.class.touch(), whole).is_err()
            })
    }

    /// Makes the call whose intent is durable.
    fn make(&self, reached: Reached<'_>, secret: &Arc<Secret>, rotation: &Rotation) -> Result<Progress, Halt> {
        let value = match rotation.value {
            Some(sealed) => Some(self.credential(secret, rotation.to, &sealed)?),
            None => None,
        };
        let create = move |issuer: &dyn Issuer, order: &IssueOrder<'_>| issuer.create(order, value.as_ref());
        let called = self.call_by(reached, secret, rotation.id, create);
        self.point("created")?;
        match called {
            Ok(made) => self.issue(secret, rotation, &made),
            Err(error) => match error.kept().filter(|_| rotation.value.is_none()) {
                Some(answer) => self.keep(secret, rotation, answer, &error),
                None => self.fail(secret, rotation, &error),
            },
        }
    }

    /// Makes the intent durable; gives what came of it where there is no call to make.
    fn attempt(
        &self,
        secret: &Arc<Secret>,
        rotation: &Rotation,
        report_by: Option<Timestamp>,
    ) -> Result<Option<Progress>, Halt> {
        match self.ask_for(secret, RotationCommand::Attempt { rotation: rotation.id, report_by })? {
            Ok(_) => self.point("attempted").map(|()| None),
            // No call is out: a lock came in the way of what the call would touch.
            Err(Refusal::Locked(_)) => {
                let reason = Reason::of("a lock came onto a version that the rotation would touch, before any call");
                self.tell(secret, RotationCommand::Abort { reason }).map(Some)
            }
            Err(refusal) => Self::settled(Err(refusal)).map(Some),
        }
    }

    /// Retires whatever an earlier call made that nobody heard of.
    pub(super) fn retire_found(
        &self,
        reached: &Reached<'_>,
        secret: &Arc<Secret>,
        rotation: &Rotation,
    ) -> Result<Result<(), IssuerError>, Halt> {
        let found = match self.call_by(reached.clone(), secret, rotation.id, |issuer, order| issuer.find(order)) {
            Ok(found) => found,
            Err(error) => return Ok(Err(error)),
        };
        for outside in found {
            let retire = move |issuer: &dyn Issuer, order: &IssueOrder<'_>| issuer.retire(order, Some(&outside));
            if let Err(error) = self.call_by(reached.clone(), secret, rotation.id, retire) {
                return Ok(Err(error));
            }
        }
        self.point("cleared")?;
        Ok(Ok(()))
    }

    /// Retires one credential of a rotation.
    pub(super) fn retire_outside(
        &self,
        secret: &Arc<Secret>,
        rotation: &Rotation,
        outside: Option<OutsideId>,
    ) -> Result<Result<(), IssuerError>, Halt> {
        self.call(secret, rotation, move |issuer, order| issuer.retire(order, outside.as_ref()))
    }

    /// Seals what the issuer made, and records it.
    fn issue(&self, secret: &Arc<Secret>, rotation: &Rotation, issued: &Issued) -> Result<Progress, Halt> {
        let (made, payload) = if rotation.value.is_some() {
            (None, Payload::None)
        } else {
            let Ok((made, payload)) = self.engine.prepare_issued(secret, rotation.to, &issued.credential) else {
                let error = IssuerError::unknown("the issuer gave no JSON object that can be kept");
                return self.fail(secret, rotation, &error);
            };
            (Some(made), payload)
        };
        let step = RotationCommand::Issue {
            rotation: rotation.id,
            outside: issued.outside.clone(),
            made,
            expires_at: issued.expires_at,
        };
        let answer = self.ask(&self.system, Command::Rotation { secret: secret.id, step }, payload)?;
        self.point("issued")?;
        Self::settled(answer)
    }

    /// Logs in with the credential that was made, and puts it into use.
    pub(super) fn prove(
        &self,
        secret: &Arc<Secret>,
        rotation: &Rotation,
        made: &IssuedCredential,
    ) -> Result<Progress, Halt> {
        let credential = self.credential(secret, rotation.to, &made.sealed)?;
        if unread(&credential).is_some() {
            return self.give_up_unread(secret);
        }
        let proved = self.call(secret, rotation, move |issuer, order| issuer.verify(order, &credential))?;
        self.point("proved")?;
        match proved {
            Ok(()) => self.commit(secret, rotation),
            Err(error) => self.fail(secret, rotation, &error),
        }
    }

    /// Asks for the commit, where the locks are looked at again.
    pub(super) fn commit(&self, secret: &Arc<Secret>, rotation: &Rotation) -> Result<Progress, Halt> {
        let answer = self.ask_for(secret, RotationCommand::Commit { rotation: rotation.id })?;
        self.point("committed")?;
        match answer {
            // It was expired, or is to be deleted: what was made is retired.
            Err(refusal @ Refusal::SecretInactive { .. }) => {
                let reason = super::steps::worded(&refusal);
                self.tell(secret, RotationCommand::Abort { reason })
            }
            answer => Self::settled(answer),
        }
    }

    /// Records that an attempt failed, and when it is tried again; a value that was refused is replaced by another.
    pub(super) fn fail(
        &self,
        secret: &Arc<Secret>,
        rotation: &Rotation,
        error: &IssuerError,
    ) -> Result<Progress, Halt> {
        let failure = failure(error.kind());
        let is_refused = failure == AttemptFailure::Refused && rotation.stage == RotationStage::Attempted;
        let picked = (is_refused && rotation.class.replaces_in_place())
            .then(|| self.pick(secret, &rotation.issuer, rotation.id))
            .transpose();
        let (value, payload) = match picked {
            Ok(Some(picked)) => {
                let (value, payload) = self.engine.prepare_issued(secret, rotation.to, &picked)?;
                (Some(value), payload)
            }
            // What failed is recorded also when no other value can be had now.
            Ok(None) | Err(Halt::Busy(_) | Halt::Later(_)) => (None, Payload::None),
            Err(halt) => return Err(halt),
        };
        let failed = secret.patience.as_deref().map_or(0, |patience| patience.failures).saturating_add(1);
        let failures = u32::from(failed.max(rotation.attempts));
        let now = self.engine.now();
        let pause = back_off::pause(failures, Self::chance()?);
        let (effort, reason) = (self.effort(secret, rotation, error, now), error.reason().clone());
        let retry_at = now.plus(pause);
        let step = RotationCommand::Fail { rotation: rotation.id, failure, reason, retry_at, value, effort };
        let answer = self.ask(&self.system, Command::Rotation { secret: secret.id, step }, payload)?;
        self.note_failed(secret.id, Step::GoOn, pause);
        self.point("failed")?;
        Self::settled(answer)
    }

    /// Says how long this worker was at a rotation since that was last counted.
    fn effort(&self, secret: &Secret, rotation: &Rotation, error: &IssuerError, now: Timestamp) -> Effort {
        let since = secret.patience.as_deref().map_or(rotation.planned_at, |patience| patience.counted_at);
        Effort {
            worked: self.presence.worked(since, now),
            run_began: (!self.is_started).then(|| self.presence.began()),
            is_outage: error.is_outage(),
        }
    }

    pub(super) fn ask_for(
        &self,
        secret: &Secret,
        step: RotationCommand,
    ) -> Result<Result<crate::engine::reply::Done, Refusal>, Halt> {
        let command = Command::Rotation { secret: secret.id, step };
        Ok(self.ask(&self.system, command, Payload::None)?)
    }

    /// Unseals a credential, for a call of the store's own; no read in the sense of the audit trail.
    pub(super) fn credential(
        &self,
        secret: &Secret,
        version: crate::domain::id::VersionId,
        sealed: &SealedRef,
    ) -> Result<SecretBytes, Halt> {
        match self.engine.shared.read_data(secret.id, version, sealed)? {
            Some(SecretData::Issued(data)) => Ok(data.into_credential()),
            Some(_) => {
                Err(crate::error::Error::corrupt("an issued credential is of another type than its secret").into())
            }
            // It went since: the next look tells why.
            None => Err(Halt::Later(Reason::of("the credential is gone; looking again"))),
        }
    }
}

/// Says what may have happened outside when an issuer answered with an error.
const fn failure(kind: IssuerErrorKind) -> AttemptFailure {
    match kind {
        IssuerErrorKind::Refused => AttemptFailure::Refused,
        IssuerErrorKind::Unavailable => AttemptFailure::Unavailable,
        IssuerErrorKind::Unknown => AttemptFailure::Unknown,
    }
}
