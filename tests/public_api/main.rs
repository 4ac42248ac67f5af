//! The public interface of the library, as a golden file: what a host can name, and how it looks. A change of it fails this test
//! until the file is written anew (`UPDATE_GOLDEN=1`), so that it is seen in review and told in the changelog.
//!
//! The sources are read, all features on. What macros declare is listed as the call of the macro, and the public lines of its
//! definition. Bodies, documentation and values of constants are not part of it.
#![allow(
    clippy::pedantic,
    clippy::disallowed_methods,
    missing_docs,
    unreachable_pub,
    reason = "tests and benches ask the clock and start threads as they need"
)]

mod crate_tree;
mod declarations;
mod listing;
mod tokens;

use std::path::Path;

#[test]
fn the_public_interface_is_the_one_that_was_reviewed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let now = listing::of(&crate_tree::CrateTree::read(&root.join("src")));
    let path = root.join("tests/golden/public-api.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let removed: Vec<String> = missing(&golden, &now).map(|line| format!("- {line}")).collect();
    let added: Vec<String> = missing(&now, &golden).map(|line| format!("+ {line}")).collect();
    assert!(
        golden == now,
        "the public interface changed; look at it, tell of it in src/manual/changelog.md, then run this test with UPDATE_GOLDEN=1\n{}\n{}",
        removed.join("\n"),
        added.join("\n")
    );
}

/// The lines of a text that another lacks.
fn missing<'a>(text: &'a str, other: &str) -> impl Iterator<Item = &'a str> {
    let there: std::collections::BTreeSet<String> = other.lines().map(str::to_owned).collect();
    text.lines().filter(move |line| !there.contains(*line))
}
