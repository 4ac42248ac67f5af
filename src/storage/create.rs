//! Owns the creation of a store: built aside, made durable, then named. A crash leaves no store, or a whole one.
//!
//! It only touches a directory that is empty or that its own earlier run left. Read next: [`super::layout`].

use std::fs;
use std::io;
use std::path::Path;

use super::anchor::AnchorFile;
use super::ballast;
use super::batch::{Batch, Change};
use super::claim::Claim;
use super::error::StorageError;
use super::format;
use super::guarded::{guarded, open_sled};
use super::layout::{Layout, close_to_others, for_each_entry, make_dir, sync_dir, sync_tree};
use super::rows::AnchorMark;

/// Puts a batch of rows into a store under construction; durable only when the whole store is.
pub(crate) type Put<'p> = dyn FnMut(&Batch) -> Result<(), StorageError> + 'p;

/// Puts all rows of a new store, and returns its anchor.
pub(crate) type Fill<'f, E> = dyn FnMut(&mut Put<'_>) -> Result<AnchorMark, E> + 'f;

/// Makes a store whose first rows are those that `fill` puts, and returns the claim on it.
///
/// # Errors
///
/// [`StorageError::Exists`] when something other than an empty directory is at the path, and
/// [`StorageError::NotAStore`] when a strange entry is where the store would be built. Also what `fill` fails with.
pub(super) fn create<E: From<StorageError>>(
    layout: &Layout,
    fill: &mut Fill<'_, E>,
    cache_bytes: u64,
) -> Result<Claim, E> {
    check_free(layout.dir())?;
    let no_name =
        || StorageError::NotAStore { dir: layout.dir().to_path_buf(), why: "its path does not end in a name" };
    let aside = layout.aside().ok_or_else(no_name)?;
    let claim = claim_aside(&aside)?;
    let built = build(&aside, fill, cache_bytes).and_then(|()| Ok(name(&aside, layout)?));
    if built.is_err() {
        // What cannot be removed now is recognised the next time.
        drop(fs::remove_dir_all(aside.dir()));
    }
    built.map(|()| claim)
}

/// Accepts a free path or an empty directory.
pub(super) fn check_free(dir: &Path) -> Result<(), StorageError> {
    let exists = || StorageError::Exists { dir: dir.to_path_buf() };
    match fs::symlink_metadata(dir) {
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(StorageError::io("look at", dir, source)),
        Ok(found) if !found.is_dir() => Err(exists()),
        Ok(_) => for_each_entry(dir, &mut |_, _| Err(exists())),
    }
}

/// Makes the directory to build in, or empties the one that a crash left. The claim distinguishes such a left-over from
/// the work of another process.
fn claim_aside(aside: &Layout) -> Result<Claim, StorageError> {
    let dir = aside.dir();
    match make_dir(dir) {
        Err(StorageError::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => check_ours(dir)?,
        made => made?,
    }
    let claim = Claim::take(aside)?;
    for_each_entry(dir, &mut |path, is_dir| {
        let removed = match path {
            path if path == aside.lock() => Ok(()),
            path if is_dir => fs::remove_dir_all(path),
            path => fs::remove_file(path),
        };
        removed.map_err(|source| StorageError::io("remove", path, source))
    })?;
    Ok(claim)
}

fn check_ours(dir: &Path) -> Result<(), StorageError> {
    let strange = |why| StorageError::NotAStore { dir: dir.to_path_buf(), why };
    match fs::symlink_metadata(dir) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err(strange("the store is built here, but this is no directory")),
        Err(source) => return Err(StorageError::io("look at", dir, source)),
    }
    for_each_entry(dir, &mut |path, _| match path.file_name() {
        Some(name) if Layout::knows(name) => Ok(()),
        _ => Err(strange("the store is built here, but something else lies in it; move it away")),
    })
}

fn build<E: From<StorageError>>(aside: &Layout, fill: &mut Fill<'_, E>, cache_bytes: u64) -> Result<(), E> {
    format::write(aside)?;
    ballast::take_up(aside)?;
    make_dir(&aside.rows())?;
    let db = open_sled(aside, cache_bytes)?;
    let filled = fill(&mut |batch| guarded("write to", &aside.rows(), || db.apply_batch(to_sled(batch))));
    let ended = guarded("write to", &aside.rows(), || {
        // After a failure, sled's flush may never return.
        if filled.is_ok() {
            db.flush()?;
        }
        drop(db);
        Ok(())
    });
    let mark = filled?;
    ended?;
    AnchorFile::create(aside, mark)?;
    close_to_others(aside.dir())?;
    Ok(sync_tree(aside.dir())?)
}

/// Gives the store its name. An empty directory is replaced; if there is a directory with content, it stays, and the
/// store is not made.
fn name(aside: &Layout, layout: &Layout) -> Result<(), StorageError> {
    match fs::rename(aside.dir(), layout.dir()) {
        Ok(()) => sync_dir(layout.parent()),
        Err(source) if matches!(source.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotADirectory) => {
            Err(StorageError::Exists { dir: layout.dir().to_path_buf() })
        }
        Err(source) => Err(StorageError::io("rename", aside.dir(), source)),
    }
}

/// Converts a batch into sled's form.
pub(super) fn to_sled(batch: &Batch) -> sled::Batch {
    let mut rows = sled::Batch::default();
    for (row_key, change) in batch.changes() {
        match change {
            Change::Put(value) => rows.insert(row_key, value.as_slice()),
            Change::Remove => rows.remove(row_key),
        }
    }
    rows
}
