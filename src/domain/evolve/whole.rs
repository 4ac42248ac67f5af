//! Owns what events of the whole store change: settings, keys, groups, and what a restore leaves.

use std::sync::Arc;

use super::super::clock::HeldClock;
use super::super::event::{Event, StoreRestored};
use super::super::event_kind::{of_rotation, of_secret, of_trail};
use super::super::incarnation::Incarnation;
use super::super::quarantine::{self, Restored, RestoredFrom};
use super::super::rebase;
use super::super::record::Record;
use super::super::secret::Secret;
use super::super::settings::Group;
use super::super::state::{SigningKey, State, Whole};
use super::super::version::{Version, VersionData};

#[allow(
    clippy::unnested_or_patterns,
    clippy::match_same_arms,
    reason = "lists of events are macros; each says why it is left alone"
)]
pub(super) fn change(state: &mut State, record: &Record) {
    let (event, at, position) = (&record.event, record.recorded_at, record.position);
    let whole = &mut state.whole;
    match event {
        Event::StoreCreated(event) => {
            whole.settings = event.settings;
            whole.key_slots.insert(0, event.key_slot);
            whole.epochs.insert(1);
        }
        Event::SettingsChanged(event) => whole.settings = event.settings,
        Event::KeySlotAdded(event) => {
            whole.key_slots.insert(event.slot, event.kind);
        }
        Event::KeySlotRemoved(event) => {
            whole.key_slots.remove(&event.slot);
        }
        Event::EpochRolled(event) => {
            whole.epochs.insert(event.epoch);
        }
        Event::EpochRetired(event) => {
            whole.epochs.remove(&event.epoch);
        }
        Event::SigningKeySet(event) => {
            let batch = position.get().saturating_sub(u64::from(record.index));
            let restored = whole.restored.map(|restored| restored.log_size).filter(|size| size.get() >= batch);
            let after = restored.unwrap_or_else(|| position.next());
            let key = SigningKey { set_at: position, after, verifier_key: event.verifier_key.clone() };
            whole.signing_keys.insert(event.number, key);
        }
        Event::StoreRestored(event) => {
            restore(whole, event, record);
            if !event.with_data {
                lose_data(state, record);
            }
        }
        Event::QuarantineEnded(_) => whole.restored.iter_mut().for_each(|restored| restored.is_confirmed = true),
        Event::ClockRanBack(_) => whole.clocks.ran_back_at = Some(at),
        Event::ClockHeld(event) => {
            whole.clocks.held = Some(HeldClock { at, observed_at: event.observed_at, boot: event.boot });
        }
        Event::ClockConfirmed(_) => whole.clocks.held = None,
        Event::ClockRebased(event) => rebase::evolve(state, event, record),
        Event::StrangersFound(event) => quarantine::found(&mut whole.strangers, event, at),
        Event::GroupCreated(event) => {
            let (name, description) = (event.name.clone(), event.description.clone());
            whole.groups.insert(event.group, Group { name, description, created_at: at, updated_at: at, secrets: 0 });
        }
        Event::GroupUpdated(event) => {
            if let Some(group) = whole.groups.get_mut(&event.group) {
                group.name = event.name.clone();
                group.description.clone_from(&event.description);
                group.updated_at = at;
            }
        }
        Event::GroupRestated(event) => {
            let (name, description) = (event.name.clone(), event.description.clone());
            let (created_at, updated_at) = (event.created_at, event.updated_at);
            let in_group = || state.secrets.values().filter(|secret| secret.group == event.group).count();
            let known = whole.groups.get(&event.group).map(|group| group.secrets);
            let secrets = known.unwrap_or_else(|| u64::try_from(in_group()).unwrap_or(u64::MAX));
            whole.groups.insert(event.group, Group { name, description, created_at, updated_at, secrets });
        }
        Event::GroupDeleted(event) => {
            whole.groups.remove(&event.group);
        }
        // Their bodies are the business of the log, and silence changes nothing.
        Event::BodiesErased(_) | Event::HeartbeatRecorded(_) => {}
        of_trail!() | of_secret!() | of_rotation!() => {}
    }
}

/// Makes the store another incarnation, in quarantine.
fn restore(whole: &mut Whole, event: &StoreRestored, record: &Record) {
    let (at, log_size) = (record.recorded_at, record.position);
    let incarnation = match event.incarnation {
        Incarnation::ORIGINAL => whole.incarnation().restored_at(at),
        named => named,
    };
    whole.incarnations.insert(log_size, incarnation);
    if event.from == RestoredFrom::Export {
        whole.imported_at = log_size;
    }
    let (from, with_data) = (event.from, event.with_data);
    whole.restored = Some(Restored { from, log_size, with_data, at, incarnation, is_confirmed: false });
}

/// Takes the data of every version away that a restore did not bring along. A secret that has taken in what came later
/// has taken this in as well.
fn lose_data(state: &mut State, record: &Record) {
    let has_data = |secret: &Secret| secret.versions.iter().any(Version::is_available) || secret.rotation.is_some();
    let concerned = |secret: &Arc<Secret>| secret.as_of <= record.position && has_data(secret);
    let ids: Vec<_> = state.secrets.values().filter(|secret| concerned(secret)).map(|secret| secret.id).collect();
    for id in ids {
        if let Some(secret) = state.secrets.get_mut(&id).map(Arc::make_mut) {
            lose_data_of(secret, record);
        }
    }
}

/// Takes the data of all versions of a secret away, since a restore did not bring it along.
pub(in crate::domain) fn lose_data_of(secret: &mut Secret, record: &Record) {
    secret.as_of = record.position.next();
    for version in secret.versions.iter_mut().filter(|version| version.is_available()) {
        version.data = VersionData::Unavailable { since: record.recorded_at };
    }
    // What an open rotation brought is not here either; what it may have made outside is found by a sweep.
    (secret.rotation, secret.patience) = (None, None);
    // A credential that is not here has no lease that a lock could hold back.
    if !super::is_held(secret, record.recorded_at) {
        secret.expiry_held_since = None;
    }
}
