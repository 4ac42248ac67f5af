//! Owns restatements: what a secret or a group is now, said again in events, so that a replay which cannot see how it came
//! to be knows it from there on.
//!
//! A state that saw everything is changed by none of them, but for revision and position. [`SecretRestated`] comes first,
//! then each version, oldest first, each before its locks. Read next: [`super::decide`].

use std::sync::Arc;

use super::doubt::RotationLineage;
use super::event::{Event, GroupRestated, LockRestated, SecretRestated, VersionRestated};
use super::evolve::put_lock;
use super::id::{GroupId, VersionId};
use super::lock::{Lock, PlacedLock};
use super::patience::Patience;
use super::position::Position;
use super::record::{Record, Subject};
use super::rotation_event::AttemptCounted;
use super::secret::Secret;
use super::settings::Group;
use super::state::{State, Whole};
use super::version::Version;

/// Gives the events that say again all that a secret is.
pub(crate) fn restated(secret: &Secret) -> impl Iterator<Item = Event> {
    let version = |version: &Version| {
        let id = version.id;
        let locks: Vec<Event> = version.locks.iter().map(|lock| LockRestated::of(id, lock).into()).collect();
        std::iter::once(VersionRestated::of(version).into()).chain(locks)
    };
    let known = SecretRestated::of(secret).into();
    let counted = counted(secret).map(Event::from);
    std::iter::once(known).chain(counted).chain(secret.versions.iter().flat_map(version))
}

/// Says again what the rotation that is under way has used up, if it has.
fn counted(secret: &Secret) -> Option<AttemptCounted> {
    let (rotation, patience) = (secret.rotation.as_deref()?, secret.patience.as_deref()?);
    (*patience != Patience::of(rotation)).then(|| patience.counted(rotation, rotation.attempts))
}

impl SecretRestated {
    /// Says what a secret is.
    pub(crate) fn of(secret: &Secret) -> Self {
        Self {
            group: secret.group,
            metadata: Box::new(secret.metadata.clone()),
            spec: secret.spec.clone(),
            policy: secret.policy,
            lifecycle: secret.lifecycle,
            expiry_held_since: secret.expiry_held_since,
            created_at: secret.created_at,
            created_by: secret.created_by.clone(),
            updated_at: secret.updated_at,
            retrieved_at: secret.retrieved_at,
            rotation_refused_at: secret.rotation_refused_at,
            scheduled_from: Some(secret.scheduled_from),
            given_up: secret.given_up.clone(),
            rotation: secret.rotation.clone(),
            is_deleting: secret.is_deleting,
            lineage: secret.lineage.clone(),
        }
    }

    /// Gives what an event of an earlier schema, which said nothing of schedules or incarnations, says of a secret that is known.
    pub(crate) fn told_as_by(self, event: &Self) -> Self {
        let lineage = self.lineage.clone().filter(|_| event.lineage.is_some());
        match event.scheduled_from {
            Some(_) => Self { lineage, ..self },
            None => Self { scheduled_from: None, given_up: None, lineage, ..self },
        }
    }

    fn secret(&self, subject: Subject, as_of: Position, versions: Vec<Version>, whole: &Whole) -> Secret {
        let event = self.clone();
        Secret {
            id: subject.secret,
            group: event.group,
            metadata: *event.metadata,
            spec: event.spec,
            policy: event.policy,
            lifecycle: event.lifecycle,
            expiry_held_since: event.expiry_held_since,
            versions,
            revision: subject.revision,
            as_of,
            created_at: event.created_at,
            created_by: event.created_by,
            updated_at: event.updated_at,
            retrieved_at: event.retrieved_at,
            rotation_refused_at: event.rotation_refused_at,
            scheduled_from: event.scheduled_from.unwrap_or(event.created_at),
            given_up: event.given_up,
            lineage: event.lineage.or_else(|| Some(Box::new(RotationLineage::of(event.rotation.as_deref()?, whole)))),
            patience: event.rotation.as_deref().map(|rotation| Box::new(Patience::of(rotation))),
            rotation: event.rotation,
            is_deleting: event.is_deleting,
        }
    }
}

