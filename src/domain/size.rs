//! Owns how many bytes of the log a secret takes when it is restated: estimates that are never less than what is written.
//!
//! A bound on each field alone is not enough: all of them have to fit into one event together, and to fit again when they
//! are restated later, with a rotation under way. So what is too much is refused when it comes in. Read next:
//! [`super::restate`].

use super::event::{Event, LockRestated, SecretRestated, VersionRestated};
use super::event_kind::{of_rotation, of_trail, of_whole};
use super::invalid::Invalid;
use super::issuance::Issuance;
use super::json::JsonObject;
use super::limits;
use super::name::{Actor, Description};
use super::rotation::{Credential, IssuedCredential, Retirement, Rotation, RotationStage};
use super::secret::{SecretMetadata, SecretSpec};
use super::spec::ApiKeyTarget;
use super::version::VersionDetails;

/// Bytes of a record beside its body, at most: frame, header, and a context of the longest actor, ids and key.
const RECORD_BYTES: usize = 2_048;

/// Bytes in a body that are no text, at most: salt, ids, times, numbers, tags.
const FIXED_BYTES: usize = 512;

/// Bytes that the longest rotation takes, and the longest actor, together with [`FIXED_BYTES`].
const KEPT_FREE_BYTES: usize = 10 * 1_024;

/// Holds what a secret says about itself to what one event takes, now and whenever it is restated. What stands already may
/// be too much by an older rule: `before` is its size, and a change must not add to it.
///
/// # Errors
///
/// [`Invalid`] when it is too much.
pub(super) fn check_words(metadata: &SecretMetadata, spec: &SecretSpec, before: usize) -> Result<(), Invalid> {
    let bytes = words(metadata, spec);
    if bytes.saturating_add(KEPT_FREE_BYTES) > limits::EVENT_BYTES_MAX && bytes > before {
        let most = limits::EVENT_BYTES_MAX.saturating_sub(KEPT_FREE_BYTES);
        let rule = format!(
            "take {bytes} bytes together, and may take {most}: description, labels, custom_metadata, parameters, consumers"
        );
        return Err(Invalid::new("metadata", rule));
    }
    Ok(())
}

/// Gives the bytes that the words of a secret take.
pub(super) fn words(metadata: &SecretMetadata, spec: &SecretSpec) -> usize {
    let target = |target: &ApiKeyTarget| match target {
        ApiKeyTarget::ServiceId(id) => actor(id),
        ApiKeyTarget::AccessGroups(groups) => sum(groups, |group| text(group.as_str())),
    };
    let spec = match spec {
        SecretSpec::Arbitrary | SecretSpec::UsernamePassword { .. } | SecretSpec::Kv | SecretSpec::ImportedCert => 0,
        SecretSpec::IamCredentials { target: of, .. } => target(of),
        SecretSpec::ServiceCredentials { issuance: of }
        | SecretSpec::CustomCredentials { issuance: of }
        | SecretSpec::PrivateCert { issuance: of } => issuance(of),
    };
    let own = [
        text(metadata.name.as_str()),
        description(metadata.description.as_ref()),
        json(metadata.custom_metadata.as_ref()),
        sum(&metadata.labels, |label| text(label.as_str())),
        spec,
    ];
    own.iter().sum()
}

/// Gives about how many bytes the body of a restatement takes: never less than it does. Nothing for other events.
#[allow(
    clippy::unnested_or_patterns,
    clippy::match_same_arms,
    reason = "the lists of events are macros, and name events one by one"
)]
pub(crate) fn body_bytes(event: &Event) -> usize {
    let words = match event {
        Event::SecretRestated(event) => secret(event),
        Event::VersionRestated(event) => version(event),
        Event::LockRestated(event) => lock(event),
        Event::SecretCreated(_) | Event::SecretUpdated(_) | Event::SpecUpdated(_) | Event::PolicySet(_) => 0,
        Event::PolicyCleared(_) | Event::SecretDeleted(_) | Event::SecretExpired(_) | Event::ExpirationHeld(_) => 0,
        Event::VersionAdded(_) | Event::VersionRegenerated(_) | Event::VersionDownloaded(_) => 0,
        Event::VersionUpdated(_) | Event::VersionDataDestroyed(_) | Event::LockPlaced(_) | Event::LockRenewed(_) => 0,
        Event::LockRemoved(_) | Event::LockExpired(_) => 0,
        // What is counted, said again with a secret, has numbers alone.
        of_rotation!() => 0,
        of_whole!() | of_trail!() => 0,
    };
    words.saturating_add(FIXED_BYTES)
}

