//! Owns signed checkpoints (C2SP tlog-checkpoint): the statement, under a log's own key, of the size and root of the
//! log.
//!
//! It never decides when to sign, which key was in force, or whether two checkpoints agree. The last takes a
//! [`ConsistencyProof`](super::consistency::ConsistencyProof). Read next: [`super::event_proof`].

use std::fmt;

use super::hash::TreeHash;
use super::note::{Note, NoteError};
use super::signer::{NoteSigner, VerifierKey};
use super::tree::TreeHead;
use crate::domain::id::LogId;
use crate::domain::position::Position;

/// Returns the origin of a log's checkpoints, which is also the name of its signer: `latchkeep.log/` and the id in hex.
#[must_use]
pub fn origin(log_id: &LogId) -> String {
    format!("{ORIGIN}{}", log_id.to_hex())
}

/// The content of a checkpoint: this log has this tree head. It has no signature yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub log_id: LogId,
    /// Its size and root.
    pub tree_head: TreeHead,
}

impl Checkpoint {
    /// Signs the statement; all signers carry the name of the log, and differ by their keys.
    ///
    /// Sign only what is durable, and never two roots for one size: this function cannot check either.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Signer`] when a signer has another name than the log, and [`CheckpointError::Note`] when
    /// there is no signer or there are too many.
    pub fn sign(&self, signers: &[&NoteSigner]) -> Result<SignedCheckpoint, CheckpointError> {
        let origin = origin(&self.log_id);
        if signers.iter().any(|signer| signer.verifier_key().name() != origin) {
            return Err(CheckpointError::Signer);
        }
        let note = Note::sign(&self.to_string(), signers).map_err(CheckpointError::Note)?;
        let signed_by = signers.iter().map(|signer| signer.verifier_key().clone()).collect();
        Ok(SignedCheckpoint { checkpoint: *self, note, signed_by })
    }

    /// Reads the content of a note without checking its signatures. Use it for verdicts on size and root that are
    /// reported beside a verdict on the signature, never instead of one.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`] when the note is malformed, or is not a checkpoint of a log of this kind.
    pub(crate) fn read_unverified(note: &str) -> Result<Self, CheckpointError> {
        Self::parse(Note::parse(note).map_err(CheckpointError::Note)?.text())
    }

    /// Reads the text of a note. A statement has exactly one text; extension lines after it are ignored here.
    fn parse(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?.split('\n');
        let mut line = || lines.next().ok_or(CheckpointError::Lines);
        let (origin, size, root) = (line()?, line()?, line()?);
        if lines.any(str::is_empty) {
            return Err(CheckpointError::Lines);
        }
        let log_id = origin.strip_prefix(ORIGIN).and_then(|hex| LogId::parse(hex).ok());
        let log_id = log_id.ok_or(CheckpointError::Origin)?;
        let size = size.parse().map(Position::new).map_err(|_| CheckpointError::Size)?;
        let root = TreeHash::parse_base64(root).map_err(|_| CheckpointError::Root)?;
        let tree_head = TreeHead { size, root };
        if size == Position::FIRST && tree_head != TreeHead::empty() {
            return Err(CheckpointError::Root);
        }
        let checkpoint = Self { log_id, tree_head };
        // The numbers may be written in another way, for example with leading zeros.
        let (written, given) = (checkpoint.to_string(), text);
        match written.lines().zip(given.lines()).position(|(written, given)| written != given) {
            None => Ok(checkpoint),
            Some(0) => Err(CheckpointError::Origin),
            Some(_) => Err(CheckpointError::Size),
        }
    }
}

/// The text that is signed: origin, size, and root, a line each.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TreeHead { size, root } = self.tree_head;
        write!(f, "{ORIGIN}{}\n{size}\n{}\n", self.log_id.to_hex(), root.to_base64())
    }
}

