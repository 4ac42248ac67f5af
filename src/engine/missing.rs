//! Owns the bodies that a log lacks: each of them has to be one that a later record of the same log erased.
//!
//! Only hashes of bodies are in the chain, so whoever carries a log can leave bodies out without breaking it. A lock whose
//! body is left out would be gone from a restored store, and a change of one from an open. Read next: [`super::replay`].

use std::collections::BTreeSet;

use crate::codec::event::{Decoded, decode_event};
use crate::domain::event::Event;
use crate::domain::position::Position;
use crate::error::Error;
use crate::ledger::RawRecord;

/// The bodies that are missing so far, and that no record explains yet.
#[derive(Debug, Default)]
pub(crate) struct MissingBodies(BTreeSet<Position>);

impl MissingBodies {
    /// Takes the next record.
    pub(crate) fn take(&mut self, raw: &RawRecord<'_>) -> Result<(), Error> {
        let header = raw.header();
        let Some(body) = raw.body() else {
            self.0.insert(header.position);
            return Ok(());
        };
        if !self.0.is_empty()
            && let Decoded::Known(Event::BodiesErased(erased)) = decode_event(header.event_type, header.schema, body)?
        {
            self.0.retain(|position| erased.positions.binary_search(position).is_err());
        }
        Ok(())
    }

    /// Returns the first body that is missing without a reason.
    pub(crate) fn unexplained(&self) -> Option<Position> {
        self.0.first().copied()
    }

    /// Returns all bodies that are missing without a reason.
    pub(crate) const fn all(&self) -> &BTreeSet<Position> {
        &self.0
    }
}
