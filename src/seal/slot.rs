//! Owns the key slot: the root key wrapped under the key of one way to open the store.
//!
//! It never tells a damaged slot from a wrong key by guessing: a checksum tells. Read next: [`super::slots`].
//!
//! A slot, byte by byte, numbers big-endian:
//!
//! | Offset | Size | Field |
//! |---|---|---|
//! | 0 | 4 | magic `LKS1` |
//! | 4 | 1 | kind: 1 = key file, 2 = passphrase, 3 = bytes of the host, 4 = key service of the host |
//! | 5 | 1 | number of the slot, 0 to 7 |
//! | 6 | 2 | length n of what the key service gave; 0 for other kinds, at most 4,096 |
//! | 8 | 4 | Argon2id memory, KiB; 0 for other kinds than passphrase, as the next two |
//! | 12 | 4 | Argon2id passes |
//! | 16 | 4 | Argon2id lanes |
//! | 20 | 16 | salt, random |
//! | 36 | 104 | the root key under the slot key: nonce 24, commitment 32, ciphertext 32, tag 16 ([`super::cipher`]) |
//! | 140 | n | what the key service gave |
//! | 140 + n | 32 | checksum: BLAKE3 (`derive_key`, context below) of all bytes before it |
//!
//! Associated data: bytes 0 to 35, the store id (16), the n bytes of the key service. The slot key is Argon2id of
//! passphrase and salt; or the 32 bytes of key file or host; or 32 random bytes that the key service wrapped. The salt
//! also goes into the derivation of the cipher, so that one key file used for two stores does not show it.

use super::cipher::{Cipher, NONCE_BYTES, Nonce, OVERHEAD_BYTES};
use super::passphrase::{PassphraseCost, SALT_BYTES};
use super::sealing_key::{KEY_BYTES, KeyBytes, RootKey, SlotKey};
use crate::domain::id::LogId;
use crate::domain::settings::KeySlotKind;

/// Slots that a store has.
pub(crate) const SLOTS_MAX: u8 = 8;
/// Bytes that a key service may give for a slot: what known services give, with room.
pub(crate) const CALLBACK_BYTES_MAX: usize = 4_096;

const MAGIC: [u8; 4] = *b"LKS1";
const HEAD_BYTES: usize = 36;
const WRAPPED_BYTES: usize = OVERHEAD_BYTES + KEY_BYTES;
const CHECKSUM_BYTES: usize = 32;
const ROOT_CONTEXT: &str = "latchkeep 2026-11-23 seal v1 root key under slot key";
const CHECKSUM_CONTEXT: &str = "latchkeep 2026-11-23 seal v1 slot checksum";

/// Why stored bytes are no slot that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// They are not what was stored.
    Damaged,
    /// They are whole, of a kind that a later release brought.
    UnknownKind(u8),
}

/// A key slot. Holds nothing secret: the root key in it is wrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(super) head: Head,
    wrapped_root: [u8; WRAPPED_BYTES],
    pub(super) callback: Vec<u8>,
}

/// What a slot says before its wrapped key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: KeySlotKind,
    pub(super) number: u8,
    /// Stands for a passphrase only.
    pub(super) cost: Option<PassphraseCost>,
    pub(super) salt: [u8; SALT_BYTES],
}

impl Slot {
    /// Tells what opens it.
    pub(crate) const fn kind(&self) -> KeySlotKind {
        self.head.kind
    }

    /// Wraps the root key. `callback` is what the key service gave, empty for other kinds, bounded by the caller.
    pub(super) fn wrap(
        head: Head,
        callback: Vec<u8>,
        store: LogId,
        (slot_key, root): (&SlotKey, &RootKey),
        nonce: &Nonce,
    ) -> Option<Self> {
        let bound_to = bound_to(&head, &callback, store);
        let mut wrapped = Vec::with_capacity(WRAPPED_BYTES);
        Cipher::derive(ROOT_CONTEXT, slot_key.expose(), &head.salt).seal(
            nonce,
            &bound_to,
            root.expose(),
            &mut wrapped,
        )?;
        Some(Self { head, wrapped_root: wrapped.try_into().ok()?, callback })
    }

