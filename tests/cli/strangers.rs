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

#[test]
fn what_the_original_made_after_the_backup_is_shown_and_ended_by_a_person_alone() {
    let home = home();
    let once = ["rotation", "run", "--once", "--patience", "0s"];
    with_issuers(&home, &once).done();
    with_issuers(&home, &["credential", "list"]).done();
    let (backup, key) = (home.arg("b.lkbk"), home.arg("b.key"));
    home.run(&["backup", "--out", &backup, "--backup-key-file", &key]).done();
    with_issuers(&home, &["rotation", "run", "orders-db", "--once"]).done();
    let at = |args: &[&str]| {
        let mut command = home.command(args);
        command.env("LATCHKEEP_STORE", home.path("fresh"));
        crate::support::run(command, b"")
    };
    at(&["restore", &backup, "--backup-key-file", &key]).done();
    let shown = at(&["quarantine", "show", "--issuers", "issuers.json"]).done().text();
    assert!(shown.contains("made after the backup: user-1 at orders"), "{shown}");
    assert!(shown.contains("1 credential of issuers"), "{shown}");
    at(&["quarantine", "end", "--yes"]).done();
    let run = [&once[..], &["--issuers", "issuers.json"]].concat();
    at(&run).failed(1, &["orders has user-1", "credential end"]);
    at(&["credential", "list", "--issuers", "issuers.json"]).failed(1, &[]);
    at(&["credential", "end", "orders", "user-0", "--issuers", "issuers.json", "--yes"])
        .failed(2, &["known to the log"]);
    assert!(home.path("outside/user-1").exists());
    let ended = at(&["credential", "end", "orders", "--all", "--issuers", "issuers.json", "--yes"]).done().text();
    assert_eq!(ended, "ended user-1 at orders\n");
    assert!(home.path("outside/user-0").exists() && !home.path("outside/user-1").exists());
    at(&run).done();
}
