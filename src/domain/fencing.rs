//! Owns fencing tokens: what an outside system compares, so that it can refuse whoever lost a lock meanwhile.
//!
//! Read next: [`super::lock`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::incarnation::Incarnation;
use super::invalid::Invalid;
use super::position::Position;

/// Tells how new a lock is: the incarnation of the store, then the position that placed or last renewed the lock.
///
/// Tokens are compared in that order and never run back, also when the store is restored from a backup; a rebase of the clock changes
/// none. The exception is a restore in a time that had not come, whose incarnation is of that time: another restore of its backup,
/// or of an earlier one, gives smaller or equal tokens until that time comes. An outside system
/// keeps the largest token that it has seen, and refuses a smaller one. The text form is both numbers with a dash between
/// them, `0-42` say; compare the numbers, not the text. The idea is that of Kleppmann, "How to do distributed locking" (2016).
///
/// ```
/// use latchkeep::FencingToken;
///
/// let before: FencingToken = "0-42".parse()?;
/// let restored: FencingToken = "1795737600-7".parse()?;
/// assert!(before < restored);
/// assert_eq!(before.to_string(), "0-42");
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FencingToken {
    /// The incarnation of the store that placed or last renewed the lock.
    pub incarnation: Incarnation,
    /// The position that placed or last renewed it.
    pub position: Position,
}

impl FencingToken {
    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// [`Invalid`] when the text is not two numbers with a dash between them.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::new("fencing token", "takes two numbers with a dash between them, such as 0-42");
        let number = |text: &str| {
            let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
            text.parse::<u64>().ok().filter(|_| is_plain).ok_or_else(wrong)
        };
        let (incarnation, position) = text.split_once('-').ok_or_else(wrong)?;
        Ok(Self { incarnation: Incarnation::new(number(incarnation)?), position: Position::new(number(position)?) })
    }
}

impl FromStr for FencingToken {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::parse(text)
    }
}

impl fmt::Display for FencingToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.incarnation, self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_is_the_only_one() {
        let token = FencingToken { incarnation: Incarnation::new(3), position: Position::new(0) };
        assert_eq!(FencingToken::parse(&token.to_string()), Ok(token));
        for wrong in ["", "3", "-", "3-", "-0", "03-0", "3-00", "+3-0", "3-0-0", "3 - 0", "18446744073709551616-0"] {
            assert!(FencingToken::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_incarnation_counts_first() {
        let token = |incarnation, position| FencingToken {
            incarnation: Incarnation::new(incarnation),
            position: Position::new(position),
        };
        assert!(token(0, 900) < token(1, 3) && token(1, 3) < token(1, 4));
    }
}
