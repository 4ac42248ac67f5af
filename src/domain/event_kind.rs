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

impl Event {
    /// Tells whether the body may be erased later: it can hold words about a person.
    #[must_use]
    pub const fn is_erasable(&self) -> bool {
        matches!(Self::is_erasable_by(self.number()), Some(true))
    }

    /// Tells the same of the kind of event with this number, as record headers give it; `None` when no event has it.
    #[must_use]
    pub const fn is_erasable_by(number: u16) -> Option<bool> {
        match number {
            // GroupCreated, GroupUpdated, GroupRestated.
            10 | 11 | 16 => Some(true),
            // SecretCreated, SecretUpdated, SpecUpdated, SecretRestated.
            20..=22 | 28 => Some(true),
            // VersionAdded, VersionUpdated, VersionRestated.
            30 | 33 | 35 => Some(true),
            // LockPlaced, LockRestated.
            40 | 44 => Some(true),
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
