//! Owns the targets on the bytes of the log: headers, frames, bodies, contexts.

use crate::codec::context::{decode_context, encode_context};
use crate::codec::event::{Decoded, SALT_BYTES, decode_event, encode_event, event_json, schema_of, write_event_json};
use crate::ledger::{HEADER_BYTES, RecordHeader, frames};

/// A header that can be read is written as the same bytes; frames that can be read are framed as the same bytes.
pub fn record_header(bytes: &[u8]) {
    if let Ok(header) = RecordHeader::decode(&bytes[..bytes.len().min(HEADER_BYTES)]) {
        assert_eq!(header.encode().unwrap(), bytes[..HEADER_BYTES]);
        fits_the_format(bytes);
    }
    let mut framed = Vec::new();
    for frame in frames(bytes) {
        match frame {
            Ok(raw) => raw.frame(&mut framed),
            Err(error) => assert_eq!(error.offset, framed.len()),
        }
    }
    assert!(bytes.starts_with(&framed));
}

/// Holds a header that was taken to the page on the format, at the offsets that it gives.
fn fits_the_format(bytes: &[u8]) {
    let number =
        |from: usize, len: usize| bytes[from..from + len].iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    assert_eq!((&bytes[..4], bytes[4], bytes[6], bytes[7]), (&b"LKR1"[..], 1, 1, 0));
    assert!(bytes[5] <= 1, "flags");
    assert!(number(10, 2) >= 1 && number(14, 2) >= 1, "schema and batch count");
    assert!(number(12, 2) < number(14, 2), "index in the batch");
    assert_eq!(number(24, 8) == 0, bytes[32..48] == [0; 16], "revision and secret");
    assert!(number(64, 8) <= i64::MAX as u64, "time");
    assert!(number(72, 4) <= 65_536 && (16..=65_552).contains(&number(76, 4)), "lengths");
}

/// A body, behind four bytes that say its type and schema, is what its event is written as, or not read at all.
pub fn record_body(bytes: &[u8]) {
    let Some((&[high, low, schema_high, schema_low], body)) = bytes.split_first_chunk::<4>() else { return };
    let (number, schema) = (u16::from_be_bytes([high, low]), u16::from_be_bytes([schema_high, schema_low]));
    let Ok(Decoded::Known(event)) = decode_event(number, schema, body) else { return };
    assert_eq!(event.number(), number);
    assert!(event_json(&event).is_object());
    let mut shown = Vec::new();
    write_event_json(&event, schema, &mut shown);
    assert!(serde_json::from_slice::<serde_json::Value>(&shown).unwrap().is_object());
    let newest = schema_of(&event);
    let encoded = encode_event(&event, body.first_chunk::<SALT_BYTES>().unwrap()).unwrap();
    assert!(newest != schema || encoded == body);
    assert_eq!(decode_event(number, newest, &encoded), Ok(Decoded::Known(event)));
}

/// A context that can be read is written as the same bytes.
pub fn context(bytes: &[u8]) {
    if let Ok(context) = decode_context(bytes) {
        assert_eq!(encode_context(&context).unwrap(), bytes);
    }
}
