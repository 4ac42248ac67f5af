//! Owns what each event changes. Facts, no rules: total, and the same at every replay.
//!
//! An event about a secret that is not there changes nothing; whether a history is legal is asked elsewhere. Read next:
//! [`super::state`].

mod locks;
mod whole;

pub(super) use locks::put_lock;
use locks::{place, remove, renew};
pub(super) use whole::lose_data_of;

use std::sync::Arc;

use super::event::{AccessRecorded, Event, PolicySet, SecretCreated, VersionAdded, VersionRegenerated};
use super::event_kind::{of_rotation, of_trail, of_whole};
use super::id::{SecretId, VersionId};
use super::limits;
#[cfg(test)]
use super::position::Position;
use super::position::Revision;
use super::progress;
use super::record::Record;
use super::restate;
use super::room::forgettable;
use super::rotation_event::ScheduledRotationRefused;
use super::secret::{Ending, Lifecycle, Secret};
use super::state::{State, Whole};
use super::time::Timestamp;
use super::version::{DestroyCause, Version, VersionData, VersionOrigin};

/// Takes the records of one batch in, as a replay does, and the answer that is to be remembered for it. Gives the positions of answers
/// that are forgotten.
#[cfg(test)]
pub(crate) fn evolve_batch(state: &mut State, records: &[Record]) -> Vec<Position> {
    for record in records {
        evolve(state, record);
    }
    super::batch::remember(state, records)
}

/// Takes one record in.
pub(crate) fn evolve(state: &mut State, record: &Record) {
    state.whole.log_size = record.position.next();
    state.whole.last_at = record.recorded_at;
    state.whole.writer_epoch = record.context.writer_epoch;
    match (&record.event, record.subject) {
        (Event::SecretCreated(created), Some(subject)) => create(state, record, subject.secret, created),
        (Event::SecretDeleted(_), Some(subject)) => drop(state.take_out(subject.secret)),
        (Event::SecretRestated(_) | Event::VersionRestated(_) | Event::LockRestated(_), Some(subject)) => {
            restate::evolve(state, record, subject);
        }
        (event, Some(subject)) => {
            rename(state, subject.secret, event);
            if let Some(secret) = state.secrets.get_mut(&subject.secret) {
                follow(Arc::make_mut(secret), (record, subject.revision), &state.whole);
            }
        }
        (
            Event::ScheduledRotationRefused(ScheduledRotationRefused { secret, .. })
            | Event::AccessRecorded(AccessRecorded { secret, .. }),
            None,
        ) => {
            if let Some(secret) = state.secrets.get_mut(secret) {
                trace(Arc::make_mut(secret), record);
            }
        }
        (_, None) => whole::change(state, record),
    }
}

/// Ends what is noted of an expiry that a lock holds back, once none does. In a restatement a count stands before the versions,
/// whose locks hold.
fn free_expiry(secret: &mut Secret, record: &Record) {
    let is_count = matches!(record.event, Event::AttemptCounted(_));
    if !is_count && secret.expiry_held_since.is_some() && !is_held(secret, record.recorded_at) {
        secret.expiry_held_since = None;
    }
}

/// Tells whether an event only says again what was counted before, in a restatement: that changes nothing.
fn is_said_again(record: &Record) -> bool {
    matches!(&record.event, Event::AttemptCounted(event) if event.counted_at < record.recorded_at)
}

/// Takes an event about a secret in, but for its name among those of others.
pub(super) fn follow(secret: &mut Secret, (record, revision): (&Record, Revision), whole: &Whole) {
    secret.revision = revision;
    secret.as_of = record.position.next();
    if !is_said_again(record) {
        secret.updated_at = record.recorded_at;
    }
    change(secret, record, whole);
    free_expiry(secret, record);
}

