//! Many threads lock, unlock, rotate, read and delete the same secrets; afterwards the log is asked what happened.

use std::sync::{Arc, Barrier};
use std::thread;

use latchkeep::{
    ApiKeyUse, Command, Error, ErrorKind, Event, LockMode, LockNames, NewSecret, Receipt, Record, SecretId, Session,
    Store, VersionRef,
};

use crate::support::{Home, actor, api_key, arbitrary, lock, lock_name, name, next, sound, text};
use crate::walk::{receipt_matches, sound_log};

const THREADS: u64 = 8;
const STEPS: u64 = 150;
const SECRETS: usize = 3;
const CURRENT: VersionRef = VersionRef::Current;
const PREVIOUS: VersionRef = VersionRef::Previous;

/// A small source of chance, so that a run can be told from another by its seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

fn step(ops: &Session, id: SecretId, chance: &mut Chance) -> Result<Option<Receipt>, Error> {
    let lock_named = format!("lock-{}", chance.below(4));
    let version = if chance.below(2) == 0 { CURRENT } else { PREVIOUS };
    match chance.below(12) {
        0..=2 => ops.place_lock(id, version, lock(&lock_named)).map(Some),
        3 | 4 => ops.remove_lock(id, version, lock_name(&lock_named)).map(Some),
        5 => ops.run(Command::remove_locks(id, version, LockNames::All)).map(Some),
        6 => {
            let modes = [LockMode::RemovePrevious, LockMode::RemovePreviousAndDelete];
            let mode = modes[usize::try_from(chance.below(2)).unwrap()];
            ops.run(Command::place_locks(id, CURRENT, vec![lock(&lock_named)], mode)).map(Some)
        }
        7 | 8 => ops.rotate(id, next("more")).map(Some),
        9 => ops.restore(id).map(Some),
        10 => ops.destroy_data(id, PREVIOUS).map(Some),
        _ => ops.read(id, version).map(|reading| reading.receipt),
    }
}

