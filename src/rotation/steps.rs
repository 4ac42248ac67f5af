//! Owns one step for one secret: what the worker does between two looks at the state.
//!
//! Each asks the writer, which may say no because something changed meanwhile; then the next look tells what is due now.
//! Read next: [`super::creation`].

use std::sync::Arc;

use crate::domain::command::{Command, Terms};
use crate::domain::due::{Look, Step, due_step};
use crate::domain::held::held;
use crate::domain::id::{LogId, RotationId, SecretId};
use crate::domain::limits;
use crate::domain::name::{IssuerName, Reason};
use crate::domain::refusal::Refusal;
use crate::domain::rotation::{Rotation, RotationStage, RotationTrigger};
use crate::domain::rotation_command::{NewRotation, RotationCommand};
use crate::domain::secret::Secret;
use crate::domain::state::Whole;
use crate::domain::time::Timestamp;
use crate::domain::touch::{unlocked, unlocked_at_commit};
use crate::domain::version::VersionRef;
use crate::engine::Patience;
use crate::engine::draw;
use crate::engine::queue::{Order, Payload};
use crate::engine::reply::Done;
use crate::error::Error;
use crate::issuer::issuer::{IssueOrder, Issuer};
use crate::issuer::outcome::IssuerError;
use crate::seal::secret_bytes::SecretBytes;

use super::calls::Room;
use super::jobs::late;
use super::worker::Core;

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing was due.
    Nothing,
    /// Something was done, or has changed; there may be more to do.
    Moved,
}

/// Why a step could not be done.
#[derive(Debug)]
pub(super) enum Halt {
    /// The store fails, or is closed.
    Store(Error),
    /// It has to wait; nothing is recorded about it.
    Later(Reason),
    /// This issuer has as many calls out as it may.
    Busy(IssuerName),
    /// A test ended the worker here.
    #[cfg(test)]
    Interrupted,
}

/// An issuer, and room for one call to it.
#[derive(Clone)]
pub(super) struct Reached<'a> {
    pub(super) issuer: &'a Arc<dyn Issuer>,
    name: &'a IssuerName,
    room: Arc<Room>,
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<Refusal> for Halt {
    fn from(refusal: Refusal) -> Self {
        Self::Store(refusal.into())
    }
}

impl Core {
    /// Gives a secret, and the step that is due first for it, other than those that could not be done.
    pub(super) fn next_step(&self, id: SecretId, left: &[Step]) -> Option<(Arc<Secret>, Step)> {
        let snapshot = self.engine.shared.published.load();
        let secret = self.engine.find(id).ok()?;
        let step = self.due_step(&secret, &snapshot.state.whole, left)?;
        Some((secret, step))
    }

    /// Does a step for a secret.
    pub(super) fn step(&self, secret: &Arc<Secret>, step: Step) -> Result<Progress, Halt> {
        match step {
            Step::RotateHere | Step::Plan(RotationTrigger::ByPolicy) | Step::MakeRoom(_)
                if self.is_refused_still(secret, step) =>
            {
                Err(Halt::Later(Reason::of(REFUSED_STILL)))
            }
            Step::RotateHere => self.rotate_here(secret),
            Step::Plan(trigger) => self.begin(secret, trigger),
            // Nothing is ended for a rotation that is refused, which is then recorded.
            Step::MakeRoom(_) if self.is_refused(secret) => self.begin(secret, RotationTrigger::ByPolicy),
            Step::GoOn => match &secret.rotation {
                Some(rotation) => self.go_on(secret, rotation),
                None => Ok(Progress::Nothing),
            },
            Step::PlanRetirement(version) | Step::MakeRoom(version) => {
                self.tell(secret, RotationCommand::PlanRetirement { version: VersionRef::Id(version) })
            }
            Step::Retire(version) => self.retire(secret, version),
            Step::Delete => {
                match self.ask(&self.system, Command::DeleteSecret { secret: secret.id }, Payload::None)? {
                    // It is recorded; asking again at once would only record it again.
                    Err(locked @ Refusal::Locked(_)) => Err(Halt::Later(worded(&locked))),
                    answer => Self::settled(answer),
                }
            }
        }
    }

