//! What an auditor waits for: the export of a large log, its verification, and the proof of one event.
//!
//! The peer of the verification is the least that any program does that looks at every byte of the same file: each line
//! is parsed as JSON with serde_json, and hashed once with BLAKE3 and once with SHA-256, on as many threads as there are
//! cores. It checks nothing.

use std::fs::File;
use std::io::{BufWriter, Read};
use std::path::Path;
use std::thread::available_parallelism;
use std::time::Instant;

use latchkeep::audit::{VerifyOptions, verify_export};
use latchkeep::{ExportOptions, Position, Store};
use sha2::Digest;

use crate::Scale;
use crate::large;
use crate::ours::options;
use crate::stats::{Row, Sample, Target};

/// Makes a log of ten events a secret, and proves it.
pub(crate) fn rows(dir: &Path, scale: Scale) -> Vec<Row> {
    let dir = dir.join("proofs");
    let store = options(&dir).queue_max(large::ON_THEIR_WAY).create().expect("a store");
    let secrets = large::make_secrets(&store, scale.secrets);
    store.close().expect("a close");
    large::add_events(&dir, &secrets, 10 * scale.secrets);
    let store = options(&dir).open_read_only().expect("an open");
    let size = store.status().expect("a status").log_size.get();
    let file = dir.join("export.jsonl");
    let mut rows = exports(&store, size, &file, scale);
    rows.extend(verifications(&store, size, &file, scale));
    rows.extend(proofs(&store, size, scale));
    rows
}

fn exports(store: &Store, size: u64, file: &Path, scale: Scale) -> Vec<Row> {
    let [mut rate, mut busy, mut grown] = [const { Sample::new() }; 3];
    for _ in 0..scale.rounds {
        let before = rss_bytes();
        let (mut most, busy_before, started) = (before, busy_micros(), Instant::now());
        let out = BufWriter::new(File::create(file).expect("a file"));
        store.export(out, ExportOptions::default(), |_| most = most.max(rss_bytes())).expect("an export");
        rate.add(size as f64 / started.elapsed().as_secs_f64());
        busy.add((busy_micros() - busy_before) / size as f64);
        grown.add((most - before) / 1e6);
    }
    vec![
        Row::new(format!("export to a file: {size} events"), Target::AtLeast(300_000.0), rate, "/s"),
        Row::new("export: processor time for an event, user and system", Target::None, busy, "us"),
        Row::new("memory that an export adds, at the most", Target::None, grown, "MB"),
    ]
}

fn verifications(store: &Store, size: u64, file: &Path, scale: Scale) -> Vec<Row> {
    let mut options = VerifyOptions::default();
    options.keys = store.verifier_keys().expect("keys").into_values().collect();
    let [mut rate, mut busy, mut floor, mut ratio] = [const { Sample::new() }; 4];
    for _ in 0..scale.rounds {
        let (busy_before, started) = (busy_micros(), Instant::now());
        let report = verify_export(File::open(file).expect("a file"), &options, |_| {});
        let ours = size as f64 / started.elapsed().as_secs_f64();
        busy.add((busy_micros() - busy_before) / size as f64);
        assert!(report.is_sound() && report.records == size, "{report}");
        let started = Instant::now();
        look_at_every_byte(file);
        let least = size as f64 / started.elapsed().as_secs_f64();
        rate.add(ours);
        floor.add(least);
        ratio.add(ours / least);
    }
    vec![
        Row::new("verification, all verdicts", Target::AtLeast(500_000.0), rate, "/s"),
        Row::new("verification: processor time for an event, all threads", Target::None, busy, "us"),
        Row::new("JSON parse, BLAKE3 and SHA-256 of the same lines", Target::None, floor, "/s"),
        Row::new("verification: times those alone", Target::None, ratio, "x"),
    ]
}

fn look_at_every_byte(file: &Path) {
    let mut text = Vec::new();
    File::open(file).expect("a file").read_to_end(&mut text).expect("its bytes");
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    let threads = available_parallelism().map_or(2, |threads| threads.get());
    std::thread::scope(|scope| {
        for some in lines.chunks(lines.len().div_ceil(threads).max(1)) {
            scope.spawn(move || {
                for line in some {
                    let value: serde_json::Value = serde_json::from_slice(line).expect("JSON");
                    std::hint::black_box((value, blake3::hash(line), sha2::Sha256::digest(line)));
                }
            });
        }
    });
}

fn proofs(store: &Store, size: u64, scale: Scale) -> Vec<Row> {
    let [mut made, mut slice] = [const { Sample::new() }; 2];
    for nth in 0..scale.operations as u64 {
        // A step that is prime to most sizes goes through the log in no order that a cache would like.
        let position = Position::new(nth.wrapping_mul(7_919_777) % size);
        let started = Instant::now();
        std::hint::black_box(store.prove_event(position).expect("a proof"));
        made.add_time(started.elapsed());
    }
    for nth in 0..(scale.operations / 10) as u64 {
        let from = Position::new(nth.wrapping_mul(7_919_777) % size);
        let options = ExportOptions::default().from(from);
        let started = Instant::now();
        let end = store.export(FirstBytes, options, |_| {});
        assert!(end.is_err(), "it is broken off");
        slice.add_time(started.elapsed());
    }
    vec![
        Row::new(
            format!("inclusion proof with a fresh checkpoint, of {size} events"),
            Target::AtMost(1_000.0),
            made,
            "us",
        ),
        Row::new("the first bytes of a slice", Target::None, slice, "us"),
    ]
}

/// Takes nothing: a writer that has what it wanted.
struct FirstBytes;

impl std::io::Write for FirstBytes {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Resident memory of this process, in bytes; 0 where the system does not tell it like Linux.
fn rss_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status.split_whitespace().nth(1).and_then(|pages| pages.parse::<f64>().ok()).unwrap_or_default() * 4_096.0
}

/// Processor time of this process, all threads, user and system; 0 where the system does not tell it like Linux. On a busy
/// machine it says more than the clock.
fn busy_micros() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<f64>().ok());
    ticks.sum::<f64>() * 10_000.0
}
