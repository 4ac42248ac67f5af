//! Owns what an export shows of the restores that a file of earlier checkpoints accepts.
//!
//! Nobody signs that a restore is accepted, and checkpoints of that file count no more because of it. So it counts only for
//! a log that tells of that very restore, and fails every other. Read next: [`super::checkpoints`].

use crate::domain::id::LogId;
use crate::domain::position::Position;
use crate::domain::state::Whole;
use crate::ledger::accepted_restore::AcceptedRestore;
use crate::ledger::{Frontier, RecordHeader, TreeHead};

use super::event_line::Told;
use super::keys::STORE_RESTORED;

/// The restores, while an export is read.
#[derive(Debug, Default)]
pub(super) struct Accepted {
    /// By size, smallest first.
    restores: Vec<Seen>,
    /// How many of them have a size that the export went past.
    met: usize,
}

/// What the export shows of one.
#[derive(Debug)]
struct Seen {
    accepted: AcceptedRestore,
    /// The tree of this export at its size.
    found: Option<TreeHead>,
    /// Whether the record there tells of a restore in a way that this release cannot read.
    is_hidden: bool,
}

impl Accepted {
    pub(super) fn new(restores: &[AcceptedRestore]) -> Self {
        let seen = |accepted: &AcceptedRestore| Seen { accepted: accepted.clone(), found: None, is_hidden: false };
        let mut restores: Vec<_> = restores.iter().map(seen).collect();
        restores.sort_by_key(Seen::size);
        Self { restores, met: 0 }
    }

    /// Is shown each record.
    pub(super) fn take(&mut self, header: &RecordHeader, told: &Told) {
        if header.event_type == STORE_RESTORED && !matches!(told, Told::Known(_)) {
            let hidden = self.restores.iter_mut().filter(|seen| seen.size() == header.position);
            hidden.for_each(|seen| seen.is_hidden = true);
        }
    }

    /// Is shown the tree before the first record, and after each.
    pub(super) fn note_tree(&mut self, tree: &Frontier) {
        while let Some(seen) = self.restores.get_mut(self.met).filter(|seen| seen.size() <= tree.size()) {
            if seen.size() == tree.size() {
                seen.found = Some(tree.tree_head());
            }
            self.met = self.met.saturating_add(1);
        }
    }

    /// Gives the size of the first restore that the log does not tell of, though the export covers it.
    pub(super) fn untold(&self, log_id: LogId, first: Position, whole: &Whole) -> Option<Position> {
        let is_told = |seen: &Seen| {
            let restored = seen.accepted.restored;
            let is_of_it = restored.log_id == log_id && seen.found == Some(restored.tree_head);
            is_of_it && (seen.is_hidden || seen.accepted.is_told_by(whole))
        };
        let covered =
            self.restores.iter().filter(|seen| seen.size() >= first || seen.accepted.restored.log_id != log_id);
        covered.filter(|seen| !is_told(seen)).map(Seen::size).next()
    }

    /// Gives the size of the first restore that could not be looked at: the export begins after it, or a later release wrote
    /// what it tells.
    pub(super) fn unseen(&self, first: Position) -> Option<Position> {
        self.restores.iter().find(|seen| seen.is_hidden || seen.size() < first).map(Seen::size)
    }

    /// Gives the size of the last restore; none when none was accepted.
    pub(super) fn last(&self) -> Option<Position> {
        self.restores.last().map(Seen::size)
    }
}

impl Seen {
    const fn size(&self) -> Position {
        self.accepted.restored.tree_head.size
    }
}
