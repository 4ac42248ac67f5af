//! The work of sealing 100 bytes, for the contestants that have no sealing of their own: a fresh data key, derived,
//! sealing the data; the data key sealed under another; a digest of what was sealed.

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

/// Sealed data, with what has to be stored beside it.
pub(crate) struct Sealed {
    pub(crate) id: [u8; 16],
    pub(crate) wrapped: Vec<u8>,
    pub(crate) data: Vec<u8>,
    pub(crate) digest: [u8; 32],
}

/// Seals data under a fresh key.
pub(crate) fn seal(data: &[u8]) -> Sealed {
    let key: [u8; 32] = random();
    let id: [u8; 16] = random();
    let data = sealed(&key, &id, data);
    Sealed { wrapped: sealed(&[7; 32], &id, &key), digest: *blake3::hash(&data).as_bytes(), id, data }
}

fn sealed(key: &[u8; 32], bound_to: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut halves = [0; 64];
    let mut hasher = blake3::Hasher::new_derive_key("latchkeep bench");
    hasher.update(key).finalize_xof().fill(&mut halves);
    let (key, commitment) = halves.split_first_chunk::<32>().expect("64 bytes have a first half");
    let nonce: [u8; 24] = random();
    let mut out = [&nonce[..], commitment, bytes].concat();
    let body = &mut out[24 + commitment.len()..];
    let cipher = XChaCha20Poly1305::new(key.into());
    let tag = cipher.encrypt_inout_detached(&XNonce::from(nonce), bound_to, body.into()).expect("it is short");
    out.extend_from_slice(&tag);
    out
}

/// Draws bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    bytes
}
