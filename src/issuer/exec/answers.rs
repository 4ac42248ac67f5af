//! Owns what a fuzzer holds the reading of a program's answers to. Read next: [`super::message`].
#![allow(
    missing_docs,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is how a fuzzer is told"
)]

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::message;
use crate::domain::time::Timestamp;
use crate::seal::secret_bytes::SecretBytes;

/// What is read of a program's answer is what another reader finds in it.
pub fn issuer_answer(bytes: &[u8]) {
    let output = SecretBytes::copy_from(bytes);
    // Fields that nobody asked for are passed over, whatever is in them.
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap_or_default();
    let value = |field: &str| fields.get(field).map_or(Value::Null, |raw| serde_json::from_str(raw.get()).unwrap());
    let same = |text: &SecretBytes, field: &str| {
        let kept: Value = serde_json::from_slice(text.expose()).unwrap();
        assert!(kept.is_object() && kept == value(field), "{field}");
    };
    if let Some(found) = message::value(&output).into_iter().next() {
        same(&found, "value");
    }
    if let Some(issued) = message::issued(&output).into_iter().next() {
        same(&issued.credential, "credential");
        let outside = issued.outside.as_ref().map(|outside| Value::from(outside.as_str())).unwrap_or_default();
        assert_eq!(outside, value("outside"));
        let text = value("expires_at");
        let at = text.as_str().and_then(|at| Timestamp::parse(at).ok());
        // What ends beyond the times that the store knows never ends.
        assert!(at.is_some() || text.as_str().is_none_or(|text| text[..4].parse::<u16>().unwrap() >= 2262));
        assert_eq!(issued.expires_at, at);
    }
    lists(&output, &fields);
    if let Some(reason) = message::reason(&output).into_iter().next() {
        assert_eq!(value("reason"), reason.as_str());
    }
}

/// The same, of what a program lists.
fn lists(output: &SecretBytes, fields: &BTreeMap<String, &RawValue>) {
    if let Some(found) = message::found(output).into_iter().next() {
        let texts: Vec<Value> = found.iter().map(|outside| outside.as_str().into()).collect();
        assert_eq!(Value::from(texts), serde_json::from_str::<Value>(fields["found"].get()).unwrap());
    }
    if let Some(listed) = message::listed(output).into_iter().next() {
        let told: Vec<BTreeMap<String, &RawValue>> = serde_json::from_str(fields["listed"].get()).unwrap();
        assert_eq!(listed.len(), told.len());
        for ((rotation, outside), told) in listed.iter().zip(told) {
            let text = |field: &str| serde_json::from_str::<String>(told[field].get()).unwrap();
            assert_eq!(text("outside"), outside.as_str());
            assert!(text("rotation").eq_ignore_ascii_case(&rotation.to_string()));
        }
    }
}
