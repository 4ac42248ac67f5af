//! Owns the rules for events about a secret as a whole.

use crate::domain::event::{Event, SecretCreated, SecretExpired};
use crate::domain::id::{DataKeyId, VersionId};
use crate::domain::limits;
use crate::domain::record::Record;
use crate::domain::secret::{Lifecycle, Secret, SecretMetadata, SecretSpec};
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::domain::touch::{Touch, unlocked};
use crate::domain::version::Version;

use super::{Rule, Sight, hold};

/// Finds the secret that a record is about.
pub(super) fn find<'a>(state: &'a State, record: &Record) -> Result<&'a Secret, Rule> {
    let subject = record.subject.ok_or(Rule::SubjectMismatch)?;
    state.secret(subject.secret).map(AsRef::as_ref).ok_or(Rule::UnknownSecret)
}

pub(super) fn check(state: &State, record: &Record, sight: Sight) -> Result<(), Rule> {
    if let Event::SecretCreated(event) = &record.event {
        return create(state, event, sight);
    }
    let secret = find(state, record)?;
    match &record.event {
        Event::SecretUpdated(event) => {
            let taken = state.secret_named(secret.secret_type(), &event.metadata.name);
            hold(taken.is_none_or(|id| id == secret.id), Rule::NameTaken)?;
            retention(&event.metadata)
        }
        Event::SpecUpdated(event) => hold(event.spec.secret_type() == secret.secret_type(), Rule::TypeChanged),
        Event::SecretDeleted(event) => {
            hold(
                !secret.versions.iter().any(Version::has_credential_in_use) && secret.rotation.is_none(),
                Rule::CredentialInUse,
            )?;
            let witness = unlocked(secret, Touch::Delete, &state.whole);
            let witness = witness.map_err(|refusal| Rule::of_touch(&refusal))?;
            let is_destroyed = |data_key: &DataKeyId| event.data_keys.contains(data_key);
            let same_count = witness.data().len() == event.data_keys.len();
            hold(same_count && witness.data().iter().all(|(_, key)| is_destroyed(key)), Rule::DataKeyMismatch)
        }
        Event::SecretExpired(event) => {
            time_passes(state)?;
            expire(secret, event, record)
        }
        Event::ExpirationHeld(event) => {
            time_passes(state)?;
            held(secret, event.version, record)
        }
        _ => Ok(()),
    }
}

/// Nothing lapses while a store is in quarantine.
pub(super) fn time_passes(state: &State) -> Result<(), Rule> {
    hold(state.whole.quarantine().is_none(), Rule::TouchedInQuarantine)
}

fn create(state: &State, event: &SecretCreated, sight: Sight) -> Result<(), Rule> {
    let taken = state.secret_named(event.spec.secret_type(), &event.metadata.name);
    hold(taken.is_none(), Rule::NameTaken)?;
    hold(state.secrets.len() < limits::SECRETS_MAX, Rule::TooManySecrets)?;
    hold(!sight.groups || state.has_group(event.group), Rule::UnknownGroup)?;
    retention(&event.metadata)
}

pub(in super::super) fn retention(metadata: &SecretMetadata) -> Result<(), Rule> {
    let bounds = limits::RETENTION_DEFAULT..=limits::RETENTION_MAX;
    hold(bounds.contains(&metadata.retention), Rule::RetentionBounds)
}

fn expire(secret: &Secret, event: &SecretExpired, record: &Record) -> Result<(), Rule> {
    hold(secret.lifecycle == Lifecycle::Active, Rule::SecretInactive)?;
    hold(secret.expires_at().is_some_and(|end| end <= record.recorded_at), Rule::NotExpired)?;
    match (&secret.spec, event.lifecycle) {
        (SecretSpec::ImportedCert | SecretSpec::PrivateCert { .. }, Lifecycle::Deactivated) => Ok(()),
        (SecretSpec::ImportedCert | SecretSpec::IamCredentials { .. } | SecretSpec::PrivateCert { .. }, _) => {
            Err(Rule::ExpiryOfType)
        }
        (_, Lifecycle::Destroyed) => {
            hold(!secret.versions.iter().any(Version::is_available), Rule::ExpiredWithData)?;
            hold(!secret.versions.iter().any(Version::has_credential_in_use), Rule::CredentialInUse)?;
            hold(secret.rotation.is_none(), Rule::RotationOutOfTurn)
        }
        _ => Err(Rule::ExpiryOfType),
    }
}

/// A hold is said once, of a locked version that has reached its end, or whose secret has.
fn held(secret: &Secret, version: VersionId, record: &Record) -> Result<(), Rule> {
    let version = secret.version_by_id(version).ok_or(Rule::VersionMissing)?;
    hold(!version.locks.is_empty() && secret.expiry_held_since.is_none(), Rule::NothingHeld)?;
    let is_over = |end: Option<Timestamp>| end.is_some_and(|end| end <= record.recorded_at);
    hold(is_over(secret.expires_at()) || is_over(version.expires_at), Rule::NotExpired)
}

/// Holds a secret to its bounds at the end of a batch that changed it.
pub(in super::super) fn settled(secret: &Secret) -> Result<(), Rule> {
    let least = usize::from(secret.spec.issuance().is_none());
    hold((least..=limits::VERSIONS_MAX).contains(&secret.versions.len()), Rule::VersionCount)?;
    hold(secret.locks_total() <= limits::LOCKS_MAX, Rule::TooManyLocks)
}
