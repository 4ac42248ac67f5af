//! Owns how rotations and credentials are shown: as JSON, and as the facts and words that people read. Never secret data.
//!
//! Read next: [`super::commands`].

use std::collections::BTreeMap;
use std::sync::Arc;

use latchkeep::{
    Credential, GivenUp, Impact, IssuerClass, Retirement, Rotation, RotationStage, RotationStanding, Secret, Settings,
    Timestamp, view,
};
use serde_json::{Map, Value, json};

use crate::shown::object;
use crate::times::{now, retried, shown as shown_time};

/// Shows a rotation that is under way.
pub(crate) fn rotation(rotation: &Rotation) -> Value {
    let (staged_since, given_up_because) = match &rotation.stage {
        RotationStage::Staged { since, .. } => (Some(since), None),
        RotationStage::Aborting { reason, .. } | RotationStage::Ending { reason, .. } => (None, Some(reason)),
        _ => (None, None),
    };
    json!({
        "id": rotation.id,
        "trigger": rotation.trigger,
        "issuer": rotation.issuer,
        "class": rotation.class,
        "version_id": rotation.to,
        "planned_at": rotation.planned_at,
        "planned_by": rotation.planned_by,
        "stage": rotation.stage.label(),
        "attempts": rotation.attempts,
        "attempts_max": rotation.attempts_max,
        "deadline": rotation.deadline,
        "retry_at": retry_at(rotation),
        "report_by": report_by(rotation),
        "failure": rotation.failure,
        "outside": rotation.credential().and_then(|made| made.outside.as_ref()),
        "staged_since": staged_since,
        "aborted_because": given_up_because,
        "parked": rotation.parked.as_ref().map(|parked| json!({ "at": parked.at, "reason": parked.reason })),
    })
}

/// Gives when what failed is tried again; of one that is parked, a person says so.
pub(crate) fn retry_at(rotation: &Rotation) -> Option<Timestamp> {
    rotation.retry_at.filter(|_| rotation.parked.is_none())
}

/// Gives until when the report of a job is waited for.
const fn report_by(rotation: &Rotation) -> Option<Timestamp> {
    match rotation.stage {
        RotationStage::Awaiting { report_by } | RotationStage::Ending { report_by, .. } => Some(report_by),
        _ => None,
    }
}

/// Shows the credential behind a version.
pub(crate) fn credential(credential: &Credential) -> Value {
    json!({
        "issuer": credential.issuer,
        "class": credential.class,
        "rotation_id": credential.rotation,
        "outside": credential.outside,
        "state": credential_state(credential),
        "since": credential.since(),
        "failures": credential.failures(),
        "failure": credential.failure(),
    })
}

/// Gives the word for whether a credential is still good.
pub(crate) const fn credential_state(credential: &Credential) -> &'static str {
    match credential.retirement {
        Retirement::InUse => "in_use",
        Retirement::Retired { .. } => "retired",
        _ => "retiring",
    }
}

/// Shows who makes the credentials of a secret, where its rotation stands, and how it rotates by itself.
pub(crate) fn of_secret(secret: &Secret) -> Map<String, Value> {
    let mut fields = Map::new();
    if let Some(issuance) = secret.spec.issuance() {
        let parameters = issuance.parameters.as_ref();
        fields.extend(object(json!({
            "issuer": issuance.issuer,
            "parameters": parameters,
            "grace_secs": issuance.grace_secs,
            "consumers": issuance.consumers,
            "open_rotation": secret.rotation.as_deref().map(rotation),
        })));
    }
    if let Some(policy) = secret.policy {
        let every = policy.interval.to_string();
        fields.insert("rotation".to_owned(), json!({ "auto_rotate": policy.auto_rotate, "every": every }));
    }
    fields
}

/// Shows where a secret stands with its rotations, and which locks are in the way of the next one.
pub(crate) fn standing(secret: &Secret, settings: Settings, now: Timestamp) -> Map<String, Value> {
    let standing = secret.rotation_standing(settings, now);
    let held_by = held_by(secret, settings, standing);
    object(json!({
        "id": secret.id,
        "name": secret.metadata.name,
        "secret_type": secret.secret_type(),
        "state": standing.map(RotationStanding::label),
        "since": standing.and_then(RotationStanding::since),
        "next_rotation_date": secret.next_rotation_at(),
        "held_by": held_by.map(|impact| view::Impact::of(secret, &impact).locks),
        "why": why(secret),
        "given_up": secret.given_up.as_ref().map(|given_up| json!({ "at": given_up.at, "reason": given_up.reason })),
        "issuer": secret.spec.issuance().map(|issuance| &issuance.issuer),
        "open_rotation": secret.rotation.as_deref().map(rotation),
    }))
}

