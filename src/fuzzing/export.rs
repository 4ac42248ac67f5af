//! Owns the target on exports. Nobody but the golden log's key signs here, and it signed one checkpoint, so whatever has not
//! failed shows what the golden export shows; and a history that was made right again in every hash is held to the locks by a
//! count of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::audit::{
    AsOf, Check, Conclusion, ExportHeader, ExportRecords, ExportWriter, LineFault, Outcome, Report, VerifyOptions,
    replay_export, verify_export,
};
use crate::codec::event::{Decoded, decode_event, encode_event, schema_of};
use crate::domain::event::{Event, LockPlaced, LockRemoved, SecretDeleted, VersionDataDestroyed};
use crate::domain::id::{DataKeyId, LogId, SecretId, VersionId};
use crate::domain::lock::LockRemoval;
use crate::domain::name::LockName;
use crate::domain::position::Revision;
use crate::domain::time::Timestamp;
use crate::domain::version::DestroyCause;
use crate::ledger::{
    ChainEnd, Checkpoint, Erasure, Frontier, NewRecord, Note, NoteSigner, RecordHeader, Subject, VerifierKey, frames,
    origin,
};

use super::mutate;

const GOLDEN: &str = include_str!("../../tests/golden/export-1.jsonl");
const LOG: LogId = LogId::from_bytes([7; 16]);

/// The first byte says what is done with the others: change fields of the golden export, change its history, change its
/// bytes, or take all of them as an export.
pub fn export(bytes: &[u8]) {
    match bytes.split_first() {
        Some((0, script)) => judge(&fields(script)),
        Some((1, script)) => history(script),
        Some((2, script)) => judge(&mutate(GOLDEN.as_bytes(), script)),
        _ => judge(bytes),
    }
}

fn options() -> VerifyOptions {
    VerifyOptions { keys: vec![signer().verifier_key().clone()], ..VerifyOptions::default() }
}

fn signer() -> NoteSigner {
    NoteSigner::new(&origin(&LOG), &[1; 32]).unwrap()
}

/// Holds an export that somebody without the key made to what the golden one shows.
fn judge(export: &[u8]) {
    let report = verify_export(export, &options(), |_| {});
    assert_eq!(report.verdicts.len(), Check::ALL.len());
    assert_eq!(report.conclusion() == Conclusion::Failed, report.first_fault().is_some());
    assert!(!serde_json::to_string(&report).unwrap().is_empty() && !report.to_string().contains('\x1b'));
    let (again, locks) = replay_export(export, &options(), AsOf::End, |_| {});
    assert_eq!(again, report);
    let alone = verify_export(export, &VerifyOptions::default(), |_| {});
    assert_ne!(alone.conclusion(), Conclusion::Passed, "nobody vouches for it");
    if report.conclusion() == Conclusion::Failed {
        return;
    }
    assert_eq!(report.tree_head, Some(SIGNED.tree_head));
    let erased = shows_the_same(export);
    assert_eq!(erased > 0, report.bodies_erased > 0);
    assert!(erased == 0 || report.conclusion() == Conclusion::NotAllChecked, "{report}");
    if report.conclusion() == Conclusion::Passed {
        assert_eq!(locks, replay_export(GOLDEN.as_bytes(), &options(), AsOf::End, |_| {}).1);
    }
}

static SIGNED: LazyLock<Checkpoint> = LazyLock::new(|| {
    let last: Value = serde_json::from_str(GOLDEN.lines().last().unwrap()).unwrap();
    Checkpoint::read_unverified(last["checkpoint"].as_str().unwrap()).unwrap()
});

/// Compares what another reader finds in each line with the golden one; counts bodies that are not there.
fn shows_the_same(export: &[u8]) -> usize {
    let text = str::from_utf8(export).unwrap();
    let parse = |text: &str| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>();
    let (found, golden) = (parse(text), parse(GOLDEN));
    assert_eq!(found.len(), golden.len(), "a slice of it was signed by nobody");
    assert_eq!(found[0], golden[0]);
    let mut erased = 0;
    for (found, golden) in found.iter().zip(&golden).skip(1) {
        if golden.get("checkpoint").is_some() {
            let note = |line: &Value| Note::parse(line["checkpoint"].as_str().unwrap()).unwrap().text().to_owned();
            assert_eq!(note(found), note(golden));
        } else if found["lkbody"].is_null() {
            let mut golden = golden.clone();
            (golden["lkbody"], golden["data"]) = (Value::Null, Value::Null);
            assert_eq!(*found, golden);
            erased += 1;
        } else {
            assert_eq!(found, golden);
        }
    }
    erased
}