    /// Begins a rotation that is due; a refusal that is recorded is dated, too.
    fn begin(&self, secret: &Arc<Secret>, trigger: RotationTrigger) -> Result<Progress, Halt> {
        match self.plan(&self.system, secret, trigger)? {
            Err(Refusal::RotationHeld(_) | Refusal::VersionLimitReached { .. })
                if trigger == RotationTrigger::ByPolicy =>
            {
                Ok(Progress::Moved)
            }
            answer => Self::settled(answer),
        }
    }

    /// Gives the issuer that may have to be asked for what is due for a secret.
    pub(super) fn issuer_asked(&self, secret: &Secret, whole: &Whole) -> Option<IssuerName> {
        match self.due_step(secret, whole, &[])? {
            Step::Plan(_) => secret.spec.issuance().map(|issuance| issuance.issuer.clone()),
            Step::GoOn => secret.rotation.as_deref().map(|rotation| rotation.issuer.clone()),
            Step::Retire(version) => {
                let version = secret.version_by_id(version);
                version.and_then(|version| version.credential.as_deref()).map(|credential| credential.issuer.clone())
            }
            Step::RotateHere | Step::MakeRoom(_) | Step::PlanRetirement(_) | Step::Delete => None,
        }
    }

    /// Tells what is due for a secret now, other than what was left.
    pub(super) fn due_step(&self, secret: &Secret, whole: &Whole, left: &[Step]) -> Option<Step> {
        // Clocks are looked at only where a step may have to wait: this is asked of every secret.
        let has_room = |issuer: &IssuerName| self.calls.has_room(issuer);
        let look = Look {
            now: self.engine.now(),
            is_single_run: !self.is_started,
            is_put_off: |step| left.contains(&step) || self.later.waits(secret.id, step, self.passed(), has_room),
            may_retry: |step| self.is_still() && self.later.left(secret.id, step, self.passed()).is_zero(),
        };
        due_step(secret, whole, &look)
    }

    /// Tells whether a lock, a grace or consumers refuse a rotation, by what only the state of the whole store shows.
    fn is_refused(&self, secret: &Secret) -> bool {
        let (touch, published) = (secret.rotation_touch(), &self.engine.shared.published);
        published.with(|snapshot| {
            let whole = &snapshot.state.whole;
            unlocked(secret, touch, whole).is_err() || held(secret, touch, whole.settings, self.engine.now()).is_some()
        })
    }

    /// Tells whether a rotation that was refused within a day still would be.
    pub(super) fn is_refused_still(&self, secret: &Secret, step: Step) -> bool {
        let now = self.engine.now().plus(secret.rotation_slack());
        let is_recent = |refused: Timestamp| now < refused.plus(limits::REFUSED_ROTATION_PAUSE);
        let is_without_room = matches!(step, Step::Plan(_)) && !secret.has_room();
        secret.rotation_refused_at.is_some_and(is_recent) && (is_without_room || self.is_refused(secret))
    }

    fn go_on(&self, secret: &Arc<Secret>, rotation: &Rotation) -> Result<Progress, Halt> {
        match &rotation.stage {
            RotationStage::Awaiting { report_by } if rotation.is_at_work() => {
                self.fail(secret, rotation, &late(*report_by))
            }
            RotationStage::Planned
            | RotationStage::Attempted
            | RotationStage::Doubted
            | RotationStage::Awaiting { .. } => self.create(secret, rotation),
            RotationStage::Ending { report_by, .. } => self.fail(secret, rotation, &late(*report_by)),
            // A lock that stands has to be reported only; the credential is proved again before it is put into use.
            RotationStage::Staged { reported_at, .. } if self.is_held(secret, rotation) => {
                if self.engine.now() < reported_at.plus(limits::REFUSED_ROTATION_PAUSE) {
                    return Err(Halt::Later(Reason::of("a lock holds the new version back")));
                }
                self.commit(secret, rotation)
            }
            RotationStage::Issued(_) | RotationStage::Staged { .. } if secret.sets_again() => {
                self.create(secret, rotation)
            }
            RotationStage::Issued(credential) | RotationStage::Staged { credential, .. } => {
                self.prove(secret, rotation, credential)
            }
            RotationStage::Aborting { credential, .. } => self.give_up(secret, rotation, credential.as_ref()),
        }
    }

