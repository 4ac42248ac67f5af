//! Owns a worker as far as the store and the world outside see it: it looks what is due, makes a call, and tells what
//! came of it. Between any two of these the other worker, people, and crashes have their turn.

use super::node::{DAYS, Node};
use super::outside::{Answer, Luck, Order, Value, value_of};
use super::people::said;
use super::promises::{Good, Promise};
use crate::domain::command::Command;
use crate::domain::due::Step;
use crate::domain::id::{RotationId, SecretId, VersionId};
use crate::domain::limits;
use crate::domain::name::{IssuerName, OutsideId};
use crate::domain::patience::Effort;
use crate::domain::refusal::Refusal;
use crate::domain::rotation::{AttemptFailure, IssuerClass, Rotation, RotationStage, RotationTrigger};
use crate::domain::rotation_command::{NewRotation, RotationCommand};
use crate::domain::secret::Secret;
use crate::domain::touch::unlocked;
use crate::domain::version::VersionRef;

/// Where a worker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Worker {
    Idle,
    /// A call is about to be made.
    Calling(Call),
    /// A call was answered, and nothing was told of it.
    Called(Call, Answer),
    /// These are about to be retired, which no rotation knew of.
    Sweeping(IssuerName, Vec<(RotationId, OutsideId)>),
}

/// What a call is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Clear,
    Make,
    Prove,
    GiveUp,
    Retire(VersionId),
}

/// A call, with what the worker knew when it looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    purpose: Purpose,
    secret: SecretId,
    issuer: IssuerName,
    class: IssuerClass,
    rotation: RotationId,
    to: VersionId,
    order: Order,
    was_attempted: bool,
}

impl Call {
    fn of(secret: &Secret, rotation: &Rotation, purpose: Purpose, order: Order) -> Self {
        Self {
            purpose,
            secret: secret.id,
            issuer: rotation.issuer.clone(),
            class: rotation.class,
            rotation: rotation.id,
            to: rotation.to,
            order,
            was_attempted: rotation.stage == RotationStage::Attempted,
        }
    }

    pub(super) fn shape(&self) -> [u8; 6] {
        let purpose = match self.purpose {
            Purpose::Clear => 0,
            Purpose::Make => 1,
            Purpose::Prove => 2,
            Purpose::GiveUp => 3,
            Purpose::Retire(_) => 4,
        };
        let order = match self.order {
            Order::Create(None) => 0,
            Order::Create(Some(_)) => 1,
            Order::Clear => 2,
            Order::Verify(_) => 3,
            Order::Retire(None) => 4,
            Order::Retire(Some(_)) => 5,
        };
        let issuer = self.issuer.as_str().as_bytes()[0];
        let attempted = u8::from(self.was_attempted);
        [purpose, order, self.secret.as_bytes()[15], issuer, self.class as u8, attempted]
    }

    pub(super) fn numbers(&self) -> Vec<u128> {
        let of_order = match &self.order {
            Order::Create(value) => value.map(u128::from),
            Order::Verify(value) => Some(u128::from(*value)),
            Order::Retire(outside) => outside.as_ref().map(number_of),
            Order::Clear => None,
        };
        let version = match self.purpose {
            Purpose::Retire(version) => Some(u128::from_be_bytes(*version.as_bytes())),
            _ => None,
        };
        let ids = [u128::from_be_bytes(*self.rotation.as_bytes()), u128::from_be_bytes(*self.to.as_bytes())];
        ids.into_iter().chain(of_order).chain(version).collect()
    }
}

fn number_of(outside: &OutsideId) -> u128 {
    outside.as_str().trim_start_matches("made-").parse().unwrap()
}

impl Worker {
    pub(super) fn shape_of(answer: &Answer) -> [u8; 1] {
        [match answer {
            Answer::Done(None) => 0,
            Answer::Done(Some(_)) => 1,
            Answer::Failed(failure) => 1 + *failure as u8,
        }]
    }

    pub(super) fn numbers_of(answer: &Answer) -> Option<u128> {
        match answer {
            Answer::Done(Some((value, _))) => Some(u128::from(*value)),
            _ => None,
        }
    }
}

/// The class under which each issuer is registered, in every worker.
pub(super) type Issuers = [(IssuerName, IssuerClass); 2];

impl Node {
    pub(super) fn tell(&mut self, secret: SecretId, step: RotationCommand) -> Result<(), Refusal> {
        self.ask("system", &Command::Rotation { secret, step }).map(drop)
    }

    /// Begins a rotation.
    pub(super) fn plan(&mut self, issuers: &Issuers, secret: SecretId, trigger: RotationTrigger, actor: &str) {
        let Some(issuance) = self.secret(secret).and_then(|secret| secret.spec.issuance()) else { return };
        let class = issuers.iter().find(|(name, _)| *name == issuance.issuer).unwrap().1;
        let (id, to) = (RotationId::from_bytes(self.id()), VersionId::from_bytes(self.id()));
        let value = class.replaces_in_place().then(|| {
            let value = self.draw();
            self.sealed(to, value)
        });
        let deadline = self.now.plus(limits::REFUSED_ROTATION_PAUSE);
        let new = NewRotation { id, trigger, class, to, attempts_max: 2, deadline, value };
        let step = RotationCommand::Plan(Box::new(new));
        let _ = self.ask(actor, &Command::Rotation { secret, step });
    }

