//! Owns the events of rotations that need an issuer: facts between the calls that are made outside.
//!
//! Their numbers and names are in the table of [`super::event`]. Read next: [`super::evolve`].

use super::event_shape::events;
use super::id::{DataKeyId, RotationId, SecretId, VersionId};
use super::name::{Actor, IssuerName, OutsideId, Reason};
use super::position::VersionNumber;
use super::refusal::Refusal;
use super::rotation::{AttemptFailure, IssuerClass, RotationTrigger};
use super::time::Timestamp;
use super::version::SealedRef;

events! {
    /// A secret is to be deleted as soon as its credentials are retired; nothing else can be done to it any more.
    DeletionPlanned = 29, kept, since 0.1 {}
    /// The credential of a version is about to be ended where it is good.
    RetirementPlanned = 36, kept, since 0.1 {
        /// The version.
        version: VersionId,
    }
    /// The credential of a version was ended where it was good.
    CredentialRetired = 37, kept, since 0.1 {
        /// The version.
        version: VersionId,
    }
    /// The credential of a version is as good as before, though the rotation that is committed in the same batch replaces in
    /// place: another issuer made it, and only that one ends it.
    CredentialKept = 72, kept, since 0.2 {
        /// The version, which was current.
        version: VersionId,
        /// Since when it is to be ended, if it is.
        retiring_since: Option<Timestamp>,
    }
    /// An attempt to end the credential of a version failed. Recorded for one version of a secret in each pause, and once a day while the
    /// reason stays the same.
    RetirementFailed = 39, kept, since 0.1 {
        /// The version.
        version: VersionId,
        /// Why.
        reason: Reason,
        /// When it is tried again.
        retry_at: Timestamp,
    }
    /// A job is about to be begun that ends the credential of a version.
    RetirementJobBegun = 71, kept, since 0.1 {
        /// The version.
        version: VersionId,
        /// Until when its report is waited for.
        report_by: Timestamp,
    }
    /// A job is about to be begun that makes the credential of a rotation, or ends that of one that is given up.
    JobBegun = 70, kept, since 0.1 {
        /// The rotation.
        rotation: RotationId,
        /// Until when its report is waited for.
        report_by: Timestamp,
    }
    /// A consumer has said that it uses a version, and none before it.
    VersionAcknowledged = 38, kept, since 0.1 {
        /// The version.
        version: VersionId,
        /// Who has.
        consumer: Actor,
    }
    /// A rotation has begun; nothing has happened outside yet.
    RotationPlanned = 50, kept, since 0.1 {
        /// Its id, and the token of its calls.
        rotation: RotationId,
        /// What set it off.
        trigger: RotationTrigger,
        /// Who makes the credential.
        issuer: IssuerName,
        /// What that issuer can do.
        class: IssuerClass,
        /// The version that is to come of it.
        to: VersionId,
        /// Attempts after which it is parked.
        attempts_max: u16,
        /// When it is parked.
        deadline: Timestamp,
        /// The value that is to be set, for class `SetValue`.
        value: Option<SealedRef>,
    }
    /// The issuer is about to be called.
    RotationAttempted = 51, kept, since 0.1 {
        /// The rotation.
        rotation: RotationId,
        /// Which attempt, from 1.
        attempt: u16,
    }
    /// An attempt failed: to make a credential, or to prove one.
    RotationAttemptFailed = 52, kept, since 0.1 {
        /// The rotation.
        rotation: RotationId,
        /// What may have happened outside.
        failure: AttemptFailure,
        /// Why.
        reason: Reason,
        /// When it is tried again.
        retry_at: Timestamp,
        /// The value that is to be set from now on, when another was refused.
        value: Option<SealedRef>,
        /// The data key of the value that was refused.
        destroyed: Option<DataKeyId>,
    }
    /// What a rotation has used up, in all, since it was planned or last resumed; said with each attempt that failed.
    AttemptCounted = 73, kept, since 0.2 {
        /// The rotation.
        rotation: RotationId,
        /// Attempts that count: not those that found the issuer not available and did nothing.
        attempts: u16,
        /// Attempts that failed in a row, all of them.
        failures: u16,
        /// Seconds in which a worker ran.
        worked_secs: u64,
        /// Seconds after which it is parked.
        limit_secs: u64,
        /// Single runs of a worker that failed, at most one in 20 hours; after the fifth it is parked.
        runs: u16,
        /// When the last of them was counted.
        run_at: Option<Timestamp>,
        /// Up to when time was counted.
        counted_at: Timestamp,
    }
    /// A rotation was begun by force, though it will end a version that is still waited for.
    HoldOverridden = 74, kept, since 0.2 {
        /// The rotation.
        rotation: RotationId,
        /// The version.
        version: VersionNumber,
        /// Until when its grace would run.
        graced_until: Option<Timestamp>,
        /// The consumers that have not said that they use a newer one.
        consumers: Box<[Actor]>,
    }
    /// A credential was made and lies sealed in the store.
    CredentialIssued = 53, kept, since 0.1 {
        /// The rotation.
        rotation: RotationId,
        /// What the outside system calls it.
        outside: Option<OutsideId>,
        /// Where it lies; with class `SetValue` the value that was planned.
        sealed: SealedRef,
        /// When it ends by itself.
        expires_at: Option<Timestamp>,
    }
    /// A credential was proved by a login, but a lock holds the commit back; said again each day while it does.
    RotationStaged = 54, kept, since 0.1 {
        /// The rotation.
        rotation: RotationId,
    }
    /// The version that a rotation made is current from now on; it follows in the same batch.
    RotationCommitted = 55, kept, since 0.1 {
        /// The rotation.
        rotation: RotationId,
    }
    /// A rotation that a policy asked for was refused because of a lock; it is asked for again a day later.
    ScheduledRotationRefused = 67, kept, since 0.1 {
        /// The secret.
        secret: SecretId,
        /// What was answered.
        refusal: Refusal,
    }
    /// A rotation was given up; nothing of it is left outside.
    RotationAborted = 56, kept, since 0.1 {
        /// The rotation.
        rotation: RotationId,
        /// Why.
        reason: Reason,
        /// The data keys that were destroyed.
        data_keys: Box<[DataKeyId]>,
    }
    /// A rotation waits for a person.
    RotationParked = 57, kept, since 0.1 {
        /// The rotation.
        rotation: RotationId,
        /// Why, and what to do next.
        reason: Reason,
    }
    /// A person let a parked rotation go on.
    RotationResumed = 58, kept, since 0.1 {
        /// The rotation.
        rotation: RotationId,
        /// When it is parked again.
        deadline: Timestamp,
    }
    /// A rotation is to be given up, as soon as what may have been made is retired.
    AbortPlanned = 59, kept, since 0.1 {
        /// The rotation.
        rotation: RotationId,
        /// Why.
        reason: Reason,
    }
    /// An issuer lists credentials that carry the store's tag and that the log does not know, or none any more. Recorded when
    /// their number changes; what is listed may be in use in the original of a restored store, or in a copy.
    StrangersFound = 76, kept, since 0.2 {
        /// The issuer.
        issuer: IssuerName,
        /// How many there are.
        credentials: u64,
    }
}
