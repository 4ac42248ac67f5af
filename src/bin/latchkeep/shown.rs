//! Owns how what the library shows ([`latchkeep::view`]) is put together for one answer of a command.
//!
//! Read next: [`super::commands`].

use latchkeep::view;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Returns the fields of what is shown, so that others can be added.
pub(crate) fn object(shown: impl Serialize) -> Map<String, Value> {
    match json!(shown) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// Adds the receipt of a command to what is shown.
pub(crate) fn put_receipt(fields: &mut Map<String, Value>, receipt: &latchkeep::Receipt) {
    fields.insert("receipt".to_owned(), json!(view::Receipt::of(receipt)));
}
