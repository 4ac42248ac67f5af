//! Owns the keys of witnesses and their cosignatures of checkpoints (C2SP tlog-cosignature, Ed25519, type 4).
//!
//! A witness says that it saw the log grow and never shrink or fork, up to this checkpoint, at some time. This module
//! makes no cosignature: logs do not witness themselves. Read next: [`super::witness_policy`], which says how many are
//! enough.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};

use crate::domain::invalid::Invalid;
use crate::domain::time::Timestamp;

use super::note::{Note, NoteError};
use super::signer::{KeyId, hex, is_signer_name, key_id};

/// A key that checks the cosignatures of one witness: a name, and an Ed25519 public key.
///
/// Its text form is that of a C2SP verifier key of type 4. The key of a log, which is of type 1, is not a witness key.
///
/// ```
/// use latchkeep::ledger::WitnessKey;
///
/// let text = "witness.example/w1+efcd800c+BGa+fjMsekUzMr2dCn99sFX1xe8aBq2mbZizn7aBDEc6";
/// let key = WitnessKey::parse(text)?;
/// assert_eq!((key.name(), key.to_string().as_str()), ("witness.example/w1", text));
/// assert!(WitnessKey::parse(&text.replace("efcd800c", "efcd800d")).is_err());
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct WitnessKey {
    name: String,
    key_id: KeyId,
    public_key: VerifyingKey,
}

impl WitnessKey {
    /// Reads the text form: name, key id in 8 lower-case hexadecimal digits, and base64 of a four byte and the public
    /// key, joined by plus signs.
    ///
    /// # Errors
    ///
    /// [`Invalid`] when the text has another form, another signature type, the key id of another key, or no valid
    /// public key.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(given_id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Invalid::new(FIELD, "has not three parts, joined by plus signs"));
        };
        let mut typed = [0; 33];
        let public_key = match (STANDARD.decode_slice(encoded, &mut typed), &typed) {
            (Ok(33), [COSIGNATURE, public_key @ ..]) => VerifyingKey::from_bytes(public_key).ok(),
            _ => None,
        };
        let public_key = public_key.filter(|key| !key.is_weak());
        let public_key = public_key.ok_or_else(|| Invalid::new(FIELD, "holds no Ed25519 key of a witness (type 4)"))?;
        if !is_signer_name(name) {
            return Err(Invalid::new(FIELD, "has a name that no signer may have"));
        }
        let key_id = key_id(name, COSIGNATURE, public_key.as_bytes());
        if hex(key_id) != given_id {
            return Err(Invalid::new(FIELD, "has the key id of another key"));
        }
        Ok(Self { name: name.to_owned(), key_id, public_key })
    }

    /// Returns the name of the witness.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the key id, which a signature line names.
    #[must_use]
    pub const fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// Returns the 32 bytes of the public key (RFC 8032, section 5.1.5).
    #[must_use]
    pub fn public_key(&self) -> &[u8; 32] {
        self.public_key.as_bytes()
    }

    /// Finds the cosignature of this witness on a note and verifies it; `None` when the witness did not cosign.
    ///
    /// If the same key cosigned several times, all must be valid, and the latest time is returned.
    ///
    /// # Errors
    ///
    /// [`NoteError::Signature`] when a signature line names this key and is wrong.
    pub fn verify(&self, note: &Note<'_>) -> Result<Option<Cosignature>, NoteError> {
        let mut latest: Option<Cosignature> = None;
        for line in note.signatures().filter(|line| line.name() == self.name && line.key_id() == self.key_id) {
            let found = self.verify_one(note.text(), line.bytes()).ok_or(NoteError::Signature)?;
            if latest.is_none_or(|latest| latest.time_secs < found.time_secs) {
                latest = Some(found);
            }
        }
        Ok(latest)
    }

    /// Checks one signature strictly: the time, in 8 bytes, and the signature over it and the text.
    fn verify_one(&self, text: &str, bytes: &[u8]) -> Option<Cosignature> {
        let (time, signature) = bytes.split_first_chunk::<8>()?;
        let time_secs = u64::from_be_bytes(*time);
        // The format allows no greater time.
        i64::try_from(time_secs).ok()?;
        let signature = Signature::from_slice(signature).ok()?;
        let message = format!("cosignature/v1\ntime {time_secs}\n{text}");
        self.public_key.verify_strict(message.as_bytes(), &signature).ok()?;
        Some(Cosignature { time_secs })
    }
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let typed: Vec<u8> = [COSIGNATURE].into_iter().chain(*self.public_key.as_bytes()).collect();
        write!(f, "{}+{}+{}", self.name, hex(self.key_id), STANDARD.encode(typed))
    }
}

impl fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WitnessKey({self})")
    }
}

impl FromStr for WitnessKey {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::parse(text)
    }
}

/// A valid cosignature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cosignature {
    /// When the witness claims to have seen the checkpoint: seconds since 1970 UTC, by the clock of the witness.
    pub time_secs: u64,
}

impl Cosignature {
    /// Returns the time as a [`Timestamp`]; a time after the greatest one becomes the greatest.
    #[must_use]
    pub fn time(self) -> Timestamp {
        Timestamp::from_nanos(self.time_secs.saturating_mul(1_000_000_000))
    }
}

