//! Saved state, its mark, the description of the store, row keys: what decodes, and what is discarded.

use super::rotations::{credential, rotation};
use super::sample::{self, GROUP, SECRET, VERSION, actor, lock_name, metadata, policy, sealed, time};
use crate::codec::error::{CodecError, Part};
use crate::codec::keys;
use crate::codec::mark::{RowSum, RowTotal};
use crate::codec::meta::{META_BYTES, StoreMeta, decode_meta, encode_meta};
use crate::codec::saved::{
    RowKey, SAVED_FORMAT, decode_answer, decode_secret, decode_whole, encode_answer, encode_secret, encode_whole,
    row_digest, with_its_tag,
};
use crate::codec::voucher::{SavedMark, Voucher, decode_voucher, encode_voucher};
use crate::domain::fencing::FencingToken;
use crate::domain::id::{DataKeyId, GroupId, LogId, SecretId};
use crate::domain::incarnation::Incarnation;
use crate::domain::lock::Lock;
use crate::domain::name::{Actor, GroupName, IdempotencyKey, IssuerName};
use crate::domain::position::{Position, Revision, VersionNumber};
use crate::domain::quarantine::{Restored, RestoredFrom, Strangers};
use crate::domain::rebase::Rebased;
use crate::domain::receipt::Receipt;
use crate::domain::refusal::Refusal;
use crate::domain::remembered::Answer;
use crate::domain::secret::{Lifecycle, PasswordPolicy, Secret, SecretMetadata, SecretSpec};
use crate::domain::settings::{Group, KeySlotKind};
use crate::domain::state::Whole;
use crate::domain::time::Timestamp;
use crate::domain::version::{Version, VersionData, VersionDetails, VersionOrigin};

/// The key of the tags of rows in these tests.
pub(super) const KEY: &RowKey = &[0x4b; 32];

/// Returns a secret with one version and one lock.
pub(super) fn secret() -> Secret {
    Secret {
        id: SECRET,
        group: GROUP,
        metadata: SecretMetadata { custom_metadata: None, ..metadata() },
        spec: SecretSpec::UsernamePassword { password_policy: PasswordPolicy::default() },
        policy: Some(policy()),
        lifecycle: Lifecycle::Active,
        expiry_held_since: None,
        versions: vec![version()],
        revision: Revision::new(2),
        as_of: Position::new(12),
        created_at: time(0),
        created_by: actor("alice"),
        updated_at: time(1),
        retrieved_at: None,
        rotation_refused_at: None,
        scheduled_from: time(1),
        given_up: None,
        rotation: Some(Box::new(rotation(true))),
        patience: None,
        lineage: None,
        is_deleting: false,
    }
}

fn version() -> Version {
    Version {
        id: VERSION,
        number: VersionNumber::FIRST,
        origin: VersionOrigin::Created,
        restored_from: None,
        data: VersionData::Available(sealed()),
        data_from: Position::new(10),
        details: VersionDetails::Plain,
        expires_at: None,
        downloaded: false,
        custom_metadata: None,
        created_at: time(0),
        counts_from: time(0),
        created_by: actor("alice"),
        locks: vec![lock()],
        credential: Some(Box::new(credential())),
        acknowledged_by: [actor("service/web")].into(),
    }
}

fn lock() -> Lock {
    Lock {
        name: lock_name("billing"),
        description: None,
        attributes: None,
        owner: Some(actor("service/billing")),
        created_at: time(1),
        updated_at: time(1),
        created_by: actor("alice"),
        expires_at: Some(time(60)),
        fencing_token: FencingToken { incarnation: Incarnation::new(3), position: Position::new(11) },
    }
}

pub(super) fn whole() -> Whole {
    let name = GroupName::parse("payments").unwrap();
    let at = Timestamp::EPOCH;
    let group = Group { name, description: None, created_at: at, updated_at: at, secrets: 2 };
    Whole {
        groups: [(GroupId::from_bytes([1; 16]), group)].into(),
        key_slots: [(0, KeySlotKind::KeyFile)].into(),
        epochs: [1, 2].into(),
        restored: Some(restored()),
        incarnations: [(Position::new(7), Incarnation::new(3))].into(),
        rebased: vec![rebased()],
        strangers: [(IssuerName::parse("orders-db").unwrap(), Strangers { credentials: 2, since: at })].into(),
        ..Whole::default()
    }
}

fn rebased() -> Rebased {
    Rebased { position: Position::new(8), before: time(90), observed_at: time(2) }
}

fn restored() -> Restored {
    let (from, log_size, at) = (RestoredFrom::Export, Position::new(7), Timestamp::EPOCH);
    Restored { from, log_size, with_data: false, at, incarnation: Incarnation::new(3), is_confirmed: true }
}

