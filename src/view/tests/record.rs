//! What is shown of records and of impacts.

use serde_json::json;

use super::golden;
use crate::view::{ImpactReport, LogEntry, stretches_words};

#[test]
fn entries_of_a_log_are_told_apart_by_their_fields() {
    let mut fields = json!({
        "position": 3, "recorded_at": "2026-11-23T12:00:00Z", "actor": "anna", "event": "LockPlaced",
        "event_id": "eeeeeeee-eeee-eeee-eeee-eeeeeeeeeeee", "secret_id": "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", "revision": 3,
        "writer_epoch": 1, "correlation_id": "request-7", "data": { "forced": false },
    });
    let entry: LogEntry = serde_json::from_value(fields.clone()).unwrap();
    assert!(matches!(entry, LogEntry::Record(_)));
    golden("log-entry", &entry);
    for name in ["event", "event_id", "revision", "data"] {
        fields.as_object_mut().unwrap().remove(name);
    }
    fields["event_type"] = 40.into();
    fields["schema"] = 1.into();
    fields["erased"] = true.into();
    let entry: LogEntry = serde_json::from_value(fields).unwrap();
    assert!(matches!(entry, LogEntry::Unread(_)));
    golden("log-entry-unread", &entry);
}

#[test]
fn several_stretches_are_told() {
    assert_eq!(stretches_words(1), None);
    assert!(stretches_words(2).unwrap().contains("lies in 2 stretches"));
}

#[test]
fn an_impact_report_is_shown() {
    let report: ImpactReport = serde_json::from_value(json!({
        "deletion": {
            "versions": [1, 2], "locks": [],
            "consumers": [{ "consumer": "shop", "acknowledged": 2, "is_hit": true }],
        },
        "recent_readers": [{
            "reader": "shop", "version_id": "02020202-0202-0202-0202-020202020202", "version_number": 2, "reads": 4,
            "last_at": "2026-11-23T12:00:00Z",
        }],
        "readers_from_position": 0,
    }))
    .unwrap();
    golden("impact-report", &report);
}
