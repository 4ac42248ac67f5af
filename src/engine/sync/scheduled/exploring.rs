//! Owns the runs of a test under shuttle: many schedules, drawn from a seed, and what time means in them.
//!
//! Schedules are drawn in two ways: at random at each point, and by priorities that change at a few points (PCT). The
//! latter finds faults that need one thread to pause for long. A failing run prints its seed. `LATCHKEEP_SEED` runs
//! only that one; `LATCHKEEP_RUNS` multiplies the number of runs.

use std::cell::Cell;
use std::time::Duration;

use shuttle::rand::Rng;
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::thread::Thread;
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

/// When waits with a time limit end without an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limits {
    /// At any time: each may end at once, or last.
    PassAnytime,
    /// Waits of a second or more never end, so that no code can rely on them: an event that only a tick would notice is
    /// a deadlock.
    LongOnesNeverPass,
}

/// Schedules that one seed draws in each way.
const SCHEDULES_OF_SEED: usize = 10;

/// Points at which PCT changes priorities, plus one.
const PCT_DEPTH: usize = 4;

/// Points after which a schedule counts as endless.
const STEPS_MAX: usize = 200_000;

/// Bytes of stack: enough for unoptimised code.
const STACK_BYTES: usize = 1 << 20;

/// Of this many checks for an event, one ends the wait.
const LOOKS: u64 = 6;

thread_local! {
    static LIMITS: Cell<Limits> = const { Cell::new(Limits::PassAnytime) };
}

fn number_of(variable: &str) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "whoever runs the tests says how many runs there are")]
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// Runs a test in the schedules of `seeds` seeds.
pub(crate) fn explore(what: &'static str, seeds: u64, limits: Limits, test: fn()) {
    let more = number_of("LATCHKEEP_RUNS").unwrap_or(1);
    let seeds = number_of("LATCHKEEP_SEED").map_or(1..=seeds * more, |seed| seed..=seed);
    LIMITS.set(limits);
    let mut schedules = 0;
    for seed in seeds {
        let _told = Told { what, seed };
        schedules += run(RandomScheduler::new_from_seed(seed, SCHEDULES_OF_SEED), test);
        schedules += run(PctScheduler::new_from_seed(seed, PCT_DEPTH, SCHEDULES_OF_SEED), test);
    }
    println!("{what}: {schedules} schedules, {limits:?}");
}

fn run(scheduler: impl Scheduler + 'static, test: fn()) -> usize {
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    config.max_steps = MaxSteps::FailAfter(STEPS_MAX);
    // The seed is enough, since randomness is drawn from it too.
    config.failure_persistence = FailurePersistence::None;
    Runner::new(scheduler, config).run(test)
}

/// Prints the seed when a test fails.
struct Told {
    what: &'static str,
    seed: u64,
}

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "{}: a schedule of seed {seed} failed; LATCHKEEP_SEED={seed} runs it alone",
                self.what,
                seed = self.seed
            );
        }
    }
}

/// Gives another thread the chance to continue.
pub(crate) fn pause() {
    shuttle::thread::sleep(Duration::ZERO);
}

/// Draws a number below `end`.
pub(crate) fn chance(end: u64) -> u64 {
    shuttle::rand::thread_rng().gen_range(0..end)
}

/// How long a thread waits.
pub(super) enum Patience {
    None,
    /// It ends at any time.
    Some,
    Endless,
}

impl Patience {
    pub(super) fn new(patience: Duration) -> Self {
        match LIMITS.get() {
            _ if patience.is_zero() => Self::None,
            Limits::LongOnesNeverPass if patience >= Duration::from_secs(1) => Self::Endless,
            _ => Self::Some,
        }
    }

    pub(super) fn endless() -> Self {
        Self::Endless
    }

    /// Waits a while, if `park`, which registers the thread, returns true; returns whether the time is over.
    pub(super) fn wait_unless(&mut self, park: impl FnOnce(&Thread) -> bool) -> bool {
        match self {
            Self::None => return true,
            Self::Some if chance(LOOKS) == 0 => return true,
            Self::Some => shuttle::thread::yield_now(),
            Self::Endless => {
                if park(&shuttle::thread::current()) {
                    shuttle::thread::park();
                }
            }
        }
        false
    }
}
