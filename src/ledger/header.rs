//! Owns the 176 bytes at the start of every record: their meaning, and their rules.
//!
//! A decoded header encodes to the same bytes. Unknown bytes are refused, never interpreted. Read next:
//! [`super::record`].
//!
//! | Offset | Size | Field |
//! |---|---|---|
//! | 0 | 4 | magic `LKR1` |
//! | 4 | 1 | header version, 1 |
//! | 5 | 1 | flags: bit 0, the body may be erased later |
//! | 6 | 1 | body codec, 1 |
//! | 7 | 1 | zero |
//! | 8 | 2 | event type |
//! | 10 | 2 | body schema version, from 1 |
//! | 12 | 2 | index in the batch |
//! | 14 | 2 | records in the batch, at least 1 |
//! | 16 | 8 | position |
//! | 24 | 8 | revision of the secret; 0 for the whole store |
//! | 32 | 16 | secret id; zero for the whole store |
//! | 48 | 16 | event id |
//! | 64 | 8 | recorded time, nanoseconds since 1970 UTC |
//! | 72 | 4 | length of the context |
//! | 76 | 4 | length of the body |
//! | 80 | 32 | chain head before this record |
//! | 112 | 32 | hash of the context |
//! | 144 | 32 | hash of the body |
//!
//! Numbers are big-endian.

use super::cursor::{Reader, Writer};
use super::fault::HeaderError;
use super::hash::{BodyHash, ContextHash, Head};
use crate::domain::id::{EventId, SecretId};
use crate::domain::position::{Position, Revision};
use crate::domain::time::Timestamp;

/// Bytes of a record's header.
pub const HEADER_BYTES: usize = 176;

/// Bytes of salt at the start of every body, so that an erased body cannot be guessed from its hash.
pub const SALT_BYTES: u32 = 16;

/// Bytes of a context, at most: what the body codec's limit allows.
pub const CONTEXT_BYTES_MAX: u32 = 64 * 1_024;

/// Bytes of a body, at most: the salt, and what the body codec's limit allows for the event.
pub const BODY_BYTES_MAX: u32 = SALT_BYTES + 64 * 1_024;

/// The part of a record before its context and body; it goes into the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// Whether the body may be erased later.
    pub erasure: Erasure,
    /// The stable number of the event's type; unknown numbers are kept unchanged.
    pub event_type: u16,
    /// The schema of the body, from 1.
    pub schema: u16,
    /// The record's place in its batch, from 0.
    pub batch_index: u16,
    /// How many records the batch has, at least 1.
    pub batch_count: u16,
    /// The record's place in the log.
    pub position: Position,
    /// What the event is about.
    pub subject: Subject,
    /// The event's own id.
    pub event_id: EventId,
    /// When the record was made. Never before the previous record, except right after a record that rebases the clock.
    pub time: Timestamp,
    /// Length of the context, at most [`CONTEXT_BYTES_MAX`].
    pub context_bytes: u32,
    /// Length of the body, [`SALT_BYTES`] to [`BODY_BYTES_MAX`]; it stays when the body is erased.
    pub body_bytes: u32,
    /// The chain value before this record.
    pub head_before: Head,
    /// The hash of the context.
    pub context_hash: ContextHash,
    /// The hash of the body.
    pub body_hash: BodyHash,
}

/// Whether a record's body can be erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erasure {
    /// The body stays as long as the log.
    Never,
    /// The body may be erased; its hash stays in the header.
    Allowed,
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The whole store.
    Store,
    /// One secret.
    Secret {
        /// Which secret; its bytes are not all zero.
        id: SecretId,
        /// The secret's revision after the event, from 1.
        revision: Revision,
    },
}

impl RecordHeader {
    /// Encodes the header into its 176 bytes.
    ///
    /// # Errors
    ///
    /// [`HeaderError`], which names the field with an invalid value.
    pub fn encode(&self) -> Result<[u8; HEADER_BYTES], HeaderError> {
        self.check()?;
        let (secret_id, revision) = match self.subject {
            Subject::Store => ([0; 16], 0),
            Subject::Secret { id, revision } => (*id.as_bytes(), revision.get()),
        };
        let mut bytes = [0; HEADER_BYTES];
        Writer::new(&mut bytes)
            .put(&MAGIC)
            .put(&[HEADER_VERSION, flags(self.erasure), BODY_CODEC, 0])
            .put(&self.event_type.to_be_bytes())
            .put(&self.schema.to_be_bytes())
            .put(&self.batch_index.to_be_bytes())
            .put(&self.batch_count.to_be_bytes())
            .put(&self.position.get().to_be_bytes())
            .put(&revision.to_be_bytes())
            .put(&secret_id)
            .put(self.event_id.as_bytes())
            .put(&self.time.as_nanos().to_be_bytes())
            .put(&self.context_bytes.to_be_bytes())
            .put(&self.body_bytes.to_be_bytes())
            .put(self.head_before.as_bytes())
            .put(self.context_hash.as_bytes())
            .put(self.body_hash.as_bytes());
        Ok(bytes)
    }

