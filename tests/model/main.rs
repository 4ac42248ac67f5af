//! Random commands against a plain model, with reopening and passing time as ordinary steps: after every step answer and
//! visible state are the same.
//!
//! A failing run prints its seed; `LATCHKEEP_SEED` runs that one alone, `LATCHKEEP_RUNS` so many more than usual.
#![allow(
    clippy::pedantic,
    clippy::disallowed_methods,
    clippy::collapsible_match,
    clippy::drop_non_drop,
    missing_docs,
    unreachable_pub,
    reason = "tests and benches ask the clock and start threads as they need"
)]

mod chance;
mod commands;
mod histories;
mod one_secret;
mod plain;
mod run;
mod stage;
mod tester;
mod verdicts;

use plain::Answer;
use run::Run;

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// Makes so many runs; every refusal that the model knows must have been met.
fn check(on_disk: bool, runs: u64, steps: u32) {
    let more = number_of("LATCHKEEP_RUNS").unwrap_or(1);
    let seeds: Vec<u64> = number_of("LATCHKEEP_SEED").map_or_else(|| (1..=runs * more).collect(), |seed| vec![seed]);
    let (mut refusals, mut filled) = (std::collections::BTreeMap::<String, u32>::new(), 0);
    for seed in &seeds {
        let mut run = Run::new(*seed, on_disk);
        (0..steps).for_each(|number| run.step(number));
        filled += run.filled;
        for (code, count) in run.finish() {
            *refusals.entry(code).or_default() += count;
        }
    }
    let met: Vec<&str> = refusals.keys().map(String::as_str).collect();
    let known: [Answer; 8] = [
        Err("invalid_parameter"),
        Err("not_found"),
        Err("nothing_to_restore"),
        Err("secret_inactive"),
        Err("secret_name_taken"),
        Err("secret_version_locked"),
        Err("version_data_destroyed"),
        Err("version_data_unavailable"),
    ];
    if seeds.len() > 1 {
        assert!(filled > 1, "{filled} times a secret kept as many versions as it can");
        assert_eq!(met, known.map(|answer| answer.unwrap_err()), "these refusals were met: {refusals:?}");
    }
}

#[test]
fn a_store_in_memory_does_as_the_plain_model_does() {
    check(false, 20, 300);
}

#[test]
fn a_store_on_disk_does_as_the_plain_model_does_through_reopenings() {
    check(true, 4, 200);
}

#[test]
fn a_script_of_bytes_is_followed() {
    let bytes: Vec<u8> = (0..2_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    Run::follow(&bytes);
    Run::follow(&[]);
}
