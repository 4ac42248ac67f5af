//! Owns commands of hosts, with data that is not sealed yet.
//!
//! Read next: [`super::prepare`], which seals it.

use std::collections::BTreeSet;

use crate::domain::clock::ClockConfirmedBy;
use crate::domain::command::{Change, Command as Decided, LockTarget, SecretChanges};
use crate::domain::expiry::Expiry;
use crate::domain::fencing::FencingToken;
use crate::domain::id::{GroupId, SecretId, TaskId};
use crate::domain::json::JsonObject;
use crate::domain::lock::{LockMode, LockNames, NewLock};
use crate::domain::name::{Description, GroupName, LockName, Reason};
use crate::domain::policy::RotationPolicy;
use crate::domain::position::{Position, Revision};
use crate::domain::rotation_command::RotationCommand;
use crate::domain::settings::Settings;
use crate::domain::time::Timestamp;
use crate::domain::version::VersionRef;
use crate::issuer::job::TaskReport;

use super::new_secret::{NewData, NewDataFrom, NewSecret, Source};

/// A command of a host, for [`crate::Session::run`], [`crate::Session::submit`] and [`crate::Session::dry_run`].
///
/// ```
/// use latchkeep::{Command, LockName, NewLock, SecretId, VersionRef};
///
/// let secret = SecretId::parse("0199d0a0-0000-7000-8000-000000000001")?;
/// let command = Command::place_lock(secret, VersionRef::Current, NewLock::new(LockName::parse("billing")?));
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
#[derive(Debug)]
pub struct Command(pub(super) Wanted);

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "one lives at a time, for as long as its command is asked")]
pub(super) enum Wanted {
    Create(Box<NewSecret>),
    Rotate(SecretId, NewData),
    Restore(SecretId),
    /// A read, for dry runs.
    Read(SecretId, VersionRef),
    CreateGroup {
        name: GroupName,
        description: Option<Description>,
    },
    EraseBodies(BTreeSet<Position>),
    ReportTask(SecretId, TaskId, TaskReport),
    /// A command with nothing to seal and no id to draw.
    Plain(Decided),
}

impl Command {
    /// Makes a secret with its first version. The receipt names both.
    #[must_use]
    pub fn create(new: NewSecret) -> Self {
        Self(Wanted::Create(Box::new(new)))
    }

    /// Adds a version, which becomes current; the current one becomes previous, with its locks.
    #[must_use]
    pub const fn rotate(secret: SecretId, data: NewData) -> Self {
        Self(Wanted::Rotate(secret, data))
    }

    /// Adds a version with the data of the previous one.
    #[must_use]
    pub const fn restore(secret: SecretId) -> Self {
        Self(Wanted::Restore(secret))
    }

    /// Gives up the open rotation of a secret.
    #[must_use]
    pub const fn abort_rotation(secret: SecretId, reason: Reason) -> Self {
        Self(Wanted::Plain(Decided::Rotation { secret, step: RotationCommand::Abort { reason } }))
    }

    /// Resumes the parked rotation of a secret.
    #[must_use]
    pub const fn resume_rotation(secret: SecretId) -> Self {
        Self(Wanted::Plain(Decided::Rotation { secret, step: RotationCommand::Resume }))
    }

    /// Ends the credential of a version.
    #[must_use]
    pub const fn retire(secret: SecretId, version: VersionRef) -> Self {
        Self(Wanted::Plain(Decided::Rotation { secret, step: RotationCommand::PlanRetirement { version } }))
    }

    /// Acknowledges that the caller uses a version.
    #[must_use]
    pub const fn acknowledge(secret: SecretId, version: VersionRef) -> Self {
        Self(Wanted::Plain(Decided::Rotation { secret, step: RotationCommand::Acknowledge { version } }))
    }

    /// Reports the result of the task of a job.
    #[must_use]
    pub const fn report_task(secret: SecretId, task: TaskId, report: TaskReport) -> Self {
        Self(Wanted::ReportTask(secret, task, report))
    }

    /// Cancels a task that makes a credential.
    #[must_use]
    pub const fn cancel_task(secret: SecretId, task: TaskId, reason: Reason) -> Self {
        Self(Wanted::Plain(Decided::Rotation { secret, step: RotationCommand::CancelTask { task, reason } }))
    }

    /// Ends the quarantine of a restored store; does nothing in a store without quarantine.
    #[must_use]
    pub const fn end_quarantine() -> Self {
        Self(Wanted::Plain(Decided::EndQuarantine))
    }

    /// Confirms the time that the clock shows.
    #[must_use]
    pub const fn confirm_clock() -> Self {
        Self(Wanted::Plain(Decided::ConfirmClock(ClockConfirmedBy::Person)))
    }

    /// Makes the store go by its clock again, when that shows an earlier time than the last record.
    #[must_use]
    pub const fn rebase_clock() -> Self {
        // The writer fills in the time of the clock.
        Self(Wanted::Plain(Decided::RebaseClock(Timestamp::EPOCH)))
    }

    /// Reads a version; only for dry runs, since only [`crate::Session::read`] returns data.
    #[must_use]
    pub const fn read(secret: SecretId, version: VersionRef) -> Self {
        Self(Wanted::Read(secret, version))
    }

    /// Destroys the data of one version.
    #[must_use]
    pub const fn destroy_data(secret: SecretId, version: VersionRef) -> Self {
        Self(Wanted::Plain(Decided::DestroyData { secret, version }))
    }

