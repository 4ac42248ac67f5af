//! Owns the rules for what belongs to no secret: settings, key slots, epochs, quarantine.

use super::super::clock::{ClockConfirmed, ClockConfirmedBy, ClockRebased};
use super::super::event::{
    EpochRetired, EpochRolled, KeySlotAdded, KeySlotRemoved, QuarantineEnded, SettingsChanged, SigningKeySet,
};
use super::super::limits;
use super::super::rebase::rebases_left;
use super::super::refusal::Refusal;
use super::super::rotation_event::StrangersFound;
use super::super::settings::{KeySlotKind, Settings};
use super::super::state::State;
use super::super::time::Timestamp;
use super::Decision;

pub(super) fn change_settings(state: &State, settings: Settings) -> Decision {
    let decision = Decision::default();
    if settings == state.whole.settings { decision } else { decision.then(SettingsChanged { settings }) }
}

pub(in super::super) fn add_slot(state: &State, slot: u8, kind: KeySlotKind) -> Result<Decision, Refusal> {
    if slot >= limits::KEY_SLOTS_MAX {
        return slot_refusal("key slots go from 0 to 7");
    }
    if state.whole.key_slots.contains_key(&slot) {
        return slot_refusal("the key slot is in use; choose a free one");
    }
    Ok(Decision::default().then(KeySlotAdded { slot, kind }))
}

pub(in super::super) fn remove_slot(state: &State, slot: u8) -> Result<Decision, Refusal> {
    if !state.whole.key_slots.contains_key(&slot) {
        return slot_refusal("there is nothing in that key slot");
    }
    if state.whole.key_slots.len() == 1 {
        return slot_refusal("the last key slot stays, or nobody could open the store again; add another one first");
    }
    Ok(Decision::default().then(KeySlotRemoved { slot }))
}

pub(super) fn roll_epoch(state: &State, epoch: u32) -> Result<Decision, Refusal> {
    if epoch != newest_epoch(state).saturating_add(1) {
        return Err(Refusal::VersionChanged);
    }
    Ok(Decision::default().then(EpochRolled { epoch }))
}

pub(super) fn retire_epoch(state: &State, epoch: u32) -> Result<Decision, Refusal> {
    if epoch == newest_epoch(state) || !state.whole.epochs.contains(&epoch) {
        return Err(Refusal::invalid("epoch", "is the newest one, or is retired already"));
    }
    Ok(Decision::default().then(EpochRetired { epoch }))
}

fn newest_epoch(state: &State) -> u32 {
    state.whole.epochs.last().copied().unwrap_or(0)
}

pub(super) fn set_signing_key(state: &State, number: u32, verifier_key: &str) -> Result<Decision, Refusal> {
    if Some(number) != state.whole.next_signing_key() {
        return Err(Refusal::VersionChanged);
    }
    Ok(Decision::default().then(SigningKeySet { number, verifier_key: verifier_key.into() }))
}

pub(super) fn end_quarantine(state: &State) -> Decision {
    let decision = Decision::default();
    if state.whole.quarantine().is_some() { decision.then(QuarantineEnded {}) } else { decision }
}

/// Has the store believe its clock again; nothing where it is believed.
pub(super) fn confirm_clock(state: &State, by: ClockConfirmedBy) -> Decision {
    let decision = Decision::default();
    if state.whole.clocks.held.is_some() { decision.then(ClockConfirmed { by }) } else { decision }
}

/// Has the store go by a clock that shows an earlier time than the last record.
pub(super) fn rebase(state: &State, observed_at: Timestamp, now: Timestamp) -> Result<Decision, Refusal> {
    may_rebase(state, observed_at, now).map_err(|rule| Refusal::invalid("clock", rule))?;
    Ok(Decision::default().then(ClockRebased { observed_at }))
}

/// Tells whether the clock can be rebased to what it shows; why not, if not.
pub(in super::super) fn may_rebase(state: &State, shown: Timestamp, now: Timestamp) -> Result<(), &'static str> {
    let whole = &state.whole;
    if whole.clocks.held.is_some() {
        Err("is held: it shows a time too far ahead, so set or confirm it first")
    } else if now.since(shown) <= limits::CLOCK_REBASED_BEHIND {
        Err(
            "is not more than five minutes behind the last record: there is nothing to rebase, or wait until it catches up",
        )
    } else if rebases_left(&whole.rebased) == 0 {
        Err("was rebased 64 times, as often as it can be; restore the store from a backup of before")
    } else {
        Ok(())
    }
}

/// Records how many credentials an issuer lists that the log does not know, when that has changed; of 200 issuers at most.
pub(super) fn note_strangers(state: &State, noted: &StrangersFound) -> Decision {
    let decision = Decision::default();
    if fits_strangers(state, noted) { decision.then(noted.clone()) } else { decision }
}

/// Tells whether it is news how many an issuer lists, and there is room to keep it.
pub(in super::super) fn fits_strangers(state: &State, noted: &StrangersFound) -> bool {
    let known = state.whole.strangers.get(&noted.issuer).map_or(0, |known| known.credentials);
    known != noted.credentials && (known > 0 || state.whole.strangers.len() < limits::STRANGE_ISSUERS_MAX)
}

fn slot_refusal(rule: &str) -> Result<Decision, Refusal> {
    Err(Refusal::KeySlotUnavailable { rule: rule.into() })
}
