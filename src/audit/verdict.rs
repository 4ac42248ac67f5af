//! Owns what a verification answers: one verdict for each check, in words and as JSON, and never one yes for all.
//!
//! Read next: [`super::verify`].

use std::fmt;

use serde::Serialize;
use serde::ser::{SerializeStruct as _, Serializer};

use crate::domain::legal::{AcceptedStep, IllegalStep};
use crate::domain::position::Position;
use crate::ledger::TreeHead;

use super::conclusion::Conclusion;
use super::signature_line::{SignatureLine, SignedBy};

/// What is checked, each on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// Every line can be read, and there are as many as the export says.
    Structure,
    /// Each record follows from the one in front of it.
    Chain,
    /// The tree over the records has the size and the root of the checkpoint.
    Tree,
    /// The checkpoint is signed by the key that was in force at its size.
    Signature,
    /// Witnesses have cosigned the checkpoint, as many as the policy asks for.
    Cosignatures,
    /// The log extends that of an earlier checkpoint.
    Consistency,
    /// Each body is there and readable, or erased where that is allowed.
    Bodies,
    /// What people are shown is what the bytes say.
    JsonView,
    /// What the records tell is a history that the rules allow.
    Replay,
}

impl Check {
    /// Every check, in the order in which they are reported.
    pub const ALL: [Self; 9] = [
        Self::Structure,
        Self::Chain,
        Self::Tree,
        Self::Signature,
        Self::Cosignatures,
        Self::Consistency,
        Self::Bodies,
        Self::JsonView,
        Self::Replay,
    ];

    /// Gives the stable word for programs.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Structure => "structure",
            Self::Chain => "chain",
            Self::Tree => "tree",
            Self::Signature => "signature",
            Self::Cosignatures => "cosignatures",
            Self::Consistency => "consistency",
            Self::Bodies => "bodies",
            Self::JsonView => "json_view",
            Self::Replay => "replay",
        }
    }

    /// Gives the check in words for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Structure => "structure",
            Self::Chain => "chain",
            Self::Tree => "tree equals checkpoint",
            Self::Signature => "signature",
            Self::Cosignatures => "cosignatures of witnesses",
            Self::Consistency => "consistency with an earlier checkpoint",
            Self::Bodies => "bodies present or erased",
            Self::JsonView => "JSON view equals bytes",
            Self::Replay => "semantic replay",
        }
    }
}

/// Where a fault lies: the first of its check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The position in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.position) {
            (Some(line), Some(position)) => write!(f, "line {line}, position {position}: "),
            (Some(line), None) => write!(f, "line {line}: "),
            (None, Some(position)) => write!(f, "position {position}: "),
            (None, None) => Ok(()),
        }
    }
}

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it was seen, and it holds.
    Passed {
        /// What was found, in words.
        found: String,
    },
    /// It does not hold.
    Failed {
        /// Where the first fault lies.
        place: Place,
        /// What is wrong there, in words.
        why: String,
    },
    /// It was not, or not wholly, checked; no fault was found in what was.
    NotChecked {
        /// Why not, in words.
        why: String,
    },
    /// Nothing was given to check it against, so it was not asked for.
    NotAsked {
        /// What was not given, in words.
        why: String,
    },
}

/// What became of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Which check.
    pub check: Check,
    /// How it ended.
    pub outcome: Outcome,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let check = self.check.words();
        match &self.outcome {
            Outcome::Passed { found } => write!(f, "passed       {check}: {found}"),
            Outcome::Failed { place, why } => write!(f, "FAILED       {check}: {place}{why}"),
            Outcome::NotChecked { why } => write!(f, "not checked  {check}: {why}"),
            Outcome::NotAsked { why } => write!(f, "not asked    {check}: {why}"),
        }
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (word, place, words) = match &self.outcome {
            Outcome::Passed { found } => ("passed", Place::default(), found),
            Outcome::Failed { place, why } => ("failed", *place, why),
            Outcome::NotChecked { why } => ("not_checked", Place::default(), why),
            Outcome::NotAsked { why } => ("not_asked", Place::default(), why),
        };
        let mut fields = serializer.serialize_struct("Verdict", 5)?;
        fields.serialize_field("check", self.check.label())?;
        fields.serialize_field("outcome", word)?;
        fields.serialize_field("line", &place.line)?;
        fields.serialize_field("position", &place.position)?;
        fields.serialize_field("words", words)?;
        fields.end()
    }
}

