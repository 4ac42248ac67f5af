//! Owns the row keys, with a function for each. Numbers are big-endian, so that rows have the order of their numbers.
//!
//! | Row | Row key |
//! |---|---|
//! | commit of the log | `l`, position of its first record (8 bytes) |
//! | sealed data | `d`, data key id (16) |
//! | wrapped data key | `k`, data key id (16) |
//! | saved secret | `s`, secret id (16) |
//! | saved settings and groups | `w` |
//! | saved answer | `a`, position of its last record (8) |
//! | wrapped epoch key | `e`, epoch (4) |
//! | key slot | `z`, slot (1) |
//! | description of the store | `m` |
//! | voucher for what is derived from the log | `v` |
//! | mark of the saved state, frontier of the tree, of stores without a voucher | `c`, `t` |
//! | complete subtree | `n`, level (1), index (8) |
//! | wrapped signing seed | `g`, number (4) |
//! | secret of a past state | `h`, position (8), secret id (16) |
//! | settings and groups of a past state | `p`, position (8) |
//! | mark of a past state | `y`, position (8) |
//!
//! A long value takes several rows: `storage` appends a chunk number of 4 bytes to the row key, and removes it again
//! before this module sees the row key. No row key is a prefix of another one of the same kind, so a chunk number is
//! never taken for a part of it.

use crate::domain::id::{DataKeyId, SecretId};
use crate::domain::position::Position;

/// First byte of the row keys of log commits.
pub(crate) const LOG: u8 = b'l';
/// First byte of the row keys of sealed data.
pub(crate) const SEALED_DATA: u8 = b'd';
/// First byte of the row keys of wrapped data keys.
pub(crate) const DATA_KEY: u8 = b'k';
/// First byte of the row keys of saved secrets.
pub(crate) const SAVED_SECRET: u8 = b's';
/// First byte of the row keys of saved answers.
pub(crate) const SAVED_ANSWER: u8 = b'a';
/// First byte of the row keys of wrapped epoch keys.
pub(crate) const EPOCH_KEY: u8 = b'e';
/// First byte of the row keys of key slots.
pub(crate) const KEY_SLOT: u8 = b'z';

/// The row of the saved settings and groups.
pub(crate) const SAVED_WHOLE: [u8; 1] = *b"w";
/// The row of the description of the store.
pub(crate) const STORE_META: [u8; 1] = *b"m";
/// The row of the voucher.
pub(crate) const VOUCHER: [u8; 1] = *b"v";
/// The row of the mark of the saved state, in a store without a voucher.
pub(crate) const OLD_SAVED_MARK: [u8; 1] = *b"c";
/// The row of the frontier of the tree, in a store without a voucher.
pub(crate) const OLD_FRONTIER: [u8; 1] = *b"t";
/// First byte of the row keys of complete subtrees.
pub(crate) const TREE_NODE: u8 = b'n';
/// First byte of the row keys of wrapped signing seeds.
pub(crate) const SIGNING_SEED: u8 = b'g';

/// First byte of the row keys of secrets of past states.
pub(crate) const PAST_SECRET: u8 = b'h';
/// First byte of the row keys of settings and groups of past states.
pub(crate) const PAST_WHOLE: u8 = b'p';
/// First byte of the row keys of marks of past states.
pub(crate) const PAST_MARK: u8 = b'y';

/// Returns the row of the commit whose first record has this position.
pub(crate) fn log_commit(first: Position) -> [u8; 9] {
    join(LOG, first.get().to_be_bytes())
}

/// Reads a row key of [`log_commit`].
pub(crate) fn parse_log_commit(row_key: &[u8]) -> Option<Position> {
    split(LOG, row_key).map(|bytes| Position::new(u64::from_be_bytes(bytes)))
}

/// Returns the row of sealed data.
pub(crate) fn sealed_data(data_key: DataKeyId) -> [u8; 17] {
    join(SEALED_DATA, *data_key.as_bytes())
}

/// Reads a row key of [`sealed_data`].
pub(crate) fn parse_sealed_data(row_key: &[u8]) -> Option<DataKeyId> {
    split(SEALED_DATA, row_key).map(DataKeyId::from_bytes)
}

/// Returns the row of a wrapped data key.
pub(crate) fn data_key(data_key: DataKeyId) -> [u8; 17] {
    join(DATA_KEY, *data_key.as_bytes())
}

/// Reads a row key of [`data_key`].
pub(crate) fn parse_data_key(row_key: &[u8]) -> Option<DataKeyId> {
    split(DATA_KEY, row_key).map(DataKeyId::from_bytes)
}

