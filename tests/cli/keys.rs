//! What opens a store: key files, passphrases, and the errors of those who have neither.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Home, program, run};

#[test]
fn init_makes_a_key_file_for_its_owner_alone_and_keeps_one_that_is_there() {
    let home = Home::new();
    assert_eq!(std::fs::metadata(home.path("store.key")).unwrap().permissions().mode() & 0o777, 0o600);
    let key = std::fs::read(home.path("store.key")).unwrap();
    home.run(&["init"]).failed(2, &["exists already"]);
    home.run(&["init", "--store", &home.arg("second")]).done();
    assert_eq!(std::fs::read(home.path("store.key")).unwrap(), key);
    home.run(&["status", "--store", &home.arg("second")]).done();
}

#[test]
fn a_wrong_key_is_told_apart_from_no_key() {
    let home = Home::new();
    home.run(&["init", "--store", &home.arg("other"), "--key-file", &home.arg("other.key")]).done();
    home.run(&["status", "--key-file", &home.arg("other.key")]).failed(2, &["no key slot opens with this key file"]);
    home.run(&["status", "--key-file", &home.arg("none.key")]).failed(2, &["none.key"]);
    std::fs::set_permissions(home.path("store.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    home.run(&["status"]).failed(2, &["chmod 600"]);
    let store = home.arg("store");
    run(program(&["status", "--store", &store]), b"")
        .failed(2, &["nothing is named that opens the store", "--key-file"]);
}

#[test]
fn a_passphrase_opens_and_a_wrong_one_does_not() {
    let home = Home::empty();
    let secret_file = |name: &str, text: &str| {
        let path = home.file(name, text);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    };
    let (right, wrong) = (secret_file("right", "correct horse\n"), secret_file("wrong", "battery staple\n"));
    let with = |file: &str, command: &str| home.run(&[command, "--passphrase-file", file]);
    with(&right, "init").done();
    assert!(!home.path("store.key").exists(), "what is typed counts more than what a variable says");
    let opened = with(&right, "status").done();
    assert!(opened.text().contains("0: passphrase"), "{}", opened.text());
    assert_eq!(opened.err, "");
    with(&wrong, "status").failed(2, &["no key slot opens with this passphrase"]);
    with(&secret_file("short", "short"), "status").failed(2, &["passphrase"]);
    with(&secret_file("two", "one\ntwo\n"), "status").failed(2, &["more than one line"]);
    let both = ["status", "--passphrase-file", &right, "--key-file", &home.arg("some.key")];
    home.run(&both).failed(2, &["both named"]);
    std::fs::set_permissions(&right, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(with(&right, "status").done().err.contains("can be read by others"));
}

#[test]
fn a_key_file_in_the_stores_own_directory_is_warned_of() {
    let home = Home::new();
    let inside = home.path("store").join("store.key");
    std::fs::copy(home.path("store.key"), &inside).unwrap();
    let ran = home.run(&["status", "--key-file", inside.to_str().unwrap()]).done();
    assert!(ran.err.contains("lies in the store's own directory"), "{}", ran.err);
    let fresh = home.arg("fresh");
    let key_file = format!("{fresh}/store.key");
    home.run(&["init", "--store", &fresh, "--key-file", &key_file]).failed(2, &["would lie in the store's own"]);
    assert!(!home.path("fresh").exists());
}
