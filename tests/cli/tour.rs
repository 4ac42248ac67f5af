//! The tour tells the story that the product is for, with real output.

use crate::support::{Home, Ran, program, run};

/// Puts a word in place of what differs from run to run.
fn masked(text: &str) -> String {
    text.split_inclusive([' ', '\n', '\t', ',']).map(mask_word).collect()
}

fn mask_word(word: &str) -> String {
    let bare = word.trim_end_matches([' ', '\n', '\t', ',']);
    let end = &word[bare.len()..];
    let mask = if bare.starts_with("lk_") {
        "KEY"
    } else if bare.len() == 20 && bare.ends_with('Z') && bare.contains('T') {
        "TIME"
    } else if bare.len() == 64 && bare.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        "HEAD"
    } else if bare.len() == 36 && bare.matches('-').count() == 4 {
        "ID"
    } else {
        bare
    };
    format!("{mask}{end}")
}

fn story(ran: &Ran) -> String {
    masked(&ran.text())
}

#[test]
fn the_tour_tells_the_story_that_is_written_down() {
    let ran = run(program(&["tour"]), b"").done();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/golden/tour.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(golden, story(&ran)).unwrap();
    }
    let written = std::fs::read_to_string(golden).unwrap();
    assert_eq!(story(&ran), written, "UPDATE_GOLDEN=1 writes it anew");
    assert_eq!(ran.err, "");
}

#[test]
fn two_reads_of_the_dynamic_secret_give_two_keys() {
    let text = run(program(&["tour"]), b"").done().text();
    let keys: Vec<&str> = text.lines().filter(|line| line.starts_with("lk_")).collect();
    assert_eq!(keys.len(), 3, "two reads, one that is refused, and one after the lock is gone");
    assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
}

#[test]
fn a_store_that_the_tour_leaves_can_be_opened() {
    let home = Home::empty();
    let dir = home.arg("left");
    let ran = run(program(&["tour", "--store", &dir]), b"").done();
    assert!(ran.text().contains(&format!("export LATCHKEEP_STORE={dir} LATCHKEEP_KEY_FILE={dir}.key")));
    let key_file = format!("{dir}.key");
    let log = run(program(&["log", "verify", "--store", &dir, "--key-file", &key_file]), b"").done();
    assert!(log.text().starts_with("the log is whole"));
    run(program(&["tour", "--store", &dir]), b"").failed(2, &["exists already"]);
}

#[test]
fn the_tour_leaves_alone_what_variables_name() {
    let home = Home::new();
    home.run(&["tour"]).done();
    assert_eq!(home.run(&["secret", "list"]).done().text(), "");
}
