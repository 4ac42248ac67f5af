//! Credentials that an issuer made, and their ends: a legal history, and the first step of each that is not.

use super::illegal::Case;
use super::restores::restore;
use super::scenario::{Scenario, failure, verify};
use crate::audit::{Check, Rule};
use crate::domain::command::{Command, Prepared};
use crate::domain::event::{ExpirationHeld, SecretExpired};
use crate::domain::id::{GroupId, RotationId, SecretId, VersionId};
use crate::domain::issuance::Issuance;
use crate::domain::lock::LockNames;
use crate::domain::name::IssuerName;
use crate::domain::quarantine::RestoredFrom;
use crate::domain::rotation::{IssuerClass, RotationTrigger};
use crate::domain::rotation_command::{NewRotation, RotationCommand};
use crate::domain::rotation_event::RetirementPlanned;
use crate::domain::secret::{Lifecycle, SecretSpec};
use crate::domain::version::VersionRef::Current;

const ROTATION: RotationId = RotationId::from_bytes([9; 16]);

impl Case {
    fn tell(&mut self, step: RotationCommand) {
        self.log.ask(&Command::Rotation { secret: self.secret, step }).unwrap();
    }

    fn plan(&mut self) -> VersionId {
        let (class, trigger) = (IssuerClass::CreateWithToken, RotationTrigger::ByHand);
        let (to, deadline) = (self.log.prepared().version, self.log.after(1_000));
        let new = NewRotation { id: ROTATION, trigger, class, to, attempts_max: 3, deadline, value: None };
        self.tell(RotationCommand::Plan(Box::new(new)));
        to
    }

    /// A version whose credential ends after 10 seconds.
    fn issued(&mut self) {
        let version = self.plan();
        self.tell(RotationCommand::Attempt { rotation: ROTATION, report_by: None });
        let (made, expires_at) = (Prepared { version, ..self.log.prepared() }, Some(self.log.after(10)));
        self.tell(RotationCommand::Issue { rotation: ROTATION, outside: None, made: Some(made), expires_at });
        self.tell(RotationCommand::Commit { rotation: ROTATION });
    }

    fn lapse(&mut self) {
        self.log.wait(11);
        self.log.ask(&Command::Lapse { secret: self.secret }).unwrap();
    }

    fn expire(&mut self, lifecycle: Lifecycle) {
        self.on(SecretExpired { lifecycle });
    }
}

fn given() -> Case {
    let mut log = Scenario::new();
    let secret = SecretId::from_bytes([3; 16]);
    let spec = SecretSpec::ServiceCredentials { issuance: Issuance::by(IssuerName::parse("db").unwrap()) };
    let (group, metadata) = (GroupId::DEFAULT, Scenario::metadata("database"));
    log.ask(&Command::CreateSecret { id: secret, group, metadata, expires: None, spec, policy: None, first: None })
        .unwrap();
    let mut case = Case { log, secret };
    case.issued();
    case
}

#[test]
fn an_end_that_a_lock_holds_and_then_not_is_legal() {
    let mut case = given();
    case.issued();
    case.lock();
    case.lapse();
    let (secret, version, names) = (case.secret, Current, LockNames::All);
    case.log.ask(&Command::RemoveLocks { secret, version, names }).unwrap();
    for version in case.log.get(secret).versions.iter().map(|version| version.id).collect::<Vec<_>>() {
        case.tell(RotationCommand::FinishRetirement { version });
    }
    assert_eq!(case.log.get(secret).lifecycle, Lifecycle::Destroyed);
    let report = verify(&case.log.export());
    assert!(report.is_sound(), "{report}");
}

/// Holds the last record to being the first illegal step.
#[track_caller]
fn check(rule: Rule, make: impl FnOnce(&mut Case)) {
    let mut case = given();
    make(&mut case);
    let report = verify(&case.log.export());
    let expected = format!("illegal step at position {}: {rule}", case.log.size() - 1);
    assert_eq!(failure(&report, Check::Replay).1, expected);
}

#[test]
fn ends_that_cannot_be() {
    let held = |case: &mut Case| {
        let version = case.current();
        case.on(ExpirationHeld { version });
    };
    check(Rule::NotExpired, |case| case.expire(Lifecycle::Destroyed));
    check(Rule::NotExpired, |case| {
        case.lock();
        held(case);
    });
    check(Rule::NothingHeld, |case| {
        case.log.wait(11);
        held(case);
    });
    check(Rule::LockedVersionTouched, |case| {
        case.lock();
        case.lapse();
        let version = case.current();
        case.on(RetirementPlanned { version });
    });
    check(Rule::ExpiredWithData, |case| {
        case.lock();
        case.lapse();
        case.expire(Lifecycle::Destroyed);
    });
    check(Rule::ExpiredWithData, |case| {
        case.lapse();
        case.expire(Lifecycle::Destroyed);
    });
    check(Rule::ExpiryOfType, |case| {
        case.lapse();
        case.expire(Lifecycle::Deactivated);
    });
    // Its data did not come along, but the credential is good where it was made.
    check(Rule::CredentialInUse, |case| {
        restore(&mut case.log, RestoredFrom::Export);
        case.log.ask(&Command::EndQuarantine).unwrap();
        case.lapse();
        case.expire(Lifecycle::Destroyed);
    });
    check(Rule::RotationOutOfTurn, |case| {
        case.lapse();
        case.plan();
        let version = case.current();
        case.tell(RotationCommand::FinishRetirement { version });
        case.expire(Lifecycle::Destroyed);
    });
}
