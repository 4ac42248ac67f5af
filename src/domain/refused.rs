//! Owns how the audit trail tells of a refused command: by an event of its own for what was wanted, or as an answer to remember.
//!
//! What was wanted hangs on the command alone, and whether it is told of on the refusal alone. Read next: [`super::decide`].

use super::command::Command;
use super::event::{DataDestructionRefused, DeletionRefused, Event, ReadRefused, RotationRefused};
use super::event_kind::{of_rotation, of_secret, of_whole};
use super::held::Held;
use super::id::SecretId;
use super::refusal::{Blocked, Refusal};
use super::rotation::RotationTrigger;
use super::rotation_command::{Reported, RotationCommand};
use super::rotation_event::ScheduledRotationRefused;
use super::version::VersionOrigin;

/// What a refused command wanted of a secret, by the event that tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// To read it.
    Read,
    /// To replace its current version.
    Rotation,
    /// The same, because a policy asks for it.
    ScheduledRotation,
    /// To delete it.
    Deletion,
    /// To destroy the data of one version, or to end its credential.
    DataDestruction,
}

/// Whether the audit trail tells of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trail<'a> {
    /// Always, where something was wanted of a secret that is told of; else as an answer.
    Always(Grounds<'a>),
    /// As the answer that an idempotency key remembers.
    Answer,
    /// Never: "ask again" and "not yet" are no answers to remember, or asking again would be answered by them.
    Never,
}

/// What refuses a command that the audit trail always tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grounds<'a> {
    /// Locks.
    Locked(&'a Blocked),
    /// A grace, or consumers.
    Held(&'a Held),
    /// As many versions are kept as there can be.
    Full,
}

impl Wanted {
    /// Tells, of what replaces the current version, whether a policy asks for it.
    pub(crate) const fn rotates(self) -> Option<bool> {
        match self {
            Self::Rotation => Some(false),
            Self::ScheduledRotation => Some(true),
            Self::Read | Self::Deletion | Self::DataDestruction => None,
        }
    }

    /// Makes the event that tells of a refusal.
    pub(crate) fn refused(self, secret: SecretId, refusal: Refusal) -> Event {
        match self {
            Self::Read => ReadRefused { secret, refusal }.into(),
            Self::Rotation => RotationRefused { secret, refusal }.into(),
            Self::ScheduledRotation => ScheduledRotationRefused { secret, refusal }.into(),
            Self::Deletion => DeletionRefused { secret, refusal }.into(),
            Self::DataDestruction => DataDestructionRefused { secret, refusal }.into(),
        }
    }

    const fn rotation(is_scheduled: bool) -> Self {
        if is_scheduled { Self::ScheduledRotation } else { Self::Rotation }
    }
}

impl Refusal {
    /// Tells whether the audit trail tells of it.
    #[allow(clippy::match_same_arms, reason = "each is named, some in a line")]
    pub(crate) const fn trail(&self) -> Trail<'_> {
        match self {
            Self::Locked(blocked) => Trail::Always(Grounds::Locked(blocked)),
            Self::RotationHeld(held) => Trail::Always(Grounds::Held(held)),
            Self::VersionLimitReached { .. } => Trail::Always(Grounds::Full),
            Self::VersionChanged | Self::Quarantined { .. } => Trail::Never,
            Self::SecretNotFound | Self::VersionNotFound | Self::GroupNotFound | Self::LockNotFound => Trail::Answer,
            Self::SecretNameTaken { .. } | Self::GroupNameTaken | Self::GroupNotEmpty { .. } => Trail::Answer,
            Self::GroupIsDefault | Self::GroupLimitReached | Self::SecretLimitReached => Trail::Answer,
            Self::LockLimitReached { .. } | Self::VersionDataDestroyed { .. } => Trail::Answer,
            Self::VersionDataUnavailable { .. } | Self::SecretInactive { .. } => Trail::Answer,
            Self::RotationNotSupported | Self::NothingToRestore | Self::PolicyNotSupported { .. } => Trail::Answer,
            Self::PolicyAfterExpiry | Self::LockOwned { .. } | Self::FencingTokenStale { .. } => Trail::Answer,
            Self::RevisionMismatch { .. } | Self::IdempotencyKeyReused => Trail::Answer,
            Self::InvalidArgument { .. } | Self::KeySlotUnavailable { .. } => Trail::Answer,
            Self::RotationOpen { .. } | Self::RotationNotFound | Self::RotationNotParked => Trail::Answer,
            Self::TaskNotFound | Self::TaskNotAwaited { .. } | Self::VersionDataNotRestored => Trail::Answer,
        }
    }
}