const FIELD: &str = "witness key";

/// The signature type of an Ed25519 cosignature.
pub(super) const COSIGNATURE: u8 = 4;

#[cfg(test)]
mod tests {
    //! Checked against `tests/golden/cosigned-1.json`, which the Python program beside it made.

    use serde_json::Value;

    use super::*;
    use crate::ledger::{NoteSignature, SignedCheckpoint, VerifierKey};

    fn golden() -> Value {
        serde_json::from_str(include_str!("../../tests/golden/cosigned-1.json")).unwrap()
    }

    fn witness(golden: &Value, number: usize) -> WitnessKey {
        WitnessKey::parse(golden["witness_vkeys"][number - 1].as_str().unwrap()).unwrap()
    }

    fn verified(golden: &Value, note: &str, number: usize) -> Result<Option<u64>, NoteError> {
        let note = Note::parse(golden[note].as_str().unwrap()).unwrap();
        witness(golden, number).verify(&note).map(|found| found.map(|found| found.time_secs))
    }

    #[test]
    fn cosignatures_of_another_implementation_verify_with_their_time() {
        let golden = golden();
        let time = |number: usize| golden["times"][number - 1].as_u64();
        for (note, cosigned) in [("plain", &[][..]), ("cosigned_by_1_and_2", &[1, 2]), ("with_extensions", &[3])] {
            for number in 1..=3 {
                let expected = if cosigned.contains(&number) { time(number) } else { None };
                assert_eq!(verified(&golden, note, number), Ok(expected), "{note}, witness {number}");
            }
        }
        assert_eq!(verified(&golden, "cosigned_twice", 1), Ok(time(1).map(|time| time + 60)));
        assert_eq!(Cosignature { time_secs: 1_700_000_001 }.time().to_string(), "2023-11-14T22:13:21Z");
        assert_eq!(Cosignature { time_secs: i64::MAX as u64 }.time(), Timestamp::MAX);
    }

    #[test]
    fn a_cosignature_over_anything_else_is_wrong() {
        let golden = golden();
        for note in ["time_changed", "time_too_large", "other_root_cosigned"] {
            assert_eq!(verified(&golden, note, 1), Err(NoteError::Signature), "{note}");
        }
        // The same key as a key of a log, of type 1, has another key id. It is then no cosignature, and not a wrong
        // one.
        assert_eq!(verified(&golden, "signed_without_time", 1), Ok(None));
        let note = golden["cosigned_by_1_and_2"].as_str().unwrap();
        let line = note.lines().find(|line| line.contains("witness.example/w1")).unwrap();
        let at = note.find(line).unwrap() + line.len() - 3;
        for bit in 0..5 {
            let mut changed = note.as_bytes().to_vec();
            changed[at] ^= 1 << bit;
            let changed = String::from_utf8(changed).unwrap();
            // Some changes break the base64: then there is no note.
            if let Ok(note) = Note::parse(&changed) {
                assert_eq!(witness(&golden, 1).verify(&note), Err(NoteError::Signature), "bit {bit}");
                assert!(witness(&golden, 2).verify(&note).is_ok());
            }
        }
    }

    #[test]
    fn a_checkpoint_with_extension_lines_is_read_and_they_are_kept() {
        let golden = golden();
        let key = VerifierKey::parse(golden["log_vkey"].as_str().unwrap()).unwrap();
        let open = |note: &str| SignedCheckpoint::open(golden[note].as_str().unwrap(), std::slice::from_ref(&key));
        let extended = open("with_extensions").unwrap();
        let lines: Vec<_> = extended.extension_lines().collect();
        assert_eq!(lines, ["extension 1", "\u{2014} looks like a signature AAAA"]);
        let plain = open("plain").unwrap();
        assert_eq!((plain.extension_lines().count(), plain.checkpoint()), (0, extended.checkpoint()));
        assert_eq!(plain.checkpoint().tree_head.root.to_base64(), golden["root"].as_str().unwrap());
        assert!(open("with_empty_extension").is_err());
        let listed = open("cosigned_by_1_and_2").unwrap();
        let note = Note::parse(listed.note()).unwrap();
        let names: Vec<_> = note.signatures().map(NoteSignature::name).collect();
        let last = ["witness.example/w1", "witness.example/w2", "witness.example/later"];
        assert_eq!((names[0], &names[1..]), (key.name(), &last[..]));
    }

    #[test]
    fn every_changed_character_of_a_witness_key_is_refused() {
        let golden = golden();
        let text = golden["witness_vkeys"][0].as_str().unwrap();
        assert_eq!(WitnessKey::parse(text).unwrap().to_string(), text);
        for at in 0..text.len() {
            assert!(WitnessKey::parse(&text[..at]).is_err());
            for byte in (0x20..0x7f).filter(|byte| *byte != text.as_bytes()[at]) {
                let mut changed = text.to_owned().into_bytes();
                changed[at] = byte;
                assert!(WitnessKey::parse(std::str::from_utf8(&changed).unwrap()).is_err(), "{changed:?}");
            }
        }
        for other in ["log_vkey", "unknown_vkey"] {
            assert!(WitnessKey::parse(golden[other].as_str().unwrap()).is_err(), "{other}");
        }
        assert!(VerifierKey::parse(text).is_err());
    }
}
