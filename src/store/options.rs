//! Owns the options for making or opening a store; every default has its reason.
//!
//! Read next: [`crate::Store`].

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::clock::ClockBounds;
use crate::domain::name::Actor;
use crate::domain::position::Position;
use crate::domain::settings::{AccessAudit, Settings};
use crate::engine::anchor_file::AnchorFile;
use crate::engine::anchoring::{AnchorPace, CheckpointAnchor};
use crate::engine::clock::{Clock, SystemClock};
use crate::engine::history::{APART_RECORDS, APART_RECORDS_MIN};
use crate::engine::open::{Access, Opening, Place, create, open};
use crate::error::Error;
use crate::ledger::accepted_restore::AcceptedRestore;
use crate::seal::passphrase::PassphraseCost;
use crate::seal::unlock::Unlock;
use crate::storage::DiskOptions;
use crate::store::Store;

/// The options for making or opening a store.
///
/// ```
/// use latchkeep::{StoreOptions, Unlock, SecretBytes};
///
/// let store = StoreOptions::in_memory(Unlock::bytes(SecretBytes::copy_from(&[7; 32]))).create()?;
/// assert_eq!(store.status()?.tally.secrets, 0);
/// store.close()?;
/// # Ok::<(), latchkeep::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "options do nothing until `create` or `open`"]
pub struct StoreOptions {
    place: Place,
    unlock: Unlock,
    passphrase_cost: PassphraseCost,
    clock: Arc<dyn Clock>,
    clock_bounds: ClockBounds,
    lease_grace: Duration,
    settings: Settings,
    cache_bytes: u64,
    commit_max: Duration,
    queue_max: usize,
    past_states_apart: u64,
    expected_checkpoints: Vec<Box<str>>,
    expected_restores: Vec<AcceptedRestore>,
    accepted_steps: BTreeSet<Position>,
    anchors: Vec<Arc<dyn CheckpointAnchor>>,
    anchor_pace: AnchorPace,
}

impl StoreOptions {
    /// Names the directory of a store and the key that opens it.
    pub fn new(dir: impl Into<PathBuf>, unlock: Unlock) -> Self {
        Self::at(Place::Directory(dir.into()), unlock)
    }

    /// Describes a store in memory, which ends with the process; for tests of hosts.
    pub fn in_memory(unlock: Unlock) -> Self {
        Self::at(Place::Memory, unlock)
    }

    fn at(place: Place, unlock: Unlock) -> Self {
        let disk = DiskOptions::default();
        Self {
            place,
            unlock,
            passphrase_cost: PassphraseCost::default(),
            clock: Arc::new(SystemClock),
            clock_bounds: ClockBounds::default(),
            lease_grace: Duration::ZERO,
            settings: Settings::default(),
            cache_bytes: disk.cache_bytes,
            commit_max: disk.commit_max,
            queue_max: QUEUE_MAX,
            past_states_apart: APART_RECORDS,
            expected_checkpoints: Vec::new(),
            expected_restores: Vec::new(),
            accepted_steps: BTreeSet::new(),
            anchors: Vec::new(),
            anchor_pace: AnchorPace::default(),
        }
    }

    /// Sets how reads get into the audit trail of a new store. The default is [`AccessAudit::Relaxed`]: it costs a read
    /// nothing, and within a second the log says who read what. For an existing store see
    /// [`crate::Session::change_settings`].
    pub const fn access_audit(mut self, access_audit: AccessAudit) -> Self {
        self.settings.access_audit = access_audit;
        self
    }

    /// Sets whether, in a new store, any lock on any version of a secret refuses its rotation, unless the secret has a
    /// setting of its own. Off by default, as in the reference: a rotation is allowed although the current version is
    /// locked, which then becomes *previous* with its locks.
    pub const fn refuse_rotation_while_locked(mut self, refuse: bool) -> Self {
        self.settings.refuse_rotation_while_locked = refuse;
        self
    }

    /// Sets the cost of trying a passphrase, for a new store that a passphrase opens: 64 MiB and 3 passes by default.
    pub const fn passphrase_cost(mut self, cost: PassphraseCost) -> Self {
        self.passphrase_cost = cost;
        self
    }

    /// Sets another clock; the system's by default. Several threads may call it at the same time. It should not block,
    /// since writers and readers wait for it.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets how far ahead a clock may be to be believed; see [`ClockBounds`].
    pub const fn clock_bounds(mut self, bounds: ClockBounds) -> Self {
        self.clock_bounds = bounds;
        self
    }

    /// Sets how long leases remain that ended while no one could renew them, because the store was closed or its
    /// machine slept. The time counts from the open, or from the end of the sleep, so that owners can renew their
    /// leases. Zero by default: a lease ends at its time.
    ///
    /// During this grace, no other lapse happens on a secret with such a lease; its locks still protect it. A lease
    /// that ends after the store came back ends at its time. The grace itself is not recorded: only the record of a
    /// lease's end comes later.
    pub const fn lease_grace(mut self, grace: Duration) -> Self {
        self.lease_grace = grace;
        self
    }

    /// Sets the bytes of sled's page cache: 64 MiB by default, at least 1 MiB.
    pub fn cache_bytes(mut self, bytes: u64) -> Self {
        self.cache_bytes = bytes.max(1_024 * 1_024);
        self
    }

