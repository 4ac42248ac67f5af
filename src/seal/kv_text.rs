//! Owns the reading of `kv` data: JSON text that is checked and freed of white space without a copy that is not wiped.
//!
//! It never builds a tree of the text, as parsing usually does: the tree's strings would stay in freed memory. So the
//! grammar is checked by `serde_json`, which skips values without keeping them, and the rest in one pass here: depth,
//! numbers that have no finite value, escapes that name half a character. Names of fields in the outermost object are
//! looked at, to find one that stands twice; they are treated as no secret. Read next: [`super::data`].

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use zeroize::Zeroizing;

use super::secret_bytes::SecretBytes;
use crate::domain::invalid::Invalid;
use crate::domain::limits::{JSON_DEPTH_MAX, KV_BYTES_MAX};

const FIELD: &str = "kv data";

/// Checks the text of a JSON object and gives it without white space.
///
/// # Errors
///
/// [`Invalid`], with line and column where the text is no JSON; the text is not repeated.
pub(super) fn compact(text: &SecretBytes) -> Result<SecretBytes, Invalid> {
    let text = text.expose_text().map_err(|_| Invalid::new(FIELD, "is not UTF-8 text"))?;
    check_grammar(text)?;
    let mut pass = Pass { out: Zeroizing::new(Vec::with_capacity(text.len())), depth: 0 };
    let mut rest = text;
    while let Some(first) = rest.as_bytes().first() {
        rest = pass.step(*first, rest)?;
    }
    if pass.out.len() > KV_BYTES_MAX {
        return Err(Invalid::new(FIELD, "is longer than 512 KiB without white space"));
    }
    Ok(SecretBytes::copy_from(&pass.out))
}

/// The pass over a text whose grammar is known to be right.
struct Pass {
    out: Zeroizing<Vec<u8>>,
    depth: usize,
}

impl Pass {
    /// Takes one piece off the front of `rest`, which starts with `first`, and gives what is left.
    fn step<'a>(&mut self, first: u8, rest: &'a str) -> Result<&'a str, Invalid> {
        let len = match first {
            b' ' | b'\t' | b'\n' | b'\r' => return Ok(rest.get(1..).unwrap_or_default()),
            b'"' => string_len(rest)?,
            b'-' | b'0'..=b'9' => number_len(rest)?,
            b'{' | b'[' => self.open()?,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                1
            }
            _ => 1,
        };
        let (piece, left) = rest.split_at_checked(len).unwrap_or((rest, ""));
        self.out.extend_from_slice(piece.as_bytes());
        Ok(left)
    }

    fn open(&mut self) -> Result<usize, Invalid> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > JSON_DEPTH_MAX {
            return Err(Invalid::new(FIELD, "nests more than 64 deep"));
        }
        Ok(1)
    }
}

/// Gives the length of the string that `rest` starts with, both quotes counted.
fn string_len(rest: &str) -> Result<usize, Invalid> {
    let bytes = rest.as_bytes();
    let mut at = 1;
    loop {
        match (bytes.get(at), bytes.get(at.saturating_add(1))) {
            (Some(b'"') | None, _) => return Ok(at.saturating_add(1)),
            (Some(b'\\'), Some(b'u')) => at = at.saturating_add(unicode_escape_len(rest, at)?),
            (Some(b'\\'), _) => at = at.saturating_add(2),
            _ => at = at.saturating_add(1),
        }
    }
}

/// Gives the length of the `\u` escape at `at`, or of the two that are one character.
fn unicode_escape_len(rest: &str, at: usize) -> Result<usize, Invalid> {
    let unit = |at: usize| {
        let escape = rest.get(at..at.checked_add(6)?)?;
        u16::from_str_radix(escape.strip_prefix("\\u")?, 16).ok()
    };
    match (unit(at), unit(at.saturating_add(6))) {
        (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => Ok(12),
        (Some(0xd800..=0xdfff) | None, _) => Err(Invalid::new(FIELD, "has an escape that names half a character")),
        _ => Ok(6),
    }
}

/// Gives the length of the number that `rest` starts with.
fn number_len(rest: &str) -> Result<usize, Invalid> {
    let len = rest.find(|char: char| !matches!(char, '0'..='9' | '+' | '-' | '.' | 'e' | 'E')).unwrap_or(rest.len());
    match rest.get(..len).map(str::parse::<f64>) {
        Some(Ok(value)) if value.is_finite() => Ok(len),
        _ => Err(Invalid::new(FIELD, "has a number without a finite value")),
    }
}

fn check_grammar(text: &str) -> Result<(), Invalid> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let fields = serde::Deserializer::deserialize_map(&mut reader, Outermost).and_then(|fields| {
        reader.end()?;
        Ok(fields)
    });
    match fields {
        Ok(0) => Err(Invalid::new(FIELD, "takes an object with at least one field")),
        Ok(_) => Ok(()),
        Err(err) if err.is_data() => Err(Invalid::new(FIELD, "takes an object that names no field twice")),
        Err(err) => Err(Invalid::new(FIELD, format!("is not JSON (line {}, column {})", err.line(), err.column()))),
    }
}

