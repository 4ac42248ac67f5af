//! Owns the way back from records of the whole store and of the audit trail to commands.

use super::super::world::NOBODY;
use crate::domain::command::{Change, Command, LockTarget, Prepared};
use crate::domain::erasable::Erasable;
use crate::domain::event::{AccessRecorded, Event, KeySlotRemoved, StoreRestored};
use crate::domain::id::{DataKeyId, RotationId, SecretId, VersionId};
use crate::domain::lock::{LockMode, LockNames};
use crate::domain::name::LockName;
use crate::domain::quarantine::RestoredFrom;
use crate::domain::record::Record;
use crate::domain::rotation::{IssuerClass, RotationTrigger};
use crate::domain::rotation_command::{NewRotation, RotationCommand};
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::domain::version::{SealedRef, VersionDetails, VersionOrigin, VersionRef};

/// Gives the commands that a batch may come of whose first record is about no secret.
pub(super) fn of_store(state: &State, head: &Record, batch: &[Record], erasable: &[Erasable]) -> Vec<Command> {
    let one = |command| vec![command];
    match &head.event {
        Event::HeartbeatRecorded(_) => one(Command::RecordHeartbeat),
        Event::QuarantineEnded(_) => one(Command::EndQuarantine),
        Event::ClockHeld(event) => one(Command::HoldClock(event.clone())),
        Event::StrangersFound(event) => one(Command::NoteStrangers(event.clone())),
        Event::ClockRebased(event) => one(Command::RebaseClock(event.observed_at)),
        Event::ClockConfirmed(event) => one(Command::ConfirmClock(event.by)),
        Event::SettingsChanged(event) => one(Command::ChangeSettings { settings: event.settings }),
        Event::KeySlotAdded(event) => one(Command::AddKeySlot { slot: event.slot, kind: event.kind }),
        Event::KeySlotRemoved(event) => one(Command::RemoveKeySlot { slot: event.slot }),
        Event::EpochRolled(event) => one(Command::RollEpoch { epoch: event.epoch }),
        Event::EpochRetired(event) => one(Command::RetireEpoch { epoch: event.epoch }),
        Event::SigningKeySet(event) => {
            one(Command::SetSigningKey { number: event.number, verifier_key: event.verifier_key.clone() })
        }
        Event::GroupCreated(event) => {
            let (id, name, description) = (event.group, event.name.clone(), event.description.clone());
            one(Command::CreateGroup { id, name, description })
        }
        Event::GroupUpdated(event) => {
            let description = event.description.clone().map_or(Change::Clear, Change::Set);
            one(Command::UpdateGroup { group: event.group, name: Some(event.name.clone()), description })
        }
        Event::GroupDeleted(event) => one(Command::DeleteGroup { group: event.group }),
        Event::BodiesErased(event) => {
            let found = event.positions.iter().map(|at| erasable.iter().find(|body| body.position == *at).copied());
            found.collect::<Option<Vec<_>>>().into_iter().map(|bodies| Command::EraseBodies { bodies }).collect()
        }
        Event::AccessRecorded(_) => accesses(state, batch),
        event => refused(state, event.audited_secret()),
    }
}

fn accesses(state: &State, batch: &[Record]) -> Vec<Command> {
    let read = |record: &Record| match &record.event {
        Event::AccessRecorded(event) => Some(event.clone()),
        _ => None,
    };
    let reads: Vec<AccessRecorded> = batch.iter().filter_map(read).collect();
    let mut found = reads.first().map_or_else(Vec::new, |first| self::reads(state, first.secret, first.version));
    found.push(Command::RecordAccess { reads });
    found
}

/// The reads of a version.
pub(super) fn reads(state: &State, secret: SecretId, version: VersionId) -> Vec<Command> {
    let at_hand = state.secret(secret).and_then(|secret| secret.current()?.data.sealed()).map(|sealed| sealed.data_key);
    let fresh = Prepared { version, ..fresh(state) };
    vec![
        Command::RecordRead { secret, version, asked: VersionRef::Id(version) },
        Command::ReadDynamic { secret, fresh, at_hand },
    ]
}

fn fresh(state: &State) -> Prepared {
    let epoch = state.whole.epochs.last().copied().unwrap_or(0);
    let sealed = SealedRef { data_key: DataKeyId::from_bytes([0xdd; 16]), epoch, sealed_bytes: 1, digest: [0; 32] };
    let version = VersionId::from_bytes([0xdd; 16]);
    Prepared { version, sealed, details: VersionDetails::Plain, expires_at: None, custom_metadata: None }
}

