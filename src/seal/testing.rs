//! Fixed keys, ids and nonces for the tests of this layer, and hexadecimal text for golden bytes.
//!
//! The golden bytes were computed by another implementation: ChaCha20-Poly1305 of OpenSSL, `HChaCha20` written from its
//! draft, and the `blake3` package for Python.

use super::cipher::Nonce;
use super::sealing_key::KeyBytes;
use crate::domain::id::{DataKeyId, LogId, SecretId, VersionId};

pub(super) const STORE: LogId = LogId::from_bytes([0x11; 16]);
pub(super) const SECRET: SecretId = SecretId::from_bytes([0x22; 16]);
pub(super) const VERSION: VersionId = VersionId::from_bytes([0x33; 16]);
pub(super) const DATA_KEY: DataKeyId = DataKeyId::from_bytes([0x44; 16]);

/// Returns bytes that count up from `first`.
pub(super) fn counting<const N: usize>(first: u8) -> [u8; N] {
    let mut next = first;
    [(); N].map(|()| {
        let now = next;
        next = next.wrapping_add(1);
        now
    })
}

/// Returns the key that wraps or seals in golden bytes.
pub(super) fn key() -> KeyBytes {
    KeyBytes::copy_from(&counting::<32>(0)).unwrap()
}

/// Returns the key that is wrapped in golden bytes.
pub(super) fn wrapped_key() -> KeyBytes {
    KeyBytes::copy_from(&counting::<32>(0x80)).unwrap()
}

pub(super) fn nonce() -> Nonce {
    counting(0x40)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}
