//! Owns what comes of asking an issuer: a credential, or an error that says what may have happened outside.
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
    /// The credential: a JSON object, as its readers will get it.
    pub credential: SecretBytes,
    /// What the outside system calls it; needed to retire it, unless the class is `SetValue`.
    pub outside: Option<OutsideId>,
    /// When it ends by itself, if it does.
    pub expires_at: Option<Timestamp>,
}

impl Issued {
    /// Takes a credential that has no end of its own and no name outside.
    #[must_use]
    pub const fn new(credential: SecretBytes) -> Self {
        Self { credential, outside: None, expires_at: None }
    }

    /// Says what the outside system calls it.
    #[must_use]
    pub fn known_as(mut self, outside: OutsideId) -> Self {
        self.outside = Some(outside);
        self
    }

    /// Says when it ends by itself.
    #[must_use]
    pub const fn expiring_at(mut self, at: Timestamp) -> Self {
        self.expires_at = Some(at);
        self
    }
}

/// What may have happened outside when an issuer was asked in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssuerErrorKind {
    /// The outside system said no, and would again: nothing was done. Another value may be tried.
    Refused,
    /// Nothing was done; it may be tried again.
    Unavailable,
    /// Nobody knows whether it was done: the reply was lost, or the call given up.
    Unknown,
}

/// Why an issuer did not do what it was asked for.
///
/// The reason is shown and recorded: it must hold no secret data. What an issuer made and could not hand over in the right
/// form can be kept with it, for a person ([`IssuerError::keeping`]).
#[derive(Clone, Debug)]
pub struct IssuerError {
    kind: IssuerErrorKind,
    reason: Reason,
    kept: Option<Arc<SecretBytes>>,
    /// Whether this very call did nothing and found nobody, whatever an earlier one did.
    is_outage: bool,
}

/// Two are the same when they say the same; what is kept is not compared.
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

    /// The outside system said no; nothing was done.
    #[must_use]
    pub fn refused(reason: &str) -> Self {
        Self::new(IssuerErrorKind::Refused, reason)
    }

    /// Nothing was done; it may be tried again.
    #[must_use]
    pub fn unavailable(reason: &str) -> Self {
        Self::new(IssuerErrorKind::Unavailable, reason)
    }

    /// Nobody knows whether it was done.
    #[must_use]
    pub fn unknown(reason: &str) -> Self {
        Self::new(IssuerErrorKind::Unknown, reason)
    }

    /// The same, when nobody knows what came of an earlier call.
    pub(crate) fn in_doubt(self) -> Self {
        Self { kind: IssuerErrorKind::Unknown, ..self }
    }

    /// Keeps an answer to `create` that could not be read, which may hold a credential that was made: the worker seals it
    /// and parks the rotation, so that a person can look at it
    /// ([`Session::unread_answer`](crate::Session::unread_answer)). Without effect on the errors of other calls.
    #[must_use]
    pub fn keeping(mut self, answer: SecretBytes) -> Self {
        self.kept = Some(Arc::new(answer));
        self
    }

    /// Gives the answer that is kept.
    pub(crate) fn kept(&self) -> Option<&SecretBytes> {
        self.kept.as_deref()
    }

    /// Tells whether the outside system was not there, and this call did nothing.
    pub(crate) const fn is_outage(&self) -> bool {
        self.is_outage
    }

    /// Tells what may have happened outside.
    #[must_use]
    pub const fn kind(&self) -> IssuerErrorKind {
        self.kind
    }

    /// Gives the words for people.
    #[must_use]
    pub const fn reason(&self) -> &Reason {
        &self.reason
    }
}

/// Makes a reason of any words: what would change how a terminal shows the words around it becomes a space, and what is too long
/// is cut off.
pub(crate) fn worded(words: &str) -> Reason {
    let clean = |char: char| if char.is_control() || is_for_direction(char) { ' ' } else { char };
    let text: String = words.trim().chars().map(clean).take(REASON_CHARS_MAX).collect();
    Reason::parse(&text).unwrap_or_else(|_| Reason::unsaid())
}

/// Tells whether a character changes the direction of those around it and is no letter itself (Unicode, UAX #9, 2).
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

    /// A terminal showed the words behind it in another order.
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
