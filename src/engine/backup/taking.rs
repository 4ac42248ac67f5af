//! Owns the taking of a backup from a store that goes on working: everything as of one position, without stopping anybody.
//!
//! The log is never changed, so it can be copied at leisure; data can be destroyed and its keys wrapped anew meanwhile. So
//! data is copied in rounds: each takes a picture and copies what it has not copied before. A round that finds all that
//! its picture speaks of is the last one, and its picture is what the backup is of. What was copied and is gone by then
//! stays in the file, and is passed over by a restore. Read next: [`super::check`].

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::ops::{ControlFlow, Range};

use crate::codec::{backup, keys};
use crate::domain::id::DataKeyId;
use crate::domain::position::Position;
use crate::domain::version::SealedRef;
use crate::engine::Engine;
use crate::engine::log::scan_commits;
use crate::engine::missing::MissingBodies;
use crate::engine::reader::{sealed_bytes, wrapped_key};
use crate::error::{Error, ErrorKind};
use crate::ledger::{ChainVerifier, frames};
use crate::seal::passphrase::PassphraseCost;
use crate::seal::unlock::Unlock;
use crate::storage::Storage;

use super::check::BackupReport;
use super::entries::EntryWriter;
use super::keys_at::Picture;
use super::restore::without;
use super::trust::Proved;

/// Rounds before giving up: each one meets only what was destroyed during the one before, so it is short.
const ROUNDS_MAX: u32 = 64;

/// Versions and records between two reports of progress.
const PROGRESS_EVERY: u64 = 1_024;

/// How far a backup has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BackupProgress {
    /// Sealed data is being copied: so many versions of so many. Begins again when data was destroyed meanwhile.
    CopyingData {
        /// Versions looked at.
        done: u64,
        /// Versions with data.
        total: u64,
    },
    /// The log is being copied: so many records of so many.
    CopyingLog {
        /// Records copied.
        done: u64,
        /// Records in all.
        total: u64,
    },
}

impl Engine {
    /// Writes a backup of what is durable, sealed for `key`.
    pub(crate) fn backup<W: Write>(
        &self,
        out: W,
        (key, cost): (&Unlock, PassphraseCost),
        progress: &mut dyn FnMut(BackupProgress),
    ) -> Result<BackupReport, Error> {
        let storage = &*self.shared.storage;
        let mut entries = EntryWriter::begin(out, key, cost)?;
        let meta = storage.get(&keys::STORE_META)?;
        let meta = meta.ok_or_else(|| Error::corrupt("the store has no description of itself"))?;
        entries.put(&keys::STORE_META, &meta)?;
        let mut copy = Copy { storage, entries: &mut entries, copied: BTreeMap::new(), suspects: BTreeSet::new() };
        let picture = self.copy_all(&mut copy, progress)?;
        for (row_key, row) in &picture.keys {
            entries.put(row_key, row)?;
        }
        let snapshot = &picture.snapshot;
        let checkpoint = self.shared.sign(snapshot, snapshot.frontier.tree_head())?;
        entries.put(&backup::CHECKPOINT, checkpoint.note().as_bytes())?;
        entries.finish()?;
        let proved = Proved { size: snapshot.end.size, unproved_keys: Vec::new() };
        Ok(BackupReport::of(self.shared.log_id, &snapshot.state, checkpoint.note(), proved))
    }

    /// Copies data and the log; returns the picture that both are of.
    ///
    /// When bodies are erased between a picture and the copy of its log, the record that says so lies behind the picture:
    /// then a newer picture is taken, and the log is copied on.
    fn copy_all<W: Write>(
        &self,
        copy: &mut Copy<'_, W>,
        progress: &mut dyn FnMut(BackupProgress),
    ) -> Result<Picture, Error> {
        let (mut missing, mut copied) = (MissingBodies::default(), Position::FIRST);
        let mut chain = ChainVerifier::from_genesis(&self.shared.log_id);
        for _ in 0..ROUNDS_MAX {
            let picture = self.copy_data(copy, progress)?;
            let size = picture.snapshot.end.size;
            // What was put back into the log since it was erased is left out.
            let erased = self.shared.held().erased()?;
            if copied == size
                && let Some(position) = missing.unexplained()
            {
                return Err(Error::body_missing(position));
            }
            copy_log((copy.storage, &erased), copied..size, copy.entries, (&mut chain, &mut missing), progress)?;
            if chain.clone().finish()?.head != picture.snapshot.end.head {
                return Err(Error::rows_changed("records of its log are not those that it was made of"));
            }
            if missing.unexplained().is_none() {
                return Ok(picture);
            }
            copied = size;
            self.catch_up()?;
        }
        Err(Error::backup_overtaken())
    }

