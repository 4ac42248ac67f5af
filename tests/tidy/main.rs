//! The house as a test: who may import whom, where each outside thing lives, how long things are, which words are not
//! used, and that nothing lies about unused.
//!
//! Each finding names file, line and the right place. Figures in [`RATCHET`] may only go down.
#![allow(
    clippy::pedantic,
    clippy::disallowed_methods,
    clippy::collapsible_match,
    clippy::drop_non_drop,
    missing_docs,
    unreachable_pub,
    reason = "tests and benches ask the clock and start threads as they need"
)]

mod layers;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Outside things, each with its home and what to use elsewhere.
const HOMES: &[(&str, &[&str], &str)] = &[
    ("sled::", &["storage/"], "go through `storage::Storage`"),
    ("bincode::", &["codec/"], "encode and decode in `codec`"),
    ("SystemTime", &["engine/clock.rs"], "ask a `Clock`"),
    ("Instant::now", &["engine/clock.rs", "storage/"], "use `engine::clock::monotonic`"),
    (
        "std::thread",
        &[
            "engine/sync/",
            "engine/replay.rs",
            "audit/pipeline.rs",
            "storage/",
            // A trial must end although a call hangs; a program's answer is read while it is waited for.
            "issuer/kit/bench.rs",
            "issuer/exec/",
            // A signal is waited for while a run is under way, by a program that has the public API only.
            "bin/latchkeep/interrupts.rs",
        ],
        "use `engine::threads::spawn`",
    ),
    // What is scheduled in tests waits with `engine/sync.rs`; a lock beside it must not be held while anything there waits.
    ("crossbeam_channel::", &["engine/sync", "engine/replay.rs", "issuer/"], "use `engine::sync`"),
    ("parking_lot::", &["engine/sync", "engine/line_anchor.rs", "storage/", "issuer/"], "use `engine::sync`"),
    ("thread::sleep", &["storage/guarded.rs"], "wait on a channel with a deadline"),
    (
        "std::fs",
        &["storage/", "seal/key_file.rs", "engine/file_anchor.rs", "issuer/private_ca/register_file.rs", "bin/"],
        "files are the business of `storage` and `seal/key_file.rs`",
    ),
    ("std::env", &["bin/"], "options come from the host"),
    ("std::net", &["http", "web", "bin/"], "the core opens no connection"),
    // An issuer may be a program of the user's.
    ("std::process", &["issuer/exec/", "bin/"], "the core starts and ends no process"),
    ("tokio", &["issuer/postgres/", "http", "web"], "the core waits in threads"),
    ("getrandom", &["seal/random.rs", "seal/error.rs"], "use `seal::random`"),
    ("argon2::", &["seal/"], "cryptography of secrets lives in `seal`"),
    ("chacha20poly1305::", &["seal/"], "cryptography of secrets lives in `seal`"),
    ("ed25519_dalek::", &["ledger/", "issuer/private_key.rs"], "signatures live in `ledger`"),
    ("rustix::", &["storage/", "issuer/exec/"], "system calls live in `storage`"),
    ("println!", &["bin/"], "the library prints nothing"),
    ("unsafe ", &[], "there is no unsafe code here"),
    (
        ".expose(",
        &[
            "seal/",
            "issuer/",
            "engine/checkpoint.rs",
            "store/repeated.rs",
            "store/prepare.rs",
            "store/session.rs",
            "fuzzing/",
            "dotenv.rs",
            "bin/",
        ],
        "secret data is read where it is sealed, made or handed out; say in review why this place needs it",
    ),
];

/// Words that tell nothing, as names of modules and at the end of names of types.
const EMPTY_WORDS: &[&str] = &["util", "utils", "common", "helper", "helpers", "manager", "misc", "types"];

/// The longest that a file may be.
const FILE_LINES_MAX: usize = 450;

/// How many of each there are; a smaller figure is written down here, a larger one is refused.
const RATCHET: Ratchet =
    Ratchet { long_files: 13, functions_over_70: 0, functions_over_35: 14, events_without_golden: 0 };

#[derive(Debug, Default, PartialEq)]
struct Ratchet {
    /// Files of over 350 lines.
    long_files: usize,
    functions_over_70: usize,
    functions_over_35: usize,
    /// Events without a file of their name under `tests/golden/events`.
    events_without_golden: usize,
}

/// A source file, with what is known of it.
struct Source {
    /// Path from the root of the package.
    path: String,
    text: String,
    /// Whether it is compiled for tests only.
    is_test: bool,
}

impl Source {
    /// The path below `src`.
    fn below_src(&self) -> Option<&str> {
        self.path.strip_prefix("src/")
    }

    /// The top module that it belongs to.
    fn module(&self) -> Option<&str> {
        let below = self.below_src()?;
        Some(below.split('/').next()?.trim_end_matches(".rs"))
    }

