//! Owns the keys derived from the root key: one cipher or key per purpose, so that the root key itself need not be
//! kept.
//!
//! It never uses one derived key for two purposes. Read next: [`super::keyring`].

use std::sync::Arc;

use zeroize::Zeroize;

use super::cipher::Cipher;
use super::sealing_key::{KeyBytes, RootKey};
use crate::domain::id::LogId;

const EPOCH_CONTEXT: &str = "latchkeep 2026-11-23 seal v1 epoch key under root key";
const SIGNING_CONTEXT: &str = "latchkeep 2026-11-23 seal v1 signing seed under root key";
const ROWS_CONTEXT: &str = "latchkeep 2026-11-27 rows v1 derived rows under root key";
const FINGERPRINT_CONTEXT: &str = "latchkeep 2026-11-23 seal v1 fingerprint under root key";

/// The key for the tags of rows that are derived from the log.
#[derive(Debug)]
pub(crate) struct RowsKey(KeyBytes);

impl RowsKey {
    /// Returns the bytes, for the tags of rows.
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

/// The ciphers and keys derived from the root key.
#[derive(Debug)]
pub(super) struct RootCiphers {
    /// Wraps epoch keys.
    pub(super) epoch: Cipher,
    /// Wraps seeds of signing keys.
    pub(super) signing: Cipher,
    fingerprint: KeyBytes,
    /// Makes the tags of rows that are derived from the log of one store.
    pub(super) rows: Arc<RowsKey>,
}

impl RootCiphers {
    /// Derives all of them.
    pub(super) fn derive(root: &RootKey, store: LogId) -> Self {
        let [epoch, signing] =
            [EPOCH_CONTEXT, SIGNING_CONTEXT].map(|context| Cipher::derive(context, root.expose(), b""));
        let fingerprint = derived(FINGERPRINT_CONTEXT, root, b"");
        let rows = Arc::new(RowsKey(derived(ROWS_CONTEXT, root, store.as_bytes())));
        Self { epoch, signing, fingerprint, rows }
    }

    /// Returns keyed BLAKE3 over each part's length (8 bytes, big-endian) and bytes, so that parts cannot run into each
    /// other.
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

/// Derives a key from the root key and the bytes that it is bound to.
fn derived(context: &'static str, root: &RootKey, bound_to: &[u8]) -> KeyBytes {
    KeyBytes::written(|own| {
        let mut hasher = blake3::Hasher::new_derive_key(context);
        let mut output = hasher.update(root.expose()).update(bound_to).finalize_xof();
        output.fill(own);
        output.zeroize();
        hasher.zeroize();
    })
}
