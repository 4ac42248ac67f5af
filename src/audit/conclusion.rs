//! Owns the sum of a report: one of three, so that what was not seen is never read as what is right.
//!
//! Read next: [`super::verdict`], whose verdicts it sums up.

use super::verdict::{Outcome, Verdict};

/// What all verdicts of a report come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Conclusion {
    /// Everything that was asked for was checked whole, and holds.
    Passed,
    /// No check failed, but not everything could be checked: no key was given, a body is erased, an event is one of a later
    /// release, a slice begins in the middle. Nothing is known of what was not seen.
    NotAllChecked,
    /// A check failed.
    Failed,
}

impl Conclusion {
    pub(super) fn of(verdicts: &[Verdict]) -> Self {
        let worst = |verdict: &Verdict| match verdict.outcome {
            Outcome::Passed { .. } | Outcome::NotAsked { .. } => 0,
            Outcome::NotChecked { .. } => 1,
            Outcome::Failed { .. } => 2,
        };
        match verdicts.iter().map(worst).max() {
            Some(0) => Self::Passed,
            // A report without verdicts says nothing.
            None | Some(1) => Self::NotAllChecked,
            Some(_) => Self::Failed,
        }
    }

    /// Returns the stable word for programs: `passed`, `not_all_checked` or `failed`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::NotAllChecked => "not_all_checked",
            Self::Failed => "failed",
        }
    }
}
