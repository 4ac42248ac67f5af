//! Owns what must hold at every event and after every batch, whatever was asked. The world checks it by itself.

use std::collections::BTreeSet;

use crate::domain::decide::lapses;
use crate::domain::event::Event;
use crate::domain::id::DataKeyId;
use crate::domain::limits;
use crate::domain::record::Record;
use crate::domain::secret::{Lifecycle, Secret};
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::domain::version::Version;
use crate::projection::Projections;

/// Holds an event to the one rule, against the state it meets.
#[track_caller]
pub(super) fn check_event(state: &State, record: &Record) {
    let Some(secret) = record.subject.and_then(|subject| state.secret(subject.secret)) else { return };
    let free = |version: &Version| assert!(version.locks.is_empty(), "{:?} goes through a lock", record.event);
    match &record.event {
        Event::VersionDataDestroyed(event) => free(secret.version_by_id(event.version).unwrap()),
        Event::VersionRegenerated(event) => free(secret.version_by_id(event.version).unwrap()),
        Event::SecretDeleted(_) => secret.versions.iter().filter(|version| version.is_available()).for_each(free),
        Event::RetirementPlanned(event) => free(secret.version_by_id(event.version).unwrap()),
        Event::SecretExpired(event) if event.lifecycle == Lifecycle::Destroyed => {
            assert_eq!(keys(Some(secret)).len(), 0, "a secret is destroyed while a version has data");
            let is_left = secret.versions.iter().any(Version::has_credential_in_use);
            assert!(!is_left, "a secret is destroyed while a credential is good outside");
        }
        _ => {}
    }
}

/// Holds what became of a secret to what the event says.
#[track_caller]
pub(super) fn check_change(before: Option<&Secret>, after: Option<&Secret>, record: &Record) {
    let destroyed: BTreeSet<_> = record.event.destroyed_data_keys().iter().copied().collect();
    let gone: BTreeSet<_> = keys(before).difference(&keys(after)).copied().collect();
    assert_eq!(gone, destroyed, "the data that is gone is not the data that {:?} destroys", record.event);
    if let (Some(before), Some(after)) = (before, after) {
        for locked in before.versions.iter().filter(|version| !version.locks.is_empty()) {
            let now = after.version_by_id(locked.id).expect("a locked version stays");
            assert_eq!(now.data, locked.data, "{:?} changed the data of a locked version", record.event);
        }
        let grown = if record.subject.is_some() { before.revision.next() } else { before.revision };
        assert_eq!(after.revision, grown, "{:?} counts one revision", record.event);
    }
}

/// Holds a state to its bounds at the end of a batch.
#[track_caller]
pub(super) fn check_state(state: &State, projections: &Projections) {
    let secrets = || state.secrets.values().map(AsRef::as_ref);
    assert_eq!(*projections, Projections::rebuild(secrets()), "kept step by step is not made from the whole");
    assert_eq!(state.names.len(), state.secrets.len());
    for secret in secrets() {
        assert_eq!(state.secret_named(secret.secret_type(), &secret.metadata.name), Some(secret.id));
        // What an issuer makes comes later.
        let least = usize::from(secret.spec.issuance().is_none());
        assert!((least..=limits::VERSIONS_MAX).contains(&secret.versions.len()), "{} versions", secret.versions.len());
        assert!(secret.locks_total() <= limits::LOCKS_MAX, "{} locks", secret.locks_total());
        let locked_without_data = |version: &Version| !version.locks.is_empty() && version.is_destroyed();
        assert!(!secret.versions.iter().any(locked_without_data), "a lock protects nothing");
        assert!(secret.versions.is_sorted_by_key(|version| version.number), "versions are out of order");
        assert!(secret.versions.iter().all(|version| version.locks.is_sorted_by(|a, b| a.name < b.name)));
        if secret.expiry_held_since.is_some() {
            assert!(is_held(secret, state.whole.last_at), "the expiry of {} is held by nothing", secret.id);
        }
    }
    for (id, group) in &state.whole.groups {
        let inside = secrets().filter(|secret| secret.group == *id).count();
        assert_eq!(group.secrets, inside as u64, "the count of group {id}");
    }
}

