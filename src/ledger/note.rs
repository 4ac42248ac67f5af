//! Owns signed notes (C2SP signed-note): a text, an empty line, and signature lines.
//!
//! Do not use the text of a note before a signature of a known key is verified. Read next: [`super::checkpoint`].

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::signer::{KeyId, NoteSigner, VerifierKey, is_signer_name};

/// Bytes of a note, at most: a short text and 16 signatures of the longest kind in use.
pub const NOTE_BYTES_MAX: usize = 128 * 1_024;

/// Signature lines of a note, at most: as many as the format requires every verifier to accept.
pub const NOTE_SIGNATURES_MAX: usize = 16;

/// A note in its parts: well formed, its signatures not checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note<'a> {
    text: &'a str,
    signatures: Vec<NoteSignature<'a>>,
}

/// One signature line of a note, as it claims, not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature<'a> {
    name: &'a str,
    key_id: KeyId,
    bytes: Vec<u8>,
}

impl<'a> Note<'a> {
    /// Parses a note.
    ///
    /// # Errors
    ///
    /// [`NoteError`] when it is longer than [`NOTE_BYTES_MAX`], has a control character other than line feeds, has no
    /// signature line or more than [`NOTE_SIGNATURES_MAX`], or one is malformed.
    pub fn parse(note: &'a str) -> Result<Self, NoteError> {
        check_characters(note)?;
        let (before, lines) = note.rsplit_once("\n\n").ok_or(NoteError::NoSignatures)?;
        let text = note.get(..=before.len()).ok_or(NoteError::NoSignatures)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::NoSignatures)?;
        if lines.split('\n').nth(NOTE_SIGNATURES_MAX).is_some() {
            return Err(NoteError::TooManySignatures);
        }
        let signatures = lines.split('\n').map(NoteSignature::parse).collect::<Option<_>>();
        Ok(Self { text, signatures: signatures.ok_or(NoteError::SignatureLine)? })
    }

    /// Signs a text, which ends with a line feed, and returns the whole note. Signature lines have the order of the
    /// signers.
    ///
    /// # Errors
    ///
    /// [`NoteError`] when the text, or the number of signers, cannot make a note.
    pub fn sign(text: &str, signers: &[&NoteSigner]) -> Result<String, NoteError> {
        if !text.ends_with('\n') {
            return Err(NoteError::LineFeed);
        }
        let lines = signers.iter().map(|signer| {
            let key = signer.verifier_key();
            let bytes: Vec<u8> = key.key_id().into_iter().chain(signer.sign(text)).collect();
            format!("{DASH}{} {}\n", key.name(), STANDARD.encode(bytes))
        });
        let note = format!("{text}\n{}", lines.collect::<String>());
        Note::parse(&note)?;
        Ok(note)
    }

    /// Verifies every signature of a known key, skips the others, and returns the keys that have signed.
    ///
    /// A key is known when it has both the name and the key id of a signature line.
    ///
    /// # Errors
    ///
    /// [`NoteError::Signature`] when a signature of a known key is wrong, whatever the others are;
    /// [`NoteError::NoKnownSigner`] when no known key has signed.
    pub fn verify<'k>(&self, known: &'k [VerifierKey]) -> Result<Vec<&'k VerifierKey>, NoteError> {
        let mut signers = Vec::new();
        for signature in &self.signatures {
            for key in known.iter().filter(|key| key.is_named(signature.name, signature.key_id)) {
                if !key.verify(self.text, &signature.bytes) {
                    return Err(NoteError::Signature);
                }
                if !signers.contains(&key) {
                    signers.push(key);
                }
            }
        }
        if signers.is_empty() { Err(NoteError::NoKnownSigner) } else { Ok(signers) }
    }

    /// Iterates over all signature lines, in their order.
    pub fn signatures(&self) -> impl Iterator<Item = &NoteSignature<'a>> {
        self.signatures.iter()
    }

    /// Returns the signed text, with its last line feed. Do not use it before [`Note::verify`].
    #[must_use]
    pub const fn text(&self) -> &'a str {
        self.text
    }
}

impl<'a> NoteSignature<'a> {
    /// Returns the name of the signer that the line claims: any characters except white space, control characters and
    /// plus.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// Returns the key id that the line claims.
    #[must_use]
    pub const fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// Returns the bytes after the key id, whose meaning the type of the key defines; there is at least one.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn parse(line: &'a str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(DASH)?.split_once(' ')?;
        let decoded = STANDARD.decode(encoded).ok()?;
        let (key_id, bytes) = decoded.split_first_chunk()?;
        (is_signer_name(name) && !bytes.is_empty()).then(|| Self { name, key_id: *key_id, bytes: bytes.to_vec() })
    }
}

/// Checks that a text is within the bound of a note, and has no control characters except line feeds.
fn check_characters(note: &str) -> Result<(), NoteError> {
    if note.len() > NOTE_BYTES_MAX {
        Err(NoteError::TooLong)
    } else if note.bytes().any(|byte| byte < b' ' && byte != b'\n') {
        Err(NoteError::ControlCharacter)
    } else {
        Ok(())
    }
}

/// The em dash and the space at the start of a signature line.
const DASH: &str = "\u{2014} ";

/// The reason why a text is not a note, or no known key has signed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoteError {
    /// The note is longer than [`NOTE_BYTES_MAX`].
    TooLong,
    /// The note has a control character other than line feeds.
    ControlCharacter,
    /// The text does not end with a line feed.
    LineFeed,
    /// The note has no signature lines after an empty line, or its last line is truncated.
    NoSignatures,
    /// The note has more than [`NOTE_SIGNATURES_MAX`] signature lines.
    TooManySignatures,
    /// A signature line is malformed.
    SignatureLine,
    /// No known key has signed.
    NoKnownSigner,
    /// A signature in the name of a known key is wrong.
    Signature,
}

