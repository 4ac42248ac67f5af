//! A store that was restored, or rolled back: what watchers, anchor files and checkpoints kept elsewhere say of it.

use serde_json::Value;

use crate::support::{Home, Ran, files_below};

/// A home with a store of one secret, and a backup of it.
pub fn backed_up() -> Home {
    let home = Home::new();
    home.put("token", "one");
    let (out, key) = (home.arg("backup"), home.arg("backup.key"));
    home.run(&["backup", "--out", &out, "--backup-key-file", &key]).done();
    home
}

fn rotate(home: &Home, store: &str, times: usize) {
    for _ in 0..times {
        home.feed(&["secret", "rotate", "token", "--from-stdin", "--store", &home.arg(store)], "next").done();
    }
}

/// Restores that backup.
pub fn restore(home: &Home, to: &str) -> String {
    let (backup, key, store) = (home.arg("backup"), home.arg("backup.key"), home.arg(to));
    home.run(&["restore", &backup, "--store", &store, "--backup-key-file", &key]).done();
    store
}

fn watch(home: &Home, store: &str, more: &[&str]) -> Ran {
    home.run(&[&["watch", "--until-end", "--all", "--json", "--state", "seen", "--store", store], more].concat())
}

fn seen(home: &Home) -> Value {
    serde_json::from_slice(&std::fs::read(home.path("seen")).unwrap()).unwrap()
}

