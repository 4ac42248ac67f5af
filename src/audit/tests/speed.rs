//! Measurements, not tests: `cargo test --release --lib --no-default-features audit::tests::speed -- --ignored --nocapture`.
//!
//! Each is a best of several, since a busy machine lets nothing run alone; what the processor was kept busy for an event,
//! over all threads, tells more there than the clock.

use std::time::Instant;

use super::scenario::{Scenario, key, lock, verify};
use crate::audit::{ExportWriter, VerifyOptions, verify_export};
use crate::domain::command::Command;
use crate::domain::lock::LockNames;
use crate::domain::secret::SecretSpec;
use crate::domain::version::VersionRef;

const EVENTS: u64 = 200_000;
const RUNS: u32 = 9;

/// A log as a store has it: secrets that rotate, and locks that come and go around it.
fn busy() -> Scenario {
    let mut scenario = Scenario::new();
    while scenario.size() < EVENTS {
        let name = format!("secret-{}", scenario.size());
        let secret = scenario.secret(SecretSpec::Arbitrary, &name);
        for _ in 0..3 {
            scenario.wait(1);
            let locks = vec![lock("billing"), lock("reporting").until(scenario.after(3_600))];
            scenario.lock(secret, VersionRef::Current, locks);
            scenario.rotate(secret).unwrap();
            let names = LockNames::All;
            scenario.ask(&Command::RemoveLocks { secret, version: VersionRef::Previous, names }).unwrap();
            let version = scenario.current(secret);
            scenario.ask(&Command::RecordRead { secret, version, asked: VersionRef::Current }).unwrap();
        }
    }
    scenario
}

#[test]
#[ignore = "a measurement"]
fn events_per_second() {
    let scenario = busy();
    let export = scenario.export();
    let (raws, header) = (scenario.raws(), scenario.header(0));
    println!("{} events, {} bytes each", raws.len(), export.len() / raws.len());
    let mut sink = Vec::with_capacity(export.len());
    best("export", raws.len(), || {
        sink.clear();
        let mut writer = ExportWriter::begin(&mut sink, &header).unwrap();
        raws.iter().for_each(|raw| writer.write(raw).unwrap());
        writer.finish(&scenario.checkpoint(scenario.size(), 1), None).unwrap();
    });
    let options = VerifyOptions { keys: vec![key(1)], ..VerifyOptions::default() };
    best("verify", raws.len(), || {
        let report = verify_export(export.as_slice(), &options, |_| {});
        assert!(report.is_sound(), "{report}");
    });
    println!("{}", verify(&export));
}

fn best(what: &str, events: usize, mut run: impl FnMut()) {
    let busy_before = busy_micros();
    let mut all: Vec<_> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64()
        })
        .collect();
    let busy = (busy_micros() - busy_before) / f64::from(RUNS) / events as f64;
    all.sort_by(f64::total_cmp);
    let rate = |secs: f64| events as f64 / secs;
    println!("{what}: best {:.0} events/s, median {:.0}, {busy:.2} us busy", rate(all[0]), rate(all[all.len() / 2]));
}

/// Processor time of this process, all threads, user and system; 0 where the system does not tell it like Linux.
fn busy_micros() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<f64>().ok());
    ticks.sum::<f64>() * 10_000.0
}