/// Gives the locks in the way of a rotation, where one is held by them.
pub(crate) fn held_by(secret: &Secret, settings: Settings, standing: Option<RotationStanding>) -> Option<Impact> {
    let is_held = matches!(standing, Some(RotationStanding::Staged { .. } | RotationStanding::Blocked { .. }));
    is_held.then(|| secret.impact_of_rotation(settings)).flatten()
}

/// Says why a rotation does not come on.
pub(crate) fn why(secret: &Secret) -> Option<String> {
    let mut credentials = secret.versions.iter().filter_map(|version| version.credential.as_deref());
    let not_ended = credentials.find_map(Credential::failure);
    let not_ended = not_ended.map(|reason| format!("an earlier credential could not be ended: {reason}"));
    let Some(rotation) = &secret.rotation else {
        let whys: Vec<String> = [not_ended, held_words(secret)].into_iter().flatten().collect();
        return (!whys.is_empty()).then(|| whys.join("; ")).or_else(|| secret.given_up.as_deref().map(given_up));
    };
    let parked = rotation.parked.as_ref().map(|parked| parked.reason.to_string());
    let failure = rotation.failure.as_ref().map(|reason| format!("last failure: {reason}"));
    let given_up = match &rotation.stage {
        RotationStage::Aborting { reason, .. } | RotationStage::Ending { reason, .. } => {
            Some(format!("given up: {reason}"))
        }
        _ => None,
    };
    let whys: Vec<String> = [parked, given_up, failure, not_ended].into_iter().flatten().collect();
    (!whys.is_empty()).then(|| whys.join("; "))
}

/// Says when and why the last rotation was given up.
pub(crate) fn given_up(given_up: &GivenUp) -> String {
    format!("given up {}: {}", shown_time(given_up.at), given_up.reason)
}

/// Gives the names of secrets whose rotations set the password of one and the same account, as far as what they tell their issuers
/// says: each ends what the others have.
pub(crate) fn sharing_accounts(secrets: &[Arc<Secret>]) -> Vec<Vec<String>> {
    let mut accounts: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for secret in secrets.iter().filter(|secret| sets_values(secret) && !secret.is_deleting) {
        let Some(issuance) = secret.spec.issuance() else { continue };
        let parameters = issuance.parameters.as_ref().map(ToString::to_string).unwrap_or_default();
        let account = (issuance.issuer.to_string(), parameters);
        accounts.entry(account).or_default().push(secret.metadata.name.to_string());
    }
    accounts.into_values().filter(|names| names.len() > 1).collect()
}

/// Tells whether the issuer of a secret sets values in place, as far as its credentials say.
fn sets_values(secret: &Secret) -> bool {
    let open = secret.rotation.as_deref().map(|rotation| rotation.class);
    let made = || secret.current().and_then(|version| version.credential.as_deref()).map(|credential| credential.class);
    open.or_else(made) == Some(IssuerClass::SetValue)
}

/// Says whose word a rotation that is due waits for, or that it has no room.
fn held_words(secret: &Secret) -> Option<String> {
    secret.rotation_refused_at?;
    let held = secret.held_at(Settings::default(), now()).map(|held| held.to_string());
    held.or_else(|| secret.without_room().map(|refusal| refusal.to_string()))
}

/// Says which locks are in the way, and whose they are.
pub(crate) fn lock_words(secret: &Secret, impact: &Impact) -> Vec<String> {
    let locks = view::Impact::of(secret, impact).locks;
    locks.iter().map(|lock| format!("{} {}", lock.name, lock.words())).collect()
}

/// Gives what people read of a rotation that is under way.
pub(crate) fn facts(rotation: &Rotation) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("rotation", format!("{} by {}, {}", rotation.stage.label(), rotation.issuer, rotation.class)),
        ("rotation id", rotation.id.to_string()),
        ("planned", format!("{} by {}", shown_time(rotation.planned_at), rotation.planned_by)),
        ("attempts", format!("{} of {}", rotation.attempts, rotation.attempts_max)),
        ("deadline", shown_time(rotation.deadline)),
    ];
    let mut more = |name, fact: Option<String>| facts.extend(fact.map(|fact| (name, fact)));
    if let RotationStage::Staged { since, .. } = &rotation.stage {
        more("staged since", Some(shown_time(*since)));
    }
    more("made outside", rotation.credential().and_then(|made| made.outside.as_ref()).map(ToString::to_string));
    more("report by", report_by(rotation).map(shown_time));
    more("tried again", retry_at(rotation).map(retried));
    more("last failure", rotation.failure.as_ref().map(ToString::to_string));
    let parked = |parked: &latchkeep::Parked| format!("since {}: {}", shown_time(parked.at), parked.reason);
    more("parked", rotation.parked.as_ref().map(parked));
    if let RotationStage::Aborting { reason, .. } | RotationStage::Ending { reason, .. } = &rotation.stage {
        more("given up", Some(reason.to_string()));
    }
    facts
}
