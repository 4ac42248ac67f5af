//! Owns the care for files that issuers rest on: a secret that others may read is none, and who may change a program or the file
//! of issuers is asked for credentials.

#[cfg(any(feature = "postgres", feature = "private-ca"))]
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Bits of a file's mode: anything for group and others, and changing it for group and others.
#[cfg(any(feature = "postgres", feature = "private-ca"))]
const ANY_OF_OTHERS: u32 = 0o077;
const CHANGED_BY_OTHERS: u32 = 0o022;

/// Holds a file with a secret to what the store's own key file is held to. A file that is not there is told later.
#[cfg(any(feature = "postgres", feature = "private-ca"))]
pub(super) fn secret(path: &Path) -> Result<(), String> {
    let Ok(found) = std::fs::metadata(path) else { return Ok(()) };
    let shown = path.display();
    if !found.is_file() {
        return Err(format!("{shown} is no file"));
    }
    let mode = found.mode() & 0o777;
    if mode & ANY_OF_OTHERS != 0 {
        return Err(format!("{shown} holds a secret and is open to others (mode {mode:04o}): chmod 600 {shown}"));
    }
    owner(path, &found)
}

/// Holds a file that is no secret to that nobody else may change it.
pub(super) fn unchanged(path: &Path) -> Result<(), String> {
    let Ok(found) = std::fs::metadata(path) else { return Ok(()) };
    let (shown, mode) = (path.display(), found.mode() & 0o777);
    if found.is_file() && mode & CHANGED_BY_OTHERS != 0 {
        return Err(format!("{shown} may be changed by others (mode {mode:04o}): chmod go-w {shown}"));
    }
    Ok(())
}

#[cfg(any(feature = "postgres", feature = "private-ca"))]
fn owner(path: &Path, found: &Metadata) -> Result<(), String> {
    // Where the system does not say who runs this, the mode has to do.
    let Ok(own) = std::fs::metadata("/proc/self").map(|own| own.uid()) else { return Ok(()) };
    if [own, 0].contains(&found.uid()) {
        return Ok(());
    }
    let (shown, uid) = (path.display(), found.uid());
    Err(format!("{shown} holds a secret and belongs to another user (uid {uid}): chown {own} {shown}"))
}
