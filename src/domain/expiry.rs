//! Owns ends that are still to come: a moment, or a length that counts from the time of the record.
//!
//! A command that says "in 15 minutes" means the same whenever it is asked, and the writer, which alone knows the time of the
//! record, makes an end of it. Events hold ends. Read next: [`super::time`].

use std::time::Duration;

use super::invalid::Invalid;
use super::time::Timestamp;

/// When something ends: a lease, a secret.
///
/// ```
/// use latchkeep::{Expiry, Timestamp};
/// use std::time::Duration;
///
/// let quarter = Expiry::from(Duration::from_secs(15 * 60));
/// let new_year = Expiry::from(Timestamp::parse("2027-01-01T00:00:00Z")?);
/// assert_ne!(quarter, new_year);
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// At this time.
    At(Timestamp),
    /// So long after the time of the record that the command leads to.
    After(Duration),
}

impl Expiry {
    /// Gives the end, counted from `start`; at least `shortest` after it.
    ///
    /// # Errors
    ///
    /// [`Invalid`] with the name of the field when the end comes too soon, or lies after [`Timestamp::MAX`].
    pub(crate) fn end(self, field: &'static str, start: Timestamp, shortest: Duration) -> Result<Timestamp, Invalid> {
        let end = match self {
            Self::At(end) => end,
            Self::After(length) if length > Timestamp::MAX.since(start) => {
                return Err(Invalid::new(field, "lies after 2262-04-11, the last day that a time can name"));
            }
            Self::After(length) => start.plus(length),
        };
        if end <= start {
            Err(Invalid::new(field, format!("lies in the past: the time of the store is {start}")))
        } else if end.since(start) < shortest {
            Err(Invalid::new(field, format!("must lie at least a second ahead of the time of the store, {start}")))
        } else {
            Ok(end)
        }
    }
}

impl From<Timestamp> for Expiry {
    fn from(end: Timestamp) -> Self {
        Self::At(end)
    }
}

impl From<Duration> for Expiry {
    fn from(length: Duration) -> Self {
        Self::After(length)
    }
}
