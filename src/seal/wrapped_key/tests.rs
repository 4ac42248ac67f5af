//! Golden bytes of wrapped keys, and bytes that do not open.

use super::*;
use crate::seal::testing::{DATA_KEY, STORE, hex, key, nonce, wrapped_key};

const CONTEXTS: [(Kind, &str); 3] = [
    (Kind::Data, "latchkeep 2026-11-23 seal v1 data key under epoch key"),
    (Kind::Epoch, "latchkeep 2026-11-23 seal v1 epoch key under root key"),
    (Kind::Signing, "latchkeep 2026-11-23 seal v1 signing seed under root key"),
];

fn place(kind: Kind) -> Place {
    Place { store: STORE, data_key: if kind == Kind::Data { DATA_KEY } else { NO_DATA_KEY } }
}

fn wrapped(kind: Kind, context: &'static str) -> (Cipher, Wrapped) {
    let under = Cipher::derive(context, key().expose(), b"");
    let wrapped = Wrapped::wrap(&under, kind, 7, place(kind), wrapped_key().expose(), &nonce()).unwrap();
    (under, wrapped)
}

#[test]
fn wrapped_keys_are_golden() {
    let golden = [
        concat!(
            "010100000007404142434445464748494a4b4c4d4e4f5051525354555657c45e5ea7352b91959137594f685583541e9c",
            "10434c31908be388b80b9104ee8d1098b355497593b5dcf916c40227f24d24dde594c30857622f7e3f075910cfd0e01d",
            "fe411484c82870b86f7f642512dc",
        ),
        concat!(
            "020200000007404142434445464748494a4b4c4d4e4f505152535455565737db9b3ad399af0a896e082bafcac2964bcb",
            "366e01c81e3ec8c9be69392acbffbde6682b5c005ca8e39cef6448e1df0452c0234b67a591ba85508667cd968f2496f9",
            "220d0509225d1e6b8fdec8f4e0ce",
        ),
        concat!(
            "010300000007404142434445464748494a4b4c4d4e4f50515253545556573b91be57adf0bc5e36cd2ae7437610ffd575",
            "6df6f9008a9c96190258db211bcef30d9c37fb1f976e1308ea64e43231f0226abd528633dbd28f145ee19c53e4c25a13",
            "3dfd60a22e2528ba30a3776bab69",
        ),
    ];
    for ((kind, context), golden) in CONTEXTS.into_iter().zip(golden) {
        let (under, wrapped) = wrapped(kind, context);
        assert_eq!(hex(&wrapped.0), golden, "{kind:?}");
        assert_eq!(wrapped.unwrap(&under, kind, place(kind)).unwrap().expose(), wrapped_key().expose());
        assert_eq!(wrapped.number(), 7);
    }
}

/// An epoch key of the earlier format stays readable, and does not prove that the store has a voucher.
#[test]
fn an_epoch_key_of_the_format_before_opens_and_tells_its_age() {
    let old = OLD_EPOCH_KEY.as_bytes().chunks(2);
    let old: Vec<u8> = old.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect();
    let under = Cipher::derive(CONTEXTS[1].1, key().expose(), b"");
    let wrapped = WrappedEpochKey::from_bytes(&old).unwrap();
    assert_eq!(wrapped.unwrap(&under, STORE).unwrap().expose(), wrapped_key().expose());
    assert!(!wrapped.shows_vouching());
    let mut newer = old.clone();
    newer[0] = VOUCHING_FORMAT;
    let newer = WrappedEpochKey::from_bytes(&newer).unwrap();
    assert!(newer.unwrap(&under, STORE).is_err(), "the format is bound to the key");
    let other = WrappedEpochKey::wrap(&under, KeyEpoch::new(7), STORE, &EpochKey::random().unwrap()).unwrap();
    assert!(other.shows_vouching());
    assert!(WrappedDataKey::from_bytes(&[&[2, 1], &old[2..]].concat()).is_err(), "other kinds have one format");
}

const OLD_EPOCH_KEY: &str = concat!(
    "010200000007404142434445464748494a4b4c4d4e4f505152535455565737db9b3ad399af0a896e082bafcac2964bcb",
    "366e01c81e3ec8c9be69392acbffbde6682b5c005ca8e39cef6448e1df0452c0234b67a591ba85508667cd968f247229",
    "0979e087798cf3c7f703703311d6",
);

#[test]
fn stored_bytes_come_back_the_same() {
    let [data, epoch, signing] = CONTEXTS.map(|(kind, context)| wrapped(kind, context).1.0);
    assert_eq!(WrappedDataKey::from_bytes(&data).unwrap().as_bytes(), &data);
    assert_eq!(WrappedEpochKey::from_bytes(&epoch).unwrap().as_bytes(), &epoch);
    assert_eq!(WrappedSigningSeed::from_bytes(&signing).unwrap().as_bytes(), &signing);
}

#[test]
fn a_wrapped_key_opens_for_its_own_store_id_and_number_only() {
    let (under, wrapped) = wrapped(Kind::Data, CONTEXTS[0].1);
    for elsewhere in [
        Place { store: LogId::from_bytes([9; 16]), data_key: DATA_KEY },
        Place { store: STORE, data_key: DataKeyId::from_bytes([9; 16]) },
    ] {
        let opened = wrapped.unwrap(&under, Kind::Data, elsewhere);
        assert!(matches!(opened, Err(SealError::WrappedDamaged("data key"))));
    }
    for at in 0..WRAPPED_BYTES {
        let mut bad = wrapped.0;
        bad[at] ^= 1;
        let opened =
            Wrapped::from_bytes(&bad, Kind::Data).and_then(|bad| bad.unwrap(&under, Kind::Data, place(Kind::Data)));
        assert!(matches!(opened, Err(SealError::WrappedDamaged(_) | SealError::WrappedByOther(_))), "byte {at}");
    }
}

#[test]
fn another_wrapping_key_is_told_apart_from_damage() {
    let (_, wrapped) = wrapped(Kind::Data, CONTEXTS[0].1);
    let other = Cipher::derive(CONTEXTS[0].1, wrapped_key().expose(), b"");
    let opened = wrapped.unwrap(&other, Kind::Data, place(Kind::Data));
    assert!(matches!(opened, Err(SealError::WrappedByOther("data key"))));
}

#[test]
fn length_format_and_kind_are_checked_before_anything_is_opened() {
    let (_, wrapped) = wrapped(Kind::Epoch, CONTEXTS[1].1);
    assert!(WrappedDataKey::from_bytes(&wrapped.0).is_err());
    assert!(WrappedEpochKey::from_bytes(&wrapped.0[1..]).is_err());
    assert!(WrappedEpochKey::from_bytes(&[]).is_err());
    assert!(WrappedEpochKey::from_bytes(&[0; WRAPPED_BYTES + 1]).is_err());
}
