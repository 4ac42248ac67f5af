//! Owns the Merkle tree over the log (RFC 6962, section 2.1, SHA-256), of which only the right edge is kept.
//!
//! A leaf is the chain value after a record, so chain and tree always agree. The tree keeps only its edge; the older
//! hashes are kept elsewhere. Read next: [`super::proof`].

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::cursor::Reader;
use super::hash::{Head, TreeHash};
use crate::domain::position::Position;

/// Hashes of a frontier, at most: one for each bit of the size.
pub const FRONTIER_HASHES_MAX: usize = 64;

/// The size of a log, and the root of the tree over its records.
///
/// Size and root belong together: a proof is worthless against a root whose size another party chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeHead {
    /// How many records the log has.
    pub size: Position,
    /// The root of the tree over them.
    pub root: TreeHash,
}

impl TreeHead {
    /// Returns the tree head of a log without records; its root is the SHA-256 of nothing.
    #[must_use]
    pub fn empty() -> Self {
        Frontier::default().tree_head()
    }
}

/// A complete subtree: the leaves `index << level` up to, and without, `(index + 1) << level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subtree {
    /// Its height, 0 for a leaf, at most 63.
    pub level: u8,
    /// Its place among the subtrees of its height, from 0.
    pub index: u64,
}

/// The roots of the complete subtrees of a log, largest first: enough to continue, and to compute the root.
///
/// ```
/// use latchkeep::ledger::{Frontier, Head};
///
/// let mut frontier = Frontier::default();
/// for number in 0..5 {
///     frontier.append(&Head::from_bytes([number; 32]))?;
/// }
/// assert_eq!(frontier.size().get(), 5);
/// assert_eq!(frontier.hashes().len(), 2, "four records, and one");
/// assert_eq!(Frontier::decode(&frontier.encode())?, frontier);
/// # Ok::<(), latchkeep::ledger::TreeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    hashes: Vec<TreeHash>,
}

impl Frontier {
    /// Makes a frontier from its parts, as an export holds them.
    ///
    /// # Errors
    ///
    /// [`TreeError::FrontierLength`] when a tree of this size has more or fewer complete subtrees.
    pub fn new(size: Position, hashes: Vec<TreeHash>) -> Result<Self, TreeError> {
        let size = size.get();
        if usize::try_from(size.count_ones()).is_ok_and(|count| count == hashes.len()) {
            Ok(Self { size, hashes })
        } else {
            Err(TreeError::FrontierLength)
        }
    }

    /// Adds the leaf of the next record; two hashes on average, 64 at most.
    ///
    /// # Errors
    ///
    /// [`TreeError::Full`] when the tree has the greatest possible size.
    pub fn append(&mut self, head: &Head) -> Result<(), TreeError> {
        self.append_noting(head, |_, _| {})
    }

    /// Adds the leaf of the next record, and calls `note` for each subtree that it completes, the leaf first.
    ///
    /// Proofs are made from these hashes, if the caller keeps them.
    ///
    /// # Errors
    ///
    /// [`TreeError::Full`] when the tree has the greatest possible size.
    pub fn append_noting(&mut self, head: &Head, note: impl FnMut(Subtree, TreeHash)) -> Result<(), TreeError> {
        self.append_leaf(leaf(head), note)
    }

    /// Adds a leaf that was hashed beforehand, which can be done for many records in parallel.
    ///
    /// # Errors
    ///
    /// [`TreeError::Full`] as above.
    pub(crate) fn append_leaf(
        &mut self,
        leaf: TreeHash,
        mut note: impl FnMut(Subtree, TreeHash),
    ) -> Result<(), TreeError> {
        let size = self.size.checked_add(1).ok_or(TreeError::Full)?;
        let (mut hash, mut subtree) = (leaf, Subtree { level: 0, index: self.size });
        note(subtree, hash);
        while subtree.index & 1 == 1 {
            let Some(left) = self.hashes.pop() else { break };
            hash = node(&left, &hash);
            subtree = Subtree { level: subtree.level.saturating_add(1), index: subtree.index >> 1 };
            note(subtree, hash);
        }
        self.hashes.push(hash);
        self.size = size;
        Ok(())
    }

    /// Returns how many records the tree has.
    #[must_use]
    pub const fn size(&self) -> Position {
        Position::new(self.size)
    }

    /// Returns the roots of the complete subtrees, largest first.
    #[must_use]
    pub fn hashes(&self) -> &[TreeHash] {
        &self.hashes
    }

    /// Returns the size and the root.
    #[must_use]
    pub fn tree_head(&self) -> TreeHead {
        TreeHead { size: self.size(), root: root(&self.hashes) }
    }

    /// Encodes the frontier: 8 bytes of size, big-endian, then 32 for each hash; 2,056 bytes at most.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let hashes = self.hashes.iter().flat_map(TreeHash::as_bytes);
        self.size.to_be_bytes().iter().chain(hashes).copied().collect()
    }

    /// Reads a frontier that [`Frontier::encode`] wrote.
    ///
    /// # Errors
    ///
    /// [`TreeError::FrontierLength`] when there are more or fewer bytes than the size needs.
    pub fn decode(bytes: &[u8]) -> Result<Self, TreeError> {
        let mut reader = Reader::new(bytes);
        let size = reader.u64().ok_or(TreeError::FrontierLength)?;
        let mut hashes = Vec::with_capacity(FRONTIER_HASHES_MAX.min(reader.left() / 32));
        for _ in 0..size.count_ones() {
            hashes.push(TreeHash::from_bytes(*reader.array().ok_or(TreeError::FrontierLength)?));
        }
        if reader.left() == 0 { Ok(Self { size, hashes }) } else { Err(TreeError::FrontierLength) }
    }
}

