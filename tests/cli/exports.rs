//! The log on its way to an auditor: exported, verified, proved, replayed; with good input and bad.

use std::io::Write;
use std::process::Command;

use serde_json::Value;

use crate::support::{Home, Ran, program, run};

/// A home whose store has a secret with a lock on its previous version, and a refusal.
fn used() -> Home {
    let home = Home::new();
    home.put("token", "one");
    home.run(&["lock", "create", "token", "billing"]).done();
    home.feed(&["secret", "rotate", "token", "--from-stdin"], "two").done();
    home.feed(&["secret", "rotate", "token", "--from-stdin"], "three").failed(3, &["billing"]);
    home
}

/// The program as an auditor runs it: elsewhere, with no store and no key of one.
fn audit(home: &Home, args: &[&str]) -> Ran {
    let mut command = program(args);
    command.current_dir(home.dir.path());
    run(command, b"")
}

fn key(home: &Home) -> String {
    home.run(&["log", "keys", "--current"]).done().text().trim().to_owned()
}

fn verdict<'a>(report: &'a Value, check: &str) -> &'a Value {
    report["verdicts"].as_array().unwrap().iter().find(|verdict| verdict["check"] == check).unwrap()
}

#[test]
fn an_export_is_verified_without_the_store() {
    let home = used();
    let key = key(&home);
    let written = home.run(&["log", "export", "--out", "log.jsonl"]).done();
    assert!(
        written.text().starts_with("wrote 7 records to log.jsonl, up to a checkpoint of size 7"),
        "{}",
        written.text()
    );
    home.run(&["log", "export", "--zstd", "--out", "log.jsonl.zst"]).done();
    let plain = std::fs::read(home.path("log.jsonl")).unwrap();
    assert_eq!(home.run(&["log", "export"]).done().out, plain);
    let packed = std::fs::read(home.path("log.jsonl.zst")).unwrap();
    assert!(packed.len() < plain.len());
    assert_eq!(home.run(&["log", "export", "--zstd"]).done().out, packed);
    std::fs::rename(home.path("store"), home.path("gone")).unwrap();
    std::fs::remove_file(home.path("store.key")).unwrap();
    for file in ["log.jsonl", "log.jsonl.zst"] {
        let report = audit(&home, &["log", "verify", file, "--key", &key, "--json"]).done().json();
        assert_eq!((&report["sound"], &report["records"], &report["keys"]), (&true.into(), &7.into(), &"given".into()));
        let words = audit(&home, &["log", "verify", file, "--key", &key]).done();
        assert!(words.text().contains("passed       signature: by a key that was given"), "{}", words.text());
        assert_eq!(words.err, "");
    }
    let mut stdin = program(&["log", "verify", "-", "--key", &key]);
    stdin.current_dir(home.dir.path());
    run(stdin, &packed).done();
}

#[test]
fn keys_that_come_from_the_export_itself_are_named_as_such() {
    let home = used();
    home.run(&["log", "export", "--out", "log.jsonl"]).done();
    let ran = audit(&home, &["log", "verify", "log.jsonl"]);
    let ran = ran.failed(8, &["not all could be checked", "says nothing about who made the export"]);
    assert!(ran.text().contains("by a key that the export itself names: anybody could have made both"));
    let report = audit(&home, &["log", "verify", "log.jsonl", "--json"]).failed(8, &[]).json();
    assert_eq!((&report["keys"], &report["sound"]), (&"export".into(), &false.into()));
    assert_eq!(report["conclusion"], "not_all_checked");
    let replayed = audit(&home, &["log", "replay", "log.jsonl", "--json"]).failed(8, &[]).json();
    assert_eq!((&replayed["conclusion"], &replayed["as_of"]["size"]), (&"not_all_checked".into(), &7.into()));
    let other = key(&used());
    let ran = audit(&home, &["log", "verify", "log.jsonl", "--key", &other]);
    assert!(ran.text().contains("FAILED       signature: line 9: "), "{}", ran.text());
    ran.failed(5, &["not sound"]);
}

