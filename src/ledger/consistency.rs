//! Owns the proof that a log extends an earlier one, without either log (RFC 6962, section 2.1.2).
//!
//! It is checked from its own hashes alone, as in RFC 9162, section 2.1.4.2, in at most 65 steps. Only such a proof
//! shows that one log extends another. Read next: [`super::checkpoint`].

use super::hash::TreeHash;
use super::proof::{Leaves, Path, ProofError, Side, TreeHashes, bounded};
use super::tree::{TreeHead, node, root};
use crate::domain::position::Position;

/// The hashes that lead from an earlier tree to a later one that extends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsistencyProof {
    hashes: Vec<TreeHash>,
}

impl ConsistencyProof {
    /// Takes the hashes of a proof that another party made.
    ///
    /// # Errors
    ///
    /// [`ProofError::Length`] when there are more than any tree needs.
    pub fn new(hashes: Vec<TreeHash>) -> Result<Self, ProofError> {
        bounded(hashes).map(|hashes| Self { hashes })
    }

    /// Makes the proof that the log of `later` records extends that of `earlier` records.
    ///
    /// # Errors
    ///
    /// [`ProofError::Range`] when `earlier` is greater than `later`, and errors of `source`.
    pub fn make<S: TreeHashes>(source: &S, earlier: Position, later: Position) -> Result<Self, S::Error> {
        let (earlier, mut part) = (earlier.get(), Leaves { start: 0, count: later.get() });
        let mut hashes = Vec::new();
        if earlier > part.count {
            return Err(ProofError::Range.into());
        } else if earlier == 0 {
            return Ok(Self { hashes });
        }
        while part.end() != earlier {
            let Some((left, right)) = part.split() else { break };
            let (inside, beside) = if earlier <= right.start { (left, right) } else { (right, left) };
            hashes.push(beside.hash(source)?);
            part = inside;
        }
        if part.start != 0 {
            hashes.push(part.hash(source)?);
        }
        hashes.reverse();
        Ok(Self { hashes })
    }

    /// Checks that the log of `later` begins with the whole log of `earlier`; every log extends the empty one.
    ///
    /// # Errors
    ///
    /// [`ProofError`] when the proof does not show that.
    pub fn verify(&self, earlier: &TreeHead, later: &TreeHead) -> Result<(), ProofError> {
        let (Some(node), Some(last)) = (earlier.size.get().checked_sub(1), later.size.get().checked_sub(1)) else {
            return self.verify_from_empty(earlier, later);
        };
        if node > last {
            return Err(ProofError::Range);
        } else if node == last {
            return self.verify_alone(earlier.root == later.root);
        }
        let mut path = Path { node, last };
        path.skip_right_edges();
        let mut hashes = self.hashes.iter();
        // An earlier tree that is one complete subtree is its own start, and the proof leaves it out.
        let start = if path.node == 0 { &earlier.root } else { hashes.next().ok_or(ProofError::Length)? };
        climb(path, *start, hashes, earlier, later)
    }

    fn verify_from_empty(&self, earlier: &TreeHead, later: &TreeHead) -> Result<(), ProofError> {
        if earlier.size > later.size {
            return Err(ProofError::Range);
        }
        let empty = root(&[]);
        self.verify_alone(earlier.root == empty && (later.size > earlier.size || later.root == empty))
    }

    fn verify_alone(&self, same: bool) -> Result<(), ProofError> {
        if !self.hashes.is_empty() {
            Err(ProofError::Length)
        } else if same {
            Ok(())
        } else {
            Err(ProofError::Root)
        }
    }

    /// Returns the hashes.
    #[must_use]
    pub fn hashes(&self) -> &[TreeHash] {
        &self.hashes
    }
}

