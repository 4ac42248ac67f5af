//! A year of life: two hundred secrets of all types, systems outside that fail, four consumers that log in, timers that miss,
//! machines that sleep, clocks that are wrong, restores and copies. All along, and at its end: each consumer logs in at every
//! moment it should, nothing in use was ended, nothing is left outside that nobody knows of, and nothing waits for a person that
//! need not.
//!
//! A failing year prints its seed; `LATCHKEEP_SEED` lives that one alone, `LATCHKEEP_RUNS` so many more than usual. A seed
//! decides what happens and when; ids, and the jitter of pauses that hangs on them, are drawn anew each time.
//! Read in this order: [`world`], [`outside`], [`claims`], [`consumer`], [`protection`], [`population`], [`year`], [`events`], [`checks`].
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
mod checks;
mod claims;
mod consumer;
mod disaster;
mod events;
mod jobs;
mod outside;
mod person;
mod population;
mod protection;
mod world;
mod year;

use std::collections::BTreeMap;

use year::{Begin, Year};

/// Years that are lived by hand, in so many tests as there are parts.
const YEARS: u64 = 50;
const PARTS: u64 = 5;
/// Short ones, that are lived with every run of the tests.
const SHORT_YEARS: u64 = 40;

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// Lives the years of some seeds, all of them, though some fail; then says which did.
fn live(seeds: impl Iterator<Item = u64>, (secrets, days): (u64, u64)) {
    let mut met = BTreeMap::<&str, u64>::new();
    let mut failed = Vec::new();
    for seed in seeds {
        let began = std::time::Instant::now();
        let Ok(year) = std::panic::catch_unwind(|| Year::begin(Begin { seed, secrets, days }).live()) else {
            failed.push(seed);
            continue;
        };
        println!("seed {seed}: {:.2} s, {year:?}", began.elapsed().as_secs_f64());
        for (what, times) in year {
            *met.entry(what).or_default() += times;
        }
    }
    println!("{met:?}");
    assert_eq!(failed, Vec::<u64>::new(), "years of these seeds failed");
}

/// Lives the years of one part.
fn live_part(part: u64) {
    let (secrets, days) = (number_of("LATCHKEEP_SECRETS").unwrap_or(200), number_of("LATCHKEEP_DAYS").unwrap_or(365));
    let (first, last) = match number_of("LATCHKEEP_SEED") {
        Some(seed) => (seed, seed),
        None => (1, YEARS * number_of("LATCHKEEP_RUNS").unwrap_or(1)),
    };
    live((first..=last).filter(|seed| seed % PARTS == part), (secrets, days));
}

#[test]
fn short_years_of_few_secrets() {
    live(1..=SHORT_YEARS, (20, 90));
}

#[test]
#[ignore = "takes minutes; by hand"]
fn a_year_of_life_first_part() {
    live_part(0);
}

#[test]
#[ignore = "takes minutes; by hand"]
fn a_year_of_life_second_part() {
    live_part(1);
}

#[test]
#[ignore = "takes minutes; by hand"]
fn a_year_of_life_third_part() {
    live_part(2);
}

#[test]
#[ignore = "takes minutes; by hand"]
fn a_year_of_life_fourth_part() {
    live_part(3);
}

#[test]
#[ignore = "takes minutes; by hand"]
fn a_year_of_life_fifth_part() {
    live_part(4);
}
