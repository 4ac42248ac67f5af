//! Owns saved state: rows beside the log that let an open replay the end of the log only.
//!
//! A row per secret and per remembered answer, each as of some position (the row says which), written a few at a time
//! along with the commits, so that no commit is much larger for it. A *pass* begins at a position, writes all that
//! changed before it, and ends by moving the *mark* there: an open loads the rows and replays the log from the mark,
//! skipping for each secret what its row has taken in already. Count and sum of the rows stand in the mark, so that one
//! that is lost, left over or old is noticed; then all rows are thrown away, for the log is the truth.
//!
//! Read next: [`super::recovery`].

use imbl::{OrdMap, OrdSet};

use crate::codec::mark::{RowSum, SavedMark};
use crate::codec::{keys, saved as bytes};
use crate::domain::id::SecretId;
use crate::domain::position::Position;
use crate::domain::state::State;
use crate::error::Error;
use crate::ledger::ChainEnd;
use crate::storage::Batch;
use crate::storage::chunks::{count, put_chunked, remove_counted};

/// Records after which a new pass begins: an open replays at most about twice as many.
const PASS_RECORDS: u64 = 16_384;

/// Rows written along with a commit, beyond two for each of its records.
const ROWS_PER_COMMIT: usize = 16;

/// A row that lies beside the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowOnDisk {
    /// What the sum of the mark counts for it.
    pub(crate) digest: u64,
    /// How many chunks it takes.
    pub(crate) chunks: u32,
}

/// A thing with a row of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Item {
    Secret(SecretId),
    Answer(Position),
}

/// What lies beside the log, and what has changed since.
#[derive(Clone, Debug)]
pub(crate) struct Saved {
    rows: OrdMap<Item, RowOnDisk>,
    sum: RowSum,
    dirty: OrdSet<Item>,
    pass: Option<Pass>,
    mark: Mark,
}

/// Where a replay starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) position: Position,
    pub(crate) head: [u8; 32],
}

#[derive(Clone, Debug)]
struct Pass {
    goal: Mark,
    left: OrdSet<Item>,
}

impl Saved {
    /// Starts from rows that lie there already; those that do not count any more are marked to be written or removed.
    pub(crate) fn new(mark: Mark, rows: OrdMap<Item, RowOnDisk>, stale: OrdSet<Item>) -> Self {
        let mut sum = RowSum::default();
        rows.values().for_each(|row| sum.add(row.digest));
        Self { rows, sum, dirty: stale, pass: None, mark }
    }

    /// Notes that a secret changed.
    pub(crate) fn touch(&mut self, secret: SecretId) {
        self.dirty.insert(Item::Secret(secret));
    }

    /// Notes that something with a row changed.
    pub(crate) fn touch_item(&mut self, item: Item) {
        self.dirty.insert(item);
    }

    /// Notes that an answer was remembered or forgotten.
    pub(crate) fn touch_answer(&mut self, position: Position) {
        self.dirty.insert(Item::Answer(position));
    }

    /// Tells how many records an open would replay at the least.
    pub(crate) fn behind(&self, end: &ChainEnd) -> u64 {
        end.size.get().saturating_sub(self.mark.position.get())
    }

    /// Adds rows to a commit of `records` records, so that passes keep up with the log.
    pub(crate) fn keep_up(
        &mut self,
        batch: &mut Batch,
        state: &State,
        end: &ChainEnd,
        records: usize,
    ) -> Result<(), Error> {
        if self.pass.is_none() && self.behind(end) >= PASS_RECORDS {
            self.begin(end);
        }
        if self.pass.is_some() {
            self.write(batch, state, ROWS_PER_COMMIT.saturating_add(records.saturating_mul(2)))?;
        }
        Ok(())
    }

    /// Adds up to `rows_max` rows of a pass that ends here; tells whether there are more to write.
    pub(crate) fn finish(
        &mut self,
        batch: &mut Batch,
        state: &State,
        end: &ChainEnd,
        rows_max: usize,
    ) -> Result<Progress, Error> {
        let whole = self.mark.position == end.size || self.pass.as_ref().is_some_and(|pass| pass.goal.position == end.size);
        if !whole {
            self.begin(end);
        }
        if self.pass.is_none() {
            return Ok(Progress::Done);
        }
        self.write(batch, state, rows_max)?;
        Ok(if self.pass.is_some() { Progress::More } else { Progress::Done })
    }

    /// Begins a pass at the end of the log; what an unfinished one had left to do is done by it.
    fn begin(&mut self, end: &ChainEnd) {
        let mut left = std::mem::take(&mut self.dirty);
        if let Some(unfinished) = self.pass.take() {
            left = left.union(unfinished.left);
        }
        let goal = Mark { position: end.size, head: *end.head.as_bytes() };
        self.pass = Some(Pass { goal, left });
    }

    fn write(&mut self, batch: &mut Batch, state: &State, rows_max: usize) -> Result<(), Error> {
        for _ in 0..rows_max {
            let Some(item) = self.pass.as_mut().and_then(|pass| pass.left.remove_min()) else { break };
            self.write_row(batch, state, item)?;
        }
        if let Some(pass) = self.pass.take_if(|pass| pass.left.is_empty()) {
            self.mark = pass.goal;
            let key = keys::saved_whole();
            put_chunked(batch, &key, &bytes::encode_whole(&state.whole, &key)?)?;
        }
        let mark = SavedMark {
            position: self.mark.position.get(),
            head: self.mark.head,
            rows: u64::try_from(self.rows.len()).unwrap_or(u64::MAX),
            sum: self.sum,
        };
        batch.put(keys::saved_mark(), mark.encode())?;
        Ok(())
    }

    fn write_row(&mut self, batch: &mut Batch, state: &State, item: Item) -> Result<(), Error> {
        let (key, row) = match item {
            Item::Secret(id) => {
                let key = keys::saved_secret(id);
                let row = state.secret(id).map(|secret| bytes::encode_secret(secret, &key)).transpose()?;
                (key, row)
            }
            Item::Answer(position) => {
                let key = keys::saved_answer(position);
                let answer = state.remembered.get(position);
                let row = answer.map(|answer| bytes::encode_answer(answer, &key)).transpose()?;
                (key, row)
            }
        };
        if let Some(old) = self.rows.remove(&item) {
            self.sum.subtract(old.digest);
            remove_counted(batch, &key, old.chunks)?;
        }
        if let Some(row) = row {
            let on_disk = RowOnDisk { digest: bytes::digest(&row), chunks: count(row.len()) };
            put_chunked(batch, &key, &row)?;
            self.sum.add(on_disk.digest);
            self.rows.insert(item, on_disk);
        }
        Ok(())
    }
}

/// Whether a pass has more to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    More,
    Done,
}
