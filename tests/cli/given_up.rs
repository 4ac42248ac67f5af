//! What is ended or given up, as the commands that ask for it tell it: what is over, and what is still to come.

use crate::rotations::{PROGRAM, get, home};
use crate::support::{Home, Ran};

fn once(home: &Home, more: &[&str]) -> Ran {
    home.run(&[&["rotation", "run", "--issuers", "issuers.json", "--once", "--patience", "0s"][..], more].concat())
}

/// It once said that the data was destroyed, while the credential was good and could be read.
#[test]
fn data_of_an_issuer_is_not_called_destroyed_before_it_is() {
    let home = home();
    once(&home, &[]).done();
    once(&home, &["orders-db"]).done();
    let planned = home.run(&["secret", "destroy-data", "orders-db", "--version", "previous", "--yes"]).done().text();
    assert!(planned.contains("the next latchkeep rotation run ends the credential of version 1"), "{planned}");
    assert_eq!(get(&home, &["--version", "1", "--key", "password"]), "canary-1");
    let again = ["secret", "destroy-data", "orders-db", "--version", "1", "--yes", "--json"];
    assert_eq!(home.run(&again).done().json()["destroyed"], false);
    once(&home, &[]).done();
    home.run(&["secret", "get", "orders-db", "--version", "1"]).failed(7, &[]);
    home.put("token", "one");
    home.feed(&["secret", "rotate", "token", "--from-stdin"], "two").done();
    let destroyed = home.run(&["secret", "destroy-data", "token", "--version", "1", "--yes", "--json"]).done().json();
    assert_eq!(destroyed["destroyed"], true);
}

/// A deletion once said nothing of a credential that its issuer may have made, and that nobody can find.
#[test]
fn a_deletion_tells_that_an_issuer_may_have_made_what_nobody_knows() {
    for args in [&["--yes"][..], &["--yes", "--json"]] {
        let home = home();
        home.file("issue", PROGRAM.replace("[ -e lost ] &&", ""));
        once(&home, &[]).failed(1, &[]);
        let deleted = home.run(&[&["secret", "delete", "orders-db"][..], args].concat()).done().text();
        let text =
            if args.len() > 1 { "\"outcome_unknown_at\":\"orders\"" } else { "whether orders made a credential" };
        assert!(deleted.contains(text), "{deleted}");
    }
}
