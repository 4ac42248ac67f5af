//! Owns what a certificate authority must keep: which certificates it gave out for which rotation, and which it
//! revoked.
//!
//! Read next: [`super::register_file`].

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::id::{LogId, RotationId};
use crate::domain::invalid::Invalid;
use crate::domain::time::Timestamp;
use crate::issuer::outcome::IssuerError;

/// Bytes of a serial number: the most that RFC 5280 allows.
pub(super) const SERIAL_BYTES: usize = 20;

/// The serial number of a certificate: 20 random bytes, except that the upper two bits are 01: positive, and never
/// shorter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertificateSerial([u8; SERIAL_BYTES]);

impl CertificateSerial {
    /// Makes a serial number from random bytes.
    pub(super) const fn from_random(mut bytes: [u8; SERIAL_BYTES]) -> Self {
        let [first, ..] = &mut bytes;
        *first = (*first & 0x3f) | 0x40;
        Self(bytes)
    }

    /// Takes the bytes of an existing serial number.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let serial = Self(bytes.try_into().ok()?);
        (Self::from_random(serial.0) == serial).then_some(serial)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; SERIAL_BYTES] {
        &self.0
    }

    /// Reads the form in which certificates are shown: 20 bytes in lower-case hexadecimal, separated by colons.
    ///
    /// # Errors
    ///
    /// [`Invalid`] when the text is not a serial number of this kind.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let read = || {
            let mut bytes = [0; SERIAL_BYTES];
            let mut parts = text.split(':');
            for byte in &mut bytes {
                *byte =
                    parts.next().filter(|part| part.len() == 2).and_then(|part| u8::from_str_radix(part, 16).ok())?;
            }
            let serial = Self(bytes);
            (parts.next().is_none() && serial.to_string() == text && serial == Self::from_random(bytes))
                .then_some(serial)
        };
        read().ok_or_else(|| Invalid::new("serial number", "is none that this certificate authority gives"))
    }
}

impl fmt::Display for CertificateSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02x}", if at > 0 { ":" } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for CertificateSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for CertificateSerial {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CertificateSerial {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A note in the register of a certificate authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum CertificateNote {
    /// The key that this register belongs to; the first authority that opens it sets it.
    Authority {
        /// The SHA-256 of its public key (the whole `SubjectPublicKeyInfo`), in lower-case hexadecimal.
        key: String,
    },
    /// A revocation list is about to be signed.
    Listed {
        /// Its number; the next one has a higher one.
        number: u64,
    },
    /// A certificate is about to be given out.
    Issued {
        /// Its serial number.
        serial: CertificateSerial,
        /// The store.
        store: LogId,
        /// The rotation.
        rotation: RotationId,
        /// When it ends by itself.
        not_after: Timestamp,
    },
    /// A certificate was revoked.
    Revoked {
        /// Its serial number.
        serial: CertificateSerial,
        /// The time of the revocation.
        at: Timestamp,
    },
}

/// Keeps the notes of a certificate authority; [`FileRegister`](super::register_file::FileRegister) is one.
///
/// One authority has one register, and one register is used by one authority at a time.
pub trait CertificateRegister: Send {
    /// Returns all notes, in the order in which they were added.
    ///
    /// # Errors
    ///
    /// [`IssuerError`] when it cannot be read whole.
    fn load(&mut self) -> Result<Vec<CertificateNote>, IssuerError>;

    /// Adds a note, and makes it durable before it returns.
    ///
    /// # Errors
    ///
    /// [`IssuerError`] when it may not be durable.
    fn add(&mut self, note: &CertificateNote) -> Result<(), IssuerError>;
}

/// What is known about one certificate.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// The store and the rotation; `None` when only the revocation is known.
    pub(super) made_for: Option<(LogId, RotationId)>,
    pub(super) not_after: Timestamp,
    pub(super) revoked: Option<Timestamp>,
}

/// The content of the register.
#[derive(Debug, Default)]
pub(super) struct Book {
    certificates: BTreeMap<CertificateSerial, Known>,
    key: Option<String>,
    last_list: u64,
}

impl Book {
    pub(super) fn apply(&mut self, note: &CertificateNote) {
        match note {
            // The first note counts.
            CertificateNote::Authority { key } => drop(self.key.get_or_insert_with(|| key.clone())),
            CertificateNote::Listed { number } => self.last_list = self.last_list.max(*number),
            CertificateNote::Issued { serial, store, rotation, not_after } => {
                let made_for = Some((*store, *rotation));
                self.certificates.insert(*serial, Known { made_for, not_after: *not_after, revoked: None });
            }
            CertificateNote::Revoked { serial, at } => {
                // An unknown certificate stays on the list for good, since its end is unknown.
                let unknown = Known { made_for: None, not_after: Timestamp::MAX, revoked: None };
                self.certificates.entry(*serial).or_insert(unknown).revoked.get_or_insert(*at);
            }
        }
    }

    /// Returns the key of the authority that this register belongs to.
    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Returns the number of the last revocation list.
    pub(super) const fn last_list(&self) -> u64 {
        self.last_list
    }

    /// Returns whether a certificate was entered, or revoked.
    pub(super) fn knows(&self, serial: CertificateSerial) -> bool {
        self.certificates.contains_key(&serial)
    }

    pub(super) fn is_revoked(&self, serial: CertificateSerial) -> bool {
        self.certificates.get(&serial).is_some_and(|known| known.revoked.is_some())
    }

    /// Returns the certificates of a store that are not revoked.
    pub(super) fn living(&self, store: LogId) -> impl Iterator<Item = (RotationId, CertificateSerial)> {
        self.certificates.iter().filter(|(_, known)| known.revoked.is_none()).filter_map(move |(serial, known)| {
            let (made_for, rotation) = known.made_for?;
            (made_for == store).then_some((rotation, *serial))
        })
    }

    /// Returns what was revoked and had not ended by itself by `time`.
    pub(super) fn revoked(&self, time: Timestamp) -> impl Iterator<Item = (CertificateSerial, Timestamp)> {
        let mattering = self.certificates.iter().filter(move |(_, known)| known.not_after >= time);
        mattering.filter_map(|(serial, known)| Some((*serial, known.revoked?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_are_positive_whole_and_come_back() {
        for bytes in [[0; SERIAL_BYTES], [255; SERIAL_BYTES], [0x80; SERIAL_BYTES]] {
            let serial = CertificateSerial::from_random(bytes);
            assert_eq!(serial.as_bytes()[0] >> 6, 1);
            assert_eq!(CertificateSerial::parse(&serial.to_string()).unwrap(), serial);
        }
        let good = CertificateSerial::from_random([0xab; SERIAL_BYTES]).to_string();
        for text in [
            "",
            "00",
            &good.to_uppercase(),
            &good[3..],
            &format!("{good}:00"),
            &good.replace(':', ""),
            &"00:".repeat(20),
        ] {
            assert!(CertificateSerial::parse(text).is_err(), "{text}");
        }
    }
}
