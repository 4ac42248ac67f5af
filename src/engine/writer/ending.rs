//! Owns the end of the writer: waiting requests are recorded, made durable and answered, and the next open is made
//! fast.
//!
//! Read next: [`super::super::saved`].

use crate::error::Error;

use super::{Ending, Recorded, Writer};

/// Records that an open may replay before a close writes saved state: some milliseconds of replay.
const BEHIND_AT_CLOSE: u64 = 1_024;

/// Rows of saved state in one commit while the store closes.
const ROWS_AT_CLOSE: usize = 2_000;

/// Batches of reads recorded while the store closes: all that can wait, and a few more.
const ACCESS_BATCHES_AT_CLOSE: usize = 12;

impl Writer {
    /// Makes durable what is decided, writes saved state if an open would replay much, and answers the other callers.
    pub(super) fn end(mut self) {
        while !self.settling.is_empty() && self.shared.poison.why().is_none() {
            self.pass_time();
            self.settle();
        }
        if let Err(error) = self.record_all_access() {
            self.shared.poison.set(&error.to_string());
        }
        self.settle();
        self.finish_saved_state();
        self.finish_past_state();
        if let Some(Ending::Asked(reply)) = self.ending.take() {
            let outcome = match self.shared.poison.error() {
                Some(error) => Err(error),
                None => Ok(Ok(self.nothing_done(None))),
            };
            reply.give(outcome);
        }
        while let Ok(request) = self.requests.try_recv() {
            // Another caller that asked to end gets the same answer when its reply is dropped.
            drop(request.refuse(Error::closed()));
        }
    }

    /// Writes saved state, if an open would replay much.
    fn finish_saved_state(&mut self) {
        if self.snapshot.saved.behind(&self.snapshot.end) < BEHIND_AT_CLOSE {
            return;
        }
        while self.snapshot.saved.mark().position != self.snapshot.end.size && self.shared.poison.why().is_none() {
            let before = self.snapshot.saved.progress();
            let storage = &*self.shared.storage;
            let carried =
                self.group.carry(&mut self.snapshot, storage, |saved, _, saving| saved.finish(saving, ROWS_AT_CLOSE));
            self.settle();
            // What could not be written was taken back; an open works without it.
            if carried.is_err() || self.snapshot.saved.progress() == before {
                break;
            }
        }
    }

    /// Writes the rest of a past state, so that commands that each open the store do not begin it again and again.
    fn finish_past_state(&mut self) {
        while let Some(before) = self.snapshot.history.progress().filter(|_| self.shared.poison.why().is_none()) {
            let storage = &*self.shared.storage;
            let carried = self
                .group
                .carry(&mut self.snapshot, storage, |_, history, saving| history.write(saving, ROWS_AT_CLOSE));
            self.settle();
            if carried.is_err() || self.snapshot.history.progress() == Some(before) {
                break;
            }
        }
    }

    /// Records the waiting reads, a batch at a time. Reads that arrive meanwhile do not delay the close.
    fn record_all_access(&mut self) -> Result<(), Error> {
        for _ in 0..ACCESS_BATCHES_AT_CLOSE {
            if self.record_access()? == Recorded::Nothing {
                break;
            }
            self.settle();
        }
        Ok(())
    }
}
