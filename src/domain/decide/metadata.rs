//! Owns the rules for metadata and policies; locks never stand in their way.

use std::time::Duration;

use super::super::command::{Change, SecretChanges};
use super::super::event::{PolicyCleared, PolicySet, SecretUpdated, SpecUpdated, VersionUpdated};
use super::super::expiry::Expiry;
use super::super::json::JsonObject;
use super::super::limits;
use super::super::policy::RotationPolicy;
use super::super::refusal::Refusal;
use super::super::secret::{Secret, SecretMetadata, SecretSpec};
use super::super::size::{check_words, words};
use super::super::state::State;
use super::super::stop::Work;
use super::super::time::Timestamp;
use super::super::version::VersionRef;
use super::Decision;

/// Holds metadata to its bounds; `now` because an expiry must lie ahead.
pub(in super::super) fn check(metadata: &SecretMetadata, spec: &SecretSpec, now: Timestamp) -> Result<(), Refusal> {
    if metadata.labels.len() > limits::LABELS_MAX {
        return Err(Refusal::invalid("labels", "takes up to 30 of them"));
    }
    check_custom(metadata.custom_metadata.as_ref(), "custom_metadata")?;
    if !(limits::RETENTION_DEFAULT..=limits::RETENTION_MAX).contains(&metadata.retention) {
        return Err(Refusal::invalid("retention", "takes 2 to 50 versions"));
    }
    match (metadata.expires_at, spec) {
        (Some(_), SecretSpec::Kv) => {
            Err(Refusal::invalid("expiration_date", "is not for kv secrets; they never expire"))
        }
        (Some(_), SecretSpec::IamCredentials { .. }) => {
            Err(Refusal::invalid("expiration_date", "is not for iam_credentials; their ttl says how long a key lives"))
        }
        (Some(_), SecretSpec::ImportedCert) => {
            Err(Refusal::invalid("expiration_date", "is not for certificates; they bring their own"))
        }
        (Some(_), spec) if spec.issuance().is_some() => Err(Refusal::invalid(
            "expiration_date",
            "is not for credentials that an issuer makes; it says when they end",
        )),
        (Some(at), _) => end(at.into(), now).map(drop),
        (None, _) => Ok(()),
    }
}

/// Gives the end of a secret.
pub(super) fn end(expires: Expiry, now: Timestamp) -> Result<Timestamp, Refusal> {
    Ok(expires.end(EXPIRATION_DATE, now, Duration::ZERO)?)
}

/// What refusals call the end of a secret.
pub(super) const EXPIRATION_DATE: &str = "expiration_date";

pub(super) fn check_custom(object: Option<&JsonObject>, field: &'static str) -> Result<(), Refusal> {
    object.map_or(Ok(()), |object| object.bounded(field, limits::METADATA_BYTES_MAX)).map_err(Refusal::from)
}

/// Holds a policy to the bounds of the type, and to the expiries that would come before the next run after `start`.
pub(in super::super) fn check_policy(
    policy: RotationPolicy,
    spec: &SecretSpec,
    start: Timestamp,
    expiries: [Option<Timestamp>; 2],
) -> Result<(), Refusal> {
    if spec.is_dynamic() {
        return Err(Refusal::PolicyNotSupported {
            rule: "a dynamic secret takes no rotation policy; each read makes a new credential".into(),
        });
    }
    policy.check(spec).map_err(|invalid| Refusal::PolicyNotSupported { rule: invalid.to_string().into() })?;
    let next = policy.interval.after(start);
    if policy.auto_rotate && expiries.into_iter().flatten().any(|expiry| expiry < next) {
        return Err(Refusal::PolicyAfterExpiry);
    }
    Ok(())
}

pub(super) fn update_secret(
    state: &State,
    secret: &Secret,
    changes: &SecretChanges,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    secret.may(Work::Describe)?;
    let metadata = changed(&secret.metadata, changes, now)?;
    let spec = changes.spec.as_ref().unwrap_or(&secret.spec);
    check_spec(secret, spec)?;
    check_order(secret, spec)?;
    if metadata.name != secret.metadata.name
        && let Some(by) = state.secret_named(secret.secret_type(), &metadata.name)
    {
        return Err(Refusal::SecretNameTaken { by });
    }
    // An expiry that stands already may have passed: a lock can hold it back.
    let until = if metadata.expires_at == secret.metadata.expires_at { Timestamp::EPOCH } else { now };
    check(&metadata, spec, until)?;
    check_words(&metadata, spec, words(&secret.metadata, &secret.spec))?;
    let mut decision = Decision::about(secret.id);
    if metadata != secret.metadata {
        decision = decision.then(SecretUpdated { metadata });
    }
    if *spec != secret.spec {
        decision = decision.then(SpecUpdated { spec: spec.clone() });
    }
    Ok(decision)
}

