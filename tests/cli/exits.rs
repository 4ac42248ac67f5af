//! The exit codes, each with the case that a script has to tell apart, and what is said in it.

use latchkeep::{StoreOptions, Unlock};

use crate::support::{Home, files_below};

#[test]
fn each_exit_code_has_its_cases() {
    let home = Home::new();
    home.put("token", "one");
    home.run(&["lock", "create", "token", "billing"]).done();
    std::fs::create_dir(home.path("empty")).unwrap();
    let (empty, none) = (home.arg("empty"), home.arg("none"));
    let env = home.file("bad.env", "A=1\nB=\"hunter2\n");
    let cases: &[(&[&str], i32, &str)] = &[
        (&["--help"], 0, ""),
        (&["--version"], 0, ""),
        (&["secret", "list"], 0, ""),
        (&[], 2, "Usage"),
        (&["no-such-command"], 2, "no-such-command"),
        (&["secret", "create", "arbitrary", "x"], 2, "secret name"),
        (&["secret", "create", "arbitrary", "fresh"], 2, "is empty"),
        (&["secret", "create", "arbitrary", "fresh", "--generate"], 2, "only passwords"),
        (&["secret", "create", "kv", "fresh", "--from-env", &env], 2, "line 2"),
        (&["secret", "create", "iam-credentials", "fresh"], 2, "--service-id"),
        (&["secret", "get", "token", "--field", "password"], 2, "it has payload"),
        (&["secret", "get", "kinds/token"], 2, "no type of secret"),
        (&["lock", "delete", "token"], 2, "--all"),
        (&["status", "--store", &none], 2, "nothing at that path"),
        (&["status", "--store", &empty], 2, "is not a store"),
        (&["secret", "get", "nothing"], 6, "there is no secret nothing"),
        (&["secret", "get", "token", "--version", "previous"], 6, "no such version"),
        (&["secret", "delete", "token"], 3, "lock billing"),
        (&["secret", "list", "--group", "nobody"], 6, "there is no group nobody"),
        (&["explain", "token", "--operation", "delete"], 3, ""),
    ];
    for (args, code, text) in cases {
        let ran = home.run(args);
        assert_eq!(ran.code, *code, "{args:?}: {}", ran.err);
        assert!(ran.err.contains(text), "{args:?}: {text:?} is not in {}", ran.err);
        assert!(!ran.err.contains("hunter2"), "{args:?}");
    }
    home.feed(&["secret", "create", "arbitrary", "token", "--from-stdin"], "two").failed(7, &["the name is taken"]);
}

#[test]
fn a_store_that_is_open_elsewhere_is_not_available() {
    let home = Home::new();
    let holder = StoreOptions::new(home.path("store"), Unlock::key_file(home.path("store.key"))).open().unwrap();
    home.run(&["secret", "list"]).failed(4, &["is open already"]);
    home.feed(&["secret", "create", "arbitrary", "token", "--from-stdin"], "one").failed(4, &["is open already"]);
    holder.close().unwrap();
    home.run(&["secret", "list"]).done();
}

#[test]
fn a_damaged_store_is_told_apart() {
    let home = Home::new();
    home.put("token", &"long ".repeat(40_000));
    let db = files_below(&home.path("store")).into_iter().find(|path| path.ends_with("rows/db")).unwrap();
    let mut bytes = std::fs::read(&db).unwrap();
    // Somewhere in it lie 200 kB of sealed data in a row, and much else is room that is not in use.
    for part in bytes.chunks_exact_mut(64 * 1_024).filter(|part| part.iter().any(|byte| *byte != 0)) {
        let middle = part.len() / 2;
        part[middle..middle + 4_096].fill(0x5a);
    }
    std::fs::write(&db, bytes).unwrap();
    let ran = home.run(&["scrub"]);
    assert_eq!(ran.code, 5, "out: {}\nerr: {}", ran.text(), ran.err);
}

#[test]
fn names_that_several_secrets_have_are_asked_about() {
    let home = Home::new();
    home.put("shared", "one");
    home.feed(&["secret", "create", "kv", "shared", "--from-stdin"], r#"{"a":"b"}"#).done();
    home.run(&["secret", "get", "shared"]).failed(2, &["arbitrary/shared, kv/shared", "TYPE/NAME"]);
    assert_eq!(home.run(&["secret", "get", "arbitrary/shared"]).done().text(), "one");
    assert_eq!(home.run(&["secret", "get", "shared", "--type", "kv"]).done().text(), r#"{"a":"b"}"#);
    let id = home.run(&["secret", "show", "kv/shared", "--json"]).done().json()["id"].as_str().unwrap().to_owned();
    assert_eq!(home.run(&["secret", "get", &id]).done().text(), r#"{"a":"b"}"#);
}
