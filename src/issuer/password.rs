//! Owns generated passwords: all passwords that fit the rules are equally likely.
//!
//! It never places a character of a class by hand, which would make some passwords likelier: a draw that lacks a class
//! is discarded as a whole. Read next: [`super::api_key`].

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

/// Draws of a whole password, at most: the shortest with all classes is discarded less than half of the time.
const DRAWS_MAX: u32 = 256;

/// Generates a password that begins with a letter and contains none of the excluded ASCII characters.
///
/// # Errors
///
/// As [`generate`]; also [`SealError::Invalid`] when a class of characters would be empty.
pub(crate) fn generate_without(
    rules: PasswordPolicy,
    excluded: &str,
    letter_first: bool,
) -> Result<SecretBytes, SealError> {
    draw(rules, &Narrowed { excluded: excluded.as_bytes(), letter_first }, random::fill)
}

/// Restrictions beyond the rules.
#[derive(Default)]
struct Narrowed<'a> {
    excluded: &'a [u8],
    letter_first: bool,
}

/// Generates a password.
///
/// # Errors
///
/// [`SealError::Invalid`] when the length is out of bounds; [`SealError::Random`], [`SealError::NotRandom`].
pub(crate) fn generate(rules: PasswordPolicy) -> Result<SecretBytes, SealError> {
    draw(rules, &Narrowed::default(), random::fill)
}

fn draw(
    rules: PasswordPolicy,
    narrowed: &Narrowed<'_>,
    fill: impl FnMut(&mut [u8]) -> Result<(), SealError>,
) -> Result<SecretBytes, SealError> {
    if !(PASSWORD_LENGTH_MIN..=PASSWORD_LENGTH_MAX).contains(&rules.length) {
        return Err(Invalid::new("password length", "takes 12 to 256 characters").into());
    }
    let left =
        |class: &[u8]| class.iter().copied().filter(|char| !narrowed.excluded.contains(char)).collect::<Vec<_>>();
    let classes: Vec<Vec<u8>> = [
        (true, LOWERCASE),
        (rules.include_uppercase, UPPERCASE),
        (rules.include_digits, DIGITS),
        (rules.include_symbols, SYMBOLS),
    ]
    .into_iter()
    .filter(|(wanted, _)| *wanted)
    .map(|(_, class)| left(class))
    .collect();
    if classes.iter().any(Vec::is_empty) {
        return Err(Invalid::new("password characters", "leave none of a class that the password takes").into());
    }
    let (alphabet, mut source) = (classes.concat(), Draw::new(fill));
    SecretBytes::filled(rules.length.into(), |password| {
        for _ in 0..DRAWS_MAX {
            source.characters(&alphabet, password)?;
            let begins = !narrowed.letter_first || password.first().is_some_and(u8::is_ascii_alphabetic);
            if begins && classes.iter().all(|class| password.iter().any(|char| class.contains(char))) {
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
        // First 12 zero bytes: only lower-case letters, so the whole draw is discarded. Then bytes that count up: all
        // classes.
        let mut calls = 0_u8;
        let password = draw(rules(12, [true; 3]), &Narrowed::default(), |bytes| {
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
    fn excluded_characters_are_in_no_password_and_the_first_can_be_a_letter() {
        const UNFIT_FOR_URLS: &str = "@/:?#%";
        for _ in 0..400 {
            let password = generate_without(rules(12, [true; 3]), UNFIT_FOR_URLS, true).unwrap();
            assert!(password.expose()[0].is_ascii_alphabetic());
            assert!(!password.expose().iter().any(|char| UNFIT_FOR_URLS.as_bytes().contains(char)));
        }
        assert!(matches!(generate_without(rules(12, [true; 3]), "0123456789", false), Err(SealError::Invalid(_))));
        generate_without(rules(12, [false, true, true]), "0123456789", false).unwrap();
    }

    #[test]
    fn a_source_that_is_stuck_is_an_error() {
        let stuck = draw(PasswordPolicy::default(), &Narrowed::default(), |bytes| {
            bytes.fill(0);
            Ok(())
        });
        assert!(matches!(stuck, Err(SealError::NotRandom)));
    }
}
