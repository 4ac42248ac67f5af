//! Owns saved state: rows beside the log that let an open replay only the end of the log.
//!
//! There is a row per secret and per remembered answer, each as of some position, which the row names. A few are
//! written along with each commit, so that no commit becomes much larger. A *pass* begins at a position, writes
//! everything that changed before it, and ends by moving the *mark* there. An open loads the rows and replays the log
//! from the mark. For each secret it skips the records that its row already includes. The [voucher](super::voucher)
//! proves mark and rows, so a lost, left-over, old or foreign row is detected. Then all rows are discarded, since the
//! log is the truth.
//!
//! A row is written once in a pass, and a pass begins only when the one before it is durable. So the stored row is the
//! one in the sum, and need not be kept in memory. Read next: [`super::recovery`].

use imbl::OrdSet;

use crate::codec::error::Part;
use crate::codec::keys;
use crate::codec::mark::RowTotal;
use crate::codec::saved::{RowKey, SavedRow, encode_answer, encode_secret, encode_whole, row_digest};
use crate::codec::voucher::SavedMark;
use crate::domain::id::SecretId;
use crate::domain::position::Position;
use crate::domain::state::State;
use crate::error::Error;
use crate::ledger::ChainEnd;
use crate::storage::chunks::{count, put_chunked, read_chunked, remove_chunked, remove_counted};
use crate::storage::{Batch, Storage, StorageError};

/// Records after which a new pass begins: an open replays at most about twice as many.
const PASS_RECORDS: u64 = 16_384;

/// Rows written along with a commit, in addition to two for each of its records.
const ROWS_PER_COMMIT: usize = 16;

/// An object with a row of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Item {
    Secret(SecretId),
    Answer(Position),
}

/// The stored rows, and what has changed since.
#[derive(Clone, Debug)]
pub(crate) struct Saved {
    rows: RowTotal,
    /// The hash of the row of the part that belongs to no secret; `None` before the first pass has ended.
    whole: Option<[u8; 32]>,
    dirty: OrdSet<Item>,
    pass: Option<Pass>,
    mark: Mark,
    pass_records: u64,
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

/// The inputs for saved rows in a commit.
pub(crate) struct Saving<'a> {
    pub(crate) batch: &'a mut Batch,
    pub(crate) state: &'a State,
    pub(crate) end: &'a ChainEnd,
    pub(crate) storage: &'a dyn Storage,
    pub(crate) key: &'a RowKey,
    /// Bytes of the batch after which no further row is added.
    pub(crate) bytes_max: usize,
}

impl Saving<'_> {
    /// Returns whether the batch has reached its bound for such rows.
    pub(crate) fn is_full(&self) -> bool {
        self.batch.bytes() >= self.bytes_max
    }
}

impl Saved {
    /// Starts from stored rows.
    pub(crate) fn new(mark: Mark, rows: RowTotal, whole: Option<[u8; 32]>) -> Self {
        Self { rows, whole, dirty: OrdSet::new(), pass: None, mark, pass_records: PASS_RECORDS }
    }

    /// Starts without rows, at some size of the log.
    pub(crate) fn none(mark: Mark) -> Self {
        Self::new(mark, RowTotal::default(), None)
    }

    /// Returns the voucher's description of the rows.
    pub(crate) fn vouched(&self, key: &RowKey) -> SavedMark {
        let Mark { position, head } = self.mark;
        let (position, whole) = self.whole.map_or((0, [0; 32]), |whole| (position.get(), whole));
        SavedMark { position, head, rows: self.rows.proof(key), whole }
    }

    /// Notes that an object with a row changed.
    pub(crate) fn touch(&mut self, item: Item) {
        self.dirty.insert(item);
    }

    /// Returns how many records an open would replay.
    pub(crate) fn behind(&self, end: &ChainEnd) -> u64 {
        end.size.get().saturating_sub(self.mark.position.get())
    }

    /// Lets passes begin sooner, for tests with short logs.
    #[cfg(test)]
    pub(crate) fn pass_every(&mut self, records: u64) {
        self.pass_records = records;
    }

    #[cfg(test)]
    pub(crate) fn is_in_a_pass(&self) -> bool {
        self.pass.is_some()
    }

    /// Returns where a replay would start.
    pub(crate) const fn mark(&self) -> Mark {
        self.mark
    }

    /// Adds rows to a commit of `records` records, so that passes keep up with the log; `durable` is the published
    /// mark.
    pub(crate) fn keep_up(&mut self, saving: &mut Saving<'_>, durable: Mark, records: usize) -> Result<(), Error> {
        if self.pass.is_none() && self.mark == durable && self.behind(saving.end) >= self.pass_records {
            self.begin(saving.end);
        }
        if self.pass.is_some() {
            self.write(saving, ROWS_PER_COMMIT.saturating_add(records.saturating_mul(2)))?;
        }
        Ok(())
    }

