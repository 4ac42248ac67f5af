//! Hostile files: always a verdict, never a panic, never memory without bound.

use std::io::{self, Read};

use super::scenario::{Scenario, failure, joined, verify, word};
use crate::audit::{Check, LINE_BYTES_MAX, VerifyOptions, verify_export};

/// Verifies the small export after its lines were changed, and holds the fault of structure to a line and its words.
#[track_caller]
fn check(change: impl FnOnce(&mut Vec<String>), line: u64, why: &str) {
    let mut lines = Scenario::small().lines();
    change(&mut lines);
    let report = verify(&joined(&lines));
    let (found, words) = failure(&report, Check::Structure);
    assert_eq!((found, words.contains(why)), (line, true), "{words}");
    assert!(report.to_string().bytes().all(|byte| byte == b'\n' || !byte.is_ascii_control()));
    assert!(serde_json::to_string(&report).is_ok());
}

#[test]
fn truncated_files() {
    check(Vec::clear, 1, "the export ends too early");
    check(|lines| lines.truncate(1), 2, "the export ends too early");
    check(|lines| lines.truncate(3), 4, "the export ends too early");
    check(|lines| drop(lines.pop()), 13, "the export ends too early");
    let export = Scenario::small().export();
    let report = verify(&export[..export.len() - 1]);
    assert_eq!(failure(&report, Check::Structure).1, "the export ends too early");
}

#[test]
fn reordered_and_duplicated_lines() {
    let mut lines = Scenario::small().lines();
    lines.swap(3, 4);
    let report = verify(&joined(&lines));
    assert_eq!(failure(&report, Check::Chain).0, 4);
    assert_eq!(word(&report), "+!!+.++!");
    check(|lines| lines.insert(2, lines[2].clone()), 13, "more events than the header says");
    check(|lines| lines.push(lines[1].clone()), 14, "something follows the last line");
    check(|lines| lines.push(String::new()), 14, "something follows the last line");
    check(|lines| lines.push(lines.last().unwrap().clone()), 14, "something follows the last line");
    check(|lines| drop(lines.remove(5)), 12, "1 events are missing");
}

#[test]
fn oversized_lines() {
    let long = || "x".repeat(LINE_BYTES_MAX + 1);
    check(|lines| lines[0] = long(), 1, "longer than");
    check(|lines| lines[2] = long(), 3, "longer than");
    check(|lines| lines[2] = "x".repeat(3 * LINE_BYTES_MAX), 3, "longer than");
    check(|lines| lines[2] = "x".repeat(LINE_BYTES_MAX), 3, "not JSON");
    check(|lines| *lines.last_mut().unwrap() = long(), 13, "longer than");
}

#[test]
fn a_line_without_end_is_read_no_further() {
    let report = verify_export(io::repeat(b' '), &VerifyOptions::default(), |_| {});
    assert_eq!(failure(&report, Check::Structure).0, 1);
    let export = Scenario::small().export();
    let report = verify_export(export.as_slice().chain(io::repeat(b'{')), &VerifyOptions::default(), |_| {});
    assert_eq!(failure(&report, Check::Structure).0, 14);
    let endless = Endless { line: format!("{}\n", Scenario::small().lines()[1]).into_bytes(), at: 0 };
    let header = joined(&Scenario::small().lines()[..1]);
    let report = verify_export(header.as_slice().chain(endless), &VerifyOptions::default(), |_| {});
    assert_eq!(failure(&report, Check::Structure).1, "there are more events than the header says");
}

/// One line over and over.
struct Endless {
    line: Vec<u8>,
    at: usize,
}

impl Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let from = &self.line[self.at..];
        let count = from.len().min(into.len());
        into[..count].copy_from_slice(&from[..count]);
        self.at = (self.at + count) % self.line.len();
        Ok(count)
    }
}

#[test]
fn an_input_that_fails() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }
    let report = verify_export(Failing, &VerifyOptions::default(), |_| {});
    assert_eq!(failure(&report, Check::Structure), (1, "the input cannot be read any further"));
    let export = Scenario::small().export();
    let report = verify_export(export[..9_000].chain(Failing), &VerifyOptions::default(), |_| {});
    assert_eq!(failure(&report, Check::Structure).1, "the input cannot be read any further");
}

#[test]
fn deep_json() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        check(
            |lines| lines[2] = lines[2].replace("\"data\":", &format!("\"data\":{deep},\"x\":")),
            3,
            "nests too deep",
        );
        check(|lines| lines[0] = deep.clone(), 1, "line");
        check(|lines| *lines.last_mut().unwrap() = format!("{{\"checkpoint\":{deep}}}"), 13, "line");
        check(|lines| lines[2] = open.repeat(LINE_BYTES_MAX / open.len()), 3, "line");
    }
}

#[test]
fn lines_that_are_no_utf8() {
    let mut export = Scenario::small().export();
    let at = export.iter().position(|byte| *byte == b'\n').unwrap() + 20;
    export[at] = 0xff;
    assert_eq!(failure(&verify(&export), Check::Structure), (2, "the line is not UTF-8"));
    assert_eq!(failure(&verify(&[0xff; 10]), Check::Structure).0, 1);
    assert_eq!(failure(&verify(&[0; 1_000]), Check::Structure).0, 1);
}

