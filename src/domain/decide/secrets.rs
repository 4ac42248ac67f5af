//! Owns the rules for making, reading and removing secrets.

use super::super::command::{Command, Prepared, Terms};
use super::super::event::{SecretCreated, SecretDeleted, VersionAdded, VersionDownloaded, VersionRegenerated};
use super::super::id::{DataKeyId, VersionId};
use super::super::limits;
use super::super::position::VersionNumber;
use super::super::refusal::Refusal;
use super::super::secret::{ApiKeyUse, Secret, SecretSpec};
use super::super::size::check_words;
use super::super::state::State;
use super::super::stop::Work;
use super::super::time::Timestamp;
use super::super::touch::{Touch, unlocked};
use super::super::version::{DestroyCause, Version, VersionData, VersionOrigin, VersionRef};
use super::{Decision, in_force, metadata, retirement, strict_access};

pub(super) fn create(state: &State, command: &Command, terms: &Terms, now: Timestamp) -> Result<Decision, Refusal> {
    let Command::CreateSecret { id, group, metadata, expires, spec, policy, first } = command else {
        return Ok(Decision::default());
    };
    if terms.expected_revision.is_some() {
        return Err(Refusal::invalid("expected revision", "cannot be given for a secret that is not there yet"));
    }
    if state.secrets.len() >= limits::SECRETS_MAX {
        return Err(Refusal::SecretLimitReached);
    }
    if let Some(by) = state.secret_named(spec.secret_type(), &metadata.name) {
        return Err(Refusal::SecretNameTaken { by });
    }
    if state.secret(*id).is_some() {
        return Err(Refusal::VersionChanged);
    }
    if !state.has_group(*group) {
        return Err(Refusal::GroupNotFound);
    }
    spec.check()?;
    let mut metadata = metadata.clone();
    if let Some(expires) = expires {
        metadata.expires_at = Some(metadata::end(*expires, now)?);
    }
    metadata::check(&metadata, spec, now)?;
    check_words(&metadata, spec, 0)?;
    let created = SecretCreated { group: *group, metadata: metadata.clone(), spec: spec.clone(), policy: *policy };
    check_source(spec, first.is_some())?;
    let expires_at = first.as_ref().map_or(Ok(None), |first| end_of_data(spec, first, now))?;
    if let Some(policy) = policy {
        metadata::check_policy(*policy, spec, now, [metadata.expires_at, expires_at])?;
    }
    let Some(first) = first else { return Ok(Decision::about(*id).then(created)) };
    metadata::check_custom(first.custom_metadata.as_ref(), "version_custom_metadata")?;
    in_force(state, first)?;
    let added = added(first, VersionNumber::FIRST, VersionOrigin::Created, None, expires_at);
    let decision = Decision { takes_data: true, ..Decision::about(*id).on(first.version) };
    Ok(decision.then(created).then(added))
}

/// The data of a first version is brought along, or made, with the secret, unless an issuer makes it later.
fn check_source(spec: &SecretSpec, has_data: bool) -> Result<(), Refusal> {
    match (spec.issuance().is_some(), has_data) {
        (true, true) => Err(Refusal::invalid("data", "is made by the issuer; it cannot be brought along")),
        (false, false) => Err(Refusal::invalid("data", "has to be brought along, or made, with the secret")),
        _ => Ok(()),
    }
}

pub(super) fn added(
    new: &Prepared,
    number: VersionNumber,
    origin: VersionOrigin,
    restored_from: Option<VersionId>,
    expires_at: Option<Timestamp>,
) -> VersionAdded {
    VersionAdded {
        version: new.version,
        number,
        origin,
        restored_from,
        sealed: new.sealed,
        details: new.details.clone(),
        expires_at,
        custom_metadata: new.custom_metadata.clone(),
    }
}

/// Works out when the data of a new version ends: a lease from now on, or the last moment of a certificate.
pub(super) fn end_of_data(spec: &SecretSpec, new: &Prepared, now: Timestamp) -> Result<Option<Timestamp>, Refusal> {
    if let Some(ttl_secs) = spec.ttl_secs() {
        return Ok(Some(now.plus(std::time::Duration::from_secs(u64::from(ttl_secs)))));
    }
    match new.expires_at {
        Some(end) if end <= now => Err(Refusal::invalid("certificate", "has expired; bring one that still holds")),
        end => Ok(end),
    }
}

