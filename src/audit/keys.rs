//! Owns which keys a checkpoint counts under.
//!
//! A checkpoint of size n counts only under the key that was in force at n. Today a log has one set of keys for life, so
//! the position changes nothing; an event that sets signing keys is to be taken in here, and nowhere else.

use crate::domain::position::Position;
use crate::ledger::VerifierKey;

/// The keys of a log, and who vouches for them.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    keys: Vec<VerifierKey>,
    pub(super) vouched_by: VouchedBy,
}

/// Where keys come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VouchedBy {
    /// Whoever verifies brought them.
    Verifier,
    /// Nobody: the export names them itself.
    Export,
}

impl Keys {
    /// Takes the keys that whoever verifies has brought; those of the export only when there are none.
    pub(super) fn new(brought: &[VerifierKey], of_export: &[VerifierKey]) -> Self {
        if brought.is_empty() {
            Self { keys: of_export.to_vec(), vouched_by: VouchedBy::Export }
        } else {
            Self { keys: brought.to_vec(), vouched_by: VouchedBy::Verifier }
        }
    }

    /// Gives the keys that were in force at a size of the log.
    pub(super) fn in_force(&self, _size: Position) -> &[VerifierKey] {
        &self.keys
    }
}
