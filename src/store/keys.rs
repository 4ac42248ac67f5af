//! Owns the administration of keys: key slots of the store, and the epochs that wrap data keys.
//!
//! Neither touches sealed data. Read next: [`crate::seal`].

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use crate::codec::keys::key_slot;
use crate::domain::command::Command as Decided;
use crate::domain::id::{DataKeyId, SecretId, VersionId};
use crate::domain::receipt::Receipt;
use crate::engine::Patience;
use crate::engine::open::slot_kind;
use crate::engine::queue::{Order, Payload, Request, Rewrapped};
use crate::engine::reader::wrapped_key;
use crate::engine::reply::Reply;
use crate::error::Error;
use crate::seal::key_epoch::KeyEpoch;
use crate::seal::key_file;
use crate::seal::keyring::Keyring;
use crate::seal::passphrase::PassphraseCost;
use crate::seal::unlock::Unlock;
use crate::storage::{Direction, KeyRange};

use super::session::Session;

/// Data keys that are wrapped anew in one commit, at most.
const REWRAPPED_AT_ONCE: usize = 512;

/// The progress of rolling an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RollProgress {
    /// Data keys checked.
    pub done: u64,
    /// Data keys in all.
    pub total: u64,
}

impl Unlock {
    /// Makes a key file with a fresh key, which only its owner may read. Returns the [`Unlock`] for it.
    ///
    /// ```
    /// use latchkeep::{StoreOptions, Unlock};
    ///
    /// let dir = tempfile::tempdir().unwrap();
    /// let unlock = Unlock::create_key_file(dir.path().join("store.key"))?;
    /// StoreOptions::new(dir.path().join("store"), unlock).create()?.close()?;
    /// # Ok::<(), latchkeep::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Kind `Invalid`, code `key_file`, when something exists at the path (it is never overwritten), or the system
    /// refuses; kind `Unavailable` when the system provides no randomness.
    ///
    /// # Durability
    ///
    /// When this returns, the file survives a crash. If nothing else opens the store, it is lost without this file:
    /// keep a copy.
    pub fn create_key_file(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        key_file::create(&path)?;
        Ok(Self::KeyFile(path))
    }
}

impl Session {
    /// Adds a key slot, at most 8 in all. Needs a key that opens the store now, since the root key is not kept in
    /// memory. Returns the number of the slot.
    ///
    /// # Errors
    ///
    /// Kind `Invalid`, code `wrong_key`, when `now` does not open the store; `key_slot_unavailable` when all slots are
    /// in use. Kind `Refused` with [`crate::Refusal::KeySlotUnavailable`] when another command took the slot meanwhile.
    pub fn add_key_slot(&self, now: &Unlock, new: &Unlock, cost: PassphraseCost) -> Result<u8, Error> {
        let shared = &self.store().0.shared;
        let mut slots = shared.slots()?;
        let (root, _) = slots.open(now)?;
        let (slot, bytes) = slots.add(&root, new, cost)?;
        let kind = slot_kind(&slots, slot)?;
        self.ask_keys(Decided::AddKeySlot { slot, kind }, Payload::KeySlot { slot, bytes })?;
        Ok(slot)
    }

    /// Removes a key slot. A person who opened the store with it before may have kept the root key, and old bytes of
    /// the slot may stay on the disk for a while. This does not protect against that.
    ///
    /// # Errors
    ///
    /// Kind `Invalid` or `Refused`, code `key_slot_unavailable`, when the slot is empty, or no usable slot would be
    /// left.
    pub fn remove_key_slot(&self, slot: u8) -> Result<Receipt, Error> {
        let shared = &self.store().0.shared;
        shared.slots()?.remove(slot)?;
        let mut chunks = 0_u32;
        // The rows are counted, not read, so that a damaged slot can be removed too.
        shared.storage.scan(&KeyRange::prefix(&key_slot(slot)), Direction::Ascending, &mut |_, _| {
            chunks = chunks.saturating_add(1);
            ControlFlow::Continue(())
        })?;
        self.ask_keys(Decided::RemoveKeySlot { slot }, Payload::NoKeySlot { slot, chunks })
    }

