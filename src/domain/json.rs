//! Owns JSON objects that people attach to things: parsed at the edge, bounded in size and depth, kept as text.
//!
//! The text has no white space and keeps the order of its fields. Read next: [`super::limits`].

use std::fmt;
use std::sync::Arc;

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
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Text", into = "Text")]
pub struct JsonObject(Arc<str>);

/// How an object is written: an object for people, its text for machines.
struct Text(Arc<str>);

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

impl From<JsonObject> for Text {
    fn from(object: JsonObject) -> Self {
        Self(object.0)
    }
}

impl TryFrom<Text> for JsonObject {
    type Error = Invalid;

    fn try_from(text: Text) -> Result<Self, Invalid> {
        Self::parse(&text.0)
    }
}

impl serde::Serialize for Text {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            let value: serde_json::Value = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
            value.serialize(serializer)
        } else {
            serializer.serialize_str(&self.0)
        }
    }
}

impl<'de> serde::Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let value = serde_json::Value::deserialize(deserializer)?;
            Ok(Self(Arc::from(value.to_string())))
        } else {
            String::deserialize(deserializer).map(|text| Self(Arc::from(text)))
        }
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