    /// Its lines that run in production, numbered from 1, without comments; tests stand last in a file.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let tests = self.text.find("#[cfg(test)]\nmod tests {").unwrap_or(self.text.len());
        let shown = if self.is_test { "" } else { &self.text[..tests] };
        shown
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn walk(dir: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, ending, found);
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
}

fn files(dirs: &[&str], ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    dirs.iter().for_each(|dir| walk(&root().join(dir), ending, &mut found));
    found.sort();
    found
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().into_owned()
}

/// Names of modules that are declared for tests only, as paths without an ending.
fn test_modules(paths: &[PathBuf]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in paths {
        let text = fs::read_to_string(path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(2).filter(|pair| pair[0].trim() == "#[cfg(test)]") {
            let declared = pair[1].trim().trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
            if let Some(name) = declared.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) {
                found.insert(format!("{}/{name}", module_dir(&relative(path))));
            }
        }
    }
    found
}

/// The directory in which the modules that a file declares lie.
fn module_dir(path: &str) -> String {
    let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
    match name {
        "mod.rs" | "lib.rs" | "main.rs" => dir.to_owned(),
        _ => path.trim_end_matches(".rs").to_owned(),
    }
}

fn sources(dirs: &[&str]) -> Vec<Source> {
    let paths = files(dirs, ".rs");
    let tests = test_modules(&paths);
    let read = |path: &PathBuf| {
        let name = relative(path);
        let bare = name.trim_end_matches(".rs");
        let is_test = tests.iter().any(|test| bare == test || name.starts_with(&format!("{test}/")));
        Source { text: fs::read_to_string(path).unwrap(), path: name, is_test }
    };
    let found: Vec<_> = paths.iter().map(read).collect();
    assert!(!found.is_empty(), "there is nothing to look at");
    found
}

