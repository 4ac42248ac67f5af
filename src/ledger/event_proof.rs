//! Owns the text that proves a single event (C2SP tlog-proof): its position, the hashes up to the root, and the signed
//! checkpoint.
//!
//! It does not contain the record, unless its maker puts the record into the extra data, which has no signature. Read
//! next: [`super::inclusion`], which does the work.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra <base64>                            (only when there is extra data)
//! index <position in decimal>
//! <hash in base64>                          (one line each, none in a log of one record)
//!                                           (empty line)
//! <signed checkpoint>
//! ```

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::checkpoint::{CheckpointError, SignedCheckpoint};
use super::hash::{Head, TreeHash};
use super::inclusion::InclusionProof;
use super::note::NOTE_BYTES_MAX;
use super::proof::{PROOF_HASHES_MAX, ProofError};
use super::signer::VerifierKey;
use crate::domain::position::Position;

/// Bytes of extra data, at most: enough for the frame of the longest record.
pub const EXTRA_BYTES_MAX: usize = 192 * 1_024;

/// Bytes of an event's proof, at most: a note, extra data in base64, and the other lines.
pub const EVENT_PROOF_BYTES_MAX: usize = NOTE_BYTES_MAX + EXTRA_BYTES_MAX / 3 * 4 + 8 * 1_024;

/// The proof of one event, as text that verifies alone: well formed, not yet verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventProof {
    extra: Vec<u8>,
    index: Position,
    inclusion: InclusionProof,
    note: String,
}

impl EventProof {
    /// Returns the proof that the record at `index` is in the log of the checkpoint.
    ///
    /// `extra` is for the verifier, for example the record's frame; it may be empty.
    ///
    /// # Errors
    ///
    /// [`EventProofError::TooLong`] when there is more extra data than [`EXTRA_BYTES_MAX`].
    pub fn new(
        index: Position,
        inclusion: InclusionProof,
        checkpoint: &SignedCheckpoint,
        extra: Vec<u8>,
    ) -> Result<Self, EventProofError> {
        if extra.len() > EXTRA_BYTES_MAX {
            return Err(EventProofError::TooLong);
        }
        Ok(Self { extra, index, inclusion, note: checkpoint.note().to_owned() })
    }

    /// Reads the text form; the checkpoint in it is read when the proof is verified.
    ///
    /// # Errors
    /// [`EventProofError`] when the text is not exactly the form that is printed.
    pub fn parse(text: &str) -> Result<Self, EventProofError> {
        if text.len() > EVENT_PROOF_BYTES_MAX {
            return Err(EventProofError::TooLong);
        }
        let (lines, note) = text.split_once("\n\n").ok_or(EventProofError::Checkpoint(None))?;
        let mut lines = lines.split('\n').peekable();
        if lines.next() != Some(FIRST_LINE) {
            return Err(EventProofError::FirstLine);
        }
        let extra = lines.next_if(|line| line.starts_with(EXTRA)).map_or(Ok(Vec::new()), parse_extra)?;
        let index = lines.next().and_then(parse_index).ok_or(EventProofError::Index)?;
        let hashes = lines.take(PROOF_HASHES_MAX.saturating_add(1)).map(TreeHash::parse_base64);
        let hashes = hashes.collect::<Result<_, _>>().map_err(|_| EventProofError::Hash)?;
        let inclusion = InclusionProof::new(hashes).map_err(EventProofError::Inclusion)?;
        Ok(Self { extra, index, inclusion, note: note.to_owned() })
    }

    /// Verifies that the record with this chain value has the position in the proof, in a log that a known key has
    /// signed. Returns the checkpoint.
    ///
    /// The chain value comes from the record's header: see [`super::head`].
    ///
    /// # Errors
    ///
    /// [`EventProofError::Checkpoint`] when the checkpoint cannot be trusted, and [`EventProofError::Inclusion`] when
    /// the record is not in its tree at this position.
    pub fn verify(&self, head: &Head, known: &[VerifierKey]) -> Result<SignedCheckpoint, EventProofError> {
        let checkpoint =
            SignedCheckpoint::open(&self.note, known).map_err(|error| EventProofError::Checkpoint(Some(error)))?;
        let tree_head = &checkpoint.checkpoint().tree_head;
        self.inclusion.verify(head, self.index, tree_head).map_err(EventProofError::Inclusion)?;
        Ok(checkpoint)
    }

