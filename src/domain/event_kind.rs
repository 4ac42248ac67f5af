//! Owns the list of all events by whom they are about, and what is told of them by their kind: which destroy data, which are of
//! the audit trail.
//!
//! What each event says is declared once, beside its fields, in [`super::event`] and [`super::rotation_event`]. Read next:
//! [`super::evolve`].

use super::event::{
    AccessRecorded, CommandHadNoEffect, CommandRefused, DataDestructionRefused, DeletionRefused, ReadRefused,
    RotationRefused, ScheduledRotationRefused,
};
use super::event_shape::{event_enum, event_list};
use super::id::{DataKeyId, SecretId};

event_list! {
    ($)
    whole {
        StoreCreated, SettingsChanged, KeySlotAdded, KeySlotRemoved, EpochRolled, EpochRetired, ClockRanBack,
        SigningKeySet, HeartbeatRecorded, GroupCreated, GroupUpdated, GroupDeleted, GroupRestated, BodiesErased,
        StoreRestored, QuarantineEnded, ClockHeld, ClockConfirmed, ClockRebased, StrangersFound,
    }
    trail {
        ReadRefused, RotationRefused, ScheduledRotationRefused, DeletionRefused, DataDestructionRefused,
        CommandRefused, CommandHadNoEffect, AccessRecorded,
    }
    secret {
        SecretCreated, SecretUpdated, SpecUpdated, PolicySet, PolicyCleared, SecretDeleted, SecretExpired,
        ExpirationHeld, SecretRestated, VersionAdded, VersionRegenerated, VersionDownloaded, VersionUpdated,
        VersionDataDestroyed, VersionRestated, LockPlaced, LockRenewed, LockRemoved, LockExpired, LockRestated,
    }
    rotation {
        DeletionPlanned, RetirementPlanned, CredentialRetired, CredentialKept, VersionAcknowledged, RetirementFailed,
        RotationPlanned, RotationAttempted, RotationAttemptFailed, AttemptCounted, HoldOverridden, CredentialIssued,
        RotationStaged, RotationCommitted, RotationAborted, RotationParked, RotationResumed, AbortPlanned, JobBegun,
        RetirementJobBegun,
    }
}

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

    /// Gives the data keys that this event destroys; their rows go in the batch that records it.
    #[must_use]
    #[allow(
        clippy::unnested_or_patterns,
        clippy::match_same_arms,
        reason = "the lists of events are macros, and name events one by one"
    )]
    pub fn destroyed_data_keys(&self) -> &[DataKeyId] {
        match self {
            Self::SecretDeleted(event) => &event.data_keys,
            Self::VersionDataDestroyed(event) => std::slice::from_ref(&event.data_key),
            Self::VersionRegenerated(event) => event.destroyed.as_slice(),
            Self::RotationAttemptFailed(event) => event.destroyed.as_slice(),
            Self::RotationAborted(event) => &event.data_keys,
            Self::SecretCreated(_) | Self::SecretUpdated(_) | Self::SpecUpdated(_) | Self::PolicySet(_) => &[],
            Self::PolicyCleared(_) | Self::SecretExpired(_) | Self::ExpirationHeld(_) | Self::VersionAdded(_) => &[],
            Self::VersionDownloaded(_) | Self::VersionUpdated(_) | Self::LockPlaced(_) | Self::LockRenewed(_) => &[],
            Self::LockRemoved(_) | Self::LockExpired(_) => &[],
            Self::SecretRestated(_) | Self::VersionRestated(_) | Self::LockRestated(_) => &[],
            Self::DeletionPlanned(_) | Self::RetirementPlanned(_) | Self::CredentialRetired(_) => &[],
            Self::CredentialKept(_) | Self::VersionAcknowledged(_) | Self::RetirementFailed(_) => &[],
            Self::RotationPlanned(_) | Self::RotationAttempted(_) | Self::AttemptCounted(_) => &[],
            Self::HoldOverridden(_) | Self::CredentialIssued(_) | Self::RotationStaged(_) => &[],
            Self::RotationCommitted(_) | Self::RotationParked(_) | Self::RotationResumed(_) => &[],
            Self::AbortPlanned(_) | Self::JobBegun(_) | Self::RetirementJobBegun(_) => &[],
            of_whole!() | of_trail!() => &[],
        }
    }

    /// Gives the secret that an event of the audit trail is about; it counts no revision there.
    #[must_use]
    #[allow(clippy::unnested_or_patterns, reason = "the lists of events are macros, and name events one by one")]
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
            of_whole!() | of_secret!() | of_rotation!() => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANUAL: &str = include_str!("../manual/format.md");

    #[test]
    fn the_manual_lists_every_event_as_it_is_declared() {
        let mut declared = Vec::new();
        for (about, numbers) in NUMBERS {
            for number in *numbers {
                let body = if Event::is_erasable_by(*number).unwrap() { "erasable" } else { "kept" };
                let name = Event::label_of(*number).unwrap();
                declared.push((*number, format!("| {number} | `{name}` | {about} | {body} |")));
            }
        }
        declared.sort_unstable();
        let rows = MANUAL.lines().filter(|line| declared.iter().any(|(_, row)| line.starts_with(row.as_str())));
        let numbered: Vec<u16> = rows.map(|line| line.split('|').nth(1).unwrap().trim().parse().unwrap()).collect();
        let expected: Vec<u16> = declared.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbered, expected, "each event has a row, in the order of their numbers: {declared:#?}");
    }
}
