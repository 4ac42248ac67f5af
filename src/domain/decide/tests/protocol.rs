//! The protocol of rotations by issuers as a table: which step may be taken at which stage, for each class.

use std::time::Duration;

use super::kind::Kind;
use super::world::{Answer, World, actor, lock, word};
use crate::domain::command::{Command, Prepared, Terms};
use crate::domain::id::{RotationId, SecretId, VersionId};
use crate::domain::limits;
use crate::domain::lock::LockMode;
use crate::domain::name::{OutsideId, Reason};
use crate::domain::patience::Effort;
use crate::domain::rotation::{AttemptFailure, IssuerClass, RotationTrigger};
use crate::domain::rotation_command::{NewRotation, RotationCommand};
use crate::domain::secret::SecretType;
use crate::domain::time::Timestamp;
use crate::domain::version::VersionRef::{Current, Previous};

/// The id of every rotation of the tests; none is open beside another.
pub(super) const ROTATION: RotationId = RotationId::from_bytes([9; 16]);

impl World {
    pub(super) fn tell(&mut self, secret: SecretId, step: RotationCommand) -> Answer {
        self.ask(&Command::Rotation { secret, step })
    }

    fn force(&mut self, secret: SecretId, step: RotationCommand) -> Answer {
        let terms = Terms { force: true, ..Terms::by(actor("person")) };
        self.ask_on(&terms, &Command::Rotation { secret, step })
    }

    pub(super) fn issued_data(&mut self, version: VersionId) -> Prepared {
        Prepared { version, ..self.prepared(SecretType::ServiceCredentials) }
    }

    pub(super) fn plan(&mut self, secret: SecretId, class: IssuerClass, trigger: RotationTrigger) -> Answer {
        let to = VersionId::from_bytes(self.draw());
        let value = class.replaces_in_place().then(|| self.issued_data(to));
        let deadline = self.now.plus(Duration::from_secs(86_400));
        let new = NewRotation { id: ROTATION, trigger, class, to, attempts_max: 3, deadline, value };
        self.tell(secret, RotationCommand::Plan(Box::new(new)))
    }

    pub(super) fn issue(&mut self, secret: SecretId, expires_at: Option<Timestamp>) -> Answer {
        let open = self.get(secret).rotation.clone().map_or_else(|| VersionId::from_bytes([0; 16]), |open| open.to);
        let replaces = self.get(secret).rotation.as_ref().is_some_and(|open| open.class.replaces_in_place());
        let made = (!replaces).then(|| self.issued_data(open));
        let outside = Some(OutsideId::parse("role-1").unwrap());
        self.tell(secret, RotationCommand::Issue { rotation: ROTATION, outside, made, expires_at })
    }

    pub(super) fn fail(&mut self, secret: SecretId, failure: AttemptFailure) -> Answer {
        let (reason, retry_at) = (Reason::parse("no").unwrap(), self.now);
        self.tell(
            secret,
            RotationCommand::Fail {
                rotation: ROTATION,
                failure,
                reason,
                retry_at,
                value: None,
                effort: Effort::default(),
            },
        )
    }

    pub(super) fn step(&mut self, secret: SecretId, class: IssuerClass, step: Step) -> Answer {
        let reason = Reason::parse("said so").unwrap();
        match step {
            Step::Plan => self.plan(secret, class, RotationTrigger::ByHand),
            Step::Attempt => self.tell(secret, RotationCommand::Attempt { rotation: ROTATION, report_by: None }),
            Step::Issue => self.issue(secret, None),
            Step::Commit => self.tell(secret, RotationCommand::Commit { rotation: ROTATION }),
            Step::Abort => self.tell(secret, RotationCommand::Abort { reason }),
            Step::ForceAbort => self.force(secret, RotationCommand::Abort { reason }),
            Step::FinishAbort => self.tell(secret, RotationCommand::FinishAbort { rotation: ROTATION }),
            Step::Resume => self.tell(secret, RotationCommand::Resume),
            Step::Fail(failure) => self.fail(secret, failure),
        }
    }

