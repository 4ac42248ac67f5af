//! Owns the writing of past states. At some positions the whole state is copied, so that the state at any position
//! takes a load and a short replay, however long the log is.
//!
//! The state is a persistent map, so the copy is immediate. Its rows are written a few at a time along with commits,
//! and a mark with the last of them says that they are complete. The rows of an interrupted past state are removed
//! before the next one begins. Rows never change, except by an erasure, which removes the words from them. Read next:
//! [`super::past`].

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, ControlFlow};

use imbl::OrdSet;

use crate::codec::error::Part;
use crate::codec::keys;
use crate::codec::mark::RowTotal;
use crate::codec::past::{
    PastMark, PastWhole, decode_past_mark, decode_past_whole, encode_past_mark, encode_past_secret, encode_past_whole,
};
use crate::codec::saved::row_digest;
use crate::domain::erasable::About;
use crate::domain::id::{GroupId, SecretId};
use crate::domain::position::Position;
use crate::domain::state::State;
use crate::error::Error;
use crate::storage::chunks::{put_chunked, read_chunked};
use crate::storage::{Direction, KeyRange, Storage};

use super::saved::{Mark, Saving, take_away};

/// Records between two past states, at least: a fifth of a second of replay.
pub(crate) const APART_RECORDS: u64 = 131_072;

/// The smallest distance that a host can set.
pub(crate) const APART_RECORDS_MIN: u64 = 1_024;

/// Records between two past states for each secret, so that past states cost at most a row for each fourth record.
const APART_PER_SECRET: u64 = 4;

/// Rows written or removed with a commit, in addition to one for each of its records.
const ROWS_PER_COMMIT: usize = 4;

/// The stored past states, and the one that is being written.
#[derive(Clone, Debug)]
pub(crate) struct History {
    /// The position of the last complete one; 0 when there is none.
    last: Position,
    /// The position of an interrupted one, whose rows must be removed.
    left_over: Option<Position>,
    making: Option<Making>,
    /// The log size up to which erased words were removed: the value in every mark that counts.
    erased_up_to: Position,
    apart_records: u64,
    apart_per_secret: u64,
}

#[derive(Clone, Debug)]
struct Making {
    at: Mark,
    state: State,
    /// The last secret whose row was written.
    written: Option<SecretId>,
    /// Secrets with words that were erased since it began.
    erased: OrdSet<SecretId>,
    erased_groups: OrdSet<GroupId>,
    total: RowTotal,
}

impl Default for History {
    fn default() -> Self {
        Self {
            last: Position::FIRST,
            left_over: None,
            making: None,
            erased_up_to: Position::FIRST,
            apart_records: APART_RECORDS,
            apart_per_secret: APART_PER_SECRET,
        }
    }
}

impl History {
    /// Reads which past states are stored; the last erasure was at `erased_up_to`.
    pub(crate) fn load(storage: &dyn Storage, erased_up_to: Position) -> Result<Self, Error> {
        let last = last_mark(storage, Position::new(u64::MAX))?;
        let left_over = kept_at(storage)?.into_iter().next_back().filter(|at| Some(*at) > last);
        Ok(Self { last: last.unwrap_or(Position::FIRST), left_over, erased_up_to, ..Self::default() })
    }

    /// Returns the log size up to which erased words were removed from past states.
    pub(crate) const fn erased_up_to(&self) -> Position {
        self.erased_up_to
    }

    /// Sets how many records there are between two past states, unless the number of secrets needs more.
    pub(crate) const fn keep_apart(&mut self, records: u64) {
        self.apart_records = records;
    }

    /// Allows past states closer together, for tests with short logs.
    #[cfg(test)]
    pub(crate) fn keep_every(&mut self, records: u64) {
        (self.apart_records, self.apart_per_secret) = (records, 0);
    }

    /// Returns the past state that is being written and its last written row, if there is one.
    pub(crate) fn progress(&self) -> Option<(Position, Option<SecretId>)> {
        self.making.as_ref().map(|making| (making.at.position, making.written))
    }

    /// Adds rows to a commit of `records` records.
    pub(crate) fn keep_up(&mut self, saving: &mut Saving<'_>, records: usize) -> Result<(), Error> {
        let rows_max = ROWS_PER_COMMIT.saturating_add(records);
        if let Some(at) = self.left_over {
            return self.clear(saving, at, rows_max);
        }
        if self.making.is_none() && self.is_due(saving) {
            self.begin(saving);
        }
        self.write(saving, rows_max)
    }

