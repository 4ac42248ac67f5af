//! Tests how a schema changes: a second schema of an event that no release has, with its lift, beside the existing
//! ones.

use serde::{Deserialize, Serialize};

use super::sample;
use crate::codec::bytes::{self, LOG_BYTES_MAX};
use crate::codec::error::Part;
use crate::codec::event::{
    Body, Decoded, Decoder, decode_body, decode_by, decode_event, decoder, encode_event, write_event_json,
};
use crate::codec::wire::store::StoreRestoredV1;
use crate::codec::wire::version::VersionDownloadedV1;
use crate::domain::event::{Event, VersionDownloaded};
use crate::domain::id::VersionId;
use crate::domain::incarnation::Incarnation;
use crate::domain::position::Position;
use crate::domain::quarantine::RestoredFrom;

/// Schema 1 once it is no longer the newest: it only lifts.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Old(VersionDownloadedV1);

/// Schema 2: adds in how many pieces the data was read.
#[derive(Serialize, Deserialize)]
struct VersionDownloadedV2 {
    pieces: u16,
    version: VersionId,
}

/// The lift: pure, total, and everything that schema 2 knows of an old record.
impl From<VersionDownloadedV1> for VersionDownloadedV2 {
    fn from(old: VersionDownloadedV1) -> Self {
        Self { pieces: 1, version: old.version }
    }
}

impl Body for Old {
    const NUMBER: u16 = 32;
    const SCHEMA: u16 = 1;

    fn into_event(self) -> Event {
        VersionDownloadedV2::from(self.0).into_event()
    }
}

impl Body for VersionDownloadedV2 {
    const NUMBER: u16 = 32;
    const SCHEMA: u16 = 2;

    /// Turns the pieces into something visible in the event, so that the test sees how an old record was converted.
    fn into_event(self) -> Event {
        let mut version = *self.version.as_bytes();
        version[15] = u8::try_from(self.pieces).unwrap();
        VersionDownloaded { version: VersionId::from_bytes(version) }.into()
    }
}

/// The schemas of a release that does not exist yet.
fn next_release(number: u16, schema: u16) -> Option<Decoder> {
    match (number, schema) {
        (32, 1) => Some(decode_body::<Old>),
        (32, 2) => Some(decode_body::<VersionDownloadedV2>),
        _ => decoder(number, schema),
    }
}

fn decode_next(number: u16, schema: u16, body: &[u8]) -> Decoded {
    decode_by(next_release(number, schema), Part::Event { number, schema }, body).unwrap()
}

fn downloaded(last: u8) -> Event {
    let mut version = [0x52; 16];
    version[15] = last;
    VersionDownloaded { version: VersionId::from_bytes(version) }.into()
}

#[test]
fn an_old_body_is_lifted_on_read() {
    let body = encode_event(&downloaded(0x52), &sample::SALT).unwrap();
    assert_eq!(decode_event(32, 1, &body), Ok(Decoded::Known(downloaded(0x52))));
    assert_eq!(decode_next(32, 1, &body), Decoded::Known(downloaded(1)));
}

/// The first event with two schemas: a restore of release 0.1 names no incarnation and accepts no step.
#[test]
fn a_restore_of_schema_1_is_lifted_and_still_shown_as_it_was_written() {
    let old = StoreRestoredV1 { from: RestoredFrom::Backup, log_size: Position::new(77), with_data: true };
    let part = Part::Event { number: 14, schema: 1 };
    let body = bytes::encode::<LOG_BYTES_MAX>(part, &sample::SALT, &old).unwrap();
    let Ok(Decoded::Known(Event::StoreRestored(event))) = decode_event(14, 1, &body) else { panic!("unknown") };
    assert_eq!((event.incarnation, event.accepted_steps.len()), (Incarnation::ORIGINAL, 0));
    assert_eq!((event.from, event.log_size, event.with_data), (RestoredFrom::Backup, Position::new(77), true));
    let shown = |schema| {
        let mut text = Vec::new();
        write_event_json(&event.clone().into(), schema, &mut text);
        String::from_utf8(text).unwrap()
    };
    assert_eq!(shown(1), r#"{"from":"backup","log_size":77,"with_data":true}"#);
    let newest = r#"{"from":"backup","log_size":77,"with_data":true,"incarnation":0,"accepted_steps":[]}"#;
    assert_eq!(shown(2), newest);
    assert_ne!(encode_event(&event.into(), &sample::SALT).unwrap(), body, "schema 2 has other bytes");
}

#[test]
fn a_new_body_is_known_to_the_new_release_and_unknown_to_this_one() {
    let new = VersionDownloadedV2 { pieces: 7, version: VersionId::from_bytes([0x52; 16]) };
    let part = Part::Event { number: 32, schema: 2 };
    let body = bytes::encode::<LOG_BYTES_MAX>(part, &sample::SALT, &new).unwrap();
    assert_eq!(decode_next(32, 2, &body), Decoded::Known(downloaded(7)));
    assert_eq!(decode_event(32, 2, &body), Ok(Decoded::Unknown));
}

#[test]
fn what_is_not_known_is_no_error_whatever_its_bytes() {
    for (number, schema) in [(0, 1), (999, 1), (40, 0), (40, 2)] {
        assert_eq!(decode_event(number, schema, b""), Ok(Decoded::Unknown));
    }
}
