//! What an issued secret is told anew, and what an operator is told of it: parameters that were wrong, a first credential that had
//! ended, a deletion that is not through, and two secrets of one account.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::{Home, Ran};

/// Makes credentials for the database `orders` alone; while `ended` is there, such as ended long ago.
const PROGRAM: &str = r#"#!/bin/sh
cd "$HERE" || exit 75
question=$(cat)
case $question in
*'"call":"create"'*'"db":"orders"'* | *'"db":"orders"'*'"call":"create"'*)
    [ -e ended ] && end=',"expires_at":"2001-01-01T00:00:00Z"'
    echo "{\"credential\":{\"username\":\"u\",\"password\":\"canary\"},\"outside\":\"user-1\"$end}" ;;
*'"call":"create"'*) echo '{"reason":"no such database"}'; exit 77 ;;
*'"call":"pick"'*) echo '{"value":{"password":"canary-value"}}' ;;
esac
exit 0
"#;

fn home(class: &str) -> Home {
    let home = Home::new();
    let program = home.file("issue", PROGRAM);
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    let env = serde_json::json!({ "PATH": "/usr/bin:/bin", "HERE": home.dir.path().to_str().unwrap() });
    let orders = serde_json::json!({ "kind": "exec", "program": program, "env": env, "class": class });
    home.file("issuers.json", serde_json::json!({ "orders": orders }).to_string());
    home
}

fn create(home: &Home, name: &str, parameters: &str) {
    let args = ["secret", "create", "service-credentials", name, "--issuer", "orders", "--parameters", parameters];
    home.run(&args).done();
}

fn once(home: &Home) -> Ran {
    home.run(&["rotation", "run", "--issuers", "issuers.json", "--once", "--patience", "0s"])
}

fn update(home: &Home, more: &[&str]) -> Ran {
    home.run(&[&["secret", "update", "orders-db"][..], more].concat())
}

