//! What the store shows to outsiders: checkpoints, proofs of events and of extension, and what an open is held to.

use latchkeep::audit::{VerifyOptions, verify_export};
use latchkeep::ledger::{Head, RawRecord, SignedCheckpoint, VerifierKey};
use latchkeep::{
    AnchorPace, CheckpointAnchor, ExportOptions, FileAnchor, LineAnchor, LogEntry, NewData, Position, Store, VersionRef,
};

use std::time::Duration;

use crate::support::{Home, arbitrary, lock, refused, session, text};

fn keys(store: &Store) -> Vec<VerifierKey> {
    store.verifier_keys().unwrap().into_values().collect()
}

/// The chain values after each record, as an outsider would take them from an export.
fn heads(store: &Store) -> Vec<Head> {
    let mut heads = Vec::new();
    store
        .for_each_raw_record(Position::FIRST, |raw: &RawRecord<'_>| {
            heads.push(latchkeep::ledger::head(raw.header_bytes()));
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    heads
}

#[test]
fn each_event_is_proved_and_each_size_extends_the_one_before() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    // More than one block of 128 leaves, so that stored subtrees and leaves from the log both take part.
    for _ in 0..150 {
        ops.place_lock(id, VersionRef::Current, lock("billing")).unwrap();
    }
    store.close().unwrap();
    let store = home.open();
    let (keys, heads) = (keys(&store), heads(&store));
    let size = Position::new(heads.len() as u64);
    for (index, head) in heads.iter().enumerate() {
        let index = Position::new(index as u64);
        let proof = store.prove_event(index).unwrap();
        let checkpoint = proof.verify(head, &keys).unwrap();
        assert_eq!(checkpoint.checkpoint().tree_head.size, size);
        let mut brought = VerifyOptions::default();
        brought.keys.clone_from(&keys);
        let proved = latchkeep::audit::verify_event_proof(&proof.to_string(), &brought).unwrap();
        assert!(proved.is_readable);
        assert_eq!((proved.header.position, *checkpoint.checkpoint()), (index, proved.checkpoint));
        let other = heads[(index.get() as usize + 1) % heads.len()];
        assert!(proof.verify(&other, &keys).is_err(), "a proof of {index} holds for another record");
    }
    let last = store.tree_head_at(size).unwrap().unwrap();
    for earlier in 0..=size.get() {
        let earlier = store.tree_head_at(Position::new(earlier)).unwrap().unwrap();
        let past = store.prove_consistency(earlier.size, size.next()).unwrap_err();
        assert_eq!(past.code(), "invalid_parameter", "{past}");
        let proof = store.prove_consistency(earlier.size, size).unwrap();
        proof.verify(&earlier, &last).unwrap();
    }
    assert_eq!(store.tree_head_at(size.next()).unwrap(), None);
    assert!(store.prove_event(size).is_err());
}

#[test]
fn an_open_is_held_to_a_checkpoint_that_was_kept_elsewhere() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    let early = store.checkpoint().unwrap();
    store.close().unwrap();
    let kept = home.dir.path().join("copy");
    copy(&home.path(), &kept);

    let store = home.options().expecting_checkpoint(early.note()).open().unwrap();
    session(&store).rotate(id, NewData::arbitrary(text("two")).unwrap()).unwrap();
    let late = store.checkpoint().unwrap();
    store.close().unwrap();

    // The copy from before: an attacker puts it back.
    std::fs::rename(home.path(), home.dir.path().join("newer")).unwrap();
    copy(&kept, &home.path());
    refused(home.options().expecting_checkpoint(late.note()).open(), "rolled_back");

    // The same store goes on in another way.
    let store = home.options().expecting_checkpoint(early.note()).open().unwrap();
    for _ in 0..4 {
        session(&store).place_lock(id, VersionRef::Current, lock("billing")).unwrap();
    }
    store.close().unwrap();
    refused(home.options().expecting_checkpoint(late.note()).open(), "forked");

    let other = Home::new();
    let foreign = other.create().checkpoint().unwrap();
    assert!(home.options().expecting_checkpoint(foreign.note()).open().is_err());
    assert!(home.options().expecting_checkpoint("no note").open().is_err());
    home.open();
}

