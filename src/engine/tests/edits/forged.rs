//! Rows made by the attacker: well formed, with the attacker's content, under the attacker's keys.

use super::super::{Rows, opening};
use super::{Edits, Scene};
use crate::codec::keys;
use crate::codec::meta::{StoreMeta, decode_meta, encode_meta};
use crate::codec::past::{decode_past_secret, decode_past_whole, encode_past_secret, encode_past_whole};
use crate::codec::saved::{RowKey, decode_secret, decode_whole, encode_secret, encode_whole};
use crate::codec::voucher::{decode_voucher, encode_voucher, slot_digest};
use crate::domain::id::LogId;
use crate::domain::position::Position;
use crate::domain::secret::Secret;
use crate::domain::state::Whole;
use crate::engine::open::Place;
use crate::seal::key_epoch::KeyEpoch;
use crate::seal::keyring::Keyring;
use crate::seal::passphrase::PassphraseCost;
use crate::seal::sealing_key::{RootKey, SigningSeed};
use crate::seal::slots::Slots;
use crate::storage::chunks::{put_chunked, read_chunked};
use crate::storage::{Batch, Storage};

/// A change, by the field that it changes.
type Named<T> = (&'static str, fn(&mut T));

/// Changes of a saved secret, by field.
const OF_SECRETS: [Named<Secret>; 8] = [
    ("locks", |secret| secret.versions.iter_mut().for_each(|version| version.locks.clear())),
    ("versions", |secret| secret.versions.truncate(1)),
    ("order of versions", |secret| secret.versions.reverse()),
    ("revision", |secret| secret.revision = secret.revision.next()),
    ("as of", |secret| secret.as_of = Position::new(u64::MAX / 2)),
    ("creator", |secret| secret.created_by = crate::domain::name::Actor::parse("bob").unwrap()),
    ("expiry", |secret| secret.metadata.expires_at = Some(secret.created_at)),
    ("deletion", |secret| secret.is_deleting = true),
];

/// Changes of the part that belongs to no secret.
const OF_THE_REST: [Named<Whole>; 10] = [
    ("verifier keys", |whole| whole.signing_keys.values_mut().for_each(|key| key.verifier_key = "bob+0+AA==".into())),
    ("quarantine", |whole| whole.restored = None),
    ("groups", |whole| whole.groups.clear()),
    ("key slots", |whole| _ = whole.key_slots.insert(1, crate::domain::settings::KeySlotKind::HostBytes)),
    ("epochs", |whole| _ = whole.epochs.insert(1)),
    ("settings", |whole| whole.settings.refuse_rotation_while_locked = true),
    ("log size", |whole| whole.log_size = whole.log_size.next()),
    ("time", |whole| whole.last_at = crate::domain::time::Timestamp::MAX),
    ("writer epoch", |whole| whole.writer_epoch = crate::domain::position::WriterEpoch::new(0)),
    ("incarnations", |whole| whole.incarnations.clear()),
];

/// Keys that an attacker without the store's can have.
const KEYS: [(&str, RowKey); 3] =
    [("of zeros", [0; 32]), ("of his own", [0x66; 32]), ("of the format before", [0; 32])];

fn his(name: &str, key: RowKey) -> RowKey {
    if name == "of the format before" { blake3::derive_key("latchkeep 2026-11-23 saved row v1", &[]) } else { key }
}

fn put_long(rows: &Rows, row_key: &[u8], value: &[u8]) {
    for (old, _) in rows.under(row_key[0]).into_iter().filter(|(old, _)| old.starts_with(row_key)) {
        rows.remove(&old);
    }
    let mut batch = Batch::new();
    put_chunked(&mut batch, row_key, value).unwrap();
    rows.0.commit(&batch).unwrap();
}

pub(super) fn add(edits: &mut Edits) {
    for (key_name, key) in KEYS {
        let key = his(key_name, key);
        for (field, change) in OF_SECRETS {
            edits.add(format!("saved secret: {field} made up under a key {key_name}"), "all", move |_, rows| {
                secrets(rows, &key, change)
            });
            edits.add(format!("past secret: {field} made up under a key {key_name}"), "all", move |_, rows| {
                past_secrets(rows, &key, change)
            });
        }
        for (field, change) in OF_THE_REST {
            edits.add(format!("saved rest: {field} made up under a key {key_name}"), "", move |_, rows| {
                let real = rows.keys().rows_key();
                let row = read_chunked(&rows.0, &keys::SAVED_WHOLE).unwrap().unwrap();
                let (mut whole, _) = decode_whole(real.bytes(), &row).unwrap();
                change(&mut whole);
                put_long(rows, &keys::SAVED_WHOLE, &encode_whole(&key, &whole).unwrap().bytes);
            });
            edits.add(format!("past rest: {field} made up under a key {key_name}"), "all", move |_, rows| {
                past_rests(rows, &key, change)
            });
        }
        add_vouchers(edits, key_name, key);
    }
    add_keys(edits);
}

fn secrets(rows: &Rows, key: &RowKey, change: fn(&mut Secret)) {
    let real = rows.keys().rows_key();
    let ids: Vec<_> = rows
        .under(keys::SAVED_SECRET)
        .iter()
        .filter_map(|(row_key, _)| keys::parse_saved_secret(&row_key[..17]))
        .collect();
    for id in ids {
        let row = read_chunked(&rows.0, &keys::saved_secret(id)).unwrap().unwrap();
        let (mut secret, _) = decode_secret(real.bytes(), id, &row).unwrap();
        change(&mut secret);
        put_long(rows, &keys::saved_secret(id), &encode_secret(key, &secret).unwrap().bytes);
    }
}

fn past_secrets(rows: &Rows, key: &RowKey, change: fn(&mut Secret)) {
    let real = rows.keys().rows_key();
    let places: Vec<_> = rows
        .under(keys::PAST_SECRET)
        .iter()
        .filter_map(|(row_key, _)| keys::parse_past_secret(&row_key[..25]))
        .collect();
    for (at, id) in places {
        let row = read_chunked(&rows.0, &keys::past_secret(at, id)).unwrap().unwrap();
        let (Some(mut secret), _) = decode_past_secret(real.bytes(), at, id, &row).unwrap() else { continue };
        change(&mut secret);
        put_long(rows, &keys::past_secret(at, id), &encode_past_secret(key, at, id, Some(&secret)).unwrap().bytes);
    }
}

fn past_rests(rows: &Rows, key: &RowKey, change: fn(&mut Whole)) {
    let real = rows.keys().rows_key();
    let places: Vec<_> =
        rows.under(keys::PAST_MARK).iter().filter_map(|(row_key, _)| keys::parse_past_mark(row_key)).collect();
    for at in places {
        let row = read_chunked(&rows.0, &keys::past_whole(at)).unwrap().unwrap();
        let (mut whole, _) = decode_past_whole(real.bytes(), at, &row).unwrap();
        change(&mut whole.whole);
        put_long(rows, &keys::past_whole(at), &encode_past_whole(key, at, &whole).unwrap().bytes);
    }
}

/// Changes of the voucher.
fn add_vouchers(edits: &mut Edits, key_name: &'static str, key: RowKey) {
    type Change = fn(&mut crate::codec::voucher::Voucher, &Scene);
    const CHANGES: [(&str, Change); 7] = [
        ("as it is", |_, _| {}),
        ("size", |voucher, _| voucher.size -= 1),
        ("head", |voucher, _| voucher.head[0] ^= 1),
        ("frontier", |voucher, _| voucher.frontier[0][9] ^= 1),
        ("slots", |voucher, scene| {
            let slot = read_chunked(&scene.earlier.0, &keys::key_slot(1)).unwrap().unwrap();
            voucher.slots.insert(1, slot_digest(&slot));
        }),
        ("saved state", |voucher, _| voucher.saved.position = 0),
        ("erasures", |voucher, _| voucher.erased_up_to = 0),
    ];
    for (field, change) in CHANGES {
        edits.add(format!("voucher: {field} made up under a key {key_name}"), "", move |scene, rows| {
            let real = rows.keys().rows_key();
            let mut voucher = decode_voucher(real.bytes(), &rows.0.get(&keys::VOUCHER).unwrap().unwrap()).unwrap();
            change(&mut voucher, scene);
            rows.put(&keys::VOUCHER, &encode_voucher(&key, &voucher).unwrap());
        });
    }
}

/// Keys of the attacker's own, for the victim's log.
fn add_keys(edits: &mut Edits) {
    let own = |log_id: LogId| {
        let root = RootKey::random().unwrap();
        let (keyring, epochs) = Keyring::create_with(log_id, &root, [KeyEpoch::FIRST, KeyEpoch::new(2)]).unwrap();
        let seed = keyring.wrap_signing_seed(1, &SigningSeed::random().unwrap()).unwrap();
        (root, keyring, epochs, seed)
    };
    edits.add("epoch key: made up", "", move |_, rows| {
        let (_, _, epochs, _) = own(rows.log_id());
        epochs.iter().for_each(|epoch| rows.put(&keys::epoch_key(epoch.epoch().get()), epoch.as_bytes()));
    });
    edits.add("signing seed: made up", "", move |_, rows| {
        let (_, _, _, seed) = own(rows.log_id());
        rows.put(&keys::signing_seed(1), seed.as_bytes());
    });
    edits.add("key slot: made up for the same key", "", move |_, rows| {
        let (root, ..) = own(rows.log_id());
        let mut slots = Slots::new(rows.log_id());
        let bytes = slots.add_at(0, &root, &opening(Place::Memory).unlock, PassphraseCost::FLOOR).unwrap();
        put_long(rows, &keys::key_slot(0), &bytes);
    });
    edits.add("all keys: made up for the same key", "", move |_, rows| {
        let (root, keyring, epochs, seed) = own(rows.log_id());
        let mut slots = Slots::new(rows.log_id());
        let bytes = slots.add_at(0, &root, &opening(Place::Memory).unlock, PassphraseCost::FLOOR).unwrap();
        let voucher = rows.0.get(&keys::VOUCHER).unwrap().unwrap();
        let mut voucher = decode_voucher(rows.keys().rows_key().bytes(), &voucher).unwrap();
        voucher.slots = [(0, slot_digest(&bytes))].into();
        put_long(rows, &keys::key_slot(0), &bytes);
        rows.put(&keys::epoch_key(2), epochs[1].as_bytes());
        rows.put(&keys::signing_seed(1), seed.as_bytes());
        rows.put(&keys::VOUCHER, &encode_voucher(keyring.rows_key().bytes(), &voucher).unwrap());
    });
    for (what, log_id) in [("log id", Some(LogId::from_bytes([9; 16]))), ("time", None)] {
        edits.add(format!("description: {what} made up"), "", move |_, rows| {
            let meta = decode_meta(&rows.0.get(&keys::STORE_META).unwrap().unwrap()).unwrap();
            let created_at = crate::domain::time::Timestamp::EPOCH;
            let meta = StoreMeta { log_id: log_id.unwrap_or(meta.log_id), created_at };
            rows.put(&keys::STORE_META, &encode_meta(&meta));
        });
    }
}
