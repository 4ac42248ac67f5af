//! A store of many secrets and many events: opening it, replaying it, and the memory it takes.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Instant;

use latchkeep::{Command, Pending, SecretId, Session, Store, VersionRef};

use crate::Scale;
use crate::fresh::{self, Fresh};
use crate::ours::{lock, new_secret, only, options, session};
use crate::stats::{Row, Sample, Target};

/// Commands that are on their way at a time.
pub(crate) const ON_THEIR_WAY: usize = 4_096;

/// Opens of one kind that are compared with as many of another.
const OPENS: usize = 7;

/// A cache for sled that is next to none, to tell the memory of secrets from that of the cache.
const SMALL_CACHE_BYTES: u64 = 1_024 * 1_024;

/// The first word on the command line of a process that only makes a store.
pub(crate) const MAKE: &str = "make-large";

/// Is that process.
pub(crate) fn make(mut args: impl Iterator<Item = String>) {
    let dir = PathBuf::from(args.next().expect("a directory"));
    let mut number = || args.next().and_then(|text| text.parse().ok()).expect("a number");
    let (secrets, events) = (number(), number());
    let store = options(&dir).queue_max(ON_THEIR_WAY).create().expect("a store");
    let secrets = make_secrets(&store, secrets);
    store.close().expect("a close");
    println!("{:.0} events per second", add_events(&dir, &secrets, events));
}

/// Makes the store, larger and larger, and opens it in fresh processes.
pub(crate) fn rows(dir: &Path, scale: Scale) -> Vec<Row> {
    let dir = dir.join("large");
    let store = options(&dir).queue_max(ON_THEIR_WAY).create().expect("a store");
    let secrets = make_secrets(&store, scale.secrets);
    store.close().expect("a close");
    let mut rows = memory(&dir, &secrets);
    rows.extend(grow_and_open(&dir, &secrets, scale));
    rows
}

/// Makes secrets, each with one version and one lock on it.
pub(crate) fn make_secrets(store: &Store, count: u64) -> Vec<SecretId> {
    let session = session(store);
    let made = run_all(&session, (0..count).map(|number| Command::create(new_secret(number))));
    let secrets: Vec<_> = made.into_iter().flatten().collect();
    run_all(&session, secrets.iter().map(|id| Command::place_lock(*id, VersionRef::Current, lock("billing"))));
    secrets
}

/// Reads secrets a first time, which is recorded.
pub(crate) fn read_once(session: &Session, secrets: &[SecretId]) {
    std::thread::scope(|scope| {
        for some in secrets.chunks(secrets.len().div_ceil(64).max(1)) {
            scope.spawn(move || {
                for id in some {
                    session.read(*id, VersionRef::Current).expect("its data");
                }
            });
        }
    });
}

/// Asks for commands, many at a time; gives the secret of each.
fn run_all(session: &Session, commands: impl Iterator<Item = Command>) -> Vec<Option<SecretId>> {
    let (mut pending, mut secrets) = (VecDeque::<Pending>::new(), Vec::new());
    let mut take = |pending: Pending| secrets.push(pending.wait().expect("it is done").secret);
    for command in commands {
        if pending.len() >= ON_THEIR_WAY
            && let Some(oldest) = pending.pop_front()
        {
            take(oldest);
        }
        pending.push_back(session.submit(command).expect("it is asked"));
    }
    pending.into_iter().for_each(take);
    secrets
}

/// Adds events until there are so many; as many locks stand afterwards as before. Gives the events per second.
pub(crate) fn add_events(dir: &Path, secrets: &[SecretId], events: u64) -> f64 {
    let store = options(dir).queue_max(ON_THEIR_WAY).open().expect("an open");
    let session = session(&store);
    let before = log_size(&store);
    let started = Instant::now();
    let pairs = events.saturating_sub(before).div_ceil(2);
    let commands = secrets.iter().cycle().take(usize::try_from(pairs).unwrap_or(usize::MAX)).flat_map(|id| {
        let place = Command::place_lock(*id, VersionRef::Current, lock("deploy"));
        [place, Command::remove_locks(*id, VersionRef::Current, only("deploy"))]
    });
    run_all(&session, commands);
    let rate = (log_size(&store) - before) as f64 / started.elapsed().as_secs_f64();
    store.close().expect("a close");
    rate
}

fn log_size(store: &Store) -> u64 {
    store.status().expect("a status").log_size.get()
}

/// What an open takes beyond what sled takes to read the same rows.
fn memory(dir: &Path, secrets: &[SecretId]) -> Vec<Row> {
    let [mut ours, mut all] = [const { Sample::new() }; 2];
    for _ in 0..OPENS {
        let opened = fresh::open(dir, SMALL_CACHE_BYTES).rss_bytes;
        ours.add((opened - fresh::scan(dir, SMALL_CACHE_BYTES)) / secrets.len() as f64);
        all.add(opened / secrets.len() as f64);
    }
    vec![
        Row::new(
            "memory per secret with one version and one lock, beyond sled's",
            Target::AtMost(1_024.0),
            ours,
            "bytes",
        ),
        Row::new("the same, all memory of the process", Target::None, all, "bytes"),
    ]
}

fn grow_and_open(dir: &Path, secrets: &[SecretId], scale: Scale) -> Vec<Row> {
    let (few, many) = (10 * scale.secrets, 100 * scale.secrets);
    let mut rate = Sample::new();
    rate.add(add_events(dir, secrets, few));
    let first = open_times(dir);
    let mut rows = vec![
        Row::new(format!("{few} events made, many on their way"), Target::None, rate, "/s"),
        Row::new(
            format!("open: {few} events, {} secrets", secrets.len()),
            Target::AtMost(1_000.0),
            first.clone(),
            "ms",
        ),
        replay(dir, few),
    ];
    if scale.is_full || scale.is_quick {
        add_events(dir, secrets, many);
        let mut ratio = Sample::new();
        let second = open_times(dir);
        ratio.add(second.median() / first.median());
        rows.push(Row::new(format!("open: {many} events, the same secrets"), Target::None, second, "ms"));
        rows.push(Row::new("open: ten times the events, times as long", Target::AtMost(1.5), ratio, "x"));
    }
    rows
}

fn open_times(dir: &Path) -> Sample {
    let mut millis = Sample::new();
    (0..OPENS).for_each(|_| millis.add(fresh::open(dir, fresh::CACHE_BYTES).open_millis));
    millis
}

/// Takes saved state away, as damage would, so that an open replays the whole log, with its chain verified.
fn replay(dir: &Path, events: u64) -> Row {
    let mut rate = Sample::new();
    for _ in 0..3 {
        fresh::forget_saved_state(dir);
        let Fresh { open_millis, replayed, .. } = fresh::open(dir, fresh::CACHE_BYTES);
        assert!(replayed >= events, "the whole log was replayed: {replayed} of {events}");
        rate.add(replayed as f64 / (open_millis / 1e3));
    }
    Row::new("replay with chain verified, all of an open", Target::AtLeast(600_000.0), rate, "/s")
}
