//! Owns which bodies of an export are erased, so that those which the log says were erased are held to it.
//!
//! The first million are kept; what is said of others is believed. Read next: [`super::judge`].

use std::collections::BTreeSet;

use crate::domain::event::Event;
use crate::domain::position::Position;

/// Erased bodies that are kept in mind, so that memory does not grow with the length of the log.
const KEPT_MAX: usize = 1 << 20;

/// The erased bodies of an export so far.
#[derive(Debug)]
pub(super) struct ErasedBodies {
    first: Position,
    kept: BTreeSet<Position>,
}

impl ErasedBodies {
    pub(super) const fn from(first: Position) -> Self {
        Self { first, kept: BTreeSet::new() }
    }

    pub(super) fn note(&mut self, position: Position) {
        if self.kept.len() < KEPT_MAX {
            self.kept.insert(position);
        }
    }

    /// Gives the first record whose body is there, though an event says that it was erased.
    pub(super) fn missing(&self, event: &Event) -> Option<Position> {
        let Event::BodiesErased(event) = event else { return None };
        let is_here = |position: &&Position| **position >= self.first && !self.kept.contains(*position);
        event.positions.iter().filter(|_| self.kept.len() < KEPT_MAX).find(is_here).copied()
    }
}
