//! Edits of the log: in place, and rewritten from some record on with every hash and every row without a key corrected.

use std::collections::BTreeMap;

use super::super::Rows;
use super::super::trust::change_commit;
use super::{Edits, Scene};
use crate::codec::keys;
use crate::domain::event::Event;
use crate::domain::position::Position;
use crate::domain::time::Timestamp;
use crate::ledger::{
    Erasure, Frontier, HEADER_BYTES, Head, RecordHeader, Subject, body_hash, context_hash, frames, genesis, head,
};
use crate::storage::chunks::put_chunked;
use crate::storage::{AnchorMark, Batch, Storage};

/// A record of the log in parts, to be changed.
#[derive(Clone)]
struct Loose {
    header: RecordHeader,
    context: Vec<u8>,
    body: Option<Vec<u8>>,
}

/// Reads the log of some rows.
fn read(rows: &Rows) -> Vec<Loose> {
    let mut log = Vec::new();
    let show = &mut |raw: &crate::ledger::RawRecord<'_>| {
        let (context, body) = (raw.context().to_vec(), raw.body().map(<[u8]>::to_vec));
        log.push(Loose { header: *raw.header(), context, body });
        Ok(std::ops::ControlFlow::Continue(()))
    };
    crate::engine::log::scan_records(&rows.0, Position::FIRST, Position::new(u64::MAX), show).unwrap();
    log
}

/// Writes a log anew: positions, revisions, batches, hashes, tree and anchor follow from its content.
fn write(rows: &Rows, log: Vec<Loose>) {
    rows.under(keys::LOG).iter().for_each(|(row_key, _)| rows.remove(row_key));
    rows.under(keys::TREE_NODE).iter().for_each(|(row_key, _)| rows.remove(row_key));
    let log_id = rows.log_id();
    let (mut before, mut tree, mut batch) = (genesis(&log_id), Frontier::default(), Batch::new());
    let (mut time, mut revisions) = (Timestamp::EPOCH, BTreeMap::new());
    for (commit, mut records) in in_batches(log) {
        let (mut framed, count) = (Vec::new(), u16::try_from(records.len()).unwrap());
        for (index, loose) in (0_u16..).zip(&mut records) {
            let header = &mut loose.header;
            (header.position, header.batch_index, header.batch_count) = (tree.size(), index, count);
            (header.head_before, header.context_hash) = (before, context_hash(&loose.context));
            header.context_bytes = u32::try_from(loose.context.len()).unwrap();
            if let Some(body) = &loose.body {
                (header.body_hash, header.body_bytes) = (body_hash(body), u32::try_from(body.len()).unwrap());
            }
            time = header.time.max(time);
            header.time = time;
            if let Subject::Secret { id, revision } = &mut header.subject {
                let last = revisions.entry(*id).or_insert(crate::domain::position::Revision::new(0));
                *last = last.next();
                *revision = *last;
            }
            let bytes = header.encode().unwrap();
            before = head(&bytes);
            tree.append(&before).unwrap();
            framed.push(u8::from(loose.body.is_some()));
            framed.extend_from_slice(&bytes);
            framed.extend_from_slice(&loose.context);
            framed.extend_from_slice(loose.body.as_deref().unwrap_or_default());
        }
        put_chunked(&mut batch, &keys::log_commit(commit), &framed).unwrap();
    }
    batch.put(keys::OLD_FRONTIER, tree.encode()).unwrap();
    rows.0.commit(&batch).unwrap();
    rows.0.write_anchor(AnchorMark { log_size: tree.size().get(), head: *before.as_bytes() }).unwrap();
}

/// Splits a log into its batches, each with the position of its first record once it is written.
fn in_batches(log: Vec<Loose>) -> Vec<(Position, Vec<Loose>)> {
    let (mut batches, mut size) = (Vec::<(Position, Vec<Loose>)>::new(), 0_u64);
    let mut last = None;
    for loose in log {
        let of = loose.header.position.get() - u64::from(loose.header.batch_index);
        if last != Some(of) {
            batches.push((Position::new(size), Vec::new()));
        }
        last = Some(of);
        size += 1;
        batches.last_mut().unwrap().1.push(loose);
    }
    batches
}

