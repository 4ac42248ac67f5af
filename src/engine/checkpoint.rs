//! Owns signed checkpoints: statements of the size and root of the durable log, under the key in force.
//!
//! Only the published log is signed, so a crash can never take back what was signed. And the root must follow from the
//! frontier in the voucher, so there are never two roots for one size. Read next: [`super::held`], then
//! [`crate::ledger`].

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::codec::keys;
use crate::domain::id::LogId;
use crate::domain::invalid::Invalid;
use crate::domain::position::Position;
use crate::domain::state::SigningKey;
use crate::error::Error;
use crate::ledger::accepted_restore::AcceptedRestore;
use crate::ledger::{
    Checkpoint, ConsistencyProof, EventProof, Frontier, Head, NoteSigner, ProofError, SignedCheckpoint, TreeHead,
    VerifierKey, head, origin,
};
use crate::seal::keyring::Keyring;
use crate::seal::sealing_key::SigningSeed;
use crate::seal::wrapped_key::WrappedSigningSeed;

use super::Shared;
use super::snapshot::Snapshot;

/// A signing key, wrapped for the disk and named for the log.
pub(crate) struct NewSigningKey {
    pub(crate) wrapped: Vec<u8>,
    pub(crate) verifier_key: Box<str>,
}

impl NewSigningKey {
    pub(crate) fn make(keyring: &Keyring, log_id: LogId, number: u32, seed: &SigningSeed) -> Result<Self, Error> {
        let signer = NoteSigner::new(&origin(&log_id), seed.expose())?;
        let wrapped = keyring.wrap_signing_seed(number, seed)?.as_bytes().to_vec();
        Ok(Self { wrapped, verifier_key: signer.verifier_key().to_string().into() })
    }
}

/// Returns the number of a sealed signing seed, and the text of its verifier key.
pub(super) fn sealed_verifier_key(keyring: &Keyring, log_id: &LogId, wrapped: &[u8]) -> Result<(u32, String), Error> {
    let wrapped = WrappedSigningSeed::from_bytes(wrapped)?;
    let seed = keyring.unwrap_signing_seed(&wrapped)?;
    let signer = NoteSigner::new(&origin(log_id), seed.expose())?;
    Ok((wrapped.number(), signer.verifier_key().to_string()))
}

impl Shared {
    /// Signs the last durable tree head.
    pub(crate) fn checkpoint(&self) -> Result<SignedCheckpoint, Error> {
        let held = self.held();
        self.sign(&held.snapshot, held.snapshot.frontier.tree_head())
    }

    /// Signs the tree head that the log had at a size, under the key that was in force then; `None` when the log is
    /// shorter.
    pub(crate) fn checkpoint_at(&self, size: Position) -> Result<Option<SignedCheckpoint>, Error> {
        let held = self.held();
        held.tree_head_at(size)?.map(|tree_head| self.sign(&held.snapshot, tree_head)).transpose()
    }

    /// Signs a tree head that follows from the frontier of a snapshot.
    pub(super) fn sign(&self, snapshot: &Snapshot, tree_head: TreeHead) -> Result<SignedCheckpoint, Error> {
        let whole = &snapshot.state.whole;
        let number = whole.signing_key_at(tree_head.size);
        let key = number.and_then(|number| Some((number, whole.signing_keys.get(&number)?)));
        let (number, key) = key.ok_or_else(|| Error::corrupt("the log names no signing key"))?;
        let signer = self.signer(number, key)?;
        Ok(Checkpoint { log_id: self.log_id, tree_head }.sign(&[&signer])?)
    }

    /// Returns the signer for a key in the log, if the sealed seed belongs to that key.
    pub(super) fn signer(&self, number: u32, key: &SigningKey) -> Result<NoteSigner, Error> {
        let row = self.storage.get(&keys::signing_seed(number))?;
        let row = row.ok_or_else(|| Error::corrupt("the signing key is gone; restore the store from a backup"))?;
        let wrapped = WrappedSigningSeed::from_bytes(&row)?;
        let seed = self.keyring().unwrap_signing_seed(&wrapped)?;
        let signer = NoteSigner::new(&origin(&self.log_id), seed.expose())?;
        if wrapped.number() != number || *signer.verifier_key().to_string() != *key.verifier_key {
            return Err(Error::corrupt("the signing key stands in another's place; restore the store from a backup"));
        }
        Ok(signer)
    }

    /// Returns the keys that check the signatures of this log: every key that it ever had, by number.
    pub(crate) fn verifier_keys(&self) -> Result<BTreeMap<u32, VerifierKey>, Error> {
        let snapshot = self.published.load();
        let keys = snapshot.state.whole.signing_keys.iter();
        keys.map(|(number, key)| Ok((*number, VerifierKey::parse(&key.verifier_key)?))).collect()
    }

    /// Returns the tree head that the log had at a size; `None` when the log is shorter.
    pub(crate) fn tree_head_at(&self, size: Position) -> Result<Option<TreeHead>, Error> {
        self.held().tree_head_at(size)
    }

    /// Proves that a record is in the log, under a fresh checkpoint; the proof contains the record.
    pub(crate) fn prove_event(&self, position: Position) -> Result<EventProof, Error> {
        let held = self.held();
        if position >= held.end() {
            return Err(ProofError::Range.into());
        }
        let (mut record, mut after) = (Vec::new(), None);
        held.each(position, position.next(), &mut |raw| {
            raw.frame(&mut record);
            after = Some(head(raw.header_bytes()));
            Ok(ControlFlow::Break(()))
        })?;
        let after = after.ok_or_else(|| Error::corrupt(format!("record {position} is not in the log")))?;
        let proof = held.inclusion(position, &after)?;
        let checkpoint = self.sign(&held.snapshot, held.snapshot.frontier.tree_head())?;
        Ok(EventProof::new(position, proof, &checkpoint, record)?)
    }