    /// Deletes a secret, with all its versions and their data.
    #[must_use]
    pub const fn delete(secret: SecretId) -> Self {
        Self(Wanted::Plain(Decided::DeleteSecret { secret }))
    }

    /// Changes the metadata of a secret.
    #[must_use]
    pub fn update(secret: SecretId, changes: SecretChanges) -> Self {
        Self(Wanted::Plain(Decided::UpdateSecret { secret, changes: Box::new(changes) }))
    }

    /// Replaces the metadata of a version, or removes it.
    #[must_use]
    pub const fn update_version(secret: SecretId, version: VersionRef, custom_metadata: Option<JsonObject>) -> Self {
        Self(Wanted::Plain(Decided::UpdateVersion { secret, version, custom_metadata }))
    }

    /// Sets how a secret rotates by policy.
    #[must_use]
    pub const fn set_policy(secret: SecretId, policy: RotationPolicy) -> Self {
        Self(Wanted::Plain(Decided::SetPolicy { secret, policy }))
    }

    /// Clears the rotation policy of a secret.
    #[must_use]
    pub const fn clear_policy(secret: SecretId) -> Self {
        Self(Wanted::Plain(Decided::ClearPolicy { secret }))
    }

    /// Places a lock on a version; replaces one of the same name there.
    #[must_use]
    pub fn place_lock(secret: SecretId, version: VersionRef, lock: NewLock) -> Self {
        Self::place_locks(secret, version, vec![lock], LockMode::Keep)
    }

    /// Places up to 1,000 locks on a version, all or none.
    #[must_use]
    pub fn place_locks(secret: SecretId, version: VersionRef, locks: Vec<NewLock>, mode: LockMode) -> Self {
        Self::place_lock_set(vec![LockTarget { secret, version, locks, mode }])
    }

    /// Places up to 1,000 locks on versions of several secrets, all or none.
    #[must_use]
    pub const fn place_lock_set(targets: Vec<LockTarget>) -> Self {
        Self(Wanted::Plain(Decided::PlaceLocks { targets }))
    }

    /// Removes locks from a version; a name without a lock is no error.
    #[must_use]
    pub const fn remove_locks(secret: SecretId, version: VersionRef, names: LockNames) -> Self {
        Self(Wanted::Plain(Decided::RemoveLocks { secret, version, names }))
    }

    /// Moves the end of a lock's lease, to a time or to a length after the renewal. With a fencing token, only if it is
    /// still the lock's.
    #[must_use]
    pub fn renew_lock(
        secret: SecretId,
        version: VersionRef,
        name: LockName,
        end: impl Into<Expiry>,
        fencing_token: Option<FencingToken>,
    ) -> Self {
        let expires = end.into();
        Self(Wanted::Plain(Decided::RenewLock { secret, version, name, expires, fencing_token }))
    }

    /// Makes a group; at most 200 exist.
    #[must_use]
    pub const fn create_group(name: GroupName, description: Option<Description>) -> Self {
        Self(Wanted::CreateGroup { name, description })
    }

    /// Renames or describes a group.
    #[must_use]
    pub const fn update_group(group: GroupId, name: Option<GroupName>, description: Change<Description>) -> Self {
        Self(Wanted::Plain(Decided::UpdateGroup { group, name, description }))
    }

    /// Deletes an empty group.
    #[must_use]
    pub const fn delete_group(group: GroupId) -> Self {
        Self(Wanted::Plain(Decided::DeleteGroup { group }))
    }

    /// Erases the bodies of 1 to 1,000 records of the log; see [`crate::Session::erase_bodies`].
    #[must_use]
    pub fn erase_bodies(positions: impl IntoIterator<Item = Position>) -> Self {
        Self(Wanted::EraseBodies(positions.into_iter().collect()))
    }

    /// Changes the settings of the store.
    #[must_use]
    pub const fn change_settings(settings: Settings) -> Self {
        Self(Wanted::Plain(Decided::ChangeSettings { settings }))
    }
}

impl Command {
    /// Returns what distinguishes this command from another one under the same idempotency key, except secret data (see
    /// [`super::repeated`]): all its parameters, and nothing that was drawn for it.
    pub(super) fn shape(&self, expected: Option<Revision>, force: bool) -> String {
        let shape = match &self.0 {
            Wanted::Create(new) => {
                let NewSecret { group, metadata, expires, spec, policy, version_metadata, data } = &**new;
                let made = match data {
                    Source::Given(_) => String::new(),
                    Source::GeneratedPassword(username) => format!(" generated {username:?}"),
                    Source::ApiKey | Source::Issuer => " made".to_owned(),
                };
                format!("create {group:?} {metadata:?} {expires:?} {spec:?} {policy:?} {version_metadata:?}{made}")
            }
            Wanted::Rotate(secret, NewData { from, version_metadata }) => {
                let from = match from {
                    NewDataFrom::Given(_) => "given",
                    NewDataFrom::Password(_) => "password",
                    NewDataFrom::Generated => "generated",
                };
                format!("rotate {secret:?} {version_metadata:?} {from}")
            }
            Wanted::ReportTask(secret, task, report) => {
                format!("report {secret:?} {task:?} {}", super::tasks::shape(report))
            }
            other => format!("{other:?}"),
        };
        format!("{shape} {expected:?} {force}")
    }
}
