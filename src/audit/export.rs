//! Owns the writing of an export: header, a line for each record, checkpoint.
//!
//! It streams: what it holds is a buffer of fixed size and one record, however long the log. It judges nothing; an export
//! of a damaged log shows the damage to whoever verifies it. Read next: [`super::verify`].

use std::fmt;
use std::io::{self, Write};

use crate::domain::position::Position;
use crate::ledger::{ConsistencyProof, RawRecord, SignedCheckpoint, head};

use super::cloud_event::{source, write_event};
use super::content::Opener;
use super::header::ExportHeader;
use super::last_line::LastLine;

/// Writes an export line by line.
///
/// ```
/// use latchkeep::LogId;
/// use latchkeep::audit::{Conclusion, ExportHeader, ExportWriter, VerifyOptions, verify_export};
/// use latchkeep::ledger::{Checkpoint, NoteSigner, TreeHead, origin};
///
/// let log_id = LogId::from_bytes([7; 16]);
/// let signer = NoteSigner::new(&origin(&log_id), &[1; 32])?;
/// let header = ExportHeader::whole(log_id, vec![signer.verifier_key().clone()], 0);
/// let export = ExportWriter::begin(Vec::new(), &header)?;
/// let checkpoint = Checkpoint { log_id, tree_head: TreeHead::empty() }.sign(&[&signer])?;
/// let export = export.finish(&checkpoint, None)?;
///
/// let mut brought = VerifyOptions::default();
/// brought.keys.push(signer.verifier_key().clone());
/// let report = verify_export(export.as_slice(), &brought, |_| {});
/// // No check failed; but an export without a record shows nothing, so it is not called passed.
/// assert_eq!(report.conclusion(), Conclusion::NotAllChecked, "{report}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ExportWriter<W> {
    out: W,
    buffer: Vec<u8>,
    source: String,
    opener: Opener,
    next: Position,
    end: Position,
}

impl<W: Write> ExportWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    ///
    /// [`ExportError::Io`] when `out` does not take it.
    pub fn begin(out: W, header: &ExportHeader) -> Result<Self, ExportError> {
        let mut buffer = Vec::with_capacity(BUFFER_BYTES.saturating_add(super::LINE_BYTES_MAX));
        header.write(&mut buffer);
        buffer.push(b'\n');
        let (source, opener) = (source(&header.log_id), Opener::default());
        let mut writer = Self { out, buffer, source, opener, next: header.first(), end: header.size() };
        writer.drain_at(BUFFER_BYTES)?;
        Ok(writer)
    }

    /// Writes the line of the next record.
    ///
    /// # Errors
    ///
    /// [`ExportError::Order`] when another record is due, or none; [`ExportError::Io`] when the line is not taken.
    pub fn write(&mut self, record: &RawRecord<'_>) -> Result<(), ExportError> {
        let found = record.header().position;
        if found != self.next || self.next >= self.end {
            return Err(ExportError::Order { expected: self.next, found });
        }
        let head = head(record.header_bytes());
        write_event(&mut self.buffer, &self.source, record, &head, &mut self.opener);
        self.buffer.push(b'\n');
        self.next = self.next.next();
        self.drain_at(BUFFER_BYTES)
    }

    /// Gives the position of the record that is due: how far the export has come.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.next
    }

    /// Writes the last line, flushes, and gives `out` back. The checkpoint is the one of the size that the export goes up
    /// to; the proof is for whoever keeps the earlier checkpoint of the size beside it.
    ///
    /// # Errors
    ///
    /// [`ExportError::Count`] when records are missing, [`ExportError::Checkpoint`] when the checkpoint is of another size,
    /// [`ExportError::Io`] when the line is not taken.
    pub fn finish(
        mut self,
        checkpoint: &SignedCheckpoint,
        consistency: Option<(Position, &ConsistencyProof)>,
    ) -> Result<W, ExportError> {
        if self.next != self.end {
            return Err(ExportError::Count { expected: self.end, found: self.next });
        }
        let size = checkpoint.checkpoint().tree_head.size;
        if size != self.end {
            return Err(ExportError::Checkpoint { expected: self.end, found: size });
        }
        LastLine::write(&mut self.buffer, checkpoint.note(), consistency);
        self.buffer.push(b'\n');
        self.drain_at(0)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn drain_at(&mut self, bytes: usize) -> Result<(), ExportError> {
        if self.buffer.len() > bytes {
            self.out.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }
}

/// Bytes that are collected before they are handed on.
const BUFFER_BYTES: usize = 64 * 1_024;

/// An export that cannot be written.
#[derive(Debug)]
#[non_exhaustive]
pub enum ExportError {
    /// The output does not take it.
    Io(io::Error),
    /// Another record is due.
    Order {
        /// The position that is due; when it is the size of the export, no record is.
        expected: Position,
        /// The position of the record that came.
        found: Position,
    },
    /// Fewer records were written than the header says.
    Count {
        /// The size that the export goes up to.
        expected: Position,
        /// The position that is due.
        found: Position,
    },
    /// The checkpoint is not of the size that the export goes up to.
    Checkpoint {
        /// The size that the export goes up to.
        expected: Position,
        /// The size of the checkpoint.
        found: Position,
    },
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "export cannot be written: {error}"),
            Self::Order { expected, found } => {
                write!(f, "export goes on at position {expected}, but the record of {found} came")
            }
            Self::Count { expected, found } => write!(f, "export goes up to {expected}, but ends at {found}"),
            Self::Checkpoint { expected, found } => {
                write!(f, "export goes up to {expected}, but its checkpoint is of size {found}")
            }
        }
    }
}

impl std::error::Error for ExportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let Self::Io(error) = self { Some(error) } else { None }
    }
}

impl From<io::Error> for ExportError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
