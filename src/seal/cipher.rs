//! Owns the only construction that seals anything in this store: XChaCha20-Poly1305 that commits to its key.
//!
//! *Construction.* From a key and a context string, BLAKE3's key derivation mode derives 64 bytes: 32 to encrypt with,
//! and 32 that are the *commitment*. The commitment is stored in the clear and compared, in constant time, before
//! anything is decrypted. *Standards.* XChaCha20-Poly1305 as in draft-irtf-cfrg-xchacha-03; `derive_key` as in the
//! BLAKE3 paper, section 2.3; the commitment after Albertini et al., "How to Abuse and Fix Authenticated Encryption
//! Without Key Commitment", USENIX Security 2022, section 5.3. *Misuse guarded.* Without the commitment, one ciphertext
//! can be made to open under two keys, so an attacker could test many passphrases of a slot at once. The commitment
//! also distinguishes a wrong key from damage. A nonce is 24 random bytes; only tests choose it.
//!
//! Bytes made: 24 nonce, 32 commitment, the ciphertext (as long as its content, so the length is visible), 16 tag.
//!
//! Speed: on x86-64 the AVX2 code of `poly1305` 0.9, chosen at run time, takes some 0.9 microseconds longer per message
//! of a hundred bytes than its plain code. A build with `--cfg poly1305_backend="soft"` among the compiler's flags, or
//! for `x86-64-v3`, reads twice as fast; the bytes are the same.
//!
//! It never decides what goes into the associated data: each caller does, with a fixed layout. Read next:
//! [`super::envelope`].

use std::fmt;

use chacha20poly1305::{AeadInOut, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::sealing_key::KEY_BYTES;

/// Bytes of the nonce.
pub(crate) const NONCE_BYTES: usize = 24;
/// Bytes of the commitment.
pub(crate) const COMMITMENT_BYTES: usize = 32;
/// Bytes of the tag.
pub(crate) const TAG_BYTES: usize = 16;
/// Bytes that sealing adds.
pub(crate) const OVERHEAD_BYTES: usize = NONCE_BYTES + COMMITMENT_BYTES + TAG_BYTES;

/// 24 random bytes, used for only one sealing.
pub(crate) type Nonce = [u8; NONCE_BYTES];

/// The reason why bytes do not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotOpened {
    /// They were sealed under another key, or the stored commitment is damaged.
    OtherKey,
    /// The key is right; the bytes, or the data they are bound to, are not.
    Damaged,
}

/// A key ready for use: the half that encrypts and the half that commits. Wiped when dropped.
pub(crate) struct Cipher(Box<[u8; KEY_BYTES + COMMITMENT_BYTES]>);

impl Cipher {
    /// Derives the two halves from a key, for one purpose. `salt` is hashed after the key; its length is fixed per
    /// purpose.
    pub(crate) fn derive(context: &'static str, key: &[u8; KEY_BYTES], salt: &[u8]) -> Self {
        let mut halves = Self(Box::new([0; KEY_BYTES + COMMITMENT_BYTES]));
        let mut hasher = blake3::Hasher::new_derive_key(context);
        hasher.update(key).update(salt);
        let mut output = hasher.finalize_xof();
        output.fill(&mut *halves.0);
        output.zeroize();
        hasher.zeroize();
        halves
    }

    /// Appends nonce, commitment, ciphertext and tag to `out`. Returns `None` only beyond 256 GiB.
    pub(crate) fn seal(&self, nonce: &Nonce, bound_to: &[u8], bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
        out.reserve_exact(OVERHEAD_BYTES.checked_add(bytes.len())?);
        out.extend_from_slice(nonce);
        out.extend_from_slice(self.commitment());
        let start = out.len();
        out.extend_from_slice(bytes);
        let body = out.get_mut(start..)?;
        let tag = self.aead().encrypt_inout_detached(&XNonce::from(*nonce), bound_to, body.into());
        let Ok(tag) = tag else {
            body.zeroize();
            return None;
        };
        out.extend_from_slice(&tag);
        Some(())
    }

