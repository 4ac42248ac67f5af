//! Owns a record in bytes: header, context and body, and the frames of several records in a buffer.
//!
//! It checks lengths against the header, copies nothing, and hashes nothing: a readable record may still be forged.
//! Read next: [`super::chain`], which makes the hashes.
//!
//! A frame is one byte that says whether the body is present (1) or erased (0), then header, context, and the body if
//! it is present. Frames follow each other without padding. A buffer truncated between two frames reads as fewer
//! records; the chain and the tree detect that, the frames do not.

use std::iter::FusedIterator;

use super::cursor::Reader;
use super::fault::{FrameError, RecordError};
use super::header::{Erasure, HEADER_BYTES, RecordHeader, Subject};
use crate::domain::event::Event;
use crate::domain::record;
use crate::domain::step::{ErasedRecord, HiddenRecord};

/// A record in borrowed bytes: well formed, with the lengths in the header, its hashes not checked yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawRecord<'a> {
    header: RecordHeader,
    header_bytes: &'a [u8; HEADER_BYTES],
    context: &'a [u8],
    body: Option<&'a [u8]>,
}

impl<'a> RawRecord<'a> {
    /// Makes a record from its parts; `body` is `None` once it was erased.
    ///
    /// # Errors
    ///
    /// [`RecordError`] when the header cannot be decoded, a length differs from the header, or the body is missing
    /// although the header does not allow its erasure.
    pub fn new(header: &'a [u8], context: &'a [u8], body: Option<&'a [u8]>) -> Result<Self, RecordError> {
        let decoded = RecordHeader::decode(header)?;
        let header_bytes = header.first_chunk().ok_or(RecordError::Truncated)?;
        if !fits(context, decoded.context_bytes) {
            return Err(RecordError::ContextLength);
        }
        match body {
            Some(body) if !fits(body, decoded.body_bytes) => Err(RecordError::BodyLength),
            None if decoded.erasure == Erasure::Never => Err(RecordError::BodyMissing),
            Some(_) | None => Ok(Self { header: decoded, header_bytes, context, body }),
        }
    }

    /// Returns the decoded header.
    #[must_use]
    pub const fn header(&self) -> &RecordHeader {
        &self.header
    }

    /// Returns the bytes of the header, which go into the chain.
    #[must_use]
    pub const fn header_bytes(&self) -> &'a [u8; HEADER_BYTES] {
        self.header_bytes
    }

    /// Returns the bytes of the context.
    #[must_use]
    pub const fn context(&self) -> &'a [u8] {
        self.context
    }

    /// Returns the bytes of the body, salt first; `None` once it was erased.
    #[must_use]
    pub const fn body(&self) -> Option<&'a [u8]> {
        self.body
    }

    /// Returns the same record with its body erased.
    ///
    /// # Errors
    ///
    /// [`RecordError::BodyMissing`] when the header does not allow the erasure.
    pub const fn erased(&self) -> Result<Self, RecordError> {
        match self.header.erasure {
            Erasure::Allowed => Ok(Self { body: None, ..*self }),
            Erasure::Never => Err(RecordError::BodyMissing),
        }
    }

    /// Adds the record's frame to a buffer.
    pub fn frame(&self, buffer: &mut Vec<u8>) {
        write_frame(buffer, self.header_bytes, self.context, self.body);
    }
}

impl RecordHeader {
    /// Returns the record of the domain with this header.
    pub(crate) fn record(&self, context: record::Context, event: Event) -> record::Record {
        record::Record {
            position: self.position,
            index: self.batch_index,
            count: self.batch_count,
            subject: self.domain_subject(),
            event_id: self.event_id,
            recorded_at: self.time,
            context,
            event,
        }
    }
}

impl RecordHeader {
    /// Returns what a replay knows of a record of which only this header and its context are left.
    pub(crate) fn erased_record(&self, context: record::Context) -> ErasedRecord {
        let HiddenRecord { position, subject, recorded_at, ends_batch, number, schema } = self.hidden_record();
        ErasedRecord { position, subject, recorded_at, context, ends_batch, number, schema }
    }

    /// Returns what a replay knows of a record of which only this header can be read.
    pub(crate) const fn hidden_record(&self) -> HiddenRecord {
        HiddenRecord {
            position: self.position,
            subject: self.domain_subject(),
            recorded_at: self.time,
            ends_batch: self.batch_index.saturating_add(1) >= self.batch_count,
            number: self.event_type,
            schema: self.schema,
        }
    }

    const fn domain_subject(&self) -> Option<record::Subject> {
        match self.subject {
            Subject::Store => None,
            Subject::Secret { id, revision } => Some(record::Subject { secret: id, revision }),
        }
    }
}

/// Adds a frame to a buffer; the caller has made the header for this context and body.
pub(super) fn write_frame(buffer: &mut Vec<u8>, header: &[u8; HEADER_BYTES], context: &[u8], body: Option<&[u8]>) {
    buffer.push(if body.is_some() { BODY_PRESENT } else { BODY_ERASED });
    buffer.extend_from_slice(header);
    buffer.extend_from_slice(context);
    buffer.extend_from_slice(body.unwrap_or_default());
}

/// Reads the frames of a buffer one after another, without copying.
///
/// The first error ends the iteration, since the start of the next frame is unknown.
#[must_use]
pub const fn frames(buffer: &[u8]) -> Frames<'_> {
    Frames { reader: Reader::new(buffer), bytes: buffer.len() }
}

/// The records of a buffer, in order; made by [`frames`].
#[derive(Debug)]
pub struct Frames<'a> {
    reader: Reader<'a>,
    bytes: usize,
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<RawRecord<'a>, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.left() == 0 {
            return None;
        }
        let offset = self.bytes.saturating_sub(self.reader.left());
        let record = read_frame(&mut self.reader);
        if record.is_err() {
            self.reader = Reader::new(&[]);
        }
        Some(record.map_err(|error| FrameError { offset, error }))
    }
}

