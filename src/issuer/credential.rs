//! Owns credentials as JSON objects: written field by field, and single fields read, without a copy that is not wiped.
//!
//! It never says which fields there are; each issuer does. Read next: [`super::value`].

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::seal::data::SecretData;
use crate::seal::secret_bytes::SecretBytes;

/// The content of one field of a credential.
#[derive(Clone, Copy)]
pub(super) enum Field<'a> {
    /// Text.
    Text(&'a str),
    /// Secret text, UTF-8.
    Secret(&'a SecretBytes),
    /// Text that is already JSON.
    Json(&'a str),
    /// A number.
    #[cfg(any(test, feature = "postgres"))]
    Number(u64),
}

/// Bytes that a byte of text may take when escaped: `\u001f`.
const ESCAPED_BYTES_MAX: usize = 6;
/// Bytes of a field besides its name and value, or with them for a number.
const FIELD_BYTES_MAX: usize = 32;

/// Writes a credential: a JSON object with these fields in this order. `None` when a secret is not UTF-8.
pub(super) fn write(fields: &[(&str, Field<'_>)]) -> Option<SecretBytes> {
    let room = |(name, field): &(&str, Field<'_>)| {
        let len = match field {
            Field::Text(text) | Field::Json(text) => text.len(),
            Field::Secret(secret) => secret.expose().len(),
            #[cfg(any(test, feature = "postgres"))]
            Field::Number(_) => 0,
        };
        name.len().saturating_add(len).saturating_mul(ESCAPED_BYTES_MAX).saturating_add(FIELD_BYTES_MAX)
    };
    // Reserved once for the whole, so that no reallocation leaves a copy behind.
    let mut out = Zeroizing::new(Vec::with_capacity(fields.iter().map(room).sum()));
    out.push(b'{');
    for (at, (name, field)) in fields.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        push_text(&mut out, name);
        out.push(b':');
        match field {
            Field::Text(text) => push_text(&mut out, text),
            Field::Json(json) => out.extend_from_slice(json.as_bytes()),
            Field::Secret(secret) => push_text(&mut out, secret.expose_text().ok()?),
            #[cfg(any(test, feature = "postgres"))]
            Field::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
        }
    }
    out.push(b'}');
    Some(SecretBytes::copy_from(&out))
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            0..0x20 => {
                let digit = |half: u8| HEX.get(usize::from(half)).copied().unwrap_or(b'0');
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 0xf)]);
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// Returns whether a text is a credential that the store accepts: a JSON object with at least one field and none twice,
/// within the bounds of `kv` data.
pub(super) fn is_kept(text: &SecretBytes) -> bool {
    SecretData::kv(text).is_ok()
}

/// Reads the text in one field of a credential. `None` when there is no such field, or it is not a text.
pub(super) fn text_field(credential: &SecretBytes, name: &str) -> Option<SecretBytes> {
    unescaped(fields(credential)?.get(name)?.get())
}

/// Reads the text in the only field of a credential. `None` when it has other fields.
pub(super) fn only_text(credential: &SecretBytes, name: &str) -> Option<SecretBytes> {
    let fields = fields(credential)?;
    (fields.len() == 1).then(|| unescaped(fields.get(name)?.get()))?
}

fn fields(text: &SecretBytes) -> Option<BTreeMap<Cow<'_, str>, &RawValue>> {
    serde_json::from_slice(text.expose()).ok()
}

/// Returns the text of a JSON string; `serde_json` would leave a copy of an escaped one behind.
fn unescaped(raw: &str) -> Option<SecretBytes> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    let mut out = Zeroizing::new(Vec::with_capacity(inner.len()));
    let mut rest = inner;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.extend_from_slice(plain.as_bytes());
        let (char, len) = escaped_char(escape)?;
        out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        rest = escape.get(len..)?;
    }
    out.extend_from_slice(rest.as_bytes());
    Some(SecretBytes::copy_from(&out))
}

/// Reads the characters after a backslash: the character, and how many bytes describe it.
fn escaped_char(escape: &str) -> Option<(char, usize)> {
    let unit = |at: usize| u16::from_str_radix(escape.get(at..at.checked_add(4)?)?, 16).ok();
    let char = match escape.as_bytes().first()? {
        b'n' => '\n',
        b't' => '\t',
        b'r' => '\r',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'u' => {
            let first = unit(1)?;
            if let Some(char) = char::from_u32(first.into()) {
                return Some((char, 5));
            }
            let second = escape.get(5..7).filter(|mark| *mark == "\\u").and_then(|_| unit(7))?;
            return Some((char::decode_utf16([first, second]).next()?.ok()?, 11));
        }
        plain @ (b'"' | b'\\' | b'/') => char::from(*plain),
        _ => return None,
    };
    Some((char, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretBytes {
        SecretBytes::from(text.to_owned())
    }

    #[test]
    fn what_is_written_is_json_and_comes_back() {
        for text in ["", "plain", "a\"b\\c/d\ne\tf\u{1f}", "\u{e4}\u{1f511}", "\\u0041", "'; DROP TABLE x; --"] {
            let value = secret(text);
            let written = write(&[
                ("user", Field::Text(text)),
                ("password", Field::Secret(&value)),
                ("port", Field::Number(5432)),
            ])
            .unwrap();
            let parsed: serde_json::Value = serde_json::from_slice(written.expose()).unwrap();
            assert_eq!(parsed, serde_json::json!({ "user": text, "password": text, "port": 5432 }));
            assert_eq!(text_field(&written, "password").unwrap().expose(), text.as_bytes());
            assert!(text_field(&written, "port").is_none() && text_field(&written, "other").is_none());
        }
        assert!(write(&[("password", Field::Secret(&SecretBytes::copy_from(&[0xff])))]).is_none());
    }

    #[test]
    fn every_escape_of_json_is_read_as_serde_reads_it() {
        for raw in [r#""\"\\\/\b\f\n\r\t""#, r#""\u00e4\ud83d\udd11x""#, r#""\u0041""#] {
            let read: String = serde_json::from_str(raw).unwrap();
            assert_eq!(unescaped(raw).unwrap().expose_text().unwrap(), read);
        }
        for raw in [r#""\ud83d""#, r#""\ud83dxx""#, r#""\x""#, r#""\u12""#, r#""\"#, "7", ""] {
            assert!(unescaped(raw).is_none(), "{raw}");
        }
    }

    #[test]
    fn what_is_no_object_has_no_fields() {
        for text in ["", "[]", "7", "{", "{}x", "\"a\"", "null"] {
            assert!(!is_kept(&secret(text)), "{text}");
            assert!(text_field(&secret(text), "a").is_none());
        }
        for text in ["{}", r#"{"a":1,"a":2}"#] {
            assert!(!is_kept(&secret(text)), "{text}");
        }
        assert!(is_kept(&secret(r#"{"a":1}"#)));
    }

    proptest::proptest! {
        #[test]
        fn any_text_comes_back_and_any_bytes_are_read_or_not(text: String, bytes: Vec<u8>) {
            let written = write(&[("password", Field::Text(&text))]).unwrap();
            assert_eq!(text_field(&written, "password").unwrap().expose(), text.as_bytes());
            let by_serde = serde_json::json!({ "password": text }).to_string();
            assert_eq!(text_field(&secret(&by_serde), "password").unwrap().expose(), text.as_bytes());
            let _ = text_field(&SecretBytes::from(bytes), "password");
            let _ = unescaped(&text);
            let _ = unescaped(&format!("\"\\u{text}\""));
        }
    }
}
