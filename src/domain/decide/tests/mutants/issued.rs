//! Honest histories of secrets whose credentials an issuer makes: every stage of a rotation, every end, and a restore.

use std::time::Duration;

use super::super::kind::{DAY, Kind};
use super::super::protocol::{ROTATION, Step};
use super::super::world::{World, lock};
use super::histories::History;
use crate::domain::command::{Command, SecretChanges};
use crate::domain::id::SecretId;
use crate::domain::issuance::Issuance;
use crate::domain::lock::{LockMode, LockNames};
use crate::domain::name::{Actor, IssuerName, OutsideId, Reason};
use crate::domain::patience::Effort;
use crate::domain::policy::{Interval, IntervalUnit, RotationPolicy};
use crate::domain::quarantine::RestoredFrom;
use crate::domain::rotation::{AttemptFailure, IssuerClass, RotationTrigger};
use crate::domain::rotation_command::{NewRotation, Reported, RotationCommand};
use crate::domain::secret::SecretSpec;
use crate::domain::version::VersionRef::{Current, Previous};

use AttemptFailure::{Refused, Unavailable, Unknown};
use IssuerClass::{CreateDiscoverable, CreateWithToken, Opaque, SetValue};
use Step::{Abort, Attempt, Commit, Fail, FinishAbort, Issue, Plan, Resume};

fn reason() -> Reason {
    Reason::parse("said so").unwrap()
}

impl World {
    /// Takes steps a minute apart.
    fn steps(&mut self, secret: SecretId, class: IssuerClass, steps: &[Step]) {
        for step in steps {
            self.pass(60);
            self.step(secret, class, *step).unwrap();
        }
    }

    fn retire(&mut self, secret: SecretId) {
        self.tell(secret, RotationCommand::PlanRetirement { version: Previous }).unwrap();
        let version = self.get(secret).previous().unwrap().id;
        self.tell(secret, RotationCommand::FinishRetirement { version }).unwrap();
    }

    /// Has another issuer make what comes next, and consumers waited for.
    fn issuer(&mut self, secret: SecretId, issuer: &str, consumers: &[&str]) {
        let consumers = consumers.iter().map(|name| Actor::parse(name).unwrap()).collect();
        let issuance = Issuance { consumers, ..Issuance::by(IssuerName::parse(issuer).unwrap()) };
        let spec = Some(SecretSpec::ServiceCredentials { issuance });
        self.update(secret, SecretChanges { spec, ..Default::default() }).unwrap();
    }

    fn created(&mut self, secret: SecretId) {
        let made = self.issued_data(self.get(secret).rotation.as_ref().unwrap().to);
        let outside = Some(OutsideId::parse("job-1").unwrap());
        self.report(secret, ROTATION.into(), Reported::Created { outside, made, expires_at: None }).unwrap();
    }

    fn begin(&mut self, secret: SecretId) {
        let report_by = Some(self.after(600));
        self.tell(secret, RotationCommand::Attempt { rotation: ROTATION, report_by }).unwrap();
    }
}

/// Values that are set: refused and set anew, given up, and by another issuer than the one before.
pub(super) fn values() -> History {
    let (mut world, secret) = World::rotating(SetValue, &[Plan, Attempt]);
    let to = world.get(secret).rotation.as_ref().unwrap().to;
    let value = Some(world.issued_data(to));
    let (failure, reason, retry_at) = (Refused, reason(), world.now);
    let effort = Effort { worked: Duration::from_secs(30), run_began: Some(world.now), is_outage: false };
    let failed = RotationCommand::Fail { rotation: ROTATION, failure, reason, retry_at, value, effort };
    world.pass(60);
    world.tell(secret, failed).unwrap();
    world.steps(secret, SetValue, &[Attempt, Fail(Unknown), Attempt, Issue, Fail(Unavailable), Commit]);
    world.steps(secret, SetValue, &[Plan, Attempt, Issue, Abort, Fail(Unavailable), FinishAbort, Plan, Abort]);
    world.issuer(secret, "other", &[]);
    world.steps(secret, SetValue, &[Plan, Attempt, Issue, Commit, Plan]);
    world.ask(&Command::DestroyData { secret, version: Previous }).unwrap();
    world.steps(secret, SetValue, &[Attempt, Issue, Commit]);
    History::of("values", world)
}