impl FusedIterator for Frames<'_> {}

fn read_frame<'a>(reader: &mut Reader<'a>) -> Result<RawRecord<'a>, RecordError> {
    let mark = reader.u8().ok_or(RecordError::Truncated)?;
    let header_bytes = reader.array().ok_or(RecordError::Truncated)?;
    let header = RecordHeader::decode(header_bytes)?;
    let context = part(reader, header.context_bytes)?;
    let body = match (mark, header.erasure) {
        (BODY_PRESENT, _) => Some(part(reader, header.body_bytes)?),
        (BODY_ERASED, Erasure::Allowed) => None,
        (BODY_ERASED, Erasure::Never) => return Err(RecordError::BodyMissing),
        (unknown, _) => return Err(RecordError::BodyMark(unknown)),
    };
    Ok(RawRecord { header, header_bytes, context, body })
}

fn part<'a>(reader: &mut Reader<'a>, length: u32) -> Result<&'a [u8], RecordError> {
    let length = usize::try_from(length).map_err(|_| RecordError::Truncated)?;
    reader.slice(length).ok_or(RecordError::Truncated)
}

fn fits(part: &[u8], length: u32) -> bool {
    usize::try_from(length).is_ok_and(|length| length == part.len())
}

const BODY_ERASED: u8 = 0;
const BODY_PRESENT: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::fault::HeaderError;
    use crate::ledger::golden;

    fn buffer() -> Vec<u8> {
        golden::records().iter().fold(Vec::new(), |mut buffer, record| {
            record.raw().frame(&mut buffer);
            buffer
        })
    }

    #[test]
    fn frames_give_back_what_was_framed() {
        let records = golden::records();
        let buffer = buffer();
        let read: Vec<_> = frames(&buffer).map(Result::unwrap).collect();
        assert_eq!(read, records.iter().map(golden::Record::raw).collect::<Vec<_>>());
        assert_eq!(frames(&[]).count(), 0);
    }

    #[test]
    fn an_erased_body_leaves_a_record_that_can_be_read() {
        let records = golden::records();
        let mut buffer = Vec::new();
        assert_eq!(records[0].raw().erased(), Err(RecordError::BodyMissing));
        let erased = records[1].raw().erased().unwrap();
        erased.frame(&mut buffer);
        records[2].raw().frame(&mut buffer);
        let read: Vec<_> = frames(&buffer).map(Result::unwrap).collect();
        assert_eq!(read, [erased, records[2].raw()]);
        assert_eq!(read[0].body(), None);
    }

    #[test]
    fn a_body_that_may_not_be_erased_is_missed() {
        let records = golden::records();
        let record = records[0].raw();
        let refused = RawRecord::new(record.header_bytes(), record.context(), None);
        assert_eq!(refused, Err(RecordError::BodyMissing));
        let mut buffer = buffer();
        buffer[0] = BODY_ERASED;
        let expected = FrameError { offset: 0, error: RecordError::BodyMissing };
        assert_eq!(frames(&buffer).collect::<Vec<_>>(), [Err(expected)]);
    }

    #[test]
    fn parts_of_other_lengths_are_refused() {
        let records = golden::records();
        let record = records[1].raw();
        let (header, context, body) = (record.header_bytes(), record.context(), record.body().unwrap());
        for length in 0..context.len() {
            let refused = RawRecord::new(header, &context[..length], Some(body));
            assert_eq!(refused, Err(RecordError::ContextLength));
        }
        for length in 0..body.len() {
            let refused = RawRecord::new(header, context, Some(&body[..length]));
            assert_eq!(refused, Err(RecordError::BodyLength));
        }
        let refused = RawRecord::new(&header[1..], context, Some(body));
        assert_eq!(refused, Err(RecordError::Header(HeaderError::Length)));
    }

    #[test]
    fn a_cut_buffer_gives_whole_records_and_then_says_where_it_was_cut() {
        let buffer = buffer();
        let ends: Vec<usize> = golden::records()
            .iter()
            .scan(0, |end, record| {
                *end += 1 + HEADER_BYTES + record.context.len() + record.body.len();
                Some(*end)
            })
            .collect();
        assert_eq!(ends.last(), Some(&buffer.len()));
        for length in 0..buffer.len() {
            let whole = ends.iter().filter(|end| **end <= length).count();
            let start = if whole == 0 { 0 } else { ends[whole - 1] };
            let cut = (length > start).then_some(FrameError { offset: start, error: RecordError::Truncated });
            let read: Vec<_> = frames(&buffer[..length]).collect();
            assert_eq!(read.iter().filter(|record| record.is_ok()).count(), whole, "{length}");
            assert_eq!(read.into_iter().find_map(Result::err), cut, "{length}");
        }
    }

    #[test]
    fn forged_lengths_and_flipped_bits_end_within_the_buffer() {
        let buffer = buffer();
        for bit in 0..buffer.len() * 8 {
            let mut flipped = buffer.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let read: Vec<_> = frames(&flipped).collect();
            assert_ne!(read, frames(&buffer).collect::<Vec<_>>(), "bit {bit}");
            assert!(read.iter().rev().skip(1).all(Result::is_ok), "nothing follows an error, bit {bit}");
        }
        for length in [u32::MAX, u32::from(u16::MAX), 8] {
            let mut forged = buffer.clone();
            forged[73..77].copy_from_slice(&length.to_be_bytes());
            assert!(frames(&forged).next().unwrap().is_err() || length == 8);
        }
    }
}
