//! Owns the thread that writes: it alone applies, flushes, syncs and drops, so that whoever asks waits no longer than a
//! deadline, whatever sled or the disk does.
//!
//! It holds the claim for as long as sled lives, also when nobody waits for it any more. It never reads rows and never
//! tries anything twice. Read next: [`super::guarded`].

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use super::anchor::AnchorFile;
use super::ballast;
use super::claim::{Claim, LastEnd};
use super::error::StorageError;
use super::guarded::{guarded, open_sled};
use super::layout::{Layout, close_to_others, sync_dir};
use super::rows::{AnchorMark, OnceDurable};
use super::tidy;

/// The way to the thread. One asks at a time.
pub(super) struct Keeper {
    asked: Sender<(Work, Sender<Answer>)>,
    rows: PathBuf,
}

/// How a store is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// At once: nothing was written.
    Plain,
    /// At once, and marked as a bad end.
    Poisoned,
    /// After one more open, at which sled writes its snapshot: it does so at no other time. The next open need not read
    /// all that was written since, and damage to what the snapshot covers is an error, not a log cut short in silence.
    WithSnapshot,
}

type Answer = Result<(), StorageError>;

/// What is to be done once a commit is durable: by the thread, or by nobody once the deadline is over. Waking whoever
/// asked, only to wake others in turn, would take longer than some disks.
struct Waiting(Mutex<Option<OnceDurable>>);

impl Waiting {
    fn new(once_durable: OnceDurable) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(once_durable))))
    }

    fn take(&self) -> Option<OnceDurable> {
        self.0.lock().take()
    }
}

enum Work {
    Commit(sled::Batch, Arc<Waiting>),
    Anchor(AnchorMark),
    End(End, sled::Db),
}

/// What the thread holds. The claim goes last.
struct Kept {
    layout: Layout,
    cache_bytes: u64,
    db: sled::Db,
    db_file: File,
    anchor: AnchorFile,
    claim: Claim,
}

impl Keeper {
    /// Opens sled on a thread of its own, and gives the way to it and a handle to read by.
    ///
    /// # Errors
    ///
    /// What the open says, or that it outlasted `deadline`.
    pub(super) fn open(
        layout: &Layout,
        cache_bytes: u64,
        deadline: Duration,
        claim: Claim,
        anchor: AnchorFile,
    ) -> Result<(Self, sled::Db), StorageError> {
        let (asked, work) = mpsc::channel();
        let (opened, open) = mpsc::channel();
        let (rows, layout) = (layout.rows(), layout.clone());
        let keep = move || match Kept::open(layout, cache_bytes, claim, anchor) {
            Ok(kept) => {
                drop(opened.send(Ok(kept.db.clone())));
                kept.serve(&work);
            }
            Err(err) => drop(opened.send(Err(err))),
        };
        #[expect(clippy::disallowed_methods, reason = "the one thread that makes sled write")]
        let started = thread::Builder::new().name("latchkeep-disk".to_owned()).spawn(keep);
        started.map_err(|source| StorageError::io("start the thread that writes", &rows, source))?;
        match open.recv_timeout(deadline) {
            Ok(db) => Ok((Self { asked, rows }, db?)),
            Err(RecvTimeoutError::Timeout) => Err(StorageError::overdue("open", &rows)),
            Err(RecvTimeoutError::Disconnected) => Err(ended("open")),
        }
    }

    /// Applies a batch, makes it durable, and runs `once_durable`. After any error nothing may be asked but the end.
    pub(super) fn commit(
        &self,
        batch: sled::Batch,
        once_durable: OnceDurable,
        deadline: Duration,
    ) -> Result<(), StorageError> {
        let waiting = Waiting::new(once_durable);
        let answer = self.ask(Work::Commit(batch, Arc::clone(&waiting)), "make durable", deadline);
        match answer {
            answer @ (Ok(()) | Err(StorageError::Panicked { .. })) => answer,
            // Whoever takes it out decides: what is given up here is never run, and what is run is durable.
            answer => waiting.take().map_or(Ok(()), |_| answer),
        }
    }

    /// Replaces the anchor and makes it durable. After any error nothing may be asked but the end.
    pub(super) fn write_anchor(&self, mark: AnchorMark, deadline: Duration) -> Result<(), StorageError> {
        self.ask(Work::Anchor(mark), "anchor", deadline)
    }

    /// Gives the store back. `db` must be the last handle but the thread's own.
    pub(super) fn end(&self, end: End, db: sled::Db, deadline: Duration) -> Result<(), StorageError> {
        self.ask(Work::End(end, db), "close", deadline)
    }

    fn ask(&self, work: Work, doing: &'static str, deadline: Duration) -> Result<(), StorageError> {
        // A way back for each, so that an answer which came too late is not taken for another.
        let (answer, answered) = mpsc::channel();
        self.asked.send((work, answer)).map_err(|_| ended(doing))?;
        match answered.recv_timeout(deadline) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => Err(StorageError::overdue(doing, &self.rows)),
            Err(RecvTimeoutError::Disconnected) => Err(ended(doing)),
        }
    }
}

