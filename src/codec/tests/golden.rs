//! Golden files: the bytes of every event type and schema, and of the context, as they were first released.
//!
//! One file per type and schema, `tests/golden/events/<number>-<name>-v<schema>.txt`: for each case its name, its body
//! in hexadecimal (16 bytes of salt first) and what people see. `UPDATE_GOLDEN=1 cargo test --lib codec` writes missing
//! and changed files; a changed file of a released schema is a broken format, never an update. No file is ever deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::sample;
use super::saved::{self as rows, KEY};
use crate::codec::context::{decode_context, encode_context};
use crate::codec::error::{CodecError, Part};
use crate::codec::event::{Decoded, decode_event, encode_event, event_json, schema_of, write_event_json};
use crate::codec::keys;
use crate::codec::mark::{RowSum, RowTotal};
use crate::codec::meta::{StoreMeta, decode_meta, encode_meta};
use crate::codec::past::{self, PastMark, PastWhole};
use crate::codec::saved;
use crate::codec::voucher::{decode_voucher, encode_voucher};
use crate::domain::event::Event;
use crate::domain::id::LogId;
use crate::domain::position::Position;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;

#[test]
fn every_event_keeps_its_golden_bytes() {
    let mut files: BTreeMap<PathBuf, String> = BTreeMap::new();
    for (case, event) in sample::events() {
        let path = event_file(event.number(), event.label(), schema_of(&event));
        let body = encode_event(&event, &sample::SALT).unwrap();
        let text = files.entry(path).or_default();
        writeln!(text, "{case}\n  {}\n  {}", hex(&body), event_json(&event)).unwrap();
    }
    for (path, text) in files {
        check(&path, &text);
    }
    every_golden_file_still_decodes();
}

#[test]
fn no_event_type_goes_without_a_golden_file() {
    let sampled: BTreeMap<u16, u16> =
        sample::events().iter().map(|(_, event)| (event.number(), schema_of(event))).collect();
    for number in 0..u16::MAX {
        let Some(label) = Event::label_of(number) else { continue };
        let newest = *sampled.get(&number).unwrap_or_else(|| panic!("{label} has no sample in sample.rs"));
        for schema in 1..newest {
            let path = event_file(number, label, schema);
            assert!(path.exists(), "{} is gone; golden files of old schemas stay for ever", path.display());
        }
    }
}

fn every_golden_file_still_decodes() {
    let files = std::fs::read_dir(golden("events")).unwrap();
    let mut cases = 0;
    for path in files.map(|entry| entry.unwrap().path()) {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let (number, schema) = (stem.split('-').next().unwrap(), stem.rsplit("-v").next().unwrap());
        let text = std::fs::read_to_string(&path).unwrap();
        let (number, schema): (u16, u16) = (number.parse().unwrap(), schema.parse().unwrap());
        for lines in text.lines().collect::<Vec<_>>().chunks(3) {
            let body = unhex(lines[1].trim());
            let decoded = decode_event(number, schema, &body).unwrap();
            let Decoded::Known(event) = decoded else { panic!("{stem} is unknown; old schemas stay known for ever") };
            let mut shown = Vec::new();
            write_event_json(&event, schema, &mut shown);
            assert_eq!(String::from_utf8(shown).unwrap(), lines[2].trim(), "{stem}, {}", lines[0]);
            cases += 1;
        }
    }
    assert!(cases >= sample::events().len(), "golden files are missing");
}

#[test]
fn the_context_keeps_its_golden_bytes() {
    let mut text = String::new();
    for (case, context) in sample::contexts() {
        let bytes = encode_context(&context).unwrap();
        assert_eq!(decode_context(&bytes).unwrap(), context);
        writeln!(text, "{case}\n  {}", hex(&bytes)).unwrap();
    }
    check(&golden("context-v1.txt"), &text);
}

#[test]
fn the_description_of_the_store_keeps_its_golden_bytes() {
    let meta = StoreMeta { log_id: LogId::from_bytes([0x55; 16]), created_at: Timestamp::MAX };
    check(&golden("store-meta-2.txt"), &format!("full\n  {}\n", hex(&encode_meta(&meta))));
    let old = std::fs::read_to_string(golden("store-meta-1.txt")).unwrap();
    assert_eq!(
        decode_meta(&unhex(old.lines().nth(1).unwrap())),
        Ok(meta),
        "one of the revision before is read for ever"
    );
}

