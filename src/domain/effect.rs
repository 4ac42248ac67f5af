//! Owns what an event is to the versions of its secret, and to the rotations of a log.
//!
//! Each event is answered for once, in [`Event::effect`] and in [`Event::span`]; all else follows from these. Read next:
//! [`super::touch`].

use super::event::Event;
use super::event_kind::{of_secret, of_trail, of_whole};
use super::id::{RotationId, VersionId};
use super::time::Timestamp;
use super::touch::Touch;

/// What an event is to the versions of its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It is about no one version: about the whole store, the secret, its rotation, or what is known already.
    None,
    /// It is about this version, whose data stays.
    On(VersionId),
    /// It adds this version.
    Adds(VersionId),
    /// It replaces the data of this version by other data.
    Renews(VersionId),
    /// It ends the data of this version, or begins to end its credential.
    Ends(VersionId),
    /// It ends all versions, with their secret.
    EndsAll,
}

/// What an event is to the rotations of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    /// None begins or ends.
    None,
    /// This one begins.
    Begins(RotationId),
    /// This one ends.
    Ends(RotationId),
    /// The log parts from that of its original, which goes on with all that are open.
    PartsAll,
}

impl Event {
    /// Returns what it is to the rotations of a log.
    #[allow(
        clippy::unnested_or_patterns,
        clippy::match_same_arms,
        reason = "the lists of events are macros, and name events one by one"
    )]
    pub(crate) const fn span(&self) -> Span {
        match self {
            Self::RotationPlanned(event) => Span::Begins(event.rotation),
            Self::RotationCommitted(event) => Span::Ends(event.rotation),
            Self::RotationAborted(event) => Span::Ends(event.rotation),
            Self::StoreRestored(_) => Span::PartsAll,
            Self::RotationAttempted(_) | Self::RotationAttemptFailed(_) | Self::AttemptCounted(_) => Span::None,
            Self::HoldOverridden(_) | Self::CredentialIssued(_) | Self::RotationStaged(_) => Span::None,
            Self::RotationParked(_) | Self::RotationResumed(_) | Self::AbortPlanned(_) => Span::None,
            Self::JobBegun(_) => Span::None,
            Self::DeletionPlanned(_) | Self::RetirementPlanned(_) | Self::RetirementFailed(_) => Span::None,
            Self::RetirementJobBegun(_) | Self::CredentialRetired(_) | Self::CredentialKept(_) => Span::None,
            Self::VersionAcknowledged(_) => Span::None,
            Self::StoreCreated(_) | Self::SettingsChanged(_) | Self::KeySlotAdded(_) => Span::None,
            Self::KeySlotRemoved(_) | Self::EpochRolled(_) | Self::EpochRetired(_) => Span::None,
            Self::ClockRanBack(_) | Self::SigningKeySet(_) | Self::HeartbeatRecorded(_) => Span::None,
            Self::GroupCreated(_) | Self::GroupUpdated(_) | Self::GroupDeleted(_) => Span::None,
            Self::GroupRestated(_) | Self::BodiesErased(_) | Self::QuarantineEnded(_) => Span::None,
            Self::ClockHeld(_) | Self::ClockConfirmed(_) | Self::ClockRebased(_) => Span::None,
            Self::StrangersFound(_) => Span::None,
            of_trail!() | of_secret!() => Span::None,
        }
    }

    /// Returns the time that the store goes by from here on, where that is not the time of its record.
    pub(crate) const fn rebased_to(&self) -> Option<Timestamp> {
        // Only a rebase may set the time back, so nothing else has a time of its own.
        if let Self::ClockRebased(event) = self { Some(event.observed_at) } else { None }
    }

    /// Returns what it is to the versions of its secret.
    #[allow(
        clippy::unnested_or_patterns,
        clippy::match_same_arms,
        reason = "the lists of events are macros, and name events one by one"
    )]
    pub(crate) const fn effect(&self) -> Effect {
        match self {
            Self::VersionAdded(event) => Effect::Adds(event.version),
            Self::VersionRegenerated(event) => Effect::Renews(event.version),
            Self::VersionDataDestroyed(event) => Effect::Ends(event.version),
            Self::RetirementPlanned(event) => Effect::Ends(event.version),
            Self::SecretDeleted(_) => Effect::EndsAll,
            Self::VersionDownloaded(event) => Effect::On(event.version),
            Self::VersionUpdated(event) => Effect::On(event.version),
            Self::ExpirationHeld(event) => Effect::On(event.version),
            Self::LockPlaced(event) => Effect::On(event.version),
            Self::LockRenewed(event) => Effect::On(event.version),
            Self::LockRemoved(event) => Effect::On(event.version),
            Self::LockExpired(event) => Effect::On(event.version),
            Self::CredentialRetired(event) => Effect::On(event.version),
            Self::CredentialKept(event) => Effect::On(event.version),
            Self::VersionAcknowledged(event) => Effect::On(event.version),
            Self::AccessRecorded(event) => Effect::On(event.version),
            Self::SecretCreated(_) | Self::SecretUpdated(_) | Self::SpecUpdated(_) => Effect::None,
            Self::PolicySet(_) | Self::PolicyCleared(_) | Self::SecretExpired(_) => Effect::None,
            // They say again what is known.
            Self::SecretRestated(_) | Self::VersionRestated(_) | Self::LockRestated(_) => Effect::None,
            // The receipts of all releases name no version for these.
            Self::RetirementFailed(_) | Self::RetirementJobBegun(_) | Self::HoldOverridden(_) => Effect::None,
            Self::DeletionPlanned(_) | Self::RotationPlanned(_) | Self::RotationAttempted(_) => Effect::None,
            Self::RotationAttemptFailed(_) | Self::AttemptCounted(_) | Self::CredentialIssued(_) => Effect::None,
            Self::RotationStaged(_) | Self::RotationCommitted(_) | Self::RotationAborted(_) => Effect::None,
            Self::RotationParked(_) | Self::RotationResumed(_) | Self::AbortPlanned(_) => Effect::None,
            Self::JobBegun(_) => Effect::None,
            Self::ReadRefused(_) | Self::RotationRefused(_) | Self::ScheduledRotationRefused(_) => Effect::None,
            Self::DeletionRefused(_) | Self::DataDestructionRefused(_) | Self::CommandRefused(_) => Effect::None,
            Self::CommandHadNoEffect(_) => Effect::None,
            of_whole!() => Effect::None,
        }
    }
}

