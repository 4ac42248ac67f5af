//! Owns the 32 bytes of every key of the store, with a type for each layer so that keys cannot be mixed up.
//!
//! It never shows or clones them. They are boxed, so that moving a key leaves no copy on the stack. Read next:
//! [`super::cipher`].

use std::fmt;

use zeroize::Zeroize;

use super::error::SealError;
use super::random;

/// Bytes of every key of the store.
pub(crate) const KEY_BYTES: usize = 32;

/// 32 secret bytes, boxed, wiped when dropped.
pub(crate) struct KeyBytes(Box<[u8; KEY_BYTES]>);

impl KeyBytes {
    /// Draws 32 bytes at random.
    pub(crate) fn random() -> Result<Self, SealError> {
        Self::filled(|bytes| random::fill(bytes))
    }

    /// Makes zero bytes and lets `fill` write them, so that a key is made where it stays.
    pub(crate) fn filled<E>(fill: impl FnOnce(&mut [u8; KEY_BYTES]) -> Result<(), E>) -> Result<Self, E> {
        let mut made = Self(Box::new([0; KEY_BYTES]));
        fill(&mut made.0)?;
        Ok(made)
    }

    /// Makes zero bytes and lets `write` write them, which cannot fail.
    pub(crate) fn written(write: impl FnOnce(&mut [u8; KEY_BYTES])) -> Self {
        let mut made = Self(Box::new([0; KEY_BYTES]));
        write(&mut made.0);
        made
    }

    /// Copies exactly 32 bytes; `None` for any other number.
    pub(crate) fn copy_from(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == KEY_BYTES).then(|| Self::written(|own| own.copy_from_slice(bytes)))
    }

    /// Returns the bytes; there is no other way to them.
    pub(crate) fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl Drop for KeyBytes {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for KeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyBytes(..)")
    }
}

macro_rules! rank {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        pub(crate) struct $name(KeyBytes);

        impl $name {
            /// Draws a new one at random.
            pub(crate) fn random() -> Result<Self, SealError> {
                KeyBytes::random().map(Self)
            }

            /// Makes a key from 32 bytes.
            pub(crate) const fn new(bytes: KeyBytes) -> Self {
                Self(bytes)
            }

            /// Returns the bytes; there is no other way to them.
            pub(crate) fn expose(&self) -> &[u8; KEY_BYTES] {
                self.0.expose()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

rank!(
    /// Opens a key slot: made from a key file, a passphrase or the host's bytes, or unwrapped by the host's key
    /// service.
    SlotKey
);
rank!(
    /// The top key of a store; wrapped in each key slot.
    RootKey
);
rank!(
    /// Wraps data keys for some time; wrapped under the root key.
    EpochKey
);
rank!(
    /// Seals the data of one version, once; wrapped under an epoch key.
    DataKey
);
rank!(
    /// The seed of a key that signs checkpoints; wrapped under the root key.
    SigningSeed
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_thirty_two_bytes_make_a_key() {
        assert!(KeyBytes::copy_from(&[7; 31]).is_none());
        assert!(KeyBytes::copy_from(&[7; 33]).is_none());
        assert_eq!(KeyBytes::copy_from(&[7; 32]).unwrap().expose(), &[7; 32]);
    }

    #[test]
    fn no_key_shows_itself() {
        let root = RootKey::new(KeyBytes::copy_from(&[0x41; 32]).unwrap());
        assert_eq!(format!("{root:?}"), "RootKey(..)");
        assert_eq!(format!("{:?}", KeyBytes::random().unwrap()), "KeyBytes(..)");
    }
}