#[test]
fn a_changed_export_is_told_with_the_line_of_the_first_fault() {
    let home = used();
    let key = key(&home);
    let export = home.run(&["log", "export"]).done().text();
    home.file("changed.jsonl", export.replace("\"billing\"", "\"nobody\""));
    let report = audit(&home, &["log", "verify", "changed.jsonl", "--key", &key, "--json"]);
    assert_eq!((report.code, &report.json()["sound"]), (5, &false.into()));
    let view = verdict(&report.json(), "json_view").clone();
    assert_eq!((&view["outcome"], &view["line"], &view["position"]), (&"failed".into(), &6.into(), &4.into()));
    let without: String =
        export.lines().filter(|line| !line.contains("LockPlaced")).map(|line| format!("{line}\n")).collect();
    home.file("shorter.jsonl", without);
    audit(&home, &["log", "verify", "shorter.jsonl", "--key", &key]).failed(5, &["not sound"]);
    home.file("half.jsonl", &export[..export.len() / 2]);
    let ran = audit(&home, &["log", "verify", "half.jsonl", "--key", &key]);
    assert!(ran.text().contains("FAILED       structure"), "{}", ran.text());
    for nothing in ["", "no export\n", "{}\n"] {
        home.file("nothing", nothing);
        audit(&home, &["log", "verify", "nothing"]).failed(5, &["not sound"]);
    }
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let home = used();
    let key = key(&home);
    home.file("text", "no checkpoint");
    home.run(&["log", "export", "--out", "log.jsonl"]).done();
    let before = std::fs::read(home.path("log.jsonl")).unwrap();
    let cases: &[(&[&str], i32, &str)] = &[
        (&["log", "export", "--out", "log.jsonl"], 2, "exists already"),
        (&["log", "export", "--out", "none/log.jsonl"], 2, "no place for a file"),
        (&["log", "export", "--force"], 2, "--out"),
        (&["log", "export", "--to", "99"], 2, "but the log has 7 records"),
        (&["log", "export", "--to", "1", "--out", "new"], 2, "inside the batch of 0 up to 2"),
        (&["log", "export", "--from", "6", "--to", "5"], 2, "lies after its end"),
        (&["log", "export", "--earlier", "text"], 2, "holds no checkpoint"),
        (&["log", "export", "--earlier", "nowhere"], 2, "nowhere"),
        (&["log", "verify", "nowhere"], 2, "nowhere"),
        (&["log", "verify", "log.jsonl", "--key", "vkey"], 2, "verifier key"),
        (&["log", "verify", "log.jsonl", "--earlier", "text"], 2, "holds no checkpoint"),
        (&["log", "verify", "log.jsonl", "--expect", "text"], 2, "--earlier"),
        (&["log", "verify", "--key", &key], 2, "no export is named"),
        (&["log", "verify", "--witness", WITNESS], 2, "no export is named"),
        (&["log", "verify", "log.jsonl", "--witness", &key], 2, "witness key"),
        (&["log", "verify", "log.jsonl", "--policy", "text"], 2, "line 1 begins with none of"),
        (&["log", "verify", "log.jsonl", "--policy", "nowhere"], 2, "nowhere"),
        (&["log", "replay"], 2, "EXPORT"),
        (&["log", "replay", "log.jsonl", "--at", "noon"], 2, "or a position (17)"),
        (&["log", "replay", "log.jsonl", "--secret", "nobody"], 6, "there is no secret nobody"),
        (&["log", "prove", "7"], 2, "there is no event at position 7"),
        (&["log", "prove", "-1"], 2, ""),
        (&["log", "checkpoint", "--at", "8"], 2, "never had 8 records"),
        (&["log", "verify-proof", "text"], 2, "--key"),
        (&["log", "verify-proof", "text", "--key", &key], 5, "proves nothing"),
        (&["log", "show", "--expect", "text"], 2, "holds no checkpoint"),
        (&["init", "--store", "other", "--expect", "text"], 2, "--expect"),
        (&["tour", "--anchor", "-"], 2, "--anchor"),
        (&["secret", "get", "token", "--anchor", "-"], 2, "behind the value"),
    ];
    for (args, code, text) in cases {
        let ran = home.run(args);
        assert_eq!(ran.code, *code, "{args:?}: {}{}", ran.text(), ran.err);
        assert!(ran.err.contains(text), "{args:?}: {text:?} is not in {}", ran.err);
    }
    assert_eq!(std::fs::read(home.path("log.jsonl")).unwrap(), before);
    assert!(!home.path("new").exists());
    home.run(&["log", "export", "--to", "5", "--out", "log.jsonl", "--force"]).done();
    assert_ne!(std::fs::read(home.path("log.jsonl")).unwrap(), before);
    let left = std::fs::read_dir(home.dir.path()).unwrap().count();
    assert_eq!(left, 4, "store, key, text and export, and nothing that was written aside");
}

