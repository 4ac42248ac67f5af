//! Owns what is derived from the root key: one cipher or key per purpose, so that the root key itself need not be kept.
//!
//! It never uses one derived key for two purposes. Read next: [`super::keyring`].

use zeroize::Zeroize;

use super::cipher::Cipher;
use super::sealing_key::{KeyBytes, RootKey};

const EPOCH_CONTEXT: &str = "latchkeep 2026-11-23 seal v1 epoch key under root key";
const SIGNING_CONTEXT: &str = "latchkeep 2026-11-23 seal v1 signing seed under root key";
const FINGERPRINT_CONTEXT: &str = "latchkeep 2026-11-23 seal v1 fingerprint under root key";

/// What is derived from the root key.
#[derive(Debug)]
pub(super) struct RootCiphers {
    /// Wraps epoch keys.
    pub(super) epoch: Cipher,
    /// Wraps seeds of signing keys.
    pub(super) signing: Cipher,
    fingerprint: KeyBytes,
}

impl RootCiphers {
    /// Derives each of them.
    pub(super) fn derive(root: &RootKey) -> Self {
        let [epoch, signing] =
            [EPOCH_CONTEXT, SIGNING_CONTEXT].map(|context| Cipher::derive(context, root.expose(), b""));
        let fingerprint = KeyBytes::written(|own| {
            let mut hasher = blake3::Hasher::new_derive_key(FINGERPRINT_CONTEXT);
            let mut output = hasher.update(root.expose()).finalize_xof();
            output.fill(own);
            output.zeroize();
            hasher.zeroize();
        });
        Self { epoch, signing, fingerprint }
    }

    /// Gives keyed BLAKE3 over each part's length (8 bytes, big-endian) and bytes, so that parts cannot run into each other.
    pub(super) fn fingerprint(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(self.fingerprint.expose());
        for part in parts {
            hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
        }
        let fingerprint = *hasher.finalize().as_bytes();
        hasher.zeroize();
        fingerprint
    }
}
