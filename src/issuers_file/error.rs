//! Owns what is said of a file of issuers that is wrong: where, and which rule. It holds no value of the file.

use std::fmt;

/// Characters of a name that are shown, at most.
const SHOWN_CHARS_MAX: usize = 64;

/// What is wrong with a file of issuers, or with one issuer in it: the line, the issuer, the field and the rule. Never holds a
/// value of the file; names are shown up to their 64th character, without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuersFileError {
    line: usize,
    issuer: String,
    field: String,
    rule: &'static str,
}

impl IssuersFileError {
    /// Says what is wrong with the file as a whole.
    pub(super) const fn of_file(line: usize, rule: &'static str) -> Self {
        Self { line, issuer: String::new(), field: String::new(), rule }
    }

    /// Says what is wrong with an issuer, or with a field of it; `field` is empty or made of [`shown`] names.
    pub(super) fn of_issuer(line: usize, issuer: &str, field: &str, rule: &'static str) -> Self {
        Self { line, issuer: shown(issuer), field: field.to_owned(), rule }
    }

    /// Returns the line, from 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }

    /// Returns the name of the issuer; empty when the file as a whole is wrong.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns the field with the fields that it is in, as in `server.tls.ca_file` and `grants[0].on`; empty when the issuer or
    /// the file as a whole is wrong.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Returns the rule that is broken, a phrase that follows the name of the field.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        self.rule
    }
}

/// Returns a name as errors show it: an empty one as two quotes.
pub(super) fn shown(name: &str) -> String {
    let shown: String = name.chars().filter(|char| !char.is_control()).take(SHOWN_CHARS_MAX).collect();
    if shown.is_empty() { "\"\"".to_owned() } else { shown }
}

impl std::error::Error for IssuersFileError {}

impl fmt::Display for IssuersFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        match (self.issuer.as_str(), self.field.as_str()) {
            ("", _) => write!(f, "the file {}", self.rule),
            (issuer, "") => write!(f, "issuer {issuer}: {}", self.rule),
            (issuer, field) => write!(f, "issuer {issuer}: {field} {}", self.rule),
        }
    }
}
