//! Owns the rules for events about a version.

use crate::domain::event::{Event, VersionAdded, VersionRegenerated};
use crate::domain::record::Record;
use crate::domain::rotation::RotationStage;
use crate::domain::secret::{Lifecycle, Secret, SecretSpec};
use crate::domain::state::State;
use crate::domain::touch::{Touch, unlocked};
use crate::domain::version::{SealedRef, VersionOrigin};

use super::secret::find;
use super::{Rule, Sight, hold};

pub(super) fn check(state: &State, record: &Record, sight: Sight) -> Result<(), Rule> {
    let secret = find(state, record)?;
    match &record.event {
        Event::VersionAdded(event) => add(state, secret, event, sight),
        Event::VersionRegenerated(event) => regenerate(state, secret, event, sight),
        Event::VersionDownloaded(event) => {
            let version = secret.version_by_id(event.version).ok_or(Rule::VersionMissing)?;
            hold(version.is_available(), Rule::DataGone)?;
            hold(!version.downloaded, Rule::ReadBefore)
        }
        Event::VersionUpdated(event) => hold(secret.version_by_id(event.version).is_some(), Rule::VersionMissing),
        Event::VersionDataDestroyed(event) => {
            let version = secret.version_by_id(event.version).ok_or(Rule::VersionMissing)?;
            let sealed = version.data.sealed().ok_or(Rule::DataGone)?;
            untouched(state, secret, Touch::DestroyData(event.version))?;
            hold(!version.has_credential_in_use(), Rule::CredentialInUse)?;
            hold(sealed.data_key == event.data_key, Rule::DataKeyMismatch)
        }
        _ => Ok(()),
    }
}

fn add(state: &State, secret: &Secret, event: &VersionAdded, sight: Sight) -> Result<(), Rule> {
    let is_issued = secret.spec.issuance().is_some();
    let is_waiting = is_issued && secret.lifecycle == Lifecycle::PreActivation;
    hold(is_waiting || secret.lifecycle == Lifecycle::Active, Rule::SecretInactive)?;
    if is_issued {
        from_rotation(secret, event)?;
    }
    hold(event.number == secret.next_number(), Rule::VersionNumberGap)?;
    hold(secret.version_by_id(event.version).is_none(), Rule::VersionExists)?;
    sealed_now(state, &event.sealed, sight)?;
    let is_first = secret.versions.is_empty();
    hold(is_first == (event.origin == VersionOrigin::Created), Rule::OriginMismatch)?;
    let touch = match (event.origin, event.restored_from) {
        (VersionOrigin::Restored, Some(from)) => {
            let before = secret.current().filter(|_| !is_first).and(secret.previous());
            hold(before.is_some_and(|version| version.id == from && version.is_available()), Rule::RestoredFrom)?;
            Touch::Restore
        }
        (VersionOrigin::Restored, None) | (_, Some(_)) => return Err(Rule::RestoredFrom),
        (_, None) => Touch::Rotate,
    };
    // That of an issuer was held to the one rule at the commit, and has changed what it would touch.
    if is_first || is_issued { Ok(()) } else { untouched(state, secret, touch) }
}

/// A version that an issuer made comes of the rotation that is under way, and holds what that made.
fn from_rotation(secret: &Secret, event: &VersionAdded) -> Result<(), Rule> {
    let rotation = secret.rotation.as_deref().filter(|rotation| rotation.to == event.version);
    let rotation = rotation.ok_or(Rule::RotationMismatch)?;
    let is_made = matches!(rotation.stage, RotationStage::Issued(_) | RotationStage::Staged { .. });
    hold(is_made, Rule::RotationOutOfTurn)?;
    hold(rotation.credential().is_some_and(|made| made.sealed == event.sealed), Rule::DataKeyMismatch)?;
    hold(rotation.trigger.origin() == event.origin, Rule::OriginMismatch)
}

fn regenerate(state: &State, secret: &Secret, event: &VersionRegenerated, sight: Sight) -> Result<(), Rule> {
    let version = secret.version_by_id(event.version).ok_or(Rule::VersionMissing)?;
    hold(secret.lifecycle == Lifecycle::Active, Rule::SecretInactive)?;
    let is_current = secret.current().is_some_and(|current| current.id == version.id);
    hold(is_current && matches!(secret.spec, SecretSpec::IamCredentials { .. }), Rule::NotRegenerated)?;
    untouched(state, secret, Touch::Regenerate)?;
    sealed_now(state, &event.sealed, sight)?;
    hold(version.data.sealed().map(|sealed| sealed.data_key) == event.destroyed, Rule::DataKeyMismatch)
}

/// Holds a step to the one rule of locks.
pub(super) fn untouched(state: &State, secret: &Secret, touch: Touch) -> Result<(), Rule> {
    unlocked(secret, touch, &state.whole).map(drop).map_err(|refusal| Rule::of_touch(&refusal))
}

/// Holds new data to an epoch that there was.
fn sealed_now(state: &State, sealed: &SealedRef, sight: Sight) -> Result<(), Rule> {
    let newest = state.whole.epochs.last().copied().unwrap_or(0);
    hold(!sight.whole || (1..=newest).contains(&sealed.epoch), Rule::SealedEpoch)
}