/// A checkpoint whose signatures were made or verified by this crate; it cannot be made in another way.
///
/// ```
/// use latchkeep::ledger::{SignedCheckpoint, VerifierKey};
///
/// let note = "latchkeep.log/000102030405060708090a0b0c0d0e0f\n7\nViMCs5Z9AFSCEIFFmV4D2jpWRtInjLffwW96S3i516E=\n\n\
///             \u{2014} latchkeep.log/000102030405060708090a0b0c0d0e0f rv6vB7V5viandf4Yo9vHd9aFS0JE+kcBVKw+EuW5216kuDFb\
///             BiB/nNzDn7L9Uwd9LVG4hJWTYUnoi2ouRH314pzWbgo=\n";
/// let known = VerifierKey::parse(
///     "latchkeep.log/000102030405060708090a0b0c0d0e0f+aefeaf07+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c",
/// )?;
/// let signed = SignedCheckpoint::open(note, &[known])?;
/// assert_eq!(signed.checkpoint().tree_head.size.get(), 7);
/// assert!(SignedCheckpoint::open(&note.replace("\n7\n", "\n8\n"), signed.signed_by()).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: String,
    signed_by: Vec<VerifierKey>,
}

impl SignedCheckpoint {
    /// Verifies a note and reads its checkpoint; at least one of the signatures is the log's own.
    ///
    /// The caller must check which log it is about, and which key was in force at that size.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`] when the note is malformed, no known key of the log has signed, a signature of a known key
    /// is wrong, or the text is not a checkpoint of a log of this kind.
    pub fn open(note: &str, known: &[VerifierKey]) -> Result<Self, CheckpointError> {
        let parsed = Note::parse(note).map_err(CheckpointError::Note)?;
        let signed_by: Vec<_> = parsed.verify(known).map_err(CheckpointError::Note)?.into_iter().cloned().collect();
        let checkpoint = Checkpoint::parse(parsed.text())?;
        let origin = origin(&checkpoint.log_id);
        if !signed_by.iter().any(|key| key.name() == origin) {
            return Err(CheckpointError::Signer);
        }
        Ok(Self { checkpoint, note: note.to_owned(), signed_by })
    }

    /// Returns the content of the checkpoint.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Returns the note as text.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }

    /// Iterates over the extension lines, which follow the root and are signed too. Logs of this release write none;
    /// their writer defines what they mean.
    pub fn extension_lines(&self) -> impl Iterator<Item = &str> {
        let text = Note::parse(&self.note).map(|note| note.text()).unwrap_or_default();
        text.lines().skip(STATEMENT_LINES)
    }

    /// Returns the known keys that have signed: at least one of the log.
    #[must_use]
    pub fn signed_by(&self) -> &[VerifierKey] {
        &self.signed_by
    }
}

const ORIGIN: &str = "latchkeep.log/";

/// Lines that a checkpoint begins with: origin, size and root.
const STATEMENT_LINES: usize = 3;

/// The reason why a text is not a checkpoint, or its log has not signed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The note is malformed, or no known key has signed it.
    Note(NoteError),
    /// No key with the name of the log has signed.
    Signer,
    /// The text has fewer than three lines, or an empty line after them.
    Lines,
    /// The first line is not `latchkeep.log/` and 32 lower-case hexadecimal digits.
    Origin,
    /// The second line is not a decimal number of 64 bits without leading zeros.
    Size,
    /// The third line is not a hash in base64, or not the only root that an empty log has.
    Root,
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Note(error) => error.fmt(f),
            Self::Signer => f.write_str("checkpoint is not signed under the name of its log"),
            Self::Lines => f.write_str("checkpoint has fewer than three lines, or an empty extension line"),
            Self::Origin => f.write_str("origin of the checkpoint is not that of a log of this kind"),
            Self::Size => f.write_str("size of the checkpoint is no plain decimal number"),
            Self::Root => f.write_str("root of the checkpoint is no hash in base64, or not that of an empty log"),
        }
    }
}

