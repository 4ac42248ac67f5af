//! What jobs report as a table: which report is taken at which stage, for each class that takes jobs, and what comes of it.

use std::time::Duration;

use super::kind::Kind;
use super::protocol::{ROTATION, Step};
use super::world::{Answer, World, word};
use crate::domain::id::{SecretId, TaskId, VersionId};
use crate::domain::name::{OutsideId, Reason};
use crate::domain::quarantine::RestoredFrom;
use crate::domain::rotation::{IssuerClass, RotationStage};
use crate::domain::rotation_command::{Reported, RotationCommand};
use crate::domain::task::{TaskKind, TaskStatus};
use crate::domain::version::VersionRef;

const LIMIT: Duration = Duration::from_secs(1_800);

/// What happens to a task of making a credential.
#[derive(Clone, Copy, Debug)]
enum Happens {
    /// A step of the protocol that has nothing to do with jobs.
    Step(Step),
    /// A job is begun that makes the credential.
    Begin,
    /// Its time is over.
    IsLate,
    /// A job is begun for what is given up.
    BeginEnding,
    /// Reports on the making and on the ending.
    Created,
    Failed,
    Deleted,
    NotDeleted,
    Cancel,
}

use Happens::{Begin, BeginEnding, Cancel, Created, Deleted, Failed, IsLate, NotDeleted};
use IssuerClass::{CreateDiscoverable, CreateWithToken, Opaque, SetValue};

const PLAN: Happens = Happens::Step(Step::Plan);
const COMMIT: Happens = Happens::Step(Step::Commit);
const RESUME: Happens = Happens::Step(Step::Resume);

impl World {
    pub(super) fn report(&mut self, secret: SecretId, task: TaskId, report: Reported) -> Answer {
        self.tell(secret, RotationCommand::Report { task, report })
    }

    pub(super) fn failed(&self) -> Reported {
        Reported::Failed { reason: Reason::parse("no quota").unwrap(), retry_at: self.now }
    }

    fn happen(&mut self, secret: SecretId, class: IssuerClass, what: Happens) -> Answer {
        let report_by = self.now.plus(LIMIT);
        let to = self.get(secret).rotation.as_ref().map_or(VersionId::from_bytes([0; 16]), |open| open.to);
        let (making, ending) = (TaskId::from(ROTATION), TaskId::from(to));
        match what {
            Happens::Step(step) => self.step(secret, class, step),
            Begin => self.tell(secret, RotationCommand::Attempt { rotation: ROTATION, report_by: Some(report_by) }),
            IsLate => {
                self.now = self.now.plus(LIMIT);
                let answer = self.step(secret, class, Step::Fail(crate::domain::rotation::AttemptFailure::Unknown));
                self.now = self.now.plus(LIMIT);
                answer
            }
            BeginEnding => self.tell(secret, RotationCommand::BeginEnding { rotation: ROTATION, report_by }),
            Created => {
                let made = self.issued_data(to);
                let outside = Some(OutsideId::parse("token-1").unwrap());
                self.report(secret, making, Reported::Created { outside, made, expires_at: None })
            }
            Failed => self.report(secret, making, self.failed()),
            Deleted => self.report(secret, ending, Reported::Deleted),
            NotDeleted => self.report(secret, ending, self.failed()),
            Cancel => {
                let reason = Reason::parse("not today").unwrap();
                self.tell(secret, RotationCommand::CancelTask { task: making, reason })
            }
        }
    }
}

#[track_caller]
fn check(class: IssuerClass, before: &[Happens], then: Happens, expected: &str, events: &[&str]) {
    let (mut world, secret) = World::rotating(class, &[]);
    for what in before {
        let answer = world.happen(secret, class, *what);
        assert_eq!(word(&answer), "ok", "{class}: {what:?} of {before:?}");
    }
    let answer = world.happen(secret, class, then);
    assert_eq!(word(&answer), expected, "{class}, {before:?}, then {then:?}");
    if expected == "ok" {
        world.check_events(events);
    }
}

const NOT_AWAITED: &str = "task_not_awaited";

