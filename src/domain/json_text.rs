//! Owns the text of JSON values that are kept as text: checked, and freed of white space, with every number and escape as it
//! was written.
//!
//! No tree is built: a tree would print numbers in another form, and which numbers it takes depends on features that a
//! host's other crates turn on in `serde_json`. The grammar is checked by `serde_json`, which skips values; depth, numbers,
//! escapes and fields that stand twice are checked here. Names of fields are copied while they are compared; values are not.
//! Grammar: RFC 8259. Read next: [`super::json`].

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::IgnoredAny;

use super::limits::JSON_DEPTH_MAX;

/// What is wrong with a text. Never holds a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonFault {
    NotJson {
        line: usize,
        column: usize,
    },
    NoObject,
    FieldTwice,
    TooDeep,
    /// A number without a finite value.
    NoFiniteNumber,
    HalfCharacter,
}

impl fmt::Display for JsonFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson { line, column } => write!(f, "is not JSON (line {line}, column {column})"),
            Self::NoObject => f.write_str("takes an object; this is JSON of another kind"),
            Self::FieldTwice => f.write_str("names a field twice"),
            Self::TooDeep => write!(f, "nests more than {JSON_DEPTH_MAX} deep"),
            Self::NoFiniteNumber => f.write_str("has a number without a finite value"),
            Self::HalfCharacter => f.write_str("has an escape that names half a character"),
        }
    }
}

/// Adds the text of a JSON object to `out`, without white space. `out` does not grow if it has room for `text`.
///
/// # Errors
///
/// A [`JsonFault`], also for a field that stands twice at any depth; `out` then holds a part of the text.
pub(crate) fn compact_object(text: &str, out: &mut Vec<u8>) -> Result<(), JsonFault> {
    check_depth(text)?;
    check_grammar(text)?;
    if !text.trim_start().starts_with('{') {
        return Err(JsonFault::NoObject);
    }
    let (mut rest, mut scopes) = (text, Scopes::default());
    while let Some(first) = rest.as_bytes().first() {
        let len = match first {
            b' ' | b'\t' | b'\n' | b'\r' => {
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            b'"' => string_len(rest)?,
            b'-' | b'0'..=b'9' => number_len(rest)?,
            _ => 1,
        };
        let (piece, left) = rest.split_at_checked(len).unwrap_or((rest, ""));
        scopes.follow(piece)?;
        out.extend_from_slice(piece.as_bytes());
        rest = left;
    }
    Ok(())
}

/// Bounds how deep brackets nest, before anything recurses; brackets inside strings do not count.
fn check_depth(text: &str) -> Result<(), JsonFault> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth = depth.saturating_add(1),
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > JSON_DEPTH_MAX {
            return Err(JsonFault::TooDeep);
        }
    }
    Ok(())
}

/// Gives the length of the string that `rest` starts with, both quotes counted.
fn string_len(rest: &str) -> Result<usize, JsonFault> {
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
fn unicode_escape_len(rest: &str, at: usize) -> Result<usize, JsonFault> {
    let unit = |at: usize| {
        let escape = rest.get(at..at.checked_add(6)?)?;
        u16::from_str_radix(escape.strip_prefix("\\u")?, 16).ok()
    };
    match (unit(at), unit(at.saturating_add(6))) {
        (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => Ok(12),
        (Some(0xd800..=0xdfff) | None, _) => Err(JsonFault::HalfCharacter),
        _ => Ok(6),
    }
}

/// Gives the length of the number that `rest` starts with.
fn number_len(rest: &str) -> Result<usize, JsonFault> {
    let len = rest.find(|char: char| !matches!(char, '0'..='9' | '+' | '-' | '.' | 'e' | 'E')).unwrap_or(rest.len());
    match rest.get(..len).map(str::parse::<f64>) {
        Some(Ok(value)) if value.is_finite() => Ok(len),
        _ => Err(JsonFault::NoFiniteNumber),
    }
}

fn check_grammar(text: &str) -> Result<(), JsonFault> {
    let not_json = |err: serde_json::Error| JsonFault::NotJson { line: err.line(), column: err.column() };
    serde_json::from_str::<IgnoredAny>(text).map(drop).map_err(not_json)
}

/// What a pass over a text is inside of: for an object the names of its fields so far, and whether one is next.
enum Scope<'a> {
    Object { names: BTreeSet<Cow<'a, str>>, is_name_next: bool },
    Array,
}

/// The objects and arrays that a pass is inside of, the innermost last.
#[derive(Default)]
struct Scopes<'a>(Vec<Scope<'a>>);

impl<'a> Scopes<'a> {
    /// Follows one piece of a text whose grammar is right.
    fn follow(&mut self, piece: &'a str) -> Result<(), JsonFault> {
        match piece.as_bytes().first() {
            Some(b'{') => self.0.push(Scope::Object { names: BTreeSet::new(), is_name_next: true }),
            Some(b'[') => self.0.push(Scope::Array),
            Some(b'}' | b']') => drop(self.0.pop()),
            Some(b',') => {
                if let Some(Scope::Object { is_name_next, .. }) = self.0.last_mut() {
                    *is_name_next = true;
                }
            }
            Some(b'"') => return self.string(piece),
            _ => {}
        }
        Ok(())
    }

    fn string(&mut self, piece: &'a str) -> Result<(), JsonFault> {
        let Some(Scope::Object { names, is_name_next }) = self.0.last_mut() else { return Ok(()) };
        if !std::mem::take(is_name_next) {
            return Ok(());
        }
        let name = if piece.contains('\\') {
            Cow::Owned(serde_json::from_str(piece).map_err(|_| JsonFault::HalfCharacter)?)
        } else {
            Cow::Borrowed(piece.trim_matches('"'))
        };
        if names.insert(name) { Ok(()) } else { Err(JsonFault::FieldTwice) }
    }
}

/// Reads the fields of a JSON object, each with the text of its value, in their order; one that stands twice is there twice.
#[cfg(feature = "store")]
pub(crate) fn fields_of(text: &str) -> serde_json::Result<Vec<(String, &str)>> {
    use serde::de::{Deserializer as _, MapAccess, Visitor};
    use serde_json::value::RawValue;

    struct Entries;

    impl<'de> Visitor<'de> for Entries {
        type Value = Vec<(String, &'de str)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some((name, raw)) = map.next_entry::<String, &'de RawValue>()? {
                entries.push((name, raw.get()));
            }
            Ok(entries)
        }
    }

    let mut reader = serde_json::Deserializer::from_str(text);
    let entries = reader.deserialize_map(Entries)?;
    reader.end()?;
    Ok(entries)
}
