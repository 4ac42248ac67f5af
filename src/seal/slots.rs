//! Owns the set of key slots of a store: opening with the host's key, adding a slot, removing one.
//!
//! It never removes the last usable slot, and a damaged slot never hides one that opens. Read next: [`super::keyring`].

use std::collections::BTreeMap;

use super::error::SealError;
use super::key_file;
use super::passphrase::{self, PASSPHRASE_BYTES_MAX, PassphraseCost};
use super::random;
use super::sealing_key::{KeyBytes, RootKey, SlotKey};
use super::secret_bytes::SecretBytes;
use super::slot::{CALLBACK_BYTES_MAX, Head, SLOTS_MAX, Slot, Unusable};
use super::unlock::{CallbackError, KeyCallback, Unlock};
use crate::domain::id::LogId;
use crate::domain::invalid::Invalid;
use crate::domain::settings::KeySlotKind;

/// The key slots of one store, by number.
#[derive(Debug)]
pub(crate) struct Slots {
    store: LogId,
    slots: BTreeMap<u8, Result<Slot, Unusable>>,
}

impl Slots {
    /// Makes the empty set of a new store.
    pub(crate) const fn new(store: LogId) -> Self {
        Self { store, slots: BTreeMap::new() }
    }

    /// Reads the stored slots. A damaged or unknown one is kept as such: others may still open.
    pub(crate) fn decode<'a>(store: LogId, stored: impl IntoIterator<Item = (u8, &'a [u8])>) -> Self {
        Self { store, slots: stored.into_iter().map(|(number, bytes)| (number, Slot::decode(number, bytes))).collect() }
    }

    /// Iterates over the slots by number: the kind of each, or why it cannot be used.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u8, Result<KeySlotKind, Unusable>)> + '_ {
        self.slots.iter().map(|(number, slot)| (*number, slot.as_ref().map(Slot::kind).map_err(|why| *why)))
    }

    /// Opens the root key with the host's key, and returns the number of the slot that opened.
    ///
    /// # Errors
    ///
    /// [`SealError::WrongKey`], [`SealError::NoSlotOfKind`], [`SealError::SlotDamaged`] or
    /// [`SealError::UnknownSlotKind`] when nothing opens; [`SealError::KeyFile`], [`SealError::Callback`] or
    /// [`SealError::Invalid`] when `unlock` cannot be used at all.
    pub(crate) fn open(&self, unlock: &Unlock) -> Result<(RootKey, u8), SealError> {
        let key = GivenKey::read(unlock)?;
        let usable = self.slots.values().flatten().filter(|slot| slot.kind() == key.kind());
        for slot in usable {
            let opened = key.slot_key(slot, self.store)?.and_then(|slot_key| slot.unwrap(self.store, &slot_key));
            if let Some(root) = opened {
                return Ok((root, slot.head.number));
            }
        }
        Err(self.why_none_opens(key.kind()))
    }

    /// Adds a slot. Returns its number and the bytes to store. `cost` is used for passphrases only.
    ///
    /// # Errors
    ///
    /// [`SealError::SlotsFull`]; [`SealError::Invalid`] for a short passphrase or other than 32 bytes;
    /// [`SealError::KeyFile`], [`SealError::Callback`], [`SealError::Random`].
    pub(crate) fn add(
        &mut self,
        root: &RootKey,
        unlock: &Unlock,
        cost: PassphraseCost,
    ) -> Result<(u8, Vec<u8>), SealError> {
        let number = (0..SLOTS_MAX).find(|number| !self.slots.contains_key(number)).ok_or(SealError::SlotsFull)?;
        Ok((number, self.add_at(number, root, unlock, cost)?))
    }

    /// Adds a slot under a free number. Returns the bytes to store.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add), except [`SealError::SlotsFull`].
    pub(crate) fn add_at(
        &mut self,
        number: u8,
        root: &RootKey,
        unlock: &Unlock,
        cost: PassphraseCost,
    ) -> Result<Vec<u8>, SealError> {
        let key = GivenKey::read(unlock)?;
        let cost = (key.kind() == KeySlotKind::Passphrase).then_some(cost);
        let head = Head { kind: key.kind(), number, cost, salt: random::array()? };
        let (slot_key, callback) = key.new_slot_key(&head, self.store)?;
        let slot = Slot::wrap(head, callback, self.store, (&slot_key, root), &random::array()?)
            .ok_or(SealError::WrappedDamaged("root key"))?;
        let bytes = slot.encode();
        self.slots.insert(number, Ok(slot));
        Ok(bytes)
    }

    /// Removes a slot; the caller then destroys the stored slot. This does not take the root key back from a person who
    /// opened the store with it before.
    ///
    /// # Errors
    ///
    /// [`SealError::SlotEmpty`]; [`SealError::LastSlot`] when no usable slot would be left.
    pub(crate) fn remove(&mut self, number: u8) -> Result<(), SealError> {
        if !self.slots.contains_key(&number) {
            return Err(SealError::SlotEmpty(number));
        }
        if !self.slots.iter().any(|(other, slot)| *other != number && slot.is_ok()) {
            return Err(SealError::LastSlot(number));
        }
        self.slots.remove(&number);
        Ok(())
    }

    fn why_none_opens(&self, kind: KeySlotKind) -> SealError {
        let unusable = |wanted: fn(&Unusable) -> bool| {
            self.slots.iter().find_map(|(number, slot)| match slot {
                Err(why) if wanted(why) => Some((*number, *why)),
                _ => None,
            })
        };
        if let Some((slot, _)) = unusable(|why| matches!(why, Unusable::Damaged)) {
            return SealError::SlotDamaged { slot, kind };
        }
        if self.slots.values().flatten().any(|slot| slot.kind() == kind) {
            return SealError::WrongKey(kind);
        }
        match unusable(|why| matches!(why, Unusable::UnknownKind(_))) {
            Some((slot, Unusable::UnknownKind(kind))) => SealError::UnknownSlotKind { slot, kind },
            _ => SealError::NoSlotOfKind(kind),
        }
    }
}

