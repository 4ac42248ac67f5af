//! Erasing words from the log, on the command line.

use crate::support::Home;

const WORDS: &str = "call Anna 555-0100";

fn about_anna() -> Home {
    let home = Home::new();
    home.put("token", "one");
    home.run(&["lock", "create", "token", "billing", "--description", WORDS]).done();
    home
}

#[test]
fn records_are_erased_by_position_and_the_log_says_so() {
    let home = about_anna();
    let before = home.run(&["log", "show", "--secret", "token"]).done().text();
    let placed =
        before.lines().find(|line| line.contains("LockPlaced")).unwrap().split('\t').next().unwrap().to_owned();
    let erased = home.run(&["log", "erase", &placed, "--yes"]).done().text();
    assert_eq!(erased, "erased the bodies of 1 record; what still stands is restated in 3 records\n");
    let log = home.run(&["log", "show", "--secret", "token"]).done().text();
    let line = log.lines().find(|line| line.starts_with(&format!("{placed}\t"))).unwrap();
    let time = line.split('\t').nth(1).unwrap();
    assert_eq!(line, format!("{placed}\t{time}\ttester\ttoken\tLockPlaced\tits body was erased"));
    let told = before.lines().find(|line| line.starts_with(&format!("{placed}\t"))).unwrap();
    assert!(time.starts_with("20") && told.contains(time), "when and by whom is not erased: {line}");
    let shown = home.run(&["log", "show", "--json"]).done().text();
    let shown = shown.lines().find(|line| line.contains("\"erased\":true")).unwrap();
    assert!(shown.contains("\"actor\":\"tester\"") && shown.contains("\"recorded_at\":\"20"), "{shown}");
    assert!(home.run(&["log", "show"]).done().text().contains("tester\t\tBodiesErased\t1 record"));
    home.run(&["log", "verify"]).done();
    home.run(&["scrub"]).done();
    let locks = home.run(&["lock", "list"]).done().text();
    assert!(locks.contains("billing") && locks.contains(WORDS), "what stands is restated: {locks}");
    home.run(&["log", "erase", &placed, "--yes"]).failed(2, &[&format!("position {placed} is erased already")]);
    home.run(&["log", "erase", "0", "--yes"]).failed(2, &["position 0 cannot be erased"]);
    home.run(&["log", "erase", "4000", "--yes"]).failed(2, &["lies beyond the end of the log"]);
    home.run(&["log", "erase"]).failed(2, &["POSITION"]);
}

#[test]
fn all_about_a_secret_is_erased_also_of_a_deleted_one() {
    let home = about_anna();
    let id = home.run(&["secret", "show", "token", "--json"]).done().json()["id"].as_str().unwrap().to_owned();
    home.run(&["lock", "delete", "token", "billing"]).done();
    home.run(&["secret", "delete", "token", "--yes"]).done();
    let erased = home.run(&["log", "erase", "--secret", &id, "--yes", "--json"]).done().json();
    assert_eq!((erased["erased"].as_u64(), erased["restated"].as_u64()), (Some(3), Some(0)));
    let log = home.run(&["log", "show", "--json"]).done().text();
    assert!(!log.contains(WORDS), "{log}");
    assert_eq!(log.lines().filter(|line| line.contains("\"erased\":true")).count(), 3);
    home.run(&["scrub"]).done();
}
