//! Bytes that no release wrote: they are refused, without a panic and without much memory.

use super::sample;
use crate::codec::bytes::LOG_BYTES_MAX;
use crate::codec::context::{decode_context, encode_context};
use crate::codec::error::{CodecError, Part};
use crate::codec::event::{Decoded, decode_event, encode_event, schema_of};
use crate::domain::event::{Event, LockExpired, SecretDeleted, SpecUpdated, VersionUpdated};
use crate::domain::id::VersionId;
use crate::domain::name::LockName;
use crate::domain::secret::SecretSpec;

#[test]
fn a_body_cut_anywhere_is_refused() {
    for (case, event) in sample::events() {
        let (body, decode) = prepare(&event);
        for length in 0..body.len() {
            assert!(decode(&body[..length]).is_err(), "{} ({case}) cut to {length}", event.label());
        }
        for more in [1, 2, 17] {
            let longer = [body.as_slice(), &vec![0; more]].concat();
            let part = Part::Event { number: event.number(), schema: schema_of(&event) };
            assert_eq!(decode(&longer), Err(CodecError::LeftOver { part, bytes: more }), "{} ({case})", event.label());
        }
    }
}

#[test]
fn a_context_cut_anywhere_is_refused() {
    for (case, context) in sample::contexts() {
        let bytes = encode_context(&context).unwrap();
        for length in 0..bytes.len() {
            assert!(decode_context(&bytes[..length]).is_err(), "{case} cut to {length}");
        }
        assert_eq!(
            decode_context(&[bytes.as_slice(), &[0]].concat()),
            Err(CodecError::LeftOver { part: Part::Context, bytes: 1 })
        );
        let newer = [&[2], &bytes[1..]].concat();
        assert_eq!(decode_context(&newer), Err(CodecError::UnknownFormat { part: Part::Context, found: 2, known: 1 }));
    }
}

/// Any eight bytes may be taken for a length; with the tag of an optional text before them, nine.
#[test]
fn a_giant_length_anywhere_is_refused_at_once() {
    for (case, event) in sample::events() {
        let (body, decode) = prepare(&event);
        for at in 16..body.len().saturating_sub(8) {
            for length in [u64::MAX, u64::MAX / 2, 1 << 32, 1 << 20] {
                let mut forged = body.clone();
                forged[at] = 1;
                forged[at + 1..at + 9].copy_from_slice(&length.to_le_bytes());
                // Some of these bytes are ids or counts, which may have any value. The test only checks that decoding
                // ends.
                if let Ok(Decoded::Known(other)) = decode(&forged) {
                    assert_eq!(encode_event(&other, &sample::SALT).unwrap(), forged, "{} ({case})", event.label());
                }
            }
        }
    }
}

#[test]
fn a_list_that_claims_to_be_giant_is_refused() {
    let (mut body, decode) = prepare(&SecretDeleted { data_keys: [].into() }.into());
    for claimed in [u64::MAX, 1 << 40, 4_096] {
        body[16..24].copy_from_slice(&claimed.to_le_bytes());
        assert!(matches!(decode(&body), Err(CodecError::TooShort { .. } | CodecError::Malformed { .. })));
    }
}

#[test]
fn a_body_that_is_too_long_is_refused_before_it_is_read() {
    let long = vec![0; LOG_BYTES_MAX + 1];
    let error = decode_event(40, 1, &long).unwrap_err();
    assert!(matches!(error, CodecError::TooLong { bytes: 65_537, bytes_max: 65_536, .. }), "{error}");
    let keys = vec![crate::domain::id::DataKeyId::from_bytes([0; 16]); 5_000];
    let event: Event = SecretDeleted { data_keys: keys.into() }.into();
    assert!(matches!(encode_event(&event, &sample::SALT), Err(CodecError::TooLong { .. })));
}

#[test]
fn unknown_tags_and_codes_are_refused() {
    let (mut body, decode) = prepare(&SpecUpdated { spec: SecretSpec::Kv }.into());
    for tag in [0, 9, 255] {
        body[16] = tag;
        check_malformed(&decode(&body));
    }
    let version = VersionId::from_bytes([1; 16]);
    let (mut body, decode) = prepare(&VersionUpdated { version, custom_metadata: None }.into());
    body[32] = 2;
    check_malformed(&decode(&body));
}

#[test]
fn texts_that_break_their_rule_are_refused() {
    let name = LockName::parse("billing").unwrap();
    let (body, decode) = prepare(&LockExpired { version: VersionId::from_bytes([1; 16]), name }.into());
    for text in [*b"9illing", *b"bil ing", *b"billin\0", *b"billin\xff", *b"b\xc3\xa4llin"] {
        let mut forged = body.clone();
        forged[40..47].copy_from_slice(&text);
        check_malformed(&decode(&forged));
    }
}

#[test]
fn json_that_is_not_written_in_the_one_way_is_refused() {
    for text in [r#"{"a":1 }"#, r#"{"a":1"#, "[1]", r#"{"a":tru}"#, "\"a\"", r#"{"a":"\ud800"}"#, "{}\n", " {}"] {
        let mut body = sample::SALT.to_vec();
        body.extend_from_slice(&[1; 16]);
        body.push(1);
        body.extend_from_slice(&(text.len() as u64).to_le_bytes());
        body.extend_from_slice(text.as_bytes());
        let found = decode_event(33, 1, &body);
        assert!(
            matches!(found, Err(CodecError::Malformed { .. } | CodecError::NotCanonical { .. })),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn errors_say_what_to_do_and_never_what_was_found() {
    let name = LockName::parse("billing").unwrap();
    let (mut body, decode) = prepare(&LockExpired { version: VersionId::from_bytes([1; 16]), name }.into());
    body[40] = b'9';
    assert_eq!(
        decode(&body).unwrap_err().to_string(),
        "the body of event LockExpired, schema 1, cannot be read: a value breaks the rule of its type; \
         verify the log, and go back to a backup if it is damaged"
    );
}

/// Returns the body of an event and the decoder of its type.
fn prepare(event: &Event) -> (Vec<u8>, impl Fn(&[u8]) -> Result<Decoded, CodecError> + use<>) {
    let (number, schema) = (event.number(), schema_of(event));
    (encode_event(event, &sample::SALT).unwrap(), move |body: &[u8]| decode_event(number, schema, body))
}

#[track_caller]
fn check_malformed(found: &Result<Decoded, CodecError>) {
    assert!(matches!(found, Err(CodecError::Malformed { .. })), "{found:?}");
}
