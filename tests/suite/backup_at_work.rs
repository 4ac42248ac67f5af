//! Backups of a store that goes on working: all of one position, whatever goes meanwhile.

use std::io::Cursor;
use std::sync::atomic::{AtomicBool, Ordering};

use latchkeep::{
    BackupProgress, BackupReport, BackupTrust, PassphraseCost, Store, StoreOptions, VersionRef, verify_backup,
    verify_backup_against,
};

use crate::backup::{backup, key, restore};
use crate::support::{Home, arbitrary, next, refused, session, sound, unlock};
use crate::walk::sound_log;

const CURRENT: VersionRef = VersionRef::Current;

/// Stops the writers when the test ends, however it does.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_backup_of_a_store_at_work_is_of_one_position() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let ids: Vec<_> = (0..24).map(|number| arbitrary(&ops, &format!("secret-{number}"), "0")).collect();
    let (done, mut rounds) = (AtomicBool::new(false), 0);
    std::thread::scope(|scope| {
        for (worker, ids) in ids.chunks(8).enumerate() {
            let (store, ops, done) = (&store, session(&store), &done);
            scope.spawn(move || {
                for round in 0.. {
                    for id in ids.iter().filter(|_| !done.load(Ordering::Relaxed)) {
                        // The value says at which revision it was put.
                        let revision = store.secret(*id).unwrap().revision.get();
                        ops.rotate(*id, next(&(revision + 1).to_string())).unwrap();
                    }
                    if worker == 0 && round % 3 == 0 {
                        ops.roll_epoch(|_| {}).unwrap();
                    }
                    if done.load(Ordering::Relaxed) {
                        return;
                    }
                }
            });
        }
        let _stop = Stop(&done);
        // Until some of them met data that was just being destroyed.
        for taken in 0..12 {
            if taken >= 8 && rounds >= taken + 4 {
                break;
            }
            let restored = StoreOptions::in_memory(unlock(7)).clock(home.clock.clone());
            let mut file = Vec::new();
            let progress = |progress| match progress {
                BackupProgress::CopyingData { done, total } if done == total => rounds += 1,
                _ => {}
            };
            store.backup(&mut file, &key(), progress).unwrap();
            let (restored, report) = restored.restore(Cursor::new(file), &key(), |_| {}).unwrap();
            check_of_one_position(&restored, &report);
        }
    });
    sound(&store);
}

#[test]
fn a_secret_that_is_rotated_without_a_pause_holds_no_backup_up() {
    let home = Home::new();
    let store = home.create();
    let id = arbitrary(&session(&store), "hot", "0");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let revision = store.secret(id).unwrap().revision.get();
                session(&store).rotate(id, next(&(revision + 1).to_string())).unwrap();
            }
        });
        let _stop = Stop(&done);
        for _ in 0..20 {
            let restored = StoreOptions::in_memory(unlock(7)).clock(home.clock.clone());
            let (restored, report) = restored.restore(Cursor::new(backup(&store)), &key(), |_| {}).unwrap();
            check_of_one_position(&restored, &report);
        }
    });
}

/// Every version with data reads, and as what the log says.
fn check_of_one_position(restored: &Store, report: &BackupReport) {
    sound(restored);
    sound_log(restored);
    assert_eq!(restored.status().unwrap().tally.versions_available, report.versions);
    for secret in restored.secrets() {
        for version in secret.versions.iter().filter(|version| version.is_available()) {
            let read = session(restored).read(secret.id, VersionRef::Id(version.id)).unwrap();
            let value: u64 = read.text().unwrap().parse().unwrap();
            assert!(value < secret.revision.get() + 1 && (version.number.get() == 1) == (value == 0));
        }
    }
}

/// An output at which something happens when so many chunks were written.
struct Meanwhile<'a> {
    written: Vec<u8>,
    chunks: u32,
    happens: &'a mut dyn FnMut(u32),
}

