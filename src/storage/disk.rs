//! Owns the durable storage: a directory, sled in it, and around sled everything that sled does not do for us.
//!
//! Reads go directly to sled and have no deadline. All writes go through the keeper's thread and have one. Any failure
//! of a write poisons the store until it is opened again. This module never compares the log with the anchor; the
//! engine does. Read next: [`super::keeper`], [`super::create`], [`super::tidy`].

use std::fmt;
use std::ops::Bound;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use super::anchor::AnchorFile;
use super::ballast;
use super::batch::Batch;
use super::claim::Claim;
use super::create::{Fill, Put, check_free, create, to_sled};
use super::error::StorageError;
use super::format;
use super::guarded::guarded;
use super::keeper::{End, Keeper};
use super::layout::{Layout, tree_bytes};
use super::rows::{AnchorMark, Direction, KeyRange, OnceDurable, Room, Storage, Visit};
use super::space::{Probe, Space};
use super::tidy;

/// The options of a store on disk.
#[derive(Clone, Debug)]
pub(crate) struct DiskOptions {
    /// Bytes of sled's cache of pages.
    pub(crate) cache_bytes: u64,
    /// How long a commit may take; after that, the store is treated as hung.
    pub(crate) commit_max: Duration,
    /// How long an open or a close may take. Either may have to read everything written since the last open.
    pub(crate) open_max: Duration,
    /// The source of the free space.
    pub(crate) probe: Probe,
}

impl Default for DiskOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 64 * 1_024 * 1_024,
            commit_max: Duration::from_secs(30),
            open_max: Duration::from_secs(600),
            probe: Probe::system(),
        }
    }
}

/// An open store on disk.
pub(crate) struct Disk {
    layout: Layout,
    options: DiskOptions,
    /// The database to read from; `None` once the store is closed.
    rows: RwLock<Option<sled::Db>>,
    keeper: Mutex<Keeper>,
    space: Space,
    anchor_at_open: AnchorMark,
    /// Whether something was written that sled's snapshot does not have.
    is_written: AtomicBool,
    poison: OnceLock<String>,
}

impl Disk {
    /// Makes a store at `dir` whose first rows are those of `batch`, and opens it.
    ///
    /// # Errors
    ///
    /// [`StorageError::Exists`], [`StorageError::NotAStore`], and errors of the system.
    ///
    /// # Durability
    ///
    /// When this returns `Ok`, the store survives a crash. Before that, a crash leaves no store, or a whole one.
    pub(crate) fn create(
        dir: &Path,
        batch: &Batch,
        mark: AnchorMark,
        options: DiskOptions,
    ) -> Result<Self, StorageError> {
        let space = Space::new(&Layout::at(Layout::at(dir).parent()), options.probe.clone());
        Self::create_filled(dir, options, &mut |put| put(batch).map(|()| mark)).map_err(|err| space.explain(err))
    }

    /// Makes a store at `dir` whose first rows `fill` puts, batch by batch, and opens it.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create), [`StorageError::NoSpace`] before the disk is full, and what `fill` fails with.
    /// After an error, nothing is left of the store.
    ///
    /// # Durability
    ///
    /// As [`create`](Self::create), for any number of batches.
    pub(crate) fn create_filled<E: From<StorageError>>(
        dir: &Path,
        options: DiskOptions,
        fill: &mut Fill<'_, E>,
    ) -> Result<Self, E> {
        let layout = Layout::at(dir);
        let space = Space::new(&Layout::at(layout.parent()), options.probe.clone());
        let mut fill = |put: &mut Put<'_>| {
            fill(&mut |batch| {
                space.before_commit(batch.bytes() as u64)?;
                put(batch).map_err(|err| space.explain(err))
            })
        };
        let claim = create(&layout, &mut fill, options.cache_bytes)?;
        Ok(Self::open_claimed(layout, claim, options)?)
    }

    /// Returns whether a store could be made at `dir`: the path is free, or an empty directory.
    ///
    /// # Errors
    ///
    /// [`StorageError::Exists`] when there is something else.
    pub(crate) fn check_free(dir: &Path) -> Result<(), StorageError> {
        check_free(dir)
    }

    /// Opens the store at `dir`.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotAStore`], [`StorageError::OtherRevision`], [`StorageError::AlreadyOpen`],
    /// [`StorageError::Corrupt`], [`StorageError::Panicked`] (usually damage), and errors of the system.
    pub(crate) fn open(dir: &Path, options: DiskOptions) -> Result<Self, StorageError> {
        let layout = Layout::at(dir);
        format::check(&layout)?;
        let claim = Claim::take(&layout)?;
        Self::open_claimed(layout, claim, options)
    }

    fn open_claimed(layout: Layout, claim: Claim, options: DiskOptions) -> Result<Self, StorageError> {
        let anchor = AnchorFile::open(&layout)?;
        let anchor_at_open = anchor.mark();
        tidy::before_open(&layout)?;
        let space = Space::new(&layout, options.probe.clone());
        space.before_open(tidy::snapshot_bytes(&layout)?)?;
        let opened = Keeper::open(&layout, options.cache_bytes, options.open_max, claim, anchor);
        let (keeper, db) = opened.map_err(|err| space.explain(err))?;
        // A store without ballast works until the disk is full, and a caller that asks for `room` gets the error.
        drop(space.restore_ballast());
        Ok(Self {
            layout,
            options,
            rows: RwLock::new(Some(db)),
            keeper: Mutex::new(keeper),
            space,
            anchor_at_open,
            is_written: AtomicBool::new(false),
            poison: OnceLock::new(),
        })
    }

    fn check_whole(&self) -> Result<(), StorageError> {
        match self.poison.get() {
            Some(why) => Err(StorageError::Poisoned { why: why.clone() }),
            None => Ok(()),
        }
    }

    /// Stores the first failure. If the disk was full, gives up the ballast, so that the store can be opened again.
    fn poisoned(&self, err: StorageError) -> StorageError {
        let first = self.poison.set(with_source(&err)).is_ok();
        if first && err.is_disk_full() {
            drop(ballast::give_up(&self.layout));
        }
        err
    }

    /// Reads with sled. A panic poisons the store; an error of a read does not, since a read changes nothing.
    fn read<T>(&self, read: impl FnOnce(&sled::Db) -> sled::Result<T>) -> Result<T, StorageError> {
        let rows = self.rows.read_recursive();
        let db = rows.as_ref().ok_or(StorageError::Closed)?;
        guarded("read", &self.layout.rows(), || read(db)).map_err(|err| match err {
            err @ StorageError::Panicked { .. } => self.poisoned(err),
            err => err,
        })
    }

    fn check_open(&self) -> Result<(), StorageError> {
        self.read(|_| Ok(()))
    }

    /// Closes the store, if it is not closed yet.
    fn end(&self) -> Result<(), StorageError> {
        let wait = || StorageError::overdue("wait for a reader of", &self.layout.rows());
        let last = self.rows.try_write_for(self.options.commit_max).ok_or_else(wait)?.take();
        let Some(db) = last else { return Ok(()) };
        let whole = self.check_whole();
        let (end, deadline) = match &whole {
            Err(_) => (End::Poisoned, POISONED_END_MAX),
            Ok(()) if self.is_written.load(Ordering::Relaxed) => (End::WithSnapshot, self.options.open_max),
            Ok(()) => (End::Plain, self.options.open_max),
        };
        let ended = self.keeper.lock().end(end, db, deadline);
        whole.and(ended)
    }
}

