//! Owns JSON as programs read it: the field names of the reference where it has them. Never secret data.
//!
//! Read next: [`super::commands`].

use latchkeep::view::group_id;
use latchkeep::{ApiKeyTarget, ApiKeyUse, Secret, SecretSpec, Version, VersionDetails};
use serde_json::{Map, Value, json};

use crate::rotations;

/// Shows a secret, without its versions.
pub(crate) fn secret(secret: &Secret) -> Map<String, Value> {
    let metadata = &secret.metadata;
    let mut fields = object(json!({
        "id": secret.id,
        "name": metadata.name,
        "secret_type": secret.secret_type(),
        "secret_group_id": group_id(secret.group),
        "labels": metadata.labels,
        "state": secret.lifecycle.code(),
        "state_description": secret.lifecycle,
        "created_at": secret.created_at,
        "created_by": secret.created_by,
        "updated_at": secret.updated_at,
        "versions_total": secret.versions.len(),
        "locks_total": secret.locks_total(),
        "downloaded": secret.versions.iter().any(|version| version.downloaded),
        "retention": metadata.retention,
        "revision": secret.revision,
    }));
    put(&mut fields, "description", metadata.description.as_ref());
    put(&mut fields, "custom_metadata", metadata.custom_metadata.as_ref());
    put(&mut fields, "expiration_date", secret.expires_at());
    put(&mut fields, "retrieved_at", secret.retrieved_at);
    put(&mut fields, "next_rotation_date", secret.next_rotation_at());
    put(&mut fields, "expiration_held_since", secret.expiry_held_since);
    put(&mut fields, "refuse_rotation_while_locked", metadata.refuse_rotation_while_locked);
    fields.extend(spec(&secret.spec));
    fields.extend(rotations::of_secret(secret));
    fields
}

fn spec(spec: &SecretSpec) -> Map<String, Value> {
    match spec {
        SecretSpec::UsernamePassword { password_policy } => object(json!({
            "password_generation_policy": {
                "length": password_policy.length,
                "include_digits": password_policy.include_digits,
                "include_symbols": password_policy.include_symbols,
                "include_uppercase": password_policy.include_uppercase,
            }
        })),
        SecretSpec::IamCredentials { ttl_secs, api_key_use, target } => {
            let target = match target {
                ApiKeyTarget::ServiceId(id) => ("service_id", json!(id)),
                ApiKeyTarget::AccessGroups(groups) => ("access_groups", json!(groups)),
            };
            let mut fields = object(json!({
                "ttl": ttl_secs,
                "reuse_api_key": *api_key_use == ApiKeyUse::UntilLeaseEnds,
            }));
            fields.insert(target.0.to_owned(), target.1);
            fields
        }
        _ => Map::new(),
    }
}

/// Shows a version of a secret.
pub(crate) fn version(secret: &Secret, version: &Version) -> Map<String, Value> {
    let mut fields = object(json!({
        "id": version.id,
        "number": version.number,
        "secret_id": secret.id,
        "secret_name": secret.metadata.name,
        "secret_type": secret.secret_type(),
        "secret_group_id": group_id(secret.group),
        "created_at": version.created_at,
        "created_by": version.created_by,
        "payload_available": version.is_available(),
        "downloaded": version.downloaded,
        "auto_rotated": version.is_auto_rotated(),
        "origin": version.origin,
        "locks": version.locks.iter().map(|lock| &lock.name).collect::<Vec<_>>(),
    }));
    put(&mut fields, "alias", secret.alias(version.id));
    put(&mut fields, "version_custom_metadata", version.custom_metadata.as_ref());
    put(&mut fields, "expiration_date", version.expires_at);
    put(&mut fields, "restored_from", version.restored_from);
    if let Some(credential) = &version.credential {
        fields.insert("credential".to_owned(), rotations::credential(credential));
        fields.insert("acknowledged_by".to_owned(), json!(version.acknowledged_by));
    }
    if let latchkeep::VersionData::Unavailable { since } = version.data {
        put(&mut fields, "unavailable_since", Some(since));
    }
    if let latchkeep::VersionData::Destroyed { at, cause } = version.data {
        fields.insert("payload_destroyed".to_owned(), json!({ "at": at, "cause": cause }));
    }
    match &version.details {
        VersionDetails::ApiKey { api_key_id } => put(&mut fields, "api_key_id", Some(api_key_id)),
        VersionDetails::Certificate(details) => fields.extend(object(json!({
            "common_name": details.common_name,
            "issuer": details.issuer,
            "serial_number": details.serial,
            "validity": { "not_before": details.not_before, "not_after": details.not_after },
            "private_key_included": details.has_private_key,
            "intermediate_included": details.has_chain,
        }))),
        _ => {}
    }
    fields
}

/// Shows a receipt of the store.
pub(crate) fn receipt(receipt: &latchkeep::Receipt) -> Value {
    json!({ "position": receipt.position, "events": receipt.events, "recorded_at": receipt.recorded_at })
}

fn put(fields: &mut Map<String, Value>, name: &str, value: Option<impl serde::Serialize>) {
    if let Some(value) = value {
        fields.insert(name.to_owned(), json!(value));
    }
}

/// Gives the fields of what was written as an object.
pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
