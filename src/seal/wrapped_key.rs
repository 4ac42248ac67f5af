//! Owns wrapped keys: a key of the store encrypted under the key above it, 110 bytes each.
//!
//! It never has the keys that wrap. Read next: [`super::keyring`].
//!
//! A wrapped key, byte by byte, numbers big-endian:
//!
//! | Offset | Size | Field |
//! |---|---|---|
//! | 0 | 1 | format: 1; 2 for an epoch key of a store whose rows are vouched for |
//! | 1 | 1 | kind: 1 = data key under an epoch key, 2 = epoch key under the root key, 3 = signing seed under the root key |
//! | 2 | 4 | number of the epoch (kinds 1 and 2) or of the signing key (kind 3) |
//! | 6 | 24 | nonce |
//! | 30 | 32 | commitment to the wrapping key |
//! | 62 | 32 | the key, encrypted |
//! | 94 | 16 | tag |
//!
//! Associated data, 38 bytes: the first 6 bytes, the store id (16), the data key id (16; zero for kinds 2 and 3).

use std::fmt;

use super::cipher::{Cipher, NONCE_BYTES, Nonce, NotOpened, OVERHEAD_BYTES};
use super::error::SealError;
use super::key_epoch::KeyEpoch;
use super::random;
use super::sealing_key::{DataKey, EpochKey, KEY_BYTES, KeyBytes, SigningSeed};
use crate::domain::id::{DataKeyId, LogId};

/// Bytes of a wrapped key.
pub(crate) const WRAPPED_BYTES: usize = HEAD_BYTES + OVERHEAD_BYTES + KEY_BYTES;

const FORMAT: u8 = 1;
/// The format of an epoch key made since stores have a voucher. It is bound to the key, so an attacker without the root
/// key cannot make a store look older than that.
const VOUCHING_FORMAT: u8 = 2;
const HEAD_BYTES: usize = 6;
const NO_DATA_KEY: DataKeyId = DataKeyId::from_bytes([0; 16]);

/// What kind of key is wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Data = 1,
    Epoch = 2,
    Signing = 3,
}

impl Kind {
    const fn code(self) -> u8 {
        match self {
            Self::Data => 1,
            Self::Epoch => 2,
            Self::Signing => 3,
        }
    }

    /// Returns the format in which a key of this kind is written.
    const fn format(self) -> u8 {
        match self {
            Self::Epoch => VOUCHING_FORMAT,
            Self::Data | Self::Signing => FORMAT,
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Data => "data key",
            Self::Epoch => "epoch key",
            Self::Signing => "signing key",
        }
    }
}

/// The bytes that all wrapped keys share: checked for length, format and kind. Only the key above opens them.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Wrapped([u8; WRAPPED_BYTES]);

impl Wrapped {
    fn wrap(
        under: &Cipher,
        kind: Kind,
        number: u32,
        place: Place,
        key: &[u8; KEY_BYTES],
        nonce: &Nonce,
    ) -> Result<Self, SealError> {
        let head = head(kind, number);
        let mut bytes = Vec::with_capacity(WRAPPED_BYTES);
        bytes.extend_from_slice(&head);
        under
            .seal(nonce, &place.bound_to(head), key, &mut bytes)
            .and_then(|()| <[u8; WRAPPED_BYTES]>::try_from(bytes).ok())
            .map(Self)
            .ok_or(SealError::WrappedDamaged(kind.label()))
    }

    fn unwrap(&self, under: &Cipher, kind: Kind, place: Place) -> Result<KeyBytes, SealError> {
        let (head, body) = self.0.split_first_chunk::<HEAD_BYTES>().expect("110 bytes have a head");
        KeyBytes::filled(|key| under.open(&place.bound_to(*head), body, key)).map_err(|why| match why {
            NotOpened::OtherKey => SealError::WrappedByOther(kind.label()),
            NotOpened::Damaged => SealError::WrappedDamaged(kind.label()),
        })
    }

    fn from_bytes(bytes: &[u8], kind: Kind) -> Result<Self, SealError> {
        match <[u8; WRAPPED_BYTES]>::try_from(bytes) {
            Ok(bytes) if [FORMAT, kind.format()].contains(&bytes[0]) && bytes[1] == kind.code() => Ok(Self(bytes)),
            _ => Err(SealError::WrappedDamaged(kind.label())),
        }
    }

    const fn format(&self) -> u8 {
        self.0[0]
    }

    fn number(&self) -> u32 {
        let [_, _, number @ ..] = *self.0.first_chunk::<HEAD_BYTES>().expect("110 bytes have a head");
        u32::from_be_bytes(number)
    }
}

/// What a wrapped key is bound to besides its head.
#[derive(Clone, Copy)]
struct Place {
    store: LogId,
    data_key: DataKeyId,
}

