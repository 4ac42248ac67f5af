//! Owns the reading of the golden values for tests: `tests/golden/log-v1.json`, made by another implementation.
//!
//! Never change the file: code that cannot reproduce one of its values has broken the format.

use serde_json::Value;

use super::checkpoint::{Checkpoint, SignedCheckpoint, origin};
use super::consistency::ConsistencyProof;
use super::hash::{Head, TreeHash, body_hash, context_hash, genesis, head};
use super::header::{Erasure, RecordHeader, Subject};
use super::inclusion::InclusionProof;
use super::proof::kept::Kept;
use super::record::RawRecord;
use super::signer::{NoteSigner, VerifierKey};
use super::tree::{Frontier, leaf};
use crate::domain::id::{EventId, LogId, SecretId};
use crate::domain::position::{Position, Revision};
use crate::domain::time::Timestamp;

pub(super) fn vectors() -> Value {
    serde_json::from_str(include_str!("../../tests/golden/log-v1.json")).unwrap()
}

pub(super) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap_or_else(|| panic!("no list {name}"))
}

pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no text {name}"))
}

pub(super) fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_else(|| panic!("no number {name}"))
}

pub(super) fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

pub(super) fn bytes(hex: &str) -> Vec<u8> {
    assert_eq!(hex.len() % 2, 0, "{hex}");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

pub(super) fn array<const N: usize>(hex: &str) -> [u8; N] {
    bytes(hex).try_into().unwrap()
}

pub(super) fn log_id() -> LogId {
    LogId::from_bytes(array(text(&vectors(), "log_id")))
}

/// The bytes of one golden record, and the chain value after it.
pub(super) struct Record {
    pub(super) header: Vec<u8>,
    pub(super) context: Vec<u8>,
    pub(super) body: Vec<u8>,
    pub(super) head: Head,
}

impl Record {
    pub(super) fn raw(&self) -> RawRecord<'_> {
        RawRecord::new(&self.header, &self.context, Some(&self.body)).unwrap()
    }
}

pub(super) fn records() -> Vec<Record> {
    let part = |record, name| bytes(text(record, name));
    list(&vectors(), "records")
        .iter()
        .map(|record| Record {
            header: part(record, "header"),
            context: part(record, "context"),
            body: part(record, "body"),
            head: Head::from_bytes(array(text(record, "head"))),
        })
        .collect()
}

/// Returns the header of a golden record, made from its single values.
fn header(record: &Value, head_before: Head) -> RecordHeader {
    let (context, body) = (bytes(text(record, "context")), bytes(text(record, "body")));
    RecordHeader {
        erasure: if number(record, "flags") == 0 { Erasure::Never } else { Erasure::Allowed },
        event_type: number(record, "type").try_into().unwrap(),
        schema: number(record, "schema").try_into().unwrap(),
        batch_index: number(record, "index").try_into().unwrap(),
        batch_count: number(record, "count").try_into().unwrap(),
        position: Position::new(number(record, "position")),
        subject: Subject::Secret {
            id: SecretId::from_bytes(array(text(record, "secret_id"))),
            revision: Revision::new(number(record, "revision")),
        },
        event_id: EventId::from_bytes(array(text(record, "event_id"))),
        time: Timestamp::from_nanos(number(record, "time")),
        context_bytes: context.len().try_into().unwrap(),
        body_bytes: body.len().try_into().unwrap(),
        head_before,
        context_hash: context_hash(&context),
        body_hash: body_hash(&body),
    }
}

#[test]
fn headers_and_chain_are_golden() {
    let vectors = vectors();
    let mut head_now = genesis(&log_id());
    assert_eq!(head_now.to_string(), text(&vectors, "head_before_0"));
    for record in list(&vectors, "records") {
        let header = header(record, head_now);
        assert_eq!(header.context_hash.to_string(), text(record, "context_hash"));
        assert_eq!(header.body_hash.to_string(), text(record, "body_hash"));
        let encoded = header.encode().unwrap();
        assert_eq!(encoded, array(text(record, "header")));
        assert_eq!(RecordHeader::decode(&encoded), Ok(header));
        head_now = head(&encoded);
        assert_eq!(head_now.to_string(), text(record, "head"));
    }
}