/// Puts other values into fields of the golden export, five bytes a change.
fn fields(script: &[u8]) -> Vec<u8> {
    let mut lines: Vec<Value> = GOLDEN.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let count = lines.len();
    for change in script.chunks_exact(5) {
        let [line, field, how, at, bits] = [0, 1, 2, 3, 4].map(|nth| change[nth]);
        let other = lines[usize::from(at) % count].clone();
        let Value::Object(object) = &mut lines[usize::from(line) % count] else { continue };
        let names: Vec<String> = object.keys().cloned().collect();
        let Some(name) = names.get(usize::from(field) % names.len().max(1)) else { continue };
        let value = object.get_mut(name).unwrap();
        match how % 6 {
            0 => *value = other.get(name).cloned().unwrap_or_default(),
            1 => *value = Value::Null,
            2 => turn(value, bits),
            3 => in_base64(value, at, bits),
            4 => drop(object.remove(name)),
            // A field of another line, not the line: lines within lines would grow without end.
            _ => _ = object.insert(format!("{name}2"), other.get(name).cloned().unwrap_or_default()),
        }
    }
    lines.iter().flat_map(|line| [line.to_string().as_bytes(), b"\n"].concat()).collect()
}

/// Changes the first number, text or truth in a value.
fn turn(value: &mut Value, bits: u8) {
    match value {
        Value::Null => *value = Value::from(bits),
        Value::Bool(bool) => *bool = !*bool,
        Value::Number(number) => *value = Value::from(number.as_u64().unwrap_or(0) ^ u64::from(bits)),
        Value::String(text) => text.push(char::from(bits % 64 + 32)),
        Value::Array(values) => values.iter_mut().take(1).for_each(|value| turn(value, bits)),
        Value::Object(fields) => {
            let at = usize::from(bits) % fields.len().max(1);
            fields.values_mut().skip(at).take(1).for_each(|value| turn(value, bits));
        }
    }
}

/// Changes a byte of what a text holds in base64.
fn in_base64(value: &mut Value, at: u8, bits: u8) {
    let Some(mut bytes) = value.as_str().and_then(|text| STANDARD.decode(text).ok()) else { return };
    if let Some(byte) = bytes.get_mut(usize::from(at)) {
        *byte ^= bits;
    }
    *value = Value::from(STANDARD.encode(bytes));
}

/// A record of the golden log, to be recorded again.
#[derive(Clone)]
struct Piece {
    header: RecordHeader,
    context: Vec<u8>,
    event: Event,
    /// The batch that it came in.
    batch: u64,
}

static PIECES: LazyLock<Vec<Piece>> = LazyLock::new(|| {
    let mut pieces = Vec::new();
    let taken = ExportRecords::begin(GOLDEN.as_bytes()).unwrap().each::<LineFault>(&mut |raw| {
        let header = *raw.header();
        let decoded = decode_event(header.event_type, header.schema, raw.body().unwrap()).unwrap();
        let Decoded::Known(event) = decoded else { unreachable!("the golden log holds events of this release") };
        let batch = header.position.get() - u64::from(header.batch_index);
        pieces.push(Piece { header, context: raw.context().to_vec(), event, batch });
        Ok(())
    });
    taken.unwrap();
    pieces
});

/// Changes the history, makes every hash right again and signs it. No check but the replay has anything to say then, and the
/// replay has to, when a locked version is destroyed.
fn history(script: &[u8]) {
    let mut pieces = PIECES.clone();
    for (nth, change) in script.chunks_exact(3).take(12).enumerate() {
        let [how, at, what] = [0, 1, 2].map(|nth| change[nth]);
        let len = pieces.len();
        let at = usize::from(at) % len.max(1);
        match how % 6 {
            0 if len > 1 => drop(pieces.remove(at)),
            1 if len > 0 => pieces.insert(at, pieces[usize::from(what) % len].clone()),
            2 if len > 0 => pieces.swap(at, usize::from(what) % len),
            3 | 4 if len > 0 => {
                if let Some((secret, event)) = new_event(how, what) {
                    let mut piece = pieces[at].clone();
                    piece.header.subject = Subject::Secret { id: secret, revision: Revision::FIRST };
                    (piece.event, piece.batch) = (event, u64::MAX - nth as u64);
                    pieces.insert(at + 1, piece);
                }
            }
            5 if len > 0 => pieces[at].batch = u64::MAX - nth as u64,
            _ => {}
        }
    }
    let (export, events) = record(&pieces);
    let report = verify_export(export.as_slice(), &options(), |_| {});
    for check in [Check::Structure, Check::Chain, Check::Tree, Check::Signature, Check::Bodies, Check::JsonView] {
        assert!(passed(&report, check), "{check:?}: {report}");
    }
    assert!(!touches_a_lock(&events) || !passed(&report, Check::Replay), "{report}");
    let is_golden = pieces.len() == PIECES.len() && events.iter().eq(PIECES.iter().map(|piece| &piece.event));
    assert!(!is_golden || script.iter().any(|how| how % 6 == 5) || passed(&report, Check::Replay), "{report}");
}

fn passed(report: &Report, check: Check) -> bool {
    matches!(report.verdict(check).unwrap().outcome, Outcome::Passed { .. })
}

