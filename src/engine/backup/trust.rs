//! Owns what a verifier of a backup brings, and what that proves about the backup's origin.
//!
//! A backup names the keys of its log itself. So its own signature shows that nothing was changed after the signing,
//! and not who signed. An attacker with the key of a backup can write another history under another key. Only what the
//! verifier has from elsewhere distinguishes the two. Read next: [`super::check`].

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::id::LogId;
use crate::domain::position::Position;
use crate::domain::state::{SigningKey, Whole};
use crate::engine::anchor_file::AnchorFile;
use crate::engine::checkpoint::sealed_verifier_key;
use crate::engine::open::Opening;
use crate::error::Error;
use crate::ledger::accepted_restore::AcceptedRestore;
use crate::ledger::{Checkpoint, CheckpointError, SignedCheckpoint, TreeHead, VerifierKey};
use crate::seal::keyring::Keyring;

/// What a verifier of a backup has from elsewhere: verifier keys of the log, and signed checkpoints.
///
/// ```
/// use latchkeep::{BackupTrust, SecretBytes, StoreOptions, Unlock, verify_backup, verify_backup_against};
///
/// let unlock = |byte| Unlock::bytes(SecretBytes::copy_from(&[byte; 32]));
/// let store = StoreOptions::in_memory(unlock(7)).create()?;
/// let mut file = Vec::new();
/// let taken = store.backup(&mut file, &unlock(8), |_| {})?;
///
/// let alone = verify_backup(file.as_slice(), &unlock(8), |_| {})?;
/// assert_eq!(alone.proved_size.get(), 0, "the backup vouches for itself, which proves nothing");
/// let trust = BackupTrust::default().key(store.verifier_keys()?[&1].clone());
/// assert_eq!(verify_backup_against(file.as_slice(), &unlock(8), &trust, |_| {})?, taken);
/// # Ok::<(), latchkeep::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct BackupTrust {
    keys: Vec<VerifierKey>,
    checkpoints: Vec<Box<str>>,
    restores: Vec<AcceptedRestore>,
    /// Illegal steps that a restore accepts.
    pub(super) accepted_steps: BTreeSet<Position>,
}

impl BackupTrust {
    /// Adds a verifier key of the log.
    #[must_use]
    pub fn key(mut self, key: VerifierKey) -> Self {
        self.keys.push(key);
        self
    }

    /// Adds the note of a signed checkpoint that was kept elsewhere: the log must extend, or equal, the log of the
    /// checkpoint.
    #[must_use]
    pub fn checkpoint(mut self, note: &str) -> Self {
        self.checkpoints.push(note.into());
        self
    }

    /// Adds the checkpoints of a file, and the restores that were accepted in it.
    #[must_use]
    pub fn anchored(mut self, file: &AnchorFile) -> Self {
        self.checkpoints.extend(file.checkpoints().map(Into::into));
        self.restores.extend_from_slice(file.restores());
        self
    }
}

impl BackupTrust {
    /// Returns the trust of a restore, from its expectations and accepted steps.
    pub(super) fn of(opening: &Opening) -> Self {
        Self {
            keys: Vec::new(),
            checkpoints: opening.expected_checkpoints.clone(),
            restores: opening.expected_restores.clone(),
            accepted_steps: opening.accepted_steps.clone(),
        }
    }
}

/// What is proved about the origin of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proved {
    pub(super) size: Position,
    pub(super) unproved_keys: Vec<u32>,
}

/// The check of a log, while it is read, against the checkpoints that were brought.
pub(super) struct Held<'a> {
    trust: &'a BackupTrust,
    expected: Vec<(&'a str, TreeHead)>,
    /// The tree head of the log at each size that an expected checkpoint has.
    found: BTreeMap<Position, Option<TreeHead>>,
}

impl<'a> Held<'a> {
    /// Reads the notes.
    pub(super) fn to(trust: &'a BackupTrust) -> Result<Self, Error> {
        let read = |note: &'a str| Ok((note, Checkpoint::read_unverified(note)?.tree_head));
        let expected: Vec<_> =
            trust.checkpoints.iter().map(|note| &**note).map(read).collect::<Result<_, CheckpointError>>()?;
        let restored = trust.restores.iter().map(|accepted| accepted.restored.tree_head.size);
        let found =
            expected.iter().map(|(_, tree_head)| tree_head.size).chain(restored).map(|size| (size, None)).collect();
        Ok(Self { trust, expected, found })
    }

