//! Owns the way back from records to commands: which ones could have led to a batch.
//!
//! It may offer too many: `judge` is asked about each, and one that leads to exactly this batch is enough.

use std::time::Duration;

use super::trail;
use crate::domain::command::{Change, Command, LockTarget, Prepared, SecretChanges};
use crate::domain::erasable::Erasable;
use crate::domain::event::{Event, LockPlaced, LockRemoved, SecretUpdated, VersionAdded};
use crate::domain::id::{SecretId, TaskId, VersionId};
use crate::domain::lock::{LockMode, LockNames, NewLock};
use crate::domain::name::Reason;
use crate::domain::patience::{Effort, Patience};
use crate::domain::record::Record;
use crate::domain::rotation_command::{Adopted, NewRotation, Reported, RotationCommand};
use crate::domain::rotation_event::{CredentialIssued, RotationAttemptFailed, RotationPlanned};
use crate::domain::secret::SecretSpec;
use crate::domain::state::State;
use crate::domain::version::{SealedRef, VersionDetails, VersionRef};

/// Gives the commands that a batch may come of.
pub(super) fn commands(state: &State, batch: &[Record], erasable: &[Erasable]) -> Vec<Command> {
    let head = &batch[0];
    match head.subject {
        None => trail::of_store(state, head, batch, erasable),
        Some(subject) => about(state, subject.secret, batch),
    }
}

fn plain(version: VersionId, sealed: SealedRef) -> Prepared {
    Prepared { version, sealed, details: VersionDetails::Plain, expires_at: None, custom_metadata: None }
}

fn prepared(added: &VersionAdded) -> Prepared {
    let (details, custom_metadata) = (added.details.clone(), added.custom_metadata.clone());
    Prepared { expires_at: added.expires_at, details, custom_metadata, ..plain(added.version, added.sealed) }
}

#[allow(clippy::too_many_lines, reason = "a table of events")]
fn about(state: &State, secret: SecretId, batch: &[Record]) -> Vec<Command> {
    let version = |version| VersionRef::Id(version);
    let tell = |step| Command::Rotation { secret, step };
    let mut found = match &batch[0].event {
        Event::SecretCreated(event) => {
            let first = batch.get(1).and_then(|record| match &record.event {
                Event::VersionAdded(added) => Some(prepared(added)),
                _ => None,
            });
            let (group, metadata, spec, policy) =
                (event.group, event.metadata.clone(), event.spec.clone(), event.policy);
            vec![Command::CreateSecret { id: secret, group, metadata, expires: None, spec, policy, first }]
        }
        Event::SecretUpdated(event) => {
            let spec = batch.get(1).and_then(|record| match &record.event {
                Event::SpecUpdated(event) => Some(event.spec.clone()),
                _ => None,
            });
            vec![updated(state, secret, event, spec)]
        }
        Event::SpecUpdated(event) => {
            let changes = SecretChanges { spec: Some(event.spec.clone()), ..Default::default() };
            vec![Command::UpdateSecret { secret, changes: Box::new(changes) }]
        }
        Event::PolicySet(event) => vec![Command::SetPolicy { secret, policy: event.policy }],
        Event::PolicyCleared(_) => vec![Command::ClearPolicy { secret }],
        Event::SecretDeleted(_) | Event::DeletionPlanned(_) => vec![Command::DeleteSecret { secret }],
        Event::VersionAdded(event) => {
            let next = prepared(event);
            vec![match event.restored_from {
                Some(from) => Command::Restore { secret, from, next },
                None => Command::Rotate { secret, origin: event.origin, next },
            }]
        }
        Event::VersionRegenerated(event) => {
            let fresh = Prepared { details: event.details.clone(), ..plain(event.version, event.sealed) };
            vec![Command::ReadDynamic { secret, fresh, at_hand: None }]
        }
        Event::VersionDownloaded(event) => trail::reads(state, secret, event.version),
        Event::VersionUpdated(event) => {
            let custom_metadata = event.custom_metadata.clone();
            vec![Command::UpdateVersion { secret, version: version(event.version), custom_metadata }]
        }
        Event::VersionDataDestroyed(event) => vec![Command::DestroyData { secret, version: version(event.version) }],
        Event::LockRenewed(event) => {
            let (name, expires) = (event.name.clone(), event.expires_at.into());
            vec![Command::RenewLock { secret, version: version(event.version), name, expires, fencing_token: None }]
        }
        Event::LockRemoved(event) => {
            let name = |record: &Record| match &record.event {
                Event::LockRemoved(LockRemoved { version, name, .. }) if *version == event.version => {
                    Some(name.clone())
                }
                _ => None,
            };
            let names = LockNames::These(batch.iter().map_while(name).collect());
            vec![Command::RemoveLocks { secret, version: version(event.version), names }]
        }
        Event::RetirementPlanned(event) => vec![
            tell(RotationCommand::PlanRetirement { version: version(event.version) }),
            Command::DestroyData { secret, version: version(event.version) },
            Command::DeleteSecret { secret },
        ],
        _ => steps(state, secret, batch).into_iter().map(tell).collect(),
    };
    found.push(Command::Lapse { secret });
    found.extend(placing(batch));
    found
}

