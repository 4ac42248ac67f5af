//! What is shown of a store.

use serde_json::json;

use super::golden;
use crate::view::Status;

#[test]
fn a_status_is_shown() {
    let count = |secrets: u64| json!({ "secrets": secrets, "since": (secrets > 0).then_some("2026-11-23T12:00:00Z") });
    let status: Status = serde_json::from_value(json!({
        "rotations": {
            "parked": count(1), "staged": count(0), "blocked": count(2), "due": count(0), "open": count(0), "retiring": count(0),
        },
        "log_id": "cccccccc-cccc-cccc-cccc-cccccccccccc", "log_size": 12, "head": "00ff", "last_at": "2026-11-23T12:00:00Z",
        "writer_epoch": 3, "secrets_total": 4, "secrets_locked": 1, "versions_total": 9, "versions_available": 8, "locks_total": 2,
        "expirations_held": 0, "groups_total": 1, "access_audit": "relaxed", "refuse_rotation_while_locked": false,
        "key_slots": [{ "slot": 0, "kind": "key_file" }], "epochs": [1, 2], "incarnation": 1_795_737_600,
        "quarantine": {
            "from": "backup", "log_size": 7, "with_data": true, "at": "2026-11-27T00:00:00Z", "incarnation": 1_795_737_600,
            "is_confirmed": false,
        },
        "unknown_credentials": [{ "issuer": "orders", "credentials": 2, "since": "2026-11-23T12:00:00Z" }],
        "clock": {
            "shown": "2026-11-23T12:00:00Z", "now": "2026-11-23T12:00:00Z", "standing": "ahead",
            "held": { "at": "2026-11-23T11:00:00Z", "observed_at": "2027-11-23T12:00:00Z", "boot": null },
        },
        "next_lapse_at": "2026-11-24T12:00:00Z", "size_bytes": 4096, "replayed_at_open": 0, "rebuilt_at_open": false,
        "is_vouched": true, "strange_keys": ["a slot was put back"], "unsaved_records": 5,
    }))
    .unwrap();
    golden("status", &status);
}