pub(super) fn read_dynamic(
    state: &State,
    secret: &Secret,
    (fresh, at_hand): (&Prepared, Option<DataKeyId>),
    terms: &Terms,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    secret.may(Work::Use)?;
    if !matches!(secret.spec, SecretSpec::IamCredentials { .. }) {
        return Err(Refusal::VersionChanged);
    }
    let Some(current) = secret.current() else { return Err(Refusal::VersionNotFound) };
    if is_lent(secret, current, now) {
        // What was read before this was decided may not be what counts any more.
        let counts = current.data.sealed().map(|sealed| sealed.data_key);
        return if at_hand == counts {
            record_read(state, secret, current.id, terms, now)
        } else {
            Err(Refusal::VersionChanged)
        };
    }
    let witness = unlocked(secret, Touch::Regenerate, &state.whole)?;
    // Sealed data opens in the version that it was sealed for, and in no other.
    if fresh.version != current.id {
        return Err(Refusal::VersionChanged);
    }
    in_force(state, fresh)?;
    let regenerated = VersionRegenerated {
        version: current.id,
        destroyed: witness.data().first().map(|(_, data_key)| *data_key),
        sealed: fresh.sealed,
        details: fresh.details.clone(),
        expires_at: end_of_data(&secret.spec, fresh, now)?,
    };
    let mut decision = Decision::about(secret.id).on(current.id).then(regenerated);
    decision.takes_data = true;
    decision.events.extend(strict_access(state, secret.id, current.id, terms, now).map(|event| (None, event)));
    Ok(decision)
}

/// Tells whether a read gives the credential of a version that is there, and makes none.
pub(crate) fn is_lent(secret: &Secret, version: &Version, now: Timestamp) -> bool {
    let is_reused = matches!(&secret.spec, SecretSpec::IamCredentials { api_key_use: ApiKeyUse::UntilLeaseEnds, .. });
    // A key whose lease is over but which a lock holds stays active and readable.
    let runs = version.expires_at.is_none_or(|end| end > now);
    is_reused && version.is_available() && (runs || !version.locks.is_empty())
}

/// A read that leaves the data as it is; a dynamic secret has none, or its lock would protect nothing. What was read before
/// it was decided may not be what was asked for any more.
pub(super) fn read_as_it_is(
    state: &State,
    secret: &Secret,
    (version, asked): (VersionId, VersionRef),
    terms: &Terms,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    let found = secret.version(asked).ok_or(Refusal::VersionNotFound)?;
    if secret.spec.is_dynamic() || found.id != version {
        return Err(Refusal::VersionChanged);
    }
    record_read(state, secret, version, terms, now)
}

fn record_read(
    state: &State,
    secret: &Secret,
    version: VersionId,
    terms: &Terms,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    let version = secret.version_by_id(version).ok_or(Refusal::VersionNotFound)?;
    readable(version)?;
    let mut decision = Decision::about(secret.id).on(version.id);
    if !version.downloaded {
        decision = decision.then(VersionDownloaded { version: version.id });
    }
    decision.events.extend(strict_access(state, secret.id, version.id, terms, now).map(|event| (None, event)));
    Ok(decision)
}

/// Tells whether the data of a version can be read.
pub(crate) fn readable(version: &Version) -> Result<(), Refusal> {
    match version.data {
        VersionData::Available(_) => Ok(()),
        VersionData::Destroyed { cause, .. } => Err(Refusal::VersionDataDestroyed { cause }),
        VersionData::Unavailable { .. } => Err(Refusal::VersionDataNotRestored),
    }
}

pub(super) fn destroy_data(state: &State, secret: &Secret, version: VersionRef) -> Result<Decision, Refusal> {
    let version = secret.version(version).ok_or(Refusal::VersionNotFound)?;
    readable(version)?;
    let witness = unlocked(secret, Touch::DestroyData(version.id), &state.whole)?;
    let decision = Decision::about(secret.id).on(version.id);
    Ok(retirement::let_touched_go(secret, &witness, DestroyCause::Requested, decision))
}

pub(super) fn delete(state: &State, secret: &Secret) -> Result<Decision, Refusal> {
    let witness = unlocked(secret, Touch::Delete, &state.whole)?;
    if let Some(planned) = retirement::plan_deletion(&state.whole, secret, &witness) {
        return Ok(planned);
    }
    let data_keys = witness.data().iter().map(|(_, data_key)| *data_key).collect();
    Ok(Decision::about(secret.id).then(SecretDeleted { data_keys }))
}