fn updated(state: &State, secret: SecretId, event: &SecretUpdated, spec: Option<SecretSpec>) -> Command {
    fn change<T: Clone>(new: Option<&T>) -> Change<T> {
        new.map_or(Change::Clear, |new| Change::Set(new.clone()))
    }
    let metadata = &event.metadata;
    let before = state.secret(secret).and_then(|secret| secret.metadata.expires_at);
    let expires = match metadata.expires_at {
        same if same == before => Change::Keep,
        Some(end) => Change::Set(end.into()),
        None => Change::Clear,
    };
    let changes = SecretChanges {
        name: Some(metadata.name.clone()),
        description: change(metadata.description.as_ref()),
        labels: Some(metadata.labels.to_vec()),
        custom_metadata: change(metadata.custom_metadata.as_ref()),
        expires,
        retention: Some(metadata.retention),
        refuse_rotation_while_locked: change(metadata.refuse_rotation_while_locked.as_ref()),
        spec,
    };
    Command::UpdateSecret { secret, changes: Box::new(changes) }
}

/// Locks that are placed, on one version of each secret, in each mode.
fn placing(batch: &[Record]) -> Vec<Command> {
    let of_one = |one: &Record, other: &Record| one.subject.map(|it| it.secret) == other.subject.map(|it| it.secret);
    let mut found = vec![Vec::new()];
    for records in batch.chunk_by(of_one) {
        let Some(subject) = records[0].subject else { return Vec::new() };
        let placed = |record: &Record| match &record.event {
            Event::LockPlaced(LockPlaced { version, lock, .. }) => Some((*version, lock.clone())),
            _ => None,
        };
        let placed: Vec<_> = records.iter().map_while(placed).collect();
        let version = placed.first().map_or(VersionRef::Current, |(version, _)| VersionRef::Id(*version));
        let new = |(_, lock): &(VersionId, crate::domain::lock::PlacedLock)| NewLock {
            name: lock.name.clone(),
            description: lock.description.clone(),
            attributes: lock.attributes.clone(),
            owner: lock.owner.clone(),
            expires: lock.expires_at.map(Into::into),
            replacing: None,
        };
        let locks: Vec<_> = placed.iter().map(new).collect();
        let target = |mode| LockTarget { secret: subject.secret, version, locks: locks.clone(), mode };
        let modes = if records.len() == placed.len() { &[LockMode::Keep][..] } else { LockMode::ALL };
        let more = |targets: &Vec<LockTarget>, mode| [&targets[..], &[target(mode)]].concat();
        found = found.iter().flat_map(|targets| modes.iter().map(|mode| more(targets, *mode))).collect();
    }
    found.into_iter().map(|targets| Command::PlaceLocks { targets }).collect()
}

