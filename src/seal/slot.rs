//! Owns the key slot: the root key wrapped under the key of one way to open the store.
//!
//! A checksum, not a guess, distinguishes a damaged slot from a wrong key. Read next: [`super::slots`].
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
//! passphrase and salt, or the 32 bytes of key file or host, or 32 random bytes that the key service wrapped. The salt
//! also goes into the derivation of the cipher, so that two stores with the same key file do not reveal it.

use super::cipher::{Cipher, NONCE_BYTES, Nonce, OVERHEAD_BYTES};
use super::passphrase::{PassphraseCost, SALT_BYTES};
use super::sealing_key::{KEY_BYTES, KeyBytes, RootKey, SlotKey};
use crate::domain::id::LogId;
use crate::domain::settings::KeySlotKind;

/// Slots that a store has.
pub(crate) const SLOTS_MAX: u8 = 8;
/// Bytes that a key service may return for a slot; more than known services return.
pub(crate) const CALLBACK_BYTES_MAX: usize = 4_096;

const MAGIC: [u8; 4] = *b"LKS1";
const HEAD_BYTES: usize = 36;
const WRAPPED_BYTES: usize = OVERHEAD_BYTES + KEY_BYTES;
const CHECKSUM_BYTES: usize = 32;
const ROOT_CONTEXT: &str = "latchkeep 2026-11-23 seal v1 root key under slot key";
const CHECKSUM_CONTEXT: &str = "latchkeep 2026-11-23 seal v1 slot checksum";

/// The reason why stored bytes are not a usable slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// They are not what was stored.
    Damaged,
    /// They are whole, but of a kind that a later release brought.
    UnknownKind(u8),
}

/// A key slot. Contains nothing secret: the root key in it is wrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(super) head: Head,
    wrapped_root: [u8; WRAPPED_BYTES],
    pub(super) callback: Vec<u8>,
}

/// The fields of a slot before its wrapped key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: KeySlotKind,
    pub(super) number: u8,
    /// Only for a passphrase.
    pub(super) cost: Option<PassphraseCost>,
    pub(super) salt: [u8; SALT_BYTES],
}

impl Slot {
    /// Returns the kind of key that opens it.
    pub(crate) const fn kind(&self) -> KeySlotKind {
        self.head.kind
    }

    /// Wraps the root key. `callback` are the key service's bytes, empty for other kinds, bounded by the caller.
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

    /// Returns the root key if `slot_key` opens it.
    pub(super) fn unwrap(&self, store: LogId, slot_key: &SlotKey) -> Option<RootKey> {
        let cipher = Cipher::derive(ROOT_CONTEXT, slot_key.expose(), &self.head.salt);
        let bound_to = bound_to(&self.head, &self.callback, store);
        KeyBytes::filled(|root| cipher.open(&bound_to, &self.wrapped_root, root)).ok().map(RootKey::new)
    }