    /// Opens what [`seal`](Self::seal) made into `opened`, which must have the length of the content.
    pub(crate) fn open(&self, bound_to: &[u8], sealed: &[u8], opened: &mut [u8]) -> Result<(), NotOpened> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(NotOpened::Damaged)?;
        let (commitment, rest) = rest.split_first_chunk::<COMMITMENT_BYTES>().ok_or(NotOpened::Damaged)?;
        let (body, tag) = rest.split_last_chunk::<TAG_BYTES>().ok_or(NotOpened::Damaged)?;
        if body.len() != opened.len() {
            return Err(NotOpened::Damaged);
        }
        if !bool::from(commitment.ct_eq(self.commitment())) {
            return Err(NotOpened::OtherKey);
        }
        opened.copy_from_slice(body);
        self.aead()
            .decrypt_inout_detached(&XNonce::from(*nonce), bound_to, opened.into(), &Tag::from(*tag))
            .map_err(|_| NotOpened::Damaged)
    }

    /// Returns the length of the content of sealed bytes; `None` when they are too short.
    pub(crate) fn opened_len(sealed: &[u8]) -> Option<usize> {
        sealed.len().checked_sub(OVERHEAD_BYTES)
    }

    fn aead(&self) -> XChaCha20Poly1305 {
        let (key, _) = self.halves();
        XChaCha20Poly1305::new(key.into())
    }

    fn commitment(&self) -> &[u8] {
        self.halves().1
    }

    fn halves(&self) -> (&[u8; KEY_BYTES], &[u8]) {
        self.0.split_first_chunk().expect("64 bytes have a first half")
    }
}

impl Drop for Cipher {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cipher(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: &str = "latchkeep 2026-11-23 seal v1 test";

    fn sealed(key: u8) -> (Cipher, Vec<u8>) {
        let cipher = Cipher::derive(CONTEXT, &[key; 32], b"");
        let mut out = Vec::new();
        cipher.seal(&[9; 24], b"here", b"canary", &mut out).unwrap();
        (cipher, out)
    }

    #[track_caller]
    fn open(cipher: &Cipher, bound_to: &[u8], bytes: &[u8]) -> Result<Vec<u8>, NotOpened> {
        let mut opened = vec![0; Cipher::opened_len(bytes).unwrap_or(0)];
        cipher.open(bound_to, bytes, &mut opened).map(|()| opened)
    }

    #[test]
    fn what_was_sealed_opens_in_its_place_only() {
        let (cipher, bytes) = sealed(1);
        assert_eq!(bytes.len(), OVERHEAD_BYTES + 6);
        assert_eq!(open(&cipher, b"here", &bytes).unwrap(), b"canary");
        assert_eq!(open(&cipher, b"there", &bytes), Err(NotOpened::Damaged));
    }

    #[test]
    fn another_key_is_told_apart_from_damage() {
        let (_, bytes) = sealed(1);
        let (other, _) = sealed(2);
        assert_eq!(open(&other, b"here", &bytes), Err(NotOpened::OtherKey));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let (cipher, bytes) = sealed(1);
        for at in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[at / 8] ^= 1 << (at % 8);
            assert!(open(&cipher, b"here", &bad).is_err(), "bit {at}");
        }
        for len in 0..bytes.len() {
            assert!(open(&cipher, b"here", &bytes[..len]).is_err(), "length {len}");
        }
    }

    #[test]
    fn a_failed_opening_leaves_no_plaintext_behind() {
        let (cipher, mut bytes) = sealed(1);
        *bytes.last_mut().unwrap() ^= 1;
        let mut opened = [0; 6];
        assert!(cipher.open(b"here", &bytes, &mut opened).is_err());
        assert_ne!(&opened, b"canary");
    }

    #[test]
    fn salt_and_context_give_other_keys() {
        let (_, bytes) = sealed(1);
        for other in [Cipher::derive(CONTEXT, &[1; 32], b"salt"), Cipher::derive("another", &[1; 32], b"")] {
            assert_eq!(open(&other, b"here", &bytes), Err(NotOpened::OtherKey));
        }
    }
}