/// Climbs from a subtree that both trees have to both roots at once.
fn climb<'a>(
    mut path: Path,
    start: TreeHash,
    hashes: impl Iterator<Item = &'a TreeHash>,
    earlier: &TreeHead,
    later: &TreeHead,
) -> Result<(), ProofError> {
    let (mut found_earlier, mut found_later) = (start, start);
    for hash in hashes {
        match path.rise()? {
            Side::Left => {
                found_earlier = node(hash, &found_earlier);
                found_later = node(hash, &found_later);
            }
            Side::Right => found_later = node(&found_later, hash),
        }
    }
    path.arrived()?;
    if found_earlier == earlier.root && found_later == later.root { Ok(()) } else { Err(ProofError::Root) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::proof::kept::{Endless, Kept, mutations};

    #[test]
    fn every_log_extends_those_it_grew_from_and_no_others() {
        let (kept, other) = (Kept::counted(24), Kept::new(Kept::counted(25).heads.into_iter().skip(1)));
        for later in &kept.tree_heads {
            for earlier in &kept.tree_heads {
                let made = ConsistencyProof::make(&kept, earlier.size, later.size);
                let Ok(proof) = made else {
                    assert!(earlier.size > later.size);
                    let nothing = ConsistencyProof::new(vec![]).unwrap();
                    assert_eq!(nothing.verify(earlier, later), Err(ProofError::Range));
                    continue;
                };
                for claimed in &kept.tree_heads {
                    let empty = claimed.size.get() == 0 && proof.hashes().is_empty();
                    let expected = claimed == earlier || empty || (proof.hashes().is_empty() && claimed == later);
                    assert_eq!(proof.verify(claimed, later).is_ok(), expected, "{claimed:?} {later:?}");
                }
                for forked in other.tree_heads.iter().skip(1) {
                    assert!(proof.verify(forked, later).is_err());
                    assert!(proof.verify(earlier, forked).is_err() || earlier.size.get() == 0);
                }
            }
        }
    }

    #[test]
    fn no_changed_proof_is_accepted() {
        let kept = Kept::counted(13);
        for later in &kept.tree_heads {
            for earlier in kept.tree_heads.iter().take_while(|earlier| earlier.size <= later.size) {
                let proof = ConsistencyProof::make(&kept, earlier.size, later.size).unwrap();
                for hashes in mutations(proof.hashes()) {
                    let changed = ConsistencyProof::new(hashes).unwrap();
                    assert!(changed.verify(earlier, later).is_err(), "{earlier:?} {later:?}");
                }
            }
        }
    }

    #[test]
    fn an_empty_log_has_one_root() {
        let nothing = ConsistencyProof::new(vec![]).unwrap();
        let (empty, some) = (TreeHead::empty(), TreeHead { size: Position::new(3), root: root(&[]) });
        let forged = TreeHead { root: TreeHash::from_bytes([0; 32]), ..empty };
        assert_eq!(nothing.verify(&empty, &some), Ok(()));
        assert_eq!(nothing.verify(&empty, &empty), Ok(()));
        assert_eq!(nothing.verify(&forged, &some), Err(ProofError::Root));
        assert_eq!(nothing.verify(&forged, &forged), Err(ProofError::Root));
        assert_eq!(nothing.verify(&some, &empty), Err(ProofError::Range));
    }

    #[test]
    fn the_greatest_log_takes_no_more_than_65_steps() {
        let later = TreeHead { size: Position::new(u64::MAX), root: TreeHash::from_bytes([0; 32]) };
        for size in [1, 2, 3, 1 << 63, (1 << 63) + 1, u64::MAX - 1, u64::MAX] {
            let earlier = TreeHead { size: Position::new(size), root: TreeHash::from_bytes([1; 32]) };
            let proof = ConsistencyProof::make(&Endless, earlier.size, later.size).unwrap();
            assert!(proof.hashes().len() <= 65);
            assert_eq!(proof.verify(&earlier, &later), Err(ProofError::Root));
        }
        assert_eq!(ConsistencyProof::new(vec![later.root; 66]), Err(ProofError::Length));
    }
}
