//! Owns the chain: each record holds the chain value before it, so that no record can be changed, left out or moved.
//!
//! This module makes records and never checks them, and it does not read events. An attacker who rewrites the whole log
//! also rewrites the chain: only a signed checkpoint shows that. Read next: [`super::chain_verifier`].

use super::fault::{ChainFault, ChainFaultKind, HeaderError};
use super::hash::{Head, body_hash, context_hash, genesis, head};
use super::header::{Erasure, RecordHeader, Subject};
use super::record::write_frame;
use crate::domain::event::ClockRebased;
use crate::domain::event_shape::Kind;
use crate::domain::id::{EventId, LogId};
use crate::domain::position::Position;
use crate::domain::time::Timestamp;

/// The end of a chain, between two batches, from which the next record continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainEnd {
    /// The size of the log, which is the position of the next record.
    pub size: Position,
    /// The chain value at the end.
    pub head: Head,
    /// The earliest time of the next record: that of the last one, or any time after a record that rebases the clock.
    pub time: Timestamp,
}

/// The number of the only event after which a time may be smaller. Nothing else about events is known here.
pub(crate) const CLOCK_REBASED: u16 = <ClockRebased as Kind>::NUMBER;

/// Returns the earliest time of the record after one of this type and time.
pub(super) const fn earliest_behind(event_type: u16, time: Timestamp) -> Timestamp {
    if event_type == CLOCK_REBASED { Timestamp::EPOCH } else { time }
}

/// The parts of a record before it has its position: an event in bytes, and what its header says about it.
#[derive(Clone, Copy, Debug)]
pub struct NewRecord<'a> {
    /// Whether the body may be erased later.
    pub erasure: Erasure,
    /// The stable number of the event's type.
    pub event_type: u16,
    /// The schema of the body, from 1.
    pub schema: u16,
    /// What the event is about.
    pub subject: Subject,
    /// The event's own id.
    pub event_id: EventId,
    /// When the record is made; not before the end of the chain.
    pub time: Timestamp,
    /// The bytes of the context.
    pub context: &'a [u8],
    /// The bytes of the body, salt first.
    pub body: &'a [u8],
}

impl ChainEnd {
    /// Returns the end of a chain without records.
    #[must_use]
    pub fn genesis(log_id: &LogId) -> Self {
        Self { size: Position::FIRST, head: genesis(log_id), time: Timestamp::EPOCH }
    }

    /// Places the records of one batch, adds their frames to `buffer`, and returns the chain value after each.
    ///
    /// # Errors
    ///
    /// [`ChainFault`] when a record cannot follow: the batch is empty or has more than 65,535 records, a time is before
    /// the end of the chain, or a header would be wrong. Then neither the end nor the buffer has changed.
    pub fn append(&mut self, batch: &[NewRecord<'_>], buffer: &mut Vec<u8>) -> Result<Vec<Head>, ChainFault> {
        let (mut end, length) = (*self, buffer.len());
        let placed = batch_count(batch)
            .and_then(|count| {
                (0..count).zip(batch).map(|(index, record)| end.place(record, index, count, buffer)).collect()
            })
            .map_err(|kind| ChainFault { position: end.size, kind });
        match placed {
            Ok(_) => *self = end,
            Err(_) => buffer.truncate(length),
        }
        placed
    }

    fn place(
        &mut self,
        record: &NewRecord<'_>,
        batch_index: u16,
        batch_count: u16,
        buffer: &mut Vec<u8>,
    ) -> Result<Head, ChainFaultKind> {
        if record.time < self.time {
            return Err(ChainFaultKind::Time);
        }
        let header = RecordHeader {
            erasure: record.erasure,
            event_type: record.event_type,
            schema: record.schema,
            batch_index,
            batch_count,
            position: self.size,
            subject: record.subject,
            event_id: record.event_id,
            time: record.time,
            context_bytes: length(record.context, HeaderError::ContextLength)?,
            body_bytes: length(record.body, HeaderError::BodyLength)?,
            head_before: self.head,
            context_hash: context_hash(record.context),
            body_hash: body_hash(record.body),
        };
        let bytes = header.encode().map_err(ChainFaultKind::Header)?;
        let time = earliest_behind(record.event_type, record.time);
        *self = Self { size: after(self.size)?, head: head(&bytes), time };
        write_frame(buffer, &bytes, record.context, Some(record.body));
        Ok(self.head)
    }
}

fn batch_count(batch: &[NewRecord<'_>]) -> Result<u16, ChainFaultKind> {
    match u16::try_from(batch.len()) {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(ChainFaultKind::Header(HeaderError::BatchCount)),
    }
}

fn length(part: &[u8], error: HeaderError) -> Result<u32, ChainFaultKind> {
    u32::try_from(part.len()).map_err(|_| ChainFaultKind::Header(error))
}

/// Returns the position after this one.
pub(super) fn after(position: Position) -> Result<Position, ChainFaultKind> {
    position.get().checked_add(1).map(Position::new).ok_or(ChainFaultKind::Full)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::ChainVerifier;
    use crate::ledger::golden;
    use crate::ledger::record::{RawRecord, frames};

    fn new_record<'a>(record: &RawRecord<'a>) -> NewRecord<'a> {
        let header = record.header();
        NewRecord {
            erasure: header.erasure,
            event_type: header.event_type,
            schema: header.schema,
            subject: header.subject,
            event_id: header.event_id,
            time: header.time,
            context: record.context(),
            body: record.body().unwrap(),
        }
    }