    /// Gives the root key if `slot_key` is the right one.
    pub(super) fn unwrap(&self, store: LogId, slot_key: &SlotKey) -> Option<RootKey> {
        let cipher = Cipher::derive(ROOT_CONTEXT, slot_key.expose(), &self.head.salt);
        let bound_to = bound_to(&self.head, &self.callback, store);
        KeyBytes::filled(|root| cipher.open(&bound_to, &self.wrapped_root, root)).ok().map(RootKey::new)
    }

    /// Gives the bytes to store.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.head.encode(self.callback.len()).to_vec();
        bytes.extend_from_slice(&self.wrapped_root);
        bytes.extend_from_slice(&self.callback);
        bytes.extend_from_slice(&checksum(&bytes));
        bytes
    }

    /// Reads stored bytes of slot `number`.
    pub(crate) fn decode(number: u8, bytes: &[u8]) -> Result<Self, Unusable> {
        let (before, stored) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(Unusable::Damaged)?;
        let (head, rest) = before.split_first_chunk::<HEAD_BYTES>().ok_or(Unusable::Damaged)?;
        if *stored != checksum(before) {
            return Err(Unusable::Damaged);
        }
        let (head, callback_len) = Head::decode(head)?;
        let (wrapped_root, callback) = rest.split_first_chunk::<WRAPPED_BYTES>().ok_or(Unusable::Damaged)?;
        let lengths_fit = callback.len() == callback_len
            && callback_len <= CALLBACK_BYTES_MAX
            && (callback_len > 0) == (head.kind == KeySlotKind::HostCallback);
        if head.number == number && lengths_fit {
            Ok(Self { head, wrapped_root: *wrapped_root, callback: callback.to_vec() })
        } else {
            Err(Unusable::Damaged)
        }
    }
}

impl Head {
    fn encode(&self, callback_len: usize) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        let callback_len = u16::try_from(callback_len).unwrap_or(u16::MAX);
        let [memory, passes, lanes] = self.cost.map_or([0; 3], |cost| [cost.memory_kib(), cost.passes(), cost.lanes()]);
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4] = self.kind.code();
        bytes[5] = self.number;
        bytes[6..8].copy_from_slice(&callback_len.to_be_bytes());
        bytes[8..12].copy_from_slice(&memory.to_be_bytes());
        bytes[12..16].copy_from_slice(&passes.to_be_bytes());
        bytes[16..20].copy_from_slice(&lanes.to_be_bytes());
        bytes[20..].copy_from_slice(&self.salt);
        bytes
    }

    /// Reads a head, and the length of what the key service gave. Costs out of bounds are damage: none were ever stored.
    fn decode(bytes: &[u8; HEAD_BYTES]) -> Result<(Self, usize), Unusable> {
        let ([magic, rest @ ..], salt) = bytes
            .split_last_chunk::<SALT_BYTES>()
            .and_then(|(words, salt)| Some((<[[u8; 4]; 5]>::try_from(words.as_chunks::<4>().0).ok()?, salt)))
            .ok_or(Unusable::Damaged)?;
        let [[kind, number, len @ ..], memory, passes, lanes] = rest;
        if magic != MAGIC {
            return Err(Unusable::Damaged);
        }
        let kind = KeySlotKind::from_code(kind).ok_or(Unusable::UnknownKind(kind))?;
        let costs = [memory, passes, lanes].map(u32::from_be_bytes);
        let cost = match (kind, costs) {
            (KeySlotKind::Passphrase, [memory, passes, lanes]) => {
                Some(PassphraseCost::new(memory, passes, lanes).map_err(|_| Unusable::Damaged)?)
            }
            (_, [0, 0, 0]) => None,
            _ => return Err(Unusable::Damaged),
        };
        Ok((Self { kind, number, cost, salt: *salt }, usize::from(u16::from_be_bytes(len))))
    }
}

fn bound_to(head: &Head, callback: &[u8], store: LogId) -> Vec<u8> {
    [&head.encode(callback.len()), store.as_bytes().as_slice(), callback].concat()
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    blake3::derive_key(CHECKSUM_CONTEXT, bytes)
}

const _: () = assert!(NONCE_BYTES + 32 + 32 + 16 == WRAPPED_BYTES, "the table above says so");
