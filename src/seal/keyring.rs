//! Owns the keys of an open store: the root key's ciphers and the epoch keys, as a snapshot that never changes.
//!
//! A change (rolling or retiring an epoch) gives a new keyring; readers keep the one they have, behind an `Arc`, without a
//! lock. It never stores anything: the caller stores what it returns, and only then uses the new keyring. Read next:
//! [`super::slots`], which gives the root key.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::cipher::Cipher;
use super::data::SecretData;
use super::envelope::{self, Place, Sealed};
use super::error::SealError;
use super::key_epoch::KeyEpoch;
use super::random;
use super::root::RootCiphers;
use super::sealing_key::{DataKey, EpochKey, RootKey, SigningSeed};
use super::wrapped_key::{WrappedDataKey, WrappedEpochKey, WrappedSigningSeed};
use crate::domain::id::{DataKeyId, LogId, SecretId, VersionId};

const DATA_CONTEXT: &str = "latchkeep 2026-11-23 seal v1 data key under epoch key";

/// The keys of an open store; immutable, made to lie behind an `Arc` and be shared by readers.
pub(crate) struct Keyring {
    store: LogId,
    root: Arc<RootCiphers>,
    epochs: BTreeMap<KeyEpoch, Arc<Cipher>>,
    in_force: KeyEpoch,
}

/// The data of one version, sealed, with all that has to be stored to open it again.
#[derive(Debug)]
pub(crate) struct SealedVersion {
    /// The id of the fresh data key.
    pub(crate) data_key: DataKeyId,
    /// The data key, wrapped under the epoch in force.
    pub(crate) wrapped: WrappedDataKey,
    /// The sealed bytes and their digest.
    pub(crate) sealed: Sealed,
}

impl Keyring {
    /// Makes the keyring of a new store, with its first epoch; store the wrapped epoch key.
    ///
    /// # Errors
    ///
    /// [`SealError::Random`].
    pub(crate) fn create(store: LogId, root: &RootKey) -> Result<(Self, WrappedEpochKey), SealError> {
        let root = Arc::new(RootCiphers::derive(root));
        Self { store, root, epochs: BTreeMap::new(), in_force: KeyEpoch::FIRST }.with_epoch(KeyEpoch::FIRST)
    }

    /// Opens the keyring of a store from its root key and every epoch key that is stored.
    ///
    /// # Errors
    ///
    /// [`SealError::WrappedByOther`] or [`SealError::WrappedDamaged`] when an epoch key does not open,
    /// [`SealError::EpochNumber`] when one stands twice, [`SealError::NoEpoch`] when there is none.
    pub(crate) fn open(
        store: LogId,
        root: &RootKey,
        wrapped: impl IntoIterator<Item = WrappedEpochKey>,
    ) -> Result<Self, SealError> {
        let root = Arc::new(RootCiphers::derive(root));
        let mut epochs = BTreeMap::new();
        for wrapped in wrapped {
            let cipher = epoch_cipher(&wrapped.unwrap(&root.epoch, store)?);
            if epochs.insert(wrapped.epoch(), Arc::new(cipher)).is_some() {
                return Err(SealError::EpochNumber(wrapped.epoch()));
            }
        }
        let in_force = *epochs.last_key_value().ok_or(SealError::NoEpoch)?.0;
        Ok(Self { store, root, epochs, in_force })
    }

    /// Tells which epoch wraps new data keys.
    pub(crate) const fn in_force(&self) -> KeyEpoch {
        self.in_force
    }

