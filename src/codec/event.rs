//! Owns the body of an event: 16 bytes of salt, then the frozen struct of its type and schema.
//!
//! The salt prevents guessing an erased body from its hash. A body whose (type, schema) this release does not know is
//! not an error: it is kept, hashed and shown as unknown. Read next: [`super::wire`].

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::bytes::{self, LOG_BYTES_MAX};
use super::error::{CodecError, Part};
use crate::domain::event::{self, Event};
use crate::domain::event_kind::each_event;
use crate::domain::event_shape::Kind;

/// Bytes of salt before each encoded event.
pub(crate) const SALT_BYTES: usize = 16;

/// The decoded body of a record.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "nearly all are of the large kind")]
pub(crate) enum Decoded {
    /// An event, lifted to the newest schema.
    Known(Event),
    /// This release does not know it: the type or its schema is newer.
    Unknown,
}

/// A frozen struct: the body of one event type in one schema.
pub(super) trait Body: Serialize + DeserializeOwned {
    /// The number of the event type.
    const NUMBER: u16;

    /// The schema, from 1.
    const SCHEMA: u16;

    /// Returns the event. The newest schema converts into it; an older one is first lifted to the next.
    fn into_event(self) -> Event;
}

/// Decodes one body, without its salt.
pub(super) type Decoder = fn(&[u8]) -> Result<Event, CodecError>;

/// An event with its frozen structs in the log. Every declared event must have them.
pub(super) trait Schemas: Kind + Clone {
    /// The struct of the newest schema, which is written.
    type Newest: Body + From<Self>;

    /// How many schemas there are.
    const COUNT: u16;

    /// Returns the decoder of one of its schemas.
    fn decoder(schema: u16) -> Option<Decoder>;

    /// Writes it as JSON with the fields of a schema.
    fn write_json(&self, schema: u16, out: &mut Vec<u8>);
}

macro_rules! schemas {
    ($( $name:ident, )+) => {
        /// Returns the schema in which an event is written.
        #[must_use]
        pub(crate) const fn schema_of(event: &Event) -> u16 {
            match event { $( Event::$name(_) => <<event::$name as Schemas>::Newest as Body>::SCHEMA, )+ }
        }

        /// Encodes an event after its salt.
        ///
        /// # Errors
        ///
        /// [`CodecError::TooLong`] when it takes more than 64 KiB.
        pub(crate) fn encode_event(event: &Event, salt: &[u8; SALT_BYTES]) -> Result<Vec<u8>, CodecError> {
            match event { $( Event::$name(event) => encode_as(event, salt), )+ }
        }

        /// Returns an event as JSON, for people. It has the fields of the newest schema.
        #[must_use]
        pub(crate) fn event_json(event: &Event) -> serde_json::Value {
            match event { $( Event::$name(event) => json_of(event), )+ }
        }

        /// Writes an event as JSON with the fields of the schema of its record. So the text for a record stays the same
        /// when a later release adds fields.
        pub(crate) fn write_event_json(event: &Event, schema: u16, out: &mut Vec<u8>) {
            match event { $( Event::$name(event) => event.write_json(schema, out), )+ }
        }

        /// Returns the decoder of a type in a schema.
        pub(super) fn decoder(number: u16, schema: u16) -> Option<Decoder> {
            match number {
                $( <event::$name as Kind>::NUMBER => <event::$name as Schemas>::decoder(schema), )+
                _ => None,
            }
        }

        /// Returns how many types and schemas of events this release knows. Each release that adds one knows more.
        pub(crate) fn vocabulary() -> u16 {
            [$( <event::$name as Schemas>::COUNT ),+].into_iter().sum()
        }
    };
}

each_event!(schemas);

fn encode_as<E: Schemas>(event: &E, salt: &[u8; SALT_BYTES]) -> Result<Vec<u8>, CodecError> {
    let part = Part::Event { number: E::NUMBER, schema: E::Newest::SCHEMA };
    bytes::encode::<LOG_BYTES_MAX>(part, salt, &E::Newest::from(event.clone()))
}

fn json_of<E: Schemas>(event: &E) -> serde_json::Value {
    // Every wire struct can be converted to JSON: names of fields are texts, and a JSON object is valid JSON.
    serde_json::to_value(E::Newest::from(event.clone())).unwrap_or_default()
}

/// Writes a wire struct as JSON. It would write null where [`event_json`] does, which never happens.
pub(super) fn write_json(wire: &impl Serialize, out: &mut Vec<u8>) {
    let start = out.len();
    if serde_json::to_writer(&mut *out, wire).is_err() {
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}

/// Decodes the body of a record with its salt, and lifts it to the newest schema.
///
/// # Errors
///
/// [`CodecError`] when the type and schema are known and the bytes are not exactly those that would be written.
pub(crate) fn decode_event(number: u16, schema: u16, body: &[u8]) -> Result<Decoded, CodecError> {
    decode_by(decoder(number, schema), Part::Event { number, schema }, body)
}

/// Returns whether this release knows a type in a schema.
pub(crate) fn is_known(number: u16, schema: u16) -> bool {
    decoder(number, schema).is_some()
}

/// Decodes a body with the given decoder; tests supply decoders of schemas that do not exist yet.
pub(super) fn decode_by(decoder: Option<Decoder>, part: Part, body: &[u8]) -> Result<Decoded, CodecError> {
    let Some(decoder) = decoder else { return Ok(Decoded::Unknown) };
    bytes::within(part, body.len(), LOG_BYTES_MAX)?;
    let Some((_salt, encoded)) = body.split_at_checked(SALT_BYTES) else {
        return Err(CodecError::TooShort { part, bytes: body.len() });
    };
    decoder(encoded).map(Decoded::Known)
}

pub(super) fn decode_body<B: Body>(encoded: &[u8]) -> Result<Event, CodecError> {
    let part = Part::Event { number: B::NUMBER, schema: B::SCHEMA };
    bytes::decode::<LOG_BYTES_MAX, B>(part, encoded).map(B::into_event)
}
