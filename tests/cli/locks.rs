//! Locks from the command line, and what is said before and after they refuse something.

use crate::support::Home;

#[test]
fn locks_are_placed_listed_and_removed() {
    let home = Home::new();
    home.put("token", "one");
    let placed =
        home.run(&["lock", "create", "token", "billing", "shop", "--owner", "ops", "--attributes", r#"{"a":1}"#]);
    assert_eq!(placed.done().text(), "locked version 1 (current) of token: billing, shop\n");
    let list = home.run(&["lock", "list", "--json"]).done().json();
    assert_eq!(list["total_count"], 2);
    assert_eq!(list["locks"][0]["owner"], "ops");
    assert_eq!(list["locks"][0]["attributes"]["a"], 1);
    assert_eq!(list["locks"][0]["secret_version_alias"], "current");
    assert_eq!(home.run(&["lock", "list", "token", "--search", "shop"]).done().text().lines().count(), 1);
    home.run(&["lock", "delete", "token", "billing"]).failed(7, &["belongs to ops", "--force"]);
    home.run(&["lock", "delete", "token", "billing", "--actor", "ops"]).done();
    assert_eq!(
        home.run(&["lock", "delete", "token", "--all", "--force"]).done().text(),
        "freed version 1 (current) of token: shop\n"
    );
    assert_eq!(home.run(&["lock", "list"]).done().text(), "");
}

#[test]
fn a_lock_that_stands_on_another_version_is_pointed_out() {
    let home = Home::new();
    home.put("token", "one");
    home.run(&["lock", "create", "token", "billing"]).done();
    home.feed(&["secret", "rotate", "token", "--from-stdin"], "two").done();
    let nothing = home.run(&["lock", "delete", "token", "billing"]).done();
    assert!(nothing.text().contains("nothing changed"), "{}", nothing.text());
    assert!(nothing.err.contains("stands on version 1 (previous); --version 1"), "{}", nothing.err);
    home.run(&["lock", "create", "token", "billing", "--mode", "remove-previous-and-delete"]).done();
    home.run(&["secret", "get", "token", "--version", "previous"]).failed(7, &["the data of the version is gone"]);
}

#[test]
fn a_lease_is_renewed() {
    let home = Home::new();
    home.put("token", "one");
    home.run(&["lock", "create", "token", "job", "--ttl", "15m"]).done();
    let before = home.run(&["lock", "list", "--json"]).done().json();
    home.run(&["lock", "renew", "token", "job", "--ttl", "2h"]).done();
    let after = home.run(&["lock", "list", "--json"]).done().json();
    assert!(after["locks"][0]["expires_at"].as_str() > before["locks"][0]["expires_at"].as_str());
    let token = |list: &serde_json::Value| list["locks"][0]["fencing_token"].as_str().unwrap().to_owned();
    let number = |token: &str| token.strip_prefix("0-").unwrap().parse::<u64>().unwrap();
    let (old, new) = (token(&before), token(&after));
    assert!(number(&new) > number(&old));
    let renew = ["lock", "renew", "token", "job", "--ttl", "3h", "--token"];
    let stale = home.run(&[&renew[..], &[&old]].concat()).failed(7, &["has another fencing token"]);
    assert!(stale.err.contains(&format!("lock job has the fencing token {new}")), "{}", stale.err);
    home.run(&["lock", "delete", "token", "job", "--token", &old]).failed(7, &["has another fencing token"]);
    home.run(&["lock", "create", "token", "job", "--token", &old]).failed(7, &["has another fencing token"]);
    home.run(&["lock", "create", "token", "other", "--token", &new]).failed(6, &["no lock of that name"]);
    home.run(&["lock", "delete", "token", "job", "--token", "42"]).failed(2, &["0-42"]);
    home.run(&[&renew[..], &[&new]].concat()).done();
    let newest = token(&home.run(&["lock", "list", "--json"]).done().json());
    home.run(&["lock", "create", "token", "job", "--ttl", "15m", "--token", &newest]).done();
    let newest = token(&home.run(&["lock", "list", "--json"]).done().json());
    home.run(&["lock", "delete", "token", "job", "--token", &newest]).done();
    home.run(&["lock", "delete", "token", "job", "--token", &newest]).done();
    home.run(&["lock", "create", "token", "shortest", "--ttl", "1s"]).done();
    home.run(&["lock", "renew", "token", "none", "--ttl", "2h"]).failed(6, &["no lock of that name"]);
    home.run(&["lock", "create", "token", "job", "--ttl", "soon"]).failed(2, &["15m"]);
}

/// With several names the token was once passed over, and all were freed.
#[test]
fn each_lock_that_is_deleted_is_held_to_the_token() {
    let home = Home::new();
    home.put("token", "one");
    home.run(&["lock", "create", "token", "aa", "bb"]).done();
    let list = || home.run(&["lock", "list", "--json"]).done().json();
    let locks = list()["locks"].as_array().unwrap().clone();
    let token = |name: &str| {
        let lock = locks.iter().find(|lock| lock["name"] == name).unwrap();
        lock["fencing_token"].as_str().unwrap().to_owned()
    };
    let delete =
        |names: &[&str], token: &str| home.run(&[&["lock", "delete", "token"], names, &["--token", token]].concat());
    for names in [&["aa", "bb"][..], &["bb", "aa"], &["none", "aa"], &["aa"]] {
        let stale = delete(names, "0-1").failed(7, &["has another fencing token", "has the fencing token 0-"]);
        assert!(!stale.err.contains("since"), "{}", stale.err);
    }
    delete(&["aa", "bb"], &token("aa")).failed(7, &[&format!("lock bb has the fencing token {}", token("bb"))]);
    assert_eq!(list()["total_count"], 2, "nothing is freed by halves");
    assert_eq!(delete(&["none", "aa"], &token("aa")).done().text(), "freed version 1 (current) of token: aa\n");
    assert_eq!(list()["total_count"], 1);
}

#[test]
fn explain_tells_of_a_rotation_of_each_type_that_rotates() {
    let home = Home::new();
    home.feed(&["secret", "create", "kv", "env", "--from-stdin"], r#"{"A":"1"}"#).done();
    home.run(&["secret", "create", "username-password", "login", "--username", "bob", "--generate"]).done();
    home.run(&["explain", "env", "--operation", "rotate"]).done();
    home.run(&["explain", "login", "--operation", "rotate"]).done();
    home.run(&["lock", "create", "env", "billing"]).done();
    home.feed(&["secret", "rotate", "env", "--from-stdin"], r#"{"A":"2"}"#).done();
    let refused = home.run(&["explain", "env", "--operation", "rotate"]).failed(3, &[]);
    assert!(refused.text().contains("billing") && refused.text().contains("lock delete"), "{}", refused.text());
    home.run(&["secret", "destroy-data", "login", "--version", "current", "--yes"]).done();
    let gone = home.run(&["explain", "login", "--operation", "rotate"]).failed(2, &[]);
    assert!(gone.text().contains("username is gone"), "{}", gone.text());
    home.run(&["secret", "rotate", "login", "--generate"]).failed(2, &["username is gone"]);
}

#[test]
fn explain_tells_what_would_happen_and_leaves_no_trace() {
    let home = Home::new();
    home.put("token", "one");
    home.run(&["lock", "create", "token", "billing"]).done();
    let records = |home: &Home| home.run(&["status", "--json"]).done().json()["log_size"].as_u64();
    let before = records(&home);
    let rotate = home.run(&["explain", "token", "--operation", "rotate"]).done();
    assert!(rotate.text().starts_with("rotate: would be done\n  VersionAdded  version 2"), "{}", rotate.text());
    let delete = home.run(&["explain", "token", "--operation", "delete"]);
    assert_eq!(delete.code, 3);
    for text in ["would be refused", "lock billing on version 1 (current)", "placed by tester", "lock delete"] {
        assert!(delete.text().contains(text), "{text}: {}", delete.text());
    }
    let all = home.run(&["explain", "token", "--json"]).done().json();
    let said: Vec<(&str, bool)> = all["operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|shown| (shown["operation"].as_str().unwrap(), shown["would_be_done"].as_bool().unwrap()))
        .collect();
    let expected = [("read", true), ("rotate", true), ("restore", false), ("delete", false), ("destroy_data", false)];
    assert_eq!(said, expected);
    let delete = &all["operations"][3];
    assert_eq!((&delete["blocked_by"][0]["name"], &delete["status_code"]), (&"billing".into(), &412.into()));
    assert_eq!(records(&home), before);
}

#[test]
fn a_refusal_in_json_names_the_locks() {
    let home = Home::new();
    home.put("token", "one");
    home.run(&["lock", "create", "token", "billing", "--owner", "ops"]).done();
    let refused = home.run(&["secret", "delete", "token", "--json"]).failed(3, &[]);
    let error: serde_json::Value = serde_json::from_str(&refused.err).unwrap();
    assert_eq!(error["errors"][0]["code"], "secret_version_locked");
    assert_eq!(error["blocked_by"][0]["name"], "billing");
    assert_eq!(error["blocked_by"][0]["owner"], "ops");
    let list = home.run(&["lock", "list", "--json"]).done().json();
    assert_eq!(error["blocked_by"][0]["fencing_token"], list["locks"][0]["fencing_token"]);
    assert_eq!((&error["waits_for"][0], &error["refused"]["operation"]), (&"ops".into(), &"delete".into()));
    assert_eq!((&error["exit_code"], &error["status_code"]), (&3.into(), &412.into()));
}
