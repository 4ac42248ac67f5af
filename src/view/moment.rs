//! Owns what is shown of the moment that an answer is of, where that is not now.
//!
//! Read next: [`super::record`].

use serde::{Deserialize, Serialize};

use crate::domain::id::SecretId;
use crate::domain::position::Position;
use crate::domain::time::Timestamp;

/// The moment of the log that an answer is of. An addition to the reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Moment {
    /// How many records of the log lead to it.
    pub records: Position,
    /// Its time.
    pub time: Timestamp,
    /// In how many stretches of the log that time is: more than one where the clock was rebased.
    pub stretches: usize,
    /// The secrets that are left out, since records about them were erased.
    pub hidden_secrets: Vec<SecretId>,
    /// Whether there may have been other groups, since records about groups were erased.
    pub hides_groups: bool,
}

/// Says that a time is in several stretches of a log; nothing where it is in one.
#[must_use]
pub fn stretches_words(count: usize) -> Option<String> {
    (count > 1).then(|| {
        format!(
            "the clock was rebased: that time lies in {count} stretches of the log, and this is the newest; positions tell of the \
             others"
        )
    })
}
