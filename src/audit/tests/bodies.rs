//! Erased bodies, events of a later release, and a view that says something else than the bytes.

use serde_json::{Value, json};

use super::scenario::{Scenario, failure, joined, lock, verify, word};
use crate::audit::{Check, Conclusion, Report};
use crate::domain::event::{EpochRolled, PolicyCleared, SettingsChanged};
use crate::domain::secret::SecretSpec;
use crate::domain::settings::Settings;
use crate::domain::version::VersionRef;

/// Verifies the export with one field of one event changed.
fn tampered(line: usize, field: &str, value: Value) -> Report {
    let mut lines = Scenario::small().lines();
    let mut event: Value = serde_json::from_str(&lines[line]).unwrap();
    event[field] = value;
    lines[line] = event.to_string();
    verify(&joined(&lines))
}

#[test]
fn a_view_that_was_tampered_with_is_told_with_its_field() {
    for (field, value) in [
        ("specversion", json!("1.1")),
        ("id", json!("00000000-0000-0000-0000-000000000000")),
        ("source", json!("urn:latchkeep:08080808080808080808080808080808")),
        ("type", json!("latchkeep.SecretDeleted.v1")),
        ("subject", json!("secrets/00000000-0000-0000-0000-0000000000ff")),
        ("subject", Value::Null),
        ("time", json!("2026-11-23T12:00:01Z")),
        ("sequence", json!("00000000000000000003")),
        ("correlationid", json!("other")),
        ("causationid", json!("00000000-0000-0000-0000-000000000001")),
        ("authid", json!("somebody else")),
        ("datacontenttype", json!("text/plain")),
        ("data", json!({})),
        ("data", Value::Null),
    ] {
        let report = tampered(3, field, value);
        assert_eq!(word(&report), "++++.+!+", "{field}");
        assert_eq!(failure(&report, Check::JsonView), (4, format!("{field} is not what the bytes say").as_str()));
    }
}

#[test]
fn the_truth_that_was_tampered_with_breaks_the_chain() {
    let lines = Scenario::small().lines();
    let other: Value = serde_json::from_str(&lines[4]).unwrap();
    let report = tampered(3, "lkhead", other["lkhead"].clone());
    assert_eq!(word(&report), "+!++.+++");
    assert_eq!(failure(&report, Check::Chain).0, 4);
    let report = tampered(3, "lkheader", other["lkheader"].clone());
    assert!(!report.is_sound());
}

#[test]
fn erased_bodies_verify_and_are_counted() {
    let scenario = Scenario::small();
    let erasable: Vec<_> =
        scenario.raws().iter().filter(|raw| raw.erased().is_ok()).map(|raw| raw.header().position.get()).collect();
    for position in &erasable {
        let report = verify(&scenario.export_as(0, None, &[*position]));
        assert_eq!((word(&report).as_str(), report.bodies_erased), ("++++.?+?", 1), "{position}: {report}");
        assert_eq!((report.bodies_unexplained, report.conclusion()), (1, Conclusion::NotAllChecked));
    }
    let report = verify(&scenario.export_as(0, None, &erasable));
    assert_eq!((word(&report).as_str(), report.bodies_erased), ("++++.?+?", erasable.len() as u64));
    assert!(report.to_string().contains("2 secrets were known in part alone"), "{report}");
}

#[test]
fn a_body_that_may_not_be_erased_is_missed() {
    let report = tampered(1, "lkbody", Value::Null);
    assert_eq!(word(&report), "?????!??");
    assert_eq!(failure(&report, Check::Bodies).0, 2);
}

#[test]
fn a_body_that_cannot_be_read_is_told() {
    let mut scenario = Scenario::new();
    let other = SettingsChanged { settings: Settings::default() };
    scenario.disguise = Some((21, 1));
    scenario.append(vec![(None, other.into())]);
    let report = verify(&scenario.export());
    assert_eq!(word(&report), "++++.!+?");
    assert!(failure(&report, Check::Bodies).1.contains("SecretUpdated"));
}

#[test]
fn events_of_a_later_release_are_kept_and_shown() {
    let mut scenario = Scenario::new();
    let secret = scenario.secret(SecretSpec::Kv, "later");
    scenario.disguise = Some((900, 3));
    scenario.append(vec![(Some(secret), PolicyCleared {}.into()), (None, EpochRolled { epoch: 2 }.into())]);
    scenario.disguise = None;
    let number = usize::try_from(scenario.size()).unwrap();
    // What became of the secret nobody knows; of an epoch neither.
    scenario.append(vec![(None, EpochRolled { epoch: 7 }.into())]);
    scenario.lock(secret, VersionRef::Current, vec![lock("app")]);
    let report = verify(&scenario.export());
    assert_eq!((word(&report).as_str(), report.unknown_events), ("++++.?+?", 2), "{report}");
    let lines = scenario.lines();
    let event: Value = serde_json::from_str(&lines[number]).unwrap();
    assert_eq!((&event["type"], &event["data"]), (&json!("latchkeep.Unknown900.v3"), &Value::Null));
    // The release that knows them shows more; that is for that release to compare.
    let mut newer = lines.clone();
    newer[number] = lines[number].replace("Unknown900", "KeySet").replace("\"data\":null", "\"data\":{\"key\":[1]}");
    assert_eq!(word(&verify(&joined(&newer))), "++++.???");
    // Its number has no name here, so it may have none of those that others have.
    for other in ["KeySet.v4", "LockRemoved.v3", "Unknown901.v3", "Unknown.v3", "Key-Set.v3", ".v3"] {
        newer[number] = lines[number].replace("Unknown900.v3", other);
        assert_eq!(word(&verify(&joined(&newer))), "++++.?!?", "{other}");
    }
    newer[number] = lines[number].replace("\"data\":null", "\"data\":{\"harmless\":true}");
    assert_eq!(word(&verify(&joined(&newer))), "++++.?!?");
}
