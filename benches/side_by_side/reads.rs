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
    let [mut read, mut status] = [const { Sample::new() }; 2];
    for id in order.iter().cycle().take(scale.operations * 20) {
        let started = Instant::now();
        black_box(store.lock_status(*id).expect("a secret"));
        black_box(session.read(*id, VersionRef::Current).expect("its data"));
        read.add_time(started.elapsed());
    }
    for some in order.chunks_exact(TOGETHER).cycle().take(scale.operations * 2) {
        let started = Instant::now();
        for id in some {
            black_box(store.lock_status(*id).expect("a secret"));
        }
        status.add(started.elapsed().as_secs_f64() * 1e9 / TOGETHER as f64);
    }
    vec![
        Row::new("read with lock status", Target::AtMost(5.0), read, "us"),
        Row::new("lock status, any secret", Target::AtMost(300.0), status, "ns"),
    ]
}

/// Gives ids in an order that no cache foresees, the same every time.
fn shuffled(ids: &[SecretId]) -> Vec<SecretId> {
    let mut order: Vec<_> = ids.iter().map(|id| (*blake3::hash(id.as_bytes()).as_bytes(), *id)).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, id)| id).collect()
}