pub(super) fn answer(outcome: Result<Receipt, Refusal>) -> Answer {
    Answer {
        actor: Actor::parse("alice").unwrap(),
        key: IdempotencyKey::parse("k").unwrap(),
        fingerprint: [7; 32],
        given_at: Timestamp::MAX,
        outcome,
    }
}

pub(super) fn receipt() -> Receipt {
    Receipt {
        position: Position::new(9),
        events: 2,
        incarnation: Incarnation::new(3),
        recorded_at: Timestamp::EPOCH,
        secret: Some(SecretId::from_bytes([1; 16])),
        revision: None,
        version: None,
        remembered: false,
    }
}

#[test]
fn saved_state_comes_back() {
    let secret = secret();
    let row = encode_secret(KEY, &secret).unwrap();
    assert_eq!(decode_secret(KEY, secret.id, &row.bytes), Ok((secret, row.digest)));
    let row = encode_whole(KEY, &whole()).unwrap();
    assert_eq!(decode_whole(KEY, &row.bytes), Ok((whole(), row.digest)));
    let refusals = sample::refusals().into_iter().map(|(_, refusal)| Err(refusal));
    for outcome in refusals.chain([Ok(receipt())]) {
        let answer = answer(outcome);
        let row = encode_answer(KEY, Position::new(9), &answer).unwrap();
        assert_eq!(decode_answer(KEY, Position::new(9), &row.bytes), Ok((answer, row.digest)));
    }
}

#[test]
fn a_flipped_bit_or_a_foreign_row_is_thrown_away() {
    let secret = secret();
    let row = encode_secret(KEY, &secret).unwrap().bytes;
    for at in 0..row.len() {
        let mut flipped = row.clone();
        flipped[at] ^= 1;
        assert!(decode_secret(KEY, secret.id, &flipped).is_err(), "byte {at}");
        assert!(decode_secret(KEY, secret.id, &row[..at]).is_err(), "cut to {at}");
    }
    let other = SecretId::from_bytes([9; 16]);
    assert_eq!(decode_secret(KEY, other, &row), Err(CodecError::Checksum { part: Part::SavedSecret }));
    let mut newer = row;
    let (found, known) = (SAVED_FORMAT + 1, SAVED_FORMAT);
    newer[..2].copy_from_slice(&found.to_le_bytes());
    let unknown = CodecError::UnknownFormat { part: Part::SavedSecret, found, known };
    assert_eq!(decode_secret(KEY, secret.id, &newer), Err(unknown));
}

/// A set or map decodes in any order, and the key can tag any order; only one order is written.
#[test]
fn a_row_that_reads_as_another_one_does_is_refused() {
    let row = encode_whole(KEY, &whole()).unwrap().bytes;
    let epochs = [1_u32.to_le_bytes(), 2_u32.to_le_bytes()].concat();
    let at = row.windows(8).position(|part| part == epochs).unwrap();
    let decode = |epochs: [u32; 2]| {
        let mut row = row.clone();
        row[at..at + 8].copy_from_slice(epochs.map(u32::to_le_bytes).as_flattened());
        decode_whole(KEY, &with_its_tag(KEY, &keys::SAVED_WHOLE, &row)).map(|(whole, _)| whole.epochs)
    };
    assert_eq!(decode([3, 9]), Ok([3, 9].into()));
    for epochs in [[2, 1], [1, 1]] {
        assert_eq!(decode(epochs), Err(CodecError::NotCanonical { part: Part::SavedWhole }), "{epochs:?}");
    }
}

#[test]
fn the_sum_of_rows_takes_them_in_any_order_and_gives_them_back() {
    let secret = encode_secret(KEY, &secret()).unwrap();
    let whole = encode_whole(KEY, &whole()).unwrap();
    let sum = RowSum::default().plus(&secret.digest).plus(&whole.digest);
    assert_eq!(sum, RowSum::default().plus(&whole.digest).plus(&secret.digest));
    assert_ne!(sum, RowSum::default());
    let row_key = keys::saved_secret(SECRET);
    let gone = row_digest(KEY, Part::SavedSecret, &row_key, &secret.bytes).unwrap();
    assert_eq!(sum.minus(&gone).minus(&whole.digest), RowSum::default());
    assert_eq!(RowSum::from(<[u8; 32]>::from(sum)), sum);
}

pub(super) fn voucher() -> Voucher {
    let saved = SavedMark { position: 7, head: [3; 32], rows: [4; 32], whole: [5; 32] };
    let (frontier, slots) = (vec![[6; 32], [7; 32]], [(0, [8; 32]), (7, [9; 32])].into());
    Voucher { size: 12, head: [1; 32], frontier, slots, saved, erased_up_to: 5, vocabulary: 70 }
}

