//! Restatements of secrets whose words are erased: they can say nothing that the headers contradict.

use std::time::Duration;

use super::scenario::{Scenario, failure, lock, verify};
use crate::audit::{Check, Report, Rule};
use crate::domain::command::{Change, Command, LockTarget};
use crate::domain::event::{BodiesErased, Event, GroupRestated, LockRestated, VersionRestated};
use crate::domain::id::{GroupId, SecretId};
use crate::domain::lock::{LockMode, LockNames};
use crate::domain::name::{GroupName, SecretName};
use crate::domain::policy::{Interval, IntervalUnit, RotationPolicy};
use crate::domain::position::{Position, VersionNumber};
use crate::domain::restate::restated;
use crate::domain::secret::{Lifecycle, SecretSpec};
use crate::domain::time::Timestamp;
use crate::domain::version::VersionRef::{Current, Previous};
use crate::domain::version::{DestroyCause, VersionData};

/// Three versions, the first without data; a lock on the second, two on the third, one of them renewed, one came and went.
fn history() -> (Scenario, SecretId) {
    let mut log = Scenario::new();
    let secret = log.secret(SecretSpec::Arbitrary, "database");
    log.rotate(secret).unwrap();
    log.lock(secret, Current, vec![lock("app")]);
    log.wait(10);
    log.rotate(secret).unwrap();
    log.lock(secret, Current, vec![lock("lease").until(log.after(60)), lock("gone"), lock("web")]);
    log.wait(10);
    let (expires, name) = (log.after(90).into(), lock("lease").name);
    log.ask(&Command::RenewLock { secret, version: Current, name, expires, fencing_token: None }).unwrap();
    let names = LockNames::These(vec![lock("gone").name]);
    log.ask(&Command::RemoveLocks { secret, version: Current, names }).unwrap();
    assert_eq!(log.get(secret).locks_total(), 3);
    log.wait(10);
    (log, secret)
}

/// Erases bodies of some kinds, and restates the secret as told.
fn told((mut log, secret): (Scenario, SecretId), kinds: &[u16], tell: impl FnOnce(&mut Vec<Event>)) -> Scenario {
    let raws = log.raws();
    let chosen = raws.iter().filter(|raw| kinds.contains(&raw.header().event_type));
    let chosen: Vec<u64> = chosen.map(|raw| raw.header().position.get()).collect();
    let mut batch: Vec<Event> = restated(log.get(secret)).collect();
    tell(&mut batch);
    let positions = chosen.iter().map(|at| Position::new(*at)).collect();
    let first = (None, BodiesErased { positions }.into());
    log.erased.extend(chosen);
    log.append(std::iter::once(first).chain(batch.into_iter().map(|event| (Some(secret), event))).collect());
    log
}

/// Every kind that can be erased, and some of them.
const KINDS: [&[u16]; 6] = [&[20, 21, 22, 30, 33, 40], &[40], &[30, 40], &[20, 40], &[20, 30], &[30]];

#[test]
fn what_is_so_can_be_restated() {
    for kinds in KINDS {
        let log = told(history(), kinds, |_| {});
        assert_eq!(verify(&log.export()).first_fault(), None, "{kinds:?}: {}", verify(&log.export()));
    }
}

#[track_caller]
fn refused(kinds: &[u16], tell: impl FnOnce(&mut Vec<Event>)) {
    let report = verify(&told(history(), kinds, tell).export());
    let words = Rule::RestatedOtherwise.to_string();
    assert!(failure(&report, Check::Replay).1.ends_with(&words), "{kinds:?}: {report}");
}

fn locks(events: &mut [Event]) -> Vec<&mut LockRestated> {
    fn lock(event: &mut Event) -> Option<&mut LockRestated> {
        if let Event::LockRestated(lock) = event { Some(lock) } else { None }
    }
    events.iter_mut().filter_map(lock).collect()
}

fn versions(events: &mut [Event]) -> Vec<&mut VersionRestated> {
    fn version(event: &mut Event) -> Option<&mut VersionRestated> {
        if let Event::VersionRestated(version) = event { Some(version) } else { None }
    }
    events.iter_mut().filter_map(version).collect()
}

#[test]
fn a_lock_that_headers_tell_of_is_not_left_out() {
    // The lock on the second version stands: nothing removed one there.
    for kinds in KINDS {
        refused(kinds, |events| events.retain(|event| !matches!(event, Event::LockRestated(_))));
    }
    // One of three was removed; two others are not.
    for name in ["lease", "web"] {
        let is_it = |event: &Event| matches!(event, Event::LockRestated(lock) if lock.lock.name.as_str() == name);
        refused(&[20, 40], |events| events.retain(|event| !is_it(event)));
    }
}

