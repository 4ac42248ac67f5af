//! Owns the anchor that appends checkpoints to a file, and refuses those that contradict the file.
//!
//! Read next: [`super::anchor_file`], for the text of the file.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use crate::domain::position::Position;
use crate::ledger::accepted_restore::AcceptedRestore;
use crate::ledger::{Checkpoint, SignedCheckpoint, TreeHead};
use crate::storage::private_file;

use super::anchor_file::AnchorFile;
use super::anchoring::{AnchorError, CheckpointAnchor, LogSoFar};
use super::checkpoint::NOT_TOLD;

/// An anchor that appends each checkpoint to a file, followed by an empty line, and syncs the file. Put the file on
/// another machine's disk, or on a write-once medium.
///
/// The file is made for its owner alone (mode 0600), and a symbolic link in its place is not followed. A checkpoint
/// that contradicts the newest one of the file is not appended: a smaller size, another root, another log. A store that
/// was rolled back shows that, and so does a restored one until its restore is accepted; see [`FileAnchor::accept`].
/// After that, nothing is appended of a log that does not contain the restore, such as the original's. A torn note
/// stays in the file, and the next one begins after an empty line. [`AnchorFile`] reads the file.
#[derive(Clone, Debug)]
pub struct FileAnchor {
    path: PathBuf,
}

impl FileAnchor {
    /// Names the file, which is made if it does not exist.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Appends that a person accepts a restore. From here on the file continues with the restored log, and the earlier
    /// checkpoints bind it up to the restored size. [`crate::Store::restores`] returns the restores to accept. This
    /// method checks nothing: see [`AnchorFile::accept`], and first check the store against the result
    /// ([`crate::Store::verify_anchored`]). A file that accepts a restore that no log contains is of no more use.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn accept(&self, restore: &AcceptedRestore) -> io::Result<()> {
        self.append(&format!("{restore}\n"))
    }

    fn append(&self, text: &str) -> io::Result<()> {
        let mut file = private_file::append(&self.path)?;
        let before = if self.is_torn(&file)? { "\n\n" } else { "" };
        // In one write, so that a crash tears as little as possible.
        file.write_all(format!("{before}{text}\n").as_bytes())?;
        file.sync_all()
    }

    /// Returns whether the file does not end with a line end. A pipe has no end that can be read.
    fn is_torn(&self, file: &File) -> io::Result<bool> {
        let about = file.metadata()?;
        if !about.is_file() || about.len() == 0 {
            return Ok(false);
        }
        let (mut end, mut last) = (File::open(&self.path)?, [0]);
        end.seek(SeekFrom::End(-1))?;
        end.read_exact(&mut last)?;
        Ok(last != *b"\n")
    }

    /// Reads the newest checkpoint, or accepted restore, of the file and its surroundings: from the end of the file, or
    /// from the whole file if the end has none.
    fn newest(&self) -> io::Result<AnchorFile> {
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(AnchorFile::default()),
            opened => opened?,
        };
        let about = file.metadata()?;
        if !about.is_file() {
            return Ok(AnchorFile::default());
        }
        file.seek(SeekFrom::Start(about.len().saturating_sub(TAIL_BYTES)))?;
        let tail = AnchorFile::read(BufReader::new(&file))?;
        if tail.newest().is_some() || about.len() <= TAIL_BYTES {
            return Ok(tail);
        }
        file.rewind()?;
        AnchorFile::read(BufReader::new(file))
    }

    fn hold(&self, checkpoint: &SignedCheckpoint, log: &dyn Seen) -> Result<(), AnchorError> {
        let file = self.newest()?;
        let Some(newest) = file.newest() else { return Ok(()) };
        let (Checkpoint { log_id, tree_head }, size) = (*checkpoint.checkpoint(), newest.tree_head.size);
        if newest.log_id != log_id {
            return Err("the file holds checkpoints of another log; nothing was appended".into());
        }
        if size > tree_head.size {
            let have = tree_head.size;
            return Err(format!(
                "the file holds a checkpoint of {size} records, and the log has {have}: the store was rolled back, or restored \
                 and that not accepted; nothing was appended"
            )
            .into());
        }
        if log.head_at(size)?.is_some_and(|found| found != newest.tree_head) {
            return Err(format!(
                "the file holds another root for size {size} than the log: the store was rolled back and went on, or restored \
                 and that not accepted; nothing was appended"
            )
            .into());
        }
        // A restore further up in the file is above a later checkpoint of a log that contains it. A log with that root
        // contains the restore too.
        if log.tells_of_restores(&file)? { Ok(()) } else { Err(format!("{NOT_TOLD}; nothing was appended").into()) }
    }
}

/// What an anchor can see of a log.
trait Seen {
    /// Returns the tree head at a size; `None` where it cannot be seen.
    fn head_at(&self, size: Position) -> Result<Option<TreeHead>, AnchorError>;

    /// Returns whether the log contains the restores that a file accepts, as far as the anchor can see that.
    fn tells_of_restores(&self, file: &AnchorFile) -> Result<bool, AnchorError>;
}

impl Seen for LogSoFar<'_> {
    fn head_at(&self, size: Position) -> Result<Option<TreeHead>, AnchorError> {
        Ok(self.tree_head_at(size)?)
    }

    fn tells_of_restores(&self, file: &AnchorFile) -> Result<bool, AnchorError> {
        for accepted in file.restores() {
            if !self.tells_of(accepted)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A checkpoint shows its own tree head. Right after a restore it must be signed by the key that the restore set.
impl Seen for SignedCheckpoint {
    fn head_at(&self, size: Position) -> Result<Option<TreeHead>, AnchorError> {
        let own = self.checkpoint().tree_head;
        Ok((size == own.size).then_some(own))
    }

    fn tells_of_restores(&self, file: &AnchorFile) -> Result<bool, AnchorError> {
        let last = file.restores().last().filter(|last| file.newest() == Some(last.restored));
        let key = last.and_then(|last| last.verifier_key.as_ref());
        Ok(key.is_none_or(|key| self.signed_by().contains(key)))
    }
}

impl CheckpointAnchor for FileAnchor {
    /// Appends the checkpoint, unless the newest one of the file is larger, or another of the same size, or the file
    /// ends with an accepted restore whose key has not signed the checkpoint. A checkpoint alone shows no more.
    fn take(&self, checkpoint: &SignedCheckpoint) -> Result<(), AnchorError> {
        self.hold(checkpoint, checkpoint)?;
        Ok(self.append(checkpoint.note())?)
    }

    /// Appends the checkpoint, unless the log does not extend the newest one of the file, or does not contain a restore
    /// that the file accepts.
    fn take_extending(&self, checkpoint: &SignedCheckpoint, log: &LogSoFar<'_>) -> Result<(), AnchorError> {
        self.hold(checkpoint, log)?;
        Ok(self.append(checkpoint.note())?)
    }
}

/// Bytes at the end of a file that are searched for the newest checkpoint.
const TAIL_BYTES: u64 = 64 * 1_024;
