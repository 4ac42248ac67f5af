//! Rotations by an issuer, as operators run and see them; the issuer is a small program.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::{Home, Ran};

/// Makes users with a number each, beside itself; `down` lets it fail before anything is done, `lost` in the middle of it,
/// `shy` at the login.
pub const PROGRAM: &str = r#"#!/bin/sh
cd "$HERE" || exit 75
question=$(cat)
[ -e down ] && { echo '{"reason":"the server is down"}'; exit 75; }
case $question in
*'"call":"create"'*)
    [ -e lost ] && exit 1
    echo x >>made
    n=$(grep -c x made)
    echo "{\"credential\":{\"username\":\"user-$n\",\"password\":\"canary-$n\"},\"outside\":\"user-$n\"}" ;;
*'"call":"verify"'*) [ -e shy ] && exit 75; exit 0 ;;
*'"call":"retire"'*)
    [ -e stuck ] && { echo '{"reason":"the account is in use"}'; exit 75; }
    printf '%s\n' "$question" | sed 's/.*"outside":"\([^"]*\)".*/\1/' >>retired ;;
*) exit 77 ;;
esac
"#;

/// A home with a secret that the program makes credentials for.
pub fn home() -> Home {
    let home = Home::new();
    let program = home.file("issue", PROGRAM);
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    let here = home.dir.path().to_str().unwrap();
    let env = serde_json::json!({ "PATH": "/usr/bin:/bin", "HERE": here });
    let issuers = serde_json::json!({ "orders": { "kind": "exec", "program": program, "env": env } });
    home.file("issuers.json", issuers.to_string());
    let create = ["secret", "create", "service-credentials", "orders-db", "--issuer", "orders"];
    let made =
        home.run(&[&create[..], &["--consumer", "billing", "--parameters", "{\"db\":\"orders\"}"]].concat()).done();
    assert!(made.text().contains("no version yet"), "{}", made.text());
    home
}

fn once(home: &Home, more: &[&str]) -> Ran {
    home.run(&[&["rotation", "run", "--issuers", "issuers.json", "--once", "--patience", "0s"][..], more].concat())
}

pub fn get(home: &Home, more: &[&str]) -> String {
    home.run(&[&["secret", "get", "orders-db"][..], more].concat()).done().text()
}

fn shown(home: &Home) -> Value {
    home.run(&["rotation", "show", "orders-db", "--json"]).done().json()
}

pub fn read(home: &Home, name: &str) -> String {
    std::fs::read_to_string(home.path(name)).unwrap_or_default()
}

