//! Owns what is told of events by their kind: which bodies may be erased, which destroy data, which are of the audit trail.
//!
//! Read next: [`super::evolve`].

use super::event::{
    AccessRecorded, CommandHadNoEffect, CommandRefused, DataDestructionRefused, DeletionRefused, Event, ReadRefused,
    RotationRefused,
};
use super::id::{DataKeyId, SecretId};
use super::refusal::Refusal;
use super::rotation_event::ScheduledRotationRefused;

/// The events of the whole store, its keys and its groups: a pattern, for matches that name all events.
macro_rules! of_whole {
    () => {
        $crate::domain::event::Event::StoreCreated(_)
            | $crate::domain::event::Event::SettingsChanged(_)
            | $crate::domain::event::Event::KeySlotAdded(_)
            | $crate::domain::event::Event::KeySlotRemoved(_)
            | $crate::domain::event::Event::EpochRolled(_)
            | $crate::domain::event::Event::EpochRetired(_)
            | $crate::domain::event::Event::ClockRanBack(_)
            | $crate::domain::event::Event::SigningKeySet(_)
            | $crate::domain::event::Event::HeartbeatRecorded(_)
            | $crate::domain::event::Event::GroupCreated(_)
            | $crate::domain::event::Event::GroupUpdated(_)
            | $crate::domain::event::Event::GroupDeleted(_)
            | $crate::domain::event::Event::GroupRestated(_)
            | $crate::domain::event::Event::BodiesErased(_)
            | $crate::domain::event::Event::StoreRestored(_)
            | $crate::domain::event::Event::QuarantineEnded(_)
            | $crate::domain::event::Event::ClockHeld(_)
            | $crate::domain::event::Event::ClockConfirmed(_)
            | $crate::domain::event::Event::ClockRebased(_)
            | $crate::domain::event::Event::StrangersFound(_)
    };
}

/// The events of the audit trail.
macro_rules! of_trail {
    () => {
        $crate::domain::event::Event::ReadRefused(_)
            | $crate::domain::event::Event::RotationRefused(_)
            | $crate::domain::event::Event::ScheduledRotationRefused(_)
            | $crate::domain::event::Event::DeletionRefused(_)
            | $crate::domain::event::Event::DataDestructionRefused(_)
            | $crate::domain::event::Event::CommandRefused(_)
            | $crate::domain::event::Event::CommandHadNoEffect(_)
            | $crate::domain::event::Event::AccessRecorded(_)
    };
}

/// The events about a secret, its versions and its locks.
macro_rules! of_secret {
    () => {
        $crate::domain::event::Event::SecretCreated(_)
            | $crate::domain::event::Event::SecretUpdated(_)
            | $crate::domain::event::Event::SpecUpdated(_)
            | $crate::domain::event::Event::PolicySet(_)
            | $crate::domain::event::Event::PolicyCleared(_)
            | $crate::domain::event::Event::SecretDeleted(_)
            | $crate::domain::event::Event::SecretExpired(_)
            | $crate::domain::event::Event::ExpirationHeld(_)
            | $crate::domain::event::Event::SecretRestated(_)
            | $crate::domain::event::Event::VersionAdded(_)
            | $crate::domain::event::Event::VersionRegenerated(_)
            | $crate::domain::event::Event::VersionDownloaded(_)
            | $crate::domain::event::Event::VersionUpdated(_)
            | $crate::domain::event::Event::VersionDataDestroyed(_)
            | $crate::domain::event::Event::VersionRestated(_)
            | $crate::domain::event::Event::LockPlaced(_)
            | $crate::domain::event::Event::LockRenewed(_)
            | $crate::domain::event::Event::LockRemoved(_)
            | $crate::domain::event::Event::LockExpired(_)
            | $crate::domain::event::Event::LockRestated(_)
    };
}