/// What is found again: locks at the commit, consumers, force, and credentials that are retired.
pub(super) fn found() -> History {
    let (mut world, secret) = World::rotating(CreateDiscoverable, &[Plan, Attempt, Issue]);
    let policy = RotationPolicy::every(Interval::new(1, IntervalUnit::Day).unwrap());
    world.locked(secret, Previous, &["app"]);
    world.steps(secret, CreateDiscoverable, &[Commit]);
    world.pass(2 * DAY);
    world.steps(secret, CreateDiscoverable, &[Commit]);
    let _ = world.step(secret, CreateDiscoverable, Plan);
    world.unlock(secret, Previous, LockNames::All).unwrap();
    world.steps(secret, CreateDiscoverable, &[Commit]);
    world.issuer(secret, "db", &["web"]);
    let _ = world.step(secret, CreateDiscoverable, Plan);
    world.terms.force = true;
    world.steps(secret, CreateDiscoverable, &[Plan]);
    world.terms.force = false;
    world.locked(secret, Previous, &["app"]);
    let _ = world.step(secret, CreateDiscoverable, Attempt);
    let _ = world.tell(secret, RotationCommand::PlanRetirement { version: Previous });
    world.unlock(secret, Previous, LockNames::All).unwrap();
    world.steps(secret, CreateDiscoverable, &[Attempt, Fail(Unavailable), Attempt, Issue, Commit]);
    world.tell(secret, RotationCommand::Acknowledge { version: Current }).unwrap();
    world.ask(&Command::SetPolicy { secret, policy }).unwrap();
    let version = world.get(secret).versions[1].id;
    let failed = RotationCommand::FailRetirement { version, reason: reason(), retry_at: world.now };
    world.tell(secret, failed).unwrap();
    world.tell(secret, RotationCommand::FinishRetirement { version }).unwrap();
    world.issuer(secret, "db", &[]);
    world.pass(2 * DAY);
    let to = crate::domain::id::VersionId::from_bytes(world.draw());
    let (id, trigger, class) = (ROTATION, RotationTrigger::ByPolicy, CreateDiscoverable);
    let new = NewRotation { id, trigger, class, to, attempts_max: 3, deadline: world.after(DAY), value: None };
    world.locked(secret, Previous, &["app"]);
    let _ = world.tell(secret, RotationCommand::Plan(Box::new(new.clone())));
    world.unlock(secret, Previous, LockNames::All).unwrap();
    world.pass(2 * DAY);
    let new = NewRotation { deadline: world.after(DAY), ..new };
    world.tell(secret, RotationCommand::Plan(Box::new(new))).unwrap();
    world.steps(secret, CreateDiscoverable, &[Attempt, Issue]);
    world.locked(secret, Previous, &["app"]);
    world.steps(secret, CreateDiscoverable, &[Commit]);
    world.unlock(secret, Previous, LockNames::All).unwrap();
    world.steps(secret, CreateDiscoverable, &[Commit]);
    world.delete(secret).unwrap();
    let versions: Vec<_> = world.get(secret).versions.iter().filter(|it| it.has_credential_in_use()).collect();
    let versions: Vec<_> = versions.iter().map(|version| version.id).collect();
    for version in versions {
        world.tell(secret, RotationCommand::FinishRetirement { version }).unwrap();
    }
    world.delete(secret).unwrap();
    History::of("found", world)
}