    /// Returns the progress of the pass: its mark, and how many rows are left of an active pass.
    pub(crate) fn progress(&self) -> (Mark, Option<usize>) {
        (self.mark, self.pass.as_ref().map(|pass| pass.left.len()))
    }

    /// Adds up to `rows_max` rows of a pass that ends at the end of the log.
    ///
    /// Everything before must be durable.
    pub(crate) fn finish(&mut self, saving: &mut Saving<'_>, rows_max: usize) -> Result<(), Error> {
        if self.pass.is_none() && self.mark.position != saving.end.size {
            self.begin(saving.end);
        }
        if self.pass.is_some() {
            self.write(saving, rows_max)?;
        }
        Ok(())
    }

    /// Rewrites existing rows of secrets, and the row of the part that belongs to no secret: they may hold erased
    /// words. Everything before must be durable, and nothing else may be written until this is.
    pub(crate) fn refresh(&mut self, saving: &mut Saving<'_>, items: &[Item]) -> Result<(), Error> {
        for item in items {
            let Row { key, .. } = Row::of(saving.key, *item, saving.state)?;
            if !matches!(read_chunked(saving.storage, &key), Ok(None)) {
                self.write_row(saving, *item)?;
                self.dirty.remove(item);
                if let Some(pass) = &mut self.pass {
                    pass.left.remove(item);
                }
            }
        }
        if !matches!(read_chunked(saving.storage, &keys::SAVED_WHOLE), Ok(None)) {
            self.write_whole(saving)?;
        }
        Ok(())
    }

    fn begin(&mut self, end: &ChainEnd) {
        let goal = Mark { position: end.size, head: *end.head.as_bytes() };
        self.pass = Some(Pass { goal, left: std::mem::take(&mut self.dirty) });
    }

    fn write(&mut self, saving: &mut Saving<'_>, rows_max: usize) -> Result<(), Error> {
        for _ in 0..rows_max {
            let Some(item) = self.pass.as_mut().and_then(|pass| pass.left.remove_min()) else { break };
            self.write_row(saving, item)?;
            if saving.is_full() {
                break;
            }
        }
        if let Some(pass) = self.pass.take_if(|pass| pass.left.is_empty()) {
            self.mark = pass.goal;
            // The pass has ended: from here on there is saved state.
            self.whole = self.whole.or(Some([0; 32]));
            self.write_whole(saving)?;
        }
        Ok(())
    }

    /// Replaces the row of the part that belongs to no secret; it is not in the sum.
    fn write_whole(&mut self, saving: &mut Saving<'_>) -> Result<(), Error> {
        take_away(saving, &keys::SAVED_WHOLE)?;
        let row = encode_whole(saving.key, &saving.state.whole)?;
        put_chunked(saving.batch, &keys::SAVED_WHOLE, &row.bytes)?;
        self.whole = self.whole.map(|_| *row.digest.as_bytes());
        Ok(())
    }

    fn write_row(&mut self, saving: &mut Saving<'_>, item: Item) -> Result<(), Error> {
        let Row { part, key, saved: row } = Row::of(saving.key, item, saving.state)?;
        // A damaged row is not in the sum: because of the damage, the rows were discarded.
        if let Some(old) = take_away(saving, &key)?
            && let Ok(digest) = row_digest(saving.key, part, &key, &old)
        {
            self.rows.take_out(&digest);
        }
        if let Some(row) = row {
            put_chunked(saving.batch, &key, &row.bytes)?;
            self.rows.add(&row.digest);
        }
        Ok(())
    }
}

/// Removes the stored row, and returns it if it is whole.
pub(super) fn take_away(saving: &mut Saving<'_>, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    match read_chunked(saving.storage, key) {
        Ok(Some(old)) => {
            remove_counted(saving.batch, key, count(old.len()))?;
            Ok(Some(old))
        }
        Err(StorageError::Corrupt { .. }) => {
            remove_chunked(saving.storage, saving.batch, key)?;
            Ok(None)
        }
        other => Ok(other?),
    }
}

/// The new content of a row; `None` for a removed object.
struct Row {
    part: Part,
    key: Vec<u8>,
    saved: Option<SavedRow>,
}

impl Row {
    fn of(row_key: &RowKey, item: Item, state: &State) -> Result<Self, Error> {
        Ok(match item {
            Item::Secret(id) => Self {
                part: Part::SavedSecret,
                key: keys::saved_secret(id).to_vec(),
                saved: state.secret(id).map(|secret| encode_secret(row_key, secret)).transpose()?,
            },
            Item::Answer(position) => Self {
                part: Part::SavedAnswer,
                key: keys::saved_answer(position).to_vec(),
                saved: state
                    .remembered
                    .get(position)
                    .map(|answer| encode_answer(row_key, position, answer))
                    .transpose()?,
            },
        })
    }
}
