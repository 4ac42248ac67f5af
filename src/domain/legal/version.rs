//! Owns the rules for events about a version.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::event::{
    AccessRecorded, VersionAdded, VersionDataDestroyed, VersionDownloaded, VersionRegenerated, VersionUpdated,
};
use super::super::secret::{Lifecycle, Secret, SecretSpec};
use super::super::state::State;
use super::super::time::Timestamp;
use super::super::touch::{Touch, unlocked};
use super::super::version::{SealedRef, VersionOrigin};

use super::secret::active;
use super::whole::newest_epoch;
use super::{Rule, Sight, hold};

pub(super) fn download(secret: &Secret, event: &VersionDownloaded) -> Result<(), Rule> {
    let version = secret.version_by_id(event.version).ok_or(Rule::VersionMissing)?;
    hold(version.is_available(), Rule::DataGone)?;
    hold(!version.downloaded, Rule::ReadBefore)
}

pub(super) fn update(secret: &Secret, event: &VersionUpdated) -> Result<(), Rule> {
    active(secret)?;
    let version = secret.version_by_id(event.version).ok_or(Rule::VersionMissing)?;
    hold(version.custom_metadata != event.custom_metadata, Rule::NothingChanged)
}

pub(super) fn destroy(state: &State, secret: &Secret, event: &VersionDataDestroyed) -> Result<(), Rule> {
    let version = secret.version_by_id(event.version).ok_or(Rule::VersionMissing)?;
    let sealed = version.data.sealed().ok_or(Rule::DataGone)?;
    untouched(state, secret, Touch::DestroyData(event.version))?;
    hold(!version.has_credential_in_use(), Rule::CredentialInUse)?;
    hold(sealed.data_key == event.data_key, Rule::DataKeyMismatch)
}

pub(super) fn add(
    state: &State,
    secret: &Secret,
    (event, now): (&VersionAdded, Timestamp),
    sight: Sight,
) -> Result<(), Rule> {
    let is_issued = secret.spec.issuance().is_some();
    let is_waiting = is_issued && secret.lifecycle == Lifecycle::PreActivation;
    hold(is_waiting || secret.lifecycle == Lifecycle::Active, Rule::SecretInactive)?;
    if is_issued {
        from_rotation(secret, event)?;
    }
    hold(event.number == secret.next_number(), Rule::VersionNumberGap)?;
    hold(secret.version_by_id(event.version).is_none(), Rule::VersionExists)?;
    let is_first = secret.versions.is_empty();
    if is_issued {
        sealed_once(state, &event.sealed, sight)?;
    } else {
        hold(is_first || !secret.spec.is_dynamic(), Rule::RotationOfType)?;
        sealed_apart(secret, &event.sealed)?;
        sealed_now(state, &event.sealed, sight)?;
    }
    hold(is_first == (event.origin == VersionOrigin::Created), Rule::OriginMismatch)?;
    let touch = touch_of(secret, event, now)?;
    // That of an issuer was held to the one rule at the commit, and has changed what it would touch.
    if is_first || is_issued { Ok(()) } else { untouched(state, secret, touch) }
}

/// Gives what a version does to those before it, by where it comes from.
fn touch_of(secret: &Secret, event: &VersionAdded, now: Timestamp) -> Result<Touch, Rule> {
    let is_issued = secret.spec.issuance().is_some();
    let is_by_policy = event.origin == VersionOrigin::RotatedByPolicy && !is_issued;
    hold(!is_by_policy || secret.policy.is_some_and(|policy| policy.auto_rotate), Rule::OriginMismatch)?;
    match (event.origin, event.restored_from) {
        (VersionOrigin::Restored, Some(from)) => {
            let before = secret.previous().filter(|version| version.id == from && version.is_available());
            hold(before.ok_or(Rule::RestoredFrom)?.expires_at == event.expires_at, Rule::EndMismatch)?;
            Ok(Touch::Restore)
        }
        (VersionOrigin::Restored, None) | (_, Some(_)) => Err(Rule::RestoredFrom),
        (_, None) if is_issued => Ok(Touch::Rotate),
        (_, None) => ends(secret, event.expires_at, now).map(|()| Touch::Rotate),
    }
}

