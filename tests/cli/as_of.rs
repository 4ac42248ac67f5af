//! The past on the command line: who held which lock then?

use crate::support::Home;

#[test]
fn lists_and_secrets_are_shown_as_they_were() {
    let home = Home::new();
    home.put("token", "one");
    home.run(&["group", "create", "payments"]).done();
    home.run(&["lock", "create", "token", "billing", "--ttl", "2h"]).done();
    let lock = home.run(&["lock", "list", "--json"]).done().json()["locks"][0].clone();
    let (time, token) = (lock["created_at"].as_str().unwrap(), lock["fencing_token"].as_str().unwrap());
    let position = token.strip_prefix("0-").unwrap().to_owned();
    home.run(&["lock", "delete", "token", "billing"]).done();
    home.feed(&["secret", "rotate", "token", "--from-stdin"], "two").done();
    home.run(&["group", "delete", "payments"]).done();
    home.run(&["secret", "delete", "token", "--yes"]).done();

    for as_of in [time, position.as_str()] {
        let then = home.run(&["lock", "list", "--as-of", as_of]).done();
        assert!(then.text().starts_with("arbitrary/token\t1\tcurrent\tbilling\t"), "{}", then.text());
        assert!(then.err.contains("note: as of ") && !then.text().contains("(over)"), "{}", then.err);
        assert_eq!(home.run(&["group", "list", "--as-of", as_of]).done().text().lines().count(), 1);
        let shown = home.run(&["secret", "show", "token", "--as-of", as_of, "--json"]).done().json();
        assert_eq!((shown["locks_total"].as_u64(), shown["versions_total"].as_u64()), (Some(1), Some(1)));
        let records = position.parse::<u64>().unwrap() + 1;
        assert_eq!(shown["as_of"]["records"].as_u64(), Some(records));
        let listed = home.run(&["secret", "list", "--group", "default", "--as-of", as_of]).done().text();
        assert_eq!(listed.lines().count(), 1);
    }
    assert_eq!(home.run(&["secret", "list"]).done().text(), "");
    home.run(&["secret", "show", "token", "--as-of", "0"]).failed(6, &["there is no secret token"]);
    home.run(&["lock", "list", "--as-of", "4000"]).failed(2, &["position 4000 lies beyond the end of the log"]);
    home.run(&["lock", "list", "--as-of", "2000-01-01T00:00:00Z"]).failed(2, &["lies before the store was made"]);
    home.run(&["lock", "list", "--as-of", "2200-01-01T00:00:00Z"]).failed(2, &["lies ahead"]);
    home.run(&["lock", "list", "--as-of", "12:03"]).failed(2, &["RFC 3339"]);
}

#[test]
fn what_was_erased_is_not_made_up() {
    let home = Home::new();
    home.put("token", "one");
    home.run(&["lock", "create", "token", "billing"]).done();
    let shown = home.run(&["secret", "show", "token", "--json"]).done().json();
    let (id, last) = (
        shown["id"].as_str().unwrap(),
        home.run(&["status", "--json"]).done().json()["log_size"].as_u64().unwrap() - 1,
    );
    home.run(&["log", "erase", "--secret", "token", "--yes"]).done();
    let then = home.run(&["secret", "list", "--as-of", &last.to_string()]).done();
    assert_eq!(then.text(), "");
    assert!(then.err.contains("words about them were erased") && then.err.contains(id), "{}", then.err);
    let listed = home.run(&["lock", "list", "--json", "--as-of", &last.to_string()]).done().json();
    assert_eq!((&listed["total_count"], &listed["as_of"]["hidden_secrets"][0]), (&0.into(), &shown["id"]));
    home.run(&["secret", "show", id, "--as-of", &last.to_string()]).failed(6, &["nothing is known of"]);
    let now = home.run(&["lock", "list"]).done().text();
    assert!(now.contains("billing"));
}
