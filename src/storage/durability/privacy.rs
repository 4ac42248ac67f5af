//! No other user may look: modes of files and directories, and printed output.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{Place, batch};
use crate::storage::Storage;
use crate::storage::layout::for_each_entry;

#[test]
fn directories_are_0700_and_files_0600() {
    let place = Place::new();
    let disk = place.create().unwrap();
    check_modes(&place.path);
    disk.commit(&batch(&[(b"a", b"1")])).unwrap();
    disk.close().unwrap();
    let disk = place.open().unwrap();
    check_modes(&place.path);
    drop(disk);
}

#[track_caller]
fn check_modes(dir: &Path) {
    let check = |path: &Path, mode: u32| {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, mode, "{}", path.display());
    };
    check(dir, 0o700);
    for_each_entry(dir, &mut |path, is_dir| {
        if is_dir {
            check_modes(path);
        } else {
            check(path, 0o600);
        }
        Ok(())
    })
    .unwrap();
}

#[test]
fn no_row_is_printed() {
    let place = Place::new();
    let disk = place.create().unwrap();
    let printed = format!("{disk:?} {:?}", batch(&[(b"first", b"row")]));
    assert!(printed.starts_with("Disk { dir: "), "{printed}");
    assert!(printed.ends_with(".. } Batch { expectations: 0, changes: 1 }"), "{printed}");
}
