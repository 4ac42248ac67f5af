//! Owns the first fault of each check, as they are found.

use std::collections::BTreeMap;
use std::fmt;

use super::verdict::{Check, Outcome, Place, Verdict};

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    failed: BTreeMap<Check, (Place, String)>,
}

impl Findings {
    /// Notes a fault; only the first of each check counts.
    pub(super) fn fail(&mut self, check: Check, place: Place, why: &dyn fmt::Display) {
        self.failed.entry(check).or_insert_with(|| (place, why.to_string()));
    }

    pub(super) fn has_failed(&self, check: Check) -> bool {
        self.failed.contains_key(&check)
    }

    /// Makes the verdict of a check: its first fault, or else what `outcome` says.
    pub(super) fn verdict(&mut self, check: Check, outcome: impl FnOnce() -> Outcome) -> Verdict {
        let failed = self.failed.remove(&check).map(|(place, why)| Outcome::Failed { place, why });
        Verdict { check, outcome: failed.unwrap_or_else(outcome) }
    }
}