    /// Returns the bytes to store.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.head.encode(self.callback.len()).to_vec();
        bytes.extend_from_slice(&self.wrapped_root);
        bytes.extend_from_slice(&self.callback);
        bytes.extend_from_slice(&checksum(&bytes));
        bytes
    }

    /// Reads the stored bytes of slot `number`.
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

    /// Reads a head, and the length of the key service's bytes. Costs out of bounds are damage: none were ever stored.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::testing::{STORE, counting, hex, key, nonce, wrapped_key};

    fn slot(kind: KeySlotKind, number: u8, callback: &[u8]) -> Slot {
        let cost = (kind == KeySlotKind::Passphrase).then_some(PassphraseCost::FLOOR);
        let head = Head { kind, number, cost, salt: counting(0x60) };
        let keys = (&SlotKey::new(key()), &RootKey::new(wrapped_key()));
        Slot::wrap(head, callback.to_vec(), STORE, keys, &nonce()).unwrap()
    }

    /// Appends a correct checksum to changed bytes.
    fn resealed(bytes: &[u8]) -> Vec<u8> {
        let body = &bytes[..bytes.len() - CHECKSUM_BYTES];
        [body, &checksum(body)].concat()
    }

    #[test]
    fn slots_are_golden() {
        let golden = [
            (
                slot(KeySlotKind::KeyFile, 3, b""),
                concat!(
                    "4c4b533101030000000000000000000000000000606162636465666768696a6b6c6d6e6f404142434445464748494a4b",
                    "4c4d4e4f5051525354555657b34f5fc2ef49c8834752265183f0eefb3757f960c89d249fc4acb217ad21c53e0035ff8d",
                    "15a9a7d30f00012a30d0683c13bd45c382b73f0932a6fff4627323cd14c006e29fc84bb9b3a2784798b478f09c537374",
                    "9ba9c6fd5ddf8d20c1ad3b3ccaac0ef56533fc2c6c124c8d488ba985",
                ),
            ),
            (
                slot(KeySlotKind::Passphrase, 0, b""),
                concat!(
                    "4c4b53310200000000004c000000000200000001606162636465666768696a6b6c6d6e6f404142434445464748494a4b",
                    "4c4d4e4f5051525354555657b34f5fc2ef49c8834752265183f0eefb3757f960c89d249fc4acb217ad21c53e0035ff8d",
                    "15a9a7d30f00012a30d0683c13bd45c382b73f0932a6fff4627323cd4d044e241df0745737207e3dc770f8adc88bc96d",
                    "feca8332494111adf9f7da4fc8fef96cff76ac618fb977e1f070d936",
                ),
            ),
            (
                slot(KeySlotKind::HostCallback, 7, b"wrapped by host"),
                concat!(
                    "4c4b53310407000f000000000000000000000000606162636465666768696a6b6c6d6e6f404142434445464748494a4b",
                    "4c4d4e4f5051525354555657b34f5fc2ef49c8834752265183f0eefb3757f960c89d249fc4acb217ad21c53e0035ff8d",
                    "15a9a7d30f00012a30d0683c13bd45c382b73f0932a6fff4627323cd1e8f191c811c628da5c7280e1986113e77726170",
                    "70656420627920686f73746419b516461c84887e309d3512a7de648342b926aab4853b60d18a2b9ac245ac",
                ),
            ),
        ];
        for (slot, golden) in golden {
            assert_eq!(hex(&slot.encode()), golden);
            assert_eq!(Slot::decode(slot.head.number, &slot.encode()), Ok(slot.clone()));
            assert_eq!(slot.unwrap(STORE, &SlotKey::new(key())).unwrap().expose(), wrapped_key().expose());
        }
    }

    #[test]
    fn every_flipped_bit_cut_and_wrong_number_is_damage() {
        let bytes = slot(KeySlotKind::Passphrase, 0, b"").encode();
        for at in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[at / 8] ^= 1 << (at % 8);
            assert_eq!(Slot::decode(0, &bad), Err(Unusable::Damaged), "bit {at}");
        }
        for len in 0..bytes.len() {
            assert_eq!(Slot::decode(0, &bytes[..len]), Err(Unusable::Damaged), "length {len}");
        }
        // The same with a correct checksum: the lengths alone reveal it.
        for len in (0..bytes.len()).filter(|len| *len != bytes.len() - CHECKSUM_BYTES) {
            let cut = resealed(&[&bytes[..len], &[0; CHECKSUM_BYTES]].concat());
            assert_eq!(Slot::decode(0, &cut), Err(Unusable::Damaged), "length {len}");
        }
        assert_eq!(Slot::decode(1, &bytes), Err(Unusable::Damaged));
    }

    #[test]
    fn a_forged_slot_can_neither_ask_for_much_memory_nor_cheapen_guessing() {
        let bytes = slot(KeySlotKind::Passphrase, 0, b"").encode();
        for (at, word) in [(8, u32::MAX), (8, 1_024), (12, u32::MAX), (12, 0), (16, u32::MAX), (16, 0)] {
            let mut forged = bytes.clone();
            forged[at..at + 4].copy_from_slice(&word.to_be_bytes());
            assert_eq!(Slot::decode(0, &resealed(&forged)), Err(Unusable::Damaged), "{word} at {at}");
        }
        let mut cheaper = slot(KeySlotKind::Passphrase, 0, b"");
        cheaper.head.cost = Some(PassphraseCost::default());
        assert!(cheaper.unwrap(STORE, &SlotKey::new(key())).is_none());
    }

    #[test]
    fn a_kind_of_a_later_release_is_told_apart_from_damage() {
        let mut bytes = slot(KeySlotKind::KeyFile, 3, b"").encode();
        bytes[4] = 9;
        assert_eq!(Slot::decode(3, &resealed(&bytes)), Err(Unusable::UnknownKind(9)));
    }

    #[test]
    fn a_slot_opens_for_its_own_store_salt_number_and_key_service_bytes_only() {
        let whole = slot(KeySlotKind::HostCallback, 7, b"wrapped by host");
        let key = SlotKey::new(key());
        assert!(whole.unwrap(LogId::from_bytes([9; 16]), &key).is_none());
        let mut moved = [whole.clone(), whole.clone(), whole.clone()];
        moved[0].head.number = 6;
        moved[1].head.salt[0] ^= 1;
        moved[2].callback[0] ^= 1;
        assert!(moved.iter().all(|slot| slot.unwrap(STORE, &key).is_none()));
        assert!(whole.unwrap(STORE, &SlotKey::new(wrapped_key())).is_none());
    }

    #[test]
    fn bytes_of_a_key_service_stand_in_its_own_slots_only() {
        for (kind, callback) in [
            (KeySlotKind::HostCallback, &b""[..]),
            (KeySlotKind::KeyFile, b"x"),
            (KeySlotKind::HostCallback, &[7; 4_097]),
        ] {
            assert_eq!(Slot::decode(1, &slot(kind, 1, callback).encode()), Err(Unusable::Damaged), "{kind}");
        }
        assert!(Slot::decode(1, &slot(KeySlotKind::HostCallback, 1, &[7; 4_096]).encode()).is_ok());
    }
}
