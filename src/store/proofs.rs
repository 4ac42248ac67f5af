//! Owns what a store shows to outsiders: signed checkpoints, and proofs that lead to them.
//!
//! Read next: [`crate::ledger`], which checks all of it without a store.

use crate::domain::command::Command as Decided;
use crate::domain::invalid::Invalid;
use crate::domain::position::Position;
use crate::domain::receipt::Receipt;
use crate::engine::anchor_file::AnchorFile;
use crate::engine::checkpoint::NewSigningKey;
use crate::engine::queue::Payload;
use crate::error::Error;
use crate::ledger::accepted_restore::AcceptedRestore;
use crate::ledger::{ConsistencyProof, EventProof, SignedCheckpoint, TreeHead, VerifierKey};
use crate::seal::sealing_key::SigningSeed;
use std::collections::BTreeMap;

use super::session::Session;
use super::store::Store;

impl Store {
    /// Signs the last durable tree head: a note (C2SP tlog-checkpoint) with the size and the root of the log. Keep it
    /// out of reach of those who can write to the store; [`crate::StoreOptions::expecting_checkpoint`] checks the store
    /// against it.
    ///
    /// ```
    /// use latchkeep::ledger::SignedCheckpoint;
    /// use latchkeep::{SecretBytes, StoreOptions, Unlock};
    ///
    /// let store = StoreOptions::in_memory(Unlock::bytes(SecretBytes::copy_from(&[7; 32]))).create()?;
    /// let keys: Vec<_> = store.verifier_keys()?.into_values().collect();
    /// let checkpoint = store.checkpoint()?;
    /// let opened = SignedCheckpoint::open(checkpoint.note(), &keys)?;
    /// assert_eq!(opened.checkpoint().tree_head.size.get(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Kind `Corrupt` when the signing key is damaged; `Unavailable` when the disk fails.
    pub fn checkpoint(&self) -> Result<SignedCheckpoint, Error> {
        self.0.shared.checkpoint()
    }

    /// Signs the tree head that the log had at a size, under the key in force then; `None` when the log is shorter.
    /// `O(log n)`.
    ///
    /// # Errors
    ///
    /// As [`Store::checkpoint`].
    pub fn checkpoint_at(&self, size: Position) -> Result<Option<SignedCheckpoint>, Error> {
        self.0.shared.checkpoint_at(size)
    }

    /// Checks the log against a checkpoint that was kept elsewhere, and returns its tree head: the checkpoint must be
    /// of this log at its present size or an earlier one. `O(log n)`. [`crate::StoreOptions::expecting_checkpoint`]
    /// does the same while opening.
    ///
    /// # Errors
    ///
    /// Kind `Corrupt`: `rolled_back` when the log is shorter than the checkpoint, `forked` when it had another history,
    /// or the key in force did not sign the checkpoint. Kind `Invalid` when the text is not a checkpoint.
    pub fn verify_checkpoint(&self, note: &str) -> Result<TreeHead, Error> {
        self.0.shared.check_expected(note)
    }

    /// Checks the log against every checkpoint of a file and the restores that were accepted in it. Returns the largest
    /// size among them. `O(log n)` for each.
    ///
    /// # Errors
    ///
    /// As [`Store::verify_checkpoint`], with the first that fails; `forked` also when the file accepts a restore that
    /// the log does not contain.
    pub fn verify_anchored(&self, file: &AnchorFile) -> Result<Position, Error> {
        let notes: Vec<_> = file.checkpoints().collect();
        self.0.shared.check_all_expected(&notes, file.restores())
    }

    /// Returns the restores in the log, oldest first, as an anchor file accepts them; see
    /// [`crate::FileAnchor::accept`].
    ///
    /// # Errors
    ///
    /// Kind `Corrupt` or `Unavailable` when the log cannot be read.
    pub fn restores(&self) -> Result<Vec<AcceptedRestore>, Error> {
        self.0.shared.restores()
    }

    /// Returns the keys that check the signatures of this log: every key that it ever had, by number. A checkpoint
    /// counts only under the key that was in force at its size.
    ///
    /// # Errors
    ///
    /// Kind `Invalid` when the log names an invalid key.
    pub fn verifier_keys(&self) -> Result<BTreeMap<u32, VerifierKey>, Error> {
        self.0.shared.verifier_keys()
    }

    /// Returns the tree head that the log had at a size; `None` when the log is shorter. `O(log n)`.
    ///
    /// # Errors
    ///
    /// Kind `Corrupt` or `Unavailable` when the log cannot be read.
    pub fn tree_head_at(&self, size: Position) -> Result<Option<TreeHead>, Error> {
        self.0.shared.tree_head_at(size)
    }

    /// Proves that a record is in the log: its position, the hashes from it to the root, and a fresh checkpoint, as the
    /// text of a C2SP `tlog-proof`. Its extra data is the record itself, so that [`crate::audit::verify_event_proof`]
    /// needs nothing else. `O(log n)`.
    ///
    /// # Errors
    ///
    /// Kind `Invalid` when there is no such record; `Corrupt` or `Unavailable` when the log cannot be read.
    pub fn prove_event(&self, position: Position) -> Result<EventProof, Error> {
        self.0.shared.prove_event(position)
    }

    /// Proves that the log at the later size extended the log at the earlier size (RFC 6962). `O(log n)`.
    ///
    /// # Errors
    ///
    /// Kind `Invalid` when the sizes are not in order or the log is shorter.
    pub fn prove_consistency(&self, earlier: Position, later: Position) -> Result<ConsistencyProof, Error> {
        let shared = &self.0.shared;
        let size = shared.published.with(|snapshot| snapshot.end.size);
        if later > size {
            let rule = format!("ends at the size of {later}, but the log has {size} records");
            return Err(Invalid::new("consistency proof", rule).into());
        }
        shared.prove_consistency(earlier, later)
    }
}

impl Session {
    /// Makes a new key that signs checkpoints. The change is a record, which a checkpoint of the old key covers.
    /// Publish [`Store::checkpoint_at`] of the size right after the receipt's position, together with the new key.
    ///
    /// # Errors
    ///
    /// As [`Session::run`]; [`crate::Refusal::VersionChanged`] when another command changed the key meanwhile.
    pub fn change_signing_key(&self) -> Result<Receipt, Error> {
        let shared = &self.store().0.shared;
        let number = shared.published.with(|snapshot| snapshot.state.whole.next_signing_key());
        let number = number.ok_or_else(|| Error::internal("four billion signing keys were made"))?;
        let key = NewSigningKey::make(&shared.keyring(), shared.log_id, number, &SigningSeed::random()?)?;
        let command = Decided::SetSigningKey { number, verifier_key: key.verifier_key };
        self.ask_keys(command, Payload::SigningSeed { number, wrapped: key.wrapped })
    }
}
