//! Keys that change in the log: which one counts where, and who vouches for it.

use super::scenario::{LOG, Scenario, brought, failure, key, word};
use crate::audit::{Check, ExportHeader, ExportWriter, Outcome, Report, VerifyOptions, verify_export};
use crate::domain::event::{Event, SigningKeySet};
use crate::domain::id::LogId;
use crate::domain::position::Position;
use crate::domain::secret::SecretSpec;
use crate::ledger::{NoteSigner, VerifierKey, origin};

/// A log whose keys 1, 2 and 3 were set one after another, with something before and after each change.
struct Changes {
    log: Scenario,
    /// The records that set the keys.
    set_at: [u64; 3],
}

fn set(log: &mut Scenario, number: u32, verifier_key: &VerifierKey) -> u64 {
    let event = SigningKeySet { number, verifier_key: verifier_key.to_string().into() };
    log.append(vec![(None, Event::from(event))]);
    log.size() - 1
}

impl Changes {
    fn new() -> Self {
        let mut log = Scenario::new();
        let set_at = [1, 2, 3].map(|number| {
            let at = set(&mut log, u32::from(number), &key(number));
            log.secret(SecretSpec::Kv, &format!("secret-{number}"));
            at
        });
        Self { log, set_at }
    }

    /// The export from a position on, which names these keys, under the signature of one.
    fn export(&self, first: u64, vkeys: &[u8], signed_by: u8) -> Vec<u8> {
        export(&self.log, first, None, vkeys, signed_by)
    }

    fn size(&self) -> u64 {
        self.log.size()
    }
}

fn export(log: &Scenario, first: u64, from: Option<u64>, vkeys: &[u8], signed_by: u8) -> Vec<u8> {
    let header = ExportHeader { vkeys: vkeys.iter().map(|number| key(*number)).collect(), ..log.header(first) };
    let mut writer = ExportWriter::begin(Vec::new(), &header).unwrap();
    log.raws()[usize::try_from(first).unwrap()..].iter().for_each(|raw| writer.write(raw).unwrap());
    let proof = from.map(|from| (Position::new(from), log.proof(from)));
    let proof = proof.as_ref().map(|(from, proof)| (*from, proof));
    writer.finish(&log.checkpoint(log.size(), signed_by), proof).unwrap()
}

/// Verifies with brought keys, and with an earlier checkpoint of a size under a key.
fn verify_by(export: &[u8], log: &Scenario, keys: &[u8], earlier: Option<(u64, u8)>) -> Report {
    let keys = keys.iter().map(|number| key(*number)).collect();
    let earlier =
        earlier.map(|(size, signed_by)| log.checkpoint(size, signed_by).note().to_owned()).into_iter().collect();
    verify_export(export, &VerifyOptions { earlier, keys, ..VerifyOptions::default() }, |_| {})
}

fn signed(report: &Report) -> &str {
    match &report.verdict(Check::Signature).unwrap().outcome {
        Outcome::Passed { found } => found,
        other => panic!("{other:?}\n{report}"),
    }
}

#[test]
fn each_size_counts_under_the_key_in_force_there_alone() {
    let mut log = Scenario::new();
    let mut in_force = 1;
    let check = |log: &Scenario, in_force: u8| {
        for signed_by in 1..=3 {
            let set: Vec<u8> = (1..).take(log.state.whole.signing_keys.len()).collect();
            let report = verify_by(&export(log, 0, None, &set, signed_by), log, &[1, 2, 3], None);
            let expected = if signed_by == in_force { "++++.+++" } else { "+++!.+++" };
            assert_eq!(word(&report), expected, "size {}, key {signed_by}: {report}", log.size());
        }
    };
    set(&mut log, 1, &key(1));
    for number in 2..=3 {
        check(&log, in_force);
        log.secret(SecretSpec::Kv, &format!("secret-{number}"));
        set(&mut log, u32::from(number), &key(number));
        // The change itself is covered by the key before it.
        check(&log, in_force);
        log.secret(SecretSpec::Kv, &format!("more-{number}"));
        in_force = number;
        check(&log, in_force);
    }
}

