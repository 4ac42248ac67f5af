//! Owns the rules: a command and the state go in, events or a refusal come out. No side effects, no clock, no chance.
//!
//! The order in which a command is refused: what its idempotency key remembers, whether its secret is there, its
//! expected revision, where the secret stands in its life, the fields of the command, the locks. A file per noun. Read
//! next: [`super::evolve`].

mod adoption;
mod attempts;
mod erasure;
mod groups;
mod locks;
mod metadata;
mod protocol;
mod retirement;
mod rotation;
mod secrets;
mod tasks;
mod time;
mod whole;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::command::{Command, Prepared, Terms};
use super::event::{AccessRecorded, CommandHadNoEffect, CommandRefused, Event, HeartbeatRecorded};
use super::id::{SecretId, VersionId};
use super::receipt::Receipt;
use super::refusal::Refusal;
use super::refused::Trail;
use super::secret::Secret;
use super::settings::AccessAudit;
use super::state::State;
use super::time::Timestamp;

pub(super) use adoption::{adopted, knows};
pub(super) use attempts::{attempt, is_parked_for, may_park, was_parked_by, why_parked};
pub(super) use locks::{free_previous, remove as remove_locks};
pub(super) use metadata::{check as check_metadata, check_order, check_policy, check_spec, set_policy};
pub(super) use protocol::{abort, aborted, commit, plan, replace, resume};
pub(super) use retirement::{fail_retirement, finish_retirement, plan_deletion};
pub(super) use rotation::destroyed;
pub(crate) use secrets::{is_lent, readable};
pub(super) use tasks::{begin, is_making_awaited};
pub(super) use time::lapse;
pub(crate) use time::{due_at, lapses};
pub(super) use whole::{add_slot, fits_strangers, may_rebase, remove_slot};

/// What a command leads to.
#[derive(Debug, Default)]
pub(crate) struct Decision {
    /// What happens, in order; each with the secret it concerns, or none for the whole store and the audit trail.
    pub(crate) events: Vec<(Option<SecretId>, Event)>,
    /// The secret it is about.
    pub(crate) secret: Option<SecretId>,
    /// The version it makes or is about.
    pub(crate) version: Option<VersionId>,
    /// Whether the data that came with the command is the data that counts.
    pub(crate) takes_data: bool,
}

impl Decision {
    fn nothing(secret: Option<SecretId>) -> Self {
        Self { secret, ..Self::default() }
    }

    /// Begins the decision on a command about one secret.
    pub(super) fn about(secret: SecretId) -> Self {
        Self::nothing(Some(secret))
    }

    fn then(mut self, event: impl Into<Event>) -> Self {
        self.events.push((self.secret, event.into()));
        self
    }

    fn audit(mut self, event: impl Into<Event>) -> Self {
        self.events.push((None, event.into()));
        self
    }

    fn on(mut self, version: VersionId) -> Self {
        self.version = Some(version);
        self
    }
}

/// How the writer goes on with a command.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Append the events; none means that there was nothing to change.
    Accept(Decision),
    /// Answer no; append the event of the audit trail, if there is one.
    Refuse(Refusal, Option<Event>),
    /// Answer as before.
    Remembered(Result<Receipt, Refusal>),
}

/// Decides a command, and what the audit trail and the memory of answers make of it.
pub(crate) fn judge(state: &State, command: &Command, terms: &Terms, now: Timestamp) -> Verdict {
    if let Some(outcome) = recall(state, terms, now) {
        return Verdict::Remembered(outcome);
    }
    match decide(state, command, terms, now) {
        Ok(decision) if decision.events.is_empty() && terms.idempotency.is_some() => {
            let event = CommandHadNoEffect { secret: decision.secret };
            Verdict::Accept(decision.audit(event))
        }
        Ok(decision) => Verdict::Accept(decision),
        Err(refusal) => {
            let event = audit_of(command, &refusal, terms.idempotency.is_some());
            Verdict::Refuse(refusal, event)
        }
    }
}

/// Gives what the idempotency key of a command remembers, or a no when it was used for another command; nothing when it is
/// new.
pub(crate) fn recall(state: &State, terms: &Terms, now: Timestamp) -> Option<Result<Receipt, Refusal>> {
    let idempotency = terms.idempotency.as_ref()?;
    let answer = state.remembered.find(&terms.actor, &idempotency.key, now)?;
    Some(if answer.fingerprint == idempotency.fingerprint {
        answer.outcome.clone().map(|receipt| Receipt { remembered: true, ..receipt })
    } else {
        Err(Refusal::IdempotencyKeyReused)
    })
}

/// Gives the event that a refusal leaves in the audit trail.
fn audit_of(command: &Command, refusal: &Refusal, remember: bool) -> Option<Event> {
    let secret = command.secret();
    let told = match refusal.trail() {
        Trail::Always(_) => command.wanted().zip(secret),
        Trail::Answer => None,
        Trail::Never => return None,
    };
    match told {
        Some((wanted, secret)) => Some(wanted.refused(secret, refusal.clone())),
        None => remember.then(|| CommandRefused { secret, refusal: refusal.clone() }.into()),
    }
}