/// Hashes a leaf: SHA-256 of a zero byte and the chain value after the record.
#[must_use]
pub fn leaf(head: &Head) -> TreeHash {
    TreeHash::from_bytes(Sha256::new().chain_update([0]).chain_update(head.as_bytes()).finalize().into())
}

/// Hashes a node: SHA-256 of a one byte and the hashes of its two subtrees.
#[must_use]
pub fn node(left: &TreeHash, right: &TreeHash) -> TreeHash {
    let hasher = Sha256::new().chain_update([1]).chain_update(left.as_bytes()).chain_update(right.as_bytes());
    TreeHash::from_bytes(hasher.finalize().into())
}

/// Returns the root over neighbouring complete subtrees, largest first; the SHA-256 of nothing when there are none.
pub(super) fn root(subtrees: &[TreeHash]) -> TreeHash {
    let joined = subtrees.iter().rev().copied().reduce(|right, left| node(&left, &right));
    joined.unwrap_or_else(|| TreeHash::from_bytes(Sha256::digest([]).into()))
}

/// The reason why a tree is impossible, or cannot grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TreeError {
    /// The tree has the greatest possible size.
    Full,
    /// A frontier has more or fewer hashes than its size needs.
    FrontierLength,
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "tree has the greatest size there is",
            Self::FrontierLength => "frontier has more or fewer hashes than its size asks for",
        })
    }
}

impl std::error::Error for TreeError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the tree hash as RFC 6962 defines it, by recursion over the leaves.
    fn by_definition(heads: &[Head]) -> TreeHash {
        match heads {
            [] => TreeHash::from_bytes(Sha256::digest([]).into()),
            [head] => leaf(head),
            _ => {
                let (left, right) = heads.split_at(heads.len().next_power_of_two() / 2);
                node(&by_definition(left), &by_definition(right))
            }
        }
    }

    fn heads(count: u8) -> Vec<Head> {
        (0..count).map(|number| Head::from_bytes([number; 32])).collect()
    }

    #[test]
    fn roots_are_those_of_the_definition() {
        let heads = heads(70);
        let mut frontier = Frontier::default();
        assert_eq!(frontier.tree_head(), TreeHead::empty());
        for (count, head) in heads.iter().enumerate() {
            assert_eq!(frontier.tree_head().root, by_definition(&heads[..count]), "{count}");
            frontier.append(head).unwrap();
            let again = Frontier::new(frontier.size(), frontier.hashes().to_vec());
            assert_eq!(again.as_ref(), Ok(&frontier));
            assert_eq!(Frontier::decode(&frontier.encode()), again);
        }
    }

    #[test]
    fn every_complete_subtree_is_told_once() {
        let heads = heads(37);
        let (mut frontier, mut told) = (Frontier::default(), Vec::new());
        for head in &heads {
            frontier.append_noting(head, |subtree, hash| told.push((subtree, hash))).unwrap();
        }
        for (subtree, hash) in &told {
            let (width, index) = (1 << subtree.level, usize::try_from(subtree.index).unwrap());
            assert_eq!(*hash, by_definition(&heads[index * width..][..width]), "{subtree:?}");
        }
        let subtrees: std::collections::BTreeSet<_> = told.iter().map(|(subtree, _)| *subtree).collect();
        let complete: usize = (0..6).map(|level| heads.len() >> level).sum();
        assert_eq!((told.len(), subtrees.len()), (complete, complete));
    }

    #[test]
    fn frontiers_of_other_lengths_are_refused() {
        let mut frontier = Frontier::default();
        for head in heads(7) {
            frontier.append(&head).unwrap();
        }
        let bytes = [frontier.encode(), frontier.encode()].concat();
        for length in (0..bytes.len()).filter(|length| *length != 8 + 3 * 32) {
            assert_eq!(Frontier::decode(&bytes[..length]), Err(TreeError::FrontierLength), "{length}");
        }
        for size in [0, 1, 8, 15, u64::MAX] {
            let hashes = frontier.hashes().to_vec();
            assert_eq!(Frontier::new(Position::new(size), hashes), Err(TreeError::FrontierLength), "{size}");
        }
    }

    #[test]
    fn the_greatest_tree_takes_no_more() {
        let hashes = vec![leaf(&Head::from_bytes([1; 32])); FRONTIER_HASHES_MAX];
        let mut frontier = Frontier::new(Position::new(u64::MAX), hashes).unwrap();
        let before = frontier.clone();
        assert_eq!(frontier.append(&Head::from_bytes([2; 32])), Err(TreeError::Full));
        assert_eq!(frontier, before);
        assert_eq!(Frontier::decode(&frontier.encode()), Ok(before));
    }
}