    /// Proves that the log of a later size extends that of an earlier one.
    pub(crate) fn prove_consistency(&self, earlier: Position, later: Position) -> Result<ConsistencyProof, Error> {
        let held = self.held();
        let size = held.end();
        if later > size {
            return Err(Invalid::new(
                "size",
                format!("{later} lies beyond the end of the log, which has {size} records"),
            )
            .into());
        }
        held.consistency(earlier, later)
    }

    /// Returns the size at which this store was restored, if the checkpoint shows that the original continued after it.
    fn left_behind(&self, expected: &SignedCheckpoint, keys: &BTreeMap<u32, VerifierKey>) -> Option<Position> {
        let size = expected.checkpoint().tree_head.size;
        let signers = keys.iter().filter(|(_, key)| expected.signed_by().iter().any(|signer| signer == *key));
        self.published.with(|snapshot| {
            let whole = &snapshot.state.whole;
            signers.filter_map(|(number, _)| whole.left_behind(*number)).find(|restored| *restored < size)
        })
    }

    /// Returns the newest keys that checked signatures of the log at a size, at most `count_max` of them.
    pub(crate) fn verifier_keys_at(&self, size: Position, count_max: usize) -> Result<Vec<VerifierKey>, Error> {
        let snapshot = self.published.load();
        let keys = snapshot.state.whole.signing_keys.values();
        // The first key is in force from the beginning, before its own record.
        let known = keys.enumerate().filter(|(nth, key)| *nth == 0 || key.set_at < size).map(|(_, key)| key);
        let known: Vec<_> = known.collect();
        let newest = known.iter().skip(known.len().saturating_sub(count_max));
        newest.map(|key| Ok(VerifierKey::parse(&key.verifier_key)?)).collect()
    }

    /// Returns the start of a slice of the log at a position: the chain value before it, and the right edge of the tree
    /// there.
    pub(crate) fn slice_start(&self, from: Position) -> Result<(Head, Frontier), Error> {
        let held = self.held();
        Ok((held.head_before(from)?, held.frontier_at(from)?))
    }

    /// Checks the log against everything that was kept elsewhere; returns the largest size among it.
    pub(crate) fn check_all_expected(
        &self,
        notes: &[impl AsRef<str>],
        restores: &[AcceptedRestore],
    ) -> Result<Position, Error> {
        let (keys, mut largest) = (self.verifier_keys()?, Position::FIRST);
        for note in notes {
            largest = largest.max(self.check_expected_under(&keys, note.as_ref())?.size);
        }
        for accepted in restores {
            if !self.tells_of(accepted)? {
                return Err(Error::forked(NOT_TOLD));
            }
            largest = largest.max(accepted.restored.tree_head.size);
        }
        Ok(largest)
    }

    /// Returns whether the log contains a restore, and has the restored tree head.
    pub(crate) fn tells_of(&self, accepted: &AcceptedRestore) -> Result<bool, Error> {
        let Checkpoint { log_id, tree_head } = accepted.restored;
        let is_told = self.published.with(|snapshot| accepted.is_told_by(&snapshot.state.whole));
        Ok(log_id == self.log_id && is_told && self.tree_head_at(tree_head.size)? == Some(tree_head))
    }

    /// Returns every restore in the log, for an anchor file that will accept it.
    pub(crate) fn restores(&self) -> Result<Vec<AcceptedRestore>, Error> {
        let snapshot = self.published.load();
        let whole = &snapshot.state.whole;
        let accepted = |(&size, &incarnation)| {
            let verifier_key = whole.key_restored_at(size).map(VerifierKey::parse).transpose()?;
            let tree_head = self.tree_head_at(size)?;
            let tree_head = tree_head.ok_or_else(|| Error::internal("a restore lies beyond the end of the log"))?;
            let restored = Checkpoint { log_id: self.log_id, tree_head };
            Ok(AcceptedRestore { restored, incarnation, verifier_key })
        };
        whole.incarnations.iter().map(accepted).collect()
    }

    /// Checks the log against a checkpoint that was kept elsewhere, and returns the tree head in it.
    pub(crate) fn check_expected(&self, note: &str) -> Result<TreeHead, Error> {
        self.check_expected_under(&self.verifier_keys()?, note)
    }

    fn check_expected_under(&self, keys: &BTreeMap<u32, VerifierKey>, note: &str) -> Result<TreeHead, Error> {
        let known: Vec<_> = keys.values().cloned().collect();
        let expected = SignedCheckpoint::open(note, &known)?;
        let Checkpoint { log_id, tree_head } = *expected.checkpoint();
        let in_force = self.published.with(|snapshot| snapshot.state.whole.signing_key_at(tree_head.size));
        let in_force = in_force.and_then(|number| keys.get(&number));
        if log_id != self.log_id || !expected.signed_by().iter().any(|key| Some(key) == in_force) {
            if let Some(restored) = self.left_behind(&expected, keys).filter(|_| log_id == self.log_id) {
                return Err(Error::rolled_back(restored.get(), tree_head.size.get()));
            }
            return Err(Error::forked(
                "the expected checkpoint was not signed by the key of this log that was in force",
            ));
        }
        match self.tree_head_at(tree_head.size)? {
            None => {
                Err(Error::rolled_back(self.published.with(|snapshot| snapshot.end.size.get()), tree_head.size.get()))
            }
            Some(found) if found != tree_head => {
                Err(Error::forked("the log has another history than the expected checkpoint says"))
            }
            Some(_) => Ok(tree_head),
        }
    }
}

/// The error for a log that does not contain an accepted restore.
pub(super) const NOT_TOLD: &str = "the log does not tell of the restore that the anchor file accepts";