/// Commands of every kind that a lock, or anything else, may refuse, and such as change nothing.
fn refused(state: &State, secret: Option<SecretId>) -> Vec<Command> {
    let Some(secret) = secret else {
        let mut found: Vec<_> = (0..9).map(|slot| Command::RemoveKeySlot { slot }).collect();
        found.push(Command::ChangeSettings { settings: state.whole.settings });
        return found;
    };
    let known = state.secret(secret);
    let versions: Vec<_> = known.iter().flat_map(|known| known.versions.iter().map(|version| version.id)).collect();
    let nothing = VersionId::from_bytes([0xee; 16]);
    let mut found = vec![Command::DeleteSecret { secret }, Command::ClearPolicy { secret }];
    for version in versions.iter().copied().chain([nothing]) {
        found.extend(reads(state, secret, version));
        let asked = VersionRef::Id(version);
        found.push(Command::DestroyData { secret, version: asked });
        found.push(Command::Rotation { secret, step: RotationCommand::PlanRetirement { version: asked } });
        let next = fresh(state);
        found.push(Command::Restore { secret, from: version, next });
        let name = LockName::parse("none").unwrap();
        found.push(Command::RenewLock {
            secret,
            version: asked,
            name: name.clone(),
            expires: std::time::Duration::from_secs(9).into(),
            fencing_token: None,
        });
        found.push(Command::RemoveLocks { secret, version: asked, names: LockNames::These(vec![name]) });
        let target = LockTarget { secret, version: asked, locks: Vec::new(), mode: LockMode::Keep };
        found.push(Command::PlaceLocks { targets: vec![target] });
    }
    for origin in [VersionOrigin::RotatedByHand, VersionOrigin::RotatedByPolicy] {
        found.push(Command::Rotate { secret, origin, next: fresh(state) });
    }
    for trigger in [RotationTrigger::ByHand, RotationTrigger::ByPolicy] {
        for class in IssuerClass::ALL {
            let (id, to, deadline) = (RotationId::from_bytes([0xdd; 16]), fresh(state).version, state.whole.last_at);
            let value = class.replaces_in_place().then(|| fresh(state));
            let new = NewRotation { id, trigger, class: *class, to, attempts_max: 3, deadline, value };
            found.push(Command::Rotation { secret, step: RotationCommand::Plan(Box::new(new)) });
        }
    }
    if let Some(open) = known.and_then(|known| known.rotation.as_deref()) {
        let step = RotationCommand::Attempt { rotation: open.id, report_by: None };
        found.push(Command::Rotation { secret, step });
    }
    if secret == NOBODY || known.is_none() {
        found.truncate(2);
    }
    found
}

/// Tells whether a store begins like this.
pub(super) fn is_creation(events: &[(Option<SecretId>, Event)]) -> bool {
    matches!(events, [(None, Event::StoreCreated(_))])
}

/// Tells whether a restore ends like this: with the signing key, behind the key slot of its own that one from an export makes.
pub(super) fn is_restore(
    state: &State,
    event: &StoreRestored,
    events: &[(Option<SecretId>, Event)],
    at: Timestamp,
) -> bool {
    let whole = &state.whole;
    let is_backup = event.from == RestoredFrom::Backup;
    let is_named = event.incarnation == whole.incarnation().restored_at(at) && event.with_data == is_backup;
    let (Some((last, rest)), Some(number)) = (events.split_last(), whole.next_signing_key()) else { return false };
    let is_key = matches!(&last.1, Event::SigningKeySet(key) if key.number == number);
    let slots: Vec<Event> = rest[1..].iter().map(|(_, event)| event.clone()).collect();
    let free = (0..8).find(|slot| !whole.key_slots.contains_key(slot)).unwrap_or(0);
    let others: Vec<u8> = whole.key_slots.keys().copied().filter(|slot| *slot != free).collect();
    let is_slot = |event: &Event, added: u8| matches!(event, Event::KeySlotAdded(it) if it.slot == added);
    let mut expected = slots.iter();
    let has_slots = is_backup
        || ((whole.key_slots.len() < 8 || expected.next() == Some(&KeySlotRemoved { slot: free }.into()))
            && expected.next().is_some_and(|event| is_slot(event, free))
            && others.iter().all(|slot| expected.next() == Some(&KeySlotRemoved { slot: *slot }.into())));
    is_named && is_key && has_slots && expected.next().is_none()
}