fn run_threads(store: &Store, ids: &[SecretId], seed: u64) -> Vec<Receipt> {
    let barrier = Arc::new(Barrier::new(THREADS as usize));
    let work = |number: u64| {
        let (ops, ids, barrier) = (store.acting_as(actor(&format!("t-{number}"))), ids.to_vec(), Arc::clone(&barrier));
        thread::spawn(move || {
            let mut chance = Chance(seed ^ (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let mut receipts = Vec::new();
            barrier.wait();
            for _ in 0..STEPS {
                let id = ids[usize::try_from(chance.below(ids.len() as u64)).unwrap()];
                match step(&ops, id, &mut chance) {
                    Ok(receipt) => receipts.extend(receipt),
                    Err(error) => assert!(matches!(error.kind(), ErrorKind::Refused(_)), "seed {seed}: {error:?}"),
                }
            }
            receipts
        })
    };
    let threads: Vec<_> = (0..THREADS).map(work).collect();
    threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
}

fn count(records: &[Record], label: &str) -> usize {
    records.iter().filter(|record| record.event.label() == label).count()
}

#[test]
fn no_rotation_ever_drops_a_locked_version() {
    for seed in 1..=3 {
        let home = Home::new();
        let store = home.in_memory().create().unwrap();
        let maker = store.acting_as(actor("maker"));
        let ids: Vec<_> = (0..SECRETS).map(|number| arbitrary(&maker, &format!("s-{number}"), "data")).collect();
        let receipts = run_threads(&store, &ids, seed);
        let records = sound_log(&store);
        for receipt in receipts.iter().filter(|receipt| receipt.events > 0) {
            receipt_matches(&records, receipt);
        }
        for label in ["VersionAdded", "VersionDataDestroyed", "LockPlaced", "LockRemoved", "RotationRefused"] {
            assert!(count(&records, label) > 10, "seed {seed} made too few of {label} to say anything");
        }
        fencing_tokens_grow(&records, &receipts);
        sound(&store);
    }
}

/// Each lock stands under the position that placed it, and whoever placed it was told just that.
fn fencing_tokens_grow(records: &[Record], receipts: &[Receipt]) {
    let placed = |record: &&Record| record.count == 1 && matches!(record.event, Event::LockPlaced(_));
    let tokens: Vec<_> = records.iter().filter(placed).map(|record| record.position).collect();
    assert!(tokens.is_sorted());
    let told = tokens.iter().filter(|token| receipts.iter().any(|receipt| receipt.position == **token)).count();
    assert_eq!(told, tokens.len());
}

#[test]
fn the_same_holds_on_a_disk_and_after_a_reopen() {
    let home = Home::new();
    let store = home.create();
    let id = arbitrary(&store.acting_as(actor("maker")), "token", "data");
    let receipts = run_threads(&store, &[id], 7);
    let status = store.lock_status(id).unwrap();
    drop(store);
    let store = home.open();
    assert_eq!(store.lock_status(id).unwrap(), status);
    let records = sound_log(&store);
    receipts.iter().filter(|receipt| receipt.events > 0).for_each(|receipt| receipt_matches(&records, receipt));
    sound(&store);
}

#[test]
fn a_dynamic_secret_is_never_regenerated_while_it_is_locked() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let id = api_key(&store.acting_as(actor("maker")), "ci", ApiKeyUse::FreshPerRead, 3_600);
    let readers: Vec<_> = (0..4)
        .map(|number| {
            let ops = store.acting_as(actor(&format!("reader-{number}")));
            thread::spawn(move || {
                let read = |_| ops.read(id, CURRENT).map(|reading| reading.text().unwrap().to_owned());
                let (keys, refusals): (Vec<_>, Vec<_>) = (0..150).map(read).partition(Result::is_ok);
                assert!(refusals.iter().all(|refusal| refusal.as_ref().unwrap_err().code() == "secret_version_locked"));
                keys.into_iter().map(Result::unwrap).collect::<Vec<_>>()
            })
        })
        .collect();
    let locker = store.acting_as(actor("locker"));
    for round in 0..100 {
        locker.place_lock(id, CURRENT, lock("deploy")).unwrap();
        let held = store.secret(id).unwrap().versions[0].data;
        assert_eq!(store.secret(id).unwrap().versions[0].data, held, "round {round}");
        locker.remove_lock(id, CURRENT, lock_name("deploy")).unwrap();
    }
    let mut keys: Vec<_> = readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect();
    let regenerated = count(&sound_log(&store), "VersionRegenerated");
    assert_eq!(keys.len(), regenerated, "each read that was answered made a key of its own");
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), regenerated);
    sound(&store);
}

#[test]
fn one_of_many_creators_gets_the_name() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let creators: Vec<_> = (0..8)
        .map(|number| {
            let ops = store.acting_as(actor(&format!("creator-{number}")));
            thread::spawn(move || {
                (0..20)
                    .filter(|round| {
                        let new = NewSecret::arbitrary(name(&format!("name-{round}")), text("x")).unwrap();
                        ops.create(new).is_ok()
                    })
                    .count()
            })
        })
        .collect();
    let made: usize = creators.into_iter().map(|creator| creator.join().unwrap()).sum();
    assert_eq!((made, store.secrets().len()), (20, 20));
    sound(&store);
}

#[test]
fn readers_see_whole_states_while_the_writer_goes_on() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let ops = store.acting_as(actor("writer"));
    let ids = ["one", "two"].map(|name| arbitrary(&ops, name, "data"));
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (store, done) = (store.clone(), Arc::clone(&done));
            thread::spawn(move || {
                let mut last = 0;
                while !done.load(std::sync::atomic::Ordering::SeqCst) {
                    let locks: Vec<_> = store.secrets().iter().map(|secret| secret.locks_total()).collect();
                    assert_eq!(locks[0], locks[1], "a set of locks is seen whole or not at all");
                    let size = store.status().unwrap().log_size.get();
                    assert!(size >= last, "what is shown never goes back");
                    last = size;
                }
            })
        })
        .collect();
    for round in 0..200 {
        let target = |secret| latchkeep::LockTarget {
            secret,
            version: CURRENT,
            locks: vec![lock(&format!("lock-{round}"))],
            mode: LockMode::Keep,
        };
        ops.run(Command::place_lock_set(ids.map(target).to_vec())).unwrap();
    }
    done.store(true, std::sync::atomic::Ordering::SeqCst);
    readers.into_iter().for_each(|reader| reader.join().unwrap());
}
