//! Owns the replay of the log: one thread reads rows and verifies the chain, another makes steps and applies them.
//!
//! A replay makes no call outside. Read next: [`super::recovery`].

use std::ops::{ControlFlow, Range};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::domain::position::Position;
use crate::domain::step::Step;
use crate::error::Error;
use crate::ledger::{ChainEnd, ChainVerifier, frames};
use crate::storage::Storage;

use super::log::{Decoder, scan_commits};
use super::missing::MissingBodies;

/// Bytes of commits in one parcel from one thread to the other.
const PARCEL_BYTES: usize = 128 * 1_024;

/// Parcels that may wait, at most.
const PARCELS_MAX: usize = 8;

/// The result of a replay.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) end: ChainEnd,
    pub(crate) records: u64,
    pub(crate) unknown_events: u64,
    /// Bodies that are missing, and that no record in the span explains.
    pub(crate) missing: MissingBodies,
}

/// Replays the log over a span, which begins with a commit and may end inside a batch. Calls `take` with one batch
/// after another, the last one up to the end of the span.
///
/// # Errors
///
/// Kind `Corrupt`, with the first fault, when the chain does not verify; also what `take` fails with.
pub(crate) fn replay(
    storage: &dyn Storage,
    verifier: ChainVerifier,
    span: Range<Position>,
    take: &mut dyn FnMut(Vec<Step>) -> Result<(), Error>,
) -> Result<Ended, Error> {
    let (send, parcels) = bounded(PARCELS_MAX);
    std::thread::scope(|scope| {
        let until = span.end;
        let reader = scope.spawn(move || read(storage, verifier, span, &send));
        let taken = take_parcels(&parcels, until, take);
        drop(parcels);
        let read = reader.join().map_err(|_| Error::internal("the thread that reads the log panicked"))?;
        let unknown_events = taken?;
        read.map(|ended| Ended { unknown_events, ..ended })
    })
}

/// Reads commits, verifies their chain, and sends their bytes on.
fn read(
    storage: &dyn Storage,
    mut verifier: ChainVerifier,
    span: Range<Position>,
    send: &Sender<Vec<u8>>,
) -> Result<Ended, Error> {
    let (mut parcel, mut missing) = (Vec::with_capacity(PARCEL_BYTES), MissingBodies::default());
    let from = span.start;
    scan_commits(storage, from, &mut |first, bytes| {
        if first >= span.end {
            return Ok(ControlFlow::Break(()));
        }
        if first < from {
            return skip(bytes, from);
        }
        for raw in frames(bytes) {
            let raw = raw.map_err(|error| Error::corrupt(format!("the log is damaged: {error}")))?;
            verifier.verify(&raw)?;
            missing.take(&raw)?;
        }
        parcel.extend_from_slice(bytes);
        let is_end = verifier.size() >= span.end;
        let mut flow = if is_end { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        if parcel.len() >= PARCEL_BYTES
            && send.send(std::mem::replace(&mut parcel, Vec::with_capacity(PARCEL_BYTES))).is_err()
        {
            flow = ControlFlow::Break(());
        }
        Ok(flow)
    })?;
    let _ = send.send(parcel);
    let end = verifier.finish()?;
    Ok(Ended { end, records: end.size.get().saturating_sub(from.get()), unknown_events: 0, missing })
}

/// Skips the commit before the first one: the scan finds it when nothing was recorded since.
fn skip(bytes: &[u8], from: Position) -> Result<ControlFlow<()>, Error> {
    match frames(bytes).last() {
        Some(Ok(last)) if last.header().position < from => Ok(ControlFlow::Continue(())),
        _ => Err(Error::corrupt("a commit of the log lies across the mark of saved state")),
    }
}

/// Makes steps from parcels and passes them on, batch by batch. Counts the events that this release does not know.
fn take_parcels(
    parcels: &Receiver<Vec<u8>>,
    until: Position,
    take: &mut dyn FnMut(Vec<Step>) -> Result<(), Error>,
) -> Result<u64, Error> {
    let mut unknown_events = 0_u64;
    let (mut batch, mut decoder) = (Vec::new(), Decoder::default());
    for parcel in parcels {
        for raw in frames(&parcel) {
            let raw = raw.map_err(|error| Error::corrupt(format!("the log is damaged: {error}")))?;
            if raw.header().position >= until {
                break;
            }
            let ends_batch = raw.header().batch_index.saturating_add(1) >= raw.header().batch_count;
            match decoder.decode_step(&raw)? {
                Some(step) => batch.push(step),
                None => unknown_events = unknown_events.saturating_add(1),
            }
            if ends_batch {
                take(std::mem::take(&mut batch))?;
            }
        }
    }
    if !batch.is_empty() {
        take(batch)?;
    }
    Ok(unknown_events)
}
