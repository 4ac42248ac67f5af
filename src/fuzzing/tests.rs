//! The seeds in `fuzz/seeds`, which come from the golden files (`UPDATE_GOLDEN=1` writes them), and every input that ever
//! made a target fail, in `fuzz/found`: each goes through its target at every run of the tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::proofs::{Tree, signer};
use super::{TARGETS, mutate};
use crate::codec::tests::golden::unhex;
use crate::domain::position::Position;
use crate::ledger::{EventProof, InclusionProof};

fn dir(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

fn golden(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).unwrap()
}

/// Every seed, by target and name.
fn seeds() -> BTreeMap<(&'static str, String), Vec<u8>> {
    let mut seeds = BTreeMap::new();
    seeds.extend(of_bodies());
    seeds.extend(of_vectors());
    seeds.extend(of_rows());
    seeds.insert(("backup", "golden".into()), super::backup::ENTRIES.clone());
    let first = |text: &str| unhex(text.lines().nth(1).unwrap());
    seeds.insert(("context", "full".into()), first(&golden("context-v1.txt")));
    seeds.insert(("export", "golden".into()), golden("export-1.jsonl").into_bytes());
    seeds.insert(("checkpoint", "verifier-key".into()), signer().verifier_key().to_string().into_bytes());
    let tree = Tree::of(3);
    let signed = tree.checkpoint().sign(&[&signer()]).unwrap();
    seeds.insert(("checkpoint", "note".into()), signed.note().as_bytes().to_vec());
    let inclusion = InclusionProof::make(&tree, Position::new(1), Position::new(3)).unwrap();
    let proof = EventProof::new(Position::new(1), inclusion, &signed, b"extra".to_vec()).unwrap();
    seeds.insert(("checkpoint", "tlog-proof".into()), proof.to_string().into_bytes());
    for what in 0..5 {
        let bytes = vec![1, 12, 5, 7, what, 0, 0, 3, 1];
        seeds.insert(("proofs", format!("change-{what}")), bytes);
    }
    seeds.insert(("sealed_data", "flip".into()), vec![0, 0, 30, 1]);
    seeds.insert(("sealed_data", "elsewhere".into()), vec![17, 1]);
    seeds.extend(of_exports());
    seeds.extend(of_texts());
    for (name, edits) in OF_CHANGED_ROWS {
        seeds.insert(("changed_rows", name.to_owned()), edits.to_vec());
    }
    seeds.insert(("sealed_data", "arbitrary".into()), b"\x01\x01\x01\0\0\0\x06canary".to_vec());
    seeds
}