    /// Makes a new epoch key, wraps the data keys of all versions anew under it, and destroys the keys of older epochs.
    /// Sealed data does not change. The store works meanwhile. After an interruption, the next call continues, without
    /// another new key.
    ///
    /// # Errors
    ///
    /// Kind `Unavailable` or `Closed`; kind `Corrupt` when a wrapped key is damaged.
    pub fn roll_epoch(&self, mut progress: impl FnMut(RollProgress)) -> Result<u32, Error> {
        let keyring = self.store().0.shared.keyring();
        if keyring.epochs().count() <= 1 {
            self.begin_epoch(&keyring)?;
        }
        let keyring = self.store().0.shared.keyring();
        let epoch = keyring.in_force();
        // A version that was sealed before the new epoch was in force may be added meanwhile: continue until a round
        // finds nothing.
        for _ in 0..ROUNDS_MAX {
            if self.rewrap_all(&keyring, &mut progress)? == 0 {
                self.retire_older(epoch)?;
                return Ok(epoch.get());
            }
        }
        Err(Error::busy())
    }

    fn begin_epoch(&self, keyring: &Keyring) -> Result<(), Error> {
        let (rolled, wrapped) = keyring.roll_epoch()?;
        let epoch = rolled.in_force().get();
        let wrapped = wrapped.as_bytes().to_vec();
        let payload = Payload::Epoch { epoch, wrapped, keyring: Arc::new(rolled) };
        self.ask_keys(Decided::RollEpoch { epoch }, payload).map(drop)
    }

    /// Wraps anew what an older epoch wrapped; returns the number of these data keys.
    fn rewrap_all(&self, keyring: &Keyring, progress: &mut impl FnMut(RollProgress)) -> Result<u64, Error> {
        let shared = &self.store().0.shared;
        let mut left: VecDeque<(SecretId, VersionId, DataKeyId)> = VecDeque::new();
        self.store().settle()?;
        for secret in shared.published.load().state.secrets.values() {
            left.extend(secret.sealed().map(|(version, sealed)| (secret.id, version, sealed.data_key)));
        }
        let (total, mut rewrapped) = (u64::try_from(left.len()).unwrap_or(u64::MAX), 0_u64);
        while !left.is_empty() {
            let mut parcel = Vec::new();
            for (secret, version, data_key) in left.drain(..left.len().min(REWRAPPED_AT_ONCE)) {
                let Some(old) = wrapped_key(&*shared.storage, data_key)? else { continue };
                if old.epoch() < keyring.in_force() {
                    let wrapped = keyring.rewrap(data_key, &old)?.as_bytes().to_vec();
                    parcel.push(Rewrapped { secret, version, data_key, wrapped });
                }
            }
            rewrapped = rewrapped.saturating_add(u64::try_from(parcel.len()).unwrap_or(u64::MAX));
            if !parcel.is_empty() {
                let (reply, slot) = Reply::pair();
                self.store().0.send(Request::Rewrap(parcel, reply), Patience::Wait)?;
                slot.wait().map(drop)?;
            }
            let done = total.saturating_sub(u64::try_from(left.len()).unwrap_or(u64::MAX));
            progress(RollProgress { done, total });
        }
        Ok(rewrapped)
    }

    fn retire_older(&self, in_force: KeyEpoch) -> Result<(), Error> {
        loop {
            let keyring = self.store().0.shared.keyring();
            let Some(oldest) = keyring.epochs().find(|epoch| *epoch < in_force) else { return Ok(()) };
            let fewer = Arc::new(keyring.retire_epoch(oldest)?);
            let epoch = oldest.get();
            self.ask_keys(Decided::RetireEpoch { epoch }, Payload::NoEpoch { epoch, keyring: fewer })?;
        }
    }

    pub(super) fn ask_keys(&self, command: Decided, payload: Payload) -> Result<Receipt, Error> {
        let terms = self.raw_terms().clone();
        let slot = self.store().0.ask(|reply| Order { command, terms, payload, reply }, Patience::Wait)?;
        Ok(slot.wait()?.map_err(Error::refused)?.receipt)
    }
}

/// Rounds before an error: each one only finds what was sealed during the one before.
const ROUNDS_MAX: u32 = 16;