    /// Tells whether a lock is in the way of the commit.
    fn is_held(&self, secret: &Secret, rotation: &Rotation) -> bool {
        let published = &self.engine.shared.published;
        published.with(|now| unlocked_at_commit(secret, rotation, &now.state.whole).is_err())
    }

    /// Begins a rotation by the issuer of a secret.
    pub(super) fn plan(
        &self,
        terms: &Terms,
        secret: &Arc<Secret>,
        trigger: RotationTrigger,
    ) -> Result<Result<Done, Refusal>, Halt> {
        let issuance = secret.spec.issuance().ok_or(Refusal::RotationNotSupported)?;
        let issuer = self.reach(&issuance.issuer)?.issuer;
        let now = self.engine.now();
        let (id, to) = (draw::rotation_id(now)?, draw::version_id(now)?);
        let class = issuer.class();
        if issuer.job_limit().is_some() && !class.takes_jobs() {
            return Err(Halt::Later(Reason::of(NO_JOBS)));
        }
        let (value, payload) = if class.replaces_in_place() {
            let picked = self.pick(secret, &issuance.issuer, id)?;
            let (value, payload) = self.engine.prepare_issued(secret, to, &picked)?;
            (Some(value), payload)
        } else {
            (None, Payload::None)
        };
        let (attempts_max, deadline) = (self.options.attempts_max, now.plus(self.options.deadline));
        let new = NewRotation { id, trigger, class, to, attempts_max, deadline, value };
        let command = Command::Rotation { secret: secret.id, step: RotationCommand::Plan(Box::new(new)) };
        let planned = self.ask(terms, command, payload)?;
        self.point("planned")?;
        Ok(planned)
    }

    /// Has an issuer pick a value; it asks nobody outside, but may do anything a host wrote.
    pub(super) fn pick(
        &self,
        secret: &Arc<Secret>,
        issuer: &IssuerName,
        rotation: RotationId,
    ) -> Result<SecretBytes, Halt> {
        let picked = self.call_for(secret, issuer, rotation, |issuer, order| issuer.pick(order))?;
        picked.map_err(|error| Halt::Later(error.reason().clone()))
    }

    /// Asks the issuer of a rotation something about it.
    pub(super) fn call<T: Send + 'static>(
        &self,
        secret: &Arc<Secret>,
        rotation: &Rotation,
        call: impl FnOnce(&dyn Issuer, &IssueOrder<'_>) -> Result<T, IssuerError> + Send + 'static,
    ) -> Result<Result<T, IssuerError>, Halt> {
        self.call_for(secret, &rotation.issuer, rotation.id, call)
    }

    /// Asks an issuer something about a rotation, which may be over.
    pub(super) fn call_for<T: Send + 'static>(
        &self,
        secret: &Arc<Secret>,
        issuer: &IssuerName,
        rotation: RotationId,
        call: impl FnOnce(&dyn Issuer, &IssueOrder<'_>) -> Result<T, IssuerError> + Send + 'static,
    ) -> Result<Result<T, IssuerError>, Halt> {
        Ok(self.call_by(self.reach(issuer)?, secret, rotation, call))
    }

