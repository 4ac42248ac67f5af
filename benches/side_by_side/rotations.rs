//! What the rotation worker does: durable rotations per second with passwords that the store makes, what readers notice of
//! it, and what it costs while nothing is due.

use std::path::Path;
use std::time::{Duration, Instant};

use latchkeep::{
    Interval, IntervalUnit, ManualClock, NewSecret, PasswordPolicy, RotationPolicy, RotationWorker, SecretId,
    SecretName, Store, Timestamp, Username, VersionRef, WorkerOptions,
};

use crate::Scale;
use crate::large;
use crate::ours::{options, session};
use crate::stats::{Row, Sample, Target};

const IN_FLIGHT: usize = 64;

pub(crate) fn rows(dir: &Path, scale: Scale) -> Vec<Row> {
    let clock = ManualClock::at(Timestamp::parse("2026-11-23T12:00:00Z").expect("a time"));
    let store = options(&dir.join("rotations")).clock(clock.clone()).create().expect("a store");
    make(&store, scale.secrets);
    // What is read does not rotate: the first read of a fresh version is a durable command.
    let read = large::make_secrets(&store, 1_000);
    large::read_once(&session(&store), &read);
    let length = Duration::from_millis(scale.run_millis);
    let idle = read_micros(&store, &read, length);
    let worker = RotationWorker::start(&store, WorkerOptions::new().threads(IN_FLIGHT)).expect("a worker");
    let idle_cpu = idle_cores(length * 2);
    let [mut rate, mut busy, mut ratio] = [const { Sample::new() }; 3];
    for _ in 0..if scale.is_quick { 1 } else { 3 } {
        let before = rotated(&store);
        clock.advance(Duration::from_secs(2 * 24 * 60 * 60));
        let began = Instant::now();
        while due(&store, &clock) > 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        rate.add((rotated(&store) - before) as f64 / began.elapsed().as_secs_f64());
        clock.advance(Duration::from_secs(2 * 24 * 60 * 60));
        let micros = read_micros(&store, &read, length);
        busy.add(micros);
        ratio.add(micros / idle);
        while due(&store, &clock) > 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    worker.stop();
    store.close().expect("a close");
    let mut idle_row = Sample::new();
    idle_row.add(idle_cpu);
    vec![
        Row::new(format!("rotations, {IN_FLIGHT} in flight"), Target::AtLeast(10_000.0), rate, "/s"),
        Row::new("a read while they run, times idle".to_owned(), Target::AtMost(2.0), ratio, "x"),
        Row::new("a read while they run".to_owned(), Target::None, busy, "us"),
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

fn due(store: &Store, clock: &ManualClock) -> usize {
    use latchkeep::Clock;
    let now = clock.now();
    store.scheduled_rotations(1).iter().filter(|(at, _)| *at <= now).count()
}

/// Gives how many cores the process uses while it is left alone.
fn idle_cores(length: Duration) -> f64 {
    let ticks = || {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let fields: Vec<u64> =
            stat.rsplit(')').next().unwrap_or_default().split_whitespace().filter_map(|it| it.parse().ok()).collect();
        // User and system time; what comes before them that is no number is one letter.
        fields.get(10).copied().unwrap_or(0) + fields.get(11).copied().unwrap_or(0)
    };
    let before = ticks();
    std::thread::sleep(length);
    (ticks() - before) as f64 / 100.0 / length.as_secs_f64()
}
