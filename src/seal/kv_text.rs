//! Owns the reading of `kv` data: JSON text is checked and freed of white space, without a copy that is not wiped.
//!
//! [`crate::domain::json_text`] says which JSON text is accepted. Names of fields are not treated as secret. Read next:
//! [`super::data`].

use zeroize::Zeroizing;

use super::secret_bytes::SecretBytes;
use crate::domain::invalid::Invalid;
use crate::domain::json_text::compact_object;
use crate::domain::limits::KV_BYTES_MAX;

const FIELD: &str = "kv data";

/// Checks the text of a JSON object and returns it without white space.
///
/// # Errors
///
/// [`Invalid`], with line and column if the text is not JSON; the error does not contain the text.
pub(crate) fn compact(text: &SecretBytes) -> Result<SecretBytes, Invalid> {
    let text = text.expose_text().map_err(|_| Invalid::new(FIELD, "is not UTF-8 text"))?;
    let mut out = Zeroizing::new(Vec::with_capacity(text.len()));
    compact_object(text, &mut out).map_err(|fault| Invalid::new(FIELD, fault.to_string()))?;
    match out.len() {
        2 => Err(Invalid::new(FIELD, "takes an object with at least one field")),
        len if len > KV_BYTES_MAX => Err(Invalid::new(FIELD, "is longer than 512 KiB without white space")),
        _ => Ok(SecretBytes::copy_from(&out)),
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
        refused("{\"o\":[{\"a\":1,\"a\":2}]}", "twice");
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
        refused(&"{\"a\":".repeat(100_000), "deep");
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