    /// Returns the position of the record that the proof is about.
    #[must_use]
    pub const fn index(&self) -> Position {
        self.index
    }

    /// Returns the extra data, which may be empty and has no signature.
    #[must_use]
    pub fn extra(&self) -> &[u8] {
        &self.extra
    }
}

fn parse_extra(line: &str) -> Result<Vec<u8>, EventProofError> {
    let extra = line.strip_prefix(EXTRA).and_then(|encoded| STANDARD.decode(encoded).ok());
    match extra {
        Some(extra) if extra.len() > EXTRA_BYTES_MAX => Err(EventProofError::TooLong),
        Some(extra) if !extra.is_empty() => Ok(extra),
        _ => Err(EventProofError::Extra),
    }
}

fn parse_index(line: &str) -> Option<Position> {
    let digits = line.strip_prefix(INDEX)?;
    let index: u64 = digits.parse().ok()?;
    (index.to_string() == digits).then(|| Position::new(index))
}

/// Writes the text form; it is unique.
impl fmt::Display for EventProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        if !self.extra.is_empty() {
            writeln!(f, "{EXTRA}{}", STANDARD.encode(&self.extra))?;
        }
        writeln!(f, "{INDEX}{}", self.index)?;
        self.inclusion.hashes().iter().try_for_each(|hash| writeln!(f, "{}", hash.to_base64()))?;
        write!(f, "\n{}", self.note)
    }
}

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
const EXTRA: &str = "extra ";
const INDEX: &str = "index ";

/// The reason why a text is not the proof of an event, or proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventProofError {
    /// The text is longer than [`EVENT_PROOF_BYTES_MAX`], or its extra data longer than [`EXTRA_BYTES_MAX`].
    TooLong,
    /// The first line is not `c2sp.org/tlog-proof@v1`.
    FirstLine,
    /// The extra data is empty, or not in base64.
    Extra,
    /// The line with the index is missing, or its number is not a decimal one of 64 bits without leading zeros.
    Index,
    /// A hash is not in base64.
    Hash,
    /// The checkpoint is missing, or cannot be trusted.
    Checkpoint(Option<CheckpointError>),
    /// The hashes do not lead from the record to the root.
    Inclusion(ProofError),
}

