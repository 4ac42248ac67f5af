//! Owns which bodies of an export are erased, and which of them a `BodiesErased` of the log explains.
//!
//! The first million are kept; those behind them count as unexplained, since memory must not grow with the length of the
//! log. Read next: [`super::judge`].

use std::collections::BTreeMap;

use crate::domain::event::Event;
use crate::domain::position::Position;

/// Erased bodies that are kept in mind.
const KEPT_MAX: usize = 1 << 20;

/// The erased bodies of an export so far.
#[derive(Debug)]
pub(super) struct ErasedBodies {
    first: Position,
    /// Whether each was explained.
    kept: BTreeMap<Position, bool>,
    /// Those that were not kept.
    surplus: u64,
    explained: u64,
    /// Those whose type is one of a later release, so that it cannot be said whether they may be erased.
    untyped: u64,
}

impl ErasedBodies {
    pub(super) const fn from(first: Position) -> Self {
        Self { first, kept: BTreeMap::new(), surplus: 0, explained: 0, untyped: 0 }
    }

    /// Notes an erased body.
    pub(super) fn note(&mut self, position: Position, has_known_type: bool) {
        self.untyped = self.untyped.saturating_add(u64::from(!has_known_type));
        if self.kept.len() < KEPT_MAX {
            self.kept.insert(position, false);
        } else {
            self.surplus = self.surplus.saturating_add(1);
        }
    }

    /// Takes in what an event explains; returns the first record whose body is there, though the event says that it was
    /// erased.
    pub(super) fn explain(&mut self, event: &Event) -> Option<Position> {
        let Event::BodiesErased(event) = event else { return None };
        let mut missing = None;
        for position in event.positions.iter().filter(|position| **position >= self.first) {
            match self.kept.get_mut(position) {
                Some(explained) if !*explained => {
                    *explained = true;
                    self.explained = self.explained.saturating_add(1);
                }
                None if self.surplus == 0 => missing = missing.or(Some(*position)),
                Some(_) | None => {}
            }
        }
        missing
    }

    /// Counts the erased bodies that no record so far explains.
    pub(super) fn unexplained(&self) -> u64 {
        let kept = u64::try_from(self.kept.len()).unwrap_or(u64::MAX);
        kept.saturating_sub(self.explained).saturating_add(self.surplus)
    }

    /// Counts the erased bodies of a type that this release does not know.
    pub(super) const fn untyped(&self) -> u64 {
        self.untyped
    }
}
