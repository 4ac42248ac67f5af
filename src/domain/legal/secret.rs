//! Owns the rules for events about a secret as a whole.

use super::super::event::{PolicySet, SecretCreated, SecretDeleted, SecretExpired, SecretUpdated, SpecUpdated};
use super::super::id::{DataKeyId, VersionId};
use super::super::limits;
use super::super::record::Record;
use super::super::room::forgettable;
use super::super::secret::{Ending, Lifecycle, Secret, SecretMetadata};
use super::super::state::State;
use super::super::stop::{Work, may};
use super::super::time::Timestamp;
use super::super::touch::{Touch, unlocked};
use super::super::version::Version;

use super::{Rule, Sight, hold};

/// Finds the secret that a record is about.
pub(super) fn find<'a>(state: &'a State, record: &Record) -> Result<&'a Secret, Rule> {
    let subject = record.subject.ok_or(Rule::SubjectMismatch)?;
    state.secret(subject.secret).map(AsRef::as_ref).ok_or(Rule::UnknownSecret)
}

pub(super) fn update(state: &State, secret: &Secret, event: &SecretUpdated) -> Result<(), Rule> {
    described(secret)?;
    let taken = state.secret_named(secret.secret_type(), &event.metadata.name);
    hold(taken.is_none_or(|id| id == secret.id), Rule::NameTaken)?;
    hold(event.metadata != secret.metadata, Rule::NothingChanged)?;
    retention(&event.metadata)
}

pub(super) fn update_spec(secret: &Secret, event: &SpecUpdated) -> Result<(), Rule> {
    described(secret)?;
    hold(event.spec.secret_type() == secret.secret_type(), Rule::TypeChanged)?;
    hold(event.spec != secret.spec, Rule::NothingChanged)
}

pub(super) fn set_policy(secret: &Secret, event: &PolicySet) -> Result<(), Rule> {
    described(secret)?;
    hold(!secret.spec.is_dynamic(), Rule::RotationOfType)?;
    hold(secret.policy != Some(event.policy), Rule::NothingChanged)
}

pub(super) fn clear_policy(secret: &Secret) -> Result<(), Rule> {
    described(secret)?;
    hold(secret.policy.is_some(), Rule::NothingChanged)
}

/// What an issuer has to make yet can be described anew as well: what it is told may be why it has not.
fn described(secret: &Secret) -> Result<(), Rule> {
    Ok(secret.may(Work::Describe)?)
}

/// What is described can be described anew while it is in use.
pub(super) fn active(secret: &Secret) -> Result<(), Rule> {
    Ok(secret.may(Work::Use)?)
}

pub(super) fn delete(state: &State, secret: &Secret, event: &SecretDeleted) -> Result<(), Rule> {
    let has_credentials = secret.versions.iter().any(Version::has_credential_in_use);
    hold(!has_credentials && secret.rotation.is_none(), Rule::CredentialInUse)?;
    let witness = unlocked(secret, Touch::Delete, &state.whole).map_err(|obstacle| Rule::of_touch(&obstacle))?;
    let is_destroyed = |data_key: &DataKeyId| event.data_keys.contains(data_key);
    let same_count = witness.data().len() == event.data_keys.len();
    hold(same_count && witness.data().iter().all(|(_, key)| is_destroyed(key)), Rule::DataKeyMismatch)
}

pub(super) fn create(state: &State, event: &SecretCreated, sight: Sight) -> Result<(), Rule> {
    let taken = state.secret_named(event.spec.secret_type(), &event.metadata.name);
    hold(taken.is_none(), Rule::NameTaken)?;
    hold(state.secrets.len() < limits::SECRETS_MAX, Rule::TooManySecrets)?;
    hold(!sight.groups || state.has_group(event.group), Rule::UnknownGroup)?;
    retention(&event.metadata)
}

pub(super) fn retention(metadata: &SecretMetadata) -> Result<(), Rule> {
    let bounds = limits::RETENTION_DEFAULT..=limits::RETENTION_MAX;
    hold(bounds.contains(&metadata.retention), Rule::RetentionBounds)
}

pub(super) fn expire(state: &State, secret: &Secret, event: &SecretExpired, record: &Record) -> Result<(), Rule> {
    may(secret, Work::Expire, &state.whole)?;
    hold(secret.expires_at().is_some_and(|end| end <= record.recorded_at), Rule::NotExpired)?;
    match secret.spec.ending() {
        Ending::Leases => Err(Rule::ExpiryOfType),
        Ending::Certificate => hold(event.lifecycle == Lifecycle::Deactivated, Rule::ExpiryOfType),
        Ending::Data | Ending::Credentials => {
            hold(event.lifecycle == Lifecycle::Destroyed, Rule::ExpiryOfType)?;
            hold(!secret.versions.iter().any(Version::is_available), Rule::ExpiredWithData)?;
            hold(!secret.versions.iter().any(Version::has_credential_in_use), Rule::CredentialInUse)?;
            hold(secret.rotation.is_none(), Rule::RotationOutOfTurn)
        }
    }
}

/// A hold is said once, of a locked version that has reached its end, or whose secret has.
pub(super) fn hold_expiry(state: &State, secret: &Secret, version: VersionId, record: &Record) -> Result<(), Rule> {
    may(secret, Work::Expire, &state.whole)?;
    let version = secret.version_by_id(version).ok_or(Rule::VersionMissing)?;
    hold(!version.locks.is_empty() && secret.expiry_held_since.is_none(), Rule::NothingHeld)?;
    let is_over = |end: Option<Timestamp>| end.is_some_and(|end| end <= record.recorded_at);
    hold(is_over(secret.expires_at()) || is_over(version.expires_at), Rule::NotExpired)
}

/// Holds a secret to its bounds at the end of a batch that changed it. Release 0.1 went on beyond 50 versions while the
/// oldest was still good outside; beyond that there is no way.
pub(super) fn settled(secret: &Secret) -> Result<(), Rule> {
    let least = usize::from(secret.spec.issuance().is_none());
    hold(secret.versions.len() >= least, Rule::VersionCount)?;
    hold(!is_overfull(secret) || !forgettable(secret).iter().any(Version::is_over), Rule::VersionCount)?;
    hold(secret.locks_total() <= limits::LOCKS_MAX, Rule::TooManyLocks)
}

/// Tells whether a secret has more versions than are kept.
pub(super) const fn is_overfull(secret: &Secret) -> bool {
    secret.versions.len() > limits::VERSIONS_MAX
}
