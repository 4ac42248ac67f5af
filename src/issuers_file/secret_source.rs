//! Owns where an issuer finds a secret that it needs itself: never in the file of issuers.

use std::path::PathBuf;

use super::error::IssuersFileError;
use super::fields::Fields;

/// Where a secret is that an issuer needs itself, as a description names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In a file of its own; `*_file` in a description.
    File(PathBuf),
    /// In a secret of the store, by NAME or TYPE/NAME; `*_secret` in a description.
    Secret(String),
}

impl SecretSource {
    /// Reads the two fields that may name it, of which one at most is given.
    pub(super) fn read(fields: &Fields<'_>, file: &str, secret: &str) -> Result<Option<Self>, IssuersFileError> {
        Ok(match (fields.path(file)?, fields.text(secret)?) {
            (Some(_), Some(_)) => {
                return Err(fields.wrong(secret, "does not go together with a file; name one of them"));
            }
            (Some(path), None) => Some(Self::File(path)),
            (None, Some(name)) => Some(Self::Secret(name)),
            (None, None) => None,
        })
    }
}
