//! Owns how each check ends in which no fault was found: whether all of it was seen, or what was not.
//!
//! Read next: [`super::judge`], which finds the faults.

use crate::domain::position::Position;

use super::judge::Judge;
use super::keys::Named;
use super::verdict::{Check, Outcome};

impl Judge {
    /// Says how a check ended in which no fault was found.
    pub(super) fn outcome(&self, check: Check) -> Outcome {
        let passed = |found: String| Outcome::Passed { found };
        let not_checked = |why: String| Outcome::NotChecked { why };
        if self.is_cut {
            return not_checked(format!("the export cannot be read from line {} on; no fault before it", self.line));
        }
        if self.records == 0 && IS_ABOUT_RECORDS.contains(&check) {
            return not_checked("the export has no record".to_owned());
        }
        match check {
            Check::Structure => self.structure_outcome(),
            Check::Chain => self.chain_outcome(),
            Check::Tree => passed(format!("size {} and root are those of the checkpoint", self.tree.size())),
            Check::Signature => self.checkpoints.signed_by(),
            Check::Cosignatures => match &self.checkpoints.cosigned {
                Some(outcome) => outcome.clone(),
                None => not_checked("the export has no checkpoint".to_owned()),
            },
            Check::Consistency => self.checkpoints.extended(),
            Check::Bodies => self.bodies_outcome(),
            Check::JsonView => self.view_outcome(),
            Check::Replay => self.replay_outcome(),
        }
    }

    fn structure_outcome(&self) -> Outcome {
        match self.checkpoints.named() {
            Named::Unseen(keys) => Outcome::NotChecked {
                why: format!("vkeys names {keys} keys that no record here sets and that were not given; all else fits"),
            },
            Named::Fits | Named::Differs => {
                Outcome::Passed { found: format!("header, {} events and checkpoint", self.records) }
            }
        }
    }

    fn chain_outcome(&self) -> Outcome {
        let first = self.header.first().get();
        // Where the first position is odd, the edge of the frontier shows it.
        if self.records == 0 && first.is_multiple_of(2) {
            let why = "no record shows the chain value that head_before gives".to_owned();
            return Outcome::NotChecked { why };
        }
        Outcome::Passed { found: format!("unbroken over {} records", self.records) }
    }

    fn view_outcome(&self) -> Outcome {
        if self.unseen_views == 0 {
            return Outcome::Passed { found: "every field shown is what the bytes say".to_owned() };
        }
        let why = format!(
            "{} events of a later release are shown in words that cannot be compared; all else is what the bytes say",
            self.unseen_views
        );
        Outcome::NotChecked { why }
    }

    fn bodies_outcome(&self) -> Outcome {
        let (erased, unknown, unexplained) = (self.erased, self.unknown, self.erased_bodies.unexplained());
        let readable = self.records.saturating_sub(erased).saturating_sub(unknown);
        let found = format!("{readable} readable, {erased} erased, {unknown} of a later release");
        let why = match (unexplained, unknown.saturating_add(self.erased_bodies.untyped())) {
            (0, 0) => return Outcome::Passed { found },
            (0, _) => "this release cannot read the last".to_owned(),
            (unexplained, 0) => format!("of {unexplained} erased no record here says that they were"),
            (unexplained, _) => format!(
                "of {unexplained} erased no record here says that they were, and this release cannot read all the others"
            ),
        };
        Outcome::NotChecked { why: format!("{found}; {why}") }
    }

    fn replay_outcome(&self) -> Outcome {
        let hidden = self.replay.hidden_ever();
        let flaws = self.replay.flaws().iter().take(FLAWS_SHOWN_MAX);
        let flaws = flaws.fold(String::new(), |said, flaw| said + "; " + &flaw.to_string());
        let accepted = self.replay.accepted_steps().iter().take(FLAWS_SHOWN_MAX);
        let flaws = accepted.fold(flaws, |said, step| said + "; " + &step.to_string());
        let no_step = if self.replay.accepted_steps().is_empty() { "no illegal step" } else { "no other illegal step" };
        let why = if self.replay.has_seen_all() {
            return Outcome::Passed { found: format!("{no_step}{flaws}") };
        } else if self.header.first() > Position::FIRST {
            format!(
                "a slice starts in the middle: {hidden} secrets from before it were followed by revision alone; \
                 {no_step} in what was seen{flaws}"
            )
        } else {
            format!(
                "{hidden} secrets were known in part alone where a body was erased or unknown; {no_step} in what was \
                 seen{flaws}"
            )
        };
        Outcome::NotChecked { why }
    }
}

/// What is said of records, and of nothing where there is none.
const IS_ABOUT_RECORDS: [Check; 3] = [Check::Bodies, Check::JsonView, Check::Replay];

/// Flaws that a verdict names.
const FLAWS_SHOWN_MAX: usize = 24;
