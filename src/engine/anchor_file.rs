//! Owns the text of files with signed checkpoints, which an anchor appended or a person put together.
//!
//! Notes follow each other, or are in lines of JSON with a `checkpoint` in each, as [`super::line_anchor`] writes them.
//! Lines between them can accept a restore. This module handles only text; [`super::checkpoint`] checks it against a
//! log. Read next: [`super::file_anchor`], which appends.

use std::io::{self, BufRead, Read};

use crate::ledger::Checkpoint;
use crate::ledger::accepted_restore::AcceptedRestore;

/// The checkpoints of a file, and the restores that a person accepted in it.
///
/// A log must extend every one of them. A checkpoint above an accepted restore counts only if it is not larger than the
/// restored size: what the original recorded after that size is not in the restored log.
///
/// ```
/// use latchkeep::{AnchorFile, SecretBytes, StoreOptions, Unlock};
///
/// let store = StoreOptions::in_memory(Unlock::bytes(SecretBytes::copy_from(&[7; 32]))).create()?;
/// let text = store.checkpoint()?.note().repeat(2);
/// let file = AnchorFile::read(text.as_bytes())?;
/// assert_eq!((file.checkpoints().count(), file.torn()), (2, 0));
/// store.verify_anchored(&file)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnchorFile {
    notes: Vec<(String, Checkpoint)>,
    restores: Vec<AcceptedRestore>,
    newest: Option<Checkpoint>,
    torn: u64,
}

impl AnchorFile {
    /// Reads a file to its end. Counts and skips a note that was torn by a crash or a full disk, and all other text.
    ///
    /// # Errors
    ///
    /// Those of the reader.
    pub fn read(mut input: impl BufRead) -> io::Result<Self> {
        let (mut file, mut note, mut line) = (Self::default(), String::new(), Vec::new());
        while input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? > 0 {
            file.take(&String::from_utf8_lossy(&line), &mut note);
            line.clear();
        }
        file.end(&mut note);
        Ok(file)
    }

    /// Returns the notes of the checkpoints that a log must extend, in their order.
    pub fn checkpoints(&self) -> impl Iterator<Item = &str> {
        self.notes.iter().map(|(note, _)| &**note)
    }

    /// Returns the note of the largest checkpoint.
    #[must_use]
    pub fn largest(&self) -> Option<&str> {
        self.notes.iter().max_by_key(|(_, found)| found.tree_head.size).map(|(note, _)| &**note)
    }

    /// Returns the accepted restores, in their order.
    #[must_use]
    pub fn restores(&self) -> &[AcceptedRestore] {
        &self.restores
    }

    /// Accepts a restore here too, after [`crate::FileAnchor::accept`] has appended it to the file.
    pub fn accept(&mut self, restore: AcceptedRestore) {
        let Checkpoint { log_id, tree_head } = restore.restored;
        self.notes.retain(|(_, older)| older.log_id != log_id || older.tree_head.size <= tree_head.size);
        self.restores.retain(|older| older.restored.tree_head.size <= tree_head.size);
        self.newest = Some(restore.restored);
        self.restores.push(restore);
    }

    /// Returns the last checkpoint or accepted restore of the file, whoever signed it.
    #[must_use]
    pub const fn newest(&self) -> Option<Checkpoint> {
        self.newest
    }

    /// Returns how many pieces of text are neither a whole note nor an accepted restore.
    #[must_use]
    pub const fn torn(&self) -> u64 {
        self.torn
    }

    /// Returns whether the file has nothing to check a log against.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.notes.is_empty() && self.restores.is_empty()
    }

    fn take(&mut self, line: &str, note: &mut String) {
        let text = line.trim_end_matches(['\n', '\r']);
        if text.starts_with(NOTE) {
            self.end(note);
            note.push_str(line);
        } else if text.starts_with(AcceptedRestore::BEGIN) {
            self.end(note);
            match AcceptedRestore::parse(text) {
                Some(restore) => self.accept(restore),
                None => self.tear(),
            }
        } else if text.starts_with('{') {
            self.end(note);
            match serde_json::from_str::<serde_json::Value>(text) {
                // Of an export, only the last line has one.
                Ok(object) => {
                    if let Some(inner) = object.get("checkpoint").and_then(serde_json::Value::as_str) {
                        self.keep(inner.to_owned());
                    }
                }
                Err(_) => self.tear(),
            }
        } else if note.is_empty() {
            if !text.is_empty() {
                self.tear();
            }
        } else if note.contains(SIGNATURE) && !text.starts_with(DASH) {
            self.end(note);
            if !text.is_empty() {
                self.tear();
            }
        } else {
            note.push_str(line);
        }
    }

    /// Ends a note, if one was begun.
    fn end(&mut self, note: &mut String) {
        if !note.is_empty() {
            self.keep(std::mem::take(note));
        }
    }

    fn keep(&mut self, mut note: String) {
        if !note.ends_with('\n') {
            note.push('\n');
        }
        // A truncated signature is shorter than any whole signature.
        let signature = note.trim_end().rsplit(' ').next().map_or(0, str::len);
        match Checkpoint::read_unverified(&note) {
            Ok(checkpoint) if signature >= SIGNATURE_CHARS => {
                self.newest = Some(checkpoint);
                self.notes.push((note, checkpoint));
            }
            _ => self.tear(),
        }
    }

    const fn tear(&mut self) {
        self.torn = self.torn.saturating_add(1);
    }
}

