//! Owns JSON objects that people attach to things: parsed at the edge, bounded in size and depth, kept as text.
//!
//! The text has no white space and keeps the order of its fields. Read next: [`super::limits`].

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::Serializer;

use super::invalid::Invalid;
use super::limits::JSON_DEPTH_MAX;

/// A JSON object of bounded size and depth, as text without white space. Cheap to clone.
///
/// ```
/// use latchkeep::JsonObject;
///
/// let team = JsonObject::parse(r#"{ "team": "payments" }"#)?;
/// assert_eq!(team.as_str(), r#"{"team":"payments"}"#);
/// assert!(JsonObject::parse("[1, 2]").is_err());
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
///
/// In serde it is an object for people and its text for machines. Text that was stored is taken as it is, not parsed and
/// printed again: a number would not always be printed as it was (`1735.1054243422439` is one), and stored bytes must not
/// depend on how some release prints numbers.
#[derive(Clone, PartialEq, Eq)]
pub struct JsonObject(Arc<str>);

impl JsonObject {
    /// Reads an object of at most 512 KiB that nests at most 64 deep; owners of a field hold it to less.
    ///
    /// # Errors
    ///
    /// [`Invalid`] when the text is no JSON object, is too long, or nests too deep. The text is not repeated.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        const FIELD: &str = "JSON object";
        if text.len() > super::limits::KV_BYTES_MAX {
            return Err(Invalid::new(FIELD, "is longer than 512 KiB"));
        }
        if depth(text) > JSON_DEPTH_MAX {
            return Err(Invalid::new(FIELD, "nests more than 64 deep"));
        }
        let value: serde_json::Value = serde_json::from_str(text).map_err(|err| {
            Invalid::new(FIELD, format!("is not JSON (line {}, column {})", err.line(), err.column()))
        })?;
        if value.is_object() {
            Ok(Self(Arc::from(value.to_string())))
        } else {
            Err(Invalid::new(FIELD, "is JSON, but no object"))
        }
    }

    /// Takes the text of an object that was stored: holds it to the same bounds, and keeps it as it is.
    fn stored(text: &str) -> Result<Self, Invalid> {
        const RULE: &str = "is not stored as this store writes it";
        let shaped = text.len() <= super::limits::KV_BYTES_MAX && depth(text) <= JSON_DEPTH_MAX && !has_gap(text);
        // Valid JSON that begins with a brace is an object.
        if shaped && text.starts_with('{') && serde_json::from_str::<AnyJson>(text).is_ok() {
            Ok(Self(Arc::from(text)))
        } else {
            Err(Invalid::new("JSON object", RULE))
        }
    }

    /// Gives the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether the object has no fields.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        &*self.0 == "{}"
    }

    /// Holds the object to a bound of its field.
    ///
    /// # Errors
    ///
    /// [`Invalid`] when the text is longer than `bytes_max`.
    pub fn bounded(&self, field: &'static str, bytes_max: usize) -> Result<(), Invalid> {
        if self.0.len() > bytes_max {
            return Err(Invalid::new(field, format!("is longer than {bytes_max} bytes")));
        }
        Ok(())
    }
}

/// How deep brackets nest, told without building anything; brackets inside strings do not count.
fn depth(text: &str) -> usize {
    let (mut deepest, mut now, mut in_string, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                now = now.saturating_add(1);
                deepest = deepest.max(now);
            }
            b'}' | b']' if !in_string => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Tells whether there is white space outside strings.
fn has_gap(text: &str) -> bool {
    let (mut in_string, mut escaped) = (false, false);
    text.bytes().any(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ => return !in_string && byte.is_ascii_whitespace(),
        }
        false
    })
}

impl fmt::Display for JsonObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for JsonObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for JsonObject {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::parse(text)
    }
}

impl serde::Serialize for JsonObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            let value: serde_json::Value = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
            value.serialize(serializer)
        } else {
            serializer.serialize_str(&self.0)
        }
    }
}

impl<'de> serde::Deserialize<'de> for JsonObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Stored;

        impl Visitor<'_> for Stored {
            type Value = JsonObject;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the text of a JSON object")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<JsonObject, E> {
                JsonObject::stored(text).map_err(E::custom)
            }
        }

        if deserializer.is_human_readable() {
            let value = serde_json::Value::deserialize(deserializer)?;
            Self::parse(&value.to_string()).map_err(serde::de::Error::custom)
        } else {
            deserializer.deserialize_str(Stored)
        }
    }
}

/// Any JSON value, read to the end and forgotten: tells whether text is JSON without building it.
struct AnyJson;

impl<'de> serde::Deserialize<'de> for AnyJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for AnyJson {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endless_nesting_is_refused_before_it_is_parsed() {
        let bomb = "{\"a\":".repeat(100_000);
        assert_eq!(JsonObject::parse(&bomb).unwrap_err().rule(), "nests more than 64 deep");
        let deep = format!("{}1{}", "{\"a\":".repeat(64), "}".repeat(64));
        assert!(JsonObject::parse(&deep).is_ok());
        assert_eq!(depth(r#"{"a":"[[[[\"[[["}"#), 1);
    }

    #[test]
    fn only_objects_are_taken() {
        for text in ["", "1", "[]", "null", "{", "{\"a\":1}x"] {
            assert!(JsonObject::parse(text).is_err(), "{text:?}");
        }
        assert!(JsonObject::parse(" { } ").unwrap().is_empty());
    }
}