/// Changes one record in place, and nothing else.
fn in_place(rows: &Rows, at: u64, change: impl Fn(&mut Vec<u8>, &mut Vec<u8>, &mut Option<Vec<u8>>)) {
    change_commit(rows, at, |commit| {
        let before = std::mem::take(commit);
        for raw in frames(&before) {
            let raw = raw.unwrap();
            let (mut header, mut context) = (raw.header_bytes().to_vec(), raw.context().to_vec());
            let mut body = raw.body().map(<[u8]>::to_vec);
            if raw.header().position.get() == at {
                change(&mut header, &mut context, &mut body);
            }
            commit.push(u8::from(body.is_some()));
            commit.extend_from_slice(&header);
            commit.extend_from_slice(&context);
            commit.extend_from_slice(body.as_deref().unwrap_or_default());
        }
    });
}

/// A change of one record of a log that is rewritten.
type Change = fn(&mut Vec<Loose>, usize);

const CHANGES: [(&str, Change); 7] = [
    ("left out", |log, at| drop(log.remove(at))),
    ("repeated", |log, at| log.insert(at, log[at].clone())),
    ("exchanged with the one before", |log, at| log.swap(at - 1, at)),
    ("without its body", |log, at| log[at].body = None),
    ("with another body", |log, at| {
        if let Some(last) = log[at].body.as_mut().and_then(|body| body.last_mut()) {
            *last ^= 1;
        }
    }),
    ("by somebody else", |log, at| {
        let context = &mut log[at].context;
        let place = context.windows(3).position(|part| part == b"ops").unwrap_or(9);
        context[place..place + 3].copy_from_slice(b"bob");
    }),
    ("at another time", |log, at| log[at].header.time = log[at].header.time.plus(std::time::Duration::from_nanos(1))),
];

/// An offset within each field of a header.
const FIELDS: [(&str, usize); 17] = [
    ("magic", 0),
    ("version", 4),
    ("flags", 5),
    ("codec", 6),
    ("zero", 7),
    ("type", 9),
    ("schema", 11),
    ("batch index", 13),
    ("batch count", 15),
    ("position", 23),
    ("revision", 31),
    ("secret", 40),
    ("event id", 50),
    ("time", 71),
    ("chain value before", 90),
    ("hash of the context", 120),
    ("hash of the body", HEADER_BYTES - 1),
];

pub(super) fn add(edits: &mut Edits, scene: &Scene) {
    let log = read(&scene.rows);
    // The first and the last record of each type.
    let mut places = BTreeMap::<u16, Vec<u64>>::new();
    for loose in &log {
        let of_type = places.entry(loose.header.event_type).or_default();
        of_type.truncate(1);
        of_type.push(loose.header.position.get());
    }
    for (event_type, mut of_type) in places {
        let label = Event::label_of(event_type).unwrap();
        of_type.dedup();
        for at in of_type {
            add_in_place(edits, label, at);
            if at > 1 {
                add_anew(edits, label, at);
            }
        }
    }
    for at in [4, 900, log.len() as u64 - 2] {
        for (field, place) in FIELDS {
            edits.add(format!("header: {field} in place"), format!("record {at}"), move |_, rows| {
                in_place(rows, at, |header, _, _| header[place] ^= 1);
            });
        }
    }
    add_ends(edits, &log);
}

