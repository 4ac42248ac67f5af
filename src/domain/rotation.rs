//! Owns what a rotation is that needs an issuer: who makes the credential, how far it has come, and what is left to do
//! for the credentials of earlier versions.
//!
//! Plain data; the protocol is in `decide`, its facts in [`super::rotation_event`], and what is to be done next in
//! [`super::due`]. Read next: [`super::secret`].

use serde::{Deserialize, Serialize};

use super::code::coded_enum;
use super::id::{RotationId, VersionId};
use super::name::{Actor, IssuerName, OutsideId, Reason};
use super::time::Timestamp;
use super::touch::Touch;
use super::version::{SealedRef, VersionOrigin};

coded_enum!(
    /// What an issuer can do, and with it how a rotation goes on after a crash in the middle.
    IssuerClass {
        /// The store picks the value; setting it again does no harm; the old value dies. Goes on by setting it again.
        SetValue = 1, "set_value";
        /// The outside system knows a call again by its token. Goes on by calling again.
        CreateWithToken = 2, "create_with_token";
        /// What was made can be found by its token. Goes on by looking, retiring what is found, and making anew.
        CreateDiscoverable = 3, "create_discoverable";
        /// None of these. Does not go on: a person has to look.
        Opaque = 4, "opaque";
    }
);

impl IssuerClass {
    /// Tells whether a rotation ends the credential of the current version at the call, instead of making one beside it.
    #[must_use]
    pub const fn replaces_in_place(self) -> bool {
        matches!(self, Self::SetValue)
    }

    /// Tells whether such an issuer may leave its work to jobs. The value of class `SetValue`, and what class
    /// `CreateDiscoverable` looks for before each call, ask for calls that are over when they answer.
    #[must_use]
    pub const fn takes_jobs(self) -> bool {
        matches!(self, Self::CreateWithToken | Self::Opaque)
    }

    /// Tells whether such an issuer can list what it made.
    pub(crate) const fn can_list(self) -> bool {
        matches!(self, Self::CreateDiscoverable)
    }

    /// Gives what a rotation by such an issuer is to the versions of a secret.
    pub(crate) const fn touch(self) -> Touch {
        if self.replaces_in_place() { Touch::RotateInPlace } else { Touch::Rotate }
    }
}

coded_enum!(
    /// What set a rotation off.
    RotationTrigger {
        /// The secret was made, and has no version yet.
        FirstVersion = 1, "first_version";
        /// Somebody asked for it.
        ByHand = 2, "by_hand";
        /// The policy of the secret.
        ByPolicy = 3, "by_policy";
    }
);

impl RotationTrigger {
    /// Gives the origin of the version that comes of it.
    pub(crate) const fn origin(self) -> VersionOrigin {
        match self {
            Self::FirstVersion => VersionOrigin::Created,
            Self::ByHand => VersionOrigin::RotatedByHand,
            Self::ByPolicy => VersionOrigin::RotatedByPolicy,
        }
    }
}

coded_enum!(
    /// What may have happened outside when an attempt failed.
    AttemptFailure {
        /// The outside system said no, and would again; nothing was done.
        Refused = 1, "refused";
        /// Nothing was done; it may be tried again.
        Unavailable = 2, "unavailable";
        /// Nobody knows whether it was done.
        Unknown = 3, "unknown";
    }
);

/// A rotation that has begun and not ended; a secret has one at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// Its id, and the token by which the issuer knows its calls.
    pub id: RotationId,
    /// What set it off.
    pub trigger: RotationTrigger,
    /// Who makes the credential.
    pub issuer: IssuerName,
    /// What that issuer can do.
    pub class: IssuerClass,
    /// The version that comes of it.
    pub to: VersionId,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// By whom.
    pub planned_by: Actor,
    /// Attempts after which it is parked, from 1: to make the credential, and again to prove it.
    pub attempts_max: u16,
    /// When it is parked if it has not been committed before; moves when it is resumed.
    pub deadline: Timestamp,
    /// Attempts made to come past the stage that it is in.
    pub attempts: u16,
    /// The value that is to be set, sealed for the version that it is for; class `SetValue` only.
    pub value: Option<SealedRef>,
    /// How far it has come.
    pub stage: RotationStage,
    /// When it is tried again after an attempt that failed.
    pub retry_at: Option<Timestamp>,
    /// Why the last attempt failed.
    pub failure: Option<Reason>,
    /// Whether it waits for a person.
    pub parked: Option<Parked>,
}

/// How far a rotation has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum RotationStage {
    /// No call is out; nothing was made, as far as the issuer said.
    Planned,
    /// A call is out, or was when the process died.
    Attempted,
    /// The credential is made and durable, and is to be proved by a login.
    Issued(IssuedCredential),
    /// The credential is proved; a lock holds the commit back.
    Staged {
        /// The credential.
        credential: IssuedCredential,
        /// Since when.
        since: Timestamp,
        /// When that was last reported.
        reported_at: Timestamp,
    },
    /// It is being given up: what may have been made is retired first.
    Aborting {
        /// What was made, as far as is known.
        credential: Option<IssuedCredential>,
        /// Why.
        reason: Reason,
    },
    /// A call is out, or was when the process died, and nobody knows what came of one before it. What this one answers says
    /// nothing of that one, unless it makes the credential.
    Doubted,
    /// A job was begun that makes the credential; it reports by its task.
    Awaiting {
        /// Until when its report is waited for.
        report_by: Timestamp,
    },
    /// It is being given up, and a job is at work outside: the one that makes the credential, or, once that is known, one
    /// that ends it.
    Ending {
        /// What was made, as far as is known.
        credential: Option<IssuedCredential>,
        /// Why.
        reason: Reason,
        /// Until when its report is waited for.
        report_by: Timestamp,
    },
}