/// Makes an event that touches one of the versions of the golden log.
fn new_event(how: u8, what: u8) -> Option<(SecretId, Event)> {
    let mut versions: Vec<(SecretId, VersionId, DataKeyId)> = Vec::new();
    let mut locks: Vec<(SecretId, LockPlaced)> = Vec::new();
    for piece in PIECES.iter() {
        let Subject::Secret { id, .. } = piece.header.subject else { continue };
        if let Event::VersionAdded(event) = &piece.event {
            versions.push((id, event.version, event.sealed.data_key));
        }
        if let Event::LockPlaced(event) = &piece.event {
            locks.push((id, event.clone()));
        }
    }
    let (secret, version, data_key) = *versions.get(usize::from(what) % versions.len())?;
    if how == 3 || how % 12 == 3 {
        let cause = DestroyCause::Requested;
        return Some((secret, VersionDataDestroyed { version, data_key, cause }.into()));
    }
    let (of, placed) = locks.get(usize::from(what) % locks.len())?.clone();
    match what / 64 {
        0 => Some((secret, LockPlaced { version, ..placed }.into())),
        1 => Some((
            of,
            LockRemoved {
                version: placed.version,
                name: placed.lock.name,
                cause: LockRemoval::Requested,
                forced: true,
            }
            .into(),
        )),
        2 => Some((of, Event::from(placed))),
        _ => Some((secret, SecretDeleted { data_keys: [data_key].into() }.into())),
    }
}

/// Records pieces one after another under the golden key, each secret's revisions and each batch's indexes counted anew.
fn record(pieces: &[Piece]) -> (Vec<u8>, Vec<Event>) {
    let (mut end, mut framed, mut frontier) = (ChainEnd::genesis(&LOG), Vec::new(), Frontier::default());
    let mut revisions: BTreeMap<SecretId, Revision> = BTreeMap::new();
    let mut time = Timestamp::EPOCH;
    for batch in pieces.chunk_by(|one, next| one.batch == next.batch) {
        let bodies: Vec<_> = batch.iter().map(|piece| encode_event(&piece.event, &[5; 16]).unwrap()).collect();
        let new = batch.iter().zip(&bodies).map(|(piece, body)| {
            time = time.max(piece.header.time);
            let subject = match piece.header.subject {
                Subject::Store => Subject::Store,
                Subject::Secret { id, .. } => {
                    let revision = revisions.get(&id).map_or(Revision::FIRST, |revision| revision.next());
                    revisions.insert(id, revision);
                    Subject::Secret { id, revision }
                }
            };
            NewRecord {
                erasure: if piece.event.is_erasable() { Erasure::Allowed } else { Erasure::Never },
                event_type: piece.event.number(),
                schema: schema_of(&piece.event),
                subject,
                event_id: piece.header.event_id,
                time,
                context: &piece.context,
                body,
            }
        });
        let new: Vec<_> = new.collect();
        for head in end.append(&new, &mut framed).unwrap() {
            frontier.append(&head).unwrap();
        }
    }
    let keys: Vec<VerifierKey> = vec![signer().verifier_key().clone()];
    let header = ExportHeader::whole(LOG, keys, end.size.get());
    let mut writer = ExportWriter::begin(Vec::new(), &header).unwrap();
    frames(&framed).for_each(|raw| writer.write(&raw.unwrap()).unwrap());
    let checkpoint = Checkpoint { log_id: LOG, tree_head: frontier.tree_head() }.sign(&[&signer()]).unwrap();
    let events = pieces.iter().map(|piece| piece.event.clone()).collect();
    (writer.finish(&checkpoint, None).unwrap(), events)
}

/// Tells whether a version is destroyed while the events before say that a lock stands on it: a count of names, and nothing
/// of what the rules of the domain are made of.
fn touches_a_lock(events: &[Event]) -> bool {
    let mut locks: BTreeMap<VersionId, BTreeSet<LockName>> = BTreeMap::new();
    let mut keys: BTreeMap<DataKeyId, VersionId> = BTreeMap::new();
    for event in events {
        let is_locked = |version: &VersionId| locks.get(version).is_some_and(|names| !names.is_empty());
        if event.destroyed_data_keys().iter().filter_map(|key| keys.get(key)).any(is_locked) {
            return true;
        }
        match event {
            Event::VersionAdded(event) => _ = keys.insert(event.sealed.data_key, event.version),
            Event::VersionRegenerated(event) => _ = keys.insert(event.sealed.data_key, event.version),
            Event::LockPlaced(event) => {
                locks.entry(event.version).or_default().insert(event.lock.name.clone());
            }
            Event::LockRemoved(event) => _ = locks.entry(event.version).or_default().remove(&event.name),
            Event::LockExpired(event) => _ = locks.entry(event.version).or_default().remove(&event.name),
            _ => {}
        }
    }
    false
}
