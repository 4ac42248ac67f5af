//! Owns what a host uses to open a store: a key file, a passphrase, 32 bytes, or a key service of its own.
//!
//! It never says whether the key is right; the slots do. Read next: [`super::slots`].

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::secret_bytes::SecretBytes;

/// A key, or a key service, that opens a store.
#[derive(Clone)]
#[non_exhaustive]
pub enum Unlock {
    /// A key file, made by this crate, readable by its owner only.
    KeyFile(PathBuf),
    /// A passphrase, at least 8 characters when it is set. [`PassphraseCost`](crate::PassphraseCost) is the cost of
    /// trying one.
    Passphrase(Arc<SecretBytes>),
    /// 32 unpredictable bytes that the host keeps.
    Bytes(Arc<SecretBytes>),
    /// A key service of the host.
    Callback(Arc<dyn KeyCallback>),
}

/// A key service of the host. It wraps the key of a slot under a key that never leaves the service.
///
/// `context` names the store, or the backup, and the slot (17 bytes: store id or id of the backup, slot number). A
/// service that authenticates associated data should bind it. It is the same at wrapping and unwrapping, and is not
/// secret.
pub trait KeyCallback: Send + Sync {
    /// Wraps 32 secret bytes. The result, 1 to 4,096 bytes, is stored in the slot.
    ///
    /// # Errors
    ///
    /// [`CallbackError::Failed`] when the service does not give a proper answer.
    fn wrap(&self, slot_key: &SecretBytes, context: &[u8]) -> Result<Vec<u8>, CallbackError>;

    /// Unwraps the result of [`wrap`](Self::wrap).
    ///
    /// # Errors
    ///
    /// [`CallbackError::NotMine`] when another key wrapped it: the store then tries other slots.
    /// [`CallbackError::Failed`] ends the attempt.
    fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<SecretBytes, CallbackError>;
}

/// The reason why a key service failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallbackError {
    /// It was wrapped under a key that the service does not have.
    #[error("the bytes were wrapped under another key")]
    NotMine,
    /// The service failed; the host supplies the cause.
    #[error("{0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Unlock {
    /// Opens with a key file.
    #[must_use]
    pub fn key_file(path: impl Into<PathBuf>) -> Self {
        Self::KeyFile(path.into())
    }

    /// Opens with a passphrase.
    #[must_use]
    pub fn passphrase(passphrase: impl Into<SecretBytes>) -> Self {
        Self::Passphrase(Arc::new(passphrase.into()))
    }

    /// Opens with 32 bytes that the host keeps.
    #[must_use]
    pub fn bytes(bytes: impl Into<SecretBytes>) -> Self {
        Self::Bytes(Arc::new(bytes.into()))
    }

    /// Opens with a key service.
    #[must_use]
    pub fn callback(service: impl KeyCallback + 'static) -> Self {
        Self::Callback(Arc::new(service))
    }
}

impl fmt::Debug for Unlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyFile(path) => f.debug_tuple("KeyFile").field(path).finish(),
            Self::Passphrase(_) => f.write_str("Passphrase(..)"),
            Self::Bytes(_) => f.write_str("Bytes(..)"),
            Self::Callback(_) => f.write_str("Callback(..)"),
        }
    }
}
