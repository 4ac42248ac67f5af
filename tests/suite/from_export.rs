//! Stores made from an export: the log and all that it tells, none of the data, and locks that still stand.

use std::io::Cursor;
use std::ops::ControlFlow;

use latchkeep::audit::{ExportHeader, ExportWriter, VerifyOptions, verify_export};
use latchkeep::ledger::{Frontier, genesis, head};
use latchkeep::{
    ApiKeyUse, Change, Error, KeySlotKind, PassphraseCost, Position, SecretChanges, Store, StoreOptions, Unlock,
    VersionData, VersionRef,
};

use crate::support::{Home, api_key, arbitrary, lock, lock_name, next, refused, session, sound, text, unlock};
use crate::walk::sound_log;

const CURRENT: VersionRef = VersionRef::Current;

fn export(store: &Store) -> Vec<u8> {
    let mut export = Vec::new();
    store.export(&mut export, latchkeep::ExportOptions::default(), |_| {}).unwrap();
    export
}

/// Options for a store beside the one of a home, which another key opens.
fn beside(home: &Home) -> StoreOptions {
    StoreOptions::new(home.dir.path().join("replayed"), unlock(9)).clock(home.clock.clone())
}

fn replay(home: &Home, export: &[u8]) -> Result<Store, Error> {
    beside(home).create_from_export(Cursor::new(export), &VerifyOptions::default(), |_| {}).map(|(store, _)| store)
}

#[test]
fn the_log_comes_back_and_the_data_does_not() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    ops.place_lock(id, CURRENT, lock("billing")).unwrap();
    ops.rotate(id, next("two")).unwrap();
    let gone = arbitrary(&ops, "gone", "gone");
    ops.destroy_data(gone, CURRENT).unwrap();
    let fresh = api_key(&ops, "fresh", ApiKeyUse::FreshPerRead, 3_600);
    ops.roll_epoch(|_| {}).unwrap();
    ops.add_key_slot(&unlock(7), &Unlock::passphrase(text("correct horse")), PassphraseCost::FLOOR).unwrap();
    let size = store.status().unwrap().log_size;
    let replayed = replay(&home, &export(&store)).unwrap();
    assert_eq!(replayed.tree_head_at(size).unwrap(), store.tree_head_at(size).unwrap());
    assert_eq!(replayed.lock_status(id).unwrap().locks_total(), 1);
    let status = replayed.status().unwrap();
    assert_eq!((status.tally.versions_available, status.tally.secrets), (0, 3));
    assert_eq!(status.key_slots, [(2, KeySlotKind::HostBytes)], "its log tells what opens it");
    assert_eq!(status.epochs, [2]);
    assert!(status.quarantine.is_some_and(|restored| !restored.with_data));
    sound(&replayed);
    sound_log(&replayed);
    let ops = session(&replayed);
    let error = refused(ops.read(id, CURRENT), "version_data_unavailable");
    assert!(error.to_string().contains("made from an export"), "{error}");
    refused(ops.read(gone, CURRENT), "version_data_destroyed");
    refused(ops.place_lock(id, CURRENT, lock("new")), "version_data_unavailable");
    refused(ops.read(fresh, CURRENT), "store_quarantined");
    ops.end_quarantine().unwrap();
    // The lock on version 1 stands, and so it is still in the way when that version would go.
    refused(ops.rotate(id, next("three")), "secret_version_locked");
    ops.remove_lock(id, VersionRef::Previous, lock_name("billing")).unwrap();
    ops.rotate(id, next("three")).unwrap();
    assert_eq!(ops.read(id, CURRENT).unwrap().text().unwrap(), "three");
    ops.read(fresh, CURRENT).unwrap();
    let again = export(&replayed);
    assert!(verify_export(again.as_slice(), &VerifyOptions::default(), |_| {}).first_fault().is_none());
    replayed.close().unwrap();
    let replayed = beside(&home).open().unwrap();
    assert_eq!(session(&replayed).read(id, CURRENT).unwrap().text().unwrap(), "three");
    assert!(matches!(replayed.secret(id).unwrap().versions[0].data, VersionData::Unavailable { .. }));
    sound(&replayed);
}

