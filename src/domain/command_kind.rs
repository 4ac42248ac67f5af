//! Owns what is told of commands by their kind: which secrets they are about, which data and rows they bring.
//!
//! Read next: [`super::decide`].

use super::command::{Command, Prepared};
use super::id::SecretId;
use super::rotation_command::{Reported, RotationCommand};

impl Command {
    /// Gives the same command as if its data were sealed under an epoch: for dry runs, which have none.
    #[must_use]
    pub(crate) fn sealed_under(mut self, epoch: u32) -> Self {
        if let Some(data) = self.data_mut() {
            data.sealed.epoch = epoch;
        }
        self
    }

    /// Tells whether it brings rows of its own that are written whenever it is accepted.
    #[allow(clippy::match_same_arms, reason = "each is named, some in a line")]
    pub(crate) const fn brings_rows(&self) -> bool {
        match self {
            Self::AddKeySlot { .. }
            | Self::RemoveKeySlot { .. }
            | Self::RollEpoch { .. }
            | Self::RetireEpoch { .. }
            | Self::SetSigningKey { .. } => true,
            Self::CreateSecret { .. } | Self::Rotate { .. } | Self::Restore { .. } => false,
            Self::ReadDynamic { .. } | Self::RecordRead { .. } | Self::RecordAccess { .. } => false,
            Self::DestroyData { .. } | Self::DeleteSecret { .. } | Self::UpdateSecret { .. } => false,
            Self::UpdateVersion { .. } | Self::SetPolicy { .. } | Self::ClearPolicy { .. } => false,
            Self::PlaceLocks { .. } | Self::RemoveLocks { .. } | Self::RenewLock { .. } => false,
            Self::Rotation { .. } | Self::Lapse { .. } | Self::CreateGroup { .. } | Self::UpdateGroup { .. } => false,
            Self::DeleteGroup { .. } | Self::ChangeSettings { .. } | Self::EraseBodies { .. } => false,
            Self::EndQuarantine | Self::HoldClock(_) | Self::ConfirmClock(_) | Self::RebaseClock(_) => false,
            Self::NoteStrangers(_) | Self::RecordHeartbeat => false,
        }
    }

    /// Gives every secret that it is about.
    pub(crate) fn secrets(&self) -> Vec<SecretId> {
        // It alone may be about several.
        if let Self::PlaceLocks { targets } = self {
            return targets.iter().map(|target| target.secret).collect();
        }
        self.secret().into_iter().collect()
    }

    /// Gives the one secret that it is about; a set of locks on several secrets is about none.
    #[allow(clippy::match_same_arms, reason = "what is said of the clock and by a worker stands by itself")]
    pub(crate) fn secret(&self) -> Option<SecretId> {
        match self {
            Self::CreateSecret { id, .. } => Some(*id),
            Self::Rotate { secret, .. } | Self::Restore { secret, .. } => Some(*secret),
            Self::ReadDynamic { secret, .. } | Self::RecordRead { secret, .. } => Some(*secret),
            Self::DestroyData { secret, .. } | Self::DeleteSecret { secret } => Some(*secret),
            Self::UpdateSecret { secret, .. } | Self::UpdateVersion { secret, .. } => Some(*secret),
            Self::SetPolicy { secret, .. } | Self::ClearPolicy { secret } => Some(*secret),
            Self::RemoveLocks { secret, .. } | Self::RenewLock { secret, .. } => Some(*secret),
            Self::Rotation { secret, .. } | Self::Lapse { secret } => Some(*secret),
            Self::PlaceLocks { targets } => targets.first().filter(|_| targets.len() == 1).map(|only| only.secret),
            Self::RecordAccess { .. } | Self::CreateGroup { .. } | Self::UpdateGroup { .. } => None,
            Self::DeleteGroup { .. } | Self::ChangeSettings { .. } | Self::AddKeySlot { .. } => None,
            Self::RemoveKeySlot { .. } | Self::RollEpoch { .. } | Self::RetireEpoch { .. } => None,
            Self::SetSigningKey { .. } | Self::EraseBodies { .. } | Self::EndQuarantine => None,
            Self::RecordHeartbeat => None,
            Self::HoldClock(_) | Self::ConfirmClock(_) | Self::RebaseClock(_) | Self::NoteStrangers(_) => None,
        }
    }

    #[allow(clippy::match_same_arms, reason = "each is named, some in a line")]
    /// Gives the data that it brings for a version, if it does.
    fn data_mut(&mut self) -> Option<&mut Prepared> {
        match self {
            Self::CreateSecret { first, .. } => first.as_mut(),
            Self::Rotate { next, .. } | Self::Restore { next, .. } => Some(next),
            Self::ReadDynamic { fresh, .. } => Some(fresh),
            Self::Rotation { step, .. } => step.data_mut(),
            Self::RecordRead { .. } | Self::RecordAccess { .. } | Self::DestroyData { .. } => None,
            Self::DeleteSecret { .. } | Self::UpdateSecret { .. } | Self::UpdateVersion { .. } => None,
            Self::SetPolicy { .. } | Self::ClearPolicy { .. } | Self::PlaceLocks { .. } => None,
            Self::RemoveLocks { .. } | Self::RenewLock { .. } | Self::Lapse { .. } => None,
            Self::CreateGroup { .. } | Self::UpdateGroup { .. } | Self::DeleteGroup { .. } => None,
            Self::ChangeSettings { .. } | Self::AddKeySlot { .. } | Self::RemoveKeySlot { .. } => None,
            Self::RollEpoch { .. } | Self::RetireEpoch { .. } | Self::SetSigningKey { .. } => None,
            Self::EraseBodies { .. } | Self::EndQuarantine | Self::HoldClock(_) | Self::ConfirmClock(_) => None,
            Self::RebaseClock(_) | Self::NoteStrangers(_) | Self::RecordHeartbeat => None,
        }
    }
}

/// Makes one question of a step that is looked at, and of one that may be changed.
macro_rules! data_of_step {
    ($(#[$meta:meta])* $name:ident, $as:ident, $($borrow:tt)+) => {
        $(#[$meta])*
        #[allow(clippy::match_same_arms, reason = "each is named, some in a line")]
        pub(crate) fn $name($($borrow)+ self) -> Option<$($borrow)+ Prepared> {
            match self {
                Self::Plan(new) => new.value.$as(),
                Self::Fail { value, .. } => value.$as(),
                Self::Issue { made, .. } => made.$as(),
                Self::Keep { answer, .. } => Some(answer),
                Self::Adopt(adopted) => Some($($borrow)+ adopted.made),
                Self::Report { report: Reported::Created { made, .. }, .. } => Some(made),
                Self::Report { report: Reported::Deleted | Reported::Failed { .. }, .. } => None,
                Self::Attempt { .. } | Self::Commit { .. } | Self::BeginEnding { .. } => None,
                Self::FinishAbort { .. } | Self::Abort { .. } | Self::Resume | Self::PlanRetirement { .. } => None,
                Self::BeginRetirement { .. } | Self::FailRetirement { .. } | Self::FinishRetirement { .. } => None,
                Self::Acknowledge { .. } | Self::CancelTask { .. } => None,
            }
        }
    };
}

impl RotationCommand {
    data_of_step! {
        /// Gives the data that it brings along, if it does.
        data, as_ref, &
    }

    data_of_step! {
        /// The same, to be changed.
        data_mut, as_mut, &mut
    }
}