    /// Copies data in rounds; gives the picture of the last one.
    fn copy_data<W: Write>(
        &self,
        copy: &mut Copy<'_, W>,
        progress: &mut dyn FnMut(BackupProgress),
    ) -> Result<Picture, Error> {
        for _ in 0..ROUNDS_MAX {
            let picture = self.picture()?;
            if copy.round(&picture, progress)? == Found::All {
                return Ok(picture);
            }
            self.catch_up()?;
        }
        Err(Error::backup_overtaken())
    }
}

/// Whether a round found all that it looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    All,
    NotAll,
}

/// What was copied so far.
struct Copy<'a, W> {
    storage: &'a dyn Storage,
    entries: &'a mut EntryWriter<W>,
    /// The data keys that were copied, each with the epoch whose key wraps the copy.
    copied: BTreeMap<DataKeyId, u32>,
    /// Those whose data could not be read once, which happens to data that is just being destroyed.
    suspects: BTreeSet<DataKeyId>,
}

impl<W: Write> Copy<'_, W> {
    fn round(&mut self, picture: &Picture, progress: &mut dyn FnMut(BackupProgress)) -> Result<Found, Error> {
        let total = picture.snapshot.projections.tally.versions_available;
        let (mut found, mut done) = (Found::All, 0_u64);
        for (_, sealed) in picture.snapshot.state.secrets.values().flat_map(|secret| secret.sealed()) {
            if self.take(sealed, picture)? == Found::NotAll {
                found = Found::NotAll;
            }
            done = done.saturating_add(1);
            if done.is_multiple_of(PROGRESS_EVERY) {
                progress(BackupProgress::CopyingData { done, total });
            }
        }
        progress(BackupProgress::CopyingData { done: total, total });
        Ok(found)
    }

    /// Copies the data of one version and its key, or the key alone where an older one was copied.
    fn take(&mut self, sealed: &SealedRef, picture: &Picture) -> Result<Found, Error> {
        let (data_key, known) = (sealed.data_key, self.copied.get(&sealed.data_key));
        if known.is_some_and(|epoch| picture.epochs().contains(epoch)) {
            return Ok(Found::All);
        }
        let Some(wrapped) = wrapped_key(self.storage, data_key)? else { return Ok(Found::NotAll) };
        let epoch = wrapped.epoch().get();
        if !picture.epochs().contains(&epoch) {
            return Ok(Found::NotAll);
        }
        if known.is_none() {
            match sealed_bytes(self.storage, sealed) {
                Ok(Some(bytes)) => self.entries.put(&keys::sealed_data(data_key), &bytes)?,
                Ok(None) => return Ok(Found::NotAll),
                Err(error) if *error.kind() == ErrorKind::Corrupt && self.suspects.insert(data_key) => {
                    return Ok(Found::NotAll);
                }
                Err(error) => return Err(error),
            }
        }
        self.entries.put(&keys::data_key(data_key), wrapped.as_bytes())?;
        self.copied.insert(data_key, epoch);
        Ok(Found::All)
    }
}

/// Copies the commits of a range of the log, without bodies that were erased; both ends of the range end a commit.
fn copy_log<W: Write>(
    (storage, erased): (&dyn Storage, &BTreeSet<Position>),
    range: Range<Position>,
    entries: &mut EntryWriter<W>,
    (chain, missing): (&mut ChainVerifier, &mut MissingBodies),
    progress: &mut dyn FnMut(BackupProgress),
) -> Result<(), Error> {
    let total = range.end.get();
    scan_commits(storage, range.start, &mut |first, bytes| {
        if first >= range.end {
            return Ok(ControlFlow::Break(()));
        }
        let bytes = without(bytes, erased)?;
        for raw in frames(&bytes) {
            let raw = raw.map_err(|error| Error::corrupt(format!("the log is damaged: {error}")))?;
            chain.verify(&raw)?;
            missing.take(&raw)?;
        }
        entries.put(&keys::log_commit(first), &bytes)?;
        progress(BackupProgress::CopyingLog { done: first.get(), total });
        Ok(ControlFlow::Continue(()))
    })?;
    progress(BackupProgress::CopyingLog { done: total, total });
    Ok(())
}