#[test]
fn what_is_signed_by_another_key_of_the_log_is_told() {
    let changes = Changes::new();
    let (log, [_, _, last]) = (&changes.log, changes.set_at);
    let by = |signed_by, keys: &[u8]| {
        let report = verify_by(&changes.export(0, &[1, 2, 3], signed_by), log, keys, None);
        assert_eq!(word(&report), "+++!.+++");
        failure(&report, Check::Signature).1.to_owned()
    };
    let size = changes.size();
    // An old key signs what came after the change, also for somebody who trusts it.
    for keys in [&[2][..], &[1, 2, 3]] {
        let expected = format!(
            "it is signed by a key that was not in force at size {size}: the record at position {last} set the one that was"
        );
        assert_eq!(by(2, keys), expected);
    }
    // Nobody knows the key at all.
    let expected =
        format!("it is not signed by the key in force at size {size}, which the record at position {last} set");
    assert_eq!(by(9, &[3]), expected);
}

#[test]
fn a_new_key_needs_somebody_who_vouches_for_it() {
    let changes = Changes::new();
    let (log, [_, second, third]) = (&changes.log, changes.set_at);
    let export = changes.export(0, &[1, 2, 3], 3);
    assert_eq!(signed(&verify_by(&export, log, &[3], None)), "by a key that was given");
    assert_eq!(signed(&verify_by(&export, log, &[1, 3], None)), "by a key that was given");
    for keys in [&[1][..], &[2], &[1, 2], &[9]] {
        let report = verify_by(&export, log, keys, None);
        let (_, why) = failure(&report, Check::Signature);
        assert!(why.contains("no given key vouches"), "{why}");
        assert!(why.ends_with(&format!("the one of size {}", third + 1)), "{why}");
    }
    // The key before it signed the change.
    let report = verify_by(&export, log, &[2], Some((third + 1, 2)));
    assert_eq!(word(&report), "++++++++", "{report}");
    assert!(signed(&report).contains("signed the earlier checkpoint, which covers that record"), "{report}");
    // Checkpoints that do not cover the change, and one whose own key nobody vouches for.
    for (keys, earlier) in
        [(&[2][..], (third, 2)), (&[2], (second + 2, 2)), (&[1], (third + 1, 2)), (&[1], (second + 1, 1))]
    {
        let report = verify_by(&export, log, keys, Some(earlier));
        failure(&report, Check::Signature);
    }
}

#[test]
fn a_trusted_end_vouches_for_the_keys_before_it() {
    let changes = Changes::new();
    let (log, [_, second, _]) = (&changes.log, changes.set_at);
    let export = changes.export(0, &[1, 2, 3], 3);
    for earlier in [(2, 1), (second + 1, 1), (second + 2, 2)] {
        let report = verify_by(&export, log, &[3], Some(earlier));
        assert_eq!(word(&report), "++++++++", "{earlier:?}: {report}");
    }
    for (earlier, why) in [((second + 1, 2), "not in force"), ((second + 2, 1), "not signed by the key in force")] {
        let report = verify_by(&export, log, &[2, 3], Some(earlier));
        assert_eq!(word(&report), "++++!+++", "{earlier:?}: {report}");
        assert!(failure(&report, Check::Consistency).1.contains(why), "{report}");
    }
}

#[test]
fn a_checkpoint_of_another_history_vouches_for_nothing() {
    let mut log = Scenario::new();
    set(&mut log, 1, &key(1));
    let mut forged = log.clone();
    let at = set(&mut log, 2, &key(2));
    set(&mut forged, 2, &key(9));
    forged.secret(SecretSpec::Kv, "forged");
    let genuine = log.checkpoint(at + 1, 1).note().to_owned();
    let options = VerifyOptions { earlier: vec![genuine], ..brought(&[1]) };
    for from in [None, Some(at + 1)] {
        let report = verify_export(export(&forged, 0, from, &[1, 9], 9).as_slice(), &options, |_| {});
        assert_eq!(word(&report), "+++!!+++", "{report}");
    }
}

