//! Owns the rules for replacing the current version: rotation and restore.

use super::super::command::Prepared;
use super::super::event::VersionDataDestroyed;
use super::super::id::{DataKeyId, VersionId};
use super::super::refusal::Refusal;
use super::super::secret::Secret;
use super::super::state::State;
use super::super::stop::Work;
use super::super::time::Timestamp;
use super::super::touch::{Touch, Unlocked, unlocked};
use super::super::version::{DestroyCause, VersionOrigin};
use super::secrets::{added, end_of_data};
use super::{Decision, in_force, metadata};

pub(super) fn rotate(
    state: &State,
    secret: &Secret,
    origin: VersionOrigin,
    next: &Prepared,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    secret.may(Work::Use)?;
    if secret.spec.is_dynamic() || secret.spec.issuance().is_some() {
        return Err(Refusal::RotationNotSupported);
    }
    if origin == VersionOrigin::RotatedByPolicy && !secret.may_rotate_at(now) {
        // The policy went while the rotation was being prepared, or another rotation came before it.
        return Err(Refusal::VersionChanged);
    }
    metadata::check_custom(next.custom_metadata.as_ref(), "version_custom_metadata")?;
    let expires_at = end_of_data(&secret.spec, next, now)?;
    let witness = unlocked(secret, Touch::Rotate, &state.whole)?;
    in_force(state, next)?;
    Ok(replace(secret, &witness, next, origin, None, expires_at))
}

pub(super) fn restore(
    state: &State,
    secret: &Secret,
    from: VersionId,
    next: &Prepared,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    secret.may(Work::Use)?;
    if secret.spec.is_dynamic() || secret.spec.issuance().is_some() {
        return Err(Refusal::RotationNotSupported);
    }
    let Some(previous) = secret.previous().filter(|version| version.is_available()) else {
        return Err(Refusal::NothingToRestore);
    };
    if previous.id != from {
        return Err(Refusal::VersionChanged);
    }
    if previous.expires_at.is_some_and(|end| end <= now) {
        return Err(Refusal::invalid("previous version", "is past its end; rotate instead"));
    }
    metadata::check_custom(next.custom_metadata.as_ref(), "version_custom_metadata")?;
    let witness = unlocked(secret, Touch::Restore, &state.whole)?;
    in_force(state, next)?;
    Ok(replace(secret, &witness, next, VersionOrigin::Restored, Some(from), previous.expires_at))
}

/// Adds a version and destroys the data of those that fall out of the window; asks for the proof that none is locked.
fn replace(
    secret: &Secret,
    witness: &Unlocked,
    next: &Prepared,
    origin: VersionOrigin,
    restored_from: Option<VersionId>,
    expires_at: Option<Timestamp>,
) -> Decision {
    let mut decision = Decision::about(secret.id).on(next.version);
    decision.takes_data = true;
    decision = decision.then(added(next, secret.next_number(), origin, restored_from, expires_at));
    destroyed(witness).fold(decision, Decision::then)
}

/// Gives what is destroyed because it falls out of the window.
pub(in super::super) fn destroyed(witness: &Unlocked) -> impl Iterator<Item = VersionDataDestroyed> {
    let cause = DestroyCause::Retention;
    let destroy = move |(version, data_key): &(VersionId, DataKeyId)| VersionDataDestroyed {
        version: *version,
        data_key: *data_key,
        cause,
    };
    witness.data().iter().map(destroy)
}