    /// A secret with two versions, and a rotation that has taken some steps.
    pub(super) fn rotating(class: IssuerClass, steps: &[Step]) -> (Self, SecretId) {
        let mut world = Self::new();
        let secret = world.secret(Kind::Issued);
        for _ in 0..2 {
            world.step(secret, class, Step::Plan).unwrap();
            for step in [Step::Attempt, Step::Issue, Step::Commit] {
                world.step(secret, class, step).unwrap();
            }
        }
        for step in steps {
            world.step(secret, class, *step).unwrap();
        }
        (world, secret)
    }
}

/// A step of the protocol, as a worker or a person takes it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Plan,
    Attempt,
    Issue,
    Commit,
    Abort,
    ForceAbort,
    FinishAbort,
    Resume,
    Fail(AttemptFailure),
}

use AttemptFailure::{Refused, Unavailable, Unknown};
use IssuerClass::{CreateDiscoverable, CreateWithToken, Opaque, SetValue};
use Step::{Abort, Attempt, Commit, Fail, FinishAbort, ForceAbort, Issue, Plan, Resume};

/// Takes steps, then asks for one more.
#[track_caller]
fn check(class: IssuerClass, steps: &[Step], then: Step, expected: &str, events: &[&str]) {
    let (mut world, secret) = World::rotating(class, steps);
    let answer = world.step(secret, class, then);
    assert_eq!(word(&answer), expected, "{class}, {steps:?}, then {then:?}");
    if expected == "ok" {
        world.check_events(events);
    }
}

#[test]
fn each_step_has_its_stage() {
    for class in [SetValue, CreateWithToken, CreateDiscoverable, Opaque] {
        check(class, &[], Attempt, "version_changed", &[]);
        check(class, &[], Commit, "version_changed", &[]);
        check(class, &[], Abort, "rotation_not_found", &[]);
        check(class, &[], Resume, "rotation_not_found", &[]);
        check(class, &[], Plan, "ok", &["RotationPlanned"]);
        check(class, &[Plan], Plan, "rotation_open", &[]);
        check(class, &[Plan], Issue, "version_changed", &[]);
        check(class, &[Plan], Commit, "version_changed", &[]);
        check(class, &[Plan], Resume, "rotation_not_parked", &[]);
        check(class, &[Plan], FinishAbort, "version_changed", &[]);
        check(class, &[Plan], Abort, "ok", &["RotationAborted"]);
        check(class, &[Plan], Attempt, "ok", &["RotationAttempted"]);
        check(class, &[Plan, Attempt], Commit, "version_changed", &[]);
        check(class, &[Plan, Attempt], Issue, "ok", &["CredentialIssued"]);
        check(class, &[Plan, Attempt, Issue], Issue, "version_changed", &[]);
        check(class, &[Plan, Attempt, Issue], Attempt, "version_changed", &[]);
        check(class, &[Plan, Attempt, Issue], Abort, "ok", &["AbortPlanned"]);
        check(class, &[Plan, Attempt, Issue, Abort], Commit, "version_changed", &[]);
        check(class, &[Plan, Attempt, Issue, Abort], FinishAbort, "ok", &["RotationAborted"]);
        check(class, &[Plan, Attempt, Fail(Refused)], Attempt, "ok", &["RotationAttempted"]);
        check(
            class,
            &[Plan, Attempt, Fail(Unavailable), Attempt, Fail(Unavailable)],
            Attempt,
            "ok",
            &["RotationAttempted"],
        );
    }
}

