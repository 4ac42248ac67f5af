//! Owns the thread that writes. Only this thread applies, flushes, syncs and drops. So a caller waits no longer than a
//! deadline, whatever sled or the disk does.
//!
//! The thread has the claim as long as sled is open, even if no caller waits for it any more. It never reads rows and
//! never tries anything twice. Read next: [`super::guarded`].

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

/// The connection to the thread. One caller at a time uses it.
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
    /// After one more open, at which sled writes its snapshot; it does so at no other time. Then the next open need not
    /// read everything written since. Damage to what the snapshot covers becomes an error, instead of a log truncated
    /// without one.
    WithSnapshot,
}

type Answer = Result<(), StorageError>;

/// The action to run once a commit is durable. The thread runs it, or it is never run because the deadline has passed.
/// Waking the caller first, only to wake others in turn, would take longer than some disks.
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

/// The state of the thread. The claim is dropped last.
struct Kept {
    layout: Layout,
    cache_bytes: u64,
    db: sled::Db,
    db_file: File,
    anchor: AnchorFile,
    claim: Claim,
}

impl Keeper {
    /// Opens sled on a thread of its own, and returns the connection to it and a handle for reads.
    ///
    /// # Errors
    ///
    /// Errors of the open, or that it took longer than `deadline`.
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

    /// Applies a batch, makes it durable, and runs `once_durable`. After any error, only `end` may be called.
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
            // The side that takes the action decides. If it is taken here, it is never run; if it was run, the batch is
            // durable.
            answer => waiting.take().map_or(Ok(()), |_| answer),
        }
    }

    /// Replaces the anchor and makes it durable. After any error, only `end` may be called.
    pub(super) fn write_anchor(&self, mark: AnchorMark, deadline: Duration) -> Result<(), StorageError> {
        self.ask(Work::Anchor(mark), "anchor", deadline)
    }

    /// Gives the store back. `db` must be the last handle other than the thread's own.
    pub(super) fn end(&self, end: End, db: sled::Db, deadline: Duration) -> Result<(), StorageError> {
        self.ask(Work::End(end, db), "close", deadline)
    }

    fn ask(&self, work: Work, doing: &'static str, deadline: Duration) -> Result<(), StorageError> {
        // Each request has its own channel, so that a late answer is not taken for another one.
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

    /// Does the requested work, one piece at a time, until the end is requested or no sender is left. It makes no
    /// difference whether a caller still waits for the answer.
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

    /// Applies a batch and syncs. Sled's flush reaches the system at most; only the sync of the file reaches the drive.
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

    /// Runs the action that waited for a durable commit, unless it was cancelled.
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
                // An active reader still has sled open, or the disk is full. Then the next open does the work.
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

/// Makes sure that what is read from the log is on the drive, since it will be shown and built upon.
///
/// Data that a process wrote and did not sync before it died is only in the kernel's cache. And after a failed sync the
/// cache may hold pages that never reached the drive and count as clean. Those pages are dropped, to be read again.
fn make_true(log: &File, last_end: LastEnd) -> io::Result<()> {
    log.sync_all()?;
    #[cfg(any(target_os = "linux", target_os = "freebsd"))]
    if last_end == LastEnd::Bad {
        rustix::fs::fadvise(log, 0, None, rustix::fs::Advice::DontNeed)?;
    }
    Ok(())
}

/// Drops sled's handles. Sled may panic in a drop, when its last sync fails.
fn close_sled<const HANDLES: usize>(layout: &Layout, dbs: [sled::Db; HANDLES]) -> Result<(), StorageError> {
    guarded("close", &layout.rows(), || {
        drop(dbs);
        Ok(())
    })
}

/// Makes batches wait for flushes of other stores. Sled has one lock for all its databases in a process: a flush takes
/// it to read, a batch to write, and reads take it too. A batch that waits at sled's lock for the flush of another
/// store would block every read of every store, for good if that flush never returns. So a batch waits here instead.
static TURNS: RwLock<()> = RwLock::new(());

fn ended(doing: &'static str) -> StorageError {
    StorageError::Panicked { doing, message: "the thread that writes has ended".to_owned() }
}
