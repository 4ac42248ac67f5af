//! Restores and quarantine: which histories of them are legal, and the first step of each that is not.

use super::illegal::{Case, check};
use super::scenario::{Scenario, lock, signer, verify};
use crate::audit::Rule;
use crate::domain::command::Command;
use crate::domain::event::{
    Event, LockExpired, QuarantineEnded, SecretDeleted, SecretExpired, SigningKeySet, StoreRestored,
};
use crate::domain::position::Position;
use crate::domain::quarantine::RestoredFrom;
use crate::domain::secret::{Lifecycle, SecretSpec};
use crate::domain::version::VersionRef::Current;

fn restored(log: &Scenario, from: RestoredFrom) -> Event {
    let with_data = from == RestoredFrom::Backup;
    StoreRestored { from, log_size: Position::new(log.size()), with_data }.into()
}

fn key(number: u32) -> Event {
    SigningKeySet { number, verifier_key: signer(1).verifier_key().to_string().into() }.into()
}

pub(super) fn restore(log: &mut Scenario, from: RestoredFrom) {
    let number = log.state.whole.next_signing_key().unwrap();
    let events = [restored(log, from), key(number)].map(|event| (None, event));
    log.append(events.into());
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
        assert!(slice.is_sound(), "{slice}");
    }
}

#[test]
fn restores_that_cannot_be() {
    check(Rule::RestoredElsewhere, |case| {
        let log_size = Position::new(case.log.size() - 1);
        case.whole(StoreRestored { from: RestoredFrom::Backup, log_size, with_data: true });
    });
    check(Rule::RestoredElsewhere, |case| {
        let log_size = Position::new(case.log.size() + 1);
        let second = StoreRestored { from: RestoredFrom::Backup, log_size, with_data: true };
        case.log.append(vec![(None, key(1)), (None, second.into())]);
    });
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
