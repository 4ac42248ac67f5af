//! Owns the rules for events of the whole store: key slots, epochs, signing keys, groups, restores.

use super::super::clock::{ClockHeld, ClockRebased};
use super::super::decide::may_rebase;
use super::super::event::{
    BodiesErased, EpochRetired, EpochRolled, GroupCreated, GroupDeleted, GroupUpdated, KeySlotAdded, KeySlotRemoved,
    SettingsChanged, SigningKeySet, StoreRestored,
};
use super::super::incarnation::Incarnation;
use super::super::limits;
use super::super::position::Position;
use super::super::record::Record;
use super::super::settings::Group;
use super::super::state::State;

use super::{Rule, Sight, hold};

pub(super) fn restore(state: &State, event: &StoreRestored, record: &Record, sight: Sight) -> Result<(), Rule> {
    let at_its_size = event.log_size == record.position && record.position > Position::FIRST;
    hold(at_its_size && record.index == 0, Rule::RestoredElsewhere)?;
    let follows = event.incarnation == state.whole.incarnation().restored_at(record.recorded_at);
    // A record of schema 1 names none, and those before a slice are not known.
    let is_named = sight.whole && event.incarnation != Incarnation::ORIGINAL;
    hold(!is_named || follows, Rule::IncarnationMismatch)?;
    let steps = &event.accepted_steps;
    let lie_before = steps.last().is_none_or(|last| *last < record.position);
    let in_order = steps.is_sorted_by(|one, other| one < other) && steps.len() <= limits::ACCEPTED_STEPS_MAX;
    hold(lie_before && in_order, Rule::AcceptedAhead)
}

pub(super) fn end_quarantine(state: &State) -> Result<(), Rule> {
    hold(state.whole.quarantine().is_some(), Rule::NoQuarantine)
}

pub(super) fn hold_clock(event: &ClockHeld, record: &Record) -> Result<(), Rule> {
    hold(event.observed_at > record.recorded_at, Rule::ClockBelieved)
}

pub(super) fn confirm_clock(state: &State) -> Result<(), Rule> {
    hold(state.whole.clocks.held.is_some(), Rule::ClockBelieved)
}

/// It stands under the time of the record before it, which the clock lies behind.
pub(super) fn rebase_clock(state: &State, event: &ClockRebased, record: &Record, sight: Sight) -> Result<(), Rule> {
    let (shown, now) = (event.observed_at, record.recorded_at);
    // The record before the first of a slice is not known.
    let stands_still = !sight.whole || now == state.whole.last_at;
    hold(stands_still && may_rebase(state, shown, now).is_ok(), Rule::ClockNotBehind)
}

pub(super) fn erase(state: &State, event: &BodiesErased) -> Result<(), Rule> {
    let positions = &event.positions;
    let lie_before = positions.last().is_some_and(|last| *last < state.log_size());
    let in_order = positions.is_sorted_by(|one, other| one < other);
    hold(lie_before && in_order && positions.len() <= limits::BODIES_ERASED_MAX, Rule::ErasedAhead)
}

pub(super) fn change_settings(state: &State, event: &SettingsChanged) -> Result<(), Rule> {
    hold(event.settings != state.whole.settings, Rule::NothingChanged)
}

pub(super) fn add_slot(state: &State, event: &KeySlotAdded) -> Result<(), Rule> {
    let is_free = !state.whole.key_slots.contains_key(&event.slot);
    hold(event.slot < limits::KEY_SLOTS_MAX && is_free, Rule::SlotMismatch)
}

pub(super) fn remove_slot(state: &State, event: &KeySlotRemoved) -> Result<(), Rule> {
    let slots = &state.whole.key_slots;
    hold(slots.contains_key(&event.slot) && slots.len() > 1, Rule::SlotMismatch)
}

pub(super) fn roll_epoch(state: &State, event: &EpochRolled) -> Result<(), Rule> {
    hold(newest_epoch(state).checked_add(1) == Some(event.epoch), Rule::EpochMismatch)
}

pub(super) fn retire_epoch(state: &State, event: &EpochRetired) -> Result<(), Rule> {
    let is_old = event.epoch != newest_epoch(state) && state.whole.epochs.contains(&event.epoch);
    hold(is_old, Rule::EpochMismatch)
}

pub(super) fn set_signing_key(state: &State, event: &SigningKeySet) -> Result<(), Rule> {
    hold(state.whole.next_signing_key() == Some(event.number), Rule::SigningKeyMismatch)
}

/// Gives the epoch in force; 0 before the first.
pub(super) fn newest_epoch(state: &State) -> u32 {
    state.whole.epochs.last().copied().unwrap_or(0)
}

pub(super) fn create_group(state: &State, event: &GroupCreated) -> Result<(), Rule> {
    hold(state.whole.groups.len() < limits::GROUPS_MAX, Rule::TooManyGroups)?;
    hold(!state.has_group(event.group) && state.group_named(&event.name).is_none(), Rule::GroupExists)
}

pub(super) fn update_group(state: &State, event: &GroupUpdated) -> Result<(), Rule> {
    hold(state.whole.groups.contains_key(&event.group), Rule::GroupMissing)?;
    hold(state.group_named(&event.name).is_none_or(|id| id == event.group), Rule::GroupExists)?;
    let is_other = |group: &Group| group.name != event.name || group.description != event.description;
    hold(state.whole.groups.get(&event.group).is_some_and(is_other), Rule::NothingChanged)
}

pub(super) fn delete_group(state: &State, event: &GroupDeleted) -> Result<(), Rule> {
    let group = state.whole.groups.get(&event.group).ok_or(Rule::GroupMissing)?;
    hold(group.secrets == 0, Rule::GroupNotEmpty)
}
