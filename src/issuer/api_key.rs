//! Owns API keys of the store's own making. A scanner can recognise them in a text, and check them without the store.
//!
//! It never says whether a key is in force, only that it has the form of one. Read next: [`super::certificate`].
//!
//! An API key is 52 characters: `lk_`, 43 characters drawn evenly from the 62 digits and letters (256.03 bits), and 6
//! check characters. These are CRC-32 (ISO-HDLC, as in zip and PNG) of the first 46 characters, in base 62, most
//! significant first, digits before upper-case before lower-case letters. The pattern for scanners:
//! `\blk_[0-9A-Za-z]{49}\b`. The id is not derived from the key.

use super::draw::Draw;
use crate::domain::invalid::Invalid;
use crate::seal::error::SealError;
use crate::seal::random;
use crate::seal::secret_bytes::SecretBytes;

const PREFIX: &[u8; 3] = b"lk_";
const RANDOM_CHARS: usize = 43;
const CHECK_CHARS: usize = 6;
const KEY_CHARS: usize = PREFIX.len() + RANDOM_CHARS + CHECK_CHARS;
const BASE_62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A fresh API key.
#[derive(Debug)]
pub(crate) struct NewApiKey {
    /// The key: secret.
    pub(crate) key: SecretBytes,
    /// Its id, `ApiKey-` and a UUID: names the key without revealing it.
    pub(crate) id: String,
}

/// Makes an API key and its id.
///
/// # Errors
///
/// [`SealError::Random`], [`SealError::NotRandom`].
pub(crate) fn generate() -> Result<NewApiKey, SealError> {
    let key = SecretBytes::filled(KEY_CHARS, |key| {
        let (body, check) = key.split_at_mut(PREFIX.len().saturating_add(RANDOM_CHARS));
        let (prefix, drawn) = body.split_at_mut(PREFIX.len());
        prefix.copy_from_slice(PREFIX);
        Draw::new(random::fill).characters(BASE_62, drawn)?;
        check.copy_from_slice(&check_chars(body));
        Ok::<_, SealError>(())
    })?;
    let id = uuid::Builder::from_random_bytes(random::array()?).into_uuid();
    Ok(NewApiKey { key, id: format!("ApiKey-{id}") })
}

/// Checks that a text has the form of an API key of the built-in issuer, for scanners that look for leaked keys. It
/// does not say whether the key was ever given out.
///
/// ```
/// use latchkeep::{SecretBytes, verify_api_key};
///
/// assert!(verify_api_key(&SecretBytes::copy_from(b"hunter2")).is_err());
/// ```
///
/// # Errors
///
/// [`Invalid`], which says whether the form is wrong or the check characters are (a typing error, or a forgery).
pub fn verify_api_key(key: &SecretBytes) -> Result<(), Invalid> {
    let key = key.expose();
    let formed = key.len() == KEY_CHARS
        && key.strip_prefix(PREFIX).is_some_and(|rest| rest.iter().all(u8::is_ascii_alphanumeric));
    match key.split_last_chunk::<CHECK_CHARS>() {
        Some((body, check)) if formed && *check == check_chars(body) => Ok(()),
        Some(_) if formed => Err(Invalid::new("api key", "has the form of one, but its last 6 characters do not fit")),
        _ => Err(Invalid::new("api key", "takes lk_ and 49 letters and digits")),
    }
}

fn check_chars(body: &[u8]) -> [u8; CHECK_CHARS] {
    let mut rest = crc32(body);
    let mut chars = [b'0'; CHECK_CHARS];
    for char in chars.iter_mut().rev() {
        *char = BASE_62.get((rest % 62) as usize).copied().unwrap_or(b'0');
        rest /= 62;
    }
    chars
}

/// Computes CRC-32/ISO-HDLC, bit by bit: 46 bytes do not need a table.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_is_crc_32() {
        // The check value of the catalogue of CRC algorithms.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_key_has_the_form_that_is_documented() {
        let made = generate().unwrap();
        assert_eq!(made.key.expose().len(), 52);
        assert!(made.key.expose().starts_with(b"lk_"));
        verify_api_key(&made.key).unwrap();
        crate::domain::id::EventId::parse(made.id.strip_prefix("ApiKey-").unwrap()).unwrap();
    }

    #[test]
    fn the_form_is_fixed() {
        let key = format!("lk_{}", "A".repeat(43));
        let key = format!("{key}{}", std::str::from_utf8(&check_chars(key.as_bytes())).unwrap());
        assert_eq!(key, "lk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA4Bow7x");
        verify_api_key(&SecretBytes::from(key)).unwrap();
    }

    #[test]
    fn no_two_keys_are_alike() {
        let [one, two] = [(); 2].map(|()| generate().unwrap());
        assert!(!one.key.equals_in_constant_time(&two.key));
        assert_ne!(one.id, two.id);
    }

    #[test]
    fn one_wrong_character_is_found_wherever_it_is() {
        let made = generate().unwrap();
        for at in 0..made.key.expose().len() {
            let mut typed = made.key.expose().to_vec();
            typed[at] = if typed[at] == b'x' { b'y' } else { b'x' };
            assert!(verify_api_key(&SecretBytes::from(typed)).is_err(), "character {at}");
        }
        for text in ["", "lk_", "lk_\u{e4}", &"x".repeat(52), &format!("lk_{}", "-".repeat(49))] {
            assert!(verify_api_key(&SecretBytes::from(text.to_owned())).unwrap_err().rule().contains("takes lk_"));
        }
    }
}