impl Place {
    fn bound_to(self, head: [u8; HEAD_BYTES]) -> [u8; HEAD_BYTES + 32] {
        let mut bytes = [0; HEAD_BYTES + 32];
        let (own_head, rest) = bytes.split_at_mut(HEAD_BYTES);
        let (store, data_key) = rest.split_at_mut(16);
        own_head.copy_from_slice(&head);
        store.copy_from_slice(self.store.as_bytes());
        data_key.copy_from_slice(self.data_key.as_bytes());
        bytes
    }
}

const fn head(kind: Kind, number: u32) -> [u8; HEAD_BYTES] {
    let [a, b, c, d] = number.to_be_bytes();
    [kind.format(), kind.code(), a, b, c, d]
}

macro_rules! wrapped {
    ($(#[$meta:meta])* $name:ident, $kind:expr) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub(crate) struct $name(Wrapped);

        impl $name {
            /// Returns the bytes to store.
            pub(crate) const fn as_bytes(&self) -> &[u8; WRAPPED_BYTES] {
                &self.0.0
            }

            /// Makes a wrapped key from stored bytes; unwrapping shows whether they are right.
            ///
            /// # Errors
            ///
            /// [`SealError::WrappedDamaged`] when length, format or kind is wrong.
            pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, SealError> {
                Wrapped::from_bytes(bytes, $kind).map(Self)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({}, ..)"), self.0.number())
            }
        }
    };
}

wrapped!(
    /// A data key under an epoch key.
    WrappedDataKey, Kind::Data
);
wrapped!(
    /// An epoch key under the root key.
    WrappedEpochKey, Kind::Epoch
);
wrapped!(
    /// The seed of a signing key under the root key.
    WrappedSigningSeed, Kind::Signing
);

impl WrappedDataKey {
    /// Wraps a data key under the key of `epoch`.
    pub(super) fn wrap(
        under: &Cipher,
        epoch: KeyEpoch,
        store: LogId,
        id: DataKeyId,
        key: &DataKey,
    ) -> Result<Self, SealError> {
        let place = Place { store, data_key: id };
        Wrapped::wrap(under, Kind::Data, epoch.get(), place, key.expose(), &random::array::<NONCE_BYTES>()?).map(Self)
    }

    /// Unwraps it. `id` is the id under which it was stored; another id does not open it.
    pub(super) fn unwrap(&self, under: &Cipher, store: LogId, id: DataKeyId) -> Result<DataKey, SealError> {
        self.0.unwrap(under, Kind::Data, Place { store, data_key: id }).map(DataKey::new)
    }

    /// Returns the epoch whose key wraps it.
    pub(crate) fn epoch(&self) -> KeyEpoch {
        KeyEpoch::new(self.0.number())
    }
}

impl WrappedEpochKey {
    /// Wraps the key of `epoch` under the root key.
    pub(super) fn wrap(under: &Cipher, epoch: KeyEpoch, store: LogId, key: &EpochKey) -> Result<Self, SealError> {
        let place = Place { store, data_key: NO_DATA_KEY };
        Wrapped::wrap(under, Kind::Epoch, epoch.get(), place, key.expose(), &random::array::<NONCE_BYTES>()?).map(Self)
    }

    /// Returns whether it was made since stores have a voucher, if it unwraps.
    pub(super) const fn shows_vouching(&self) -> bool {
        self.0.format() == VOUCHING_FORMAT
    }

    /// Unwraps it.
    pub(super) fn unwrap(&self, under: &Cipher, store: LogId) -> Result<EpochKey, SealError> {
        self.0.unwrap(under, Kind::Epoch, Place { store, data_key: NO_DATA_KEY }).map(EpochKey::new)
    }

    /// Returns the epoch of this key.
    pub(crate) fn epoch(&self) -> KeyEpoch {
        KeyEpoch::new(self.0.number())
    }
}

impl WrappedSigningSeed {
    /// Wraps a signing seed under the root key.
    pub(super) fn wrap(under: &Cipher, number: u32, store: LogId, seed: &SigningSeed) -> Result<Self, SealError> {
        let place = Place { store, data_key: NO_DATA_KEY };
        Wrapped::wrap(under, Kind::Signing, number, place, seed.expose(), &random::array::<NONCE_BYTES>()?).map(Self)
    }

    /// Unwraps it.
    pub(super) fn unwrap(&self, under: &Cipher, store: LogId) -> Result<SigningSeed, SealError> {
        self.0.unwrap(under, Kind::Signing, Place { store, data_key: NO_DATA_KEY }).map(SigningSeed::new)
    }

    /// Returns the number of this signing key in the store, in the order of use.
    pub(crate) fn number(&self) -> u32 {
        self.0.number()
    }
}

#[cfg(test)]
mod tests;