impl std::error::Error for CheckpointError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let tree_head = TreeHead { size: Position::new(70), root: TreeHash::from_bytes([0xfe; 32]) };
        Checkpoint { log_id: LogId::from_bytes([0xab; 16]), tree_head }
    }

    fn signer(number: u8) -> NoteSigner {
        NoteSigner::new(&origin(&checkpoint().log_id), &[number; 32]).unwrap()
    }

    #[track_caller]
    fn check_text(from: &str, to: &str, expected: Result<(), CheckpointError>) {
        let text = checkpoint().to_string().replacen(from, to, 1);
        let note = Note::sign(&text, &[&signer(1)]).unwrap();
        let opened = SignedCheckpoint::open(&note, &[signer(1).verifier_key().clone()]);
        assert_eq!(opened.map(|_| ()), expected, "{text:?}");
    }

    #[test]
    fn what_was_signed_is_opened() {
        let signed = checkpoint().sign(&[&signer(1), &signer(2)]).unwrap();
        assert_eq!(SignedCheckpoint::open(signed.note(), signed.signed_by()), Ok(signed.clone()));
        let second = SignedCheckpoint::open(signed.note(), &signed.signed_by()[1..]).unwrap();
        assert_eq!((second.checkpoint(), second.signed_by().len()), (&checkpoint(), 1));
        let empty = Checkpoint { tree_head: TreeHead::empty(), ..checkpoint() }.sign(&[&signer(1)]).unwrap();
        assert_eq!(SignedCheckpoint::open(empty.note(), empty.signed_by()), Ok(empty.clone()));
    }

    #[test]
    fn only_the_one_text_of_a_statement_is_read_even_when_it_is_signed() {
        let root = checkpoint().tree_head.root.to_base64();
        check_text("", "", Ok(()));
        for to in ["\n070\n", "\n+70\n", "\n-70\n", "\n 70\n", "\n\n", "\n0x46\n", "\n18446744073709551616\n"] {
            check_text("\n70\n", to, Err(CheckpointError::Size));
        }
        check_text("\n70\n", "\n0\n", Err(CheckpointError::Root));
        check_text("\n70\n", "\n18446744073709551615\n", Ok(()));
        check_text(&root, root.trim_end_matches('='), Err(CheckpointError::Root));
        check_text(&root, &root.replace("v7+", "v7-"), Err(CheckpointError::Root));
        check_text(&root, "", Err(CheckpointError::Root));
        check_text(&format!("\n{root}\n"), "\n", Err(CheckpointError::Lines));
        check_text(&format!("{root}\n"), &format!("{root}\nextension\n"), Ok(()));
        check_text(&format!("{root}\n"), &format!("{root}\none\n\ntwo\n"), Err(CheckpointError::Lines));
        check_text(&format!("{root}\n"), &format!("{root}\n\n"), Err(CheckpointError::Lines));
        for to in ["ABABABABABABABABABABABABABABABAB", "abababab-abab-abab-abab-abababababab", "abab", ""] {
            check_text("abababababababababababababababab", to, Err(CheckpointError::Origin));
        }
        check_text("latchkeep.log/", "other.log/", Err(CheckpointError::Origin));
        check_text("latchkeep.log/", "\nlatchkeep.log/", Err(CheckpointError::Origin));
    }

    #[test]
    fn the_log_itself_has_to_sign() {
        let witness = NoteSigner::new("witness.example", &[3; 32]).unwrap();
        assert_eq!(checkpoint().sign(&[&witness]), Err(CheckpointError::Signer));
        assert_eq!(checkpoint().sign(&[]), Err(CheckpointError::Note(NoteError::NoSignatures)));
        let text = checkpoint().to_string();
        let known = [witness.verifier_key().clone(), signer(1).verifier_key().clone()];
        let alone = Note::sign(&text, &[&witness]).unwrap();
        assert_eq!(SignedCheckpoint::open(&alone, &known), Err(CheckpointError::Signer));
        let both = Note::sign(&text, &[&witness, &signer(1)]).unwrap();
        assert_eq!(SignedCheckpoint::open(&both, &known).unwrap().signed_by(), known);
        let elsewhere = checkpoint().to_string().replacen("abab", "acac", 1);
        let elsewhere = Note::sign(&elsewhere, &[&signer(1)]).unwrap();
        assert_eq!(SignedCheckpoint::open(&elsewhere, &known), Err(CheckpointError::Signer));
    }

    #[test]
    fn no_changed_note_is_opened() {
        let signed = checkpoint().sign(&[&signer(1)]).unwrap();
        let opened = |bytes: &[u8]| {
            std::str::from_utf8(bytes).is_ok_and(|note| SignedCheckpoint::open(note, signed.signed_by()).is_ok())
        };
        assert!(opened(signed.note().as_bytes()));
        for end in 0..signed.note().len() {
            assert!(!opened(&signed.note().as_bytes()[..end]), "{end}");
        }
        for bit in 0..signed.note().len() * 8 {
            let mut flipped = signed.note().as_bytes().to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!opened(&flipped), "bit {bit}");
        }
    }
}
