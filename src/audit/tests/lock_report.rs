//! Lock status from an export alone, at any point.

use std::time::Duration;

use serde_json::json;

use super::scenario::{Scenario, brought, lock, lock_name};
use crate::audit::{AsOf, LockReport, SecretReport, replay_export};
use crate::domain::command::Command;
use crate::domain::lock::LockNames;
use crate::domain::policy::{Interval, IntervalUnit, RotationPolicy};
use crate::domain::position::Position;
use crate::domain::secret::{PasswordPolicy, SecretSpec};
use crate::domain::time::Timestamp;
use crate::domain::version::VersionRef::{Current, Previous};
use crate::projection::lock_board::LockStatus;

fn replay(export: &[u8], as_of: AsOf) -> LockReport {
    let (report, locks) = replay_export(export, &brought(&[1]), as_of, |_| {});
    assert!(report.first_fault().is_none(), "{report}");
    locks.unwrap()
}

#[test]
fn every_position_shows_the_locks_that_stood_there() {
    let mut log = Scenario::new();
    let mut kept = vec![(log.size(), log.state.clone())];
    let mut keep = |log: &Scenario| kept.push((log.size(), log.state.clone()));
    let secret = log.secret(SecretSpec::Arbitrary, "database");
    keep(&log);
    log.wait(5);
    log.lock(secret, Current, vec![lock("app"), lock("billing")]);
    keep(&log);
    log.rotate(secret).unwrap();
    keep(&log);
    log.wait(5);
    let names = LockNames::These(vec![lock_name("app")]);
    log.ask(&Command::RemoveLocks { secret, version: Previous, names }).unwrap();
    keep(&log);
    let export = log.export();
    for (size, state) in &kept {
        let expected: Vec<_> = state.secrets.values().map(|secret| LockStatus::of(secret)).collect();
        let found = replay(&export, AsOf::Position(Position::new(size - 1)));
        let locks: Vec<_> = found.secrets.iter().map(SecretReport::lock_status).collect();
        assert_eq!((found.size.get(), &locks), (*size, &expected));
    }
    let end = replay(&export, AsOf::End);
    assert_eq!((end.size.get(), end.secrets[0].secret.locks_total()), (log.size(), 1));
    let late = replay(&export, AsOf::Time(Timestamp::MAX));
    assert_eq!((late.time, late.last_at), (Timestamp::MAX, end.time));
    assert_eq!(LockReport { time: end.time, ..late }, end);
    assert_eq!(replay(&export, AsOf::Time(log.now)), end);
    let begin = Timestamp::parse("2026-11-23T12:00:00Z").unwrap();
    assert_eq!(replay(&export, AsOf::Time(begin)).size.get(), 3);
}

#[test]
fn there_is_no_report_of_what_an_export_does_not_reach() {
    let log = Scenario::small();
    let found = |first: u64, as_of| replay_export(&*log.export_as(first, None, &[]), &brought(&[1]), as_of, |_| {}).1;
    let at = |position| AsOf::Position(Position::new(position));
    for (first, as_of, is_there) in [
        (0, at(0), true),
        (0, at(log.size() - 1), true),
        (0, at(log.size()), false),
        (0, at(u64::MAX), false),
        (0, AsOf::Time(Timestamp::EPOCH), false),
        (5, at(4), false),
        (5, at(5), true),
        (5, AsOf::Time(Timestamp::EPOCH), false),
        (5, AsOf::Time(Timestamp::MAX), true),
        (log.size(), AsOf::Time(Timestamp::MAX), false),
        (log.size(), AsOf::End, true),
    ] {
        assert_eq!(found(first, as_of).is_some(), is_there, "{first}, {as_of:?}");
    }
}

/// A lock was once shown up to the record that says that its lease had ended.
#[test]
fn a_lease_is_held_to_the_time_that_is_asked() {
    let mut log = Scenario::new();
    let secret = log.secret(SecretSpec::Arbitrary, "database");
    let end = log.now.plus(Duration::from_secs(60));
    log.lock(secret, Current, vec![lock("app").until(end), lock("stays")]);
    log.wait(3600);
    log.secret(SecretSpec::Arbitrary, "other");
    let export = log.export();
    let locks = |as_of| replay(&export, as_of).secrets.iter().map(|it| it.secret.locks_total()).sum::<usize>();
    let before = Timestamp::from_nanos(end.as_nanos() - 1);
    let got = [AsOf::Time(before), AsOf::Time(end), AsOf::Time(Timestamp::MAX), AsOf::End].map(locks);
    assert_eq!(got, [2, 1, 1, 2]);
}

#[test]
fn a_lock_report_is_json() {
    let log = Scenario::small();
    let json = serde_json::to_value(replay(&log.export(), AsOf::Position(Position::new(4)))).unwrap();
    assert_eq!(json["secrets"][0]["name"], "database");
    assert_eq!(json["secrets"][0]["locks"][0]["name"], "billing");
    assert!(json["secrets"][0]["locks"][0]["fencing_token"].as_str().unwrap().starts_with("0-"));
    assert_eq!(json["secrets"][0]["versions"][0]["locks"][0], "billing");
    assert_eq!(json["secrets"][0]["locks_total"], 2);
}

#[test]
fn what_is_hidden_is_counted_and_left_out() {
    let log = Scenario::small();
    let found = replay(&log.export_as(0, None, &[1]), AsOf::End);
    assert_eq!((found.secrets.len(), found.hidden_secrets), (1, 1));
    let found = replay(&log.export_as(5, None, &[]), AsOf::End);
    assert_eq!((found.secrets.len(), found.hidden_secrets), (1, 1));
}

#[test]
fn versions_and_rotation_are_told_as_they_stood() {
    let mut log = Scenario::new();
    let secret = log.secret(SecretSpec::UsernamePassword { password_policy: PasswordPolicy::default() }, "database");
    let report = |log: &Scenario| serde_json::to_value(replay(&log.export(), AsOf::End)).unwrap()["secrets"][0].clone();
    assert_eq!(report(&log)["rotation_status"]["status"], "none");
    let policy =
        |auto_rotate, count| RotationPolicy { auto_rotate, interval: Interval::new(count, IntervalUnit::Day).unwrap() };
    log.ask(&Command::SetPolicy { secret, policy: policy(false, 3) }).unwrap();
    assert_eq!(
        (&report(&log)["rotation_status"]["status"], &report(&log)["rotation"]),
        (&json!("off"), &json!({ "auto_rotate": false, "interval": 3, "unit": "day" }))
    );
    log.ask(&Command::SetPolicy { secret, policy: policy(true, 3) }).unwrap();
    let planned = report(&log);
    let next = &planned["next_rotation_date"];
    assert_eq!((&planned["rotation_status"]["status"], next), (&json!("planned"), &json!("2026-11-26T12:00:00Z")));
    log.lock(secret, Current, vec![lock("billing")]);
    log.rotate(secret).unwrap();
    log.wait(3 * 86_400);
    log.lock(secret, Current, vec![lock("app")]);
    let due = report(&log);
    let rotation = &due["rotation_status"];
    assert_eq!((&rotation["status"], &rotation["blocked_by"][0]["name"]), (&json!("due"), &json!("billing")));
    assert_eq!((&due["versions"][0]["number"], &due["versions"][1]["alias"]), (&json!(2), &json!("previous")));
    assert_eq!(
        (&due["versions"][0]["origin"], &due["state_description"]),
        (&json!("rotated_by_hand"), &json!("active"))
    );
}
