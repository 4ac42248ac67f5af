//! Owns where the secrets come from that issuers need themselves: a file of their own, or a secret of the store. Never the
//! file of issuers.

use std::path::{Path, PathBuf};

use latchkeep::issuers_file::SecretSource;
use latchkeep::{IssuerError, SecretBytes, SecretData, SecretType, Session, VersionRef};

use super::care;
use crate::args::SecretArg;
use crate::fields::Fields;
use crate::{find, input};

/// Bytes of such a file, at most.
const FILE_BYTES_MAX: usize = 64 * 1_024;

/// Where a secret is.
pub(super) enum Source {
    /// In a file; a line end behind it does not belong to it.
    File(PathBuf),
    /// In the current version of a secret, which is looked up each time; in a JSON object under some name.
    Secret(Session, SecretArg, &'static str),
}

impl Source {
    /// Takes what a description says of a secret, which in a JSON object has some name. Whether it is there is told when it
    /// is read.
    pub(super) fn of(described: &SecretSource, name: &'static str, session: &Session) -> Self {
        match described {
            SecretSource::File(path) => Self::File(path.clone()),
            SecretSource::Secret(named) => {
                Self::Secret(session.clone(), SecretArg { secret: named.clone(), secret_type: None }, name)
            }
        }
    }

    /// Reads it.
    pub(super) fn read(&self) -> Result<SecretBytes, IssuerError> {
        let read = match self {
            Self::File(path) => from_file(path)?,
            Self::Secret(session, named, name) => from_store(session, named, name)?,
        };
        if read.is_empty() { Err(IssuerError::refused("the secret that an issuer needs is empty")) } else { Ok(read) }
    }
}

fn from_file(path: &Path) -> Result<SecretBytes, IssuerError> {
    care::secret(path).map_err(|what| IssuerError::unavailable(&what))?;
    let read = input::read_file(path, FILE_BYTES_MAX);
    let read = read.map_err(|_| IssuerError::unavailable(&format!("{} cannot be read", path.display())))?;
    Ok(input::without_line_end(read))
}

fn from_store(session: &Session, named: &SecretArg, name: &str) -> Result<SecretBytes, IssuerError> {
    let found = find::secret(session.store(), named);
    let found = found.map_err(|failure| IssuerError::unavailable(failure.message()))?;
    if found.secret_type() == SecretType::IamCredentials {
        return Err(IssuerError::unavailable("an API key is none of what an issuer needs; name another secret"));
    }
    let reading = session.read(found.id, VersionRef::Current);
    let reading = reading.map_err(|error| IssuerError::unavailable(&format!("a secret that it needs: {error}")))?;
    let field = |json: &SecretBytes| {
        let value = Fields::of(json).and_then(|fields| fields.value(name));
        let value = value.map_err(|_| IssuerError::refused("the secret that it needs has no such field"));
        value.map(|value| SecretBytes::copy_from(&value))
    };
    match &reading.data {
        SecretData::Kv(data) => field(data.data()),
        SecretData::Issued(data) => field(data.credential()),
        SecretData::ImportedCert(data) => {
            let key = data.private_key().ok_or_else(|| IssuerError::refused("the certificate has no private key"))?;
            Ok(SecretBytes::copy_from(key.expose()))
        }
        SecretData::Arbitrary(data) => Ok(input::without_line_end(SecretBytes::copy_from(data.payload().expose()))),
        data => Ok(SecretBytes::copy_from(data.primary().expose())),
    }
}
