//! Owns the check of a chain: which record is the first that is out of place, and why.
//!
//! It keeps no record and reads no body. The code that knows secrets compares their revisions. Read next:
//! [`super::tree`].

use super::chain::{ChainEnd, after, earliest_behind};
use super::fault::{ChainFault, ChainFaultKind};
use super::hash::{Head, body_hash, context_hash, head};
use super::header::RecordHeader;
use super::record::RawRecord;
use crate::domain::id::LogId;
use crate::domain::position::Position;
use crate::domain::time::Timestamp;

/// Checks records in their order, each against those before it.
///
/// ```
/// use latchkeep::LogId;
/// use latchkeep::ledger::{ChainVerifier, frames};
///
/// let log_id = LogId::from_bytes([7; 16]);
/// let mut verifier = ChainVerifier::from_genesis(&log_id);
/// for record in frames(&[]) {
///     let head = verifier.verify(&record?)?;
///     println!("{head}");
/// }
/// assert_eq!(verifier.finish()?.size.get(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ChainVerifier {
    end: ChainEnd,
    batch: Batch,
}

/// A record with everything that is hashed of it alone. This is the larger part of its verification, needs no other
/// record, and so can be done for many records in parallel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HashedRecord {
    pub(crate) header: RecordHeader,
    /// The chain value after the record, if its header is right about its position.
    pub(crate) head: Head,
    context_fits: bool,
    body_fits: bool,
}

impl HashedRecord {
    pub(crate) fn of(record: &RawRecord<'_>) -> Self {
        let header = *record.header();
        Self {
            header,
            head: head(record.header_bytes()),
            context_fits: header.context_hash == context_hash(record.context()),
            body_fits: record.body().is_none_or(|body| header.body_hash == body_hash(body)),
        }
    }

    /// Returns whether context and body have the hashes in the header.
    pub(crate) const fn fits(&self) -> bool {
        self.context_fits && self.body_fits
    }
}

/// The place of the next record in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Batch {
    /// Unknown: a slice may start inside a batch.
    Unknown,
    /// Between two batches.
    Whole,
    /// Inside a batch of `count` records, of which `index` were read.
    Open { index: u16, count: u16 },
}

impl ChainVerifier {
    /// Starts at the first record of a log.
    #[must_use]
    pub fn from_genesis(log_id: &LogId) -> Self {
        Self::from_end(ChainEnd::genesis(log_id))
    }

    /// Starts where an earlier verification finished, or at a checkpoint that the host trusts.
    #[must_use]
    pub const fn from_end(end: ChainEnd) -> Self {
        Self { end, batch: Batch::Whole }
    }

    /// Starts at the first record of a slice, which may be inside a batch; accepts any time of that record.
    ///
    /// Nothing shows that `head_before` belongs to the log, until a tree over the same records does.
    #[must_use]
    pub const fn from_slice(first: Position, head_before: Head) -> Self {
        let end = ChainEnd { size: first, head: head_before, time: Timestamp::EPOCH };
        Self { end, batch: Batch::Unknown }
    }

    /// Checks the next record, and returns the chain value after it.
    ///
    /// The body may be erased, since its hash is in the header; a body that is present must have that hash.
    ///
    /// # Errors
    ///
    /// [`ChainFault`] says where the chain breaks and how; the verifier stays before that record.
    pub fn verify(&mut self, record: &RawRecord<'_>) -> Result<Head, ChainFault> {
        self.verify_hashed(&HashedRecord::of(record))
    }

    /// Checks the next record like [`ChainVerifier::verify`], with hashes computed beforehand.
    ///
    /// # Errors
    ///
    /// The same.
    pub(crate) fn verify_hashed(&mut self, record: &HashedRecord) -> Result<Head, ChainFault> {
        match self.step(record) {
            Ok((end, batch)) => {
                (self.end, self.batch) = (end, batch);
                Ok(end.head)
            }
            Err(kind) => Err(ChainFault { position: self.end.size, kind }),
        }
    }

    fn step(&self, record: &HashedRecord) -> Result<(ChainEnd, Batch), ChainFaultKind> {
        let header = &record.header;
        if header.position != self.end.size {
            return Err(ChainFaultKind::Position(header.position));
        }
        let size = after(self.end.size)?;
        let batch = self.batch.then(header).ok_or(ChainFaultKind::Batch)?;
        if header.time < self.end.time {
            return Err(ChainFaultKind::Time);
        }
        if header.head_before != self.end.head {
            return Err(ChainFaultKind::HeadBefore);
        }
        if !record.context_fits {
            return Err(ChainFaultKind::ContextHash);
        }
        if !record.body_fits {
            return Err(ChainFaultKind::BodyHash);
        }
        let time = earliest_behind(header.event_type, header.time);
        Ok((ChainEnd { size, head: record.head, time }, batch))
    }

    /// Returns the size of the log so far, which is the position of the next record.
    #[must_use]
    pub const fn size(&self) -> Position {
        self.end.size
    }

    /// Returns the chain value so far.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.end.head
    }

    /// Ends the verification between two batches.
    ///
    /// # Errors
    ///
    /// [`ChainFaultKind::Batch`] when the last batch is not whole.
    pub const fn finish(self) -> Result<ChainEnd, ChainFault> {
        match self.batch {
            Batch::Open { .. } => Err(ChainFault { position: self.end.size, kind: ChainFaultKind::Batch }),
            Batch::Unknown | Batch::Whole => Ok(self.end),
        }
    }
}