    fn is_due(&self, saving: &Saving<'_>) -> bool {
        let secrets = u64::try_from(saving.state.secrets.len()).unwrap_or(u64::MAX);
        let apart = self.apart_records.max(secrets.saturating_mul(self.apart_per_secret));
        saving.end.size.get().saturating_sub(self.last.get()) >= apart
    }

    fn begin(&mut self, saving: &Saving<'_>) {
        self.making = Some(Making {
            at: Mark { position: saving.end.size, head: *saving.end.head.as_bytes() },
            state: saving.state.clone(),
            written: None,
            erased: OrdSet::new(),
            erased_groups: OrdSet::new(),
            total: RowTotal::default(),
        });
    }

    /// Adds up to `rows_max` rows of the past state that is being written.
    pub(crate) fn write(&mut self, saving: &mut Saving<'_>, rows_max: usize) -> Result<(), Error> {
        let Some(making) = &mut self.making else { return Ok(()) };
        if making.write(saving, rows_max, self.erased_up_to)? {
            self.last = making.at.position;
            self.making = None;
        }
        Ok(())
    }

    /// Removes rows that an interrupted past state left.
    fn clear(&mut self, saving: &mut Saving<'_>, at: Position, rows_max: usize) -> Result<(), Error> {
        let mut row_keys = Vec::new();
        let range = KeyRange::prefix(&keys::past_secrets(at));
        saving.storage.scan(&range, Direction::Ascending, &mut |key, _| {
            row_keys.push(key.to_vec());
            if row_keys.len() < rows_max { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        if row_keys.is_empty() {
            self.left_over = None;
        }
        row_keys.into_iter().try_for_each(|key| saving.batch.remove(key).map(drop))?;
        Ok(())
    }

    /// Removes words from all past states after the first record about a subject whose body is erased.
    ///
    /// Everything before must be durable, and nothing else may be written until this is durable.
    pub(crate) fn erase(&mut self, saving: &mut Saving<'_>, first: &BTreeMap<About, Position>) -> Result<(), Error> {
        // Every mark is rewritten, so that rows from before this erasure do not count if they are put back.
        self.erased_up_to = saving.end.size;
        for at in kept_at(saving.storage)? {
            let since: Vec<About> = first.iter().filter(|(_, first)| **first < at).map(|(about, _)| *about).collect();
            let making = self.making.as_mut().filter(|making| making.at.position == at);
            erase_at(saving, (at, self.erased_up_to), &since, making)?;
        }
        if let Some(making) = &mut self.making {
            for (about, _) in first.iter().filter(|(_, first)| **first < making.at.position) {
                match about {
                    About::Secret(id) => _ = making.erased.insert(*id),
                    About::Group(id) => _ = making.erased_groups.insert(*id),
                }
            }
        }
        Ok(())
    }
}

impl Making {
    /// Writes rows; returns whether all are written.
    fn write(&mut self, saving: &mut Saving<'_>, rows_max: usize, erased_up_to: Position) -> Result<bool, Error> {
        let at = self.at.position;
        let from = self.written.map_or(Bound::Unbounded, Bound::Excluded);
        let mut left = self.state.secrets.range((from, Bound::Unbounded));
        for (id, secret) in left.by_ref().take(rows_max) {
            let row = encode_past_secret(saving.key, at, *id, Some(&**secret).filter(|_| !self.erased.contains(id)))?;
            put_chunked(saving.batch, &keys::past_secret(at, *id), &row.bytes)?;
            self.total.add(&row.digest);
            self.written = Some(*id);
            if saving.is_full() {
                break;
            }
        }
        if left.next().is_some() {
            return Ok(false);
        }
        let mut whole =
            PastWhole { whole: self.state.whole.clone(), erased: self.erased_groups.iter().copied().collect() };
        whole.whole.groups.retain(|id, _| !self.erased_groups.contains(id));
        let row = encode_past_whole(saving.key, at, &whole)?;
        put_chunked(saving.batch, &keys::past_whole(at), &row.bytes)?;
        let mark = PastMark { head: self.at.head, total: self.total, whole: *row.digest.as_bytes(), erased_up_to };
        saving.batch.put(keys::past_mark(at), encode_past_mark(saving.key, at, &mark)?)?;
        Ok(true)
    }
}

/// Removes words from the rows of one past state, whether complete, being written, or left over.
fn erase_at(
    saving: &mut Saving<'_>,
    (at, erased_up_to): (Position, Position),
    since: &[About],
    making: Option<&mut Making>,
) -> Result<(), Error> {
    let mark_key = keys::past_mark(at);
    let mut mark = saving.storage.get(&mark_key)?.and_then(|row| decode_past_mark(saving.key, at, &row).ok());
    let mut total = match (&mut mark, making) {
        (Some(mark), _) => Some(&mut mark.total),
        (None, making) => making.map(|making| &mut making.total),
    };
    for id in since.iter().filter_map(|about| about.secret()) {
        erase_secret(saving, at, id, total.as_deref_mut())?;
    }
    let groups = since.iter().filter_map(|about| match about {
        About::Group(id) => Some(*id),
        About::Secret(_) => None,
    });
    let whole = erase_groups(saving, at, &groups.collect::<Vec<_>>())?;
    match (mark, whole) {
        (Some(mark), Kept::As(whole)) => {
            let mark = PastMark { erased_up_to, whole: whole.unwrap_or(mark.whole), ..mark };
            saving.batch.put(mark_key, encode_past_mark(saving.key, at, &mark)?)?;
        }
        (Some(_), Kept::Not) => {
            saving.batch.remove(mark_key)?;
        }
        (None, _) => {}
    }
    Ok(())
}

/// Removes words from the row of one secret, and updates the total.
fn erase_secret(
    saving: &mut Saving<'_>,
    at: Position,
    id: SecretId,
    total: Option<&mut RowTotal>,
) -> Result<(), Error> {
    let key = keys::past_secret(at, id);
    if matches!(read_chunked(saving.storage, &key), Ok(None)) {
        return Ok(());
    }
    let row = encode_past_secret(saving.key, at, id, None)?;
    // A damaged row is not in the expected total: the past state is unusable with it and without it.
    let old = take_away(saving, &key)?;
    put_chunked(saving.batch, &key, &row.bytes)?;
    let digest = old.and_then(|old| row_digest(saving.key, Part::PastSecret, &key, &old).ok());
    if let (Some(total), Some(digest)) = (total, digest) {
        total.take_out(&digest);
        total.add(&row.digest);
    }
    Ok(())
}

/// The result for the row of the part that belongs to no secret.
enum Kept {
    /// It exists: with another hash, or unchanged.
    As(Option<[u8; 32]>),
    /// It is not usable.
    Not,
}

fn erase_groups(saving: &mut Saving<'_>, at: Position, groups: &[GroupId]) -> Result<Kept, Error> {
    let key = keys::past_whole(at);
    if groups.is_empty() {
        return Ok(Kept::As(None));
    }
    let Some(old) = take_away(saving, &key)? else { return Ok(Kept::As(None)) };
    // Without this row the past state is not complete, and an earlier one is used.
    let Ok((mut whole, _)) = decode_past_whole(saving.key, at, &old) else { return Ok(Kept::As(None)) };
    if saving.is_full() {
        // Each may have a megabyte, and there may be many. A longer replay finds the same state.
        return Ok(Kept::Not);
    }
    for id in groups {
        if whole.whole.groups.remove(id).is_some() {
            whole.erased.insert(*id);
        }
    }
    let row = encode_past_whole(saving.key, at, &whole)?;
    put_chunked(saving.batch, &key, &row.bytes)?;
    Ok(Kept::As(Some(*row.digest.as_bytes())))
}

/// Returns the position of the last mark at or before a position.
pub(super) fn last_mark(storage: &dyn Storage, at_most: Position) -> Result<Option<Position>, Error> {
    let range = KeyRange::between(keys::past_mark(Position::FIRST), keys::past_mark(at_most.next()));
    let mut found = None;
    storage.scan(&range, Direction::Descending, &mut |key, _| {
        found = keys::parse_past_mark(key);
        ControlFlow::Break(())
    })?;
    Ok(found)
}

/// Returns the positions of all past states with rows, complete or not. It jumps from one to the next.
fn kept_at(storage: &dyn Storage) -> Result<BTreeSet<Position>, Error> {
    let (mut found, mut from) = (BTreeSet::new(), Position::FIRST);
    storage.scan(&KeyRange::prefix(&[keys::PAST_MARK]), Direction::Ascending, &mut |key, _| {
        found.extend(keys::parse_past_mark(key));
        ControlFlow::Continue(())
    })?;
    loop {
        let range = KeyRange::between(keys::past_secrets(from), [keys::PAST_SECRET.saturating_add(1)]);
        let mut next = None;
        storage.scan(&range, Direction::Ascending, &mut |key, _| {
            let own = key.split_last_chunk::<4>().map_or(key, |(own, _)| own);
            next = keys::parse_past_secret(own).map(|(at, _)| at);
            ControlFlow::Break(())
        })?;
        match next {
            Some(at) => {
                found.insert(at);
                from = at.next();
            }
            None => return Ok(found),
        }
    }
}
