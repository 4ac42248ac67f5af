//! Owns the files that commands write: for their owner alone, whole or not at all, and never over another by accident.
//!
//! Read next: [`super::out`], for what goes to stdout.

use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::failure::Failure;

/// Holds a place to what a file needs, before any work is done for nothing.
pub(crate) fn check(path: &Path, force: bool) -> Result<(), Failure> {
    if !force && path.symlink_metadata().is_ok() {
        Err(exists(path))
    } else if path.is_dir() || !parent(path).is_dir() {
        Err(Failure::usage(format!("{} is no place for a file; name one in a directory that is there", path.display())))
    } else {
        Ok(())
    }
}

/// Writes a file that only its owner may read.
pub(crate) fn write(path: &Path, bytes: &[u8], force: bool) -> Result<(), Failure> {
    let mut file = aside(path)?;
    file.write_all(bytes).map_err(|error| Failure::io("write", path, &error))?;
    put(file, path, force)
}

/// Makes a file beside the place, which goes away unless it is [`put`] there.
pub(crate) fn aside(path: &Path) -> Result<NamedTempFile, Failure> {
    NamedTempFile::new_in(parent(path)).map_err(|error| Failure::io("write", path, &error))
}

/// Makes a file that is whole durable, and gives it its name.
pub(crate) fn put(file: NamedTempFile, path: &Path, force: bool) -> Result<(), Failure> {
    let failed = |error: &io::Error| Failure::io("write", path, error);
    file.as_file().sync_all().map_err(|error| failed(&error))?;
    let placed = if force { file.persist(path) } else { file.persist_noclobber(path) };
    match placed {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(exists(path)),
        Err(error) => Err(failed(&error.error)),
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

fn exists(path: &Path) -> Failure {
    Failure::usage(format!("{} exists already; nothing was written", path.display())).hint("--force writes over it")
}