#[track_caller]
fn none(findings: Vec<String>) {
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

#[test]
fn each_outside_thing_has_one_home() {
    let mut findings = Vec::new();
    for source in sources(&["src"]) {
        let below = source.below_src().unwrap();
        for (needle, homes, right) in
            HOMES.iter().filter(|(_, homes, _)| !homes.iter().any(|home| below.starts_with(home)))
        {
            let uses = source.code().filter(|(_, code)| code.contains(needle));
            findings.extend(uses.map(|(line, _)| {
                let homes = if homes.is_empty() { "nowhere".to_owned() } else { homes.join(", ") };
                format!("{}:{line}: `{needle}` belongs {homes}; {right}", source.path)
            }));
        }
    }
    none(findings);
}

#[test]
fn names_say_something() {
    let mut findings = Vec::new();
    for source in sources(&["src", "tests", "benches"]) {
        for part in source.path.trim_end_matches(".rs").split('/').filter(|part| EMPTY_WORDS.contains(part)) {
            findings.push(format!("{}: `{part}` says nothing; name the noun that it owns", source.path));
        }
        for (line, code) in source.code() {
            let declared = ["struct ", "enum ", "trait ", "mod "].iter().find_map(|kind| code.split_once(kind));
            let Some((_, rest)) = declared else { continue };
            let name: String = rest.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect();
            let lower = name.to_lowercase();
            if EMPTY_WORDS.iter().any(|word| lower == *word || lower.ends_with(&format!("_{word}")))
                || ["Manager", "Helper", "Util", "Utils"].iter().any(|word| name.ends_with(word))
            {
                findings.push(format!("{}:{line}: `{name}` says nothing; name it for what it owns", source.path));
            }
        }
    }
    none(findings);
}

#[test]
fn nothing_is_left_half_done() {
    // Put together here, so that this file does not find itself.
    let marks = ["TO DO", "FIX ME", "X XX", "to do!(", "un implemented!(", "d bg!("].map(|mark| mark.replace(' ', ""));
    let homes = ["work", "home", "root", "Users"].map(|dir| format!("/{dir}/"));
    let mut findings = Vec::new();
    let mut paths = files(&["src", "tests", "benches", "fuzz", ".ci"], ".rs");
    paths.extend(files(&["src", "tests", "src/manual"], ".md"));
    paths.extend([root().join("Cargo.toml"), root().join("README.md")].into_iter().filter(|path| path.exists()));
    for path in paths {
        for (at, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            let at = format!("{}:{}", relative(&path), at + 1);
            for mark in marks.iter().filter(|mark| line.contains(mark.as_str())) {
                findings.push(format!("{at}: `{mark}` stays in no file; finish it, or write an issue"));
            }
            for home in homes.iter().filter(|home| line.contains(home.as_str())) {
                findings.push(format!("{at}: `{home}` is a path of one machine; make it relative"));
            }
        }
    }
    none(findings);
}

#[test]
fn every_source_file_is_compiled() {
    let mut findings = Vec::new();
    for source in sources(&["src", "tests"]) {
        let path = root().join(&source.path);
        let (dir, name) = source.path.rsplit_once('/').unwrap();
        let is_root = matches!(name, "lib.rs" | "main.rs") || dir == "tests" || dir == "src/bin";
        if is_root {
            continue;
        }
        let (parent, stem) = match name {
            "mod.rs" => dir.rsplit_once('/').unwrap(),
            _ => (dir, name.trim_end_matches(".rs")),
        };
        let owners = [
            format!("{parent}/mod.rs"),
            format!("{parent}/lib.rs"),
            format!("{parent}/main.rs"),
            format!("{parent}.rs"),
        ];
        let declares = |owner: &String| {
            let text = fs::read_to_string(root().join(owner)).unwrap_or_default();
            text.lines().any(|line| line.trim_start().ends_with(&format!("mod {stem};")))
        };
        if !owners.iter().any(declares) {
            findings.push(format!(
                "{}: no module declares it, so it is not compiled; declare or delete it",
                path.display()
            ));
        }
    }
    none(findings.iter().map(|finding| finding.replace(&format!("{}/", root().display()), "")).collect());
}

#[test]
fn files_and_functions_stay_short() {
    let mut findings = Vec::new();
    let mut now = Ratchet { events_without_golden: events_without_golden().len(), ..Ratchet::default() };
    let mut longest = Vec::new();
    for source in sources(&["src", "tests"]) {
        let lines = source.text.lines().count();
        if lines > FILE_LINES_MAX {
            findings.push(format!("{}: {lines} lines, {FILE_LINES_MAX} are the most; split it by noun", source.path));
        }
        if lines > 350 {
            now.long_files += 1;
        }
        for (line, name, length) in functions(&source) {
            now.functions_over_70 += usize::from(length > 70);
            now.functions_over_35 += usize::from(length > 35);
            if length > 35 {
                longest.push(format!("{}:{line}: `{name}` has {length} lines", source.path));
            }
        }
    }
    none(findings);
    let grew = now.long_files > RATCHET.long_files
        || now.functions_over_70 > RATCHET.functions_over_70
        || now.functions_over_35 > RATCHET.functions_over_35
        || now.events_without_golden > RATCHET.events_without_golden;
    let list = longest.join("\n");
    assert!(!grew, "there is more of it than was: {now:?}, where {RATCHET:?} is the most\n{list}");
    assert_eq!(now, RATCHET, "there is less of it than was: write the new figures down, so that they stay\n{list}");
}

/// The functions of a file that run in production: line, name, lines. The code is formatted, so indentation tells.
fn functions(source: &Source) -> Vec<(usize, String, usize)> {
    let lines: Vec<(usize, &str)> = source.code().filter(|_| source.path.starts_with("src/")).collect();
    let mut found = Vec::new();
    for (at, (line, code)) in lines.iter().enumerate() {
        let Some((before, rest)) = code.split_once("fn ") else { continue };
        if !before.chars().all(|char| char.is_alphanumeric() || " ()_\"".contains(char))
            || code.trim_end().ends_with(['}', ';'])
        {
            continue;
        }
        let indent = &code[..code.len() - code.trim_start().len()];
        let is_end = |code: &str| {
            code == format!("{indent}}}") || (code.ends_with(';') && code.starts_with(&format!("{indent})")))
        };
        if let Some((end, _)) = lines[at..].iter().find(|(_, code)| is_end(code)) {
            let name = rest.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect();
            found.push((*line, name, end - line + 1));
        }
    }
    found
}

/// The names of the events for which no file under `tests/golden/events` is named.
fn events_without_golden() -> Vec<String> {
    let text = fs::read_to_string(root().join("src/domain/event.rs")).unwrap();
    let table = text.split_once("events! {").unwrap().1;
    let event = |line: &str| {
        let (name, rest) = line.strip_prefix("    ")?.split_once(" = ")?;
        (rest.ends_with('{') || rest.ends_with("{}")).then(|| name.to_owned())
    };
    let events: Vec<String> = table.lines().filter_map(event).collect();
    assert!(events.len() > 30, "the table of events was not understood");
    let golden: Vec<String> = files(&["tests/golden/events"], ".txt").iter().map(|path| relative(path)).collect();
    let has_one = |name: &String| golden.iter().any(|path| path.contains(&format!("-{}-v", kebab(name))));
    events.into_iter().filter(|name| !has_one(name)).collect()
}

/// `LockPlaced` as `lock-placed`.
fn kebab(name: &str) -> String {
    let parted = name.chars().flat_map(|char| {
        let gap = char.is_uppercase().then_some('-');
        gap.into_iter().chain(char.to_lowercase())
    });
    parted.collect::<String>().trim_start_matches('-').to_owned()
}