/// All verdicts on an export, and what it holds.
///
/// Words never repeat what the export says, but for numbers: a hostile file puts nothing onto a screen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// A verdict for each [`Check`], in their order.
    pub verdicts: Vec<Verdict>,
    /// Records read.
    pub records: u64,
    /// Records among them whose body was erased.
    pub bodies_erased: u64,
    /// Bodies among those erased of which no record of the export says that they were: whoever had the export may have taken
    /// them away.
    pub bodies_unexplained: u64,
    /// Records among them that a later release wrote.
    pub unknown_events: u64,
    /// Size and root of the tree over the records, as worked out here.
    pub tree_head: Option<TreeHead>,
    /// Whether no key was given, so that those were taken which the export names: its signature shows nothing then.
    pub keys_from_export: bool,
    /// The first step that the rules do not allow and that no restore accepted; it fails the check of the replay.
    pub illegal_step: Option<IllegalStep>,
    /// The steps that the rules do not allow and that a restore accepted: at most 1,000. They fail no check.
    pub accepted_steps: Vec<AcceptedStep>,
    /// The signatures under the checkpoint, in their order; empty when it cannot be read.
    pub signatures: Vec<SignatureLine>,
}

impl Report {
    /// Sums the verdicts up: all passed, a check failed, or no check failed but not everything was seen.
    #[must_use]
    pub fn conclusion(&self) -> Conclusion {
        Conclusion::of(&self.verdicts)
    }

    /// Tells whether everything that was asked for was checked whole, and holds: [`Conclusion::Passed`]. An export that
    /// vouches for itself, since no key was given, is not sound; neither is one with a body or an event that nobody can read.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.conclusion() == Conclusion::Passed
    }

    /// Finds the verdict of a check.
    #[must_use]
    pub fn verdict(&self, check: Check) -> Option<&Verdict> {
        self.verdicts.iter().find(|verdict| verdict.check == check)
    }

    /// Walks over the checks that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().filter(|verdict| matches!(verdict.outcome, Outcome::Failed { .. }))
    }

    /// Gives the failed verdict whose fault lies first in the file.
    #[must_use]
    pub fn first_fault(&self) -> Option<&Verdict> {
        self.failures().min_by_key(|verdict| match &verdict.outcome {
            Outcome::Failed { place, .. } => place.line.unwrap_or(u64::MAX),
            Outcome::Passed { .. } | Outcome::NotChecked { .. } | Outcome::NotAsked { .. } => u64::MAX,
        })
    }
}

/// A line for each verdict, and one for the sum.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.verdicts.iter().try_for_each(|verdict| writeln!(f, "{verdict}"))?;
        let others = self.signatures.iter().filter(|line| line.by != SignedBy::Log);
        others.into_iter().try_for_each(|line| writeln!(f, "signed by    {line}"))?;
        let Self { records, bodies_erased, unknown_events, .. } = self;
        write!(f, "{records} records, {bodies_erased} bodies erased, {unknown_events} events of a later release")?;
        match self.first_fault() {
            Some(first) => write!(f, "; the first fault is one of {}", first.check.words()),
            None if self.is_sound() => f.write_str("; every check passed"),
            None => f.write_str("; no check failed, but not all could be checked"),
        }
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Report", 12)?;
        fields.serialize_field("conclusion", self.conclusion().label())?;
        fields.serialize_field("sound", &self.is_sound())?;
        fields.serialize_field("records", &self.records)?;
        fields.serialize_field("bodies_erased", &self.bodies_erased)?;
        fields.serialize_field("bodies_unexplained", &self.bodies_unexplained)?;
        fields.serialize_field("unknown_events", &self.unknown_events)?;
        fields.serialize_field("size", &self.tree_head.map(|tree_head| tree_head.size))?;
        fields.serialize_field("root", &self.tree_head.map(|tree_head| tree_head.root.to_base64()))?;
        fields.serialize_field("keys", if self.keys_from_export { "export" } else { "given" })?;
        let accepted_steps = self.accepted_steps.iter().map(ToString::to_string);
        fields.serialize_field("accepted_steps", &accepted_steps.collect::<Vec<_>>())?;
        fields.serialize_field("signatures", &self.signatures)?;
        fields.serialize_field("verdicts", &self.verdicts)?;
        fields.end()
    }
}