fn changed(old: &SecretMetadata, changes: &SecretChanges, now: Timestamp) -> Result<SecretMetadata, Refusal> {
    let changes = changes.clone();
    Ok(SecretMetadata {
        name: changes.name.unwrap_or_else(|| old.name.clone()),
        description: changes.description.over(old.description.clone()),
        labels: changes.labels.map_or_else(|| old.labels.clone(), Vec::into_boxed_slice),
        custom_metadata: changes.custom_metadata.over(old.custom_metadata.clone()),
        expires_at: match changes.expires {
            Change::Keep => old.expires_at,
            Change::Clear => None,
            Change::Set(Expiry::At(end)) => Some(end),
            Change::Set(expires) => Some(end(expires, now)?),
        },
        retention: changes.retention.unwrap_or(old.retention),
        refuse_rotation_while_locked: changes.refuse_rotation_while_locked.over(old.refuse_rotation_while_locked),
    })
}

pub(in super::super) fn check_spec(secret: &Secret, spec: &SecretSpec) -> Result<(), Refusal> {
    if spec.secret_type() != secret.secret_type() {
        return Err(Refusal::invalid("secret_type", "cannot change"));
    }
    if let (SecretSpec::IamCredentials { api_key_use: new, .. }, SecretSpec::IamCredentials { api_key_use: old, .. }) =
        (spec, &secret.spec)
        && new != old
    {
        return Err(Refusal::invalid("reuse_api_key", "cannot change"));
    }
    spec.check()?;
    match secret.policy.filter(|_| *spec != secret.spec) {
        Some(policy) => {
            policy.check(spec).map_err(|invalid| Refusal::PolicyNotSupported { rule: invalid.to_string().into() })
        }
        None => Ok(()),
    }
}

/// Keeps what an issuer was asked for as it is from the first call of a rotation that replaces in place until it is over:
/// the login that proves the value, and the one that sets the old value again, are asked for with the same words. Of one
/// that waits for a person, that person may change the parameters.
pub(in super::super) fn check_order(secret: &Secret, spec: &SecretSpec) -> Result<(), Refusal> {
    let Some(rotation) = secret.rotation.as_ref().filter(|rotation| rotation.has_replaced_current()) else {
        return Ok(());
    };
    let (old, new) = (secret.spec.issuance(), spec.issuance());
    let same_issuer = old.map(|old| &old.issuer) == new.map(|new| &new.issuer);
    let same_parameters = old.map(|old| &old.parameters) == new.map(|new| &new.parameters);
    if same_issuer && (same_parameters || rotation.parked.is_some()) {
        Ok(())
    } else {
        Err(Refusal::RotationOpen { rotation: rotation.id })
    }
}

pub(super) fn update_version(
    secret: &Secret,
    version: VersionRef,
    custom_metadata: Option<&JsonObject>,
) -> Result<Decision, Refusal> {
    secret.may(Work::Use)?;
    let version = secret.version(version).ok_or(Refusal::VersionNotFound)?;
    check_custom(custom_metadata, "version_custom_metadata")?;
    let decision = Decision::about(secret.id).on(version.id);
    if version.custom_metadata.as_ref() == custom_metadata {
        return Ok(decision);
    }
    Ok(decision.then(VersionUpdated { version: version.id, custom_metadata: custom_metadata.cloned() }))
}

pub(in super::super) fn set_policy(
    secret: &Secret,
    policy: RotationPolicy,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    secret.may(Work::Describe)?;
    let (start, end) = secret.current().map_or((now, None), |current| (current.counts_from, current.expires_at));
    check_policy(policy, &secret.spec, start, [secret.metadata.expires_at, end])?;
    let decision = Decision::about(secret.id);
    Ok(if secret.policy == Some(policy) { decision } else { decision.then(PolicySet { policy }) })
}

pub(super) fn clear_policy(secret: &Secret) -> Result<Decision, Refusal> {
    secret.may(Work::Describe)?;
    let decision = Decision::about(secret.id);
    Ok(if secret.policy.is_none() { decision } else { decision.then(PolicyCleared {}) })
}
