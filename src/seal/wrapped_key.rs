//! Owns wrapped keys: a key of the store encrypted under the key above it, 110 bytes each.
//!
//! It never holds the keys that wrap. Read next: [`super::keyring`].
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
/// The format of an epoch key that was made since rows are vouched for. It is bound to the key, so that nobody without the
/// root key makes a store look older than that.
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

    /// The format in which a key of this kind is written.
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

/// The bytes that all wrapped keys share: checked for length, format and kind, opened by the key above only.
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

/// What a wrapped key is bound to beside its head.
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
            /// Gives the bytes to store.
            pub(crate) const fn as_bytes(&self) -> &[u8; WRAPPED_BYTES] {
                &self.0.0
            }

            /// Takes stored bytes; what they hold shows when they are unwrapped.
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

    /// Unwraps it. `id` is where it was stored; another id does not open it.
    pub(super) fn unwrap(&self, under: &Cipher, store: LogId, id: DataKeyId) -> Result<DataKey, SealError> {
        self.0.unwrap(under, Kind::Data, Place { store, data_key: id }).map(DataKey::new)
    }

    /// Tells which epoch key wraps it.
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

    /// Tells whether it was made since rows are vouched for, if it unwraps.
    pub(super) const fn shows_vouching(&self) -> bool {
        self.0.format() == VOUCHING_FORMAT
    }

    /// Unwraps it.
    pub(super) fn unwrap(&self, under: &Cipher, store: LogId) -> Result<EpochKey, SealError> {
        self.0.unwrap(under, Kind::Epoch, Place { store, data_key: NO_DATA_KEY }).map(EpochKey::new)
    }

    /// Tells which epoch it is the key of.
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

    /// Tells which signing key of the store it is, in the order of their use.
    pub(crate) fn number(&self) -> u32 {
        self.0.number()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::testing::{DATA_KEY, STORE, hex, key, nonce, wrapped_key};

    const CONTEXTS: [(Kind, &str); 3] = [
        (Kind::Data, "latchkeep 2026-11-23 seal v1 data key under epoch key"),
        (Kind::Epoch, "latchkeep 2026-11-23 seal v1 epoch key under root key"),
        (Kind::Signing, "latchkeep 2026-11-23 seal v1 signing seed under root key"),
    ];

    fn place(kind: Kind) -> Place {
        Place { store: STORE, data_key: if kind == Kind::Data { DATA_KEY } else { NO_DATA_KEY } }
    }

    fn wrapped(kind: Kind, context: &'static str) -> (Cipher, Wrapped) {
        let under = Cipher::derive(context, key().expose(), b"");
        let wrapped = Wrapped::wrap(&under, kind, 7, place(kind), wrapped_key().expose(), &nonce()).unwrap();
        (under, wrapped)
    }

    #[test]
    fn wrapped_keys_are_golden() {
        let golden = [
            concat!(
                "010100000007404142434445464748494a4b4c4d4e4f5051525354555657c45e5ea7352b91959137594f685583541e9c",
                "10434c31908be388b80b9104ee8d1098b355497593b5dcf916c40227f24d24dde594c30857622f7e3f075910cfd0e01d",
                "fe411484c82870b86f7f642512dc",
            ),
            concat!(
                "020200000007404142434445464748494a4b4c4d4e4f505152535455565737db9b3ad399af0a896e082bafcac2964bcb",
                "366e01c81e3ec8c9be69392acbffbde6682b5c005ca8e39cef6448e1df0452c0234b67a591ba85508667cd968f2496f9",
                "220d0509225d1e6b8fdec8f4e0ce",
            ),
            concat!(
                "010300000007404142434445464748494a4b4c4d4e4f50515253545556573b91be57adf0bc5e36cd2ae7437610ffd575",
                "6df6f9008a9c96190258db211bcef30d9c37fb1f976e1308ea64e43231f0226abd528633dbd28f145ee19c53e4c25a13",
                "3dfd60a22e2528ba30a3776bab69",
            ),
        ];
        for ((kind, context), golden) in CONTEXTS.into_iter().zip(golden) {
            let (under, wrapped) = wrapped(kind, context);
            assert_eq!(hex(&wrapped.0), golden, "{kind:?}");
            assert_eq!(wrapped.unwrap(&under, kind, place(kind)).unwrap().expose(), wrapped_key().expose());
            assert_eq!(wrapped.number(), 7);
        }
    }

    /// An epoch key of the format before is read for ever, and does not show that rows are vouched for.
    #[test]
    fn an_epoch_key_of_the_format_before_opens_and_tells_its_age() {
        let old = OLD_EPOCH_KEY.as_bytes().chunks(2);
        let old: Vec<u8> =
            old.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect();
        let under = Cipher::derive(CONTEXTS[1].1, key().expose(), b"");
        let wrapped = WrappedEpochKey::from_bytes(&old).unwrap();
        assert_eq!(wrapped.unwrap(&under, STORE).unwrap().expose(), wrapped_key().expose());
        assert!(!wrapped.shows_vouching());
        let mut newer = old.clone();
        newer[0] = VOUCHING_FORMAT;
        let newer = WrappedEpochKey::from_bytes(&newer).unwrap();
        assert!(newer.unwrap(&under, STORE).is_err(), "the format is bound to the key");
        let other = WrappedEpochKey::wrap(&under, KeyEpoch::new(7), STORE, &EpochKey::random().unwrap()).unwrap();
        assert!(other.shows_vouching());
        assert!(WrappedDataKey::from_bytes(&[&[2, 1], &old[2..]].concat()).is_err(), "other kinds have one format");
    }

    const OLD_EPOCH_KEY: &str = concat!(
        "010200000007404142434445464748494a4b4c4d4e4f505152535455565737db9b3ad399af0a896e082bafcac2964bcb",
        "366e01c81e3ec8c9be69392acbffbde6682b5c005ca8e39cef6448e1df0452c0234b67a591ba85508667cd968f247229",
        "0979e087798cf3c7f703703311d6",
    );

    #[test]
    fn stored_bytes_come_back_the_same() {
        let [data, epoch, signing] = CONTEXTS.map(|(kind, context)| wrapped(kind, context).1.0);
        assert_eq!(WrappedDataKey::from_bytes(&data).unwrap().as_bytes(), &data);
        assert_eq!(WrappedEpochKey::from_bytes(&epoch).unwrap().as_bytes(), &epoch);
        assert_eq!(WrappedSigningSeed::from_bytes(&signing).unwrap().as_bytes(), &signing);
    }

    #[test]
    fn a_wrapped_key_opens_for_its_own_store_id_and_number_only() {
        let (under, wrapped) = wrapped(Kind::Data, CONTEXTS[0].1);
        for elsewhere in [
            Place { store: LogId::from_bytes([9; 16]), data_key: DATA_KEY },
            Place { store: STORE, data_key: DataKeyId::from_bytes([9; 16]) },
        ] {
            let opened = wrapped.unwrap(&under, Kind::Data, elsewhere);
            assert!(matches!(opened, Err(SealError::WrappedDamaged("data key"))));
        }
        for at in 0..WRAPPED_BYTES {
            let mut bad = wrapped.0;
            bad[at] ^= 1;
            let opened =
                Wrapped::from_bytes(&bad, Kind::Data).and_then(|bad| bad.unwrap(&under, Kind::Data, place(Kind::Data)));
            assert!(matches!(opened, Err(SealError::WrappedDamaged(_) | SealError::WrappedByOther(_))), "byte {at}");
        }
    }

    #[test]
    fn another_wrapping_key_is_told_apart_from_damage() {
        let (_, wrapped) = wrapped(Kind::Data, CONTEXTS[0].1);
        let other = Cipher::derive(CONTEXTS[0].1, wrapped_key().expose(), b"");
        let opened = wrapped.unwrap(&other, Kind::Data, place(Kind::Data));
        assert!(matches!(opened, Err(SealError::WrappedByOther("data key"))));
    }

    #[test]
    fn length_format_and_kind_are_checked_before_anything_is_opened() {
        let (_, wrapped) = wrapped(Kind::Epoch, CONTEXTS[1].1);
        assert!(WrappedDataKey::from_bytes(&wrapped.0).is_err());
        assert!(WrappedEpochKey::from_bytes(&wrapped.0[1..]).is_err());
        assert!(WrappedEpochKey::from_bytes(&[]).is_err());
        assert!(WrappedEpochKey::from_bytes(&[0; WRAPPED_BYTES + 1]).is_err());
    }
}
