//! Owns the targets on rows: their keys, and the saved state and keys that lie under them.

use crate::codec::keys;
use crate::codec::meta::{decode_meta, encode_meta};
use crate::codec::past::{
    decode_past_mark, decode_past_secret, decode_past_whole, encode_past_mark, encode_past_secret, encode_past_whole,
};
use crate::codec::saved::{
    RowKey, decode_answer, decode_secret, decode_whole, encode_answer, encode_secret, encode_whole, with_its_tag,
};
use crate::codec::voucher::{decode_voucher, encode_voucher};
use crate::domain::id::{LogId, SecretId};
use crate::domain::position::Position;
use crate::ledger::Frontier;
use crate::seal::slots::Slots;
use crate::seal::wrapped_key::{WrappedDataKey, WrappedEpochKey, WrappedSigningSeed};

/// A row key that can be read is written as the same bytes, and is read as one kind only.
pub fn row_key(bytes: &[u8]) {
    let read = [
        keys::parse_log_commit(bytes).map(|key| keys::log_commit(key).to_vec()),
        keys::parse_sealed_data(bytes).map(|key| keys::sealed_data(key).to_vec()),
        keys::parse_data_key(bytes).map(|key| keys::data_key(key).to_vec()),
        keys::parse_saved_secret(bytes).map(|key| keys::saved_secret(key).to_vec()),
        keys::parse_past_secret(bytes).map(|(at, key)| keys::past_secret(at, key).to_vec()),
        keys::parse_past_mark(bytes).map(|key| keys::past_mark(key).to_vec()),
        keys::parse_saved_answer(bytes).map(|key| keys::saved_answer(key).to_vec()),
        keys::parse_epoch_key(bytes).map(|key| keys::epoch_key(key).to_vec()),
        keys::parse_signing_seed(bytes).map(|key| keys::signing_seed(key).to_vec()),
        keys::parse_key_slot(bytes).map(|key| keys::key_slot(key).to_vec()),
    ];
    let read: Vec<_> = read.into_iter().flatten().collect();
    assert!(read.len() <= 1 && read.iter().all(|written| written == bytes));
}

/// The key under which rows have their tags here: fixed, so that what is written in one run can be read in another.
const KEY: &RowKey = &[0x4b; 32];

/// A row behind the first byte, which says its kind, is written as the same bytes if it can be read. It is also given the
/// tag that it should have, so that the values behind it are reached.
pub fn saved_row(bytes: &[u8]) {
    let Some((kind, row)) = bytes.split_first() else { return };
    read_and_write(*kind, row);
    let row_key = match kind {
        0 => keys::saved_secret(ID).to_vec(),
        1 => keys::SAVED_WHOLE.to_vec(),
        2 => keys::saved_answer(POSITION).to_vec(),
        3 => keys::VOUCHER.to_vec(),
        9 => keys::past_secret(POSITION, ID).to_vec(),
        10 => keys::past_whole(POSITION).to_vec(),
        11 => keys::past_mark(POSITION).to_vec(),
        _ => return,
    };
    read_and_write(*kind, &with_its_tag(KEY, &row_key, row));
}

const ID: SecretId = SecretId::from_bytes([0x51; 16]);
const POSITION: Position = Position::new(9);

fn read_and_write(kind: u8, row: &[u8]) {
    let (id, position) = (ID, POSITION);
    let written = match kind {
        0 => decode_secret(KEY, id, row)
            .ok()
            .filter(|(secret, _)| secret.id == id)
            .map(|(secret, _)| encode_secret(KEY, &secret).unwrap().bytes),
        1 => decode_whole(KEY, row).ok().map(|(whole, _)| encode_whole(KEY, &whole).unwrap().bytes),
        2 => decode_answer(KEY, position, row)
            .ok()
            .map(|(answer, _)| encode_answer(KEY, position, &answer).unwrap().bytes),
        3 => decode_voucher(KEY, row).ok().map(|voucher| encode_voucher(KEY, &voucher).unwrap()),
        // One of the revision before is not written any more.
        4 if row.get(5) == Some(&1) => None,
        4 => decode_meta(row).ok().map(|meta| encode_meta(&meta)),
        5 => Frontier::decode(row).ok().map(|frontier| frontier.encode()),
        6 => WrappedDataKey::from_bytes(row).ok().map(|wrapped| wrapped.as_bytes().to_vec()),
        7 => WrappedEpochKey::from_bytes(row).ok().map(|wrapped| wrapped.as_bytes().to_vec()),
        8 => WrappedSigningSeed::from_bytes(row).ok().map(|wrapped| wrapped.as_bytes().to_vec()),
        9 => decode_past_secret(KEY, position, id, row)
            .ok()
            .map(|(secret, _)| encode_past_secret(KEY, position, id, secret.as_ref()).unwrap().bytes),
        10 => decode_past_whole(KEY, position, row)
            .ok()
            .map(|(whole, _)| encode_past_whole(KEY, position, &whole).unwrap().bytes),
        11 => decode_past_mark(KEY, position, row).ok().map(|mark| encode_past_mark(KEY, position, &mark).unwrap()),
        _ => {
            let slots = Slots::decode(LogId::from_bytes([7; 16]), [(0, row)]);
            assert_eq!(slots.iter().count(), 1);
            None
        }
    };
    assert!(written.is_none_or(|written| written == row));
}
