//! Owns the border to sled: panics are caught here, and errors are converted to ours.
//!
//! No call of sled is made elsewhere. Read next: [`super::keeper`].

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::error::StorageError;
use super::layout::Layout;

/// Calls sled. A panic becomes an error and poisons the store, so that nothing is written after it.
pub(super) fn guarded<T>(
    doing: &'static str,
    path: &Path,
    call: impl FnOnce() -> sled::Result<T>,
) -> Result<T, StorageError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(answer) => answer.map_err(|err| worded(doing, path, err)),
        Err(panic) => Err(StorageError::Panicked { doing, message: message_of(&*panic) }),
    }
}

/// Opens sled's directory. Sled releases its own lock some time after a drop, so a locked directory is tried again.
pub(super) fn open_sled(layout: &Layout, cache_bytes: u64) -> Result<sled::Db, StorageError> {
    let rows = layout.rows();
    let open = || {
        let config = sled::Config::new().path(&rows).cache_capacity(cache_bytes).flush_every_ms(None);
        let mut locked = false;
        let opened = guarded("open", &rows, || config.open().inspect_err(|err| locked = is_locked(err)));
        if locked { None } else { Some(opened) }
    };
    match until_unlocked(LOCK_WAIT, open) {
        Some(opened) => opened,
        None => Err(StorageError::AlreadyOpen { dir: layout.dir().to_path_buf() }),
    }
}

/// Tries until there is an answer, or `wait` has passed.
#[expect(clippy::disallowed_methods, reason = "sled tells nobody when it lets its lock go")]
fn until_unlocked<T>(wait: Duration, mut open: impl FnMut() -> Option<T>) -> Option<T> {
    let begun = Instant::now();
    loop {
        let opened = open();
        if opened.is_some() || begun.elapsed() >= wait {
            return opened;
        }
        thread::sleep(LOCK_PAUSE);
    }
}

/// Returns whether an error says that sled's log is locked. Sled has no kind of error for it, only this text.
fn is_locked(err: &sled::Error) -> bool {
    matches!(err, sled::Error::Io(source) if source.to_string().starts_with("could not acquire lock"))
}

fn worded(doing: &'static str, path: &Path, err: sled::Error) -> StorageError {
    match err {
        sled::Error::Io(source) => StorageError::io(doing, path, source),
        sled::Error::ReportableBug(message) => StorageError::Panicked { doing, message },
        err @ (sled::Error::Corruption { .. } | sled::Error::CollectionNotFound(_) | sled::Error::Unsupported(_)) => {
            StorageError::corrupt(path.display(), err.to_string())
        }
    }
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("it gave no message").to_owned()
}

/// Longer than sled was ever seen to keep the lock; short enough for a waiting person.
const LOCK_WAIT: Duration = Duration::from_secs(5);
const LOCK_PAUSE: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_here() {
        let ended = guarded::<()>("read", Path::new("rows"), || panic!("page {} is gone", 7));
        match ended {
            Err(StorageError::Panicked { doing: "read", message }) => assert_eq!(message, "page 7 is gone"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn errors_of_sled_get_our_kinds() {
        let worded = |err| guarded::<()>("read", Path::new("rows"), || Err(err)).unwrap_err();
        let io = |kind: std::io::ErrorKind| worded(sled::Error::Io(kind.into()));
        assert!(matches!(io(std::io::ErrorKind::PermissionDenied), StorageError::Permission { .. }));
        assert!(io(std::io::ErrorKind::StorageFull).is_disk_full());
        assert!(matches!(worded(sled::Error::Unsupported(String::new())), StorageError::Corrupt { .. }));
        assert!(matches!(worded(sled::Error::ReportableBug(String::new())), StorageError::Panicked { .. }));
    }

    #[test]
    fn a_lock_of_sled_is_told_from_other_errors() {
        let dir = tempfile::tempdir().unwrap();
        let config = || sled::Config::new().path(dir.path()).flush_every_ms(None);
        let held = config().open().unwrap();
        assert!(is_locked(&config().open().unwrap_err()));
        assert!(!is_locked(&config().segment_size(1 << 20).open().unwrap_err()));
        drop(held);
    }

    #[test]
    fn a_locked_directory_is_tried_again_for_a_while() {
        let mut tries = 0;
        let opened = until_unlocked(Duration::from_secs(600), || {
            tries += 1;
            (tries == 3).then_some(tries)
        });
        assert_eq!(opened, Some(3));
        assert_eq!(until_unlocked::<()>(Duration::ZERO, || None), None);
    }
}
