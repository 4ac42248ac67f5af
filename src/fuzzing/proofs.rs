//! Owns the targets on what is shown to outsiders: notes, checkpoints, proofs.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::audit::{VerifyOptions, verify_event_proof};
use crate::domain::id::LogId;
use crate::domain::position::Position;
use crate::ledger::{
    Checkpoint, ConsistencyProof, EventProof, Frontier, Head, InclusionProof, Note, NoteSigner, ProofError,
    SignedCheckpoint, Subtree, TreeHash, TreeHashes, TreeHead, VerifierKey, origin,
};

use super::mutate;

const LOG: LogId = LogId::from_bytes([7; 16]);

/// Whatever the text, only the one checkpoint that was signed is accepted, and only the one event that it covers.
pub fn checkpoint(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(note) = Note::parse(text) {
        assert!(text.starts_with(note.text()));
    }
    if let Ok(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_string(), text);
    }
    let keys = [signer().verifier_key().clone()];
    let tree = Tree::of(3);
    if let Ok(signed) = SignedCheckpoint::open(text, &keys) {
        assert_eq!((signed.checkpoint(), signed.note()), (&tree.checkpoint(), text));
    }
    if let Ok(proved) = verify_event_proof(text, &VerifyOptions { keys: keys.to_vec(), ..VerifyOptions::default() }) {
        assert_eq!(proved.checkpoint, tree.checkpoint());
    }
    if let Ok(proof) = EventProof::parse(text) {
        assert_eq!(proof.to_string(), text);
        for (index, head) in tree.heads.iter().enumerate() {
            assert!(proof.verify(head, &keys).is_err() || proof.index().get() == index as u64);
        }
    }
}

/// A proof of inclusion or consistency is accepted as it was made, and no more once anything that it is about was changed:
/// its hashes, the record, its place, either of the tree heads.
pub fn proofs(bytes: &[u8]) {
    let Some((&[high, low, index, earlier, what], script)) = bytes.split_first_chunk::<5>() else { return };
    let tree = &*LARGE;
    let size = usize::from(u16::from_be_bytes([high, low])) % tree.heads.len() + 1;
    let at = usize::from(index) * 7 % size;
    let before = usize::from(earlier) * 5 % (size + 1);
    let other = usize::from(script.first().copied().unwrap_or(1)) * 3 % (tree.heads.len() + 1);
    let (later, index) = (tree.tree_heads[size], Position::new(at as u64));
    let flipped = |head: TreeHead| {
        let mut root = *head.root.as_bytes();
        root[usize::from(script.get(1).copied().unwrap_or(0)) % 32] ^= script.get(2).copied().unwrap_or(1).max(1);
        TreeHead { root: TreeHash::from_bytes(root), ..head }
    };

    let made = InclusionProof::make(tree, index, later.size).unwrap();
    let verify = |proof: &InclusionProof, head: &Head, index: Position, later: &TreeHead| {
        proof.verify(head, index, later).is_ok()
    };
    assert!(verify(&made, &tree.heads[at], index, &later));
    match what % 5 {
        0 => {
            if let Some(Ok(changed)) = change(made.hashes(), script).map(InclusionProof::new) {
                assert!(!verify(&changed, &tree.heads[at], index, &later));
            }
        }
        1 => assert!(!verify(&made, &tree.heads[(at + 1) % tree.heads.len()], index, &later)),
        2 => assert!(other == at || !verify(&made, &tree.heads[at], Position::new(other as u64), &later)),
        3 => assert!(!verify(&made, &tree.heads[at], index, &flipped(later))),
        _ => assert!(other == size || !verify(&made, &tree.heads[at], index, &tree.tree_heads[other])),
    }

    let before = tree.tree_heads[before];
    let made = ConsistencyProof::make(tree, before.size, later.size).unwrap();
    assert!(made.verify(&before, &later).is_ok());
    match what % 5 {
        0 => {
            if let Some(Ok(changed)) = change(made.hashes(), script).map(ConsistencyProof::new) {
                assert!(changed.verify(&before, &later).is_err());
            }
        }
        1 => assert!(made.verify(&flipped(before), &later).is_err()),
        2 => {
            let is_trivial = made.hashes().is_empty() && (other == 0 || other == size);
            let is_same = other as u64 == before.size.get();
            assert!(is_same || is_trivial || made.verify(&tree.tree_heads[other], &later).is_err());
        }
        3 => assert!(before.size == Position::FIRST || made.verify(&before, &flipped(later)).is_err()),
        _ => {
            let is_same = other == size || before.size == Position::FIRST;
            assert!(is_same || made.verify(&before, &tree.tree_heads[other]).is_err());
        }
    }
}

/// A tree that proofs of all kinds of sizes are made from, made once.
static LARGE: LazyLock<Tree> = LazyLock::new(|| Tree::of(600));

/// Changes hashes as a script says; none when nothing is changed by it.
fn change(hashes: &[TreeHash], script: &[u8]) -> Option<Vec<TreeHash>> {
    let original: Vec<u8> = hashes.iter().flat_map(|hash| *hash.as_bytes()).collect();
    let changed = mutate(&original, script);
    let hashes = changed.as_chunks::<32>().0.iter().map(|hash| TreeHash::from_bytes(*hash)).collect::<Vec<_>>();
    (hashes.len() * 32 != original.len() || changed[..hashes.len() * 32] != original).then_some(hashes)
}

pub(super) fn signer() -> NoteSigner {
    NoteSigner::new(&origin(&LOG), &[1; 32]).unwrap()
}

/// A log's tree with every hash in it.
pub(super) struct Tree {
    pub(super) heads: Vec<Head>,
    tree_heads: Vec<TreeHead>,
    subtrees: BTreeMap<Subtree, TreeHash>,
}

impl Tree {
    pub(super) fn of(size: u64) -> Self {
        let (mut frontier, mut subtrees, mut tree_heads) = (Frontier::default(), BTreeMap::new(), Vec::new());
        // No two alike: a proof holds for each place that has the same record in the same surroundings.
        let head = |at: u64| {
            Head::from_bytes([[at as u8; 31].as_slice(), &[at as u8 ^ (at >> 8) as u8]].concat().try_into().unwrap())
        };
        let heads: Vec<Head> = (0..size).map(head).collect();
        for head in &heads {
            tree_heads.push(frontier.tree_head());
            frontier
                .append_noting(head, |subtree, hash| {
                    let _ = subtrees.insert(subtree, hash);
                })
                .unwrap();
        }
        tree_heads.push(frontier.tree_head());
        Self { heads, tree_heads, subtrees }
    }

    pub(super) fn checkpoint(&self) -> Checkpoint {
        Checkpoint { log_id: LOG, tree_head: self.tree_heads[self.heads.len()] }
    }
}

impl TreeHashes for Tree {
    type Error = ProofError;

    fn subtree(&self, subtree: Subtree) -> Result<TreeHash, ProofError> {
        Ok(self.subtrees[&subtree])
    }
}