    /// Does the step that a worker saw to be due, up to the call.
    pub(super) fn look(&mut self, at: usize, issuers: &Issuers, id: SecretId, step: Step) {
        let Some(secret) = self.secret(id).cloned() else { return };
        match step {
            Step::RotateHere => {}
            Step::Plan(trigger) => self.plan(issuers, id, trigger, "system"),
            Step::GoOn => {
                if let Some(rotation) = secret.rotation.as_deref() {
                    self.go_on(at, &secret, rotation);
                }
            }
            Step::PlanRetirement(version) | Step::MakeRoom(version) => {
                let _ = self.tell(id, RotationCommand::PlanRetirement { version: VersionRef::Id(version) });
            }
            Step::Retire(version) => {
                let Some(credential) = secret.version_by_id(version).and_then(|it| it.credential.as_deref()) else {
                    return;
                };
                self.workers[at] = Worker::Calling(Call {
                    purpose: Purpose::Retire(version),
                    secret: id,
                    issuer: credential.issuer.clone(),
                    class: credential.class,
                    rotation: credential.rotation,
                    to: version,
                    order: Order::Retire(credential.outside.clone()),
                    was_attempted: false,
                });
            }
            Step::Delete => drop(self.ask("system", &Command::DeleteSecret { secret: id })),
        }
    }

    fn go_on(&mut self, at: usize, secret: &Secret, rotation: &Rotation) {
        match &rotation.stage {
            RotationStage::Planned
            | RotationStage::Attempted
            | RotationStage::Doubted
            | RotationStage::Awaiting { .. } => self.attempt(at, secret, rotation),
            RotationStage::Ending { .. } => {}
            RotationStage::Staged { .. }
                if unlocked(secret, rotation.class.touch(), &self.log.state().whole).is_err() =>
            {
                let _ = self.tell(secret.id, RotationCommand::Commit { rotation: rotation.id });
            }
            RotationStage::Issued(_) | RotationStage::Staged { .. } if secret.sets_again() => {
                self.attempt(at, secret, rotation);
            }
            RotationStage::Issued(made) | RotationStage::Staged { credential: made, .. } => {
                let order = Order::Verify(value_of(&made.sealed));
                self.workers[at] = Worker::Calling(Call::of(secret, rotation, Purpose::Prove, order));
            }
            RotationStage::Aborting { .. } => {
                let order = Order::to_give_up(secret, rotation);
                let call = Call::of(secret, rotation, Purpose::GiveUp, order);
                let asks_nobody = rotation.class == IssuerClass::Opaque && call.order == Order::Retire(None);
                self.workers[at] =
                    if asks_nobody { Worker::Called(call, Answer::Done(None)) } else { Worker::Calling(call) };
            }
        }
    }

    /// Makes the intent durable; the call comes next.
    fn attempt(&mut self, at: usize, secret: &Secret, rotation: &Rotation) {
        let was_out = rotation.stage.is_out();
        match self.tell(secret.id, RotationCommand::Attempt { rotation: rotation.id, report_by: None }) {
            Err(Refusal::Locked(_)) => {
                let _ = self.tell(secret.id, RotationCommand::Abort { reason: said("a lock came") });
            }
            Err(_) => {}
            Ok(()) => {
                let Some(secret) = self.secret(secret.id).cloned() else { return };
                let is_ours = |now: &&Rotation| now.id == rotation.id && now.parked.is_none() && now.stage.is_called();
                let Some(now) = secret.rotation.as_deref().filter(is_ours) else { return };
                let clears = was_out && now.class == IssuerClass::CreateDiscoverable;
                let (purpose, order) = if clears {
                    (Purpose::Clear, Order::Clear)
                } else {
                    (Purpose::Make, Order::Create(now.value.as_ref().map(value_of)))
                };
                self.workers[at] = Worker::Calling(Call::of(&secret, now, purpose, order));
            }
        }
    }