/// Jobs, parking, resuming, and what is called off.
pub(super) fn jobs() -> History {
    let (mut world, secret) = World::rotating(CreateWithToken, &[Plan]);
    world.begin(secret);
    let failed = world.failed();
    world.report(secret, ROTATION.into(), failed).unwrap();
    world.begin(secret);
    world.created(secret);
    world.steps(secret, CreateWithToken, &[Commit, Plan]);
    world.begin(secret);
    world.tell(secret, RotationCommand::CancelTask { task: ROTATION.into(), reason: reason() }).unwrap();
    world.created(secret);
    let ending = world.get(secret).rotation.as_ref().unwrap().to;
    let report_by = world.after(600);
    world.tell(secret, RotationCommand::BeginEnding { rotation: ROTATION, report_by }).unwrap();
    world.report(secret, ending.into(), Reported::Deleted).unwrap();
    let version = world.get(secret).versions[1].id;
    world.tell(secret, RotationCommand::PlanRetirement { version: Previous }).unwrap();
    world.tell(secret, RotationCommand::BeginRetirement { version, report_by }).unwrap();
    let failed = world.failed();
    world.report(secret, version.into(), failed).unwrap();
    world.tell(secret, RotationCommand::BeginRetirement { version, report_by }).unwrap();
    world.report(secret, version.into(), Reported::Deleted).unwrap();
    History::of("jobs", world)
}

/// An issuer that nothing is known of, and answers that cannot be read.
pub(super) fn opaque() -> History {
    let (mut world, secret) = World::rotating(Opaque, &[Plan, Attempt, Fail(Unknown), Resume, Attempt, Fail(Refused)]);
    world.steps(secret, Opaque, &[Attempt, Fail(Refused), Attempt, Fail(Refused), Abort, Plan, Attempt]);
    let answer = world.issued_data(world.get(secret).rotation.as_ref().unwrap().to);
    world.tell(secret, RotationCommand::Keep { rotation: ROTATION, answer, reason: reason() }).unwrap();
    world.steps(secret, Opaque, &[Resume, Commit, Plan, Attempt, Attempt, Abort]);
    History::of("opaque", world)
}

/// Ends of credentials, some of them held by locks.
pub(super) fn endings() -> History {
    let (mut world, secret) = World::with_ends(CreateWithToken, &[Some(5), Some(10), Some(20)]);
    world.place(secret, Previous, vec![lock("app")], LockMode::Keep).unwrap();
    world.wait(6 * DAY);
    world.wait(6 * DAY);
    world.unlock(secret, Previous, LockNames::All).unwrap();
    let versions: Vec<_> = world.get(secret).versions.iter().map(|version| version.id).collect();
    for version in &versions[..2] {
        world.tell(secret, RotationCommand::FinishRetirement { version: *version }).unwrap();
    }
    world.wait(20 * DAY);
    world.tell(secret, RotationCommand::FinishRetirement { version: versions[2] }).unwrap();
    History::of("endings", world)
}

/// A rotation that a restore meets, and what a person makes of it.
pub(super) fn restored() -> History {
    let (mut world, secret) = World::rotating(CreateDiscoverable, &[Plan]);
    let other = world.secret(Kind::Arbitrary);
    world.rotate(other).unwrap();
    world.locked(other, Current, &["app"]);
    world.pass(60);
    world.restored(RestoredFrom::Backup);
    world.pass(60);
    world.ask(&Command::EndQuarantine).unwrap();
    world.steps(secret, CreateDiscoverable, &[Attempt, Resume, Attempt, Issue, Commit]);
    world.adopt(secret, 7, None).unwrap();
    world.retire(secret);
    world.unlock(other, Current, LockNames::All).unwrap();
    world.steps(secret, CreateDiscoverable, &[Plan]);
    world.restored(RestoredFrom::Export);
    world.ask(&Command::EndQuarantine).unwrap();
    world.rotate(other).unwrap();
    world.steps(secret, CreateDiscoverable, &[Plan, Abort]);
    world.delete(other).unwrap();
    History::of("restored", world)
}