#[test]
fn a_program_makes_the_credentials_and_ends_them_once_the_consumers_have_moved() {
    let home = home();
    home.run(&["secret", "get", "orders-db"]).failed(6, &["no credential yet", "rotation run"]);
    assert!(home.run(&["rotation", "list"]).done().text().contains("orders-db\tdue\t"));
    assert_eq!(home.run(&["status", "--json"]).done().json()["rotations"]["due"]["secrets"], 1);
    let ran = once(&home, &[]).done();
    assert!(ran.text().contains("RotationCommitted") && !ran.text().contains("canary"), "{}", ran.text());
    assert_eq!(get(&home, &[]), r#"{"username":"user-1","password":"canary-1"}"#);
    assert_eq!(
        (get(&home, &["--key", "password"]), get(&home, &["--field", "username"])),
        ("canary-1".into(), "user-1".into())
    );
    let json: Value = serde_json::from_str(&get(&home, &["--json"])).unwrap();
    assert_eq!(
        (&json["credentials"]["password"], &json["credential"]["state"]),
        (&"canary-1".into(), &"in_use".into())
    );
    home.run(&["secret", "get", "orders-db", "--key", "none"]).failed(6, &["no field none", "username, password"]);
    assert!(once(&home, &[]).done().text().contains("nothing is due"));

    let ran = once(&home, &["orders-db", "--json"]).done().json();
    let events: Vec<&str> =
        ran["records"].as_array().unwrap().iter().map(|record| record["event"].as_str().unwrap()).collect();
    assert_eq!((events[0], &ran["exit_code"]), ("RotationPlanned", &0.into()));
    assert_eq!(get(&home, &["--version", "previous", "--key", "password"]), "canary-1");
    assert_eq!(shown(&home)["consumers"][0]["acknowledged"], Value::Null);
    let explained = home.run(&["explain", "orders-db", "--json"]).done().json();
    assert_eq!(explained["impact"]["deletion"]["consumers"][0]["is_hit"], true);
    assert!(explained["impact"]["recent_readers"][0]["reader"] == "tester", "{explained}");
    home.run(&["explain", "orders-db", "--operation", "rotate"]).failed(7, &[]);
    home.run(&["rotation", "acknowledge", "orders-db", "--as", "billing"]).done();
    let explained = home.run(&["explain", "orders-db", "--operation", "rotate"]).done().text();
    assert!(explained.contains("RotationPlanned"), "{explained}");
    let back = home.run(&["rotation", "acknowledge", "orders-db", "--as", "billing", "--version", "1"]).done();
    assert!(back.err.contains("said before that it uses version 2"), "{}", back.err);
    let note = home.run(&["rotation", "acknowledge", "orders-db", "--as", "nobody"]).done();
    assert!(note.err.contains("none of the consumers"), "{}", note.err);
    once(&home, &[]).done();
    assert_eq!(read(&home, "retired"), "user-1\n");
    let text = home.run(&["secret", "show", "orders-db"]).done().text();
    assert!(text.contains("\tretired\t") && text.contains("\tin use\tbilling nobody"), "{text}");
    home.run(&["secret", "get", "orders-db", "--version", "previous"]).failed(7, &[]);
}

#[test]
fn a_credential_that_could_not_be_ended_is_a_failure_that_everybody_sees() {
    let home = home();
    once(&home, &[]).done();
    once(&home, &["orders-db"]).done();
    home.run(&["rotation", "acknowledge", "orders-db", "--as", "billing"]).done();
    home.file("stuck", "");
    once(&home, &[]).failed(1, &[]);
    let list = home.run(&["rotation", "list"]).done().text();
    assert!(list.contains("could not be ended: ") && list.contains("the account is in use"), "{list}");
    let shown = shown(&home);
    assert_eq!((&shown["state"], &shown["versions"][1]["credential"]["failures"]), (&"retiring".into(), &1.into()));
    let tasks = tasks(&home, &[]);
    assert_eq!((&tasks[0]["type"], &tasks[0]["status"]), (&"delete_credentials".into(), &"failed".into()));
}

#[test]
fn a_credential_whose_making_nobody_knows_of_waits_for_a_person() {
    let home = home();
    once(&home, &[]).done();
    home.file("lost", "");
    let ran = once(&home, &["orders-db", "--json"]).failed(1, &[]).json();
    assert_eq!((&ran["exit_code"], &ran["failed"][0]["name"]), (&1.into(), &"orders-db".into()));
    assert!(ran["failed"][0]["why"].as_str().unwrap().contains("look in the outside system"), "{ran}");
    let parked = shown(&home);
    assert_eq!((&parked["state"], &parked["open_rotation"]["stage"]), (&"parked".into(), &"attempted".into()));
    let list = home.run(&["rotation", "list"]).done().text();
    assert!(list.contains("\tparked\t") && list.contains("look in the outside system"), "{list}");
    let status = home.run(&["status"]).done().text();
    assert!(status.contains("rotations parked\t1 secret, since "), "{status}");
    assert!(home.run(&["secret", "show", "orders-db"]).done().text().contains("parked\tsince"));
    once(&home, &["orders-db"]).failed(7, &["rotation show"]);
    std::fs::remove_file(home.path("lost")).unwrap();
    home.run(&["rotation", "resume", "orders-db"]).done();
    home.run(&["rotation", "resume", "orders-db"]).failed(7, &["orders-db"]);
    once(&home, &[]).done();
    assert_eq!(get(&home, &["--key", "password"]), "canary-2");
    home.file("lost", "");
    once(&home, &["orders-db"]).failed(7, &["billing"]);
    once(&home, &["orders-db", "--force"]).failed(1, &[]);
    home.run(&["rotation", "abort", "orders-db"]).failed(2, &["--reason"]);
    home.run(&["rotation", "abort", "orders-db", "--reason", "looked: nothing was made"]).done();
    std::fs::remove_file(home.path("lost")).unwrap();
    once(&home, &[]).done();
    assert_eq!((&shown(&home)["open_rotation"], get(&home, &["--key", "password"])), (&Value::Null, "canary-2".into()));
    home.run(&["rotation", "abort", "orders-db", "--reason", "again"]).failed(6, &["orders-db"]);
}

#[test]
fn a_lock_that_comes_in_the_middle_holds_the_new_credential_back() {
    let home = home();
    once(&home, &[]).done();
    once(&home, &["orders-db"]).done();
    home.file("shy", "");
    once(&home, &["orders-db", "--force"]).failed(1, &[]);
    home.run(&["lock", "create", "orders-db", "report", "--version", "previous", "--owner", "reporting"]).done();
    std::fs::remove_file(home.path("shy")).unwrap();
    // The next attempt comes a second or two after the one that failed.
    let staged = (0..200).find_map(|_| {
        once(&home, &[]);
        Some(shown(&home)).filter(|shown| shown["state"] == "staged")
    });
    let staged = staged.expect("it should be staged by now");
    assert_eq!(
        (&staged["held_by"][0]["name"], &staged["held_by"][0]["owner"]),
        (&"report".into(), &"reporting".into())
    );
    let list = home.run(&["rotation", "list"]).done().text();
    assert!(list.contains("report on version 1 (previous): since") && list.contains("owned by reporting"), "{list}");
    assert_eq!(home.run(&["status", "--json"]).done().json()["rotations"]["staged"]["secrets"], 1);
    assert_eq!(get(&home, &["--key", "password"]), "canary-2");
    let explained = home.run(&["explain", "orders-db", "--operation", "delete"]).failed(3, &[]).text();
    assert!(
        explained.contains("a deletion would hit: consumer billing, which has not said what it uses"),
        "{explained}"
    );
    home.run(&["explain", "orders-db", "--operation", "rotate"]).failed(7, &[]);
    home.run(&["lock", "delete", "orders-db", "report", "--version", "previous", "--force"]).done();
    once(&home, &[]).done();
    assert_eq!(get(&home, &["--key", "password"]), "canary-3");
}

#[test]
fn a_version_is_retired_by_hand_and_never_the_current_one() {
    let home = home();
    once(&home, &[]).done();
    once(&home, &["orders-db"]).done();
    home.run(&["rotation", "retire", "orders-db", "current"]).failed(2, &["orders-db"]);
    home.run(&["lock", "create", "orders-db", "report", "--version", "previous"]).done();
    home.run(&["rotation", "retire", "orders-db", "previous"]).failed(3, &["report"]);
    home.run(&["lock", "delete", "orders-db", "report", "--version", "previous"]).done();
    home.run(&["rotation", "retire", "orders-db", "previous"]).done();
    assert_eq!(home.run(&["rotation", "list", "--json"]).done().json()["rotations"][0]["name"], "orders-db");
    once(&home, &[]).done();
    assert_eq!(read(&home, "retired"), "user-1\n");
}

#[test]
fn what_is_down_is_tried_again_and_told_meanwhile() {
    let home = home();
    home.file("down", "");
    once(&home, &[]).failed(1, &[]);
    let shown = shown(&home);
    assert_eq!((&shown["state"], &shown["open_rotation"]["attempts"]), (&"open".into(), &0.into()));
    assert!(shown["why"].as_str().unwrap().contains("the server is down"), "{shown}");
    // Without the file nobody knows the issuer.
    let other = home;
    let ran = other.run(&["secret", "create", "custom-credentials", "job", "--issuer", "nobody"]).done();
    assert!(ran.text().contains("nobody"));
    other.run(&["rotation", "run", "job", "--once"]).failed(2, &["issuer nobody is not registered here"]);
}

#[test]
fn passwords_that_the_store_makes_need_no_issuer() {
    let home = Home::new();
    let create = ["secret", "create", "username-password", "db-admin", "--username", "admin", "--generate"];
    home.run(&[&create[..], &["--rotate-every", "30d"]].concat()).done();
    let list = home.run(&["rotation", "list"]).done().text();
    assert!(list.contains("db-admin\tscheduled\t"), "{list}");
    let before = home.run(&["secret", "get", "db-admin"]).done().text();
    home.run(&["rotation", "run", "db-admin", "--once"]).done();
    assert_ne!(home.run(&["secret", "get", "db-admin"]).done().text(), before);
    home.run(&["rotation", "run", "none", "--once"]).failed(6, &["no secret none"]);
}

#[test]
fn an_interrupt_ends_the_worker_cleanly() {
    let home = home();
    let mut command = home.command(&["rotation", "run", "--issuers", "issuers.json", "--json"]);
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    assert!(lines.any(|line| line.unwrap().contains("\"RotationCommitted\"")));
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(get(&home, &["--key", "username"]), "user-1");
}

#[test]
fn what_cannot_be_used_is_told_and_changes_nothing() {
    let home = home();
    let exec = |more: &str| format!("{{\"orders\": {{\"kind\": \"exec\", \"program\": \"/bin/true\"{more}}}}}");
    for (file, text) in [
        ("", "a JSON object of issuers"),
        ("[]", "a JSON object of issuers"),
        ("{\"a\": {\"kind\": \"exec\", \"program\": \"/bin/true\"}, \"a\": {}}", "is given twice"),
    ] {
        home.file("issuers.json", file);
        once(&home, &[]).failed(2, &["issuers.json", text]);
    }
    let files = [
        ("{\"orders\": {}}", "kind is missing"),
        ("{\"orders\": {\"kind\": \"oracle\"}}", "kind takes exec"),
        ("{\"orders\": {\"kind\": \"exec\"}}", "program is missing"),
        ("{\"orders\": {\"kind\": \"exec\", \"program\": \"issue\"}}", "absolute path"),
        ("{\"\": {\"kind\": \"exec\", \"program\": \"/bin/true\"}}", "issuer \"\": has a name that takes"),
        (&exec(", \"password\": \"canary\""), "password is no field"),
        (&exec(", \"class\": \"magic\""), "class takes set_value"),
        (&exec(", \"limit_secs\": 0"), "1 to 3600"),
        (&exec(", \"limit_secs\": -1"), "issuer orders"),
        (&exec(", \"env\": {\"A=B\": \"c\"}"), "names without ="),
    ];
    for (file, text) in files {
        home.file("issuers.json", file);
        let ran = once(&home, &[]).failed(1, &["issuers.json", text]);
        assert!(!ran.err.contains("canary"), "{}", ran.err);
    }
    let cases: &[(&[&str], &str)] = &[
        (&["rotation", "run", "--once", "--issuers", "nowhere"], "nowhere"),
        (&["secret", "create", "service-credentials", "a-db"], "--issuer"),
        (&["secret", "create", "arbitrary", "a-db", "--issuer", "orders"], "--issuer is for"),
        (&["secret", "create", "service-credentials", "a-db", "--issuer", "orders", "--from-stdin"], "no value"),
        (&["secret", "create", "service-credentials", "a-db", "--issuer", "orders", "--parameters", "{"], "JSON"),
        (&["secret", "create", "service-credentials", "a-db", "--issuer", "orders", "--parameters", "none"], "none"),
        (&["secret", "get", "orders-db", "--format", "env"], "kv"),
        (&["rotation", "acknowledge", "orders-db"], "--as"),
    ];
    for (args, text) in cases {
        home.run(args).failed(2, &[text]);
    }
    let create = ["secret", "create", "service-credentials", "a-db", "--issuer", "orders"];
    home.run(&[&create[..], &["--grace", "91d"]].concat()).failed(2, &["90 days"]);
}

/// Begins jobs, which it notes; they end when the test says so.
const BEGINS: &str = r#"#!/bin/sh
cd "$HERE" || exit 75
question=$(cat)
case $question in
*'"call":"begin"'*) printf '%s\n' "$question" >>begun ;;
*'"call":"verify"'*) exit 0 ;;
*) exit 77 ;;
esac
"#;