#[test]
fn a_new_signing_key_is_covered_by_a_checkpoint_of_the_old_one() {
    let home = Home::new();
    let store = home.create();
    let old = keys(&store);
    let receipt = session(&store).change_signing_key().unwrap();
    arbitrary(&session(&store), "token", "one");
    let both = keys(&store);
    assert_eq!((old.len(), both.len()), (1, 2));
    let covering = store.checkpoint_at(receipt.position.next()).unwrap().unwrap();
    assert!(SignedCheckpoint::open(covering.note(), &old).is_ok());
    let now = store.checkpoint().unwrap();
    assert!(SignedCheckpoint::open(now.note(), &old).is_err(), "the old key signs what came after the change");
    assert_eq!(SignedCheckpoint::open(now.note(), &both).unwrap().signed_by(), &both[1..]);
    store.close().unwrap();
    home.options().expecting_checkpoint(now.note()).open().unwrap();
    let mut seen = Vec::new();
    home.open()
        .for_each_record(Position::FIRST, |entry| {
            if let LogEntry::Known(record) = entry {
                seen.push(record.event.label());
            }
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(seen[..3], ["StoreCreated", "SigningKeySet", "SigningKeySet"]);
}

#[test]
fn anchors_get_checkpoints_by_records_at_close_and_in_silence() {
    struct Channel(std::sync::mpsc::SyncSender<SignedCheckpoint>);
    impl CheckpointAnchor for Channel {
        fn take(&self, checkpoint: &SignedCheckpoint) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            Ok(self.0.send(checkpoint.clone())?)
        }
    }
    let home = Home::new();
    let file = home.dir.path().join("checkpoints");
    let (send, taken) = std::sync::mpsc::sync_channel(64);
    let moment = Duration::from_millis(1);
    let never = Duration::from_secs(3_600);
    let pace = AnchorPace { records: 3, interval: never, heartbeat: moment, ..AnchorPace::default() };
    let store =
        home.options().anchoring(Channel(send)).anchoring(FileAnchor::new(&file)).anchor_pace(pace).create().unwrap();
    arbitrary(&session(&store), "token", "one");
    let first = taken.recv().unwrap();
    assert_eq!(first.checkpoint().tree_head.size.get(), 4);
    let beat = taken.recv().unwrap();
    assert!(beat.checkpoint().tree_head.size > first.checkpoint().tree_head.size, "silence is signed");
    drop(taken);
    let id = store.secrets()[0].id;
    session(&store).place_lock(id, VersionRef::Current, lock("billing")).unwrap();
    let keys = keys(&store);
    store.close().unwrap();
    let notes = std::fs::read_to_string(&file).unwrap();
    let note = notes.split("\n\n").next().unwrap();
    let body = notes.split("\n\n").nth(1).unwrap();
    assert!(SignedCheckpoint::open(&format!("{note}\n\n{body}\n"), &keys).is_ok(), "{notes}");
}

#[test]
fn a_line_for_each_checkpoint_holds_its_whole_note() {
    struct Lines(std::sync::mpsc::Sender<Vec<u8>>);
    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(std::io::Error::other)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let home = Home::new();
    let (send, taken) = std::sync::mpsc::channel();
    let store = home.options().anchoring(LineAnchor::new(Lines(send))).create().unwrap();
    arbitrary(&session(&store), "token", "one");
    let expected = store.checkpoint().unwrap();
    store.close().unwrap();
    let line = String::from_utf8(taken.try_iter().flatten().collect()).unwrap();
    assert_eq!((line.lines().count(), line.ends_with('\n')), (1, true), "{line}");
    let object: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(object["checkpoint"], expected.note());
    assert_eq!(object["size"], 4);
    home.options().expecting_checkpoint(object["checkpoint"].as_str().unwrap()).open().unwrap();
}

#[test]
fn an_export_is_sound_and_a_changed_one_is_not() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "canary-in-an-export");
    let earlier = store.checkpoint().unwrap();
    ops.place_lock(id, VersionRef::Current, lock("billing")).unwrap();
    refused(ops.delete(id), "secret_version_locked");
    ops.rotate(id, NewData::arbitrary(text("canary-in-an-export")).unwrap()).unwrap();
    ops.change_signing_key().unwrap();
    let mut export = Vec::new();
    let options = ExportOptions::default().earlier(earlier.checkpoint().tree_head.size);
    store.export(&mut export, options, |_| {}).unwrap();
    let shown = String::from_utf8(export.clone()).unwrap();
    assert!(!shown.contains("canary-in-an-export"));
    let mut options = VerifyOptions::default();
    options.keys = keys(&store);
    options.earlier = vec![earlier.note().to_owned()];
    let report = verify_export(export.as_slice(), &options, |_| {});
    assert!(report.is_sound(), "{report}");
    // The lock is made to look as if it had never been: every verdict but the structure has something to say.
    let without: String =
        shown.lines().filter(|line| !line.contains("LockPlaced")).map(|line| format!("{line}\n")).collect();
    let report = verify_export(without.as_bytes(), &options, |_| {});
    assert!(!report.is_sound(), "{report}");
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Past the end is no damage.
#[test]
fn what_is_asked_for_past_the_end_is_invalid() {
    let home = Home::new();
    let store = home.create();
    arbitrary(&session(&store), "token", "one");
    let size = store.status().unwrap().log_size;
    let errors = [
        store.prove_consistency(Position::new(1), size.next()).unwrap_err(),
        store.prove_consistency(size.next(), size.next()).unwrap_err(),
        store.prove_consistency(size, Position::new(1)).unwrap_err(),
        store.prove_consistency(Position::new(u64::MAX), Position::new(u64::MAX)).unwrap_err(),
        store.prove_event(size).unwrap_err(),
        store.prove_event(Position::new(u64::MAX)).unwrap_err(),
        store.export(Vec::new(), ExportOptions::default().from(size.next()), |_| {}).unwrap_err(),
        store.export(Vec::new(), ExportOptions::default().to(size.next()), |_| {}).unwrap_err(),
        store.export(Vec::new(), ExportOptions::default().earlier(size.next()), |_| {}).unwrap_err(),
    ];
    for error in errors {
        assert_eq!((error.kind(), error.code()), (&latchkeep::ErrorKind::Invalid, "invalid_parameter"), "{error}");
    }
    assert!(store.prove_consistency(size, size).is_ok());
    assert_eq!(store.tree_head_at(size.next()).unwrap(), None);
    assert!(store.checkpoint_at(size.next()).unwrap().is_none());
}
