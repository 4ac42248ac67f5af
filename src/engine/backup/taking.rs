//! Owns the taking of a backup from a working store: everything as of one position, without blocking any command.
//!
//! The log never changes, so it can be copied while the store works. But data can be destroyed and its keys wrapped
//! anew meanwhile. So data is copied in rounds: each takes a picture and copies what was not copied before. A round
//! that finds everything that its picture names is the last one, and the backup is of that picture. Data that was
//! copied and destroyed before then stays in the file, and a restore skips it. Read next: [`super::check`].

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

/// Rounds before an error. Each round only meets what was destroyed during the one before, so it is short.
const ROUNDS_MAX: u32 = 64;

/// Versions and records between two reports of progress.
const PROGRESS_EVERY: u64 = 1_024;

/// The progress of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BackupProgress {
    /// Sealed data is being copied: so many versions of so many. Begins again when data was destroyed meanwhile.
    CopyingData {
        /// Versions checked.
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
    /// Writes a backup of the durable state, sealed for `key`.
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

    /// Copies data and the log; returns the picture of both.
    ///
    /// If bodies are erased between a picture and the copy of its log, the record of the erasure is after the picture.
    /// Then a newer picture is taken, and the copy of the log continues up to it.
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
            // Bodies that were put back into the log after their erasure are left out.
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

    /// Copies data in rounds; returns the picture of the last one.
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

/// Whether a round found all data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    All,
    NotAll,
}

/// The state of the copy.
struct Copy<'a, W> {
    storage: &'a dyn Storage,
    entries: &'a mut EntryWriter<W>,
    /// The data keys that were copied, each with the epoch whose key wraps the copy.
    copied: BTreeMap<DataKeyId, u32>,
    /// Data keys whose data could once not be read, as happens while data is being destroyed.
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

    /// Copies the data of one version and its key, or only the key if the data was copied under an older one.
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

/// Copies the commits of a range of the log, without their erased bodies. Both ends of the range are ends of commits.
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