/// A version that an issuer made comes of the rotation that is under way, and holds what that made.
fn from_rotation(secret: &Secret, event: &VersionAdded) -> Result<(), Rule> {
    let rotation = secret.rotation.as_deref().filter(|rotation| rotation.to == event.version);
    let rotation = rotation.ok_or(Rule::RotationMismatch)?;
    hold(rotation.stage.is_made(), Rule::RotationOutOfTurn)?;
    hold(rotation.credential().is_some_and(|made| made.sealed == event.sealed), Rule::DataKeyMismatch)?;
    hold(rotation.trigger.origin() == event.origin, Rule::OriginMismatch)
}

pub(super) fn regenerate(
    state: &State,
    secret: &Secret,
    (event, now): (&VersionRegenerated, Timestamp),
    sight: Sight,
) -> Result<(), Rule> {
    let version = secret.version_by_id(event.version).ok_or(Rule::VersionMissing)?;
    hold(secret.lifecycle == Lifecycle::Active, Rule::SecretInactive)?;
    let is_current = secret.current().is_some_and(|current| current.id == version.id);
    hold(is_current && matches!(secret.spec, SecretSpec::IamCredentials { .. }), Rule::NotRegenerated)?;
    untouched(state, secret, Touch::Regenerate)?;
    sealed_apart(secret, &event.sealed)?;
    sealed_now(state, &event.sealed, sight)?;
    hold(version.data.sealed().map(|sealed| sealed.data_key) == event.destroyed, Rule::DataKeyMismatch)?;
    ends(secret, event.expires_at, now)
}

/// Holds a step to the one rule of locks.
pub(super) fn untouched(state: &State, secret: &Secret, touch: Touch) -> Result<(), Rule> {
    unlocked(secret, touch, &state.whole).map(drop).map_err(|obstacle| Rule::of_touch(&obstacle))
}

/// Holds data that a lease ends to the end of its lease, and data that nothing ends to none.
fn ends(secret: &Secret, end: Option<Timestamp>, now: Timestamp) -> Result<(), Rule> {
    let fits = match (&secret.spec, secret.spec.ttl_secs()) {
        (_, Some(ttl_secs)) => end == Some(now.plus(Duration::from_secs(u64::from(ttl_secs)))),
        (SecretSpec::ImportedCert, None) => end.is_none_or(|end| end > now),
        (_, None) => end.is_none(),
    };
    hold(fits, Rule::EndMismatch)
}

/// Holds new data to a data key of its own: with one that other data has, destroying either would destroy both.
pub(super) fn sealed_apart(secret: &Secret, sealed: &SealedRef) -> Result<(), Rule> {
    hold(secret.sealed().all(|(_, other)| other.data_key != sealed.data_key), Rule::DataKeyTaken)
}

/// Tells whether all data of a secret has data keys of its own.
pub(super) fn all_apart(secret: &Secret) -> bool {
    let keys: BTreeSet<_> = secret.sealed().map(|(_, sealed)| sealed.data_key).collect();
    keys.len() == secret.sealed().count()
}

/// Holds reads to a version that there was. Which ids there were, nobody knows of a secret that let versions go, or of one
/// whose issuer makes them: those of rotations that were given up are read as well. Times are those of a clock that can
/// have run back, and are held to nothing.
pub(super) fn record_access(state: &State, event: &AccessRecorded) -> Result<(), Rule> {
    let knows_all = |secret: &Secret| {
        let all = u64::try_from(secret.versions.len()).ok().and_then(|versions| versions.checked_add(1));
        secret.spec.issuance().is_none() && all == Some(secret.next_number().get())
    };
    let secret = state.secret(event.secret).filter(|secret| knows_all(secret));
    let is_there = secret.is_none_or(|secret| secret.version_by_id(event.version).is_some());
    hold(event.reads > 0 && is_there, Rule::ReadOfNothing)
}

/// Holds new data to the epoch in force.
pub(super) fn sealed_now(state: &State, sealed: &SealedRef, sight: Sight) -> Result<(), Rule> {
    hold(!sight.whole || newest_epoch(state) == sealed.epoch, Rule::SealedEpoch)
}

/// Holds data to an epoch that there was.
fn sealed_once(state: &State, sealed: &SealedRef, sight: Sight) -> Result<(), Rule> {
    hold(!sight.whole || (1..=newest_epoch(state)).contains(&sealed.epoch), Rule::SealedEpoch)
}