fn tasks(home: &Home, more: &[&str]) -> Vec<Value> {
    let listed = home.run(&[&["task", "list", "--json"][..], more].concat()).done().json();
    listed["tasks"].as_array().unwrap().clone()
}

#[test]
fn jobs_report_by_their_tasks() {
    let home = Home::new();
    let program = home.file("begin", BEGINS);
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    let env = serde_json::json!({ "PATH": "/usr/bin:/bin", "HERE": home.dir.path().to_str().unwrap() });
    let mut jobs = serde_json::json!({ "kind": "exec", "program": program, "env": env, "job_limit_secs": 1800 });
    jobs["class"] = "set_value".into();
    home.file("issuers.json", serde_json::json!({ "jobs": jobs }).to_string());
    once(&home, &[]).failed(1, &["issuer jobs", "take no jobs"]);
    jobs["class"] = "create_with_token".into();
    home.file("issuers.json", serde_json::json!({ "jobs": jobs }).to_string());
    home.run(&["secret", "create", "custom-credentials", "tracker", "--issuer", "jobs"]).done();
    once(&home, &[]).done();
    let task = tasks(&home, &[])[0].clone();
    assert_eq!((&task["status"], &task["type"]), (&"processing".into(), &"create_credentials".into()));
    assert_eq!(task["trigger"], "secret_creation");
    let begun: Value = serde_json::from_str(read(&home, "begun").trim()).unwrap();
    assert_eq!((&begun["task"], &begun["job"]), (&task["id"], &task["type"]));
    assert_eq!(begun["report_by"], task["report_by"]);
    once(&home, &[]).done();
    assert_eq!(read(&home, "begun").lines().count(), 1, "it is not begun again while it is at work");
    let id = task["id"].as_str().unwrap();
    let shown = home.run(&["task", "show", "tracker", id]).done().text();
    assert!(shown.contains("report by") && shown.contains("processing"), "{shown}");

    let update = |task: &str, more: &[&str], brought: &str| {
        home.feed(&[&["task", "update", "tracker", task][..], more].concat(), brought)
    };
    update(id, &["--status", "failed"], "").failed(2, &["--reason"]);
    update(id, &["--status", "credentials_deleted"], "").failed(2, &["does not fit"]);
    update(id, &["--status", "credentials_deleted", "--outside", "x"], "").failed(2, &["credentials_created"]);
    update(id, &["--status", "credentials_created"], "canary-0").failed(2, &["JSON"]);
    let nobody = "0199d0a0-0000-7000-8000-000000000001";
    update(nobody, &["--status", "failed", "--reason", "no"], "").failed(6, &["no such task"]);
    let made = ["--status", "credentials_created", "--outside", "token-1"];
    let told = update(id, &made, r#"{"token":"canary-1"}"#).done();
    assert!(told.text().contains("rotation run") && !told.text().contains("canary"), "{}", told.text());
    update(id, &made, r#"{"token":"canary-2"}"#).failed(7, &["credentials_created", "waited for"]);
    once(&home, &[]).done();
    assert_eq!(home.run(&["secret", "get", "tracker", "--key", "token"]).done().text(), "canary-1");

    once(&home, &["tracker"]).done();
    let second = tasks(&home, &[])[0]["id"].as_str().unwrap().to_owned();
    update(&second, &["--status", "failed", "--reason", "E42: the quota is used up"], "").done();
    let why = home.run(&["task", "list"]).done().text();
    assert!(why.contains("queued") && why.contains("E42"), "{why}");
    home.run(&["task", "cancel", "tracker", &second, "--reason", "not today"]).done();
    assert_eq!(tasks(&home, &[]), Vec::<Value>::new());
    let kept = tasks(&home, &["tracker"]);
    assert_eq!((kept.len(), &kept[0]["status"]), (1, &"credentials_created".into()));
}
