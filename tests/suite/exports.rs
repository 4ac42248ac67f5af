//! Exports of the log: all of it and slices, verified without the store.

use latchkeep::audit::{Check, Conclusion, Report, VerifyOptions, verify_export};
use latchkeep::ledger::{SignedCheckpoint, VerifierKey};
use latchkeep::{ExportOptions, Position, Store, VersionRef};

use crate::support::{Home, arbitrary, lock, session};

fn export(store: &Store, from: u64, to: u64, earlier: Option<u64>) -> Vec<u8> {
    let mut options = ExportOptions::default().from(Position::new(from)).to(Position::new(to));
    if let Some(earlier) = earlier {
        options = options.earlier(Position::new(earlier));
    }
    let mut out = Vec::new();
    store.export(&mut out, options, |_| {}).unwrap();
    out
}

fn verify(export: &[u8], keys: &[VerifierKey], earlier: Option<&SignedCheckpoint>) -> Report {
    let mut options = VerifyOptions::default();
    options.keys = keys.to_vec();
    options.earlier = earlier.map(|checkpoint| checkpoint.note().to_owned()).into_iter().collect();
    verify_export(export, &options, |_| {})
}

/// A store whose log has several commits and more than two blocks of the stored tree.
fn long(home: &Home) -> Store {
    let store = home.create();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    while store.status().unwrap().log_size.get() < 300 {
        ops.place_lock(id, VersionRef::Current, lock("billing")).unwrap();
    }
    store.close().unwrap();
    home.open()
}

#[test]
fn every_slice_verifies_alone_under_the_key_of_the_log() {
    let home = Home::new();
    let store = long(&home);
    let keys: Vec<_> = store.verifier_keys().unwrap().into_values().collect();
    let size = store.status().unwrap().log_size.get();
    // Around the bounds of stored subtrees, of powers of two, and of the log.
    let sizes = [0, 1, 2, 3, 4, 7, 64, 127, 128, 129, 255, 256, 257, size - 1, size];
    for from in sizes {
        // The first two records, and the two that made the secret, are batches.
        for to in sizes.into_iter().filter(|to| *to >= from && ![1, 3].contains(to)) {
            let report = verify(&export(&store, from, to, None), &keys, None);
            assert!(report.first_fault().is_none(), "{from}..{to}: {report}");
            assert_eq!(report.records, to - from, "{from}..{to}");
            let expected = store.tree_head_at(Position::new(to)).unwrap();
            assert_eq!(report.tree_head, expected, "{from}..{to}");
        }
    }
}

#[test]
fn slices_that_abut_are_tied_together_by_the_checkpoint_between_them() {
    let home = Home::new();
    let store = long(&home);
    let keys: Vec<_> = store.verifier_keys().unwrap().into_values().collect();
    let size = store.status().unwrap().log_size.get();
    let mut earlier = store.checkpoint_at(Position::new(0)).unwrap().unwrap();
    let mut records = 0;
    for (from, to) in [(0, 5), (5, 5), (5, 128), (128, 200), (200, size)] {
        // The tree at its beginning is in the header of a slice: no proof is needed.
        for proof in [None, Some(from)] {
            let report = verify(&export(&store, from, to, proof), &keys, Some(&earlier));
            assert!(report.first_fault().is_none(), "{from}..{to}: {report}");
            records += if proof.is_none() { report.records } else { 0 };
        }
        earlier = store.checkpoint_at(Position::new(to)).unwrap().unwrap();
    }
    assert_eq!(records, size);
    // A slice that leaves something out between needs the proof, and has it when it was asked for.
    let gap = store.checkpoint_at(Position::new(100)).unwrap().unwrap();
    let unseen = verify(&export(&store, 200, size, None), &keys, Some(&gap));
    assert!(unseen.first_fault().is_none() && unseen.conclusion() == Conclusion::NotAllChecked, "{unseen}");
    assert!(unseen.to_string().contains("no proof from size 100"), "{unseen}");
    assert!(verify(&export(&store, 200, size, Some(100)), &keys, Some(&gap)).first_fault().is_none());
}

