//! Credentials that the original of a restored store made after the backup: shown in quarantine, and ended by a person alone.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Home, Ran};

/// Makes a file for each credential, and lists them.
const PROGRAM: &str = r#"#!/bin/sh
cd "$HERE/outside" || exit 75
question=$(cat)
field() { printf '%s\n' "$question" | sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/"; }
case $question in
*'"call":"create"'*)
    n=$(ls | wc -l)
    field rotation >"user-$n"
    echo "{\"credential\":{\"username\":\"user-$n\",\"password\":\"canary\"},\"outside\":\"user-$n\"}" ;;
*'"call":"list"'*)
    for user in user-*; do
        [ -e "$user" ] && all="$all${all:+,}{\"rotation\":\"$(cat "$user")\",\"outside\":\"$user\"}"
    done
    echo "{\"listed\":[$all]}" ;;
*'"call":"find"'*) echo '{"found":[]}' ;;
*'"call":"retire"'*) rm -f "$(field outside)" ;;
esac
exit 0
"#;

fn home() -> Home {
    let home = Home::new();
    let program = home.file("issue", PROGRAM);
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::create_dir(home.path("outside")).unwrap();
    let env = serde_json::json!({ "PATH": "/usr/bin:/bin", "HERE": home.dir.path().to_str().unwrap() });
    let orders = serde_json::json!({ "kind": "exec", "program": program, "env": env, "class": "create_discoverable" });
    home.file("issuers.json", serde_json::json!({ "orders": orders }).to_string());
    home.run(&["secret", "create", "service-credentials", "orders-db", "--issuer", "orders"]).done();
    home
}

fn with_issuers(home: &Home, args: &[&str]) -> Ran {
    home.run(&[args, &["--issuers", "issuers.json"]].concat())
}

/// A store with a restored copy, made of a backup that did not know the last credential, which is `user-1`.
fn restored(home: &Home) -> impl Fn(&[&str], &[u8]) -> Ran {
    with_issuers(home, &ONCE).done();
    with_issuers(home, &["credential", "list"]).done();
    let (backup, key) = (home.arg("b.lkbk"), home.arg("b.key"));
    home.run(&["backup", "--out", &backup, "--backup-key-file", &key]).done();
    with_issuers(home, &["rotation", "run", "orders-db", "--once"]).done();
    let at = |args: &[&str], stdin: &[u8]| {
        let mut command = home.command(args);
        command.env("LATCHKEEP_STORE", home.path("fresh")).env("LATCHKEEP_ISSUERS", home.path("issuers.json"));
        crate::support::run(command, stdin)
    };
    at(&["restore", &backup, "--backup-key-file", &key], b"").done();
    at
}

const ONCE: [&str; 5] = ["rotation", "run", "--once", "--patience", "0s"];

#[test]
fn what_the_original_made_after_the_backup_is_shown_and_ended_by_a_person_alone() {
    let home = home();
    let with_stdin = restored(&home);
    let at = |args: &[&str]| with_stdin(args, b"");
    let shown = at(&["quarantine", "show"]).done().text();
    assert!(shown.contains("made after the backup: user-1 at orders"), "{shown}");
    assert!(shown.contains("1 credential of issuers"), "{shown}");
    at(&["quarantine", "end", "--yes"]).done();
    at(&ONCE).failed(1, &["orders has user-1", "credential end"]);
    at(&["credential", "list"]).failed(1, &[]);
    at(&["credential", "end", "orders", "user-0", "--yes"]).failed(2, &["known to the log"]);
    assert!(home.path("outside/user-1").exists());
    let ended = at(&["credential", "end", "orders", "--all", "--yes"]).done().text();
    assert_eq!(ended, "ended user-1 at orders\n");
    assert!(home.path("outside/user-0").exists() && !home.path("outside/user-1").exists());
    at(&ONCE).done();
}

#[test]
fn a_person_adopts_what_the_original_made_after_the_backup() {
    const DATA: &[u8] = b"{\"username\":\"user-1\",\"password\":\"canary\"}\n";
    let home = home();
    let at = restored(&home);
    let adopt = ["credential", "adopt", "orders-db", "user-1", "--from-file", "-"];
    at(&adopt, DATA).failed(4, &["quarantine"]);
    at(&["quarantine", "end", "--yes"], b"").done();
    at(&ONCE, b"").failed(1, &["orders has user-1", "credential adopt"]);
    at(&adopt, b"").failed(2, &["empty"]);
    at(&adopt, b"canary").failed(2, &["credential was not adopted into orders-db by issuer orders: ", "JSON"]);
    at(&["credential", "adopt", "orders-db", "user-7", "--from-file", "-"], DATA).failed(2, &["not listed"]);
    let status = at(&["status"], b"").done().text();
    assert!(status.contains("1 credential of orders not known to the log, since "), "{status}");
    let status = at(&["status", "--json"], b"").done().json();
    assert_eq!(status["unknown_credentials"][0]["issuer"], "orders");
    let list = at(&["rotation", "list"], b"").done();
    assert!(list.err.contains("adopt or end each"), "{}", list.err);
    let list = at(&["rotation", "list", "--json"], b"").done().json();
    assert_eq!(list["unknown_credentials"][0]["credentials"], 1);
    let adopted = at(&adopt, DATA).done().text();
    assert_eq!(adopted, "adopted user-1: version 2 of orders-db is current\n");
    let got = at(&["secret", "get", "orders-db"], b"").done().text();
    assert!(got.contains("user-1"), "{got}");
    at(&["credential", "list"], b"").done();
    assert!(!at(&["status"], b"").done().text().contains("not known to the log"));
    at(&ONCE, b"").done();
    at(&adopt, DATA).failed(2, &["known to the log"]);
    assert!(home.path("outside/user-0").exists() && home.path("outside/user-1").exists());
    let log = at(&["log", "show"], b"").done().text();
    assert!(!log.contains("canary"), "{log}");
}

