//! Owns the line by which a person accepts a restore in a file of checkpoints, and the check of a log against it.
//!
//! The line has no signature: it counts only for a log that contains the restore. Read next: [`super::checkpoint`].

use std::fmt;

use crate::domain::id::LogId;
use crate::domain::incarnation::Incarnation;
use crate::domain::position::Position;
use crate::domain::state::Whole;

use super::checkpoint::Checkpoint;
use super::hash::TreeHash;
use super::signer::VerifierKey;
use super::tree::TreeHead;

/// A restore that a person accepts: from here on a file continues with the restored log.
///
/// Its `Display` is the line of a file:
/// `latchkeep.restore/<log id in hex> <size> <root in base64> <incarnation> <verifier key>`. Older lines end with the
/// incarnation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedRestore {
    /// The log, and its tree head at the restored size.
    pub restored: Checkpoint,
    /// The incarnation of the store from there on.
    pub incarnation: Incarnation,
    /// The key that signs from there on; each restore makes a new one. If it is not named, the line counts for every
    /// restore of this size and incarnation: two restores within one second have the same.
    pub verifier_key: Option<VerifierKey>,
}

impl AcceptedRestore {
    pub(crate) const BEGIN: &str = "latchkeep.restore/";

    /// Returns whether a log contains exactly this restore. Does not compare the tree head at that size.
    pub(crate) fn is_told_by(&self, whole: &Whole) -> bool {
        let size = self.restored.tree_head.size;
        let has_key =
            self.verifier_key.as_ref().is_none_or(|key| whole.key_restored_at(size) == Some(&*key.to_string()));
        has_key && whole.incarnations.get(&size) == Some(&self.incarnation)
    }

    /// Returns whether this accepts everything that another line accepts: the same restore, with a key or without one.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let is_same_key = self.verifier_key.is_none() || self.verifier_key == other.verifier_key;
        is_same_key && (self.restored, self.incarnation) == (other.restored, other.incarnation)
    }

    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix(Self::BEGIN)?.split(' ');
        let log_id = LogId::parse(words.next()?).ok()?;
        let size = Position::new(words.next()?.parse().ok()?);
        let root = TreeHash::parse_base64(words.next()?).ok()?;
        let incarnation = Incarnation::new(words.next()?.parse().ok()?);
        let verifier_key = words.next().map(VerifierKey::parse).transpose().ok()?;
        let restored = Checkpoint { log_id, tree_head: TreeHead { size, root } };
        let found = Self { restored, incarnation, verifier_key };
        (found.to_string() == line).then_some(found)
    }
}

impl fmt::Display for AcceptedRestore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Checkpoint { log_id, tree_head: TreeHead { size, root } } = self.restored;
        write!(f, "{}{} {size} {} {}", Self::BEGIN, log_id.to_hex(), root.to_base64(), self.incarnation)?;
        self.verifier_key.as_ref().map_or(Ok(()), |key| write!(f, " {key}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{NoteSigner, origin};

    #[test]
    fn a_line_is_read_as_it_is_written_with_a_key_and_without() {
        let log_id = LogId::from_bytes([7; 16]);
        let tree_head = TreeHead { size: Position::new(5), root: TreeHead::empty().root };
        let restored = Checkpoint { log_id, tree_head };
        let signer = NoteSigner::new(&origin(&log_id), &[1; 32]).unwrap();
        let keyed = AcceptedRestore {
            restored,
            incarnation: Incarnation::new(77),
            verifier_key: Some(signer.verifier_key().clone()),
        };
        let bare = AcceptedRestore { verifier_key: None, ..keyed.clone() };
        for accepted in [&keyed, &bare] {
            assert_eq!(AcceptedRestore::parse(&accepted.to_string()).as_ref(), Some(accepted));
            for line in [format!("{accepted} "), format!("{accepted} x"), accepted.to_string().replace(" 5 ", " 05 ")] {
                assert_eq!(AcceptedRestore::parse(&line), None, "{line}");
            }
        }
        assert!(bare.covers(&keyed) && keyed.covers(&keyed) && !keyed.covers(&bare));
    }
}
