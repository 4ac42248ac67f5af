//! Keys, checkpoints and consistency.

use super::scenario::{LOG, Scenario, failure, joined, key, signer, verify, word};
use crate::audit::{Check, Conclusion, Outcome, Report, VerifyOptions, verify_export};
use crate::domain::id::LogId;
use crate::ledger::{Checkpoint, NoteSigner, VerifierKey, origin};

fn verify_with(export: &[u8], earlier: Option<&str>, keys: &[VerifierKey]) -> Report {
    let options = VerifyOptions {
        earlier: earlier.map(str::to_owned).into_iter().collect(),
        keys: keys.to_vec(),
        ..VerifyOptions::default()
    };
    verify_export(export, &options, |_| {})
}

/// Puts another note into the last line.
fn with_note(scenario: &Scenario, note: &str) -> Vec<u8> {
    let mut lines = scenario.lines();
    *lines.last_mut().unwrap() = serde_json::json!({"checkpoint": note, "consistency": null}).to_string();
    joined(&lines)
}

#[test]
fn keys_of_the_export_itself_are_named_as_such() {
    let export = Scenario::small().export();
    let given = verify_with(&export, None, &[key(1)]);
    assert_eq!((word(&given).as_str(), given.is_sound()), ("++++.+++", true));
    assert_eq!(
        given.verdict(Check::Signature).unwrap().outcome,
        Outcome::Passed { found: "by a key that was given".to_owned() }
    );
    // Whoever made all of it up has signed it as well.
    let alone = verify_with(&export, None, &[]);
    assert_eq!((word(&alone).as_str(), alone.is_sound()), ("?++?.+++", false));
    assert_eq!(alone.conclusion(), Conclusion::NotAllChecked);
    assert!(alone.to_string().contains("anybody could have made both"), "{alone}");
    assert!(alone.to_string().ends_with("no check failed, but not all could be checked"), "{alone}");
}

#[test]
fn keys_that_do_not_match_fail_the_signature_alone() {
    let export = Scenario::small().export();
    let report = verify_with(&export, None, &[key(2)]);
    assert_eq!(word(&report), "?++!.+++");
    let elsewhere = NoteSigner::new(&origin(&LogId::from_bytes([8; 16])), &[1; 32]).unwrap();
    let report = verify_with(&export, None, &[elsewhere.verifier_key().clone()]);
    assert_eq!(failure(&report, Check::Signature).1, "note is not signed by a known key");
}

#[test]
fn a_checkpoint_of_another_log_fails() {
    let scenario = Scenario::small();
    let other = LogId::from_bytes([8; 16]);
    let signer = NoteSigner::new(&origin(&other), &[1; 32]).unwrap();
    let tree_head = scenario.frontier(scenario.size()).tree_head();
    let note = Checkpoint { log_id: other, tree_head }.sign(&[&signer]).unwrap();
    let export = with_note(&scenario, note.note());
    let report = verify_with(&export, None, &[signer.verifier_key().clone()]);
    assert_eq!(word(&report), "?+!!.+++");
    assert_eq!(failure(&report, Check::Tree).1, "the checkpoint is of another log");
    assert_eq!(failure(&report, Check::Signature).1, "the checkpoint is of another log");
}

#[test]
fn a_checkpoint_of_another_size_or_root_fails() {
    let scenario = Scenario::small();
    let shorter = scenario.checkpoint(scenario.size() - 1, 1);
    assert_eq!(word(&verify(&with_note(&scenario, shorter.note()))), "++!+.+++");
    let mut tree_head = scenario.frontier(scenario.size()).tree_head();
    tree_head.root = scenario.frontier(1).tree_head().root;
    let other = Checkpoint { log_id: LOG, tree_head }.sign(&[&signer(1)]).unwrap();
    let report = verify(&with_note(&scenario, other.note()));
    assert_eq!(failure(&report, Check::Tree).1, "the records do not give the root of the checkpoint");
}

#[test]
fn notes_with_control_characters_fail() {
    let scenario = Scenario::small();
    let note = scenario.checkpoint(scenario.size(), 1).note().to_owned();
    for hostile in [note.replace('\n', "\r\n"), note.replacen('\n', "\u{1b}[2J\n", 1), note.replacen('\n', "\0\n", 1)] {
        let report = verify(&with_note(&scenario, &hostile));
        assert_eq!(word(&report), "++!!.+++");
        assert_eq!(failure(&report, Check::Signature).1, "note has a control character");
        assert!(report.to_string().chars().all(|char| char == '\n' || !char.is_control()), "{report}");
    }
    for none in ["", "\n\n", "text\n\n\u{2014} name AAAA\n", &"\n".repeat(60_000)] {
        assert_eq!(word(&verify(&with_note(&scenario, none))), "++!!.+++");
    }
}

