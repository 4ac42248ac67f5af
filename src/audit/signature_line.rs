//! Owns the list of the signatures under a checkpoint: who is said to have made each, and whether that was verified.
//!
//! Read next: [`super::cosignatures`], which judges those of witnesses.

use std::fmt;

use serde::Serialize;
use serde::ser::{SerializeStruct as _, Serializer};

use crate::domain::time::Timestamp;
use crate::ledger::{KeyId, NoteSignature, VerifierKey, WitnessKey};

/// A signature line under the checkpoint of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignatureLine {
    /// The name that the line gives its signer: printable ASCII, everything else escaped, at most 64 characters of it.
    pub name: String,
    /// The key id that the line gives.
    pub key_id: KeyId,
    /// Who made it.
    pub by: SignedBy,
}

/// Who made a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignedBy {
    /// A key of the log, of those that were given or that the log sets: verified.
    Log,
    /// A witness whose key was given: verified.
    Witness {
        /// When the witness says that it saw the checkpoint.
        at: Timestamp,
    },
    /// A key that was not given, or a signature type that this release does not know: not verified.
    Unknown,
}

impl SignatureLine {
    pub(super) fn of(line: &NoteSignature<'_>, log: &[VerifierKey], witnesses: &[(WitnessKey, Timestamp)]) -> Self {
        let (name, key_id) = (line.name(), line.key_id());
        let witness = witnesses.iter().find(|(key, _)| key.name() == name && key.key_id() == key_id);
        let by = match witness {
            Some((_, at)) => SignedBy::Witness { at: *at },
            None if log.iter().any(|key| key.name() == name && key.key_id() == key_id) => SignedBy::Log,
            None => SignedBy::Unknown,
        };
        Self { name: name.chars().take(NAME_CHARS_MAX).flat_map(char::escape_default).collect(), key_id, by }
    }
}

impl fmt::Display for SignatureLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:08x}: ", self.name, u32::from_be_bytes(self.key_id))?;
        match self.by {
            SignedBy::Log => f.write_str("the log"),
            SignedBy::Witness { at } => write!(f, "a witness, at {at}"),
            SignedBy::Unknown => f.write_str("not verified, since its key was not given"),
        }
    }
}

impl Serialize for SignatureLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (by, at) = match self.by {
            SignedBy::Log => ("log", None),
            SignedBy::Witness { at } => ("witness", Some(at)),
            SignedBy::Unknown => ("unknown", None),
        };
        let mut fields = serializer.serialize_struct("SignatureLine", 4)?;
        fields.serialize_field("name", &self.name)?;
        fields.serialize_field("key_id", &format!("{:08x}", u32::from_be_bytes(self.key_id)))?;
        fields.serialize_field("by", by)?;
        fields.serialize_field("at", &at)?;
        fields.end()
    }
}

/// Characters of a name that are shown.
const NAME_CHARS_MAX: usize = 64;