#[test]
fn parts_that_there_are_not_are_refused_before_anything_is_written() {
    let home = Home::new();
    let store = long(&home);
    let size = store.status().unwrap().log_size;
    let all = ExportOptions::default();
    let at = Position::new;
    for (options, why) in [
        (all.from(at(9)).to(at(8)), "begins at 9, which lies after its end, 8"),
        (all.from(size.next()), "which lies after its end"),
        (all.to(size.next()), "but the log has"),
        (all.from(at(1)).to(at(u64::MAX)), "but the log has"),
        (all.to(at(1)), "inside the batch of 0 up to 2"),
        (all.from(at(3)).to(at(3)), "inside the batch of 2 up to 4"),
        (all.to(at(8)).earlier(at(9)), "which lies before the earlier checkpoint, of 9"),
    ] {
        let mut out = Vec::new();
        let error = store.export(&mut out, options, |_| {}).unwrap_err();
        assert_eq!(error.code(), "invalid_parameter");
        assert!(error.to_string().contains(why), "{error}");
        assert!(out.is_empty());
    }
}

#[test]
fn a_changed_slice_is_found() {
    let home = Home::new();
    let store = long(&home);
    let keys: Vec<_> = store.verifier_keys().unwrap().into_values().collect();
    let slice = String::from_utf8(export(&store, 100, 140, None)).unwrap();
    let lines: Vec<&str> = slice.lines().collect();
    let mut swapped = lines.clone();
    swapped.swap(3, 4);
    let mut shorter = lines.clone();
    shorter.remove(20);
    let other = String::from_utf8(export(&store, 101, 141, None)).unwrap();
    let mut moved = lines.clone();
    moved[0] = other.lines().next().unwrap();
    for changed in [swapped, shorter, moved] {
        let report = verify(format!("{}\n", changed.join("\n")).as_bytes(), &keys, None);
        assert!(report.first_fault().is_some(), "{report}");
    }
}

#[test]
fn a_changed_key_is_vouched_for_by_the_checkpoint_of_the_old_one() {
    let home = Home::new();
    let store = home.create();
    let old: Vec<_> = store.verifier_keys().unwrap().into_values().collect();
    let change = session(&store).change_signing_key().unwrap().position;
    arbitrary(&session(&store), "token", "one");
    let size = store.status().unwrap().log_size.get();
    let covering = store.checkpoint_at(change.next()).unwrap().unwrap();
    for from in [0, change.get()] {
        let whole = export(&store, from, size, None);
        assert!(verify(&whole, &old, None).first_fault().is_some(), "nobody vouches for the new key");
        let report = verify(&whole, &old, Some(&covering));
        assert!(report.first_fault().is_none(), "{report}");
        let newest: Vec<_> = store.verifier_keys().unwrap().into_values().next_back().into_iter().collect();
        // The whole log shows which key the earlier checkpoint needs; a slice does not.
        let report = verify(&whole, &newest, Some(&covering));
        assert!(report.first_fault().is_none(), "{report}");
        let is_missing = report.to_string().contains("the key that signed it has to be given too");
        assert_eq!((is_missing, report.is_sound()), (from > 0, from == 0), "{report}");
    }
}

/// An export was once held to the largest checkpoint of a file alone: one of a fork, smaller than a true one, went unseen.
#[test]
fn an_export_is_held_to_every_checkpoint_that_was_kept() {
    let home = Home::new();
    let store = long(&home);
    let keys: Vec<_> = store.verifier_keys().unwrap().into_values().collect();
    let size = store.status().unwrap().log_size.get();
    let note = |size: u64| store.checkpoint_at(Position::new(size)).unwrap().unwrap().note().to_owned();
    let held_to = |export: &[u8], notes: &[String]| {
        let mut options = VerifyOptions::default();
        (options.keys, options.earlier) = (keys.clone(), notes.to_vec());
        verify_export(export, &options, |_| {})
    };
    let whole = export(&store, 0, size, None);
    let notes = [note(200), note(5), note(size), note(128), note(5)];
    let report = held_to(&whole, &notes);
    assert!(report.is_sound() && report.to_string().contains("of 5 earlier checkpoints"), "{report}");
    // The same size under the same key, of another log: signed by whoever had the key, or never.
    let forged = note(5).replacen("\n5\n", "\n6\n", 1);
    let report = held_to(&whole, &[note(200), forged, note(size)]);
    assert_eq!(report.first_fault().map(|verdict| verdict.check), Some(Check::Consistency), "{report}");
    let slice = export(&store, 128, size, Some(5));
    assert!(held_to(&slice, &[note(5), note(128), note(200)]).first_fault().is_none());
    let report = held_to(&slice, &[note(5), note(7), note(200)]);
    assert_eq!(report.conclusion(), Conclusion::NotAllChecked, "{report}");
    assert!(report.first_fault().is_none() && report.to_string().contains("no proof from size 7"), "{report}");
}
