//! Keys and envelopes: the conversion of secret data into bytes that may be on a disk, and back.
//!
//! This module never uses storage or the log, and no `Debug` or `Display` of its types shows secret bytes. There are
//! four layers of keys, each wrapping the next. A *slot key* (from a key file, a passphrase, the host's bytes or the
//! host's key service) wraps the *root key*. The root key wraps *epoch keys*. An epoch key wraps *data keys*. A data
//! key seals one version's data, once.
//!
//! This does not protect against an attacker who reads the memory of the running process, or has a slot key together
//! with the store. The length of sealed data reveals the length of its content. Removing a slot does not take the root
//! key back from a person who opened the store with it before.
//!
//! Read in this order: [`secret_bytes`], [`data`], [`cipher`] (the only construction), [`envelope`], [`keyring`],
//! [`slot`].

pub(crate) mod cipher;
pub(crate) mod data;
pub(crate) mod encoding;
pub(crate) mod envelope;
pub(crate) mod error;
pub(crate) mod key_epoch;
pub(crate) mod key_file;
pub(crate) mod keyring;
pub(crate) mod kv_text;
pub(crate) mod passphrase;
pub(crate) mod random;
pub(crate) mod root;
pub(crate) mod sealing_key;
pub(crate) mod secret_bytes;
pub(crate) mod slot;
pub(crate) mod slots;
pub(crate) mod stream;
pub(crate) mod unlock;
pub(crate) mod wrapped_key;

#[cfg(test)]
mod testing;

#[cfg(test)]
mod tests {
    use super::data::{IamIdentity, SecretData};
    use super::keyring::Keyring;
    use super::sealing_key::{DataKey, EpochKey, KeyBytes, RootKey, SigningSeed, SlotKey};
    use super::secret_bytes::SecretBytes;
    use super::testing::{SECRET, STORE, VERSION};
    use super::unlock::Unlock;
    use super::{cipher, envelope};
    use crate::domain::name::Username;

    const CANARY: [u8; 32] = *b"canary-canary-canary-canary-cana";

    fn canary() -> SecretBytes {
        SecretBytes::copy_from(&CANARY)
    }

    fn canary_key() -> KeyBytes {
        KeyBytes::copy_from(&CANARY).unwrap()
    }

    fn every_secret_holder() -> Vec<Box<dyn std::fmt::Debug>> {
        let root = RootKey::new(canary_key());
        let (keyring, _) = Keyring::create(STORE, &root).unwrap();
        let kv = SecretBytes::copy_from(b"{\"canary\":\"canary\"}");
        let data = [
            SecretData::arbitrary(canary()),
            SecretData::username_password(&Username::parse("canary").unwrap(), canary()),
            SecretData::kv(&kv),
            SecretData::iam_credentials(canary(), "canary", IamIdentity::Service("s".into())),
            SecretData::imported_cert(canary(), Some(canary()), Some(canary())),
        ];
        let data = data.map(Result::unwrap);
        let place = envelope::Place {
            store: STORE,
            secret: SECRET,
            version: VERSION,
            data_key: Keyring::new_data_key(VERSION).unwrap().0,
        };
        let mut all: Vec<Box<dyn std::fmt::Debug>> = vec![
            Box::new(canary()),
            Box::new(canary_key()),
            Box::new(SlotKey::new(canary_key())),
            Box::new(EpochKey::new(canary_key())),
            Box::new(SigningSeed::new(canary_key())),
            Box::new(cipher::Cipher::derive("context", &CANARY, b"")),
            Box::new(envelope::seal(&DataKey::new(canary_key()), &place, &canary()).unwrap()),
            Box::new(keyring.seal(SECRET, VERSION, &data[0]).unwrap()),
            Box::new(DataKey::new(canary_key())),
            Box::new(Unlock::passphrase(canary())),
            Box::new(Unlock::bytes(canary())),
            Box::new(keyring),
            Box::new(root),
        ];
        all.extend(data.map(|data| Box::new(data) as Box<dyn std::fmt::Debug>));
        all
    }

    #[test]
    fn nothing_that_holds_a_secret_shows_it() {
        let listed = |bytes: &[u8]| format!("{bytes:?}").trim_matches(['[', ']']).to_owned();
        for holder in every_secret_holder() {
            let shown = format!("{holder:?} {holder:#?}");
            assert!(!shown.contains("canary"), "{shown}");
            assert!(!shown.contains(&listed(&CANARY[..4])), "{shown}");
        }
    }
}
