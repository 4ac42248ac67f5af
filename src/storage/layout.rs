//! Owns the names in a store's directory, and what is done to all of them: modes and syncs.
//!
//! Only this module builds paths. Read next: [`super::create`], which makes them, and [`super::disk`], which uses them.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::error::StorageError;

/// A store's directory.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    dir: PathBuf,
}

impl Layout {
    /// Returns the layout under `dir`, which need not exist.
    pub(super) fn at(dir: &Path) -> Self {
        Self { dir: dir.to_path_buf() }
    }

    /// Returns the store's directory.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the file that says what the directory is, and its format revision.
    pub(super) fn format(&self) -> PathBuf {
        self.dir.join("format")
    }

    /// Returns the file whose lock is the claim.
    pub(super) fn lock(&self) -> PathBuf {
        self.dir.join("lock")
    }

    /// Returns the file that marks the size that the log had reached.
    pub(super) fn anchor(&self) -> PathBuf {
        self.dir.join("anchor")
    }

    /// Returns the file that takes up space to be given up.
    pub(super) fn ballast(&self) -> PathBuf {
        self.dir.join("ballast")
    }

    /// Returns the directory of sled.
    pub(super) fn rows(&self) -> PathBuf {
        self.dir.join("rows")
    }

    /// Returns sled's log, the file in which a commit must be durable.
    pub(super) fn rows_db(&self) -> PathBuf {
        self.rows().join("db")
    }

    /// Returns sled's settings.
    pub(super) fn rows_conf(&self) -> PathBuf {
        self.rows().join("conf")
    }

    /// Returns the directory where sled puts what is too large for its log. It is empty if rows keep their bounds.
    #[cfg(test)]
    pub(super) fn rows_blobs(&self) -> PathBuf {
        self.rows().join("blobs")
    }

    /// Returns where a store is built before it gets its name; `None` if the name is not a plain one.
    pub(super) fn aside(&self) -> Option<Self> {
        let mut name: OsString = self.dir.file_name()?.to_os_string();
        name.push(".new");
        Some(Self { dir: self.dir.with_file_name(name) })
    }

    /// Returns the parent of the store's directory.
    pub(super) fn parent(&self) -> &Path {
        match self.dir.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => &self.dir,
        }
    }

    /// Returns whether an entry of this name is one of ours.
    pub(super) fn knows(name: &std::ffi::OsStr) -> bool {
        ["format", "lock", "anchor", "ballast", "rows"].iter().any(|known| name == *known)
    }
}

/// Makes a directory that no other user may enter.
pub(super) fn make_dir(dir: &Path) -> Result<(), StorageError> {
    fs::DirBuilder::new().mode(DIR_MODE).create(dir).map_err(|source| StorageError::io("make", dir, source))
}

/// Opens a file for reading and writing, and makes it if it does not exist. No other user may read it.
pub(super) fn open_file(path: &Path) -> Result<File, StorageError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)
        .map_err(|source| StorageError::io("open", path, source))
}

/// Makes the names in a directory durable.
pub(super) fn sync_dir(dir: &Path) -> Result<(), StorageError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|source| StorageError::io("sync", dir, source))
}

/// Makes everything below `dir` durable, and then its own names.
pub(super) fn sync_tree(dir: &Path) -> Result<(), StorageError> {
    for_each_entry(dir, &mut |path, is_dir| {
        if is_dir {
            return sync_tree(path);
        }
        File::open(path).and_then(|file| file.sync_all()).map_err(|source| StorageError::io("sync", path, source))
    })?;
    sync_dir(dir)
}

/// Removes access for all other users from `dir` and everything below it. Sled makes its files as the process's mask
/// allows.
pub(super) fn close_to_others(dir: &Path) -> Result<(), StorageError> {
    let restrict = |path: &Path, mode| {
        fs::set_permissions(path, Permissions::from_mode(mode))
            .map_err(|source| StorageError::io("restrict", path, source))
    };
    for_each_entry(dir, &mut |path, is_dir| if is_dir { close_to_others(path) } else { restrict(path, FILE_MODE) })?;
    restrict(dir, DIR_MODE)
}

/// Returns the sum of the lengths of the files below `dir`.
pub(super) fn tree_bytes(dir: &Path) -> Result<u64, StorageError> {
    let mut bytes = 0;
    for_each_entry(dir, &mut |path, is_dir| {
        bytes += if is_dir { tree_bytes(path)? } else { fs::symlink_metadata(path).map_or(0, |file| file.len()) };
        Ok(())
    })?;
    Ok(bytes)
}

/// Calls `each` with the path of every entry of `dir`, and whether it is a directory.
pub(super) fn for_each_entry(
    dir: &Path,
    each: &mut dyn FnMut(&Path, bool) -> Result<(), StorageError>,
) -> Result<(), StorageError> {
    let failed = |source| StorageError::io("list", dir, source);
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        each(&entry.path(), entry.file_type().map_err(failed)?.is_dir())?;
    }
    Ok(())
}

const DIR_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
