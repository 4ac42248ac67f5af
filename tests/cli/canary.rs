//! A canary goes into every kind of secret, and must be found nowhere but in the output of `secret get`.

use crate::support::{Home, Ran, files_below};

const CANARY: &str = "canary-7f3a9c";

#[track_caller]
fn silent(ran: Ran) {
    assert!(!ran.text().contains(CANARY), "{}", ran.text());
    assert!(!ran.err.contains(CANARY), "{}", ran.err);
}

fn full_home() -> Home {
    let home = Home::new();
    let env = home.file("service.env", format!("A={CANARY}-env\n"));
    let run = |args: &[&str], stdin: &str| {
        assert!(args.iter().all(|arg| !arg.contains(CANARY)), "a value is never an argument");
        silent(home.feed(args, stdin).done());
    };
    run(&["secret", "create", "arbitrary", "text", "--from-stdin"], &format!("{CANARY}-text"));
    run(&["secret", "rotate", "text", "--from-stdin"], &format!("{CANARY}-next"));
    run(&["secret", "create", "kv", "env", "--from-env", &env], "");
    run(&["secret", "create", "kv", "json", "--from-stdin"], &format!("{{\"a\":\"{CANARY}\"}}"));
    let args = ["secret", "create", "username-password", "user", "--username", "admin", "--from-stdin"];
    run(&args, &format!("{CANARY}-password"));
    std::fs::remove_file(home.path("service.env")).unwrap();
    home
}

#[test]
fn values_are_in_no_output_but_that_of_get() {
    let home = full_home();
    for name in ["text", "env", "json", "user"] {
        assert!(home.run(&["secret", "get", name]).done().text().contains(CANARY), "{name}");
        let json = home.run(&["secret", "get", name, "--json"]).done();
        assert!(json.json().to_string().contains(CANARY), "{name}");
        silent(home.run(&["secret", "show", name]).done());
        silent(home.run(&["secret", "show", name, "--json"]).done());
        silent(home.run(&["explain", name]).done());
        silent(home.run(&["explain", name, "--json"]).done());
    }
    let rest: &[&[&str]] = &[
        &["secret", "list"],
        &["secret", "list", "--json"],
        &["lock", "list"],
        &["log", "show"],
        &["log", "show", "--json"],
        &["log", "verify"],
        &["log", "export"],
        &["log", "prove", "4"],
        &["log", "checkpoint"],
        &["log", "keys", "--json"],
        &["log", "export", "--out", "exported"],
        &["status"],
        &["status", "--json"],
        &["scrub"],
    ];
    for args in rest {
        silent(home.run(args).done());
    }
    // No key is given, so not all could be checked.
    silent(home.run(&["log", "replay", "exported", "--json"]).failed(8, &[]));
    silent(home.run(&["log", "verify", "exported", "--json"]).failed(8, &[]));
}

#[test]
fn errors_about_values_do_not_show_them() {
    let home = full_home();
    let bad = home.file("bad.env", format!("A=1\n{CANARY} is no assignment\n"));
    silent(home.run(&["secret", "rotate", "env", "--from-env", &bad]).failed(2, &["line 2"]));
    let args = ["secret", "rotate", "json", "--from-stdin"];
    silent(home.feed(&args, format!("{{\"a\":\"{CANARY}\",}}")).failed(2, &["line 1"]));
    silent(home.feed(&args, format!("[\"{CANARY}\"]")).failed(2, &["object"]));
    let certificate = home.file("bad.pem", CANARY);
    let args = ["secret", "create", "imported-cert", "www", "--certificate", &certificate];
    silent(home.run(&args).failed(2, &["certificate"]));
    silent(home.feed(&["secret", "create", "arbitrary", "text", "--from-stdin"], CANARY).failed(7, &["taken"]));
}

#[test]
fn values_are_in_no_file_of_the_store() {
    let home = full_home();
    home.run(&["secret", "get", "text"]).done();
    home.run(&["secret", "delete", "user"]).done();
    let files = files_below(&home.path("store"));
    assert!(files.len() > 3, "{files:?}");
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
        assert!(!found, "{}", path.display());
    }
}
