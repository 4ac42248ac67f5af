//! Who may import whom.

use std::collections::BTreeSet;
use std::fs;

use super::{module_dir, none, root, sources};

/// The modules of `src/lib.rs`, each with those that it may import; a module without a row is a finding. `*` may import all.
const LAYERS: &[(&str, &[&str])] = &[
    ("manual", &[]),
    ("domain", &[]),
    ("codec", &["domain"]),
    ("ledger", &["domain"]),
    ("seal", &["domain"]),
    ("storage", &[]),
    ("projection", &["domain"]),
    ("view", &["domain", "ledger", "projection"]),
    ("audit", &["domain", "codec", "ledger", "projection", "view"]),
    ("issuer", &["domain", "seal"]),
    ("issuers_file", &["domain", "issuer"]),
    ("dotenv", &["domain", "seal"]),
    ("error", &["domain", "codec", "ledger", "seal", "storage", "audit"]),
    ("engine", &["domain", "codec", "ledger", "seal", "storage", "projection", "audit", "issuer", "error"]),
    ("rotation", &["domain", "seal", "storage", "issuer", "engine", "error"]),
    (
        "store",
        &[
            "domain",
            "codec",
            "ledger",
            "seal",
            "storage",
            "projection",
            "audit",
            "issuer",
            "error",
            "engine",
            "rotation",
            "view",
        ],
    ),
    ("fuzzing", &["*"]),
];

/// The modules that `src/lib.rs` declares.
fn modules() -> Vec<String> {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let is_for_tests = |at: usize| at > 0 && (lines[at - 1].starts_with("#[path") || lines[at - 1] == "#[cfg(test)]");
    let declared = |line: &str| {
        let rest = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ").strip_prefix("mod ")?;
        rest.strip_suffix(';').map(str::to_owned)
    };
    let own = lines.iter().enumerate().filter(|(at, _)| !is_for_tests(*at));
    own.filter_map(|(_, line)| declared(line)).collect()
}

#[test]
fn each_module_has_its_layer() {
    let (declared, rows): (BTreeSet<String>, BTreeSet<String>) =
        (modules().into_iter().collect(), LAYERS.iter().map(|(name, _)| (*name).to_owned()).collect());
    assert!(declared.len() > 10, "the modules of src/lib.rs were not understood");
    let no_row = declared.difference(&rows).map(|name| format!("src/lib.rs: `{name}` has no row in LAYERS"));
    let no_module =
        rows.difference(&declared).map(|name| format!("tests/tidy/layers.rs: LAYERS names `{name}`, which is gone"));
    none(no_row.chain(no_module).collect());
}

#[test]
fn modules_import_only_what_lies_below_them() {
    let modules = modules();
    let mut findings = Vec::new();
    for source in sources(&["src"]) {
        let Some((from, may)) = LAYERS.iter().find(|(name, _)| source.module() == Some(name)) else { continue };
        let depth = module_dir(&source.path).split('/').count() - 1;
        for (line, code) in source.code() {
            let at = format!("{}:{line}", source.path);
            if code.contains("use crate::{") {
                findings.push(format!("{at}: name one module in each `use crate::`, so that arrows can be read"));
            }
            if depth > 0 && code.contains(&"super::".repeat(depth)) {
                findings.push(format!("{at}: this leaves `{from}` by `super`; write `crate::`"));
            }
            let may_not = |to: &&String| *to != from && !may.contains(&to.as_str()) && *may != ["*"];
            for to in modules.iter().filter(may_not).filter(|to| names(code, to)) {
                let right = if may.is_empty() { "nothing of ours".to_owned() } else { may.join(", ") };
                findings.push(format!("{at}: `{from}` may import {right}, but not `{to}`: turn the arrow round"));
            }
        }
    }
    none(findings);
}

/// Tells whether a line names a module of the crate.
fn names(code: &str, module: &str) -> bool {
    let path = format!("crate::{module}");
    code.match_indices(&path).any(|(at, _)| {
        let next = code[at + path.len()..].chars().next();
        !next.is_some_and(|char| char.is_alphanumeric() || char == '_')
    })
}
