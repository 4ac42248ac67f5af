//! Owns what tells a restored store from the one before it: its incarnation.
//!
//! Two stores that were restored from copies of one store have one log id, and the same positions with other records
//! behind the restored size. The incarnation is the difference, and it never runs back. Read next:
//! [`super::quarantine`].

use std::fmt;

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// Which of the stores with one log id it is: 0 for a store that was never restored, larger after each restore.
///
/// A restore gives the larger of the incarnation before plus one and the Unix second of the restore. So two restores of
/// one backup have the same incarnation only when they were made within one second, or both under a clock that is behind
/// the last record of the backup. A later restore of one backup has a smaller incarnation than an earlier one that was made while
/// the clock was ahead; rebasing the clock does not change it, since fencing tokens of it are out by then.
///
/// ```
/// use latchkeep::{Incarnation, Timestamp};
///
/// let at = Timestamp::parse("2026-11-27T00:00:00Z")?;
/// let restored = Incarnation::ORIGINAL.restored_at(at);
/// assert_eq!(restored.get(), 1_795_737_600);
/// assert!(restored.restored_at(Timestamp::EPOCH) > restored, "it grows, whatever the clock says");
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Incarnation(u64);

impl Incarnation {
    /// The incarnation of a store that was never restored.
    pub const ORIGINAL: Self = Self(0);

    /// Wraps a number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the time whose Unix second it is: that of the restore, or a later one where restores came close upon each other. The
    /// epoch for a store that was never restored.
    #[must_use]
    pub const fn time(self) -> Timestamp {
        Timestamp::from_nanos(self.0.saturating_mul(NANOS_PER_SECOND))
    }

    /// Returns the incarnation of a store that is restored at a time from a copy of this one.
    #[must_use]
    pub const fn restored_at(self, at: Timestamp) -> Self {
        let (next, second) = (self.0.saturating_add(1), at.as_nanos() / NANOS_PER_SECOND);
        Self(if second > next { second } else { next })
    }
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