/// Leaves the trace of an event of the audit trail on its secret, whose revision stays.
pub(super) fn trace(secret: &mut Secret, record: &Record) {
    secret.as_of = record.position.next();
    if let Event::ScheduledRotationRefused(_) = &record.event {
        secret.rotation_refused_at = Some(record.recorded_at);
    }
    if let Event::AccessRecorded(access) = &record.event {
        secret.retrieved_at = secret.retrieved_at.max(Some(access.last_at));
    }
}

fn create(state: &mut State, record: &Record, id: SecretId, created: &SecretCreated) {
    state.put_in(Secret {
        id,
        group: created.group,
        metadata: created.metadata.clone(),
        spec: created.spec.clone(),
        policy: created.policy,
        lifecycle: if created.spec.issuance().is_some() { Lifecycle::PreActivation } else { Lifecycle::Active },
        expiry_held_since: None,
        versions: Vec::new(),
        revision: Revision::FIRST,
        as_of: record.position.next(),
        created_at: record.recorded_at,
        created_by: record.context.actor.clone(),
        updated_at: record.recorded_at,
        retrieved_at: None,
        rotation_refused_at: None,
        scheduled_from: record.recorded_at,
        given_up: None,
        rotation: None,
        patience: None,
        lineage: None,
        is_deleting: false,
    });
}

/// Moves the name of a secret, where the event gives it another one.
fn rename(state: &mut State, id: SecretId, event: &Event) {
    if let Event::SecretUpdated(updated) = event
        && let Some(secret) = state.secrets.get(&id)
        && updated.metadata.name != secret.metadata.name
    {
        let secret_type = secret.secret_type();
        let old = secret.metadata.name.clone();
        state.names.remove(&(secret_type, old));
        state.names.insert((secret_type, updated.metadata.name.clone()), id);
    }
}

#[allow(
    clippy::unnested_or_patterns,
    clippy::match_same_arms,
    reason = "lists of events are macros; each says why it is left alone"
)]
fn change(secret: &mut Secret, record: &Record, whole: &Whole) {
    let at = record.recorded_at;
    match &record.event {
        Event::SecretUpdated(event) => secret.metadata = event.metadata.clone(),
        Event::SpecUpdated(event) => secret.spec = event.spec.clone(),
        Event::PolicySet(event) => set_policy(secret, event, at),
        Event::PolicyCleared(_) => secret.policy = None,
        Event::SecretExpired(event) => secret.lifecycle = event.lifecycle,
        Event::ExpirationHeld(_) => secret.expiry_held_since = Some(at),
        Event::VersionAdded(event) => add_version(secret, event, record),
        Event::VersionDataDestroyed(event) => destroy(secret, event.version, event.cause, at),
        Event::VersionRegenerated(event) => regenerate(secret, event, record),
        Event::VersionDownloaded(event) => download(secret, event.version, at),
        Event::VersionUpdated(event) => change_version(secret, event.version, |version| {
            version.custom_metadata.clone_from(&event.custom_metadata);
        }),
        Event::LockPlaced(event) => {
            change_version(secret, event.version, |version| place(version, event, record, whole));
        }
        Event::LockRenewed(event) => {
            change_version(secret, event.version, |version| renew(version, event, record, whole));
        }
        Event::LockRemoved(event) => change_version(secret, event.version, |version| remove(version, &event.name)),
        Event::LockExpired(event) => change_version(secret, event.version, |version| remove(version, &event.name)),
        of_rotation!() => progress::progress(secret, record, whole),
        // Taken in by [`evolve`]: they make a secret, say it again, or end it.
        Event::SecretCreated(_) | Event::SecretDeleted(_) | Event::SecretRestated(_) => {}
        Event::VersionRestated(_) | Event::LockRestated(_) => {}
        // About no secret, or what leaves a trace alone.
        of_whole!() | of_trail!() => {}
    }
}

fn set_policy(secret: &mut Secret, event: &PolicySet, at: Timestamp) {
    if secret.policy.map(|policy| policy.interval) != Some(event.policy.interval) {
        secret.scheduled_from = secret.current().map_or(at, |current| current.counts_from);
    }
    secret.policy = Some(event.policy);
    secret.rotation_refused_at = None;
}