#[test]
fn slices_are_tied_to_what_was_kept() {
    let home = used();
    let key = key(&home);
    let kept = home.run(&["log", "checkpoint", "--at", "4"]).done().text();
    home.file("kept", &kept);
    home.run(&["log", "export", "--from", "4", "--out", "slice"]).done();
    home.run(&["log", "export", "--from", "6", "--out", "late"]).done();
    home.run(&["log", "export", "--from", "6", "--earlier", "kept", "--out", "proved"]).done();
    let verify = |file: &str| audit(&home, &["log", "verify", file, "--key", &key, "--earlier", "kept"]);
    for tied in ["slice", "proved"] {
        let ran = verify(tied);
        assert!(ran.text().contains("passed       consistency"), "{}", ran.text());
        ran.failed(8, &["not all could be checked"]);
    }
    let late = verify("late");
    assert!(late.text().contains("has no proof from size 4, and begins after it"), "{}", late.text());
    late.failed(8, &[]);
    // An earlier export, and what an anchor wrote, hold a checkpoint as well.
    home.run(&["log", "export", "--to", "5", "--out", "first"]).done();
    audit(&home, &["log", "verify", "slice", "--key", &key, "--earlier", "first"]).failed(8, &[]);
    home.run(&["log", "verify", "--earlier", "kept"]).done();
    let other = used();
    other.file("kept", &kept);
    other.run(&["log", "verify", "--earlier", "kept"]).failed(2, &["not signed by a known key"]);
    other.run(&["log", "export", "--earlier", "kept"]).failed(2, &["not signed by a known key"]);
}

#[test]
fn one_event_is_proved_alone() {
    let home = used();
    let key = key(&home);
    home.run(&["log", "prove", "4", "--out", "proof"]).done();
    assert_eq!(home.run(&["log", "prove", "4"]).done().out, std::fs::read(home.path("proof")).unwrap());
    home.run(&["log", "prove", "4", "--out", "proof"]).failed(2, &["exists already"]);
    let ran = audit(&home, &["log", "verify-proof", "proof", "--key", &key]).done();
    assert!(ran.text().contains("latchkeep.LockPlaced.v1"), "{}", ran.text());
    let proved = audit(&home, &["log", "verify-proof", "proof", "--key", &key, "--json"]).done().json();
    assert_eq!((&proved["proved"], &proved["size"], &proved["readable"]), (&true.into(), &7.into(), &true.into()));
    assert_eq!(proved["event"]["data"]["lock"]["name"], "billing");
    let text = std::fs::read_to_string(home.path("proof")).unwrap();
    home.file("forged", text.replacen("index 4", "index 5", 1));
    audit(&home, &["log", "verify-proof", "forged", "--key", &key]).failed(5, &["another position"]);
    let strange = crate::exports::key(&used());
    audit(&home, &["log", "verify-proof", "proof", "--key", &strange]).failed(5, &["not signed by a known key"]);
    home.file("bytes", [0xff, 0xfe]);
    audit(&home, &["log", "verify-proof", "bytes", "--key", &key]).failed(2, &["not UTF-8"]);
}

/// A witness that cosigned nothing here.
const WITNESS: &str = "witness.example/w1+efcd800c+BGa+fjMsekUzMr2dCn99sFX1xe8aBq2mbZizn7aBDEc6";

#[test]
fn witnesses_that_did_not_cosign_are_missed_and_required_by_a_policy() {
    let home = used();
    let key = key(&home);
    home.run(&["log", "export", "--out", "log.jsonl"]).done();
    home.run(&["log", "prove", "4", "--out", "proof"]).done();
    home.file("one", format!("log {key}\nwitness one {WITNESS}\nquorum one\n"));
    home.file("none", format!("log {key}\nwitness one {WITNESS}\nquorum none\n"));
    for (command, file) in [("verify", "log.jsonl"), ("replay", "log.jsonl"), ("verify-proof", "proof")] {
        let run = |more: &[&str]| audit(&home, &[&["log", command, file, "--key", &key], more].concat());
        run(&[]).done();
        run(&["--policy", "none"]).done();
        run(&["--witness", WITNESS]).failed(8, &[]);
        run(&["--policy", "one"]).failed(5, &[]);
    }
    let ran = audit(&home, &["log", "verify", "log.jsonl", "--policy", "none"]).done();
    assert!(ran.text().contains("passed       signature: by a key that was given"), "{}", ran.text());
}

