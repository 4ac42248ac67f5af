//! Owns which rotations a log has planned: what one of them made outside is this store's own.
//!
//! A restored store and its original have one log up to the restore, and part there. Read next: [`super::rotation`].

use std::collections::BTreeSet;

use super::effect::Span;
use super::event::{Event, RotationAborted, RotationCommitted, RotationPlanned, StoreRestored};
use super::event_shape::Kind;
use super::id::RotationId;

/// The rotations that a log has planned, as far as it was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Planned {
    rotations: BTreeSet<RotationId>,
    /// Those among them that have not ended.
    open: BTreeSet<RotationId>,
}

impl Planned {
    /// The numbers of the events that are taken in, so that no other record has to be decoded.
    pub(crate) const EVENTS: [u16; 4] = [
        <StoreRestored as Kind>::NUMBER,
        <RotationPlanned as Kind>::NUMBER,
        <RotationCommitted as Kind>::NUMBER,
        <RotationAborted as Kind>::NUMBER,
    ];

    /// Takes an event in. The original of a restored store goes on with what was open at the backup, and what comes of that is
    /// its own.
    pub(crate) fn take(&mut self, event: &Event) {
        match event.span() {
            Span::Begins(rotation) => {
                self.rotations.insert(rotation);
                self.open.insert(rotation);
            }
            Span::Ends(rotation) => drop(self.open.remove(&rotation)),
            Span::PartsAll => {
                for rotation in std::mem::take(&mut self.open) {
                    self.rotations.remove(&rotation);
                }
            }
            Span::None => {}
        }
    }

    /// Tells whether the log has planned a rotation.
    pub(crate) fn has(&self, rotation: RotationId) -> bool {
        self.rotations.contains(&rotation)
    }

    /// Tells whether it has, and the rotation has ended.
    #[cfg(test)]
    pub(crate) fn has_ended(&self, rotation: RotationId) -> bool {
        self.has(rotation) && !self.open.contains(&rotation)
    }
}
