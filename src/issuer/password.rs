//! Owns generated passwords: every password that fits the rules is as likely as any other.
//!
//! It never places a character of a class by hand, which would make some passwords likelier: a draw that lacks a class is
//! thrown away whole. Read next: [`super::api_key`].

use super::draw::Draw;
use crate::domain::invalid::Invalid;
use crate::domain::limits::{PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN};
use crate::domain::secret::PasswordPolicy;
use crate::seal::error::SealError;
use crate::seal::random;
use crate::seal::secret_bytes::SecretBytes;

const LOWERCASE: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const UPPERCASE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &[u8] = b"0123456789";
/// No quotes, backslash, dollar, ampersand, brackets or spaces: a password is pasted into shells, files and templates.
const SYMBOLS: &[u8] = b"!#%*+,-./:=?@^_~";

/// Draws of a whole password: the shortest with all classes is thrown away less than half of the time.
const DRAWS_MAX: u32 = 256;

/// Generates a password.
///
/// # Errors
///
/// [`SealError::Invalid`] when the length is out of bounds; [`SealError::Random`], [`SealError::NotRandom`].
pub(crate) fn generate(rules: PasswordPolicy) -> Result<SecretBytes, SealError> {
    draw(rules, random::fill)
}

fn draw(rules: PasswordPolicy, fill: impl FnMut(&mut [u8]) -> Result<(), SealError>) -> Result<SecretBytes, SealError> {
    if !(PASSWORD_LENGTH_MIN..=PASSWORD_LENGTH_MAX).contains(&rules.length) {
        return Err(Invalid::new("password length", "takes 12 to 256 characters").into());
    }
    let classes: Vec<&[u8]> = [
        (true, LOWERCASE),
        (rules.include_uppercase, UPPERCASE),
        (rules.include_digits, DIGITS),
        (rules.include_symbols, SYMBOLS),
    ]
    .into_iter()
    .filter_map(|(wanted, class)| wanted.then_some(class))
    .collect();
    let alphabet = classes.concat();
    let mut source = Draw::new(fill);
    SecretBytes::filled(rules.length.into(), |password| {
        for _ in 0..DRAWS_MAX {
            source.characters(&alphabet, password)?;
            if classes.iter().all(|class| password.iter().any(|char| class.contains(char))) {
                return Ok(());
            }
        }
        Err(SealError::NotRandom)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(length: u16, classes: [bool; 3]) -> PasswordPolicy {
        let [include_digits, include_symbols, include_uppercase] = classes;
        PasswordPolicy { length, include_digits, include_symbols, include_uppercase }
    }

    #[test]
    fn a_password_has_each_class_asked_for_and_no_other() {
        for case in 0..8_u8 {
            let classes = [case & 1 != 0, case & 2 != 0, case & 4 != 0];
            for length in [12, 32, 256] {
                let password = generate(rules(length, classes)).unwrap();
                let has = |class: &[u8]| password.expose().iter().any(|char| class.contains(char));
                assert_eq!(password.expose().len(), usize::from(length));
                assert!(has(LOWERCASE));
                assert_eq!([has(DIGITS), has(SYMBOLS), has(UPPERCASE)], classes, "length {length}");
            }
        }
    }

    #[test]
    fn lengths_outside_the_bounds_are_refused() {
        for length in [0, 11, 257, u16::MAX] {
            assert!(matches!(generate(rules(length, [true; 3])), Err(SealError::Invalid(_))), "{length}");
        }
    }

    #[test]
    fn the_default_is_32_characters_of_all_classes() {
        assert_eq!(PasswordPolicy::default(), rules(32, [true; 3]));
        let [one, two] = [(); 2].map(|()| generate(PasswordPolicy::default()).unwrap());
        assert!(!one.equals_in_constant_time(&two));
    }

    #[test]
    fn a_draw_without_a_class_is_thrown_away_whole() {
        // First 12 bytes of zeros: only lower-case letters, so the whole draw goes. Then bytes that count up: all classes.
        let mut calls = 0_u8;
        let password = draw(rules(12, [true; 3]), |bytes| {
            for (at, byte) in (0_u8..).zip(bytes) {
                *byte = if calls == 0 && at < 12 { 0 } else { at.wrapping_mul(13) };
            }
            calls += 1;
            Ok(())
        })
        .unwrap();
        assert!(!password.expose().starts_with(b"aa"));
    }

    #[test]
    fn a_source_that_is_stuck_is_an_error() {
        let stuck = draw(PasswordPolicy::default(), |bytes| {
            bytes.fill(0);
            Ok(())
        });
        assert!(matches!(stuck, Err(SealError::NotRandom)));
    }
}
