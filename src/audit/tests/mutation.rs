//! Every line of a small export dropped, repeated, swapped, and changed in every byte.

use super::scenario::{Scenario, joined, verify, word};
use crate::audit::Report;

const SOUND: &str = "++++.+++";

/// A changed export is found out, or says the same in other bytes.
#[track_caller]
fn check(export: &[u8], original: &Report, what: &str) {
    let report = verify(export);
    if report.is_sound() {
        assert_eq!(word(&report), word(original), "{what}: sound, but not the same");
        assert_eq!((report.records, report.tree_head), (original.records, original.tree_head), "{what}");
    } else {
        assert!(report.first_fault().is_some());
    }
}

#[test]
fn lines_dropped_repeated_or_swapped_are_found() {
    let lines = Scenario::small().lines();
    let original = verify(&joined(&lines));
    assert_eq!(word(&original), SOUND);
    for at in 0..lines.len() {
        let mut dropped = lines.clone();
        dropped.remove(at);
        assert!(!verify(&joined(&dropped)).is_sound(), "line {at} dropped");
        let mut repeated = lines.clone();
        repeated.insert(at, lines[at].clone());
        assert!(!verify(&joined(&repeated)).is_sound(), "line {at} repeated");
        for other in 0..at {
            let mut swapped = lines.clone();
            swapped.swap(at, other);
            assert!(!verify(&joined(&swapped)).is_sound(), "lines {at} and {other} swapped");
        }
    }
}

#[test]
fn an_export_cut_anywhere_is_found() {
    let export = Scenario::small().export();
    for end in (0..export.len()).step_by(37).chain([export.len() - 1]) {
        assert!(!verify(&export[..end]).is_sound(), "cut at {end}");
    }
}

#[test]
fn a_changed_byte_is_found_or_changes_nothing() {
    let scenario = Scenario::small();
    let export = scenario.export();
    let original = verify(&export);
    for at in 0..export.len() {
        // Each bit in turn; all of them at every byte would take minutes.
        let mut changed = export.clone();
        changed[at] ^= 1 << (at % 8);
        check(&changed, &original, &format!("byte {at}"));
    }
}

#[test]
fn other_words_for_the_same_are_taken() {
    let lines = Scenario::small().lines();
    let original = verify(&joined(&lines));
    let mut spaced = lines.clone();
    for line in &mut spaced {
        *line = line.replace("\",\"", "\" , \"").replace("latchkeep.", "latchkeep\\u002e");
    }
    let report = verify(&joined(&spaced));
    assert_eq!((word(&report), report.tree_head), (word(&original), original.tree_head), "{report}");
    let turned = lines.iter().map(|line| {
        let value: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        serde_json::Value::Object(value.into_iter().rev().collect()).to_string()
    });
    let report = verify(&joined(&turned.collect::<Vec<_>>()));
    assert_eq!((word(&report), report.tree_head), (word(&original), original.tree_head), "{report}");
}
