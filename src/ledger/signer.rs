//! Owns the signing keys of notes: their names, their ids, and their text form for verifiers (C2SP signed-note).
//!
//! Only Ed25519 is known (signature type 1); witnesses have keys of their own kind, in [`super::witness`]. This module
//! never generates a signing key, and never shows one. Read next: [`super::note`].

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

use crate::domain::invalid::Invalid;

/// Bytes of a signer's name, at most; an origin of ours has 46.
pub const SIGNER_NAME_BYTES_MAX: usize = 255;

/// The first 4 bytes of a hash over a signer's name and public key. It distinguishes keys, and proves nothing.
pub type KeyId = [u8; 4];

/// A signer of notes: a name, and an Ed25519 signing key, which is wiped on drop.
pub struct NoteSigner {
    verifier_key: VerifierKey,
    signing_key: SigningKey,
}

impl NoteSigner {
    /// Takes a name, and the 32 bytes of seed that are an Ed25519 private key (RFC 8032, section 5.1.5).
    ///
    /// # Errors
    ///
    /// [`Invalid`] when the name is empty, longer than 255 bytes, or has white space, a control character or a plus.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Self, Invalid> {
        let signing_key = SigningKey::from_bytes(seed);
        let verifier_key = VerifierKey::new(name, signing_key.verifying_key())?;
        Ok(Self { verifier_key, signing_key })
    }

    /// Returns the key that checks this signer's signatures.
    #[must_use]
    pub const fn verifier_key(&self) -> &VerifierKey {
        &self.verifier_key
    }

    /// Signs the text of a note.
    pub(super) fn sign(&self, text: &str) -> [u8; 64] {
        self.signing_key.sign(text.as_bytes()).to_bytes()
    }
}

impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoteSigner({})", self.verifier_key)
    }
}

/// A key that checks the signatures of one signer: a name, and an Ed25519 public key.
///
/// ```
/// use latchkeep::ledger::VerifierKey;
///
/// let text = "latchkeep.log/000102030405060708090a0b0c0d0e0f+aefeaf07+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
/// let key = VerifierKey::parse(text)?;
/// assert_eq!(key.name(), "latchkeep.log/000102030405060708090a0b0c0d0e0f");
/// assert_eq!(key.to_string(), text);
/// assert!(VerifierKey::parse(&text.replace("aefeaf07", "aefeaf08")).is_err());
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    key_id: KeyId,
    public_key: VerifyingKey,
}

impl VerifierKey {
    fn new(name: &str, public_key: VerifyingKey) -> Result<Self, Invalid> {
        if !is_signer_name(name) {
            return Err(Invalid::new(
                "signer name",
                "takes 1 to 255 bytes without white space, control character or plus",
            ));
        }
        if public_key.is_weak() {
            return Err(Invalid::new(FIELD, "has a public key under which anything could be signed"));
        }
        Ok(Self { name: name.to_owned(), key_id: key_id(name, ED25519, public_key.as_bytes()), public_key })
    }

    /// Reads the text form: name, key id in 8 lower-case hexadecimal digits, and base64 of a one byte and the public
    /// key, joined by plus signs.
    ///
    /// # Errors
    ///
    /// [`Invalid`] when the text is not exactly the printed form, when the key id is that of another key, or when the
    /// public key is invalid.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(key_id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Invalid::new(FIELD, "has not three parts, joined by plus signs"));
        };
        let mut typed = [0; 33];
        let public_key = match (STANDARD.decode_slice(encoded, &mut typed), &typed) {
            (Ok(33), [ED25519, public_key @ ..]) => VerifyingKey::from_bytes(public_key).ok(),
            _ => None,
        };
        let public_key = public_key.ok_or_else(|| Invalid::new(FIELD, "holds no Ed25519 public key in base64"))?;
        let key = Self::new(name, public_key)?;
        if hex(key.key_id) == key_id { Ok(key) } else { Err(Invalid::new(FIELD, "has the key id of another key")) }
    }

    /// Returns the signer's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the key id.
    #[must_use]
    pub const fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// Returns the 32 bytes of the public key (RFC 8032, section 5.1.5).
    #[must_use]
    pub fn public_key(&self) -> &[u8; 32] {
        self.public_key.as_bytes()
    }

    /// Returns whether a signature line names this key: name and key id together.
    pub(super) fn is_named(&self, name: &str, key_id: KeyId) -> bool {
        self.name == name && self.key_id == key_id
    }

    /// Checks a signature strictly: no weak keys, no second encoding of the same signature.
    pub(super) fn verify(&self, text: &str, signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.public_key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let typed: Vec<u8> = [ED25519].into_iter().chain(*self.public_key.as_bytes()).collect();
        write!(f, "{}+{}+{}", self.name, hex(self.key_id), STANDARD.encode(typed))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::parse(text)
    }
}