#[test]
fn the_voucher_comes_back_and_nobody_else_can_make_it() {
    let row = encode_voucher(KEY, &voucher()).unwrap();
    assert_eq!(decode_voucher(KEY, &row), Ok(voucher()));
    assert_eq!(decode_voucher(&[0x4c; 32], &row), Err(CodecError::Checksum { part: Part::Voucher }));
    for at in 0..row.len() {
        let mut flipped = row.clone();
        flipped[at] ^= 0x80;
        assert!(decode_voucher(KEY, &flipped).is_err(), "byte {at}");
    }
}

#[test]
fn a_row_of_another_key_is_thrown_away() {
    let secret = secret();
    let row = encode_secret(&[0x4c; 32], &secret).unwrap();
    let found = decode_secret(KEY, secret.id, &row.bytes);
    assert_eq!(found, Err(CodecError::Checksum { part: Part::SavedSecret }));
}

/// The stored bytes of a row must not reveal its summand in the sum.
#[test]
fn rows_are_proved_by_number_and_sum_under_the_key() {
    let row = encode_secret(KEY, &secret()).unwrap();
    let tag = row.bytes.last_chunk::<16>().unwrap();
    assert!(row.digest.as_bytes().windows(16).all(|part| part != tag), "the sum is of what is not in the row");
    let mut total = RowTotal::default();
    let empty = total.proof(KEY);
    total.add(&row.digest);
    let one = total.proof(KEY);
    let mark = |rows, position| SavedMark { position, head: [3; 32], rows, whole: [5; 32] };
    assert!(mark(one, 7).covers(KEY, &total, &[5; 32]));
    assert!(!mark(one, 0).covers(KEY, &total, &[5; 32]), "there is no saved state");
    assert!(!mark(one, 7).covers(KEY, &total, &[6; 32]) && !mark(empty, 7).covers(KEY, &total, &[5; 32]));
    assert!(!mark(one, 7).covers(&[0x4c; 32], &total, &[5; 32]));
    total.take_out(&row.digest);
    assert_eq!((total, total.proof(KEY)), (RowTotal::default(), empty));
    assert!(empty != one && !one.starts_with(&<[u8; 32]>::from(total.sum)[..8]));
}

#[test]
fn the_description_of_the_store_comes_back_or_is_refused() {
    let meta = StoreMeta { log_id: LogId::from_bytes([5; 16]), created_at: Timestamp::MAX };
    let row = encode_meta(&meta);
    assert_eq!((row.len(), decode_meta(&row)), (META_BYTES, Ok(meta)));
    for at in 0..row.len() {
        let mut flipped = row.clone();
        flipped[at] ^= 1;
        assert!(decode_meta(&flipped).is_err(), "byte {at}");
        assert!(decode_meta(&row[..at]).is_err(), "cut to {at}");
    }
    let newer = [b"LKST\x00\x03".as_slice(), b"whatever it holds"].concat();
    let unknown = CodecError::UnknownFormat { part: Part::StoreMeta, found: 3, known: 2 };
    assert_eq!(decode_meta(&newer), Err(unknown));
    assert!(decode_meta(&[row.as_slice(), &[0]].concat()).is_err());
}

#[test]
fn row_keys_come_back_and_keep_their_order() {
    let position = Position::new(0x0102_0304);
    assert_eq!(keys::log_commit(position), *b"l\0\0\0\0\x01\x02\x03\x04");
    assert_eq!(keys::parse_log_commit(&keys::log_commit(position)), Some(position));
    assert_eq!(keys::parse_saved_answer(&keys::saved_answer(position)), Some(position));
    assert!(keys::log_commit(Position::new(255)) < keys::log_commit(Position::new(256)));
    let data_key = DataKeyId::from_bytes([6; 16]);
    assert_eq!(keys::parse_sealed_data(&keys::sealed_data(data_key)), Some(data_key));
    assert_eq!(keys::parse_data_key(&keys::data_key(data_key)), Some(data_key));
    assert_eq!(keys::parse_data_key(&keys::sealed_data(data_key)), None);
    let secret = SecretId::from_bytes([8; 16]);
    assert_eq!(keys::parse_saved_secret(&keys::saved_secret(secret)), Some(secret));
    assert_eq!(keys::epoch_key(258), *b"e\0\0\x01\x02");
    assert_eq!(keys::parse_epoch_key(&keys::epoch_key(258)), Some(258));
    assert_eq!(keys::parse_key_slot(&keys::key_slot(7)), Some(7));
    for bad in [b"".as_slice(), b"l", b"l\0\0\0\0\0\0\0", b"l\0\0\0\0\0\0\0\0\0"] {
        assert_eq!(keys::parse_log_commit(bad), None);
    }
}