#[test]
fn a_store_made_from_an_export_keeps_its_state_over_saved_rows_and_further_copies() {
    let home = Home::new();
    let store = home.create();
    let id = arbitrary(&session(&store), "token", "one");
    let expires = Change::Set((home.in_secs(60)).into());
    session(&store).update(id, SecretChanges { expires, ..Default::default() }).unwrap();
    let replayed = replay(&home, &export(&store)).unwrap();
    let ops = session(&replayed);
    ops.end_quarantine().unwrap();
    let new = arbitrary(&ops, "new", "new");
    // Enough records for a close to write saved state.
    for _ in 0..1_100 {
        ops.place_lock(new, CURRENT, lock("job")).unwrap();
    }
    let before = replayed.secrets();
    replayed.close().unwrap();
    let replayed = beside(&home).open().unwrap();
    assert!(replayed.status().unwrap().replayed_at_open < 100, "saved rows were used");
    assert_eq!(replayed.secrets(), before);
    sound(&replayed);
    home.advance_secs(3_600);
    replayed.settle().unwrap();
    sound(&replayed);
    let copy = crate::backup::backup(&replayed);
    let options = StoreOptions::in_memory(unlock(9)).clock(home.clock.clone());
    let (copied, _) = options.restore(Cursor::new(copy), &unlock(99), |_| {}).unwrap();
    assert_eq!(copied.secrets(), replayed.secrets());
    assert_eq!(session(&copied).read(new, CURRENT).unwrap().text().unwrap(), "new");
    refused(session(&copied).read(id, CURRENT), "version_data_unavailable");
    sound(&copied);
}

#[test]
fn a_full_set_of_key_slots_gives_way() {
    let home = Home::new();
    let store = home.create();
    for number in 0..7 {
        session(&store).add_key_slot(&unlock(7), &unlock(20 + number), PassphraseCost::FLOOR).unwrap();
    }
    let replayed = replay(&home, &export(&store)).unwrap();
    assert_eq!(replayed.status().unwrap().key_slots, [(0, KeySlotKind::HostBytes)]);
    replayed.close().unwrap();
    sound_log(&beside(&home).open().unwrap());
}

#[test]
fn an_export_that_is_not_sound_or_not_whole_makes_no_store() {
    let home = Home::new();
    let store = home.create();
    let id = arbitrary(&session(&store), "token", "one");
    session(&store).place_lock(id, CURRENT, lock("billing")).unwrap();
    let export = String::from_utf8(export(&store)).unwrap();
    let without: String =
        export.lines().filter(|line| !line.contains("LockPlaced")).map(|line| format!("{line}\n")).collect();
    let cut: String = export.lines().take(3).map(|line| format!("{line}\n")).collect();
    for bad in [without.as_str(), cut.as_str(), "", "no export\n"] {
        let error = replay(&home, bad.as_bytes()).unwrap_err();
        assert_eq!(error.code(), "export_unsound", "{error}");
    }
    let mut other_key = VerifyOptions::default();
    other_key.keys = Home::new().create().verifier_keys().unwrap().into_values().collect();
    let made = beside(&home).create_from_export(Cursor::new(export.as_bytes()), &other_key, |_| {});
    assert_eq!(made.unwrap_err().code(), "export_unsound");
    assert!(!home.dir.path().join("replayed").exists());
    assert_eq!(
        home.options()
            .create_from_export(Cursor::new(export.as_bytes()), &VerifyOptions::default(), |_| {})
            .unwrap_err()
            .code(),
        "store_exists"
    );
    // White space between the fields is free.
    let loose = export.replacen("{\"specversion\"", "{ \"specversion\"", 2);
    assert_eq!(replay(&home, loose.as_bytes()).unwrap().log_id(), store.log_id());
}

/// A slice is sound, but half a log makes no store.
#[test]
fn a_slice_of_a_log_makes_no_store() {
    let home = Home::new();
    let store = home.create();
    let id = arbitrary(&session(&store), "token", "one");
    session(&store).place_lock(id, CURRENT, lock("billing")).unwrap();
    let (mut tree, mut head_before, mut frames) = (Frontier::default(), genesis(&store.log_id()), Vec::new());
    store
        .for_each_raw_record(Position::FIRST, |raw| {
            if raw.header().position.get() < 2 {
                head_before = head(raw.header_bytes());
                tree.append(&head_before).unwrap();
            } else {
                raw.frame(&mut frames);
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    let vkeys = store.verifier_keys().unwrap().into_values().collect();
    let count = store.status().unwrap().log_size.get() - 2;
    let header = ExportHeader { log_id: store.log_id(), vkeys, count, head_before, frontier: tree };
    let mut writer = ExportWriter::begin(Vec::new(), &header).unwrap();
    latchkeep::ledger::frames(&frames).for_each(|raw| writer.write(&raw.unwrap()).unwrap());
    let slice = writer.finish(&store.checkpoint().unwrap(), None).unwrap();
    assert!(verify_export(slice.as_slice(), &VerifyOptions::default(), |_| {}).first_fault().is_none());
    let error = replay(&home, &slice).unwrap_err();
    assert!(error.code() == "export_unsound" && error.to_string().contains("a slice"), "{error}");
    assert!(!home.dir.path().join("replayed").exists() && !home.dir.path().join("replayed.new").exists());
}
