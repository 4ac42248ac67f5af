//! Edits of rows as bytes: bits, lengths, places, rows of other kinds and from other times.

use super::super::Rows;
use super::{Edits, Scene};
use crate::fuzzing::changed_rows::rows::KINDS;

/// The place in a row at which a bit is changed, by name.
const PLACES: [(&str, Place); 14] = [
    ("first byte", |_| 0),
    ("second byte", |_| 1),
    ("third byte", |_| 2),
    ("byte 4", |_| 4),
    ("byte 7", |_| 7),
    ("byte 11", |_| 11),
    ("byte 12", |_| 12),
    ("byte 16", |_| 16),
    ("byte 30", |_| 30),
    ("a quarter", |length| length / 4),
    ("the middle", |length| length / 2),
    ("three quarters", |length| length / 4 * 3),
    ("the tag", |length| length.saturating_sub(9)),
    ("last byte", |length| length - 1),
];

type Place = fn(usize) -> usize;

type Row = (Vec<u8>, Vec<u8>);

/// Returns some rows of a kind: the first, one in the middle, and the last.
fn some(rows: &Rows, kind: u8) -> Vec<Row> {
    let all = rows.under(kind);
    let mut places = vec![0, all.len() / 2, all.len().saturating_sub(1)];
    places.dedup();
    places.into_iter().filter_map(|at| all.get(at).cloned()).collect()
}

pub(super) fn add(edits: &mut Edits, scene: &Scene) {
    for (kind, name) in KINDS {
        for (nth, row) in some(&scene.rows, kind).into_iter().enumerate() {
            add_bytes(edits, name, &format!("row {nth}"), &row);
            add_places(edits, (kind, name), &format!("row {nth}"), &row);
        }
        add_kind(edits, kind, name);
    }
    add_sets(edits);
}

/// Adds edits of the bytes of one row.
fn add_bytes(edits: &mut Edits, name: &str, which: &str, (row_key, row): &Row) {
    let mut put = |what: &str, changed: Vec<u8>| {
        let row_key = row_key.clone();
        edits.add(format!("{name}: {what}"), which, move |_, rows| rows.put(&row_key, &changed));
    };
    for (place, at) in PLACES {
        let mut changed = row.clone();
        let at = at(row.len());
        if at < row.len() {
            changed[at] ^= 1 << (at % 8);
            put(&format!("a bit in {place}"), changed);
        }
    }
    put("nothing left", Vec::new());
    put("cut to half", row[..row.len() / 2].to_vec());
    put("cut by a byte", row[..row.len() - 1].to_vec());
    put("a byte more", [&row[..], &[0]].concat());
    put("zeros", vec![0; row.len()]);
    put("twice", [&row[..], row].concat());
}

/// Adds edits of the place of one row.
fn add_places(edits: &mut Edits, (kind, name): (u8, &'static str), which: &str, (row_key, row): &Row) {
    let own = row_key.clone();
    edits.add(format!("{name}: removed"), which, move |_, rows| rows.remove(&own));
    for (what, at) in [("the next number", row_key.len() - 1), ("another place", row_key.len() / 2)] {
        let (own, row) = (row_key.clone(), row.clone());
        let mut elsewhere = row_key.clone();
        elsewhere[at] ^= 1;
        for moved in [false, true] {
            let (own, elsewhere, row) = (own.clone(), elsewhere.clone(), row.clone());
            let verb = if moved { "moved" } else { "doubled" };
            edits.add(format!("{name}: {verb} to {what}"), which, move |_, rows| {
                rows.put(&elsewhere, &row);
                if moved {
                    rows.remove(&own);
                }
            });
        }
    }
    let own = row_key.clone();
    edits.add(format!("{name}: as it was earlier"), which, move |scene, rows| {
        match scene.earlier.under(kind).into_iter().find(|(row_key, _)| *row_key == own) {
            Some((row_key, row)) => rows.put(&row_key, &row),
            None => rows.remove(&own),
        }
    });
    let own = row_key.clone();
    edits.add(format!("{name}: of another store"), which, move |scene, rows| {
        if let Some((_, row)) = scene.other.under(kind).first() {
            rows.put(&own, row);
        }
    });
    let (own, row) = (row_key.clone(), row.clone());
    edits.add(format!("{name}: exchanged with another"), which, move |_, rows| {
        let other = rows.under(kind).into_iter().find(|(row_key, other)| *row_key != own && *other != row);
        if let Some((row_key, other)) = other {
            rows.put(&row_key, &row);
            rows.put(&own, &other);
        }
    });
}

/// Adds edits of all rows of a kind.
fn add_kind(edits: &mut Edits, kind: u8, name: &'static str) {
    edits.add(format!("{name}: all removed"), "", move |_, rows| {
        rows.under(kind).iter().for_each(|(row_key, _)| rows.remove(row_key));
    });
    edits.add(format!("{name}: all as they were earlier"), "", move |scene, rows| rows.put_all(&scene.earlier, kind));
    edits.add(format!("{name}: earlier ones beside"), "", move |scene, rows| {
        scene.earlier.under(kind).iter().for_each(|(row_key, row)| rows.put(row_key, row));
    });
    edits.add(format!("{name}: all of another store"), "", move |scene, rows| rows.put_all(&scene.other, kind));
}

/// Adds edits that put sets of kinds back together, with an unchanged log: everything short of a rollback of the whole
/// store.
fn add_sets(edits: &mut Edits) {
    let parts: [&[u8]; 8] = [b"s", b"a", b"w", b"hpy", b"v", b"n", b"ez", b"gm"];
    for set in 1_u32..1 << parts.len() {
        let kinds: Vec<u8> =
            parts.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1).flat_map(|(_, part)| part.to_vec()).collect();
        let name = String::from_utf8_lossy(&kinds).into_owned();
        edits.add(format!("rows {name} put back together"), "", move |scene, rows| {
            kinds.iter().for_each(|kind| rows.put_all(&scene.earlier, *kind));
        });
    }
    for (what, kinds) in [("with its keys", &b"zekg"[..]), ("alone", b"z")] {
        edits.add(format!("key slot put back {what}, as a way in"), "", move |scene, rows| {
            for kind in kinds {
                scene.earlier.under(*kind).iter().for_each(|(row_key, row)| rows.put(row_key, row));
            }
        });
    }
}