#[test]
fn a_lock_that_no_header_tells_of_is_not_invented() {
    for kinds in KINDS {
        refused(kinds, |events| {
            let mut invented = locks(events)[0].clone();
            invented.lock = super::scenario::placed_lock("zebra");
            let at = events.iter().rposition(|event| matches!(event, Event::LockRestated(_))).unwrap();
            let version = locks(events)[2].version;
            events.insert(at + 1, LockRestated { version, ..invented }.into());
        });
    }
}

#[test]
fn a_lock_tells_its_record_and_its_times() {
    let changes: [fn(&mut LockRestated); 4] = [
        |lock| lock.fencing_token = Position::new(1),
        |lock| lock.fencing_token = Position::new(lock.fencing_token.get() + 1),
        |lock| lock.created_at = Timestamp::EPOCH,
        |lock| lock.updated_at = Timestamp::EPOCH,
    ];
    for (kinds, change) in [&[40][..], &[20, 40], &[30, 40]].into_iter().flat_map(|kinds| changes.map(|c| (kinds, c))) {
        for which in 0..3 {
            refused(kinds, |events| change(locks(events)[which]));
        }
    }
}

#[test]
fn a_secret_tells_what_headers_and_other_records_tell() {
    for kinds in KINDS {
        let secret = |events: &mut Vec<Event>, change: &dyn Fn(&mut crate::domain::event::SecretRestated)| {
            if let Some(Event::SecretRestated(event)) = events.first_mut() {
                change(event);
            }
        };
        refused(kinds, |events| secret(events, &|event| event.created_at = Timestamp::EPOCH));
        refused(kinds, |events| secret(events, &|event| event.updated_at = event.created_at));
        refused(kinds, |events| secret(events, &|event| event.lifecycle = Lifecycle::Destroyed));
        refused(kinds, |events| secret(events, &|event| event.is_deleting = true));
        refused(kinds, |events| secret(events, &|event| event.retrieved_at = Some(event.updated_at)));
        refused(kinds, |events| secret(events, &|event| event.expiry_held_since = Some(event.updated_at)));
        if !kinds.contains(&20) {
            let name = || SecretName::parse("other").unwrap();
            refused(kinds, |events| secret(events, &|event| event.metadata.name = name()));
            refused(kinds, |events| secret(events, &|event| event.metadata.retention = 3));
            refused(kinds, |events| secret(events, &|event| event.spec = SecretSpec::Kv));
            refused(kinds, |events| secret(events, &|event| event.group = GroupId::from_bytes([9; 16])));
            let interval = Interval::new(1, IntervalUnit::Day).unwrap();
            let policy = RotationPolicy { auto_rotate: true, interval };
            refused(kinds, |events| secret(events, &|event| event.policy = Some(policy)));
        }
    }
}

#[test]
fn a_version_tells_what_headers_and_other_records_tell() {
    for kinds in KINDS {
        refused(kinds, |events| versions(events)[2].number = VersionNumber::new(4));
        refused(kinds, |events| versions(events)[1].data_from = Position::new(1));
        refused(kinds, |events| versions(events)[1].created_at = Timestamp::EPOCH);
        refused(kinds, |events| versions(events)[1].downloaded = true);
        refused(kinds, |events| {
            let at = versions(events)[1].created_at;
            *versions(events)[2].data = VersionData::Destroyed { at, cause: DestroyCause::Requested };
        });
        refused(kinds, |events| {
            let data = versions(events)[2].data.clone();
            versions(events)[0].data = data;
        });
        refused(kinds, |events| {
            let last = events.iter().rposition(|event| matches!(event, Event::VersionRestated(_))).unwrap();
            events.truncate(last);
        });
    }
}

#[test]
fn a_lock_that_may_have_been_replaced_may_be_missing() {
    let placed_twice = |names: [&str; 2]| {
        let mut log = Scenario::new();
        let secret = log.secret(SecretSpec::Arbitrary, "database");
        for name in names {
            log.lock(secret, Current, vec![lock(name)]);
            log.wait(1);
        }
        (log, secret)
    };
    // The second took the place of the first.
    let log = told(placed_twice(["app", "app"]), &[40], |_| {});
    assert_eq!(verify(&log.export()).first_fault(), None);
    // Whether it did, nobody can say; one of them stands.
    let log = told(placed_twice(["app", "web"]), &[40], |events| drop(events.remove(2)));
    assert_eq!(verify(&log.export()).first_fault(), None);
    let log = told(placed_twice(["app", "web"]), &[40], |events| events.truncate(2));
    failure(&verify(&log.export()), Check::Replay);
}

