//! Owns names in SQL: checked against the server's bound, and always quoted in statements.
//!
//! It never lets a name into a statement unquoted. Read next: [`super::template`].

use std::fmt;
use std::sync::Arc;

use crate::domain::invalid::Invalid;

/// Bytes of a name, at most; the server truncates longer ones, and two could become one.
const BYTES_MAX: usize = 63;

/// A name in SQL: 1 to 63 bytes without a zero byte. It may contain any other character. It is always quoted, so upper
/// and lower case differ.
///
/// ```
/// use latchkeep::SqlIdentifier;
///
/// assert_eq!(SqlIdentifier::parse("billing")?.as_str(), "billing");
/// assert!(SqlIdentifier::parse("").is_err());
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SqlIdentifier(Arc<str>);

impl SqlIdentifier {
    /// Reads a name.
    ///
    /// # Errors
    ///
    /// [`Invalid`] when it is empty, longer than 63 bytes, or has a zero byte in it.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if (1..=BYTES_MAX).contains(&text.len()) && !text.contains('\0') {
            Ok(Self(Arc::from(text)))
        } else {
            Err(Invalid::new("SQL identifier", "takes 1 to 63 bytes, none of them zero"))
        }
    }

    /// Returns the name, not quoted.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name as quoted in a statement.
    pub(super) fn quoted(&self) -> String {
        format!("\"{}\"", self.0.replace('"', "\"\""))
    }
}

impl fmt::Debug for SqlIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl fmt::Display for SqlIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_within_its_quotes() {
        for (name, quoted) in [
            ("billing", r#""billing""#),
            ("Upper case", r#""Upper case""#),
            (r#"a"; DROP ROLE b; --"#, r#""a""; DROP ROLE b; --""#),
            (r#"""#, r#""""""#),
            (r"\", r#""\""#),
            ("\u{e4}\n", "\"\u{e4}\n\""),
        ] {
            assert_eq!(SqlIdentifier::parse(name).unwrap().quoted(), quoted);
        }
    }

    #[test]
    fn what_the_server_would_cut_is_refused() {
        assert!(SqlIdentifier::parse(&"x".repeat(63)).is_ok());
        for name in ["", "a\0b", &"x".repeat(64), &"\u{e4}".repeat(32)] {
            assert!(SqlIdentifier::parse(name).is_err());
        }
    }
}
