//! Owns JSON objects that people attach to things: parsed at the edge, bounded in size and depth, kept as text.
//!
//! The text has no white space and keeps the order of its fields. Read next: [`super::limits`].

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserializer, Visitor};
use serde::ser::Serializer;

use super::invalid::Invalid;
use super::json_text::compact_object;

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
    /// Reads an object of at most 512 KiB that nests at most 64 deep; owners of a field hold it to less. Numbers and escapes
    /// stay as they are written.
    ///
    /// # Errors
    ///
    /// [`Invalid`] when the text is no JSON object, is too long, nests too deep, names a field twice, or has a number with more
    /// digits than a reader keeps (write such a number as text). The text is not repeated.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        const FIELD: &str = "JSON object";
        if text.len() > super::limits::KV_BYTES_MAX {
            return Err(Invalid::new(FIELD, "is longer than 512 KiB"));
        }
        let mut compact = Vec::with_capacity(text.len());
        compact_object(text, &mut compact).map_err(|fault| Invalid::new(FIELD, fault.to_string()))?;
        check_digits(&compact).map_err(|rule| Invalid::new(FIELD, rule))?;
        let text = String::from_utf8(compact).map_err(|_| Invalid::new(FIELD, "is not UTF-8 text"))?;
        Ok(Self(Arc::from(text)))
    }

    /// Takes the text of an object that was stored: holds it to the same bounds, and keeps it as it is.
    fn stored(text: &str) -> Result<Self, Invalid> {
        const RULE: &str = "is not stored as this store writes it";
        let mut compact = Vec::with_capacity(text.len());
        let is_short = text.len() <= super::limits::KV_BYTES_MAX;
        if is_short && compact_object(text, &mut compact).is_ok() && compact == text.as_bytes() {
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

/// Refuses numbers of which readers of JSON lose digits: integers beyond 64 bits, and fractions that no binary64 value tells
/// apart from their neighbours. `text` is JSON without white space.
fn check_digits(text: &[u8]) -> Result<(), &'static str> {
    const RULE: &str = "has a number with more digits than a reader of JSON keeps; write it as text";
    let (mut in_string, mut escaped, mut begun) = (false, false, None);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'-' | b'0'..=b'9' if !in_string && begun.is_none() => begun = Some(at),
            b',' | b'}' | b']' if !in_string => {
                let number =
                    begun.take().and_then(|from| text.get(from..at)).and_then(|it| std::str::from_utf8(it).ok());
                if number.is_some_and(loses_digits) {
                    return Err(RULE);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn loses_digits(number: &str) -> bool {
    if number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok() {
        return number == "-0";
    }
    let shortest = number.parse::<f64>().map(|value| format!("{value:e}"));
    shortest.is_ok_and(|shortest| digits(&shortest) != digits(number))
}

/// Gives the significant digits of a number, without zeros at either end.
fn digits(number: &str) -> String {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endless_nesting_is_refused_before_it_is_parsed() {
        let bomb = "{\"a\":".repeat(100_000);
        assert_eq!(JsonObject::parse(&bomb).unwrap_err().rule(), "nests more than 64 deep");
        let deep = format!("{}1{}", "{\"a\":".repeat(64), "}".repeat(64));
        assert!(JsonObject::parse(&deep).is_ok());
        assert!(JsonObject::parse(&format!(r#"{{"a":"{}\"{}"}}"#, "[".repeat(99), "[".repeat(99))).is_ok());
    }

    #[test]
    fn only_objects_are_taken() {
        for text in ["", "1", "[]", "null", "{", "{\"a\":1}x", "{\"a\":1,\"a\":2}", "{\"o\":{\"a\":1,\"\\u0061\":2}}"] {
            assert!(JsonObject::parse(text).is_err(), "{text:?}");
        }
        assert!(JsonObject::parse(" { } ").unwrap().is_empty());
    }

    #[test]
    fn numbers_keep_their_digits_or_are_refused() {
        for number in
            ["1.10", "1E5", "-2.5e-3", "18446744073709551615", "-9223372036854775808", "0.1", "0", "1e-7", "1e22"]
        {
            let text = format!("{{\"n\":[{number}]}}");
            assert_eq!(JsonObject::parse(&text).unwrap().as_str(), text);
        }
        for number in
            ["12345678901234567890123", "18446744073709551616", "0.1000000000000000055511151231257827", "1e400", "-0"]
        {
            let text = format!("{{\"n\":{number}}}");
            assert!(JsonObject::parse(&text).is_err(), "{number}");
        }
        assert_eq!(
            JsonObject::parse(r#"{"t":"12345678901234567890123"}"#).unwrap().as_str(),
            r#"{"t":"12345678901234567890123"}"#
        );
    }
}
