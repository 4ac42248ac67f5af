//! Owns reading secret data: the rows named by the published snapshot, unsealed in the caller's thread.
//!
//! If a row that the snapshot names does not exist, it was destroyed meanwhile. Then the caller waits for the writer
//! once and looks again. Read next: [`super::snapshot`].

use crate::codec::keys;
use crate::domain::id::{DataKeyId, SecretId, VersionId};
use crate::domain::version::SealedRef;
use crate::error::Error;
use crate::seal::data::SecretData;
use crate::seal::envelope;
use crate::seal::wrapped_key::WrappedDataKey;
use crate::storage::Storage;
use crate::storage::chunks::read_chunked;

use super::Shared;

impl Shared {
    /// Reads and unseals the data of a version; `None` when its rows do not exist any more.
    ///
    /// # Errors
    ///
    /// Kind `Corrupt` when the rows are damaged, moved, or not those that the log names.
    pub(crate) fn read_data(
        &self,
        secret: SecretId,
        version: VersionId,
        sealed: &SealedRef,
    ) -> Result<Option<SecretData>, Error> {
        let Some(bytes) = sealed_bytes(&*self.storage, sealed)? else { return Ok(None) };
        let Some(wrapped) = wrapped_key(&*self.storage, sealed.data_key)? else { return Ok(None) };
        let data = self.keyring().unseal(secret, version, (sealed.data_key, &wrapped), &bytes)?;
        Ok(Some(data))
    }
}

/// Reads the sealed data of a version and compares it with the digest in the log.
pub(crate) fn sealed_bytes(storage: &dyn Storage, sealed: &SealedRef) -> Result<Option<Vec<u8>>, Error> {
    let Some(bytes) = read_chunked(storage, &keys::sealed_data(sealed.data_key))? else { return Ok(None) };
    if envelope::digest(&bytes) != sealed.digest {
        return Err(Error::corrupt("sealed data is not what the log speaks of; restore the store from a backup"));
    }
    Ok(Some(bytes))
}

/// Reads a wrapped data key.
pub(crate) fn wrapped_key(storage: &dyn Storage, data_key: DataKeyId) -> Result<Option<WrappedDataKey>, Error> {
    let row = storage.get(&keys::data_key(data_key))?;
    Ok(row.map(|row| WrappedDataKey::from_bytes(&row)).transpose()?)
}
