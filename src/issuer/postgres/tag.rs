//! Owns the names of roles that are made per version: store and rotation can be read from them.
//!
//! `lk_`, the store's id, `_`, the rotation's id, each in 26 characters of base 32 (RFC 4648, lower case): 56 bytes.
//! The objects that such a role left behind belong to `lkleft_` and the rest of its name.

use super::identifier::SqlIdentifier;
use crate::domain::id::{LogId, RotationId};

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const PREFIX: &str = "lk_";
const LEFT_PREFIX: &str = "lkleft_";
const ID_CHARS: usize = 26;

/// Returns the common prefix of the names of all roles of a store.
pub(super) fn prefix(store: LogId) -> String {
    format!("{PREFIX}{}_", encode(store.as_bytes()))
}

/// Returns the name of the role of a rotation.
pub(super) fn name(store: LogId, rotation: RotationId) -> Option<SqlIdentifier> {
    SqlIdentifier::parse(&format!("{}{}", prefix(store), encode(rotation.as_bytes()))).ok()
}

/// Reads the rotation from the name of a role of this store; `None` when it is not one.
pub(super) fn rotation(store: LogId, name: &str) -> Option<RotationId> {
    decode(name.strip_prefix(&prefix(store))?).map(RotationId::from_bytes)
}

/// Returns the name of the role that owns the objects that a role of ours left behind.
pub(super) fn left_by(role: &SqlIdentifier) -> Option<SqlIdentifier> {
    SqlIdentifier::parse(&format!("{LEFT_PREFIX}{}", role.as_str().strip_prefix(PREFIX)?)).ok()
}

fn encode(id: &[u8; 16]) -> String {
    let number = u128::from_be_bytes(*id);
    (0..ID_CHARS)
        .rev()
        .map(|place| {
            let digit = number.checked_shr(u32::try_from(place * 5).unwrap_or(0)).unwrap_or(0) & 31;
            char::from(ALPHABET.get(usize::try_from(digit).unwrap_or(0)).copied().unwrap_or(b'a'))
        })
        .collect()
}

fn decode(text: &str) -> Option<[u8; 16]> {
    if text.len() != ID_CHARS {
        return None;
    }
    let mut number = 0_u128;
    for char in text.bytes() {
        let digit = u128::try_from(ALPHABET.iter().position(|known| *known == char)?).ok()?;
        // The first character has only the upper three bits.
        number = number.checked_mul(32)?.checked_add(digit)?;
    }
    Some(number.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_and_come_back() {
        for (store, id) in [([0; 16], [0; 16]), ([255; 16], [255; 16]), (*b"0123456789abcdef", *b"fedcba9876543210")] {
            let (store, id) = (LogId::from_bytes(store), RotationId::from_bytes(id));
            let name = name(store, id).unwrap();
            assert_eq!(name.as_str().len(), 56);
            let left = left_by(&name).unwrap();
            assert!(left.as_str().starts_with("lkleft_") && super::rotation(store, left.as_str()).is_none());
            assert_eq!(rotation(store, name.as_str()), Some(id));
            assert_eq!(rotation(LogId::from_bytes([1; 16]), name.as_str()), None);
        }
    }

    #[test]
    fn other_names_are_not_taken_for_ours() {
        let store = LogId::from_bytes([7; 16]);
        let prefix = prefix(store);
        for name in
            ["", "postgres", &prefix, &format!("{prefix}{}", "a".repeat(25)), &format!("{prefix}{}", "A".repeat(26))]
        {
            assert_eq!(rotation(store, name), None, "{name}");
        }
        // More than 128 bits.
        assert_eq!(rotation(store, &format!("{prefix}{}", "7".repeat(26))), None);
    }
}