/// The events about rotations by an issuer, and about credentials.
macro_rules! of_rotation {
    () => {
        $crate::domain::event::Event::DeletionPlanned(_)
            | $crate::domain::event::Event::RetirementPlanned(_)
            | $crate::domain::event::Event::CredentialRetired(_)
            | $crate::domain::event::Event::CredentialKept(_)
            | $crate::domain::event::Event::VersionAcknowledged(_)
            | $crate::domain::event::Event::RetirementFailed(_)
            | $crate::domain::event::Event::RotationPlanned(_)
            | $crate::domain::event::Event::RotationAttempted(_)
            | $crate::domain::event::Event::RotationAttemptFailed(_)
            | $crate::domain::event::Event::AttemptCounted(_)
            | $crate::domain::event::Event::HoldOverridden(_)
            | $crate::domain::event::Event::CredentialIssued(_)
            | $crate::domain::event::Event::RotationStaged(_)
            | $crate::domain::event::Event::RotationCommitted(_)
            | $crate::domain::event::Event::RotationAborted(_)
            | $crate::domain::event::Event::RotationParked(_)
            | $crate::domain::event::Event::RotationResumed(_)
            | $crate::domain::event::Event::AbortPlanned(_)
            | $crate::domain::event::Event::JobBegun(_)
            | $crate::domain::event::Event::RetirementJobBegun(_)
    };
}

pub(super) use {of_rotation, of_secret, of_trail, of_whole};

/// Whom an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The whole store, its keys and its groups.
    Whole,
    /// The audit trail: it reports on a secret, whose revision stays.
    Trail,
    /// One secret, for which it counts a revision.
    Secret,
}

impl Event {
    /// Says whom it is about.
    #[must_use]
    #[allow(clippy::unnested_or_patterns, reason = "the lists of events are macros, and name events one by one")]
    pub(crate) const fn scope(&self) -> Scope {
        match self {
            of_whole!() => Scope::Whole,
            of_trail!() => Scope::Trail,
            of_secret!() | of_rotation!() => Scope::Secret,
        }
    }

    /// Tells whether the body may be erased later: it can hold words about a person.
    #[must_use]
    pub const fn is_erasable(&self) -> bool {
        matches!(Self::is_erasable_by(self.number()), Some(true))
    }

    /// Tells the same of the kind of event with this number, as record headers give it; `None` when no event has it.
    #[must_use]
    pub const fn is_erasable_by(number: u16) -> Option<bool> {
        match number {
            // GroupCreated, GroupUpdated, GroupRestated; SecretCreated, SecretUpdated, SpecUpdated, SecretRestated;
            // VersionAdded, VersionUpdated, VersionRestated; LockPlaced, LockRestated.
            10 | 11 | 16 | 20..=22 | 28 | 30 | 33 | 35 | 40 | 44 => Some(true),
            _ if Self::label_of(number).is_some() => Some(false),
            _ => None,
        }
    }

    /// Gives the data keys that this event destroys; their rows go in the batch that records it.
    #[must_use]
    pub fn destroyed_data_keys(&self) -> &[DataKeyId] {
        match self {
            Self::SecretDeleted(event) => &event.data_keys,
            Self::VersionDataDestroyed(event) => std::slice::from_ref(&event.data_key),
            Self::VersionRegenerated(event) => event.destroyed.as_slice(),
            Self::RotationAttemptFailed(event) => event.destroyed.as_slice(),
            Self::RotationAborted(event) => &event.data_keys,
            _ => &[],
        }
    }

    /// Gives the secret that an event of the audit trail is about; it counts no revision there.
    #[must_use]
    pub const fn audited_secret(&self) -> Option<SecretId> {
        match self {
            Self::ReadRefused(ReadRefused { secret, .. })
            | Self::RotationRefused(RotationRefused { secret, .. })
            | Self::ScheduledRotationRefused(ScheduledRotationRefused { secret, .. })
            | Self::DeletionRefused(DeletionRefused { secret, .. })
            | Self::DataDestructionRefused(DataDestructionRefused { secret, .. })
            | Self::AccessRecorded(AccessRecorded { secret, .. }) => Some(*secret),
            Self::CommandRefused(CommandRefused { secret, .. })
            | Self::CommandHadNoEffect(CommandHadNoEffect { secret }) => *secret,
            _ => None,
        }
    }

    /// Gives the answer that an event of the audit trail stands for, when it was a no.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::ReadRefused(ReadRefused { refusal, .. })
            | Self::RotationRefused(RotationRefused { refusal, .. })
            | Self::ScheduledRotationRefused(ScheduledRotationRefused { refusal, .. })
            | Self::DeletionRefused(DeletionRefused { refusal, .. })
            | Self::DataDestructionRefused(DataDestructionRefused { refusal, .. })
            | Self::CommandRefused(CommandRefused { refusal, .. }) => Some(refusal),
            _ => None,
        }
    }
}
