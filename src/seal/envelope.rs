//! Owns sealed data: secret data encrypted under the data key of one version, bound to the place where it belongs.
//!
//! It never pads: the length of sealed data tells the length of what it holds, to the byte. Read next:
//! [`super::wrapped_key`], which says where data keys lie.
//!
//! Sealed data, byte by byte:
//!
//! | Offset | Size | Field |
//! |---|---|---|
//! | 0 | 1 | format, 1 |
//! | 1 | 24 | nonce |
//! | 25 | 32 | commitment to the data key |
//! | 57 | n | ciphertext of the encoded secret data ([`super::encoding`]) |
//! | 57 + n | 16 | tag |
//!
//! Associated data, 65 bytes: format, store id (16), secret id (16), version id (16), data key id (16). So sealed data that
//! is moved to another version, secret or store does not open.

use super::cipher::{Cipher, Nonce, NotOpened, OVERHEAD_BYTES};
use super::error::SealError;
use super::random;
use super::sealing_key::DataKey;
use super::secret_bytes::SecretBytes;
use crate::domain::id::{DataKeyId, LogId, SecretId, VersionId};

const FORMAT: u8 = 1;
const CONTEXT: &str = "latchkeep 2026-11-23 seal v1 secret data under data key";

/// Bytes that sealing adds to encoded secret data.
pub(crate) const SEALED_OVERHEAD_BYTES: usize = 1 + OVERHEAD_BYTES;

/// Where sealed data belongs; it opens nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The store, by the id of its log.
    pub(crate) store: LogId,
    /// The secret.
    pub(crate) secret: SecretId,
    /// The version.
    pub(crate) version: VersionId,
    /// The data key that seals it.
    pub(crate) data_key: DataKeyId,
}

impl Place {
    fn bound_to(&self) -> [u8; 65] {
        let mut bytes = [FORMAT; 65];
        let parts = [self.store.as_bytes(), self.secret.as_bytes(), self.version.as_bytes(), self.data_key.as_bytes()];
        for (own, part) in bytes[1..].as_chunks_mut::<16>().0.iter_mut().zip(parts) {
            *own = *part;
        }
        bytes
    }
}

/// Sealed data, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// The sealed bytes.
    pub(crate) bytes: Vec<u8>,
    /// Their digest, which goes into the log.
    pub(crate) digest: [u8; 32],
}

/// Gives the digest of sealed bytes that stands in the log: plain BLAKE3, so that anybody can recompute it.
pub(crate) fn digest(sealed: &[u8]) -> [u8; 32] {
    *blake3::hash(sealed).as_bytes()
}

/// Seals `encoded` for `place`. A data key seals once; this cannot be checked here.
///
/// # Errors
///
/// [`SealError::Random`].
pub(crate) fn seal(key: &DataKey, place: &Place, encoded: &SecretBytes) -> Result<Sealed, SealError> {
    seal_with_nonce(key, place, encoded, &random::array()?)
}

fn seal_with_nonce(key: &DataKey, place: &Place, encoded: &SecretBytes, nonce: &Nonce) -> Result<Sealed, SealError> {
    let held = encoded.expose();
    let mut bytes = Vec::with_capacity(SEALED_OVERHEAD_BYTES.saturating_add(held.len()));
    bytes.push(FORMAT);
    Cipher::derive(CONTEXT, key.expose(), b"")
        .seal(nonce, &place.bound_to(), held, &mut bytes)
        .ok_or(SealError::DataUnreadable)?;
    let digest = digest(&bytes);
    Ok(Sealed { bytes, digest })
}

/// Opens sealed bytes that were sealed for `place`.
///
/// # Errors
///
/// [`SealError::DataFormat`], [`SealError::OtherDataKey`], [`SealError::DataDamaged`].
pub(crate) fn unseal(key: &DataKey, place: &Place, sealed: &[u8]) -> Result<SecretBytes, SealError> {
    let body = match sealed.split_first() {
        Some((&FORMAT, body)) => body,
        Some((&format, _)) => return Err(SealError::DataFormat(format)),
        None => return Err(SealError::DataDamaged),
    };
    let len = Cipher::opened_len(body).ok_or(SealError::DataDamaged)?;
    let cipher = Cipher::derive(CONTEXT, key.expose(), b"");
    SecretBytes::filled(len, |opened| cipher.open(&place.bound_to(), body, opened)).map_err(|why| match why {
        NotOpened::OtherKey => SealError::OtherDataKey,
        NotOpened::Damaged => SealError::DataDamaged,
    })
}
