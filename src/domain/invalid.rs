//! Owns the answer to input that cannot be what it should be: which field, and what its rule is.
//!
//! It never repeats the input, which might be a secret. Read next: [`super::refusal`], the answer to input that is well
//! formed but may not be done.

use std::fmt;

/// Input that does not fit its type: names the field and the rule, never the value.
///
/// ```
/// let err = latchkeep::LockName::parse("7").unwrap_err();
/// assert_eq!(err.field(), "lock name");
/// assert_eq!(err.to_string(), "lock name takes 2 to 64 letters, digits, dots, underscores and dashes, a letter first");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    field: &'static str,
    rule: std::borrow::Cow<'static, str>,
}

impl Invalid {
    /// Says that `field` breaks `rule`, a phrase that goes on after the field's name.
    #[must_use]
    pub fn new(field: &'static str, rule: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Self { field, rule: rule.into() }
    }

    /// Gives the name of the field that is wrong.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// Gives the rule that the field breaks.
    #[must_use]
    pub fn rule(&self) -> &str {
        &self.rule
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.rule)
    }
}

impl std::error::Error for Invalid {}
