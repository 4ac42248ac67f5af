//! Small things one by one: a read, lock status, deciding, sealing, the chain of the log. For comparing one change of the
//! code with another; the figures that the store is held to are in `side_by_side`.
//!
//! ```text
//! cargo bench --bench criterion -- [FILTER]
//! ```
#![allow(
    clippy::pedantic,
    clippy::disallowed_methods,
    clippy::collapsible_match,
    clippy::drop_non_drop,
    missing_docs,
    unreachable_pub,
    reason = "tests and benches ask the clock and start threads as they need"
)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use latchkeep::ledger::{ChainEnd, ChainVerifier, Erasure, NewRecord, Subject, frames};
use latchkeep::{
    Actor, Command, EventId, LockName, LockNames, LogId, NewData, NewLock, NewSecret, SecretBytes, SecretId,
    SecretName, Session, Store, StoreOptions, Timestamp, Unlock, VersionRef,
};

const RECORDS: usize = 1_000;

criterion_group!(benches, reads, lock_status, decide, seal, commands, chain);
criterion_main!(benches);

/// A store in memory with some secrets, each with a lock, each read once.
fn store(secrets: usize) -> (Store, Session, Vec<SecretId>) {
    let unlock = Unlock::bytes(SecretBytes::copy_from(&[7; 32]));
    let store = StoreOptions::in_memory(unlock).create().expect("a store");
    let session = store.acting_as(Actor::parse("service/billing").expect("an actor"));
    let ids = (0..secrets).map(|number| make(&session, number)).collect();
    (store, session, ids)
}

fn make(session: &Session, number: usize) -> SecretId {
    let name = SecretName::parse(&format!("service-{number:08}-token")).expect("a name");
    let secret = NewSecret::arbitrary(name, data(100)).expect("a secret");
    let id = session.create(secret).expect("it is made").secret.expect("its id");
    session.place_lock(id, VersionRef::Current, lock()).expect("it is locked");
    session.read(id, VersionRef::Current).expect("its data");
    id
}

fn data(bytes: usize) -> SecretBytes {
    SecretBytes::copy_from(&vec![b'x'; bytes])
}

fn lock() -> NewLock {
    NewLock::new(LockName::parse("billing").expect("a name"))
}

fn reads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read");
    for bytes in [100, 10_000] {
        let (_store, session, ids) = store(1);
        session.rotate(ids[0], NewData::arbitrary(data(bytes)).expect("data")).expect("it is rotated");
        session.read(ids[0], VersionRef::Current).expect("its data");
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(BenchmarkId::new("current, static, in memory", bytes), |bencher| {
            bencher.iter(|| black_box(session.read(ids[0], VersionRef::Current).expect("its data")));
        });
    }
}

fn lock_status(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lock status");
    for secrets in [1, 10_000] {
        let (store, _session, ids) = store(secrets);
        let mut next = (0..ids.len()).cycle();
        group.bench_function(BenchmarkId::new("of one lock, among secrets", secrets), |bencher| {
            bencher.iter(|| black_box(store.lock_status(ids[next.next().expect("a cycle")]).expect("a secret")));
        });
    }
}

/// Deciding by the way of a dry run: it settles first, so two hops between threads are in it.
fn decide(criterion: &mut Criterion) {
    let (_store, session, ids) = store(1);
    let refused = Command::destroy_data(ids[0], VersionRef::Current);
    criterion.bench_function("dry run of a refused command", |bencher| {
        bencher.iter(|| black_box(session.dry_run(&refused).expect("a forecast")));
    });
}

/// What a caller does for new data: ids, a data key, sealing, wrapping; a command that is refused does no more.
fn seal(criterion: &mut Criterion) {
    let (_store, session, ids) = store(1);
    let session = session.expecting(latchkeep::Revision::new(1));
    criterion.bench_function("seal 100 bytes and be refused", |bencher| {
        bencher.iter(|| {
            let new = NewData::arbitrary(data(100)).expect("data");
            black_box(session.rotate(ids[0], new).expect_err("another revision"))
        });
    });
}

fn commands(criterion: &mut Criterion) {
    let (_store, session, ids) = store(1);
    criterion.bench_function("place and remove a lock, in memory", |bencher| {
        bencher.iter(|| {
            session.place_lock(ids[0], VersionRef::Current, lock()).expect("it is locked");
            session.run(Command::remove_locks(ids[0], VersionRef::Current, LockNames::All)).expect("it is free")
        });
    });
}

fn chain(criterion: &mut Criterion) {
    let log_id = LogId::from_bytes([7; 16]);
    let mut group = criterion.benchmark_group("chain");
    group.throughput(Throughput::Elements(RECORDS as u64));
    group.bench_function("append", |bencher| bencher.iter(|| black_box(append(&log_id))));
    let bytes = append(&log_id);
    group.bench_function("verify", |bencher| {
        bencher.iter(|| {
            let mut verifier = ChainVerifier::from_genesis(&log_id);
            for record in frames(&bytes) {
                verifier.verify(&record.expect("a record")).expect("it fits");
            }
            verifier.finish().expect("a whole batch")
        });
    });
}

/// A log of records as large as those of placed locks.
fn append(log_id: &LogId) -> Vec<u8> {
    let (mut end, mut log) = (ChainEnd::genesis(log_id), Vec::new());
    let record = NewRecord {
        erasure: Erasure::Never,
        event_type: 8,
        schema: 1,
        subject: Subject::Secret { id: SecretId::from_bytes([1; 16]), revision: latchkeep::Revision::new(1) },
        event_id: EventId::from_bytes([2; 16]),
        time: Timestamp::EPOCH,
        context: &[0; 40],
        body: &[0; 100],
    };
    for _ in 0..RECORDS {
        end.append(&[record], &mut log).expect("it follows");
    }
    log
}
