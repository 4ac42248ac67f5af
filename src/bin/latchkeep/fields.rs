//! Owns the fields of a JSON object that is secret data: found by name, and given as they are stored.
//!
//! Nothing is parsed into numbers and printed again, for that changes digits. Read next: [`latchkeep::dotenv`].

use std::fmt;

use latchkeep::SecretBytes;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::exit::Exit;
use crate::failure::Failure;

/// The fields of an object, in their order, each with the text of its value.
pub(crate) struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// Reads the fields of a stored object.
    pub(crate) fn of(json: &'a SecretBytes) -> Result<Self, Failure> {
        let no_object = || Failure::new(Exit::Failed, "internal", "the stored data is no JSON object");
        let text = json.expose_text().map_err(|_| no_object())?;
        Self::parse(text).map_err(|_| no_object())
    }

    /// Reads the fields of the text of an object.
    fn parse(text: &'a str) -> serde_json::Result<Self> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let fields = reader.deserialize_map(Outermost)?;
        reader.end()?;
        Ok(Self(fields))
    }

    /// Gives the text of one field as it is stored: a number with all its digits, an object with all its fields.
    pub(crate) fn raw(&self, name: &str) -> Result<&'a str, Failure> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.get()).ok_or_else(|| {
            let names: Vec<String> = self.0.iter().map(|(known, _)| printable(known)).collect();
            Failure::not_found(format!("the data has no field {}", printable(name)))
                .hint(format!("its fields are {}", names.join(", ")))
        })
    }

    /// Gives one field as a value: a text without its quotes and escapes, all else as it is stored.
    pub(crate) fn value(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let raw = self.raw(name)?;
        Ok(Zeroizing::new(match text(raw) {
            Some(text) => text.as_bytes().to_vec(),
            None => raw.as_bytes().to_vec(),
        }))
    }
}

/// Gives the text that a JSON value is; nothing when it is no text.
fn text(raw: &str) -> Option<Zeroizing<String>> {
    raw.starts_with('"').then(|| serde_json::from_str(raw).ok().map(Zeroizing::new)).flatten()
}

/// Frees a name of what a terminal would act on.
fn printable(name: &str) -> String {
    name.chars().map(|char| if char.is_control() { '\u{fffd}' } else { char }).collect()
}

struct Outermost;

impl<'de> Visitor<'de> for Outermost {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_text() {
        let json = SecretBytes::copy_from(
            br#"{"n":12345678901234567890123,"m":1.10,"z":-0,"a":{"x":1e5,"y":[1.0]},"s":"t\n\u00e4","e":null}"#,
        );
        let fields = Fields::of(&json).unwrap();
        let cases = [
            ("n", "12345678901234567890123"),
            ("m", "1.10"),
            ("z", "-0"),
            ("a", r#"{"x":1e5,"y":[1.0]}"#),
            ("s", "t\nä"),
        ];
        for (name, value) in cases {
            assert_eq!(fields.value(name).unwrap().as_slice(), value.as_bytes(), "{name}");
        }
        assert_eq!(fields.value("e").unwrap().as_slice(), b"null");
        assert_eq!(fields.value("none").unwrap_err().exit(), Exit::NotFound);
    }

    #[test]
    fn a_name_cannot_reach_a_terminal_as_a_command() {
        let json = SecretBytes::copy_from(br#"{"\u001b[31mred":1}"#);
        let lines = Fields::of(&json).unwrap().value("none").unwrap_err().lines().join("\n");
        assert!(lines.contains("\u{fffd}[31mred") && !lines.contains("\u{1b}[31mred"), "{lines}");
    }
}
