//! Lock status from an export alone, at any point.

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
    assert_eq!(replay(&export, AsOf::Position(Position::new(u64::MAX))), end);
    assert_eq!(replay(&export, AsOf::Time(Timestamp::MAX)), end);
    assert_eq!(replay(&export, AsOf::Time(log.now)), end);
    assert_eq!(replay(&export, AsOf::Time(Timestamp::EPOCH)).size.get(), 0);
    let begin = Timestamp::parse("2026-11-23T12:00:00Z").unwrap();
    assert_eq!(replay(&export, AsOf::Time(begin)).size.get(), 3);
}

#[test]
fn a_lock_report_is_json() {
    let log = Scenario::small();
    let json = serde_json::to_value(replay(&log.export(), AsOf::Position(Position::new(4)))).unwrap();
    assert_eq!(json["secrets"][0]["name"], "database");
    assert_eq!(json["secrets"][0]["versions"][0]["locks"][0]["name"], "billing");
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
    assert_eq!(report(&log)["rotation"]["status"], "none");
    let policy =
        |auto_rotate, count| RotationPolicy { auto_rotate, interval: Interval::new(count, IntervalUnit::Day).unwrap() };
    log.ask(&Command::SetPolicy { secret, policy: policy(false, 3) }).unwrap();
    assert_eq!(
        (&report(&log)["rotation"]["status"], &report(&log)["rotation"]["interval"]),
        (&json!("off"), &json!("3 days"))
    );
    log.ask(&Command::SetPolicy { secret, policy: policy(true, 3) }).unwrap();
    let planned = report(&log)["rotation"].clone();
    assert_eq!((&planned["status"], &planned["next_at"]), (&json!("planned"), &json!("2026-11-26T12:00:00Z")));
    log.lock(secret, Current, vec![lock("billing")]);
    log.rotate(secret).unwrap();
    log.wait(3 * 86_400);
    log.lock(secret, Current, vec![lock("app")]);
    let due = report(&log);
    assert_eq!((&due["rotation"]["status"], &due["rotation"]["blocked_by"]), (&json!("due"), &json!(["billing"])));
    assert_eq!((&due["versions"][0]["number"], &due["versions"][1]["alias"]), (&json!(2), &json!("previous")));
    assert_eq!((&due["versions"][0]["origin"], &due["state"]), (&json!("rotated_by_hand"), &json!("active")));
}
