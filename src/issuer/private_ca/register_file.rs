//! Owns a register in a file: a line of JSON for each note, made durable one by one.
//!
//! A line that was torn by a crash is not a note: the next one overwrites it. Nothing in the file is secret. Read next:
//! [`super::authority`].

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::register::{CertificateNote, CertificateRegister};
use crate::issuer::outcome::IssuerError;

/// Bytes of a register, at most: some 300,000 certificates given out and revoked.
const BYTES_MAX: u64 = 128 * 1_024 * 1_024;

const NO_DIRECTORY: &str = "the directory of the register of certificates does not exist";

/// A register in a file.
///
/// ```
/// use latchkeep::FileRegister;
///
/// let home = tempfile::tempdir()?;
/// let path = home.path().join("certificates.jsonl");
/// assert!(FileRegister::open(&path).is_err(), "a register that is missing is not made anew");
/// let register = FileRegister::create(&path)?;
/// assert!(FileRegister::open(&path).is_err(), "one authority at a time");
/// drop(register);
/// let register = FileRegister::open(&path)?;
/// # drop(register);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FileRegister {
    file: File,
    /// The end of the last whole line.
    len: u64,
}

impl FileRegister {
    /// Makes an empty register that only its owner can read, durably, and claims it until it is dropped. For a new authority, or
    /// for one whose register was lost, see [`recover_register`](super::authority::CertificateAuthority::recover_register).
    ///
    /// # Errors
    ///
    /// [`IssuerError`] when the file exists already, or the system refuses.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, IssuerError> {
        let path = path.as_ref();
        let made = Self::claim(path, OpenOptions::new().create_new(true).mode(0o600), NO_DIRECTORY)?;
        // The name of a new file lasts when its directory does.
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let lasts = File::open(parent).and_then(|parent| parent.sync_all());
        lasts.map_err(|_| {
            IssuerError::unavailable("the directory of the register of certificates cannot be made durable")
        })?;
        Ok(made)
    }

    /// Opens a register, and claims it until it is dropped.
    ///
    /// # Errors
    ///
    /// [`IssuerError`] when it does not exist (what it knew to be revoked would be valid again if it was made anew), the system
    /// refuses, or another process or authority has it open.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, IssuerError> {
        Self::claim(path.as_ref(), &mut OpenOptions::new(), "the register of certificates does not exist")
    }

    fn claim(path: &Path, options: &mut OpenOptions, missing: &str) -> Result<Self, IssuerError> {
        let file = options.read(true).write(true).open(path).map_err(|error| {
            IssuerError::unavailable(match error.kind() {
                ErrorKind::NotFound => missing,
                ErrorKind::AlreadyExists => "the register of certificates exists already",
                _ => "the register of certificates cannot be opened",
            })
        })?;
        file.try_lock().map_err(|_| IssuerError::unavailable("the register of certificates is open elsewhere"))?;
        Ok(Self { file, len: 0 })
    }
}

impl Drop for FileRegister {
    /// Unlocks explicitly. A process that the host is starting right now has copies of the open files for a moment, so
    /// closing our file alone would leave the lock in place.
    fn drop(&mut self) {
        // If this fails, closing the file unlocks it.
        drop(self.file.unlock());
    }
}

impl CertificateRegister for FileRegister {
    fn load(&mut self) -> Result<Vec<CertificateNote>, IssuerError> {
        let unread = |_| IssuerError::unavailable("the register of certificates cannot be read");
        let mut text = Vec::new();
        self.file.by_ref().take(BYTES_MAX.saturating_add(1)).read_to_end(&mut text).map_err(unread)?;
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        if bytes > BYTES_MAX {
            return Err(IssuerError::refused("the register of certificates is longer than 128 MiB"));
        }
        let mut notes = Vec::new();
        self.len = 0;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let Some(whole) = line.strip_suffix(b"\n") else { break };
            let note = serde_json::from_slice(whole).map_err(|_| {
                let number = notes.len().saturating_add(1);
                IssuerError::refused(&format!("line {number} of the register of certificates is damaged; restore it"))
            })?;
            notes.push(note);
            self.len = self.len.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
        }
        Ok(notes)
    }

    fn add(&mut self, note: &CertificateNote) -> Result<(), IssuerError> {
        let lost = |_| IssuerError::unavailable("the register of certificates could not be written");
        let mut line = serde_json::to_vec(note).map_err(|_| IssuerError::refused("the note is no JSON"))?;
        line.push(b'\n');
        let end = self.len.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
        if end > BYTES_MAX {
            return Err(IssuerError::refused("the register of certificates is full; 128 MiB is the most"));
        }
        // The rest of a failed attempt is removed first, so that nothing of it follows the line.
        self.file.set_len(self.len).map_err(lost)?;
        self.file.write_all_at(&line, self.len).map_err(lost)?;
        self.file.sync_data().map_err(lost)?;
        self.len = end;
        Ok(())
    }
}