impl VersionRestated {
    /// Says what a version is.
    pub(crate) fn of(version: &Version) -> Self {
        Self {
            version: version.id,
            number: version.number,
            origin: version.origin,
            restored_from: version.restored_from,
            data: Box::new(version.data),
            data_from: version.data_from,
            details: version.details.clone(),
            expires_at: version.expires_at,
            downloaded: version.downloaded,
            custom_metadata: version.custom_metadata.clone(),
            created_at: version.created_at,
            created_by: version.created_by.clone(),
            credential: version.credential.clone(),
            acknowledged_by: version.acknowledged_by.clone(),
            counts_from: version.counts_from,
        }
    }

    fn version(&self, locks: Vec<Lock>) -> Version {
        let event = self.clone();
        Version {
            id: event.version,
            number: event.number,
            origin: event.origin,
            restored_from: event.restored_from,
            data: *event.data,
            data_from: event.data_from,
            details: event.details,
            expires_at: event.expires_at,
            downloaded: event.downloaded,
            custom_metadata: event.custom_metadata,
            created_at: event.created_at,
            counts_from: event.counts_from,
            created_by: event.created_by,
            locks,
            credential: event.credential,
            acknowledged_by: event.acknowledged_by,
        }
    }
}

impl LockRestated {
    /// Says what a lock on a version is.
    pub(crate) fn of(version: VersionId, lock: &Lock) -> Self {
        Self {
            version,
            lock: PlacedLock {
                name: lock.name.clone(),
                description: lock.description.clone(),
                attributes: lock.attributes.clone(),
                owner: lock.owner.clone(),
                expires_at: lock.expires_at,
            },
            created_at: lock.created_at,
            updated_at: lock.updated_at,
            created_by: lock.created_by.clone(),
            fencing_token: lock.fencing_token.position,
        }
    }

    /// Gives the lock; the incarnation of its token is the one in force at its position.
    fn lock(&self, whole: &Whole) -> Lock {
        let new = self.lock.clone();
        Lock {
            name: new.name,
            description: new.description,
            attributes: new.attributes,
            owner: new.owner,
            created_at: self.created_at,
            updated_at: self.updated_at,
            created_by: self.created_by.clone(),
            expires_at: new.expires_at,
            fencing_token: whole.token_at(self.fencing_token),
        }
    }
}

impl GroupRestated {
    /// Says what a group is.
    pub(crate) fn of(id: GroupId, group: &Group) -> Self {
        Self {
            group: id,
            name: group.name.clone(),
            description: group.description.clone(),
            created_at: group.created_at,
            updated_at: group.updated_at,
        }
    }
}

/// Takes the restatement of a secret in, or of a part of it.
pub(super) fn evolve(state: &mut State, record: &Record, subject: Subject) {
    let as_of = record.position.next();
    if let Event::SecretRestated(event) = &record.event {
        let mut before = state.take_out(subject.secret).map(Arc::unwrap_or_clone);
        let versions = before.as_mut().map(|before| std::mem::take(&mut before.versions)).unwrap_or_default();
        let secret = event.secret(subject, as_of, versions, &state.whole);
        let Some(before) = before else { return state.put_in(secret) };
        // What else was counted of its rotation, the batch says behind.
        let (scheduled_from, given_up, lineage) = (before.scheduled_from, before.given_up, before.lineage);
        return state.put_in(Secret { scheduled_from, given_up, lineage, ..secret });
    }
    let Some(secret) = state.secrets.get_mut(&subject.secret).map(Arc::make_mut) else { return };
    secret.revision = subject.revision;
    secret.as_of = as_of;
    if let Event::VersionRestated(event) = &record.event {
        if let Some(version) = secret.version_by_id_mut(event.version) {
            *version = event.version(std::mem::take(&mut version.locks));
        } else {
            secret.versions.reserve_exact(1);
            secret.versions.push(event.version(Vec::new()));
        }
    }
    if let Event::LockRestated(event) = &record.event
        && let Some(version) = secret.version_by_id_mut(event.version)
    {
        put_lock(version, event.lock(&state.whole));
    }
}
