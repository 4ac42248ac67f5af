//! Owns the export of a log from its store: the whole log or a slice, streamed, with a signed checkpoint at the end.
//!
//! Read next: [`crate::audit`], which writes the lines, and checks them without a store.

use std::io::Write;
use std::ops::ControlFlow;

use crate::audit::{EXPORT_KEYS_MAX, ExportHeader, ExportWriter};
use crate::domain::invalid::Invalid;
use crate::domain::position::Position;
use crate::engine::Shared;
use crate::error::Error;
use crate::ledger::SignedCheckpoint;

use super::store::Store;

/// The part of a log to export, and what the export also proves; the whole log by default.
///
/// ```
/// use latchkeep::{ExportOptions, Position};
///
/// let slice = ExportOptions::default().from(Position::new(1_000)).to(Position::new(2_000));
/// assert_ne!(slice, ExportOptions::default());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "options do nothing until an export takes them"]
pub struct ExportOptions {
    from: Option<Position>,
    to: Option<Position>,
    earlier: Option<Position>,
}

impl ExportOptions {
    /// Begins at the record of this position; at the first by default. An export that begins later is a slice. It
    /// verifies alone, except for the history of secrets that were made earlier.
    pub const fn from(mut self, from: Position) -> Self {
        self.from = Some(from);
        self
    }

    /// Ends before the record of this position, with the checkpoint of the log at that size; at the end of the log by
    /// default.
    pub const fn to(mut self, to: Position) -> Self {
        self.to = Some(to);
        self
    }

    /// Also proves that the log extends its earlier size; no such proof by default.
    pub const fn earlier(mut self, size: Position) -> Self {
        self.earlier = Some(size);
        self
    }

    /// Checks the parts against each other and against the size of the log; returns where the export begins.
    fn begin(self, to: Position, log_size: Position) -> Result<Position, Invalid> {
        let from = self.from.unwrap_or(Position::FIRST);
        if to > log_size {
            Err(Invalid::new("export", format!("goes up to {to}, but the log has {log_size} records")))
        } else if from > to {
            Err(Invalid::new("export", format!("begins at {from}, which lies after its end, {to}")))
        } else if let Some(earlier) = self.earlier.filter(|earlier| *earlier > to) {
            Err(Invalid::new(
                "export",
                format!("goes up to {to}, which lies before the earlier checkpoint, of {earlier}"),
            ))
        } else {
            Ok(from)
        }
    }
}

impl Store {
    /// Writes the log, or a slice of it, at most up to its last durable record: one JSON object per line, a CloudEvents
    /// event for each record, with a signed checkpoint at the end. It never has secret data.
    /// [`crate::audit::verify_export`] checks it without a store. Calls `progress` with the number of written records,
    /// every 65,536. Memory does not grow with the log, and the store works meanwhile. Finding the beginning of a slice
    /// is `O(log n)`.
    ///
    /// ```
    /// use latchkeep::audit::{Conclusion, VerifyOptions, verify_export};
    /// use latchkeep::{ExportOptions, Position, SecretBytes, StoreOptions, Unlock};
    ///
    /// let store = StoreOptions::in_memory(Unlock::bytes(SecretBytes::copy_from(&[7; 32]))).create()?;
    /// let mut export = Vec::new();
    /// store.export(&mut export, ExportOptions::default(), |_| {})?;
    ///
    /// // The verifier has the key from the store's owner, not from the export.
    /// let mut brought = VerifyOptions::default();
    /// brought.keys.extend(store.verifier_keys()?.into_values());
    /// assert_eq!(verify_export(export.as_slice(), &brought, |_| {}).conclusion(), Conclusion::Passed);
    /// let alone = verify_export(export.as_slice(), &VerifyOptions::default(), |_| {});
    /// assert_eq!(alone.conclusion(), Conclusion::NotAllChecked, "anybody could have made it");
    ///
    /// let refused = store.export(Vec::new(), ExportOptions::default().to(Position::new(99)), |_| {}).unwrap_err();
    /// assert_eq!(refused.to_string(), "export goes up to 99, but the log has 2 records");
    /// # Ok::<(), latchkeep::Error>(())
    /// ```
    ///
    /// # Errors
    /// Kind `Invalid` when the part begins after its end, extends beyond the log, ends inside a batch, or ends before
    /// the earlier size; then nothing is written. Kind `Unavailable` when `out` fails; `Corrupt` when a record cannot
    /// be read.
    pub fn export(
        &self,
        out: impl Write,
        options: ExportOptions,
        mut progress: impl FnMut(u64),
    ) -> Result<SignedCheckpoint, Error> {
        let shared = &self.0.shared;
        let log_size = shared.published.with(|snapshot| snapshot.end.size);
        let to = options.to.unwrap_or(log_size);
        let from = options.begin(to, log_size)?;
        hold_to_batches(shared, to)?;
        let checkpoint = shared.checkpoint_at(to)?.ok_or_else(|| Error::internal("the log became shorter"))?;
        let earlier = options.earlier.map(|earlier| Ok::<_, Error>((earlier, shared.prove_consistency(earlier, to)?)));
        let earlier = earlier.transpose()?;
        let mut writer = ExportWriter::begin(out, &header(shared, from, to)?)?;
        shared.held().each(from, to, &mut |raw| {
            writer.write(raw)?;
            let written = writer.position().get().saturating_sub(from.get());
            if written.is_multiple_of(PROGRESS_RECORDS) {
                progress(written);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        writer.finish(&checkpoint, earlier.as_ref().map(|(earlier, proof)| (*earlier, proof)))?;
        Ok(checkpoint)
    }
}

/// Refuses an end inside a batch: the log never had that state.
fn hold_to_batches(shared: &Shared, to: Position) -> Result<(), Error> {
    let Some(last) = to.get().checked_sub(1) else { return Ok(()) };
    let mut batch = None;
    shared.held().each(Position::new(last), to, &mut |raw| {
        let header = raw.header();
        let first = last.saturating_sub(u64::from(header.batch_index));
        batch = Some((first, first.saturating_add(u64::from(header.batch_count))));
        Ok(ControlFlow::Break(()))
    })?;
    match batch {
        Some((first, end)) if end != to.get() => {
            let rule = format!("would end at {to}, inside the batch of {first} up to {end}; end it at one of them");
            Err(Invalid::new("export", rule).into())
        }
        _ => Ok(()),
    }
}

fn header(shared: &Shared, from: Position, to: Position) -> Result<ExportHeader, Error> {
    let (head_before, frontier) = shared.slice_start(from)?;
    Ok(ExportHeader {
        log_id: shared.log_id,
        vkeys: shared.verifier_keys_at(to, EXPORT_KEYS_MAX)?,
        count: to.get().saturating_sub(from.get()),
        head_before,
        frontier,
    })
}

/// Records between two progress reports of an export.
const PROGRESS_RECORDS: u64 = 65_536;
