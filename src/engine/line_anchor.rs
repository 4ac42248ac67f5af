//! Owns the anchor that writes each checkpoint on one line: to standard output, a pipe, or a socket.
//!
//! A log collector, for example, keeps the lines where the host of the store cannot reach them. Read next:
//! [`super::anchoring`].

use std::fmt;
use std::io::Write;

use parking_lot::Mutex;

use crate::ledger::SignedCheckpoint;

use super::anchoring::CheckpointAnchor;

/// An anchor that writes each checkpoint as one JSON object on one line, and flushes:
/// `{"log_id":"<hex>","size":N,"root":"<base64>","checkpoint":"<note>"}`. The note is complete, with its line feeds
/// escaped, so a reader of JSON gets the text for [`crate::StoreOptions::expecting_checkpoint`].
///
/// ```
/// use latchkeep::{LineAnchor, SecretBytes, StoreOptions, Unlock};
///
/// let key = Unlock::bytes(SecretBytes::copy_from(&[7; 32]));
/// let store = StoreOptions::in_memory(key).anchoring(LineAnchor::new(std::io::stdout())).create()?;
/// store.close()?; // writes the last checkpoint
/// # Ok::<(), latchkeep::Error>(())
/// ```
pub struct LineAnchor<W> {
    to: Mutex<W>,
}

impl<W: Write + Send + 'static> LineAnchor<W> {
    /// Returns an anchor that writes to `to`.
    #[must_use]
    pub const fn new(to: W) -> Self {
        Self { to: Mutex::new(to) }
    }
}

impl<W: Write + Send + 'static> CheckpointAnchor for LineAnchor<W> {
    fn take(&self, checkpoint: &SignedCheckpoint) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let line = line(checkpoint);
        let mut to = self.to.lock();
        // In one write, so that lines of others do not get in between.
        to.write_all(line.as_bytes())?;
        to.flush()?;
        Ok(())
    }
}

fn line(checkpoint: &SignedCheckpoint) -> String {
    let said = checkpoint.checkpoint();
    let object = serde_json::json!({
        "log_id": said.log_id.to_hex(),
        "size": said.tree_head.size,
        "root": said.tree_head.root.to_base64(),
        "checkpoint": checkpoint.note(),
    });
    format!("{object}\n")
}

impl<W> fmt::Debug for LineAnchor<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineAnchor").finish_non_exhaustive()
    }
}