    /// Reads a header from exactly 176 bytes.
    ///
    /// # Errors
    ///
    /// [`HeaderError`], which names the first wrong field, in the order of the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        if bytes.len() != HEADER_BYTES {
            return Err(HeaderError::Length);
        }
        let mut reader = Reader::new(bytes);
        let erasure = decode_preamble(&mut reader)?;
        let header = decode_fields(&mut reader, erasure)?;
        header.check()?;
        Ok(header)
    }

    /// Checks the rules that decoding and encoding have in common.
    fn check(&self) -> Result<(), HeaderError> {
        let subject_fits = match self.subject {
            Subject::Store => true,
            Subject::Secret { id, revision } => *id.as_bytes() != [0; 16] && revision.get() != 0,
        };
        let rules = [
            (self.schema != 0, HeaderError::Schema),
            (self.batch_count != 0, HeaderError::BatchCount),
            (self.batch_index < self.batch_count, HeaderError::BatchIndex),
            (subject_fits, HeaderError::Subject),
            (self.context_bytes <= CONTEXT_BYTES_MAX, HeaderError::ContextLength),
            ((SALT_BYTES..=BODY_BYTES_MAX).contains(&self.body_bytes), HeaderError::BodyLength),
        ];
        rules.iter().find(|(fits, _)| !fits).map_or(Ok(()), |(_, error)| Err(*error))
    }
}

/// Reads the first 8 bytes, which say how to read the others.
fn decode_preamble(reader: &mut Reader<'_>) -> Result<Erasure, HeaderError> {
    let magic = *reader.array().ok_or(HeaderError::Length)?;
    let [version, flags, codec, zero] = *reader.array().ok_or(HeaderError::Length)?;
    if magic != MAGIC {
        Err(HeaderError::Magic)
    } else if version != HEADER_VERSION {
        Err(HeaderError::Version(version))
    } else if flags & !ERASABLE != 0 {
        Err(HeaderError::Flags(flags))
    } else if codec != BODY_CODEC {
        Err(HeaderError::BodyCodec(codec))
    } else if zero != 0 {
        Err(HeaderError::Zero)
    } else {
        Ok(if flags == 0 { Erasure::Never } else { Erasure::Allowed })
    }
}

fn decode_fields(reader: &mut Reader<'_>, erasure: Erasure) -> Result<RecordHeader, HeaderError> {
    const SHORT: HeaderError = HeaderError::Length;
    Ok(RecordHeader {
        erasure,
        event_type: reader.u16().ok_or(SHORT)?,
        schema: reader.u16().ok_or(SHORT)?,
        batch_index: reader.u16().ok_or(SHORT)?,
        batch_count: reader.u16().ok_or(SHORT)?,
        position: Position::new(reader.u64().ok_or(SHORT)?),
        subject: decode_subject(reader.u64().ok_or(SHORT)?, *reader.array().ok_or(SHORT)?)?,
        event_id: EventId::from_bytes(*reader.array().ok_or(SHORT)?),
        time: decode_time(reader.u64().ok_or(SHORT)?)?,
        context_bytes: reader.u32().ok_or(SHORT)?,
        body_bytes: reader.u32().ok_or(SHORT)?,
        head_before: Head::from_bytes(*reader.array().ok_or(SHORT)?),
        context_hash: ContextHash::from_bytes(*reader.array().ok_or(SHORT)?),
        body_hash: BodyHash::from_bytes(*reader.array().ok_or(SHORT)?),
    })
}

fn decode_subject(revision: u64, secret_id: [u8; 16]) -> Result<Subject, HeaderError> {
    match (revision, secret_id == [0; 16]) {
        (0, true) => Ok(Subject::Store),
        (0, false) | (_, true) => Err(HeaderError::Subject),
        (_, false) => Ok(Subject::Secret { id: SecretId::from_bytes(secret_id), revision: Revision::new(revision) }),
    }
}

/// Refuses times that [`Timestamp`] would change, since they would not encode to the same bytes.
fn decode_time(nanos: u64) -> Result<Timestamp, HeaderError> {
    let time = Timestamp::from_nanos(nanos);
    if time.as_nanos() == nanos { Ok(time) } else { Err(HeaderError::Time) }
}

