//! What an export tells of a moment, and of moments that it does not reach.

use crate::support::Home;

/// A home with a lease on a secret, and the export of its log; with the time at which the lock was placed.
fn leased() -> (Home, String) {
    let home = Home::new();
    home.put("token", "one");
    home.run(&["lock", "create", "token", "billing", "--ttl", "2h"]).done();
    home.run(&["log", "export", "--out", "log.jsonl"]).done();
    let placed = home.run(&["lock", "list", "--json"]).done().json()["locks"][0]["created_at"].clone();
    (home, placed.as_str().unwrap().to_owned())
}

/// A lock was once shown up to the record that says that its lease had ended.
#[test]
fn a_lease_ends_at_its_time_and_not_at_its_record() {
    let (home, placed) = leased();
    let replay = |at: &str| home.run(&["log", "replay", "log.jsonl", "--at", at]);
    let held = replay(&placed).failed(8, &[&format!("as of {}Z, after ", &placed[..19])]);
    assert!(held.text().contains("\tbilling until 20"), "{}", held.text());
    let over = replay("2200-01-01T00:00:00Z").failed(8, &["as of 2200-01-01T00:00:00Z, after ", "the last of 20"]);
    assert!(over.text().contains("arbitrary\ttoken\t") && !over.text().contains("billing"), "{}", over.text());
    let over =
        home.run(&["log", "replay", "log.jsonl", "--at", "2200-01-01T00:00:00Z", "--json"]).failed(8, &[]).json();
    assert_eq!(over["as_of"]["secrets"][0]["locks_total"], 0);
    assert_eq!(over["as_of"]["time"], "2200-01-01T00:00:00Z");
    assert!(over["as_of"]["last_at"].as_str() < over["as_of"]["time"].as_str());
}

#[test]
fn a_moment_that_an_export_does_not_reach_is_refused() {
    let (home, placed) = leased();
    let size = home.run(&["status", "--json"]).done().json()["log_size"].as_u64().unwrap();
    let from = (size - 1).to_string();
    home.run(&["log", "export", "--from", &from, "--out", "slice.jsonl"]).done();
    let replay = |file: &str, at: &str| home.run(&["log", "replay", file, "--at", at]);
    let beyond = format!("position {size} lies beyond the end of the export, which goes up to {}", size - 1);
    for file in ["log.jsonl", "slice.jsonl"] {
        replay(file, &size.to_string()).failed(2, &[&beyond]);
        replay(file, "2000-01-01T00:00:00Z")
            .failed(2, &["2000-01-01T00:00:00Z lies before the first record of the export"]);
        replay(file, &from).failed(8, &[&format!("after {size} records")]);
        replay(file, &placed).failed(8, &[&format!("as of {}Z, after {size} records", &placed[..19])]);
    }
    replay("slice.jsonl", "0").failed(2, &[&format!("position 0 lies before the export, which begins at {from}")]);
    replay("log.jsonl", "0").failed(8, &["after 1 records"]);
}

/// Nothing was once said to have passed every check.
#[test]
fn an_export_of_nothing_shows_nothing() {
    let (home, _) = leased();
    home.run(&["log", "export", "--from", "0", "--to", "0", "--out", "nothing.jsonl"]).done();
    home.file("empty.checkpoint", home.run(&["log", "checkpoint", "--at", "0"]).done().text());
    let key = home.run(&["log", "keys", "--current"]).done().text();
    let verify = |more: &[&str]| home.run(&[&["log", "verify", "--key", key.trim_end()], more].concat());
    let nothing = verify(&["nothing.jsonl"]).failed(8, &[]).text();
    assert!(nothing.contains("not checked  semantic replay: the export has no record"), "{nothing}");
    let extends = verify(&["log.jsonl", "--earlier", "empty.checkpoint"]).failed(8, &[]).text();
    assert!(extends.contains("of size 0, which every log extends"), "{extends}");
}
