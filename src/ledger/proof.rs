//! Owns what both kinds of proof share: the source of hashes, the path down to a part of the tree, the path up to a
//! root.
//!
//! A proof never says which tree head to trust; a signed checkpoint does. Read next: [`super::inclusion`] and
//! [`super::consistency`].

use std::fmt;

use super::hash::TreeHash;
use super::tree::{Subtree, root};

/// Hashes of a proof, at most: one for each level of the greatest tree, and one to start with.
pub const PROOF_HASHES_MAX: usize = 65;

/// The source of the hashes in proofs: the complete subtrees of a log.
pub trait TreeHashes {
    /// The error of the source, which a proof error converts to.
    type Error: From<ProofError>;

    /// Returns the hash of a complete subtree. Never called for one beyond the size of the proof's tree.
    fn subtree(&self, subtree: Subtree) -> Result<TreeHash, Self::Error>;
}

/// A run of leaves that is a part of the tree: the right part of a split may be incomplete.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaves {
    pub(super) start: u64,
    pub(super) count: u64,
}

impl Leaves {
    pub(super) const fn end(self) -> u64 {
        self.start.saturating_add(self.count)
    }

    /// Splits at the greatest power of two below the count; one leaf is not split.
    pub(super) fn split(self) -> Option<(Self, Self)> {
        let level = self.count.checked_sub(1)?.checked_ilog2()?;
        let count = 1_u64 << level;
        let left = Self { start: self.start, count };
        let right = Self { start: left.end(), count: self.count.saturating_sub(count) };
        Some((left, right))
    }

    /// Joins the complete subtrees that the leaves consist of, largest first.
    pub(super) fn hash<S: TreeHashes>(self, source: &S) -> Result<TreeHash, S::Error> {
        let mut start = self.start;
        let mut subtrees = Vec::new();
        for level in (0..=63_u8).rev().filter(|level| self.count >> level & 1 == 1) {
            subtrees.push(source.subtree(Subtree { level, index: start >> level })?);
            start = start.saturating_add(1 << level);
        }
        Ok(root(&subtrees))
    }
}

/// The path up from a node: its place and that of the last node of its level, as in RFC 9162 (`fn` and `sn`).
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    pub(super) node: u64,
    pub(super) last: u64,
}

/// The side of the path on which the next hash of a proof is.
pub(super) enum Side {
    Left,
    Right,
}

impl Path {
    /// Moves up past the next hash of the proof.
    pub(super) fn rise(&mut self) -> Result<Side, ProofError> {
        if self.last == 0 {
            return Err(ProofError::Length);
        }
        let side = if self.node & 1 == 1 || self.node == self.last {
            // A last node without a neighbour moves up unchanged until it has one on its left.
            while self.node & 1 == 0 && self.node != 0 {
                self.up();
            }
            Side::Left
        } else {
            Side::Right
        };
        self.up();
        Ok(side)
    }

    /// Moves up while the node is the right one of two: the earlier tree ends with their common parent.
    pub(super) fn skip_right_edges(&mut self) {
        while self.node & 1 == 1 {
            self.up();
        }
    }

    const fn up(&mut self) {
        self.node >>= 1;
        self.last >>= 1;
    }

    pub(super) const fn arrived(self) -> Result<(), ProofError> {
        if self.last == 0 { Ok(()) } else { Err(ProofError::Length) }
    }
}

/// Checks the bound of a proof that another party made.
pub(super) fn bounded(hashes: Vec<TreeHash>) -> Result<Vec<TreeHash>, ProofError> {
    if hashes.len() > PROOF_HASHES_MAX { Err(ProofError::Length) } else { Ok(hashes) }
}

/// The reason why a proof proves nothing, or cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProofError {
    /// The record is not in the log, or the earlier log is larger than the later one.
    Range,
    /// The proof has more or fewer hashes than such a proof has.
    Length,
    /// The hashes do not lead to the root.
    Root,
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Range => "proof is asked for a place past the end of the log",
            Self::Length => "proof has more or fewer hashes than it takes",
            Self::Root => "proof does not lead to the root",
        })
    }
}

impl std::error::Error for ProofError {}

#[cfg(test)]
pub(super) mod kept {
    use super::*;
    use crate::ledger::{Frontier, Head, TreeHead};
    use std::collections::BTreeMap;

    /// Every complete subtree of a log, and its tree head at each size.
    pub(in crate::ledger) struct Kept {
        subtrees: BTreeMap<Subtree, TreeHash>,
        pub(in crate::ledger) tree_heads: Vec<TreeHead>,
        pub(in crate::ledger) heads: Vec<Head>,
    }

    impl Kept {
        pub(in crate::ledger) fn new(heads: impl IntoIterator<Item = Head>) -> Self {
            let (mut frontier, mut subtrees) = (Frontier::default(), BTreeMap::new());
            let (mut tree_heads, mut kept) = (vec![TreeHead::empty()], Vec::new());
            for head in heads {
                let note = |subtree, hash| assert_eq!(subtrees.insert(subtree, hash), None);
                frontier.append_noting(&head, note).unwrap();
                tree_heads.push(frontier.tree_head());
                kept.push(head);
            }
            Self { subtrees, tree_heads, heads: kept }
        }

        pub(in crate::ledger) fn counted(count: u8) -> Self {
            Self::new((0..count).map(|number| Head::from_bytes([number; 32])))
        }
    }

    impl TreeHashes for Kept {
        type Error = ProofError;

        fn subtree(&self, subtree: Subtree) -> Result<TreeHash, ProofError> {
            Ok(self.subtrees[&subtree])
        }
    }

    /// A log larger than any: every hash is the same.
    pub(in crate::ledger) struct Endless;

    impl TreeHashes for Endless {
        type Error = ProofError;

        fn subtree(&self, _: Subtree) -> Result<TreeHash, ProofError> {
            Ok(TreeHash::from_bytes([0; 32]))
        }
    }

    /// Returns the proofs that differ from the given hashes by a bit, a missing hash, an extra one, or the order of
    /// two.
    pub(in crate::ledger) fn mutations(hashes: &[TreeHash]) -> Vec<Vec<TreeHash>> {
        let mut all = Vec::new();
        for at in 0..hashes.len() {
            for bit in 0..256 {
                let (mut mutated, mut bytes) = (hashes.to_vec(), *hashes[at].as_bytes());
                bytes[bit / 8] ^= 1 << (bit % 8);
                mutated[at] = TreeHash::from_bytes(bytes);
                all.push(mutated);
            }
            let mut without = hashes.to_vec();
            without.remove(at);
            all.push(without);
            let mut swapped = hashes.to_vec();
            swapped.swap(at, 0);
            all.push(swapped);
        }
        for at in 0..=hashes.len() {
            for extra in [TreeHash::from_bytes([0; 32]), *hashes.last().unwrap_or(&TreeHead::empty().root)] {
                let mut longer = hashes.to_vec();
                longer.insert(at, extra);
                all.push(longer);
            }
        }
        all.retain(|mutated| mutated != hashes);
        all
    }
}
