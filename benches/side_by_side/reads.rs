//! Reads, and lock status, which touch no disk once the rows are in sled's cache.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use latchkeep::{SecretId, Session, Store, VersionRef};

use crate::Scale;
use crate::large;
use crate::ours::{options, session};
use crate::stats::{Row, Sample, Target};

/// Secrets that are read.
const READ: usize = 10_000;

/// Lookups of lock status that are timed together, since one takes little more than asking for the time.
const TOGETHER: usize = 64;

/// Measures reads in a store of many secrets.
pub(crate) fn rows(dir: &Path, scale: Scale) -> Vec<Row> {
    let dir = dir.join("reads");
    let store = options(&dir).queue_max(4_096).create().expect("a store");
    let secrets = large::make_secrets(&store, scale.secrets);
    let read: Vec<_> = secrets.iter().step_by((secrets.len() / READ).max(1)).copied().collect();
    let session = session(&store);
    large::read_once(&session, &read);
    let rows = measure(&store, &session, &read, scale);
    store.close().expect("a close");
    std::fs::remove_dir_all(dir).expect("its end");
    rows
}

fn measure(store: &Store, session: &Session, secrets: &[SecretId], scale: Scale) -> Vec<Row> {
    let order = shuffled(secrets);
    let in_use = &order[..TOGETHER.min(order.len())];
    let read = |ids| read_times(store, session, ids, scale.operations * 10);
    let status = |ids| status_times(store, ids, scale.operations * 2);
    let (most_micros, most_nanos) = (Target::AtMost(5.0), Target::AtMost(300.0));
    vec![
        Row::new(format!("read with lock status, {TOGETHER} secrets in use"), most_micros, read(in_use), "us"),
        Row::new("read with lock status, any secret", most_micros, read(&order), "us"),
        Row::new(format!("lock status, {TOGETHER} secrets in use"), most_nanos, status(in_use), "ns"),
        Row::new("lock status, any secret", most_nanos, status(&order), "ns"),
    ]
}

/// Reads secrets in turns, each with its lock status.
fn read_times(store: &Store, session: &Session, ids: &[SecretId], reads: usize) -> Sample {
    let mut micros = Sample::new();
    for id in ids.iter().cycle().take(reads) {
        let started = Instant::now();
        black_box(store.lock_status(*id).expect("a secret"));
        black_box(session.read(*id, VersionRef::Current).expect("its data"));
        micros.add_time(started.elapsed());
    }
    micros
}

/// Asks for the lock status of secrets in turns.
fn status_times(store: &Store, ids: &[SecretId], rounds: usize) -> Sample {
    let mut nanos = Sample::new();
    for some in ids.chunks_exact(TOGETHER).cycle().take(rounds) {
        let started = Instant::now();
        for id in some {
            black_box(store.lock_status(*id).expect("a secret"));
        }
        nanos.add(started.elapsed().as_secs_f64() * 1e9 / TOGETHER as f64);
    }
    nanos
}

/// Gives ids in an order that no cache foresees, the same every time.
fn shuffled(ids: &[SecretId]) -> Vec<SecretId> {
    let mut order: Vec<_> = ids.iter().map(|id| (*blake3::hash(id.as_bytes()).as_bytes(), *id)).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, id)| id).collect()
}