#[test]
fn what_cannot_be_ended_is_given_up_by_force_and_not_without() {
    let given_up = [Plan, Attempt, Issue, Abort, Fail(Refused)];
    for class in [SetValue, CreateWithToken, CreateDiscoverable, Opaque] {
        check(class, &[], ForceAbort, "rotation_not_found", &[]);
        check(class, &given_up, ForceAbort, "ok", &["RotationAborted"]);
        check(class, &[Plan, Attempt, Issue], ForceAbort, "ok", &["AbortPlanned"]);
        // The call that makes it may be out still.
        check(class, &[Plan, Attempt, Issue, Abort, ForceAbort], FinishAbort, "ok", &["RotationAborted"]);
        check(class, &[&given_up[..], &[ForceAbort]].concat(), Plan, "ok", &["RotationPlanned"]);
        check(class, &[&given_up[..], &[ForceAbort]].concat(), FinishAbort, "version_changed", &[]);
        let (mut world, secret) = World::rotating(class, &given_up);
        let size = world.log.len();
        world.step(secret, class, Abort).unwrap();
        assert_eq!((world.log.len(), world.get(secret).rotation.is_some()), (size, true), "{class}");
    }
    for class in [CreateWithToken, Opaque] {
        let (mut world, secret) = World::rotating(class, &given_up);
        let report_by = world.after(60);
        world.tell(secret, RotationCommand::BeginEnding { rotation: ROTATION, report_by }).unwrap();
        world.step(secret, class, ForceAbort).unwrap();
        world.check_events(&["RotationAborted"]);
        world.check_replay();
    }
}

/// It touches no version, so it needs no lock to be gone, and takes none away.
#[test]
fn giving_up_by_force_leaves_locks_and_versions_alone() {
    let (mut world, secret) = World::rotating(CreateWithToken, &[Plan, Attempt, Issue, Abort, Fail(Unavailable)]);
    for which in [Current, Previous] {
        world.place(secret, which, vec![lock("app")], LockMode::Keep).unwrap();
    }
    let before = world.get(secret).versions.clone();
    world.step(secret, CreateWithToken, ForceAbort).unwrap();
    let after = world.get(secret);
    assert_eq!((&after.versions, &after.rotation), (&before, &None));
    assert_eq!(after.given_up.as_ref().unwrap().reason, Reason::parse("said so").unwrap());
    world.check_replay();
}

#[test]
fn a_commit_retires_what_falls_out_before_its_data_goes() {
    let made = [Plan, Attempt, Issue];
    for class in [CreateWithToken, CreateDiscoverable, Opaque] {
        check(class, &made, Commit, "ok", &["RotationCommitted", "VersionAdded", "RetirementPlanned"]);
    }
    // The value that fell out was replaced in place before: nothing is left of it outside.
    check(SetValue, &made, Commit, "ok", &["RotationCommitted", "VersionAdded", "VersionDataDestroyed"]);
}

#[test]
fn what_nobody_knows_is_tried_again_by_class() {
    for class in [SetValue, CreateWithToken, CreateDiscoverable] {
        check(class, &[Plan, Attempt], Fail(Unknown), "ok", &["RotationAttemptFailed", "AttemptCounted"]);
        check(class, &[Plan, Attempt, Fail(Unknown)], Attempt, "ok", &["RotationAttempted"]);
        check(class, &[Plan, Attempt, Fail(Unknown)], Abort, "ok", &["AbortPlanned"]);
    }
    check(
        Opaque,
        &[Plan, Attempt],
        Fail(Unknown),
        "ok",
        &["RotationAttemptFailed", "AttemptCounted", "RotationParked"],
    );
    // After a crash in the middle there is no failure to record, but nobody knows either.
    check(Opaque, &[Plan, Attempt], Attempt, "ok", &["RotationParked"]);
    check(Opaque, &[Plan, Attempt, Fail(Unknown)], Attempt, "version_changed", &[]);
    check(Opaque, &[Plan, Attempt, Fail(Unknown)], Abort, "ok", &["RotationAborted"]);
    check(Opaque, &[Plan, Attempt, Fail(Unknown), Resume], Attempt, "ok", &["RotationAttempted"]);
}

