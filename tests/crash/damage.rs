//! Flipped bits and torn tails in the files of a small store: an error that says so, a finding of the scrub, or no effect.
//! Never a hang, an abort, or a wrong answer that looks right.
//!
//! Trials run in processes of their own, so that one that hangs or aborts is a failure with a number.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use latchkeep::{ErrorKind, Store};

use super::acks::Acks;
use super::checker::matches;
use super::dice::{Dice, seed_of};
use super::support::{Campaign, FIRST_KEY, copy_dir, options};

/// Trials in one process.
const TRIALS: u64 = 40;

/// What became of one trial.
type Outcome = &'static str;

/// Trials on a copy of a store, until they are done.
pub fn trials(campaign: &Campaign, acked: &Path, from: u64) {
    let acked = fs::read_to_string(acked).unwrap();
    let work = tempfile::tempdir().unwrap();
    for number in from..from + TRIALS {
        println!("trial {number}");
        let copy = work.path().join("store");
        let _ = fs::remove_dir_all(&copy);
        copy_dir(&campaign.dir, &copy).unwrap();
        let harm = harm(&copy, Dice::new(campaign.seed, [number, 9]));
        match outcome(campaign, &copy, &acked) {
            Ok(outcome) => println!("outcome {} {outcome}", harm.file),
            Err(how) => println!("FAIL trial {number}, {harm:?}: {how}"),
        }
    }
}

#[derive(Debug)]
struct Harm {
    file: &'static str,
    #[allow(dead_code, reason = "for the message of a failure")]
    at: usize,
    #[allow(dead_code, reason = "for the message of a failure")]
    how: &'static str,
}

/// Flips a bit somewhere in the part of a file that is in use, or cuts the tail off.
fn harm(store: &Path, mut dice: Dice) -> Harm {
    let snapshot = fs::read_dir(store.join("rows")).unwrap().map(|entry| entry.unwrap().path());
    let snapshot = snapshot.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("snap."));
    let (file, path) = match dice.below(20) {
        0 => ("anchor", store.join("anchor")),
        1 => ("format", store.join("format")),
        2 => ("conf", store.join("rows/conf")),
        3 => ("ballast", store.join("ballast")),
        4 => ("lock", store.join("lock")),
        5 | 6 => ("snapshot", snapshot.max().unwrap_or_else(|| store.join("rows/db"))),
        _ => ("db", store.join("rows/db")),
    };
    let mut bytes = fs::read(&path).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let at = dice.below(used.max(1));
    let how = match dice.below(8) {
        0 => {
            bytes.truncate(at);
            "cut"
        }
        1 => {
            let end = (at + 1 + dice.below(600)).min(bytes.len());
            bytes.get_mut(at..end).unwrap_or_default().fill(0);
            "zeroed"
        }
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
            "flipped"
        }
    };
    fs::write(&path, bytes).unwrap();
    Harm { file, at, how }
}

fn outcome(campaign: &Campaign, dir: &Path, acked: &str) -> Result<Outcome, String> {
    let anchored = anchored(dir);
    let store = match options(dir, FIRST_KEY).open() {
        Ok(store) => store,
        Err(error) => {
            return match error.kind() {
                ErrorKind::Corrupt | ErrorKind::Invalid | ErrorKind::Unavailable => Ok("refused by the open"),
                kind => Err(format!("{kind:?} {error}")),
            };
        }
    };
    let found = look(&store, campaign, acked, anchored);
    // Whether it closes well after damage is its own business; it must come back.
    let _ = store.close();
    found
}

fn look(store: &Store, campaign: &Campaign, acked: &str, anchored: Option<u64>) -> Result<Outcome, String> {
    let scrubbed = match store.scrub(|_| {}) {
        Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unavailable) => {
            return Ok("refused by the scrub");
        }
        Err(error) => return Err(format!("scrub: {error}")),
        Ok(report) if !report.findings.is_empty() => return Ok("found by the scrub"),
        Ok(report) => report,
    };
    match matches(store, &Acks::parse(acked)?, (campaign.seed, campaign.threads)) {
        Ok(()) => Ok("without effect"),
        // After a crash the end of the log may be one that never reached the disk: that cannot be told from damage. What
        // the anchor knew of must be there.
        Err(_) if anchored.is_some_and(|size| scrubbed.records >= size) => Ok("shorter, behind the anchor"),
        Err(how) => Err(format!("{how}; {} records, {anchored:?} anchored", scrubbed.records)),
    }
}

