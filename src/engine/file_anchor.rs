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

/// An anchor that appends each checkpoint to a file, with an empty line behind it, and syncs the file. Put the file on
/// another machine's disk, or a medium that is written once.
///
/// The file is made for its owner alone (mode 0600); a symbolic link in its place is not followed. What contradicts the
/// newest checkpoint of the file is not appended: a smaller size, another root, another log. That is what a store shows
/// that was rolled back, and one that was restored until the restore is accepted; see [`FileAnchor::accept`]. A note that
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
    /// above bind it up to the size that was restored. [`crate::Store::restores`] gives what to accept.
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

    /// Reads the newest checkpoint, or accepted restore, of the file: from its end, or all of it where the end has none.
    fn newest(&self) -> io::Result<Option<Checkpoint>> {
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let about = file.metadata()?;
        if !about.is_file() {
            return Ok(None);
        }
        file.seek(SeekFrom::Start(about.len().saturating_sub(TAIL_BYTES)))?;
        let tail = AnchorFile::read(BufReader::new(&file))?;
        if tail.newest().is_some() || about.len() <= TAIL_BYTES {
            return Ok(tail.newest());
        }
        file.rewind()?;
        Ok(AnchorFile::read(BufReader::new(file))?.newest())
    }

    fn hold(
        &self,
        checkpoint: &SignedCheckpoint,
        head_at: impl FnOnce(Position) -> Result<Option<TreeHead>, AnchorError>,
    ) -> Result<(), AnchorError> {
        let Some(newest) = self.newest()? else { return Ok(()) };
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
        if head_at(size)?.is_some_and(|found| found != newest.tree_head) {
            return Err(format!(
                "the file holds another root for size {size} than the log: the store was rolled back and went on, or restored \
                 and that not accepted; nothing was appended"
            )
            .into());
        }
        Ok(())
    }
}

impl CheckpointAnchor for FileAnchor {
    /// Appends the checkpoint, unless the newest one of the file is larger, or another of the same size.
    fn take(&self, checkpoint: &SignedCheckpoint) -> Result<(), AnchorError> {
        let own = checkpoint.checkpoint().tree_head;
        self.hold(checkpoint, |size| Ok((size == own.size).then_some(own)))?;
        Ok(self.append(checkpoint.note())?)
    }

    /// Appends the checkpoint, unless the log does not extend the newest one of the file.
    fn take_extending(&self, checkpoint: &SignedCheckpoint, log: &LogSoFar<'_>) -> Result<(), AnchorError> {
        self.hold(checkpoint, |size| Ok(log.tree_head_at(size)?))?;
        Ok(self.append(checkpoint.note())?)
    }
}

/// Bytes at the end of a file in which the newest checkpoint is looked for.
const TAIL_BYTES: u64 = 64 * 1_024;
