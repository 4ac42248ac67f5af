//! Owns what people do: consumers lock, move and unlock; owners rotate, give up, resume, change; a host backs up and
//! restores.

use super::node::{DAYS, Node};
use super::outside::{Luck, Order, Value};
use super::promises;
use super::worker::{Issuers, Worker};
use crate::domain::command::{Change, Command, LockTarget, SecretChanges, Terms};
use crate::domain::event::{Event, SigningKeySet, StoreRestored};
use crate::domain::id::SecretId;
use crate::domain::lock::{LockMode, LockNames, NewLock};
use crate::domain::name::{Actor, LockName, Reason};
use crate::domain::quarantine::RestoredFrom;
use crate::domain::rotation::{Rotation, RotationStage, RotationTrigger};
use crate::domain::rotation_command::RotationCommand;
use crate::domain::secret::SecretSpec;
use crate::domain::version::VersionRef;

/// What somebody does about a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// A consumer locks a version; the second one on a lease.
    Lock(usize, VersionRef),
    /// A consumer locks current, and lets previous go.
    Move(usize),
    Unlock(usize, VersionRef),
    Rotate,
    Abort,
    /// What is being given up is looked after outside, and then given up by force.
    ForceAbort,
    Resume,
    Retire,
    Delete,
    DestroyData(VersionRef),
    /// Another issuer is to make the credentials from now on.
    Reissue,
    /// Any lock refuses a rotation from now on.
    BeStrict,
    Retain(u8),
}

impl Deed {
    /// What is done as often as anybody likes.
    pub(super) fn habits(consumers: usize) -> impl Iterator<Item = Self> {
        let versions = [VersionRef::Current, VersionRef::Previous];
        let on_versions = move |consumer| {
            versions.into_iter().flat_map(move |which| [Self::Lock(consumer, which), Self::Unlock(consumer, which)])
        };
        let by_consumer = move |consumer| on_versions(consumer).chain([Self::Move(consumer)]);
        (0..consumers).flat_map(by_consumer).chain([Self::Rotate, Self::Resume, Self::ForceAbort])
    }

    /// What is done now and then.
    pub(super) const WHIMS: [Self; 8] = [
        Self::Abort,
        Self::Retire,
        Self::Delete,
        Self::DestroyData(VersionRef::Previous),
        Self::Reissue,
        Self::BeStrict,
        Self::Retain(2),
        Self::Retain(3),
    ];
}

pub(super) const CONSUMERS: [&str; 2] = ["consumer-a", "consumer-b"];

fn lock_name(consumer: usize) -> LockName {
    LockName::parse(CONSUMERS[consumer]).unwrap()
}

impl Node {
    pub(super) fn lock(&mut self, secret: SecretId, consumer: usize, version: VersionRef, mode: LockMode) {
        let lock = NewLock::new(lock_name(consumer));
        let lock = if consumer == 1 { lock.until(DAYS / 2) } else { lock };
        let target = LockTarget { secret, version, locks: vec![lock], mode };
        let _ = self.ask(CONSUMERS[consumer], &Command::PlaceLocks { targets: vec![target] });
    }

    pub(super) fn deed(&mut self, issuers: &Issuers, secret: SecretId, deed: Deed) {
        let person = |node: &mut Self, step| drop(node.ask("person", &Command::Rotation { secret, step }));
        match deed {
            Deed::Lock(consumer, version) => self.lock(secret, consumer, version, LockMode::Keep),
            Deed::Move(consumer) => {
                self.lock(secret, consumer, VersionRef::Current, LockMode::RemovePrevious);
                let step = RotationCommand::Acknowledge { version: VersionRef::Current };
                let _ = self.ask(CONSUMERS[consumer], &Command::Rotation { secret, step });
            }
            Deed::Unlock(consumer, version) => {
                let names = LockNames::These(vec![lock_name(consumer)]);
                let _ = self.ask(CONSUMERS[consumer], &Command::RemoveLocks { secret, version, names });
            }
            Deed::Rotate => self.plan(issuers, secret, RotationTrigger::ByHand, "person"),
            Deed::Abort => person(self, RotationCommand::Abort { reason: said("by hand") }),
            Deed::ForceAbort => self.force_abort(secret),
            Deed::Resume => self.resume(secret),
            Deed::Retire => person(self, RotationCommand::PlanRetirement { version: VersionRef::Previous }),
            Deed::Delete => drop(self.ask("person", &Command::DeleteSecret { secret })),
            Deed::DestroyData(version) => drop(self.ask("person", &Command::DestroyData { secret, version })),
            Deed::Reissue => self.reissue(issuers, secret),
            Deed::BeStrict => {
                let refuse_rotation_while_locked = Change::Set(true);
                self.update(secret, SecretChanges { refuse_rotation_while_locked, ..SecretChanges::default() });
            }
            Deed::Retain(versions) => {
                self.update(secret, SecretChanges { retention: Some(versions), ..SecretChanges::default() });
            }
        }
    }