impl Storage for Disk {
    fn get(&self, row_key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.read(|db| Ok(db.get(row_key)?.map(|value| value.to_vec())))
    }

    fn scan(&self, range: &KeyRange, direction: Direction, visit: &mut Visit<'_>) -> Result<(), StorageError> {
        self.check_open()?;
        if range.is_empty() {
            return Ok(());
        }
        let until = range.until().map_or(Bound::Unbounded, Bound::Excluded);
        let mut rows = self.read(|db| Ok(db.range::<&[u8], _>((Bound::Included(range.from()), until))))?;
        loop {
            let next = self.read(|_| match direction {
                Direction::Ascending => rows.next().transpose(),
                Direction::Descending => rows.next_back().transpose(),
            })?;
            match next {
                Some((row_key, value)) if visit(&row_key, &value).is_continue() => {}
                _ => return Ok(()),
            }
        }
    }

    fn commit(&self, batch: &Batch) -> Result<(), StorageError> {
        self.commit_and(batch, Box::new(|| {}))
    }

    fn commit_and(&self, batch: &Batch, once_durable: OnceDurable) -> Result<(), StorageError> {
        let keeper = self.keeper.lock();
        self.check_open()?;
        self.check_whole()?;
        batch.check(|row_key| self.read(|db| db.get(row_key)))?;
        if batch.is_empty() {
            once_durable();
            return Ok(());
        }
        self.space.before_commit(batch.bytes() as u64)?;
        self.is_written.store(true, Ordering::Relaxed);
        keeper.commit(to_sled(batch), once_durable, self.options.commit_max).map_err(|err| self.poisoned(err))
    }

    fn anchor(&self) -> Option<AnchorMark> {
        Some(self.anchor_at_open)
    }

    fn write_anchor(&self, mark: AnchorMark) -> Result<(), StorageError> {
        let keeper = self.keeper.lock();
        self.check_open()?;
        self.check_whole()?;
        keeper.write_anchor(mark, self.options.commit_max).map_err(|err| self.poisoned(err))
    }

    fn room(&self) -> Result<Room, StorageError> {
        self.check_open()?;
        self.space.restore_ballast()?;
        self.space.room()
    }

    fn size_bytes(&self) -> Result<u64, StorageError> {
        self.check_open()?;
        tree_bytes(&self.layout.rows())
    }

    fn close(&self) -> Result<(), StorageError> {
        self.end()
    }
}

/// Shows only the directory: sled's own form would print every row.
impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").field("dir", &self.layout.dir()).finish_non_exhaustive()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A caller that wants the result calls `close` first.
        drop(self.end());
    }
}

/// Returns the message of an error and of its cause.
fn with_source(err: &StorageError) -> String {
    match std::error::Error::source(err) {
        Some(source) => format!("{err}: {source}"),
        None => err.to_string(),
    }
}

/// How long a close waits for the end of a poisoned store. Its thread may hang for good, and the caller must not.
const POISONED_END_MAX: Duration = Duration::from_secs(1);