const fn flags(erasure: Erasure) -> u8 {
    match erasure {
        Erasure::Never => 0,
        Erasure::Allowed => ERASABLE,
    }
}

const MAGIC: [u8; 4] = *b"LKR1";
const HEADER_VERSION: u8 = 1;
const BODY_CODEC: u8 = 1;
const ERASABLE: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> RecordHeader {
        RecordHeader {
            erasure: Erasure::Allowed,
            event_type: 0x0102,
            schema: 3,
            batch_index: 4,
            batch_count: 5,
            position: Position::new(6),
            subject: Subject::Secret { id: SecretId::from_bytes([7; 16]), revision: Revision::new(8) },
            event_id: EventId::from_bytes([9; 16]),
            time: Timestamp::from_nanos(10),
            context_bytes: 11,
            body_bytes: 16,
            head_before: Head::from_bytes([12; 32]),
            context_hash: ContextHash::from_bytes([13; 32]),
            body_hash: BodyHash::from_bytes([14; 32]),
        }
    }

    #[track_caller]
    fn check_refused(expected: HeaderError, offset: usize, bytes: &[u8]) {
        let mut header = sample().encode().unwrap();
        header[offset..offset + bytes.len()].copy_from_slice(bytes);
        assert_eq!(RecordHeader::decode(&header), Err(expected));
    }

    #[test]
    fn each_wrong_field_is_named() {
        check_refused(HeaderError::Magic, 0, b"LKR2");
        check_refused(HeaderError::Version(2), 4, &[2]);
        check_refused(HeaderError::Flags(3), 5, &[3]);
        check_refused(HeaderError::BodyCodec(0), 6, &[0]);
        check_refused(HeaderError::Zero, 7, &[1]);
        check_refused(HeaderError::Schema, 10, &[0, 0]);
        check_refused(HeaderError::BatchCount, 14, &[0, 0]);
        check_refused(HeaderError::BatchIndex, 12, &[0, 5]);
        check_refused(HeaderError::Subject, 24, &[0; 8]);
        check_refused(HeaderError::Subject, 32, &[0; 16]);
        check_refused(HeaderError::Time, 64, &[0x80, 0, 0, 0, 0, 0, 0, 0]);
        check_refused(HeaderError::ContextLength, 72, &[0, 1, 0, 1]);
        check_refused(HeaderError::BodyLength, 76, &[0, 0, 0, 15]);
        check_refused(HeaderError::BodyLength, 76, &[0xff; 4]);
    }

    #[test]
    fn what_cannot_be_decoded_cannot_be_encoded() {
        let nobody = Subject::Secret { id: SecretId::from_bytes([0; 16]), revision: Revision::FIRST };
        let unborn = Subject::Secret { id: SecretId::from_bytes([1; 16]), revision: Revision::new(0) };
        for (header, error) in [
            (RecordHeader { schema: 0, ..sample() }, HeaderError::Schema),
            (RecordHeader { batch_count: 0, ..sample() }, HeaderError::BatchCount),
            (RecordHeader { batch_index: 5, ..sample() }, HeaderError::BatchIndex),
            (RecordHeader { subject: nobody, ..sample() }, HeaderError::Subject),
            (RecordHeader { subject: unborn, ..sample() }, HeaderError::Subject),
            (RecordHeader { context_bytes: CONTEXT_BYTES_MAX + 1, ..sample() }, HeaderError::ContextLength),
            (RecordHeader { body_bytes: BODY_BYTES_MAX + 1, ..sample() }, HeaderError::BodyLength),
        ] {
            assert_eq!(header.encode(), Err(error));
        }
    }

    #[test]
    fn every_bit_has_a_meaning_or_is_refused() {
        let bytes = sample().encode().unwrap();
        assert_eq!(RecordHeader::decode(&bytes), Ok(sample()));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(header) = RecordHeader::decode(&flipped) {
                assert_ne!(header, sample(), "bit {bit}");
                assert_eq!(header.encode().unwrap(), flipped, "bit {bit}");
            }
        }
    }

    #[test]
    fn events_of_the_store_have_no_secret() {
        let header = RecordHeader { subject: Subject::Store, ..sample() };
        let bytes = header.encode().unwrap();
        assert_eq!(bytes[24..48], [0; 24]);
        assert_eq!(RecordHeader::decode(&bytes), Ok(header));
    }

    #[test]
    fn other_lengths_are_refused() {
        let bytes = [sample().encode().unwrap(), sample().encode().unwrap()].concat();
        for length in (0..bytes.len()).filter(|length| *length != HEADER_BYTES) {
            assert_eq!(RecordHeader::decode(&bytes[..length]), Err(HeaderError::Length));
        }
    }
}
