//! Owns the proof that one record is in a log, without the rest of the log (RFC 6962, section 2.1.1).
//!
//! It is checked from its own hashes alone, as in RFC 9162, section 2.1.3.2, in at most 64 steps. Read next:
//! [`super::consistency`].

use super::hash::{Head, TreeHash};
use super::proof::{Leaves, Path, ProofError, Side, TreeHashes, bounded};
use super::tree::{TreeHead, leaf, node};
use crate::domain::position::Position;

/// The hashes that lead from one record to the root, the leaf's neighbour first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    hashes: Vec<TreeHash>,
}

impl InclusionProof {
    /// Takes the hashes of a proof that another party made.
    ///
    /// # Errors
    ///
    /// [`ProofError::Length`] when there are more than any tree needs.
    pub fn new(hashes: Vec<TreeHash>) -> Result<Self, ProofError> {
        bounded(hashes).map(|hashes| Self { hashes })
    }

    /// Makes the proof that the record at `index` is in the log of `size` records.
    ///
    /// # Errors
    ///
    /// [`ProofError::Range`] when the log has no such record, and errors of `source`.
    pub fn make<S: TreeHashes>(source: &S, index: Position, size: Position) -> Result<Self, S::Error> {
        let (index, mut part) = (index.get(), Leaves { start: 0, count: size.get() });
        if index >= part.count {
            return Err(ProofError::Range.into());
        }
        let mut hashes = Vec::new();
        while let Some((left, right)) = part.split() {
            let (inside, beside) = if index < right.start { (left, right) } else { (right, left) };
            hashes.push(beside.hash(source)?);
            part = inside;
        }
        hashes.reverse();
        Ok(Self { hashes })
    }

    /// Checks that the record with this chain value is at `index` of the log with `tree_head`.
    ///
    /// # Errors
    ///
    /// [`ProofError`] when the proof does not show that.
    pub fn verify(&self, head: &Head, index: Position, tree_head: &TreeHead) -> Result<(), ProofError> {
        let (index, size) = (index.get(), tree_head.size.get());
        let last = size.checked_sub(1).filter(|last| index <= *last).ok_or(ProofError::Range)?;
        let (mut path, mut found) = (Path { node: index, last }, leaf(head));
        for hash in &self.hashes {
            found = match path.rise()? {
                Side::Left => node(hash, &found),
                Side::Right => node(&found, hash),
            };
        }
        path.arrived()?;
        if found == tree_head.root { Ok(()) } else { Err(ProofError::Root) }
    }

    /// Returns the hashes, the leaf's neighbour first.
    #[must_use]
    pub fn hashes(&self) -> &[TreeHash] {
        &self.hashes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::proof::kept::{Endless, Kept, mutations};

    fn position(number: usize) -> Position {
        Position::new(number as u64)
    }

    #[test]
    fn every_record_of_every_log_is_proved_at_its_place_and_nowhere_else() {
        let kept = Kept::counted(40);
        for (size, tree_head) in kept.tree_heads.iter().enumerate() {
            for index in 0..size {
                let proof = InclusionProof::make(&kept, position(index), position(size)).unwrap();
                for place in 0..size + 2 {
                    let shown = proof.verify(&kept.heads[index], position(place), tree_head);
                    assert_eq!(shown.is_ok(), place == index, "record {index} at {place} of {size}");
                }
                for other in kept.tree_heads.iter().filter(|other| *other != tree_head) {
                    assert!(proof.verify(&kept.heads[index], position(index), other).is_err());
                }
                let stranger = Head::from_bytes([0xff; 32]);
                assert_eq!(proof.verify(&stranger, position(index), tree_head), Err(ProofError::Root));
            }
            let refused = InclusionProof::make(&kept, position(size), position(size));
            assert_eq!(refused, Err(ProofError::Range));
        }
    }

    #[test]
    fn no_changed_proof_is_accepted() {
        let kept = Kept::counted(13);
        for (size, tree_head) in kept.tree_heads.iter().enumerate() {
            for index in 0..size {
                let proof = InclusionProof::make(&kept, position(index), position(size)).unwrap();
                for hashes in mutations(proof.hashes()) {
                    let changed = InclusionProof::new(hashes).unwrap();
                    assert!(changed.verify(&kept.heads[index], position(index), tree_head).is_err());
                }
            }
        }
    }

    #[test]
    fn the_greatest_log_takes_no_more_than_64_steps() {
        let size = Position::new(u64::MAX);
        let tree_head = TreeHead { size, root: TreeHash::from_bytes([0; 32]) };
        for index in [0, 1, u64::MAX / 2, u64::MAX - 1] {
            let proof = InclusionProof::make(&Endless, Position::new(index), size).unwrap();
            assert!(proof.hashes().len() <= 64);
            let head = Head::from_bytes([1; 32]);
            assert_eq!(proof.verify(&head, Position::new(index), &tree_head), Err(ProofError::Root));
        }
        assert_eq!(InclusionProof::new(vec![tree_head.root; 66]), Err(ProofError::Length));
    }
}