#[test]
fn locked_data_does_not_go_while_its_words_are_hidden() {
    let mut log = Scenario::new();
    let secret = log.secret(SecretSpec::Arbitrary, "database");
    log.lock(secret, Current, vec![lock("app")]);
    log.rotate(secret).unwrap();
    let (version, data_key) = {
        let locked = log.get(secret).previous().unwrap();
        (locked.id, locked.data.sealed().unwrap().data_key)
    };
    let erased: Vec<u64> =
        log.raws().iter().filter(|raw| raw.erased().is_ok()).map(|raw| raw.header().position.get()).collect();
    let destroyed = crate::domain::event::VersionDataDestroyed { version, data_key, cause: DestroyCause::Requested };
    let with = |log: &Scenario, event: Event, erased: &[u64]| {
        let mut log = log.clone();
        log.append(vec![(Some(secret), event)]);
        verify(&log.export_as(0, None, erased))
    };
    // The lock was placed when there was one version; its creation, or that of the next, may be hidden as well.
    for hidden in [&erased[2..3], &erased[..1], &erased[2..], &erased[1..3]] {
        let report = with(&log, destroyed.clone().into(), hidden);
        assert!(failure(&report, Check::Replay).1.ends_with(&Rule::LockedVersionTouched.to_string()), "{hidden:?}");
        let report = with(&log, crate::domain::event::SecretDeleted { data_keys: [].into() }.into(), hidden);
        assert!(failure(&report, Check::Replay).1.ends_with(&Rule::LockedVersionTouched.to_string()), "{hidden:?}");
    }
    let freed = LockTarget { secret, version: Current, locks: vec![lock("app")], mode: LockMode::RemovePrevious };
    log.ask(&Command::PlaceLocks { targets: vec![freed] }).unwrap();
    assert_eq!(log.get(secret).version(Previous).unwrap().locks.len(), 0);
    for hidden in [&erased[2..3], &erased[..1], &erased[..]] {
        assert_eq!(with(&log, destroyed.clone().into(), hidden).first_fault(), None, "{hidden:?}");
    }
}

/// A group made at one time and renamed at another, of which these kinds of body are erased; `tell` changes the restatement.
fn group_told(kinds: &[u16], tell: impl FnOnce(&mut GroupRestated)) -> Report {
    let (mut log, name) = (Scenario::new(), |text: &str| GroupName::parse(text).unwrap());
    log.wait(10);
    let group = GroupId::from_bytes([3; 16]);
    log.ask(&Command::CreateGroup { id: group, name: name("payments"), description: None }).unwrap();
    log.wait(10);
    let to = Some(name("orders"));
    log.ask(&Command::UpdateGroup { group, name: to, description: Change::Keep }).unwrap();
    log.wait(10);
    let raws = log.raws();
    let chosen = raws.iter().filter(|raw| kinds.contains(&raw.header().event_type));
    let chosen: Vec<u64> = chosen.map(|raw| raw.header().position.get()).collect();
    let mut restated = GroupRestated::of(group, &log.state.whole.groups[&group]);
    tell(&mut restated);
    let positions = chosen.iter().map(|at| Position::new(*at)).collect();
    log.erased.extend(chosen);
    log.append(vec![(None, BodiesErased { positions }.into()), (None, restated.into())]);
    verify(&log.export())
}

#[test]
fn a_restated_group_was_made_and_changed_when_headers_say_so() {
    for kinds in [&[10, 11][..], &[10], &[11]] {
        let report = group_told(kinds, |_| {});
        assert_eq!(report.first_fault(), None, "{kinds:?}: {report}");
    }
    let earlier = |at: &mut Timestamp| *at = at.minus(Duration::from_secs(1));
    let later = |at: &mut Timestamp| *at = at.plus(Duration::from_secs(1));
    let refused = |kinds: &[u16], rule: Rule, tell: &dyn Fn(&mut GroupRestated)| {
        let report = group_told(kinds, tell);
        assert!(failure(&report, Check::Replay).1.ends_with(&rule.to_string()), "{kinds:?}: {report}");
    };
    for kinds in [&[10, 11][..], &[10], &[11]] {
        refused(kinds, Rule::RestatedOtherwise, &|group| earlier(&mut group.created_at));
        refused(kinds, Rule::RestatedOtherwise, &|group| later(&mut group.created_at));
        refused(kinds, Rule::RestatedOtherwise, &|group| later(&mut group.updated_at));
    }
    // Only its new words are hidden: it was made in plain sight, and no other was made.
    refused(&[11], Rule::GroupMissing, &|group| group.group = GroupId::from_bytes([4; 16]));
}
