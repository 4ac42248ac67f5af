//! Owns the identifiers: 16 bytes each, a type each, so that one can never stand in for another.
//!
//! It never makes one up: randomness has its home in `engine`. Text form is the UUID's, bytes are the 16 bytes as they
//! are: for serde one little-endian number of 16 bytes, which is the same in one step. Read next: [`super::secret`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::invalid::Invalid;

macro_rules! identifier {
    ($(#[$meta:meta])* $name:ident, $what:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Wraps 16 bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// Gives the 16 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// Reads the text form, a UUID (RFC 9562) with or without dashes.
            ///
            /// # Errors
            ///
            /// [`Invalid`] when the text is no UUID.
            pub fn parse(text: &str) -> Result<Self, Invalid> {
                // Not in braces, nor as a URN.
                match uuid::Uuid::try_parse(text) {
                    Ok(uuid) if matches!(text.len(), 32 | 36) => Ok(Self(uuid.into_bytes())),
                    _ => Err(Invalid::new($what, "is not a UUID")),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                uuid::Uuid::from_bytes(self.0).as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                Self::parse(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serializer.serialize_u128(u128::from_le_bytes(self.0))
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                    Self::parse(&text).map_err(serde::de::Error::custom)
                } else {
                    u128::deserialize(deserializer).map(|number| Self(number.to_le_bytes()))
                }
            }
        }
    };
}

identifier!(
    /// Names a secret for ever; never given out twice.
    SecretId, "secret id"
);
identifier!(
    /// Names one version of one secret for ever.
    VersionId, "version id"
);
identifier!(
    /// Names a group of secrets. [`GroupId::DEFAULT`] is always there.
    GroupId, "group id"
);
identifier!(
    /// Names one event.
    EventId, "event id"
);
identifier!(
    /// Names a log, and with it the store that keeps the log; drawn at random when the store is made.
    LogId, "log id"
);
identifier!(
    /// Names one start of one machine; its system draws it.
    BootId, "boot id"
);
identifier!(
    /// Names one rotation; the token by which an issuer knows a call again.
    RotationId, "rotation id"
);
identifier!(
    /// Names the key that seals the data of one version; a new one for each sealing.
    DataKeyId, "data key id"
);

identifier!(
    /// Names a task: the rotation whose credential is to be made, or the version whose credential is to be ended.
    TaskId, "task id"
);

impl From<RotationId> for TaskId {
    /// The task of making the credential of a rotation.
    fn from(rotation: RotationId) -> Self {
        Self(rotation.0)
    }
}

impl From<VersionId> for TaskId {
    /// The task of ending the credential of a version.
    fn from(version: VersionId) -> Self {
        Self(version.0)
    }
}

impl GroupId {
    /// The group that every store has; its 16 bytes are zero.
    pub const DEFAULT: Self = Self([0; 16]);

    /// The name of that group, which no other group takes.
    pub const DEFAULT_NAME: &'static str = "default";
}

impl LogId {
    /// Gives the text form used in logs and checkpoints: 32 hexadecimal digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        uuid::Uuid::from_bytes(self.0).as_simple().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_agree() {
        let id = SecretId::from_bytes(*b"0123456789abcdef");
        assert_eq!(SecretId::parse(&id.to_string()).unwrap(), id);
        assert_eq!(id.to_string(), "30313233-3435-3637-3839-616263646566");
        assert_eq!(SecretId::parse("30313233343536373839616263646566").unwrap(), id);
        for wrong in
            ["30313233-3435", "{30313233-3435-3637-3839-616263646566}", "urn:uuid:30313233-3435-3637-3839-616263646566"]
        {
            assert!(SecretId::parse(wrong).is_err());
        }
    }
}
