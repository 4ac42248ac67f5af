//! Owns the reading of whole lines in pieces of bounded size.
//!
//! A line without an end costs no more memory than the longest line there may be. Read next: [`super::pipeline`].

use std::io::Read;

use super::LINE_BYTES_MAX;
use super::fault::LineFault;

/// Bytes that are read at a time.
const PIECE_BYTES: u64 = 256 * 1_024;

/// Whole lines, each with its line feed, and what ended the reading behind them.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) bytes: Vec<u8>,
    pub(super) end: Option<LineFault>,
}

/// Reads chunk after chunk.
#[derive(Debug)]
pub(super) struct Chunks<R> {
    input: R,
    begun: Vec<u8>,
    is_over: bool,
}

impl<R: Read> Chunks<R> {
    pub(super) const fn new(input: R) -> Self {
        Self { input, begun: Vec::new(), is_over: false }
    }

    /// Gives the next chunk; none after the input is over or a line was too long.
    pub(super) fn next(&mut self) -> Option<Chunk> {
        let mut bytes = std::mem::take(&mut self.begun);
        let mut searched = 0;
        while !self.is_over {
            match self.input.by_ref().take(PIECE_BYTES).read_to_end(&mut bytes) {
                Err(_) => return Some(self.over(bytes, LineFault::Read)),
                Ok(0) => self.is_over = true,
                Ok(_) => {}
            }
            let fresh = bytes.get(searched..).unwrap_or_default();
            if let Some(last) = fresh.iter().rposition(|byte| *byte == b'\n') {
                self.begun = bytes.split_off(searched.saturating_add(last).saturating_add(1));
                return Some(Chunk { bytes, end: None });
            }
            if bytes.len() > LINE_BYTES_MAX {
                return Some(self.over(Vec::new(), LineFault::TooLong));
            }
            searched = bytes.len();
        }
        (!bytes.is_empty()).then(|| Chunk { bytes: Vec::new(), end: Some(LineFault::Cut) })
    }

    fn over(&mut self, mut bytes: Vec<u8>, fault: LineFault) -> Chunk {
        self.is_over = true;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last.saturating_add(1));
        bytes.truncate(whole);
        Chunk { bytes, end: Some(fault) }
    }
}