#[test]
fn bad_base64() {
    let head = |line: &str| line.find("\"lkhead\":\"").unwrap() + 10;
    for (field, why) in [("lkheader", "lkheader"), ("lkcontext", "lkcontext"), ("lkbody", "lkbody")] {
        let broken = |bad: &str| format!("\"{field}\":\"{bad}");
        for bad in ["!", "=", "\\n", "A", "\\u00e4"] {
            let why = format!("{why} is not in base64");
            check(|lines| lines[2] = lines[2].replace(&format!("\"{field}\":\""), &broken(bad)), 3, &why);
        }
    }
    check(
        |lines| {
            let at = head(&lines[2]);
            lines[2].replace_range(at..=at, "_");
        },
        3,
        "lkhead is not in base64",
    );
    check(
        |lines| {
            let at = head(&lines[2]);
            lines[2].insert(at, 'A');
        },
        3,
        "lkhead is not in base64",
    );
}

#[test]
fn forged_lengths() {
    let forged = |part: std::ops::Range<usize>, with: &'static str| {
        move |lines: &mut Vec<String>| {
            let at = lines[2].find("\"lkheader\":\"").unwrap() + 12;
            lines[2].replace_range(at + part.start..at + part.end, with);
        }
    };
    // Bytes 72 to 79 of the header are the lengths of context and body: 8 bytes in the base64 from 96 on.
    check(forged(96..104, "////////"), 3, "context is longer");
    check(forged(96..104, "AAAAAAAA"), 3, "malformed");
    check(|lines| lines[2] = lines[2].replace("\"lkbody\":\"", "\"lkbody\":\"AAAA"), 3, "body is not as long");
    check(|lines| lines[2] = lines[2].replace("\"lkcontext\":\"", "\"lkcontext\":\"AAAA"), 3, "context is not as long");
    check(|lines| lines[2] = lines[2].replace("\"lkheader\":\"", "\"lkheader\":\"AAAA"), 3, "header is not 176 bytes");
    let with =
        |from: &'static str, to: &'static str| move |lines: &mut Vec<String>| lines[0] = lines[0].replace(from, to);
    check(with("\"count\":11", "\"count\":18446744073709551615"), 13, "events are missing");
    check(with("\"count\":11", "\"count\":12"), 13, "1 events are missing");
    check(with("\"count\":11", "\"count\":10"), 12, "more events than the header says");
    check(with("\"count\":11", "\"count\":0"), 2, "more events than the header says");
    check(with("\"first\":0", "\"first\":1"), 1, "frontier has a value");
}

#[test]
fn headers_that_are_none() {
    let with =
        |from: &'static str, to: &'static str| move |lines: &mut Vec<String>| lines[0] = lines[0].replace(from, to);
    check(with("latchkeep-export/1", "latchkeep-export/2"), 1, "no export of a format");
    check(with("\"log_id\":\"07", "\"log_id\":\"08"), 1, "origin has a value");
    check(with("\"log_id\":\"07", "\"log_id\":\"0"), 1, "log_id has a value");
    check(with("latchkeep.log/07", "latchkeep.log/08"), 1, "origin has a value");
    check(with("\"vkeys\":[\"", "\"vkeys\":[\"x"), 1, "vkeys has a value");
    check(with("\"frontier\":[]", "\"frontier\":[\"AAAA\"]"), 1, "frontier has a value");
    check(with("\"frontier\":[]", "\"frontier\":[],\"more\":1"), 1, "lacks a field, or has a wrong one");
    check(with("\"count\":11", "\"count\":-1"), 1, "lacks a field, or has a wrong one");
    check(with("\"count\":11,", ""), 1, "lacks a field, or has a wrong one");
    check(|lines| lines[0] = "[]".into(), 1, "lacks a field");
    let many = |lines: &mut Vec<String>| {
        let key = lines[0].split('"').find(|text| text.contains('+')).unwrap().to_owned();
        lines[0] = lines[0].replace("\"vkeys\":[", &format!("\"vkeys\":[{}", format!("\"{key}\",").repeat(64)));
    };
    check(many, 1, "vkeys has a value");
    let mut lines = Scenario::small().lines();
    let at = lines[0].find("\"head_before\":\"").unwrap() + 15;
    lines[0].replace_range(at..at + 2, "AA");
    assert_eq!(failure(&verify(&joined(&lines)), Check::Chain).0, 1);
}

#[test]
fn fields_twice_missing_or_of_another_type() {
    let with =
        |from: &'static str, to: &'static str| move |lines: &mut Vec<String>| lines[2] = lines[2].replace(from, to);
    for (from, to) in [
        ("\"specversion\":\"1.0\",", ""),
        ("\"specversion\":\"1.0\",", "\"specversion\":\"1.0\",\"specversion\":\"1.0\","),
        ("\"specversion\":\"1.0\",", "\"specversion\":1,"),
        ("\"specversion\":\"1.0\",", "\"specversion\":\"1.0\",\"evil\":\"\\u001b[2J\","),
        ("\"lkbody\":", "\"lkbody\":1,\"x\":"),
        ("\"data\":", "\"date\":"),
    ] {
        check(with(from, to), 3, "lacks a field, or has a wrong one");
    }
    check(|lines| lines[2] = "null".into(), 3, "line");
    check(|lines| lines[2] = String::new(), 3, "line");
    check(|lines| lines[2].push('x'), 3, "not JSON");
}