impl Kept {
    fn open(layout: Layout, cache_bytes: u64, claim: Claim, anchor: AnchorFile) -> Result<Self, StorageError> {
        let path = layout.rows_db();
        let db_file = File::open(&path).map_err(|source| StorageError::io("open", &path, source))?;
        make_true(&db_file, claim.last_end()).map_err(|source| StorageError::io("sync", &path, source))?;
        let db = match open_sled(&layout, cache_bytes) {
            Err(full) if full.is_disk_full() => {
                ballast::give_up(&layout)?;
                tidy::before_open(&layout)?;
                open_sled(&layout, cache_bytes)?
            }
            opened => opened?,
        };
        close_to_others(&layout.rows())?;
        sync_dir(&layout.rows())?;
        sync_dir(layout.dir())?;
        Ok(Self { layout, cache_bytes, db, db_file, anchor, claim })
    }

    /// Does what is asked, one at a time, until the end is asked for or nobody can ask. Whether somebody still waits for
    /// the answer makes no difference.
    fn serve(mut self, work: &Receiver<(Work, Sender<Answer>)>) {
        while let Ok((work, answer)) = work.recv() {
            let done = match work {
                Work::Commit(batch, waiting) => self.commit(batch).and_then(|()| self.tell(&waiting)),
                Work::Anchor(mark) => self.anchor.write(mark),
                Work::End(end, db) => {
                    drop(answer.send(self.end(end, db)));
                    return;
                }
            };
            drop(answer.send(done));
        }
        drop(close_sled(&self.layout, [self.db]));
    }

    /// Sled's flush reaches the system at best; the sync of the file is what reaches the drive.
    fn commit(&self, batch: sled::Batch) -> Result<(), StorageError> {
        let rows = self.layout.rows();
        {
            let _turn = TURNS.write();
            guarded("write to", &rows, || self.db.apply_batch(batch))?;
        }
        {
            let _turn = TURNS.read();
            guarded("flush", &rows, || self.db.flush())?;
        }
        self.db_file.sync_data().map_err(|source| StorageError::io("sync", &self.layout.rows_db(), source))
    }

    /// Does what waited for a commit to be durable, unless it was given up.
    fn tell(&self, waiting: &Waiting) -> Result<(), StorageError> {
        let tell = || {
            if let Some(once_durable) = waiting.take() {
                once_durable();
            }
            Ok(())
        };
        guarded("tell what is durable in", &self.layout.rows(), tell)
    }

    fn end(self, end: End, last: sled::Db) -> Result<(), StorageError> {
        let Self { layout, cache_bytes, db, db_file, anchor, claim } = self;
        let rows = layout.rows();
        close_sled(&layout, [last, db])?;
        match end {
            End::Poisoned => return Ok(()),
            End::Plain => {}
            End::WithSnapshot => match open_sled(&layout, cache_bytes) {
                Ok(again) => {
                    close_to_others(&rows)?;
                    close_sled(&layout, [again])?;
                }
                // A reader that is still at it holds on to sled, or the disk is full; then the next open does the work.
                Err(err) if matches!(err, StorageError::AlreadyOpen { .. }) || err.is_disk_full() => {}
                Err(err) => return Err(err),
            },
        }
        db_file.sync_data().map_err(|source| StorageError::io("sync", &layout.rows_db(), source))?;
        sync_dir(&rows)?;
        drop(anchor);
        claim.give_back();
        Ok(())
    }
}

/// Sees to it that what is read from the log is on the drive, since it will be shown, and built upon.
///
/// What a process wrote and did not sync before it died is in the kernel's cache only. And after a sync that failed, the
/// cache may hold pages that never reached the drive and count as clean: those are forgotten, to be read again.
fn make_true(log: &File, last_end: LastEnd) -> io::Result<()> {
    log.sync_all()?;
    #[cfg(any(target_os = "linux", target_os = "freebsd"))]
    if last_end == LastEnd::Bad {
        rustix::fs::fadvise(log, 0, None, rustix::fs::Advice::DontNeed)?;
    }
    Ok(())
}

/// Sled may panic in a drop, when its last sync fails.
fn close_sled<const HANDLES: usize>(layout: &Layout, dbs: [sled::Db; HANDLES]) -> Result<(), StorageError> {
    guarded("close", &layout.rows(), || {
        drop(dbs);
        Ok(())
    })
}

/// Sled has one lock for all its databases in a process: a flush takes it to read, a batch to write, and reads take it
/// too. A batch that waits there for the flush of another store would hold up every read of every store, for good if
/// that flush never returns. So a batch waits here instead.
static TURNS: RwLock<()> = RwLock::new(());

fn ended(doing: &'static str) -> StorageError {
    StorageError::Panicked { doing, message: "the thread that writes has ended".to_owned() }
}
