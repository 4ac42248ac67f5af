//! The proof of one event, with its record in it.

use super::scenario::{Scenario, brought};
use crate::audit::{ProvedEventError, verify_event_proof};
use crate::domain::position::Position;
use crate::ledger::{EventProof, EventProofError, ProofError};

fn proof(log: &Scenario, position: u64, record: impl FnOnce(Vec<u8>) -> Vec<u8>) -> String {
    let mut frame = Vec::new();
    log.raws()[usize::try_from(position).unwrap()].frame(&mut frame);
    let checkpoint = log.checkpoint(log.size(), 1);
    EventProof::new(Position::new(position), log.inclusion(position), &checkpoint, record(frame)).unwrap().to_string()
}

#[test]
fn each_event_is_proved_and_shown() {
    let log = Scenario::small();
    let lines = log.lines();
    for position in 0..log.size() {
        let proved = verify_event_proof(&proof(&log, position, |frame| frame), &brought(&[1])).unwrap();
        assert_eq!((proved.header.position.get(), proved.is_readable), (position, true));
        assert_eq!(proved.checkpoint.tree_head, log.frontier(log.size()).tree_head());
        assert!(matches!(proved.cosignatures, crate::audit::Outcome::NotAsked { .. }));
        assert_eq!(proved.cloud_event, lines[usize::try_from(position).unwrap() + 1]);
    }
}

#[test]
fn a_record_that_is_not_the_proved_one_is_told() {
    let log = Scenario::small();
    let check = |text: String, keys: &[u8], expected: ProvedEventError| {
        assert_eq!(verify_event_proof(&text, &brought(keys)), Err(expected));
    };
    let frame = |position: usize| {
        let mut frame = Vec::new();
        log.raws()[position].frame(&mut frame);
        frame
    };
    check(proof(&log, 3, |_| Vec::new()), &[1], ProvedEventError::Record);
    check(proof(&log, 3, |record| [record.clone(), record].concat()), &[1], ProvedEventError::Record);
    check(proof(&log, 3, |record| record[..record.len() - 1].to_vec()), &[1], ProvedEventError::Record);
    check(proof(&log, 3, |_| frame(4)), &[1], ProvedEventError::Position);
    let flipped = |at_end: usize| {
        proof(&log, 3, |mut record| {
            let at = record.len() - 1 - at_end;
            record[at] ^= 1;
            record
        })
    };
    check(flipped(0), &[1], ProvedEventError::Content);
    let body = log.raws()[3].body().unwrap().len();
    check(flipped(body), &[1], ProvedEventError::Content);
    // The header: right in itself, but of another record.
    let root = ProvedEventError::Proof(EventProofError::Inclusion(ProofError::Root));
    check(flipped(body + log.raws()[3].context().len() + 80), &[1], root);
    let text = proof(&log, 3, |record| record);
    assert!(verify_event_proof(&text, &brought(&[2])).is_err());
    assert!(verify_event_proof(&text, &brought(&[])).is_err());
}

#[test]
fn a_body_that_was_erased_is_no_hindrance() {
    let log = Scenario::small();
    let text = proof(&log, 1, |_| {
        let mut frame = Vec::new();
        log.raws()[1].erased().unwrap().frame(&mut frame);
        frame
    });
    let proved = verify_event_proof(&text, &brought(&[1])).unwrap();
    assert!(proved.cloud_event.contains("\"lkbody\":null"), "{}", proved.cloud_event);
}
