//! Owns what is prepared before sled opens its directory, and the checks on it.
//!
//! Sled reads a half-written snapshot as a whole one and then always fails to open. It makes a missing file anew, so a
//! store without its log would open as an empty one. Read next: [`super::disk`].

use std::fs;
use std::path::Path;

use super::error::StorageError;
use super::layout::{Layout, for_each_entry, sync_dir};

/// Removes unfinished snapshots, and checks that the files that sled needs exist.
///
/// # Errors
///
/// [`StorageError::Corrupt`] when one is missing.
pub(super) fn before_open(layout: &Layout) -> Result<(), StorageError> {
    for (path, bytes_min) in [(layout.rows_db(), 1), (layout.rows_conf(), CONF_BYTES_MIN)] {
        match fs::metadata(&path) {
            Ok(file) if file.len() < bytes_min => return Err(StorageError::corrupt(path.display(), "it is cut short")),
            Ok(_) => {}
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => {
                return Err(StorageError::corrupt(path.display(), "it is missing"));
            }
            Err(source) => return Err(StorageError::io("look at", &path, source)),
        }
    }
    remove_unfinished(&layout.rows())
}

/// Returns the bytes of the snapshots, which an open writes anew.
pub(super) fn snapshot_bytes(layout: &Layout) -> Result<u64, StorageError> {
    let mut bytes = 0;
    for_each_entry(&layout.rows(), &mut |path, _| {
        if is_snapshot(path) {
            bytes += fs::metadata(path).map_or(0, |file| file.len());
        }
        Ok(())
    })?;
    Ok(bytes)
}

fn remove_unfinished(rows: &Path) -> Result<(), StorageError> {
    let mut removed = false;
    for_each_entry(rows, &mut |path, is_dir| {
        if !is_dir && is_snapshot(path) && path.extension().is_some_and(|extension| extension == "generating") {
            fs::remove_file(path).map_err(|source| StorageError::io("remove", path, source))?;
            removed = true;
        }
        Ok(())
    })?;
    if removed { sync_dir(rows) } else { Ok(()) }
}

fn is_snapshot(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"snap."))
}

/// Sled treats a shorter file of settings as missing, and writes it anew.
const CONF_BYTES_MIN: u64 = 9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unfinished_snapshots_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::at(dir.path());
        fs::create_dir(layout.rows()).unwrap();
        let names = ["db", "conf", "snap.0000000000000001", "snap.0000000000000002.generating"];
        for name in names {
            fs::write(layout.rows().join(name), [0; 20]).unwrap();
        }
        assert_eq!(snapshot_bytes(&layout).unwrap(), 40);
        before_open(&layout).unwrap();
        let left = |name: &&&str| layout.rows().join(name).exists();
        assert_eq!(names.iter().filter(left).count(), 3);
        assert!(!left(&&names[3]));
    }

    #[test]
    fn a_store_without_its_log_or_settings_is_damaged_not_empty() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::at(dir.path());
        fs::create_dir(layout.rows()).unwrap();
        fs::write(layout.rows_conf(), [0; 20]).unwrap();
        assert!(matches!(before_open(&layout), Err(StorageError::Corrupt { .. })), "no log");
        fs::write(layout.rows_db(), []).unwrap();
        assert!(matches!(before_open(&layout), Err(StorageError::Corrupt { .. })), "an empty log");
        fs::write(layout.rows_db(), [0; 20]).unwrap();
        before_open(&layout).unwrap();
        fs::write(layout.rows_conf(), [0; 8]).unwrap();
        assert!(matches!(before_open(&layout), Err(StorageError::Corrupt { .. })), "settings cut short");
    }
}