/// Only deletion helped once, and with it everything was gone that others knew the secret by.
#[test]
fn parameters_that_were_wrong_can_be_told_anew_before_the_first_version() {
    let home = home("opaque");
    create(&home, "orders-db", r#"{"db": "odrers"}"#);
    once(&home).failed(1, &["no such database"]);
    let changed = update(&home, &["--parameters", r#"{"db": "orders"}"#, "--rotate-every", "30d"]).done();
    assert!(changed.text().contains("changed service_credentials/orders-db"), "{}", changed.text());
    home.run(&["rotation", "abort", "orders-db", "--reason", "told anew"]).done();
    let shown = home.run(&["rotation", "show", "orders-db"]).done().text();
    assert!(shown.contains("last rotation\tgiven up") && shown.contains("told anew"), "{shown}");
    update(&home, &["--grace", "1h", "--consumer", "billing", "--retention", "3"]).done();
    let shown = home.run(&["secret", "show", "orders-db", "--json"]).done().json();
    assert_eq!((&shown["parameters"]["db"], &shown["grace_secs"]), (&"orders".into(), &3_600.into()));
    let every_30_days = serde_json::json!({ "auto_rotate": true, "interval": 30, "unit": "day" });
    assert_eq!((&shown["consumers"][0], &shown["rotation"]), (&"billing".into(), &every_30_days));
    let source = &shown["source_service"]["instance"]["crn"];
    assert_eq!((source, &shown["issuer"]), (&"orders".into(), &Value::Null));
}

#[test]
fn what_is_told_anew_is_held_to_what_goes_together() {
    let home = home("opaque");
    create(&home, "orders-db", r#"{"db": "orders"}"#);
    once(&home).done();
    update(&home, &["--rotate-every", "1d", "--grace", "12h"]).done();
    update(&home, &["--grace", "2d"]).failed(2, &["shorter than the grace"]);
    update(&home, &["--rotate-every", "30d", "--grace", "2d"]).done();
    update(&home, &["--rotate-every", "1d", "--grace", "0"]).done();
    update(&home, &["--rotate-every", "1d"]).done();
    update(&home, &["--no-rotation", "--no-parameters", "--no-consumers"]).done();
    let shown = home.run(&["secret", "show", "orders-db", "--json"]).done().json();
    assert_eq!((&shown["parameters"], &shown["rotation"]), (&Value::Null, &Value::Null));
    update(&home, &[]).failed(2, &["required"]);
    home.put("token", "canary");
    home.run(&["secret", "update", "token", "--grace", "1h"]).failed(2, &["no issuer makes token"]);
}

/// The run once ended with 0, and the reason stood in no view but the log.
#[test]
fn a_first_credential_that_had_ended_is_told() {
    let home = home("create_with_token");
    create(&home, "orders-db", r#"{"db": "orders"}"#);
    home.file("ended", "");
    once(&home).failed(1, &["orders-db did not come on", "ended before it could be put into use"]);
    for view in [["rotation", "show", "orders-db"].as_slice(), &["rotation", "list"]] {
        let text = home.run(view).done().text();
        assert!(text.contains("ended before it could be put into use"), "{text}");
    }
    let shown = home.run(&["rotation", "show", "orders-db", "--json"]).done().json();
    assert!(shown["given_up"]["reason"].as_str().unwrap().contains("ended before"), "{shown}");
    once(&home).done();
}

/// It once said that the secret was deleted, while its credential went on logging in.
#[test]
fn a_deletion_that_is_not_through_says_what_is_ended_first() {
    let home = home("create_with_token");
    create(&home, "orders-db", r#"{"db": "orders"}"#);
    once(&home).done();
    let text = home.run(&["secret", "delete", "orders-db", "--yes"]).done().text();
    assert!(text.contains("is to be deleted") && text.contains("rotation run"), "{text}");
    assert!(text.contains("the credential of version 1 (by orders, user-1)"), "{text}");
    let again = home.run(&["secret", "delete", "orders-db", "--yes", "--json"]).done().json();
    assert_eq!(again["deleted"], false, "{again}");
    once(&home).done();
    home.run(&["secret", "show", "orders-db"]).failed(6, &[]);
}

/// It once said that it ends the credential first, while the account went on with its password.
#[test]
fn a_deletion_says_what_stays_good_where_a_password_is_replaced_in_place() {
    let home = home("set_value");
    create(&home, "one", r#"{"db": "orders"}"#);
    once(&home);
    let text = home.run(&["secret", "delete", "one", "--yes"]).done().text();
    assert!(
        text.contains("is to be deleted") && text.contains("rotation run") && !text.contains("ends first"),
        "{text}"
    );
    assert!(text.contains("the account of version 1 (by orders, user-1) and its password stay good"), "{text}");
    let again = home.run(&["secret", "delete", "one", "--yes", "--json"]).done().json();
    assert_eq!(again["ends_first"], serde_json::json!([]), "{again}");
    assert_eq!(
        again["stay_good"],
        serde_json::json!(["the account of version 1 (by orders, user-1) and its password"]),
        "{again}"
    );
    once(&home).done();
    home.run(&["secret", "show", "one"]).failed(6, &[]);
}

/// The second ended the password of the first, and nothing said so.
#[test]
fn two_secrets_of_one_account_are_told() {
    let home = home("set_value");
    create(&home, "one", r#"{"db": "orders"}"#);
    create(&home, "two", r#"{"db": "orders"}"#);
    once(&home);
    let ran = once(&home);
    assert!(ran.err.contains("one, two name one account to one issuer"), "{}", ran.err);
    assert!(ran.err.contains("by the names of secrets"), "only the program knows: {}", ran.err);
    home.run(&["secret", "update", "two", "--parameters", r#"{"db": "orders", "account": "two"}"#]).done();
    assert!(!once(&home).err.contains("one account"));
    // A program that is told nothing has the names of secrets to go by.
    for name in ["one", "two"] {
        home.run(&["secret", "update", name, "--no-parameters"]).done();
    }
    assert!(!once(&home).err.contains("one account"));
}

/// The help offered hours for each type, and all but one refuse them.
#[test]
fn intervals_of_hours_are_offered_where_they_are_taken() {
    let home = home("opaque");
    let create = ["secret", "create", "username-password", "db-admin", "--username", "admin", "--generate"];
    home.run(&[&create[..], &["--rotate-every", "12h"]].concat()).failed(2, &["1 day to 24 months"]);
    home.run(&[&create[..], &["--rotate-every", "24h"]].concat()).done();
    let job = ["secret", "create", "custom-credentials", "job", "--issuer", "orders", "--rotate-every"];
    home.run(&[&job[..], &["5h"]].concat()).failed(2, &["6 hours to 3 months"]);
    home.run(&[&job[..], &["12h"]].concat()).done();
    let wrong = home.run(&["secret", "update", "job", "--rotate-every", "12"]).failed(2, &["30d, 2w, 3mo"]);
    assert!(wrong.err.contains("from 6h, custom-credentials alone"), "{}", wrong.err);
    for command in ["create", "update"] {
        let help = home.run(&["secret", command, "--help"]).done().text();
        let help: Vec<&str> = help.split_whitespace().collect();
        assert!(help.join(" ").contains("from 6h on, custom-credentials alone"), "{command}");
    }
}

#[test]
fn a_request_for_a_certificate_is_brought_in_a_file() {
    let home = Home::new();
    let shown = |home: &Home| home.run(&["secret", "show", "web", "--json"]).done().text();
    let requests = ["one", "two"].map(|name| home.file(name, format!("-----BEGIN {name}-----\n\"a\"\n")));
    let create = ["secret", "create", "private-cert", "web", "--issuer", "ca"];
    home.run(&[&create[..], &["--csr", &requests[0], "--parameters", "{}"]].concat()).failed(2, &["--parameters"]);
    home.run(&[&create[..], &["--csr", &home.arg("none")]].concat()).failed(2, &["none"]);
    home.run(&[&create[..], &["--csr", &requests[0]]].concat()).done();
    assert!(shown(&home).contains(r#""csr":"-----BEGIN one-----\n\"a\"\n""#), "{}", shown(&home));
    home.run(&["secret", "update", "web", "--csr", &requests[1]]).done();
    assert!(shown(&home).contains("BEGIN two") && !shown(&home).contains("BEGIN one"), "{}", shown(&home));
}

#[test]
fn an_expiry_is_told_anew_and_taken_away() {
    let home = Home::new();
    home.feed(&["secret", "create", "arbitrary", "token", "--from-stdin"], "one").done();
    let expires = || home.run(&["secret", "show", "token", "--json"]).done().json()["expiration_date"].clone();
    home.run(&["secret", "update", "token", "--expires", "2100-01-01"]).done();
    assert_eq!(expires(), "2100-01-01T00:00:00Z");
    home.run(&["secret", "update", "token", "--expires", "90d"]).done();
    assert!(expires().as_str().unwrap() < "2100", "{}", expires());
    home.run(&["secret", "update", "token", "--no-expiry"]).done();
    assert_eq!(expires(), Value::Null);
    home.run(&["secret", "update", "token", "--no-expiry", "--expires", "90d"]).failed(2, &["cannot be used with"]);
}