#[test]
fn slices_begin_before_and_after_changes() {
    let changes = Changes::new();
    let (log, [_, second, third], size) = (&changes.log, changes.set_at, changes.size());
    // After the last change: whoever verifies knows which key that was. Of the others that the header names nothing shows
    // whether they were set before the slice.
    let after = changes.export(third + 1, &[1, 2, 3], 3);
    assert_eq!(word(&verify_by(&after, log, &[], None)), "?++?.++?");
    assert_eq!(word(&verify_by(&after, log, &[3], None)), "?+++.++?");
    assert_eq!(word(&verify_by(&after, log, &[2], None)), "?++!.++?");
    // Before it: the slice shows the change itself.
    let around = changes.export(third, &[1, 2, 3], 3);
    assert_eq!(word(&verify_by(&around, log, &[3], None)), "?+++.++?");
    assert_eq!(word(&verify_by(&around, log, &[2], None)), "?++!.++?");
    assert_eq!(word(&verify_by(&around, log, &[2], Some((third + 1, 2)))), "?++++++?");
    assert_eq!(word(&verify_by(&changes.export(third, &[1, 2, 3], 2), log, &[2, 3], None)), "?++!.++?");
    // A key that the slice sets counts for nothing before.
    let with_proof = export(log, third, Some(second + 1), &[1, 2, 3], 3);
    assert_eq!(word(&verify_by(&with_proof, log, &[1, 3], Some((second + 1, 1)))), "?++++++?");
    let report = verify_by(&with_proof, log, &[1, 3], Some((second + 1, 3)));
    assert!(failure(&report, Check::Consistency).1.contains("but was set later"), "{report}");
    // The first key counts before its own record too.
    let report = verify_by(&changes.export(1, &[1, 2, 3], 3), log, &[3], Some((1, 1)));
    assert_eq!(word(&report), "+++++++?", "{report}");
    // An earlier checkpoint under a key from before the slice counts if that key was given too.
    let proved = export(log, size - 1, Some(second + 1), &[1, 2, 3], 3);
    assert_eq!(word(&verify_by(&proved, log, &[1, 3], Some((second + 1, 1)))), "?++++++?");
    let report = verify_by(&proved, log, &[3], Some((second + 1, 1)));
    assert_eq!(word(&report), "?+++?++?");
    assert!(report.to_string().contains("the key that signed it has to be given too"), "{report}");
    // One that the slice contradicts is wrong, whoever signed it.
    let mut other = Scenario::new();
    for number in 0..size {
        other.secret(SecretSpec::Kv, &format!("other-{number}"));
    }
    let earlier = vec![other.checkpoint(second + 1, 1).note().to_owned()];
    let report = verify_export(&*proved, &VerifyOptions { earlier, ..brought(&[3]) }, |_| {});
    assert_eq!(word(&report), "?+++!++?");
}

#[test]
fn keys_of_another_log_and_texts_that_are_none_count_for_nothing() {
    let elsewhere = NoteSigner::new(&origin(&LogId::from_bytes([8; 16])), &[2; 32]).unwrap();
    for text in [elsewhere.verifier_key().to_string(), "no key".to_owned(), String::new()] {
        let mut log = Scenario::new();
        set(&mut log, 1, &key(1));
        let event = SigningKeySet { number: 2, verifier_key: text.into() };
        log.append(vec![(None, Event::from(event))]);
        log.secret(SecretSpec::Kv, "after");
        for signed_by in [1, 2] {
            let report = verify_by(&export(&log, 0, None, &[1, 2], signed_by), &log, &[1, 2], None);
            assert_eq!(failure(&report, Check::Signature).1, "the record at position 2 sets a key that cannot be read");
        }
    }
    assert_ne!(LogId::from_bytes([8; 16]), LOG);
}

#[test]
fn a_change_that_a_later_release_writes_hides_the_key() {
    let mut log = Scenario::new();
    set(&mut log, 1, &key(1));
    log.disguise = Some((8, 2));
    set(&mut log, 2, &key(2));
    log.disguise = None;
    log.secret(SecretSpec::Kv, "after");
    let report = verify_by(&export(&log, 0, None, &[1, 2], 1), &log, &[1], None);
    assert_eq!(failure(&report, Check::Signature).1, "the record at position 2 sets a key that cannot be read");
}

#[test]
fn many_changes_cost_no_memory_beyond_the_replay() {
    let mut log = Scenario::new();
    for number in 1..=200 {
        set(&mut log, number, &key(u8::try_from(number).unwrap()));
    }
    log.secret(SecretSpec::Kv, "after");
    let report = verify_by(&export(&log, 0, None, &(137..=200).collect::<Vec<_>>(), 200), &log, &[200], None);
    assert_eq!(word(&report), "++++.+++", "{report}");
}
