//! Owns the check of missing bodies: a later record of the same log must have erased each missing body, and each erased
//! body must be missing.
//!
//! Only hashes of bodies are in the chain. So whoever transports a log can leave bodies out, or put erased ones back,
//! without breaking the chain. A lock whose body was left out would not exist in a restored store. Read next:
//! [`super::replay`].

use std::collections::BTreeSet;

use crate::codec::event::{Decoded, decode_event};
use crate::domain::event::{BodiesErased, Event};
use crate::domain::event_shape::Kind;
use crate::domain::position::Position;
use crate::error::Error;
use crate::ledger::{RawRecord, RecordHeader};

/// The number of the event that erases bodies.
const BODIES_ERASED: u16 = <BodiesErased as Kind>::NUMBER;

/// The bodies that are missing so far, or that are present although they were erased.
#[derive(Debug, Default)]
pub(crate) struct MissingBodies {
    /// The position of the first record.
    first: Option<Position>,
    all: BTreeSet<Position>,
    unexplained: BTreeSet<Position>,
    still_there: BTreeSet<Position>,
    /// The size after the last erasure.
    erased_up_to: Option<Position>,
}

impl MissingBodies {
    /// Takes the next record.
    pub(crate) fn take(&mut self, raw: &RawRecord<'_>) -> Result<(), Error> {
        let position = raw.header().position;
        let first = *self.first.get_or_insert(position);
        let Some(body) = raw.body() else {
            self.all.insert(position);
            self.unexplained.insert(position);
            return Ok(());
        };
        for erased in erased_by(raw.header(), body)?.iter().filter(|erased| **erased >= first) {
            if !self.unexplained.remove(erased) {
                self.still_there.insert(*erased);
            }
            self.erased_up_to = Some(position.next());
        }
        Ok(())
    }

    /// Returns the first body that is missing without a reason.
    pub(crate) fn unexplained(&self) -> Option<Position> {
        self.unexplained.first().copied()
    }

    /// Returns all bodies that are missing.
    pub(crate) const fn all(&self) -> &BTreeSet<Position> {
        &self.all
    }

    /// Returns the bodies that are present, although a later record erased them.
    pub(crate) const fn still_there(&self) -> &BTreeSet<Position> {
        &self.still_there
    }

    /// Returns the size of the log after its last erasure; 0 when there was none.
    pub(crate) fn erased_up_to(&self) -> Position {
        self.erased_up_to.unwrap_or(Position::FIRST)
    }
}

/// Returns the positions of the bodies that a record erases.
pub(super) fn erased_by(header: &RecordHeader, body: &[u8]) -> Result<Box<[Position]>, Error> {
    if header.event_type != BODIES_ERASED {
        return Ok(Box::default());
    }
    match decode_event(header.event_type, header.schema, body)? {
        Decoded::Known(Event::BodiesErased(event)) => Ok(event.positions.iter().copied().collect()),
        Decoded::Known(_) | Decoded::Unknown => Ok(Box::default()),
    }
}
