//! Owns the status of a store.
//!
//! Read next: [`crate::projection`].

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::id::LogId;
use crate::domain::incarnation::Incarnation;
use crate::domain::name::IssuerName;
use crate::domain::position::{Position, WriterEpoch};
use crate::domain::quarantine::{Restored, Strangers};
use crate::domain::settings::{KeySlotKind, Settings};
use crate::domain::standing::RotationStanding;
use crate::domain::time::Timestamp;
use crate::engine::snapshot::Snapshot;
use crate::error::Error;
use crate::projection::tally::Tally;
use crate::storage::Room;

use super::clock::ClockStatus;
use super::store::Store;

/// The status of a store, as of its last durable record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The id of the log, which names the store.
    pub log_id: LogId,
    /// Records in the log.
    pub log_size: Position,
    /// The chain value at its end, 32 bytes.
    pub head: [u8; 32],
    /// When the last record was made.
    pub last_at: Timestamp,
    /// The opening that made the last record.
    pub writer_epoch: WriterEpoch,
    /// Counts over all secrets.
    pub tally: Tally,
    /// Groups except the default one.
    pub groups: usize,
    /// The settings of the store.
    pub settings: Settings,
    /// The kind of each key slot in use.
    pub key_slots: Vec<(u8, KeySlotKind)>,
    /// Epochs with keys; more than one while data keys are being wrapped anew.
    pub epochs: Vec<u32>,
    /// The incarnation of the store: 0 if it was never restored, larger after each restore.
    pub incarnation: Incarnation,
    /// When the store was last restored, confirmed or not.
    pub restored_at: Option<Timestamp>,
    /// The restore that no person has confirmed yet: as long as there is one, the store is in quarantine.
    pub quarantine: Option<Restored>,
    /// The time that the store goes by, and how the clock relates to it.
    pub clock: ClockStatus,
    /// The issuers that list credentials which carry the store's tag and which the log does not know, as far as a
    /// worker has checked. They belong to the original of a restored store, or of a copy. No sweep ends anything there
    /// until each is adopted ([`crate::RotationWorker::adopt_stranger`]) or ended
    /// ([`crate::RotationWorker::end_stranger`]).
    pub strangers: BTreeMap<IssuerName, Strangers>,
    /// The next time at which a lease or an expiry is due.
    pub next_lapse_at: Option<Timestamp>,
    /// The next scheduled rotation.
    pub next_rotation_at: Option<Timestamp>,
    /// The standing of secrets with their rotations.
    pub rotations: RotationCounts,
    /// Why the store takes no more commands, if it does not.
    pub poisoned: Option<String>,
    /// Reads that could not be counted, because too many kinds of read waited.
    pub reads_missed: u64,
    /// The approximate bytes that the store takes on disk.
    pub size_bytes: u64,
    /// The free bytes, if they are too few to continue.
    pub short_of_space: Option<u64>,
    /// Records since the last checkpoint that every anchor took; `None` without anchors.
    pub unanchored_records: Option<u64>,
    /// Why an anchor did not take the last checkpoint, if it did not.
    pub anchor_problem: Option<String>,
    /// Records that the open replayed.
    pub replayed_at_open: u64,
    /// Whether the open found saved state that did not fit the log, and rebuilt it.
    pub rebuilt_at_open: bool,
    /// Whether the store has a voucher. It has none in a store of release 0.1 that is open for reading only. Then only
    /// the log is used, and the opening key is not checked against earlier keys in the log.
    pub is_vouched: bool,
    /// Keys among the rows that differ from those of the log, a sentence each, for example a key slot or an epoch that
    /// was put back.
    pub strange_keys: Vec<String>,
    /// Records that the next open would replay, if the store ended now.
    pub unsaved_records: u64,
}

/// How many secrets have some standing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RotationCount {
    /// The number of secrets.
    pub secrets: u64,
    /// Since when the first of them has it.
    pub since: Option<Timestamp>,
}

