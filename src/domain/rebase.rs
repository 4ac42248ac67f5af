//! Owns what becomes of times that were recorded years ahead, once the clock is rebased: nothing is due, refused or held for
//! years because of them.
//!
//! Records never change, and what a state shows as facts stays as it was recorded. What counts on is moved, by one rule. A time
//! that was recorded after `observed_at` becomes as old as it was: `observed_at` less its age at the rebase. An end that was made
//! then comes as soon as it would have come: `observed_at` and what was left of it; at once, where nothing was left.
//!
//! | Time in the state | At a rebase |
//! |---|---|
//! | lock: end of the lease | moved, when the lock was placed or renewed in the wrong time; the log does not tell whether as a date |
//! | lock: placed, renewed | stays |
//! | secret: made | stays; [`Secret::counts_from`] counts |
//! | secret: last changed, last read | moved |
//! | secret: end of its data, in the metadata | stays: a person gave the date, or a length, which the log does not tell |
//! | secret: expiry held since | stays; goes where the expiry has not come in the time that counts now |
//! | schedule: counted from, last refused, given up | moved |
//! | version: made | stays; `counts_from` is moved, by which grace and schedule go |
//! | version: end of a dynamic credential | moved, when something happened to the secret in the wrong time |
//! | version: end of a certificate, or that an issuer named | stays: it is true outside |
//! | version: data destroyed, or not restored, since | stays |
//! | credential: to be ended since, tried again, report waited for | moved |
//! | credential: ended since | stays |
//! | rotation: planned, staged, reported, parked, deadline, tried again, report waited for | moved |
//! | rotation: up to when its time was counted, and its last run | moved |
//! | remembered answer: given | at the rebase at the latest, so it is remembered for a day from there: how long ago it really was, nobody knows |
//! | group, restore, issuers with strangers: since | stays |
//! | clock: ran back | cleared |
//!
//! What has ended in the wrong time (a lease, expired data) stays ended. Pure; read next: [`super::clock`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::clock::ClockRebased;
use super::evolve::is_held;
use super::limits;
use super::patience::Patience;
use super::position::Position;
use super::record::Record;
use super::rotation::{Credential, Retirement, Rotation, RotationStage};
use super::secret::{Secret, SecretSpec};
use super::state::State;
use super::time::Timestamp;
use super::version::Version;

/// A rebase of the clock: the time of the log falls behind one of its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rebased {
    /// The record that says so.
    pub position: Position,
    /// The time of that record: what the store went by until then.
    pub before: Timestamp,
    /// What the clock showed: what the store goes by from then on.
    pub observed_at: Timestamp,
}

impl Rebased {
    /// Gives what a record says.
    pub(crate) const fn of(event: &ClockRebased, record: &Record) -> Self {
        Self { position: record.position, before: record.recorded_at, observed_at: event.observed_at }
    }

    /// Tells whether something was recorded in a time that has not come yet.
    fn is_ahead(&self, time: Timestamp) -> bool {
        time > self.observed_at
    }

    /// Gives the time that has the age which a recorded time had; one that has come already stays.
    fn recorded(&self, time: Timestamp) -> Timestamp {
        if self.is_ahead(time) { self.observed_at.minus(self.before.since(time)) } else { time }
    }

    /// Gives the end that is as far away as an end was; one that has come already stays.
    fn end(&self, end: Timestamp) -> Timestamp {
        if self.is_ahead(end) { self.observed_at.plus(end.since(self.before)) } else { end }
    }
}

/// Gives how often the clock of a store can be rebased yet.
pub(crate) const fn rebases_left(rebased: &[Rebased]) -> usize {
    limits::CLOCK_REBASED_MAX.saturating_sub(rebased.len())
}

/// Gives what counts of a time that was recorded at a position: moved by each rebase behind it and in front of `until`.
fn counted(rebased: &[Rebased], (time, at): (Timestamp, Position), until: Position) -> Timestamp {
    let between = rebased.iter().filter(|rebased| rebased.position >= at && rebased.position < until);
    between.fold(time, |time, rebased| rebased.recorded(time))
}

/// Takes a rebase in.
pub(super) fn evolve(state: &mut State, event: &ClockRebased, record: &Record) {
    state.whole.rebased.push(Rebased::of(event, record));
    state.whole.last_at = event.observed_at;
    state.whole.clocks.ran_back_at = None;
    catch_up(state, event, record);
}

/// Moves the times of secrets and answers that have not taken the rebase in; a second time changes nothing.
pub(crate) fn catch_up(state: &mut State, event: &ClockRebased, record: &Record) {
    let rebased = Rebased::of(event, record);
    let is_concerned = |secret: &Arc<Secret>| secret.as_of <= record.position && is_concerned(secret, &rebased);
    let ids: Vec<_> = state.secrets.values().filter(|secret| is_concerned(secret)).map(|secret| secret.id).collect();
    for id in ids {
        if let Some(secret) = state.secrets.get_mut(&id).map(Arc::make_mut) {
            move_times(secret, &rebased, &state.whole.rebased);
            secret.as_of = record.position.next();
        }
    }
    state.remembered.rebase(record.position, event.observed_at);
}