impl fmt::Display for NoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "note is longer than 128 KiB",
            Self::ControlCharacter => "note has a control character",
            Self::LineFeed => "text of the note does not end with a line feed",
            Self::NoSignatures => "note has no signature lines",
            Self::TooManySignatures => "note has more than 16 signature lines",
            Self::SignatureLine => "signature line of the note is malformed",
            Self::NoKnownSigner => "note is not signed by a known key",
            Self::Signature => "signature of the note is wrong",
        })
    }
}

impl std::error::Error for NoteError {}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "first line\n\n\u{2014} not a signature\n";

    fn signer(number: u8) -> NoteSigner {
        NoteSigner::new(&format!("example.com/{number}"), &[number; 32]).unwrap()
    }

    #[track_caller]
    fn check(note: &str, known: &[u8], expected: Result<usize, NoteError>) {
        let known: Vec<_> = known.iter().map(|number| signer(*number).verifier_key().clone()).collect();
        let found = Note::parse(note).and_then(|note| note.verify(&known).map(|signers| signers.len()));
        assert_eq!(found, expected);
    }

    #[test]
    fn known_signers_are_told_and_unknown_ones_passed_over() {
        let note = Note::sign(TEXT, &[&signer(1), &signer(2), &signer(2)]).unwrap();
        assert_eq!(Note::parse(&note).unwrap().text(), TEXT);
        check(&note, &[1], Ok(1));
        check(&note, &[2, 1, 3, 2], Ok(2));
        check(&note, &[3], Err(NoteError::NoKnownSigner));
        check(&note, &[], Err(NoteError::NoKnownSigner));
        let stranger = format!("{note}\u{2014} example.com/other {}\n", STANDARD.encode([9; 5]));
        check(&stranger, &[1], Ok(1));
        let same_name = format!("{note}\u{2014} example.com/1 {}\n", STANDARD.encode([9; 68]));
        check(&same_name, &[1], Ok(1));
    }

    #[test]
    fn a_wrong_signature_of_a_known_key_is_not_made_good_by_others() {
        let good = Note::sign(TEXT, &[&signer(1), &signer(2)]).unwrap();
        let forged = [&signer(2).verifier_key().key_id()[..], &[0; 64]].concat();
        let note = Note::sign(TEXT, &[&signer(1)]).unwrap();
        let note = format!("{note}\u{2014} example.com/2 {}\n", STANDARD.encode(forged));
        check(&note, &[1, 2], Err(NoteError::Signature));
        check(&note, &[1], Ok(1));
        check(&good.replacen("first", "First", 1), &[1, 2], Err(NoteError::Signature));
    }

    #[test]
    fn sixteen_signatures_are_taken_and_no_more() {
        let signers: Vec<_> = (1..=17).map(signer).collect();
        let signers: Vec<_> = signers.iter().collect();
        check(&Note::sign(TEXT, &signers[..16]).unwrap(), &[16], Ok(1));
        assert_eq!(Note::sign(TEXT, &signers), Err(NoteError::TooManySignatures));
        assert_eq!(Note::sign(TEXT, &[]), Err(NoteError::NoSignatures));
        assert_eq!(Note::sign("no line feed", &signers[..1]), Err(NoteError::LineFeed));
        assert_eq!(Note::sign("bell\u{7}\n", &signers[..1]), Err(NoteError::ControlCharacter));
        assert_eq!(Note::sign(&"\n".repeat(NOTE_BYTES_MAX), &signers[..1]), Err(NoteError::TooLong));
    }

    #[test]
    fn malformed_notes_are_refused() {
        let line = |rest: &str| format!("text\n\n\u{2014} {rest}\n");
        for (note, error) in [
            (String::new(), NoteError::NoSignatures),
            ("text\n".into(), NoteError::NoSignatures),
            ("text\n\n".into(), NoteError::NoSignatures),
            ("text\n\n\n".into(), NoteError::NoSignatures),
            ("text\n\n- name AAAAAAA=\n".into(), NoteError::SignatureLine),
            (line("name"), NoteError::SignatureLine),
            (line("name "), NoteError::SignatureLine),
            (line("name AAAAAA=="), NoteError::SignatureLine),
            (line("name AAAAAAB="), NoteError::SignatureLine),
            (line("name AAAAAAA"), NoteError::SignatureLine),
            (line("name AAAAAAA= "), NoteError::SignatureLine),
            (line("na+me AAAAAAA="), NoteError::SignatureLine),
            (line(" AAAAAAA="), NoteError::SignatureLine),
            (line("name AAAAAAA=").replace("text\n", "text\r\n"), NoteError::ControlCharacter),
        ] {
            assert_eq!(Note::parse(&note), Err(error), "{note:?}");
        }
        assert!(Note::parse(&line("name AAAAAAA=")).is_ok());
    }

    #[test]
    fn no_changed_note_is_verified() {
        let note = Note::sign(TEXT, &[&signer(1)]).unwrap();
        let known = [signer(1).verifier_key().clone()];
        let verified = |bytes: &[u8]| {
            let note = std::str::from_utf8(bytes).ok()?;
            Note::parse(note).ok()?.verify(&known).ok().map(|_| ())
        };
        assert_eq!(verified(note.as_bytes()), Some(()));
        for end in 0..note.len() {
            assert_eq!(verified(&note.as_bytes()[..end]), None, "{end}");
        }
        for bit in 0..note.len() * 8 {
            let mut flipped = note.clone().into_bytes();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(verified(&flipped), None, "bit {bit}");
        }
    }
}