    /// Makes the call that a worker is about to make.
    pub(super) fn call(&mut self, at: usize, issuers: &Issuers, luck: Luck) {
        let good = Good::at(self);
        let strangers = self.living_strangers();
        let fresh = self.draw();
        let sets = match std::mem::replace(&mut self.workers[at], Worker::Idle) {
            Worker::Calling(call) => {
                let ids = (call.secret, call.rotation);
                let answer = self.outside.call((&call.issuer, call.class), ids, &call.order, luck, fresh);
                let sets = matches!(call.order, Order::Create(Some(_)));
                self.workers[at] = Worker::Called(call, answer);
                sets
            }
            Worker::Sweeping(issuer, mut unknown) => {
                let class = issuers.iter().find(|(name, _)| *name == issuer).unwrap().1;
                if let Some((rotation, outside)) = unknown.pop() {
                    let (nobody, order) = (SecretId::from_bytes([0; 16]), Order::Retire(Some(outside)));
                    self.outside.call((&issuer, class), (nobody, rotation), &order, luck, fresh);
                }
                if !unknown.is_empty() {
                    self.workers[at] = Worker::Sweeping(issuer, unknown);
                }
                false
            }
            other => {
                self.workers[at] = other;
                return;
            }
        };
        let lost = strangers.iter().any(|value| !self.living_strangers().contains(value)) && !sets;
        let broken = good.broken_by(self, sets).or(lost.then_some(Promise::Strangers));
        self.broken = self.broken.or(broken);
    }

    fn living_strangers(&self) -> Vec<Value> {
        let lives = |value: &&Value| {
            self.outside.living.iter().any(|living| living.value == **value)
                || self.outside.accounts.values().any(|set| set == *value)
        };
        self.strangers.iter().filter(lives).copied().collect()
    }

    /// Tells the store what came of a call.
    pub(super) fn report(&mut self, at: usize) {
        let Worker::Called(call, answer) = std::mem::replace(&mut self.workers[at], Worker::Idle) else { return };
        let (secret, rotation) = (call.secret, call.rotation);
        match (call.purpose, answer) {
            (Purpose::Clear, Answer::Done(_)) => {
                let make = Call { purpose: Purpose::Make, order: Order::Create(None), ..call };
                self.workers[at] = Worker::Calling(make);
            }
            (Purpose::Clear, Answer::Failed(_)) => self.fail(&call, AttemptFailure::Unknown),
            (Purpose::Make, Answer::Done(made)) => {
                let outside = made.as_ref().map(|(_, outside)| outside.clone());
                let made = made.map(|(value, _)| self.sealed(call.to, value));
                let _ = self.tell(secret, RotationCommand::Issue { rotation, outside, made, expires_at: None });
            }
            (Purpose::Prove, Answer::Done(_)) => {
                if let Err(Refusal::SecretInactive { .. }) = self.tell(secret, RotationCommand::Commit { rotation }) {
                    let _ = self.tell(secret, RotationCommand::Abort { reason: said("it is over") });
                }
            }
            (Purpose::GiveUp, Answer::Done(_)) => {
                let _ = self.tell(secret, RotationCommand::FinishAbort { rotation });
            }
            (Purpose::Retire(version), Answer::Done(_)) => {
                let _ = self.tell(secret, RotationCommand::FinishRetirement { version });
            }
            (Purpose::Retire(version), Answer::Failed(_)) => {
                let (reason, retry_at) = (said("not retired"), self.now);
                let _ = self.tell(secret, RotationCommand::FailRetirement { version, reason, retry_at });
            }
            (Purpose::Make | Purpose::Prove | Purpose::GiveUp, Answer::Failed(failure)) => self.fail(&call, failure),
        }
    }

    fn fail(&mut self, call: &Call, failure: AttemptFailure) {
        let picks = failure == AttemptFailure::Refused && call.was_attempted && call.class.replaces_in_place();
        let value = picks.then(|| {
            let value = self.draw();
            self.sealed(call.to, value)
        });
        let (rotation, reason, retry_at) = (call.rotation, said("it failed"), self.now);
        // The worker ran for as long as has passed.
        let effort = Effort { worked: DAYS, ..Effort::default() };
        let _ = self.tell(call.secret, RotationCommand::Fail { rotation, failure, reason, retry_at, value, effort });
    }

    /// Lists what an issuer has, and keeps what no rotation knows of; nothing where another store's is among it.
    pub(super) fn sweep(&mut self, at: usize, issuer: &IssuerName) {
        let secrets = || self.log.state().secrets.values();
        let is_known = |rotation: RotationId, outside: &OutsideId| {
            let is_open = secrets().any(|secret| secret.rotation.as_deref().is_some_and(|open| open.id == rotation));
            let mut theirs =
                secrets().flat_map(|secret| secret.credentials()).filter(|credential| credential.is_in_use());
            is_open || theirs.any(|it| it.rotation == rotation && it.outside.as_ref() == Some(outside))
        };
        let theirs = self.outside.living.iter().filter(|living| living.issuer == *issuer);
        let listed: Vec<_> = theirs.map(|living| (living.rotation, living.outside.clone())).collect();
        if !listed.iter().all(|(rotation, _)| self.planned.has(*rotation)) {
            return;
        }
        let unknown: Vec<_> = listed.into_iter().filter(|(rotation, outside)| !is_known(*rotation, outside)).collect();
        if !unknown.is_empty() {
            self.workers[at] = Worker::Sweeping(issuer.clone(), unknown);
        }
    }
}
