//! Owns the steps of a history that the rules do not allow, and which of them a person has accepted.
//!
//! A log is lost to its users when a fault of ours put an illegal step into it, unless somebody may say: restore it all the
//! same. The record of that restore names the step, so whether a step is accepted is known only later in the log. Read next:
//! [`super::walk`].

use std::collections::BTreeSet;
use std::fmt;

use super::super::event::StoreRestored;
use super::super::limits;
use super::super::position::Position;

use super::Rule;

/// A step of a history that the rules do not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IllegalStep {
    /// The record that cannot have happened.
    pub position: Position,
    /// The rule that it breaks.
    pub rule: Rule,
}

impl fmt::Display for IllegalStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "illegal step at position {}: {}", self.position, self.rule)
    }
}

impl std::error::Error for IllegalStep {}

/// An illegal step that a restore took in, since a person asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptedStep {
    /// The step.
    pub step: IllegalStep,
    /// The position of the record of that restore; `None` for one that is about to be made.
    pub by: Option<Position>,
}

impl fmt::Display for AcceptedStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.by {
            Some(by) => write!(f, "{}; accepted by the restore at position {by}", self.step),
            None => write!(f, "{}; accepted on request", self.step),
        }
    }
}

/// The illegal steps of one log.
#[derive(Clone, Debug, Default)]
pub(super) struct Illegal {
    /// Positions that a person accepts now.
    asked: BTreeSet<Position>,
    /// Those that nobody has accepted yet, in the order of the log.
    open: Vec<IllegalStep>,
    accepted: Vec<AcceptedStep>,
    /// The first one beyond those that are kept: nobody can accept so many.
    beyond: Option<IllegalStep>,
}

impl Illegal {
    /// Takes steps at these positions as accepted.
    pub(super) fn ask(&mut self, positions: BTreeSet<Position>) {
        self.asked = positions;
    }

    pub(super) fn note(&mut self, step: IllegalStep) {
        if self.open.len().saturating_add(self.accepted.len()) >= limits::ACCEPTED_STEPS_MAX {
            self.beyond.get_or_insert(step);
        } else if self.asked.contains(&step.position) {
            self.accepted.push(AcceptedStep { step, by: None });
        } else {
            self.open.push(step);
        }
    }

    /// Takes in what the record of a restore at a position accepts.
    pub(super) fn accept(&mut self, event: &StoreRestored, by: Position) {
        let steps = &event.accepted_steps;
        if steps.is_empty() {
            return;
        }
        let (accepted, open) =
            self.open.iter().partition::<Vec<_>, _>(|step| steps.binary_search(&step.position).is_ok());
        self.accepted.extend(accepted.into_iter().map(|step| AcceptedStep { step, by: Some(by) }));
        self.open = open;
    }

    /// Gives the first one that nobody has accepted.
    pub(super) fn first(&self) -> Option<IllegalStep> {
        self.open.first().copied().or(self.beyond)
    }

    pub(super) const fn is_beyond(&self) -> bool {
        self.beyond.is_some()
    }

    pub(super) fn accepted(&self) -> &[AcceptedStep] {
        &self.accepted
    }
}
