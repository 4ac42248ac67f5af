//! A year of life: two hundred secrets of all types, systems outside that fail, four consumers that log in, timers that miss,
//! machines that sleep, clocks that are wrong, restores and copies. All along, and at its end: each consumer logs in at every
//! moment it should, nothing in use was ended, nothing is left outside that the store does not know of, and nothing waits for a
//! person that need not.
//!
//! What is asserted, exactly:
//!
//! 1. No credential ends outside while it is claimed ([`claims`]). A consumer claims what it locked, until it lets go or until the
//!    lease that the store wrote ends, less 25 minutes (clocks may differ by that); one that is waited for claims what it
//!    acknowledged until it has acknowledged a newer one. The version before the current one is claimed for its grace, less 25
//!    minutes, unless a person goes over that by force or deletes the secret. Claims live on through restores.
//! 2. At each of its moments a consumer that is alive logs in with what it claims, and with what it reads as current, unless that
//!    has come to its own end, or a rotation that replaces it in place is under way. Static data under a lock reads as it was.
//! 3. What is good by the store exists outside, of each version.
//! 4. A secret that no lock and no consumer can hold back is active, and rotates within its interval and five days (seven by
//!    jobs; class `Opaque` aside), unless an outage, of a system or of the timer, lasted into the last four days.
//! 5. Only a rotation of class `Opaque` of which nobody knows the outcome, or one from before a restore, waits for a person.
//! 6. Nothing ends outside in quarantine. A sweep meets a credential that the store does not know only after a restore, and ends
//!    none. A second worker is refused, and every run ends.
//! 7. After three quiet weeks nothing is due, under way, blocked or retiring; all that lives outside belongs to a version in use,
//!    every current version logs in, the export verifies, a replay finds no illegal step, and a scrub nothing.
//!
//! After a restore, 2 (what is read) and 3 hold for a secret once the person who looks after the store has come to it, as the manual
//! says: the original may have ended what the backup has ([`person`], [`disaster`]). That person waits for the jobs of the lost store,
//! has consumers protect again what the store knows, also what it learns later, and goes by force over no consumer.
//!
//! No more than two calls for a secret go wrong before ten go well, since after five runs that fail a rotation waits for a person.
//! A clock that is years ahead stays so for eight minutes at most, and the store looks at it once it is right: after ten
//! minutes it would be believed, and leases end by it.
//!
//! A failing year prints its seed; `LATCHKEEP_SEED` lives that one alone, `LATCHKEEP_RUNS` so many more than usual. A seed
//! decides what happens and when; ids, and the jitter of pauses that hangs on them, are drawn anew each time.
//! Read in this order: [`world`], [`outside`], [`claims`], [`consumer`], [`protection`], [`population`], [`year`], [`events`],
//! [`checks`].
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
const SHORT_YEARS: u64 = 50;

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
