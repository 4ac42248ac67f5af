//! Owns the records of an export as bytes, for whoever makes a log of it again.
//!
//! It judges nothing: [`super::verify`] does, before. What is read here is held to the chain by whoever takes it.

use std::io::Read;

use crate::ledger::RawRecord;

use super::chunks::{Chunk, Chunks};
use super::event_line::{Room, read_raw};
use super::fault::LineFault;
use super::header::ExportHeader;
use super::verify::read_header;

/// Takes the records of an export one after another.
pub(crate) type TakeRecord<'t, E> = dyn FnMut(&RawRecord<'_>) -> Result<(), E> + 't;

/// An export whose first line was read.
pub(crate) struct ExportRecords<R> {
    header: ExportHeader,
    first: Chunk,
    chunks: Chunks<R>,
}

impl<R: Read> ExportRecords<R> {
    /// Reads the first line.
    ///
    /// # Errors
    ///
    /// [`LineFault`] when it is none.
    pub(crate) fn begin(reader: R) -> Result<Self, LineFault> {
        let mut chunks = Chunks::new(reader);
        let (header, first) = read_header(&mut chunks)?;
        Ok(Self { header, first, chunks })
    }

    /// Gives what the export says of itself.
    pub(crate) const fn header(&self) -> &ExportHeader {
        &self.header
    }

    /// Shows every record to `take`, in order.
    ///
    /// # Errors
    ///
    /// [`LineFault`] when a line is none or the export is cut; what `take` fails with.
    pub(crate) fn each<E: From<LineFault>>(mut self, take: &mut TakeRecord<'_, E>) -> Result<(), E> {
        let (mut next, mut left, mut room) = (Some(self.first), self.header.count, Room::default());
        while left > 0 {
            let chunk = next.take().ok_or(LineFault::Cut)?;
            let text = str::from_utf8(&chunk.bytes).map_err(|_| LineFault::Utf8)?;
            for line in text.split_terminator('\n') {
                if left == 0 {
                    break;
                }
                take(&read_raw(line, &mut room)?)?;
                left = left.saturating_sub(1);
            }
            if left > 0
                && let Some(fault) = chunk.end
            {
                return Err(fault.into());
            }
            next = self.chunks.next();
        }
        Ok(())
    }
}