    /// Lists the epochs held, oldest first.
    pub(crate) fn epochs(&self) -> impl Iterator<Item = KeyEpoch> + '_ {
        self.epochs.keys().copied()
    }

    /// Makes a keyring with a new epoch in force; store the wrapped epoch key before using the keyring.
    ///
    /// # Errors
    ///
    /// [`SealError::Random`]; [`SealError::EpochNumber`] after four billion epochs.
    pub(crate) fn roll_epoch(&self) -> Result<(Self, WrappedEpochKey), SealError> {
        let next = self.in_force.next().ok_or(SealError::EpochNumber(self.in_force))?;
        self.share().with_epoch(next)
    }

    /// Makes a keyring without `epoch`, once no data key is wrapped under it any more; then destroy its wrapped key.
    ///
    /// # Errors
    ///
    /// [`SealError::EpochInForce`], [`SealError::UnknownEpoch`].
    pub(crate) fn retire_epoch(&self, epoch: KeyEpoch) -> Result<Self, SealError> {
        if epoch == self.in_force {
            return Err(SealError::EpochInForce(epoch));
        }
        let mut fewer = self.share();
        fewer.epochs.remove(&epoch).map(|_| fewer).ok_or(SealError::UnknownEpoch(epoch))
    }

    /// Draws a data key and its id.
    ///
    /// # Errors
    ///
    /// [`SealError::Random`].
    pub(crate) fn new_data_key() -> Result<(DataKeyId, DataKey), SealError> {
        Ok((DataKeyId::from_bytes(random::array()?), DataKey::random()?))
    }

    /// Wraps a data key under the epoch in force.
    ///
    /// # Errors
    ///
    /// [`SealError::Random`].
    pub(crate) fn wrap(&self, id: DataKeyId, key: &DataKey) -> Result<WrappedDataKey, SealError> {
        WrappedDataKey::wrap(self.epoch(self.in_force)?, self.in_force, self.store, id, key)
    }

    /// Unwraps a data key.
    ///
    /// # Errors
    ///
    /// [`SealError::UnknownEpoch`], [`SealError::WrappedByOther`], [`SealError::WrappedDamaged`].
    pub(crate) fn unwrap(&self, id: DataKeyId, wrapped: &WrappedDataKey) -> Result<DataKey, SealError> {
        wrapped.unwrap(self.epoch(wrapped.epoch())?, self.store, id)
    }

    /// Wraps a wrapped data key anew under the epoch in force; what it seals stays as it is.
    ///
    /// # Errors
    ///
    /// As [`unwrap`](Self::unwrap) and [`wrap`](Self::wrap).
    pub(crate) fn rewrap(&self, id: DataKeyId, wrapped: &WrappedDataKey) -> Result<WrappedDataKey, SealError> {
        self.wrap(id, &self.unwrap(id, wrapped)?)
    }

    /// Seals the data of a version under a fresh data key.
    ///
    /// # Errors
    ///
    /// [`SealError::Random`].
    pub(crate) fn seal(
        &self,
        secret: SecretId,
        version: VersionId,
        data: &SecretData,
    ) -> Result<SealedVersion, SealError> {
        let (data_key, key) = Self::new_data_key()?;
        let place = Place { store: self.store, secret, version, data_key };
        let sealed = envelope::seal(&key, &place, &data.encode())?;
        Ok(SealedVersion { data_key, wrapped: self.wrap(data_key, &key)?, sealed })
    }

    /// Opens the data of a version. `wrapped` is what was stored for the data key `id`.
    ///
    /// # Errors
    ///
    /// As [`unwrap`](Self::unwrap) and [`envelope::unseal`]; [`SealError::DataUnreadable`].
    pub(crate) fn unseal(
        &self,
        secret: SecretId,
        version: VersionId,
        (id, wrapped): (DataKeyId, &WrappedDataKey),
        sealed: &[u8],
    ) -> Result<SecretData, SealError> {
        let key = self.unwrap(id, wrapped)?;
        let place = Place { store: self.store, secret, version, data_key: id };
        SecretData::decode(&envelope::unseal(&key, &place, sealed)?)
    }

    /// Wraps the seed of the store's signing key number `number`.
    ///
    /// # Errors
    ///
    /// [`SealError::Random`].
    pub(crate) fn wrap_signing_seed(&self, number: u32, seed: &SigningSeed) -> Result<WrappedSigningSeed, SealError> {
        WrappedSigningSeed::wrap(&self.root.signing, number, self.store, seed)
    }

    /// Unwraps the seed of a signing key.
    ///
    /// # Errors
    ///
    /// [`SealError::WrappedByOther`], [`SealError::WrappedDamaged`].
    pub(crate) fn unwrap_signing_seed(&self, wrapped: &WrappedSigningSeed) -> Result<SigningSeed, SealError> {
        wrapped.unwrap(&self.root.signing, self.store)
    }

    /// Gives a digest of `parts` that only this store can compute: tells whether a repeated command is the same.
    ///
    /// Keyed BLAKE3 over each part's length (8 bytes, big-endian) and bytes, so that parts cannot run into each other.
    /// Equal parts give equal fingerprints: put something of the occasion (an idempotency key) among them, so that two
    /// secrets with the same data do not show it.
    pub(crate) fn fingerprint(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.root.fingerprint(parts)
    }

    fn epoch(&self, epoch: KeyEpoch) -> Result<&Cipher, SealError> {
        self.epochs.get(&epoch).map(Arc::as_ref).ok_or(SealError::UnknownEpoch(epoch))
    }

    fn with_epoch(mut self, epoch: KeyEpoch) -> Result<(Self, WrappedEpochKey), SealError> {
        let key = EpochKey::random()?;
        let wrapped = WrappedEpochKey::wrap(&self.root.epoch, epoch, self.store, &key)?;
        self.epochs.insert(epoch, Arc::new(epoch_cipher(&key)));
        self.in_force = epoch;
        Ok((self, wrapped))
    }

    fn share(&self) -> Self {
        let Self { store, root, epochs, in_force } = self;
        Self { store: *store, root: Arc::clone(root), epochs: epochs.clone(), in_force: *in_force }
    }
}

fn epoch_cipher(key: &EpochKey) -> Cipher {
    Cipher::derive(DATA_CONTEXT, key.expose(), b"")
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("store", &self.store).field("in_force", &self.in_force).finish_non_exhaustive()
    }
}