/// Steps of rotations and of the ends of credentials.
fn steps(state: &State, secret: SecretId, batch: &[Record]) -> Vec<RotationCommand> {
    let reported = |version: VersionId, report| RotationCommand::Report { task: version.into(), report };
    match &batch[0].event {
        Event::CredentialRetired(event) => vec![RotationCommand::FinishRetirement { version: event.version }],
        Event::RetirementFailed(event) => {
            let (version, reason, retry_at) = (event.version, event.reason.clone(), event.retry_at);
            vec![RotationCommand::FailRetirement { version, reason, retry_at }]
        }
        Event::RetirementJobBegun(event) => {
            vec![RotationCommand::BeginRetirement { version: event.version, report_by: event.report_by }]
        }
        Event::VersionAcknowledged(event) => {
            vec![RotationCommand::Acknowledge { version: VersionRef::Id(event.version) }]
        }
        Event::RotationPlanned(event) => vec![adopted(event, batch).unwrap_or_else(|| planned(event))],
        Event::RotationAttempted(event) => {
            let report_by = batch.get(1).and_then(|record| match &record.event {
                Event::JobBegun(event) => Some(event.report_by),
                _ => None,
            });
            vec![RotationCommand::Attempt { rotation: event.rotation, report_by }]
        }
        Event::RotationParked(event) => vec![RotationCommand::Attempt { rotation: event.rotation, report_by: None }],
        Event::RotationAttemptFailed(event) => failed(state, secret, event, batch),
        Event::CredentialIssued(event) => issued(state, secret, event, batch),
        Event::JobBegun(event) => {
            vec![RotationCommand::BeginEnding { rotation: event.rotation, report_by: event.report_by }]
        }
        Event::RotationStaged(_) | Event::RotationCommitted(_) | Event::AbortPlanned(_) | Event::RotationAborted(_) => {
            let Some(rotation) = state.secret(secret).and_then(|secret| secret.rotation.clone()) else {
                return Vec::new();
            };
            let reason = match &batch[0].event {
                Event::AbortPlanned(event) => event.reason.clone(),
                Event::RotationAborted(event) => event.reason.clone(),
                _ => Reason::of(""),
            };
            let retry_at = batch[0].recorded_at;
            let failed = Reported::Failed { reason: reason.clone(), retry_at };
            vec![
                RotationCommand::Commit { rotation: rotation.id },
                RotationCommand::Abort { reason },
                RotationCommand::FinishAbort { rotation: rotation.id },
                reported(rotation.to, Reported::Deleted),
                RotationCommand::Report { task: TaskId::from(rotation.id), report: failed },
            ]
        }
        Event::RotationResumed(_) => vec![RotationCommand::Resume],
        _ => Vec::new(),
    }
}

fn planned(event: &RotationPlanned) -> RotationCommand {
    let RotationPlanned { rotation: id, trigger, class, to, attempts_max, deadline, .. } = *event;
    let value = event.value.map(|value| plain(to, value));
    RotationCommand::Plan(Box::new(NewRotation { id, trigger, class, to, attempts_max, deadline, value }))
}

/// A whole rotation in one batch is of a credential that existed.
fn adopted(event: &RotationPlanned, batch: &[Record]) -> Option<RotationCommand> {
    let issued = batch.iter().find_map(|record| match &record.event {
        Event::CredentialIssued(issued) => Some(issued.clone()),
        _ => None,
    });
    let CredentialIssued { rotation, outside, sealed, expires_at } = issued?;
    let (issuer, made) = (event.issuer.clone(), plain(event.to, sealed));
    Some(RotationCommand::Adopt(Box::new(Adopted { issuer, rotation, outside: outside?, made, expires_at })))
}

/// An attempt that failed, by every effort that may have led to what was counted.
fn failed(state: &State, secret: SecretId, event: &RotationAttemptFailed, batch: &[Record]) -> Vec<RotationCommand> {
    let Some(secret) = state.secret(secret) else { return Vec::new() };
    let Some(open) = secret.rotation.as_deref() else { return Vec::new() };
    let before = secret.patience.as_deref().map_or_else(|| Patience::of(open), Clone::clone);
    let now = batch[0].recorded_at;
    let counted = batch.get(1).and_then(|record| match &record.event {
        Event::AttemptCounted(event) => Some(event.clone()),
        _ => None,
    });
    let secs = counted.as_ref().map_or(0, |counted| counted.worked_secs.saturating_sub(before.worked_secs));
    let worked = Duration::from_secs(secs).min(now.since(before.counted_at));
    let runs = counted.as_ref().is_some_and(|counted| counted.runs > before.runs);
    let value = event.value.map(|value| plain(open.to, value));
    let effort = |is_outage| Effort { worked, run_began: runs.then_some(now), is_outage };
    let fail = |effort| RotationCommand::Fail {
        rotation: event.rotation,
        failure: event.failure,
        reason: event.reason.clone(),
        retry_at: event.retry_at,
        value: value.clone(),
        effort,
    };
    [effort(false), effort(true)].map(fail).into()
}

fn issued(state: &State, secret: SecretId, event: &CredentialIssued, batch: &[Record]) -> Vec<RotationCommand> {
    let Some(open) = state.secret(secret).and_then(|secret| secret.rotation.clone()) else { return Vec::new() };
    let CredentialIssued { rotation, outside, sealed, expires_at } = event.clone();
    let made = open.value.is_none().then(|| plain(open.to, sealed));
    let mut found = vec![RotationCommand::Issue { rotation, outside: outside.clone(), made: made.clone(), expires_at }];
    if let Some(Event::RotationParked(parked)) = batch.get(1).map(|record| &record.event) {
        let (answer, reason) = (plain(open.to, sealed), parked.reason.clone());
        found.push(RotationCommand::Keep { rotation, answer, reason });
    }
    if let Some(made) = made {
        let report = Reported::Created { outside, made, expires_at };
        found.push(RotationCommand::Report { task: rotation.into(), report });
    }
    found
}
