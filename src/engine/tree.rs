//! Owns the stored part of the tree over the log: the larger complete subtrees, from which proofs of any size are made
//! without reading the log again. The voucher does not cover them. A tree made from them counts only if it leads to the
//! root of the frontier, which is in the voucher.
//!
//! Subtrees below 128 leaves are not stored: their leaves are the chain values of the records themselves. A proof reads
//! at most one such block for each end. A subtree whose row is missing is made anew from the log. Read next:
//! [`crate::ledger`].

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::ControlFlow;

use crate::codec::keys;
use crate::domain::id::LogId;
use crate::domain::position::Position;
use crate::error::Error;
use crate::ledger::{ChainEnd, Frontier, Head, Subtree, TreeHash, TreeHashes, genesis, head, leaf, node};
use crate::storage::{Batch, Storage};

use super::log::scan_records;

/// The height from which subtrees are stored: 128 leaves, so that one row of 32 bytes covers some 50 KB of log.
const STORED_FROM: u8 = 7;

/// Stops every store of the process from growing its tree, so that the benches can measure the cost of the tree.
#[cfg(feature = "bench-without-tree")]
pub fn without_tree(without: bool) {
    WITHOUT.store(without, std::sync::atomic::Ordering::Relaxed);
}

#[cfg(feature = "bench-without-tree")]
static WITHOUT: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// Adds the chain values of new records to the tree, and to the batch the rows of subtrees that they complete.
pub(super) fn grow(frontier: &mut Frontier, heads: &[Head], batch: &mut Batch) -> Result<(), Error> {
    #[cfg(feature = "bench-without-tree")]
    if WITHOUT.load(std::sync::atomic::Ordering::Relaxed) {
        return Ok(());
    }
    let mut completed = Vec::new();
    for head in heads {
        frontier.append_noting(head, |subtree, hash| {
            if subtree.level >= STORED_FROM {
                completed.push((subtree, hash));
            }
        })?;
    }
    for (subtree, hash) in completed {
        batch.put(keys::tree_node(subtree.level, subtree.index), hash.as_bytes().to_vec())?;
    }
    Ok(())
}

/// Makes the frontier of a log with this end from its records alone.
///
/// # Errors
///
/// Kind `Corrupt` when the records do not follow each other up to that end.
pub(super) fn rebuild(storage: &dyn Storage, log_id: &LogId, end: &ChainEnd) -> Result<Frontier, Error> {
    compare(storage, log_id, end).map(|(frontier, _)| frontier)
}

/// Makes the frontier in the same way; also returns the stored subtrees that the log does not have.
pub(super) fn compare(
    storage: &dyn Storage,
    log_id: &LogId,
    end: &ChainEnd,
) -> Result<(Frontier, Vec<Subtree>), Error> {
    let (mut frontier, mut before, mut strange) = (Frontier::default(), genesis(log_id), Vec::new());
    scan_records(storage, Position::FIRST, end.size, &mut |raw| {
        if raw.header().head_before != before {
            return Err(Error::corrupt(format!("record {} does not follow the one before it", raw.header().position)));
        }
        before = head(raw.header_bytes());
        let mut completed = Vec::new();
        frontier.append_noting(&before, |subtree, hash| completed.push((subtree, hash)))?;
        for (subtree, hash) in completed.into_iter().filter(|(subtree, _)| subtree.level >= STORED_FROM) {
            let stored = storage.get(&keys::tree_node(subtree.level, subtree.index))?;
            strange.extend(stored.filter(|row| row != hash.as_bytes()).map(|_| subtree));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    if (frontier.size(), before) != (end.size, end.head) {
        return Err(Error::records_lost(frontier.size().get(), end.size.get()));
    }
    Ok((frontier, strange))
}

/// The subtrees of a log, for proofs.
pub(crate) struct StoredTree<'a> {
    storage: &'a dyn Storage,
    /// Whether stored subtrees are used. The voucher does not cover them: a tree made from them must lead to a known
    /// root.
    uses_rows: bool,
    /// Leaves of the blocks that were read, by the number of the block.
    blocks: RefCell<HashMap<u64, Vec<TreeHash>>>,
}

impl<'a> StoredTree<'a> {
    pub(crate) fn new(storage: &'a dyn Storage) -> Self {
        Self { storage, uses_rows: true, blocks: RefCell::default() }
    }

    /// Returns the tree of the log alone, which takes a read of the whole log.
    pub(crate) fn of_the_log_alone(storage: &'a dyn Storage) -> Self {
        Self { uses_rows: false, ..Self::new(storage) }
    }

    /// Returns the right edge of the tree at a size that the log has reached.
    pub(crate) fn frontier_at(&self, size: Position) -> Result<Frontier, Error> {
        let (size, mut hashes, mut from) = (size.get(), Vec::new(), 0_u64);
        for level in (0..64_u8).rev().filter(|level| size >> level & 1 == 1) {
            hashes.push(self.subtree(Subtree { level, index: from >> level })?);
            from = from.saturating_add(1 << level);
        }
        Ok(Frontier::new(Position::new(size), hashes)?)
    }

    fn fold(&self, subtree: Subtree) -> Result<TreeHash, Error> {
        let Subtree { level, index } = subtree;
        let Some(below) = level.checked_sub(1) else { return self.leaf(index) };
        let child = |index| self.subtree(Subtree { level: below, index });
        let left = index.saturating_mul(2);
        Ok(node(&child(left)?, &child(left.saturating_add(1))?))
    }

    fn leaf(&self, index: u64) -> Result<TreeHash, Error> {
        let block = index >> STORED_FROM;
        let first = block << STORED_FROM;
        let place = usize::try_from(index.saturating_sub(first)).unwrap_or(usize::MAX);
        if let Some(leaf) = self.blocks.borrow().get(&block).and_then(|leaves| leaves.get(place)) {
            return Ok(*leaf);
        }
        let mut leaves = Vec::new();
        let end = Position::new(first.saturating_add(1 << STORED_FROM));
        scan_records(self.storage, Position::new(first), end, &mut |raw| {
            leaves.push(leaf(&head(raw.header_bytes())));
            Ok(ControlFlow::Continue(()))
        })?;
        let found = leaves.get(place).copied();
        let mut blocks = self.blocks.borrow_mut();
        if !self.uses_rows {
            // Blocks are read in order, and belong to the log.
            blocks.clear();
        }
        blocks.insert(block, leaves);
        found.ok_or_else(|| Error::corrupt(format!("record {index} is not in the log; restore it from a backup")))
    }
}

impl TreeHashes for StoredTree<'_> {
    type Error = Error;

    fn subtree(&self, subtree: Subtree) -> Result<TreeHash, Error> {
        if self.uses_rows
            && subtree.level >= STORED_FROM
            && let Some(row) = self.storage.get(&keys::tree_node(subtree.level, subtree.index))?
            && let Ok(hash) = <[u8; 32]>::try_from(row.as_slice())
        {
            return Ok(TreeHash::from_bytes(hash));
        }
        self.fold(subtree)
    }
}
