//! Owns the targets on what is shown to outsiders: notes, checkpoints, proofs.

use std::collections::BTreeMap;

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

/// A proof of inclusion or consistency is accepted as it was made, and no more once anything in it was changed.
pub fn proofs(bytes: &[u8]) {
    let Some((&[size, index, earlier], script)) = bytes.split_first_chunk::<3>() else { return };
    let tree = Tree::of(u64::from(size % 100) + 1);
    let (later, size) = (tree.tree_heads[tree.heads.len()], tree.heads.len() as u64);
    let (index, earlier) = (u64::from(index) % size, u64::from(earlier) % (size + 1));
    let (index, at) = (Position::new(index), usize::try_from(index).unwrap());

    let made = InclusionProof::make(&tree, index, later.size).unwrap();
    made.verify(&tree.heads[at], index, &later).unwrap();
    if let Some(Ok(changed)) = change(made.hashes(), script).map(InclusionProof::new) {
        assert!(changed.verify(&tree.heads[at], index, &later).is_err());
    }

    let before = tree.tree_heads[usize::try_from(earlier).unwrap()];
    let made = ConsistencyProof::make(&tree, before.size, later.size).unwrap();
    made.verify(&before, &later).unwrap();
    if let Some(Ok(changed)) = change(made.hashes(), script).map(ConsistencyProof::new) {
        assert!(changed.verify(&before, &later).is_err());
    }
}

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
        let heads: Vec<Head> = (0..size).map(|at| Head::from_bytes([at as u8; 32])).collect();
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
