//! Owns the result of a call to an issuer: a credential, or an error that says what may have happened outside.
//!
//! Read next: [`super::issuer`].

use std::fmt;
use std::sync::Arc;

use crate::domain::name::{OutsideId, Reason};
use crate::domain::time::Timestamp;
use crate::seal::secret_bytes::SecretBytes;

/// A credential that an issuer made.
#[derive(Debug)]
#[non_exhaustive]
pub struct Issued {
    /// The credential: a JSON object, in the form that its readers get.
    pub credential: SecretBytes,
    /// Its name in the outside system; needed to retire it, unless the class is `SetValue`.
    pub outside: Option<OutsideId>,
    /// When it ends by itself, if it does.
    pub expires_at: Option<Timestamp>,
}

impl Issued {
    /// Makes the result for a credential without an end of its own and without a name outside.
    #[must_use]
    pub const fn new(credential: SecretBytes) -> Self {
        Self { credential, outside: None, expires_at: None }
    }

    /// Sets its name in the outside system.
    #[must_use]
    pub fn known_as(mut self, outside: OutsideId) -> Self {
        self.outside = Some(outside);
        self
    }

    /// Sets when it ends by itself.
    #[must_use]
    pub const fn expiring_at(mut self, at: Timestamp) -> Self {
        self.expires_at = Some(at);
        self
    }
}

/// What may have happened outside when a call to an issuer failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssuerErrorKind {
    /// The outside system refused, and would refuse again: nothing was done. Another value may be tried.
    Refused,
    /// Nothing was done; it may be tried again.
    Unavailable,
    /// It is unknown whether it was done: the reply was lost, or the call exceeded its limit.
    Unknown,
}

/// The reason why an issuer did not do what it was asked.
///
/// The reason is shown and recorded: it must contain no secret data. If an issuer made something and could not return
/// it in the right form, it can keep the answer in this error, for a person ([`IssuerError::keeping`]).
#[derive(Clone, Debug)]
pub struct IssuerError {
    kind: IssuerErrorKind,
    reason: Reason,
    kept: Option<Arc<SecretBytes>>,
    /// Whether this very call did nothing because the outside system was unavailable, whatever an earlier call did.
    is_outage: bool,
}

/// Two errors are equal if their texts are; kept answers are not compared.
impl PartialEq for IssuerError {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, &self.reason) == (other.kind, &other.reason)
    }
}

impl Eq for IssuerError {}

impl IssuerError {
    fn new(kind: IssuerErrorKind, reason: &str) -> Self {
        Self { kind, reason: worded(reason), kept: None, is_outage: kind == IssuerErrorKind::Unavailable }
    }

    /// Returns the error when the outside system refused; nothing was done.
    #[must_use]
    pub fn refused(reason: &str) -> Self {
        Self::new(IssuerErrorKind::Refused, reason)
    }

    /// Returns the error when nothing was done and it may be tried again.
    #[must_use]
    pub fn unavailable(reason: &str) -> Self {
        Self::new(IssuerErrorKind::Unavailable, reason)
    }

    /// Returns the error when it is unknown whether it was done.
    #[must_use]
    pub fn unknown(reason: &str) -> Self {
        Self::new(IssuerErrorKind::Unknown, reason)
    }

    /// Returns the same error, when the result of an earlier call is unknown.
    pub(crate) fn in_doubt(self) -> Self {
        Self { kind: IssuerErrorKind::Unknown, ..self }
    }

    /// Keeps an answer to `create` that could not be read, which may contain a credential that was made. The worker
    /// seals it and parks the rotation, so that a person can look at it
    /// ([`Session::unread_answer`](crate::Session::unread_answer)). Without effect on the errors of other calls.
    #[must_use]
    pub fn keeping(mut self, answer: SecretBytes) -> Self {
        self.kept = Some(Arc::new(answer));
        self
    }

    /// Returns the kept answer.
    pub(crate) fn kept(&self) -> Option<&SecretBytes> {
        self.kept.as_deref()
    }

    /// Returns whether the outside system was unavailable, and this call did nothing.
    pub(crate) const fn is_outage(&self) -> bool {
        self.is_outage
    }

    /// Returns what may have happened outside.
    #[must_use]
    pub const fn kind(&self) -> IssuerErrorKind {
        self.kind
    }

    /// Returns the words for people.
    #[must_use]
    pub const fn reason(&self) -> &Reason {
        &self.reason
    }
}

/// Makes a reason from any words. Characters that would change how a terminal shows the words around them become
/// spaces, and text that is too long is truncated.
pub(crate) fn worded(words: &str) -> Reason {
    let clean = |char: char| if char.is_control() || is_for_direction(char) { ' ' } else { char };
    let text: String = words.trim().chars().map(clean).take(REASON_CHARS_MAX).collect();
    Reason::parse(&text).unwrap_or_else(|_| Reason::unsaid())
}

/// Returns whether a character changes the direction of those around it and is not a letter itself (Unicode, UAX #9,
/// 2).
const fn is_for_direction(char: char) -> bool {
    matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

const REASON_CHARS_MAX: usize = 512;

impl fmt::Display for IssuerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            IssuerErrorKind::Refused => "refused",
            IssuerErrorKind::Unavailable => "not available",
            IssuerErrorKind::Unknown => "outcome unknown",
        };
        write!(f, "{kind}: {}", self.reason)
    }
}

impl std::error::Error for IssuerError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// A terminal showed the words after it in another order.
    #[test]
    fn a_reason_has_nothing_that_changes_how_a_terminal_shows_what_follows() {
        for char in "\u{7}\u{1b}\n\u{9b}\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}".chars() {
            let error = IssuerError::refused(&format!("no{char}quota"));
            assert_eq!(error.reason().as_str(), "no quota", "{char:?}");
        }
        let error = IssuerError::refused("الحصة ממוצה 配额");
        assert_eq!(error.reason().as_str(), "الحصة ממוצה 配额", "letters that are written from right to left stay");
    }
}
