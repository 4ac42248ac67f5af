//! Owns the target on sealed data: nothing opens that was not sealed, and what was sealed opens under its own key, in its own
//! place, and nowhere else.

use crate::domain::id::{DataKeyId, LogId, SecretId, VersionId};
use crate::seal::data::SecretData;
use crate::seal::envelope::{Place, seal, unseal};
use crate::seal::sealing_key::{DataKey, KeyBytes};
use crate::seal::secret_bytes::SecretBytes;

use super::mutate;

const PLACE: [u8; 64] = [3; 64];
const KEY: [u8; 32] = [5; 32];

/// The place whose four ids these bytes are.
fn place(bytes: &[u8; 64]) -> Place {
    let id = |nth: usize| <[u8; 16]>::try_from(&bytes[nth * 16..nth * 16 + 16]).unwrap();
    Place {
        store: LogId::from_bytes(id(0)),
        secret: SecretId::from_bytes(id(1)),
        version: VersionId::from_bytes(id(2)),
        data_key: DataKeyId::from_bytes(id(3)),
    }
}

pub fn sealed_data(bytes: &[u8]) {
    let key = |bytes: &[u8; 32]| DataKey::new(KeyBytes::copy_from(bytes).unwrap());
    let (own, here) = (key(&KEY), place(&PLACE));
    assert!(unseal(&own, &here, bytes).is_err(), "these bytes were not sealed");
    let sealed = seal(&own, &here, &SecretBytes::copy_from(b"not for anybody")).unwrap().bytes;
    let changed = mutate(&sealed, bytes);
    assert_eq!(unseal(&own, &here, &changed).is_ok(), changed == sealed);
    if let [at, bits, ..] = *bytes {
        let mut elsewhere = PLACE;
        elsewhere[usize::from(at) % 64] ^= bits;
        assert_eq!(unseal(&own, &place(&elsewhere), &sealed).is_ok(), bits == 0, "another place");
        let mut other = KEY;
        other[usize::from(at) % 32] ^= bits;
        assert_eq!(unseal(&key(&other), &here, &sealed).is_ok(), bits == 0, "another key");
    }
    encoded(&SecretBytes::copy_from(bytes));
}

/// Secret data that can be read is written as the same bytes.
fn encoded(bytes: &SecretBytes) {
    if let Ok(data) = SecretData::decode(bytes) {
        assert!(data.encode().expose() == bytes.expose());
    }
}