    /// Stores the tree head at this size, if a checkpoint needs it.
    pub(super) fn take(&mut self, size: Position, tree_head: impl FnOnce() -> TreeHead) {
        if let Some(found) = self.found.get_mut(&size) {
            *found = Some(tree_head());
        }
    }

    /// Returns what is proved about a log of this size, whose checkpoint the key in force has signed.
    pub(super) fn proved(&self, size: Position, whole: &Whole) -> Result<Proved, Error> {
        let mut extended = Position::FIRST;
        for (note, expected) in &self.expected {
            if expected.size > size {
                return Err(Error::rolled_back(size.get(), expected.size.get()));
            }
            let found = self.found.get(&expected.size).copied().flatten();
            if found != Some(*expected) || !is_signed(note, whole, expected.size) {
                return Err(Error::forked(
                    "the log of the backup has another history than the expected checkpoint says",
                ));
            }
            extended = extended.max(expected.size);
        }
        for accepted in &self.trust.restores {
            let tree_head = accepted.restored.tree_head;
            if self.found.get(&tree_head.size).copied().flatten() != Some(tree_head) || !accepted.is_told_by(whole) {
                return Err(Error::forked(
                    "the log of the backup does not tell of the restore that the anchor file accepts",
                ));
            }
        }
        let known = |text: &str| self.trust.keys.iter().any(|key| key.to_string() == text);
        let is_known = |key: &SigningKey| known(&key.verifier_key) || key.set_at < extended;
        let keys = &whole.signing_keys;
        if !self.trust.keys.is_empty() && !keys.values().any(|key| known(&key.verifier_key)) {
            return Err(Error::backup_forged("none of the keys that were given is a key of its log"));
        }
        let in_force = whole.signing_key_at(size).and_then(|number| keys.get(&number));
        let size = if in_force.is_some_and(is_known) { size } else { extended };
        let unproved = keys.iter().filter(|(_, key)| !is_known(key));
        Ok(Proved { size, unproved_keys: unproved.map(|(number, _)| *number).collect() })
    }
}

/// Returns whether a note is signed by the key that the log names for its size.
fn is_signed(note: &str, whole: &Whole, size: Position) -> bool {
    open(note, whole, size).is_ok()
}

/// Opens a note under the key that was in force at its size.
pub(super) fn open(note: &str, whole: &Whole, size: Position) -> Result<Checkpoint, Error> {
    let number = whole.signing_key_at(size).ok_or_else(|| Error::backup_damaged("the log names no signing key"))?;
    let key = whole.signing_keys.get(&number).map(|key| VerifierKey::parse(&key.verifier_key)).transpose()?;
    Ok(*SignedCheckpoint::open(note, key.as_slice())?.checkpoint())
}

/// Checks the signing keys of a log against the sealed seeds, with the keys of the store. Each key that was set since
/// the store was made, or was last made from an export, must match its seed. Returns the numbers of older keys without
/// a seed.
///
/// The seeds are wrapped under the root key, which an attacker with only the key of the backup does not have.
pub(super) fn hold_to_seeds(
    whole: &Whole,
    seeds: &BTreeMap<u32, Vec<u8>>,
    keyring: &Keyring,
    log_id: &LogId,
) -> Result<Vec<u32>, Error> {
    let unproved = has_seeds(whole, seeds)?;
    for (number, bytes) in seeds {
        let Some(key) = whole.signing_keys.get(number) else { continue };
        let (sealed_as, verifier_key) = sealed_verifier_key(keyring, log_id, bytes)?;
        if sealed_as != *number || verifier_key != *key.verifier_key {
            let how = format!("signing key {number} of its log is not the one that the store has sealed");
            return Err(Error::backup_forged(&how));
        }
    }
    Ok(unproved)
}

/// Refuses a signing key whose sealed seed is missing, if the key was set since the store was made, or was last made
/// from an export. Returns the numbers of older keys without a seed.
pub(super) fn has_seeds(whole: &Whole, seeds: &BTreeMap<u32, Vec<u8>>) -> Result<Vec<u32>, Error> {
    let missing = whole.signing_keys.iter().filter(|(number, _)| !seeds.contains_key(number));
    let unproved = |(number, key): (&u32, &SigningKey)| {
        let how = || format!("its log names signing key {number}, whose sealed seed is missing");
        if key.set_at < whole.imported_at { Ok(*number) } else { Err(Error::backup_forged(&how())) }
    };
    missing.map(unproved).collect()
}
