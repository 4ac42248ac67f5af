//! Owns the files that commands write: for their owner alone, whole or not at all, and never over another by accident.
//!
//! Read next: [`super::out`], for what goes to stdout.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::exit::Exit;
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

/// A large file on its way: written under the name with `.new` behind it, which another run takes over when this one is
/// killed. While it is written it is locked, so that no other run takes it for a left-over.
#[derive(Debug)]
pub(crate) struct Beside {
    file: File,
    path: PathBuf,
}

impl Beside {
    /// Makes it, or takes over what an interrupted run has left.
    pub(crate) fn of(path: &Path) -> Result<Self, Failure> {
        let name = path.file_name();
        let name = name.ok_or_else(|| Failure::usage(format!("{} does not end in a name", path.display())))?;
        let mut aside = name.to_os_string();
        aside.push(".new");
        let aside = path.with_file_name(aside);
        let failed = |error: io::Error| Failure::io("make", &aside, &error);
        if aside.symlink_metadata().is_ok_and(|about| !about.is_file()) {
            return Err(Failure::usage(format!("{} is in the way, and no file", aside.display())));
        }
        let file =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&aside).map_err(failed)?;
        if let Err(error) = file.try_lock() {
            let TryLockError::Error(error) = error else {
                let message = format!("{} is being written by another run", aside.display());
                return Err(Failure::new(Exit::Unavailable, "busy", message));
            };
            return Err(failed(error));
        }
        // The other run may have given it its name between the open and the lock.
        let (here, there) = (file.metadata().map_err(failed)?, aside.symlink_metadata().map_err(failed)?);
        if (here.dev(), here.ino()) != (there.dev(), there.ino()) || !there.is_file() {
            return Err(Failure::new(
                Exit::Unavailable,
                "busy",
                format!("{} is being written by another run", aside.display()),
            ));
        }
        file.set_len(0).map_err(failed)?;
        file.set_permissions(Permissions::from_mode(0o600)).map_err(failed)?;
        Ok(Self { file, path: aside })
    }

    /// Gives what to write to.
    pub(crate) const fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Makes it durable, and gives it its name; never that of another file unless forced.
    pub(crate) fn put(self, path: &Path, force: bool) -> Result<(), Failure> {
        let placed = self.file.sync_all().and_then(|()| self.name(path, force));
        match placed {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(exists(path)),
            placed => placed.map_err(|error| Failure::io("name", path, &error)),
        }
    }

    fn name(&self, path: &Path, force: bool) -> io::Result<()> {
        if force {
            fs::rename(&self.path, path)?;
        } else {
            // A link fails where the name was taken meanwhile; a rename would not. Some file systems have no links.
            match fs::hard_link(&self.path, path) {
                Ok(()) => fs::remove_file(&self.path)?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists || path.symlink_metadata().is_ok() => {
                    return Err(error);
                }
                Err(_) => fs::rename(&self.path, path)?,
            }
        }
        File::open(parent(path))?.sync_all()
    }
}

impl Drop for Beside {
    /// Removes what did not get its name. Locked as it is, it is still this run's.
    fn drop(&mut self) {
        let is_ours = |there: fs::Metadata| self.file.metadata().is_ok_and(|here| here.ino() == there.ino());
        if self.path.symlink_metadata().is_ok_and(is_ours) {
            // What cannot be removed now is taken over next time.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

fn exists(path: &Path) -> Failure {
    Failure::usage(format!("{} exists already; nothing was written", path.display())).hint("--force writes over it")
}
