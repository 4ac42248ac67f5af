//! Cosignatures of witnesses under the checkpoint of an export.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};

use super::scenario::{Scenario, brought, joined, key};
use crate::audit::{Check, Conclusion, Outcome, Report, SignedBy, VerifyOptions, verify_event_proof, verify_export};
use crate::domain::position::Position;
use crate::ledger::{EventProof, WitnessKey, WitnessPolicy};

fn name(number: u8) -> String {
    format!("witness.example/w{number}")
}

fn key_id(number: u8) -> Vec<u8> {
    let public_key = SigningKey::from_bytes(&[number; 32]).verifying_key();
    let typed = [name(number).as_bytes(), b"\n\x04", public_key.as_bytes()].concat();
    Sha256::digest(typed)[..4].to_vec()
}

fn witness(number: u8) -> WitnessKey {
    let public_key = SigningKey::from_bytes(&[number; 32]).verifying_key();
    let id: String = key_id(number).iter().map(|byte| format!("{byte:02x}")).collect();
    let typed = STANDARD.encode([&[4], public_key.as_bytes().as_slice()].concat());
    WitnessKey::parse(&format!("{}+{id}+{typed}", name(number))).unwrap()
}

/// The line of a witness under a note, by hand.
fn line(number: u8, text: &str, secs: u64) -> String {
    let message = format!("cosignature/v1\ntime {secs}\n{text}");
    let signature = SigningKey::from_bytes(&[number; 32]).sign(message.as_bytes()).to_bytes();
    let bytes = [key_id(number), secs.to_be_bytes().to_vec(), signature.to_vec()].concat();
    format!("\u{2014} {} {}\n", name(number), STANDARD.encode(bytes))
}

/// The note of a scenario with lines of witnesses below, each over this text.
fn cosigned(log: &Scenario, by: &[(u8, u64)], extra: &str) -> String {
    let note = log.checkpoint(log.size(), 1).note().to_owned();
    let text = note.split_inclusive('\n').take(3).collect::<String>();
    let lines: String = by.iter().map(|(number, secs)| line(*number, &text, *secs)).collect();
    format!("{note}{lines}{extra}")
}

fn verify(note: &str, options: &VerifyOptions) -> Report {
    let mut lines = Scenario::small().lines();
    *lines.last_mut().unwrap() = serde_json::json!({ "checkpoint": note, "consistency": null }).to_string();
    verify_export(joined(&lines).as_slice(), options, |_| {})
}

fn options(witnesses: &[u8], policy: Option<&str>) -> VerifyOptions {
    let witnesses = witnesses.iter().map(|number| witness(*number)).collect();
    let policy = policy.map(|policy| WitnessPolicy::parse(policy.as_bytes()).unwrap());
    VerifyOptions { witnesses, policy, ..brought(&[1]) }
}

/// Gives the word for the check, and what the whole comes to.
fn word(report: &Report) -> (char, Conclusion) {
    let word = match &report.verdict(Check::Cosignatures).unwrap().outcome {
        Outcome::Passed { .. } => '+',
        Outcome::Failed { .. } => '!',
        Outcome::NotChecked { .. } => '?',
        Outcome::NotAsked { .. } => '.',
    };
    (word, report.conclusion())
}

const PASSED: (char, Conclusion) = ('+', Conclusion::Passed);
const MISSING: (char, Conclusion) = ('?', Conclusion::NotAllChecked);
const FAILED: (char, Conclusion) = ('!', Conclusion::Failed);

#[test]
fn cosignatures_count_for_those_who_know_the_witness() {
    let log = Scenario::small();
    let note = cosigned(&log, &[(2, 1_700_000_000), (3, 1_700_000_060)], "");
    assert_eq!(word(&verify(&note, &options(&[], None))), ('.', Conclusion::Passed));
    for given in [&[2][..], &[3], &[2, 3], &[2, 2]] {
        assert_eq!(word(&verify(&note, &options(given, None))), PASSED, "{given:?}");
    }
    assert_eq!(word(&verify(&note, &options(&[4], None))), MISSING);
    assert_eq!(word(&verify(&note, &options(&[2, 4], None))), MISSING);
    let report = verify(&note, &options(&[3], None));
    assert!(report.to_string().contains("the earliest at 2023-11-14T22:14:20Z"), "{report}");
    let by: Vec<_> = report.signatures.iter().map(|line| line.by).collect();
    assert!(matches!(by[..], [SignedBy::Log, SignedBy::Unknown, SignedBy::Witness { .. }]), "{by:?}");
    assert!(report.to_string().contains("signed by    witness.example/w2 "), "{report}");
    // Nobody's names get onto a screen as they are.
    let hostile = format!("\u{2014} evil\u{202e}\u{9b}2J {}\n", STANDARD.encode([7; 80])).replace('\u{9b}', "");
    let report = verify(&cosigned(&log, &[], &hostile), &options(&[], None));
    assert_eq!(report.signatures.last().unwrap().name, "evil\\u{202e}2J");
    assert!(report.to_string().is_ascii(), "{report}");
}

