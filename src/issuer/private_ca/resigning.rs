//! Owns the name under which an authority signs: the exact bytes of its own certificate, with all its attributes.
//!
//! The library that writes certificates treats names as a map of attributes. It writes a placeholder, and this module
//! replaces that by the name, before the last signature. Read next: [`super::authority`].

use rcgen::{KeyPair, SigningKey as _};

use crate::issuer::der::{BIT_STRING, SEQUENCE, element, split, take, whole};

/// Puts the issuer's name into a certificate or a revocation list, DER, and signs it with the key that signed it
/// before. `name` is an element of its own. Returns `None` when the bytes are neither, or the key does not sign.
pub(super) fn signed_as(signed: &[u8], name: &[u8], key: &KeyPair) -> Option<Vec<u8>> {
    let parts = whole(SEQUENCE, signed)?;
    let (content, rest) = take(SEQUENCE, parts)?;
    // After the content: the algorithm of the signature, then the signature.
    let algorithm = rest.get(..rest.len().checked_sub(split(rest)?.2.len())?)?;
    let content = renamed(content, name)?;
    let signature = key.sign(&content).ok()?;
    let signature = element(BIT_STRING, &[&[0], &signature])?;
    element(SEQUENCE, &[&content, algorithm, &signature]).map(|der| der.to_vec())
}

/// Exchanges the issuer's name: the second sequence in the content of either (RFC 5280, 4.1 and 5.1), after the
/// algorithm.
fn renamed(content: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    let (mut rest, mut sequences) = (content, 0);
    loop {
        let (tag, _, left) = split(rest)?;
        if tag == SEQUENCE {
            sequences += 1;
        }
        if sequences == 2 {
            let before = content.get(..content.len().checked_sub(rest.len())?)?;
            return element(SEQUENCE, &[before, name, left]).map(|der| der.to_vec());
        }
        rest = left;
    }
}
