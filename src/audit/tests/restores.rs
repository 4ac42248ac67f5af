//! Restores and quarantine: which histories of them are legal, and the first step of each that is not.

use super::illegal::{Case, check};
use super::scenario::{Scenario, lock, signer, verify};
use crate::audit::Rule;
use crate::domain::command::Command;
use crate::domain::event::{
    Event, HeartbeatRecorded, KeySlotAdded, KeySlotRemoved, LockExpired, QuarantineEnded, SecretDeleted, SecretExpired,
    SigningKeySet, StoreRestored,
};
use crate::domain::incarnation::Incarnation;
use crate::domain::position::Position;
use crate::domain::quarantine::RestoredFrom;
use crate::domain::secret::{Lifecycle, SecretSpec};
use crate::domain::settings::KeySlotKind;
use crate::domain::version::VersionRef::Current;

fn restored(log: &Scenario, from: RestoredFrom) -> Event {
    record_of(log, from, Position::new(log.size())).into()
}

/// A restore at a size, of the incarnation that follows.
fn record_of(log: &Scenario, from: RestoredFrom, log_size: Position) -> StoreRestored {
    let incarnation = log.state.whole.incarnation().restored_at(log.after(0));
    StoreRestored { from, log_size, with_data: from == RestoredFrom::Backup, incarnation, accepted_steps: [].into() }
}

fn key(number: u32) -> Event {
    SigningKeySet { number, verifier_key: signer(1).verifier_key().to_string().into() }.into()
}

pub(super) fn restore(log: &mut Scenario, from: RestoredFrom) {
    let number = log.state.whole.next_signing_key().unwrap();
    let slots = own_slot(log).into_iter().filter(|_| from == RestoredFrom::Export);
    let events = [restored(log, from)].into_iter().chain(slots).chain([key(number)]);
    log.append(events.map(|event| (None, event)).collect());
}

/// What a restore from an export makes of the key slots: one of its own, in place of all others.
fn own_slot(log: &Scenario) -> Vec<Event> {
    let there = &log.state.whole.key_slots;
    let free = (0..8).find(|slot| !there.contains_key(slot));
    let slot = free.unwrap_or(0);
    let first = free.is_none().then(|| KeySlotRemoved { slot }.into());
    let others = there.keys().filter(|other| **other != slot).map(|slot| KeySlotRemoved { slot: *slot }.into());
    let added = KeySlotAdded { slot, kind: KeySlotKind::KeyFile }.into();
    first.into_iter().chain([added]).chain(others).collect()
}

#[test]
fn a_restore_a_quarantine_and_its_end_are_legal() {
    for from in [RestoredFrom::Backup, RestoredFrom::Export] {
        let mut log = Scenario::new();
        let secret = log.secret(SecretSpec::Arbitrary, "database");
        restore(&mut log, from);
        log.ask(&Command::EndQuarantine).unwrap();
        log.rotate(secret).unwrap();
        restore(&mut log, RestoredFrom::Backup);
        restore(&mut log, RestoredFrom::Backup);
        let report = verify(&log.export());
        assert!(report.is_sound(), "{report}");
        let slice = verify(&log.export_as(log.size() / 2, None, &[]));
        assert!(slice.first_fault().is_none(), "{slice}");
    }
}

/// Release 0.1 wrote restores that name no incarnation. They stay legal, and the time of the record gives one.
#[test]
fn a_restore_of_schema_1_has_the_incarnation_of_its_second() {
    let mut log = Scenario::new();
    let mut old = record_of(&log, RestoredFrom::Backup, Position::new(log.size()));
    old.incarnation = Incarnation::ORIGINAL;
    log.append(vec![(None, old.into()), (None, key(1))]);
    let first = log.state.whole.incarnation();
    assert_eq!(first.get(), log.now.as_nanos() / 1_000_000_000);
    restore(&mut log, RestoredFrom::Backup);
    assert_eq!(log.state.whole.incarnation().get(), first.get() + 1, "within the same second it still grows");
    log.wait(100);
    restore(&mut log, RestoredFrom::Export);
    assert_eq!(log.state.whole.incarnation().get(), first.get() + 100);
    assert_eq!(log.state.whole.restored.unwrap().incarnation, log.state.whole.incarnation());
    let report = verify(&log.export());
    assert!(report.is_sound(), "{report}");
}

#[test]
fn restores_that_cannot_be() {
    check(Rule::RestoredElsewhere, |case| {
        let log_size = Position::new(case.log.size() - 1);
        case.whole(record_of(&case.log, RestoredFrom::Backup, log_size));
    });
    check(Rule::RestoredElsewhere, |case| {
        let log_size = Position::new(case.log.size() + 1);
        let second = record_of(&case.log, RestoredFrom::Backup, log_size);
        case.log.append(vec![(None, key(1)), (None, second.into())]);
    });
    check(Rule::IncarnationMismatch, |case| {
        let mut event = record_of(&case.log, RestoredFrom::Backup, Position::new(case.log.size()));
        event.incarnation = Incarnation::new(event.incarnation.get() - 1);
        case.whole(event);
    });
    check(Rule::IncarnationMismatch, |case| {
        restore(&mut case.log, RestoredFrom::Backup);
        let mut event = record_of(&case.log, RestoredFrom::Backup, Position::new(case.log.size()));
        event.incarnation = case.log.state.whole.incarnation();
        case.whole(event);
    });
    for accepted in [vec![u64::MAX], vec![1, 1], vec![1, 0], (0..1_001).collect()] {
        check(Rule::AcceptedAhead, move |case| {
            for _ in 0..1_100 {
                case.whole(HeartbeatRecorded {});
            }
            let mut event = record_of(&case.log, RestoredFrom::Backup, Position::new(case.log.size()));
            event.accepted_steps = accepted.iter().copied().map(Position::new).collect();
            case.whole(event);
        });
    }
    check(Rule::RestoreWithoutKey, |case| {
        let event = restored(&case.log, RestoredFrom::Backup);
        case.whole(event);
    });
    check(Rule::NoQuarantine, |case| case.whole(QuarantineEnded {}));
    check(Rule::NoQuarantine, |case| {
        restore(&mut case.log, RestoredFrom::Backup);
        case.whole(QuarantineEnded {});
        case.whole(QuarantineEnded {});
    });
}

#[test]
fn what_cannot_happen_in_quarantine() {
    let in_quarantine = |make: &dyn Fn(&mut Case)| {
        check(Rule::TouchedInQuarantine, |case| {
            restore(&mut case.log, RestoredFrom::Backup);
            make(case);
        });
    };
    in_quarantine(&|case| case.destroy());
    in_quarantine(&|case| {
        let event = case.added(2);
        case.on(event);
    });
    in_quarantine(&|case| {
        let data_keys = [case.data_key()].into();
        case.on(SecretDeleted { data_keys });
    });
    in_quarantine(&|case| case.on(SecretExpired { lifecycle: Lifecycle::Destroyed }));
    in_quarantine(&|case| {
        let until = case.log.after(5);
        case.log.lock(case.secret, Current, vec![lock("app").until(until)]);
        let version = case.current();
        case.on(LockExpired { version, name: super::scenario::lock_name("app") });
    });
}