/// Saved state may change, but not without its number: a row of the old shape must not be read as a new one.
#[test]
fn saved_rows_do_not_change_without_their_number() {
    let position = Position::new(9);
    let receipt = saved::encode_answer(KEY, position, &rows::answer(Ok(rows::receipt()))).unwrap();
    let refusal = saved::encode_answer(KEY, position, &rows::answer(Err(Refusal::VersionChanged))).unwrap();
    let text = [
        ("secret with one version and one lock", saved::encode_secret(KEY, &rows::secret()).unwrap().bytes),
        ("settings and groups", saved::encode_whole(KEY, &rows::whole()).unwrap().bytes),
        ("answer, a receipt", receipt.bytes),
        ("answer, a refusal", refusal.bytes),
    ]
    .map(|(case, row)| format!("{case}\n  {}\n", hex(&row)));
    check(&golden(&format!("saved-{}.txt", saved::SAVED_FORMAT)), &text.concat());
}

#[test]
fn rows_of_past_states_do_not_change_without_the_number_of_saved_rows() {
    let (at, secret) = (Position::new(9), rows::secret());
    let whole = PastWhole { whole: rows::whole(), erased: BTreeSet::from([sample::GROUP]) };
    let total = RowTotal { rows: 3, sum: RowSum::from([9; 32]) };
    let mark = PastMark { head: [7; 32], total, whole: [8; 32], erased_up_to: Position::new(6) };
    let told = past::encode_past_secret(KEY, at, secret.id, Some(&secret)).unwrap();
    let erased = past::encode_past_secret(KEY, at, secret.id, None).unwrap();
    let read = |row: &saved::SavedRow| past::decode_past_secret(KEY, at, secret.id, &row.bytes).unwrap();
    assert_eq!(read(&told), (Some(secret.clone()), told.digest));
    assert_eq!(read(&erased), (None, erased.digest));
    let whole_row = past::encode_past_whole(KEY, at, &whole).unwrap();
    let mark_row = past::encode_past_mark(KEY, at, &mark).unwrap();
    assert_eq!(past::decode_past_whole(KEY, at, &whole_row.bytes).unwrap(), (whole, whole_row.digest));
    assert_eq!(past::decode_past_mark(KEY, at, &mark_row).unwrap(), mark);
    assert!(past::decode_past_mark(KEY, at.next(), &mark_row).is_err(), "a row is of one position");
    assert!(mark_row.windows(32).all(|part| part != [9; 32]), "the sum can be read");
    let text = [
        ("secret", told.bytes),
        ("secret whose words are erased", erased.bytes),
        ("settings and groups, one of them erased", whole_row.bytes),
        ("mark", mark_row),
    ]
    .map(|(case, row)| format!("{case}\n  {}\n", hex(&row)));
    check(&golden(&format!("past-{}.txt", saved::SAVED_FORMAT)), &text.concat());
}

/// A voucher is needed to open a store at all: unlike saved rows, its bytes never change.
#[test]
fn the_voucher_keeps_its_golden_bytes() {
    let row = encode_voucher(KEY, &rows::voucher()).unwrap();
    check(&golden(&format!("voucher-{}.txt", saved::VOUCHER_FORMAT)), &format!("voucher\n  {}\n", hex(&row)));
    let first = std::fs::read_to_string(golden("voucher-1.txt")).unwrap();
    let read = decode_voucher(KEY, &unhex(first.lines().nth(1).unwrap()));
    assert_eq!(read, Ok(rows::voucher()), "one of the first format is read for ever");
}

/// Rows of every earlier format are reported as old, not as damaged.
#[test]
fn golden_rows_of_older_formats_are_known_as_old() {
    for format in 1..saved::SAVED_FORMAT {
        for (file, part) in [("saved", Part::SavedSecret), ("past", Part::PastSecret)] {
            let text = std::fs::read_to_string(golden(&format!("{file}-{format}.txt"))).unwrap();
            for line in text.lines().skip(1).step_by(2) {
                let row = unhex(line);
                let found = saved::row_digest(KEY, part, &keys::saved_secret(sample::SECRET), &row).unwrap_err();
                let known = saved::SAVED_FORMAT;
                assert_eq!(found, CodecError::UnknownFormat { part, found: format, known }, "{file}-{format}");
            }
        }
    }
}

#[track_caller]
fn check(path: &Path, text: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(found, text, "{} differs; UPDATE_GOLDEN=1 writes it, if the bytes may change at all", path.display());
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn event_file(number: u16, label: &str, schema: u16) -> PathBuf {
    golden("events").join(format!("{number:02}-{}-v{schema}.txt", kebab(label)))
}

fn kebab(label: &str) -> String {
    let mut name = String::new();
    for char in label.chars() {
        if char.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(char.to_ascii_lowercase());
    }
    name
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.trim().chars().map(|char| u8::try_from(char.to_digit(16).unwrap()).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
