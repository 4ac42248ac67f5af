//! Owns the target on exports: any file ends in verdicts, and none but the golden log is sound under the golden key.

use crate::audit::{AsOf, Check, Conclusion, VerifyOptions, replay_export, verify_export};
use crate::ledger::{Checkpoint, VerifierKey};

const GOLDEN: &str = include_str!("../../tests/golden/export-1.jsonl");

pub fn export(bytes: &[u8]) {
    let options = VerifyOptions { keys: vec![key()], ..VerifyOptions::default() };
    let report = verify_export(bytes, &options, |_| {});
    assert_eq!(report.verdicts.len(), Check::ALL.len());
    assert_eq!(report.conclusion() == Conclusion::Failed, report.first_fault().is_some());
    assert!(!serde_json::to_string(&report).unwrap().is_empty() && !report.to_string().contains('\x1b'));
    if report.is_sound() {
        // The key signed one checkpoint only.
        assert_eq!(report.tree_head, Some(signed().tree_head));
    }
    let _ = replay_export(bytes, &VerifyOptions::default(), AsOf::End, |_| {});
}

fn key() -> VerifierKey {
    let header: serde_json::Value = serde_json::from_str(GOLDEN.lines().next().unwrap()).unwrap();
    VerifierKey::parse(header["vkeys"][0].as_str().unwrap()).unwrap()
}

fn signed() -> Checkpoint {
    let last: serde_json::Value = serde_json::from_str(GOLDEN.lines().last().unwrap()).unwrap();
    Checkpoint::read_unverified(last["checkpoint"].as_str().unwrap()).unwrap()
}