    /// A person who gives a rotation up by force has done outside what the worker could not do.
    fn force_abort(&mut self, secret: SecretId) {
        let Some(found) = self.secret(secret).cloned() else { return };
        let is_given_up =
            |open: &&Rotation| matches!(open.stage, RotationStage::Aborting { .. } | RotationStage::Ending { .. });
        let Some(open) = found.rotation.as_deref().filter(is_given_up) else { return };
        let order = Order::to_give_up(&found, open);
        self.outside.call((&open.issuer, open.class), (secret, open.id), &order, Luck::Well, 0);
        let terms = Terms { force: true, ..Terms::by(Actor::parse("person").unwrap()) };
        let step = RotationCommand::Abort { reason: said("looked after") };
        let _ = self.ask_on(&terms, &Command::Rotation { secret, step });
    }

    /// A person who resumes a rotation of a restored store has looked outside: nobody uses what the original made by it, and it may be
    /// ended.
    fn resume(&mut self, secret: SecretId) {
        let parked = |node: &Self| node.secret(secret)?.rotation.clone().filter(|open| open.parked.is_some());
        let before = parked(self);
        let _ = self.ask("person", &Command::Rotation { secret, step: RotationCommand::Resume });
        if let (Some(resumed), None) = (before, parked(self)) {
            let made = self.outside.living.iter().filter(|living| living.rotation == resumed.id);
            let made: Vec<Value> = made.map(|living| living.value).collect();
            self.strangers.retain(|value| !made.contains(value));
        }
    }

    fn reissue(&mut self, issuers: &Issuers, secret: SecretId) {
        let Some(mut spec) = self.secret(secret).map(|secret| secret.spec.clone()) else { return };
        if let SecretSpec::ServiceCredentials { issuance } = &mut spec {
            let other = issuers.iter().find(|(name, _)| *name != issuance.issuer).unwrap();
            issuance.issuer = other.0.clone();
        }
        self.update(secret, SecretChanges { spec: Some(spec), ..SecretChanges::default() });
    }

    fn update(&mut self, secret: SecretId, changes: SecretChanges) {
        let _ = self.ask("person", &Command::UpdateSecret { secret, changes: Box::new(changes) });
    }

    /// Lets two days pass, and does what they make due, as the writer does before it takes the next command.
    pub(super) fn pass(&mut self) {
        self.left.days -= 1;
        self.now = self.now.plus(DAYS);
        for secret in self.ids() {
            let _ = self.ask("system", &Command::Lapse { secret });
        }
    }

    /// Makes a backup.
    pub(super) fn back_up(&mut self) {
        self.kept = Some(Box::new((self.log.clone(), self.planned.clone())));
    }

    /// Restores the backup: whoever was at work is gone, and so is all that was recorded since.
    pub(super) fn restore(&mut self) {
        let Some(kept) = self.kept.take() else { return };
        self.left.restores -= 1;
        let used = self.used();
        (self.log, self.planned) = *kept;
        self.workers = [Worker::Idle, Worker::Idle];
        let known = self.used();
        self.strangers = used.into_iter().filter(|value| !known.contains(value)).collect();
        let whole = &self.log.state().whole;
        let (number, log_size) = (whole.next_signing_key().unwrap(), self.log.size());
        let (from, incarnation) = (RestoredFrom::Backup, whole.incarnation().restored_at(self.now));
        let accepted_steps = Box::default();
        let restored = StoreRestored { from, log_size, with_data: true, incarnation, accepted_steps };
        let key = SigningKeySet { number, verifier_key: "restored".into() };
        let events = [Event::from(restored), Event::from(key)].map(|event| (None, event));
        self.append(&events, &Terms::by(Actor::system()));
        self.stale = promises::stale(self);
    }

    /// The credentials in use of all versions, as far as they log in.
    fn used(&self) -> Vec<Value> {
        promises::used(self)
    }
}

pub(super) fn said(words: &str) -> Reason {
    Reason::parse(words).unwrap()
}