/// Returns the row of a saved secret.
pub(crate) fn saved_secret(secret: SecretId) -> [u8; 17] {
    join(SAVED_SECRET, *secret.as_bytes())
}

/// Reads a row key of [`saved_secret`].
pub(crate) fn parse_saved_secret(row_key: &[u8]) -> Option<SecretId> {
    split(SAVED_SECRET, row_key).map(SecretId::from_bytes)
}

/// Returns the row of the answer whose last record has this position.
pub(crate) fn saved_answer(position: Position) -> [u8; 9] {
    join(SAVED_ANSWER, position.get().to_be_bytes())
}

/// Reads a row key of [`saved_answer`].
pub(crate) fn parse_saved_answer(row_key: &[u8]) -> Option<Position> {
    split(SAVED_ANSWER, row_key).map(|bytes| Position::new(u64::from_be_bytes(bytes)))
}

/// Returns the row of a wrapped epoch key.
pub(crate) fn epoch_key(epoch: u32) -> [u8; 5] {
    join(EPOCH_KEY, epoch.to_be_bytes())
}

/// Reads a row key of [`epoch_key`].
pub(crate) fn parse_epoch_key(row_key: &[u8]) -> Option<u32> {
    split(EPOCH_KEY, row_key).map(u32::from_be_bytes)
}

/// Returns the row of a key slot.
pub(crate) fn key_slot(slot: u8) -> [u8; 2] {
    join(KEY_SLOT, [slot])
}

/// Reads a row key of [`key_slot`].
pub(crate) fn parse_key_slot(row_key: &[u8]) -> Option<u8> {
    split(KEY_SLOT, row_key).map(u8::from_be_bytes)
}

/// Returns the row of a complete subtree.
pub(crate) fn tree_node(level: u8, index: u64) -> [u8; 10] {
    let mut place = [level; 9];
    for (to, from) in place.iter_mut().skip(1).zip(index.to_be_bytes()) {
        *to = from;
    }
    join(TREE_NODE, place)
}

/// Returns the row of a secret as it was at a position.
pub(crate) fn past_secret(at: Position, secret: SecretId) -> [u8; 25] {
    let mut place = [0; 24];
    for (to, from) in place.iter_mut().zip(at.get().to_be_bytes().iter().chain(secret.as_bytes())) {
        *to = *from;
    }
    join(PAST_SECRET, place)
}

/// Returns the common prefix of the row keys of all secrets of a past state.
pub(crate) fn past_secrets(at: Position) -> [u8; 9] {
    join(PAST_SECRET, at.get().to_be_bytes())
}

/// Reads a row key of [`past_secret`].
pub(crate) fn parse_past_secret(row_key: &[u8]) -> Option<(Position, SecretId)> {
    let place = split::<24>(PAST_SECRET, row_key)?;
    let (at, secret) = place.split_first_chunk::<8>()?;
    Some((Position::new(u64::from_be_bytes(*at)), SecretId::from_bytes(secret.try_into().ok()?)))
}

/// Returns the row of the settings and groups of a past state at a position.
pub(crate) fn past_whole(at: Position) -> [u8; 9] {
    join(PAST_WHOLE, at.get().to_be_bytes())
}

/// Returns the row of the mark of the past state at a position.
pub(crate) fn past_mark(at: Position) -> [u8; 9] {
    join(PAST_MARK, at.get().to_be_bytes())
}

/// Reads a row key of [`past_mark`].
pub(crate) fn parse_past_mark(row_key: &[u8]) -> Option<Position> {
    split(PAST_MARK, row_key).map(|bytes| Position::new(u64::from_be_bytes(bytes)))
}

/// Returns the row of a wrapped signing seed.
pub(crate) fn signing_seed(number: u32) -> [u8; 5] {
    join(SIGNING_SEED, number.to_be_bytes())
}

/// Reads a row key of [`signing_seed`].
pub(crate) fn parse_signing_seed(row_key: &[u8]) -> Option<u32> {
    split(SIGNING_SEED, row_key).map(u32::from_be_bytes)
}

fn join<const N: usize, const M: usize>(kind: u8, id: [u8; N]) -> [u8; M] {
    let mut row_key = [kind; M];
    for (to, from) in row_key.iter_mut().skip(1).zip(id) {
        *to = from;
    }
    row_key
}

fn split<const N: usize>(kind: u8, row_key: &[u8]) -> Option<[u8; N]> {
    let (first, id) = row_key.split_first()?;
    if *first == kind { id.try_into().ok() } else { None }
}
