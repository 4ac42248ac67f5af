//! Issuers that are away for a moment, or cannot be set up at all.

use serde_json::Value;

use crate::rotations::{PROGRAM, get, home, read};

#[test]
fn a_run_waits_out_a_short_outage_and_one_broken_issuer_stops_nothing_else() {
    let home = home();
    let mut issuers: Value = serde_json::from_str(&read(&home, "issuers.json")).unwrap();
    issuers["broken"] = serde_json::json!({ "kind": "exec", "program": "relative" });
    home.file("issuers.json", issuers.to_string());
    home.run(&["secret", "create", "service-credentials", "stuck-db", "--issuer", "broken"]).done();
    // The server is away for the first call, and back for the second.
    let program = PROGRAM.replace("exit 75; }\ncase", "rm down; exit 75; }\ncase");
    home.file("issue", program);
    home.file("down", "");
    let run = ["rotation", "run", "--issuers", "issuers.json", "--once", "--patience", "20s"];
    let ran = home.run(&run).failed(1, &["issuer broken: program takes", "stuck-db waits: "]);
    assert!(ran.text().contains("the server is down"), "the reason is told: {}", ran.text());
    assert_eq!(get(&home, &["--key", "password"]), "canary-1");
    home.run(&["rotation", "resume", "--all"]).done();
    home.run(&["rotation", "resume", "orders-db", "--all"]).failed(2, &[]);
}
