//! Every event decodes to the same value from its bytes, and has only one encoding.

use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};

use super::{sample, strategy};
use crate::codec::context::{decode_context, encode_context};
use crate::codec::event::{Decoded, decode_event, encode_event, event_json, schema_of, write_event_json};
use crate::domain::event::{Event, VersionUpdated};
use crate::domain::id::VersionId;
use crate::domain::json::JsonObject;
use crate::domain::size::body_bytes;

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::cases::cases(2_000), ..ProptestConfig::default() })]

    #[test]
    fn any_event_comes_back(event in strategy::event(), salt in any::<[u8; 16]>()) {
        let body = encode_event(&event, &salt).unwrap();
        prop_assert_eq!(&body[..16], &salt);
        prop_assert_eq!(decode_event(event.number(), schema_of(&event), &body), Ok(Decoded::Known(event)));
    }

    #[test]
    fn any_event_can_be_shown(event in strategy::event()) {
        let shown = event_json(&event);
        prop_assert!(shown.is_object());
        let mut written = b"before".to_vec();
        write_event_json(&event, schema_of(&event), &mut written);
        prop_assert_eq!(String::from_utf8(written).unwrap(), format!("before{shown}"));
    }

    #[test]
    fn a_restatement_is_never_larger_than_it_is_said_to_be(event in strategy::event(), salt in any::<[u8; 16]>()) {
        if let Event::SecretRestated(_) | Event::VersionRestated(_) | Event::LockRestated(_) = &event {
            let body = encode_event(&event, &salt).unwrap();
            prop_assert!(body.len() <= body_bytes(&event), "{} bytes of {event:?}", body.len());
        }
    }

    #[test]
    fn any_context_comes_back(context in strategy::context()) {
        let bytes = encode_context(&context).unwrap();
        prop_assert_eq!(decode_context(&bytes), Ok(context));
    }

    #[test]
    fn bytes_that_decode_are_the_bytes_that_are_written(
        (_, event) in proptest::sample::select(sample::events()),
        at in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut body = encode_event(&event, &sample::SALT).unwrap();
        let at = at.index(body.len());
        body[at] = byte;
        if let Ok(Decoded::Known(other)) = decode_event(event.number(), schema_of(&event), &body) {
            let salt = body[..16].try_into().unwrap();
            prop_assert_eq!(encode_event(&other, &salt).unwrap(), body);
        }
    }
}

/// Printing `1735.1054243422439` after reading it gave another number. A stored object then differed from its encoding,
/// and a store with it could not be opened again.
#[test]
fn a_number_in_a_stored_object_stays_as_it_is() {
    let object = JsonObject::parse(r#"{"a":1735.1054243422439,"b":1e300,"c":-0.0}"#).unwrap();
    let version = VersionId::from_bytes([1; 16]);
    let event: Event = VersionUpdated { version, custom_metadata: Some(object) }.into();
    let body = encode_event(&event, &sample::SALT).unwrap();
    assert_eq!(decode_event(event.number(), 1, &body), Ok(Decoded::Known(event)));
}