fn add_version(secret: &mut Secret, event: &VersionAdded, record: &Record) {
    let credential = progress::take_credential(secret, event.version);
    secret.rotation_refused_at = None;
    secret.given_up = None;
    if event.origin != VersionOrigin::RotatedByPolicy {
        secret.scheduled_from = record.recorded_at;
    }
    // Most secrets have few versions, and room for more would stay empty.
    secret.versions.reserve_exact(1);
    secret.versions.push(Version {
        id: event.version,
        number: event.number,
        origin: event.origin,
        restored_from: event.restored_from,
        data: VersionData::Available(event.sealed),
        data_from: record.position,
        details: event.details.clone(),
        expires_at: event.expires_at,
        downloaded: false,
        custom_metadata: event.custom_metadata.clone(),
        created_at: record.recorded_at,
        counts_from: record.recorded_at,
        created_by: record.context.actor.clone(),
        locks: Vec::new(),
        credential,
        acknowledged_by: Box::default(),
    });
    prune(secret);
}

fn destroy(secret: &mut Secret, id: VersionId, cause: DestroyCause, at: Timestamp) {
    if let Some(version) = secret.version_by_id_mut(id) {
        version.data = VersionData::Destroyed { at, cause };
    }
    prune(secret);
}

/// Tells whether a lock still holds an expiry back that came before some time: that of the secret, or, for credentials
/// that end one by one, that of the locked version.
pub(super) fn is_held(secret: &Secret, at: Timestamp) -> bool {
    let is_over = |end: Option<Timestamp>| end.is_some_and(|end| end <= at);
    let mut locked = secret.versions.iter().filter(|version| !version.is_destroyed() && !version.locks.is_empty());
    let is_active = secret.lifecycle == Lifecycle::Active;
    match secret.spec.ending() {
        Ending::Leases => locked.any(|version| version.is_available() && is_over(version.expires_at)),
        Ending::Data | Ending::Certificate => is_active && is_over(secret.expires_at()) && locked.next().is_some(),
        Ending::Credentials => {
            let is_whole = is_over(secret.expires_at());
            is_active && locked.any(|version| is_whole || (version.can_be_let_go() && is_over(version.expires_at)))
        }
    }
}

/// Lets the oldest versions go whose metadata is not kept any more. One with data never goes, nor one whose credential is good outside:
/// where an issuer makes the credentials, later ones go instead, so that one that cannot be ended is no end of all rotations.
pub(super) fn prune(secret: &mut Secret) {
    let mut surplus = secret.versions.len().saturating_sub(limits::VERSIONS_MAX);
    if surplus == 0 {
        return;
    }
    let (is_issued, mut left) = (secret.spec.issuance().is_some(), forgettable(secret).len());
    secret.versions.retain(|version| {
        let goes = surplus > 0 && left > 0 && version.is_over();
        // Without an issuer the first that stays keeps all behind it.
        left = if goes || is_issued { left.saturating_sub(1) } else { 0 };
        surplus = surplus.saturating_sub(usize::from(goes));
        !goes
    });
}

fn change_version(secret: &mut Secret, id: VersionId, change: impl FnOnce(&mut Version)) {
    if let Some(version) = secret.version_by_id_mut(id) {
        change(version);
    }
}

fn regenerate(secret: &mut Secret, event: &VersionRegenerated, record: &Record) {
    change_version(secret, event.version, |version| {
        version.data = VersionData::Available(event.sealed);
        version.data_from = record.position;
        version.details = event.details.clone();
        version.expires_at = event.expires_at;
    });
    download(secret, event.version, record.recorded_at);
}

fn download(secret: &mut Secret, id: VersionId, at: Timestamp) {
    change_version(secret, id, |version| version.downloaded = true);
    secret.retrieved_at = Some(at);
}