#[test]
fn a_report_is_taken_while_it_is_waited_for() {
    for class in [CreateWithToken, Opaque] {
        check(class, &[PLAN], Created, NOT_AWAITED, &[]);
        check(class, &[PLAN], Failed, NOT_AWAITED, &[]);
        check(class, &[PLAN], Begin, "ok", &["RotationAttempted", "JobBegun"]);
        // A call is out that tells itself what it made.
        check(class, &[PLAN, Happens::Step(Step::Attempt)], Created, NOT_AWAITED, &[]);
        check(class, &[PLAN, Begin], Created, "ok", &["CredentialIssued"]);
        check(class, &[PLAN, Begin], Failed, "ok", &["RotationAttemptFailed", "AttemptCounted"]);
        check(class, &[PLAN, Begin], Begin, "version_changed", &[]);
        check(class, &[PLAN, Begin, Failed], Failed, NOT_AWAITED, &[]);
        check(class, &[PLAN, Begin, Failed], Created, NOT_AWAITED, &[]);
        check(class, &[PLAN, Begin, Failed], Begin, "ok", &["RotationAttempted", "JobBegun"]);
        check(class, &[PLAN, Begin, Created], Created, NOT_AWAITED, &[]);
        check(class, &[PLAN, Begin, Created], Failed, NOT_AWAITED, &[]);
        check(
            class,
            &[PLAN, Begin, Created],
            COMMIT,
            "ok",
            &["RotationCommitted", "VersionAdded", "RetirementPlanned"],
        );
        check(class, &[PLAN, Begin, Created, COMMIT], Failed, NOT_AWAITED, &[]);
        check(class, &[PLAN, Begin], Deleted, "task_not_found", &[]);
    }
}

#[test]
fn a_job_that_is_late_is_begun_again_or_looked_after_and_its_report_still_counts() {
    check(CreateWithToken, &[PLAN, Begin], IsLate, "ok", &["RotationAttemptFailed", "AttemptCounted"]);
    check(CreateWithToken, &[PLAN, Begin, IsLate], Created, "ok", &["CredentialIssued"]);
    check(CreateWithToken, &[PLAN, Begin, IsLate], Begin, "ok", &["RotationAttempted", "JobBegun"]);
    check(Opaque, &[PLAN, Begin], IsLate, "ok", &["RotationAttemptFailed", "AttemptCounted", "RotationParked"]);
    check(Opaque, &[PLAN, Begin, IsLate], Begin, "version_changed", &[]);
    // What nobody knew is known now: nothing was made, and giving up needs no more.
    check(Opaque, &[PLAN, Begin, IsLate], Failed, "ok", &["RotationAttemptFailed", "AttemptCounted"]);
    check(Opaque, &[PLAN, Begin, IsLate, Failed], Cancel, "ok", &["RotationAborted"]);
    check(Opaque, &[PLAN, Begin, IsLate, Failed, RESUME], Begin, "ok", &["RotationAttempted", "JobBegun"]);
    // What nobody knew is known now, and nobody has to look.
    check(Opaque, &[PLAN, Begin, IsLate], Created, "ok", &["CredentialIssued"]);
    check(
        Opaque,
        &[PLAN, Begin, IsLate, Created],
        COMMIT,
        "ok",
        &["RotationCommitted", "VersionAdded", "RetirementPlanned"],
    );
    check(Opaque, &[PLAN, Begin, IsLate, RESUME], Begin, "ok", &["RotationAttempted", "JobBegun"]);
}

#[test]
fn attempts_by_jobs_have_an_end() {
    let all = [PLAN, Begin, Failed, Begin, Failed, Begin];
    check(CreateWithToken, &all, Failed, "ok", &["RotationAttemptFailed", "AttemptCounted", "RotationParked"]);
    let all = [PLAN, Begin, IsLate, Begin, IsLate, Begin];
    check(CreateWithToken, &all, IsLate, "ok", &["RotationAttemptFailed", "AttemptCounted", "RotationParked"]);
}

