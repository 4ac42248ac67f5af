//! Owns the rules for the end of credentials outside: what is retired before data goes, and who says that they have moved.
//!
//! Read next: [`super::protocol`].

use super::super::command::Terms;
use super::super::event::VersionDataDestroyed;
use super::super::id::VersionId;
use super::super::limits;
use super::super::name::{IssuerName, Reason};
use super::super::refusal::Refusal;
use super::super::rotation::{Credential, Retirement};
use super::super::rotation_event::{
    CredentialRetired, DeletionPlanned, RetirementFailed, RetirementPlanned, VersionAcknowledged,
};
use super::super::secret::Secret;
use super::super::state::{State, Whole};
use super::super::time::Timestamp;
use super::super::touch::{Touch, Unlocked, unlocked};
use super::super::version::{DestroyCause, Version, VersionData, VersionRef};
use super::protocol::abort;
use super::{Decision, time};

/// Destroys the data of a version, or plans to end its credential first; nothing where that was done before.
pub(super) fn let_go(version: &Version, cause: DestroyCause, decision: Decision) -> Decision {
    let id = version.id;
    match (version.credential.as_deref().filter(|credential| credential.is_in_use()), version.data.sealed()) {
        (Some(credential), _) if credential.is_retiring() => decision,
        (Some(_), _) => decision.then(RetirementPlanned { version: id }),
        (None, Some(sealed)) => decision.then(VersionDataDestroyed { version: id, data_key: sealed.data_key, cause }),
        (None, None) => decision,
    }
}

/// Lets all versions go that an operation touches; asks for the proof that none is locked.
pub(super) fn let_touched_go(secret: &Secret, witness: &Unlocked, cause: DestroyCause, decision: Decision) -> Decision {
    let touched = witness.touched().iter().filter_map(|id| secret.version_by_id(*id));
    touched.fold(decision, |decision, version| let_go(version, cause, decision))
}

/// Destroys the data of a version whose end was asked for before an issuer replaced its credential in place.
pub(super) fn end_replaced(version: &Version, by: &IssuerName, decision: Decision) -> Decision {
    let credential = version.credential.as_deref().filter(|credential| credential.issuer == *by);
    let is_asked_for = credential.is_some_and(Credential::is_retiring);
    match version.data.sealed().filter(|_| is_asked_for) {
        Some(sealed) => {
            let (version, data_key, cause) = (version.id, sealed.data_key, DestroyCause::Retired);
            decision.then(VersionDataDestroyed { version, data_key, cause })
        }
        None => decision,
    }
}

pub(super) fn plan_retirement(state: &State, secret: &Secret, version: VersionRef) -> Result<Decision, Refusal> {
    let version = secret.version(version).ok_or(Refusal::VersionNotFound)?;
    let decision = Decision::about(secret.id).on(version.id);
    let in_use = version.credential.as_deref().filter(|credential| credential.is_in_use());
    let Some(credential) = in_use else {
        return Err(Refusal::invalid("version", "has no credential in a system outside that could be ended"));
    };
    if credential.is_retiring() {
        return Ok(decision);
    }
    if secret.current().is_some_and(|current| current.id == version.id) {
        return Err(Refusal::invalid("version", "is the current one; rotate first, then retire the one before"));
    }
    unlocked(secret, Touch::DestroyData(version.id), &state.whole)?;
    Ok(decision.then(RetirementPlanned { version: version.id }))
}

