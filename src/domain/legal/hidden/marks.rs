//! Owns what headers alone tell of the locks of a hidden secret: that one was placed, without a name, and that some went.
//!
//! An erased `LockPlaced` is known by its position and its time. It still stands unless something behind it can have ended
//! it: a removal, the end of a lease, or another lock of its name, each of one lock at most. The rules here refuse only what
//! no choice of the missing names explains. Read next: [`super::told`].

use std::collections::BTreeSet;

use super::super::super::position::{Position, VersionNumber};
use super::super::super::step::HiddenRecord;
use super::super::super::time::Timestamp;

/// Marks that are kept of one secret: those in front of the newest are forgotten, and then held to nothing.
const MARKS_MAX: usize = 4_096;

/// An erased `LockPlaced`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placement {
    pub(super) position: Position,
    pub(super) at: Timestamp,
    /// The version that it was placed on, where there was but one.
    pub(super) version: Option<VersionNumber>,
    /// The first of those that were placed with it: they have other names.
    pub(super) with: Position,
}

#[derive(Clone, Copy, Debug)]
enum Mark {
    Placed(Placement),
    /// A lock went, or one of its name took its place; on which version, if that is known.
    Ended(Position, Option<VersionNumber>),
}

/// What headers tell of the locks of a secret, in the order of the log.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    kept: Vec<Mark>,
    /// Whether some were forgotten.
    is_cut: bool,
    /// The position at which the batch of the last placement goes on, and the first placement of that batch.
    open: Option<(Position, Position)>,
}

impl Marks {
    pub(super) fn place(&mut self, record: &HiddenRecord, version: Option<VersionNumber>) {
        let (position, at) = (record.position, record.recorded_at);
        let with = self.open.filter(|(next, _)| *next == position).map_or(position, |(_, first)| first);
        self.open = (!record.ends_batch).then_some((position.next(), with));
        self.push(Mark::Placed(Placement { position, at, version, with }));
    }

    pub(super) fn end(&mut self, position: Position, version: Option<VersionNumber>) {
        // What went before anything was hidden ends nothing that is.
        if !self.kept.is_empty() {
            self.push(Mark::Ended(position, version));
        }
    }

    fn push(&mut self, mark: Mark) {
        if self.kept.len() >= MARKS_MAX {
            self.kept.drain(..MARKS_MAX / 2);
            self.is_cut = true;
        }
        self.kept.push(mark);
    }

    /// Walks over the erased placements, oldest first.
    pub(super) fn placements(&self) -> impl Iterator<Item = &Placement> {
        self.kept.iter().filter_map(|mark| match mark {
            Mark::Placed(placement) => Some(placement),
            Mark::Ended(..) => None,
        })
    }

    /// Tells whether a lock on a version can have been placed by something that is hidden.
    pub(super) fn can_have(&self, version: Option<VersionNumber>) -> bool {
        let can_be =
            |placement: &Placement| version.is_none() || placement.version.is_none_or(|on| Some(on) == version);
        self.is_cut || self.placements().any(can_be)
    }

    /// Finds the placement that a lock comes from, by the record and the time that it tells.
    pub(super) fn find(&self, version: VersionNumber, placed: impl Fn(&Placement) -> bool) -> Option<Position> {
        let is_it = |found: &&Placement| found.version.is_none_or(|on| on == version) && placed(found);
        self.placements().find(is_it).map(|placement| placement.position)
    }

    /// Tells whether a placement came before those that are kept.
    pub(super) fn may_have_forgotten(&self, position: Position) -> bool {
        let first = self.kept.first().map(|mark| match mark {
            Mark::Placed(placement) => placement.position,
            Mark::Ended(position, _) => *position,
        });
        self.is_cut && first.is_none_or(|first| position < first)
    }

    /// Tells whether some lock that was placed on a version, or on any, is neither accounted for nor can have gone.
    pub(super) fn stands(&self, version: Option<VersionNumber>, accounted: &BTreeSet<Position>) -> bool {
        let (mut ends, mut with, mut replaced) = (0_usize, None, 0_usize);
        for mark in self.kept.iter().rev() {
            match mark {
                Mark::Ended(_, on) if version.is_none() || on.is_none() || *on == version => {
                    ends = ends.saturating_add(1);
                }
                Mark::Ended(..) => {}
                Mark::Placed(placement) => {
                    // Those behind it can have taken its place, but for those that were placed with it.
                    if with != Some(placement.with) {
                        ends = ends.saturating_add(std::mem::take(&mut replaced));
                        with = Some(placement.with);
                    }
                    let is_asked_for = version.is_none() || placement.version == version;
                    if is_asked_for && !accounted.contains(&placement.position) {
                        if ends == 0 {
                            return true;
                        }
                        ends = ends.saturating_sub(1);
                    }
                    if version.is_none() || placement.version.is_none() || placement.version == version {
                        replaced = replaced.saturating_add(1);
                    }
                }
            }
        }
        false
    }
}
