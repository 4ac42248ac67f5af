//! Owns sealed data: secret data encrypted under the data key of one version, bound to its place.
//!
//! It never pads: the length of sealed data reveals the length of its content, to the byte. Read next:
//! [`super::wrapped_key`], which says where data keys are stored.
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
//! Associated data, 65 bytes: format, store id (16), secret id (16), version id (16), data key id (16). So sealed data
//! does not open in another version, secret or store.

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

/// The place of sealed data; it opens in no other.
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

/// Returns the digest of sealed bytes for the log: plain BLAKE3, so that anyone can recompute it.
pub(crate) fn digest(sealed: &[u8]) -> [u8; 32] {
    *blake3::hash(sealed).as_bytes()
}

/// Seals `encoded` for `place`. A data key may seal only once; this function cannot check that.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::testing::{DATA_KEY, SECRET, STORE, VERSION, hex, key, nonce};

    const PLACE: Place = Place { store: STORE, secret: SECRET, version: VERSION, data_key: DATA_KEY };

    fn sealed() -> Sealed {
        let encoded = SecretBytes::copy_from(b"\x01\x01\x01\0\0\0\x06canary");
        seal_with_nonce(&DataKey::new(key()), &PLACE, &encoded, &nonce()).unwrap()
    }

    #[test]
    fn sealed_bytes_are_golden() {
        let sealed = sealed();
        let golden = concat!(
            "01404142434445464748494a4b4c4d4e4f505152535455565782b15e90f445f3d80a0b8661b206ae671f0b66788639d3",
            "f3b291986d677b7583b21a0a2a5ea9758828c9b2b7e60e3cc118c01edb8769c732d5d817a16e",
        );
        assert_eq!(hex(&sealed.bytes), golden);
        assert_eq!(hex(&sealed.digest), "df0542b9b704a83fa5966fee95c85880d31b5f6238dd64090da0211b5b8b84fc");
        assert_eq!(sealed.bytes.len(), SEALED_OVERHEAD_BYTES + 13);
    }

    #[test]
    fn sealed_data_opens_in_its_own_place_only() {
        let (key, sealed) = (DataKey::new(key()), sealed());
        assert!(unseal(&key, &PLACE, &sealed.bytes).unwrap().expose().ends_with(b"canary"));
        for elsewhere in [
            Place { store: LogId::from_bytes([9; 16]), ..PLACE },
            Place { secret: SecretId::from_bytes([9; 16]), ..PLACE },
            Place { version: VersionId::from_bytes([9; 16]), ..PLACE },
            Place { data_key: DataKeyId::from_bytes([9; 16]), ..PLACE },
        ] {
            assert!(matches!(unseal(&key, &elsewhere, &sealed.bytes), Err(SealError::DataDamaged)), "{elsewhere:?}");
        }
    }

    #[test]
    fn damage_a_wrong_key_and_a_later_format_are_told_apart() {
        let (key, Sealed { bytes, .. }) = (DataKey::new(key()), sealed());
        let opened = |bytes: &[u8]| unseal(&key, &PLACE, bytes).map(drop);
        assert!(matches!(unseal(&DataKey::random().unwrap(), &PLACE, &bytes), Err(SealError::OtherDataKey)));
        assert!(matches!(opened(&[&[2], &bytes[1..]].concat()), Err(SealError::DataFormat(2))));
        for at in 1..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 0x10;
            assert!(matches!(opened(&bad), Err(SealError::DataDamaged | SealError::OtherDataKey)), "byte {at}");
        }
        for len in 0..bytes.len() {
            assert!(matches!(opened(&bytes[..len]), Err(SealError::DataDamaged)), "length {len}");
        }
        assert!(opened(&[bytes.as_slice(), &[0]].concat()).is_err());
    }

    #[test]
    fn no_two_sealings_are_alike() {
        let encoded = SecretBytes::copy_from(b"canary");
        let [one, two] = [(); 2].map(|()| seal(&DataKey::new(key()), &PLACE, &encoded).unwrap());
        assert_ne!(one.bytes, two.bytes);
        assert_eq!(one.digest, digest(&one.bytes));
    }
}
