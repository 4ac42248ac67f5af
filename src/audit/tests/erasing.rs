//! Erasures in a log: restatements bring secrets back into sight, lies in them are told, and a body that should be gone is
//! missed.

use super::scenario::{Scenario, brought, failure, lock, placed_lock, verify, word};
use crate::audit::{AsOf, Check, Rule, replay_export};
use crate::domain::event::{BodiesErased, Event, GroupRestated, LockRestated};
use crate::domain::id::{GroupId, SecretId, VersionId};
use crate::domain::name::{GroupName, SecretName};
use crate::domain::position::Position;
use crate::domain::restate::restated;
use crate::domain::secret::SecretSpec;
use crate::domain::version::VersionRef::Current;

/// A log with a secret of two versions and a lock, all restated after its bodies were erased.
fn erased() -> (Scenario, SecretId) {
    let mut log = Scenario::new();
    let secret = log.secret(SecretSpec::Arbitrary, "database");
    log.lock(secret, Current, vec![lock("app")]);
    log.rotate(secret).unwrap();
    log.erase(|_| true).unwrap();
    (log, secret)
}

#[test]
fn a_secret_is_in_sight_again_once_it_is_restated() {
    let (mut log, secret) = erased();
    let (report, locks) = replay_export(log.export().as_slice(), &brought(&[1]), AsOf::End, |_| {});
    assert!(report.first_fault().is_none(), "{report}");
    let locks = locks.unwrap();
    assert_eq!((locks.hidden_secrets, locks.secrets.len(), locks.secrets[0].secret.locks_total()), (0, 1, 1));
    let before = AsOf::Position(Position::new(3));
    let (_, locks) = replay_export(log.export().as_slice(), &brought(&[1]), before, |_| {});
    let locks = locks.unwrap();
    assert_eq!((locks.hidden_secrets, locks.secrets.len()), (1, 0));
    // Inside the batch that restates it, it is known in part only.
    for position in 5..9 {
        let inside = AsOf::Position(Position::new(position));
        let (_, locks) = replay_export(log.export().as_slice(), &brought(&[1]), inside, |_| {});
        let locks = locks.unwrap();
        assert_eq!((locks.hidden_secrets, locks.secrets.len()), (1, 0), "{position}");
    }
    // From here on it is held to the rules again.
    log.append(vec![(Some(secret), crate::domain::event::SecretDeleted { data_keys: [].into() }.into())]);
    assert!(failure(&verify(&log.export()), Check::Replay).1.ends_with(&Rule::LockedVersionTouched.to_string()));
}

#[test]
fn a_slice_sees_what_is_restated_in_it() {
    let (log, _) = erased();
    let (report, locks) = replay_export(log.export_as(4, None, &[]).as_slice(), &brought(&[1]), AsOf::End, |_| {});
    assert!(report.first_fault().is_none(), "{report}");
    assert_eq!(locks.unwrap().secrets.len(), 1);
}

#[test]
fn a_body_that_the_log_says_is_erased_and_that_is_there_is_told() {
    let (mut log, _) = erased();
    log.erased.retain(|position| *position != 2);
    let report = verify(&log.export());
    assert_eq!(word(&report), "++++.!+?", "{report}");
    let words = "the log says that the body at position 2 was erased, and here it is";
    assert_eq!(failure(&report, Check::Bodies), (7, words));
}

/// Holds a batch after some history to being illegal.
#[track_caller]
fn illegal(rule: Rule, (mut log, secret): (Scenario, SecretId), batch: Vec<Event>) {
    assert!(verify(&log.export()).first_fault().is_none());
    let about = |event: Event| (matches!(event.number(), 20..=59).then_some(secret), event);
    log.append(batch.into_iter().map(about).collect());
    let report = verify(&log.export());
    assert_eq!(word(&report), "++++.++!", "{report}");
    assert!(failure(&report, Check::Replay).1.ends_with(&rule.to_string()), "{rule:?}: {report}");
}