/// Reads the anchor file as the manual describes it; nothing after an orderly close, when it covers the whole log.
fn anchored(dir: &Path) -> Option<u64> {
    if fs::metadata(dir.join("lock")).unwrap().len() == 0 {
        return None;
    }
    let bytes = fs::read(dir.join("anchor")).unwrap();
    let number = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let whole = |at: usize| {
        let checksum = blake3::hash(bytes.get(at..at + 56)?);
        (bytes.get(at + 56..at + 88)? == checksum.as_bytes()).then_some(at)
    };
    let slots = [0, 4_096].into_iter().filter_map(whole);
    slots.filter_map(|at| Some((number(at + 8)?, number(at + 16)?))).max().map(|(_, size)| size)
}

/// How a store was left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Closed,
    /// Some steps after a close.
    KilledSoon,
    /// Once the anchor had gone on since the store was made, and some steps later: sled has no snapshot of all that.
    KilledLate,
}

/// A store with what its writer printed.
fn store(seed: u64, end: End) -> (tempfile::TempDir, Campaign, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let (opens, steps_per_open) = match end {
        End::Closed => (1, 40),
        End::KilledSoon => (1_000, 20),
        End::KilledLate => (1, 1_000_000),
    };
    let campaign = Campaign { dir: dir.path().join("store"), seed, threads: 1, steps_per_open, opens };
    let mut child = campaign.process("write").stdout(Stdio::piped()).spawn().unwrap();
    let mut printed = String::new();
    let mut steps_left = 5;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap() + "\n";
        let is_step = line.starts_with("ack 0 ");
        let is_late = || anchored(&campaign.dir).is_some_and(|size| size > 1);
        let is_due = match end {
            End::Closed => false,
            End::KilledSoon => line.starts_with("ack 0 30 "),
            End::KilledLate => is_step && is_late(),
        };
        printed.push_str(&line);
        steps_left -= u32::from(is_due && steps_left > 0);
        if is_due && (end == End::KilledSoon || steps_left == 0) {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    let acked = dir.path().join("acked");
    fs::write(&acked, printed).unwrap();
    (dir, campaign, acked)
}

/// Runs trials in a process and gives what it printed for each.
fn run(campaign: &Campaign, acked: &Path, from: u64, outcomes: &mut BTreeMap<String, u32>) {
    let mut command = campaign.process("damage");
    command.env("CRASH_ACKED", acked).env("CRASH_FROM", from.to_string());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (send, lines) = mpsc::channel();
    let printed = BufReader::new(child.stdout.take().unwrap());
    let reader = std::thread::spawn(move || printed.lines().for_each(|line| drop(send.send(line.unwrap()))));
    let mut last = String::new();
    let mut told = 0;
    loop {
        match lines.recv_timeout(Duration::from_secs(60)) {
            Ok(line) if line.starts_with("FAIL") => panic!("seed {}: {line}", campaign.seed),
            Ok(line) if line.starts_with("outcome ") => {
                *outcomes.entry(line["outcome ".len()..].to_owned()).or_default() += 1;
                told += 1;
            }
            Ok(line) => last = line,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                child.kill().unwrap();
                panic!("seed {}: {last} hangs", campaign.seed);
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    reader.join().unwrap();
    let status = child.wait().unwrap();
    assert!(told == TRIALS && status.success(), "seed {}: {last} ended the process: {status}", campaign.seed);
}

fn check(seed: u64, end: End) -> BTreeMap<String, u32> {
    let (_dir, campaign, acked) = store(seed, end);
    let mut outcomes = BTreeMap::new();
    for batch in 0..3 {
        run(&campaign, &acked, batch * TRIALS, &mut outcomes);
    }
    println!("{outcomes:#?}");
    outcomes
}

#[test]
fn damage_to_a_store_that_was_closed_is_never_passed_over() {
    let outcomes = check(seed_of("damage after a close", 5), End::Closed);
    assert!(outcomes.keys().any(|outcome| outcome.contains("refused")), "nothing was noticed: {outcomes:?}");
    assert!(!outcomes.keys().any(|outcome| outcome.contains("shorter")), "{outcomes:?}");
}

#[test]
fn damage_to_a_store_that_was_killed_reaches_no_further_than_the_anchor() {
    for end in [End::KilledSoon, End::KilledLate] {
        let outcomes = check(seed_of("damage after a kill", 6), end);
        assert!(outcomes.keys().any(|outcome| outcome.contains("refused")), "nothing was noticed: {outcomes:?}");
    }
}