fn add_in_place(edits: &mut Edits, label: &'static str, at: u64) {
    let which = format!("record {at}");
    let mut add = |what: &str, change: fn(&mut Vec<u8>, &mut Vec<u8>, &mut Option<Vec<u8>>)| {
        edits.add(format!("{label}: {what} in place"), which.clone(), move |_, rows| in_place(rows, at, change));
    };
    add("without its body", |_, _, body| *body = None);
    add("another body", |_, _, body| {
        if let Some(last) = body.as_mut().and_then(|body| body.last_mut()) {
            *last ^= 1;
        }
    });
    add("another body and its hash", |header, _, body| {
        if let Some(body) = body {
            *body.last_mut().unwrap() ^= 1;
            header[144..].copy_from_slice(body_hash(body).as_bytes());
        }
    });
    add("another context", |_, context, _| *context.last_mut().unwrap() ^= 1);
    add("another context and its hash", |header, context, _| {
        context[9] ^= 1;
        header[112..144].copy_from_slice(context_hash(context).as_bytes());
    });
}

/// What the attacker does with other rows after a log is written.
#[derive(Clone, Copy)]
enum Then {
    /// Leaves them.
    Nothing,
    /// Discards derived rows, as in a store of an earlier release, and writes that revision.
    OlderRevision,
}

fn add_anew(edits: &mut Edits, label: &'static str, at: u64) {
    for (what, change) in CHANGES {
        for (how, then) in [("", Then::Nothing), (", as of an earlier release", Then::OlderRevision)] {
            edits.add(
                format!("{label}: {what}, the log written anew{how}"),
                format!("record {at}"),
                move |scene, rows| {
                    let mut log = read(rows);
                    change(&mut log, usize::try_from(at).unwrap());
                    log.iter_mut()
                        .filter(|loose| loose.body.is_none())
                        .for_each(|loose| loose.header.erasure = Erasure::Allowed);
                    write(rows, log);
                    go_on(scene, rows, then);
                },
            );
        }
    }
}

fn go_on(scene: &Scene, rows: &Rows, then: Then) {
    if matches!(then, Then::Nothing) {
        return;
    }
    for kind in *b"vsawhpy" {
        rows.under(kind).iter().for_each(|(row_key, _)| rows.remove(row_key));
    }
    let (row_key, mut meta) = rows.under(b'm').remove(0);
    meta[5] = 1;
    let sum = blake3::derive_key("latchkeep 2026-11-23 store meta v1", &meta[..32]);
    meta[32..].copy_from_slice(&sum[..16]);
    rows.put(&row_key, &meta);
    scene.earlier.under(b'e').iter().for_each(|(row_key, row)| rows.put(row_key, row));
}

/// Truncates the end of the log, or appends another one.
fn add_ends(edits: &mut Edits, log: &[Loose]) {
    let cuts: Vec<u64> =
        log.iter().filter(|loose| loose.header.batch_index == 0).map(|loose| loose.header.position.get()).collect();
    for (nth, at) in cuts.into_iter().rev().take(12).enumerate() {
        for (how, then) in [("", Then::Nothing), (", as of an earlier release", Then::OlderRevision)] {
            edits.add(format!("end: cut by {} batches{how}", nth + 1), format!("at {at}"), move |scene, rows| {
                let mut log = read(rows);
                log.truncate(usize::try_from(at).unwrap());
                write(rows, log);
                go_on(scene, rows, then);
            });
        }
    }
    edits.add("end: that of another store", "", |scene, rows| {
        let mut log = read(rows);
        log.extend(read(&scene.other).into_iter().rev().take(1));
        write(rows, log);
    });
    edits.add("end: the last batch once more", "", |_, rows| {
        let mut log = read(rows);
        let last = log.last().unwrap().clone();
        log.push(Loose { header: RecordHeader { head_before: Head::from_bytes([0; 32]), ..last.header }, ..last });
        write(rows, log);
    });
    edits.add("end: anchor of an earlier size", "", |_, rows| {
        let log = read(rows);
        let at = log.len() / 2;
        let mark = AnchorMark { log_size: at as u64, head: *log[at].header.head_before.as_bytes() };
        rows.0.write_anchor(mark).unwrap();
    });
}