/// A watch that went on in a restored store once passed over all that was recorded between the restored size and its
/// position.
#[test]
fn a_watch_is_told_that_the_store_was_restored_and_where_to_begin() {
    let home = backed_up();
    rotate(&home, "store", 5);
    watch(&home, &home.arg("store"), &[]).done();
    let before = seen(&home);
    assert!(before["head"].as_str().unwrap().len() == 64 && before["incarnation"] == 0, "{before}");
    let restored = restore(&home, "restored");
    watch(&home, &restored, &[]).failed(2, &["was restored at 4", "--accept-restore"]);
    home.run(&["quarantine", "end", "--yes", "--store", &restored]).done();
    rotate(&home, "restored", 9);
    watch(&home, &restored, &[]).failed(2, &["was restored at 4", "--accept-restore"]);
    assert_eq!(seen(&home), before, "nothing is remembered that was not told");
    let told = watch(&home, &restored, &["--accept-restore"]).done().text();
    assert!(told.starts_with(r#"{"position":4,"#) || told.contains(r#""position":4"#), "{told}");
    assert!(told.contains("StoreRestored"));
    assert_eq!(watch(&home, &restored, &[]).done().text(), "");
    let after = seen(&home);
    assert!(after["incarnation"].as_u64() > Some(0));
    watch(&home, &home.arg("store"), &[]).failed(5, &[]);
    // Files of release 0.1 have no head: they are held to their position.
    home.file("seen", format!(r#"{{"log_id":{},"position":400}}"#, before["log_id"]));
    watch(&home, &restored, &[]).failed(2, &["was restored at 4"]);
    home.file("seen", format!(r#"{{"log_id":{},"position":{}}}"#, before["log_id"], after["position"]));
    assert_eq!(watch(&home, &restored, &[]).done().text(), "");
    home.file("seen", format!(r#"{{"log_id":{},"position":4,"head":"00"}}"#, before["log_id"]));
    watch(&home, &restored, &[]).failed(2, &["has a head that is none"]);
}

/// The last checkpoint of a file once counted alone, and an anchor appended whatever it was given.
#[test]
fn a_rolled_back_store_cannot_wash_out_what_shows_it() {
    let home = Home::new();
    home.put("token", "one");
    std::process::Command::new("cp").arg("-a").arg(home.path("store")).arg(home.path("old")).status().unwrap();
    let lock = |store: &str, name: &str, more: &[&str]| {
        home.run(&[&["lock", "create", "token", name, "--store", &home.arg(store)][..], more].concat())
    };
    let old_note = home.run(&["log", "checkpoint", "--store", &home.arg("old")]).done().text();
    lock("store", "aa", &["--anchor", "anchored"]).done();
    lock("store", "bb", &["--anchor", "anchored"]).done();
    let kept = std::fs::read_to_string(home.path("anchored")).unwrap();
    let expect = |store: &str| home.run(&["status", "--expect", "anchored", "--store", &home.arg(store)]);
    expect("old").failed(5, &["rolled back"]);
    lock("old", "cc", &["--anchor", "anchored"]).failed(1, &["nothing was appended", "rolled back"]);
    lock("old", "dd", &["--anchor", "anchored"]).failed(1, &["nothing was appended"]);
    lock("old", "ee", &["--anchor", "anchored"]).failed(1, &["another root"]);
    assert_eq!(std::fs::read_to_string(home.path("anchored")).unwrap(), kept);
    expect("old").failed(5, &["another history"]);
    // A genuine old note behind the others changes nothing, for --expect and for --earlier.
    home.file("anchored", format!("{kept}{old_note}\n"));
    expect("old").failed(5, &["another history"]);
    expect("store").done();
    home.run(&["log", "verify", "--earlier", "anchored"]).done();
    home.run(&["log", "verify", "--earlier", "anchored", "--store", &home.arg("old")]).failed(5, &["another history"]);
    // Nor does a word of a restore that never was.
    home.run(&["log", "accept-restore", "anchored", "--store", &home.arg("old")]).failed(7, &["tells of no restore"]);
    let root = old_note.lines().nth(2).unwrap();
    let log_id = old_note.lines().next().unwrap().rsplit('/').next().unwrap();
    home.file("anchored", format!("{kept}latchkeep.restore/{log_id} 4 {root} 1795737600\n"));
    expect("old").failed(5, &["does not tell of the restore"]);
}

#[test]
fn a_restore_is_accepted_in_an_anchor_file_by_a_command_of_its_own() {
    let home = backed_up();
    let anchored = |store: &str, name: &str| {
        home.run(&["lock", "create", "token", name, "--store", &home.arg(store), "--anchor", "anchored"])
    };
    let early = home.run(&["log", "checkpoint", "--at", "3"]).done().text();
    home.file("anchored", early);
    anchored("store", "aa").done();
    anchored("store", "bb").done();
    let restored = restore(&home, "restored");
    let expect = || home.run(&["status", "--expect", "anchored", "--store", &restored]);
    anchored("restored", "cc").failed(1, &["nothing was appended", "accept-restore"]);
    expect().failed(5, &[]);
    let accept = || home.run(&["log", "accept-restore", "anchored", "--store", &restored]);
    assert!(accept().done().text().contains("goes on with the log that was restored with 4 records"));
    assert!(accept().done().text().contains("accepts the restore already"));
    expect().done();
    anchored("restored", "dd").done();
    expect().done();
    home.run(&["log", "verify", "--earlier", "anchored", "--store", &restored]).done();
    home.run(&["status", "--expect", "anchored"]).failed(2, &["not signed by a known key"]);
    // What is above the word binds up to the size restored, and no further.
    let text = std::fs::read_to_string(home.path("anchored")).unwrap();
    home.file("anchored", text.replacen("\n3\n", "\n2\n", 1));
    expect().failed(2, &["signature"]);
}

/// A crash in an append once spoilt the file, and the note behind it.
#[test]
fn a_torn_note_is_passed_over_with_a_warning_that_names_the_file() {
    let home = Home::new();
    home.put("token", "one");
    let lock = |name: &str| home.run(&["lock", "create", "token", name, "--anchor", "anchored"]).done();
    lock("aa");
    lock("bb");
    let whole = std::fs::read(home.path("anchored")).unwrap();
    for cut in [3, 20, 100, 190] {
        home.file("anchored", &whole[..whole.len() - cut]);
        let ran = home.run(&["status", "--expect", "anchored"]).done();
        assert!(ran.err.contains("anchored: passed over 1 piece"), "{}", ran.err);
        lock(&format!("l{cut}"));
        let ran = home.run(&["status", "--expect", "anchored"]).done();
        assert!(ran.err.contains("passed over 1 piece"), "{}", ran.err);
    }
}

/// What an interrupted run left once stopped every later one.
#[test]
fn what_an_interrupted_run_left_stops_no_other() {
    let home = backed_up();
    let key = home.arg("backup.key");
    home.file("second.new", "half a backup, longer than nothing");
    home.run(&["backup", "--out", "second", "--backup-key-file", &key]).done();
    home.run(&["backup", "verify", "second", "--backup-key-file", &key]).failed(8, &[]);
    home.file("log.jsonl.new", "half an export");
    home.run(&["log", "export", "--out", "log.jsonl"]).done();
    home.run(&["log", "verify", "log.jsonl"]);
    let left: Vec<_> = files_below(home.dir.path())
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "new"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let other = std::fs::File::create(home.path("third.new")).unwrap();
    other.lock().unwrap();
    home.run(&["backup", "--out", "third", "--backup-key-file", &key]).failed(4, &["is being written by another run"]);
    drop(other);
    home.run(&["backup", "--out", "third", "--backup-key-file", &key]).done();
    std::os::unix::fs::symlink(home.path("token"), home.path("fourth.new")).unwrap();
    home.run(&["backup", "--out", "fourth", "--backup-key-file", &key]).failed(2, &["in the way"]);
}

/// The refusal once told how to act as the owner.
#[test]
fn the_lock_of_another_is_freed_by_force_and_not_in_his_name() {
    let home = Home::new();
    home.put("token", "one");
    home.run(&["lock", "create", "token", "mine", "--owner", "billing", "--actor", "billing"]).done();
    let refused = home.run(&["lock", "delete", "token", "mine", "--actor", "mallory"]).failed(7, &["--force"]);
    assert!(!refused.err.contains("--actor"), "{}", refused.err);
}

/// A restored store once gave the same tokens out again, to other holders.
#[test]
fn fencing_tokens_never_run_back_and_a_former_holder_removes_nothing() {
    let home = backed_up();
    let placed = |store: &str| {
        let lock = ["lock", "create", "token", "job", "--ttl", "1h", "--json", "--store", store];
        let token = home.run(&lock).done().json()["fencing_token"].as_str().unwrap().to_owned();
        let numbers = token.split_once('-').unwrap();
        (numbers.0.parse::<u64>().unwrap(), numbers.1.parse::<u64>().unwrap())
    };
    let original = home.arg("store");
    let before: Vec<_> = (0..6).map(|_| placed(&original)).collect();
    assert!(before.is_sorted());
    let restored = restore(&home, "restored");
    home.run(&["quarantine", "show", "--store", &restored]).done();
    home.run(&["quarantine", "end", "--yes", "--store", &restored]).done();
    let after = placed(&restored);
    assert!(after.1 < before[5].1 && after > before[5], "{after:?} {before:?}");
    let (token, now) = (format!("{}-{}", before[5].0, before[5].1), format!("{}-{}", after.0, after.1));
    let delete = ["lock", "delete", "token", "job", "--store", &restored, "--token"];
    home.run(&[&delete[..], &[&token]].concat()).failed(7, &["fencing token", &now]);
    home.run(&[&delete[..], &[&now]].concat()).done();
}