    /// Sets how long a commit may take before the store gives its disk up and is poisoned. The default is 30 seconds:
    /// longer than any healthy disk takes, and shorter than people wait.
    pub const fn commit_deadline(mut self, deadline: Duration) -> Self {
        self.commit_max = deadline;
        self
    }

    /// Sets how many commands may wait for the writer before callers block: 1,024 by default, at least 1.
    pub fn queue_max(mut self, commands: usize) -> Self {
        self.queue_max = commands.max(1);
        self
    }

    /// Sets after how many records a whole past state is kept, for [`Store::as_of`]: 131,072 by default, about a fifth
    /// of a second of replay; at least 1,024, and never less than four for each secret. Each takes about as much disk
    /// as the secrets with their versions and locks, and is kept for good; `u64::MAX` keeps none.
    pub fn past_states_apart(mut self, records: u64) -> Self {
        self.past_states_apart = records.max(APART_RECORDS_MIN);
        self
    }

    /// Checks the log against a checkpoint that was kept elsewhere: the store opens only if its log is the one of the
    /// checkpoint, or extends it. If called several times, the log is checked against each.
    pub fn expecting_checkpoint(mut self, note: &str) -> Self {
        self.expected_checkpoints.push(note.into());
        self
    }

    /// Checks the log against every checkpoint of a file, and against the restores that were accepted in it. The open
    /// takes a signature check and some reads for each.
    pub fn expecting_anchored(mut self, file: &AnchorFile) -> Self {
        self.expected_checkpoints.extend(file.checkpoints().map(Into::into));
        self.expected_restores.extend_from_slice(file.restores());
        self
    }

    /// Lets [`StoreOptions::restore`] and [`StoreOptions::create_from_export`] accept a log although the rules do not
    /// allow the step at a position. A fault of a release may have written that step, and the log would otherwise be
    /// lost. May be called up to 1,000 times. The record of the restore names each step, and every later check of the
    /// log accepts it. First find out how the step came about, since it may have touched what a lock protected. Has no
    /// effect on an open.
    pub fn accepting_illegal_step(mut self, position: Position) -> Self {
        self.accepted_steps.insert(position);
        self
    }

    /// Hands signed checkpoints to an anchor while the store is open, and at its close; may be called for several.
    pub fn anchoring(mut self, anchor: impl CheckpointAnchor) -> Self {
        self.anchors.push(Arc::new(anchor));
        self
    }

    /// Sets when the store hands checkpoints to anchors.
    pub const fn anchor_pace(mut self, pace: AnchorPace) -> Self {
        self.anchor_pace = pace;
        self
    }

    /// Makes the store and opens it.
    ///
    /// # Errors
    ///
    /// Kind `Invalid`, code `store_exists`, when the path has a store or anything other than an empty directory;
    /// `key_file` or `invalid_parameter` when the key cannot be used. Kind `Unavailable` when the system denies access,
    /// or the disk is full.
    ///
    /// # Durability
    ///
    /// When this returns, the store survives a crash; an earlier crash leaves no store, or a whole one.
    pub fn create(self) -> Result<Store, Error> {
        create(&self.opening()).map(Store::new)
    }

    /// Opens the store for reading and writing. Only one handle in one process has a store open at a time.
    ///
    /// It loads saved state (some microseconds per secret), replays the records since it was saved (about 30,000 at
    /// most), and, with a passphrase, tries it.
    ///
    /// # Errors
    ///
    /// Kind `Invalid`: `not_a_store`, `other_revision`, `wrong_key`, `key_file`. Kind `Unavailable`: `already_open`, at
    /// once; `permission`, `no_space`, `io`; `unknown_events` when a later release wrote to the store. Kind `Corrupt`:
    /// `records_lost`, `key_slot_damaged`, `corrupt`, and, with an expected checkpoint, `rolled_back` or `forked`; then
    /// nothing is changed.
    pub fn open(self) -> Result<Store, Error> {
        open(&self.opening(), Access::ReadWrite).map(Store::new)
    }

    /// Opens the store for reading only: no command is accepted, and nothing is recorded, not even reads. What time has
    /// ended is shown as ended, and its data is not returned. Refuses reads that must be recorded first: those of
    /// dynamic secrets, and all under [`AccessAudit::Strict`].
    ///
    /// # Errors
    ///
    /// As [`StoreOptions::open`], except `unknown_events`.
    pub fn open_read_only(self) -> Result<Store, Error> {
        open(&self.opening(), Access::ReadOnly).map(Store::new)
    }

    pub(crate) fn opening(self) -> Opening {
        Opening {
            place: self.place,
            disk: DiskOptions { cache_bytes: self.cache_bytes, commit_max: self.commit_max, ..DiskOptions::default() },
            unlock: self.unlock,
            passphrase_cost: self.passphrase_cost,
            clock: self.clock,
            clock_bounds: self.clock_bounds,
            lease_grace: self.lease_grace,
            queue_max: self.queue_max,
            past_states_apart: self.past_states_apart,
            expected_checkpoints: self.expected_checkpoints,
            expected_restores: self.expected_restores,
            accepted_steps: self.accepted_steps,
            anchors: self.anchors,
            anchor_pace: self.anchor_pace,
            settings: self.settings,
            system: Actor::system(),
        }
    }
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreOptions").field("place", &self.place).finish_non_exhaustive()
    }
}

/// Commands that may wait for the writer: enough for a group of many callers, few enough to be answered in a second.
const QUEUE_MAX: usize = 1_024;
