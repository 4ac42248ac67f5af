//! Owns the hashes of the log, with a type for each, and their derivation with BLAKE3.
//!
//! The types prevent a comparison of hashes with different meanings. Secret data is never hashed: bodies hold only the
//! hash of sealed bytes. [`super::tree`] makes the hashes of the tree. Read next: [`super::chain`].

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blake3::hazmat::{ContextKey, HasherExt as _};

use crate::domain::id::LogId;
use crate::domain::invalid::Invalid;

macro_rules! hash {
    ($(#[$meta:meta])* $name:ident, $what:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Wraps 32 bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// Returns the 32 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// Reads the 44 characters of its base64 form (RFC 4648, section 4), with padding.
            ///
            /// # Errors
            ///
            /// [`Invalid`] when the text is not exactly the form that [`Self::to_base64`] returns.
            pub fn parse_base64(text: &str) -> Result<Self, Invalid> {
                let mut bytes = [0; 32];
                match STANDARD.decode_slice(text, &mut bytes) {
                    Ok(32) => Ok(Self(bytes)),
                    _ => Err(Invalid::new($what, "is not 32 bytes in base64")),
                }
            }

            /// Returns the base64 form used in exports and checkpoints, 44 characters.
            #[must_use]
            pub fn to_base64(&self) -> String {
                STANDARD.encode(self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

hash!(
    /// The chain value after a record; it covers that record and all before it.
    Head, "chain head"
);
hash!(
    /// The hash of a record's context.
    ContextHash, "context hash"
);
hash!(
    /// The hash of a record's body; it stays when the body is erased.
    BodyHash, "body hash"
);
hash!(
    /// The hash of a subtree of the log's Merkle tree: a leaf, a node, or the root.
    TreeHash, "tree hash"
);

/// Returns the chain value before the first record, which ties the chain to its log.
#[must_use]
pub fn genesis(log_id: &LogId) -> Head {
    Head(derive(&GENESIS_KEY, log_id.as_bytes()))
}

/// Hashes the context of a record.
#[must_use]
pub fn context_hash(context: &[u8]) -> ContextHash {
    ContextHash(derive(&CONTEXT_KEY, context))
}

/// Hashes the body of a record, salt included.
#[must_use]
pub fn body_hash(body: &[u8]) -> BodyHash {
    BodyHash(derive(&BODY_KEY, body))
}

/// Returns the chain value after the record with this header, which holds the value before it.
#[must_use]
pub fn head(header: &[u8; super::header::HEADER_BYTES]) -> Head {
    Head(derive(&RECORD_KEY, header))
}

/// Hashes with BLAKE3 `derive_key`, whose context string is hashed beforehand: that saves a quarter of the cost of a
/// short input.
fn derive(context_key: &ContextKey, material: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new_from_context_key(context_key).update(material).finalize().as_bytes()
}

/// The hash of `latchkeep 2026-11-23 log v1 genesis`.
const GENESIS_KEY: ContextKey = [
    0x97, 0xb6, 0x83, 0x94, 0x11, 0xa0, 0x39, 0xb3, 0x13, 0x8a, 0xe4, 0xb3, 0x4e, 0x44, 0x17, 0xaf, 0x2b, 0xa5, 0x6d,
    0x03, 0x5b, 0x5c, 0xb2, 0xcf, 0xae, 0x28, 0x45, 0x54, 0xe9, 0xc4, 0x58, 0x7f,
];

/// The hash of `latchkeep 2026-11-23 log v1 context`.
const CONTEXT_KEY: ContextKey = [
    0x5c, 0xf0, 0x18, 0x3e, 0xc1, 0x0e, 0xa8, 0x4e, 0xa0, 0x66, 0x9e, 0x94, 0x18, 0x8b, 0xc7, 0x27, 0xd5, 0xd3, 0x86,
    0xcb, 0xb6, 0x7d, 0x65, 0x4d, 0x83, 0xcf, 0x71, 0xc3, 0xb6, 0xa8, 0x61, 0x25,
];

/// The hash of `latchkeep 2026-11-23 log v1 body`.
const BODY_KEY: ContextKey = [
    0xd9, 0x16, 0xfa, 0xed, 0xe4, 0x2f, 0xa4, 0xe7, 0x50, 0x8e, 0x8d, 0x73, 0x8b, 0x87, 0x5a, 0x4f, 0x0e, 0x90, 0xd3,
    0xd7, 0x64, 0x39, 0x17, 0xec, 0xe9, 0x02, 0x22, 0x7c, 0x1b, 0x39, 0x58, 0xd1,
];

/// The hash of `latchkeep 2026-11-23 log v1 record`.
const RECORD_KEY: ContextKey = [
    0xe0, 0x3d, 0x90, 0x5f, 0x60, 0x0e, 0x92, 0x7a, 0xdc, 0xa1, 0xfa, 0x1b, 0x4c, 0xc6, 0x82, 0xc4, 0x43, 0x40, 0xd3,
    0x2d, 0xbe, 0x4f, 0x43, 0x35, 0x36, 0x92, 0x7b, 0x9c, 0x7d, 0xb9, 0x1a, 0xc8,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::golden;

    #[test]
    fn context_keys_are_the_hashes_of_the_context_strings() {
        let strings = [
            "latchkeep 2026-11-23 log v1 genesis",
            "latchkeep 2026-11-23 log v1 context",
            "latchkeep 2026-11-23 log v1 body",
            "latchkeep 2026-11-23 log v1 record",
        ];
        for (string, key) in strings.iter().zip([GENESIS_KEY, CONTEXT_KEY, BODY_KEY, RECORD_KEY]) {
            assert_eq!(blake3::hazmat::hash_derive_key_context(string), key, "{string}");
            assert_eq!(blake3::derive_key(string, b"material"), derive(&key, b"material"), "{string}");
        }
        assert_eq!(golden::texts(golden::vectors().get("contexts").unwrap()), strings);
    }

    #[test]
    fn base64_has_one_form() {
        let hash = TreeHash::from_bytes([0xfb; 32]);
        let text = hash.to_base64();
        assert_eq!(TreeHash::parse_base64(&text), Ok(hash));
        for end in 0..text.len() {
            assert!(TreeHash::parse_base64(&text[..end]).is_err(), "{end}");
        }
        let bits_left_over = format!("{}t=", &text[..42]);
        for other in [text.replace('+', "-"), format!("{text}\n"), format!(" {text}"), bits_left_over] {
            assert!(TreeHash::parse_base64(&other).is_err(), "{other:?}");
        }
        assert_eq!(TreeHash::parse_base64("").unwrap_err().to_string(), "tree hash is not 32 bytes in base64");
    }
}
