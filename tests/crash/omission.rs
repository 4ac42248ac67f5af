//! Says what a test left out on this machine. Unit tests and other binaries of tests include this file.

use std::io::Write as _;

/// Says that something was not run, and why: on stderr, also where the runner keeps the output of tests back, and in the
/// file that `LATCHKEEP_NOT_RUN` names, which `.ci/run` shows at its end.
pub(crate) fn not_run(what: &str, why: &str) {
    let line = format!("NOT RUN: {what}, because {why}\n");
    // One write each, as other tests write at the same time.
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(path) = std::env::var_os("LATCHKEEP_NOT_RUN").filter(|path| !path.is_empty()) {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
}