impl Effect {
    /// Returns the version that the event is about.
    pub(crate) const fn version(self) -> Option<VersionId> {
        match self {
            Self::On(version) | Self::Adds(version) | Self::Renews(version) | Self::Ends(version) => Some(version),
            Self::None | Self::EndsAll => None,
        }
    }

    /// Returns the version whose data came in.
    pub(crate) const fn made(self) -> Option<VersionId> {
        match self {
            Self::Adds(version) | Self::Renews(version) => Some(version),
            Self::None | Self::On(_) | Self::Ends(_) | Self::EndsAll => None,
        }
    }

    /// Returns the version that the event is about and that was there before it.
    pub(crate) const fn earlier(self) -> Option<VersionId> {
        match self {
            Self::On(version) | Self::Renews(version) | Self::Ends(version) => Some(version),
            Self::None | Self::Adds(_) | Self::EndsAll => None,
        }
    }

    /// Returns the touch by which data goes, whatever is kept of the secret. What falls out of the window when a version is
    /// added has an event of its own.
    pub(crate) const fn touch(self) -> Option<Touch> {
        match self {
            Self::Renews(_) => Some(Touch::Regenerate),
            Self::Ends(version) => Some(Touch::DestroyData(version)),
            Self::EndsAll => Some(Touch::Delete),
            Self::None | Self::On(_) | Self::Adds(_) => None,
        }
    }
}