impl std::io::Write for Meanwhile<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        (self.happens)(self.chunks);
        self.chunks += 1;
        self.written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn data_and_keys_that_go_while_a_backup_streams_are_all_gone_or_all_there() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let large: Vec<_> =
        (0..4).map(|number| arbitrary(&ops, &format!("large-{number}"), &"x".repeat(200_000))).collect();
    let (last, kept) = (arbitrary(&ops, "last", "last"), arbitrary(&ops, "kept", "kept"));
    ops.add_key_slot(&unlock(7), &unlock(8), PassphraseCost::FLOOR).unwrap();
    let mut happens = |chunk| match chunk {
        // What was copied, what is being copied and what is to be copied: all of it changes.
        2 => drop((ops.delete(last).unwrap(), ops.destroy_data(large[0], CURRENT).unwrap())),
        4 => drop((ops.roll_epoch(|_| {}).unwrap(), ops.remove_key_slot(1).unwrap())),
        6 => drop(ops.rotate(large[3], next(&"y".repeat(100_000))).unwrap()),
        8 => drop((ops.rotate(large[3], next("z")).unwrap(), ops.change_signing_key().unwrap())),
        _ => {}
    };
    let mut out = Meanwhile { written: Vec::new(), chunks: 0, happens: &mut happens };
    let report = store.backup(&mut out, &key(), |_| {}).unwrap();
    let file = out.written;
    let trust = store.verifier_keys().unwrap().into_values().fold(BackupTrust::default(), BackupTrust::key);
    assert_eq!(verify_backup_against(file.as_slice(), &key(), &trust, |_| {}).unwrap(), report);
    let restored = restore(&home, &file);
    sound(&restored);
    sound_log(&restored);
    assert_eq!(session(&restored).read(kept, CURRENT).unwrap().text().unwrap(), "kept");
    refused(session(&restored).read(large[0], CURRENT), "version_data_destroyed");
    assert_eq!(restored.status().unwrap().epochs, [2]);
    assert_eq!(restored.status().unwrap().key_slots.len(), 1);
    arbitrary(&session(&restored), "new", "sealed under the epoch in force");
    let same_size = store.tree_head_at(report.log_size).unwrap().unwrap();
    assert!(report.checkpoint.contains(&same_size.root.to_base64()));
}

/// Run by hand: `cargo test --release --test suite backup_at_work -- --ignored --nocapture`.
#[test]
#[ignore = "measures; means something in release only"]
fn what_a_backup_and_a_restore_take() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let secrets = 100_000_u32;
    let new = |number: u32| {
        let name = crate::support::name(&format!("secret-{number}"));
        latchkeep::Command::create(
            latchkeep::NewSecret::arbitrary(name, crate::support::text(&"x".repeat(100))).unwrap(),
        )
    };
    for parcel in (0..secrets).collect::<Vec<_>>().chunks(512) {
        let pending: Vec<_> = parcel.iter().map(|number| ops.submit(new(*number)).unwrap()).collect();
        pending.into_iter().for_each(|pending| drop(pending.wait().unwrap()));
    }
    let path = home.dir.path().join("backup");
    let timed = |what: &str, work: &mut dyn FnMut()| {
        let start = std::time::Instant::now();
        work();
        println!("{what}: {:?}", start.elapsed());
    };
    let file = std::fs::File::create(&path).unwrap();
    timed("backup", &mut || drop(store.backup(&file, &key(), |_| {}).unwrap()));
    println!("{} bytes, {} records", file.metadata().unwrap().len(), store.status().unwrap().log_size);
    let open = || std::fs::File::open(&path).unwrap();
    timed("verify", &mut || drop(verify_backup(open(), &key(), |_| {}).unwrap()));
    let beside = StoreOptions::new(home.dir.path().join("restored"), unlock(7)).clock(home.clock.clone());
    let (mut options, mut restored) = (Some(beside), None);
    timed("restore", &mut || {
        restored = options.take().map(|options| options.restore(open(), &key(), |_| {}).unwrap().0);
    });
    sound(&restored.unwrap());
}
