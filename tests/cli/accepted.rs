//! Restores that a person accepts in an anchor file: what counts for which log, and what leaves the file as it is.

use crate::restored::{backed_up, restore};
use crate::support::{Home, Ran};

fn lock(home: &Home, store: &str, name: &str) -> Ran {
    home.run(&["lock", "create", "token", name, "--store", &home.arg(store), "--anchor", "anchored"])
}

fn accept(home: &Home, store: &str) -> Ran {
    home.run(&["log", "accept-restore", "anchored", "--store", &home.arg(store)])
}

fn expect(home: &Home, store: &str) -> Ran {
    home.run(&["status", "--expect", "anchored", "--store", &home.arg(store)])
}

fn anchored(home: &Home) -> String {
    std::fs::read_to_string(home.path("anchored")).unwrap()
}

/// Every key of the log of a store, as arguments.
fn keys(home: &Home, store: &str) -> Vec<String> {
    let keys = home.run(&["log", "keys", "--store", &home.arg(store)]).done().text();
    keys.lines().map(|line| format!("--key={}", line.split_whitespace().last().unwrap())).collect()
}

/// Holds an export to the anchor file, as somebody does who knows all keys of the restored log.
fn audit(home: &Home, what: &str, export: &str, keys: &[String]) -> Ran {
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    home.run(&[&["log", what, export, "--earlier", "anchored"][..], &keys].concat())
}

#[test]
fn an_export_is_held_to_each_restore_that_its_file_accepts() {
    let home = backed_up();
    let note = home.run(&["log", "checkpoint"]).done().text();
    let early = home.run(&["log", "checkpoint", "--at", "3"]).done().text();
    home.run(&["log", "export", "--out", "rolled-back.jsonl"]).done();
    for name in ["aa", "bb", "cc"] {
        lock(&home, "store", name).done();
    }
    home.run(&["log", "export", "--out", "original.jsonl"]).done();
    let restored = restore(&home, "restored");
    home.run(&["lock", "create", "token", "dd", "--store", &restored]).done();
    let kept = anchored(&home);
    let known = keys(&home, &restored);
    for (from, file) in [("0", "restored.jsonl"), ("6", "slice.jsonl")] {
        home.run(&["log", "export", "--from", from, "--out", file, "--store", &restored]).done();
    }
    audit(&home, "verify", "rolled-back.jsonl", &known).failed(5, &[]);
    audit(&home, "verify", "restored.jsonl", &known).failed(5, &[]);

    // Lines that only look like those of a restore.
    let (log_id, root) = (note.lines().next().unwrap().rsplit('/').next().unwrap(), note.lines().nth(2).unwrap());
    let other_root = early.lines().nth(2).unwrap();
    for line in [format!("4 {root} 1"), format!("4 {other_root} 1"), format!("99 {root} 1")] {
        home.file("anchored", format!("{kept}latchkeep.restore/{log_id} {line}\n"));
        for (what, export) in
            [("verify", "rolled-back.jsonl"), ("verify", "restored.jsonl"), ("replay", "original.jsonl")]
        {
            let told = audit(&home, what, export, &known).failed(5, &["not sound"]).text();
            assert!(told.contains("FAILED       consistency"), "{line}: {told}");
        }
    }

    home.file("anchored", &kept);
    accept(&home, "restored").done();
    for export in ["rolled-back.jsonl", "original.jsonl"] {
        let told = audit(&home, "verify", export, &known).failed(5, &[]).text();
        assert!(told.contains("does not tell of the restore at size 4"), "{told}");
    }
    // Every checkpoint is above the restored size, so nothing that is signed is left.
    let told = audit(&home, "verify", "restored.jsonl", &known).failed(8, &[]).text();
    assert!(told.contains("no earlier checkpoint up to that size was given"), "{told}");
    let own = ["log", "verify", "--earlier", "anchored", "--store", &restored];
    home.run(&own).failed(8, &["not held to an earlier checkpoint"]);

    home.file("anchored", format!("{early}\n{}", anchored(&home)));
    audit(&home, "verify", "restored.jsonl", &known).done();
    audit(&home, "replay", "restored.jsonl", &known).done();
    audit(&home, "verify", "rolled-back.jsonl", &known).failed(5, &[]);
    let told = audit(&home, "verify", "slice.jsonl", &known).failed(8, &[]).text();
    assert!(told.contains("does not show whether the log tells of the accepted restore at size 4"), "{told}");
    home.run(&own).done();
}

/// The original once appended its checkpoint, and from then on the file refused the restored store.
#[test]
fn an_anchor_takes_nothing_of_a_log_that_does_not_tell_of_an_accepted_restore() {
    let home = backed_up();
    home.file("anchored", home.run(&["log", "checkpoint"]).done().text());
    restore(&home, "restored");
    accept(&home, "restored").done();
    let kept = anchored(&home);
    lock(&home, "store", "aa").failed(1, &["does not tell of the restore", "nothing was appended"]);
    assert_eq!(anchored(&home), kept);
    expect(&home, "store").failed(5, &["does not tell of the restore"]);
    expect(&home, "restored").done();
    lock(&home, "restored", "aa").done();
    assert!(anchored(&home).len() > kept.len());
    lock(&home, "store", "bb").failed(1, &["nothing was appended"]);
    expect(&home, "restored").done();
}

/// A line that no log fits once stayed in the file, which then refused every store.
#[test]
fn an_accept_that_fails_leaves_the_file_as_it_is() {
    let home = backed_up();
    home.file("anchored", home.run(&["log", "checkpoint"]).done().text());
    restore(&home, "restored");
    restore(&home, "another");
    accept(&home, "restored").done();
    let kept = anchored(&home);
    accept(&home, "another").failed(5, &["does not tell of the restore"]);
    assert_eq!(anchored(&home), kept);
    expect(&home, "restored").done();
    // An older line ends with the incarnation, and counts as before.
    let (line, _) = kept.trim_end().rsplit_once(' ').unwrap();
    assert!(line.lines().last().unwrap().split(' ').count() == 4, "{line}");
    home.file("anchored", format!("{line}\n"));
    expect(&home, "restored").done();
    assert!(accept(&home, "restored").done().text().contains("accepts the restore already"));
}

#[test]
fn what_reads_a_backup_takes_no_checkpoints_of_a_store() {
    let home = backed_up();
    let (backup, key, store) = (home.arg("backup"), home.arg("backup.key"), home.arg("restored"));
    let verify = ["backup", "verify", &backup, "--backup-key-file", &key];
    let restore = ["restore", &backup, "--store", &store, "--backup-key-file", &key];
    for command in [&verify[..], &restore] {
        home.run(&[command, &["--expect", "not there"]].concat()).failed(2, &["--expect-checkpoint"]);
    }
    home.run(&[&restore[..], &["--anchor", "anchored"]].concat()).failed(2, &["anchors nothing", "accept-restore"]);
    assert!(!home.path("restored").exists() && !home.path("anchored").exists());
}