pub(in super::super) fn finish_retirement(
    state: &State,
    secret: &Secret,
    version: VersionId,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    let version = secret.version_by_id(version).ok_or(Refusal::VersionNotFound)?;
    if !version.credential.as_deref().is_some_and(Credential::is_retiring) {
        return Err(Refusal::VersionChanged);
    }
    unlocked(secret, Touch::DestroyData(version.id), &state.whole)?;
    let mut after = secret.clone();
    if let Some(version) = after.version_by_id_mut(version.id) {
        if let Some(credential) = &mut version.credential {
            credential.retirement = Retirement::Retired { at: now };
        }
        if version.is_available() {
            version.data = VersionData::Destroyed { at: now, cause: DestroyCause::Retired };
        }
    }
    let mut decision = Decision::about(secret.id).on(version.id).then(CredentialRetired { version: version.id });
    if let Some(sealed) = version.data.sealed() {
        let (data_key, cause) = (sealed.data_key, DestroyCause::Retired);
        decision = decision.then(VersionDataDestroyed { version: version.id, data_key, cause });
    }
    // The last one of a secret that has expired takes the secret along.
    Ok(time::expire(state, &after, now, decision))
}

/// Notes that a credential could not be ended, and when it is tried again; nothing where that is no news.
pub(in super::super) fn fail_retirement(
    secret: &Secret,
    version: VersionId,
    reason: &Reason,
    retry_at: Timestamp,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    let version = secret.version_by_id(version).ok_or(Refusal::VersionNotFound)?;
    let retiring = version.credential.as_deref().filter(|credential| credential.is_retiring());
    let credential = retiring.ok_or(Refusal::VersionChanged)?;
    let decision = Decision::about(secret.id).on(version.id);
    // What a job reports, or does not, ends the wait for it.
    let is_awaited = matches!(credential.retirement, Retirement::Awaiting { .. });
    if !is_awaited && !is_news(secret, reason, now) {
        return Ok(decision);
    }
    let retry_at = retry_at.max(now.plus(limits::RETRY_PAUSE_MIN));
    Ok(decision.then(RetirementFailed { version: version.id, reason: reason.clone(), retry_at }))
}

/// Tells whether it is worth a record that a credential of a secret could not be ended: once in each pause, whichever version it is of,
/// and once a day while the reason stays. So an outage does not make the log grow with versions and runs.
fn is_news(secret: &Secret, reason: &Reason, now: Timestamp) -> bool {
    secret.credentials().all(|credential| match &credential.retirement {
        Retirement::Failing { reason: told, retry_at, .. } if told == reason => {
            retry_at.plus(limits::REFUSED_ROTATION_PAUSE) <= now
        }
        Retirement::Failing { retry_at, .. } => *retry_at <= now,
        Retirement::InUse | Retirement::Planned { .. } | Retirement::Retired { .. } | Retirement::Awaiting { .. } => {
            true
        }
    })
}

pub(super) fn acknowledge(secret: &Secret, version: VersionRef, terms: &Terms) -> Result<Decision, Refusal> {
    let version = secret.version(version).ok_or(Refusal::VersionNotFound)?;
    let decision = Decision::about(secret.id).on(version.id);
    if version.acknowledged_by.contains(&terms.actor) {
        return Ok(decision);
    }
    super::secrets::readable(version)?;
    if version.acknowledged_by.len() >= limits::CONSUMERS_MAX {
        return Err(Refusal::invalid("version", "was acknowledged by 32 consumers, the most that are noted"));
    }
    Ok(decision.then(VersionAcknowledged { version: version.id, consumer: terms.actor.clone() }))
}

/// Plans the end of a secret whose credentials are good outside: they are retired first.
pub(in super::super) fn plan_deletion(whole: &Whole, secret: &Secret, witness: &Unlocked) -> Option<Decision> {
    let mut decision = Decision::about(secret.id);
    let rotation = secret.rotation.as_deref();
    let touched = witness.touched().iter().filter_map(|id| secret.version_by_id(*id));
    let in_use: Vec<&Version> = touched.filter(|version| version.has_credential_in_use()).collect();
    if in_use.is_empty() && rotation.is_none() {
        return None;
    }
    if !secret.is_deleting {
        decision = decision.then(DeletionPlanned {});
    }
    for version in in_use {
        decision = let_go(version, DestroyCause::Requested, decision);
    }
    if let Some(rotation) = rotation {
        decision.events.extend(abort(whole, secret, rotation, &Reason::of("its secret is to be deleted")).events);
    }
    Some(decision)
}