/// Returns whether a text is a valid name of a signer.
pub(super) fn is_signer_name(name: &str) -> bool {
    let barred = |char: char| char.is_whitespace() || char.is_control() || char == '+';
    (1..=SIGNER_NAME_BYTES_MAX).contains(&name.len()) && !name.contains(barred)
}

/// Returns the key id of a public key of some signature type under a name.
pub(super) fn key_id(name: &str, signature_type: u8, public_key: &[u8]) -> KeyId {
    let hasher = Sha256::new().chain_update(name).chain_update([b'\n', signature_type]).chain_update(public_key);
    let [first, second, third, fourth, ..] = <[u8; 32]>::from(hasher.finalize());
    [first, second, third, fourth]
}

/// Returns a key id in hexadecimal, as in verifier keys.
pub(super) fn hex(key_id: KeyId) -> String {
    format!("{:08x}", u32::from_be_bytes(key_id))
}

const FIELD: &str = "verifier key";
const ED25519: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn signer() -> NoteSigner {
        NoteSigner::new("example.com/log", &[7; 32]).unwrap()
    }

    #[test]
    fn every_changed_character_of_a_verifier_key_is_refused() {
        let text = signer().verifier_key().to_string();
        assert_eq!(VerifierKey::parse(&text).as_ref(), Ok(signer().verifier_key()));
        for at in 0..text.len() {
            assert!(VerifierKey::parse(&text[..at]).is_err());
            for byte in (0x20..0x7f).filter(|byte| *byte != text.as_bytes()[at]) {
                let mut changed = text.clone().into_bytes();
                changed[at] = byte;
                assert!(VerifierKey::parse(std::str::from_utf8(&changed).unwrap()).is_err(), "{changed:?}");
            }
        }
        for longer in [format!("{text}="), format!("{text}+"), format!(" {text}"), format!("{text}\n")] {
            assert!(VerifierKey::parse(&longer).is_err());
        }
    }

    #[test]
    fn keys_under_which_anything_could_be_signed_are_refused() {
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let typed = [[ED25519].as_slice(), &neutral].concat();
        let text = format!("name+{}+{}", hex(key_id("name", ED25519, &neutral)), STANDARD.encode(typed));
        let rule = "has a public key under which anything could be signed";
        assert_eq!(VerifierKey::parse(&text).unwrap_err().rule(), rule);
    }

    #[test]
    fn names_are_held_to_the_format() {
        let longest = "n".repeat(255);
        for name in ["a", "latchkeep.log/00", "\u{e4}", &longest] {
            assert!(NoteSigner::new(name, &[1; 32]).is_ok(), "{name:?}");
        }
        for name in ["", "a b", "a+b", "a\n", "a\u{a0}b", "a\u{2003}b", "a\u{7f}", &format!("{longest}n")] {
            assert!(NoteSigner::new(name, &[1; 32]).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_signing_key_is_never_shown() {
        assert_eq!(format!("{:?}", signer()), format!("NoteSigner({})", signer().verifier_key()));
    }
}