/// The golden export with a field changed, and histories with a step left out, put in, and exchanged.
fn of_exports() -> Vec<((&'static str, String), Vec<u8>)> {
    let seed = |name: &str, bytes: &[u8]| (("export", name.to_owned()), bytes.to_vec());
    vec![
        seed("field-from-another", &[0, 3, 8, 0, 4, 1]),
        seed("field-turned", &[0, 3, 8, 2, 4, 1]),
        seed("base64-of-a-body", &[0, 3, 14, 3, 2, 1]),
        seed("base64-of-a-checkpoint", &[0, 12, 0, 2, 0, 1]),
        seed("bytes", &[2, 0, 4, 0, 1]),
        seed("history-left-out", &[1, 0, 6, 0]),
        seed("history-repeated", &[1, 1, 4, 4]),
        seed("history-exchanged", &[1, 2, 4, 6]),
        seed("locked-version-destroyed", &[1, 3, 4, 0]),
        seed("lock-placed", &[1, 4, 4, 0]),
        seed("same", &[1]),
        (("backup", "dropped".to_owned()), vec![0, 0, 4, 0, 0]),
        (("backup", "exchanged".to_owned()), vec![0, 3, 4, 5, 0]),
        (("backup", "same".to_owned()), vec![0]),
    ]
}

/// Edits of rows, six bytes each: what is done, the kind of row, which row, another row or kind, the place in it, and bits.
const OF_CHANGED_ROWS: [(&str, &[u8]); 15] = [
    ("nothing", &[]),
    ("saved-secrets-put-back", &[0, 12, 0, 0, 0, 0]),
    ("saved-and-past-state-put-back", &[0, 12, 0, 0, 0, 0, 0, 13, 0, 0, 0, 0, 0, 14, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0]),
    ("sealed-data-of-another-store", &[1, 1, 0, 0, 0, 0]),
    ("voucher-removed", &[2, 6, 0, 0, 0, 0]),
    ("way-in-put-back", &[3, 4, 1, 0, 0, 0]),
    ("record-removed", &[4, 0, 5, 0, 0, 0]),
    ("past-state-cut", &[5, 9, 2, 0, 128, 0]),
    ("answer-longer", &[6, 13, 0, 0, 0, 7]),
    ("data-key-moved", &[7, 2, 0, 1, 16, 0]),
    ("epoch-key-of-another-store", &[8, 3, 0, 0, 0, 0]),
    ("sealed-data-exchanged", &[9, 1, 0, 0, 0, 1]),
    ("rows-of-two-kinds-exchanged", &[10, 9, 0, 12, 0, 1]),
    ("bytes-of-past-states", &[11, 9, 0, 0, 60, 1, 11, 9, 1, 0, 110, 1, 11, 9, 2, 0, 200, 1, 11, 10, 1, 3, 100, 1]),
    ("byte-of-a-record", &[11, 0, 0, 3, 200, 1]),
];

/// Texts as people and programs write them.
fn of_texts() -> Vec<((&'static str, String), Vec<u8>)> {
    let fixture = |name: &str| {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/issuer/fixtures").join(name)).unwrap()
    };
    let pair = |certificate: &str, key: &str| format!("{}\0{}", fixture(certificate), fixture(key));
    let key = crate::seal::sealing_key::KeyBytes::copy_from(&[7; 32]).unwrap();
    let key_file = String::from_utf8(crate::seal::key_file::render(&key).to_vec()).unwrap();
    let json = "{\"a\":[1,-2.5e3,true,null,{\"b\":\"\\u00e4\\ud83d\\ude00\\n\"}],\"c\":{}}";
    let id = "0199d0a0-0000-7000-8000-000000000001";
    let issuer = |more: &str| format!("\u{feff}{{\"db\":{{\"kind\":\"exec\",\"program\":\"/p\",\n{more}}}}}");
    let role = r#"{"db":{"kind":"postgres_role","server":{"host":"/run","database":"app","user":"keeper"},
        "grants":[{"privileges":["usage"],"on":{"schema":"shop","all":"sequences"}}]}}"#;
    let manual = include_str!("../manual/issuers.md").split_once("## A file of issuers").unwrap().1;
    let issuers = manual.split_once("```json\n").unwrap().1.split_once("```").unwrap().0;
    let texts = [
        ("certificate", "ec", pair("ec-cert.pem", "ec-sec1.pem")),
        ("certificate", "rsa", pair("rsa-cert.pem", "rsa-pkcs1.pem")),
        ("certificate", "rsa-pkcs8", pair("rsa-cert.pem", "rsa-pkcs8.pem")),
        ("dotenv", "plain", "# head\n\nexport A=1 # one\nB = two words\nC='x $y'\n".to_owned()),
        ("dotenv", "quoted", "KEY=\"-----BEGIN\\nabc\n\"\nD=\n".to_owned()),
        (
            "issuer_answer",
            "issued",
            r#"{"credential":{"user":"u"},"outside":"u-1","expires_at":"2027-01-01T00:00:00Z"}"#.to_owned(),
        ),
        (
            "issuer_answer",
            "listed",
            format!("{{\"listed\":[{{\"rotation\":\"{id}\",\"outside\":\"u-1\"}}],\"found\":[\"u-2\"]}}"),
        ),
        ("issuer_answer", "value", "{\"value\":{\"password\":\"p\"},\"reason\":\"no room\"}".to_owned()),
        ("issuers_file", "manual", issuers.to_owned()),
        ("issuers_file", "twice", issuer(r#""args":[],"args":["hunter2"]"#)),
        ("issuers_file", "unknown-field", issuer(r#""argv":["hunter2"]"#)),
        ("issuers_file", "value-in-a-wrong-place", issuer(r#""env":{"A":["hunter2"]}"#)),
        ("issuers_file", "role", role.to_owned()),
        ("json_object", "small", json.to_owned()),
        ("key_file", "file", key_file),
        ("kv_text", "small", json.to_owned()),
        ("kv_text", "spaced", "{ \"a\" : 1e2 ,\n\"b\":[ ] }".to_owned()),
        ("names_and_times", "name", "db-admin.1".to_owned()),
        ("names_and_times", "id", id.to_owned()),
        ("names_and_times", "time", "2026-11-23T12:00:00.000000001Z".to_owned()),
        ("names_and_times", "offset", "2026-11-23T12:00:00+01:30".to_owned()),
    ];
    texts.into_iter().map(|(target, name, text)| ((target, name.to_owned()), text.into_bytes())).collect()
}

/// The newest case of each golden body, behind its type and schema.
fn of_bodies() -> Vec<((&'static str, String), Vec<u8>)> {
    let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/events")).unwrap();
    let seed = |path: PathBuf| {
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let number: u16 = stem.split('-').next().unwrap().parse().unwrap();
        let schema: u16 = stem.rsplit("-v").next().unwrap().parse().unwrap();
        let body = unhex(std::fs::read_to_string(&path).unwrap().lines().nth(1).unwrap());
        let bytes = [&number.to_be_bytes()[..], &schema.to_be_bytes(), &body].concat();
        (("record_body", stem), bytes)
    };
    files.map(|entry| seed(entry.unwrap().path())).collect()
}

/// The headers of the golden vectors, alone and as frames.
fn of_vectors() -> Vec<((&'static str, String), Vec<u8>)> {
    let vectors: serde_json::Value = serde_json::from_str(&golden("log-v1.json")).unwrap();
    let mut seeds = Vec::new();
    for (at, record) in vectors["records"].as_array().unwrap().iter().enumerate() {
        let part = |name: &str| unhex(record[name].as_str().unwrap());
        seeds.push((("record_header", format!("header-{at}")), part("header")));
        let frame = [vec![1], part("header"), part("context"), part("body")].concat();
        seeds.push((("record_header", format!("frame-{at}")), frame));
    }
    seeds
}

/// Exchanges epochs 1 and 2 of a saved row.
fn exchanged_epochs(mut row: Vec<u8>) -> Vec<u8> {
    let epochs = [1_u32.to_le_bytes(), 2_u32.to_le_bytes()].concat();
    let at = row.windows(8).position(|part| part == epochs).unwrap();
    row[at..at + 8].rotate_left(4);
    row
}

/// Golden rows behind the byte that says their kind, and a key of each kind.
fn of_rows() -> Vec<((&'static str, String), Vec<u8>)> {
    let row = |name: &str, kind: u8, bytes: &[u8]| (("saved_row", name.to_owned()), [&[kind][..], bytes].concat());
    let saved = golden(&format!("saved-{}.txt", crate::codec::saved::SAVED_FORMAT));
    let case = |at: usize| unhex(saved.lines().nth(2 * at + 1).unwrap());
    let past = golden(&format!("past-{}.txt", crate::codec::saved::SAVED_FORMAT));
    let then = |at: usize| unhex(past.lines().nth(2 * at + 1).unwrap());
    let key = |name: &str, bytes: &[u8]| (("row_key", name.to_owned()), bytes.to_vec());
    vec![
        row("secret", 0, &case(0)),
        row("whole", 1, &case(1)),
        row("whole-out-of-order", 1, &exchanged_epochs(case(1))),
        row("answer", 2, &case(2)),
        row("refusal", 2, &case(3)),
        row("voucher", 3, &unhex(golden("voucher-1.txt").lines().nth(1).unwrap())),
        row("past-secret", 9, &then(0)),
        row("past-erased", 9, &then(1)),
        row("past-whole", 10, &then(2)),
        row("past-mark", 11, &then(3)),
        row("meta", 4, &unhex(golden("store-meta-2.txt").lines().nth(1).unwrap())),
        key("log", b"l\0\0\0\0\0\0\0\x09"),
        key("sealed", b"d0123456789abcdef"),
        key("slot", b"z\x07"),
        key("epoch", b"e\0\0\0\x01"),
        key("seed", b"g\0\0\0\x01"),
        key("past-secret", b"h\0\0\0\0\0\0\0\x090123456789abcdef"),
        key("past-mark", b"y\0\0\0\0\0\0\0\x09"),
    ]
}

#[test]
fn seeds_are_what_the_golden_files_give() {
    let seeds = seeds();
    for ((target, name), bytes) in &seeds {
        let path = dir("seeds").join(target).join(name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, bytes).unwrap();
        }
        assert_eq!(&std::fs::read(&path).unwrap_or_default(), bytes, "{target}/{name}; UPDATE_GOLDEN=1 writes it");
    }
    assert!(TARGETS.iter().all(|(target, _)| seeds.keys().any(|(of, _)| of == target)), "a target has no seed");
}

#[test]
fn seeds_and_whatever_was_found_pass_their_targets() {
    for (name, target) in TARGETS {
        for kind in ["seeds", "found"] {
            let Ok(files) = std::fs::read_dir(dir(kind).join(name)) else { continue };
            files.for_each(|file| target(&std::fs::read(file.unwrap().path()).unwrap()));
        }
    }
}

#[test]
fn every_target_has_a_file_for_the_fuzzer() {
    for (name, _) in TARGETS {
        let text = std::fs::read_to_string(dir("fuzz_targets").join(format!("{name}.rs"))).unwrap();
        assert!(text.contains(&format!("latchkeep::fuzzing::{name}(")) && text.lines().count() < 20, "{name}");
        assert!(std::fs::read_to_string(dir("Cargo.toml")).unwrap().contains(&format!("name = \"{name}\"")), "{name}");
    }
}

proptest! {
    /// What a fuzzer does for hours, for a moment, wherever there is none.
    #[test]
    fn changed_seeds_pass_their_targets(script in prop::collection::vec(any::<u8>(), 4..40), which in any::<prop::sample::Index>()) {
        let seeds: Vec<_> = seeds().into_iter().collect();
        let ((name, _), bytes) = which.get(&seeds);
        let (_, target) = TARGETS.iter().find(|(target, _)| target == name).unwrap();
        target(&mutate(bytes, &script));
    }
}
