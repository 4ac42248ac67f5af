//! Owns the file that says what a directory is: a store of ours, and in which format revision.
//!
//! It never upgrades a store. Its text is meant for people too. Read next: [`super::create`] and [`super::disk`].

use std::fs;
use std::io::{self, Write};

use super::error::StorageError;
use super::layout::{Layout, open_file};

/// The format revision that this release writes and reads.
pub(super) const FORMAT_REVISION: u32 = 1;

/// Writes the file of a new store.
pub(super) fn write(layout: &Layout) -> Result<(), StorageError> {
    let path = layout.format();
    let mut file = open_file(&path)?;
    file.write_all(text(FORMAT_REVISION).as_bytes()).map_err(|source| StorageError::io("write", &path, source))
}

/// Checks that the directory is a store that this release can read.
///
/// # Errors
///
/// [`StorageError::NotAStore`] and [`StorageError::OtherRevision`], and errors of the system.
pub(super) fn check(layout: &Layout) -> Result<(), StorageError> {
    let dir = layout.dir();
    let no_store = |why| StorageError::NotAStore { dir: dir.to_path_buf(), why };
    match fs::metadata(dir) {
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Err(no_store("there is no such directory")),
        Err(source) => return Err(StorageError::io("look at", dir, source)),
        Ok(found) if !found.is_dir() => return Err(no_store("it is no directory")),
        Ok(_) => {}
    }
    let path = layout.format();
    let found = match fs::read(&path) {
        Ok(found) => found,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Err(no_store("it has no format file")),
        Err(source) => return Err(StorageError::io("read", &path, source)),
    };
    match revision(&found) {
        Some(FORMAT_REVISION) => Ok(()),
        Some(found) => Err(StorageError::OtherRevision { dir: dir.to_path_buf(), found, known: FORMAT_REVISION }),
        None => Err(no_store("its format file is not ours")),
    }
}

fn revision(found: &[u8]) -> Option<u32> {
    let mut lines = std::str::from_utf8(found).ok()?.lines();
    if lines.next()? != PRODUCT {
        return None;
    }
    lines.next()?.strip_prefix(REVISION)?.parse().ok()
}

fn text(format_revision: u32) -> String {
    format!("{PRODUCT}\n{REVISION}{format_revision}\n")
}

const PRODUCT: &str = "latchkeep store";
const REVISION: &str = "format revision ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_the_revision() {
        assert_eq!(text(1), "latchkeep store\nformat revision 1\n");
        assert_eq!(revision(text(1).as_bytes()), Some(1));
        assert_eq!(revision(text(77).as_bytes()), Some(77));
    }

    #[test]
    fn other_texts_are_not_ours() {
        for found in [
            &b""[..],
            b"latchkeep store",
            b"latchkeep store\nformat revision \n",
            b"\xff",
            b"other\nformat revision 1\n",
        ] {
            assert_eq!(revision(found), None, "{found:?}");
        }
    }
}
