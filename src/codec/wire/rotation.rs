//! Owns the frozen shapes of rotations and credentials, and of the events about them.

use super::shape::{wire_enum, wire_event, wire_struct};
use super::value::{List, Maybe};
use super::version::SealedRefV1;
use crate::domain::id::{DataKeyId, RotationId, VersionId};
use crate::domain::name::{Actor, IssuerName, OutsideId, Reason};
use crate::domain::position::VersionNumber;
use crate::domain::rotation::{
    AttemptFailure, Credential, IssuedCredential, IssuerClass, Parked, Retirement, Rotation, RotationStage,
    RotationTrigger,
};
use crate::domain::rotation_event::{
    AbortPlanned, AttemptCounted, CredentialIssued, CredentialKept, CredentialRetired, DeletionPlanned, HoldOverridden,
    JobBegun, RetirementFailed, RetirementJobBegun, RetirementPlanned, RotationAborted, RotationAttemptFailed,
    RotationAttempted, RotationCommitted, RotationParked, RotationPlanned, RotationResumed, RotationStaged,
    VersionAcknowledged,
};
use crate::domain::schedule::GivenUp;
use crate::domain::time::Timestamp;
use crate::domain::version::SealedRef;

wire_enum!(
    /// Whether a credential is still valid.
    RetirementV1 is Retirement {
        InUse = 1, "in_use";
        Planned = 2, "planned" { at: Timestamp };
        Retired = 3, "retired" { at: Timestamp };
        Failing = 4, "failing" { at: Timestamp, failures: u16, reason: Reason, retry_at: Timestamp };
        Awaiting = 5, "awaiting" { at: Timestamp, failures: u16, report_by: Timestamp };
    }
);

wire_struct!(
    /// The credential behind the data of a version.
    CredentialV1 is Credential {
        issuer: IssuerName,
        class: IssuerClass,
        rotation: RotationId,
        outside: Option<OutsideId>,
        retirement: RetirementV1,
    }
);

wire_struct!(
    /// A credential made for a future version.
    IssuedCredentialV1 is IssuedCredential {
        outside: Option<OutsideId>,
        sealed: SealedRefV1,
        expires_at: Option<Timestamp>,
    }
);

wire_struct!(
    /// Why a rotation waits for a person.
    ParkedV1 is Parked {
        at: Timestamp,
        reason: Reason,
    }
);

wire_struct!(
    /// When and why a rotation was given up.
    GivenUpV1 is GivenUp {
        at: Timestamp,
        reason: Reason,
    }
);

wire_enum!(
    /// The stage of a rotation.
    RotationStageV1 is RotationStage {
        Planned = 1, "planned";
        Attempted = 2, "attempted";
        Issued = 3, "issued" (credential: IssuedCredentialV1);
        Staged = 4, "staged" { credential: IssuedCredentialV1, since: Timestamp, reported_at: Timestamp };
        Aborting = 5, "aborting" { credential: Maybe<IssuedCredentialV1>, reason: Reason };
        Awaiting = 6, "awaiting" { report_by: Timestamp };
        Ending = 7, "ending" { credential: Maybe<IssuedCredentialV1>, reason: Reason, report_by: Timestamp };
        Doubted = 8, "doubted";
    }
);

wire_struct!(
    /// A rotation that is under way.
    RotationV1 is Rotation {
        id: RotationId,
        trigger: RotationTrigger,
        issuer: IssuerName,
        class: IssuerClass,
        to: VersionId,
        planned_at: Timestamp,
        planned_by: Actor,
        attempts_max: u16,
        deadline: Timestamp,
        attempts: u16,
        value: Maybe<SealedRefV1>,
        stage: RotationStageV1,
        retry_at: Option<Timestamp>,
        failure: Option<Reason>,
        parked: Maybe<ParkedV1>,
    }
);

impl From<Maybe<SealedRefV1>> for Option<SealedRef> {
    fn from(sealed: Maybe<SealedRefV1>) -> Self {
        sealed.lift()
    }
}

impl From<Maybe<IssuedCredentialV1>> for Option<IssuedCredential> {
    fn from(credential: Maybe<IssuedCredentialV1>) -> Self {
        credential.lift()
    }
}

impl From<Maybe<ParkedV1>> for Option<Parked> {
    fn from(parked: Maybe<ParkedV1>) -> Self {
        parked.lift()
    }
}

impl From<Box<GivenUp>> for GivenUpV1 {
    fn from(given_up: Box<GivenUp>) -> Self {
        Self::from(*given_up)
    }
}

impl From<GivenUpV1> for Box<GivenUp> {
    fn from(given_up: GivenUpV1) -> Self {
        Self::new(given_up.into())
    }
}

impl From<Maybe<GivenUpV1>> for Option<Box<GivenUp>> {
    fn from(given_up: Maybe<GivenUpV1>) -> Self {
        given_up.lift()
    }
}

impl From<Box<Rotation>> for RotationV1 {
    fn from(rotation: Box<Rotation>) -> Self {
        Self::from(*rotation)
    }
}