/// An issuer that was away, or misspelt, once had "nothing that the log knows nothing of".
#[test]
fn an_issuer_that_could_not_be_asked_is_told_apart_from_one_that_has_nothing() {
    let home = home();
    let with_stdin = restored(&home);
    let at = |args: &[&str]| with_stdin(args, b"");
    at(&["quarantine", "end", "--yes"]).done();
    let misspelt = "issuer misspelt is not registered here";
    at(&["credential", "end", "misspelt", "--all", "--yes"]).failed(2, &[misspelt]);
    at(&["credential", "end", "misspelt", "user-1", "--yes"]).failed(2, &[misspelt]);
    std::fs::rename(home.path("outside"), home.path("away")).unwrap();
    let away = "issuer orders could not be asked: ";
    let ran = at(&["credential", "end", "orders", "--all", "--yes", "--json"]).failed(4, &[away, "issuer_unavailable"]);
    assert_eq!(ran.text(), "");
    at(&["credential", "end", "orders", "user-1", "--yes"]).failed(4, &[away]);
    std::fs::rename(home.path("away"), home.path("outside")).unwrap();
    // It lists, and cannot end.
    let program = PROGRAM.replace(r#"rm -f "$(field outside)""#, "exit 75");
    home.file("issue", program);
    at(&["credential", "end", "orders", "--all", "--yes"]).failed(4, &[away]);
}

/// In JSON nothing once told that an issuer could not be asked, and nowhere which cannot list.
#[test]
fn a_quarantine_tells_which_issuers_could_not_be_asked_and_which_cannot_list() {
    let home = home();
    let with_stdin = restored(&home);
    let at = |args: &[&str]| with_stdin(args, b"");
    let told = home.run(&["quarantine", "show"]).done().text();
    assert!(told.contains("in no quarantine"), "{told}");
    let shown = at(&["quarantine", "show", "--json"]).done().json();
    assert_eq!((&shown["unknown"][0]["outside"], &shown["problems"]), (&"user-1".into(), &serde_json::json!([])));
    let mut issuers: serde_json::Value =
        serde_json::from_slice(&std::fs::read(home.path("issuers.json")).unwrap()).unwrap();
    issuers["by-hand"] = issuers["orders"].clone();
    issuers["by-hand"]["class"] = "opaque".into();
    issuers["broken"] = serde_json::json!({ "kind": "exec", "program": "relative" });
    home.file("issuers.json", issuers.to_string());
    std::fs::rename(home.path("outside"), home.path("away")).unwrap();
    let shown = at(&["quarantine", "show", "--json"]).done().json();
    let by_hand = serde_json::json!([{ "issuer": "by-hand", "class": "opaque" }]);
    assert_eq!((&shown["unknown"], &shown["cannot_list"]), (&serde_json::json!([]), &by_hand));
    let problems = shown["problems"].to_string();
    assert!(problems.contains("issuer broken: ") && problems.contains("orders: "), "{problems}");
    let told = at(&["quarantine", "show"]).done();
    assert!(told.err.contains("by-hand is of class opaque, and cannot list"), "{}", told.err);
    let shown = at(&["credential", "list", "--json"]).failed(1, &[]).json();
    assert_eq!(shown["cannot_list"], by_hand);
}

/// The advice once named an adoption first, which a quarantine refuses.
#[test]
fn the_advice_after_a_restore_comes_in_the_order_that_works() {
    let home = home();
    let at = restored(&home);
    let shown = at(&["quarantine", "show"], b"").done().text();
    let again = ["restore", &home.arg("b.lkbk"), "--backup-key-file", &home.arg("b.key")];
    let again = home.run(&[&again[..], &["--store", &home.arg("again")]].concat()).done().text();
    for text in [shown, again] {
        let (end, adopt) = (text.find("quarantine end").unwrap(), text.find("credential adopt").unwrap());
        assert!(end < adopt && text[adopt - 60..].contains("rotation run"), "{text}");
    }
}