/// The host's key, read and checked against its bounds.
enum GivenKey<'a> {
    File(KeyBytes),
    Passphrase(&'a SecretBytes),
    Bytes(&'a SecretBytes),
    Callback(&'a dyn KeyCallback),
}

impl<'a> GivenKey<'a> {
    fn read(unlock: &'a Unlock) -> Result<Self, SealError> {
        Ok(match unlock {
            Unlock::KeyFile(path) => Self::File(key_file::read(path)?),
            Unlock::Passphrase(text) if text.expose().len() > PASSPHRASE_BYTES_MAX => {
                return Err(Invalid::new("passphrase", "takes at most 1024 bytes").into());
            }
            Unlock::Passphrase(text) => Self::Passphrase(text),
            Unlock::Bytes(bytes) => Self::Bytes(bytes),
            Unlock::Callback(service) => Self::Callback(service.as_ref()),
        })
    }

    const fn kind(&self) -> KeySlotKind {
        match self {
            Self::File(_) => KeySlotKind::KeyFile,
            Self::Passphrase(_) => KeySlotKind::Passphrase,
            Self::Bytes(_) => KeySlotKind::HostBytes,
            Self::Callback(_) => KeySlotKind::HostCallback,
        }
    }

    /// Returns the key that would open `slot`; `None` when a key service says that another key wrapped it.
    fn slot_key(&self, slot: &Slot, store: LogId) -> Result<Option<SlotKey>, SealError> {
        match self {
            Self::Callback(service) => {
                let opened = service.unwrap(&slot.callback, &callback_context(store, slot.head.number));
                match opened {
                    Ok(bytes) => Ok(KeyBytes::copy_from(bytes.expose()).map(SlotKey::new)),
                    Err(CallbackError::NotMine) => Ok(None),
                    Err(err) => Err(SealError::Callback(err)),
                }
            }
            _ => self.derived(&slot.head).map(Some),
        }
    }

    /// Returns the key of a new slot, and the bytes of its key service.
    fn new_slot_key(&self, head: &Head, store: LogId) -> Result<(SlotKey, Vec<u8>), SealError> {
        match self {
            Self::Callback(service) => {
                let fresh = SlotKey::random()?;
                let context = callback_context(store, head.number);
                let wrapped =
                    service.wrap(&SecretBytes::copy_from(fresh.expose()), &context).map_err(SealError::Callback)?;
                if !(1..=CALLBACK_BYTES_MAX).contains(&wrapped.len()) {
                    return Err(Invalid::new("wrapped bytes of the key service", "takes 1 to 4096 of them").into());
                }
                Ok((fresh, wrapped))
            }
            Self::Passphrase(text) => {
                passphrase::check_new(text)?;
                Ok((self.derived(head)?, Vec::new()))
            }
            _ => Ok((self.derived(head)?, Vec::new())),
        }
    }

    fn derived(&self, head: &Head) -> Result<SlotKey, SealError> {
        match self {
            Self::Passphrase(text) => passphrase::slot_key(text, &head.salt, head.cost.unwrap_or_default()),
            Self::File(key) => Ok(SlotKey::new(KeyBytes::written(|own| own.copy_from_slice(key.expose())))),
            Self::Bytes(bytes) => KeyBytes::copy_from(bytes.expose())
                .map(SlotKey::new)
                .ok_or_else(|| Invalid::new("key of the host", "takes exactly 32 bytes").into()),
            Self::Callback(_) => Err(SealError::NoSlotOfKind(KeySlotKind::HostCallback)),
        }
    }
}

/// Returns the bytes that a key service should bind: store id and slot number.
fn callback_context(store: LogId, number: u8) -> [u8; 17] {
    let mut context = [number; 17];
    let (id, _) = context.split_at_mut(16);
    id.copy_from_slice(store.as_bytes());
    context
}

#[cfg(test)]
mod tests;
