//! Owns what a store shows to outsiders: signed checkpoints, and proofs that lead to them.
//!
//! Read next: [`crate::ledger`], which checks all of it without a store.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::audit::{ExportHeader, ExportWriter};
use crate::domain::command::Command as Decided;
use crate::domain::position::Position;
use crate::domain::receipt::Receipt;
use crate::engine::checkpoint::NewSigningKey;
use crate::engine::log::scan_records;
use crate::engine::queue::Payload;
use crate::error::Error;
use crate::ledger::{ConsistencyProof, EventProof, SignedCheckpoint, TreeHead, VerifierKey};
use crate::seal::sealing_key::SigningSeed;

use super::session::Session;
use super::store::Store;

impl Store {
    /// Signs the last durable tree head: a note (C2SP tlog-checkpoint) that says how large the log is and what its root is.
    /// Keep it out of reach of whoever holds the store; [`crate::StoreOptions::expecting_checkpoint`] holds the store to it.
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
        self.0.engine.shared.checkpoint()
    }

    /// Signs the tree head of the log when it had some size, under the key that was in force then; nothing when it has not
    /// come so far. `O(log n)`.
    ///
    /// # Errors
    ///
    /// As [`Store::checkpoint`].
    pub fn checkpoint_at(&self, size: Position) -> Result<Option<SignedCheckpoint>, Error> {
        self.0.engine.shared.checkpoint_at(size)
    }

    /// Gives what checks the signatures of this log: every key it ever had, by number. A checkpoint counts only under the
    /// key that was in force at its size.
    ///
    /// # Errors
    ///
    /// Kind `Invalid` when the log names a key that is none.
    pub fn verifier_keys(&self) -> Result<BTreeMap<u32, VerifierKey>, Error> {
        self.0.engine.shared.verifier_keys()
    }

    /// Gives the tree head of the log when it had some size; nothing when it has not come so far. `O(log n)`.
    ///
    /// # Errors
    ///
    /// Kind `Corrupt` or `Unavailable` when the log cannot be read.
    pub fn tree_head_at(&self, size: Position) -> Result<Option<TreeHead>, Error> {
        self.0.engine.shared.tree_head_at(size)
    }

    /// Proves that a record is in the log: its place, the hashes that lead from it to the root, and a fresh checkpoint, as
    /// the text of a C2SP `tlog-proof`. `O(log n)`.
    ///
    /// # Errors
    ///
    /// Kind `Invalid` when there is no such record; `Corrupt` or `Unavailable` when the log cannot be read.
    pub fn prove_event(&self, position: Position) -> Result<EventProof, Error> {
        self.0.engine.shared.prove_event(position)
    }

    /// Proves that the log, when it had the later size, extended what it was at the earlier one (RFC 6962). `O(log n)`.
    ///
    /// # Errors
    ///
    /// Kind `Invalid` when the sizes are not in order or the log has not come so far.
    pub fn prove_consistency(&self, earlier: Position, later: Position) -> Result<ConsistencyProof, Error> {
        self.0.engine.shared.prove_consistency(earlier, later)
    }
}

impl Store {
    /// Writes the log, up to its last durable record, as an export: one JSON object per line, a CloudEvents event for each
    /// record, ended by a signed checkpoint. Never any secret data. [`crate::audit::verify_export`] checks it without a store.
    /// With an earlier size, the export also proves that the log extends what it was then. Tells `progress` how many records
    /// were written, every 65,536. Memory does not grow with the log; the store goes on working meanwhile.
    ///
    /// ```
    /// use latchkeep::audit::{VerifyOptions, verify_export};
    /// use latchkeep::{SecretBytes, StoreOptions, Unlock};
    ///
    /// let store = StoreOptions::in_memory(Unlock::bytes(SecretBytes::copy_from(&[7; 32]))).create()?;
    /// let mut export = Vec::new();
    /// store.export(&mut export, None, |_| {})?;
    /// assert!(verify_export(export.as_slice(), &VerifyOptions::default(), |_| {}).is_sound());
    /// # Ok::<(), latchkeep::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Kind `Unavailable` when `out` does not take it; `Invalid` when the log has not come to the earlier size; `Corrupt` when a
    /// record cannot be read.
    pub fn export(
        &self,
        out: impl std::io::Write,
        earlier: Option<Position>,
        mut progress: impl FnMut(u64),
    ) -> Result<SignedCheckpoint, Error> {
        let shared = &self.0.engine.shared;
        let checkpoint = shared.checkpoint()?;
        let size = checkpoint.checkpoint().tree_head.size;
        let consistency = match earlier {
            Some(from) => Some((from, shared.prove_consistency(from, size)?)),
            None => None,
        };
        let keys = shared.verifier_keys()?.into_values().collect();
        let mut writer = ExportWriter::begin(out, &ExportHeader::whole(shared.log_id, keys, size.get()))?;
        scan_records(&*shared.storage, Position::FIRST, size, &mut |raw| {
            writer.write(raw)?;
            if raw.header().position.get().is_multiple_of(65_536) {
                progress(raw.header().position.get());
            }
            Ok(ControlFlow::Continue(()))
        })?;
        writer.finish(&checkpoint, consistency.as_ref().map(|(from, proof)| (*from, proof)))?;
        Ok(checkpoint)
    }
}

impl Session {
    /// Makes a new key that signs checkpoints. The change is a record, which a checkpoint of the old key covers: hand out
    /// [`Store::checkpoint_at`] the size right after the receipt's position, together with the new key.
    ///
    /// # Errors
    ///
    /// As [`Session::run`]; [`crate::Refusal::VersionChanged`] when somebody else changed the key meanwhile.
    pub fn change_signing_key(&self) -> Result<Receipt, Error> {
        let shared = &self.store().0.engine.shared;
        let number = shared.published.with(|snapshot| snapshot.state.whole.next_signing_key());
        let number = number.ok_or_else(|| Error::internal("four billion signing keys were made"))?;
        let key = NewSigningKey::make(&shared.keyring(), shared.log_id, number, &SigningSeed::random()?)?;
        let command = Decided::SetSigningKey { number, verifier_key: key.verifier_key };
        self.ask_keys(command, Payload::SigningSeed { number, wrapped: key.wrapped })
    }
}
