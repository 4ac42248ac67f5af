//! Owns which bodies of an export are erased, and which of them a `BodiesErased` of the log explains.
//!
//! The first million are kept; those behind them count as unexplained, since memory must not grow with the length of the
//! log. Read next: [`super::judge`].

use std::collections::BTreeMap;
use std::fmt;

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

/// A body that an event cannot have erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unerased {
    /// It is there.
    Here(Position),
    /// An earlier event erased it.
    Before(Position),
}

impl fmt::Display for Unerased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here(position) => {
                write!(f, "the log says that the body at position {position} was erased, and here it is")
            }
            Self::Before(position) => write!(f, "the log says twice that the body at position {position} was erased"),
        }
    }
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

    /// Takes in what an event explains; returns the first position that it cannot name.
    pub(super) fn explain(&mut self, event: &Event) -> Option<Unerased> {
        let Event::BodiesErased(event) = event else { return None };
        let mut first = None;
        for position in event.positions.iter().filter(|position| **position >= self.first) {
            match self.kept.get_mut(position) {
                Some(explained) if *explained => first = first.or(Some(Unerased::Before(*position))),
                Some(explained) => {
                    *explained = true;
                    self.explained = self.explained.saturating_add(1);
                }
                None if self.surplus == 0 => first = first.or(Some(Unerased::Here(*position))),
                None => {}
            }
        }
        first
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