#[test]
fn what_was_erased_is_said_to_be_unseen() {
    let home = used();
    let key = key(&home);
    home.run(&["log", "prove", "4", "--out", "before"]).done();
    home.run(&["log", "erase", "4", "--yes"]).done();
    home.run(&["log", "export", "--out", "log.jsonl"]).done();
    let report = audit(&home, &["log", "verify", "log.jsonl", "--key", &key, "--json"]).failed(8, &[]).json();
    assert_eq!((&report["bodies_erased"], &report["bodies_unexplained"]), (&1.into(), &0.into()));
    assert_eq!(verdict(&report, "bodies")["outcome"], "passed");
    assert_eq!(verdict(&report, "replay")["outcome"], "not_checked");
    home.run(&["log", "prove", "4", "--out", "after"]).done();
    audit(&home, &["log", "verify-proof", "before", "--key", &key]).done();
    let ran = audit(&home, &["log", "verify-proof", "after", "--key", &key]).failed(8, &["cannot be read"]);
    assert!(ran.text().contains("proved: the event at position 4"), "{}", ran.text());
    let json = audit(&home, &["log", "verify-proof", "after", "--key", &key, "--json"]).failed(8, &[]).json();
    assert_eq!((&json["proved"], &json["readable"]), (&true.into(), &false.into()));
    home.run(&["scrub"]).done();
}

#[test]
fn a_replay_tells_what_stood_at_any_point() {
    let home = used();
    let key = key(&home);
    home.run(&["log", "export", "--zstd", "--out", "log"]).done();
    let at = |at: &str| audit(&home, &["log", "replay", "log", "--key", &key, "--at", at, "--json"]).done().json();
    let end = audit(&home, &["log", "replay", "log", "--key", &key, "--json"]).done().json();
    let secret = &end["as_of"]["secrets"][0];
    assert_eq!((&end["sound"], &end["as_of"]["size"], &secret["locks_total"]), (&true.into(), &7.into(), &1.into()));
    assert_eq!((&secret["versions"][1]["alias"], &secret["versions"][0]["number"]), (&"previous".into(), &2.into()));
    assert_eq!(secret["rotation_status"]["blocked_by"][0]["name"], "billing");
    assert_eq!(at("3")["as_of"]["secrets"][0]["locks_total"], 0);
    assert_eq!(at("4")["as_of"]["secrets"][0]["versions"][0]["locks"][0], "billing");
    let late = at("2262-01-01T00:00:00Z")["as_of"].clone();
    assert_eq!((&late["secrets"], &late["last_at"]), (&end["as_of"]["secrets"], &end["as_of"]["time"]));
    let lines = audit(&home, &["log", "replay", "log", "--key", &key, "--secret", "arbitrary/token"]).done().text();
    let rows: Vec<Vec<&str>> = lines.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(
        (rows[0][3..6].to_vec(), rows[1][3..6].to_vec()),
        (vec!["2", "current", "yes"], vec!["1", "previous", "yes"])
    );
    assert_eq!((rows[1][7], rows[0][8]), ("billing", "by hand; rotate refused by billing"));
}

#[test]
fn a_replay_of_what_does_not_hold_says_so() {
    let home = used();
    let export = home.run(&["log", "export"]).done().text();
    home.file("changed", export.replace("\"billing\"", "\"nobody\""));
    let ran = audit(&home, &["log", "replay", "changed"]);
    assert!(ran.text().contains("FAILED       JSON view"), "{}", ran.text());
    ran.failed(5, &["not sound"]);
    let ran = audit(&home, &["log", "replay", "changed", "--json"]);
    assert_eq!((ran.code, &ran.json()["sound"]), (5, &false.into()));
    home.file("nothing", "");
    let ran = audit(&home, &["log", "replay", "nothing", "--json", "--secret", "token"]);
    assert_eq!((ran.code, &ran.json()["as_of"]), (5, &Value::Null));
}

