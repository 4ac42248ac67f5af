//! Owns the anchor that appends checkpoints to a file, and refuses what contradicts the file.
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

/// An anchor that appends each checkpoint to a file, with an empty line behind it, and syncs the file. Put the file on
/// another machine's disk, or a medium that is written once.
///
/// The file is made for its owner alone (mode 0600); a symbolic link in its place is not followed. What contradicts the
/// newest checkpoint of the file is not appended: a smaller size, another root, another log. That is what a store shows
/// that was rolled back, and one that was restored until the restore is accepted; see [`FileAnchor::accept`]. From then on
/// nothing is appended of a log that does not tell of the restore, such as the original's. A note that
/// a crash has torn is left as it is, and the next one begins behind an empty line. [`AnchorFile`] reads it.
#[derive(Clone, Debug)]
pub struct FileAnchor {
    path: PathBuf,
}

impl FileAnchor {
    /// Names the file; it is made when it is not there.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Appends that a person accepts a restore: from here on the file goes on with the restored log, and the checkpoints
    /// above bind it up to the size that was restored. [`crate::Store::restores`] gives what to accept. Nothing is checked: see
    /// [`AnchorFile::accept`], and hold the store to that first ([`crate::Store::verify_anchored`]), since a file that accepts
    /// what no log tells of is of no more use.
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
        // In one piece, so that a crash tears as little as can be.
        file.write_all(format!("{before}{text}\n").as_bytes())?;
        file.sync_all()
    }

    /// Tells whether the file does not end in a line end. A pipe has no end to look at.
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

    /// Reads the newest checkpoint, or accepted restore, of the file with what stands around it: from the end of the file, or
    /// all of it where the end has none.
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
        // A restore further up than what was read stands above a checkpoint that was taken after it, from a log that tells of
        // it: a log with that root tells of it too.
        if log.tells_of_restores(&file)? { Ok(()) } else { Err(format!("{NOT_TOLD}; nothing was appended").into()) }
    }
}

/// What of a log an anchor can see.
trait Seen {
    /// Gives the tree head at a size; none where it cannot be seen.
    fn head_at(&self, size: Position) -> Result<Option<TreeHead>, AnchorError>;

    /// Tells whether the log tells of the restores that a file accepts, as far as that can be seen.
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

/// A checkpoint shows its own tree head. Right after a restore it has to be signed by the key that the restore set.
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

    /// Appends the checkpoint, unless the log does not extend the newest one of the file, or does not tell of a restore that the
    /// file accepts.
    fn take_extending(&self, checkpoint: &SignedCheckpoint, log: &LogSoFar<'_>) -> Result<(), AnchorError> {
        self.hold(checkpoint, log)?;
        Ok(self.append(checkpoint.note())?)
    }
}

/// Bytes at the end of a file in which the newest checkpoint is looked for.
const TAIL_BYTES: u64 = 64 * 1_024;
