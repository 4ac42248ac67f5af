//! Keys and envelopes: what turns secret data into bytes that may lie on a disk, and back.
//!
//! It never touches storage or the log, and nothing it hands out formats secret bytes. Four layers of keys, each wrapping
//! the next: a *slot key* (from a key file, a passphrase, the host's bytes or the host's key service) wraps the *root
//! key*; the root key wraps *epoch keys*; an epoch key wraps *data keys*; a data key seals one version's data, once.
//!
//! What this does not protect against: whoever reads the memory of the running process, or holds a slot key together with
//! the store, reads everything; the length of sealed data tells the length of what it holds; a slot that was removed
//! does not take the root key back from whoever opened it before.
//!
//! Read in this order: [`secret_bytes`], [`data`], [`cipher`] (the one construction), [`envelope`], [`keyring`], [`slot`].
#![allow(dead_code, reason = "the engine, which uses it, is built on top of this layer")]

pub(crate) mod cipher;
pub(crate) mod data;
pub(crate) mod encoding;
pub(crate) mod envelope;
pub(crate) mod error;
pub(crate) mod key_epoch;
pub(crate) mod key_file;
pub(crate) mod keyring;
mod kv_text;
pub(crate) mod passphrase;
pub(crate) mod random;
mod root;
pub(crate) mod sealing_key;
pub(crate) mod secret_bytes;
pub(crate) mod slot;
pub(crate) mod slots;
pub(crate) mod unlock;
pub(crate) mod wrapped_key;