/// Tells whether something of a secret is moved.
pub(crate) fn is_concerned(secret: &Secret, rebased: &Rebased) -> bool {
    happened_ahead(secret, rebased) || is_held_by_nothing(secret, rebased)
}

/// Tells whether something happened to a secret in the wrong time: every event but those of the audit trail leaves its time.
fn happened_ahead(secret: &Secret, rebased: &Rebased) -> bool {
    let last = [Some(secret.updated_at), secret.retrieved_at, secret.rotation_refused_at];
    last.into_iter().flatten().any(|last| rebased.is_ahead(last))
}

/// Tells whether an expiry was noted as held back that has not come in the time that counts now.
fn is_held_by_nothing(secret: &Secret, rebased: &Rebased) -> bool {
    secret.expiry_held_since.is_some() && !is_held(secret, rebased.observed_at)
}

/// Moves the times of a secret that count on.
pub(crate) fn move_times(secret: &mut Secret, rebased: &Rebased, all: &[Rebased]) {
    if happened_ahead(secret, rebased) {
        move_what_counts(secret, rebased, all);
    }
    if is_held_by_nothing(secret, rebased) {
        secret.expiry_held_since = None;
    }
}

fn move_what_counts(secret: &mut Secret, rebased: &Rebased, all: &[Rebased]) {
    let is_dynamic = matches!(secret.spec, SecretSpec::IamCredentials { .. });
    for version in &mut secret.versions {
        move_version(version, rebased, all);
        if is_dynamic {
            move_end(&mut version.expires_at, rebased);
        }
    }
    move_recorded(Some(&mut secret.updated_at), rebased);
    move_recorded(Some(&mut secret.scheduled_from), rebased);
    move_recorded(secret.retrieved_at.as_mut(), rebased);
    move_recorded(secret.rotation_refused_at.as_mut(), rebased);
    move_recorded(secret.given_up.as_mut().map(|given_up| &mut given_up.at), rebased);
    secret.rotation.iter_mut().for_each(|rotation| move_rotation(rotation, rebased));
    secret.patience.iter_mut().for_each(|patience| move_patience(patience, rebased));
}

fn move_version(version: &mut Version, rebased: &Rebased, all: &[Rebased]) {
    move_recorded(Some(&mut version.counts_from), rebased);
    for lock in &mut version.locks {
        let made = counted(all, (lock.updated_at, lock.fencing_token.position), rebased.position);
        if rebased.is_ahead(made) {
            move_end(&mut lock.expires_at, rebased);
        }
    }
    version.credential.iter_mut().for_each(|credential| move_credential(credential, rebased));
}

fn move_credential(credential: &mut Credential, rebased: &Rebased) {
    match &mut credential.retirement {
        Retirement::InUse | Retirement::Retired { .. } => {}
        Retirement::Planned { at } => *at = rebased.recorded(*at),
        Retirement::Failing { at, retry_at: end, .. } | Retirement::Awaiting { at, report_by: end, .. } => {
            (*at, *end) = (rebased.recorded(*at), rebased.end(*end));
        }
    }
}

fn move_rotation(rotation: &mut Rotation, rebased: &Rebased) {
    rotation.planned_at = rebased.recorded(rotation.planned_at);
    rotation.deadline = rebased.end(rotation.deadline);
    move_end(&mut rotation.retry_at, rebased);
    move_recorded(rotation.parked.as_mut().map(|parked| &mut parked.at), rebased);
    match &mut rotation.stage {
        RotationStage::Planned
        | RotationStage::Attempted
        | RotationStage::Doubted
        | RotationStage::Issued(_)
        | RotationStage::Aborting { .. } => {}
        RotationStage::Staged { since, reported_at, .. } => {
            (*since, *reported_at) = (rebased.recorded(*since), rebased.recorded(*reported_at));
        }
        RotationStage::Awaiting { report_by } | RotationStage::Ending { report_by, .. } => {
            *report_by = rebased.end(*report_by);
        }
    }
}

fn move_patience(patience: &mut Patience, rebased: &Rebased) {
    patience.counted_at = rebased.recorded(patience.counted_at);
    move_recorded(patience.run_at.as_mut(), rebased);
}

fn move_recorded(time: Option<&mut Timestamp>, rebased: &Rebased) {
    if let Some(time) = time {
        *time = rebased.recorded(*time);
    }
}

fn move_end(end: &mut Option<Timestamp>, rebased: &Rebased) {
    *end = end.map(|end| rebased.end(end));
}