impl fmt::Display for EventProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("proof of the event is too long"),
            Self::FirstLine => write!(f, "proof of the event does not start with {FIRST_LINE}"),
            Self::Extra => f.write_str("extra data of the proof is empty or not in base64"),
            Self::Index => f.write_str("proof of the event has no index in plain decimal"),
            Self::Hash => f.write_str("hash of the proof is not in base64"),
            Self::Checkpoint(None) => f.write_str("proof of the event has no checkpoint"),
            Self::Checkpoint(Some(error)) => error.fmt(f),
            Self::Inclusion(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for EventProofError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::golden;
    use crate::ledger::note::NoteError;
    use crate::ledger::proof::kept::Kept;
    use crate::ledger::{Checkpoint, NoteSigner, origin};

    fn signer() -> NoteSigner {
        NoteSigner::new(&origin(&golden::log_id()), &[1; 32]).unwrap()
    }

    fn known() -> [VerifierKey; 1] {
        [signer().verifier_key().clone()]
    }

    fn sample(count: u8, index: u64, extra: &[u8]) -> (EventProof, Head) {
        let kept = Kept::counted(count);
        let tree_head = kept.tree_heads[usize::from(count)];
        let checkpoint = Checkpoint { log_id: golden::log_id(), tree_head }.sign(&[&signer()]).unwrap();
        let inclusion = InclusionProof::make(&kept, Position::new(index), tree_head.size).unwrap();
        let proof = EventProof::new(Position::new(index), inclusion, &checkpoint, extra.to_vec()).unwrap();
        (proof, kept.heads[usize::try_from(index).unwrap()])
    }

    #[track_caller]
    fn check_refused(from: &str, to: &str, expected: EventProofError) {
        let (proof, head) = sample(7, 3, b"extra");
        let text = proof.to_string();
        assert!(text.contains(from), "{text}");
        let verified = EventProof::parse(&text.replacen(from, to, 1)).and_then(|proof| proof.verify(&head, &known()));
        assert_eq!(verified, Err(expected));
    }

    #[test]
    fn a_proof_verifies_alone_from_its_text() {
        for count in 1..10 {
            for index in 0..u64::from(count) {
                for extra in [b"".as_slice(), b"frame"] {
                    let (proof, head) = sample(count, index, extra);
                    let read = EventProof::parse(&proof.to_string()).unwrap();
                    assert_eq!((&read, read.index().get(), read.extra()), (&proof, index, extra));
                    let checkpoint = read.verify(&head, &known()).unwrap();
                    assert_eq!(checkpoint.checkpoint().tree_head.size.get(), u64::from(count));
                }
            }
        }
    }

    #[test]
    fn the_text_is_laid_out_as_the_format_says() {
        let (proof, _) = sample(2, 1, b"extra");
        let neighbour = Kept::counted(1).tree_heads[1].root.to_base64();
        let expected = format!("c2sp.org/tlog-proof@v1\nextra ZXh0cmE=\nindex 1\n{neighbour}\n\n{}", proof.note);
        assert_eq!(proof.to_string(), expected);
        let (alone, _) = sample(1, 0, b"");
        assert_eq!(alone.to_string(), format!("c2sp.org/tlog-proof@v1\nindex 0\n\n{}", alone.note));
    }

    #[test]
    fn what_is_wrong_is_named() {
        check_refused("@v1", "@v2", EventProofError::FirstLine);
        check_refused("ZXh0cmE=", "ZXh0cmE", EventProofError::Extra);
        check_refused("ZXh0cmE=", "", EventProofError::Extra);
        check_refused("extra ZXh0cmE=\n", "extra ZXh0cmE=\nextra ZXh0cmE=\n", EventProofError::Index);
        for to in ["index 03", "index +3", "index", "index  3", "Index 3", "index 18446744073709551616"] {
            check_refused("index 3", to, EventProofError::Index);
        }
        check_refused("index 3", "index 2", EventProofError::Inclusion(ProofError::Root));
        check_refused("index 3", "index 7", EventProofError::Inclusion(ProofError::Range));
        let wrong = EventProofError::Checkpoint(Some(CheckpointError::Note(NoteError::Signature)));
        check_refused("index 3\n", "index 3\n\n", wrong);
        check_refused("\n7\n", "\n8\n", wrong);
        check_refused("\n\n", "\n", EventProofError::Hash);
        let bare = EventProof::parse("c2sp.org/tlog-proof@v1\nindex 0\n");
        assert_eq!(bare, Err(EventProofError::Checkpoint(None)));
        let many = format!("index 3\n{}", format!("{}\n", "A".repeat(43) + "=").repeat(70));
        check_refused("index 3\n", &many, EventProofError::Inclusion(ProofError::Length));
    }

    #[test]
    fn no_changed_proof_is_verified() {
        let (proof, head) = sample(7, 3, b"");
        let text = proof.to_string();
        let verified = |bytes: &[u8]| {
            let proof = EventProof::parse(std::str::from_utf8(bytes).ok()?).ok()?;
            proof.verify(&head, &known()).ok()
        };
        assert!(verified(text.as_bytes()).is_some());
        for end in 0..text.len() {
            assert_eq!(verified(&text.as_bytes()[..end]), None, "{end}");
        }
        for bit in 0..text.len() * 8 {
            let mut flipped = text.clone().into_bytes();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(verified(&flipped), None, "bit {bit}");
        }
    }

    #[test]
    fn lengths_are_bounded() {
        let (proof, head) = sample(7, 3, &vec![7; EXTRA_BYTES_MAX]);
        let read = EventProof::parse(&proof.to_string()).unwrap();
        assert!(read.verify(&head, &known()).is_ok());
        let longer = proof.to_string().replacen("extra ", "extra AAAA", 1);
        assert_eq!(EventProof::parse(&longer), Err(EventProofError::TooLong));
        let endless = "A".repeat(EVENT_PROOF_BYTES_MAX + 1);
        assert_eq!(EventProof::parse(&endless), Err(EventProofError::TooLong));
    }
}