#[test]
fn leaves_roots_and_frontiers_are_golden() {
    let vectors = vectors();
    let mut frontier = Frontier::default();
    for (size, root) in texts(&vectors["roots"]).into_iter().enumerate() {
        if let Some(before) = size.checked_sub(1) {
            let record = &list(&vectors, "records")[before];
            let head = Head::from_bytes(array(text(record, "head")));
            assert_eq!(leaf(&head).to_string(), text(record, "leaf"));
            frontier.append(&head).unwrap();
        }
        let found: Vec<_> = frontier.hashes().iter().map(ToString::to_string).collect();
        assert_eq!(found, texts(&vectors["frontiers"][size]));
        assert_eq!(frontier.tree_head().root.to_string(), root);
        assert_eq!(frontier.size(), Position::new(size as u64));
    }
}

#[test]
fn proofs_are_golden() {
    let (vectors, kept) = (vectors(), Kept::new(records().iter().map(|record| record.head)));
    let position = |proof, name| Position::new(number(proof, name));
    let tree_head = |size: Position| &kept.tree_heads[usize::try_from(size.get()).unwrap()];
    let hashes = |found: &[TreeHash]| found.iter().map(ToString::to_string).collect::<Vec<_>>();
    for golden in list(&vectors, "inclusion") {
        let (index, size) = (position(golden, "index"), position(golden, "size"));
        let proof = InclusionProof::make(&kept, index, size).unwrap();
        assert_eq!(hashes(proof.hashes()), texts(&golden["proof"]));
        let head = kept.heads[usize::try_from(index.get()).unwrap()];
        assert_eq!(proof.verify(&head, index, tree_head(size)), Ok(()));
    }
    for golden in list(&vectors, "consistency") {
        let (first, second) = (position(golden, "first"), position(golden, "second"));
        let proof = ConsistencyProof::make(&kept, first, second).unwrap();
        assert_eq!(hashes(proof.hashes()), texts(&golden["proof"]));
        assert_eq!(proof.verify(tree_head(first), tree_head(second)), Ok(()));
    }
}

#[test]
fn the_checkpoint_is_golden() {
    let vectors = vectors();
    let golden = &vectors["checkpoint"];
    let signer = NoteSigner::new(&origin(&log_id()), &array(text(golden, "seed"))).unwrap();
    let known = VerifierKey::parse(text(golden, "vkey")).unwrap();
    assert_eq!(signer.verifier_key(), &known);
    assert_eq!(known.to_string(), text(golden, "vkey"));
    assert_eq!(known.public_key(), &array(text(golden, "public_key")));
    let kept = Kept::new(records().iter().map(|record| record.head));
    let checkpoint = Checkpoint { log_id: log_id(), tree_head: *kept.tree_heads.last().unwrap() };
    let opened = SignedCheckpoint::open(text(golden, "note"), &[known]).unwrap();
    assert_eq!(checkpoint.sign(&[&signer]), Ok(opened.clone()));
    assert_eq!(opened.note(), text(golden, "note"));
}

#[test]
fn no_golden_value_is_left_out() {
    let vectors = vectors();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let known = "log_id head_before_0 records contexts roots frontiers inclusion consistency checkpoint";
    assert_eq!(names(&vectors).join(" "), known);
    assert_eq!(names(&vectors["checkpoint"]).join(" "), "seed public_key vkey note");
    let known = "flags type schema index count position revision secret_id event_id time context body context_hash \
                 body_hash header head leaf";
    assert!(list(&vectors, "records").iter().all(|record| names(record).join(" ") == known));
}
