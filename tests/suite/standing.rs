//! Where secrets stand with their rotations, and who would be hit: as status and impact tell it.

use std::time::Duration;

use latchkeep::{
    AccessAudit, Actor, Interval, IntervalUnit, LockName, ManualClock, NewData, NewLock, NewSecret, PasswordPolicy,
    RotationPolicy, RotationStanding, RotationWorker, SecretBytes, SecretName, StoreOptions, Timestamp, Unlock,
    Username, VersionRef, WorkerOptions,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[test]
fn a_rotation_that_a_lock_refuses_is_blocked_since_it_was_due() {
    let began = Timestamp::parse("2026-11-23T12:00:00Z").unwrap();
    let clock = ManualClock::at(began);
    let unlock = Unlock::bytes(SecretBytes::copy_from(&[7; 32]));
    let store = StoreOptions::in_memory(unlock).clock(clock.clone()).create().unwrap();
    let ops = store.acting_as(Actor::parse("ops").unwrap());
    let policy = RotationPolicy::every(Interval::new(30, IntervalUnit::Day).unwrap());
    let name = SecretName::parse("db-admin").unwrap();
    let new = NewSecret::generated_password(name, Username::parse("admin").unwrap(), PasswordPolicy::default());
    let id = ops.create(new.rotating(policy)).unwrap().secret.unwrap();
    ops.rotate(id, NewData::generated()).unwrap();
    let standing = |at| store.secret(id).unwrap().rotation_standing(store.status().unwrap().settings, at);
    let due_at = began.plus(30 * DAY);
    assert!(matches!(standing(began), Some(RotationStanding::Scheduled { at }) if at >= due_at));
    assert_eq!(store.status().unwrap().rotations, Default::default());

    let lock = NewLock::new(LockName::parse("billing").unwrap());
    ops.place_lock(id, VersionRef::Previous, lock).unwrap();
    clock.advance(31 * DAY);
    assert_eq!(store.status().unwrap().rotations.due.secrets, 1);
    RotationWorker::new(&store, WorkerOptions::new()).run_due().unwrap();
    let counts = store.status().unwrap().rotations;
    assert_eq!((counts.blocked.secrets, counts.due.secrets, counts.open.secrets), (1, 0, 0));
    let since = counts.blocked.since.unwrap();
    assert!(since >= due_at && since < due_at.plus(DAY), "{since}");

    let impact = store.impact(id).unwrap();
    let rotation = impact.rotation.unwrap();
    assert_eq!((rotation.locks.len(), rotation.versions.len(), impact.deletion.versions.len()), (1, 1, 2));
    assert!(impact.readers.is_empty());

    ops.remove_lock(id, VersionRef::Previous, LockName::parse("billing").unwrap()).unwrap();
    assert_eq!(store.status().unwrap().rotations.blocked.secrets, 0);
    clock.advance(2 * DAY);
    assert_eq!(store.status().unwrap().rotations.due.secrets, 1);
    RotationWorker::new(&store, WorkerOptions::new()).run_due().unwrap();
    assert_eq!(store.status().unwrap().rotations, Default::default());
    assert_eq!(store.secret(id).unwrap().current().unwrap().number.get(), 3);
}

/// Who read what of late: in which order, and which reads count.
#[test]
fn readers_of_late_are_told_the_last_one_first_each_with_its_version() {
    let clock = ManualClock::at(Timestamp::parse("2026-11-23T12:00:00Z").unwrap());
    let unlock = Unlock::bytes(SecretBytes::copy_from(&[7; 32]));
    let options = StoreOptions::in_memory(unlock).clock(clock.clone()).access_audit(AccessAudit::Strict);
    let store = options.create().unwrap();
    let acting_as = |name: &str| store.acting_as(Actor::parse(name).unwrap());
    let new =
        |name: &str| NewSecret::arbitrary(SecretName::parse(name).unwrap(), SecretBytes::copy_from(b"one")).unwrap();
    let ops = acting_as("ops");
    let (id, other) =
        (ops.create(new("token")).unwrap().secret.unwrap(), ops.create(new("other")).unwrap().secret.unwrap());
    ops.rotate(id, NewData::arbitrary(SecretBytes::copy_from(b"two")).unwrap()).unwrap();
    assert_eq!(store.impact(id).unwrap().readers, []);
    let began = store.status().unwrap().log_size;
    for (who, secret, version) in [
        ("billing", id, VersionRef::Previous),
        ("web", id, VersionRef::Current),
        ("web", other, VersionRef::Current),
        ("billing", id, VersionRef::Current),
        ("billing", id, VersionRef::Previous),
    ] {
        clock.advance(Duration::from_secs(60));
        acting_as(who).read(secret, version).unwrap();
    }
    let impact = store.impact(id).unwrap();
    let number = |version| store.secret(id).unwrap().version_by_id(version).unwrap().number.get();
    let seen: Vec<_> = impact
        .readers
        .iter()
        .map(|read| (read.reader.as_str(), number(read.version), read.reads, read.last_at.to_string()))
        .collect();
    let at = |minute: u32| format!("2026-11-23T12:0{minute}:00Z");
    assert_eq!(seen, [("billing", 1, 2, at(5)), ("billing", 2, 1, at(4)), ("web", 2, 1, at(2))]);
    assert!(impact.readers_from <= began, "{began}");
    // A read that failed, and one of a secret that is gone, leave nobody to tell of.
    assert!(acting_as("late").read(id, VersionRef::parse("9").unwrap()).is_err());
    assert_eq!(store.impact(id).unwrap(), impact);
    ops.delete(other).unwrap();
    assert_eq!(store.impact(other).unwrap_err().code(), "not_found");
}
