//! A rotation whose abort the outside system refuses for ever, as operators see it and end it.

use crate::rotations::{PROGRAM, home};
use crate::support::Home;

fn once(home: &Home, more: &[&str]) -> crate::support::Ran {
    home.run(&[&["rotation", "run", "--issuers", "issuers.json", "--once", "--patience", "0s"][..], more].concat())
}

fn abort(home: &Home, more: &[&str]) -> String {
    let reason = ["rotation", "abort", "orders-db", "--reason", "ended by hand"];
    home.run(&[&reason[..], more].concat()).done().text()
}

const WAY_OUT: &str = "latchkeep rotation abort orders-db --force --reason TEXT";

#[test]
fn an_abort_that_cannot_be_finished_names_its_way_out_and_ends_by_force() {
    let home = home();
    once(&home, &[]).done();
    home.file("shy", "");
    once(&home, &["orders-db"]).failed(1, &[]);
    assert!(abort(&home, &[]).contains("the next latchkeep rotation run ends what was made"));
    let too_early = abort(&home, &["--force"]);
    assert!(too_early.contains("let latchkeep rotation run try") && !too_early.contains(WAY_OUT), "{too_early}");
    home.file("stuck", "");
    once(&home, &[]).failed(1, &[]);
    let shown = home.run(&["rotation", "show", "orders-db"]).done().text();
    assert!(shown.contains("attempts\t1 to end what was made") && shown.contains(WAY_OUT), "{shown}");
    assert!(shown.contains("user-2 may be left at orders"), "{shown}");
    let list = home.run(&["rotation", "list"]).done().text();
    assert!(list.contains("\taborting\t1\t"), "{list}");
    assert!(abort(&home, &[]).contains(WAY_OUT), "a second one says how");
    let deleted = home.run(&["secret", "delete", "orders-db", "--yes"]).done().text();
    assert!(deleted.contains("is to be deleted") && deleted.contains(WAY_OUT), "{deleted}");
    let forced = abort(&home, &["--force"]);
    assert!(forced.contains("was given up without a call; user-2 may be left at orders"), "{forced}");
    abort_is_over(&home);
    std::fs::remove_file(home.path("stuck")).unwrap();
    once(&home, &[]).done();
    home.run(&["secret", "show", "orders-db"]).failed(6, &[]);
}

#[track_caller]
fn abort_is_over(home: &Home) {
    home.run(&["rotation", "abort", "orders-db", "--force", "--reason", "again"]).failed(6, &["orders-db"]);
}

#[test]
fn where_passwords_are_set_it_says_how_the_store_and_the_account_come_together() {
    let home = home();
    let issuers = std::fs::read_to_string(home.path("issuers.json")).unwrap();
    home.file("issuers.json", issuers.replace("\"kind\"", "\"class\":\"set_value\",\"kind\""));
    let picks = "*'\"call\":\"pick\"'*) echo '{\"value\":{\"password\":\"canary-value\"}}' ;;\n*) exit 77 ;;";
    home.file("issue", PROGRAM.replace("*) exit 77 ;;", picks));
    home.file("lost", "");
    home.file("stuck", "");
    once(&home, &[]).failed(1, &[]);
    abort(&home, &[]);
    once(&home, &[]).failed(1, &[]);
    let shown = home.run(&["rotation", "show", "orders-db"]).done().text();
    assert!(shown.contains(WAY_OUT) && shown.contains("the account may have the password"), "{shown}");
    let forced = abort(&home, &["--force"]);
    assert!(forced.contains("latchkeep rotation adopt orders-db --from-file FILE"), "{forced}");
    abort_is_over(&home);
}