fn all(log: &Scenario, secret: SecretId) -> Vec<Event> {
    restated(log.get(secret)).collect()
}

#[test]
fn a_restatement_that_lies_about_what_is_known_is_illegal() {
    let changes: [fn(&mut Vec<Event>); 4] = [
        |events| match &mut events[0] {
            Event::SecretRestated(event) => event.metadata.name = SecretName::parse("other").unwrap(),
            other => panic!("{other:?}"),
        },
        |events| match &mut events[1] {
            Event::VersionRestated(event) => event.downloaded = true,
            other => panic!("{other:?}"),
        },
        |events| match &mut events[2] {
            Event::LockRestated(event) => event.fencing_token = Position::new(1),
            other => panic!("{other:?}"),
        },
        |events| match &mut events[1] {
            Event::VersionRestated(event) => event.version = VersionId::from_bytes([0xee; 16]),
            other => panic!("{other:?}"),
        },
    ];
    for change in changes {
        let (log, secret) = erased();
        let mut batch = all(&log, secret);
        change(&mut batch);
        illegal(Rule::RestatedOtherwise, (log, secret), batch);
    }
    let (log, secret) = erased();
    let mut batch = all(&log, secret);
    let strange = placed_lock("strange");
    if let Event::LockRestated(event) = batch[2].clone() {
        batch.push(LockRestated { lock: strange, ..event }.into());
    }
    illegal(Rule::RestatedOtherwise, (log, secret), batch);
    let group = GroupRestated {
        group: GroupId::from_bytes([3; 16]),
        name: GroupName::parse("nobody's").unwrap(),
        description: None,
        created_at: crate::domain::time::Timestamp::EPOCH,
        updated_at: crate::domain::time::Timestamp::EPOCH,
    };
    let mut log = Scenario::new();
    let secret = log.secret(SecretSpec::Kv, "any");
    illegal(Rule::GroupMissing, (log, secret), vec![group.into()]);
}

#[test]
fn a_restatement_is_whole_and_said_once() {
    for left_out in [1, 2, 3] {
        let (log, secret) = erased();
        let mut batch = all(&log, secret);
        batch.remove(left_out);
        illegal(Rule::RestatedInPart, (log, secret), batch);
    }
    for part in [0, 1, 2] {
        let (log, secret) = erased();
        let mut batch = all(&log, secret);
        batch.push(batch[part].clone());
        illegal(Rule::RestatedInPart, (log, secret), batch);
    }
    let (log, secret) = erased();
    let batch = all(&log, secret).into_iter().filter(|event| !matches!(event, Event::SecretRestated(_))).collect();
    illegal(Rule::RestatedInPart, (log, secret), batch);
}

#[test]
fn a_secret_that_never_was_is_not_restated() {
    let (log, secret) = erased();
    let mut strange = Scenario::new();
    let batch = all(&log, secret).into_iter().map(|event| (Some(SecretId::from_bytes([9; 16])), event)).collect();
    strange.append(batch);
    let report = verify(&strange.export());
    assert!(failure(&report, Check::Replay).1.ends_with(&Rule::UnknownSecret.to_string()), "{report}");
}

#[test]
fn erasures_name_records_that_lie_before_in_their_order() {
    for positions in [vec![], vec![1, 1], vec![3, 2], vec![6]] {
        let (mut log, secret) = erased();
        let size = log.size();
        let positions: Vec<u64> = positions.iter().map(|at| if *at == 6 { size } else { *at }).collect();
        log.erased.extend(&positions);
        let positions = positions.into_iter().map(Position::new).collect();
        log.append(vec![(None, BodiesErased { positions }.into())]);
        log.erased.retain(|position| *position < size);
        let report = verify(&log.export());
        assert!(failure(&report, Check::Replay).1.ends_with(&Rule::ErasedAhead.to_string()), "{secret}: {report}");
    }
}