#[test]
fn attempts_and_time_have_an_end_and_a_pause_is_never_zero() {
    for class in [SetValue, CreateWithToken, CreateDiscoverable, Opaque] {
        let all = [Plan, Attempt, Fail(Refused), Attempt, Fail(Refused), Attempt];
        check(class, &all, Fail(Refused), "ok", &["RotationAttemptFailed", "AttemptCounted", "RotationParked"]);
        // What was not available is no attempt, and what only passed is no time; time that a worker says it worked is.
        let outage =
            [Plan, Attempt, Fail(Unavailable), Attempt, Fail(Unavailable), Attempt, Fail(Unavailable), Attempt];
        check(class, &outage, Fail(Unavailable), "ok", &["RotationAttemptFailed", "AttemptCounted"]);
        let (mut world, secret) = World::rotating(class, &[Plan]);
        world.now = world.now.plus(Duration::from_secs(86_401));
        world.step(secret, class, Attempt).unwrap();
        world.check_events(&["RotationAttempted"]);
        let (failure, reason) = (Unavailable, Reason::parse("no").unwrap());
        let effort = Effort { worked: Duration::from_secs(86_400), ..Effort::default() };
        let retry_at = world.now;
        let step = RotationCommand::Fail { rotation: ROTATION, failure, reason, retry_at, value: None, effort };
        world.tell(secret, step).unwrap();
        world.check_events(&["RotationAttemptFailed", "AttemptCounted", "RotationParked"]);
        let (world, secret) = World::rotating(class, &[Plan, Attempt, Fail(Unavailable)]);
        let retry_at = world.get(secret).rotation.as_ref().unwrap().retry_at.unwrap();
        assert_eq!(retry_at.since(world.now), limits::RETRY_PAUSE_MIN, "whatever the worker says");
    }
}

#[test]
fn locks_are_looked_at_at_the_plan_before_the_first_call_and_at_the_commit() {
    const LOCKED: &str = "secret_version_locked";
    for (class, which, expected) in [
        (CreateDiscoverable, Previous, [LOCKED, LOCKED]),
        (CreateDiscoverable, Current, ["ok", "ok"]),
        (SetValue, Previous, [LOCKED, LOCKED]),
        (SetValue, Current, [LOCKED, LOCKED]),
    ] {
        for (steps, then, expected) in [(&[][..], Plan, expected[0]), (&[Plan][..], Attempt, expected[1])] {
            let (mut world, secret) = World::rotating(class, steps);
            world.place(secret, which, vec![lock("app")], LockMode::Keep).unwrap();
            assert_eq!(word(&world.step(secret, class, then)), expected, "{class} {which:?}, {then:?}");
        }
    }
    let (mut world, secret) = World::rotating(CreateDiscoverable, &[Plan, Attempt, Issue]);
    world.place(secret, Previous, vec![lock("app")], LockMode::Keep).unwrap();
    world.step(secret, CreateDiscoverable, Commit).unwrap();
    world.check_events(&["RotationStaged", "RotationRefused"]);
    world.step(secret, CreateDiscoverable, Commit).unwrap();
    assert_eq!(world.get(secret).versions.len(), 2, "it waits, and says so once");
    let (mut world, secret) = World::rotating(SetValue, &[Plan, Attempt]);
    let late = world.place(secret, Current, vec![lock("app")], LockMode::Keep);
    assert_eq!(word(&late), "rotation_open", "the account may have another password already");
}

#[test]
fn a_value_that_may_be_set_outside_is_kept_when_a_later_call_is_refused() {
    for (steps, is_kept) in [(&[Plan, Attempt][..], false), (&[Plan, Attempt, Fail(Unknown), Attempt], true)] {
        let (mut world, secret) = World::rotating(SetValue, steps);
        let open = world.get(secret).rotation.clone().unwrap();
        let value = Some(world.issued_data(open.to));
        let (reason, retry_at) = (Reason::parse("no").unwrap(), world.now);
        let effort = Effort::default();
        let failed = RotationCommand::Fail { rotation: ROTATION, failure: Refused, reason, retry_at, value, effort };
        world.tell(secret, failed).unwrap();
        let kept = world.get(secret).rotation.as_ref().unwrap().value;
        assert_eq!(kept == open.value, is_kept, "{steps:?}");
    }
}

#[test]
fn an_end_that_was_asked_for_comes_with_the_commit_that_replaces_the_credential() {
    let (mut world, secret) = World::rotating(SetValue, &[Plan, Attempt, Issue]);
    world.ask(&Command::DestroyData { secret, version: Current }).unwrap();
    world.check_events(&["RetirementPlanned"]);
    world.step(secret, SetValue, Commit).unwrap();
    assert!(!world.get(secret).previous().unwrap().is_available(), "what somebody wanted destroyed is");
    world.check_replay();
}
