//! Owns the keys of an open store: the root key's ciphers and the epoch keys, as a snapshot that never changes.
//!
//! A change (rolling or retiring an epoch) returns a new keyring. Readers keep the old one, behind an `Arc`, without a
//! lock. The keyring never stores anything: the caller stores what it returns, and only then uses the new keyring. Read
//! next: [`super::slots`], which opens the root key.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::cipher::Cipher;
use super::data::SecretData;
use super::envelope::{self, Place, Sealed};
use super::error::SealError;
use super::key_epoch::KeyEpoch;
use super::random;
use super::root::{RootCiphers, RowsKey};
use super::sealing_key::{DataKey, EpochKey, RootKey, SigningSeed};
use super::wrapped_key::{WrappedDataKey, WrappedEpochKey, WrappedSigningSeed};
use crate::domain::id::{DataKeyId, LogId, SecretId, VersionId};

/// Random bytes in the id of a data key; the bytes before them are a time, in milliseconds.
const ID_CHANCE_BYTES: usize = 10;

const DATA_CONTEXT: &str = "latchkeep 2026-11-23 seal v1 data key under epoch key";

/// The keys of an open store; immutable, and shared by readers behind an `Arc`.
pub(crate) struct Keyring {
    store: LogId,
    root: Arc<RootCiphers>,
    epochs: BTreeMap<KeyEpoch, Arc<Cipher>>,
    in_force: KeyEpoch,
}