/// Gives about how many bytes of the log a restatement takes: never less than it does.
pub(crate) fn record_bytes(event: &Event) -> usize {
    body_bytes(event).saturating_add(RECORD_BYTES)
}

fn secret(event: &SecretRestated) -> usize {
    let rotation = event.rotation.as_deref().map_or(0, rotation);
    let given_up = event.given_up.as_deref().map_or(0, |given_up| text(given_up.reason.as_str()).saturating_add(9));
    words(&event.metadata, &event.spec)
        .saturating_add(actor(&event.created_by))
        .saturating_add(rotation)
        .saturating_add(given_up)
}

fn version(event: &VersionRestated) -> usize {
    let details = match &event.details {
        VersionDetails::Plain => 0,
        VersionDetails::ApiKey { api_key_id } => actor(api_key_id),
        VersionDetails::Certificate(details) => {
            [&details.serial, &details.common_name, &details.issuer].map(|words| text(words)).iter().sum()
        }
    };
    let own = [
        details,
        json(event.custom_metadata.as_ref()),
        actor(&event.created_by),
        sum(&event.acknowledged_by, actor),
        event.credential.as_deref().map_or(0, credential),
    ];
    own.iter().sum()
}

fn lock(event: &LockRestated) -> usize {
    let lock = &event.lock;
    let own = [
        text(lock.name.as_str()),
        description(lock.description.as_ref()),
        json(lock.attributes.as_ref()),
        lock.owner.as_ref().map_or(0, actor),
        actor(&event.created_by),
    ];
    own.iter().sum()
}

fn issuance(issuance: &Issuance) -> usize {
    let own = [text(issuance.issuer.as_str()), json(issuance.parameters.as_ref()), sum(&issuance.consumers, actor)];
    own.iter().sum()
}

fn rotation(rotation: &Rotation) -> usize {
    let reason = |words: &super::name::Reason| text(words.as_str());
    let stage = match &rotation.stage {
        RotationStage::Planned | RotationStage::Attempted | RotationStage::Doubted | RotationStage::Awaiting { .. } => {
            0
        }
        RotationStage::Issued(made) | RotationStage::Staged { credential: made, .. } => issued(made),
        RotationStage::Aborting { credential: made, reason: why }
        | RotationStage::Ending { credential: made, reason: why, .. } => {
            made.as_ref().map_or(0, issued).saturating_add(reason(why))
        }
    };
    let own = [
        text(rotation.issuer.as_str()),
        actor(&rotation.planned_by),
        stage,
        rotation.failure.as_ref().map_or(0, reason),
        rotation.parked.as_ref().map_or(0, |parked| reason(&parked.reason)),
    ];
    own.iter().sum()
}

fn issued(made: &IssuedCredential) -> usize {
    made.outside.as_ref().map_or(0, |outside| text(outside.as_str()))
}

fn credential(credential: &Credential) -> usize {
    let why = match &credential.retirement {
        Retirement::Failing { reason, .. } => text(reason.as_str()),
        Retirement::InUse | Retirement::Planned { .. } | Retirement::Retired { .. } | Retirement::Awaiting { .. } => 0,
    };
    let outside = credential.outside.as_ref().map_or(0, |outside| text(outside.as_str()));
    text(credential.issuer.as_str()).saturating_add(outside).saturating_add(why)
}

/// A text is its length in 8 bytes, then its bytes.
const fn text(text: &str) -> usize {
    text.len().saturating_add(8)
}

fn actor(actor: &Actor) -> usize {
    text(actor.as_str())
}

fn description(description: Option<&Description>) -> usize {
    description.map_or(0, |description| text(description.as_str()))
}

fn json(object: Option<&JsonObject>) -> usize {
    object.map_or(0, |object| text(object.as_str()))
}

fn sum<T>(of: &[T], bytes: impl Fn(&T) -> usize) -> usize {
    of.iter().map(bytes).sum()
}
