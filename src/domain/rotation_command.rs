//! Owns what the rotation worker, and people, ask for when an issuer makes the credentials of a secret.
//!
//! Each is one append between two calls outside. Read next: [`super::decide`].

use super::command::Prepared;
use super::id::{RotationId, TaskId, VersionId};
use super::name::{IssuerName, OutsideId, Reason};
use super::patience::Effort;
use super::rotation::{AttemptFailure, IssuerClass, RotationTrigger};
use super::time::Timestamp;
use super::version::VersionRef;

/// One step of the protocol.
#[derive(Clone, Debug)]
pub(crate) enum RotationCommand {
    /// Begins a rotation.
    Plan(Box<NewRotation>),
    /// The issuer is about to be called; with a time, to begin a job that reports by then.
    Attempt { rotation: RotationId, report_by: Option<Timestamp> },
    /// The call, or the login, failed.
    Fail {
        rotation: RotationId,
        failure: AttemptFailure,
        reason: Reason,
        retry_at: Timestamp,
        value: Option<Prepared>,
        effort: Effort,
    },
    /// The issuer made a credential; none for class `SetValue`, where it is the value that was planned.
    Issue { rotation: RotationId, outside: Option<OutsideId>, made: Option<Prepared>, expires_at: Option<Timestamp> },
    /// The issuer says that it made one, but its answer cannot be read: it is kept as it is, for a person.
    Keep { rotation: RotationId, answer: Prepared, reason: Reason },
    /// The credential was proved by a login.
    Commit { rotation: RotationId },
    /// A job is about to be begun that tells what was made, or ends it, of a rotation that is given up.
    BeginEnding { rotation: RotationId, report_by: Timestamp },
    /// What may have been made is retired.
    FinishAbort { rotation: RotationId },
    /// A person gives it up; by force, at once where it is being given up already and could not be ended.
    Abort { reason: Reason },
    /// A person lets it go on.
    Resume,
    /// The credential of a version is not needed any more.
    PlanRetirement { version: VersionRef },
    /// A job is about to be begun that ends the credential of a version.
    BeginRetirement { version: VersionId, report_by: Timestamp },
    /// The credential of a version could not be ended.
    FailRetirement { version: VersionId, reason: Reason, retry_at: Timestamp },
    /// The credential of a version was ended.
    FinishRetirement { version: VersionId },
    /// The caller uses a version from now on.
    Acknowledge { version: VersionRef },
    /// A person takes a credential into the store that exists outside and that the log does not know.
    Adopt(Box<Adopted>),
    /// A job tells what became of its task.
    Report { task: TaskId, report: Reported },
    /// A person calls a task off.
    CancelTask { task: TaskId, reason: Reason },
}

/// What became of a task.
#[derive(Clone, Debug)]
pub(crate) enum Reported {
    Created { outside: Option<OutsideId>, made: Prepared, expires_at: Option<Timestamp> },
    Deleted,
    Failed { reason: Reason, retry_at: Timestamp },
}

/// A rotation that is to begin.
#[derive(Clone, Debug)]
pub(crate) struct NewRotation {
    pub(crate) id: RotationId,
    pub(crate) trigger: RotationTrigger,
    pub(crate) class: IssuerClass,
    pub(crate) to: VersionId,
    pub(crate) attempts_max: u16,
    pub(crate) deadline: Timestamp,
    /// The value that is to be set, for class `SetValue`.
    pub(crate) value: Option<Prepared>,
}

/// A credential that exists outside, and that a person brings the data of.
#[derive(Clone, Debug)]
pub(crate) struct Adopted {
    /// The issuer that lists it.
    pub(crate) issuer: IssuerName,
    /// The rotation that made it, in a store that this one does not know the later records of.
    pub(crate) rotation: RotationId,
    /// What the outside system calls it.
    pub(crate) outside: OutsideId,
    /// Its data, sealed for the version to come.
    pub(crate) made: Prepared,
    /// When it ends by itself.
    pub(crate) expires_at: Option<Timestamp>,
}