#[test]
fn an_earlier_checkpoint_of_this_log_is_extended() {
    let scenario = Scenario::small();
    for size in 0..=scenario.size() {
        let earlier = scenario.checkpoint(size, 1);
        for export in [scenario.export(), scenario.export_as(0, Some(size), &[])] {
            let report = verify_with(&export, Some(earlier.note()), &[key(1)]);
            // Each log extends the empty one, so that shows nothing.
            assert_eq!(word(&report), if size == 0 { "++++?+++" } else { "++++++++" }, "{report}");
        }
    }
}

#[test]
fn a_slice_needs_the_proof_when_the_earlier_checkpoint_lies_before_it() {
    let scenario = Scenario::small();
    for size in 1..=scenario.size() {
        let earlier = scenario.checkpoint(size, 1);
        for first in 0..scenario.size() {
            let with = verify_with(&scenario.export_as(first, Some(size), &[]), Some(earlier.note()), &[key(1)]);
            assert!(with.first_fault().is_none(), "{with}");
            let without = verify_with(&scenario.export_as(first, None, &[]), Some(earlier.note()), &[key(1)]);
            assert!(without.first_fault().is_none(), "{without}");
            let consistency = &without.verdict(Check::Consistency).unwrap().outcome;
            let is_seen = matches!(consistency, Outcome::Passed { .. });
            let is_unseen = matches!(consistency, Outcome::NotChecked { .. });
            assert_eq!((is_seen, is_unseen), (first <= size, first > size), "{without}");
        }
    }
}

#[test]
fn a_fork_is_found() {
    let mut one = Scenario::small();
    let mut two = one.clone();
    one.secret(crate::domain::secret::SecretSpec::Kv, "one");
    two.secret(crate::domain::secret::SecretSpec::Kv, "two");
    let earlier = one.checkpoint(one.size(), 1);
    two.secret(crate::domain::secret::SecretSpec::Kv, "three");
    for from in [None, Some(one.size())] {
        let report = verify_with(&two.export_as(0, from, &[]), Some(earlier.note()), &[key(1)]);
        assert_eq!(word(&report), "++++!+++");
        assert!(failure(&report, Check::Consistency).1.contains("forked or rewritten"));
    }
    let slice = two.export_as(two.size() - 1, Some(one.size()), &[]);
    let report = verify_with(&slice, Some(earlier.note()), &[key(1)]);
    assert_eq!(failure(&report, Check::Consistency).1, "proof does not lead to the root");
}

#[test]
fn a_log_that_was_rolled_back_is_found() {
    let mut scenario = Scenario::small();
    let export = scenario.export();
    scenario.secret(crate::domain::secret::SecretSpec::Kv, "later");
    let earlier = scenario.checkpoint(scenario.size(), 1);
    let report = verify_with(&export, Some(earlier.note()), &[key(1)]);
    assert!(failure(&report, Check::Consistency).1.starts_with("the earlier log had "));
}

#[test]
fn an_earlier_checkpoint_that_cannot_be_trusted_fails() {
    let scenario = Scenario::small();
    let export = scenario.export();
    let signed = scenario.checkpoint(3, 2).note().to_owned();
    let elsewhere = scenario.checkpoint(3, 1).note().replace("0707", "0708");
    for earlier in ["", "text", &signed, &elsewhere] {
        let report = verify_with(&export, Some(earlier), &[key(1)]);
        assert_eq!(word(&report), "++++!+++");
        assert!(failure(&report, Check::Consistency).1.starts_with("the earlier checkpoint "));
    }
}

#[test]
fn proofs_of_the_wrong_shape_fail() {
    let scenario = Scenario::small();
    let earlier = scenario.checkpoint(3, 1);
    let hash = scenario.frontier(1).tree_head().root.to_base64();
    let verify = |consistency: serde_json::Value| {
        let mut lines = scenario.lines();
        let note = scenario.checkpoint(scenario.size(), 1).note().to_owned();
        *lines.last_mut().unwrap() = serde_json::json!({"checkpoint": note, "consistency": consistency}).to_string();
        word(&verify_with(&joined(&lines), Some(earlier.note()), &[key(1)]))
    };
    for hashes in [0, 1, 9, 65] {
        assert_eq!(verify(serde_json::json!({"from": 3, "proof": vec![&hash; hashes]})), "++++!+++");
    }
    for unreadable in [
        serde_json::json!({"from": 3, "proof": vec![&hash; 66]}),
        serde_json::json!({"from": 3, "proof": ["AAAA"]}),
        serde_json::json!({"from": -3, "proof": []}),
        serde_json::json!({"from": 3}),
        serde_json::json!([]),
    ] {
        assert_eq!(verify(unreadable), "!???????");
    }
}
