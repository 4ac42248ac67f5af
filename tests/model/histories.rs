//! Histories of threads that use one secret at once: some order of all calls explains every answer.
//!
//! A failing run prints its seed and the history; `LATCHKEEP_SEED` runs that one alone, `LATCHKEEP_RUNS` so many times more
//! than usual. Since the threads are real, the same seed may go well the next time. Read next: [`super::stage`].

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use super::number_of;
use super::one_secret::Answer;
use super::stage::{Chance, Made, Stage, is_explained, options, overlapping};

const THREADS: u64 = 4;
const CALLS: u64 = 5;

/// Lets several threads use a stage at once, and gives what they did.
fn threads(stage: &Stage, first: u64, seed: u64, beside: impl FnOnce()) -> Vec<Made> {
    let barrier = Arc::new(Barrier::new(usize::try_from(THREADS).unwrap() + 1));
    let start = |thread: u64| {
        let (stage, barrier) = (stage.clone(), Arc::clone(&barrier));
        thread::spawn(move || {
            barrier.wait();
            stage.use_it(thread, seed, CALLS)
        })
    };
    let started: Vec<_> = (first..first + THREADS).map(start).collect();
    barrier.wait();
    beside();
    started.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
}

/// The seed of the one run that is asked for: what only many runs show is not asked of it.
fn one_alone() -> Option<u64> {
    number_of("LATCHKEEP_SEED")
}

fn check(rounds: u64, history_of: impl Fn(u64) -> Vec<Made>) -> Vec<Made> {
    let more = number_of("LATCHKEEP_RUNS").unwrap_or(1);
    let seeds = one_alone().map_or(1..=rounds * more, |seed| seed..=seed);
    let mut all = Vec::new();
    let (mut overlapped, mut calls) = (0, 0);
    for seed in seeds {
        let mut history = history_of(seed);
        history.sort_by_key(|made| made.began);
        let told: Vec<String> = history.iter().map(|made| format!("{made:?}")).collect();
        assert!(is_explained(&history), "seed {seed}: no order explains this history:\n{}", told.join("\n"));
        overlapped += overlapping(&history);
        calls += history.len();
        all.extend(history);
    }
    println!("{calls} calls, {overlapped} of them while another was out");
    assert!(
        overlapped * 4 > calls || one_alone().is_some(),
        "only {overlapped} of {calls} calls were made while another was out"
    );
    all
}

fn answers(history: &[Made]) -> std::collections::BTreeMap<String, usize> {
    let mut met = std::collections::BTreeMap::new();
    for made in history {
        let what = match &made.answered {
            Some((_, Answer::Refused(code))) => code.clone(),
            Some((_, Answer::Done(_))) => "done".to_owned(),
            Some((_, Answer::Read(..))) => "read".to_owned(),
            Some((_, Answer::Seen(_))) => "seen".to_owned(),
            None => "none".to_owned(),
        };
        *met.entry(what).or_default() += 1;
    }
    met
}

#[test]
fn what_threads_are_answered_is_explained_by_some_order() {
    let history = check(200, |seed| threads(&Stage::new(None), 0, seed, || {}));
    let met = answers(&history);
    for what in ["done", "read", "seen", "not_found", "revision_mismatch", "secret_version_locked"] {
        assert!(met.contains_key(what) || one_alone().is_some(), "{what} was not met: {met:?}");
    }
    assert!(!met.contains_key("none"), "{met:?}");
}

#[test]
fn what_threads_are_answered_is_explained_also_when_the_store_ends_in_between() {
    let history = check(20, |seed| {
        let dir = tempfile::tempdir().unwrap();
        let before = Stage::new(Some(&dir));
        let delay = Duration::from_micros(Chance::new(seed, THREADS).below(4_000));
        // Calls without an answer were hardly ever done: as those of the last threads they are tried last.
        let mut history = threads(&before, THREADS, seed, || {
            thread::sleep(delay);
            before.store.close().unwrap();
        });
        let after = Stage { store: options(Some(&dir)).open().unwrap(), ..before };
        history.extend(threads(&after, 0, seed, || {}));
        history
    });
    let met = answers(&history);
    assert!(met.contains_key("none") || one_alone().is_some(), "no call was out when a store ended: {met:?}");
}