/// Counts the fields of the outermost object and finds one that stands twice.
struct Outermost;

impl<'de> Visitor<'de> for Outermost {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
        let mut names = BTreeSet::new();
        while let Some((name, IgnoredAny)) = map.next_entry::<Cow<'de, str>, IgnoredAny>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("a field stands twice"));
            }
        }
        Ok(names.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, Invalid> {
        compact(&SecretBytes::from(text.to_owned())).map(|data| data.expose_text().unwrap().to_owned())
    }

    #[track_caller]
    fn refused(text: &str, rule: &str) {
        let err = read(text).unwrap_err();
        assert!(err.rule().contains(rule), "{err}");
    }

    #[test]
    fn white_space_goes_and_everything_else_stays() {
        let text = " {\n\t\"a b\" : [ 1 , -2.5e-3 , true , null ] , \"\\\" \\\\\" : { \"\u{e4} \" : \"\\ud83d\\ude00 \\n\" } }\r\n";
        let kept = "{\"a b\":[1,-2.5e-3,true,null],\"\\\" \\\\\":{\"\u{e4} \":\"\\ud83d\\ude00 \\n\"}}";
        assert_eq!(read(text).unwrap(), kept);
        assert_eq!(read(kept).unwrap(), kept);
    }

    #[test]
    fn only_objects_with_fields_are_taken() {
        for text in ["", " ", "{", "{\"a\":1}x", "{\"a\":01}", "{\"a\"}", "{\"a\":\"\n\"}", "{'a':1}"] {
            refused(text, "is not JSON (line ");
        }
        for text in ["1", "[]", "null", "\"canary\"", "[{\"a\":1}]"] {
            refused(text, "takes an object");
        }
        refused(" { } ", "at least one field");
        assert!(compact(&SecretBytes::copy_from(b"{\"a\":\"\xff\"}")).is_err());
    }

    #[test]
    fn what_a_later_reader_could_not_read_is_refused() {
        refused("{\"a\":1,\"\\u0061\":2}", "twice");
        refused("{\"a\":1e999}", "finite");
        for half in ["\\ud800", "\\udc00", "\\ud800\\u0041", "\\ud800x", "\\udc00\\ud800"] {
            refused(&format!("{{\"a\":\"{half}\"}}"), "half a character");
        }
    }

    #[test]
    fn nesting_and_length_are_bounded() {
        let nested = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        assert!(read(&nested(64)).is_ok());
        refused(&nested(65), "deep");
        refused(&"{\"a\":".repeat(100_000), "is not JSON");
        let long = |len: usize| format!("{{ \"a\" : \"{}\" }}", "x".repeat(len - 8));
        assert!(read(&long(KV_BYTES_MAX)).is_ok());
        refused(&long(KV_BYTES_MAX + 1), "512 KiB");
    }

    #[test]
    fn an_error_does_not_repeat_the_text() {
        for text in ["{\"canary\":}", "canary", "{\"canary\":1,\"canary\":1}", "\"canary\""] {
            assert!(!read(text).unwrap_err().to_string().contains("canary"));
        }
    }

    #[test]
    fn what_is_kept_reads_as_the_same_value() {
        use proptest::prelude::*;
        let leaf = prop_oneof![
            any::<i64>().prop_map(serde_json::Value::from),
            any::<String>().prop_map(serde_json::Value::from),
            any::<bool>().prop_map(serde_json::Value::from),
            Just(serde_json::Value::Null),
        ];
        let value = leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..4)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        });
        proptest!(|(value in value)| {
            let object = serde_json::json!({ "field": value });
            let kept = read(&serde_json::to_string_pretty(&object).unwrap()).unwrap();
            prop_assert_eq!(kept, object.to_string());
        });
    }
}
