//! Owns what a fuzzer holds the reading of a program's answers to. Read next: [`super::message`].
#![allow(
    missing_docs,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is how a fuzzer is told"
)]

use serde_json::Value;

use super::message;
use crate::domain::time::Timestamp;
use crate::seal::secret_bytes::SecretBytes;

/// What is read of a program's answer is what another reader finds in it.
pub fn issuer_answer(bytes: &[u8]) {
    let output = SecretBytes::copy_from(bytes);
    let value: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let same = |text: &SecretBytes, field: &str| {
        let kept: Value = serde_json::from_slice(text.expose()).unwrap();
        assert!(kept.is_object() && kept == value[field], "{field}");
    };
    if let Some(found) = message::value(&output).into_iter().next() {
        same(&found, "value");
    }
    if let Some(issued) = message::issued(&output).into_iter().next() {
        same(&issued.credential, "credential");
        let outside = issued.outside.as_ref().map(|outside| Value::from(outside.as_str())).unwrap_or_default();
        assert_eq!(outside, value["outside"]);
        let at = value["expires_at"].as_str().map(|at| Timestamp::parse(at).unwrap());
        assert_eq!(issued.expires_at, at);
    }
    if let Some(found) = message::found(&output).into_iter().next() {
        let texts: Vec<Value> = found.iter().map(|outside| outside.as_str().into()).collect();
        assert_eq!(Value::from(texts), value["found"]);
    }
    if let Some(listed) = message::listed(&output).into_iter().next() {
        assert_eq!(Some(listed.len()), value["listed"].as_array().map(Vec::len));
        for ((rotation, outside), told) in listed.iter().zip(value["listed"].as_array().unwrap()) {
            assert_eq!(told["outside"], outside.as_str());
            assert!(told["rotation"].as_str().unwrap().eq_ignore_ascii_case(&rotation.to_string()));
        }
    }
    if let Some(reason) = message::reason(&output).into_iter().next() {
        assert_eq!(value["reason"], reason.as_str());
    }
}
