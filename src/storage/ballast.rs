//! Owns the ballast: a file that takes up space, which can be given up when the disk is full.
//!
//! It never decides when to give it up; [`super::space`] does. Read that next.

use std::fs::{self, File};
use std::io::{self, Write};

use rustix::fs::{FallocateFlags, fallocate};

use super::error::StorageError;
use super::layout::{Layout, open_file, sync_dir};

/// Bytes of the ballast: a snapshot of sled and some segments of its log, which an open may have to write.
pub(super) const BALLAST_BYTES: u64 = 8 * 1_024 * 1_024;

/// Returns whether the ballast exists in its full size.
pub(super) fn is_there(layout: &Layout) -> bool {
    fs::metadata(layout.ballast()).is_ok_and(|file| file.len() >= BALLAST_BYTES)
}

/// Takes up the space, all of it or none.
pub(super) fn take_up(layout: &Layout) -> Result<(), StorageError> {
    let path = layout.ballast();
    let file = open_file(&path)?;
    if let Err(source) = fill(&file) {
        drop(fs::remove_file(&path));
        return Err(StorageError::io("fill", &path, source));
    }
    Ok(())
}

/// Gives the space up, if it was taken. It is free when this returns.
pub(super) fn give_up(layout: &Layout) -> Result<(), StorageError> {
    let path = layout.ballast();
    match fs::remove_file(&path) {
        Ok(()) => sync_dir(layout.dir()),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(StorageError::io("remove", &path, source)),
    }
}

/// Reserves blocks if the file system can do so; otherwise writes them.
fn fill(mut file: &File) -> io::Result<()> {
    match fallocate(file, FallocateFlags::empty(), 0, BALLAST_BYTES) {
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {
            let zeros = vec![0; 64 * 1_024];
            (0..BALLAST_BYTES / zeros.len() as u64).try_for_each(|_| file.write_all(&zeros))
        }
        reserved => Ok(reserved?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ballast_takes_up_blocks_and_gives_them_up() {
        use std::os::unix::fs::MetadataExt;
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::at(dir.path());
        assert!(!is_there(&layout));
        take_up(&layout).unwrap();
        assert!(is_there(&layout));
        assert!(fs::metadata(layout.ballast()).unwrap().blocks() * 512 >= BALLAST_BYTES, "no hole");
        give_up(&layout).unwrap();
        assert!(!is_there(&layout));
        give_up(&layout).unwrap();
    }
}