/// Decides a command.
///
/// # Errors
///
/// The [`Refusal`] that comes first in the order given at the top of this module.
pub(crate) fn decide(state: &State, command: &Command, terms: &Terms, now: Timestamp) -> Result<Decision, Refusal> {
    if command.secret().is_none() && terms.expected_revision.is_some() {
        return Err(Refusal::invalid("expected revision", "goes with a command about one secret"));
    }
    match command {
        Command::CreateSecret { .. } => secrets::create(state, command, terms, now),
        Command::Rotate { secret, origin, next } => {
            rotation::rotate(state, find(state, *secret, terms)?, *origin, next, now)
        }
        Command::Restore { secret, from, next } => {
            rotation::restore(state, find(state, *secret, terms)?, *from, next, now)
        }
        Command::ReadDynamic { secret, fresh, at_hand } => {
            secrets::read_dynamic(state, find(state, *secret, terms)?, (fresh, *at_hand), terms, now)
        }
        Command::RecordRead { secret, version, asked } => {
            secrets::read_as_it_is(state, find(state, *secret, terms)?, (*version, *asked), terms, now)
        }
        Command::RecordAccess { reads } => Ok(record_access(reads)),
        Command::DestroyData { secret, version } => {
            secrets::destroy_data(state, find(state, *secret, terms)?, *version)
        }
        Command::DeleteSecret { secret } => secrets::delete(state, find(state, *secret, terms)?),
        Command::UpdateSecret { secret, changes } => {
            metadata::update_secret(state, find(state, *secret, terms)?, changes, now)
        }
        Command::UpdateVersion { secret, version, custom_metadata } => {
            metadata::update_version(find(state, *secret, terms)?, *version, custom_metadata.as_ref())
        }
        Command::SetPolicy { secret, policy } => metadata::set_policy(find(state, *secret, terms)?, *policy, now),
        Command::ClearPolicy { secret } => metadata::clear_policy(find(state, *secret, terms)?),
        Command::PlaceLocks { targets } => locks::place(state, targets, terms, now),
        Command::RemoveLocks { secret, version, names } => {
            locks::remove(state, find(state, *secret, terms)?, *version, names, terms, now)
        }
        Command::RenewLock { secret, .. } => locks::renew(find(state, *secret, terms)?, command, terms, now),
        Command::Lapse { secret } => Ok(time::lapse(state, find(state, *secret, terms)?, now)),
        Command::EraseBodies { bodies } => erasure::erase(state, bodies),
        Command::Rotation { secret, step } => protocol::decide(state, find(state, *secret, terms)?, step, terms, now),
        Command::CreateGroup { id, name, description } => groups::create(state, *id, name, description.as_ref()),
        Command::UpdateGroup { group, name, description } => {
            groups::update(state, *group, name.as_ref(), description.clone())
        }
        Command::DeleteGroup { group } => groups::delete(state, *group),
        Command::NoteStrangers(noted) => Ok(whole::note_strangers(state, noted)),
        Command::ChangeSettings { settings } => Ok(whole::change_settings(state, *settings)),
        Command::AddKeySlot { slot, kind } => whole::add_slot(state, *slot, *kind),
        Command::RemoveKeySlot { slot } => whole::remove_slot(state, *slot),
        Command::RollEpoch { epoch } => whole::roll_epoch(state, *epoch),
        Command::RetireEpoch { epoch } => whole::retire_epoch(state, *epoch),
        Command::SetSigningKey { number, verifier_key } => whole::set_signing_key(state, *number, verifier_key),
        Command::EndQuarantine => Ok(whole::end_quarantine(state)),
        Command::HoldClock(held) => Ok(Decision::default().then(held.clone())),
        Command::ConfirmClock(by) => Ok(whole::confirm_clock(state, *by)),
        Command::RebaseClock(observed_at) => whole::rebase(state, *observed_at, now),
        Command::RecordHeartbeat => Ok(Decision::default().then(HeartbeatRecorded {})),
    }
}

/// Finds the secret of a command and holds it to the expected revision.
fn find<'a>(state: &'a State, id: SecretId, terms: &Terms) -> Result<&'a Arc<Secret>, Refusal> {
    let secret = state.secret(id).ok_or(Refusal::SecretNotFound)?;
    match terms.expected_revision {
        Some(expected) if expected != secret.revision => Err(Refusal::RevisionMismatch { actual: secret.revision }),
        _ => Ok(secret),
    }
}

/// Holds new data to the epoch in force: once a new one is, no data key wrapped by an older one comes in any more, so that
/// the older one can be retired.
fn in_force(state: &State, new: &Prepared) -> Result<(), Refusal> {
    match state.whole.epochs.last() {
        Some(epoch) if *epoch == new.sealed.epoch => Ok(()),
        _ => Err(Refusal::VersionChanged),
    }
}

fn record_access(reads: &[AccessRecorded]) -> Decision {
    reads.iter().cloned().fold(Decision::default(), Decision::audit)
}

/// The event of one read, where reads must be in the log before the data is handed out.
fn strict_access(state: &State, secret: SecretId, version: VersionId, terms: &Terms, now: Timestamp) -> Option<Event> {
    (state.whole.settings.access_audit == AccessAudit::Strict).then(|| {
        let reader = terms.actor.clone();
        AccessRecorded { secret, version, reader, reads: 1, first_at: now, last_at: now }.into()
    })
}