#[test]
fn a_task_that_is_called_off_waits_for_its_job_so_that_what_it_makes_is_ended() {
    for class in [CreateWithToken, Opaque] {
        check(class, &[PLAN], Cancel, "ok", &["RotationAborted"]);
        check(class, &[PLAN, Begin, Created], Cancel, "ok", &["AbortPlanned"]);
        check(class, &[PLAN, Begin, Created, Cancel], BeginEnding, "ok", &["JobBegun"]);
        check(class, &[PLAN, Begin, Created, Cancel], Deleted, NOT_AWAITED, &[]);
        check(class, &[PLAN, Begin, Created, Cancel, BeginEnding], Deleted, "ok", &["RotationAborted"]);
        check(class, &[PLAN, Begin, Created, Cancel, BeginEnding], NotDeleted, "ok", &["RotationAttemptFailed"]);
        // A second run of the job that made it says nothing of the one that ends it.
        check(class, &[PLAN, Begin, Created, Cancel, BeginEnding], Failed, NOT_AWAITED, &[]);
        check(class, &[PLAN, Begin, Created, Cancel, BeginEnding, NotDeleted], BeginEnding, "ok", &["JobBegun"]);
        check(class, &[PLAN, Begin, Created, Cancel, BeginEnding, IsLate], Deleted, "ok", &["RotationAborted"]);
        check(class, &[PLAN, Begin, Created, COMMIT], Cancel, NOT_AWAITED, &[]);
    }
    check(CreateWithToken, &[PLAN, Begin], Cancel, "ok", &["AbortPlanned"]);
    check(CreateWithToken, &[PLAN, Begin, Cancel], Created, "ok", &["CredentialIssued"]);
    check(CreateWithToken, &[PLAN, Begin, Cancel], Failed, "ok", &["RotationAborted"]);
    check(CreateWithToken, &[PLAN, Begin, Cancel], IsLate, "ok", &["RotationAttemptFailed"]);
    check(CreateWithToken, &[PLAN, Begin, Cancel, IsLate], BeginEnding, "ok", &["JobBegun"]);
    check(CreateWithToken, &[PLAN, Begin, Cancel, IsLate], Created, "ok", &["CredentialIssued"]);
    check(CreateWithToken, &[PLAN, Begin, Cancel, Created], BeginEnding, "ok", &["JobBegun"]);
    check(CreateWithToken, &[PLAN, Begin, Cancel, Created], COMMIT, "version_changed", &[]);
    // Whoever calls it off sees to what the job makes; its report comes too late.
    check(Opaque, &[PLAN, Begin], Cancel, "ok", &["RotationAborted"]);
    let mut world = World::new();
    let secret = world.secret(Kind::Issued);
    for what in [PLAN, Begin, Cancel] {
        world.happen(secret, Opaque, what).unwrap();
    }
    assert_eq!(word(&world.happen(secret, Opaque, Failed)), "task_not_found");
}

/// While nobody has looked at a restored store nothing ends; what was made is good to know.
#[test]
fn in_quarantine_only_what_was_made_is_taken() {
    const QUARANTINED: &str = "store_quarantined";
    for (before, then, expected) in [
        (&[PLAN, Begin][..], Created, "ok"),
        (&[PLAN, Begin], Failed, QUARANTINED),
        (&[PLAN, Begin, Cancel], Failed, QUARANTINED),
        (&[PLAN, Begin, Created, Cancel, BeginEnding], Deleted, QUARANTINED),
    ] {
        let (mut world, secret) = World::rotating(CreateWithToken, &[]);
        for what in before {
            world.happen(secret, CreateWithToken, *what).unwrap();
        }
        world.restored(RestoredFrom::Backup);
        assert_eq!(word(&world.happen(secret, CreateWithToken, then)), expected, "{before:?}, then {then:?}");
    }
    let (mut world, secret, version, task) = retiring();
    let report_by = world.now.plus(LIMIT);
    world.tell(secret, RotationCommand::BeginRetirement { version, report_by }).unwrap();
    world.restored(RestoredFrom::Backup);
    assert_eq!(word(&world.report(secret, task, Reported::Deleted)), QUARANTINED);
    assert_eq!(word(&world.tell(secret, RotationCommand::FinishRetirement { version })), QUARANTINED);
}