/// The standings of secrets with their rotations, each secret counted once; see [`RotationStanding`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RotationCounts {
    /// The worker has something to do.
    pub due: RotationCount,
    /// A rotation is open.
    pub open: RotationCount,
    /// A lock refuses a rotation that was due.
    pub blocked: RotationCount,
    /// A lock holds back a finished credential.
    pub staged: RotationCount,
    /// A rotation waits for a person.
    pub parked: RotationCount,
    /// The credential of an earlier version will be ended.
    pub retiring: RotationCount,
}

impl RotationCounts {
    fn of(snapshot: &Snapshot, now: Timestamp) -> Self {
        let (state, calendar) = (&snapshot.state, &snapshot.projections.calendar);
        let found: BTreeSet<_> =
            calendar.rotating().chain(calendar.steps_here(now)).chain(calendar.steps_elsewhere(now)).collect();
        let mut counts = Self::default();
        for secret in found.into_iter().filter_map(|id| state.secret(id)) {
            if let Some(standing) = secret.rotation_standing(state.whole.settings, now) {
                counts.take(standing);
            }
        }
        counts
    }

    fn take(&mut self, standing: RotationStanding) {
        let count = match standing {
            RotationStanding::Due { .. } => &mut self.due,
            RotationStanding::Open { .. } => &mut self.open,
            RotationStanding::Blocked { .. } => &mut self.blocked,
            RotationStanding::Staged { .. } => &mut self.staged,
            RotationStanding::Parked { .. } => &mut self.parked,
            RotationStanding::Retiring { .. } => &mut self.retiring,
            RotationStanding::Scheduled { .. } => return,
        };
        count.secrets = count.secrets.saturating_add(1);
        count.since = count.since.into_iter().chain(standing.since()).min();
    }
}

const fn short_of_space(room: &Room) -> Option<u64> {
    match room {
        Room::Enough => None,
        Room::Short { free_bytes, .. } => Some(*free_bytes),
    }
}

impl Store {
    /// Returns the status of the store. Looks at the secrets that rotate now, or should.
    ///
    /// # Errors
    ///
    /// Kind `Unavailable` when the system does not report the free space; `Closed` when the store is closed.
    pub fn status(&self) -> Result<Status, Error> {
        let (engine, snapshot) = (&self.0, self.0.view());
        let (shared, whole, anchored) = (&engine.shared, &snapshot.state.whole, engine.anchored());
        Ok(Status {
            log_id: shared.log_id,
            log_size: whole.log_size,
            head: *snapshot.end.head.as_bytes(),
            last_at: whole.last_at,
            writer_epoch: whole.writer_epoch,
            tally: snapshot.projections.tally,
            groups: whole.groups.len(),
            settings: whole.settings,
            key_slots: whole.key_slots.iter().map(|(slot, kind)| (*slot, *kind)).collect(),
            epochs: whole.epochs.iter().copied().collect(),
            incarnation: whole.incarnation(),
            restored_at: whole.restored.map(|restored| restored.at),
            quarantine: whole.quarantine().copied(),
            clock: ClockStatus::of(&shared.look_at_clock(), whole),
            strangers: whole.strangers.clone(),
            next_lapse_at: snapshot.next_lapse(),
            next_rotation_at: snapshot.projections.calendar.rotations().next().map(|(at, _)| at),
            rotations: RotationCounts::of(&snapshot, self.0.now()),
            poisoned: shared.poison.why().map(str::to_owned),
            reads_missed: shared.access.missed(),
            size_bytes: shared.storage.size_bytes()?,
            short_of_space: short_of_space(&shared.storage.room()?),
            unanchored_records: anchored.as_ref().map(|anchored| whole.log_size.get().saturating_sub(anchored.size)),
            anchor_problem: anchored.and_then(|anchored| anchored.problem),
            replayed_at_open: engine.replayed,
            rebuilt_at_open: engine.rebuilt,
            is_vouched: engine.is_vouched,
            strange_keys: shared.strange_keys()?,
            unsaved_records: snapshot.saved.behind(&snapshot.end),
        })
    }
}
