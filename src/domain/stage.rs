//! Owns what is asked of the stage of a rotation: which part of the protocol it is in, and what it knows by then.
//!
//! Each question has one answer for each stage here, so that a new stage is answered for everywhere. Read next:
//! [`super::due`].

use super::rotation::{IssuedCredential, RotationStage};
use super::time::Timestamp;

/// The part of the protocol that a stage belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No call is out, and nothing was made, as far as the issuer said.
    Planned,
    /// A call is out, or was when the process died, that may have made something.
    Called,
    /// A job is at work that may have made something.
    Awaiting,
    /// The credential is made, and is to be put into use.
    Made,
    /// The rotation is being given up.
    GivenUp,
}

impl RotationStage {
    /// Returns the part of the protocol that it belongs to.
    pub(crate) const fn phase(&self) -> Phase {
        match self {
            Self::Planned => Phase::Planned,
            Self::Attempted | Self::Doubted => Phase::Called,
            Self::Awaiting { .. } => Phase::Awaiting,
            Self::Issued(_) | Self::Staged { .. } => Phase::Made,
            Self::Aborting { .. } | Self::Ending { .. } => Phase::GivenUp,
        }
    }

    /// Tells whether a call is out that may have made something.
    pub(crate) const fn is_called(&self) -> bool {
        match self.phase() {
            Phase::Called => true,
            Phase::Planned | Phase::Awaiting | Phase::Made | Phase::GivenUp => false,
        }
    }

    /// Tells whether a call is out, or a job at work, that may have made something.
    pub(crate) const fn is_out(&self) -> bool {
        match self.phase() {
            Phase::Called | Phase::Awaiting => true,
            Phase::Planned | Phase::Made | Phase::GivenUp => false,
        }
    }

    /// Tells whether the credential is made and not given up.
    pub(crate) const fn is_made(&self) -> bool {
        self.made().is_some()
    }

    /// Tells whether the rotation is being given up.
    pub(crate) const fn is_given_up(&self) -> bool {
        match self.phase() {
            Phase::GivenUp => true,
            Phase::Planned | Phase::Called | Phase::Awaiting | Phase::Made => false,
        }
    }

    /// Returns the credential that is to be put into use.
    pub(crate) const fn made(&self) -> Option<&IssuedCredential> {
        match self {
            Self::Issued(credential) | Self::Staged { credential, .. } => Some(credential),
            Self::Planned
            | Self::Attempted
            | Self::Doubted
            | Self::Awaiting { .. }
            | Self::Aborting { .. }
            | Self::Ending { .. } => None,
        }
    }

    /// Returns when it was last reported that a lock holds the commit back.
    pub(crate) const fn reported_at(&self) -> Option<Timestamp> {
        match self {
            Self::Staged { reported_at, .. } => Some(*reported_at),
            Self::Planned
            | Self::Attempted
            | Self::Doubted
            | Self::Awaiting { .. }
            | Self::Issued(_)
            | Self::Aborting { .. }
            | Self::Ending { .. } => None,
        }
    }

    /// Returns until when the report of the job is waited for that makes the credential.
    pub(crate) const fn making_report_by(&self) -> Option<Timestamp> {
        match self {
            Self::Awaiting { report_by } | Self::Ending { credential: None, report_by, .. } => Some(*report_by),
            Self::Planned
            | Self::Attempted
            | Self::Doubted
            | Self::Issued(_)
            | Self::Staged { .. }
            | Self::Aborting { .. }
            | Self::Ending { credential: Some(_), .. } => None,
        }
    }

    /// Returns the stable word for programs.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Attempted => "attempted",
            Self::Issued(_) => "issued",
            Self::Staged { .. } => "staged",
            Self::Aborting { .. } => "aborting",
            Self::Doubted => "doubted",
            Self::Awaiting { .. } => "awaiting",
            Self::Ending { .. } => "ending",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::id::DataKeyId;
    use super::super::name::Reason;
    use super::super::version::SealedRef;
    use super::*;

    const AT: Timestamp = Timestamp::EPOCH;

    fn credential() -> IssuedCredential {
        let sealed = SealedRef { data_key: DataKeyId::from_bytes([1; 16]), epoch: 1, sealed_bytes: 1, digest: [1; 32] };
        IssuedCredential { outside: None, sealed, expires_at: None }
    }

    fn ending(credential: Option<IssuedCredential>) -> RotationStage {
        RotationStage::Ending { credential, reason: Reason::of("so"), report_by: AT }
    }

    fn aborting(credential: Option<IssuedCredential>) -> RotationStage {
        RotationStage::Aborting { credential, reason: Reason::of("so") }
    }

    /// Each stage, with its phase, whether it knows a credential to put into use, was reported, and awaits a report of its making.
    #[test]
    fn each_stage_answers_each_question() {
        let staged = RotationStage::Staged { credential: credential(), since: AT, reported_at: AT };
        let rows = [
            (RotationStage::Planned, Phase::Planned, [false, false, false]),
            (RotationStage::Attempted, Phase::Called, [false, false, false]),
            (RotationStage::Doubted, Phase::Called, [false, false, false]),
            (RotationStage::Awaiting { report_by: AT }, Phase::Awaiting, [false, false, true]),
            (RotationStage::Issued(credential()), Phase::Made, [true, false, false]),
            (staged, Phase::Made, [true, true, false]),
            (aborting(None), Phase::GivenUp, [false, false, false]),
            (aborting(Some(credential())), Phase::GivenUp, [false, false, false]),
            (ending(None), Phase::GivenUp, [false, false, true]),
            (ending(Some(credential())), Phase::GivenUp, [false, false, false]),
        ];
        for (stage, phase, answers) in rows {
            let told = [stage.is_made(), stage.reported_at().is_some(), stage.making_report_by().is_some()];
            assert_eq!((stage.phase(), told), (phase, answers), "{}", stage.label());
            let is_out = [Phase::Called, Phase::Awaiting].contains(&phase);
            assert_eq!((stage.is_called(), stage.is_out()), (phase == Phase::Called, is_out), "{}", stage.label());
            assert_eq!(stage.is_given_up(), phase == Phase::GivenUp, "{}", stage.label());
        }
    }
}