impl From<RotationV1> for Box<Rotation> {
    fn from(rotation: RotationV1) -> Self {
        Self::new(rotation.into())
    }
}

impl From<Maybe<RotationV1>> for Option<Box<Rotation>> {
    fn from(rotation: Maybe<RotationV1>) -> Self {
        rotation.lift()
    }
}

impl From<Box<Credential>> for CredentialV1 {
    fn from(credential: Box<Credential>) -> Self {
        Self::from(*credential)
    }
}

impl From<CredentialV1> for Box<Credential> {
    fn from(credential: CredentialV1) -> Self {
        Self::new(credential.into())
    }
}

impl From<Maybe<CredentialV1>> for Option<Box<Credential>> {
    fn from(credential: Maybe<CredentialV1>) -> Self {
        credential.lift()
    }
}

wire_event!(
    /// A secret will be deleted; the event has no fields.
    DeletionPlannedV1 (1) is DeletionPlanned {}
);

wire_event!(
    /// The credential of a version is about to be ended.
    RetirementPlannedV1 (1) is RetirementPlanned {
        version: VersionId,
    }
);

wire_event!(
    /// The credential of a version was ended.
    CredentialRetiredV1 (1) is CredentialRetired {
        version: VersionId,
    }
);

wire_event!(
    /// A consumer uses a version.
    VersionAcknowledgedV1 (1) is VersionAcknowledged {
        version: VersionId,
        consumer: Actor,
    }
);

wire_event!(
    /// An attempt to end a credential failed.
    RetirementFailedV1 (1) is RetirementFailed {
        version: VersionId,
        reason: Reason,
        retry_at: Timestamp,
    }
);

wire_event!(
    /// A job is about to begin for a rotation.
    JobBegunV1 (1) is JobBegun {
        rotation: RotationId,
        report_by: Timestamp,
    }
);

wire_event!(
    /// A job that ends a credential is about to begin.
    RetirementJobBegunV1 (1) is RetirementJobBegun {
        version: VersionId,
        report_by: Timestamp,
    }
);

wire_event!(
    /// The credential of a version stays valid.
    CredentialKeptV1 (1) is CredentialKept {
        version: VersionId,
        retiring_since: Option<Timestamp>,
    }
);

wire_event!(
    /// A rotation has begun.
    RotationPlannedV1 (1) is RotationPlanned {
        rotation: RotationId,
        trigger: RotationTrigger,
        issuer: IssuerName,
        class: IssuerClass,
        to: VersionId,
        attempts_max: u16,
        deadline: Timestamp,
        value: Maybe<SealedRefV1>,
    }
);

wire_event!(
    /// The issuer is about to be called.
    RotationAttemptedV1 (1) is RotationAttempted {
        rotation: RotationId,
        attempt: u16,
    }
);

wire_event!(
    /// An attempt failed.
    RotationAttemptFailedV1 (1) is RotationAttemptFailed {
        rotation: RotationId,
        failure: AttemptFailure,
        reason: Reason,
        retry_at: Timestamp,
        value: Maybe<SealedRefV1>,
        destroyed: Option<DataKeyId>,
    }
);

wire_event!(
    /// What a rotation has used up.
    AttemptCountedV1 (1) is AttemptCounted {
        rotation: RotationId,
        attempts: u16,
        failures: u16,
        worked_secs: u64,
        limit_secs: u64,
        runs: u16,
        run_at: Option<Timestamp>,
        counted_at: Timestamp,
    }
);

wire_event!(
    /// A rotation overrides a grace or consumers by force.
    HoldOverriddenV1 (1) is HoldOverridden {
        rotation: RotationId,
        version: VersionNumber,
        graced_until: Option<Timestamp>,
        consumers: List<Actor>,
    }
);

wire_event!(
    /// A credential was made.
    CredentialIssuedV1 (1) is CredentialIssued {
        rotation: RotationId,
        outside: Option<OutsideId>,
        sealed: SealedRefV1,
        expires_at: Option<Timestamp>,
    }
);

wire_event!(
    /// A lock holds the commit back.
    RotationStagedV1 (1) is RotationStaged {
        rotation: RotationId,
    }
);

wire_event!(
    /// A rotation has led to a version.
    RotationCommittedV1 (1) is RotationCommitted {
        rotation: RotationId,
    }
);

wire_event!(
    /// A rotation was given up.
    RotationAbortedV1 (1) is RotationAborted {
        rotation: RotationId,
        reason: Reason,
        data_keys: List<DataKeyId>,
    }
);

wire_event!(
    /// A rotation waits for a person.
    RotationParkedV1 (1) is RotationParked {
        rotation: RotationId,
        reason: Reason,
    }
);

wire_event!(
    /// A person resumed a rotation.
    RotationResumedV1 (1) is RotationResumed {
        rotation: RotationId,
        deadline: Timestamp,
    }
);

wire_event!(
    /// A rotation will be given up.
    AbortPlannedV1 (1) is AbortPlanned {
        rotation: RotationId,
        reason: Reason,
    }
);
