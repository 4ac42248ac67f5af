//! A store from an export, as an operator makes one when no backup is left; with good exports and bad.

use crate::support::{Home, Ran};

/// A home whose store has a secret of two versions with a lock, and its export, plain and packed.
fn exported() -> Home {
    let home = Home::new();
    home.put("token", "one-canary");
    home.run(&["lock", "create", "token", "billing"]).done();
    home.feed(&["secret", "rotate", "token", "--from-stdin"], "two-canary").done();
    home.run(&["log", "export", "--out", "log.jsonl"]).done();
    home.run(&["log", "export", "--zstd", "--out", "log.jsonl.zst"]).done();
    home
}

fn replay(home: &Home, export: &str, more: &[&str]) -> Ran {
    home.run(&[&["log", "replay", export, "--into", "made", "--key-file", "made.key"][..], more].concat())
}

#[test]
fn an_export_becomes_a_store_without_data_and_in_quarantine() {
    for export in ["log.jsonl", "log.jsonl.zst"] {
        let home = exported();
        let key = home.run(&["log", "keys", "--current"]).done().text();
        let ran = replay(&home, export, &["--key", key.trim()]).done();
        for said in ["6 records; 1 secret, 2 versions, 1 lock", "made its key file made.key", "no data", "quarantine"] {
            assert!(ran.text().contains(said), "{said:?} is not in: {}", ran.text());
        }
        assert_eq!(ran.err, "");
        let made = |args: &[&str]| home.run(&[args, &["--store", "made", "--key-file", "made.key"]].concat());
        assert!(made(&["secret", "show", "token"]).done().text().contains("not restored"));
        assert!(made(&["lock", "list"]).done().text().contains("billing"));
        made(&["secret", "get", "token"]).failed(7, &["made from an export"]);
        made(&["secret", "delete", "token"]).failed(4, &["is in quarantine"]);
        made(&["scrub"]).done();
        made(&["quarantine", "end"]).done();
        let rotate = ["secret", "rotate", "token", "--from-stdin", "--store", "made", "--key-file", "made.key"];
        home.feed(&rotate, "three").failed(3, &["billing"]);
        made(&["lock", "delete", "token", "billing", "--version", "previous"]).done();
        home.feed(&rotate, "three").done();
        assert_eq!(made(&["secret", "get", "token"]).done().text(), "three");
        assert_eq!(home.run(&["secret", "get", "token"]).done().text(), "two-canary", "the original goes on");
    }
}

#[test]
fn json_tells_what_was_made() {
    let home = exported();
    let ran = replay(&home, "log.jsonl", &["--json"]).failed(8, &["anybody could have made this export"]);
    let made = ran.json();
    assert_eq!((&made["quarantine"], &made["versions_available"]), (&true.into(), &0.into()));
    assert_eq!(
        (&made["log_size"], &made["versions_total"], &made["key_file_made"]),
        (&6.into(), &2.into(), &"made.key".into())
    );
}

#[test]
fn what_does_not_hold_leaves_neither_a_store_nor_a_key() {
    let home = exported();
    let export = std::fs::read_to_string(home.path("log.jsonl")).unwrap();
    let packed = std::fs::read(home.path("log.jsonl.zst")).unwrap();
    home.file("changed", export.replace("\"billing\"", "\"nobody\""));
    home.file("half", &export[..export.len() / 2]);
    home.file("cut", &packed[..packed.len() / 2]);
    home.file("text", "no export\n");
    home.file("nothing", "");
    home.run(&["log", "export", "--from", "4", "--out", "slice"]).done();
    // A window of 2 GiB.
    home.file("wide", [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00]);
    for bad in ["changed", "half", "cut", "text", "nothing", "slice", "wide"] {
        replay(&home, bad, &[]).failed(5, &[]);
        assert!(!home.path("made").exists() && !home.path("made.key").exists(), "{bad}");
    }
    let other = Home::new().run(&["log", "keys", "--current"]).done().text();
    replay(&home, "log.jsonl", &["--key", other.trim()]).failed(5, &["no given key vouches"]);
    assert!(!home.path("made").exists() && !home.path("made.key").exists());
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let home = exported();
    let cases: &[(&[&str], &str)] = &[
        (&["log", "replay", "log.jsonl", "--accept-illegal-step", "3"], "--into"),
        (
            &["log", "replay", "log.jsonl", "--into", "made", "--key-file", "made.key", "--accept-illegal-step", "3"],
            "no illegal step stands at position 3",
        ),
        (&["log", "replay", "log.jsonl", "--into", "store"], "exists already"),
        (&["log", "replay", "log.jsonl", "--into", "log.jsonl.zst"], "exists already"),
        (&["log", "replay", "log.jsonl", "--into", "made", "--at", "3"], "--at"),
        (&["log", "replay", "log.jsonl", "--into", "made", "--secret", "token"], "--secret"),
        (&["log", "replay", "-", "--into", "made"], "stdin is not taken"),
        (&["log", "replay", "store", "--into", "made"], "is no file"),
        (&["log", "replay", "nowhere", "--into", "made"], "nowhere"),
        (&["log", "replay", "log.jsonl", "--into", "made", "--expect", "log.jsonl"], "--earlier"),
        (&["log", "replay", "log.jsonl", "--into", "made", "--key-file", "made/key"], "own directory"),
    ];
    for (args, text) in cases {
        home.run(args).failed(2, &[text]);
        assert!(!home.path("made").exists(), "{args:?}");
    }
}
