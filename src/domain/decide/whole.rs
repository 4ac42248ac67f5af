//! Owns the rules for what belongs to no secret: settings, key slots, epochs, quarantine.

use super::super::clock::{ClockConfirmed, ClockRebased};
use super::super::command::Command;
use super::super::event::{
    EpochRetired, EpochRolled, HeartbeatRecorded, KeySlotAdded, KeySlotRemoved, QuarantineEnded, SettingsChanged,
    SigningKeySet,
};
use super::super::limits;
use super::super::rebase::rebases_left;
use super::super::refusal::Refusal;
use super::super::rotation_event::StrangersFound;
use super::super::state::State;
use super::super::time::Timestamp;
use super::Decision;

pub(in super::super) fn decide(state: &State, command: &Command) -> Result<Decision, Refusal> {
    let whole = &state.whole;
    let newest = whole.epochs.last().copied().unwrap_or(0);
    match command {
        Command::ChangeSettings { settings } if *settings == whole.settings => Ok(Decision::default()),
        Command::ChangeSettings { settings } => Ok(Decision::default().then(SettingsChanged { settings: *settings })),
        Command::AddKeySlot { slot, .. } if *slot >= limits::KEY_SLOTS_MAX => slot_refusal("key slots go from 0 to 7"),
        Command::AddKeySlot { slot, .. } if whole.key_slots.contains_key(slot) => {
            slot_refusal("the key slot is in use; choose a free one")
        }
        Command::AddKeySlot { slot, kind } => Ok(Decision::default().then(KeySlotAdded { slot: *slot, kind: *kind })),
        Command::RemoveKeySlot { slot } if !whole.key_slots.contains_key(slot) => {
            slot_refusal("there is nothing in that key slot")
        }
        Command::RemoveKeySlot { .. } if whole.key_slots.len() == 1 => {
            slot_refusal("the last key slot stays, or nobody could open the store again; add another one first")
        }
        Command::RemoveKeySlot { slot } => Ok(Decision::default().then(KeySlotRemoved { slot: *slot })),
        Command::RollEpoch { epoch } if *epoch != newest.saturating_add(1) => Err(Refusal::VersionChanged),
        Command::RollEpoch { epoch } => Ok(Decision::default().then(EpochRolled { epoch: *epoch })),
        Command::RetireEpoch { epoch } if *epoch == newest || !whole.epochs.contains(epoch) => {
            Err(Refusal::invalid("epoch", "is the newest one, or is retired already"))
        }
        Command::RetireEpoch { epoch } => Ok(Decision::default().then(EpochRetired { epoch: *epoch })),
        Command::SetSigningKey { number, .. } if Some(*number) != whole.next_signing_key() => {
            Err(Refusal::VersionChanged)
        }
        Command::SetSigningKey { number, verifier_key } => {
            Ok(Decision::default().then(SigningKeySet { number: *number, verifier_key: verifier_key.clone() }))
        }
        Command::EndQuarantine => Ok(end_quarantine(state)),
        other => Ok(of_time(state, other)),
    }
}

fn end_quarantine(state: &State) -> Decision {
    let decision = Decision::default();
    if state.whole.quarantine().is_some() { decision.then(QuarantineEnded {}) } else { decision }
}

/// Decides what is recorded of the clock, and of a time in which nothing happened.
fn of_time(state: &State, command: &Command) -> Decision {
    let decision = Decision::default();
    match command {
        Command::HoldClock(held) => decision.then(held.clone()),
        Command::ConfirmClock(by) if state.whole.clocks.held.is_some() => decision.then(ClockConfirmed { by: *by }),
        Command::RecordHeartbeat => decision.then(HeartbeatRecorded {}),
        _ => decision,
    }
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