/// The sealed data of one version, with everything that must be stored to open it again.
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
    /// Makes the keyring of a new store, with its first epoch. The caller stores the wrapped epoch key.
    ///
    /// # Errors
    ///
    /// [`SealError::Random`].
    pub(crate) fn create(store: LogId, root: &RootKey) -> Result<(Self, WrappedEpochKey), SealError> {
        Self::without_epochs(store, root).with_epoch(KeyEpoch::FIRST)
    }

    /// Makes a keyring without epochs: it opens no data, and checks the tags of derived rows.
    pub(crate) fn without_epochs(store: LogId, root: &RootKey) -> Self {
        let root = Arc::new(RootCiphers::derive(root, store));
        Self { store, root, epochs: BTreeMap::new(), in_force: KeyEpoch::FIRST }
    }

    /// Makes the keyring of a store whose log names these epochs, the newest last, with a fresh key for each. The
    /// caller stores the wrapped epoch keys.
    ///
    /// # Errors
    ///
    /// [`SealError::Random`]; [`SealError::NoEpoch`] when there is no epoch.
    pub(crate) fn create_with(
        store: LogId,
        root: &RootKey,
        epochs: impl IntoIterator<Item = KeyEpoch>,
    ) -> Result<(Self, Vec<WrappedEpochKey>), SealError> {
        let mut keyring = Self::without_epochs(store, root);
        let mut keys = Vec::new();
        for epoch in epochs {
            let (more, wrapped) = keyring.with_epoch(epoch)?;
            keyring = more;
            keys.push(wrapped);
        }
        if keys.is_empty() { Err(SealError::NoEpoch) } else { Ok((keyring, keys)) }
    }

    /// Opens the keyring of a store from its root key and every stored epoch key.
    ///
    /// # Errors
    ///
    /// [`SealError::WrappedByOther`] or [`SealError::WrappedDamaged`] when an epoch key does not open,
    /// [`SealError::EpochNumber`] when a number occurs twice, [`SealError::NoEpoch`] when there is no epoch.
    pub(crate) fn open(
        store: LogId,
        root: &RootKey,
        wrapped: impl IntoIterator<Item = WrappedEpochKey>,
    ) -> Result<Self, SealError> {
        Self::without_epochs(store, root).holding(wrapped)
    }

    /// Makes a keyring of the same root key with exactly the epochs of these keys.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub(crate) fn holding(&self, wrapped: impl IntoIterator<Item = WrappedEpochKey>) -> Result<Self, SealError> {
        let mut epochs = BTreeMap::new();
        for wrapped in wrapped {
            let cipher = epoch_cipher(&wrapped.unwrap(&self.root.epoch, self.store)?);
            if epochs.insert(wrapped.epoch(), Arc::new(cipher)).is_some() {
                return Err(SealError::EpochNumber(wrapped.epoch()));
            }
        }
        let in_force = *epochs.last_key_value().ok_or(SealError::NoEpoch)?.0;
        Ok(Self { epochs, in_force, ..self.share() })
    }

    /// Returns whether a wrapped epoch key is of this store and proves that the store has a voucher. Only the root key
    /// can make such a wrapped key.
    pub(crate) fn shows_vouching(&self, wrapped: &WrappedEpochKey) -> bool {
        wrapped.shows_vouching() && wrapped.unwrap(&self.root.epoch, self.store).is_ok()
    }

    /// Returns the key for the tags of the rows derived from the log.
    pub(crate) fn rows_key(&self) -> Arc<RowsKey> {
        Arc::clone(&self.root.rows)
    }

    /// Returns the epoch that wraps new data keys.
    pub(crate) const fn in_force(&self) -> KeyEpoch {
        self.in_force
    }

    /// Returns the numbers of its epochs, oldest first.
    pub(crate) fn epochs(&self) -> impl Iterator<Item = KeyEpoch> + '_ {
        self.epochs.keys().copied()
    }

    /// Makes a keyring with a new epoch in force. The caller stores the wrapped epoch key before it uses the keyring.
    ///
    /// # Errors
    ///
    /// [`SealError::Random`]; [`SealError::EpochNumber`] after four billion epochs.
    pub(crate) fn roll_epoch(&self) -> Result<(Self, WrappedEpochKey), SealError> {
        let next = self.in_force.next().ok_or(SealError::EpochNumber(self.in_force))?;
        self.share().with_epoch(next)
    }

    /// Makes a keyring without `epoch`. Call it when no data key is wrapped under that epoch any more; then destroy its
    /// wrapped key.
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

    /// Draws a data key for a version, and its id.
    ///
    /// The id begins with the time in the version's id, so that rows made at about the same time are neighbours.
    /// Rotations then read, write and remove few pages. The other 80 bits are random.
    ///
    /// # Errors
    ///
    /// [`SealError::Random`].
    pub(crate) fn new_data_key(version: VersionId) -> Result<(DataKeyId, DataKey), SealError> {
        let mut id = *version.as_bytes();
        if let Some(chance) = id.last_chunk_mut::<ID_CHANCE_BYTES>() {
            *chance = random::array()?;
        }
        Ok((DataKeyId::from_bytes(id), DataKey::random()?))
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

    /// Wraps a wrapped data key again, under the epoch in force; the data that it seals does not change.
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
        let (data_key, key) = Self::new_data_key(version)?;
        let place = Place { store: self.store, secret, version, data_key };
        let sealed = envelope::seal(&key, &place, &data.encode())?;
        Ok(SealedVersion { data_key, wrapped: self.wrap(data_key, &key)?, sealed })
    }

    /// Opens the data of a version. `wrapped` is the stored data key with this `id`.
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

    /// Returns a digest of `parts` that only this store can compute, to recognise a repeated command.
    ///
    /// It is keyed BLAKE3 over each part's length (8 bytes, big-endian) and bytes, so that parts cannot run into each
    /// other. Equal parts have equal fingerprints. So include something of the occasion (an idempotency key), or two
    /// secrets with the same data reveal that.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::secret_bytes::SecretBytes;
    use crate::seal::testing::{SECRET, STORE, VERSION, hex, key};

    fn root() -> RootKey {
        RootKey::new(key())
    }

    fn canary() -> SecretData {
        SecretData::arbitrary(SecretBytes::copy_from(b"canary")).unwrap()
    }

    #[track_caller]
    fn check_opens(keyring: &Keyring, wrapped: &WrappedDataKey, version: &SealedVersion) {
        let data = keyring.unseal(SECRET, VERSION, (version.data_key, wrapped), &version.sealed.bytes).unwrap();
        assert!(matches!(data, SecretData::Arbitrary(data) if data.payload().expose() == b"canary"));
    }

    #[test]
    fn what_was_sealed_opens_after_the_store_is_opened_again() {
        let (keyring, epoch_key) = Keyring::create(STORE, &root()).unwrap();
        let version = keyring.seal(SECRET, VERSION, &canary()).unwrap();
        check_opens(&keyring, &version.wrapped, &version);
        let stored = WrappedEpochKey::from_bytes(epoch_key.as_bytes()).unwrap();
        check_opens(&Keyring::open(STORE, &root(), [stored]).unwrap(), &version.wrapped, &version);
    }

    #[test]
    fn ids_of_data_keys_lie_in_the_order_of_their_versions_and_never_repeat() {
        let ids =
            |version: u8| (0..500).map(move |_| Keyring::new_data_key(VersionId::from_bytes([version; 16])).unwrap().0);
        let [earlier, later] = [3, 4].map(|version| ids(version).collect::<std::collections::BTreeSet<_>>());
        assert!(earlier.last() < later.first(), "rows of one time lie next to each other");
        assert_eq!((earlier.len(), later.len()), (500, 500));
    }

    #[test]
    fn another_root_key_or_store_does_not_open_the_keyring() {
        let (_, epoch_key) = Keyring::create(STORE, &root()).unwrap();
        let other = RootKey::random().unwrap();
        assert!(matches!(Keyring::open(STORE, &other, [epoch_key]), Err(SealError::WrappedByOther("epoch key"))));
        let elsewhere = LogId::from_bytes([9; 16]);
        assert!(matches!(Keyring::open(elsewhere, &root(), [epoch_key]), Err(SealError::WrappedDamaged("epoch key"))));
        assert!(matches!(Keyring::open(STORE, &root(), []), Err(SealError::NoEpoch)));
        assert!(matches!(Keyring::open(STORE, &root(), [epoch_key; 2]), Err(SealError::EpochNumber(_))));
    }

    #[test]
    fn rolling_an_epoch_rewraps_keys_and_touches_no_payload() {
        let (old, first_key) = Keyring::create(STORE, &root()).unwrap();
        let version = old.seal(SECRET, VERSION, &canary()).unwrap();
        let (new, second_key) = old.roll_epoch().unwrap();
        assert_eq!((old.in_force(), new.in_force()), (KeyEpoch::FIRST, KeyEpoch::new(2)));
        check_opens(&new, &version.wrapped, &version);

        let rewrapped = new.rewrap(version.data_key, &version.wrapped).unwrap();
        assert_eq!(rewrapped.epoch(), KeyEpoch::new(2));
        check_opens(&new, &rewrapped, &version);
        // A reader with the old keyring cannot open what was wrapped again: it must use the new one.
        assert!(matches!(old.unwrap(version.data_key, &rewrapped), Err(SealError::UnknownEpoch(_))));

        let retired = new.retire_epoch(KeyEpoch::FIRST).unwrap();
        check_opens(&retired, &rewrapped, &version);
        assert!(matches!(retired.unwrap(version.data_key, &version.wrapped), Err(SealError::UnknownEpoch(_))));
        let reopened = Keyring::open(STORE, &root(), [second_key, first_key]).unwrap();
        assert_eq!(reopened.in_force(), KeyEpoch::new(2));
        assert_eq!(reopened.epochs().collect::<Vec<_>>(), [KeyEpoch::FIRST, KeyEpoch::new(2)]);
    }

    #[test]
    fn the_epoch_in_force_and_an_unknown_one_cannot_be_retired() {
        let (keyring, _) = Keyring::create(STORE, &root()).unwrap();
        assert!(matches!(keyring.retire_epoch(KeyEpoch::FIRST), Err(SealError::EpochInForce(_))));
        assert!(matches!(keyring.retire_epoch(KeyEpoch::new(9)), Err(SealError::UnknownEpoch(_))));
    }

    #[test]
    fn a_version_does_not_open_as_another_or_under_another_key() {
        let (keyring, _) = Keyring::create(STORE, &root()).unwrap();
        let [one, two] = [(); 2].map(|()| keyring.seal(SECRET, VERSION, &canary()).unwrap());
        let other = VersionId::from_bytes([9; 16]);
        let moved = keyring.unseal(SECRET, other, (one.data_key, &one.wrapped), &one.sealed.bytes);
        assert!(matches!(moved, Err(SealError::DataDamaged)));
        let swapped = keyring.unseal(SECRET, VERSION, (two.data_key, &two.wrapped), &one.sealed.bytes);
        assert!(matches!(swapped, Err(SealError::OtherDataKey)));
        let renamed = keyring.unseal(SECRET, VERSION, (two.data_key, &one.wrapped), &one.sealed.bytes);
        assert!(matches!(renamed, Err(SealError::WrappedDamaged("data key"))));
    }

    #[test]
    fn signing_seeds_come_back_whole() {
        let (keyring, _) = Keyring::create(STORE, &root()).unwrap();
        let seed = SigningSeed::random().unwrap();
        let wrapped = keyring.wrap_signing_seed(3, &seed).unwrap();
        assert_eq!(keyring.unwrap_signing_seed(&wrapped).unwrap().expose(), seed.expose());
        assert_eq!(wrapped.number(), 3);
    }

    #[test]
    fn fingerprints_are_golden_and_keep_parts_apart() {
        let (keyring, _) = Keyring::create(STORE, &root()).unwrap();
        let golden = "a24c4e65d4e47d6c116a7fea03fcb108a7aed1e426376d033c2f9bcea9d5ba24";
        assert_eq!(hex(&keyring.fingerprint(&[b"ab", b"c"])), golden);
        assert_ne!(keyring.fingerprint(&[b"a", b"bc"]), keyring.fingerprint(&[b"ab", b"c"]));
        let (other, _) = Keyring::create(STORE, &RootKey::random().unwrap()).unwrap();
        assert_ne!(hex(&other.fingerprint(&[b"ab", b"c"])), golden);
    }

    /// Run by hand: `cargo test --release --lib seal::keyring -- --ignored --nocapture`.
    #[test]
    #[ignore = "measures; means something in release only"]
    fn reading_is_quick() {
        let (keyring, _) = Keyring::create(STORE, &root()).unwrap();
        let data = SecretData::arbitrary(SecretBytes::from("x".repeat(93))).unwrap();
        let version = keyring.seal(SECRET, VERSION, &data).unwrap();
        let per_call = |what: &str, call: &dyn Fn()| {
            let best = (0..20)
                .map(|_| {
                    let start = std::time::Instant::now();
                    (0..2_000).for_each(|_| call());
                    start.elapsed() / 2_000
                })
                .min()
                .unwrap();
            println!("{what}: {best:?}");
            best
        };
        per_call("seal 100 bytes with a fresh data key", &|| {
            std::hint::black_box(keyring.seal(SECRET, VERSION, &data).unwrap());
        });
        per_call("unwrap a data key", &|| {
            std::hint::black_box(keyring.unwrap(version.data_key, &version.wrapped).unwrap());
        });
        per_call("fingerprint of 200 bytes", &|| {
            std::hint::black_box(keyring.fingerprint(&[&[7; 200]]));
        });
        let read = per_call("read: unwrap, unseal and decode 100 bytes", &|| {
            let key = (version.data_key, &version.wrapped);
            std::hint::black_box(keyring.unseal(SECRET, VERSION, key, &version.sealed.bytes).unwrap());
        });
        assert!(read < std::time::Duration::from_micros(8), "a read took {read:?}");
    }
}
