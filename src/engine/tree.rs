//! Owns the stored part of the tree over the log: the frontier, written with each commit, and the larger complete
//! subtrees, from which proofs of any size are made without reading the log again.
//!
//! Subtrees below 128 leaves are not stored: their leaves are the chain values of the records themselves, and a proof
//! reads one such block at the most for each end. A subtree whose row is missing is made anew from the log. Read next:
//! [`crate::ledger`].

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::ControlFlow;

use crate::codec::keys;
use crate::domain::position::Position;
use crate::error::Error;
use crate::ledger::{Frontier, Head, Subtree, TreeHash, TreeHashes, TreeHead, head, leaf, node};
use crate::storage::{Batch, Storage};

use super::log::scan_records;

/// The height from which subtrees are stored: 128 leaves, so that one row of 32 bytes stands for some 50 KB of log.
const STORED_FROM: u8 = 7;

/// Keeps every store of the process from growing its tree, so that the benches can tell what the tree costs.
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

/// Reads the frontier of a log of some size; makes it anew from the log when the stored one is another's.
pub(super) fn load(storage: &dyn Storage, size: Position) -> Result<Frontier, Error> {
    let stored = storage.get(&keys::TREE_FRONTIER)?.and_then(|row| Frontier::decode(&row).ok());
    match stored.filter(|frontier| frontier.size() == size) {
        Some(frontier) => Ok(frontier),
        None => rebuild(storage, size),
    }
}

/// Makes the frontier of a log of some size from its records alone.
pub(super) fn rebuild(storage: &dyn Storage, size: Position) -> Result<Frontier, Error> {
    let mut frontier = Frontier::default();
    scan_records(storage, Position::FIRST, size, &mut |raw| {
        frontier.append(&head(raw.header_bytes()))?;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(frontier)
}

/// The subtrees of a log, for proofs.
pub(crate) struct StoredTree<'a> {
    storage: &'a dyn Storage,
    /// Leaves of the blocks that were read, by the number of the block.
    blocks: RefCell<HashMap<u64, Vec<TreeHash>>>,
}

impl<'a> StoredTree<'a> {
    pub(crate) fn new(storage: &'a dyn Storage) -> Self {
        Self { storage, blocks: RefCell::default() }
    }

    /// Gives the tree head of the log when it had some size, which it has reached.
    pub(crate) fn head_at(&self, size: Position) -> Result<TreeHead, Error> {
        let (size, mut hashes, mut from) = (size.get(), Vec::new(), 0_u64);
        for level in (0..64_u8).rev().filter(|level| size >> level & 1 == 1) {
            hashes.push(self.subtree(Subtree { level, index: from >> level })?);
            from = from.saturating_add(1 << level);
        }
        Ok(Frontier::new(Position::new(size), hashes)?.tree_head())
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
        self.blocks.borrow_mut().insert(block, leaves);
        found.ok_or_else(|| Error::corrupt(format!("record {index} is not in the log; restore it from a backup")))
    }
}

impl TreeHashes for StoredTree<'_> {
    type Error = Error;

    fn subtree(&self, subtree: Subtree) -> Result<TreeHash, Error> {
        if subtree.level >= STORED_FROM
            && let Some(row) = self.storage.get(&keys::tree_node(subtree.level, subtree.index))?
            && let Ok(hash) = <[u8; 32]>::try_from(row.as_slice())
        {
            return Ok(TreeHash::from_bytes(hash));
        }
        self.fold(subtree)
    }
}
