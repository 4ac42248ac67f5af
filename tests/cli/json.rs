//! JSON for programs: every command's parses, with the field names of the reference.

use crate::support::Home;

#[test]
fn every_command_answers_in_json() {
    let home = Home::empty();
    let made = home.run(&["init", "--json"]).done().json();
    let log_id = made["log_id"].clone();
    assert!(
        log_id.as_str().is_some_and(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())),
        "{log_id}"
    );
    let run = |args: &[&str], stdin: &str| home.feed(&[args, &["--json"]].concat(), stdin).done().json();
    assert_eq!(run(&["group", "create", "team"], "")["name"], "team");
    let args = ["secret", "create", "arbitrary", "token", "--from-stdin", "--group", "team", "--label", "prod"];
    let secret = run(&args, "one");
    for field in ["id", "name", "secret_type", "secret_group_id", "state", "created_at", "created_by", "versions_total"]
    {
        assert!(!secret[field].is_null(), "{field}");
    }
    let rotated = run(&["secret", "rotate", "token"], "two");
    assert_eq!((&rotated["number"], &rotated["alias"]), (&2.into(), &"current".into()));
    let restored = run(&["secret", "restore", "token"], "");
    assert_eq!(restored["number"], 3);
    let read = run(&["secret", "get", "token"], "");
    assert_eq!((&read["payload"], &read["number"]), (&"one".into(), &3.into()));
    let locks = run(&["lock", "create", "token", "billing", "--ttl", "1h"], "");
    assert_eq!(locks["versions"][0]["locks"][0], "billing");
    assert!(locks["fencing_token"].as_str().is_some_and(|token| token.starts_with("0-")));
    run(&["lock", "renew", "token", "billing", "--ttl", "2h"], "");
    assert_eq!(run(&["secret", "list", "--locked"], "")["total_count"], 1);
    assert_eq!(run(&["secret", "show", "token"], "")["versions"][0]["locks"][0], "billing");
    let freed = run(&["lock", "delete", "token", "billing"], "");
    assert_eq!(freed["versions"][0]["locks"], serde_json::json!([]));
    let gone = run(&["secret", "destroy-data", "token", "--version", "previous"], "");
    assert_eq!((&gone["payload_available"], &gone["payload_destroyed"]["cause"]), (&false.into(), &"requested".into()));
    assert_eq!(run(&["group", "list"], "")["total_count"], 2);
    assert_eq!(run(&["secret", "delete", "token"], "")["deleted"], true);
    assert_eq!(run(&["group", "delete", "team"], "")["deleted"], true);
    assert_eq!(run(&["log", "verify"], "")["verified"], true);
    assert_eq!(run(&["scrub"], "")["findings"], serde_json::json!([]));
    let status = run(&["status"], "");
    assert_eq!((&status["secrets_total"], &status["log_id"]), (&0.into(), &log_id));
}

#[test]
fn the_log_is_an_object_per_line() {
    let home = Home::new();
    home.put("token", "one");
    home.run(&["lock", "create", "token", "billing"]).done();
    home.run(&["secret", "delete", "token"]).failed(3, &[]);
    let lines = |args: &[&str]| -> Vec<serde_json::Value> {
        let ran = home.run(&[&["log", "show", "--json"], args].concat()).done();
        ran.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let all = lines(&[]);
    let labels: Vec<&str> = all.iter().map(|record| record["event"].as_str().unwrap()).collect();
    assert_eq!(
        labels,
        ["StoreCreated", "SigningKeySet", "SecretCreated", "VersionAdded", "LockPlaced", "DeletionRefused"]
    );
    assert!(all.iter().enumerate().all(|(position, record)| record["position"] == position));
    assert_eq!(all[5]["actor"], "tester");
    assert_eq!(lines(&["--last", "2"]).len(), 2);
    assert_eq!(lines(&["--from", "3"]), all[3..]);
    assert_eq!(lines(&["--secret", "token"]), all[2..]);
}

#[test]
fn lists_are_sorted_and_searched() {
    let home = Home::new();
    // No id, which is searched too, has these letters: they are no hexadecimal digits.
    for name in ["yy", "xx", "zz"] {
        home.put(name, "value");
    }
    let names = |args: &[&str]| -> Vec<String> {
        let list = home.run(&[&["secret", "list", "--json"], args].concat()).done().json();
        let secrets = list["secrets"].as_array().unwrap().clone();
        secrets.iter().map(|secret| secret["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&[]), ["xx", "yy", "zz"]);
    assert_eq!(names(&["--sort", "-name"]), ["zz", "yy", "xx"]);
    assert_eq!(names(&["--sort", "created_at"]), ["yy", "xx", "zz"]);
    assert_eq!(names(&["--search", "YY"]), ["yy"]);
    assert_eq!(names(&["--type", "kv"]), [""; 0]);
    home.run(&["secret", "list", "--sort", "colour"]).failed(2, &["colour"]);
}

#[test]
fn json_of_a_value_holds_what_was_asked_for_and_no_more() {
    let home = Home::new();
    let kv = r#"{"public":"p","private":"canary","n":12345678901234567890123,"deep":{"x":1.10}}"#;
    home.feed(&["secret", "create", "kv", "two", "--from-stdin"], kv).done();
    home.feed(&["secret", "create", "username-password", "up", "--username", "bob", "--from-stdin"], "canary-pw")
        .done();
    let get = |args: &[&str]| home.run(&[&["secret", "get", "--json"], args].concat()).done();
    let one = get(&["two", "--key", "public"]);
    assert_eq!(one.json()["data"], serde_json::json!({ "public": "p" }));
    assert!(!one.text().contains("canary"));
    assert!(get(&["two", "--key", "n"]).text().contains(r#""data":{"n":12345678901234567890123}"#));
    let name = get(&["up", "--field", "username"]);
    assert_eq!((&name.json()["username"], &name.json()["password"]), (&"bob".into(), &serde_json::Value::Null));
    home.run(&["secret", "get", "--json", "two", "--key", "none"]).failed(6, &["no field none"]);
    home.run(&["secret", "get", "--json", "two", "--format", "env"]).failed(2, &["--format"]);
    for (key, text) in [("n", "12345678901234567890123"), ("deep", r#"{"x":1.10}"#)] {
        assert_eq!(home.run(&["secret", "get", "two", "--key", key]).done().text(), text);
    }
}
