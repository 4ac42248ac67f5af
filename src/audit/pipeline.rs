//! Owns the threads of a verification: one reads, some check line by line, the caller's own takes the results in order.
//!
//! Chunks go to the checkers in turn and are taken back in turn, so that order costs nothing. Every queue is short: what
//! is under way at a time is a few chunks per checker, whatever the length of the export. What the caller's thread has seen
//! goes back to the checker that made it, which drops it: no memory is freed by a thread that did not take it. Read next: [`super::judge`].

use std::io::Read;
use std::num::NonZero;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::LINE_BYTES_MAX;
use super::chunks::{Chunk, Chunks};
use super::event_line::{Checked, Room, read_event};
use super::fault::LineFault;
use super::last_line::{LAST_LINE, LastLine};

/// Threads that check lines, at most; more would wait for the one that takes the results.
const CHECKERS_MAX: usize = 6;

/// Chunks that wait at each end of a checker.
const WAITING_MAX: usize = 2;

/// A line, checked as far as it can be alone.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "all but one are of the large kind")]
pub(super) enum Item {
    Event(Checked),
    Last(LastLine),
}

/// The lines of a chunk, and what ended the reading behind them.
#[derive(Debug, Default)]
pub(super) struct Parcel {
    pub(super) items: Vec<Item>,
    pub(super) end: Option<LineFault>,
}

/// Checks all lines from `first` on and shows them to `take` in order, until it breaks off.
///
/// # Errors
///
/// [`LineFault::Verifier`] when a thread panicked.
pub(super) fn run<R: Read + Send>(
    first: Chunk,
    chunks: Chunks<R>,
    source: &str,
    take: &mut dyn FnMut(&Parcel) -> ControlFlow<()>,
) -> Result<(), LineFault> {
    thread::scope(|scope| {
        let checkers = thread::available_parallelism().map_or(2, NonZero::get).clamp(1, CHECKERS_MAX);
        let (mut to, mut from, mut threads) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..checkers {
            let (send_chunk, take_chunk) = sync_channel(WAITING_MAX);
            let (send_parcel, take_parcel) = sync_channel(WAITING_MAX);
            // A checker has no more parcels than these under way, so that giving one back never waits.
            let (give_back, spent) = sync_channel(WAITING_MAX.saturating_add(2));
            threads.push(scope.spawn(move || check_chunks(&take_chunk, &send_parcel, &spent, source)));
            to.push(send_chunk);
            from.push((take_parcel, give_back));
        }
        threads.push(scope.spawn(move || read_chunks(first, chunks, &to)));
        for (parcels, give_back) in from.iter().cycle() {
            let Ok(parcel) = parcels.recv() else { break };
            if take(&parcel).is_break() {
                break;
            }
            // A checker that has ended takes nothing; what comes back is dropped here.
            let _ = give_back.try_send(parcel);
        }
        // Whoever still waits to hand something on is told that nobody takes it.
        drop(from);
        let joined: Vec<_> = threads.into_iter().map(thread::ScopedJoinHandle::join).collect();
        if joined.iter().all(Result::is_ok) { Ok(()) } else { Err(LineFault::Verifier) }
    })
}

fn read_chunks<R: Read>(first: Chunk, mut chunks: Chunks<R>, to: &[SyncSender<Chunk>]) {
    let mut next = Some(first);
    for checker in to.iter().cycle() {
        let Some(chunk) = next else { return };
        if checker.send(chunk).is_err() {
            return;
        }
        next = chunks.next();
    }
}

fn check_chunks(chunks: &Receiver<Chunk>, parcels: &SyncSender<Parcel>, spent: &Receiver<Parcel>, source: &str) {
    let mut room = Room::default();
    for chunk in chunks {
        // The room for the lines is used again: it is large.
        let mut items = spent.try_iter().last().map(|parcel| parcel.items).unwrap_or_default();
        items.clear();
        if parcels.send(check_chunk(&chunk, source, &mut room, items)).is_err() {
            return;
        }
    }
}

fn check_chunk(chunk: &Chunk, source: &str, room: &mut Room, mut items: Vec<Item>) -> Parcel {
    items.reserve(chunk.bytes.len() / LINE_BYTES_TYPICAL);
    let (text, end) = match str::from_utf8(&chunk.bytes) {
        Ok(text) => (text, chunk.end),
        Err(error) => {
            let valid = chunk.bytes.get(..error.valid_up_to()).and_then(|valid| str::from_utf8(valid).ok());
            // The line that the error lies in is left out.
            let whole = valid.and_then(|valid| valid.get(..valid.rfind('\n').map_or(0, |at| at.saturating_add(1))));
            (whole.unwrap_or_default(), Some(LineFault::Utf8))
        }
    };
    for line in text.split_terminator('\n') {
        match check_line(line, source, room) {
            Ok(item) => items.push(item),
            Err(fault) => return Parcel { items, end: Some(fault) },
        }
    }
    Parcel { items, end }
}

/// A line is an event's unless it is a last line; the fault of one that is neither is that of an event.
fn check_line(line: &str, source: &str, room: &mut Room) -> Result<Item, LineFault> {
    if line.len() > LINE_BYTES_MAX {
        return Err(LineFault::TooLong);
    }
    if line.as_bytes().starts_with(LAST_LINE) {
        return LastLine::parse(line).map(Item::Last);
    }
    read_event(line, source, room).map(Item::Event).or_else(|fault| {
        let LineFault::Fields { .. } = fault else { return Err(fault) };
        LastLine::parse(line).map(Item::Last).map_err(|_| fault)
    })
}

/// Bytes of a line as they mostly are, for making room.
const LINE_BYTES_TYPICAL: usize = 1_024;
