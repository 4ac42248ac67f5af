//! Owns which rotations a log has planned: what one of them made outside is this store's own.
//!
//! A restored store and its original have one log up to the restore, and part there. Read next: [`super::rotation`].

use std::collections::BTreeSet;

use super::event::Event;
use super::id::RotationId;

/// The rotations that a log has planned, as far as it was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Planned {
    rotations: BTreeSet<RotationId>,
    /// Those among them that have not ended.
    open: BTreeSet<RotationId>,
}

impl Planned {
    /// The numbers of `StoreRestored`, `RotationPlanned`, `RotationCommitted` and `RotationAborted`, so that no other record
    /// has to be decoded.
    pub(crate) const EVENTS: [u16; 4] = [14, 50, 55, 56];

    /// Takes an event in. The original of a restored store goes on with what was open at the backup, and what comes of that is
    /// its own.
    pub(crate) fn take(&mut self, event: &Event) {
        match event {
            Event::RotationPlanned(event) => {
                self.rotations.insert(event.rotation);
                self.open.insert(event.rotation);
            }
            Event::RotationCommitted(event) => drop(self.open.remove(&event.rotation)),
            Event::RotationAborted(event) => drop(self.open.remove(&event.rotation)),
            Event::StoreRestored(_) => {
                for rotation in std::mem::take(&mut self.open) {
                    self.rotations.remove(&rotation);
                }
            }
            _ => {}
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