/// A credential that was made for a version to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedCredential {
    /// What the outside system calls it.
    pub outside: Option<OutsideId>,
    /// Where it lies, sealed.
    pub sealed: SealedRef,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// Since when, and why, a rotation waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// Since when.
    pub at: Timestamp,
    /// Why, and what to do next.
    pub reason: Reason,
}

/// The credential that stands behind the data of a version, in the system that it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Who made it.
    pub issuer: IssuerName,
    /// What that issuer can do.
    pub class: IssuerClass,
    /// The rotation that it was made by.
    pub rotation: RotationId,
    /// What the outside system calls it.
    pub outside: Option<OutsideId>,
    /// Whether it is still good.
    pub retirement: Retirement,
}

/// Whether a credential is still good in the system that it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Retirement {
    /// It is.
    InUse,
    /// It is about to be ended; no lock can be placed any more.
    Planned {
        /// Since when.
        at: Timestamp,
    },
    /// It is not.
    Retired {
        /// Since when.
        at: Timestamp,
    },
    /// It is about to be ended; an attempt failed.
    Failing {
        /// Since when it is to be ended.
        at: Timestamp,
        /// Attempts that failed and were recorded, from 1.
        failures: u16,
        /// Why the last one of them did.
        reason: Reason,
        /// When the next one is made.
        retry_at: Timestamp,
    },
    /// A job was begun that ends it; it reports by its task.
    Awaiting {
        /// Since when it is to be ended.
        at: Timestamp,
        /// Attempts that failed before.
        failures: u16,
        /// Until when its report is waited for.
        report_by: Timestamp,
    },
}

impl Rotation {
    /// Gives what was made, as far as is known.
    #[must_use]
    pub const fn credential(&self) -> Option<&IssuedCredential> {
        match &self.stage {
            RotationStage::Planned
            | RotationStage::Attempted
            | RotationStage::Doubted
            | RotationStage::Awaiting { .. } => None,
            RotationStage::Issued(credential) | RotationStage::Staged { credential, .. } => Some(credential),
            RotationStage::Aborting { credential, .. } | RotationStage::Ending { credential, .. } => {
                credential.as_ref()
            }
        }
    }

    /// Tells whether a job is at work that makes its credential, and is not late.
    #[must_use]
    pub(crate) const fn is_at_work(&self) -> bool {
        matches!(self.stage, RotationStage::Awaiting { .. }) && self.attempts > 0 && self.retry_at.is_none()
    }

    /// Gives all sealed data that it has brought so far, each once.
    pub fn sealed(&self) -> impl Iterator<Item = &SealedRef> {
        let made = self.credential().map(|credential| &credential.sealed);
        let value = self.value.as_ref().filter(|value| made.is_none_or(|made| made.data_key != value.data_key));
        value.into_iter().chain(made)
    }

    /// Tells whether the credential of the current version may have been replaced already, so that nothing can protect it
    /// any more.
    #[must_use]
    pub const fn has_replaced_current(&self) -> bool {
        self.class.replaces_in_place() && !matches!(self.stage, RotationStage::Planned)
    }
}

impl Credential {
    /// Tells whether it still has to be ended outside.
    #[must_use]
    pub const fn is_in_use(&self) -> bool {
        !matches!(self.retirement, Retirement::Retired { .. })
    }

    /// Tells whether it is to be ended.
    #[must_use]
    pub const fn is_retiring(&self) -> bool {
        !matches!(self.retirement, Retirement::InUse | Retirement::Retired { .. })
    }

    /// Gives why the last attempt to end it failed, if one did.
    #[must_use]
    pub const fn failure(&self) -> Option<&Reason> {
        match &self.retirement {
            Retirement::Failing { reason, .. } => Some(reason),
            Retirement::InUse
            | Retirement::Planned { .. }
            | Retirement::Retired { .. }
            | Retirement::Awaiting { .. } => None,
        }
    }

    /// Counts the attempts to end it that failed.
    #[must_use]
    pub const fn failures(&self) -> u16 {
        match self.retirement {
            Retirement::Failing { failures, .. } | Retirement::Awaiting { failures, .. } => failures,
            Retirement::InUse | Retirement::Planned { .. } | Retirement::Retired { .. } => 0,
        }
    }

    /// Gives since when it is to be ended, or was.
    #[must_use]
    pub const fn since(&self) -> Option<Timestamp> {
        match &self.retirement {
            Retirement::InUse => None,
            Retirement::Planned { at }
            | Retirement::Retired { at }
            | Retirement::Failing { at, .. }
            | Retirement::Awaiting { at, .. } => Some(*at),
        }
    }
}