    /// Makes the call that there is room for.
    pub(super) fn call_by<T: Send + 'static>(
        &self,
        reached: Reached<'_>,
        secret: &Arc<Secret>,
        rotation: RotationId,
        call: impl FnOnce(&dyn Issuer, &IssueOrder<'_>) -> Result<T, IssuerError> + Send + 'static,
    ) -> Result<T, IssuerError> {
        let (store, secret, name) = (self.engine.shared.log_id, Arc::clone(secret), reached.name.clone());
        let call = move |issuer: &dyn Issuer| call(issuer, &order(store, &secret, &name, rotation));
        self.calls.call(reached.room, reached.issuer, call)
    }

    /// Finds the issuer of a name, and takes room for one call to it, if that leaves room for others. Whoever records that a
    /// call is about to be made has its room before.
    pub(super) fn reach(&self, name: &IssuerName) -> Result<Reached<'_>, Halt> {
        let found = self.options.issuers.get_key_value(name);
        let why_not = || self.options.unusable.get(name).cloned().unwrap_or_else(|| not_registered(name));
        let (name, issuer) = found.ok_or_else(|| Halt::Later(why_not()))?;
        self.calls.room(name).map(|room| Reached { issuer, name, room }).ok_or_else(|| Halt::Busy(name.clone()))
    }

    /// Asks for a step of the protocol that brings no data.
    pub(super) fn tell(&self, secret: &Secret, step: RotationCommand) -> Result<Progress, Halt> {
        let command = Command::Rotation { secret: secret.id, step };
        Self::settled(self.ask(&self.system, command, Payload::None)?)
    }

    /// Asks the writer, and waits until the answer is durable.
    pub(super) fn ask(
        &self,
        terms: &Terms,
        command: Command,
        payload: Payload,
    ) -> Result<Result<Done, Refusal>, Error> {
        let terms = terms.clone();
        let slot = self.engine.ask(|reply| Order { command, terms, payload, reply }, Patience::Wait)?;
        slot.wait()
    }

    /// Takes an answer: a lock's no is recorded and dated; "ask again" means to look again; any other no has to wait.
    pub(super) fn settled(answer: Result<Done, Refusal>) -> Result<Progress, Halt> {
        match answer {
            Ok(_) | Err(Refusal::VersionChanged | Refusal::Locked(_)) => Ok(Progress::Moved),
            Err(refusal) => Err(Halt::Later(worded(&refusal))),
        }
    }

    /// A place where a test may end the worker, as if its process died.
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "only tests end it")]
    pub(super) fn point(&self, name: &'static str) -> Result<(), Halt> {
        #[cfg(test)]
        if self.options.interrupt.as_ref().is_some_and(|interrupt| interrupt(name)) {
            return Err(Halt::Interrupted);
        }
        let _ = name;
        Ok(())
    }
}

/// What is said of a rotation that was reported as refused within a day.
pub(super) const REFUSED_STILL: &str =
    "its rotation is refused still: by a lock, a grace, consumers, or since 50 versions are kept that are good outside";

fn not_registered(issuer: &IssuerName) -> Reason {
    worded(&format!("issuer {issuer} is not registered here"))
}

/// What is said of an issuer that leaves its work to jobs, where calls are asked for.
pub(super) const NO_JOBS: &str = "an issuer of its class cannot leave its work to jobs";

/// Makes the order of a call. What the secret says to its issuer is said to no other, such as the one before.
fn order<'a>(store: LogId, secret: &'a Secret, issuer: &IssuerName, rotation: RotationId) -> IssueOrder<'a> {
    let issuance = secret.spec.issuance().filter(|issuance| issuance.issuer == *issuer);
    let parameters = issuance.and_then(|issuance| issuance.parameters.as_ref());
    IssueOrder::new(store, secret.id, &secret.metadata.name, rotation, parameters)
}

/// Makes a reason of an error's words.
pub(super) fn worded(words: &dyn std::fmt::Display) -> Reason {
    crate::issuer::outcome::worded(&words.to_string())
}