#[test]
fn packed_exports_that_are_forged_end_in_a_verdict_and_bounded_memory() {
    let home = used();
    let packed = home.run(&["log", "export", "--zstd"]).done().out;
    let verify = |bytes: &[u8]| {
        home.file("packed", bytes);
        audit(&home, &["log", "verify", "packed"])
    };
    for cut in [4, 9, packed.len() / 2, packed.len() - 1] {
        verify(&packed[..cut]).failed(5, &["cannot be read to its end", "not sound"]);
    }
    let mut flipped = packed.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    verify(&flipped).failed(5, &["not sound"]);
    verify(&[&packed[..], b"more"].concat()).failed(5, &["not sound"]);
    // A window of 2 GiB, and one of 128 MiB that some packers make.
    verify(&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00]).failed(5, &["too much memory"]);
    let mut wide = zstd::Encoder::new(Vec::new(), 1).unwrap();
    wide.window_log(27).unwrap();
    wide.write_all(&home.run(&["log", "export"]).done().out).unwrap();
    verify(&wide.finish().unwrap()).failed(5, &["too much memory"]);
}

#[test]
fn a_small_file_that_unpacks_to_a_huge_one_costs_no_memory() {
    let home = used();
    let header = home.run(&["log", "export"]).done().text().lines().next().unwrap().to_owned();
    // Without lines, and with nothing but lines.
    for (name, filling) in [("spaces", b' '), ("lines", b'\n')] {
        let mut bomb = zstd::Encoder::new(Vec::new(), 1).unwrap();
        bomb.write_all(header.as_bytes()).unwrap();
        bomb.write_all(b"\n").unwrap();
        let block = vec![filling; 1 << 20];
        (0..1_024).for_each(|_| bomb.write_all(&block).unwrap());
        home.file(name, bomb.finish().unwrap());
        let limited = format!("ulimit -v 700000 && exec {} log verify {name}", env!("CARGO_BIN_EXE_latchkeep"));
        let mut command = Command::new("sh");
        command.args(["-c", &limited]).current_dir(home.dir.path());
        run(command, b"").failed(5, &["not sound"]);
    }
}

#[test]
fn a_store_is_held_to_what_was_anchored() {
    let home = Home::new();
    let anchor = ["--anchor", "anchored"];
    home.feed(&[&["secret", "create", "arbitrary", "token", "--from-stdin"][..], &anchor].concat(), "one").done();
    std::process::Command::new("cp").arg("-r").arg(home.path("store")).arg(home.path("copy")).status().unwrap();
    home.run(&[&["lock", "create", "token", "billing"][..], &anchor].concat()).done();
    let notes = std::fs::read_to_string(home.path("anchored")).unwrap();
    assert_eq!(notes.matches("\u{2014} latchkeep.log/").count(), 2, "{notes}");
    home.run(&["status", "--expect", "anchored"]).done();
    home.run(&["lock", "delete", "token", "billing", "--expect", "anchored"]).done();
    // The last checkpoint counts, so that an older store is found out.
    let copy = home.arg("copy");
    home.run(&["status", "--store", &copy, "--expect", "anchored"]).failed(5, &["rolled back"]);
    for name in ["first", "second"] {
        home.run(&["lock", "create", "token", name, "--store", &copy]).done();
    }
    home.run(&["status", "--store", &copy, "--expect", "anchored"]).failed(5, &["another history"]);
    home.run(&["status", "--store", &copy]).done();
}

#[test]
fn an_anchor_on_stdout_is_one_line_behind_the_answer() {
    let home = Home::new();
    let ran = home.feed(&["secret", "create", "arbitrary", "token", "--from-stdin", "--anchor", "-"], "one").done();
    let text = ran.text();
    let (first, last) = (text.lines().next().unwrap(), text.lines().last().unwrap());
    assert!(first.starts_with("made arbitrary/token"), "{text}");
    let object: Value = serde_json::from_str(last).unwrap();
    assert_eq!(object["size"], 4);
    // The line is what --expect takes.
    home.file("collected", &text);
    home.run(&["status", "--expect", "collected"]).done();
    let init = home.run(&["init", "--store", "other", "--anchor", "-"]).done().text();
    assert_eq!(init.lines().filter(|line| line.contains("\"checkpoint\"")).count(), 1, "{init}");
    // Who only looks signs nothing.
    assert!(!home.run(&["status", "--anchor", "-"]).done().text().contains("checkpoint\":"));
}

#[test]
fn an_anchor_that_fails_is_told_and_nothing_is_lost() {
    let home = Home::new();
    let args = ["secret", "create", "arbitrary", "token", "--from-stdin", "--anchor", "none/anchored"];
    home.feed(&args, "one").failed(1, &["could not be anchored in none/anchored", "done and durable"]);
    assert_eq!(home.run(&["secret", "get", "token"]).done().text(), "one");
}