#[test]
fn the_other_classes_take_no_jobs() {
    for class in [SetValue, CreateDiscoverable] {
        check(class, &[PLAN], Begin, "invalid_parameter", &[]);
        check(
            class,
            &[PLAN, Happens::Step(Step::Attempt), Happens::Step(Step::Issue), Cancel],
            BeginEnding,
            "version_changed",
            &[],
        );
    }
}

/// A secret whose previous version is to be retired, and the task of doing so.
fn retiring() -> (World, SecretId, VersionId, TaskId) {
    let (mut world, secret) = World::rotating(CreateWithToken, &[]);
    let version = world.get(secret).previous().unwrap().id;
    world.tell(secret, RotationCommand::PlanRetirement { version: VersionRef::Previous }).unwrap();
    (world, secret, version, version.into())
}

#[test]
fn a_credential_is_ended_once_its_job_says_so() {
    let (mut world, secret, version, task) = retiring();
    let status = |world: &World| world.get(secret).task(task).unwrap().status;
    assert_eq!(status(&world), TaskStatus::Queued);
    assert_eq!(word(&world.report(secret, task, Reported::Deleted)), NOT_AWAITED);
    let report_by = world.now.plus(LIMIT);
    world.tell(secret, RotationCommand::BeginRetirement { version, report_by }).unwrap();
    world.check_events(&["RetirementJobBegun"]);
    assert_eq!(status(&world), TaskStatus::Processing);
    let failed = world.failed();
    world.report(secret, task, failed).unwrap();
    world.check_events(&["RetirementFailed"]);
    let shown = world.get(secret).task(task).unwrap();
    assert_eq!((shown.status, shown.failure.unwrap().as_str()), (TaskStatus::Failed, "no quota"));
    assert!(shown.retry_at.unwrap() > world.now, "never at once");
    world.tell(secret, RotationCommand::BeginRetirement { version, report_by }).unwrap();
    assert_eq!(world.get(secret).versions[0].credential.as_ref().unwrap().failures(), 1, "back-off goes on growing");
    let made = world.issued_data(version);
    let created = Reported::Created { outside: None, made, expires_at: None };
    assert_eq!(word(&world.report(secret, task, created)), "invalid_parameter");
    let reason = Reason::parse("not today").unwrap();
    assert_eq!(word(&world.tell(secret, RotationCommand::CancelTask { task, reason })), "invalid_parameter");
    world.report(secret, task, Reported::Deleted).unwrap();
    world.check_events(&["CredentialRetired", "VersionDataDestroyed"]);
    assert_eq!(status(&world), TaskStatus::CredentialsDeleted);
    assert_eq!(word(&world.report(secret, task, Reported::Deleted)), NOT_AWAITED);
}

#[test]
fn tasks_show_what_was_done_and_what_is_to_be_done() {
    let (mut world, secret) = World::rotating(CreateWithToken, &[Step::Plan]);
    let tasks = world.get(secret).tasks();
    let shown: Vec<_> = tasks.iter().map(|task| (task.kind, task.status)).collect();
    let made = (TaskKind::CreateCredentials, TaskStatus::CredentialsCreated);
    assert_eq!(shown, [made, made, (TaskKind::CreateCredentials, TaskStatus::Queued)]);
    world.happen(secret, CreateWithToken, Begin).unwrap();
    let task = world.get(secret).tasks().pop().unwrap();
    assert_eq!((task.status, task.id), (TaskStatus::Processing, ROTATION.into()));
    assert_eq!(task.report_by, Some(world.now.plus(LIMIT)));
    for what in [Created, Cancel, BeginEnding] {
        world.happen(secret, CreateWithToken, what).unwrap();
    }
    let open = world.get(secret).tasks().split_off(2);
    assert!(matches!(world.get(secret).rotation.as_ref().unwrap().stage, RotationStage::Ending { .. }));
    let shown: Vec<_> = open.iter().map(|task| (task.kind, task.status)).collect();
    assert_eq!(shown, [made, (TaskKind::DeleteCredentials, TaskStatus::Processing)]);
    assert_eq!(open[1].id, TaskId::from(open[0].version), "each task has an id of its own");
}
