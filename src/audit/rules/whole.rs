//! Owns the rules for events of the whole store: key slots, epochs, signing keys, groups, restores.

use crate::domain::event::{Event, GroupRestated, StoreRestored};
use crate::domain::incarnation::Incarnation;
use crate::domain::limits;
use crate::domain::position::Position;
use crate::domain::record::Record;
use crate::domain::state::State;

use super::{Rule, Sight, hold};

pub(super) fn check(state: &State, record: &Record, sight: Sight) -> Result<(), Rule> {
    let event = &record.event;
    match event {
        Event::StoreRestored(event) => restored(state, record, event, sight),
        Event::QuarantineEnded(_) => hold(!sight.whole || state.whole.quarantine().is_some(), Rule::NoQuarantine),
        Event::KeySlotAdded(_)
        | Event::KeySlotRemoved(_)
        | Event::EpochRolled(_)
        | Event::EpochRetired(_)
        | Event::SigningKeySet(_) => {
            if sight.whole {
                keys(state, event)
            } else {
                Ok(())
            }
        }
        Event::GroupCreated(_) | Event::GroupUpdated(_) | Event::GroupRestated(_) | Event::GroupDeleted(_) => {
            if sight.groups { group(state, event) } else { Ok(()) }
        }
        Event::BodiesErased(event) => {
            let positions = &event.positions;
            let lie_before = positions.last().is_some_and(|last| *last < state.log_size());
            let in_order = positions.is_sorted_by(|one, other| one < other);
            hold(lie_before && in_order && positions.len() <= limits::BODIES_ERASED_MAX, Rule::ErasedAhead)
        }
        _ => Ok(()),
    }
}

fn restored(state: &State, record: &Record, event: &StoreRestored, sight: Sight) -> Result<(), Rule> {
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

fn keys(state: &State, event: &Event) -> Result<(), Rule> {
    let (slots, epochs) = (&state.whole.key_slots, &state.whole.epochs);
    let newest = epochs.last().copied().unwrap_or(0);
    match event {
        Event::KeySlotAdded(event) => {
            hold(event.slot < limits::KEY_SLOTS_MAX && !slots.contains_key(&event.slot), Rule::SlotMismatch)
        }
        Event::KeySlotRemoved(event) => hold(slots.contains_key(&event.slot) && slots.len() > 1, Rule::SlotMismatch),
        Event::EpochRolled(event) => hold(newest.checked_add(1) == Some(event.epoch), Rule::EpochMismatch),
        Event::SigningKeySet(event) => {
            hold(state.whole.next_signing_key() == Some(event.number), Rule::SigningKeyMismatch)
        }
        Event::EpochRetired(event) => hold(event.epoch != newest && epochs.contains(&event.epoch), Rule::EpochMismatch),
        _ => Ok(()),
    }
}

fn group(state: &State, event: &Event) -> Result<(), Rule> {
    let groups = &state.whole.groups;
    match event {
        Event::GroupCreated(event) => {
            hold(groups.len() < limits::GROUPS_MAX, Rule::TooManyGroups)?;
            hold(!state.has_group(event.group) && state.group_named(&event.name).is_none(), Rule::GroupExists)
        }
        Event::GroupUpdated(event) => {
            hold(groups.contains_key(&event.group), Rule::GroupMissing)?;
            hold(state.group_named(&event.name).is_none_or(|id| id == event.group), Rule::GroupExists)
        }
        Event::GroupRestated(event) => {
            let group = groups.get(&event.group).ok_or(Rule::GroupMissing)?;
            hold(GroupRestated::of(event.group, group) == *event, Rule::RestatedOtherwise)
        }
        Event::GroupDeleted(event) => {
            let group = groups.get(&event.group).ok_or(Rule::GroupMissing)?;
            hold(group.secrets == 0, Rule::GroupNotEmpty)
        }
        _ => Ok(()),
    }
}
