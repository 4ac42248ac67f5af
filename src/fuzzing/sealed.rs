//! Owns the target on sealed data: nothing that was changed, or made without the key, opens.

use crate::domain::id::{DataKeyId, LogId, SecretId, VersionId};
use crate::seal::data::SecretData;
use crate::seal::envelope::{Place, seal, unseal};
use crate::seal::sealing_key::{DataKey, KeyBytes};
use crate::seal::secret_bytes::SecretBytes;

use super::mutate;

const PLACE: Place = Place {
    store: LogId::from_bytes([1; 16]),
    secret: SecretId::from_bytes([2; 16]),
    version: VersionId::from_bytes([3; 16]),
    data_key: DataKeyId::from_bytes([4; 16]),
};

pub fn sealed_data(bytes: &[u8]) {
    let key = DataKey::new(KeyBytes::copy_from(&[5; 32]).unwrap());
    assert!(unseal(&key, &PLACE, bytes).is_err(), "these bytes were not sealed");
    let sealed = seal(&key, &PLACE, &SecretBytes::copy_from(b"not for anybody")).unwrap().bytes;
    let changed = mutate(&sealed, bytes);
    assert_eq!(unseal(&key, &PLACE, &changed).is_ok(), changed == sealed);
    encoded(&SecretBytes::copy_from(bytes));
}

/// Secret data that can be read is written as the same bytes.
fn encoded(bytes: &SecretBytes) {
    if let Ok(data) = SecretData::decode(bytes) {
        assert!(data.encode().expose() == bytes.expose());
    }
}
