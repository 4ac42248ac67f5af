//! Values of exactly the longest length, and one more.

use crate::support::Home;

#[test]
fn the_longest_payload_is_taken_from_stdin_and_one_more_is_not() {
    let home = Home::new();
    let longest = "x".repeat(1_000_000);
    let create = |name: &str, value: &str| home.feed(&["secret", "create", "arbitrary", name, "--from-stdin"], value);
    create("longest", &longest).done();
    assert_eq!(home.run(&["secret", "get", "longest"]).done().out, longest.as_bytes());
    create("too-long", &format!("{longest}y")).failed(2, &["payload takes 1 to 1000000 characters"]);
    let wide = "\u{1f512}".repeat(1_000_000);
    create("wide", &wide).done();
    assert_eq!(home.run(&["secret", "get", "wide"]).done().out, wide.as_bytes());
    create("too-wide", &format!("{wide}y")).failed(2, &["stdin has more than 4000000 bytes"]);
    assert_eq!(home.run(&["secret", "list"]).done().text().lines().count(), 2);
}

#[test]
fn what_is_no_text_is_refused() {
    let home = Home::new();
    let args = ["secret", "create", "arbitrary", "bytes", "--from-stdin"];
    home.feed(&args, [0xff, 0xfe]).failed(2, &["payload is not UTF-8 text"]);
    home.feed(&args, "").failed(2, &["is empty"]);
    home.feed(&args, "line\n").done();
    assert_eq!(home.run(&["secret", "get", "bytes"]).done().text(), "line\n");
    home.feed(&["secret", "rotate", "bytes", "--from-stdin", "--trim"], "line\n").done();
    assert_eq!(home.run(&["secret", "get", "bytes"]).done().text(), "line");
}