impl Command {
    /// Returns what it wants of a secret, where the audit trail tells of that when it is refused.
    #[allow(clippy::match_same_arms, reason = "each is named, some in a line")]
    pub(crate) fn wanted(&self) -> Option<Wanted> {
        match self {
            Self::Rotate { origin, .. } => Some(Wanted::rotation(*origin == VersionOrigin::RotatedByPolicy)),
            Self::Restore { .. } => Some(Wanted::Rotation),
            Self::ReadDynamic { .. } | Self::RecordRead { .. } => Some(Wanted::Read),
            Self::DestroyData { .. } => Some(Wanted::DataDestruction),
            Self::DeleteSecret { .. } => Some(Wanted::Deletion),
            Self::Rotation { step, .. } => step.wanted(),
            // They touch no version, or, like a lapse, are held back and not refused.
            Self::CreateSecret { .. } | Self::RecordAccess { .. } | Self::UpdateSecret { .. } => None,
            Self::UpdateVersion { .. } | Self::SetPolicy { .. } | Self::ClearPolicy { .. } => None,
            Self::PlaceLocks { .. } | Self::RemoveLocks { .. } | Self::RenewLock { .. } | Self::Lapse { .. } => None,
            Self::CreateGroup { .. } | Self::UpdateGroup { .. } | Self::DeleteGroup { .. } => None,
            Self::ChangeSettings { .. } | Self::AddKeySlot { .. } | Self::RemoveKeySlot { .. } => None,
            Self::RollEpoch { .. } | Self::RetireEpoch { .. } | Self::SetSigningKey { .. } => None,
            Self::EraseBodies { .. } | Self::EndQuarantine | Self::HoldClock(_) | Self::ConfirmClock(_) => None,
            Self::RebaseClock(_) | Self::NoteStrangers(_) | Self::RecordHeartbeat => None,
        }
    }
}

impl RotationCommand {
    #[allow(clippy::match_same_arms, reason = "each is named, some in a line")]
    fn wanted(&self) -> Option<Wanted> {
        match self {
            Self::Plan(new) => Some(Wanted::rotation(new.trigger == RotationTrigger::ByPolicy)),
            Self::Attempt { .. } | Self::Fail { .. } | Self::Issue { .. } => Some(Wanted::Rotation),
            Self::Keep { .. } | Self::Commit { .. } | Self::BeginEnding { .. } => Some(Wanted::Rotation),
            Self::FinishAbort { .. } | Self::Abort { .. } | Self::Resume | Self::Adopt(_) => Some(Wanted::Rotation),
            Self::CancelTask { .. } => Some(Wanted::Rotation),
            Self::PlanRetirement { .. }
            | Self::BeginRetirement { .. }
            | Self::FailRetirement { .. }
            | Self::FinishRetirement { .. } => Some(Wanted::DataDestruction),
            Self::Report { report: Reported::Created { .. }, .. } => Some(Wanted::Rotation),
            Self::Report { report: Reported::Deleted, .. } => Some(Wanted::DataDestruction),
            // It ends nothing.
            Self::Report { report: Reported::Failed { .. }, .. } | Self::Acknowledge { .. } => None,
        }
    }
}

impl Event {
    /// Returns what a command wanted, when it was refused and has an event of its own.
    #[allow(
        clippy::unnested_or_patterns,
        clippy::match_same_arms,
        reason = "the lists of events are macros, and name events one by one"
    )]
    pub(crate) const fn wanted(&self) -> Option<Wanted> {
        match self {
            Self::ReadRefused(_) => Some(Wanted::Read),
            Self::RotationRefused(_) => Some(Wanted::Rotation),
            Self::ScheduledRotationRefused(_) => Some(Wanted::ScheduledRotation),
            Self::DeletionRefused(_) => Some(Wanted::Deletion),
            Self::DataDestructionRefused(_) => Some(Wanted::DataDestruction),
            Self::CommandRefused(_) | Self::CommandHadNoEffect(_) | Self::AccessRecorded(_) => None,
            of_whole!() | of_secret!() | of_rotation!() => None,
        }
    }

    /// Gives the answer that an event of the audit trail stands for, when it was a no.
    #[must_use]
    #[allow(
        clippy::unnested_or_patterns,
        clippy::match_same_arms,
        reason = "the lists of events are macros, and name events one by one"
    )]
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::ReadRefused(event) => Some(&event.refusal),
            Self::RotationRefused(event) => Some(&event.refusal),
            Self::ScheduledRotationRefused(event) => Some(&event.refusal),
            Self::DeletionRefused(event) => Some(&event.refusal),
            Self::DataDestructionRefused(event) => Some(&event.refusal),
            Self::CommandRefused(event) => Some(&event.refusal),
            Self::CommandHadNoEffect(_) | Self::AccessRecorded(_) => None,
            of_whole!() | of_secret!() | of_rotation!() => None,
        }
    }
}
