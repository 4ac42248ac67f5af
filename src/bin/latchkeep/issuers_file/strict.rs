//! Owns the reading of the file as JSON in which no field may stand twice, with the line of whatever is wrong.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

/// One issuer as it stands in the file: its name, and what is said of it.
pub(super) struct Described<'a> {
    pub(super) name: String,
    raw: &'a RawValue,
    /// The line in which its description begins, from 1.
    pub(super) line: usize,
}

/// Reads the names of the file, perhaps behind a byte order mark. A name that stands there twice is a mistake.
pub(super) fn names(text: &str) -> Result<Vec<Described<'_>>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut json = serde_json::Deserializer::from_str(text);
    let named = (&mut json).deserialize_map(Names).map_err(|error| super::without_value(&error))?;
    json.end().map_err(|error| super::without_value(&error))?;
    let line = |raw: &RawValue| {
        let at = raw.get().as_ptr().addr().saturating_sub(text.as_ptr().addr());
        text.get(..at).unwrap_or_default().matches('\n').count().saturating_add(1)
    };
    Ok(named.into_iter().map(|(name, raw)| Described { line: line(raw), name, raw }).collect())
}

impl Described<'_> {
    /// Reads what is said of the issuer; else the line, and what is wrong there.
    pub(super) fn value(&self) -> Result<Value, (usize, String)> {
        let mut json = serde_json::Deserializer::from_str(self.raw.get());
        Strict.deserialize(&mut json).map_err(|error| {
            let line = self.line.saturating_add(error.line()).saturating_sub(1);
            let words = super::without_value(&error);
            let words = words.rsplit_once(" at line ").map_or(words.as_str(), |(words, _)| words);
            (line, words.to_owned())
        })
    }
}

struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object of issuers by their names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut named: Self::Value = Vec::new();
        while let Some((name, raw)) = map.next_entry::<String, &'de RawValue>()? {
            if named.iter().any(|(known, _)| *known == name) {
                return Err(A::Error::custom(format!("the issuer {name} stands there twice")));
            }
            named.push((name, raw));
        }
        Ok(named)
    }
}

/// Any JSON, but for objects with a field twice.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is out of bounds"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(Self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if fields.contains_key(&name) {
                return Err(A::Error::custom(format!("the field {name} stands there twice")));
            }
            let value = map.next_value_seed(Self)?;
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}
