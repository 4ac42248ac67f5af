//! Owns the verdict on the cosignatures of witnesses under the checkpoint of an export.
//!
//! Read next: [`crate::ledger::WitnessPolicy`], which says how many are enough.

use crate::domain::time::Timestamp;
use crate::ledger::{Note, WitnessKey, WitnessPolicy};

use super::verdict::{Outcome, Place};
use super::verify::VerifyOptions;

/// Whom to look for under a checkpoint.
#[derive(Clone, Debug)]
pub(super) struct Cosignatures {
    given: Vec<WitnessKey>,
    policy: Option<WitnessPolicy>,
    /// The witnesses that were found, and when they cosigned.
    pub(super) found: Vec<(WitnessKey, Timestamp)>,
}

impl Cosignatures {
    pub(super) fn new(options: &VerifyOptions) -> Self {
        Self { given: options.witnesses.clone(), policy: options.policy.clone(), found: Vec::new() }
    }

    /// Verifies the cosignatures of all witnesses that are known, and comes to a verdict.
    pub(super) fn judge(&mut self, note: &Note<'_>, place: Place) -> Outcome {
        if self.given.is_empty() && self.policy.is_none() {
            return Outcome::NotAsked { why: "no key of a witness and no policy was given".to_owned() };
        }
        let mut known: Vec<WitnessKey> = Vec::new();
        for key in self.given.iter().chain(self.policy.iter().flat_map(WitnessPolicy::witnesses)) {
            if !known.contains(key) {
                known.push(key.clone());
            }
        }
        let known_total = known.len();
        for key in known {
            match key.verify(note) {
                Ok(Some(cosignature)) => self.found.push((key, cosignature.time())),
                Ok(None) => {}
                Err(error) => return Outcome::Failed { place, why: format!("of a witness that is known: {error}") },
            }
        }
        self.outcome(known_total, place)
    }

    fn outcome(&self, known_total: usize, place: Place) -> Outcome {
        let has_cosigned = |key: &WitnessKey| self.found.iter().any(|(found, _)| found == key);
        let found_total = self.found.len();
        if self.policy.as_ref().is_some_and(|policy| !policy.is_met(has_cosigned)) {
            let why = format!("cosigned by {found_total} of {known_total} witnesses, which is no quorum of the policy");
            return Outcome::Failed { place, why };
        }
        let missing = self.given.iter().filter(|key| !has_cosigned(key)).count();
        if missing > 0 {
            let why = format!("{missing} of the witnesses that were given did not cosign; {found_total} did");
            return Outcome::NotChecked { why };
        }
        let quorum = if self.policy.is_some() { ", a quorum of the policy" } else { "" };
        let found = match self.found.iter().map(|(_, at)| *at).min() {
            None => "the policy asks for none".to_owned(),
            Some(first) => {
                format!("by {found_total} of {known_total} witnesses that are known{quorum}; the earliest at {first}")
            }
        };
        Outcome::Passed { found }
    }
}