#[test]
fn a_wrong_cosignature_of_a_known_witness_fails() {
    let log = Scenario::small();
    let elsewhere = format!("latchkeep.log/{}\n9\nx\n", "07".repeat(16));
    let note = format!("{}{}", log.checkpoint(log.size(), 1).note(), line(2, &elsewhere, 5));
    assert_eq!(word(&verify(&note, &options(&[2], None))), FAILED);
    let any = format!("witness a {}\nwitness b {}\ngroup g any a b\nquorum g\n", witness(2), witness(3));
    assert_eq!(word(&verify(&note, &options(&[], Some(&any)))), FAILED);
    // To those who do not know it, it is nothing.
    assert_eq!(word(&verify(&note, &options(&[], None))), ('.', Conclusion::Passed));
    let short = format!("\u{2014} {} {}\n", name(2), STANDARD.encode([key_id(2), vec![0; 64]].concat()));
    assert_eq!(word(&verify(&cosigned(&log, &[], &short), &options(&[2], None))), FAILED);
}

#[test]
fn a_policy_requires_its_quorum() {
    let log = Scenario::small();
    let (one, two) = (cosigned(&log, &[(2, 1)], ""), cosigned(&log, &[(2, 1), (4, 9)], ""));
    let members: String = [2, 3, 4].iter().map(|number| format!("witness {number} {}\n", witness(*number))).collect();
    for (quorum, expected) in [
        ("group g 2 2 3 4\nquorum g\n", (FAILED, PASSED)),
        ("group g all 2 3 4\nquorum g\n", (FAILED, FAILED)),
        ("group g any 2 3 4\nquorum g\n", (PASSED, PASSED)),
        ("quorum 4\n", (FAILED, PASSED)),
        ("quorum none\n", (PASSED, PASSED)),
    ] {
        let options = options(&[], Some(&format!("{members}{quorum}")));
        assert_eq!((word(&verify(&one, &options)), word(&verify(&two, &options))), expected, "{quorum}");
    }
    let both = options(&[5], Some(&format!("{members}quorum 2\n")));
    assert_eq!(word(&verify(&one, &both)), MISSING);
}

#[test]
fn logs_of_a_policy_are_keys_that_were_brought() {
    let log = Scenario::small();
    let note = cosigned(&log, &[], "");
    let with = |policy: String| VerifyOptions { keys: Vec::new(), ..options(&[], Some(&policy)) };
    let signature = |report: &Report| match report.verdict(Check::Signature).unwrap().outcome {
        Outcome::Passed { .. } => '+',
        Outcome::Failed { .. } => '!',
        Outcome::NotChecked { .. } => '?',
        Outcome::NotAsked { .. } => '.',
    };
    assert_eq!(signature(&verify(&note, &with(format!("log {}\nquorum none\n", key(1))))), '+');
    assert_eq!(signature(&verify(&note, &with(format!("log {}\nquorum none\n", key(2))))), '!');
    assert_eq!(signature(&verify(&note, &with("quorum none\n".to_owned()))), '?');
}

#[test]
fn the_proof_of_an_event_is_held_to_witnesses_as_well() {
    let log = Scenario::small();
    let mut frame = Vec::new();
    log.raws()[3].frame(&mut frame);
    let proof = EventProof::new(Position::new(3), log.inclusion(3), &log.checkpoint(log.size(), 1), frame).unwrap();
    let note = log.checkpoint(log.size(), 1).note().to_owned();
    let text = proof.to_string().replace(&note, &cosigned(&log, &[(2, 1)], ""));
    let outcome = |options: &VerifyOptions| verify_event_proof(&text, options).unwrap().cosignatures;
    assert!(matches!(outcome(&options(&[], None)), Outcome::NotAsked { .. }));
    assert!(matches!(outcome(&options(&[2], None)), Outcome::Passed { .. }));
    assert!(matches!(outcome(&options(&[3], None)), Outcome::NotChecked { .. }));
    let policy = format!("witness 3 {}\nquorum 3\n", witness(3));
    assert!(matches!(outcome(&options(&[2], Some(&policy))), Outcome::Failed { .. }));
}