/// The start of a note.
const NOTE: &str = "latchkeep.log/";

/// The start of each signature line.
const DASH: &str = "\u{2014} ";

/// The text before and at the start of the first signature line.
const SIGNATURE: &str = "\n\n\u{2014} ";

/// Characters of base64 in the shortest signature: 4 bytes of key id and 64 of Ed25519.
const SIGNATURE_CHARS: usize = 92;

/// Bytes of a line, at most: more than the longest note as JSON.
const LINE_BYTES_MAX: u64 = 512 * 1_024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::LogId;
    use crate::domain::incarnation::Incarnation;
    use crate::domain::position::Position;
    use crate::ledger::{NoteSigner, TreeHead, origin};

    const LOG: LogId = LogId::from_bytes([7; 16]);

    fn note(size: u64) -> String {
        let signer = NoteSigner::new(&origin(&LOG), &[1; 32]).unwrap();
        Checkpoint { log_id: LOG, tree_head: head(size) }.sign(&[&signer]).unwrap().note().to_owned()
    }

    fn head(size: u64) -> TreeHead {
        TreeHead { size: Position::new(size), root: TreeHead::empty().root }
    }

    fn read(text: &str) -> AnchorFile {
        AnchorFile::read(text.as_bytes()).unwrap()
    }

    fn sizes(file: &AnchorFile) -> Vec<u64> {
        file.notes.iter().map(|(_, found)| found.tree_head.size.get()).collect()
    }

    #[test]
    fn notes_are_found_however_they_stand() {
        let json = |size| serde_json::json!({ "size": size, "checkpoint": note(size) });
        let (one, two) = (note(1), note(2));
        for text in [
            format!("{one}{two}"),
            format!("{one}\n{two}\n\n"),
            format!("{one}\n{}", two.trim_end()),
            format!("{}\n{}\n", json(1), json(2)),
            format!("{one}\n{}\n", json(2)),
            format!("{}\n{two}", json(1)),
        ] {
            let file = read(&text);
            assert_eq!((sizes(&file), file.torn), (vec![1, 2], 0), "{text}");
            assert_eq!(file.newest.unwrap().tree_head, head(2));
            assert!(file.checkpoints().eq([&*one, &*two]));
        }
        assert!(read("").is_empty() && read("\n\n").is_empty());
    }

    /// A crash in an append, and one more note after the torn one.
    #[test]
    fn wherever_a_note_is_torn_the_whole_ones_count() {
        let (one, two, three) = (note(1), note(2), note(3));
        for at in 1..two.len() - 1 {
            let Some(torn) = two.get(..at) else { continue };
            let file = read(&format!("{one}\n{torn}"));
            assert_eq!((sizes(&file), file.torn), (vec![1], 1), "cut at {at}");
            let file = read(&format!("{one}\n{torn}\n\n{three}\n"));
            assert_eq!((sizes(&file), file.torn), (vec![1, 3], 1), "cut at {at}");
        }
    }

    #[test]
    fn an_accepted_restore_frees_the_log_of_what_came_after_it() {
        let restore = |size, incarnation| AcceptedRestore {
            restored: Checkpoint { log_id: LOG, tree_head: head(size) },
            incarnation: Incarnation::new(incarnation),
            verifier_key: None,
        };
        let text = format!("{}{}{}{}\n{}", note(3), note(5), note(9), restore(5, 77), note(7));
        let file = read(&text);
        assert_eq!((sizes(&file), file.restores()), (vec![3, 5, 7], &[restore(5, 77)][..]));
        let file = read(&format!("{}\n{text}\n{}\n", restore(2, 1), restore(1, 78)));
        assert_eq!((sizes(&file), file.restores()), (vec![], &[restore(1, 78)][..]));
        assert_eq!(file.newest.unwrap().tree_head, head(1));
        for line in [restore(5, 77).to_string() + " ", restore(5, 77).to_string().replace(" 5 ", " 05 ")] {
            assert_eq!((read(&line).restores.len(), read(&line).torn), (0, 1));
        }
    }
}