    #[test]
    fn appending_the_golden_events_gives_the_golden_records() {
        let records = golden::records();
        let mut end = ChainEnd::genesis(&golden::log_id());
        let (mut buffer, mut heads) = (Vec::new(), Vec::new());
        for batch in records.chunks(2) {
            let batch: Vec<_> = batch.iter().map(|record| new_record(&record.raw())).collect();
            heads.extend(end.append(&batch, &mut buffer).unwrap());
        }
        assert_eq!(heads, records.iter().map(|record| record.head).collect::<Vec<_>>());
        let framed: Vec<_> = frames(&buffer).map(Result::unwrap).collect();
        assert_eq!(framed, records.iter().map(golden::Record::raw).collect::<Vec<_>>());
    }

    /// The number is written out, since this module does not know events.
    #[test]
    fn the_event_behind_which_a_time_may_fall_is_the_one_that_rebases_the_clock() {
        assert_eq!(crate::domain::event::Event::label_of(CLOCK_REBASED), Some("ClockRebased"));
        let records = golden::records();
        let good = new_record(&records[0].raw());
        let subject = Subject::Store;
        let at = |event_type, nanos| NewRecord { event_type, subject, time: Timestamp::from_nanos(nanos), ..good };
        let log = |batches: &[&[NewRecord<'_>]]| {
            let (mut end, mut buffer) = (ChainEnd::genesis(&golden::log_id()), Vec::new());
            batches.iter().try_for_each(|batch| end.append(batch, &mut buffer).map(drop))?;
            let mut verifier = ChainVerifier::from_genesis(&golden::log_id());
            frames(&buffer).try_for_each(|raw| verifier.verify(&raw.unwrap()).map(drop))?;
            assert_eq!(verifier.finish()?, end);
            Ok::<_, ChainFault>(())
        };
        let (before, rebase, after) = (at(9, 900), at(CLOCK_REBASED, 900), at(9, 100));
        let fault = |position| ChainFault { position: Position::new(position), kind: ChainFaultKind::Time };
        assert_eq!(log(&[&[before], &[after]]), Err(fault(1)));
        assert_eq!(log(&[&[before], &[rebase], &[after]]), Ok(()));
        assert_eq!(log(&[&[before, rebase, after]]), Ok(()), "what stands in one batch is asked elsewhere");
        assert_eq!(log(&[&[before], &[rebase], &[after], &[at(9, 99)]]), Err(fault(3)));
        assert_eq!(log(&[&[before], &[at(CLOCK_REBASED, 899)]]), Err(fault(1)), "it never falls itself");
    }

    #[test]
    fn a_batch_that_cannot_follow_changes_nothing() {
        let records = golden::records();
        let good = new_record(&records[0].raw());
        let start = ChainEnd::genesis(&golden::log_id());
        let header = ChainFaultKind::Header;
        for (batch, position, kind) in [
            (vec![], 0, header(HeaderError::BatchCount)),
            (vec![good; 65_536], 0, header(HeaderError::BatchCount)),
            (vec![good, NewRecord { schema: 0, ..good }], 1, header(HeaderError::Schema)),
            (vec![good, NewRecord { time: Timestamp::EPOCH, ..good }], 1, ChainFaultKind::Time),
            (vec![NewRecord { body: &[0; 15], ..good }], 0, header(HeaderError::BodyLength)),
            (vec![NewRecord { context: &[0; 65_537], ..good }], 0, header(HeaderError::ContextLength)),
        ] {
            let (mut end, mut buffer) = (start, vec![1, 2, 3]);
            let fault = end.append(&batch, &mut buffer).unwrap_err();
            assert_eq!((fault.position.get(), fault.kind), (position, kind));
            assert_eq!((end, buffer), (start, vec![1, 2, 3]));
        }
    }
}
