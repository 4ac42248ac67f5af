//! What messages say: which thing is meant, why, and what to do that works.

use serde_json::Value;

use crate::rotations::{home, read};
use crate::support::{Home, Ran, run};

fn once(home: &Home, more: &[&str]) -> Ran {
    home.run(&[&["rotation", "run", "--issuers", "issuers.json", "--once", "--patience", "0s"][..], more].concat())
}

fn create(home: &Home, name: &str, issuer: &str, more: &[&str]) -> Ran {
    home.run(&[&["secret", "create", "service-credentials", name, "--issuer", issuer][..], more].concat())
}

#[test]
fn an_issuer_that_is_not_registered_is_named_and_a_secret_without_a_version_says_why() {
    let home = home();
    let made = create(&home, "lost-db", "misspelt", &[]).done().text();
    assert!(made.contains("latchkeep rotation run --once has misspelt make one"), "{made}");
    once(&home, &[]).failed(1, &["lost-db waits: issuer misspelt is not registered here"]);
    let why = "no version yet: the next latchkeep rotation run with an issuers file that names misspelt begins it";
    for show in [&["rotation", "list"][..], &["rotation", "show", "lost-db"]] {
        let text = home.run(show).done().text();
        assert!(text.contains(why), "{text}");
    }
    assert_eq!(home.run(&["rotation", "show", "lost-db", "--json"]).done().json()["why"], why);
}

#[test]
fn a_credential_that_is_to_be_ended_is_not_called_gone() {
    let home = home();
    once(&home, &[]).done();
    once(&home, &["orders-db"]).done();
    home.run(&["rotation", "retire", "orders-db", "previous", "--yes"]).done();
    let lock = ["lock", "create", "orders-db", "report", "--version", "previous"];
    let refused = home.run(&lock).failed(7, &["has ended, or is to be ended"]);
    assert!(!refused.err.contains("is gone"), "{}", refused.err);
}

#[test]
fn a_rotation_without_an_answer_is_still_under_way() {
    let home = home();
    once(&home, &[]).done();
    home.file("lost", "");
    once(&home, &["orders-db"]).failed(1, &[]);
    home.run(&["rotation", "answer", "orders-db"]).failed(6, &["under way keeps no answer of its issuer"]);
}

#[test]
fn advice_names_what_helps() {
    let home = home();
    once(&home, &[]).done();
    home.run(&["secret", "rotate", "orders-db", "--generate"]).failed(7, &["latchkeep rotation run orders-db --once"]);
    create(&home, "orders-db", "orders", &[]).failed(7, &["latchkeep rotation run NAME --once"]);
    home.run(&["secret", "delete", "orders-db", "--yes"]).done();
    let refused = create(&home, "orders-db", "orders", &[]).failed(7, &["is being deleted", "rotation run --once"]);
    assert!(!refused.err.contains("secret rotate"), "{}", refused.err);
    let mut elsewhere = home.command(&["status", "--store", &home.arg("nowhere")]);
    elsewhere.env("LATCHKEEP_KEY_FILE", "mine.key");
    run(elsewhere, b"").failed(2, &["--key-file mine.key makes one"]);
    home.run(&["rotation", "resume"]).failed(2, &["--all"]);
    home.run(&["credential", "end", "orders", "--issuers", "issuers.json"]).failed(2, &["--all"]);
    home.run(&["credential", "end", "orders", "a", "--all", "--issuers", "issuers.json"])
        .failed(2, &["cannot be used"]);
    create(&home, "a-db", "orders", &["--rotate-every", "91d"]).failed(2, &["3 months, or 90 days"]);
}

/// It was once taken in silence.
#[test]
fn a_grace_that_has_no_effect_is_told() {
    let home = home();
    let mut issuers: Value = serde_json::from_str(&read(&home, "issuers.json")).unwrap();
    issuers["passwords"] = issuers["orders"].clone();
    issuers["passwords"]["class"] = "set_value".into();
    home.file("issuers.json", issuers.to_string());
    create(&home, "set-db", "passwords", &["--grace", "1d"]).done();
    create(&home, "other-db", "orders", &["--grace", "1d"]).done();
    let ran = once(&home, &[]);
    assert!(ran.err.contains("set-db has a grace that has no effect"), "{}", ran.err);
    assert!(!ran.err.contains("other-db has a grace"), "{}", ran.err);
}
