//! Backup, restore and quarantine as operators use them.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Home, files_below};

/// A home with a store, a backup of it, and the key of that.
fn backed_up() -> Home {
    let home = Home::new();
    home.put("token", "one-canary");
    home.run(&["lock", "create", "token", "billing"]).done();
    let (out, key) = (home.arg("backup"), home.arg("backup.key"));
    let ran = home.run(&["backup", "--out", &out, "--backup-key-file", &key]).done();
    assert!(ran.text().contains("1 secret") && ran.text().contains("made its key file"), "{}", ran.text());
    home
}

fn restore(home: &Home, more: &[&str]) -> crate::support::Ran {
    let (backup, key, store) = (home.arg("backup"), home.arg("backup.key"), home.arg("restored"));
    let args = ["restore", &backup, "--store", &store, "--backup-key-file", &key];
    home.run(&[&args[..], more].concat())
}

#[test]
fn a_store_goes_into_a_backup_and_comes_back_in_quarantine() {
    let home = backed_up();
    let (backup, key, store) = (home.arg("backup"), home.arg("backup.key"), home.arg("restored"));
    for file in ["backup", "backup.key"] {
        assert_eq!(std::fs::metadata(home.path(file)).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
    assert!(!home.path("backup.new").exists());
    let bytes = std::fs::read(home.path("backup")).unwrap();
    for word in [&b"one-canary"[..], b"token", b"billing"] {
        assert!(!bytes.windows(word.len()).any(|found| found == word), "a backup shows nothing, not even names");
    }
    let verify = |more: &[&str]| home.run(&[&["backup", "verify", &backup, "--backup-key-file", &key], more].concat());
    let vkey = home.run(&["log", "keys", "--current"]).done().text();
    let verified = verify(&["--key", vkey.trim_end()]).done();
    assert!(verified.text().starts_with("the backup is whole: "), "{}", verified.text());
    assert!(verified.text().contains("its origin is proved"), "{}", verified.text());
    let note = home.file("note", home.run(&["log", "checkpoint", "--at", "2"]).done().text());
    assert!(verify(&["--expect-checkpoint", &note]).done().text().contains("its origin is proved"));
    let alone = verify(&[]).failed(8, &[]);
    assert!(alone.text().contains("its origin is not proved"), "{}", alone.text());
    let restored = restore(&home, &[]).done();
    assert!(restored.text().contains("latchkeep quarantine end"), "{}", restored.text());
    let run = |args: &[&str]| home.run(&[args, &["--store", &store]].concat());
    assert_eq!(run(&["secret", "get", "token"]).done().text().trim_end(), "one-canary");
    assert!(run(&["status"]).done().text().contains("quarantine"));
    assert!(run(&["quarantine", "show"]).done().text().contains("restored from a backup of"));
    run(&["lock", "delete", "token", "billing"]).done();
    run(&["secret", "delete", "token"])
        .failed(4, &["is in quarantine", "end the quarantine", "latchkeep quarantine show"]);
    assert!(run(&["explain", "token", "--operation", "delete"]).text().contains("is in quarantine"));
    run(&["scrub"]).done();
    assert_eq!(run(&["quarantine", "end"]).done().text().trim_end(), "the quarantine is over");
    assert!(run(&["quarantine", "end"]).done().text().contains("in no quarantine"));
    run(&["secret", "delete", "token"]).done();
    assert!(run(&["log", "show"]).done().text().contains("StoreRestored\tfrom a backup of"));
    assert!(!home.run(&["status"]).done().text().contains("quarantine"), "the original goes on");
}

/// Whoever had given a key was once told to give one.
#[test]
fn a_key_from_before_a_restore_is_told_apart_from_none() {
    let home = backed_up();
    let vkey = home.run(&["log", "keys", "--current"]).done().text();
    restore(&home, &[]).done();
    let (out, key, store) = (home.arg("second"), home.arg("backup.key"), home.arg("restored"));
    home.run(&["backup", "--out", &out, "--backup-key-file", &key, "--store", &store]).done();
    let verify =
        |vkey: &str| home.run(&["backup", "verify", &out, "--backup-key-file", &key, "--key", vkey.trim_end()]);
    let earlier = verify(&vkey).failed(8, &[]).text();
    assert!(earlier.contains("its checkpoint is signed by signing key 2, which the record at position "), "{earlier}");
    assert!(earlier.contains("--key was given for another key of its log"), "{earlier}");
    let now = home.run(&["log", "keys", "--current", "--store", &store]).done().text();
    assert!(verify(&now).done().text().contains("its origin is proved"));
}

#[test]
fn json_tells_scripts_what_a_backup_holds() {
    let home = backed_up();
    let (backup, key) = (home.arg("backup"), home.arg("backup.key"));
    let verified = home.run(&["backup", "verify", &backup, "--backup-key-file", &key, "--json"]).failed(8, &[]).json();
    assert_eq!(
        (verified["proved_size"].as_u64(), &verified["unproved_signing_keys"]),
        (Some(0), &serde_json::json!([1]))
    );
    assert_eq!((verified["secrets_total"].as_u64(), verified["versions_available"].as_u64()), (Some(1), Some(1)));
    let restored = restore(&home, &["--json"]).done().json();
    assert_eq!(restored["quarantine"], true);
    assert_eq!(restored["log_size"], verified["log_size"]);
    assert_eq!(
        (&restored["proved_size"], &restored["unproved_signing_keys"]),
        (&restored["log_size"], &serde_json::json!([]))
    );
    let shown = home.run(&["quarantine", "show", "--json", "--store", &home.arg("restored")]).done().json();
    assert_eq!((&shown["quarantine"]["from"], &shown["quarantine"]["with_data"]), (&"backup".into(), &true.into()));
}

#[test]
fn what_cannot_be_restored_is_said_and_leaves_nothing() {
    let home = backed_up();
    let (backup, key) = (home.arg("backup"), home.arg("backup.key"));
    home.run(&["backup", "--out", &backup, "--backup-key-file", &key]).failed(2, &["exists already"]);
    home.run(&["backup"]).failed(2, &["--out"]);
    home.run(&["backup", "--out", &home.arg("second")]).failed(2, &["nothing is named that opens the backup"]);
    let verify = |file: &str, key: &str| home.run(&["backup", "verify", file, "--backup-key-file", key]);
    verify(&home.arg("none"), &key).failed(2, &["none"]);
    verify(&backup, &home.arg("store.key")).failed(2, &["does not open with this key file"]);
    verify(&home.file("text", "something else"), &key).failed(2, &["this is no backup"]);
    let mut bytes = std::fs::read(home.path("backup")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    verify(&home.file("flipped", &bytes), &key).failed(5, &["chunk 0", "use another copy"]);
    verify(&home.file("cut", &bytes[..middle]), &key).failed(5, &["chunk 0"]);
    home.run(&["restore", &backup, "--backup-key-file", &key]).failed(2, &["exists already"]);
    home.run(&["init", "--store", &home.arg("other"), "--key-file", &home.arg("other.key")]).done();
    restore(&home, &["--key-file", &home.arg("other.key")]).failed(2, &["no key slot opens"]);
    restore(&home, &["--expect-checkpoint", &home.file("note", "no note\n")]).failed(2, &[]);
    restore(&home, &["--accept-illegal-step", "3"]).failed(2, &["no illegal step stands at position 3"]);
    assert!(!home.path("restored").exists() && !home.path("restored.new").exists());
}

#[test]
fn a_passphrase_opens_a_backup_too() {
    let home = Home::new();
    home.put("token", "one");
    let words = home.file("words", "correct horse\n");
    std::fs::set_permissions(home.path("words"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let out = home.arg("backup");
    home.run(&["backup", "--out", &out, "--backup-passphrase-file", &words]).done();
    home.run(&["backup", "verify", &out, "--backup-passphrase-file", &words]).failed(8, &[]);
    let args = ["restore", &out, "--store", &home.arg("restored"), "--backup-passphrase-file", &words];
    home.run(&args).done();
    assert!(!files_below(&home.path("restored")).is_empty());
}