impl Batch {
    /// Accepts a header whose index is below its count; returns `None` when it cannot come next.
    fn then(self, header: &RecordHeader) -> Option<Self> {
        let (index, count) = (header.batch_index, header.batch_count);
        let expected = match self {
            Self::Unknown => true,
            Self::Whole => index == 0,
            Self::Open { index: next, count: whole } => index == next && count == whole,
        };
        let next = index.checked_add(1)?;
        expected.then_some(if next == count { Self::Whole } else { Self::Open { index: next, count } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::golden;
    use crate::ledger::record::frames;

    /// Golden records, each named by its place, in the order given.
    #[track_caller]
    fn check(order: &[usize], verifier: &ChainVerifier, expected: Result<u64, (u64, ChainFaultKind)>) {
        let records = golden::records();
        let mut verifier = verifier.clone();
        let fault = order.iter().find_map(|place| verifier.verify(&records[*place].raw()).err());
        let found = match fault {
            None => verifier.finish().map(|end| end.size.get()),
            Some(fault) => Err(fault),
        };
        assert_eq!(found.map_err(|fault| (fault.position.get(), fault.kind)), expected);
    }

    #[test]
    fn golden_records_verify_and_give_their_heads() {
        let mut verifier = ChainVerifier::from_genesis(&golden::log_id());
        for record in golden::records() {
            assert_eq!(verifier.verify(&record.raw()), Ok(record.head));
            assert_eq!(verifier.head(), record.head);
        }
        assert_eq!(verifier.finish().unwrap().size, Position::new(7));
    }

    #[test]
    fn the_first_fault_is_named_with_its_place() {
        let start = ChainVerifier::from_genesis(&golden::log_id());
        let position = |number| ChainFaultKind::Position(Position::new(number));
        check(&[0, 1, 2, 3, 4, 5, 6], &start, Ok(7));
        check(&[], &start, Ok(0));
        check(&[1], &start, Err((0, position(1))));
        check(&[0, 2], &start, Err((1, position(2))));
        check(&[0, 0], &start, Err((1, position(0))));
        check(&[0, 1, 2], &start, Err((3, ChainFaultKind::Batch)));
        let elsewhere = ChainVerifier::from_genesis(&LogId::from_bytes([1; 16]));
        check(&[0], &elsewhere, Err((0, ChainFaultKind::HeadBefore)));
    }

    #[test]
    fn slices_start_anywhere_and_ends_between_batches() {
        let heads: Vec<_> = golden::records().iter().map(|record| record.head).collect();
        check(&[1, 2, 3], &ChainVerifier::from_slice(Position::new(1), heads[0]), Ok(4));
        let end = |size, time| ChainEnd { size: Position::new(size), head: heads[0], time };
        check(&[1], &ChainVerifier::from_end(end(1, Timestamp::EPOCH)), Err((1, ChainFaultKind::Batch)));
        let late = ChainEnd { head: heads[1], ..end(2, Timestamp::MAX) };
        check(&[2], &ChainVerifier::from_end(late), Err((2, ChainFaultKind::Time)));
        let last = ChainVerifier::from_slice(Position::new(u64::MAX), heads[0]);
        assert_eq!(after(last.size()), Err(ChainFaultKind::Full));
    }

    #[test]
    fn any_flipped_bit_breaks_the_chain_or_its_end() {
        let buffer = golden::records().iter().take(2).fold(Vec::new(), |mut buffer, record| {
            record.raw().frame(&mut buffer);
            buffer
        });
        let verify = |buffer: &[u8]| {
            let mut verifier = ChainVerifier::from_genesis(&golden::log_id());
            for record in frames(buffer) {
                verifier.verify(&record.ok()?).ok()?;
            }
            verifier.finish().ok()
        };
        let end = verify(&buffer).unwrap();
        assert_eq!(end.size, Position::new(2));
        for bit in 0..buffer.len() * 8 {
            let mut flipped = buffer.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(verify(&flipped).map(|end| end.head), Some(end.head), "bit {bit}");
        }
        for length in 0..buffer.len() {
            assert_ne!(verify(&buffer[..length]), Some(end), "{length}");
        }
    }

    #[test]
    fn changed_parts_are_told_apart() {
        let records = golden::records();
        let record = records[0].raw();
        let mut verifier = ChainVerifier::from_genesis(&golden::log_id());
        let context = vec![0; record.context().len()];
        let body = vec![0; record.body().unwrap().len()];
        let changed = RawRecord::new(record.header_bytes(), &context, record.body()).unwrap();
        assert_eq!(verifier.verify(&changed).unwrap_err().kind, ChainFaultKind::ContextHash);
        let changed = RawRecord::new(record.header_bytes(), record.context(), Some(&body)).unwrap();
        assert_eq!(verifier.verify(&changed).unwrap_err().kind, ChainFaultKind::BodyHash);
        assert!(verifier.verify(&record).is_ok());
        assert_eq!(verifier.verify(&records[1].raw().erased().unwrap()), Ok(records[1].head));
    }
}