/// Holds a secret to what must be so once time was dealt with.
#[track_caller]
pub(super) fn check_lapsed(secret: &Secret, now: Timestamp) {
    assert!(lapses(secret).is_none_or(|at| at > now), "{} is overdue after it lapsed", secret.id);
    assert!(secret.locks().all(|(_, lock)| lock.expires_at.is_none_or(|end| end > now)), "a lease is overdue");
    let is_over = |end: Option<Timestamp>| end.is_some_and(|end| end <= now);
    let unlocked = secret.locks_total() == 0;
    let active = secret.lifecycle == Lifecycle::Active;
    if secret.spec.is_issued_credential() {
        return check_ended(secret, now);
    }
    assert!(!(active && unlocked && is_over(secret.expires_at())), "{} outlives its expiry unlocked", secret.id);
    if secret.spec.ttl_secs().is_some() {
        let outlives = |version: &Version| version.is_available() && version.locks.is_empty();
        let lives = secret.versions.iter().any(|version| outlives(version) && is_over(version.expires_at));
        assert!(!lives, "a credential outlives its lease unlocked");
        let held = secret.versions.iter().any(|version| version.is_available() && is_over(version.expires_at));
        assert_eq!(secret.expiry_held_since.is_some(), held, "what is held is marked as held");
    } else {
        let held = active && is_over(secret.expires_at());
        assert_eq!(secret.expiry_held_since.is_some(), held, "what is held is marked as held");
    }
}

/// The same for credentials that an issuer made: each that has ended is let go, or held by a lock that is told of, or waits
/// for a rotation that is open.
#[track_caller]
fn check_ended(secret: &Secret, now: Timestamp) {
    if secret.lifecycle != Lifecycle::Active {
        return assert_eq!(secret.expiry_held_since, None);
    }
    let is_over = |version: &Version| version.expires_at.is_some_and(|end| end <= now);
    let goes_with_current = secret.rotation.is_none() && secret.current().is_some_and(is_over);
    let locked = |version: &Version| !version.locks.is_empty() && !version.is_destroyed();
    let is_held = goes_with_current && secret.versions.iter().any(locked);
    for version in &secret.versions {
        let is_current = secret.current().is_some_and(|current| current.id == version.id);
        let has_ended = if is_current { goes_with_current } else { is_over(version) };
        let outlives = has_ended && version.can_be_let_go();
        assert!(!outlives || locked(version) || (is_current && is_held), "{} outlives its end", version.number);
        let is_told = secret.expiry_held_since.is_some() || !(outlives && locked(version));
        assert!(is_told, "what holds {} is told of", version.number);
    }
    let is_gone = !secret.versions.iter().any(|version| version.is_available() || version.has_credential_in_use());
    assert!(!(goes_with_current && is_gone), "nothing is left of {}", secret.id);
}

/// Tells whether a lock holds an expiry of the secret back at a time.
fn is_held(secret: &Secret, at: Timestamp) -> bool {
    let is_over = |end: Option<Timestamp>| end.is_some_and(|end| end <= at);
    let locked = |version: &&Version| !version.is_destroyed() && !version.locks.is_empty();
    let mut locked = secret.versions.iter().filter(locked);
    if secret.spec.ttl_secs().is_some() {
        locked.any(|version| version.is_available() && is_over(version.expires_at))
    } else if secret.spec.is_issued_credential() {
        let is_active = secret.lifecycle == Lifecycle::Active;
        is_active && locked.any(|version| is_over(secret.expires_at()) || is_over(version.expires_at))
    } else {
        secret.lifecycle == Lifecycle::Active && is_over(secret.expires_at()) && locked.next().is_some()
    }
}

fn keys(secret: Option<&Secret>) -> BTreeSet<DataKeyId> {
    secret.into_iter().flat_map(Secret::sealed).map(|(_, sealed)| sealed.data_key).collect()
}
