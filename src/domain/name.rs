//! Owns the texts that people choose: parsed once, at the edge, into types that cannot be wrong.
//!
//! Each rule is written once, here. Cloning is cheap (a shared allocation). Read next: [`super::limits`].

use std::fmt;
use std::sync::Arc;

use super::invalid::Invalid;
use super::limits;

macro_rules! text {
    ($(#[$meta:meta])* $name:ident, $what:literal, $check:expr) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads the text and holds it to the rule of this type.
            ///
            /// # Errors
            ///
            /// [`Invalid`], which says what the rule is, when the text does not fit it.
            pub fn parse(text: &str) -> Result<Self, Invalid> {
                let check: fn(&str) -> Result<(), &'static str> = $check;
                match check(text) {
                    Ok(()) => Ok(Self(Arc::from(text))),
                    Err(rule) => Err(Invalid::new($what, rule)),
                }
            }

            /// Gives the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                Self::parse(&text)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;

                impl serde::de::Visitor<'_> for Text {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($what)
                    }

                    // Takes borrowed text as it lies in the input: a replay reads millions of names.
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        $name::parse(text).map_err(E::custom)
                    }
                }

                deserializer.deserialize_str(Text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                Self::parse(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

text!(
    /// The name of a secret: 2 to 256 ASCII letters, digits, dashes, dots and underscores, a letter, digit or
    /// underscore first, a letter or digit last. One name per type in a store.
    SecretName, "secret name", check_secret_name
);
text!(
    /// The name of a lock: `^[A-Za-z][A-Za-z0-9._-]{1,63}$`. Unique per version.
    LockName, "lock name", check_lock_name
);
text!(
    /// The name of a group: 2 to 64 characters, none of them a control character.
    GroupName, "group name", |text| check_text(text, 2, 64)
);
text!(
    /// A label: 2 to 64 characters, none of them a control character.
    Label, "label", |text| check_text(text, 2, 64)
);
text!(
    /// Who does something: 1 to 256 characters that the host chooses, none of them a control character.
    Actor, "actor", |text| check_text(text, 1, 256)
);
text!(
    /// A description: up to 1,024 characters; line breaks and tabs are its only control characters.
    Description, "description", check_description
);
text!(
    /// A key that makes a repeated command answer as the first did: 1 to 255 visible ASCII characters.
    IdempotencyKey, "idempotency key", check_token
);
text!(
    /// An id that ties events of one cause together across systems: 1 to 255 visible ASCII characters.
    CorrelationId, "correlation id", check_token
);
text!(
    /// The name under which a host registers an issuer: `^[A-Za-z][A-Za-z0-9._-]{1,63}$`.
    IssuerName, "issuer name", check_lock_name
);
text!(
    /// What an outside system calls a credential that it made: 1 to 256 characters, none of them a control character. Never
    /// secret.
    OutsideId, "outside id", |text| check_text(text, 1, 256)
);
text!(
    /// Why something went wrong or was given up, in words for people: 1 to 512 characters, none of them a control character.
    /// Never secret.
    Reason, "reason", |text| check_text(text, 1, 512)
);
text!(
    /// The user name in a `username_password` secret: 2 to 64 characters, none of them a control character.
    Username, "username", |text| check_text(text, 2, 64)
);

impl Actor {
    /// Who does what the store does by itself.
    pub(crate) fn system() -> Self {
        Self(Arc::from("latchkeep"))
    }
}

impl Reason {
    /// The reason of whoever gives none.
    #[must_use]
    pub(crate) fn unsaid() -> Self {
        Self::of("no reason was given")
    }

    /// Takes words of our own, which fit.
    pub(crate) fn of(words: &'static str) -> Self {
        Self(Arc::from(words))
    }
}

fn check_secret_name(text: &str) -> Result<(), &'static str> {
    const RULE: &str = "takes 2 to 256 letters, digits, dashes, dots and underscores, and ends with a letter or digit";
    let bytes = text.as_bytes();
    let known = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
    let ends = bytes.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric);
    let fits = (2..=limits::SECRET_NAME_BYTES_MAX).contains(&bytes.len()) && bytes.iter().all(known) && ends;
    fits.then_some(()).ok_or(RULE)
}

fn check_lock_name(text: &str) -> Result<(), &'static str> {
    const RULE: &str = "takes 2 to 64 letters, digits, dots, underscores and dashes, a letter first";
    let bytes = text.as_bytes();
    let known = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    let fits = (2..=64).contains(&bytes.len())
        && bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.iter().all(known);
    fits.then_some(()).ok_or(RULE)
}

fn check_text(text: &str, chars_min: usize, chars_max: usize) -> Result<(), &'static str> {
    let chars = text.chars().count();
    if chars < chars_min {
        Err("is too short")
    } else if chars > chars_max {
        Err("is too long")
    } else if text.chars().any(char::is_control) {
        Err("has a control character")
    } else {
        Ok(())
    }
}

fn check_description(text: &str) -> Result<(), &'static str> {
    if text.chars().count() > limits::DESCRIPTION_CHARS_MAX {
        Err("is longer than 1,024 characters")
    } else if text.chars().any(|char| char.is_control() && !matches!(char, '\n' | '\r' | '\t')) {
        Err("has a control character other than line breaks and tabs")
    } else {
        Ok(())
    }
}

fn check_token(text: &str) -> Result<(), &'static str> {
    let fits = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then_some(()).ok_or("takes 1 to 255 visible ASCII characters")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T>(parse: fn(&str) -> Result<T, Invalid>, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(parse(text).is_ok(), "{text:?} should be taken");
        }
        for text in bad {
            assert!(parse(text).is_err(), "{text:?} should be refused");
        }
    }

    #[test]
    fn secret_names() {
        let long = "a".repeat(256);
        let longer = "a".repeat(257);
        check(
            SecretName::parse,
            &["db", "db-prod.main_1", "_a", "0x", &long],
            &["", "a", "-a", "a-", "a.", "a_", "a b", "\u{e4}a", "a/b", &longer],
        );
    }

    #[test]
    fn lock_names() {
        let long = format!("a{}", "b".repeat(63));
        let longer = format!("a{}", "b".repeat(64));
        check(LockName::parse, &["ab", "a-", "A._-", &long], &["", "a", "1a", "-a", "a b", "a\u{e4}", &longer]);
    }

    #[test]
    fn texts() {
        let label = "\u{e4}".repeat(64);
        let long_label = "\u{e4}".repeat(65);
        check(Label::parse, &["ab", &label], &["a", "a\nb", &long_label]);
        check(Actor::parse, &["x", "service/billing"], &["", "a\u{7}b"]);
        check(Description::parse, &["", "two\nlines"], &["\u{0}", &"a".repeat(1025)]);
        check(IdempotencyKey::parse, &["k", &"k".repeat(255)], &["", "a b", &"k".repeat(256)]);
    }
}
