//! What the rotation worker does: durable rotations per second with passwords that the store makes, what readers notice of
//! it, and what it costs while nothing is due.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use latchkeep::{
    Clock, Interval, IntervalUnit, NewSecret, PasswordPolicy, RotationPolicy, RotationWorker, SecretId, SecretName,
    Store, SystemClock, Timestamp, Username, VersionRef, WorkerOptions,
};

use crate::Scale;
use crate::large;
use crate::ours::{options, session};
use crate::stats::{Row, Sample, Target};

const IN_FLIGHT: usize = 64;

/// Rounds of rotations, each with one that is timed and one with a reader.
const ROUNDS: usize = 5;

/// How far the clock is set forward, for as many rounds to become due.
const TWO_DAYS: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// The clock of the system, set forward: it goes on while rotations run, as clocks do.
#[derive(Clone, Default)]
struct Ahead(Arc<AtomicU64>);

impl Ahead {
    fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_nanos() as u64, Ordering::Relaxed);
    }
}

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(SystemClock.now().as_nanos() + self.0.load(Ordering::Relaxed))
    }
}

pub(crate) fn rows(dir: &Path, scale: Scale) -> Vec<Row> {
    let clock = Ahead::default();
    let store = options(&dir.join("rotations")).clock(clock.clone()).create().expect("a store");
    make(&store, scale.secrets);
    // What is read does not rotate: the first read of a fresh version is a durable command.
    let read = large::make_secrets(&store, 1_000);
    large::read_once(&session(&store), &read);
    let length = Duration::from_millis(scale.run_millis);
    let worker = RotationWorker::start(&store, WorkerOptions::new().threads(IN_FLIGHT)).expect("a worker");
    let idle_cpu = idle_cores(length * 2);
    let [mut rate, mut cpu, mut idle, mut busy, mut ratio] = [const { Sample::new() }; 5];
    for _ in 0..if scale.is_quick { 1 } else { ROUNDS } {
        // The first of a round is timed, and nothing is read meanwhile.
        let (before, cpu_before) = (rotated(&store), cpu_seconds());
        clock.advance(TWO_DAYS);
        let began = Instant::now();
        wait(&store, &clock);
        let seconds = began.elapsed().as_secs_f64();
        let (cpu_seconds, count) = (cpu_seconds() - cpu_before, (rotated(&store) - before) as f64);
        rate.add(count / seconds);
        cpu.add(cpu_seconds * 1e6 / count);
        // In the second one there is a reader.
        let micros = read_micros(&store, &read, length);
        idle.add(micros);
        clock.advance(TWO_DAYS);
        let micros_busy = read_micros(&store, &read, length);
        assert!(due(&store, &clock) > 0 || scale.is_quick, "rotations ran for as long as it was read");
        busy.add(micros_busy);
        ratio.add(micros_busy / micros);
        wait(&store, &clock);
    }
    worker.stop();
    store.close().expect("a close");
    let mut idle_row = Sample::new();
    idle_row.add(idle_cpu);
    vec![
        Row::new(format!("rotations, {IN_FLIGHT} in flight"), Target::AtLeast(10_000.0), rate, "/s"),
        Row::new("processor time of one, all threads".to_owned(), Target::None, cpu, "us"),
        Row::new("a read while they run, times idle".to_owned(), Target::AtMost(2.0), ratio, "x"),
        Row::new("a read while they run".to_owned(), Target::None, busy, "us"),
        Row::new("a read while nothing runs".to_owned(), Target::None, idle, "us"),
        Row::new(
            format!("cores used, {} secrets with a policy, nothing due", scale.secrets),
            Target::AtMost(1.0),
            idle_row,
            "",
        ),
    ]
}

fn make(store: &Store, count: u64) {
    let policy = RotationPolicy::every(Interval::new(1, IntervalUnit::Day).expect("an interval"));
    let ops = session(store);
    let asked: Vec<_> = (0..count)
        .map(|number| {
            let name = SecretName::parse(&format!("password-{number:08}")).expect("a name");
            let username = Username::parse("admin").expect("a username");
            let new = NewSecret::generated_password(name, username, PasswordPolicy::default()).rotating(policy);
            ops.submit(latchkeep::Command::create(new)).expect("it is asked")
        })
        .collect();
    asked.into_iter().for_each(|pending| drop(pending.wait().expect("it is done")));
}

/// Gives the median time of a read with its lock status, in microseconds.
fn read_micros(store: &Store, secrets: &[SecretId], length: Duration) -> f64 {
    let (ops, until, mut at, mut sample) = (session(store), Instant::now() + length, 0_usize, Sample::new());
    while Instant::now() < until {
        let began = Instant::now();
        at = (at + 7_919) % secrets.len();
        let read = ops.read(secrets[at], VersionRef::Current).expect("a read");
        std::hint::black_box((read, store.lock_status(secrets[at]).expect("a status")));
        sample.add(began.elapsed().as_secs_f64() * 1e6);
    }
    sample.median()
}

fn rotated(store: &Store) -> u64 {
    store.secrets().iter().map(|secret| secret.current().map_or(0, |current| current.number.get())).sum()
}

fn due(store: &Store, clock: &Ahead) -> usize {
    let now = clock.now();
    store.scheduled_rotations(1).iter().filter(|(at, _)| *at <= now).count()
}

/// Waits until nothing is due any more.
fn wait(store: &Store, clock: &Ahead) {
    while due(store, clock) > 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Gives how many cores the process uses while it is left alone.
fn idle_cores(length: Duration) -> f64 {
    let before = cpu_seconds();
    std::thread::sleep(length);
    (cpu_seconds() - before) / length.as_secs_f64()
}

/// Gives the processor time that the process has used.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    // User and system time, in hundredths of a second.
    fields.get(11..13).unwrap_or_default().iter().filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}
